// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that are offered: reset, and shut until they are taken back.
 *
 *	offered		OFFERED | RESET		its contents can be dropped
 *	never touched	OFFERED			there is nothing to lose
 *	in swap before	OFFERED | RESET | LOST	dropped there and then
 *
 * A fault does not get past OFFERED, so nothing brings such a page back, and whether one is
 * lost is seen when it is taken back: there is neither memory nor swap for it. OFFERED itself is
 * changed by calls only, and may stand in a chunk without an array.
 */
#include <linux/errno.h>
#include <linux/lockdep.h>

#include "lock.h"
#include "offer.h"
#include "prot.h"
#include "reset.h"
#include "space.h"
#include "widen.h"

/**
 * winmem_offer_make() - give up pages till they are wanted again
 * @space: space of the calling process
 * @start: first page
 * @nr: pages, in one reservation
 *
 * Reset first, for that may fail, and shut then. A page that is written between the two
 * is not reset any more: it is shut, and kept.
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 0; -ENXIO: a page is not committed; -ENOMEM; -EINTR: being killed.
 */
int winmem_offer_make(struct winmem_space *space, unsigned long start, unsigned long nr)
{
	struct winmem_pages_change change = {
		.mask = WINMEM_PAGE_OFFERED,
		.bits = WINMEM_PAGE_OFFERED,
	};
	int ret;

	lockdep_assert_held(&space->mutex);

	if (winmem_pages_count(&space->pages, start, nr) != nr)
		return -ENXIO;
	ret = winmem_pages_prepare(&space->pages, start, nr, WINMEM_PAGE_OFFERED);
	if (ret)
		return ret;
	ret = winmem_reset_make(space, start, nr);
	if (ret)
		return ret;

	if (space->locks.nr)
		winmem_lock_drop(space, start, nr);
	winmem_pages_set(&space->pages, start, nr, &change);
	winmem_widen(WINMEM_WIDEN_PROTECT);
	winmem_backing_settle(&space->backing, start, nr);
	winmem_widen(WINMEM_WIDEN_SETTLED);
	winmem_backing_unmap(&space->backing, start, nr);
	return 0;
}

/**
 * winmem_offer_undo() - take pages back
 * @space: space of the calling process
 * @start: first page
 * @nr: pages, in one reservation; those that are not offered are passed over
 *
 * They are opened last: nobody sees one that may still be dropped.
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 0; -ENODATA: some page was dropped and reads zero, the others are kept; -ENXIO: a
 * page is not committed; -ENOMEM: nothing has changed; -EINTR: being killed.
 */
int winmem_offer_undo(struct winmem_space *space, unsigned long start, unsigned long nr)
{
	struct winmem_pages_change change = { .mask = WINMEM_PAGE_OFFERED };
	int ret;

	lockdep_assert_held(&space->mutex);

	if (winmem_pages_count(&space->pages, start, nr) != nr)
		return -ENXIO;
	ret = winmem_pages_prepare(&space->pages, start, nr, WINMEM_PAGE_NONE);
	if (ret)
		return ret;
	ret = winmem_reset_undo_some(space, start, nr, WINMEM_PAGE_OFFERED);
	if (ret != -EINTR)
		winmem_pages_set(&space->pages, start, nr, &change);
	return ret;
}
