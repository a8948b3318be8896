// SPDX-License-Identifier: GPL-2.0-only
/*
 * One process: its reservations, by granule, and what else it has. A reservation holds
 * its last granule to the end, even where its pages stop earlier.
 *
 * The one that was released last, if nobody has asked for its address, keeps its place in the tree,
 * as "vacant", till the tree is searched for a place or changed. The next of its size that may lie
 * anywhere lies there again, and the tree stays as it is: programs that reserve and release in turn do
 * not pay for its depth.
 *
 * A space lives as long as its file: each descriptor of /dev/winmem and each mapping
 * holds a reference of that, and the file's release calls winmem_space_end().
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "large.h"
#include "place.h"
#include "region.h"
#include "space.h"
#include "widen.h"

static DEFINE_MUTEX(spaces_lock);
static DEFINE_HASHTABLE(spaces, 8);

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
	ret = winmem_counter_init(&space->counter, current->mm);
	if (ret)
		goto err_charge;
	mutex_init(&space->mutex);
	ret = winmem_backing_open(&space->backing, space, &space->mutex);
	if (ret)
		goto err_counter;

	mt_init_flags(&space->regions, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_LOCK_EXTERN);
	mt_set_external_lock(&space->regions, &space->mutex);
	winmem_windows_init(&space->windows, current->mm, &space->backing, &space->regions);
	mt_set_external_lock(&space->windows.tree, &space->mutex);
	winmem_pages_init(&space->pages);
	winmem_guards_init(&space->guards);
	winmem_locks_init(&space->locks);

	mmgrab(current->mm);
	space->mm = current->mm;
	hash_add(spaces, &space->node, (unsigned long)space->mm);
	return space;

err_counter:
	winmem_counter_destroy(&space->counter);
err_charge:
	winmem_charge_destroy(&space->charge);
err_free:
	kfree(space);
	return ERR_PTR(ret);
}

/* The space of an mm, if it has one, with a reference; @mm is compared and not followed. */
static struct winmem_space *space_get(const struct mm_struct *mm)
{
	struct winmem_space *space;

	lockdep_assert_held(&spaces_lock);

	hash_for_each_possible(spaces, space, node, (unsigned long)mm) {
		if (space->mm != mm)
			continue;
		winmem_widen(WINMEM_WIDEN_OPEN);
		if (get_file_active(&space->backing.small.file))
			return space;
	}
	return NULL;
}

/**
 * winmem_space_get() - the space of any process
 * @mm: its mm; anything that is not the mm of a space will do, and finds none
 *
 * Context: may sleep; takes spaces_lock.
 * Return: the space with a reference of its file, for winmem_space_close(); or NULL.
 */
struct winmem_space *winmem_space_get(const struct mm_struct *mm)
{
	struct winmem_space *space;

	mutex_lock(&spaces_lock);
	space = space_get(mm);
	mutex_unlock(&spaces_lock);
	return space;
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
	space = space_get(current->mm) ?: space_create();
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
	fput(space->backing.small.file);
}

/**
 * winmem_space_end() - free a space whose file has lost its last reference
 * @space: space; no mapping, no descriptor and so no fault and no ioctl is left
 *
 * Context: the file's release; may sleep.
 */
void winmem_space_end(struct winmem_space *space)
{
	struct winmem_region *region;
	MA_STATE(regions, &space->regions, 0, 0);

	winmem_widen(WINMEM_WIDEN_END);
	mutex_lock(&spaces_lock);
	hash_del(&space->node);
	mutex_unlock(&spaces_lock);

	mutex_lock(&space->mutex);
	mas_for_each(&regions, region, ULONG_MAX) {
		winmem_large_end(space, region);
		kfree(region);
		cond_resched();
	}
	__mt_destroy(&space->regions);
	winmem_windows_destroy(&space->windows);
	winmem_backing_close(&space->backing);
	mutex_unlock(&space->mutex);

	winmem_locks_destroy(&space->locks, space->mm);
	winmem_guards_destroy(&space->guards);
	winmem_counter_destroy(&space->counter);
	winmem_charge_destroy(&space->charge);
	winmem_pages_destroy(&space->pages);
	mmdrop(space->mm);
	mutex_destroy(&space->mutex);
	kfree(space);
}

/**
 * winmem_space_has() - whether a window is one of its process, with pages where they belong
 * @vma: VMA of a space's file
 *
 * madvise can undo VM_DONTCOPY, remap_file_pages names offsets of its own, and mremap lets a
 * window grow, if into nothing else then into a huge window that was unmapped.
 *
 * Context: mmap_lock or the VMA's lock is held.
 */
bool winmem_space_has(struct vm_area_struct *vma)
{
	struct winmem_space *space = winmem_space_of(vma);
	const struct winmem_store *store = winmem_space_store(vma);
	unsigned long start = vma->vm_start >> PAGE_SHIFT;

	if (vma->vm_mm != space->mm || vma->vm_pgoff != winmem_store_index(store, start))
		return false;
	/* Nothing was ever made huge: so it is in most processes. */
	if (store == &space->backing.huge || mtree_empty(&space->backing.ranges))
		return true;
	return !winmem_backing_has_huge(&space->backing, start, vma_pages(vma));
}

