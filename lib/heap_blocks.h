/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Allocating from regions: take a free block, cut it, give it back, make it longer or
 * shorter where it stands. All of it under the heap's mutex.
 *
 * Errors mean the same in all files of the allocator. ENOMEM: no room, or what the supply
 * says. EINVAL: no block of this heap begins there, or its header was overwritten. EALREADY: it is
 * free. EBADMSG: it is a block, but what stands next to it, or its tail, was overwritten.
 */
#ifndef WINMEM_HEAP_BLOCKS_H
#define WINMEM_HEAP_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>

#include "heap_region.h"

struct winmem_heap;

/* Where a block was found. */
struct winmem_heap_spot {
	struct winmem_heap_region *region;
	struct winmem_heap_block *block;
};

/**
 * winmem_heap_blocks_alloc() - a block of @size bytes, at most WINMEM_HEAP_BLOCK_MAX
 * @zero: clear it, as far as it is not fresh
 *
 * Return: 0, ENOMEM.
 */
int winmem_heap_blocks_alloc(struct winmem_heap *heap, size_t size, bool zero, void **data);

/** winmem_heap_blocks_alloc_aligned() - the same at a multiple of @align, a power of two */
int winmem_heap_blocks_alloc_aligned(struct winmem_heap *heap, size_t size, size_t align,
				     bool zero, void **data);

/** winmem_heap_blocks_find() - the busy block at any @data. 0, EINVAL, EALREADY, EBADMSG. */
int winmem_heap_blocks_find(struct winmem_heap *heap, const void *data,
			    struct winmem_heap_spot *spot);

/** winmem_heap_blocks_free() - 0, or EBADMSG and nothing has changed */
int winmem_heap_blocks_free(struct winmem_heap *heap, const struct winmem_heap_spot *spot);

/** winmem_heap_blocks_settle() - free all spare blocks in earnest */
void winmem_heap_blocks_settle(struct winmem_heap *heap);

/** winmem_heap_blocks_resize() - in place. 0; ENOMEM, EBADMSG: nothing has changed. */
int winmem_heap_blocks_resize(struct winmem_heap *heap, const struct winmem_heap_spot *spot,
			      size_t size);

/** winmem_heap_blocks_check() - the block itself, what stands next to it, and its tail */
bool winmem_heap_blocks_check(struct winmem_heap *heap, const struct winmem_heap_spot *spot);

#endif /* WINMEM_HEAP_BLOCKS_H */
