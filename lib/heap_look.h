/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is an address in a region, and is there a block? Every operation on a block asks this of it and
 * of its neighbours, so it is all here, for the compiler to put in place.
 */
#ifndef WINMEM_HEAP_LOOK_H
#define WINMEM_HEAP_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap_region.h"
#include "heap_state.h"

static inline uint64_t winmem_heap_region_hash(const struct winmem_heap *heap,
					       const struct winmem_heap_region *region)
{
	uint64_t other = (heap->key << 29 | heap->key >> 35) ^ UINT64_C(0xd6e8feb86659fd93);

	/* As short as that of a block, and for the same reason. Sizes have 35 bits. */
	return winmem_heap_fold(heap->key ^ (uintptr_t)region, other ^ (uintptr_t)region->start) ^
	       winmem_heap_fold(other ^ (uintptr_t)region->pages,
				~heap->key ^ (uintptr_t)region->blocks) ^
	       winmem_heap_fold(~other ^ region->size, heap->key ^ region->number);
}

static inline bool winmem_heap_region_is_intact(const struct winmem_heap *heap,
						const struct winmem_heap_region *region)
{
	return region->check == winmem_heap_region_hash(heap, region);
}

static inline bool winmem_heap_region_has_page(const struct winmem_heap_region *region, size_t page)
{
	return region->pages[page / 64] >> page % 64 & 1;
}

static inline size_t winmem_heap_region_offset(const struct winmem_heap_region *region,
					       const void *addr)
{
	return (const char *)addr - region->start;
}

/* NULL: it lies in none of this heap, or that is damaged. */
static inline struct winmem_heap_region *winmem_heap_region_of(struct winmem_heap *heap,
							       const void *addr)
{
	struct winmem_heap_region *region;
	uintptr_t entry, number;

	if ((uintptr_t)addr - (uintptr_t)heap < heap->first.size)
		return winmem_heap_region_is_intact(heap, &heap->first) ? &heap->first : NULL;
	entry = winmem_heap_map_get(heap->map, (uintptr_t)addr);
	if ((entry & ~WINMEM_HEAP_MAP_LOW) != (uintptr_t)heap ||
	    (entry & WINMEM_HEAP_MAP_KIND) != WINMEM_HEAP_MAP_REGION)
		return NULL;
	number = (entry & WINMEM_HEAP_MAP_LOW) >> WINMEM_HEAP_MAP_NUMBER_SHIFT;
	region = (void *)(((uintptr_t)addr & ~(WINMEM_HEAP_GRANULE - 1)) -
			  number * WINMEM_HEAP_GRANULE);
	return winmem_heap_region_is_intact(heap, region) ? region : NULL;
}

/* @block: any address of the region. */
static inline bool winmem_heap_region_has(const struct winmem_heap *heap,
					  const struct winmem_heap_region *region,
					  const struct winmem_heap_block *block)
{
	size_t offset = winmem_heap_region_offset(region, block);
	size_t bytes = sizeof(struct winmem_heap_free);

	if (block < region->blocks || offset % WINMEM_HEAP_UNIT ||
	    offset > region->size - sizeof(*block) ||
	    !winmem_heap_region_has_page(region, offset / WINMEM_HEAP_PAGE))
		return false;
	/* How far the hash reads. The page behind may not be there for a block that is none. */
	if (block->state & (WINMEM_HEAP_FREE | WINMEM_HEAP_GAP)) {
		if (block->state & WINMEM_HEAP_GAP)
			bytes = sizeof(struct winmem_heap_hollow);
		if (offset > region->size - bytes ||
		    !winmem_heap_region_has_page(region, (offset + bytes - 1) / WINMEM_HEAP_PAGE))
			return false;
	}
	return winmem_heap_block_is_intact(heap->key, block);
}

/* The block behind; NULL: there is none, or it is damaged. */
static inline struct winmem_heap_block *
winmem_heap_region_next(const struct winmem_heap *heap, const struct winmem_heap_region *region,
			const struct winmem_heap_block *block)
{
	struct winmem_heap_block *next = (struct winmem_heap_block *)block + block->units;

	if (!winmem_heap_region_has(heap, region, next) || next->before != block->units)
		return NULL;
	return next;
}

#endif /* WINMEM_HEAP_LOOK_H */
