/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The short ways, for whoever knows the calling thread's shard: a slot off the free list of its
 * current slab, and a slot given back to a slab that is its own. Each may decline, with
 * nothing changed; the functions of heap_core.h then do all that there is to do.
 */
#ifndef WINMEM_HEAP_FAST_H
#define WINMEM_HEAP_FAST_H

#include "heap_shard.h"
#include "heap_slot.h"
#include "heap_state.h"

/*
 * Where a thread stands that has no shard: nothing can be taken from the one, and no address
 * is near the other.
 */
extern struct winmem_heap_shard winmem_heap_no_shard;
extern struct winmem_heap winmem_heap_nowhere;

/** winmem_heap_shard_find() - @self's shard; NULL: it has none */
static inline struct winmem_heap_shard *winmem_heap_shard_find(const struct winmem_heap *heap,
							       uint32_t self)
{
	if (self >= atomic_load_explicit(&heap->shard_limit, memory_order_acquire))
		return NULL;
	return &heap->shards[self];
}

/** winmem_heap_fast_alloc() - NULL: not in this way */
static inline void *winmem_heap_fast_alloc(const struct winmem_heap_shard *shard, size_t size)
{
	if (__builtin_expect(size > WINMEM_HEAP_SLOT_MAX, 0))
		return NULL;
	return winmem_heap_slab_pop(shard->current[winmem_heap_class(size)], size);
}

/** winmem_heap_fast_free() - @data: any value. False: not in this way. */
static inline bool winmem_heap_fast_free(struct winmem_heap *heap, uint32_t self, void *data)
{
	struct winmem_heap_slab *slab;
	uint32_t slot;

	if (__builtin_expect(!winmem_heap_slot_is_near(heap, data), 0))
		return false;
	slab = winmem_heap_segment_slab(data);
	slot = winmem_heap_slab_slot(slab, data);
	if (__builtin_expect(winmem_heap_slot_check(slab, slot) ||
			     winmem_heap_slab_owner(slab) != self, 0))
		return false;
	if (__builtin_expect(winmem_heap_slab_push_local(slab, slot), 0))
		winmem_heap_shard_freed(heap, self, slab);
	return true;
}

#endif /* WINMEM_HEAP_FAST_H */
