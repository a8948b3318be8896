// SPDX-License-Identifier: GPL-2.0-only
/*
 * One process: its reservations, and the windows they lie in.
 *
 * A window is a mapping of the space's file. Most are "kept": big ones, each as large
 * as all before it together, in which reservations are placed by book-keeping alone.
 * A reservation at an address outside them gets a window of its own size, which goes
 * with the last reservation in it, so that a program that moves about by address does
 * not collect mappings.
 *
 *	windows   [--------- kept ---------]        [own]   [own]
 *	regions     [RR] [RRRRRRR]   [R]            [RRR]   [RRR]
 *
 * Both trees are indexed by granule. A reservation holds its last granule to the end,
 * even where its pages stop earlier.
 *
 * A space lives as long as its file: each descriptor of /dev/winmem and each mapping
 * holds a reference of that, and the file's release calls winmem_space_end().
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat.h"
#include "region.h"
#include "space.h"
#include "window.h"

/* Windows are placed from 4 GiB and up to 2 TiB more; 1 GiB is the first one's size. */
#define KEPT_BASE	(SZ_4G >> PAGE_SHIFT)
#define KEPT_ALIGN	(SZ_2M >> PAGE_SHIFT)
#define KEPT_RANDOM	(1UL << 20)	/* times 2 MiB */
#define KEPT_MIN	(SZ_1G >> PAGE_SHIFT)
#define KEPT_MAX	((1UL << 40) >> PAGE_SHIFT)

/* Removing an entry may need a node; release cannot fail. */
#define GFP_ERASE	(GFP_KERNEL | __GFP_NOFAIL)

struct space_window {
	struct list_head node;		/* in kept; empty for the others */
	unsigned long start;
	unsigned long nr;
	unsigned long users;		/* reservations that touch it */
	bool high;			/* of the kept ones: for TOP_DOWN */
};

static DEFINE_MUTEX(spaces_lock);
static DEFINE_HASHTABLE(spaces, 8);

static unsigned long granule(unsigned long page)
{
	return page >> WINMEM_GRANULE_SHIFT;
}

static bool window_is_kept(const struct space_window *window)
{
	return !list_empty(&window->node);
}

static struct winmem_space *space_create(void)
{
	struct winmem_space *space;
	int ret;

	space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT);
	if (!space)
		return ERR_PTR(-ENOMEM);
	ret = winmem_charge_init(&space->charge);
	if (ret)
		goto err_free;
	ret = winmem_backing_open(&space->backing, space);
	if (ret)
		goto err_charge;

	mutex_init(&space->mutex);
	mt_init_flags(&space->regions, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_LOCK_EXTERN);
	mt_set_external_lock(&space->regions, &space->mutex);
	mt_init_flags(&space->windows, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_LOCK_EXTERN);
	mt_set_external_lock(&space->windows, &space->mutex);
	INIT_LIST_HEAD(&space->kept);
	winmem_pages_init(&space->pages);
	winmem_guards_init(&space->guards);
	space->base = KEPT_BASE + (get_random_u32() & (KEPT_RANDOM - 1)) * KEPT_ALIGN;

	mmgrab(current->mm);
	space->mm = current->mm;
	hash_add(spaces, &space->node, (unsigned long)space->mm);
	return space;

err_charge:
	winmem_charge_destroy(&space->charge);
err_free:
	kfree(space);
	return ERR_PTR(ret);
}

/**
 * winmem_space_open() - the space of the calling process, made when there is none
 *
 * The descriptors may all have been closed while mappings live: then the space is still
 * there, and found again. Its file may just be on its last reference; then it is gone.
 *
 * Context: may sleep; takes spaces_lock.
 * Return: the space with a reference of its file, for winmem_space_close(); or ERR_PTR.
 */
struct winmem_space *winmem_space_open(void)
{
	struct winmem_space *space;

	mutex_lock(&spaces_lock);
	hash_for_each_possible(spaces, space, node, (unsigned long)current->mm) {
		if (space->mm == current->mm && get_file_active(&space->backing.file))
			goto out;
	}
	space = space_create();
out:
	mutex_unlock(&spaces_lock);
	return space;
}

/**
 * winmem_space_close() - a descriptor of /dev/winmem goes
 * @space: its space, which may be gone when this returns
 *
 * Context: may sleep.
 */
