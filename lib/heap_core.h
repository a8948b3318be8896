/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The allocator inside a heap, over page calls that are passed in.
 *
 * Where a block lies depends on its size, and on how often the size was asked for:
 *
 *	up to 8 KiB, from the 18th of its class on	a slot of a slab	heap_slab.h
 *	up to 0xfefd8 bytes				a block of a region	heap_blocks.h
 *	above						its own reservation	heap_large.h
 *
 * as on Windows, so that a small heap is small. Slots cost neither a lock nor, but for frees
 * from other threads, an atomic operation: each thread has a shard (heap_shard.h). Regions
 * and large blocks are under the heap's mutex. Heaps of fixed size and those that check tails
 * or fill what is freed have no slots.
 *
 * Any 64-bit value may be passed as a block. Whether it is one of this heap is known without
 * touching it (heap_map.h), and no metadata is believed that was not checked.
 *
 * Callers name their thread by a small number that no other living thread has, from 1 on.
 */
#ifndef WINMEM_HEAP_CORE_H
#define WINMEM_HEAP_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap_map.h"
#include "heap_supply.h"

/* Options of a heap and flags of a call, with Windows' numbers. Others mean nothing here. */
#define WINMEM_HEAP_NO_SERIALIZE	0x01
#define WINMEM_HEAP_ZERO_MEMORY		0x08
#define WINMEM_HEAP_IN_PLACE_ONLY	0x10
#define WINMEM_HEAP_TAIL_CHECKING	0x20
#define WINMEM_HEAP_FREE_CHECKING	0x40

struct winmem_heap;

/**
 * struct winmem_heap_config - what a heap is made from
 * @supply: stays where it is while the heap lives
 * @map: shared by all heaps of the process
 * @key: random; seals the metadata
 * @initial: bytes committed at once
 * @maximum: bytes; 0: the heap grows
 * @options: NO_SERIALIZE, TAIL_CHECKING, FREE_CHECKING, and what else the caller wants to
 *	find again
 */
struct winmem_heap_config {
	const struct winmem_heap_supply *supply;
	struct winmem_heap_map *map;
	uint64_t key;
	size_t initial;
	size_t maximum;
	uint32_t options;
};

/** winmem_heap_create() - 0; ENOMEM or what the supply says */
int winmem_heap_create(const struct winmem_heap_config *config, struct winmem_heap **heap);

/**
 * struct winmem_heap_owner - what whoever makes heaps keeps in each; nothing here looks at it
 * @next: heap of the process; NULL: the last
 * @prev: NULL: the first
 * @slots_asked: the program asked for slots itself
 */
struct winmem_heap_owner {
	struct winmem_heap *next;
	struct winmem_heap *prev;
	bool slots_asked;
};

struct winmem_heap_owner *winmem_heap_owner(struct winmem_heap *heap);

#define WINMEM_HEAP_MAGIC	UINT64_C(0x70616568206d7769)	/* the first word of a heap */

/** winmem_heap_is() - is there a heap at @addr? The word there is read. */
static inline bool winmem_heap_is(const void *addr)
{
	return *(const uint64_t *)addr == WINMEM_HEAP_MAGIC;
}

/** winmem_heap_options() - those it was made with */
uint32_t winmem_heap_options(const struct winmem_heap *heap);

/** winmem_heap_is_fixed() - it was made with a maximum */
bool winmem_heap_is_fixed(const struct winmem_heap *heap);

/** winmem_heap_destroy() - all of it at once. Nobody may use it any more. */
void winmem_heap_destroy(struct winmem_heap *heap);

/** winmem_heap_alloc() - NULL: there is no memory, or the heap is of fixed size and full */
void *winmem_heap_alloc(struct winmem_heap *heap, uint32_t self, size_t size, uint32_t flags);

/**
 * winmem_heap_alloc_aligned() - @align: a power of two
 *
 * Return: NULL also when @align is more than 512 KiB.
 */
void *winmem_heap_alloc_aligned(struct winmem_heap *heap, uint32_t self, size_t size,
				size_t align, uint32_t flags);

