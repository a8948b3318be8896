/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_LARGE_H
#define WINMEM_LARGE_H

struct winmem_region;
struct winmem_space;

int winmem_large_make(struct winmem_space *space, struct winmem_region *region);
void winmem_large_end(struct winmem_space *space, struct winmem_region *region);
unsigned long winmem_large_count(struct winmem_space *space, unsigned long start,
				 unsigned long nr);

#endif /* WINMEM_LARGE_H */
