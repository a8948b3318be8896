/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The free blocks of a heap, by size. Below 64 units each size has a list, and a word with a
 * bit for each list that is not empty; the others hang in a tree ordered by size, then
 * address. Finding the best fit takes a few instructions or O(log n) steps.
 *
 * The tree is a treap: a block's rank is a keyed hash of its address, so ranks take no room,
 * no sequence of calls makes it deep, and it needs no links upwards.
 */
#ifndef WINMEM_HEAP_INDEX_H
#define WINMEM_HEAP_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap_block.h"

#define WINMEM_HEAP_LISTS	64

/* Protected by the heap's mutex. */
struct winmem_heap_index {
	uint64_t key;
	uint64_t filled;	/* lists that are not empty */
	struct winmem_heap_free *list[WINMEM_HEAP_LISTS];
	struct winmem_heap_free *root;
	const void *damaged;	/* the last block that was found overwritten; NULL: none yet */
	size_t nr;		/* blocks */
	size_t bytes;		/* committed bytes in them */
};

/**
 * winmem_heap_index_add() - file a free block; seals it
 *
 * Blocks that are found damaged on the way are cut off, with what hangs on them, and
 * noted in @damaged.
 */
void winmem_heap_index_add(struct winmem_heap_index *index, struct winmem_heap_block *block);

/** winmem_heap_index_remove() - false: it is not there, or what it hangs on is damaged */
bool winmem_heap_index_remove(struct winmem_heap_index *index, struct winmem_heap_block *block);

/** winmem_heap_index_find() - the smallest block of at least @units, or NULL */
struct winmem_heap_block *winmem_heap_index_find(struct winmem_heap_index *index, uint32_t units);

/** winmem_heap_index_has() - is @block filed where it should be? Changes nothing. */
bool winmem_heap_index_has(struct winmem_heap_index *index, const struct winmem_heap_block *block);

/** winmem_heap_index_largest() - the most that one block could be without a commit, in bytes */
size_t winmem_heap_index_largest(struct winmem_heap_index *index);

#endif /* WINMEM_HEAP_INDEX_H */
