// SPDX-License-Identifier: LGPL-2.1-or-later
/* Regions, and which of their pages are committed. See heap_region.h. */
#include <errno.h>

#include "heap_look.h"
#include "heap_region.h"
#include "heap_state.h"

#define REGION_MIN	((size_t)1 << 20)
#define REGION_MAX	((size_t)16 << 20)

/*
 * The blocks of a first region begin here, or later if its bitmap is long: with less a
 * heap of fixed size would have more room for a block than Windows' (row H26).
 */
#define FIRST_BYTES	((size_t)0xa80)

/* What is committed ahead: a quarter of what there is, within these bounds. */
#define AHEAD_MIN	((size_t)8192)
#define AHEAD_MAX	((size_t)262144)

static size_t bitmap_bytes(size_t size)
{
	return winmem_heap_round(size / WINMEM_HEAP_PAGE, 64) / 8;
}

/* Pages */

static void pages_set(struct winmem_heap_region *region, size_t start, size_t end, bool committed)
{
	for (size_t page = start; page < end; page++) {
		if (committed)
			region->pages[page / 64] |= UINT64_C(1) << page % 64;
		else
			region->pages[page / 64] &= ~(UINT64_C(1) << page % 64);
	}
	if (committed)
		region->committed += (end - start) * WINMEM_HEAP_PAGE;
	else
		region->committed -= (end - start) * WINMEM_HEAP_PAGE;
}

static int pages_commit(struct winmem_heap *heap, struct winmem_heap_region *region, size_t start,
			size_t end)
{
	int err = winmem_heap_commit(heap, region->start + start * WINMEM_HEAP_PAGE,
				     (end - start) * WINMEM_HEAP_PAGE);

	if (!err)
		pages_set(region, start, end, true);
	return err;
}

static bool pages_decommit(struct winmem_heap *heap, struct winmem_heap_region *region,
			   size_t start, size_t end)
{
	if (winmem_heap_decommit(heap, region->start + start * WINMEM_HEAP_PAGE,
				 (end - start) * WINMEM_HEAP_PAGE))
		return false;
	pages_set(region, start, end, false);
	return true;
}

/* Regions */

/* All of it is one free block, with a gap for what is not committed. */
static void region_open(struct winmem_heap *heap, struct winmem_heap_region *region,
			size_t committed)
{
	struct winmem_heap_block *block = region->blocks;
	size_t bytes = region->size - winmem_heap_region_offset(region, block);

	region->check = winmem_heap_region_hash(heap, region);
	pages_set(region, 0, committed / WINMEM_HEAP_PAGE, true);
	*block = (struct winmem_heap_block){
		.units = bytes / WINMEM_HEAP_UNIT,
		.state = WINMEM_HEAP_FREE,
	};
	if (committed < region->size) {
		block->state |= WINMEM_HEAP_GAP;
		*winmem_heap_block_gap(block) = (struct winmem_heap_gap){
			.start = committed / WINMEM_HEAP_PAGE,
			.end = region->size / WINMEM_HEAP_PAGE,
			.zero = winmem_heap_region_offset(region, block) / WINMEM_HEAP_UNIT + 3,
		};
	}
	winmem_heap_index_add(&heap->index, block);
}

size_t winmem_heap_region_first_bytes(size_t size)
{
	size_t bytes = winmem_heap_round(sizeof(struct winmem_heap) + bitmap_bytes(size),
					 WINMEM_HEAP_UNIT);

	return bytes < FIRST_BYTES ? FIRST_BYTES : bytes;
}

void winmem_heap_region_open_first(struct winmem_heap *heap, size_t size, size_t committed)
{
	struct winmem_heap_region *region = &heap->first;

	region->start = (char *)heap;
	region->size = size;
	region->pages = (uint64_t *)(heap + 1);
	region->blocks = (void *)(region->start + winmem_heap_region_first_bytes(size));
	heap->last = region;
	region_open(heap, region, committed);
}

