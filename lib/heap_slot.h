/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Is an address a slot of this heap, and is the slot busy? Short enough for every free. */
#ifndef WINMEM_HEAP_SLOT_H
#define WINMEM_HEAP_SLOT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "heap_segment.h"
#include "heap_state.h"

/* @data: any value. True: it lies in a segment of @heap; false: maybe not. */
static inline bool winmem_heap_slot_is_near(const struct winmem_heap *heap, const void *data)
{
	return atomic_load_explicit(&heap->near[winmem_heap_segment_place(data)],
				    memory_order_relaxed) == winmem_heap_segment_number(data);
}

/* The same, for certain. */
static inline bool winmem_heap_slot_is_ours(const struct winmem_heap *heap, const void *data)
{
	return winmem_heap_slot_is_near(heap, data) ||
	       winmem_heap_map_get(heap->map, (uintptr_t)data) ==
	       ((uintptr_t)heap | WINMEM_HEAP_MAP_SEGMENT);
}

/* Why a word is not that of a busy slot. */
static inline int winmem_heap_slot_error(uint16_t word)
{
	if (word & WINMEM_HEAP_SLOT_BUSY)
		return EBADMSG;
	return word & WINMEM_HEAP_SLOT_FREE ? EALREADY : EINVAL;
}

/* @slot: what winmem_heap_slab_slot() says. 0, EINVAL, EALREADY, EBADMSG. */
static inline int winmem_heap_slot_check(const struct winmem_heap_slab *slab, uint32_t slot)
{
	uint16_t word;

	if (__builtin_expect(slot >= slab->nr_slots, 0))
		return EINVAL;
	word = winmem_heap_slab_word(slab, slot);
	if (__builtin_expect((uint16_t)(word - WINMEM_HEAP_SLOT_BUSY) > slab->slot_size, 0))
		return winmem_heap_slot_error(word);
	return 0;
}

#endif /* WINMEM_HEAP_SLOT_H */
