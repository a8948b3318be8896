// SPDX-License-Identifier: LGPL-2.1-or-later
/* Slabs: how they are cut, and what other threads have freed in them. See heap_slab.h. */
#include "heap_class.h"
#include "heap_segment.h"
#include "heap_slab.h"

#define SLOT_ALIGN	16

/*
 * Slabs begin at multiples of 64 KiB, and what lies at the same place in each would share a few
 * lines of the cache. So a slab has its words and slots up to so many lines farther on, by its
 * number, in the bytes that are too few for one more slot.
 */
#define LINE		64
#define COLOURS		16

static size_t colour(const char *start, size_t spare)
{
	size_t colours = spare / LINE + 1;

	return (uintptr_t)start / WINMEM_HEAP_SLAB_BYTES %
	       (colours < COLOURS ? colours : COLOURS) * LINE;
}

void winmem_heap_slab_open(struct winmem_heap_slab *slab, char *start, size_t bytes,
			   unsigned int class, bool zero)
{
	size_t size = winmem_heap_class_size(class);
	size_t nr = bytes / (size + sizeof(uint16_t));
	size_t words = (nr * sizeof(uint16_t) + SLOT_ALIGN - 1) & ~(size_t)(SLOT_ALIGN - 1);

	if (words + nr * size > bytes)
		nr--;
	start += colour(start, bytes - words - nr * size);
	slab->slot_words = (_Atomic uint16_t *)start;
	for (size_t i = 0; !zero && i < nr; i++)
		winmem_heap_slab_set_word(slab, i, 0);
	slab->free = WINMEM_HEAP_SLOT_FREE | WINMEM_HEAP_SLOT_NONE;
	slab->size = size;
	slab->fresh = 0;
	slab->words = slab->slot_words;
	slab->slots = start + words;
	slab->watch = 0;
	slab->left = 0;
	slab->class = class;
	slab->zero = zero;
	slab->next = NULL;
	slab->prev = NULL;
	slab->remote = WINMEM_HEAP_SLOT_NONE;
	slab->reciprocal = (((uint64_t)1 << 32) + size - 1) / size;
	slab->slot_size = size;
	slab->first_slot = slab->slots;
	slab->nr = nr;
	slab->nr_slots = nr;
}

bool winmem_heap_slab_collect(struct winmem_heap_slab *slab)
{
	unsigned int slot, first, last, nr = 0;
	uint16_t word;

	/* Pairs with winmem_heap_slab_push_remote(). */
	first = atomic_exchange_explicit(&slab->remote, WINMEM_HEAP_SLOT_NONE,
					 memory_order_acq_rel);
	last = first;
	for (slot = first; slot != WINMEM_HEAP_SLOT_NONE; slot = word & WINMEM_HEAP_SLOT_VALUE) {
		/* Two threads that free one slot at once make a ring: longer than what is used. */
		if (slot >= slab->nr || ++nr > winmem_heap_slab_used(slab))
			return false;
		word = winmem_heap_slab_word(slab, slot);
		if (word >> 14 != WINMEM_HEAP_SLOT_FREE >> 14)
			return false;
		last = slot;
	}
	if (!nr)
		return false;
	winmem_heap_slab_set_word(slab, last, slab->free);
	slab->free = WINMEM_HEAP_SLOT_FREE | first;
	slab->left -= nr;
	return true;
}
