/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_PAGES_H
#define WINMEM_PAGES_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/xarray.h>

#define WINMEM_CHUNK_SHIFT	9
#define WINMEM_CHUNK_PAGES	(1UL << WINMEM_CHUNK_SHIFT)

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
	u8 *states;		/* WINMEM_CHUNK_PAGES of them, or NULL */
	struct rcu_head rcu;
};

/*
 * Entries by RCU, changed under the space's mutex; index: page number >> 9. last is the
 * chunk that was found last, of last_index, for the holder of the mutex alone; one call
 * looks the same chunk up several times.
 */
struct winmem_pages {
	struct xarray chunks;
	struct winmem_chunk *last;
	unsigned long last_index;
};

/**
 * struct winmem_pages_change - what winmem_pages_set() does to a range, and saw
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

void winmem_pages_init(struct winmem_pages *pages);
void winmem_pages_destroy(struct winmem_pages *pages);

u8 winmem_pages_get(struct winmem_pages *pages, unsigned long page);
unsigned long winmem_pages_count(struct winmem_pages *pages, unsigned long start,
				 unsigned long nr);
unsigned long winmem_pages_run(struct winmem_pages *pages, unsigned long start,
			       unsigned long nr, u8 mask, u8 *state);

int winmem_pages_prepare(struct winmem_pages *pages, unsigned long start, unsigned long nr,
			 u8 bits);
void winmem_pages_set(struct winmem_pages *pages, unsigned long start, unsigned long nr,
		      struct winmem_pages_change *change);
void winmem_pages_set_one(struct winmem_pages *pages, unsigned long page, u8 mask, u8 bits);
bool winmem_pages_is_single(struct winmem_pages *pages, unsigned long page);
void winmem_pages_forget(struct winmem_pages *pages, unsigned long start, unsigned long nr);

struct winmem_chunk *winmem_pages_lock(struct winmem_pages *pages, unsigned long page);
void winmem_pages_unlock(struct winmem_chunk *chunk);
u8 winmem_chunk_get(const struct winmem_chunk *chunk, unsigned long page);
void winmem_chunk_clear(struct winmem_chunk *chunk, unsigned long page, u8 bits);
void winmem_chunk_mark(struct winmem_chunk *chunk, unsigned long page, u8 bits);
unsigned long winmem_chunk_alike(const struct winmem_chunk *chunk, unsigned long page,
				 unsigned long nr);
bool winmem_pages_want_exec(struct winmem_pages *pages, unsigned long start, unsigned long nr,
			    bool exec);
bool winmem_chunk_is_valid(const struct winmem_chunk *chunk);

#endif /* WINMEM_PAGES_H */
