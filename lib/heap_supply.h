/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a heap stands on: four page calls, two to sleep and wake, one to tell of damage. The
 * allocator knows nothing else of the world, so a plain test program can supply them.
 */
#ifndef WINMEM_HEAP_SUPPLY_H
#define WINMEM_HEAP_SUPPLY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define WINMEM_HEAP_PAGE	((size_t)4096)
#define WINMEM_HEAP_GRAIN	((size_t)65536)	/* every reservation is a multiple of it */

/**
 * struct winmem_heap_supply - page calls of one heap
 * @reserve: address space of @size bytes at a multiple of @align (a power of two, at least
 *	WINMEM_HEAP_GRAIN). Nothing in it can be touched. 0 or an errno.
 * @commit: make whole pages usable, all or none. They are zero if they were not committed
 *	before. 0 or an errno.
 * @decommit: the opposite. May refuse, then the pages keep their contents.
 * @release: give back a whole reservation
 * @wait: sleep while *@word is @value; may come back early
 * @wake: wake up to @nr threads that wait for @word
 * @damage: metadata at @addr was overwritten. Called with the heap's mutex held, maybe; it
 *	may end the process, or return, and then the call that found the damage fails.
 * @ctx: for the first four and @damage
 */
struct winmem_heap_supply {
	int (*reserve)(void *ctx, size_t size, size_t align, void **addr);
	int (*commit)(void *ctx, void *addr, size_t size);
	int (*decommit)(void *ctx, void *addr, size_t size);
	void (*release)(void *ctx, void *addr, size_t size);
	void (*wait)(_Atomic uint32_t *word, uint32_t value);
	void (*wake)(_Atomic uint32_t *word, unsigned int nr);
	void (*damage)(void *ctx, const void *heap, const void *addr);
	void *ctx;
};

#endif /* WINMEM_HEAP_SUPPLY_H */