static bool regions_overlap(struct winmem_space *space, unsigned long start, unsigned long nr)
{
	MA_STATE(mas, &space->regions, winmem_granule(start), winmem_granule(start));

	return mas_find(&mas, winmem_granule(start + nr - 1));
}

/* Put an entry, or none, where a reservation is. */
static int region_store(struct winmem_space *space, const struct winmem_region *region,
			struct winmem_region *entry, gfp_t gfp)
{
	MA_STATE(mas, &space->regions, winmem_granule(region->start),
		 winmem_granule(winmem_region_end(region) - 1));

	return mas_store_gfp(&mas, entry, gfp);
}

/* The place of a released reservation becomes free. Cannot fail. */
static void vacant_end(struct winmem_space *space)
{
	struct winmem_region *region = space->vacant;

	if (!region)
		return;
	space->vacant = NULL;
	region_store(space, region, NULL, WINMEM_GFP_ERASE);
	kfree(region);
}

/* The vacant one, as new, if it will do. */
static struct winmem_region *vacant_take(struct winmem_space *space, unsigned long nr,
					 const struct winmem_bounds *bounds,
					 enum winmem_huge huge)
{
	struct winmem_region *region = space->vacant;
	bool exec;

	if (!region || region->nr != nr ||
	    winmem_place_again(&space->windows, bounds, region->start, nr, huge, &exec))
		return NULL;
	space->vacant = NULL;
	*region = (struct winmem_region) { .start = region->start, .nr = nr, .exec = exec };
	return region;
}

/* A reservation, and a place in the tree for it. */
static struct winmem_region *region_make(struct winmem_space *space, unsigned long start,
					 unsigned long nr, const struct winmem_bounds *bounds,
					 enum winmem_huge huge)
{
	struct winmem_region *region;
	int ret;

	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return ERR_PTR(-ENOMEM);
	if (!start)
		ret = winmem_place(&space->windows, bounds, nr, huge, &start, &region->exec);
	else if (regions_overlap(space, start, nr))
		ret = -EEXIST;
	else
		ret = winmem_windows_take(&space->windows, start, nr, huge, &region->exec);
	if (ret)
		goto err_free;

	region->start = start;
	region->nr = nr;
	ret = region_store(space, region, region, GFP_KERNEL_ACCOUNT);
	if (!ret)
		return region;

	winmem_windows_use(&space->windows, start, nr, 0);
err_free:
	kfree(region);
	return ERR_PTR(ret);
}

/**
 * winmem_space_reserve() - make a reservation
 * @space: space of the calling process
 * @start: first page, a multiple of a granule; 0: choose
 * @nr: pages
 * @bounds: where to choose
 * @huge: whether there are to be huge pages in it
 * @region: set to the reservation, which is in the space
 *
 * Context: the space's mutex is held; may sleep; takes mmap_lock.
 * Return: 0; -EEXIST: the place is taken; -ENOMEM: no hole, or no kernel memory; -EINTR:
 * being killed; -EACCES, -EPERM: a security module.
 */
int winmem_space_reserve(struct winmem_space *space, unsigned long start, unsigned long nr,
			 const struct winmem_bounds *bounds, enum winmem_huge huge,
			 struct winmem_region **region)
{
	struct winmem_region *new = NULL;

	lockdep_assert_held(&space->mutex);

	if (!start)
		new = vacant_take(space, nr, bounds, huge);
	if (!new) {
		vacant_end(space);
		new = region_make(space, start, nr, bounds, huge);
	}
	if (IS_ERR(new))
		return PTR_ERR(new);
	new->anywhere = !start && winmem_bounds_are_default(bounds);

	winmem_windows_use(&space->windows, new->start, nr, 1);
	space->nr_regions++;
	*region = new;
	return 0;
}

/**
 * winmem_space_release() - end a reservation
 * @space: space of the calling process
 * @region: one of its reservations; not to be used afterwards
 *
 * Context: the space's mutex is held; may sleep; takes mmap_lock. Does not fail.
 * Return: whether the mappings under it are still there. If not, its addresses are
 * anybody's.
 */
bool winmem_space_release(struct winmem_space *space, struct winmem_region *region)
{
	unsigned long start = region->start, nr = region->nr;

	lockdep_assert_held(&space->mutex);

	winmem_counter_begin(&space->counter);
	winmem_region_end_all(space, region);
	vacant_end(space);
	space->vacant = region;
	if (space->last == region)
		space->last = NULL;
	/* Who has asked for just this place may want it again. */
	if (!region->anywhere)
		vacant_end(space);
	space->nr_regions--;
	return winmem_windows_use(&space->windows, start, nr, -1);
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
		MA_STATE(mas, &space->regions, winmem_granule(page), winmem_granule(page));

		region = mas_walk(&mas);
		if (!region || region == space->vacant || page >= winmem_region_end(region))
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
	MA_STATE(mas, &space->regions, winmem_granule(page), winmem_granule(page));

	lockdep_assert_held(&space->mutex);

	do {
		region = mas_find(&mas, ULONG_MAX);
	} while (region && (region->start < page || region == space->vacant));
	return region;
}
