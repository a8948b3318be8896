// SPDX-License-Identifier: GPL-2.0-only
/*
 * The windows of one space. Most are "kept": big ones, each as large as all before it
 * together, in which reservations are placed by book-keeping alone; there are some for large
 * reservations, in which there may be huge pages, and some for others. A reservation at an
 * address outside them gets a window of its own size, which goes with the last
 * reservation in it, so that a program that moves about by address does not collect
 * mappings.
 *
 *	windows   [--------- kept ---------]        [own]   [own]
 *	regions     [RR] [RRRRRRR]   [R]            [RRR]   [RRR]
 *
 * Which reservations there are is space.c's to say, in a tree that is only read here.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "backing.h"
#include "compat.h"
#include "widen.h"
#include "window.h"
#include "windows.h"

/* Windows are placed from 4 GiB and up to 2 TiB more; 1 GiB is the first one's size. */
#define KEPT_BASE	(SZ_4G >> PAGE_SHIFT)
#define KEPT_ALIGN	(SZ_2M >> PAGE_SHIFT)
#define KEPT_RANDOM	(1UL << 20)	/* times 2 MiB */
#define KEPT_MIN	(SZ_1G >> PAGE_SHIFT)
#define KEPT_MAX	((1UL << 40) >> PAGE_SHIFT)

/* A reservation of so many pages is large. */
#define HUGE_MIN	(SZ_4M >> PAGE_SHIFT)

struct winmem_window {
	struct list_head node;		/* in kept; empty for the others */
	unsigned long start;
	unsigned long nr;
	unsigned long users;		/* reservations that touch it */
	unsigned long full;		/* of the kept ones: so many pages had no place; 0: not known */
	bool huge;			/* in the huge store */
	bool high;			/* of the kept ones: for TOP_DOWN */
};

/**
 * winmem_windows_init() - no windows yet
 * @windows: to set up; the caller gives the tree its lock
 * @mm: whose
 * @backing: what is mapped
 * @regions: the reservations, by granule
 *
 * Context: any.
 */
void winmem_windows_init(struct winmem_windows *windows, struct mm_struct *mm,
			 struct winmem_backing *backing,
			 struct maple_tree *regions)
{
	windows->mm = mm;
	windows->backing = backing;
	windows->regions = regions;
	windows->base = KEPT_BASE + (get_random_u32() & (KEPT_RANDOM - 1)) * KEPT_ALIGN;
	mt_init_flags(&windows->tree, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_LOCK_EXTERN);
	INIT_LIST_HEAD(&windows->kept);
	windows->kept_pages = 0;
}

/**
 * winmem_windows_destroy() - forget them; nothing is mapped any more
 * @windows: windows of a space that ends
 *
 * Context: the space's mutex is held; may sleep.
 */
void winmem_windows_destroy(struct winmem_windows *windows)
{
	MA_STATE(mas, &windows->tree, 0, 0);
	struct winmem_window *window;

	mas_for_each(&mas, window, ULONG_MAX) {
		kfree(window);
		cond_resched();
	}
	__mt_destroy(&windows->tree);
}

static bool window_is_kept(const struct winmem_window *window)
{
	return !list_empty(&window->node);
}

/* Put an entry, or none, where a window is. Cannot fail. */
static void window_store(struct winmem_windows *windows, const struct winmem_window *window,
			 struct winmem_window *entry)
{
	MA_STATE(mas, &windows->tree, winmem_granule(window->start),
		 winmem_granule(window->start + window->nr - 1));

	mas_store_gfp(&mas, entry, WINMEM_GFP_ERASE);
}

/* The huge store is for windows that may have huge pages; without it they are small. */
static void window_make_huge(struct winmem_windows *windows, struct winmem_window *window)
{
	if (!winmem_backing_make_huge(windows->backing, window->start, window->nr))
		window->huge = true;
}

static void window_make_small(struct winmem_windows *windows, struct winmem_window *window)
{
	if (!window->huge)
		return;
	winmem_backing_make_small(windows->backing, window->start, window->nr);
	window->huge = false;
}

