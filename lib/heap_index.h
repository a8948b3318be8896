/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The free blocks of a heap, by size, in lists: one for each size below 32 units, eight to
 * each doubling above, and one for all from 65,536 units on, which is more than any block
 * that is asked for. A bit for each list says whether it is empty.
 *
 * A block is looked for among the first few of its own list, and then it is the first of the
 * next list that is not empty, for there each is long enough. So nothing takes longer the
 * more free blocks there are, and at most an eighth of a block is more than best fit would take.
 */
#ifndef WINMEM_HEAP_INDEX_H
#define WINMEM_HEAP_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap_block.h"

#define WINMEM_HEAP_LISTS_EXACT	32	/* of one size each */
#define WINMEM_HEAP_LISTS	121

/* Protected by the heap's mutex. */
struct winmem_heap_index {
	uint64_t key;
	uint64_t filled[2];	/* lists that are not empty */
	struct winmem_heap_free *list[WINMEM_HEAP_LISTS];
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

/** winmem_heap_index_remove() - false: it is not there, or what stands before it is damaged */
bool winmem_heap_index_remove(struct winmem_heap_index *index, struct winmem_heap_block *block);

/** winmem_heap_index_find() - a block of at least @units, hardly longer if there is one; or NULL */
struct winmem_heap_block *winmem_heap_index_find(struct winmem_heap_index *index, uint32_t units);

/** winmem_heap_index_has() - is @block filed where it should be? Changes nothing. */
bool winmem_heap_index_has(struct winmem_heap_index *index, const struct winmem_heap_block *block);

/** winmem_heap_index_largest() - the most that one block could be without a commit, in bytes */
size_t winmem_heap_index_largest(struct winmem_heap_index *index);

#endif /* WINMEM_HEAP_INDEX_H */
