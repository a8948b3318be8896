// SPDX-License-Identifier: LGPL-2.1-or-later
/* Free blocks by size, in lists. See heap_index.h. */
#include "heap_index.h"
#include "heap_supply.h"

/*
 * Blocks of the own list that are looked at, the first time and when nothing else is left:
 * the heap would have to grow then, or cannot.
 */
#define TRIES		4
#define TRIES_MOST	256

static unsigned int list_of(uint32_t units)
{
	unsigned int doubling;

	if (units < WINMEM_HEAP_LISTS_EXACT)
		return units;
	doubling = 31 - __builtin_clz(units);
	if (doubling > 15)
		return WINMEM_HEAP_LISTS - 1;
	return (doubling - 1) * 8 + (units >> (doubling - 3) & 7);
}

/* The shortest block that belongs there. */
static uint32_t list_least(unsigned int list)
{
	if (list < WINMEM_HEAP_LISTS_EXACT)
		return list;
	return (8 + list % 8) << (list / 8 - 2);
}

/*
 * The state is looked at first: it says how far the hash reads, and a block may be too short
 * for a gap.
 */
static bool is_intact(const struct winmem_heap_index *index, const struct winmem_heap_free *block,
		      unsigned int list)
{
	uint16_t state = block->head.state;

	if (list >= WINMEM_HEAP_LISTS_EXACT)
		state &= ~WINMEM_HEAP_GAP;
	return state == WINMEM_HEAP_FREE && winmem_heap_block_is_intact(index->key, &block->head);
}

static bool trusts(struct winmem_heap_index *index, const struct winmem_heap_free *block,
		   unsigned int list)
{
	if (is_intact(index, block, list))
		return true;
	index->damaged = block;
	return false;
}

static size_t committed_bytes(struct winmem_heap_block *block)
{
	struct winmem_heap_gap *gap = winmem_heap_block_gap(block);
	size_t bytes = winmem_heap_block_bytes(block);

	if (block->state & WINMEM_HEAP_GAP)
		bytes -= (gap->end - gap->start) * WINMEM_HEAP_PAGE;
	return bytes;
}

static void list_set(struct winmem_heap_index *index, unsigned int list,
		     struct winmem_heap_free *first)
{
	uint64_t bit = UINT64_C(1) << list % 64;

	index->list[list] = first;
	if (first)
		index->filled[list / 64] |= bit;
	else
		index->filled[list / 64] &= ~bit;
}

void winmem_heap_index_add(struct winmem_heap_index *index, struct winmem_heap_block *block)
{
	struct winmem_heap_free *free = winmem_heap_block_free(block);
	unsigned int list = list_of(block->units);
	struct winmem_heap_free *first = index->list[list];

	if (first && !trusts(index, first, list))
		first = NULL;
	free->left = NULL;
	free->right = first;
	if (first) {
		first->left = free;
		winmem_heap_block_seal(index->key, &first->head);
	}
	list_set(index, list, free);
	winmem_heap_block_seal(index->key, block);
	index->nr++;
	index->bytes += committed_bytes(block);
}

bool winmem_heap_index_remove(struct winmem_heap_index *index, struct winmem_heap_block *block)
{
	struct winmem_heap_free *free = winmem_heap_block_free(block);
	struct winmem_heap_free *left = free->left, *right = free->right;
	unsigned int list = list_of(block->units);

	if (left && !trusts(index, left, list))
		return false;
	if (right && !trusts(index, right, list))
		right = NULL;
	if (left ? left->right != free : index->list[list] != free)
		return false;
	if (right) {
		right->left = left;
		winmem_heap_block_seal(index->key, &right->head);
	}
	if (left) {
		left->right = right;
		winmem_heap_block_seal(index->key, &left->head);
	} else {
		list_set(index, list, right);
	}
	index->nr--;
	index->bytes -= committed_bytes(block);
	return true;
}

/* The next block of a list, or its first; what is damaged is cut off with all behind it. */
static struct winmem_heap_free *list_next(struct winmem_heap_index *index, unsigned int list,
					  struct winmem_heap_free *block)
{
	struct winmem_heap_free *next = block ? block->right : index->list[list];

	if (!next || trusts(index, next, list))
		return next;
	if (block) {
		block->right = NULL;
		winmem_heap_block_seal(index->key, &block->head);
	} else {
		list_set(index, list, NULL);
	}
	return NULL;
}

static struct winmem_heap_free *list_find(struct winmem_heap_index *index, unsigned int list,
					  uint32_t units, unsigned int tries)
{
	struct winmem_heap_free *block = NULL;

	while (tries-- && (block = list_next(index, list, block))) {
		if (block->head.units >= units)
			return block;
	}
	return NULL;
}

/* The first list from @list on that is not empty; WINMEM_HEAP_LISTS: all are. */
static unsigned int next_filled(const struct winmem_heap_index *index, unsigned int list)
{
	uint64_t word = 0;

	if (list < 64) {
		word = index->filled[0] >> list;
		if (word)
			return list + __builtin_ctzll(word);
		list = 64;
	}
	if (list < WINMEM_HEAP_LISTS)
		word = index->filled[1] >> (list - 64);
	return word ? list + __builtin_ctzll(word) : WINMEM_HEAP_LISTS;
}

static struct winmem_heap_free *longer_find(struct winmem_heap_index *index, unsigned int list)
{
	struct winmem_heap_free *block = NULL;

	while (!block && (list = next_filled(index, list)) < WINMEM_HEAP_LISTS)
		block = list_next(index, list, NULL);
	return block;
}

struct winmem_heap_block *winmem_heap_index_find(struct winmem_heap_index *index, uint32_t units)
{
	unsigned int list = list_of(units);
	struct winmem_heap_free *block = list_find(index, list, units, TRIES);

	if (!block)
		block = longer_find(index, list + 1);
	if (!block)
		block = list_find(index, list, units, TRIES_MOST);
	return block ? &block->head : NULL;
}

bool winmem_heap_index_has(struct winmem_heap_index *index, const struct winmem_heap_block *block)
{
	const struct winmem_heap_free *free = (const void *)block;
	const struct winmem_heap_free *left = free->left, *right = free->right;
	unsigned int list = list_of(block->units);

	if (right && (!is_intact(index, right, list) || right->left != free))
		return false;
	if (!left)
		return index->list[list] == free;
	return is_intact(index, left, list) && left->right == free;
}

/* From the longest down, until no shorter one can have more: those with a gap may have less. */
size_t winmem_heap_index_largest(struct winmem_heap_index *index)
{
	unsigned int list = WINMEM_HEAP_LISTS;
	struct winmem_heap_free *block;
	size_t bytes, most = 0;

	while (list-- && (list == WINMEM_HEAP_LISTS - 1 ||
			  most < list_least(list + 1) * WINMEM_HEAP_UNIT)) {
		for (block = NULL; (block = list_next(index, list, block));) {
			bytes = committed_bytes(&block->head);
			most = bytes > most ? bytes : most;
		}
	}
	return most ? most - sizeof(struct winmem_heap_block) : 0;
}
