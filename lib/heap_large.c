// SPDX-License-Identifier: LGPL-2.1-or-later
/* Blocks with a reservation each. See heap_large.h. */
#include <errno.h>

#include "heap_large.h"
#include "heap_state.h"

static uint64_t large_hash(const struct winmem_heap *heap, const struct winmem_heap_large *large)
{
	uint64_t hash = winmem_heap_mix(heap->key, (uintptr_t)large);

	hash = winmem_heap_mix(hash, (uintptr_t)large->next);
	hash = winmem_heap_mix(hash, (uintptr_t)large->prev);
	hash = winmem_heap_mix(hash, large->size);
	hash = winmem_heap_mix(hash, large->reserved);
	hash = winmem_heap_mix(hash, large->committed);
	hash = winmem_heap_mix(hash, large->offset);
	return winmem_heap_mix(hash, large->spare);
}

static void large_seal(struct winmem_heap *heap, struct winmem_heap_large *large)
{
	large->check = large_hash(heap, large);
}

bool winmem_heap_large_is_intact(const struct winmem_heap *heap,
				 const struct winmem_heap_large *large)
{
	return large->check == large_hash(heap, large);
}

/* Put between two, of which either may be missing. A damaged one at the end is left behind. */
static void large_link(struct winmem_heap *heap, struct winmem_heap_large *large)
{
	struct winmem_heap_large *prev = heap->large_end;

	if (prev && !winmem_heap_large_is_intact(heap, prev)) {
		winmem_heap_damage(heap, prev);
		prev = NULL;
	}
	large->prev = prev;
	large->next = NULL;
	if (prev) {
		prev->next = large;
		large_seal(heap, prev);
	} else if (!heap->large) {
		heap->large = large;
	}
	heap->large_end = large;
	large_seal(heap, large);
}

int winmem_heap_large_alloc(struct winmem_heap *heap, size_t size, size_t align, size_t room,
			    void **data)
{
	size_t offset = align < sizeof(struct winmem_heap_large) ?
			sizeof(struct winmem_heap_large) : align;
	size_t committed, reserved;
	struct winmem_heap_large *large;
	void *start;

	if (size > (size_t)1 << WINMEM_HEAP_ADDR_BITS || align > WINMEM_HEAP_GRANULE / 2)
		return ENOMEM;
	committed = winmem_heap_round(size + offset, WINMEM_HEAP_PAGE);
	reserved = winmem_heap_round(committed + room, WINMEM_HEAP_GRAIN);
	if (winmem_heap_reserve(heap, reserved, WINMEM_HEAP_GRANULE, &start)) {
		reserved = winmem_heap_round(committed, WINMEM_HEAP_GRAIN);
		if (!room || winmem_heap_reserve(heap, reserved, WINMEM_HEAP_GRANULE, &start))
			return ENOMEM;
	}
	if (winmem_heap_commit(heap, start, committed))
		goto err_release;
	if (winmem_heap_map_set(heap->map, heap->supply, start, 1,
				(uintptr_t)heap | WINMEM_HEAP_MAP_LARGE))
		goto err_decommit;
	large = start;
	large->size = size;
	large->reserved = reserved;
	large->committed = committed;
	large->offset = offset;
	large_link(heap, large);
	*data = winmem_heap_large_data(large);
	return 0;

err_decommit:
	heap->committed -= committed;
err_release:
	winmem_heap_release(heap, start, reserved, 0);
	return ENOMEM;
}

struct winmem_heap_large *winmem_heap_large_find(struct winmem_heap *heap, const void *data)
{
	struct winmem_heap_large *large = (void *)((uintptr_t)data & ~(WINMEM_HEAP_GRANULE - 1));

	if (winmem_heap_map_get(heap->map, (uintptr_t)large) !=
	    ((uintptr_t)heap | WINMEM_HEAP_MAP_LARGE) ||
	    !winmem_heap_large_is_intact(heap, large) || winmem_heap_large_data(large) != data)
		return NULL;
	return large;
}

static void large_release(struct winmem_heap *heap, struct winmem_heap_large *large)
{
	winmem_heap_map_clear(heap->map, large, 1);
	winmem_heap_release(heap, large, large->reserved, large->committed);
}

int winmem_heap_large_free(struct winmem_heap *heap, struct winmem_heap_large *large)
{
	struct winmem_heap_large *next = large->next, *prev = large->prev;

	if ((next && !winmem_heap_large_is_intact(heap, next)) ||
	    (prev && !winmem_heap_large_is_intact(heap, prev))) {
		winmem_heap_damage(heap, large);
		return EBADMSG;
	}
	if (next) {
		next->prev = prev;
		large_seal(heap, next);
	} else {
		heap->large_end = prev;
	}
	if (prev) {
		prev->next = next;
		large_seal(heap, prev);
	} else {
		heap->large = next;
	}
	large_release(heap, large);
	return 0;
}

int winmem_heap_large_resize(struct winmem_heap *heap, struct winmem_heap_large *large,
			     size_t size)
{
	size_t committed;

	if (size > large->committed - large->offset)
		return ENOMEM;
	committed = winmem_heap_round(size + large->offset, WINMEM_HEAP_PAGE);
	if (committed < large->committed &&
	    !winmem_heap_decommit(heap, (char *)large + committed, large->committed - committed))
		large->committed = committed;
	large->size = size;
	large_seal(heap, large);
	return 0;
}

int winmem_heap_large_grow(struct winmem_heap *heap, struct winmem_heap_large *large, size_t size)
{
	size_t committed;

	if (size > large->reserved - large->offset)
		return ENOMEM;
	committed = winmem_heap_round(size + large->offset, WINMEM_HEAP_PAGE);
	if (committed > large->committed) {
		if (winmem_heap_commit(heap, (char *)large + large->committed,
				       committed - large->committed))
			return ENOMEM;
		large->committed = committed;
	}
	large->size = size;
	large_seal(heap, large);
	return 0;
}

/* From the front as far as it goes, then from the end: what is damaged stays behind. */
void winmem_heap_large_end(struct winmem_heap *heap)
{
	struct winmem_heap_large *large, *other;

	for (large = heap->large; large && winmem_heap_large_is_intact(heap, large);
	     large = other) {
		other = large->next;
		if (heap->large_end == large)
			heap->large_end = NULL;
		large_release(heap, large);
	}
	if (!large)
		return;
	heap->large = large;
	for (large = heap->large_end; large && large != heap->large &&
	     winmem_heap_large_is_intact(heap, large); large = other) {
		other = large->prev;
		large_release(heap, large);
	}
}
