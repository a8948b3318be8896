// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large pages: a reservation made with WINMEM_RESERVE_LARGE has all of its memory at once, in
 * huge pages and no others, and keeps it to its end.
 *
 * It lies in the huge store, in a window of its own (windows.c): there is no page table from
 * before, and so the first touch of a block maps it by one entry. It stays so because the
 * pages of the reservation are alike till its end. COMMIT, DECOMMIT, RESET, OFFER and LOCK are
 * refused there, and PROTECT but for what it has already, as on Windows; and a guard, which
 * goes page by page, is refused from the start.
 *
 * Each huge page is held: reclaim and migration leave a page that has more references than
 * they can account for, and nobody can split it, madvise(MADV_PAGEOUT) on a part of it neither.
 * Which pages are held is noted, for the kernel takes one out of the file that its memory has
 * spoiled. They count as VmPin of /proc/PID/status, and not in VmLck: what the program may
 * lock besides is not less for them.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/memcontrol.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "chunk.h"
#include "large.h"
#include "region.h"
#include "space.h"
#include "store.h"

#define LARGE_GFP	(GFP_TRANSHUGE | __GFP_RETRY_MAYFAIL | __GFP_ACCOUNT)

/*
 * shmem takes a huge page where one is free, and else a small one, for which it may have the OOM
 * killer called: it neither moves pages nor reclaims them for a huge one. Do that, in the
 * system and in the memory cgroup, and leave the page where shmem looks next; or see that
 * there is none.
 */
static bool room_make(void)
{
	struct page *page = alloc_pages(LARGE_GFP, WINMEM_CHUNK_SHIFT);

	if (!page)
		return false;
	__free_pages(page, WINMEM_CHUNK_SHIFT);
	return true;
}

/* The huge page of a block, made and held. */
static struct folio *block_get(struct winmem_store *store, unsigned long page)
{
	unsigned long fresh = 0;
	struct folio *folio = winmem_store_get(store, page, true, &fresh);

	if (IS_ERR(folio))
		return NULL;
	if (folio_nr_pages(folio) == WINMEM_CHUNK_PAGES)
		return folio;
	folio_put(folio);
	winmem_store_drop(store, page, WINMEM_CHUNK_PAGES);
	return NULL;
}

static int blocks_make(struct winmem_space *space, struct winmem_region *region)
{
	struct winmem_store *store = winmem_backing_store(&space->backing, region->start);
	unsigned long i, page;

	/* A fault that was late for what was here before may have left a page. */
	winmem_backing_drop(&space->backing, region->start, region->nr);
	for (i = 0; i < region->nr >> WINMEM_CHUNK_SHIFT; i++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		page = region->start + (i << WINMEM_CHUNK_SHIFT);
		if (room_make())
			region->blocks[i] = block_get(store, page);
		if (!region->blocks[i])
			return -ENOSPC;
		atomic64_add(WINMEM_CHUNK_PAGES, &space->mm->pinned_vm);
		cond_resched();
	}
	return 0;
}

/**
 * winmem_large_make() - give a new reservation its large pages
 * @space: space of the calling process, or of another one
 * @region: reservation, of which no page is committed yet; its length is one of blocks
 *
 * On the account of the memory cgroup of the process whose memory it is. Nothing that is
 * sure to fail is tried: whoever asks for too much shall not have others' pages swapped out.
 * When this fails, the reservation is to be released.
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 0; -ENOSPC: there are no more huge pages, or this kernel makes none; -ENOMEM; -EINTR:
 * being killed.
 */
int winmem_large_make(struct winmem_space *space, struct winmem_region *region)
{
	struct mem_cgroup *memcg, *old_memcg;
	int ret;

	lockdep_assert_held(&space->mutex);

	if (!winmem_store_has_huge() || (long)region->nr > si_mem_available())
		return -ENOSPC;
	/* There was no kernel memory to make a huge window. */
	if (winmem_backing_store(&space->backing, region->start) != &space->backing.huge)
		return -ENOMEM;
	region->blocks = kvcalloc(region->nr >> WINMEM_CHUNK_SHIFT, sizeof(*region->blocks),
				  GFP_KERNEL_ACCOUNT);
	if (!region->blocks)
		return -ENOMEM;

	memcg = get_mem_cgroup_from_mm(space->mm);
	old_memcg = set_active_memcg(memcg);
	ret = blocks_make(space, region);
	set_active_memcg(old_memcg);
	mem_cgroup_put(memcg);
	return ret;
}

/**
 * winmem_large_end() - the large pages of a reservation are not held any more
 * @space: space
 * @region: one of its reservations, with large pages or without
 *
 * Context: the space's mutex is held; may sleep. The space's mm may be no more than its
 * counters.
 */
void winmem_large_end(struct winmem_space *space, struct winmem_region *region)
{
	unsigned long i;

	if (!region->blocks)
		return;
	for (i = 0; i < region->nr >> WINMEM_CHUNK_SHIFT && region->blocks[i]; i++) {
		folio_put(region->blocks[i]);
		atomic64_sub(WINMEM_CHUNK_PAGES, &space->mm->pinned_vm);
		cond_resched();
	}
	kvfree(region->blocks);
	region->blocks = NULL;
}

/**
 * winmem_large_count() - how many pages of a range are large pages' parts
 * @space: space
 * @start: first page
 * @nr: pages, of any number of reservations
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 0 to @nr.
 */
unsigned long winmem_large_count(struct winmem_space *space, unsigned long start,
				 unsigned long nr)
{
	struct winmem_region *region = winmem_space_find(space, start);
	unsigned long end = start + nr, count = 0;

	if (!region)
		region = winmem_space_next(space, start);
	while (region && region->start < end) {
		unsigned long last = min(end, winmem_region_end(region));

		if (region->large)
			count += last - max(start, region->start);
		if (last == end)
			break;
		region = winmem_space_next(space, last);
		cond_resched();
	}
	return count;
}
