// SPDX-License-Identifier: GPL-2.0-only
/*
 * One reservation: commit, decommit, protect, query and the end of it. Each
 * operation first finds out whether it can succeed and takes what can run out: charge,
 * memory for states, the mappings' agreement on execute. Then it changes the states,
 * and from there on it cannot fail. Last it makes the page tables and the memory
 * follow: a fault that comes between sees the new states already.
 */
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <uapi/linux/winmem.h>

#include "large.h"
#include "lock.h"
#include "prot.h"
#include "region.h"
#include "space.h"
#include "watch.h"
#include "widen.h"
#include "window.h"

/* NOCACHE and WRITECOMBINE belong to the reservation (rows P10 to P14). */
#define REGION_CACHING	(WINMEM_PROT_NOCACHE | WINMEM_PROT_WRITECOMBINE)

/* What a protection sets in a state; RESET and LOST are not its business. */
#define PROT_MASK	(WINMEM_PAGE_VISIBLE | WINMEM_PAGE_EXEC)

static u32 region_prot(const struct winmem_region *region, u8 state)
{
	u32 prot = winmem_prot_from_page(state);

	if (prot && prot != WINMEM_PROT_NOACCESS)
		prot |= region->prot & REGION_CACHING;
	return prot;
}

/* Ask for what the mappings are to become: the mprotect hook looks at EXEC. */
static int exec_ask(struct winmem_space *space, unsigned long start, unsigned long nr, u8 exec)
{
	struct winmem_pages_change change = { .mask = WINMEM_PAGE_EXEC, .bits = exec };
	int ret = winmem_pages_prepare(&space->pages, start, nr, exec);

	if (!ret)
		winmem_pages_set(&space->pages, start, nr, &change);
	return ret;
}

/* The process itself is to call mprotect; for another one that is done here. */
static int exec_change(struct winmem_space *space, unsigned long start, unsigned long nr,
		       bool exec)
{
	if (space->mm == current->mm)
		return -ENOEXEC;
	return winmem_window_make_exec(space->mm, &space->backing, start, nr, exec);
}

static noinline int exec_look(struct winmem_space *space, struct winmem_region *region,
			      unsigned long start, unsigned long nr, u8 exec)
{
	int ret;

	region->exec = true;
	ret = exec_ask(space, start, nr, exec);
	if (ret)
		return ret;
	if (!winmem_window_agrees(space->mm, &space->backing, start, nr, exec))
		return exec_change(space, start, nr, exec);
	winmem_widen(WINMEM_WIDEN_EXEC);
	return 0;
}

/*
 * Execute permission is the mappings', and mprotect(2) is the only way to change that:
 * so it comes before the states do, and a failure of it finds nothing changed. Without
 * an executable mapping in the reservation, now or before, there is nothing to look at.
 *
 * Asked first, then looked at: a mprotect that another thread was told to call, for the
 * opposite, is over by then and seen, or it is refused.
 */
static int exec_agree(struct winmem_space *space, struct winmem_region *region,
		      unsigned long start, unsigned long nr, u8 state)
{
	u8 exec = state & WINMEM_PAGE_EXEC;

	return exec || region->exec ? exec_look(space, region, start, nr, exec) : 0;
}

/* Make page tables follow states that allow less than some of the pages did before. */
static void pages_restrict(struct winmem_space *space, unsigned long start, unsigned long nr,
			   unsigned int before, unsigned int now)
{
	unsigned int lost = before & ~now;

	if (!(lost & (WINMEM_ACCESS_READ | WINMEM_ACCESS_WRITE)))
		return;
	if (!(lost & WINMEM_ACCESS_READ)) {
		winmem_backing_write_protect(&space->backing, start, nr);
		return;
	}
	winmem_backing_settle(&space->backing, start, nr);
	winmem_widen(WINMEM_WIDEN_SETTLED);
	winmem_backing_unmap(&space->backing, start, nr);
}

