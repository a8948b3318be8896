/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_SPACE_H
#define WINMEM_SPACE_H

#include <linux/hashtable.h>
#include <linux/maple_tree.h>
#include <linux/mutex.h>
#include <linux/sizes.h>

#include "backing.h"
#include "charge.h"
#include "guard.h"
#include "pages.h"
#include "window.h"

struct mm_struct;
struct winmem_region;
struct winmem_run;

/* Reservations begin at multiples of 64 KiB: a granule, 16 pages. */
#define WINMEM_GRANULE_SHIFT	(16 - PAGE_SHIFT)
#define WINMEM_GRANULE_PAGES	(1UL << WINMEM_GRANULE_SHIFT)

/* The range that Windows gives to programs (row S01), in pages, end exclusive. */
#define WINMEM_PAGE_MIN		(0x10000UL >> PAGE_SHIFT)
#define WINMEM_PAGE_END		(0x7FFFFFFF0000UL >> PAGE_SHIFT)

/*
 * The address space of one process, as winmem knows it.
 *
 * Lock order: mutex, mmap_lock, i_mmap_rwsem, folio lock, a chunk's lock, the page
 * table's lock. Faults run inside mmap_lock or a VMA's lock and never take the mutex;
 * nobody touches user memory under it.
 */
struct winmem_space {
	struct mm_struct *mm;		/* fixed from creation, grabbed, never used */
	struct winmem_backing backing;	/* fixed from creation */
	unsigned long base;		/* page from where windows are placed; fixed */
	struct hlist_node node;		/* by spaces_lock */

	struct mutex mutex;
	/* Protected by mutex. */
	struct maple_tree regions;	/* by granule */
	struct winmem_region *last;	/* the one found last, or NULL */
	struct maple_tree windows;	/* by granule */
	struct list_head kept;		/* windows that any reservation may be placed in */
	unsigned long kept_pages;
	unsigned long nr_regions;
	struct winmem_charge charge;

	struct winmem_guards guards;	/* by a lock of its own */

	/* Forms by mutex, bytes by each chunk's lock. */
	struct winmem_pages pages;
};

struct winmem_space *winmem_space_open(void);
void winmem_space_close(struct winmem_space *space);
void winmem_space_end(struct winmem_space *space);

int winmem_space_reserve(struct winmem_space *space, unsigned long start, unsigned long nr,
			 const struct winmem_bounds *bounds, struct winmem_region **region);
bool winmem_space_release(struct winmem_space *space, struct winmem_region *region);
struct winmem_region *winmem_space_find(struct winmem_space *space, unsigned long page);
struct winmem_region *winmem_space_next(struct winmem_space *space, unsigned long page);

#endif /* WINMEM_SPACE_H */
