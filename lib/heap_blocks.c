// SPDX-License-Identifier: LGPL-2.1-or-later
/* Blocks taken from free ones and given back. See heap_blocks.h. */
#include <errno.h>
#include <string.h>

#include "heap_blocks.h"
#include "heap_core.h"
#include "heap_look.h"
#include "heap_state.h"

/* With tail checking, this much of this follows what was asked for (row H69). */
#define TAIL_BYTES	16
#define TAIL_BYTE	0xab
#define FREED_WORD	0xfeeefeeeU

/* A decommit of less is not worth the call. */
#define TRIM_LEAST	((size_t)65536)
#define KEEP_LEAST	((size_t)1 << 20)

#define TAKE_TRIES	3

/* Free and committed bytes that may stay: a program that frees will allocate. */
static size_t keep_bytes(const struct winmem_heap *heap)
{
	size_t quarter = heap->committed / 4;

	return quarter < KEEP_LEAST ? KEEP_LEAST : quarter;
}

static size_t tail_bytes(const struct winmem_heap *heap)
{
	return heap->options & WINMEM_HEAP_TAIL_CHECKING ? TAIL_BYTES : 0;
}

static bool is_filed(const struct winmem_heap_block *block)
{
	return (block->state & (WINMEM_HEAP_FREE | WINMEM_HEAP_SPARE)) == WINMEM_HEAP_FREE;
}

static uint32_t units_for(const struct winmem_heap *heap, size_t size)
{
	size_t bytes = size + tail_bytes(heap) + sizeof(struct winmem_heap_block);
	uint32_t units = winmem_heap_round(bytes, WINMEM_HEAP_UNIT) / WINMEM_HEAP_UNIT;

	return units < WINMEM_HEAP_UNITS_MIN ? WINMEM_HEAP_UNITS_MIN : units;
}

static bool is_last(const struct winmem_heap_region *region, const struct winmem_heap_block *block)
{
	return (char *)(block + block->units) == region->start + region->size;
}

/* What the index has cut off, and what else was found, is told once. */
static void damage_tell(struct winmem_heap *heap)
{
	const void *damaged = heap->index.damaged;

	heap->index.damaged = NULL;
	if (damaged)
		winmem_heap_damage(heap, damaged);
}

static int damage_found(struct winmem_heap *heap, const void *addr)
{
	heap->index.damaged = NULL;
	winmem_heap_damage(heap, addr);
	return EBADMSG;
}

/* The block behind @block learns its length. A damaged one is left as it is. */
static void tell_next(struct winmem_heap *heap, struct winmem_heap_region *region,
		      struct winmem_heap_block *block)
{
	struct winmem_heap_block *next = block + block->units;

	if (is_last(region, block))
		return;
	if (!winmem_heap_region_has(heap, region, next)) {
		heap->index.damaged = next;
		return;
	}
	next->before = block->units;
	winmem_heap_block_seal(heap->key, next);
}

static void make_busy(struct winmem_heap *heap, struct winmem_heap_block *block, size_t size)
{
	char *data = winmem_heap_block_data(block);

	block->state = WINMEM_HEAP_BUSY;
	block->slack = winmem_heap_block_bytes(block) - sizeof(*block) - size;
	if (tail_bytes(heap)) {
		block->state |= WINMEM_HEAP_TAIL;
		memset(data + size, TAIL_BYTE, TAIL_BYTES);
	}
	winmem_heap_block_seal(heap->key, block);
}

static bool tail_is_intact(struct winmem_heap_block *block)
{
	const unsigned char *tail = winmem_heap_block_data(block);

	if (!(block->state & WINMEM_HEAP_TAIL))
		return true;
	tail += winmem_heap_block_size(block);
	for (int i = 0; i < TAIL_BYTES; i++) {
		if (tail[i] != TAIL_BYTE)
			return false;
	}
	return true;
}

/* Take and cut */

static bool settle_one(struct winmem_heap *heap);