void winmem_space_close(struct winmem_space *space)
{
	fput(space->backing.file);
}

/**
 * winmem_space_end() - free a space whose file has lost its last reference
 * @space: space; no mapping, no descriptor and so no fault and no ioctl is left
 *
 * Context: the file's release; may sleep.
 */
void winmem_space_end(struct winmem_space *space)
{
	struct space_window *window;
	struct winmem_region *region;
	MA_STATE(regions, &space->regions, 0, 0);
	MA_STATE(windows, &space->windows, 0, 0);

	mutex_lock(&spaces_lock);
	hash_del(&space->node);
	mutex_unlock(&spaces_lock);

	mutex_lock(&space->mutex);
	mas_for_each(&regions, region, ULONG_MAX) {
		kfree(region);
		cond_resched();
	}
	__mt_destroy(&space->regions);
	mas_for_each(&windows, window, ULONG_MAX)
		kfree(window);
	__mt_destroy(&space->windows);
	mutex_unlock(&space->mutex);

	winmem_charge_destroy(&space->charge);
	winmem_pages_destroy(&space->pages);
	winmem_backing_close(&space->backing);
	mmdrop(space->mm);
	mutex_destroy(&space->mutex);
	kfree(space);
}

/* Put an entry, or none, where a window is. Cannot fail. */
static void window_store(struct winmem_space *space, const struct space_window *window,
			 struct space_window *entry)
{
	MA_STATE(mas, &space->windows, granule(window->start),
		 granule(window->start + window->nr - 1));

	mas_store_gfp(&mas, entry, GFP_ERASE);
}

/* Forget a window, and unmap it unless the program has done so in part. */
static void window_remove(struct winmem_space *space, struct space_window *window)
{
	window_store(space, window, NULL);
	winmem_window_unmap(space->mm, space->backing.file, window->start, window->nr);
	kfree(window);
}

static struct space_window *window_add(struct winmem_space *space, unsigned long start,
				       unsigned long nr)
{
	MA_STATE(mas, &space->windows, granule(start), granule(start + nr - 1));
	struct space_window *window;
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
	ret = winmem_window_map(space->backing.file, start, nr);
	if (ret)
		goto err_erase;
	return window;

err_erase:
	window_store(space, window, NULL);
err_free:
	kfree(window);
	return ERR_PTR(ret);
}

/*
 * Take part in the windows under a reservation, or leave them; the last one out unmaps.
 * Returns whether all of them are still there.
 */
static bool windows_use(struct winmem_space *space, const struct winmem_region *region,
			int change)
{
	unsigned long index = granule(region->start), last = granule(winmem_region_end(region) - 1);
	struct space_window *window;
	bool whole = true;

	while (index <= last) {
		MA_STATE(mas, &space->windows, index, index);

		window = mas_find(&mas, last);
		if (!window)
			break;
		index = granule(window->start + window->nr - 1) + 1;
		window->users += change;
		if (!window->users && !window_is_kept(window)) {
			window_remove(space, window);
			whole = false;
		}
	}
	return whole;
}

/* Unmap the windows without users from one granule on to another. */
static void windows_trim(struct winmem_space *space, unsigned long start, unsigned long nr)
{
	const struct winmem_region range = { .start = start, .nr = nr };

	windows_use(space, &range, 0);
}

/*
 * Cover a range with windows. The last granule of the range may be somebody else's from
 * the last page on; then the window ends with the pages.
 */
static int windows_cover(struct winmem_space *space, unsigned long start, unsigned long nr)
{
	unsigned long page = start, end = start + nr;
	struct space_window *window;
	int ret = 0;

	while (page < end) {
		unsigned long index = granule(page), stop;
		MA_STATE(mas, &space->windows, index, index);

		window = mas_find(&mas, granule(end - 1));
		if (window && granule(window->start) <= index) {
			page = round_up(window->start + window->nr, WINMEM_GRANULE_PAGES);
			continue;
		}
		stop = window ? window->start : round_up(end, WINMEM_GRANULE_PAGES);
		window = window_add(space, page, stop - page);
		if (PTR_ERR(window) == -EEXIST && stop > end)
			window = window_add(space, page, end - page);
		if (IS_ERR(window)) {
			ret = PTR_ERR(window);
			break;
		}
		page = stop;
	}
	if (ret)
		windows_trim(space, start, nr);
	return ret;
}