/*
 * Unmap what the program has left of a window, and forget it. Without memory for that it
 * stays, unused, until a reservation comes to its place and goes again.
 */
static int window_remove(struct winmem_windows *windows, struct winmem_window *window)
{
	int ret = winmem_window_unmap(windows->mm, windows->backing, window->start, window->nr);

	if (ret)
		return ret;
	if (window_is_kept(window)) {
		list_del(&window->node);
		windows->kept_pages -= window->nr;
	}
	window_make_small(windows, window);
	window_store(windows, window, NULL);
	kfree(window);
	return 0;
}

/*
 * The program may have unmapped parts of windows, or mapped something over them. What is
 * unmapped is mapped again; -EEXIST when something is there.
 */
static int windows_repair(struct winmem_windows *windows, unsigned long start, unsigned long nr,
			  bool *exec)
{
	while (!winmem_window_is_whole(windows->mm, windows->backing, start, nr, exec)) {
		unsigned long gap = start, length = nr;
		int ret;

		if (fatal_signal_pending(current))
			return -EINTR;
		if (!winmem_window_gap(windows->mm, windows->backing, &gap, &length))
			continue;
		winmem_widen(WINMEM_WIDEN_REPAIR);
		ret = winmem_window_map(windows->mm, windows->backing, gap, length);
		if (ret)
			return ret;
	}
	return 0;
}

static struct winmem_window *window_add(struct winmem_windows *windows, unsigned long start,
				       unsigned long nr, bool huge)
{
	MA_STATE(mas, &windows->tree, winmem_granule(start), winmem_granule(start + nr - 1));
	struct winmem_window *window;
	bool exec;
	int ret;

	window = kzalloc(sizeof(*window), GFP_KERNEL_ACCOUNT);
	if (!window)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&window->node);
	window->start = start;
	window->nr = nr;

	ret = mas_store_gfp(&mas, window, GFP_KERNEL_ACCOUNT);
	if (ret)
		goto err_free;
	if (huge)
		window_make_huge(windows, window);
	/* A mapping of ours may be there that belongs to no window: mremap(2) lets it grow. */
	ret = windows_repair(windows, start, nr, &exec);
	if (ret)
		goto err_unmap;
	return window;

err_unmap:
	winmem_window_unmap(windows->mm, windows->backing, start, nr);
	window_make_small(windows, window);
	window_store(windows, window, NULL);
err_free:
	kfree(window);
	return ERR_PTR(ret);
}

/**
 * winmem_windows_use() - a reservation takes part in the windows under it, or leaves them
 * @windows: windows of a space
 * @start: first page of the reservation
 * @nr: pages
 * @change: 1 or -1; 0: only look for windows that nobody uses
 *
 * Of the windows that are not kept, the last user out unmaps. So it does with those for huge
 * pages: page tables go with the mapping, and a huge page has no use for one.
 *
 * Context: the space's mutex is held; may sleep; takes mmap_lock. Does not fail.
 * Return: whether all of them are still there.
 */
bool winmem_windows_use(struct winmem_windows *windows, unsigned long start, unsigned long nr,
			int change)
{
	unsigned long index = winmem_granule(start), last = winmem_granule(start + nr - 1);
	struct winmem_window *window;
	bool whole = true;

	while (index <= last) {
		MA_STATE(mas, &windows->tree, index, index);

		window = mas_find(&mas, last);
		if (!window)
			break;
		index = winmem_granule(window->start + window->nr - 1) + 1;
		window->users += change;
		if (change < 0)
			window->full = 0;
		if (!window->users && (window->huge || !window_is_kept(window))) {
			window_remove(windows, window);
			whole = false;
		}
	}
	return whole;
}

static bool is_huge(enum winmem_huge huge, unsigned long nr)
{
	if (huge == WINMEM_HUGE_ALWAYS)
		return true;
	/* Their pages may come to differ. */
	return huge == WINMEM_HUGE_MAYBE && nr >= HUGE_MIN && !winmem_maps_whole_folios();
}

/*
 * Cover a range with windows. The last granule of the range may be somebody else's from
 * the last page on; then the window ends with the pages.
 */
