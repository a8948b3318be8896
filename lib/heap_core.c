// SPDX-License-Identifier: LGPL-2.1-or-later
/* Make, use and end a heap: which of the three kinds a block is. */
#include <errno.h>
#include <string.h>

#include "heap_blocks.h"
#include "heap_core.h"
#include "heap_fast.h"
#include "heap_large.h"
#include "heap_look.h"
#include "heap_segment.h"
#include "heap_shard.h"
#include "heap_slot.h"
#include "heap_state.h"

#define unlikely(x)	__builtin_expect(!!(x), 0)

/* The allocation of a class after which it has slots (row H54). */
#define ASKED_ENOUGH	18

struct winmem_heap winmem_heap_nowhere = { .near = { WINMEM_HEAP_NEAR_NONE } };

static void heap_enter(struct winmem_heap *heap, uint32_t self, uint32_t flags)
{
	winmem_heap_enter(&heap->lock, heap->supply, self,
			  (flags | heap->options) & WINMEM_HEAP_NO_SERIALIZE);
}

static void heap_exit(struct winmem_heap *heap)
{
	winmem_heap_mutex_give(&heap->lock, heap->supply);
}

/* Make and end */

int winmem_heap_create(const struct winmem_heap_config *config, struct winmem_heap **result)
{
	const struct winmem_heap_supply *supply = config->supply;
	size_t initial = winmem_heap_round(config->initial, WINMEM_HEAP_PAGE);
	size_t size = winmem_heap_round(config->maximum, WINMEM_HEAP_PAGE);
	size_t committed, reserved;
	struct winmem_heap *heap;
	void *start;
	int err;

	/* Lengths of blocks have 32 bits, in units. */
	if ((size | initial | config->initial | config->maximum) >> 35)
		return ENOMEM;
	if (!size)
		size = winmem_heap_round(initial ? initial : 1, WINMEM_HEAP_GRAIN);
	reserved = winmem_heap_round(size, WINMEM_HEAP_GRAIN);
	committed = winmem_heap_round(winmem_heap_region_first_bytes(size) +
				      WINMEM_HEAP_PAGE, WINMEM_HEAP_PAGE);
	committed = initial > committed ? initial : committed;
	committed = size < committed ? size : committed;

	err = supply->reserve(supply->ctx, reserved, WINMEM_HEAP_GRAIN, &start);
	if (err)
		return err;
	err = supply->commit(supply->ctx, start, committed);
	if (err) {
		supply->release(supply->ctx, start, reserved);
		return err;
	}
	heap = start;
	heap->magic = WINMEM_HEAP_MAGIC;
	heap->key = config->key;
	heap->index.key = config->key;
	heap->map = config->map;
	heap->supply = supply;
	heap->maximum = config->maximum;
	heap->options = config->options;
	heap->reserved = reserved;
	heap->committed = committed;
	heap->near[0] = WINMEM_HEAP_NEAR_NONE;
	winmem_heap_region_open_first(heap, size, committed);
	*result = heap;
	return 0;
}

void winmem_heap_destroy(struct winmem_heap *heap)
{
	const struct winmem_heap_supply *supply = heap->supply;
	struct winmem_heap_region *region, *prev;

	winmem_heap_large_end(heap);
	winmem_heap_segment_end(heap);
	if (heap->shards)
		winmem_heap_release(heap, heap->shards,
				    WINMEM_HEAP_SHARDS * sizeof(struct winmem_heap_shard), 0);
	for (region = heap->last; region != &heap->first; region = prev) {
		/* What lies before a damaged one is out of reach. */
		if (!winmem_heap_region_is_intact(heap, region)) {
			winmem_heap_damage(heap, region);
			break;
		}
		prev = region->prev;
		winmem_heap_region_close(heap, region);
	}
	heap->magic = 0;
	supply->release(supply->ctx, heap, winmem_heap_round(heap->first.size, WINMEM_HEAP_GRAIN));
}

struct winmem_heap_owner *winmem_heap_owner(struct winmem_heap *heap)
{
	return &heap->owner;
}

