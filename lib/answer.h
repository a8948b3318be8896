/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_ANSWER_H
#define WINMEM_ANSWER_H

struct winmem_query;

/**
 * winmem_answer() - WINMEM_IOC_QUERY, without a system call where that can be
 * @query: as for the ioctl, and written as by it
 *
 * Context: any thread, signal handlers included. Leaves errno alone.
 * Return: as winmem_ioctl().
 */
int winmem_answer(struct winmem_query *query);

#endif /* WINMEM_ANSWER_H */