static int windows_cover(struct winmem_windows *windows, unsigned long start, unsigned long nr,
			 enum winmem_huge huge)
{
	unsigned long page = start, end = start + nr;
	struct winmem_window *window;
	int ret = 0;

	while (page < end) {
		unsigned long index = winmem_granule(page), stop;
		MA_STATE(mas, &windows->tree, index, index);

		window = mas_find(&mas, winmem_granule(end - 1));
		if (window && winmem_granule(window->start) <= index) {
			page = round_up(window->start + window->nr, WINMEM_GRANULE_PAGES);
			continue;
		}
		stop = window ? window->start : round_up(end, WINMEM_GRANULE_PAGES);
		window = window_add(windows, page, stop - page, is_huge(huge, stop - page));
		if (PTR_ERR(window) == -EEXIST && stop > end)
			window = window_add(windows, page, end - page, is_huge(huge, end - page));
		if (IS_ERR(window)) {
			ret = PTR_ERR(window);
			break;
		}
		page = stop;
	}
	return ret;
}

/* The place in a window for nr pages. Bounds may end inside a granule. */
static bool window_fit(struct winmem_windows *windows, const struct winmem_window *window,
		       const struct winmem_bounds *bounds, unsigned long nr,
		       unsigned long *start)
{
	unsigned long end = min(window->start + window->nr, bounds->end);
	unsigned long low = winmem_granule(max(window->start, bounds->start) + WINMEM_GRANULE_PAGES - 1);
	unsigned long high = winmem_granule(end + WINMEM_GRANULE_PAGES - 1), found;
	unsigned long size = winmem_granule(nr + WINMEM_GRANULE_PAGES - 1);
	unsigned long align = winmem_granule(bounds->align);

	if (!winmem_window_fit(windows->regions, low, high, size, align, bounds->high, &found))
		return false;
	if ((found << WINMEM_GRANULE_SHIFT) + nr > end &&
	    !winmem_window_fit(windows->regions, low, winmem_granule(end), size, align, bounds->high,
			       &found))
		return false;
	*start = found << WINMEM_GRANULE_SHIFT;
	return true;
}

/* How many reservations touch a window. */
static unsigned long window_count_users(struct winmem_windows *windows,
					const struct winmem_window *window)
{
	unsigned long last = winmem_granule(window->start + window->nr - 1), users = 0;
	MA_STATE(mas, windows->regions, winmem_granule(window->start), winmem_granule(window->start));
	struct winmem_region *region;

	mas_for_each(&mas, region, last)
		users++;
	return users;
}

/* Make a window of what lies on one side of a gap; nothing if nothing does. */
static void window_remain(struct winmem_windows *windows, struct winmem_window *window,
			  unsigned long start, unsigned long end)
{
	if (!window)
		return;
	if (start >= end) {
		list_del_init(&window->node);
		kfree(window);
		return;
	}
	window->start = start;
	window->nr = end - start;
	window->users = window_count_users(windows, window);
	window->full = 0;
	window_store(windows, window, window);
	windows->kept_pages += window->nr;
}

/*
 * Take whole granules, free of reservations, out of a kept window: it becomes what lies before
 * and what lies behind.
 *
 *	[--------- window ---------]
 *	[-- window --]     [window ]
 */
static int window_cut(struct winmem_windows *windows, struct winmem_window *window,
		      unsigned long start, unsigned long end)
{
	unsigned long low = window->start, high = window->start + window->nr;
	struct winmem_window *behind;
	int ret;

	behind = kzalloc(sizeof(*behind), GFP_KERNEL_ACCOUNT);
	if (!behind)
		return -ENOMEM;
	winmem_widen(WINMEM_WIDEN_CARVE);
	/* What was unmapped when this fails is mapped again before anybody is given it. */
	ret = winmem_window_unmap(windows->mm, windows->backing, start, end - start);
	if (ret) {
		kfree(behind);
		return ret;
	}
	behind->high = window->high;
	behind->huge = window->huge;
	list_add(&behind->node, &window->node);
	if (window->huge)
		winmem_backing_make_small(windows->backing, start, end - start);

	window_store(windows, window, NULL);
	windows->kept_pages -= window->nr;
	window_remain(windows, window, low, start);
	window_remain(windows, behind, end, high);
	return 0;
}

