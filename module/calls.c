// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each ioctl asks for: its struct is checked, put into pages, and handed on under the
 * space's mutex. No lock is held where a user's memory is touched.
 */
#include <linux/capability.h>
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "calls.h"
#include "charge.h"
#include "checks.h"
#include "chunk.h"
#include "mapping.h"
#include "prot.h"
#include "query.h"
#include "region.h"
#include "reset.h"
#include "remote.h"
#include "space.h"
#include "trace.h"
#include "watch.h"
#include "window.h"

long winmem_ioc_info(struct winmem_space *space, union winmem_args *args)
{
	struct winmem_info *info = &args->info;

	info->out_version_min = WINMEM_VERSION;
	info->out_version = WINMEM_VERSION;
	info->out_features = 0;
	info->out_page_size = PAGE_SIZE;
	info->out_granularity = WINMEM_GRANULE_PAGES << PAGE_SHIFT;
	info->out_lowest = WINMEM_PAGE_MIN << PAGE_SHIFT;
	info->out_highest = (WINMEM_PAGE_END << PAGE_SHIFT) - 1;
	return check_flags(info->flags, 0);
}

static bool is_granular(u64 addr)
{
	return !(addr & ((WINMEM_GRANULE_PAGES << PAGE_SHIFT) - 1));
}

/* Where a reservation may be placed: the caller's bounds, or all there is. */
static int bounds_of(const struct winmem_reserve *reserve, struct winmem_bounds *bounds)
{
	u64 lowest = reserve->lowest ?: (u64)WINMEM_PAGE_MIN << PAGE_SHIFT;
	u64 highest = reserve->highest ?: ((u64)WINMEM_PAGE_END << PAGE_SHIFT) - 1;
	u64 align = reserve->alignment ?: WINMEM_GRANULE_PAGES << PAGE_SHIFT;

	if (reserve->addr && (reserve->lowest || reserve->highest || reserve->alignment))
		return -EINVAL;
	if (!is_granular(lowest) || !is_granular(align) || !is_power_of_2(align))
		return -EINVAL;
	if (lowest < (u64)WINMEM_PAGE_MIN << PAGE_SHIFT || lowest > highest ||
	    highest >= (u64)WINMEM_PAGE_END << PAGE_SHIFT || !PAGE_ALIGNED(highest + 1))
		return -EINVAL;

	bounds->start = lowest >> PAGE_SHIFT;
	bounds->end = (highest + 1) >> PAGE_SHIFT;
	bounds->align = align >> PAGE_SHIFT;
	bounds->high = reserve->flags & WINMEM_RESERVE_TOP_DOWN;
	return 0;
}

/*
 * A large page is a block of states that are alike, and guards go one by one. The memory is
 * taken from everybody for as long as its owner likes: so may those who may lock what they like.
 */
static int check_large(const struct winmem_reserve *reserve)
{
	u64 block = (u64)WINMEM_CHUNK_PAGES << PAGE_SHIFT;

	if (!(reserve->flags & WINMEM_RESERVE_COMMIT) || reserve->flags & WINMEM_RESERVE_WATCH ||
	    reserve->prot & WINMEM_PROT_GUARD || reserve->addr % block || reserve->length % block)
		return -EINVAL;
	return capable(CAP_IPC_LOCK) ? 0 : -ENOKEY;
}

static int check_reserve(const struct winmem_reserve *reserve, struct winmem_range *range,
			 struct winmem_bounds *bounds)
{
	int ret;

