// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of granules. See heap_map.h. */
#include "heap_map.h"

#define LEAF_BYTES	sizeof(struct winmem_heap_leaf)

_Static_assert(LEAF_BYTES % WINMEM_HEAP_GRAIN == 0, "a leaf is a reservation");

static _Atomic(struct winmem_heap_leaf *) *map_root(struct winmem_heap_map *map, uintptr_t granule)
{
	return &map->root[granule >> WINMEM_HEAP_LEAF_BITS];
}

/* Two threads may make the same leaf: the second finds the first one's and gives its own back. */
static int map_make_leaf(_Atomic(struct winmem_heap_leaf *) *root,
			 const struct winmem_heap_supply *supply)
{
	struct winmem_heap_leaf *none = NULL;
	void *leaf;
	int err;

	if (atomic_load_explicit(root, memory_order_acquire))
		return 0;
	err = supply->reserve(supply->ctx, LEAF_BYTES, WINMEM_HEAP_GRAIN, &leaf);
	if (err)
		return err;
	err = supply->commit(supply->ctx, leaf, LEAF_BYTES);
	if (err || !atomic_compare_exchange_strong(root, &none, leaf))
		supply->release(supply->ctx, leaf, LEAF_BYTES);
	return err;
}

static void map_store(struct winmem_heap_map *map, uintptr_t granule, uintptr_t entry)
{
	struct winmem_heap_leaf *leaf = atomic_load(map_root(map, granule));

	atomic_store_explicit(&leaf->entry[granule & ((1 << WINMEM_HEAP_LEAF_BITS) - 1)], entry,
			      memory_order_relaxed);
}

int winmem_heap_map_set(struct winmem_heap_map *map, const struct winmem_heap_supply *supply,
			const void *start, size_t nr, uintptr_t entry)
{
	uintptr_t first = (uintptr_t)start >> WINMEM_HEAP_GRANULE_BITS;
	int err;

	for (size_t i = 0; i < nr; i++) {
		err = map_make_leaf(map_root(map, first + i), supply);
		if (err)
			return err;
	}
	for (size_t i = 0; i < nr; i++) {
		map_store(map, first + i, entry);
		if ((entry & WINMEM_HEAP_MAP_KIND) == WINMEM_HEAP_MAP_REGION)
			entry += 1 << WINMEM_HEAP_MAP_NUMBER_SHIFT;
	}
	return 0;
}

void winmem_heap_map_clear(struct winmem_heap_map *map, const void *start, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		map_store(map, ((uintptr_t)start >> WINMEM_HEAP_GRANULE_BITS) + i, 0);
}

/* What is empty is not written to: it may be a page that nobody has touched. */
void winmem_heap_map_forget(struct winmem_heap_map *map)
{
	for (size_t i = 0; i < 1 << WINMEM_HEAP_ROOT_BITS; i++) {
		if (atomic_load_explicit(&map->root[i], memory_order_relaxed))
			atomic_store_explicit(&map->root[i], NULL, memory_order_relaxed);
	}
}

void winmem_heap_map_drop(struct winmem_heap_map *map, const struct winmem_heap_supply *supply)
{
	struct winmem_heap_leaf *leaf;

	for (size_t i = 0; i < 1 << WINMEM_HEAP_ROOT_BITS; i++) {
		leaf = atomic_exchange(&map->root[i], NULL);
		if (leaf)
			supply->release(supply->ctx, leaf, LEAF_BYTES);
	}
}