/*
 * The program has mapped something over a part of a kept window. start and nr are free of
 * reservations and hold the first page that is not ours. Whole granules go, and with them
 * what is still ours at the gap's ends.
 */
static int window_carve(struct winmem_windows *windows, struct winmem_window *window,
			unsigned long start, unsigned long nr)
{
	unsigned long last = round_up(start + nr, WINMEM_GRANULE_PAGES);

	if (!winmem_window_gap(windows->mm, windows->backing, &start, &nr))
		return 0;
	return window_cut(windows, window, round_down(start, WINMEM_GRANULE_PAGES),
			  min(round_up(start + nr, WINMEM_GRANULE_PAGES), last));
}

/* Take a range that is free of reservations out of the kept windows. */
static int windows_clear(struct winmem_windows *windows, unsigned long start, unsigned long nr)
{
	struct winmem_window *window;
	int ret = 0;

	while (!ret) {
		MA_STATE(mas, &windows->tree, winmem_granule(start), winmem_granule(start));

		window = mas_find(&mas, winmem_granule(start + nr - 1));
		if (!window)
			return 0;
		/* One that could not be unmapped when its reservation went. */
		if (!window_is_kept(window))
			ret = window->users ? -EEXIST : window_remove(windows, window);
		else
			ret = window_cut(windows, window, max(start, window->start),
					 min(start + nr, window->start + window->nr));
	}
	return ret;
}

/**
 * winmem_windows_take() - have windows under a reservation at a given place
 * @windows: windows of a space
 * @start: first page, a multiple of a granule; no reservation is there
 * @nr: pages
 * @huge: whether there are to be huge pages in it
 * @exec: set when a mapping there has PROT_EXEC
 *
 * Context: the space's mutex is held; may sleep; takes mmap_lock.
 * Return: 0; -EEXIST: a mapping that is not ours is there; -ENOMEM; -EINTR: being killed;
 * -EACCES, -EPERM: a security module.
 */
int winmem_windows_take(struct winmem_windows *windows, unsigned long start, unsigned long nr,
			enum winmem_huge huge, bool *exec)
{
	int ret = 0;

	if (huge == WINMEM_HUGE_ALWAYS)
		ret = windows_clear(windows, start, nr);
	if (!ret)
		ret = windows_cover(windows, start, nr, huge);
	if (!ret)
		ret = windows_repair(windows, start, nr, exec);
	if (ret)
		winmem_windows_use(windows, start, nr, 0);
	return ret;
}

/* A place in a window, and one that is still the window's. */
static int window_place(struct winmem_windows *windows, struct winmem_window *window,
			const struct winmem_bounds *bounds, unsigned long nr,
			unsigned long *start, bool *exec)
{
	int ret;

	if (!window_fit(windows, window, bounds, nr, start))
		return -ENOSPC;
	ret = windows_repair(windows, *start, nr, exec);
	if (ret != -EEXIST)
		return ret;
	return window_carve(windows, window, *start, nr) ?: -EAGAIN;
}

/* A place in the kept windows: in any, or in those for such reservations. */
static bool windows_fit(struct winmem_windows *windows, const struct winmem_bounds *bounds,
			bool any, bool huge, unsigned long nr, unsigned long *start, bool *exec)
{
	struct winmem_window *window;
	int ret = -ENOMEM;

again:
	list_for_each_entry(window, &windows->kept, node) {
		if (!any && (window->high != bounds->high || window->huge != huge ||
			     (window->full && nr >= window->full)))
			continue;
		ret = window_place(windows, window, bounds, nr, start, exec);
		if (!ret)
			return true;
		/* Till a reservation in it goes: what can be placed anywhere is aligned alike. */
		if (ret == -ENOSPC && !any)
			window->full = nr;
		/* The list has changed. Each time a part of a window has gone. */
		if (ret == -EAGAIN && !fatal_signal_pending(current))
			goto again;
	}
	return false;
}

/*
 * Unused address space that no window claims: where the program has unmapped one, that is
 * still the place of the reservations in it.
 */
