/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Failures on demand, in one thread: the kernel counts down a number that the thread has
 * written to its fail-nth, at each allocation of slab or page memory and at each copy from
 * or to user memory, and has the one fail that finds it at one. That overrides probability,
 * interval, times and space of failslab, fail_page_alloc and fail_usercopy, but not what
 * keeps an allocation from being asked at all: ignore-gfp-wait, ignore-gfp-highmem and
 * min-order, which tests/inject/guest sets.
 *
 * Or memory runs out and stays so: failslab lets so many bytes pass and nothing after them.
 * That is asked for the program's own tasks alone (task-filter), and it shows what becomes of
 * a second failure, where the kernel or the module has tried again after the first.
 *
 * Each failure also counts down the "times" of its kind; so it is known which kind it was.
 */
#ifndef WINMEM_TESTS_INJECT_H
#define WINMEM_TESTS_INJECT_H

#include "common.h"

enum inject_kind {
	INJECT_NONE,		/* the thread came to no nth point */
	INJECT_SLAB,
	INJECT_PAGES,
	INJECT_USERCOPY,
};

void inject_arm(unsigned int nth);
void inject_arm_after(unsigned int bytes);
enum inject_kind inject_disarm(void);

/* How many failures there have been, of all kinds and threads. */
unsigned long inject_count(void);

/*
 * One operation, tried with each of its points failing in turn, and at last with none. Each
 * time anew: prepare, call, and when that failed: the errno is the one of the kind, what
 * is watched is as before, and the call works when it is repeated; then check and undo.
 */
struct sweep {
	const char *name;
	void (*prepare)(void);
	int (*call)(void);		/* 0, or -1 and errno */
	void (*check)(void);		/* that the call has done its work */
	void (*undo)(void);
	unsigned int flags;
	bool needs_memory;		/* the call must have failed for it, or this is no sweep */
};

#define SWEEP_NEVER_FAILS	0x1	/* for want of memory */
#define SWEEP_MAPS		0x2	/* our mappings may differ after a failure */
#define SWEEP_FAULTS		0x4	/* EFAULT and EIO too say that memory is short */
#define SWEEP_ONCE		0x8	/* memory must not stay out: somebody would wait for it */
#define SWEEP_LARGE		0x10	/* ENOSPC says that memory is short */

void sweep_at(const char *at, const struct sweep *sweep);

#define SWEEP(...) \
	sweep_at(HERE, &(struct sweep) { .name = __func__, __VA_ARGS__ })

/*
 * What a sweep compares, for prepare(); forgotten after each round: QUERY's runs, the charge
 * and the contents of the first; of the second QUERY's runs only, for reading brings pages
 * in, and thousands of them take their time; of the third, in one watched reservation, which
 * pages were written.
 */
void sweep_watch(unsigned long addr, unsigned long length);
void sweep_watch_runs(unsigned long addr, unsigned long length);
void sweep_watch_written(unsigned long addr, unsigned long length);

/* What WATCH tells: how many addresses, and zeros behind them. */
#define WRITTEN_MAX	2048UL

unsigned long written_at(const char *at, unsigned long addr, unsigned long length,
			 unsigned int flags, __u64 *addrs);

/* Mappings of ours, the windows. */
unsigned int own_vmas(void);
void unmap_own(void);

/* Close the device and begin with a space that nobody has used. */
void fresh_space(void);

#endif
