// SPDX-License-Identifier: LGPL-2.1-or-later
/* Is a heap, or a block, as it should be? Looks at everything and changes nothing. */
#include "heap_blocks.h"
#include "heap_core.h"
#include "heap_large.h"
#include "heap_look.h"
#include "heap_slot.h"
#include "heap_state.h"

/* Blocks follow one another to the region's very end, and free ones are filed. */
static bool region_is_valid(struct winmem_heap *heap, struct winmem_heap_region *region,
			    size_t *nr_free)
{
	struct winmem_heap_spot spot = { region, region->blocks };
	char *end = region->start + region->size;
	uint32_t before = 0;

	for (; (char *)spot.block < end; spot.block += before) {
		if (!winmem_heap_region_has(heap, region, spot.block) ||
		    spot.block->before != before)
			return false;
		before = spot.block->units;
		if (!(spot.block->state & WINMEM_HEAP_FREE)) {
			if (!winmem_heap_blocks_check(heap, &spot))
				return false;
			continue;
		}
		++*nr_free;
		if (spot.block->state & WINMEM_HEAP_SPARE)
			continue;
		if (!winmem_heap_index_has(&heap->index, spot.block))
			return false;
	}
	return (char *)spot.block == end;
}

static bool regions_are_valid(struct winmem_heap *heap)
{
	struct winmem_heap_region *region, *prev = NULL;
	size_t nr_free = 0;

	for (region = &heap->first; region; prev = region, region = region->next) {
		if (!winmem_heap_region_is_intact(heap, region) || region->prev != prev ||
		    !region_is_valid(heap, region, &nr_free))
			return false;
	}
	return prev == heap->last && nr_free == heap->index.nr + heap->spares.nr;
}

/* Other threads may be at work in it: each word is looked at for itself. */
static bool slab_is_valid(const struct winmem_heap_slab *slab)
{
	unsigned int next;
	uint16_t word;

	for (unsigned int i = 0; i < slab->nr; i++) {
		word = winmem_heap_slab_word(slab, i);
		next = word & WINMEM_HEAP_SLOT_VALUE;
		if (word & WINMEM_HEAP_SLOT_BUSY) {
			if ((uint16_t)(word - WINMEM_HEAP_SLOT_BUSY) > slab->size)
				return false;
		} else if (word & WINMEM_HEAP_SLOT_FREE) {
			if (next >= slab->nr && next != WINMEM_HEAP_SLOT_NONE)
				return false;
		} else if (word) {
			return false;
		}
	}
	return slab->nr == slab->nr_slots && slab->size == slab->slot_size;
}

static bool segments_are_valid(struct winmem_heap *heap)
{
	struct winmem_heap_segment *segment, *prev = NULL;

	for (segment = heap->segments; segment; prev = segment, segment = segment->next) {
		if (winmem_heap_map_get(heap->map, (uintptr_t)segment) !=
		    ((uintptr_t)heap | WINMEM_HEAP_MAP_SEGMENT) || segment->prev != prev)
			return false;
		for (unsigned int i = 0; i < WINMEM_HEAP_SLABS; i++) {
			if (!(segment->unused >> i & 1) != !!segment->slab[i].nr ||
			    !slab_is_valid(&segment->slab[i]))
				return false;
		}
	}
	return prev == heap->segments_end;
}

static bool large_are_valid(struct winmem_heap *heap)
{
	struct winmem_heap_large *large, *prev = NULL;

	for (large = heap->large; large; prev = large, large = large->next) {
		if (!winmem_heap_large_is_intact(heap, large) || large->prev != prev)
			return false;
	}
	return prev == heap->large_end;
}

static bool block_is_valid(struct winmem_heap *heap, const void *data)
{
	struct winmem_heap_spot spot;

	if (winmem_heap_large_find(heap, data))
		return true;
	return !winmem_heap_blocks_find(heap, data, &spot) &&
	       winmem_heap_blocks_check(heap, &spot);
}

bool winmem_heap_validate(struct winmem_heap *heap, uint32_t self, const void *data,
			  uint32_t flags)
{
	bool valid;

	if (data && winmem_heap_slot_is_ours(heap, data)) {
		struct winmem_heap_slab *slab = winmem_heap_segment_slab(data);

		return !winmem_heap_slot_check(slab, winmem_heap_slab_slot(slab, data));
	}
	winmem_heap_enter(&heap->lock, heap->supply, self,
			  (flags | heap->options) & WINMEM_HEAP_NO_SERIALIZE);
	if (data)
		valid = block_is_valid(heap, data);
	else
		valid = regions_are_valid(heap) && segments_are_valid(heap) &&
			large_are_valid(heap);
	winmem_heap_mutex_give(&heap->lock, heap->supply);
	return valid;
}
