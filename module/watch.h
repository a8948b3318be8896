/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_WATCH_H
#define WINMEM_WATCH_H

#include <linux/types.h>

struct winmem_space;

/* In an address: PROTECT had seen it. For winmem_watch_restore(), and not for the caller. */
#define WINMEM_WATCH_LATCHED	0x1

/* Pages that were written, for a caller of WATCH: byte addresses, in order. */
struct winmem_watch_list {
	u64 *addrs;		/* for kvfree(); NULL when there are none */
	unsigned long nr;
	unsigned long room;
	bool latched;		/* some have the mark */
};

int winmem_watch_prepare(struct winmem_space *space, unsigned long start, unsigned long nr);
void winmem_watch_note(struct winmem_space *space, unsigned long start, unsigned long nr);
void winmem_watch_latch(struct winmem_space *space, unsigned long start, unsigned long nr);
void winmem_watch_clear(struct winmem_space *space, unsigned long start, unsigned long nr,
			bool latched);

int winmem_watch_collect(struct winmem_space *space, unsigned long start, unsigned long nr,
			 unsigned long max, bool reset, struct winmem_watch_list *list);
int winmem_watch_reset(struct winmem_space *space, unsigned long start, unsigned long nr);
void winmem_watch_restore(struct winmem_space *space, const struct winmem_watch_list *list);

#endif /* WINMEM_WATCH_H */