	ret = check_flags(reserve->flags, WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_TOP_DOWN |
			  WINMEM_RESERVE_WATCH | WINMEM_RESERVE_LARGE);
	if (ret)
		return ret;
	if (reserve->__reserved || reserve->__reserved2 || !winmem_prot_to_page(reserve->prot))
		return -EINVAL;
	ret = bounds_of(reserve, bounds);
	if (ret)
		return ret;
	ret = range_of(reserve->addr, reserve->length, range);
	if (ret || !is_granular(reserve->addr))
		return ret ?: -EINVAL;
	if (range->nr > WINMEM_PAGE_END - WINMEM_PAGE_MIN)
		return -EINVAL;
	if (range->start && (range->start < WINMEM_PAGE_MIN || range->start >= WINMEM_PAGE_END ||
			     range->nr > WINMEM_PAGE_END - range->start))
		return -EINVAL;
	return reserve->flags & WINMEM_RESERVE_LARGE ? check_large(reserve) : 0;
}

static enum winmem_huge huge_of(const struct winmem_reserve *reserve)
{
	if (reserve->flags & WINMEM_RESERVE_LARGE)
		return WINMEM_HUGE_ALWAYS;
	return reserve->flags & WINMEM_RESERVE_WATCH ? WINMEM_HUGE_NEVER : WINMEM_HUGE_MAYBE;
}

static int do_reserve(struct winmem_space *space, struct winmem_reserve *reserve,
		      const struct winmem_range *range, const struct winmem_bounds *bounds)
{
	struct winmem_region *region;
	int ret;

	ret = winmem_space_reserve(space, range->start, range->nr, bounds, huge_of(reserve),
				   &region);
	if (ret)
		return ret;
	region->prot = reserve->prot;
	region->watched = reserve->flags & WINMEM_RESERVE_WATCH;
	region->large = reserve->flags & WINMEM_RESERVE_LARGE;
	/* Writes from before, to a reservation that shared a chunk with a watched one. */
	if (region->watched)
		winmem_watch_clear(space, region->start, region->nr, true);
	if (reserve->flags & WINMEM_RESERVE_COMMIT) {
		ret = winmem_region_commit_new(space, region);
		if (ret) {
			winmem_space_release(space, region);
			return ret;
		}
	}
	reserve->out_addr = (u64)region->start << PAGE_SHIFT;
	reserve->out_flags = region->exec && reserve->flags & WINMEM_RESERVE_COMMIT ?
			     WINMEM_OUT_EXEC : 0;
	return 0;
}

/* Nobody has learned of the reservation. */
long winmem_ioc_reserve_undo(struct winmem_space *space, const union winmem_args *args)
{
	struct winmem_region *region;

	mutex_lock(&space->mutex);
	region = winmem_space_find(space, args->reserve.out_addr >> PAGE_SHIFT);
	if (region)
		winmem_space_release(space, region);
	mutex_unlock(&space->mutex);
	return -EFAULT;
}

long winmem_ioc_reserve(struct winmem_space *space, union winmem_args *args)
{
	struct winmem_reserve *reserve = &args->reserve;
	struct winmem_bounds bounds;
	struct winmem_range range;
	int ret;

	ret = check_reserve(reserve, &range, &bounds);
	if (ret)
		return ret;
	if (mutex_lock_killable(&space->mutex))
		return -EINTR;
	ret = do_reserve(space, reserve, &range, &bounds);
	mutex_unlock(&space->mutex);
	trace_winmem_reserve(ret ? reserve->addr : reserve->out_addr, reserve->length,
			     reserve->prot, reserve->flags, ret);
	return ret;
}

long winmem_ioc_commit(struct winmem_space *space, union winmem_args *args)
{
	struct winmem_commit *commit = &args->commit;
	struct winmem_region *region;
	struct winmem_range range;
	int ret;

	ret = check_flags(commit->flags, 0);
	if (ret)
		return ret;
	if (commit->__reserved || !winmem_prot_to_page(commit->prot))
		return -EINVAL;
	ret = range_of(commit->addr, commit->length, &range);
	if (ret)
		return ret;

	if (mutex_lock_killable(&space->mutex))
		return -EINTR;
	region = region_around(space, &range);
	ret = region ? winmem_region_commit(space, region, range.start, range.nr, commit->prot) :
		       -ENOENT;
	mutex_unlock(&space->mutex);
	trace_winmem_commit(commit->addr, commit->length, commit->prot, ret);
	return ret;
}