/* The rest of a block of which @block is the front: free, with what is left of the gap. */
static void cut_rest(struct winmem_heap *heap, struct winmem_heap_region *region,
		     struct winmem_heap_block *block, uint32_t rest, struct winmem_heap_gap *gap)
{
	struct winmem_heap_block *behind = block + block->units;
	size_t clean = behind + 3 - (struct winmem_heap_block *)region->start;

	*behind = (struct winmem_heap_block){
		.units = rest,
		.before = block->units,
		.state = WINMEM_HEAP_FREE,
	};
	if (gap->start < gap->end) {
		behind->state |= WINMEM_HEAP_GAP;
		if (gap->zero < clean)
			gap->zero = clean;
		*winmem_heap_block_gap(behind) = *gap;
	}
	winmem_heap_index_add(&heap->index, behind);
	tell_next(heap, region, behind);
}

/*
 * The first @units of a filed block, committed; the rest is filed again, if it can be a
 * block. What is taken has neither state nor seal yet. Only the commit may fail.
 */
static int take(struct winmem_heap *heap, struct winmem_heap_region *region,
		struct winmem_heap_block *block, uint32_t units, struct winmem_heap_zeros *zeros)
{
	struct winmem_heap_gap gap = {};
	uint32_t rest = block->units - units;
	char *need = (char *)(block + units);
	int err;

	*zeros = (struct winmem_heap_zeros){};
	if (!winmem_heap_index_remove(&heap->index, block))
		return EBADMSG;
	if (rest < WINMEM_HEAP_UNITS_MIN) {
		need = (char *)(block + block->units);
		rest = 0;
	} else {
		need += rest < 3 ? sizeof(struct winmem_heap_free) :
				   sizeof(struct winmem_heap_hollow);
	}
	if (block->state & WINMEM_HEAP_GAP) {
		gap = *winmem_heap_block_gap(block);
		zeros->start = region->start + gap.zero * WINMEM_HEAP_UNIT;
		zeros->end = region->start + gap.end * WINMEM_HEAP_PAGE;
		err = winmem_heap_region_fill(heap, region, &gap, need);
		if (err) {
			winmem_heap_index_add(&heap->index, block);
			return err;
		}
	}
	if (rest) {
		block->units = units;
		cut_rest(heap, region, block, rest, &gap);
	}
	return 0;
}

static void clear_rest(char *data, size_t size, const struct winmem_heap_zeros *zeros)
{
	char *end = data + size;
	char *start = zeros->start < data ? data : zeros->start;
	char *again = zeros->end > end ? end : zeros->end;

	if (start >= again) {
		memset(data, 0, size);
		return;
	}
	memset(data, 0, start - data);
	memset(again, 0, end - again);
}

/* Would its first @units have to be committed? */
static bool is_short(struct winmem_heap *heap, struct winmem_heap_block *block, uint32_t units)
{
	struct winmem_heap_region *region = winmem_heap_region_of(heap, block);

	return region && block->state & WINMEM_HEAP_GAP &&
	       (char *)(block + units) > region->start + winmem_heap_block_gap(block)->start *
					 WINMEM_HEAP_PAGE;
}

/* The shortest there is, or nearly, or one in a new region. Spare blocks go before more comes. */
static struct winmem_heap_block *find_free(struct winmem_heap *heap, uint32_t units)
{
	struct winmem_heap_block *block = winmem_heap_index_find(&heap->index, units);

	while ((!block || is_short(heap, block, units)) && settle_one(heap))
		block = winmem_heap_index_find(&heap->index, units);
	if (block || heap->maximum || winmem_heap_region_grow(heap))
		return block;
	return winmem_heap_index_find(&heap->index, units);
}

