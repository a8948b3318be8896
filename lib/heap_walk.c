// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Walk a heap. Each step starts from what the caller gives back, which may be anything: it
 * is found anew, as a block to be freed would be, and the step goes on from there.
 *
 * Slots come and go without the mutex; a walk then sees each as it was at one moment. Slabs
 * and blocks stay as they are while the caller has the turn.
 */
#include <errno.h>

#include "heap_blocks.h"
#include "heap_core.h"
#include "heap_large.h"
#include "heap_look.h"
#include "heap_slot.h"
#include "heap_state.h"

static int large_entry(struct winmem_heap *heap, struct winmem_heap_large *large,
		       struct winmem_heap_entry *entry)
{
	if (!large)
		return ENOENT;
	if (!winmem_heap_large_is_intact(heap, large))
		return EINVAL;
	*entry = (struct winmem_heap_entry){
		.data = winmem_heap_large_data(large),
		.size = large->size,
		.number = WINMEM_HEAP_NUMBER_LARGE,
		.flags = WINMEM_HEAP_ENTRY_BUSY,
	};
	return 0;
}

/* Segments */

static int segment_entry(struct winmem_heap *heap, struct winmem_heap_segment *segment,
			 struct winmem_heap_entry *entry)
{
	char *base = winmem_heap_segment_base(segment);
	size_t committed = 0;

	if (!segment)
		return large_entry(heap, heap->large, entry);
	for (unsigned int i = 0; i < WINMEM_HEAP_SLABS; i++) {
		if (segment->slab[i].nr || segment->warm >> i & 1)
			committed += winmem_heap_segment_slab_bytes(i);
	}
	*entry = (struct winmem_heap_entry){
		.data = base,
		.size = winmem_heap_segment_slab_start(segment, 0) - base,
		.number = WINMEM_HEAP_NUMBER_SLOTS,
		.flags = WINMEM_HEAP_ENTRY_REGION,
		.committed = committed + WINMEM_HEAP_SEGMENT_HEADER,
		.first = winmem_heap_segment_slab_start(segment, 0),
		.last = base + WINMEM_HEAP_SEGMENT_BYTES,
	};
	entry->uncommitted = WINMEM_HEAP_SEGMENT_BYTES - entry->committed;
	return 0;
}

/* The first slot from @slot on that is busy, or the end. */
static unsigned int free_end(const struct winmem_heap_slab *slab, unsigned int slot)
{
	while (slot < slab->nr && !winmem_heap_word_is_busy(winmem_heap_slab_word(slab, slot)))
		slot++;
	return slot;
}

static void slot_entry(const struct winmem_heap_slab *slab, unsigned int slot,
		       struct winmem_heap_entry *entry)
{
	uint16_t word = winmem_heap_slab_word(slab, slot);

	*entry = (struct winmem_heap_entry){
		.data = slab->slots + (size_t)slot * slab->size,
		.number = WINMEM_HEAP_NUMBER_SLOTS,
	};
	if (winmem_heap_word_is_busy(word)) {
		entry->flags = WINMEM_HEAP_ENTRY_BUSY;
		entry->size = word & WINMEM_HEAP_SLOT_VALUE;
		if (entry->size <= slab->size)
			entry->overhead = slab->size - entry->size;
		return;
	}
	entry->size = (free_end(slab, slot + 1) - slot) * (size_t)slab->size;
}

static bool is_cold(const struct winmem_heap_segment *segment, unsigned int number)
{
	return number < WINMEM_HEAP_SLABS && !segment->slab[number].nr &&
	       !(segment->warm >> number & 1);
}

static unsigned int cold_end(const struct winmem_heap_segment *segment, unsigned int number)
{
	while (is_cold(segment, number))
		number++;
	return number;
}

/* Slabs that are not used: those in a row that are not committed, or one that is. */
static void unused_entry(struct winmem_heap_segment *segment, unsigned int number,
			 struct winmem_heap_entry *entry)
{
	unsigned int end = cold_end(segment, number);