/* What WINMEM_DECOMMIT_WHOLE stands for. */
static int whole_range(const struct winmem_region *region, struct winmem_range *range)
{
	if (region->start != range->start)
		return -ENOENT;
	range->nr = region->nr;
	return 0;
}

static int do_decommit(struct winmem_space *space, struct winmem_decommit *decommit,
		       struct winmem_range *range)
{
	struct winmem_region *region = winmem_space_find(space, range->start);
	int ret = 0;

	if (!region)
		return nothing_at(space, range->start);
	if (decommit->flags & WINMEM_DECOMMIT_WHOLE)
		ret = whole_range(region, range);
	else if (range->nr > winmem_region_end(region) - range->start)
		ret = -ERANGE;
	if (ret)
		return ret;

	ret = winmem_region_decommit(space, region, range->start, range->nr);
	if (ret)
		return ret;
	decommit->out_length = (u64)range->nr << PAGE_SHIFT;
	decommit->out_flags = region->exec ? WINMEM_OUT_EXEC : 0;
	return 0;
}

long winmem_ioc_decommit(struct winmem_space *space, union winmem_args *args)
{
	struct winmem_decommit *decommit = &args->decommit;
	bool whole = decommit->flags & WINMEM_DECOMMIT_WHOLE;
	struct winmem_range range;
	int ret;

	ret = check_flags(decommit->flags, WINMEM_DECOMMIT_WHOLE);
	if (ret)
		return ret;
	if (decommit->__reserved || (whole && decommit->length))
		return -EINVAL;
	ret = range_of(decommit->addr, whole ? PAGE_SIZE : decommit->length, &range);
	if (ret)
		return ret;

	if (mutex_lock_killable(&space->mutex))
		return -EINTR;
	ret = do_decommit(space, decommit, &range);
	mutex_unlock(&space->mutex);
	trace_winmem_decommit(decommit->addr, (u64)range.nr << PAGE_SHIFT, 0, ret);
	return ret;
}

static int do_release(struct winmem_space *space, struct winmem_release *release,
		      unsigned long page)
{
	struct winmem_region *region = winmem_space_find(space, page);
	bool exec;

	if (!region)
		return nothing_at(space, page);
	if (region->start != page)
		return -ENOENT;
	exec = region->exec;
	release->out_length = (u64)region->nr << PAGE_SHIFT;
	exec &= winmem_space_release(space, region);
	/* Not where the addresses are somebody else's by now. */
	if (exec && winmem_window_is_whole(space->mm, &space->backing, page,
					   release->out_length >> PAGE_SHIFT, &exec) && exec)
		release->out_flags = WINMEM_OUT_EXEC;
	else
		release->out_flags = 0;
	return 0;
}

long winmem_ioc_release(struct winmem_space *space, union winmem_args *args)
{
	struct winmem_release *release = &args->release;
	struct winmem_range range;
	int ret;

	ret = check_flags(release->flags, 0);
	if (ret)
		return ret;
	if (release->__reserved)
		return -EINVAL;
	ret = range_of(release->addr, PAGE_SIZE, &range);
	if (ret)
		return ret;

	if (mutex_lock_killable(&space->mutex))
		return -EINTR;
	ret = do_release(space, release, range.start);
	mutex_unlock(&space->mutex);
	trace_winmem_release(release->addr, ret ? 0 : release->out_length, 0, ret);
	return ret;
}

static int do_protect(struct winmem_space *space, struct winmem_protect *protect,
		      const struct winmem_range *range)
{
	struct winmem_region *region = region_around(space, range);

	if (region)
		return winmem_region_protect(space, region, range->start, range->nr,
					     protect->prot, &protect->out_prot);
	if (winmem_space_find(space, range->start))
		return -ENOENT;
	return nothing_at(space, range->start);
}