uint32_t winmem_heap_options(const struct winmem_heap *heap)
{
	return heap->options;
}

bool winmem_heap_is_fixed(const struct winmem_heap *heap)
{
	return heap->maximum;
}

/* Allocate */

bool winmem_heap_has_slots(const struct winmem_heap *heap)
{
	return heap->active;
}

/* One more of a class without slots. Shard 0 must be there before any slab is. */
static void count_asked(struct winmem_heap *heap, size_t size)
{
	unsigned int class = winmem_heap_class(size);

	if (!winmem_heap_may_round(heap) || heap->active >> class & 1 ||
	    ++heap->asked[class] < ASKED_ENOUGH)
		return;
	if (winmem_heap_shard_open(heap, WINMEM_HEAP_ORPHANS))
		heap->asked[class]--;
	else
		heap->active |= UINT64_C(1) << class;
}

static void *alloc_locked(struct winmem_heap *heap, size_t size, uint32_t flags)
{
	void *data;
	int err;

	if (size <= WINMEM_HEAP_SLOT_MAX)
		count_asked(heap, size);
	if (size <= WINMEM_HEAP_BLOCK_MAX)
		err = winmem_heap_blocks_alloc(heap, size, flags & WINMEM_HEAP_ZERO_MEMORY, &data);
	else if (heap->maximum)
		err = ENOMEM;
	else
		err = winmem_heap_large_alloc(heap, size, WINMEM_HEAP_UNIT, 0, &data);
	return err ? NULL : data;
}

static bool shard_is_open(struct winmem_heap *heap, uint32_t self)
{
	int err = 0;

	if (self < atomic_load_explicit(&heap->shard_limit, memory_order_acquire))
		return true;
	if (self >= WINMEM_HEAP_SHARDS)
		return false;
	winmem_heap_mutex_take(&heap->lock, heap->supply);
	err = winmem_heap_shard_open(heap, self);
	winmem_heap_mutex_give(&heap->lock, heap->supply);
	return !err;
}

static __attribute__((noinline)) void *alloc_slow(struct winmem_heap *heap, uint32_t self,
						  size_t size, uint32_t flags)
{
	void *data;

	if (size <= WINMEM_HEAP_SLOT_MAX && heap->active >> winmem_heap_class(size) & 1 &&
	    shard_is_open(heap, self)) {
		data = winmem_heap_shard_alloc(heap, self, size, flags & WINMEM_HEAP_ZERO_MEMORY,
					       (flags | heap->options) & WINMEM_HEAP_NO_SERIALIZE);
		if (data)
			return data;
	}
	heap_enter(heap, self, flags);
	data = alloc_locked(heap, size, flags);
	heap_exit(heap);
	return data;
}

void *winmem_heap_alloc(struct winmem_heap *heap, uint32_t self, size_t size, uint32_t flags)
{
	const struct winmem_heap_shard *shard = winmem_heap_shard_find(heap, self);
	void *data = shard ? winmem_heap_fast_alloc(shard, size) : NULL;

	if (unlikely(!data))
		return alloc_slow(heap, self, size, flags);
	if (unlikely(flags & WINMEM_HEAP_ZERO_MEMORY))
		return memset(data, 0, size);
	return data;
}

void *winmem_heap_alloc_aligned(struct winmem_heap *heap, uint32_t self, size_t size,
				size_t align, uint32_t flags)
{
	void *data;
	int err;

	if (align <= WINMEM_HEAP_UNIT)
		return winmem_heap_alloc(heap, self, size, flags);
	heap_enter(heap, self, flags);
	err = winmem_heap_blocks_alloc_aligned(heap, size, align,
					       flags & WINMEM_HEAP_ZERO_MEMORY, &data);
	if (err && !heap->maximum)
		err = winmem_heap_large_alloc(heap, size, align, 0, &data);
	heap_exit(heap);
	return err ? NULL : data;
}

/* Free */

