// SPDX-License-Identifier: GPL-2.0-only
/*
 * MEM_RESET: contents that do not matter till they are written again. A page that is reset is
 * clean, so that reclaim drops it instead of writing it to swap; it is marked RESET till it is
 * written, and LOST when somebody has found that it is gone.
 */
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "pages.h"
#include "prot.h"
#include "reset.h"
#include "space.h"
#include "store.h"
#include "widen.h"

#define RESET_MASK	(WINMEM_PAGE_RESET | WINMEM_PAGE_LOST)

/**
 * winmem_reset_hold() - a page that is reset is about to be looked for
 * @space: space
 * @store: where it is
 * @page: page number
 *
 * A page that was reset and dropped since comes back zero. That is noted before a new
 * page can appear, so that an undo sees the one or the other. A page that is still
 * there is held: it cannot be dropped any more.
 *
 * Context: a fault; takes the chunk's lock.
 * Return: the folio with a reference, or NULL.
 */
struct folio *winmem_reset_hold(struct winmem_space *space, struct winmem_store *store,
				unsigned long page)
{
	struct winmem_chunk *chunk;
	struct folio *folio;

	if (!winmem_store_is_lost(store, page, &folio))
		return folio;

	winmem_widen(WINMEM_WIDEN_FAULT_LOST);
	chunk = winmem_pages_lock(&space->pages, page);
	if (chunk) {
		if (winmem_chunk_get(chunk, page) & WINMEM_PAGE_RESET)
			winmem_chunk_mark(chunk, page, WINMEM_PAGE_LOST);
		winmem_pages_unlock(chunk);
	}
	return NULL;
}

/*
 * Mark first, then clean: a write takes the mark off again, and one that came between
 * the two is found by that. A page that was clean has nothing to lose, except what an
 * earlier reset left of it.
 */
static void reset_page(struct winmem_space *space, struct winmem_store *store, unsigned long page)
{
	struct winmem_pages *pages = &space->pages;
	u8 before = winmem_pages_get(pages, page);

	if (!winmem_page_is_committed(before))
		return;

	winmem_pages_set_one(pages, page, RESET_MASK, WINMEM_PAGE_RESET);
	winmem_widen(WINMEM_WIDEN_RESET);
	switch (winmem_store_make_clean(store, page)) {
	case WINMEM_WAS_CLEAN:
		winmem_pages_set_one(pages, page, RESET_MASK, before & RESET_MASK);
		break;
	case WINMEM_WAS_SWAPPED:
		winmem_pages_set_one(pages, page, RESET_MASK, RESET_MASK);
		break;
	case WINMEM_WAS_DIRTY:
		if (!(winmem_pages_get(pages, page) & WINMEM_PAGE_RESET) &&
		    !winmem_store_make_dirty(store, page))
			winmem_pages_set_one(pages, page, RESET_MASK, RESET_MASK);
		break;
	}
}

/*
 * A large folio, all of whose pages are to be reset. It cannot be mapped while it is locked, so
 * no write comes between. One that was clean has nothing to lose, as above.
 */
static void reset_folio(struct winmem_space *space, struct winmem_store *store,
			unsigned long page, struct folio *folio)
{
	struct winmem_pages_change change = { .mask = RESET_MASK, .bits = WINMEM_PAGE_RESET };
	unsigned long nr = folio_nr_pages(folio);

	/* Committed as one since it is there: decommit of a part splits it, unless it is pinned. */
	if (winmem_pages_count(&space->pages, page, nr) != nr)
		return;
	winmem_pages_set(&space->pages, page, nr, &change);
	winmem_widen(WINMEM_WIDEN_RESET);
	if (winmem_store_make_large_clean(store, folio) || change.old & RESET_MASK)
		return;
	change.bits = 0;
	winmem_pages_set(&space->pages, page, nr, &change);
}

/*
 * Returns how many pages were seen to. Of a large folio that is not to be reset as a whole
 * nothing is: it is dropped as a whole, and MEM_RESET is no more than a hint.
 */