long winmem_ioc_protect(struct winmem_space *space, union winmem_args *args)
{
	struct winmem_protect *protect = &args->protect;
	struct winmem_range range;
	int ret;

	ret = check_flags(protect->flags, 0);
	if (ret)
		return ret;
	if (!winmem_prot_to_page(protect->prot))
		return -EINVAL;
	ret = range_of(protect->addr, protect->length, &range);
	if (ret)
		return ret;

	if (mutex_lock_killable(&space->mutex))
		return -EINTR;
	ret = do_protect(space, protect, &range);
	mutex_unlock(&space->mutex);
	trace_winmem_protect(protect->addr, protect->length, protect->prot, ret);
	return ret;
}

/* A reset of what is not winmem's is a hint that nobody takes, where it is allowed. */
static int reset_foreign(struct winmem_space *space, unsigned long page)
{
	switch (winmem_mapping_kind(space->mm, &space->backing, page)) {
	case WINMEM_MAPPING_SHARED:
		return 0;
	case WINMEM_MAPPING_FILE:
		return -ETXTBSY;
	default:
		return -ENOENT;
	}
}

static int do_reset(struct winmem_space *space, const struct winmem_reset *reset,
		    const struct winmem_range *range)
{
	struct winmem_region *region = region_around(space, range);

	if (!region && winmem_space_find(space, range->start))
		return -ENOENT;
	if (!region)
		return reset_foreign(space, range->start);
	if (region->large)
		return -EFBIG;
	if (reset->flags & WINMEM_RESET_UNDO)
		return winmem_reset_undo(space, range->start, range->nr);
	return winmem_reset_make(space, range->start, range->nr);
}

long winmem_ioc_reset(struct winmem_space *space, union winmem_args *args)
{
	struct winmem_reset *reset = &args->reset;
	struct winmem_range range;
	int ret;

	ret = check_flags(reset->flags, WINMEM_RESET_UNDO);
	if (ret)
		return ret;
	ret = range_of(reset->addr, reset->length, &range);
	if (ret)
		return ret;

	if (mutex_lock_killable(&space->mutex))
		return -EINTR;
	ret = do_reset(space, reset, &range);
	mutex_unlock(&space->mutex);
	return ret;
}

long winmem_ioc_query(struct winmem_space *space, union winmem_args *args)
{
	struct winmem_query *query = &args->query;
	struct winmem_run run;
	int ret;

	ret = check_flags(query->flags, 0);
	if (ret)
		return ret;
	if (query->__reserved || query->addr >= TASK_SIZE_MAX)
		return -EINVAL;
	ret = winmem_query(space, query->addr >> PAGE_SHIFT, &run);
	if (ret)
		return ret;

	query->out_base = (u64)run.start << PAGE_SHIFT;
	query->out_alloc_base = (u64)run.alloc_start << PAGE_SHIFT;
	query->out_length = (u64)run.nr << PAGE_SHIFT;
	query->out_alloc_prot = run.alloc_prot;
	query->out_state = run.state;
	query->out_prot = run.prot;
	query->out_type = run.type;
	query->out_flags = run.counted ? WINMEM_OUT_COUNTED : 0;
	return 0;
}

long winmem_ioc_guard(struct winmem_space *space, union winmem_args *args)
{
	struct winmem_guard *guard = &args->guard;
	int ret;

	ret = check_flags(guard->flags, 0);
	if (ret)
		return ret;
	if (guard->__reserved)
		return -EINVAL;
	guard->out_hit = winmem_guard_ask(&space->guards, guard->addr >> PAGE_SHIFT);
	return 0;
}

static int check_watch(const struct winmem_watch *watch, struct winmem_range *range)
{
	int ret = check_flags(watch->flags, WINMEM_WATCH_RESET);

	if (ret)
		return ret;
	if (!watch->count && !(watch->flags & WINMEM_WATCH_RESET))
		return -EINVAL;
	return range_of(watch->addr, watch->length, range);
}