static int free_locked(struct winmem_heap *heap, void *data)
{
	struct winmem_heap_large *large = winmem_heap_large_find(heap, data);
	struct winmem_heap_spot spot;
	int err;

	if (large)
		return winmem_heap_large_free(heap, large);
	err = winmem_heap_blocks_find(heap, data, &spot);
	return err ? err : winmem_heap_blocks_free(heap, &spot);
}

/* A slot that is another thread's, or in a segment that shares its place (heap_segment.h). */
static int free_slot(struct winmem_heap *heap, uint32_t self, void *data)
{
	struct winmem_heap_slab *slab = winmem_heap_segment_slab(data);
	uint32_t slot = winmem_heap_slab_slot(slab, data);
	int err = winmem_heap_slot_check(slab, slot);

	if (err)
		return err;
	if (winmem_heap_slab_owner(slab) != self)
		winmem_heap_shard_free_other(heap, self, slab, slot);
	else if (winmem_heap_slab_push_local(slab, slot))
		winmem_heap_shard_freed(heap, self, slab);
	return 0;
}

static __attribute__((noinline)) int free_slow(struct winmem_heap *heap, uint32_t self, void *data,
					       uint32_t flags)
{
	int err;

	if (winmem_heap_slot_is_ours(heap, data))
		return free_slot(heap, self, data);
	heap_enter(heap, self, flags);
	err = free_locked(heap, data);
	heap_exit(heap);
	return err;
}

int winmem_heap_free(struct winmem_heap *heap, uint32_t self, void *data, uint32_t flags)
{
	return winmem_heap_fast_free(heap, self, data) ? 0 : free_slow(heap, self, data, flags);
}

/* Size */

static int size_locked(struct winmem_heap *heap, const void *data, size_t *size)
{
	struct winmem_heap_large *large = winmem_heap_large_find(heap, data);
	struct winmem_heap_spot spot;
	int err;

	if (large) {
		*size = large->size;
		return 0;
	}
	err = winmem_heap_blocks_find(heap, data, &spot);
	if (!err)
		*size = winmem_heap_block_size(spot.block);
	return err;
}

int winmem_heap_size(struct winmem_heap *heap, uint32_t self, const void *data, uint32_t flags,
		     size_t *size)
{
	struct winmem_heap_slab *slab;
	uint32_t slot;
	int err;

	if (winmem_heap_slot_is_ours(heap, data)) {
		slab = winmem_heap_segment_slab(data);
		slot = winmem_heap_slab_slot(slab, data);
		err = winmem_heap_slot_check(slab, slot);
		if (!err)
			*size = winmem_heap_slab_word(slab, slot) & WINMEM_HEAP_SLOT_VALUE;
		return err;
	}
	heap_enter(heap, self, flags);
	err = size_locked(heap, data, size);
	heap_exit(heap);
	return err;
}

/* Realloc */

static int resize_slot(void *data, size_t size)
{
	struct winmem_heap_slab *slab = winmem_heap_segment_slab(data);
	uint32_t slot = winmem_heap_slab_slot(slab, data);

	if (size > slab->slot_size)
		return ENOMEM;
	winmem_heap_slab_set_word(slab, slot, WINMEM_HEAP_SLOT_BUSY | size);
	return 0;
}

static int resize_locked(struct winmem_heap *heap, void *data, size_t size)
{
	struct winmem_heap_large *large = winmem_heap_large_find(heap, data);
	struct winmem_heap_spot spot;
	int err;

	if (large)
		return winmem_heap_large_resize(heap, large, size);
	err = winmem_heap_blocks_find(heap, data, &spot);
	return err ? err : winmem_heap_blocks_resize(heap, &spot, size);
}

static int resize(struct winmem_heap *heap, uint32_t self, void *data, size_t size, uint32_t flags)
{
	int err;

	if (winmem_heap_slot_is_ours(heap, data))
		return resize_slot(data, size);
	heap_enter(heap, self, flags);
	err = resize_locked(heap, data, size);
	heap_exit(heap);
	return err;
}

/* A slot of which less than half would be used is left for a smaller one. */
static bool is_wasteful(const void *data, size_t size)
{
	return size < winmem_heap_segment_slab(data)->slot_size / 2;
}

