/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The handles of moveable blocks: one table for GlobalAlloc and LocalAlloc. A handle is the
 * address of its entry's pointer, so that a program which reads through it, as some have
 * learned to, finds the block; and it is told from a block by its low bits (row GL04).
 *
 * All functions are called with the turn of the process heap, which is the table's lock: who
 * has locked that heap has locked the handles, as on Windows.
 */
#ifndef WINMEM_HMEM_H
#define WINMEM_HMEM_H

#include <stdbool.h>
#include <stdint.h>

#include <winmem.h>

#define WINMEM_HMEMS		0x10000		/* row GL30 */
#define WINMEM_HMEM_LOCKS	255		/* row GL10 */

#define WINMEM_HMEM_USED		0x1
#define WINMEM_HMEM_DISCARDABLE	0x2
#define WINMEM_HMEM_SHARED		0x4

struct winmem_hmem {
	uint16_t flags;
	uint8_t locks;
	uint32_t next;		/* in its chain, or free; by number + 1 */
	void *data;		/* NULL: discarded */
};

_Static_assert(sizeof(struct winmem_hmem) == 16, "a handle ends in 8");

/** winmem_hmem_is() - it cannot be a block: those are aligned */
static inline bool winmem_hmem_is(const void *memory)
{
	return ((uintptr_t)memory & 15) == 8;
}

static inline HANDLE winmem_hmem_show(struct winmem_hmem *handle)
{
	return &handle->data;
}

/** winmem_hmem_take() - a new one, discarded. NULL: there are no more. */
struct winmem_hmem *winmem_hmem_take(void);

/** winmem_hmem_give() - it is nobody's from then on */
void winmem_hmem_give(struct winmem_hmem *handle);

/** winmem_hmem_find() - any value may be asked about. NULL: it is none, or was given back. */
struct winmem_hmem *winmem_hmem_find(const void *memory);

/** winmem_hmem_set() - the handle's block is at @data now. NULL: it is discarded. */
void winmem_hmem_set(struct winmem_hmem *handle, void *data);

/** winmem_hmem_of() - whose block is at @data; NULL: no handle's */
struct winmem_hmem *winmem_hmem_of(const void *data);

#endif /* WINMEM_HMEM_H */