static int windows_hole(struct winmem_windows *windows, const struct winmem_bounds *bounds,
			unsigned long nr, unsigned long *start)
{
	struct winmem_bounds left = *bounds;
	struct winmem_window *window;
	int ret;

	for (;;) {
		MA_STATE(mas, &windows->tree, 0, 0);

		ret = winmem_window_hole(windows->mm, &left, nr, start);
		if (ret)
			return ret;
		mas_set(&mas, winmem_granule(*start));
		window = mas_find(&mas, winmem_granule(*start + nr - 1));
		if (!window)
			return 0;
		if (left.high)
			left.end = window->start;
		else
			left.start = window->start + window->nr;
	}
}

/* Find a hole and map a window there; somebody else's mmap may get there first. */
static struct winmem_window *windows_map_hole(struct winmem_windows *windows,
					   const struct winmem_bounds *bounds, unsigned long nr,
					   bool huge)
{
	struct winmem_window *window;
	unsigned long start;
	int ret, tries = 8;

	do {
		ret = windows_hole(windows, bounds, nr, &start);
		if (ret)
			return ERR_PTR(ret);
		winmem_widen(WINMEM_WIDEN_HOLE);
		window = window_add(windows, start, nr, huge);
	} while (PTR_ERR(window) == -EEXIST && --tries);
	return tries ? window : ERR_PTR(-ENOMEM);
}

/*
 * Where programs have their mappings, and above it the stack. With the old layout
 * mappings go up from a third of the address space; then leave the last third alone.
 */
static unsigned long windows_top(const struct winmem_windows *windows)
{
	unsigned long top = max(windows->mm->mmap_base, DEFAULT_MAP_WINDOW / 3 * 2) >> PAGE_SHIFT;

	return min(top, WINMEM_PAGE_END);
}

/*
 * A new window where the kernel likes: as large as is wanted, or only what is needed, or that
 * anywhere.
 */
static struct winmem_window *windows_map_new(struct winmem_windows *windows, bool high, bool huge,
					     unsigned long nr, unsigned long wanted)
{
	struct winmem_bounds bounds = {
		.start = high ? KEPT_BASE : windows->base,
		.end = windows_top(windows),
		.align = KEPT_ALIGN,
		.high = high,
	};
	struct winmem_window *window;

	window = windows_map_hole(windows, &bounds, max(nr, wanted), huge);
	if (PTR_ERR(window) == -ENOMEM && nr < wanted)
		window = windows_map_hole(windows, &bounds, nr, huge);
	if (PTR_ERR(window) == -ENOMEM) {
		bounds.start = WINMEM_PAGE_MIN;
		window = windows_map_hole(windows, &bounds, nr, huge);
	}
	return window;
}

/* One more kept window: as large as those before together, or what is asked for. */
static int windows_grow(struct winmem_windows *windows, bool high, bool huge, unsigned long nr)
{
	unsigned long grown = clamp(windows->kept_pages, KEPT_MIN, KEPT_MAX);
	struct winmem_window *window;

	window = windows_map_new(windows, high, huge, round_up(nr, KEPT_ALIGN), grown);
	if (IS_ERR(window))
		return PTR_ERR(window);

	window->high = high;
	windows->kept_pages += window->nr;
	list_add_tail(&window->node, &windows->kept);
	return 0;
}

static bool bounds_are_default(const struct winmem_bounds *bounds)
{
	return bounds->start == WINMEM_PAGE_MIN && bounds->end == WINMEM_PAGE_END &&
	       bounds->align == WINMEM_GRANULE_PAGES;
}

/* A reservation where the caller has bounds for it: in a kept window, or its own. */
static int windows_place_within(struct winmem_windows *windows, const struct winmem_bounds *bounds,
				unsigned long nr, bool huge, unsigned long *start, bool *exec)
{
	struct winmem_window *window;

	if (windows_fit(windows, bounds, true, huge, nr, start, exec))
		return 0;
	window = windows_map_hole(windows, bounds, nr, huge);
	if (IS_ERR(window))
		return PTR_ERR(window);
	*start = window->start;
	*exec = false;
	return 0;
}

