/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_WINDOWS_H
#define WINMEM_WINDOWS_H

#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/maple_tree.h>
#include <linux/mm_types.h>
#include <linux/sizes.h>

struct winmem_backing;

/* Reservations begin at multiples of 64 KiB: a granule, 16 pages. */
#define WINMEM_GRANULE_SHIFT	(16 - PAGE_SHIFT)
#define WINMEM_GRANULE_PAGES	(1UL << WINMEM_GRANULE_SHIFT)

/* The range that Windows gives to programs (row S01), in pages, end exclusive. */
#define WINMEM_PAGE_MIN		(0x10000UL >> PAGE_SHIFT)
#define WINMEM_PAGE_END		(0x7FFFFFFF0000UL >> PAGE_SHIFT)

/* Kept windows are placed from 4 GiB on, where page tables begin. */
#define WINMEM_KEPT_BASE	(SZ_4G >> PAGE_SHIFT)
#define WINMEM_KEPT_ALIGN	(SZ_2M >> PAGE_SHIFT)

/* Removing an entry from a tree may need a node, and cannot be refused. */
#define WINMEM_GFP_ERASE	(GFP_KERNEL | __GFP_NOFAIL)

/* Whether a reservation is to have huge pages. */
enum winmem_huge {
	WINMEM_HUGE_NEVER,
	WINMEM_HUGE_MAYBE,	/* if it is long enough, and where the program uses it so */
	WINMEM_HUGE_ALWAYS,	/* in a window that is new and nobody else's */
};

struct winmem_window {
	struct list_head node;		/* in kept; empty for the others */
	unsigned long start;
	unsigned long nr;
	unsigned long users;		/* reservations that touch it */
	unsigned long full;		/* of the kept ones: so many pages had no place; 0: not known */
	bool huge;			/* in the huge store */
	bool high;			/* of the kept ones: for TOP_DOWN */
};

struct winmem_windows {
	/* Fixed from creation. */
	struct mm_struct *mm;
	struct winmem_backing *backing;
	struct maple_tree *regions;
	unsigned long base;		/* page from where windows are placed */

	/* Protected by the space's mutex. */
	struct maple_tree tree;		/* by granule */
	struct list_head kept;		/* windows that any reservation may be placed in */
	unsigned long kept_pages;
};

static inline unsigned long winmem_granule(unsigned long page)
{
	return page >> WINMEM_GRANULE_SHIFT;
}

static inline bool winmem_window_is_kept(const struct winmem_window *window)
{
	return !list_empty(&window->node);
}

void winmem_windows_init(struct winmem_windows *windows, struct mm_struct *mm,
			 struct winmem_backing *backing,
			 struct maple_tree *regions);
void winmem_windows_destroy(struct winmem_windows *windows);
int winmem_windows_take(struct winmem_windows *windows, unsigned long start, unsigned long nr,
			enum winmem_huge huge, bool *exec);
struct winmem_window *winmem_windows_add(struct winmem_windows *windows, unsigned long start,
					 unsigned long nr, bool huge);
bool winmem_windows_are_huge(enum winmem_huge huge, unsigned long nr);
int winmem_windows_repair(struct winmem_windows *windows, unsigned long start, unsigned long nr,
			  bool *exec);
int winmem_windows_carve(struct winmem_windows *windows, struct winmem_window *window,
			 unsigned long start, unsigned long nr);
bool winmem_windows_use(struct winmem_windows *windows, unsigned long start, unsigned long nr,
			int change);

#endif /* WINMEM_WINDOWS_H */