/* A large block that may move grows in place, too, as far as its reservation goes. */
static int grow_large(struct winmem_heap *heap, uint32_t self, void *data, size_t size,
		      uint32_t flags)
{
	struct winmem_heap_large *large;
	int err = ENOMEM;

	if (heap->maximum || size <= WINMEM_HEAP_BLOCK_MAX)
		return ENOMEM;
	heap_enter(heap, self, flags);
	large = winmem_heap_large_find(heap, data);
	if (large)
		err = winmem_heap_large_grow(heap, large, size);
	heap_exit(heap);
	return err;
}

/* A block that grows will do so again: it has as much room again, if it is large. */
static void *alloc_to_grow(struct winmem_heap *heap, uint32_t self, size_t size, uint32_t flags)
{
	void *data = NULL;

	if (heap->maximum || size <= WINMEM_HEAP_BLOCK_MAX)
		return winmem_heap_alloc(heap, self, size, flags);
	heap_enter(heap, self, flags);
	winmem_heap_large_alloc(heap, size, WINMEM_HEAP_UNIT, size, &data);
	heap_exit(heap);
	return data;
}

static int move(struct winmem_heap *heap, uint32_t self, void **data, size_t old, size_t size,
		uint32_t flags)
{
	void *to = alloc_to_grow(heap, self, size, flags & ~WINMEM_HEAP_ZERO_MEMORY);

	if (!to)
		return ENOMEM;
	memcpy(to, *data, old < size ? old : size);
	winmem_heap_free(heap, self, *data, flags);
	*data = to;
	return 0;
}

int winmem_heap_realloc(struct winmem_heap *heap, uint32_t self, void **data, size_t size,
			uint32_t flags)
{
	bool fixed = flags & WINMEM_HEAP_IN_PLACE_ONLY;
	size_t old;
	int err;

	err = winmem_heap_size(heap, self, *data, flags, &old);
	if (err)
		return err;
	if (!fixed && size < old && winmem_heap_slot_is_ours(heap, *data) &&
	    is_wasteful(*data, size) && !move(heap, self, data, old, size, flags))
		return 0;
	err = resize(heap, self, *data, size, flags);
	if (err == ENOMEM && !fixed)
		err = grow_large(heap, self, *data, size, flags);
	if (err == ENOMEM && !fixed)
		err = move(heap, self, data, old, size, flags);
	if (!err && size > old && flags & WINMEM_HEAP_ZERO_MEMORY)
		memset((char *)*data + old, 0, size - old);
	return err;
}

/* Lock, leave, compact */

void winmem_heap_lock(struct winmem_heap *heap, uint32_t self)
{
	winmem_heap_turn_take(&heap->lock, heap->supply, self);
}

bool winmem_heap_unlock(struct winmem_heap *heap, uint32_t self)
{
	return winmem_heap_turn_give(&heap->lock, heap->supply, self);
}

void winmem_heap_leave(struct winmem_heap *heap, uint32_t self)
{
	if (self >= atomic_load_explicit(&heap->shard_limit, memory_order_acquire))
		return;
	winmem_heap_mutex_take(&heap->lock, heap->supply);
	winmem_heap_shard_leave(heap, self);
	winmem_heap_mutex_give(&heap->lock, heap->supply);
}

static void tidy_locked(struct winmem_heap *heap)
{
	winmem_heap_blocks_settle(heap);
	if (!winmem_heap_has_slots(heap))
		return;
	winmem_heap_shard_tidy(heap);
	winmem_heap_segment_chill(heap);
}

size_t winmem_heap_compact(struct winmem_heap *heap, uint32_t self)
{
	size_t largest;

	heap_enter(heap, self, 0);
	tidy_locked(heap);
	largest = winmem_heap_index_largest(&heap->index);
	heap_exit(heap);
	return largest;
}

void winmem_heap_tidy(struct winmem_heap *heap)
{
	winmem_heap_mutex_take(&heap->lock, heap->supply);
	if (!heap->lock.owner)
		tidy_locked(heap);
	heap_exit(heap);
}
