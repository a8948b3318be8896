/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_SPACE_H
#define WINMEM_SPACE_H

#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/maple_tree.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>

#include "backing.h"
#include "charge.h"
#include "counter.h"
#include "guard.h"
#include "lock.h"
#include "pages.h"
#include "windows.h"

struct winmem_bounds;
struct winmem_region;
struct winmem_run;

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
	struct hlist_node node;		/* by spaces_lock */
	struct winmem_counter counter;	/* fixed from creation; the count needs no lock */

	struct mutex mutex;
	/* Protected by mutex. */
	struct maple_tree regions;	/* by granule */
	struct winmem_region *last;	/* the one found last, or NULL */
	struct winmem_region *vacant;	/* in the tree, but released: see space.c; or NULL */
	struct winmem_windows windows;
	unsigned long nr_regions;
	struct winmem_charge charge;
	struct winmem_locks locks;

	struct winmem_guards guards;	/* by a lock of its own */

	/* Forms by mutex, bytes by each chunk's lock. */
	struct winmem_pages pages;
};

/* Whose window a VMA is, by its file; and in which store its pages are. */
static inline struct winmem_space *winmem_space_of(const struct vm_area_struct *vma)
{
	return vma->vm_file->private_data;
}

static inline struct winmem_store *winmem_space_store(const struct vm_area_struct *vma)
{
	struct winmem_backing *backing = &winmem_space_of(vma)->backing;

	return vma->vm_file == backing->small.file ? &backing->small : &backing->huge;
}

bool winmem_space_has(struct vm_area_struct *vma);

struct winmem_space *winmem_space_open(void);
struct winmem_space *winmem_space_get(const struct mm_struct *mm);
void winmem_space_close(struct winmem_space *space);
void winmem_space_end(struct winmem_space *space);

int winmem_space_reserve(struct winmem_space *space, unsigned long start, unsigned long nr,
			 const struct winmem_bounds *bounds, enum winmem_huge huge,
			 struct winmem_region **region);
bool winmem_space_release(struct winmem_space *space, struct winmem_region *region);
struct winmem_region *winmem_space_find(struct winmem_space *space, unsigned long page);
struct winmem_region *winmem_space_next(struct winmem_space *space, unsigned long page);

#endif /* WINMEM_SPACE_H */
