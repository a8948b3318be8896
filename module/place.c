// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a reservation goes that may lie anywhere, or within bounds: into a kept window that has
 * a place for it, or into a new window, in a hole that no window claims.
 */
#include <linux/err.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "place.h"
#include "store.h"
#include "widen.h"
#include "window.h"
#include "windows.h"

/* 1 GiB is the first kept window's size. */
#define KEPT_MIN	(SZ_1G >> PAGE_SHIFT)
#define KEPT_MAX	((1UL << 40) >> PAGE_SHIFT)

/* The place in a window for nr pages. Bounds may end inside a granule. */
static bool find_place(struct winmem_windows *windows, const struct winmem_window *window,
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

/* A place in a window, and one that is still the window's. */
static int take_place(struct winmem_windows *windows, struct winmem_window *window,
		      const struct winmem_bounds *bounds, unsigned long nr,
		      unsigned long *start, bool *exec)
{
	int ret;

	if (!find_place(windows, window, bounds, nr, start))
		return -ENOSPC;
	ret = winmem_windows_repair(windows, *start, nr, exec);
	if (ret != -EEXIST)
		return ret;
	return winmem_windows_carve(windows, window, *start, nr) ?: -EAGAIN;
}

/* A place in the kept windows: in any, or in those for such reservations. */
static bool place_anywhere(struct winmem_windows *windows, const struct winmem_bounds *bounds,
			   bool any, bool huge, unsigned long nr, unsigned long *start, bool *exec)
{
	struct winmem_window *window;
	int ret = -ENOMEM;

again:
	list_for_each_entry(window, &windows->kept, node) {
		if (!any && (window->high != bounds->high || window->huge != huge ||
			     (window->full && nr >= window->full)))
			continue;
		ret = take_place(windows, window, bounds, nr, start, exec);
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
static int find_hole(struct winmem_windows *windows, const struct winmem_bounds *bounds,
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
static struct winmem_window *map_hole(struct winmem_windows *windows,
				      const struct winmem_bounds *bounds, unsigned long nr,
				      bool huge)
{
	struct winmem_window *window;
	unsigned long start;
	int ret, tries = 8;

	do {
		ret = find_hole(windows, bounds, nr, &start);
		if (ret)
			return ERR_PTR(ret);
		winmem_widen(WINMEM_WIDEN_HOLE);
		window = winmem_windows_add(windows, start, nr, huge);
	} while (PTR_ERR(window) == -EEXIST && --tries);
	return tries ? window : ERR_PTR(-ENOMEM);
}

/*
 * Where programs have their mappings, and above it the stack. With the old layout
 * mappings go up from a third of the address space; then leave the last third alone.
 */
static unsigned long hole_top(const struct winmem_windows *windows)
{
	unsigned long top = max(windows->mm->mmap_base, DEFAULT_MAP_WINDOW / 3 * 2) >> PAGE_SHIFT;

	return min(top, WINMEM_PAGE_END);
}

/*
 * A new window where the kernel likes: as large as is wanted, or only what is needed, or that
 * anywhere.
 */
static struct winmem_window *map_new(struct winmem_windows *windows, bool high, bool huge,
				     unsigned long nr, unsigned long wanted)
{
	struct winmem_bounds bounds = {
		.start = high ? WINMEM_KEPT_BASE : windows->base,
		.end = hole_top(windows),
		.align = WINMEM_KEPT_ALIGN,
		.high = high,
	};
	struct winmem_window *window;

	window = map_hole(windows, &bounds, max(nr, wanted), huge);
	if (PTR_ERR(window) == -ENOMEM && nr < wanted)
		window = map_hole(windows, &bounds, nr, huge);
	if (PTR_ERR(window) == -ENOMEM) {
		bounds.start = WINMEM_PAGE_MIN;
		window = map_hole(windows, &bounds, nr, huge);
	}
	return window;
}

/* One more kept window: as large as those before together, or what is asked for. */
static int grow_kept(struct winmem_windows *windows, bool high, bool huge, unsigned long nr)
{
	unsigned long grown = clamp(windows->kept_pages, KEPT_MIN, KEPT_MAX);
	struct winmem_window *window;

	window = map_new(windows, high, huge, round_up(nr, WINMEM_KEPT_ALIGN), grown);
	if (IS_ERR(window))
		return PTR_ERR(window);

	window->high = high;
	windows->kept_pages += window->nr;
	list_add_tail(&window->node, &windows->kept);
	return 0;
}

/**
 * winmem_bounds_are_default() - whether a place may be anywhere
 * @bounds: a caller's, for a place that the kernel is to choose
 *
 * Context: any.
 */
bool winmem_bounds_are_default(const struct winmem_bounds *bounds)
{
	return bounds->start == WINMEM_PAGE_MIN && bounds->end == WINMEM_PAGE_END &&
	       bounds->align == WINMEM_GRANULE_PAGES;
}

/* A reservation where the caller has bounds for it: in a kept window, or its own. */
static int place_within(struct winmem_windows *windows, const struct winmem_bounds *bounds,
			unsigned long nr, bool huge, unsigned long *start, bool *exec)
{
	struct winmem_window *window;

	if (place_anywhere(windows, bounds, true, huge, nr, start, exec))
		return 0;
	window = map_hole(windows, bounds, nr, huge);
	if (IS_ERR(window))
		return PTR_ERR(window);
	*start = window->start;
	*exec = false;
	return 0;
}

/* A reservation where the kernel likes: in a kept window, an old one or a new one. */
static int place_in_kept(struct winmem_windows *windows, const struct winmem_bounds *bounds,
			 unsigned long nr, bool huge, unsigned long *start, bool *exec)
{
	int ret;

	if (place_anywhere(windows, bounds, false, huge, nr, start, exec))
		return 0;
	ret = grow_kept(windows, bounds->high, huge, nr);
	if (ret)
		return ret;
	return place_anywhere(windows, bounds, false, huge, nr, start, exec) ? 0 : -ENOMEM;
}

/**
 * winmem_place_again() - whether a place from before will do for a new reservation
 * @windows: windows of a space
 * @bounds: where it may be
 * @start: first page; no other reservation is there
 * @nr: pages
 * @huge: whether there are to be huge pages in it
 * @exec: set when a mapping there has PROT_EXEC
 *
 * Context: the space's mutex is held; may sleep; takes mmap_lock.
 * Return: 0; -ENOSPC: it is not where winmem_place() would put it; or as that.
 */
int winmem_place_again(struct winmem_windows *windows, const struct winmem_bounds *bounds,
		       unsigned long start, unsigned long nr, enum winmem_huge huge,
		       bool *exec)
{
	MA_STATE(mas, &windows->tree, winmem_granule(start), winmem_granule(start));
	const struct winmem_window *window = mas_walk(&mas);

	if (winmem_windows_are_huge(huge, nr) || !winmem_bounds_are_default(bounds))
		return -ENOSPC;
	if (!window || !winmem_window_is_kept(window) || window->huge || window->high != bounds->high ||
	    nr > window->start + window->nr - start)
		return -ENOSPC;
	return winmem_windows_repair(windows, start, nr, exec);
}

/*
 * A reservation of large pages. Within the caller's bounds there may be no place but in a kept
 * window; then that gives it up.
 */
static int place_large(struct winmem_windows *windows, const struct winmem_bounds *bounds,
		       unsigned long nr, unsigned long *start, bool *exec)
{
	struct winmem_bounds aligned = *bounds;
	struct winmem_window *window;

	aligned.align = max(bounds->align, WINMEM_KEPT_ALIGN);
	if (winmem_bounds_are_default(bounds))
		window = map_new(windows, bounds->high, true, nr, nr);
	else
		window = map_hole(windows, &aligned, nr, true);
	if (PTR_ERR(window) == -ENOMEM && place_anywhere(windows, &aligned, true, true, nr, start, exec))
		return winmem_windows_take(windows, *start, nr, WINMEM_HUGE_ALWAYS, exec);
	if (IS_ERR(window))
		return PTR_ERR(window);
	*start = window->start;
	*exec = false;
	return 0;
}

/**
 * winmem_place() - find a place for a reservation
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
int winmem_place(struct winmem_windows *windows, const struct winmem_bounds *bounds,
		 unsigned long nr, enum winmem_huge huge, unsigned long *start,
		 bool *exec)
{
	struct winmem_bounds aligned = *bounds;
	bool long_enough = winmem_windows_are_huge(huge, nr) && winmem_store_has_huge();

	if (huge == WINMEM_HUGE_ALWAYS)
		return place_large(windows, bounds, nr, start, exec);
	if (!winmem_bounds_are_default(bounds))
		return place_within(windows, bounds, nr, long_enough, start, exec);

	/* Where addresses and huge pages agree. */
	aligned.align = WINMEM_KEPT_ALIGN;
	if (long_enough && !place_in_kept(windows, &aligned, nr, true, start, exec))
		return 0;
	return place_in_kept(windows, bounds, nr, false, start, exec);
}
