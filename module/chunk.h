/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_CHUNK_H
#define WINMEM_CHUNK_H

#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "prot.h"

#define WINMEM_CHUNK_SHIFT	9
#define WINMEM_CHUNK_PAGES	(1UL << WINMEM_CHUNK_SHIFT)

/* Pages written since somebody asked, see watch.c. Both by the chunk's lock. */
struct winmem_chunk_watch {
	DECLARE_BITMAP(written, WINMEM_CHUNK_PAGES);
	DECLARE_BITMAP(latched, WINMEM_CHUNK_PAGES);
};

/*
 * The states of 512 pages, the 2 MiB that one page table maps.
 *
 * Whoever changes a chunk's form (states there or not) holds the space's mutex and
 * the lock; bytes in states change under the lock alone (a guard page is hit). So
 * the holder of the mutex may read the form without the lock, and bytes too when a
 * guard that goes under its eyes does no harm. A fault holds the lock only.
 */
struct winmem_chunk {
	spinlock_t lock;
	u8 state;		/* of every page, when states is NULL */
	u8 window;		/* how many pages the last fault in order mapped */
	u16 next;		/* the page that a fault in order would hit next */
	u16 committed;		/* pages; by the mutex */
	u16 touched;		/* pages of memory that faults have made */
	u8 *states;		/* WINMEM_CHUNK_PAGES of them, or NULL */
	struct winmem_chunk_watch *watch; /* NULL: no page is watched; as states */
	struct rcu_head rcu;
};

/* States that a fault changes one page at a time. */
#define WINMEM_PAGE_SINGLE	(WINMEM_PAGE_GUARD | WINMEM_PAGE_RESET | WINMEM_PAGE_LOST)

/**
 * struct winmem_pages_change - what becomes of the states of a range, and what they were
 * @mask: bits of the state that change
 * @bits: what they become
 * @old: all bits that any page had before
 * @access: all WINMEM_ACCESS_* that any page gave before
 */
struct winmem_pages_change {
	u8 mask;
	u8 bits;
	u8 old;
	unsigned int access;
};

static inline unsigned int winmem_chunk_offset(unsigned long page)
{
	return page & (WINMEM_CHUNK_PAGES - 1);
}

/* A page gets a writable PTE; the chunk is locked. */
static inline void winmem_chunk_note_write(struct winmem_chunk *chunk, unsigned long page)
{
	if (chunk->watch)
		__set_bit(winmem_chunk_offset(page), chunk->watch->written);
}

/* Faults have made so many pages of memory; the chunk is locked. */
static inline void winmem_chunk_note_touch(struct winmem_chunk *chunk, unsigned long nr)
{
	chunk->touched = min(chunk->touched + nr, WINMEM_CHUNK_PAGES);
}

u8 winmem_chunk_get(const struct winmem_chunk *chunk, unsigned long page);
void winmem_chunk_clear(struct winmem_chunk *chunk, unsigned long page, u8 bits);
void winmem_chunk_mark(struct winmem_chunk *chunk, unsigned long page, u8 bits);
unsigned long winmem_chunk_alike(const struct winmem_chunk *chunk, unsigned long page,
				 unsigned long nr);
unsigned int winmem_chunk_count(const struct winmem_chunk *chunk, unsigned long start,
				unsigned int nr);
unsigned int winmem_chunk_run(const struct winmem_chunk *chunk, unsigned long start,
			      unsigned int nr, u8 mask, u8 want);
int winmem_chunk_make_states(struct winmem_chunk *chunk);
int winmem_chunk_make_watch(struct winmem_chunk *chunk);
bool winmem_chunk_is_idle(const struct winmem_chunk *chunk);
void winmem_chunk_rest(struct winmem_chunk *chunk);
void winmem_chunk_set(struct winmem_chunk *chunk, unsigned long start, unsigned int nr,
		      struct winmem_pages_change *change);
bool winmem_chunk_is_valid(const struct winmem_chunk *chunk);

#endif /* WINMEM_CHUNK_H */
