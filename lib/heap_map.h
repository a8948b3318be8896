/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which heap owns an address: a table over the whole address space, in granules of 1 MiB,
 * shared by all heaps of a process. An entry is the heap's address, which has 16 bits to
 * spare, plus what kind of thing lies there; so a lookup follows no pointer that a stray
 * address could lead astray, and it takes no lock.
 *
 * A heap's first region is not in the table, for it may share its granule; the heap knows
 * where it is.
 */
#ifndef WINMEM_HEAP_MAP_H
#define WINMEM_HEAP_MAP_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "heap_supply.h"

#define WINMEM_HEAP_GRANULE_BITS	20
#define WINMEM_HEAP_GRANULE		((size_t)1 << WINMEM_HEAP_GRANULE_BITS)
#define WINMEM_HEAP_LEAF_BITS		14
#define WINMEM_HEAP_ADDR_BITS		47
#define WINMEM_HEAP_ROOT_BITS		(WINMEM_HEAP_ADDR_BITS - WINMEM_HEAP_GRANULE_BITS - \
					 WINMEM_HEAP_LEAF_BITS)

/* Kinds, in the low bits of an entry. Above them, in a region's, the granule's number in it. */
#define WINMEM_HEAP_MAP_SEGMENT		1
#define WINMEM_HEAP_MAP_REGION		2
#define WINMEM_HEAP_MAP_LARGE		3
#define WINMEM_HEAP_MAP_KIND		0x3
#define WINMEM_HEAP_MAP_NUMBER_SHIFT	2
#define WINMEM_HEAP_MAP_LOW		((uintptr_t)0xffff)

struct winmem_heap_leaf {
	_Atomic uintptr_t entry[1 << WINMEM_HEAP_LEAF_BITS];
};

/* All zero is an empty map. Leaves come as they are needed and stay. */
struct winmem_heap_map {
	_Atomic(struct winmem_heap_leaf *) root[1 << WINMEM_HEAP_ROOT_BITS];
};

static inline uintptr_t winmem_heap_map_get(struct winmem_heap_map *map, uintptr_t addr)
{
	struct winmem_heap_leaf *leaf;

	if (__builtin_expect(addr >> WINMEM_HEAP_ADDR_BITS, 0))
		return 0;
	leaf = atomic_load_explicit(&map->root[addr >> (WINMEM_HEAP_GRANULE_BITS +
							 WINMEM_HEAP_LEAF_BITS)],
				    memory_order_acquire);
	if (__builtin_expect(!leaf, 0))
		return 0;
	addr = addr >> WINMEM_HEAP_GRANULE_BITS & ((1 << WINMEM_HEAP_LEAF_BITS) - 1);
	return atomic_load_explicit(&leaf->entry[addr], memory_order_relaxed);
}

/**
 * winmem_heap_map_set() - enter @nr granules from @start on
 * @supply: where a leaf comes from, if one is missing
 * @entry: of the first; that of a region counts its granules up
 *
 * Return: 0, or what the supply says; then nothing is entered.
 */
int winmem_heap_map_set(struct winmem_heap_map *map, const struct winmem_heap_supply *supply,
			const void *start, size_t nr, uintptr_t entry);

/** winmem_heap_map_clear() - forget @nr granules that were entered. Cannot fail. */
void winmem_heap_map_clear(struct winmem_heap_map *map, const void *start, size_t nr);

/** winmem_heap_map_forget() - all leaves are gone, with the memory they were in: after a fork */
void winmem_heap_map_forget(struct winmem_heap_map *map);

/**
 * winmem_heap_map_drop() - give all leaves back
 *
 * For a test that looks for leaks; no heap may be left, nor a thread that looks up.
 */
void winmem_heap_map_drop(struct winmem_heap_map *map, const struct winmem_heap_supply *supply);

#endif /* WINMEM_HEAP_MAP_H */