static void pages_set_prot(struct winmem_space *space, const struct winmem_region *region,
			   unsigned long start, unsigned long nr, u8 state)
{
	struct winmem_pages_change change = { .mask = PROT_MASK, .bits = state };

	if (region->watched)
		winmem_watch_latch(space, start, nr);
	winmem_counter_begin(&space->counter);
	winmem_pages_set(&space->pages, start, nr, &change);
	winmem_widen(WINMEM_WIDEN_PROTECT);
	pages_restrict(space, start, nr, change.access, winmem_page_access(state));
}

/* Have what pages need to be committed. */
static int region_prepare(struct winmem_space *space, const struct winmem_region *region,
			  unsigned long start, unsigned long nr, u8 state)
{
	int ret = region->watched ? winmem_watch_prepare(space, start, nr) : 0;

	return ret ?: winmem_pages_prepare(&space->pages, start, nr, state);
}

/**
 * winmem_region_commit() - commit pages, all or none
 * @space: space of the calling process
 * @region: one of its reservations
 * @start: first page, inside it
 * @nr: pages, inside it
 * @prot: a valid protection
 *
 * Context: the space's mutex is held; may sleep; takes mmap_lock.
 * Return: 0; -EDQUOT: a limit would be passed; -ENOMEM; -ENOEXEC: mprotect first; -EFBIG: it
 * has large pages; -EINTR: being killed.
 */
int winmem_region_commit(struct winmem_space *space, struct winmem_region *region,
			 unsigned long start, unsigned long nr, u32 prot)
{
	u8 state = winmem_prot_to_page(prot);
	unsigned long fresh;
	int ret;

	lockdep_assert_held(&space->mutex);

	if (region->large)
		return -EFBIG;
	fresh = nr - winmem_pages_count(&space->pages, start, nr);
	ret = winmem_charge_take(&space->charge, fresh);
	if (ret)
		return ret;
	ret = exec_agree(space, region, start, nr, state);
	if (ret)
		goto err_give;
	/* Its end gives back what was made here, even by half. */
	region->touched = true;
	ret = region_prepare(space, region, start, nr, state);
	if (ret)
		goto err_give;

	pages_set_prot(space, region, start, nr, state);
	region->committed += fresh;
	return 0;

err_give:
	winmem_charge_give(&space->charge, fresh);
	return ret;
}

/**
 * winmem_region_commit_new() - commit all of a reservation that has just been made
 * @space: space of the calling process
 * @region: reservation; its protection is that of its pages
 *
 * Its address was nobody's till now, so execute permission can come afterwards; that of
 * another process comes here. When this fails, the reservation is to be released.
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 0; -EDQUOT: a limit would be passed; -ENOSPC: no large pages; -ENOMEM; -EINTR: being
 * killed.
 */
int winmem_region_commit_new(struct winmem_space *space, struct winmem_region *region)
{
	u8 state = winmem_prot_to_page(region->prot);
	int ret;

	lockdep_assert_held(&space->mutex);

	ret = winmem_charge_take(&space->charge, region->nr);
	if (ret)
		return ret;
	region->touched = true;
	ret = region_prepare(space, region, region->start, region->nr, state);
	/* Before the states let a fault in, which would bring a small page. */
	if (!ret && region->large)
		ret = winmem_large_make(space, region);
	if (ret) {
		winmem_charge_give(&space->charge, region->nr);
		return ret;
	}
	pages_set_prot(space, region, region->start, region->nr, state);
	region->committed = region->nr;
	region->exec |= winmem_prot_has_exec(region->prot);
	if (region->exec && space->mm != current->mm)
		return exec_change(space, region->start, region->nr,
				   winmem_prot_has_exec(region->prot));
	return 0;
}

/* Give back what the pages hold; their states can be changed without memory. */
static void pages_decommit(struct winmem_space *space, struct winmem_region *region,
			   unsigned long start, unsigned long nr)
{
	struct winmem_pages_change change = { .mask = WINMEM_PAGE_ALL };
	unsigned long committed = winmem_pages_count(&space->pages, start, nr);

	winmem_counter_begin(&space->counter);
	winmem_pages_set(&space->pages, start, nr, &change);
	winmem_widen(WINMEM_WIDEN_DECOMMIT);
	if (space->locks.nr)
		winmem_lock_drop(space, start, nr);
	winmem_backing_drop(&space->backing, start, nr);
	if (region->watched)
		winmem_watch_clear(space, start, nr, false);
	winmem_charge_give(&space->charge, committed);
	region->committed -= committed;
}