static unsigned long reset_at(struct winmem_space *space, unsigned long page, unsigned long nr)
{
	struct winmem_store *store = winmem_backing_store(&space->backing, page);
	struct folio *folio = winmem_store_get_large(store, page);
	unsigned long first, done;

	if (!folio) {
		reset_page(space, store, page);
		return 1;
	}
	folio_lock(folio);
	first = folio->index - winmem_store_index(store, 0);
	done = folio_nr_pages(folio) - (page - first);
	/* Still what it was, and not split or dropped before it was locked. */
	if (folio->mapping != winmem_store_mapping(store) || !folio_test_large(folio))
		done = 1;
	else if (first == page && done <= nr)
		reset_folio(space, store, page, folio);
	folio_unlock(folio);
	folio_put(folio);
	return done;
}

/**
 * winmem_reset_make() - the contents of pages do not matter any more
 * @space: space of the calling process
 * @start: first page
 * @nr: pages, in one reservation
 *
 * Pages that were never touched are left as they are: there is nothing to lose.
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 0; -ENOMEM; -EINTR: being killed, with some pages reset.
 */
int winmem_reset_make(struct winmem_space *space, unsigned long start, unsigned long nr)
{
	unsigned long page, last = start + nr - 1;
	int ret;

	lockdep_assert_held(&space->mutex);

	for (page = start; winmem_backing_next(&space->backing, &page, last); page++) {
		ret = winmem_pages_prepare(&space->pages, page, 1, WINMEM_PAGE_RESET);
		if (ret)
			return ret;
	}

	/* One walk over the page tables for all of it. */
	winmem_backing_unmap(&space->backing, start, nr);
	for (page = start; winmem_backing_next(&space->backing, &page, last);) {
		if (fatal_signal_pending(current))
			return -EINTR;
		/* A page that a fault made after the first loop was not there to reset. */
		if (winmem_pages_is_single(&space->pages, page))
			page += reset_at(space, page, last - page + 1);
		else
			page++;
		cond_resched();
	}
	return 0;
}

/*
 * One page matters again; false when its contents are gone. A fault that finds them gone
 * marks that before it makes a new page: so the mark is looked at after the page.
 */
static bool reset_undo_page(struct winmem_space *space, unsigned long page)
{
	struct winmem_store *store = winmem_backing_store(&space->backing, page);
	bool kept = winmem_store_make_dirty(store, page);

	winmem_widen(WINMEM_WIDEN_UNDO);
	if (winmem_pages_get(&space->pages, page) & WINMEM_PAGE_LOST)
		kept = false;
	winmem_pages_set_one(&space->pages, page, RESET_MASK, 0);
	return kept;
}

/**
 * winmem_reset_undo_some() - the contents of pages that are offered matter again, or of others
 * @space: space of the calling process
 * @start: first page
 * @nr: pages, in one reservation
 * @offered: WINMEM_PAGE_OFFERED: those that are; 0: those that are not
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 0; -ENODATA: some page was dropped and reads zero, the others are kept; -EINTR:
 * being killed.
 */
int winmem_reset_undo_some(struct winmem_space *space, unsigned long start, unsigned long nr,
			   u8 offered)
{
	unsigned long end = start + nr;
	int ret = 0;

	lockdep_assert_held(&space->mutex);

	while (start < end) {
		u8 state;
		unsigned long run = winmem_pages_run(&space->pages, start, end - start,
						     RESET_MASK | WINMEM_PAGE_OFFERED, &state);

		if (!(state & RESET_MASK) || (state & WINMEM_PAGE_OFFERED) != offered) {
			start += run;
			continue;
		}
		for (run += start; start < run; start++) {
			if (!reset_undo_page(space, start))
				ret = -ENODATA;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return ret;
}

/**
 * winmem_reset_undo() - the contents of pages matter again
 * @space: space of the calling process
 * @start: first page
 * @nr: pages, in one reservation
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 0; -ENODATA: some page was dropped and reads zero, the others are kept; -EINTR:
 * being killed.
 */
int winmem_reset_undo(struct winmem_space *space, unsigned long start, unsigned long nr)
{
	return winmem_reset_undo_some(space, start, nr, 0);
}
