// SPDX-License-Identifier: LGPL-2.1-or-later
/* Where slabs come from and go to. See heap_segment.h. */
#include "heap_segment.h"
#include "heap_state.h"

#define GRANULES	(WINMEM_HEAP_SEGMENT_BYTES / WINMEM_HEAP_GRANULE)
#define FIRST_START	(WINMEM_HEAP_PAGE + WINMEM_HEAP_SEGMENT_HEADER)

/*
 * Slabs that may stay committed, so that one that comes and goes costs no page call. As the
 * heap shrinks so does what may stay: each slab that goes takes up to two others along.
 */
#define WARM_LEAST	4
#define WARM_COOLED	2
#define WARM_LOOKED_AT	8

/*
 * A segment that was full gives slabs again when half of it is unused: new slabs lie side by side
 * then, and not in the holes that random frees have left all over the heap. A segment that is half
 * empty costs its descriptors and page tables, one part in a hundred of what it holds.
 */
#define ROOMY_UNUSED	(WINMEM_HEAP_SLABS * 3 / 4)

char *winmem_heap_segment_slab_start(struct winmem_heap_segment *segment, unsigned int number)
{
	return winmem_heap_segment_base(segment) +
	       (number ? number * WINMEM_HEAP_SLAB_BYTES : FIRST_START);
}

size_t winmem_heap_segment_slab_bytes(unsigned int number)
{
	return number ? WINMEM_HEAP_SLAB_BYTES : WINMEM_HEAP_SLAB_BYTES - FIRST_START;
}

static void roomy_add(struct winmem_heap *heap, struct winmem_heap_segment *segment)
{
	segment->roomy = true;
	segment->roomy_prev = NULL;
	segment->roomy_next = heap->roomy;
	if (heap->roomy)
		heap->roomy->roomy_prev = segment;
	heap->roomy = segment;
}

static void roomy_remove(struct winmem_heap *heap, struct winmem_heap_segment *segment)
{
	segment->roomy = false;
	if (segment->roomy_next)
		segment->roomy_next->roomy_prev = segment->roomy_prev;
	if (segment->roomy_prev)
		segment->roomy_prev->roomy_next = segment->roomy_next;
	else
		heap->roomy = segment->roomy_next;
}

static struct winmem_heap_segment *segment_make(struct winmem_heap *heap)
{
	struct winmem_heap_segment *segment;
	void *base;

	if (winmem_heap_reserve(heap, WINMEM_HEAP_SEGMENT_BYTES, WINMEM_HEAP_SEGMENT_BYTES, &base))
		return NULL;
	segment = winmem_heap_segment_of(base);
	if (winmem_heap_commit(heap, segment, WINMEM_HEAP_SEGMENT_HEADER))
		goto err_release;
	if (winmem_heap_map_set(heap->map, heap->supply, base, GRANULES,
				(uintptr_t)heap | WINMEM_HEAP_MAP_SEGMENT))
		goto err_decommit;
	atomic_store_explicit(&heap->near[winmem_heap_segment_place(base)],
			      winmem_heap_segment_number(base), memory_order_relaxed);
	segment->unused = UINT64_MAX;
	segment->prev = heap->segments_end;
	if (heap->segments_end)
		heap->segments_end->next = segment;
	else
		heap->segments = segment;
	heap->segments_end = segment;
	roomy_add(heap, segment);
	return segment;

err_decommit:
	heap->committed -= WINMEM_HEAP_SEGMENT_HEADER;
err_release:
	winmem_heap_release(heap, base, WINMEM_HEAP_SEGMENT_BYTES, 0);
	return NULL;
}

static void segment_release(struct winmem_heap *heap, struct winmem_heap_segment *segment)
{
	size_t committed = WINMEM_HEAP_SEGMENT_HEADER;
	char *base = winmem_heap_segment_base(segment);

	for (unsigned int i = 0; i < WINMEM_HEAP_SLABS; i++) {
		if (segment->slab[i].nr || segment->warm >> i & 1)
			committed += winmem_heap_segment_slab_bytes(i);
	}
	if (heap->near[winmem_heap_segment_place(base)] == winmem_heap_segment_number(base))
		heap->near[winmem_heap_segment_place(base)] = WINMEM_HEAP_NEAR_NONE;
	winmem_heap_map_clear(heap->map, base, GRANULES);
	winmem_heap_release(heap, base, WINMEM_HEAP_SEGMENT_BYTES, committed);
}

