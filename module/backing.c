// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory under a space: one file for most of it, and another for the windows in which
 * there may be huge pages (store.c). Each range of the address space is in one of the two:
 *
 *	huge windows	       [-----------]		[------]
 *	store		small  |   huge	   |   small	| huge |  small
 *
 * A range that is asked about may hold parts of both. A fault needs nothing of this: it knows
 * the file of its mapping.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/minmax.h>

#include "backing.h"
#include "compat.h"

/* A part of a range that lies in one store. */
struct backing_part {
	struct winmem_store *store;
	unsigned long start;
	unsigned long nr;
};

/* End a part where the other store begins. */
static noinline void part_cut(struct winmem_backing *backing, struct backing_part *part)
{
	MA_STATE(mas, &backing->ranges, part->start, part->start);
	unsigned long last = part->start + part->nr - 1;

	if (!mas_find(&mas, last))
		return;
	if (mas.index > part->start) {
		part->nr = mas.index - part->start;
	} else {
		part->store = &backing->huge;
		part->nr = min(last, mas.last) - part->start + 1;
	}
}

static bool part_find(struct winmem_backing *backing, unsigned long page, unsigned long end,
		      struct backing_part *part)
{
	if (page >= end)
		return false;
	part->store = &backing->small;
	part->start = page;
	part->nr = end - page;
	if (backing->huge.file)
		part_cut(backing, part);
	return true;
}

#define for_each_part(backing, first, end, part) \
	for ((part).start = (first), (part).nr = 0; \
	     part_find(backing, (part).start + (part).nr, end, &(part));)

/* Call a function for each part of a range: directly, for it is known where this is used. */
static __always_inline void do_parts(struct winmem_backing *backing, unsigned long start,
				     unsigned long nr,
				     void (*function)(struct winmem_store *store,
						      unsigned long start, unsigned long nr))
{
	struct backing_part part;

	for_each_part(backing, start, start + nr, part)
		function(part.store, part.start, part.nr);
}

/**
 * winmem_backing_open() - make the memory of a new space
 * @backing: to fill
 * @owner: what the files' private_data is to point to
 * @mutex: that of the space
 *
 * Context: may sleep.
 * Return: 0, and the caller holds the first reference of the small store's file; or -errno of
 * shmem_file_setup().
 */
int winmem_backing_open(struct winmem_backing *backing, void *owner, struct mutex *mutex)
{
	mt_init_flags(&backing->ranges, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_LOCK_EXTERN | MT_FLAGS_USE_RCU);
	mt_set_external_lock(&backing->ranges, mutex);
	return winmem_store_open(&backing->small, owner, false);
}

/**
 * winmem_backing_close() - from the release of the small store's file: nothing is mapped
 * @backing: backing of a space that ends
 *
 * Context: the space's mutex is held; may sleep.
 */
void winmem_backing_close(struct winmem_backing *backing)
{
	__mt_destroy(&backing->ranges);
	winmem_store_close(&backing->small);
	if (!backing->huge.file)
		return;
	winmem_store_close(&backing->huge);
	fput(backing->huge.file);
}

/* The tree's last word is ours: nobody has been told of the range yet, or knows of it still. */
static int ranges_store(struct winmem_backing *backing, unsigned long start, unsigned long nr,
			void *entry, gfp_t gfp)
{
	MA_STATE(mas, &backing->ranges, start, start + nr - 1);

	return mas_store_gfp(&mas, entry, gfp);
}

/**
 * winmem_backing_make_huge() - a range is to be in the huge store
 * @backing: backing
 * @start: first page
 * @nr: pages, of which none is mapped or has memory
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 0; -EOPNOTSUPP: this kernel makes no huge pages; -ENOMEM.
 */
int winmem_backing_make_huge(struct winmem_backing *backing, unsigned long start,
			     unsigned long nr)
{
	int ret = 0;

	if (!backing->huge.file)
		ret = winmem_store_open(&backing->huge, backing->small.file->private_data, true);
	return ret ?: ranges_store(backing, start, nr, &backing->huge, GFP_KERNEL_ACCOUNT);
}

