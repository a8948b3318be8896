/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_COUNTER_H
#define WINMEM_COUNTER_H

#include <linux/atomic.h>

struct mm_struct;
struct vm_area_struct;

/* How often the answers of QUERY have changed, in a page that the process may map. */
struct winmem_counter {
	atomic64_t *count;		/* the page's first word */
	const struct mm_struct *mm;	/* whose it is; compared, never followed */
};

int winmem_counter_init(struct winmem_counter *counter, const struct mm_struct *mm);
void winmem_counter_destroy(struct winmem_counter *counter);
int winmem_counter_map(struct winmem_counter *counter, struct vm_area_struct *vma);

/**
 * winmem_counter_begin() - what QUERY says of a reservation is about to change
 * @counter: of the space
 *
 * Who sees anything of the change sees the new count.
 *
 * Context: any. With the space's mutex held, which QUERY takes, nothing else is needed; without
 * it winmem_counter_end() has to follow.
 */
static inline void winmem_counter_begin(struct winmem_counter *counter)
{
	atomic64_inc(counter->count);
	smp_mb__after_atomic();
}

/**
 * winmem_counter_end() - a change made without the space's mutex is over
 * @counter: of the space
 *
 * QUERY may have looked at states after winmem_counter_begin() and before the change.
 *
 * Context: any.
 */
static inline void winmem_counter_end(struct winmem_counter *counter)
{
	smp_mb__before_atomic();
	atomic64_inc(counter->count);
}

#endif /* WINMEM_COUNTER_H */