/**
 * winmem_region_decommit() - make pages reserved again, and their memory free
 * @space: space of the calling process
 * @region: one of its reservations
 * @start: first page, inside it
 * @nr: pages, inside it
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 0; -ENOMEM: to note a part of a 2 MiB block that was all alike; -EFBIG: it has large
 * pages; -EINTR.
 */
int winmem_region_decommit(struct winmem_space *space, struct winmem_region *region,
			   unsigned long start, unsigned long nr)
{
	int ret;

	lockdep_assert_held(&space->mutex);

	if (region->large)
		return -EFBIG;
	if (!region->touched)
		return 0;
	ret = winmem_pages_prepare(&space->pages, start, nr, WINMEM_PAGE_NONE);
	if (ret)
		return ret;
	pages_decommit(space, region, start, nr);
	return 0;
}

/**
 * winmem_region_protect() - change the protection of committed pages
 * @space: space of the calling process
 * @region: one of its reservations
 * @start: first page, inside it
 * @nr: pages, inside it
 * @prot: a valid protection
 * @old: set to what the first page had
 *
 * When this returns, no store that @prot forbids can land any more.
 *
 * Context: the space's mutex is held; may sleep; takes mmap_lock.
 * Return: 0; -ENXIO: a page is not committed; -ENOMEM; -ENOEXEC: mprotect first; -EFBIG: it has
 * large pages, and another protection; -EINTR: being killed.
 */
int winmem_region_protect(struct winmem_space *space, struct winmem_region *region,
			  unsigned long start, unsigned long nr, u32 prot, u32 *old)
{
	u8 state = winmem_prot_to_page(prot);
	int ret;

	lockdep_assert_held(&space->mutex);

	if (winmem_pages_count(&space->pages, start, nr) != nr)
		return -ENXIO;
	/* Which are alike to the end of the reservation. */
	if (region->large && state != winmem_prot_to_page(region->prot))
		return -EFBIG;
	ret = exec_agree(space, region, start, nr, state);
	if (ret)
		return ret;
	ret = winmem_pages_prepare(&space->pages, start, nr, state);
	if (ret)
		return ret;

	*old = region_prot(region, winmem_pages_get(&space->pages, start));
	pages_set_prot(space, region, start, nr, state);
	return 0;
}

/**
 * winmem_region_query() - the pages from one on that are alike
 * @space: space
 * @region: one of its reservations
 * @page: page inside it
 * @run: to fill
 *
 * Context: the space's mutex is held; may sleep.
 */
void winmem_region_query(struct winmem_space *space, const struct winmem_region *region,
			 unsigned long page, struct winmem_run *run)
{
	u8 state;

	lockdep_assert_held(&space->mutex);

	run->start = page;
	run->nr = winmem_pages_run(&space->pages, page, winmem_region_end(region) - page,
				   WINMEM_PAGE_VISIBLE, &state);
	run->alloc_start = region->start;
	run->alloc_prot = region->prot;
	run->state = state ? WINMEM_STATE_COMMIT : WINMEM_STATE_RESERVE;
	run->prot = region_prot(region, state);
	run->type = WINMEM_TYPE_PRIVATE;
}

/**
 * winmem_region_end_all() - decommit a reservation that goes, for space.c
 * @space: space of the calling process
 * @region: one of its reservations
 *
 * Its states become none without needing memory where other reservations share a chunk
 * that is all alike: such a chunk has only this one's pages or is none already.
 *
 * Context: the space's mutex is held; may sleep. Does not fail.
 */
void winmem_region_end_all(struct winmem_space *space, struct winmem_region *region)
{
	lockdep_assert_held(&space->mutex);

	if (!region->touched && !region->exec)
		return;
	winmem_large_end(space, region);
	pages_decommit(space, region, region->start, region->nr);
	if (region->watched)
		winmem_watch_clear(space, region->start, region->nr, true);
	winmem_pages_forget(&space->pages, region->start, region->nr);
}