static bool regions_overlap(struct winmem_space *space, unsigned long start, unsigned long nr)
{
	MA_STATE(mas, &space->regions, granule(start), granule(start));

	return mas_find(&mas, granule(start + nr - 1));
}

/*
 * The program may have unmapped parts of windows, or mapped something over them. What is
 * unmapped is mapped again; -EEXIST when something is there.
 */
static int windows_repair(struct winmem_space *space, unsigned long start, unsigned long nr,
			  bool *exec)
{
	while (!winmem_window_is_whole(space->mm, space->backing.file, start, nr, exec)) {
		unsigned long gap = start, length = nr;
		int ret;

		if (fatal_signal_pending(current))
			return -EINTR;
		if (!winmem_window_gap(space->mm, space->backing.file, &gap, &length))
			continue;
		ret = winmem_window_map(space->backing.file, gap, length);
		if (ret)
			return ret;
	}
	return 0;
}

/* A reservation where the caller wants it. */
static int space_take(struct winmem_space *space, unsigned long start, unsigned long nr,
		      bool *exec)
{
	int ret;

	if (regions_overlap(space, start, nr))
		return -EEXIST;
	ret = windows_cover(space, start, nr);
	if (!ret)
		ret = windows_repair(space, start, nr, exec);
	if (ret)
		windows_trim(space, start, nr);
	return ret;
}

/* The place in a window for nr pages. Bounds may end inside a granule. */
static bool window_fit(struct winmem_space *space, const struct space_window *window,
		       const struct winmem_bounds *bounds, unsigned long nr,
		       unsigned long *start)
{
	unsigned long end = min(window->start + window->nr, bounds->end);
	unsigned long low = granule(max(window->start, bounds->start) + WINMEM_GRANULE_PAGES - 1);
	unsigned long high = granule(end + WINMEM_GRANULE_PAGES - 1), found;
	unsigned long size = granule(nr + WINMEM_GRANULE_PAGES - 1);
	unsigned long align = granule(bounds->align);

	if (!winmem_window_fit(&space->regions, low, high, size, align, bounds->high, &found))
		return false;
	if ((found << WINMEM_GRANULE_SHIFT) + nr > end &&
	    !winmem_window_fit(&space->regions, low, granule(end), size, align, bounds->high,
			       &found))
		return false;
	*start = found << WINMEM_GRANULE_SHIFT;
	return true;
}

/* How many reservations touch a window. */
static unsigned long window_count_users(struct winmem_space *space,
					const struct space_window *window)
{
	unsigned long last = granule(window->start + window->nr - 1), users = 0;
	MA_STATE(mas, &space->regions, granule(window->start), granule(window->start));
	struct winmem_region *region;

	mas_for_each(&mas, region, last)
		users++;
	return users;
}

/* Make a window of what lies on one side of a gap; nothing if nothing does. */
static void window_remain(struct winmem_space *space, struct space_window *window,
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
	window->users = window_count_users(space, window);
	window_store(space, window, window);
	space->kept_pages += window->nr;
}

/*
 * The program has mapped something over a part of a kept window: the window becomes what
 * lies before and what lies behind. start and nr are free of reservations and hold the
 * first page that is not ours.
 *
 *	[--------- window ---------]
 *	[-- window --] gap [window ]
 */
static int window_carve(struct winmem_space *space, struct space_window *window,
			unsigned long start, unsigned long nr)
{
	unsigned long low = window->start, high = window->start + window->nr;
	unsigned long last = start + nr;
	struct space_window *behind;

	if (!winmem_window_gap(space->mm, space->backing.file, &start, &nr))
		return 0;
	behind = kzalloc(sizeof(*behind), GFP_KERNEL_ACCOUNT);
	if (!behind)
		return -ENOMEM;
	behind->high = window->high;
	list_add(&behind->node, &window->node);

	/* Whole granules go, and with them what is still ours at the gap's ends. */
	last = min(round_up(start + nr, WINMEM_GRANULE_PAGES), round_up(last, WINMEM_GRANULE_PAGES));
	start = round_down(start, WINMEM_GRANULE_PAGES);
	winmem_window_unmap(space->mm, space->backing.file, start, last - start);

	window_store(space, window, NULL);
	space->kept_pages -= window->nr;
	window_remain(space, window, low, start);
	window_remain(space, behind, last, high);
	return 0;
}

