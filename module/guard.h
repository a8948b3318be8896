/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_GUARD_H
#define WINMEM_GUARD_H

#include <linux/list.h>
#include <linux/spinlock.h>

struct file;

/* Guard pages that were hit, for the threads that hit them. Both lists by lock. */
struct winmem_guards {
	spinlock_t lock;
	struct list_head hits;		/* by system calls that have not yet returned */
	struct list_head notes;		/* by programs, which may ask */
};

void winmem_guards_init(struct winmem_guards *guards);
void winmem_guards_destroy(struct winmem_guards *guards);
bool winmem_guard_note(struct winmem_guards *guards, unsigned long page);
void winmem_guard_forget(struct winmem_guards *guards);
bool winmem_guard_ask(struct winmem_guards *guards, unsigned long page);
void winmem_guard_hold(struct winmem_guards *guards, struct file *file, unsigned long page);
bool winmem_guard_is_held(struct winmem_guards *guards, unsigned long page);

#endif /* WINMEM_GUARD_H */
