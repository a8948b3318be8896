// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write watch: which pages of a reservation were written since somebody asked last. Each
 * chunk that has watched pages has two bitmaps: written, set by the fault that makes a PTE
 * writable, and latched, what PROTECT has seen of it, which outlives a decommit (rows W12
 * and W13). A page that is in neither has no writable PTE, so its next write faults.
 *
 * A reset takes the bits first and the PTEs' permission after that. A write that comes
 * between the two needs no fault, and is told of all the same: its page is one of those
 * that the call returns. A fault that saw the bits before is waited for, by its chunk's lock
 * or its folio's, before the PTEs are looked at.
 */
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "backing.h"
#include "chunk.h"
#include "pages.h"
#include "prot.h"
#include "space.h"
#include "watch.h"
#include "widen.h"

/* The part of a range that lies in one chunk, which has bitmaps. */
struct watch_part {
	struct winmem_chunk *chunk;
	unsigned long start;	/* page */
	unsigned int offset;	/* of it in the chunk */
	unsigned int nr;
};

/* Find the first part at start or above; false when there is none before end. */
static bool part_find(struct winmem_space *space, unsigned long start, unsigned long end,
		      struct watch_part *part)
{
	while (start < end) {
		part->chunk = winmem_pages_next(&space->pages, &start, end - 1);
		if (!part->chunk)
			return false;
		part->start = start;
		part->offset = winmem_chunk_offset(start);
		part->nr = min(end - start, WINMEM_CHUNK_PAGES - part->offset);
		if (part->chunk->watch)
			return true;
		start += part->nr;
		cond_resched();
	}
	return false;
}

#define for_each_part(space, page, end, part)					\
	for (; part_find(space, page, end, &(part)); (page) = (part).start + (part).nr)

/**
 * winmem_watch_prepare() - have bitmaps for pages that are about to be committed
 * @space: space of the calling process
 * @start: first page
 * @nr: pages
 *
 * What was made stays when this fails; it shows nowhere and goes with the reservation.
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 0; -ENOMEM; -EINTR: being killed.
 */
