/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shards: what one thread has of a heap's slabs. A thread has a small number, and the shard
 * of that number is its own, so it needs no lock in it. When the thread ends its slabs go to
 * shard 0, which belongs to whoever holds the heap's mutex; other threads adopt them from
 * there. The number may be given to a new thread then.
 *
 * In a shard each class has a current slab, to allocate from, and a list of slabs that have
 * something free. Full slabs are in one more list, to be found again:
 *
 *	current --nothing free--> FULL --a slot is freed--> PARTIAL --needed--> current
 *	                                                       |
 *	                                                       +--nothing used--> the segment
 *
 * The lists are queues: a slab that was full waits behind the others, and gathers more free
 * slots until its turn comes.
 *
 * Slabs in which another thread has freed something are pushed on a list of the shard, for
 * the owner to look at when its own slabs have nothing left.
 */
#ifndef WINMEM_HEAP_SHARD_H
#define WINMEM_HEAP_SHARD_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap_class.h"
#include "heap_slab.h"

#define WINMEM_HEAP_SHARDS	1024
#define WINMEM_HEAP_ORPHANS	0	/* the shard of no thread */

struct winmem_heap;

struct winmem_heap_slabs {
	struct winmem_heap_slab *first;
	struct winmem_heap_slab *last;
};

struct winmem_heap_shard {
	/* The owner's. */
	alignas(2048) struct winmem_heap_slab *current[WINMEM_HEAP_CLASSES];
	struct winmem_heap_slabs partial[WINMEM_HEAP_CLASSES];
	struct winmem_heap_slabs full;

	/* Pushed by others. */
	alignas(64) _Atomic(struct winmem_heap_slab *) told;
};

/**
 * winmem_heap_shard_open() - see that there is a shard of that number
 *
 * Context: under the mutex. Return: 0, or what the supply says.
 */
int winmem_heap_shard_open(struct winmem_heap *heap, uint32_t self);

/**
 * winmem_heap_shard_alloc() - a slot when the current slab has none on its free list
 * @self: has an open shard
 * @any: do not wait for the turn, if a new slab is needed
 *
 * Return: NULL: there is no memory for one more slab.
 */
void *winmem_heap_shard_alloc(struct winmem_heap *heap, uint32_t self, size_t size, bool zero,
			      bool any);

/** winmem_heap_shard_freed() - the owner looks at a slab that was full, or is empty now */
void winmem_heap_shard_freed(struct winmem_heap *heap, uint32_t self,
			     struct winmem_heap_slab *slab);

/** winmem_heap_shard_free_other() - free a slot of a slab that is not @self's */
void winmem_heap_shard_free_other(struct winmem_heap *heap, uint32_t self,
				  struct winmem_heap_slab *slab, unsigned int slot);

/** winmem_heap_shard_leave() - the thread ends; its slabs are orphans. Under the mutex. */
void winmem_heap_shard_leave(struct winmem_heap *heap, uint32_t self);

/** winmem_heap_shard_tidy() - give back slabs of the orphans that nothing is used of. Likewise. */
void winmem_heap_shard_tidy(struct winmem_heap *heap);

#endif /* WINMEM_HEAP_SHARD_H */
