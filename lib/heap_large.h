/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks that are too large for a region: each has a reservation of its own, with a sealed
 * header 64 bytes before it (row H10), or farther before it if it is aligned to more. They are
 * linked both ways, so that one that is damaged hides no other. Under the heap's mutex.
 */
#ifndef WINMEM_HEAP_LARGE_H
#define WINMEM_HEAP_LARGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct winmem_heap;

struct winmem_heap_large {
	uint64_t check;
	struct winmem_heap_large *next;
	struct winmem_heap_large *prev;
	size_t size;		/* what was asked for */
	size_t reserved;
	size_t committed;
	size_t offset;		/* of the block in its reservation */
	uint64_t spare;
};

_Static_assert(sizeof(struct winmem_heap_large) == 64, "blocks begin 64 bytes into a reservation");

/**
 * winmem_heap_large_alloc() - fresh, so it is zero
 * @align: a power of two; more than half a granule cannot be had
 * @room: bytes behind it that it may grow into; it may get less
 *
 * Return: 0 or ENOMEM.
 */
int winmem_heap_large_alloc(struct winmem_heap *heap, size_t size, size_t align, size_t room,
			    void **data);

/** winmem_heap_large_find() - any address may be asked about. NULL: it is no such block. */
struct winmem_heap_large *winmem_heap_large_find(struct winmem_heap *heap, const void *data);

bool winmem_heap_large_is_intact(const struct winmem_heap *heap,
				 const struct winmem_heap_large *large);

static inline void *winmem_heap_large_data(struct winmem_heap_large *large)
{
	return (char *)large + large->offset;
}

/** winmem_heap_large_free() - 0; EBADMSG: the one before or behind it is damaged */
int winmem_heap_large_free(struct winmem_heap *heap, struct winmem_heap_large *large);

/**
 * winmem_heap_large_resize() - in place
 *
 * A shorter block gives its pages back and does not get them again (row H24): it grows
 * within its last page alone.
 */
int winmem_heap_large_resize(struct winmem_heap *heap, struct winmem_heap_large *large,
			     size_t size);

/** winmem_heap_large_grow() - in place, into the room it has. 0, ENOMEM. */
int winmem_heap_large_grow(struct winmem_heap *heap, struct winmem_heap_large *large, size_t size);

/** winmem_heap_large_end() - release all that can be reached, for the end of the heap */
void winmem_heap_large_end(struct winmem_heap *heap);

#endif /* WINMEM_HEAP_LARGE_H */