int winmem_watch_prepare(struct winmem_space *space, unsigned long start, unsigned long nr)
{
	unsigned long end = start + nr;

	lockdep_assert_held(&space->mutex);

	for (; start < end; start = (start | (WINMEM_CHUNK_PAGES - 1)) + 1) {
		int ret = winmem_pages_make_watch(&space->pages, start);

		if (ret)
			return ret;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static void part_note(const struct watch_part *part)
{
	unsigned long page;

	spin_lock(&part->chunk->lock);
	for (page = part->start; page < part->start + part->nr; page++) {
		if (winmem_page_access(winmem_chunk_get(part->chunk, page)) & WINMEM_ACCESS_WRITE)
			winmem_chunk_note_write(part->chunk, page);
	}
	spin_unlock(&part->chunk->lock);
}

/**
 * winmem_watch_note() - pages count as written if they may be: they have been locked (G10)
 * @space: space
 * @start: first page
 * @nr: pages
 *
 * Context: the space's mutex is held; may sleep.
 */
void winmem_watch_note(struct winmem_space *space, unsigned long start, unsigned long nr)
{
	unsigned long end = start + nr;
	struct watch_part part;

	for_each_part(space, start, end, part) {
		part_note(&part);
		cond_resched();
	}
}

/**
 * winmem_watch_latch() - remember over a decommit what was written so far
 * @space: space
 * @start: first page
 * @nr: pages, whose protection changes
 *
 * Context: the space's mutex is held; may sleep.
 */
void winmem_watch_latch(struct winmem_space *space, unsigned long start, unsigned long nr)
{
	unsigned long end = start + nr;
	struct watch_part part;

	for_each_part(space, start, end, part) {
		struct winmem_chunk_watch *watch = part.chunk->watch;
		unsigned int bit, last = part.offset + part.nr;

		spin_lock(&part.chunk->lock);
		bit = part.offset;
		for_each_set_bit_from(bit, watch->written, last)
			__set_bit(bit, watch->latched);
		spin_unlock(&part.chunk->lock);
		cond_resched();
	}
}

static void part_clear(const struct watch_part *part, bool latched)
{
	struct winmem_chunk_watch *watch = part->chunk->watch;

	spin_lock(&part->chunk->lock);
	bitmap_clear(watch->written, part->offset, part->nr);
	if (latched)
		bitmap_clear(watch->latched, part->offset, part->nr);
	spin_unlock(&part->chunk->lock);
}

/**
 * winmem_watch_clear() - forget what was written
 * @space: space
 * @start: first page
 * @nr: pages, none of which a fault would map now
 * @latched: what is latched too: the reservation begins or ends
 *
 * Context: the space's mutex is held; may sleep.
 */
void winmem_watch_clear(struct winmem_space *space, unsigned long start, unsigned long nr,
			bool latched)
{
	unsigned long end = start + nr;
	struct watch_part part;

	for_each_part(space, start, end, part) {
		part_clear(&part, latched);
		cond_resched();
	}
}

/* The first page from one on that is in a bitmap, or end; the chunk is locked or may change. */
static unsigned int part_next(const struct watch_part *part, unsigned int bit)
{
	const struct winmem_chunk_watch *watch = part->chunk->watch;
	unsigned int end = part->offset + part->nr;

	return min(find_next_bit(watch->written, end, bit), find_next_bit(watch->latched, end, bit));
}

static int list_make_room(struct winmem_watch_list *list, unsigned long more)
{
	unsigned long room = max(list->nr + more, 2 * list->room);
	u64 *addrs;

	if (list->room - list->nr >= more)
		return 0;
	/* As long as the program likes: that it is too long is its error alone. */
	addrs = kvmalloc_array(room, sizeof(*addrs), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!addrs)
		return -ENOMEM;
	if (list->nr)
		memcpy(addrs, list->addrs, list->nr * sizeof(*addrs));
	kvfree(list->addrs);
	list->addrs = addrs;
	list->room = room;
	return 0;
}

/* List the pages of a part, up to max of them. Returns where the last one is in the chunk. */
static unsigned int part_list(const struct watch_part *part, unsigned long max, bool reset,
			      struct winmem_watch_list *list)
{
	struct winmem_chunk_watch *watch = part->chunk->watch;
	u64 first = (u64)(part->start - part->offset) << PAGE_SHIFT;
	unsigned int bit = part->offset, last = part->offset, end = part->offset + part->nr;
	DECLARE_BITMAP(either, WINMEM_CHUNK_PAGES);

	spin_lock(&part->chunk->lock);
	bitmap_or(either, watch->written, watch->latched, WINMEM_CHUNK_PAGES);
	for_each_set_bit_from(bit, either, end) {
		u64 addr = first + ((u64)bit << PAGE_SHIFT);

		if (reset && test_bit(bit, watch->latched)) {
			addr |= WINMEM_WATCH_LATCHED;
			list->latched = true;
		}
		list->addrs[list->nr++] = addr;
		last = bit;
		if (!--max)
			break;
	}
	if (reset) {
		bitmap_clear(watch->written, part->offset, last - part->offset + 1);
		bitmap_clear(watch->latched, part->offset, last - part->offset + 1);
	}
	spin_unlock(&part->chunk->lock);
	return last;
}

/* Bits first, then the write permission of the same PTEs. mmap_lock is held. */
static int watch_list(struct winmem_space *space, unsigned long start, unsigned long nr,
		      unsigned long max, bool reset, struct winmem_watch_list *list)
{
	unsigned long end = start + nr;
	struct watch_part part;

	for_each_part(space, start, end, part) {
		unsigned int last;
		int ret;

		if (fatal_signal_pending(current))
			return -EINTR;
		if (part_next(&part, part.offset) == part.offset + part.nr)
			continue;
		ret = list_make_room(list, part.nr);
		if (ret)
			return ret;
		last = part_list(&part, max - list->nr, reset, list);
		winmem_widen(WINMEM_WIDEN_WATCH);
		if (reset)
			winmem_backing_make_unwritten(&space->backing, part.start,
						      last - part.offset + 1);
		if (list->nr == max)
			break;
		cond_resched();
	}
	return 0;
}

/**
 * winmem_watch_collect() - list the pages that were written
 * @space: space of the calling process
 * @start: first page
 * @nr: pages, in one reservation that is watched
 * @max: how many to list at most
 * @reset: count those listed as not written again
 * @list: empty; to fill; the caller frees its array in any case
 *
 * Context: the space's mutex is held; may sleep; takes mmap_lock, so that no mprotect(2)
 * comes between a reset's steps: it takes a dirty PTE for one that may be made writable.
 * Return: 0; -ENOMEM; -EINTR: being killed. Nothing is reset when it fails.
 */
int winmem_watch_collect(struct winmem_space *space, unsigned long start, unsigned long nr,
			 unsigned long max, bool reset, struct winmem_watch_list *list)
{
	int ret;

	lockdep_assert_held(&space->mutex);

	if (mmap_read_lock_killable(space->mm))
		return -EINTR;
	ret = watch_list(space, start, nr, max, reset, list);
	mmap_read_unlock(space->mm);
	if (ret && reset)
		winmem_watch_restore(space, list);
	return ret;
}

/**
 * winmem_watch_reset() - count all pages as not written
 * @space: space of the calling process
 * @start: first page
 * @nr: pages, in one reservation that is watched
 *
 * Context: the space's mutex is held; may sleep; takes mmap_lock.
 * Return: 0; -EINTR: being killed, nothing is reset.
 */
int winmem_watch_reset(struct winmem_space *space, unsigned long start, unsigned long nr)
{
	unsigned long end = start + nr;
	struct watch_part part;

	lockdep_assert_held(&space->mutex);

	if (mmap_read_lock_killable(space->mm))
		return -EINTR;
	for_each_part(space, start, end, part) {
		if (part_next(&part, part.offset) == part.offset + part.nr)
			continue;
		part_clear(&part, true);
		winmem_backing_make_unwritten(&space->backing, part.start, part.nr);
		cond_resched();
	}
	mmap_read_unlock(space->mm);
	return 0;
}

/**
 * winmem_watch_restore() - count pages as written again that nobody was told of
 * @space: space of the calling process
 * @list: what winmem_watch_collect() has listed
 *
 * Context: the space's mutex is held; may sleep.
 */
void winmem_watch_restore(struct winmem_space *space, const struct winmem_watch_list *list)
{
	unsigned long i;

	lockdep_assert_held(&space->mutex);

	for (i = 0; i < list->nr; i++) {
		unsigned long page = list->addrs[i] >> PAGE_SHIFT;
		struct watch_part part;

		if (!part_find(space, page, page + 1, &part))
			continue;
		spin_lock(&part.chunk->lock);
		winmem_chunk_note_write(part.chunk, page);
		if (list->addrs[i] & WINMEM_WATCH_LATCHED)
			__set_bit(part.offset, part.chunk->watch->latched);
		spin_unlock(&part.chunk->lock);
		cond_resched();
	}
}
