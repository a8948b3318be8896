/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Segments: 4 MiB at a multiple of it, for 64 slabs. A slab and its slots are found from an
 * address by masking. The first page is never committed, so that what runs past the
 * end of a neighbour ends there; the descriptors of all slabs follow, and the first slab
 * has what they leave.
 */
#ifndef WINMEM_HEAP_SEGMENT_H
#define WINMEM_HEAP_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "heap_slab.h"
#include "heap_supply.h"

#define WINMEM_HEAP_SEGMENT_BYTES	((size_t)4 << 20)
#define WINMEM_HEAP_SLAB_SHIFT		16
#define WINMEM_HEAP_SLAB_BYTES		((size_t)1 << WINMEM_HEAP_SLAB_SHIFT)
#define WINMEM_HEAP_SLABS		(WINMEM_HEAP_SEGMENT_BYTES / WINMEM_HEAP_SLAB_BYTES)

struct winmem_heap;

/* Protected by the heap's mutex, but for what is in the slabs. */
struct winmem_heap_segment {
	alignas(64) struct winmem_heap_segment *next;	/* of all */
	struct winmem_heap_segment *prev;
	struct winmem_heap_segment *roomy_next;		/* of those that slabs are taken from */
	struct winmem_heap_segment *roomy_prev;
	uint64_t unused;		/* slabs */
	uint64_t warm;			/* those of them that are still committed */
	bool roomy;

	struct winmem_heap_slab slab[WINMEM_HEAP_SLABS];
};

/* What is committed of a segment before its first slab. */
#define WINMEM_HEAP_SEGMENT_HEADER \
	((sizeof(struct winmem_heap_segment) + WINMEM_HEAP_PAGE - 1) & ~(WINMEM_HEAP_PAGE - 1))

static inline char *winmem_heap_segment_base(const void *addr)
{
	return (char *)((uintptr_t)addr & ~(WINMEM_HEAP_SEGMENT_BYTES - 1));
}

static inline struct winmem_heap_segment *winmem_heap_segment_of(const void *addr)
{
	return (void *)(winmem_heap_segment_base(addr) + WINMEM_HEAP_PAGE);
}

/* @addr: in a segment. It may be in the header, which belongs to the first slab then. */
static inline struct winmem_heap_slab *winmem_heap_segment_slab(const void *addr)
{
	uintptr_t number = (uintptr_t)addr >> WINMEM_HEAP_SLAB_SHIFT & (WINMEM_HEAP_SLABS - 1);
	struct winmem_heap_slab *slab = &winmem_heap_segment_of(addr)->slab[number];

	/* Worked out once: the compiler would do it anew for some of the fields. */
	__asm__("" : "+r" (slab));
	return slab;
}

/*
 * A heap's own short way to know its segments, most of the time: their numbers, each at the
 * place that its low bits name. Where two share a place one is found in the map. As many as
 * this are a gigabyte. No segment has the number 0, but place 0 must not look as if one did.
 */
#define WINMEM_HEAP_NEAR		256
#define WINMEM_HEAP_NEAR_NONE		UINT32_MAX
#define WINMEM_HEAP_SEGMENT_SHIFT	22

static inline uint64_t winmem_heap_segment_number(const void *addr)
{
	return (uintptr_t)addr >> WINMEM_HEAP_SEGMENT_SHIFT;
}

static inline unsigned int winmem_heap_segment_place(const void *addr)
{
	return winmem_heap_segment_number(addr) & (WINMEM_HEAP_NEAR - 1);
}

/* What a slab may use. */
char *winmem_heap_segment_slab_start(struct winmem_heap_segment *segment, unsigned int number);
size_t winmem_heap_segment_slab_bytes(unsigned int number);

/** winmem_heap_segment_take() - a slab, opened, where UNUSED, owner not set. NULL: no memory. */
struct winmem_heap_slab *winmem_heap_segment_take(struct winmem_heap *heap, unsigned int class);

/** winmem_heap_segment_give() - a slab of which no slot is used, and that is in no list */
void winmem_heap_segment_give(struct winmem_heap *heap, struct winmem_heap_slab *slab);

/** winmem_heap_segment_chill() - decommit what is not used */
void winmem_heap_segment_chill(struct winmem_heap *heap);

/** winmem_heap_segment_end() - release all, for the end of the heap */
void winmem_heap_segment_end(struct winmem_heap *heap);

#endif /* WINMEM_HEAP_SEGMENT_H */
