// SPDX-License-Identifier: LGPL-2.1-or-later
/* Free blocks by size: lists and a treap. See heap_index.h. */
#include "heap_index.h"
#include "heap_supply.h"

/* A place in the tree: a side of a block, or the root where there is no block. */
struct place {
	struct winmem_heap_free *above;
	bool right;
};

/*
 * The state is looked at first: it says how far the hash reads, and a block in a list may
 * be too short for a gap. Those in the tree are not.
 */
static bool list_block_is_intact(const struct winmem_heap_index *index,
				 const struct winmem_heap_free *block)
{
	return block->head.state == WINMEM_HEAP_FREE &&
	       winmem_heap_block_is_intact(index->key, &block->head);
}

static bool tree_block_is_intact(const struct winmem_heap_index *index,
				 const struct winmem_heap_free *block)
{
	return (block->head.state & ~WINMEM_HEAP_GAP) == WINMEM_HEAP_FREE &&
	       winmem_heap_block_is_intact(index->key, &block->head);
}

static bool list_trusts(struct winmem_heap_index *index, struct winmem_heap_free *block)
{
	if (list_block_is_intact(index, block))
		return true;
	index->damaged = block;
	return false;
}

static bool tree_trusts(struct winmem_heap_index *index, struct winmem_heap_free *block)
{
	if (tree_block_is_intact(index, block))
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

/* Lists */

static void list_add(struct winmem_heap_index *index, struct winmem_heap_free *block)
{
	struct winmem_heap_free **list = &index->list[block->head.units];
	struct winmem_heap_free *first = *list;

	if (first && !list_trusts(index, first))
		first = NULL;
	block->left = NULL;
	block->right = first;
	if (first) {
		first->left = block;
		winmem_heap_block_seal(index->key, &first->head);
	}
	*list = block;
	index->filled |= UINT64_C(1) << block->head.units;
}

static bool list_remove(struct winmem_heap_index *index, struct winmem_heap_free *block)
{
	struct winmem_heap_free **list = &index->list[block->head.units];
	struct winmem_heap_free *left = block->left, *right = block->right;

	if (left && !list_trusts(index, left))
		return false;
	if (right && !list_trusts(index, right))
		right = NULL;
	if (left ? left->right != block : *list != block)
		return false;
	if (right) {
		right->left = left;
		winmem_heap_block_seal(index->key, &right->head);
	}
	if (left) {
		left->right = right;
		winmem_heap_block_seal(index->key, &left->head);
	} else {
		*list = right;
		if (!right)
			index->filled &= ~(UINT64_C(1) << block->head.units);
	}
	return true;
}

/* A list whose first block is damaged is given up; the others stay where they are. */
static struct winmem_heap_free *list_find(struct winmem_heap_index *index, uint32_t units)
{
	struct winmem_heap_free *first;
	unsigned int list;

	while (index->filled >> units) {
		list = __builtin_ctzll(index->filled >> units) + units;
		first = index->list[list];
		if (list_trusts(index, first))
			return first;
		index->list[list] = NULL;
		index->filled &= ~(UINT64_C(1) << list);
	}
	return NULL;
}

/* The tree */

static uint64_t rank_of(const struct winmem_heap_index *index, const struct winmem_heap_free *block)
{
	return winmem_heap_mix(index->key, (uintptr_t)block);
}

static bool comes_before(const struct winmem_heap_free *a, const struct winmem_heap_free *b)
{
	return a->head.units != b->head.units ? a->head.units < b->head.units : a < b;
}

/* What hangs at a place, or NULL; something damaged is cut off. */
static struct winmem_heap_free *place_get(struct winmem_heap_index *index, struct place at)
{
	struct winmem_heap_free **link = &index->root;

	if (at.above)
		link = at.right ? &at.above->right : &at.above->left;
	if (*link && !tree_trusts(index, *link)) {
		*link = NULL;
		if (at.above)
			winmem_heap_block_seal(index->key, &at.above->head);
	}
	return *link;
}

static void place_set(struct winmem_heap_index *index, struct place at,
		      struct winmem_heap_free *block)
{
	if (!at.above) {
		index->root = block;
		return;
	}
	if (at.right)
		at.above->right = block;
	else
		at.above->left = block;
	winmem_heap_block_seal(index->key, &at.above->head);
}

/* Everything at @from is sorted to the left or the right of @block, which has no links yet. */
static void tree_split(struct winmem_heap_index *index, struct winmem_heap_free *from,
		       struct winmem_heap_free *block)
{
	struct place less = { block, false }, more = { block, true };

	while (from) {
		struct place *side = comes_before(from, block) ? &less : &more;

		place_set(index, *side, from);
		side->above = from;
		side->right = side == &less;
		from = place_get(index, *side);
	}
	place_set(index, less, NULL);
	place_set(index, more, NULL);
}

static void tree_add(struct winmem_heap_index *index, struct winmem_heap_free *block)
{
	uint64_t rank = rank_of(index, block);
	struct place at = { NULL, false };
	struct winmem_heap_free *here;

	while ((here = place_get(index, at)) && rank_of(index, here) >= rank)
		at = (struct place){ here, comes_before(here, block) };
	block->left = NULL;
	block->right = NULL;
	tree_split(index, here, block);
	place_set(index, at, block);
}

static bool tree_remove(struct winmem_heap_index *index, struct winmem_heap_free *block)
{
	struct place at = { NULL, false };
	struct winmem_heap_free *here, *left, *right;

	while ((here = place_get(index, at)) != block) {
		if (!here)
			return false;
		at = (struct place){ here, comes_before(here, block) };
	}
	left = place_get(index, (struct place){ block, false });
	right = place_get(index, (struct place){ block, true });
	while (left && right) {
		if (rank_of(index, left) > rank_of(index, right)) {
			place_set(index, at, left);
			at = (struct place){ left, true };
			left = place_get(index, at);
		} else {
			place_set(index, at, right);
			at = (struct place){ right, false };
			right = place_get(index, at);
		}
	}
	place_set(index, at, left ? left : right);
	return true;
}

static struct winmem_heap_free *tree_find(struct winmem_heap_index *index, uint32_t units)
{
	struct winmem_heap_free *here, *best = NULL;
	struct place at = { NULL, false };

	while ((here = place_get(index, at))) {
		if (here->head.units >= units)
			best = here;
		at = (struct place){ here, here->head.units < units };
	}
	return best;
}

void winmem_heap_index_add(struct winmem_heap_index *index, struct winmem_heap_block *block)
{
	if (block->units < WINMEM_HEAP_LISTS)
		list_add(index, winmem_heap_block_free(block));
	else
		tree_add(index, winmem_heap_block_free(block));
	winmem_heap_block_seal(index->key, block);
	index->nr++;
	index->bytes += committed_bytes(block);
}

bool winmem_heap_index_remove(struct winmem_heap_index *index, struct winmem_heap_block *block)
{
	bool found;

	if (block->units < WINMEM_HEAP_LISTS)
		found = list_remove(index, winmem_heap_block_free(block));
	else
		found = tree_remove(index, winmem_heap_block_free(block));
	if (!found)
		return false;
	index->nr--;
	index->bytes -= committed_bytes(block);
	return true;
}

struct winmem_heap_block *winmem_heap_index_find(struct winmem_heap_index *index, uint32_t units)
{
	struct winmem_heap_free *block = NULL;

	if (units < WINMEM_HEAP_LISTS)
		block = list_find(index, units);
	if (!block)
		block = tree_find(index, units);
	return block ? &block->head : NULL;
}

static bool list_has(struct winmem_heap_index *index, const struct winmem_heap_free *block)
{
	const struct winmem_heap_free *left = block->left, *right = block->right;

	if (right && (!list_block_is_intact(index, right) || right->left != block))
		return false;
	if (!left)
		return index->list[block->head.units] == block;
	return list_block_is_intact(index, left) && left->right == block;
}

static bool tree_has(struct winmem_heap_index *index, const struct winmem_heap_free *block)
{
	const struct winmem_heap_free *here = index->root;

	while (here && here != block) {
		if (!tree_block_is_intact(index, here))
			return false;
		here = comes_before(here, block) ? here->right : here->left;
	}
	return here;
}

bool winmem_heap_index_has(struct winmem_heap_index *index, const struct winmem_heap_block *block)
{
	const struct winmem_heap_free *free = (const void *)block;

	return block->units < WINMEM_HEAP_LISTS ? list_has(index, free) : tree_has(index, free);
}

/* From the largest down, until no smaller one can have more: those with a gap may have less. */
static size_t tree_largest(struct winmem_heap_index *index, struct place at, size_t most)
{
	struct winmem_heap_free *here = place_get(index, at);
	size_t bytes;

	if (!here)
		return most;
	most = tree_largest(index, (struct place){ here, true }, most);
	bytes = committed_bytes(&here->head);
	most = bytes > most ? bytes : most;
	if (winmem_heap_block_bytes(&here->head) <= most)
		return most;
	return tree_largest(index, (struct place){ here, false }, most);
}

size_t winmem_heap_index_largest(struct winmem_heap_index *index)
{
	size_t most = tree_largest(index, (struct place){ NULL, false }, 0);

	if (!most && index->filled)
		most = (63 - __builtin_clzll(index->filled)) * WINMEM_HEAP_UNIT;
	return most ? most - sizeof(struct winmem_heap_block) : 0;
}
