// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls about what stays in memory and what need not, as calls.c has them: LOCK and
 * OFFER.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mutex.h>

#include "calls.h"
#include "checks.h"
#include "large.h"
#include "lock.h"
#include "offer.h"
#include "space.h"

static int check_lock(const struct winmem_lock *lock, struct winmem_range *range)
{
	int ret = check_flags(lock->flags, WINMEM_LOCK_UNDO | WINMEM_LOCK_LOOK |
			      WINMEM_LOCK_LARGE);

	if (ret)
		return ret;
	if (lock->flags & (lock->flags - 1) || (lock->flags && lock->limit))
		return -EINVAL;
	return range_of(lock->addr, lock->length, range);
}

static int do_lock(struct winmem_space *space, const struct winmem_lock *lock,
		   const struct winmem_range *range)
{
	if (lock->flags & (WINMEM_LOCK_LOOK | WINMEM_LOCK_LARGE))
		return 0;
	if (!winmem_space_find(space, range->start))
		return nothing_at(space, range->start);
	if (winmem_large_count(space, range->start, range->nr))
		return -EFBIG;
	if (lock->flags & WINMEM_LOCK_UNDO)
		return winmem_lock_undo(space, range->start, range->nr);
	return winmem_lock_make(space, range->start, range->nr,
				lock->limit ? lock->limit >> PAGE_SHIFT : ULONG_MAX);
}

long winmem_ioc_lock(struct winmem_space *space, union winmem_args *args)
{
	struct winmem_lock *lock = &args->lock;
	struct winmem_range range;
	unsigned long locked;
	int ret;

	ret = check_lock(lock, &range);
	if (ret)
		return ret;
	if (mutex_lock_killable(&space->mutex))
		return -EINTR;
	ret = do_lock(space, lock, &range);
	locked = lock->flags & WINMEM_LOCK_LARGE ?
		 winmem_large_count(space, range.start, range.nr) :
		 winmem_lock_count(&space->locks, range.start, range.nr);
	mutex_unlock(&space->mutex);
	if (lock->flags & WINMEM_LOCK_LOOK)
		locked += winmem_mapping_locked(space->mm, &space->backing, range.start,
						range.nr);
	lock->out_locked = (u64)locked << PAGE_SHIFT;
	return ret;
}

static int do_offer(struct winmem_space *space, const struct winmem_offer *offer,
		    const struct winmem_range *range)
{
	struct winmem_region *region = region_around(space, range);

	if (!region && winmem_space_find(space, range->start))
		return -ENOENT;
	if (!region)
		return nothing_at(space, range->start);
	if (region->large)
		return -EFBIG;
	if (offer->flags & WINMEM_OFFER_UNDO)
		return winmem_offer_undo(space, range->start, range->nr);
	return winmem_offer_make(space, range->start, range->nr);
}

long winmem_ioc_offer(struct winmem_space *space, union winmem_args *args)
{
	struct winmem_offer *offer = &args->offer;
	struct winmem_range range;
	int ret;

	ret = check_flags(offer->flags, WINMEM_OFFER_UNDO);
	if (ret)
		return ret;
	ret = range_of(offer->addr, offer->length, &range);
	if (ret)
		return ret;

	if (mutex_lock_killable(&space->mutex))
		return -EINTR;
	ret = do_offer(space, offer, &range);
	mutex_unlock(&space->mutex);
	return ret;
}
