/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Regions: reservations in which blocks lie side by side (heap_block.h). The first one
 * begins with the heap itself. Those of a heap that grows are 1 MiB, then twice the last
 * one, up to 16 MiB; a heap of fixed size has the first alone.
 *
 * A region knows which of its pages are committed, so that any address in it can be looked
 * at or refused.
 */
#ifndef WINMEM_HEAP_REGION_H
#define WINMEM_HEAP_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap_block.h"

/* The largest block in a region (rows H10, H26). */
#define WINMEM_HEAP_BLOCK_MAX	((size_t)0xfefd8)

struct winmem_heap;

struct winmem_heap_region {
	/* Fixed while it lives, and sealed. */
	uint64_t check;
	char *start;
	size_t size;
	uint64_t *pages;		/* a bit for each committed page */
	struct winmem_heap_block *blocks;	/* the first one */
	uint32_t number;

	/* Protected by the heap's mutex. */
	struct winmem_heap_region *next;
	struct winmem_heap_region *prev;
	size_t committed;
};

/* Bytes that are known to be zero. */
struct winmem_heap_zeros {
	char *start;
	char *end;
};

/**
 * winmem_heap_region_open_first() - the heap's own region
 * @size: whole pages
 * @committed: bytes that are; at least winmem_heap_region_first_bytes() and a page
 */
void winmem_heap_region_open_first(struct winmem_heap *heap, size_t size, size_t committed);

/** winmem_heap_region_first_bytes() - where the blocks of a first region of @size bytes begin */
size_t winmem_heap_region_first_bytes(size_t size);

/** winmem_heap_region_grow() - one more region. 0, ENOMEM or what the supply says. */
int winmem_heap_region_grow(struct winmem_heap *heap);

/** winmem_heap_region_close() - give back a region that holds one free, unfiled block */
void winmem_heap_region_close(struct winmem_heap *heap, struct winmem_heap_region *region);

/**
 * winmem_heap_region_fill() - commit the front of a block's gap
 * @gap: shrinks; when start meets end it is gone
 * @end: bytes before it must be committed
 *
 * Return: 0, or what the supply says, and nothing has changed.
 */
int winmem_heap_region_fill(struct winmem_heap *heap, struct winmem_heap_region *region,
			    struct winmem_heap_gap *gap, const void *end);

/**
 * winmem_heap_region_trim() - decommit inside a free, unfiled block what is worth it
 * @least: bytes that make it worth a call
 */
void winmem_heap_region_trim(struct winmem_heap *heap, struct winmem_heap_region *region,
			     struct winmem_heap_block *block, size_t least);

/** winmem_heap_region_join() - decommit between two gaps, so that they are one. True: done. */
bool winmem_heap_region_join(struct winmem_heap *heap, struct winmem_heap_region *region,
			     struct winmem_heap_gap *gap, const struct winmem_heap_gap *behind);

#endif /* WINMEM_HEAP_REGION_H */