static int do_watch(struct winmem_space *space, const struct winmem_watch *watch,
		    const struct winmem_range *range, struct winmem_watch_list *list)
{
	struct winmem_region *region = region_around(space, range);

	if (!region || !region->watched)
		return -EADDRNOTAVAIL;
	if (!watch->count)
		return winmem_watch_reset(space, range->start, range->nr);
	return winmem_watch_collect(space, range->start, range->nr, watch->count,
				    watch->flags & WINMEM_WATCH_RESET, list);
}

/* The marks stay here: they are needed when it fails. */
static int copy_list(u64 __user *user, const struct winmem_watch_list *list)
{
	unsigned long i;

	if (!list->latched)
		return copy_to_user(user, list->addrs, list->nr * sizeof(*user)) ? -EFAULT : 0;
	for (i = 0; i < list->nr; i++) {
		if (put_user(list->addrs[i] & ~(u64)WINMEM_WATCH_LATCHED, &user[i]))
			return -EFAULT;
		cond_resched();
	}
	return 0;
}

/* Pages that were reset and could not be told of count as written again. */
static int deliver_watch(struct winmem_space *space, const struct winmem_watch *watch,
			 const struct winmem_watch_list *list)
{
	if (!copy_list(u64_to_user_ptr(watch->addrs), list))
		return 0;
	if (watch->flags & WINMEM_WATCH_RESET) {
		mutex_lock(&space->mutex);
		winmem_watch_restore(space, list);
		mutex_unlock(&space->mutex);
	}
	return -EFAULT;
}

long winmem_ioc_watch(struct winmem_space *space, union winmem_args *args)
{
	struct winmem_watch *watch = &args->watch;
	struct winmem_watch_list list = {};
	struct winmem_range range;
	int ret;

	ret = check_watch(watch, &range);
	if (ret)
		return ret;
	if (mutex_lock_killable(&space->mutex))
		return -EINTR;
	ret = do_watch(space, watch, &range, &list);
	mutex_unlock(&space->mutex);
	if (!ret && list.nr)
		ret = deliver_watch(space, watch, &list);
	watch->out_count = list.nr;
	kvfree(list.addrs);
	return ret;
}

static u64 limit_bytes(unsigned long pages)
{
	return pages > U64_MAX >> PAGE_SHIFT ? U64_MAX : (u64)pages << PAGE_SHIFT;
}

long winmem_ioc_limit(struct winmem_space *space, union winmem_args *args)
{
	struct winmem_limit *limit = &args->limit;
	int ret;

	ret = check_flags(limit->flags, WINMEM_LIMIT_SET);
	if (ret)
		return ret;
	if (!(limit->flags & WINMEM_LIMIT_SET) && limit->limit)
		return -EINVAL;

	if (mutex_lock_killable(&space->mutex))
		return -EINTR;
	if (limit->flags & WINMEM_LIMIT_SET)
		space->charge.limit = limit->limit == U64_MAX ? ULONG_MAX :
							       limit->limit >> PAGE_SHIFT;
	limit->out_limit = limit_bytes(winmem_charge_limit(&space->charge));
	limit->out_charge = limit_bytes(space->charge.pages);
	mutex_unlock(&space->mutex);
	limit->out_total_limit = limit_bytes(winmem_charge_total_limit());
	limit->out_total_charge = limit_bytes(winmem_charge_total());
	return 0;
}

long winmem_ioc_attach(struct winmem_space *space, union winmem_args *args)
{
	struct winmem_attach *attach = &args->attach;
	int ret;

	ret = check_flags(attach->flags, 0);
	if (ret)
		return ret;
	ret = winmem_remote_attach(attach->mem_fd);
	if (ret < 0)
		return ret;
	attach->out_fd = ret;
	return 0;
}

/* Nobody has learned of the descriptor. */
long winmem_ioc_attach_undo(struct winmem_space *space, const union winmem_args *args)
{
	close_fd(args->attach.out_fd);
	return -EFAULT;
}
