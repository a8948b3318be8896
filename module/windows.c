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

/* Windows are placed up to 2 TiB above WINMEM_KEPT_BASE. */
#define KEPT_RANDOM	(1UL << 20)	/* times 2 MiB */

/* A reservation of so many pages is large. */
#define HUGE_MIN	(SZ_4M >> PAGE_SHIFT)

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
	windows->base = WINMEM_KEPT_BASE + (get_random_u32() & (KEPT_RANDOM - 1)) * WINMEM_KEPT_ALIGN;
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
	if (winmem_window_is_kept(window)) {
		list_del(&window->node);
		windows->kept_pages -= window->nr;
	}
	window_make_small(windows, window);
	window_store(windows, window, NULL);
	kfree(window);
	return 0;
}

/**
 * winmem_windows_repair() - have all of a range covered by the space's mappings
 * @windows: windows of a space
 * @start: first page
 * @nr: pages, all of them in windows
 * @exec: set when one of the mappings has PROT_EXEC
 *
 * The program may have unmapped parts of windows, or mapped something over them. What is
 * unmapped is mapped again.
 *
 * Context: the space's mutex is held; may sleep; takes mmap_lock.
 * Return: 0; -EEXIST: something is there that is not ours; -ENOMEM; -EINTR: being killed;
 * -EACCES, -EPERM: a security module.
 */
int winmem_windows_repair(struct winmem_windows *windows, unsigned long start, unsigned long nr,
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

/**
 * winmem_windows_add() - a new window, mapped
 * @windows: windows of a space
 * @start: first page, a multiple of a granule; no window is there
 * @nr: pages
 * @huge: in the huge store, if there is one
 *
 * Context: the space's mutex is held; may sleep; takes mmap_lock.
 * Return: the window, which is not kept; or ERR_PTR: as winmem_windows_repair().
 */
struct winmem_window *winmem_windows_add(struct winmem_windows *windows, unsigned long start,
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
	ret = winmem_windows_repair(windows, start, nr, &exec);
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
		if (!window->users && (window->huge || !winmem_window_is_kept(window))) {
			window_remove(windows, window);
			whole = false;
		}
	}
	return whole;
}

/**
 * winmem_windows_are_huge() - whether a reservation lies where huge pages are
 * @huge: what was asked for
 * @nr: pages
 *
 * Context: any.
 */
bool winmem_windows_are_huge(enum winmem_huge huge, unsigned long nr)
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
		window = winmem_windows_add(windows, page, stop - page,
					    winmem_windows_are_huge(huge, stop - page));
		if (PTR_ERR(window) == -EEXIST && stop > end)
			window = winmem_windows_add(windows, page, end - page,
						    winmem_windows_are_huge(huge, end - page));
		if (IS_ERR(window)) {
			ret = PTR_ERR(window);
			break;
		}
		page = stop;
	}
	return ret;
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

/**
 * winmem_windows_carve() - the program has mapped something over a part of a kept window
 * @windows: windows of a space
 * @window: kept window
 * @start: first page of a place in it, free of reservations, where something is not ours
 * @nr: pages
 *
 * Whole granules go, and with them what is still ours at the gap's ends.
 *
 * Context: the space's mutex is held; may sleep; takes mmap_lock.
 * Return: 0: @window may be gone; -ENOMEM; -EINTR: being killed.
 */
int winmem_windows_carve(struct winmem_windows *windows, struct winmem_window *window,
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
		if (!winmem_window_is_kept(window))
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
		ret = winmem_windows_repair(windows, start, nr, exec);
	if (ret)
		winmem_windows_use(windows, start, nr, 0);
	return ret;
}

