// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that stay in memory. mlock(2) is a property of mappings and would split them; here
 * a locked page is one that the module has pinned, as drivers do for a long transfer.
 *
 * What a pin does: reclaim may take the page out of the page tables, and leaves it when it sees
 * the pin (shrink_folio_list(), before shmem is asked to write it to swap), for the
 * references are more than the page cache's and its own. Nor can it drop the page if it is
 * clean, and migration gives up for the same reason. So the page need not leave the lists of
 * reclaim, which modules cannot have done; it is only looked at in vain. FOLL_LONGTERM moves a
 * page out of memory that must stay movable before it is pinned. A page that lost its PTE
 * so is mapped again by the next access, without waiting for anything.
 *
 * A pinned page does not leave the file either: that is decommit's work and release's, under
 * the space's mutex, and they end the lock first. Which page was pinned is noted all the same, and
 * no other is ever unpinned: the kernel takes a page out that its memory has spoiled.
 *
 * The program may unmap windows. A page that is locked stays so, as it stays committed.
 */
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "backing.h"
#include "chunk.h"
#include "lock.h"
#include "pages.h"
#include "prot.h"
#include "space.h"
#include "watch.h"

/* Pages that are pinned with one walk over the page tables. */
#define LOCK_BATCH	32

/* Pages that the call at work has locked, and that it unlocks when it fails. */
#define LOCK_NEW	XA_MARK_0

/**
 * winmem_locks_init() - nothing is locked
 * @locks: of a space
 *
 * Context: any.
 */
void winmem_locks_init(struct winmem_locks *locks)
{
	xa_init_flags(&locks->pages, XA_FLAGS_ACCOUNT);
	locks->nr = 0;
}

/* Unlock the pages of a range that are; returns how many were. */
static unsigned long unpin_range(struct winmem_locks *locks, unsigned long start,
				 unsigned long last)
{
	unsigned long index, nr = 0;
	struct page *page;

	xa_for_each_range(&locks->pages, index, page, start, last) {
		xa_erase(&locks->pages, index);
		unpin_user_page(page);
		nr++;
		cond_resched();
	}
	return nr;
}

static void give_back(struct winmem_locks *locks, struct mm_struct *mm, unsigned long nr)
{
	locks->nr -= nr;
	account_locked_vm(mm, nr, false);
}

/**
 * winmem_locks_destroy() - unlock everything, of a space that ends
 * @locks: locks
 * @mm: the space's mm, of which not much more than its counters may be left
 *
 * Context: may sleep; takes mmap_lock.
 */
void winmem_locks_destroy(struct winmem_locks *locks, struct mm_struct *mm)
{
	give_back(locks, mm, unpin_range(locks, 0, ULONG_MAX));
	WARN_ON_ONCE(locks->nr);
	xa_destroy(&locks->pages);
}

/**
 * winmem_lock_count() - how many pages of a range are locked
 * @locks: of a space
 * @start: first page
 * @nr: pages
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 0 to @nr.
 */
unsigned long winmem_lock_count(const struct winmem_locks *locks, unsigned long start,
				unsigned long nr)
{
	struct xarray *pages = (struct xarray *)&locks->pages;
	unsigned long index, count = 0;
	struct page *page;

	xa_for_each_range(pages, index, page, start, start + nr - 1) {
		count++;
		cond_resched();
	}
	return count;
}

/* A guard that is hit goes, and whoever comes too late for it finds an ordinary page. */
static bool take_guard(struct winmem_space *space, unsigned long page)
{
	struct winmem_chunk *chunk = winmem_pages_lock(&space->pages, page);
	bool taken;

	if (!chunk)
		return false;
	taken = winmem_chunk_get(chunk, page) & WINMEM_PAGE_GUARD;
	if (taken) {
		winmem_counter_begin(&space->counter);
		winmem_chunk_clear(chunk, page, WINMEM_PAGE_GUARD);
	}
	winmem_pages_unlock(chunk);
	return taken;
}

/* Whether the pages from one on can be touched; *nr: how many of them are alike. */
static int lock_look(struct winmem_space *space, unsigned long page, unsigned long *nr)
{
	u8 state;

	*nr = winmem_pages_run(&space->pages, page, *nr,
			       WINMEM_PAGE_VISIBLE | WINMEM_PAGE_OFFERED, &state);
	if (!winmem_page_is_committed(state))
		return -ENXIO;
	if (state & WINMEM_PAGE_OFFERED)
		return -EFAULT;
	if (!(state & WINMEM_PAGE_GUARD))
		return winmem_page_access(state) ? 0 : -EFAULT;
	*nr = 0;
	return take_guard(space, page) ? -EKEYREJECTED : 0;
}

/*
 * Rows L06 and G06: what the first page says that cannot be touched. Till the mutex is let
 * go states change in one way only, a guard is hit, and there is none.
 */
static int lock_check(struct winmem_space *space, unsigned long start, unsigned long nr)
{
	unsigned long end = start + nr, run;
	int ret = 0;

	for (; !ret && start < end; start += run) {
		run = end - start;
		ret = lock_look(space, start, &run);
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
	}
	return ret;
}

