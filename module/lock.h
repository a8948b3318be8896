/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_LOCK_H
#define WINMEM_LOCK_H

#include <linux/xarray.h>

struct mm_struct;
struct winmem_space;

/* The pages that are locked. By the space's mutex. */
struct winmem_locks {
	struct xarray pages;		/* struct page, pinned; by page number */
	unsigned long nr;
};

void winmem_locks_init(struct winmem_locks *locks);
void winmem_locks_destroy(struct winmem_locks *locks, struct mm_struct *mm);

int winmem_lock_make(struct winmem_space *space, unsigned long start, unsigned long nr,
		     unsigned long limit);
int winmem_lock_undo(struct winmem_space *space, unsigned long start, unsigned long nr);
unsigned long winmem_lock_count(const struct winmem_locks *locks, unsigned long start,
				unsigned long nr);
void winmem_lock_drop(struct winmem_space *space, unsigned long start, unsigned long nr);

#endif /* WINMEM_LOCK_H */
