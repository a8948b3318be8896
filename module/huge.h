/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_HUGE_H
#define WINMEM_HUGE_H

#include <linux/types.h>

struct vm_fault;
struct winmem_chunk;
struct winmem_pages;

bool winmem_huge_fits(const struct winmem_chunk *chunk);
bool winmem_huge_wanted(struct winmem_pages *pages, const struct winmem_chunk *chunk,
			unsigned long page);
bool winmem_huge_keep_out(struct vm_fault *vmf);

#endif /* WINMEM_HUGE_H */
