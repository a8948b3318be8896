/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_PROCESS_H
#define WINMEM_PROCESS_H

#include <winmem.h>

/**
 * winmem_process_check() - whether a handle names the calling process
 * @process: what the program gave
 *
 * Context: any.
 * Return: 0; ESRCH: it does not.
 */
int winmem_process_check(HANDLE process);

#endif /* WINMEM_PROCESS_H */