/** winmem_heap_free() - 0; EINVAL, EALREADY, EBADMSG as in heap_blocks.h */
int winmem_heap_free(struct winmem_heap *heap, uint32_t self, void *data, uint32_t flags);

/** winmem_heap_size() - what was asked for; errors as above */
int winmem_heap_size(struct winmem_heap *heap, uint32_t self, const void *data, uint32_t flags,
		     size_t *size);

/**
 * winmem_heap_realloc() - make a block longer or shorter
 * @data: where it is; where it is afterwards. Unchanged on failure.
 *
 * With IN_PLACE_ONLY it does not move; with ZERO_MEMORY what is new is cleared.
 *
 * Return: 0; ENOMEM; errors as above.
 */
int winmem_heap_realloc(struct winmem_heap *heap, uint32_t self, void **data, size_t size,
			uint32_t flags);

/** winmem_heap_has_slots() - some class has slots by now (row H54) */
bool winmem_heap_has_slots(const struct winmem_heap *heap);

/** winmem_heap_lock() - wait for the turn: others wait until it is given back */
void winmem_heap_lock(struct winmem_heap *heap, uint32_t self);

/** winmem_heap_unlock() - false: @self does not have it */
bool winmem_heap_unlock(struct winmem_heap *heap, uint32_t self);

/** winmem_heap_leave() - the thread of that number ends; the number may be given away then */
void winmem_heap_leave(struct winmem_heap *heap, uint32_t self);

/** winmem_heap_compact() - give back what is not needed; size of the largest free block */
size_t winmem_heap_compact(struct winmem_heap *heap, uint32_t self);

/** winmem_heap_tidy() - the same, but for a heap of which a thread has the turn; waits for none */
void winmem_heap_tidy(struct winmem_heap *heap);

/** winmem_heap_validate() - the whole heap, or the block at @data. Touches nothing. */
bool winmem_heap_validate(struct winmem_heap *heap, uint32_t self, const void *data,
			  uint32_t flags);

/* What an entry of a walk is: nothing of it, a free block. The numbers are Windows'. */
#define WINMEM_HEAP_ENTRY_REGION	0x1
#define WINMEM_HEAP_ENTRY_UNCOMMITTED	0x2
#define WINMEM_HEAP_ENTRY_BUSY		0x4

/* Where an entry lies: regions count from 0. */
#define WINMEM_HEAP_NUMBER_SLOTS	63
#define WINMEM_HEAP_NUMBER_LARGE	64

/**
 * struct winmem_heap_entry - one step of a walk
 * @data: NULL: begin. A block as the program knows it; a region's start; a free or an
 *	uncommitted range
 * @block: to go on from; the caller keeps it with @data and @flags
 * @size: what was asked for; what is free; what is not committed; a region's header
 * @overhead: bytes of the block that are not in @size
 * @number: of the region, or WINMEM_HEAP_NUMBER_*
 * @flags: WINMEM_HEAP_ENTRY_*
 * @committed: of a region
 * @uncommitted: of a region
 * @first: block of a region
 * @last: end of a region
 */
struct winmem_heap_entry {
	void *data;
	void *block;
	size_t size;
	size_t overhead;
	uint32_t number;
	uint32_t flags;
	size_t committed;
	size_t uncommitted;
	void *first;
	void *last;
};

/**
 * winmem_heap_walk() - the next of all: regions with their blocks, segments with their
 * slots, large blocks
 *
 * Return: 0; ENOENT: that was the last one; EINVAL: @entry is none of this heap, or what it
 * leads to is damaged.
 */
int winmem_heap_walk(struct winmem_heap *heap, uint32_t self, struct winmem_heap_entry *entry);

/** struct winmem_heap_summary - bytes */
struct winmem_heap_summary {
	size_t allocated;	/* what was asked for */
	size_t committed;
	size_t reserved;
	size_t maximum;		/* what may be reserved; SIZE_MAX: the heap grows */
};

/** winmem_heap_summarize() - takes as long as a walk */
void winmem_heap_summarize(struct winmem_heap *heap, uint32_t self,
			   struct winmem_heap_summary *summary);

#endif /* WINMEM_HEAP_CORE_H */