int winmem_heap_blocks_alloc(struct winmem_heap *heap, size_t size, bool zero, void **data)
{
	uint32_t units = winmem_heap_spare_units(heap, units_for(heap, size));
	struct winmem_heap_block *block = winmem_heap_spare_take(heap, units);
	struct winmem_heap_zeros zeros = {};
	struct winmem_heap_region *region;
	int err = block ? 0 : EBADMSG;

	/* What is damaged is out of the index after the first time. */
	for (int i = 0; err == EBADMSG && i < TAKE_TRIES; i++) {
		block = find_free(heap, units);
		if (!block)
			break;
		region = winmem_heap_region_of(heap, block);
		err = region ? take(heap, region, block, units, &zeros) : ENOMEM;
	}
	damage_tell(heap);
	if (!block || err)
		return ENOMEM;
	*data = winmem_heap_block_data(block);
	if (zero)
		clear_rest(*data, size, &zeros);
	make_busy(heap, block, size);
	return 0;
}

/* Find */

int winmem_heap_blocks_find(struct winmem_heap *heap, const void *data,
			    struct winmem_heap_spot *spot)
{
	struct winmem_heap_region *region = winmem_heap_region_of(heap, data);
	struct winmem_heap_block *block;

	if (!region || (uintptr_t)data % WINMEM_HEAP_UNIT)
		return EINVAL;
	block = winmem_heap_block_of((void *)data);
	if (!winmem_heap_region_has(heap, region, block))
		return EINVAL;
	if (block->state & WINMEM_HEAP_FREE)
		return EALREADY;
	*spot = (struct winmem_heap_spot){ region, block };
	return tail_is_intact(block) ? 0 : EBADMSG;
}

/* False: the header on one of its sides was overwritten. NULL in a place: there is none. */
static bool neighbours(const struct winmem_heap *heap, const struct winmem_heap_spot *spot,
		       struct winmem_heap_block **prev, struct winmem_heap_block **next)
{
	struct winmem_heap_block *block = spot->block;

	*prev = NULL;
	*next = NULL;
	if (!is_last(spot->region, block)) {
		*next = winmem_heap_region_next(heap, spot->region, block);
		if (!*next)
			return false;
	}
	if (block->before) {
		*prev = block - block->before;
		if (!winmem_heap_region_has(heap, spot->region, *prev) ||
		    (*prev)->units != block->before)
			return false;
	}
	return true;
}

bool winmem_heap_blocks_check(struct winmem_heap *heap, const struct winmem_heap_spot *spot)
{
	struct winmem_heap_block *prev, *next;

	return neighbours(heap, spot, &prev, &next) && tail_is_intact(spot->block);
}

/* Give back */

/* Two free blocks that are not filed become one, unless a gap of each cannot be made one. */
static bool merge(struct winmem_heap *heap, struct winmem_heap_region *region,
		  struct winmem_heap_block *block, struct winmem_heap_block *behind)
{
	struct winmem_heap_gap gap = {};
	uint32_t units = behind->units;

	if (behind->state & WINMEM_HEAP_GAP)
		gap = *winmem_heap_block_gap(behind);
	if (gap.end && block->state & WINMEM_HEAP_GAP) {
		/* The header between the gaps goes with its page. */
		if (!winmem_heap_region_join(heap, region, winmem_heap_block_gap(block), &gap))
			return false;
	} else {
		winmem_heap_block_wipe(behind);
	}
	block->units += units;
	/* Where a block is short, its gap is noted where the header behind it was. */
	if (gap.end && !(block->state & WINMEM_HEAP_GAP)) {
		block->state |= WINMEM_HEAP_GAP;
		*winmem_heap_block_gap(block) = gap;
	}
	return true;
}

/*
 * A free block that is not filed yet: to the index, or its pages, or its region, go back.
 * @longer: it has grown, and the block behind does not know.
 */
static void settle(struct winmem_heap *heap, struct winmem_heap_region *region,
		   struct winmem_heap_block *block, bool longer)
{
	size_t keep = keep_bytes(heap), bytes = winmem_heap_block_bytes(block);