/* A reservation where the kernel likes: in a kept window, an old one or a new one. */
static int windows_place_kept(struct winmem_windows *windows, const struct winmem_bounds *bounds,
			      unsigned long nr, bool huge, unsigned long *start, bool *exec)
{
	int ret;

	if (windows_fit(windows, bounds, false, huge, nr, start, exec))
		return 0;
	ret = windows_grow(windows, bounds->high, huge, nr);
	if (ret)
		return ret;
	return windows_fit(windows, bounds, false, huge, nr, start, exec) ? 0 : -ENOMEM;
}

/**
 * winmem_windows_place_again() - whether a place from before will do for a new reservation
 * @windows: windows of a space
 * @bounds: where it may be
 * @start: first page; no other reservation is there
 * @nr: pages
 * @huge: whether there are to be huge pages in it
 * @exec: set when a mapping there has PROT_EXEC
 *
 * Context: the space's mutex is held; may sleep; takes mmap_lock.
 * Return: 0; -ENOSPC: it is not where winmem_windows_place() would put it; or as that.
 */
int winmem_windows_place_again(struct winmem_windows *windows, const struct winmem_bounds *bounds,
			       unsigned long start, unsigned long nr, enum winmem_huge huge,
			       bool *exec)
{
	MA_STATE(mas, &windows->tree, winmem_granule(start), winmem_granule(start));
	const struct winmem_window *window = mas_walk(&mas);

	if (is_huge(huge, nr) || !bounds_are_default(bounds))
		return -ENOSPC;
	if (!window || !window_is_kept(window) || window->huge || window->high != bounds->high ||
	    nr > window->start + window->nr - start)
		return -ENOSPC;
	return windows_repair(windows, start, nr, exec);
}

/*
 * A reservation of large pages. Within the caller's bounds there may be no place but in a kept
 * window; then that gives it up.
 */
static int windows_place_large(struct winmem_windows *windows, const struct winmem_bounds *bounds,
			       unsigned long nr, unsigned long *start, bool *exec)
{
	struct winmem_bounds aligned = *bounds;
	struct winmem_window *window;

	aligned.align = max(bounds->align, KEPT_ALIGN);
	if (bounds_are_default(bounds))
		window = windows_map_new(windows, bounds->high, true, nr, nr);
	else
		window = windows_map_hole(windows, &aligned, nr, true);
	if (PTR_ERR(window) == -ENOMEM && windows_fit(windows, &aligned, true, true, nr, start, exec))
		return winmem_windows_take(windows, *start, nr, WINMEM_HUGE_ALWAYS, exec);
	if (IS_ERR(window))
		return PTR_ERR(window);
	*start = window->start;
	*exec = false;
	return 0;
}

/**
 * winmem_windows_place() - find a place for a reservation
 * @windows: windows of a space
 * @bounds: where; all of the address space is where the kernel likes
 * @nr: pages
 * @huge: whether there are to be huge pages in it
 * @start: set to the first page
 * @exec: set when a mapping there has PROT_EXEC
 *
 * Context: the space's mutex is held; may sleep; takes mmap_lock.
 * Return: 0; -ENOMEM: no hole of that size; -EINTR: being killed; -EACCES, -EPERM: a
 * security module.
 */
int winmem_windows_place(struct winmem_windows *windows, const struct winmem_bounds *bounds,
			 unsigned long nr, enum winmem_huge huge, unsigned long *start,
			 bool *exec)
{
	struct winmem_bounds aligned = *bounds;
	bool long_enough = is_huge(huge, nr) && winmem_store_has_huge();

	if (huge == WINMEM_HUGE_ALWAYS)
		return windows_place_large(windows, bounds, nr, start, exec);
	if (!bounds_are_default(bounds))
		return windows_place_within(windows, bounds, nr, long_enough, start, exec);

	/* Where addresses and huge pages agree. */
	aligned.align = KEPT_ALIGN;
	if (long_enough && !windows_place_kept(windows, &aligned, nr, true, start, exec))
		return 0;
	return windows_place_kept(windows, bounds, nr, false, start, exec);
}