	*entry = (struct winmem_heap_entry){
		.data = winmem_heap_segment_slab_start(segment, number),
		.number = WINMEM_HEAP_NUMBER_SLOTS,
	};
	if (end == number) {
		entry->size = winmem_heap_segment_slab_bytes(number);
		return;
	}
	entry->flags = WINMEM_HEAP_ENTRY_UNCOMMITTED;
	entry->size = winmem_heap_segment_base(segment) + end * WINMEM_HEAP_SLAB_BYTES -
		      (char *)entry->data;
}

/* What comes at a slot of a slab, or behind it. */
static int slots_from(struct winmem_heap *heap, struct winmem_heap_segment *segment,
		      unsigned int number, unsigned int slot, struct winmem_heap_entry *entry)
{
	struct winmem_heap_slab *slab;

	for (; number < WINMEM_HEAP_SLABS; number++, slot = 0) {
		slab = &segment->slab[number];
		if (!slab->nr) {
			unused_entry(segment, number, entry);
			return 0;
		}
		if (slot < slab->nr) {
			slot_entry(slab, slot, entry);
			return 0;
		}
	}
	return segment_entry(heap, segment->next, entry);
}

static int slots_next(struct winmem_heap *heap, struct winmem_heap_entry *entry)
{
	struct winmem_heap_segment *segment = winmem_heap_segment_of(entry->data);
	struct winmem_heap_slab *slab = winmem_heap_segment_slab(entry->data);
	unsigned int number = slab - segment->slab;
	size_t slot;

	if (entry->data == winmem_heap_segment_base(segment))
		return slots_from(heap, segment, 0, 0, entry);
	if ((char *)entry->data < winmem_heap_segment_slab_start(segment, number))
		return EINVAL;
	if (is_cold(segment, number))
		return slots_from(heap, segment, cold_end(segment, number), 0, entry);
	if (!slab->nr)
		return slots_from(heap, segment, number + 1, 0, entry);
	slot = winmem_heap_slab_slot(slab, entry->data);
	if (slot >= slab->nr)
		return EINVAL;
	slot = entry->flags & WINMEM_HEAP_ENTRY_BUSY ? slot + 1 : free_end(slab, slot);
	return slots_from(heap, segment, number, slot, entry);
}

/* Regions */

static int region_entry(struct winmem_heap *heap, struct winmem_heap_region *region,
			struct winmem_heap_entry *entry)
{
	if (!region)
		return segment_entry(heap, heap->segments, entry);
	if (!winmem_heap_region_is_intact(heap, region))
		return EINVAL;
	*entry = (struct winmem_heap_entry){
		.data = region->start,
		.size = (char *)region->blocks - region->start,
		.number = region->number,
		.flags = WINMEM_HEAP_ENTRY_REGION,
		.committed = region->committed,
		.uncommitted = region->size - region->committed,
		.first = region->blocks,
		.last = region->start + region->size,
	};
	return 0;
}

/* A block, or what lies before its gap. */
static int block_entry(struct winmem_heap *heap, struct winmem_heap_region *region,
		       struct winmem_heap_block *block, struct winmem_heap_entry *entry)
{
	char *end = (char *)(block + block->units);

	if (!winmem_heap_region_has(heap, region, block))
		return EINVAL;
	*entry = (struct winmem_heap_entry){ .block = block, .number = region->number };
	if (block->state & WINMEM_HEAP_BUSY) {
		entry->flags = WINMEM_HEAP_ENTRY_BUSY;
		entry->data = winmem_heap_block_data(block);
		entry->size = winmem_heap_block_size(block);
		entry->overhead = winmem_heap_block_bytes(block) - entry->size;
		return 0;
	}
	if (block->state & WINMEM_HEAP_GAP)
		end = region->start + winmem_heap_block_gap(block)->start * WINMEM_HEAP_PAGE;
	entry->data = winmem_heap_block_free(block) + 1;
	entry->size = end - (char *)entry->data;
	entry->overhead = sizeof(struct winmem_heap_free);
	return 0;
}