/* A segment without a slab goes, unless it is the last one with room. */
static void segment_drop(struct winmem_heap *heap, struct winmem_heap_segment *segment)
{
	if (heap->roomy == segment && !segment->roomy_next)
		return;
	roomy_remove(heap, segment);
	if (segment->next)
		segment->next->prev = segment->prev;
	else
		heap->segments_end = segment->prev;
	if (segment->prev)
		segment->prev->next = segment->next;
	else
		heap->segments = segment->next;
	heap->slabs_warm -= __builtin_popcountll(segment->warm);
	segment_release(heap, segment);
}

/* Where the next slab is taken from. Any segment will do if there is no room for one more. */
static struct winmem_heap_segment *segment_choose(struct winmem_heap *heap)
{
	struct winmem_heap_segment *segment = heap->roomy;

	if (!segment)
		segment = segment_make(heap);
	if (segment)
		return segment;
	segment = heap->segments;
	while (segment && !segment->unused)
		segment = segment->next;
	if (segment)
		roomy_add(heap, segment);
	return segment;
}

struct winmem_heap_slab *winmem_heap_segment_take(struct winmem_heap *heap, unsigned int class)
{
	struct winmem_heap_segment *segment = segment_choose(heap);
	unsigned int number;
	uint64_t bit;
	bool warm;

	if (!segment)
		return NULL;
	number = __builtin_ctzll(segment->warm ? segment->warm : segment->unused);
	bit = UINT64_C(1) << number;
	warm = segment->warm & bit;
	if (!warm && winmem_heap_commit(heap, winmem_heap_segment_slab_start(segment, number),
					winmem_heap_segment_slab_bytes(number)))
		return NULL;
	heap->slabs_warm -= warm;
	heap->slabs++;
	segment->warm &= ~bit;
	segment->unused &= ~bit;
	if (!segment->unused)
		roomy_remove(heap, segment);
	winmem_heap_slab_open(&segment->slab[number],
			      winmem_heap_segment_slab_start(segment, number),
			      winmem_heap_segment_slab_bytes(number), class, !warm);
	return &segment->slab[number];
}

/* One warm slab of a segment, if the supply lets it go. */
static bool slab_cool(struct winmem_heap *heap, struct winmem_heap_segment *segment)
{
	unsigned int number = __builtin_ctzll(segment->warm);

	if (winmem_heap_decommit(heap, winmem_heap_segment_slab_start(segment, number),
				 winmem_heap_segment_slab_bytes(number)))
		return false;
	segment->warm &= ~(UINT64_C(1) << number);
	heap->slabs_warm--;
	return true;
}

/* Segments with something warm are at the front of the list, or near it. */
static void cool_down(struct winmem_heap *heap)
{
	struct winmem_heap_segment *segment = heap->roomy, *next;
	int cooled = 0;

	for (int i = 0; segment && i < WARM_LOOKED_AT; i++, segment = next) {
		next = segment->roomy_next;
		while (segment->warm && cooled < WARM_COOLED &&
		       heap->slabs_warm > WARM_LEAST + heap->slabs / 8) {
			if (!slab_cool(heap, segment))
				return;
			cooled++;
		}
		if (segment->unused == UINT64_MAX && !segment->warm)
			segment_drop(heap, segment);
	}
}

void winmem_heap_segment_give(struct winmem_heap *heap, struct winmem_heap_slab *slab)
{
	struct winmem_heap_segment *segment = winmem_heap_segment_of(slab);

	/* From here on no address in it is a block. */
	slab->where = WINMEM_HEAP_SLAB_UNUSED;
	slab->nr = 0;
	slab->nr_slots = 0;
	heap->slabs--;
	heap->slabs_warm++;
	segment->unused |= UINT64_C(1) << (slab - segment->slab);
	segment->warm |= UINT64_C(1) << (slab - segment->slab);
	if (!segment->roomy && __builtin_popcountll(segment->unused) < ROOMY_UNUSED) {
		slab_cool(heap, segment);
		return;
	}
	if (segment->roomy)
		roomy_remove(heap, segment);
	roomy_add(heap, segment);
	cool_down(heap);
}

void winmem_heap_segment_chill(struct winmem_heap *heap)
{
	struct winmem_heap_segment *segment, *next;

	for (segment = heap->segments; segment; segment = next) {
		next = segment->next;
		while (segment->warm && slab_cool(heap, segment))
			;
		if (segment->unused == UINT64_MAX && !segment->warm)
			segment_drop(heap, segment);
	}
}

void winmem_heap_segment_end(struct winmem_heap *heap)
{
	struct winmem_heap_segment *segment, *next;

	for (segment = heap->segments; segment; segment = next) {
		next = segment->next;
		segment_release(heap, segment);
	}
}
