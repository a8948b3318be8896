/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_KUNIT_PROCESS_H
#define WINMEM_KUNIT_PROCESS_H

#include <kunit/test.h>
#include <linux/types.h>
#include <uapi/linux/winmem.h>

#include "charge.h"
#include "prot.h"
#include "region.h"
#include "space.h"
#include "window.h"

struct mm_struct;
struct task_struct;

/* A user's process that does nothing, whose address space the case works in. */
struct winmem_process {
	struct task_struct *task;
	struct mm_struct *mm;
	struct winmem_space *space;	/* open; NULL when the case has closed it */
	unsigned long total;		/* charged when the case began */
};

/*
 * KUnit's assertions end the thread, and it must give the mm back first: so a case that
 * cannot go on returns, and .exit cleans up. Not for loops that hold a lock.
 */
#define NEED(test, condition)						\
do {									\
	if (!(condition)) {						\
		KUNIT_FAIL(test, "needed: %s", #condition);		\
		return;							\
	}								\
} while (0)

int winmem_process_init(struct kunit *test);
void winmem_process_exit(struct kunit *test);

int winmem_process_start(struct winmem_process *process);
void winmem_process_enter(struct winmem_process *process);
void winmem_process_leave(struct winmem_process *process);
void winmem_process_kill(struct winmem_process *process);
void winmem_process_close(struct winmem_process *process);
unsigned long winmem_process_charged(struct winmem_process *process, unsigned long wanted);

static inline struct winmem_process *process_of(struct kunit *test)
{
	return test->priv;
}

static inline struct winmem_space *space_of(struct kunit *test)
{
	return process_of(test)->space;
}

static inline unsigned long addr_of(unsigned long page)
{
	return page << PAGE_SHIFT;
}

extern const struct winmem_bounds winmem_anywhere;

/* The calls of region.h and space.h, with the mutex taken. */
struct winmem_region *winmem_test_reserve(struct kunit *test, unsigned long start,
					  unsigned long nr);
struct winmem_region *winmem_test_reserve_huge(struct kunit *test, unsigned long nr);
int winmem_test_reserve_at(struct kunit *test, unsigned long start, unsigned long nr,
			   const struct winmem_bounds *bounds, struct winmem_region **region);
struct winmem_region *winmem_test_commit_new(struct kunit *test, unsigned long nr, u32 prot);
void winmem_test_release(struct kunit *test, struct winmem_region *region);
int winmem_test_commit(struct kunit *test, struct winmem_region *region, unsigned long start,
		       unsigned long nr, u32 prot);
int winmem_test_decommit(struct kunit *test, struct winmem_region *region,
			 unsigned long start, unsigned long nr);
int winmem_test_protect(struct kunit *test, struct winmem_region *region, unsigned long start,
			unsigned long nr, u32 prot, u32 *old);
int winmem_test_reset(struct kunit *test, struct winmem_region *region, unsigned long start,
		      unsigned long nr);
int winmem_test_reset_undo(struct kunit *test, struct winmem_region *region,
			   unsigned long start, unsigned long nr);
struct winmem_run winmem_test_query(struct kunit *test, struct winmem_region *region,
				    unsigned long page);
u8 winmem_test_state(struct kunit *test, unsigned long page);
bool winmem_test_has_no_states(struct kunit *test);
bool winmem_test_find(struct kunit *test, unsigned long page);

/* One access of the program: 0 or -EFAULT. */
int winmem_test_load(unsigned long page, u8 *value);
int winmem_test_store(unsigned long page, u8 value);

bool winmem_test_is_present(struct kunit *test, unsigned long page);
bool winmem_test_is_mapped(unsigned long page);

#endif /* WINMEM_KUNIT_PROCESS_H */