/* A place in a window, and one that is still the window's. */
static int window_place(struct winmem_space *space, struct space_window *window,
			const struct winmem_bounds *bounds, unsigned long nr,
			unsigned long *start, bool *exec)
{
	int ret;

	if (!window_fit(space, window, bounds, nr, start))
		return -ENOMEM;
	ret = windows_repair(space, *start, nr, exec);
	if (ret != -EEXIST)
		return ret;
	return window_carve(space, window, *start, nr) ?: -EAGAIN;
}

/* A place in the kept windows; the low ones are for ordinary reservations. */
static bool space_fit(struct winmem_space *space, const struct winmem_bounds *bounds,
		      bool any, unsigned long nr, unsigned long *start, bool *exec)
{
	struct space_window *window;
	int ret = -ENOMEM;

again:
	list_for_each_entry(window, &space->kept, node) {
		if (!any && window->high != bounds->high)
			continue;
		ret = window_place(space, window, bounds, nr, start, exec);
		if (!ret)
			return true;
		/* The list has changed. Each time a part of a window has gone. */
		if (ret == -EAGAIN && !fatal_signal_pending(current))
			goto again;
	}
	return false;
}

/* Find a hole and map a window there; somebody else's mmap may get there first. */
static struct space_window *space_map_hole(struct winmem_space *space,
					   const struct winmem_bounds *bounds, unsigned long nr)
{
	struct space_window *window;
	unsigned long start;
	int ret, tries = 8;

	do {
		ret = winmem_window_hole(space->mm, bounds, nr, &start);
		if (ret)
			return ERR_PTR(ret);
		window = window_add(space, start, nr);
	} while (PTR_ERR(window) == -EEXIST && --tries);
	return tries ? window : ERR_PTR(-ENOMEM);
}

/*
 * Where programs have their mappings, and above it the stack. With the old layout
 * mappings go up from a third of the address space; then leave the last third alone.
 */
static unsigned long space_top(const struct winmem_space *space)
{
	unsigned long top = max(space->mm->mmap_base, DEFAULT_MAP_WINDOW / 3 * 2) >> PAGE_SHIFT;

	return min(top, WINMEM_PAGE_END);
}

/* One more kept window: as large as those before together, or what is asked for. */
static int space_grow(struct winmem_space *space, bool high, unsigned long nr)
{
	unsigned long grown = clamp(space->kept_pages, KEPT_MIN, KEPT_MAX);
	struct winmem_bounds bounds = {
		.start = high ? KEPT_BASE : space->base,
		.end = space_top(space),
		.align = KEPT_ALIGN,
		.high = high,
	};
	struct space_window *window;

	nr = round_up(nr, KEPT_ALIGN);
	window = space_map_hole(space, &bounds, max(nr, grown));
	if (PTR_ERR(window) == -ENOMEM && nr < grown)
		window = space_map_hole(space, &bounds, nr);
	if (PTR_ERR(window) == -ENOMEM) {
		bounds.start = WINMEM_PAGE_MIN;
		window = space_map_hole(space, &bounds, nr);
	}
	if (IS_ERR(window))
		return PTR_ERR(window);

	window->high = high;
	space->kept_pages += window->nr;
	list_add_tail(&window->node, &space->kept);
	return 0;
}

static bool bounds_are_default(const struct winmem_bounds *bounds)
{
	return bounds->start == WINMEM_PAGE_MIN && bounds->end == WINMEM_PAGE_END &&
	       bounds->align == WINMEM_GRANULE_PAGES;
}

/* A reservation where the caller has bounds for it: in a kept window, or its own. */
static int space_place_within(struct winmem_space *space, const struct winmem_bounds *bounds,
			      unsigned long nr, unsigned long *start, bool *exec)
{
	struct space_window *window;

	if (space_fit(space, bounds, true, nr, start, exec))
		return 0;
	window = space_map_hole(space, bounds, nr);
	if (IS_ERR(window))
		return PTR_ERR(window);
	*start = window->start;
	*exec = false;
	return 0;
}

