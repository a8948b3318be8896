/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_WINDOW_H
#define WINMEM_WINDOW_H

#include <linux/types.h>

struct maple_tree;
struct mm_struct;
struct winmem_backing;

/* Where in an address space to look, in pages; high: the highest place, not the lowest. */
struct winmem_bounds {
	unsigned long start;
	unsigned long end;	/* exclusive */
	unsigned long align;	/* pages, a power of two */
	bool high;
};

bool winmem_window_fit(struct maple_tree *tree, unsigned long low, unsigned long high,
		       unsigned long size, unsigned long align, bool top, unsigned long *start);
int winmem_window_hole(struct mm_struct *mm, const struct winmem_bounds *bounds,
		       unsigned long nr, unsigned long *start);
int winmem_window_map(struct mm_struct *mm, struct winmem_backing *backing, unsigned long start,
		      unsigned long nr);
int winmem_window_unmap(struct mm_struct *mm, struct winmem_backing *backing, unsigned long start,
			unsigned long nr);
bool winmem_window_is_whole(struct mm_struct *mm, struct winmem_backing *backing, unsigned long start,
			    unsigned long nr, bool *exec);
bool winmem_window_gap(struct mm_struct *mm, struct winmem_backing *backing, unsigned long *start,
		       unsigned long *nr);
int winmem_window_make_exec(struct mm_struct *mm, struct winmem_backing *backing, unsigned long start,
			    unsigned long nr, bool exec);
bool winmem_window_agrees(struct mm_struct *mm, struct winmem_backing *backing, unsigned long start,
			  unsigned long nr, bool exec);

#endif /* WINMEM_WINDOW_H */