/* A gap at the end of a region keeps a page back (row H64). */
static void gap_entry(struct winmem_heap_region *region, const struct winmem_heap_gap *gap,
		      struct winmem_heap_entry *entry)
{
	entry->data = region->start + gap->start * WINMEM_HEAP_PAGE;
	entry->size = (gap->end - gap->start) * WINMEM_HEAP_PAGE;
	if (gap->end == region->size / WINMEM_HEAP_PAGE)
		entry->size -= WINMEM_HEAP_PAGE;
	entry->overhead = 0;
	entry->flags = WINMEM_HEAP_ENTRY_UNCOMMITTED;
}

/* Behind a piece of a block: its gap, what lies behind that, or the next block. */
static int blocks_next(struct winmem_heap *heap, struct winmem_heap_region *region,
		       struct winmem_heap_entry *entry)
{
	struct winmem_heap_block *block = entry->block;
	char *end, *gap_start, *gap_end;
	struct winmem_heap_gap *gap;

	if (entry->flags & WINMEM_HEAP_ENTRY_REGION && entry->data == region->start)
		return block_entry(heap, region, region->blocks, entry);
	if (!block || !winmem_heap_region_has(heap, region, block) ||
	    (char *)entry->data < (char *)block)
		return EINVAL;
	end = (char *)(block + block->units);
	if ((char *)entry->data > end)
		return EINVAL;
	if (block->state & WINMEM_HEAP_GAP) {
		gap = winmem_heap_block_gap(block);
		gap_start = region->start + gap->start * WINMEM_HEAP_PAGE;
		gap_end = region->start + gap->end * WINMEM_HEAP_PAGE;
		if ((char *)entry->data < gap_start) {
			gap_entry(region, gap, entry);
			return 0;
		}
		if ((char *)entry->data < gap_end && gap_end < end) {
			*entry = (struct winmem_heap_entry){
				.data = gap_end,
				.block = block,
				.size = end - gap_end,
				.number = region->number,
			};
			return 0;
		}
	}
	if (end == region->start + region->size)
		return region_entry(heap, region->next, entry);
	return block_entry(heap, region, (void *)end, entry);
}

static int walk(struct winmem_heap *heap, struct winmem_heap_entry *entry)
{
	struct winmem_heap_region *region;
	struct winmem_heap_large *large;

	if (!entry->data)
		return region_entry(heap, &heap->first, entry);
	/* What is free of the shortest block begins where the next one does: data may mislead. */
	if (entry->block) {
		region = winmem_heap_region_of(heap, entry->block);
		return region ? blocks_next(heap, region, entry) : EINVAL;
	}
	if (winmem_heap_slot_is_ours(heap, entry->data))
		return slots_next(heap, entry);
	large = winmem_heap_large_find(heap, entry->data);
	if (large)
		return large_entry(heap, large->next, entry);
	region = winmem_heap_region_of(heap, entry->data);
	return region ? blocks_next(heap, region, entry) : EINVAL;
}

int winmem_heap_walk(struct winmem_heap *heap, uint32_t self, struct winmem_heap_entry *entry)
{
	int err;

	winmem_heap_enter(&heap->lock, heap->supply, self, false);
	err = walk(heap, entry);
	winmem_heap_mutex_give(&heap->lock, heap->supply);
	return err;
}

void winmem_heap_summarize(struct winmem_heap *heap, uint32_t self,
			   struct winmem_heap_summary *summary)
{
	struct winmem_heap_entry entry = {};

	winmem_heap_enter(&heap->lock, heap->supply, self, false);
	*summary = (struct winmem_heap_summary){
		.committed = heap->committed,
		.reserved = heap->reserved,
		.maximum = heap->maximum ? heap->maximum : SIZE_MAX,
	};
	while (!walk(heap, &entry)) {
		if (entry.flags & WINMEM_HEAP_ENTRY_BUSY)
			summary->allocated += entry.size;
	}
	winmem_heap_mutex_give(&heap->lock, heap->supply);
}