int winmem_heap_region_grow(struct winmem_heap *heap)
{
	size_t size = heap->last == &heap->first ? REGION_MIN : heap->last->size * 2;
	size_t header, committed;
	struct winmem_heap_region *region;
	void *start;
	int err;

	if (size > REGION_MAX)
		size = REGION_MAX;
	err = winmem_heap_reserve(heap, size, WINMEM_HEAP_GRANULE, &start);
	if (err)
		return err;
	region = start;
	header = winmem_heap_round(sizeof(*region) + bitmap_bytes(size), WINMEM_HEAP_UNIT);
	committed = winmem_heap_round(header + AHEAD_MIN, WINMEM_HEAP_PAGE);
	err = winmem_heap_commit(heap, start, committed);
	if (err)
		goto err_release;
	err = winmem_heap_map_set(heap->map, heap->supply, start, size / WINMEM_HEAP_GRANULE,
				  (uintptr_t)heap | WINMEM_HEAP_MAP_REGION);
	if (err)
		goto err_decommit;

	region->start = start;
	region->size = size;
	region->pages = (uint64_t *)(region + 1);
	region->blocks = (void *)(region->start + header);
	region->number = heap->last->number + 1;
	region->prev = heap->last;
	heap->last->next = region;
	heap->last = region;
	region_open(heap, region, committed);
	return 0;

err_decommit:
	heap->committed -= committed;
err_release:
	winmem_heap_release(heap, start, size, 0);
	return err;
}

void winmem_heap_region_close(struct winmem_heap *heap, struct winmem_heap_region *region)
{
	region->prev->next = region->next;
	if (region->next)
		region->next->prev = region->prev;
	else
		heap->last = region->prev;
	winmem_heap_map_clear(heap->map, region->start, region->size / WINMEM_HEAP_GRANULE);
	winmem_heap_release(heap, region->start, region->size, region->committed);
}

int winmem_heap_region_fill(struct winmem_heap *heap, struct winmem_heap_region *region,
			    struct winmem_heap_gap *gap, const void *end)
{
	size_t need = winmem_heap_round(winmem_heap_region_offset(region, end), WINMEM_HEAP_PAGE);
	size_t ahead = region->committed / 4, upto;
	int err;

	need /= WINMEM_HEAP_PAGE;
	if (need <= gap->start)
		return 0;
	if (need > gap->end)
		need = gap->end;
	ahead = ahead < AHEAD_MIN ? AHEAD_MIN : ahead > AHEAD_MAX ? AHEAD_MAX : ahead;
	upto = gap->start + ahead / WINMEM_HEAP_PAGE;
	upto = upto < need ? need : upto > gap->end ? gap->end : upto;

	err = pages_commit(heap, region, gap->start, upto);
	if (err && upto > need) {
		upto = need;
		err = pages_commit(heap, region, gap->start, upto);
	}
	if (!err)
		gap->start = upto;
	return err;
}

void winmem_heap_region_trim(struct winmem_heap *heap, struct winmem_heap_region *region,
			     struct winmem_heap_block *block, size_t least)
{
	size_t offset = winmem_heap_region_offset(region, block);
	size_t start = winmem_heap_round(offset + sizeof(struct winmem_heap_hollow),
					 WINMEM_HEAP_PAGE) / WINMEM_HEAP_PAGE;
	size_t end = (offset + winmem_heap_block_bytes(block)) / WINMEM_HEAP_PAGE;
	struct winmem_heap_gap *gap = winmem_heap_block_gap(block);

	if (!(block->state & WINMEM_HEAP_GAP)) {
		if (start >= end || (end - start) * WINMEM_HEAP_PAGE < least ||
		    !pages_decommit(heap, region, start, end))
			return;
		block->state |= WINMEM_HEAP_GAP;
		*gap = (struct winmem_heap_gap){ .start = start, .end = end };
		gap->zero = start * (WINMEM_HEAP_PAGE / WINMEM_HEAP_UNIT);
		return;
	}
	if (start < gap->start && (gap->start - start) * WINMEM_HEAP_PAGE >= least &&
	    pages_decommit(heap, region, start, gap->start)) {
		gap->start = start;
		gap->zero = start * (WINMEM_HEAP_PAGE / WINMEM_HEAP_UNIT);
	}
	if (end > gap->end && (end - gap->end) * WINMEM_HEAP_PAGE >= least &&
	    pages_decommit(heap, region, gap->end, end))
		gap->end = end;
}

bool winmem_heap_region_join(struct winmem_heap *heap, struct winmem_heap_region *region,
			     struct winmem_heap_gap *gap, const struct winmem_heap_gap *behind)
{
	if (gap->end < behind->start && !pages_decommit(heap, region, gap->end, behind->start))
		return false;
	gap->end = behind->end;
	return true;
}
