/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks of a region. They lie side by side from its first block to its end, each with a
 * header that tells its length and that of the one before:
 *
 *	| header | what was asked for | slack |			busy
 *	| header | links | ............................ |	free
 *	| header | links, gap | ... |  not committed  | ... |	free, with a gap
 *
 * A free block may have one gap: whole pages that are not committed, between start and
 * end. A region's tail that was never used is no more than the gap of its last block. The
 * bytes from zero to end are known to be zero, once they are committed.
 *
 * A header is sealed: check is a keyed hash of all of it, with the links and the gap of a
 * free block, and its address. Whoever writes to it without the key is found out before
 * anything in it is believed; so no link is followed that somebody else has written. A
 * header that is absorbed by its neighbour is wiped, and is nobody's from then on.
 */
#ifndef WINMEM_HEAP_BLOCK_H
#define WINMEM_HEAP_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WINMEM_HEAP_UNIT	((size_t)16)
#define WINMEM_HEAP_UNITS_MIN	2	/* a free block's header and links */

#define WINMEM_HEAP_BUSY	0x1
#define WINMEM_HEAP_FREE	0x2
#define WINMEM_HEAP_GAP		0x4	/* with FREE */
#define WINMEM_HEAP_TAIL	0x8	/* with BUSY: a pattern is behind what was asked for */
#define WINMEM_HEAP_SPARE	0x10	/* with FREE: kept whole, and not in the index */

struct winmem_heap_block {
	uint32_t units;		/* with this header */
	uint32_t before;	/* units of the block before; 0: there is none */
	uint16_t state;
	uint16_t slack;		/* bytes at the end that nobody asked for */
	uint32_t check;
};

struct winmem_heap_free {
	struct winmem_heap_block head;
	struct winmem_heap_free *left;
	struct winmem_heap_free *right;
};

/* Offsets from the region's start, in pages; zero in units. */
struct winmem_heap_gap {
	uint32_t start;
	uint32_t end;
	uint32_t zero;
	uint32_t spare;
};

struct winmem_heap_hollow {
	struct winmem_heap_free free;
	struct winmem_heap_gap gap;
};

_Static_assert(sizeof(struct winmem_heap_block) == WINMEM_HEAP_UNIT, "a header is a unit");
_Static_assert(sizeof(struct winmem_heap_free) == WINMEM_HEAP_UNITS_MIN * WINMEM_HEAP_UNIT,
	       "header and links");

static inline uint64_t winmem_heap_mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0xd6e8feb86659fd93);
	return hash ^ hash >> 32;
}

/* Both halves of a product: each bit of both words counts. */
static inline uint64_t winmem_heap_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Short, for a step down the tree takes one. The products do not wait for each other. */
static inline uint32_t winmem_heap_block_hash(uint64_t key, const struct winmem_heap_block *block)
{
	const struct winmem_heap_hollow *hollow = (const void *)block;
	uint64_t other = (key << 29 | key >> 35) ^ UINT64_C(0xd6e8feb86659fd93);
	uint64_t hash;

	hash = winmem_heap_fold(key ^ (block->units | (uint64_t)block->before << 32),
				other ^ (uintptr_t)block ^
				(uint64_t)(block->state | (uint32_t)block->slack << 16) << 32);
	if (block->state & WINMEM_HEAP_FREE)
		hash ^= winmem_heap_fold(other ^ (uintptr_t)hollow->free.left,
					 ~key ^ (uintptr_t)hollow->free.right);
	if (block->state & WINMEM_HEAP_GAP)
		hash ^= winmem_heap_fold(~other ^ (hollow->gap.start |
						   (uint64_t)hollow->gap.end << 32),
					 key ^ hollow->gap.zero);
	return hash >> 32 ^ hash;
}

static inline void winmem_heap_block_seal(uint64_t key, struct winmem_heap_block *block)
{
	block->check = winmem_heap_block_hash(key, block);
}

/* @block: any address that can be read as far as its state says, in whole pages at least. */
static inline bool winmem_heap_block_is_intact(uint64_t key, const struct winmem_heap_block *block)
{
	return block->check == winmem_heap_block_hash(key, block);
}

static inline void winmem_heap_block_wipe(struct winmem_heap_block *block)
{
	*block = (struct winmem_heap_block){};
}

static inline size_t winmem_heap_block_bytes(const struct winmem_heap_block *block)
{
	return block->units * WINMEM_HEAP_UNIT;
}

/* What the program sees of it, and back. */
static inline void *winmem_heap_block_data(struct winmem_heap_block *block)
{
	return block + 1;
}

static inline struct winmem_heap_block *winmem_heap_block_of(void *data)
{
	return (struct winmem_heap_block *)data - 1;
}

/* What was asked for. */
static inline size_t winmem_heap_block_size(const struct winmem_heap_block *block)
{
	return winmem_heap_block_bytes(block) - sizeof(*block) - block->slack;
}

static inline struct winmem_heap_free *winmem_heap_block_free(struct winmem_heap_block *block)
{
	return (struct winmem_heap_free *)block;
}

static inline struct winmem_heap_gap *winmem_heap_block_gap(struct winmem_heap_block *block)
{
	return &((struct winmem_heap_hollow *)block)->gap;
}

#endif /* WINMEM_HEAP_BLOCK_H */