/**
 * winmem_backing_make_small() - undo winmem_backing_make_huge()
 * @backing: backing
 * @start: first page
 * @nr: pages, of which none is mapped or has memory
 *
 * Context: the space's mutex is held; may sleep. Does not fail.
 */
void winmem_backing_make_small(struct winmem_backing *backing, unsigned long start,
			       unsigned long nr)
{
	ranges_store(backing, start, nr, NULL, GFP_KERNEL | __GFP_NOFAIL);
}

/**
 * winmem_backing_store() - where a page is
 * @backing: backing
 * @page: page number
 *
 * Context: the space's mutex is held.
 * Return: one of the two stores.
 */
struct winmem_store *winmem_backing_store(struct winmem_backing *backing, unsigned long page)
{
	struct backing_part part;

	part_find(backing, page, page + 1, &part);
	return part.store;
}

/**
 * winmem_backing_has_huge() - whether some of a range is in the huge store
 * @backing: backing
 * @start: first page
 * @nr: pages
 *
 * Context: any.
 */
bool winmem_backing_has_huge(struct winmem_backing *backing, unsigned long start,
			     unsigned long nr)
{
	MA_STATE(mas, &backing->ranges, start, start);
	bool has;

	rcu_read_lock();
	has = mas_find(&mas, start + nr - 1);
	rcu_read_unlock();
	return has;
}

/**
 * winmem_backing_owns() - whether a file is one of a space's
 * @backing: backing
 * @file: file of some mapping, or NULL
 *
 * Context: any.
 */
bool winmem_backing_owns(const struct winmem_backing *backing, const struct file *file)
{
	return file && (file == backing->small.file || file == READ_ONCE(backing->huge.file));
}

/**
 * winmem_backing_settle() - wait for faults that saw the states before
 * @backing: backing
 * @start: first page
 * @nr: pages
 *
 * Context: the space's mutex is held; as winmem_store_settle().
 */
void winmem_backing_settle(struct winmem_backing *backing, unsigned long start,
			   unsigned long nr)
{
	do_parts(backing, start, nr, winmem_store_settle);
}

/**
 * winmem_backing_write_protect() - no page of a range is mapped for writing any more
 * @backing: backing
 * @start: first page
 * @nr: pages
 *
 * Context: the space's mutex is held; as winmem_store_write_protect().
 */
void winmem_backing_write_protect(struct winmem_backing *backing, unsigned long start,
				  unsigned long nr)
{
	do_parts(backing, start, nr, winmem_store_write_protect);
}

/**
 * winmem_backing_make_unwritten() - the next write to each page of a range faults
 * @backing: backing
 * @start: first page
 * @nr: pages
 *
 * Context: the space's mutex is held; as winmem_store_make_unwritten().
 */
void winmem_backing_make_unwritten(struct winmem_backing *backing, unsigned long start,
				   unsigned long nr)
{
	do_parts(backing, start, nr, winmem_store_make_unwritten);
}

/**
 * winmem_backing_unmap() - no page of a range is mapped any more
 * @backing: backing
 * @start: first page
 * @nr: pages
 *
 * Context: the space's mutex is held; as winmem_store_unmap().
 */
void winmem_backing_unmap(struct winmem_backing *backing, unsigned long start,
			  unsigned long nr)
{
	do_parts(backing, start, nr, winmem_store_unmap);
}

/**
 * winmem_backing_drop() - give memory and swap of a range back
 * @backing: backing
 * @start: first page
 * @nr: pages
 *
 * Context: the space's mutex is held; as winmem_store_drop().
 */
void winmem_backing_drop(struct winmem_backing *backing, unsigned long start,
			 unsigned long nr)
{
	do_parts(backing, start, nr, winmem_store_drop);
}

/**
 * winmem_backing_next() - find the next page that has memory or swap
 * @backing: backing
 * @page: where to begin; set to the page found
 * @last: last page to look at
 *
 * Context: the space's mutex is held.
 * Return: false when there is none.
 */
bool winmem_backing_next(struct winmem_backing *backing, unsigned long *page,
			 unsigned long last)
{
	struct backing_part part;

	for_each_part(backing, *page, last + 1, part) {
		*page = part.start;
		if (winmem_store_next(part.store, page, part.start + part.nr - 1))
			return true;
	}
	return false;
}
