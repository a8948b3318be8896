// SPDX-License-Identifier: LGPL-2.1-or-later
/* Blocks that were freed lately. See heap_spare.h. */
#include "heap_class.h"
#include "heap_spare.h"
#include "heap_state.h"

/* What the program sees of them, in units: above the one and up to the other. */
#define UNITS_MIN	(WINMEM_HEAP_SLOT_MAX / WINMEM_HEAP_UNIT)
#define UNITS_MAX	(8 * UNITS_MIN)
#define DOUBLING_MIN	9

_Static_assert(UNITS_MIN == 1 << DOUBLING_MIN, "the first list");

#define NONE		WINMEM_HEAP_SPARES

/* So many lists of longer blocks are looked at: up to three eighths are not asked for then. */
#define LONGER_TRIED	2

/*
 * Lengths are those of what the program sees, which is a unit less: powers of two are asked for
 * as often as not. Of 2^n units and up to twice as many an eighth of that is a step.
 */
static unsigned int step_bits(uint32_t units)
{
	return 28 - __builtin_clz(units - 2);
}

static bool has_list(uint32_t units)
{
	return units - 1 - (UNITS_MIN + 1) < UNITS_MAX - UNITS_MIN;
}

/* NONE: that is not the length of any. */
static unsigned int list_of(uint32_t units)
{
	unsigned int bits;

	if (!has_list(units))
		return NONE;
	bits = step_bits(units);
	if ((units - 1) & ((1U << bits) - 1))
		return NONE;
	return (bits + 3 - DOUBLING_MIN) * 8 + ((units - 2) >> bits) - 8;
}

uint32_t winmem_heap_spare_units(const struct winmem_heap *heap, uint32_t units)
{
	uint32_t step;

	if (!has_list(units) || !winmem_heap_may_round(heap))
		return units;
	step = 1U << step_bits(units);
	return ((units - 2) & -step) + step + 1;
}

/* The first of a list, which is cut off if it is damaged. */
static struct winmem_heap_block *take(struct winmem_heap *heap, unsigned int list,
				      uint32_t units)
{
	struct winmem_heap_spares *spares = &heap->spares;
	struct winmem_heap_free *block = spares->list[list];

	if (!block)
		return NULL;
	if (block->head.state != (WINMEM_HEAP_FREE | WINMEM_HEAP_SPARE) ||
	    !winmem_heap_block_is_intact(heap->key, &block->head) ||
	    block->head.units < units) {
		spares->list[list] = NULL;
		heap->index.damaged = block;
		return NULL;
	}
	spares->list[list] = block->right;
	spares->nr--;
	spares->bytes -= winmem_heap_block_bytes(&block->head);
	return &block->head;
}

struct winmem_heap_block *winmem_heap_spare_take(struct winmem_heap *heap, uint32_t units)
{
	struct winmem_heap_block *block = NULL;
	unsigned int list;

	if (!heap->spares.nr)
		return NULL;
	list = list_of(units);
	if (list == NONE)
		return NULL;
	for (unsigned int i = list; !block && i <= list + LONGER_TRIED && i < WINMEM_HEAP_SPARES; i++)
		block = take(heap, i, units);
	return block;
}

bool winmem_heap_spare_put(struct winmem_heap *heap, struct winmem_heap_block *block)
{
	struct winmem_heap_free *free = winmem_heap_block_free(block);
	unsigned int list = list_of(block->units);

	if (list == NONE || !winmem_heap_may_round(heap))
		return false;
	block->state = WINMEM_HEAP_FREE | WINMEM_HEAP_SPARE;
	block->slack = 0;
	free->left = NULL;
	free->right = heap->spares.list[list];
	winmem_heap_block_seal(heap->key, block);
	heap->spares.list[list] = free;
	heap->spares.nr++;
	heap->spares.bytes += winmem_heap_block_bytes(block);
	return true;
}

struct winmem_heap_block *winmem_heap_spare_any(struct winmem_heap *heap)
{
	struct winmem_heap_block *block = NULL;

	for (unsigned int list = WINMEM_HEAP_SPARES; !block && heap->spares.nr && list--;)
		block = take(heap, list, 0);
	/* What hung on a damaged one is lost with it. */
	if (!block) {
		heap->spares.nr = 0;
		heap->spares.bytes = 0;
	}
	return block;
}
