/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_GUARD_H
#define WINMEM_GUARD_H

#include <linux/list.h>
#include <linux/spinlock.h>

struct file;

/* Guard pages that system calls have hit and not yet returned from. */
struct winmem_guards {
	spinlock_t lock;
	struct list_head hits;		/* by lock */
};

void winmem_guards_init(struct winmem_guards *guards);
void winmem_guard_hold(struct winmem_guards *guards, struct file *file, unsigned long page);
bool winmem_guard_is_held(struct winmem_guards *guards, unsigned long page);

#endif /* WINMEM_GUARD_H */
