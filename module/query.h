/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_QUERY_H
#define WINMEM_QUERY_H

struct winmem_run;
struct winmem_space;

int winmem_query(struct winmem_space *space, unsigned long page, struct winmem_run *run);

#endif /* WINMEM_QUERY_H */