	if (block->state & WINMEM_HEAP_GAP) {
		const struct winmem_heap_gap *gap = winmem_heap_block_gap(block);

		bytes -= (gap->end - gap->start) * WINMEM_HEAP_PAGE;
	}
	if (heap->index.bytes + heap->spares.bytes + bytes > keep) {
		if (region != &heap->first && block == region->blocks && is_last(region, block)) {
			winmem_heap_region_close(heap, region);
			return;
		}
		winmem_heap_region_trim(heap, region, block, TRIM_LEAST);
	}
	winmem_heap_index_add(&heap->index, block);
	if (longer)
		tell_next(heap, region, block);
}

static void fill_freed(const struct winmem_heap *heap, struct winmem_heap_block *block)
{
	uint32_t *word = winmem_heap_block_data(block);
	size_t nr = (winmem_heap_block_bytes(block) - sizeof(*block)) / sizeof(*word);

	for (size_t i = 0; heap->options & WINMEM_HEAP_FREE_CHECKING && i < nr; i++)
		word[i] = FREED_WORD;
}

static bool keep_spare(struct winmem_heap *heap, struct winmem_heap_block *block)
{
	return heap->spares.bytes + winmem_heap_block_bytes(block) <= keep_bytes(heap) &&
	       winmem_heap_spare_put(heap, block);
}

/* Merge with the free neighbours, which were checked. */
static int free_merge(struct winmem_heap *heap, const struct winmem_heap_spot *spot,
		      struct winmem_heap_block *prev, struct winmem_heap_block *next)
{
	struct winmem_heap_block *block = spot->block;
	bool longer = false;

	if (prev && !is_filed(prev))
		prev = NULL;
	if (next && !is_filed(next))
		next = NULL;
	if (prev && !winmem_heap_index_remove(&heap->index, prev))
		return damage_found(heap, prev);
	if (next && !winmem_heap_index_remove(&heap->index, next)) {
		if (prev)
			winmem_heap_index_add(&heap->index, prev);
		return damage_found(heap, next);
	}

	fill_freed(heap, block);
	block->state = WINMEM_HEAP_FREE;
	block->slack = 0;
	if (next && merge(heap, spot->region, block, next))
		longer = true;
	else if (next)
		winmem_heap_index_add(&heap->index, next);
	if (prev && merge(heap, spot->region, prev, block)) {
		block = prev;
		longer = true;
	} else if (prev) {
		winmem_heap_index_add(&heap->index, prev);
	}
	settle(heap, spot->region, block, longer);
	return 0;
}

/* Free a spare block in earnest. False: there was none. */
static bool settle_one(struct winmem_heap *heap)
{
	struct winmem_heap_block *block = winmem_heap_spare_any(heap), *prev, *next;
	struct winmem_heap_spot spot = { NULL, block };

	if (!block)
		return false;
	block->state = WINMEM_HEAP_BUSY;
	winmem_heap_block_seal(heap->key, block);
	spot.region = winmem_heap_region_of(heap, block);
	if (!spot.region || !neighbours(heap, &spot, &prev, &next))
		heap->index.damaged = block;
	else
		free_merge(heap, &spot, prev, next);
	return true;
}

void winmem_heap_blocks_settle(struct winmem_heap *heap)
{
	while (settle_one(heap))
		;
}

int winmem_heap_blocks_free(struct winmem_heap *heap, const struct winmem_heap_spot *spot)
{
	struct winmem_heap_block *prev, *next;
	int err = 0;

	/* Both sides are looked at before anything changes. */
	if (!neighbours(heap, spot, &prev, &next))
		return damage_found(heap, spot->block);
	if (!keep_spare(heap, spot->block)) {
		err = free_merge(heap, spot, prev, next);
		/* As the heap shrinks so does what may stay. */
		while (heap->spares.bytes > keep_bytes(heap) && settle_one(heap))
			;
	}
	damage_tell(heap);
	return err;
}

/* Resize */

static int grow(struct winmem_heap *heap, const struct winmem_heap_spot *spot, uint32_t units,
		struct winmem_heap_block *next)
{
	struct winmem_heap_block *block = spot->block;
	struct winmem_heap_zeros zeros;

