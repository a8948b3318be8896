/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thread of the stress, what it did last, and what it does when something is wrong.
 *
 * Three kinds: those that work alone in regions of their own and know every answer
 * (alone.c), those that share a region (shared.c), and chaos (chaos.c). All of them stop
 * every ROUND steps; while nobody works everything is checked.
 */
#ifndef WINMEM_TESTS_STRESS_WORKER_H
#define WINMEM_TESTS_STRESS_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"
#include "random.h"

#define ROUND		500
#define ROUND_PRESSED	150	/* where each step is a long one */
#define LAST_OPS	20
#define MAX_WORKERS	16

struct options {
	uint64_t seed;
	unsigned long duration;		/* seconds */
	long thread;			/* only this one; -1: all */
	unsigned long steps;		/* of each thread; 0: until the time is over */
	bool pressure;			/* with more memory than there is */
	bool trace;			/* print every operation */
};

struct worker;

struct kind {
	const char *name;
	void *(*start)(struct worker *worker);
	void (*step)(struct worker *worker);
	/* While nobody works: of this thread, and then, of one of them, for all. */
	void (*check)(struct worker *worker);
	long (*committed)(struct worker *worker);	/* pages, counted once for its kind */
};

extern const struct kind alone_kind, shared_kind, chaos_kind;

struct worker {
	const struct kind *kind;
	const struct options *options;
	unsigned int number;		/* of all threads */
	unsigned int index;		/* of its kind */
	struct random random;
	unsigned long step;
	unsigned long checks;
	unsigned long dropped;		/* cells that were reset, and then seen to be gone */
	void *data;			/* the kind's */
	char last[LAST_OPS][160];
};

/* What is about to be done, for the report of a failure. */
__attribute__((format(printf, 2, 3)))
void worker_note(struct worker *worker, const char *format, ...);

/* Tell of it, how to see it again, and end the process. */
__attribute__((noreturn, format(printf, 2, 3)))
void worker_fail(struct worker *worker, const char *format, ...);

#define CHECK(worker, condition, ...)					\
	do {								\
		(worker)->checks++;					\
		if (!(condition))					\
			worker_fail(worker, __VA_ARGS__);		\
	} while (0)

/* Where a thread's addresses are: far from everything, or inside a window of winmem's. */
unsigned long worker_place(unsigned int number, bool kept);

#endif