/* A reservation where the kernel likes. */
static int space_place(struct winmem_space *space, const struct winmem_bounds *bounds,
		       unsigned long nr, unsigned long *start, bool *exec)
{
	int ret;

	if (!bounds_are_default(bounds))
		return space_place_within(space, bounds, nr, start, exec);

	if (space_fit(space, bounds, false, nr, start, exec))
		return 0;
	ret = space_grow(space, bounds->high, nr);
	if (ret)
		return ret;
	return space_fit(space, bounds, false, nr, start, exec) ? 0 : -ENOMEM;
}

/**
 * winmem_space_reserve() - make a reservation
 * @space: space of the calling process
 * @start: first page, a multiple of a granule; 0: choose
 * @nr: pages
 * @bounds: where to choose
 * @region: set to the reservation, which is in the space
 *
 * Context: the space's mutex is held; may sleep; takes mmap_lock.
 * Return: 0; -EEXIST: the place is taken; -ENOMEM: no hole, or no kernel memory; -EINTR:
 * being killed; -EACCES, -EPERM: a security module.
 */
int winmem_space_reserve(struct winmem_space *space, unsigned long start, unsigned long nr,
			 const struct winmem_bounds *bounds, struct winmem_region **region)
{
	MA_STATE(mas, &space->regions, 0, 0);
	struct winmem_region *new;
	int ret;

	lockdep_assert_held(&space->mutex);

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	if (start)
		ret = space_take(space, start, nr, &new->exec);
	else
		ret = space_place(space, bounds, nr, &start, &new->exec);
	if (ret)
		goto err_free;

	new->start = start;
	new->nr = nr;
	mas_set_range(&mas, granule(start), granule(start + nr - 1));
	ret = mas_store_gfp(&mas, new, GFP_KERNEL_ACCOUNT);
	if (ret)
		goto err_trim;
	windows_use(space, new, 1);
	space->nr_regions++;
	*region = new;
	return 0;

err_trim:
	windows_trim(space, start, nr);
err_free:
	kfree(new);
	return ret;
}

/**
 * winmem_space_release() - end a reservation
 * @space: space of the calling process
 * @region: one of its reservations; gone afterwards
 *
 * Context: the space's mutex is held; may sleep; takes mmap_lock. Does not fail.
 * Return: whether the mappings under it are still there. If not, its addresses are
 * anybody's.
 */
bool winmem_space_release(struct winmem_space *space, struct winmem_region *region)
{
	MA_STATE(mas, &space->regions, granule(region->start),
		 granule(winmem_region_end(region) - 1));
	bool whole;

	lockdep_assert_held(&space->mutex);

	winmem_region_end_all(space, region);
	mas_store_gfp(&mas, NULL, GFP_ERASE);
	whole = windows_use(space, region, -1);
	if (space->last == region)
		space->last = NULL;
	space->nr_regions--;
	kfree(region);
	return whole;
}

/**
 * winmem_space_find() - the reservation of a page
 * @space: space
 * @page: page number
 *
 * Context: the space's mutex is held.
 * Return: the reservation, or NULL: also for pages of its last granule behind its end.
 */
struct winmem_region *winmem_space_find(struct winmem_space *space, unsigned long page)
{
	struct winmem_region *region = space->last;

	lockdep_assert_held(&space->mutex);

	if (!region || page < region->start || page >= winmem_region_end(region)) {
		MA_STATE(mas, &space->regions, granule(page), granule(page));

		region = mas_walk(&mas);
		if (!region || page >= winmem_region_end(region))
			return NULL;
		space->last = region;
	}
	return region;
}

/**
 * winmem_space_next() - the first reservation that begins at a page or above
 * @space: space
 * @page: page number
 *
 * Context: the space's mutex is held.
 * Return: the reservation or NULL.
 */
struct winmem_region *winmem_space_next(struct winmem_space *space, unsigned long page)
{
	struct winmem_region *region;
	MA_STATE(mas, &space->regions, granule(page), granule(page));

	lockdep_assert_held(&space->mutex);

	region = mas_find(&mas, ULONG_MAX);
	if (region && region->start < page)
		region = mas_find(&mas, ULONG_MAX);
	return region;
}