	if (!next || !is_filed(next) || block->units + next->units < units)
		return ENOMEM;
	if (take(heap, spot->region, next, units - block->units, &zeros))
		return ENOMEM;
	block->units += next->units;
	winmem_heap_block_wipe(next);
	tell_next(heap, spot->region, block);
	return 0;
}

/* The end of a busy block becomes one of its own and is freed. */
static int shrink(struct winmem_heap *heap, const struct winmem_heap_spot *spot, uint32_t units)
{
	struct winmem_heap_spot end = { spot->region, spot->block + units };
	struct winmem_heap_block *block = spot->block;

	if (block->units - units < WINMEM_HEAP_UNITS_MIN)
		return 0;
	*end.block = (struct winmem_heap_block){
		.units = block->units - units,
		.before = units,
		.state = WINMEM_HEAP_BUSY,
	};
	winmem_heap_block_seal(heap->key, end.block);
	tell_next(heap, end.region, end.block);
	block->units = units;
	winmem_heap_block_seal(heap->key, block);
	return winmem_heap_blocks_free(heap, &end);
}

int winmem_heap_blocks_resize(struct winmem_heap *heap, const struct winmem_heap_spot *spot,
			      size_t size)
{
	struct winmem_heap_block *prev, *next;
	uint32_t units, least;
	int err = 0;

	if (size > WINMEM_HEAP_BLOCK_MAX)
		return ENOMEM;
	if (!neighbours(heap, spot, &prev, &next))
		return damage_found(heap, spot->block);
	least = units_for(heap, size);
	units = winmem_heap_spare_units(heap, least);
	if (least > spot->block->units && next && next->state & WINMEM_HEAP_SPARE) {
		winmem_heap_blocks_settle(heap);
		if (!neighbours(heap, spot, &prev, &next))
			return damage_found(heap, spot->block);
	}
	if (least > spot->block->units) {
		err = grow(heap, spot, units, next);
		if (err && least < units)
			err = grow(heap, spot, least, next);
	} else if (units < spot->block->units) {
		shrink(heap, spot, units);
	}
	if (!err)
		make_busy(heap, spot->block, size);
	damage_tell(heap);
	return err;
}

/* Two headers' room more than needed, then the front and the end are cut off and freed. */
int winmem_heap_blocks_alloc_aligned(struct winmem_heap *heap, size_t size, size_t align,
				     bool zero, void **data)
{
	struct winmem_heap_spot front, spot;
	size_t more;
	int err;

	if (align > WINMEM_HEAP_BLOCK_MAX || size > WINMEM_HEAP_BLOCK_MAX - align - 64)
		return ENOMEM;
	err = winmem_heap_blocks_alloc(heap, size + align + 32, zero, data);
	if (err)
		return err;
	front.block = winmem_heap_block_of(*data);
	front.region = winmem_heap_region_of(heap, *data);
	more = -(uintptr_t)*data & (align - 1);
	while (more && more < WINMEM_HEAP_UNITS_MIN * WINMEM_HEAP_UNIT)
		more += align;
	spot = (struct winmem_heap_spot){ front.region, front.block + more / WINMEM_HEAP_UNIT };
	if (more) {
		*spot.block = (struct winmem_heap_block){
			.units = front.block->units - more / WINMEM_HEAP_UNIT,
			.before = more / WINMEM_HEAP_UNIT,
			.state = WINMEM_HEAP_BUSY,
		};
		winmem_heap_block_seal(heap->key, spot.block);
		tell_next(heap, spot.region, spot.block);
		front.block->units = more / WINMEM_HEAP_UNIT;
		winmem_heap_block_seal(heap->key, front.block);
		winmem_heap_blocks_free(heap, &front);
	}
	*data = winmem_heap_block_data(spot.block);
	return winmem_heap_blocks_resize(heap, &spot, size);
}
