/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_PAGES_H
#define WINMEM_PAGES_H

#include <linux/types.h>
#include <linux/xarray.h>

#include "chunk.h"

/*
 * Entries by RCU, changed under the space's mutex; index: page number >> 9. last is the
 * chunk that was found last, of last_index, for the holder of the mutex alone; one call
 * looks the same chunk up several times. idle, of idle_index, is the one that was left last: it
 * stays in the table till another is, for programs that commit and decommit in turn. version is
 * another one after each chunk that is taken out, and never that of another table.
 */
struct winmem_pages {
	struct xarray chunks;
	struct winmem_chunk *last;
	unsigned long last_index;
	struct winmem_chunk *idle;
	unsigned long idle_index;
	u64 version;
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
int winmem_pages_make_watch(struct winmem_pages *pages, unsigned long page);
bool winmem_pages_is_watched(struct winmem_pages *pages, unsigned long start, unsigned long nr);
struct winmem_chunk *winmem_pages_next(struct winmem_pages *pages, unsigned long *page,
				       unsigned long last);
bool winmem_pages_is_single(struct winmem_pages *pages, unsigned long page);
void winmem_pages_forget(struct winmem_pages *pages, unsigned long start, unsigned long nr);

struct winmem_chunk *winmem_pages_lock(struct winmem_pages *pages, unsigned long page);
void winmem_pages_unlock(struct winmem_chunk *chunk);
bool winmem_pages_want_exec(struct winmem_pages *pages, unsigned long start, unsigned long nr,
			    bool exec);

#endif /* WINMEM_PAGES_H */