/* The page of the space's file, and not of something that was mapped over a window. */
static bool is_own(struct winmem_space *space, struct page *page, unsigned long nr)
{
	struct winmem_store *store = winmem_backing_store(&space->backing, nr);
	struct folio *folio = page_folio(page);

	return folio->mapping == winmem_store_mapping(store) &&
	       folio->index + folio_page_idx(folio, page) == winmem_store_index(store, nr);
}

/* Note a page that has been pinned, for which there is one pin and no more. */
static int lock_note(struct winmem_space *space, unsigned long nr, struct page *page)
{
	struct xarray *pages = &space->locks.pages;
	int ret;

	if (xa_load(pages, nr)) {
		unpin_user_page(page);
		return 0;
	}
	ret = is_own(space, page, nr) ? xa_err(xa_store(pages, nr, page, GFP_KERNEL)) : -EFAULT;
	if (ret) {
		unpin_user_page(page);
		return ret;
	}
	xa_set_mark(pages, nr, LOCK_NEW);
	return 0;
}

/* Returns how many pages it was, or an error and none of them pinned that was not noted. */
static long lock_batch(struct winmem_space *space, unsigned long start, unsigned long nr)
{
	struct page *batch[LOCK_BATCH];
	int i, pinned, ret = 0;

	nr = min_t(unsigned long, nr, LOCK_BATCH);
	/* To read: a page that is read-only can be locked, and none becomes dirty. */
	pinned = pin_user_pages_fast(start << PAGE_SHIFT, nr, FOLL_LONGTERM, batch);
	if (pinned <= 0)
		return pinned ?: -EFAULT;
	for (i = 0; i < pinned && !ret; i++)
		ret = lock_note(space, start + i, batch[i]);
	if (!ret)
		return pinned;
	unpin_user_pages(batch + i, pinned - i);
	return ret;
}

static int lock_range(struct winmem_space *space, unsigned long start, unsigned long nr)
{
	unsigned long end = start + nr;
	long ret;

	while (start < end) {
		ret = lock_batch(space, start, end - start);
		if (ret < 0)
			return fatal_signal_pending(current) ? -EINTR : ret;
		start += ret;
		cond_resched();
	}
	return 0;
}

/* What the call has locked is locked, or it is not. */
static void lock_finish(struct winmem_locks *locks, bool keep)
{
	unsigned long index;
	struct page *page;

	xa_for_each_marked(&locks->pages, index, page, LOCK_NEW) {
		if (keep) {
			xa_clear_mark(&locks->pages, index, LOCK_NEW);
		} else {
			xa_erase(&locks->pages, index);
			unpin_user_page(page);
		}
		cond_resched();
	}
}

/* Errors of pinning and of the pages' own I/O, in the words of the interface. */
static int lock_errno(int err)
{
	return err == -EINTR || err == -EFAULT ? err : -ENOMEM;
}

/**
 * winmem_lock_make() - lock pages, all or none
 * @space: space of the calling process
 * @start: first page
 * @nr: pages
 * @limit: how many pages may be locked afterwards
 *
 * Context: the space's mutex is held, of the process that calls; may sleep; takes mmap_lock
 * and faults.
 * Return: 0; -ENXIO: a page is not committed; -EFAULT: one cannot be touched;
 * -EKEYREJECTED: one had a guard, which is gone; -ENOLCK: too many; -ENOMEM; -EINTR: being
 * killed.
 */
int winmem_lock_make(struct winmem_space *space, unsigned long start, unsigned long nr,
		     unsigned long limit)
{
	struct winmem_locks *locks = &space->locks;
	unsigned long fresh;
	int ret;

	lockdep_assert_held(&space->mutex);

	ret = lock_check(space, start, nr);
	if (ret)
		return ret;
	fresh = nr - winmem_lock_count(locks, start, nr);
	if (fresh && (locks->nr > limit || fresh > limit - locks->nr))
		return -ENOLCK;
	if (account_locked_vm(space->mm, fresh, true))
		return -ENOLCK;
	locks->nr += fresh;

	ret = lock_range(space, start, nr);
	lock_finish(locks, !ret);
	if (ret) {
		give_back(locks, space->mm, fresh);
		return lock_errno(ret);
	}
	winmem_watch_note(space, start, nr);
	return 0;
}

/**
 * winmem_lock_drop() - pages of a range are not locked any more
 * @space: space
 * @start: first page
 * @nr: pages, locked or not
 *
 * Context: the space's mutex is held; may sleep; takes mmap_lock.
 */
void winmem_lock_drop(struct winmem_space *space, unsigned long start, unsigned long nr)
{
	struct winmem_locks *locks = &space->locks;

	lockdep_assert_held(&space->mutex);

	give_back(locks, space->mm, unpin_range(locks, start, start + nr - 1));
}

/**
 * winmem_lock_undo() - unlock pages, all or none
 * @space: space of the calling process
 * @start: first page
 * @nr: pages
 *
 * Row L03: when it fails the pages leave the working set.
 *
 * Context: the space's mutex is held; may sleep; takes mmap_lock and i_mmap_rwsem.
 * Return: 0 or -EALREADY: a page is not locked.
 */
int winmem_lock_undo(struct winmem_space *space, unsigned long start, unsigned long nr)
{
	lockdep_assert_held(&space->mutex);

	if (winmem_lock_count(&space->locks, start, nr) == nr) {
		winmem_lock_drop(space, start, nr);
		return 0;
	}
	winmem_backing_unmap(&space->backing, start, nr);
	return -EALREADY;
}
