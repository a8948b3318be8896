/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One heap: what stands at the start of its first region. The functions that make, use and
 * end it are in heap_core.h; this header is for the files of the allocator alone.
 */
#ifndef WINMEM_HEAP_STATE_H
#define WINMEM_HEAP_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap_class.h"
#include "heap_core.h"
#include "heap_index.h"
#include "heap_lock.h"
#include "heap_map.h"
#include "heap_region.h"
#include "heap_segment.h"
#include "heap_spare.h"
#include "heap_supply.h"

struct winmem_heap_large;
struct winmem_heap_shard;

/* Lock order: the lock's turn, its mutex. Slots are taken and freed under neither. */
struct winmem_heap {
	/* Fixed from creation. */
	uint64_t magic;			/* winmem_heap_is() looks here */
	uint64_t key;
	struct winmem_heap_map *map;
	const struct winmem_heap_supply *supply;
	size_t maximum;			/* 0: the heap grows */
	uint32_t options;		/* WINMEM_HEAP_* that were given at creation */

	/* Written under the mutex, read without. Shards below the limit are there. */
	_Atomic uint32_t shard_limit;
	struct winmem_heap_shard *shards;
	_Atomic uint32_t near[WINMEM_HEAP_NEAR];	/* numbers of segments */

	struct winmem_heap_lock lock;

	/* Protected by lock.mutex. */
	size_t reserved;
	size_t committed;

	struct winmem_heap_index index;
	struct winmem_heap_spares spares;
	struct winmem_heap_region first;
	struct winmem_heap_region *last;	/* region; regions are linked from first on */

	_Atomic uint64_t active;		/* classes with slots; read without the mutex */
	uint8_t asked[WINMEM_HEAP_CLASSES];	/* allocations of a class that has none yet */
	struct winmem_heap_segment *segments;
	struct winmem_heap_segment *segments_end;
	struct winmem_heap_segment *roomy;	/* segments with a slab that is not used */
	size_t slabs;				/* in use */
	size_t slabs_warm;			/* not in use, still committed */

	struct winmem_heap_large *large;
	struct winmem_heap_large *large_end;

	struct winmem_heap_owner owner;
};

/* The page calls, with the sums kept. */
static inline int winmem_heap_reserve(struct winmem_heap *heap, size_t size, size_t align,
				      void **addr)
{
	int err = heap->supply->reserve(heap->supply->ctx, size, align, addr);

	if (!err)
		heap->reserved += size;
	return err;
}

static inline int winmem_heap_commit(struct winmem_heap *heap, void *addr, size_t size)
{
	int err = heap->supply->commit(heap->supply->ctx, addr, size);

	if (!err)
		heap->committed += size;
	return err;
}

static inline int winmem_heap_decommit(struct winmem_heap *heap, void *addr, size_t size)
{
	int err = heap->supply->decommit(heap->supply->ctx, addr, size);

	if (!err)
		heap->committed -= size;
	return err;
}

static inline void winmem_heap_release(struct winmem_heap *heap, void *addr, size_t size,
				       size_t committed)
{
	heap->reserved -= size;
	heap->committed -= committed;
	heap->supply->release(heap->supply->ctx, addr, size);
}

static inline void winmem_heap_damage(const struct winmem_heap *heap, const void *addr)
{
	heap->supply->damage(heap->supply->ctx, heap, addr);
}

/* It grows, and no pattern must follow what is asked for: a block may be longer than that. */
static inline bool winmem_heap_may_round(const struct winmem_heap *heap)
{
	return !heap->maximum && !(heap->options & (WINMEM_HEAP_TAIL_CHECKING |
						    WINMEM_HEAP_FREE_CHECKING));
}

static inline size_t winmem_heap_round(size_t size, size_t to)
{
	return (size + to - 1) & ~(to - 1);
}

#endif /* WINMEM_HEAP_STATE_H */
