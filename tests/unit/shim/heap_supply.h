/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page calls for a heap on the host, over mmap. They watch over their use: a page that is
 * committed twice, a range outside of a reservation, a release of less than was reserved end
 * the program. They can be told to fail.
 */
#ifndef SHIM_HEAP_SUPPLY_H
#define SHIM_HEAP_SUPPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../lib/heap_core.h"

/* How many calls were made; how many bytes and reservations there are now. */
struct shim_supply_counts {
	unsigned long calls;
	size_t reservations;
	size_t reserved;
	size_t committed;
	size_t most_committed;
};

/* What damage() does: with expected set it counts, else it ends the program. */
extern unsigned long shim_damage_found;
extern bool shim_damage_expected;

extern const struct winmem_heap_supply shim_supply;
extern struct winmem_heap_map shim_map;

/* The n-th call from now on fails, and all later ones if @more; 0: none does. */
void shim_supply_fail(unsigned long nth, bool more);

/* Give a decommit the answer no. */
void shim_supply_refuse_decommit(bool refuse);

struct shim_supply_counts shim_supply_counts(void);

/* Is every byte of it committed? */
bool shim_supply_is_committed(const void *addr, size_t size);

/* A heap with these options and sizes; ends the program if there is none. */
struct winmem_heap *shim_heap(size_t initial, size_t maximum, uint32_t options);

/* Destroy it, and see that nothing is left. */
void shim_heap_end(struct winmem_heap *heap);

#endif /* SHIM_HEAP_SUPPLY_H */
