/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Spare blocks: those of more than 8 and up to 64 KiB that were freed last, kept whole and
 * given out again to whoever asks for as much. So a block that comes and goes is neither merged
 * with its neighbours nor cut again.
 *
 * Lengths go in steps as those of slots do, eight to a doubling, and a block of a heap that
 * grows is rounded up to one; so each length has a list, and what is in it fits. A spare block
 * is free, but is in one of these lists instead of the index, and its neighbours let it be. It
 * is freed in earnest before the heap commits more.
 */
#ifndef WINMEM_HEAP_SPARE_H
#define WINMEM_HEAP_SPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap_block.h"

#define WINMEM_HEAP_SPARES	24

struct winmem_heap;

/* Protected by the heap's mutex. */
struct winmem_heap_spares {
	struct winmem_heap_free *list[WINMEM_HEAP_SPARES];
	size_t nr;		/* blocks */
	size_t bytes;		/* in them */
};

/** winmem_heap_spare_units() - @units, or a bit more: a length that has a list */
uint32_t winmem_heap_spare_units(const struct winmem_heap *heap, uint32_t units);

/**
 * winmem_heap_spare_take() - a block of @units, which were rounded, or a bit more
 *
 * It has no seal yet. Return: NULL: there is none.
 */
struct winmem_heap_block *winmem_heap_spare_take(struct winmem_heap *heap, uint32_t units);

/** winmem_heap_spare_put() - keep a block. False: its length has no list. */
bool winmem_heap_spare_put(struct winmem_heap *heap, struct winmem_heap_block *block);

/** winmem_heap_spare_any() - any of them, to be freed in earnest. NULL: there is none. */
struct winmem_heap_block *winmem_heap_spare_any(struct winmem_heap *heap);

#endif /* WINMEM_HEAP_SPARE_H */
