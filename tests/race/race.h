/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Races, in windows of time that the debug build of the module holds open. A RACE() is a
 * test as it is, and again for each point of module/widen.h that it is WIDENED() at: then
 * everybody who comes to that point waits there, and the test fails if nobody came.
 *
 * Built with tests/uapi/common.[ch] and tests/common, whose checks work in threads and children.
 */
#ifndef WINMEM_TESTS_RACE_H
#define WINMEM_TESTS_RACE_H

#include "common.h"

#include <pthread.h>

#include "../../module/widen.h"

void race_run(void (*race)(void), unsigned int points, unsigned int us);

#define RACE(name)							\
	static void name##_race(void);					\
	TEST(name) { race_run(name##_race, 0, 0); }			\
	static void name##_race(void)

#define AT(point)	(1U << WINMEM_WIDEN_##point)

#define WIDENED(name, point, us)	WIDENED_AT(name, point, AT(point), us)

/* At several points: the first bring threads together for the last, which names the test. */
#define WIDENED_AT(name, point, points, us)				\
	TEST(name##_##point) { race_run(name##_race, points, us); }

/* Wait at points from now on, for so long. */
void widen(unsigned int points, unsigned int us);

/* How often somebody has waited at a point. */
unsigned int widen_hits(enum winmem_widen point);

/* How long each point of this test waits, in microseconds; 0 when none does. */
extern unsigned int wide_us;

/*
 * for (i = 0; again(i, most); i++): four rounds, or twelve where threads have to meet at one
 * point first; and more up to most while time is left.
 */
bool again(unsigned int round, unsigned int most);

/* A bit of time, within what the last point waits, so that rounds differ. */
void dither(unsigned int round);

/* Threads wait for each other without the scheduler's pauses. */
#define WAIT_FOR(condition)						\
	do {								\
		unsigned long tries_ = 0;				\
		while (!(condition)) {					\
			if (++tries_ > 200000)				\
				check_failed(HERE, "never true: %s", #condition); \
			usleep(50);					\
		}							\
	} while (0)

void meet(volatile unsigned int *met, unsigned int nr);

pthread_t thread_start(void *(*function)(void *arg), void *arg);
void thread_end(pthread_t thread);

/*
 * A gate: pages that threads touch without a pause, while the test opens and shuts them.
 * While it is shut no touch that began then may succeed.
 */
enum toucher { NOBODY, READER, WRITER, DEBUGGER };

#define GATE_PAGES	24
#define GATE_THREADS	2

struct gate_toucher {
	pthread_t thread;
	struct gate *gate;
	enum toucher kind;
	volatile unsigned long touched;		/* touches begun and ended */
	volatile unsigned long passed;		/* of these, without a fault */
	volatile bool parked;
};

struct gate {
	unsigned long base;
	unsigned long nr;			/* pages */
	volatile unsigned int turn;		/* odd: shut */
	volatile bool park, stop;
	volatile unsigned char last[GATE_PAGES];	/* by the one writer */
	struct gate_toucher touchers[GATE_THREADS];
};

void gate_start(struct gate *gate, unsigned long base, unsigned long nr, enum toucher one,
		enum toucher other);
void gate_open(struct gate *gate);	/* before the call that opens */
void gate_used(struct gate *gate);	/* wait till each thread has passed */
void gate_use(struct gate *gate, unsigned int round);	/* that, or till they are on the way */
void gate_shut(struct gate *gate);	/* after the call that shuts; threads then bounce off */
void gate_park(struct gate *gate);	/* nobody touches */
void gate_unpark(struct gate *gate);
void gate_end(struct gate *gate);

/*
 * The rounds of a gate: a call shuts it under the threads that touch, what it has left is
 * looked at while they rest, and another call opens it.
 */
struct gate_race {
	unsigned long base;
	unsigned long nr;			/* pages */
	unsigned int prot;			/* what shut() or open() makes of them */
	enum toucher one, other;
	void (*shut)(const struct gate_race *race);
	void (*check)(const struct gate *gate);	/* or NULL */
	void (*open)(const struct gate_race *race, unsigned int round);
};

void gate_race_run(const struct gate_race *race);

/* What a debugger sees, whatever the protection, and no page is mapped for it. */
int peek(unsigned long addr);		/* -1: no memory */
bool peek_zero(unsigned long addr, unsigned long length);

/* Not those of common.h: their record of reservations is one thread's. */
unsigned long race_reserve(unsigned long addr, unsigned long length, unsigned int flags);
int race_decommit(unsigned long addr, unsigned long length);
int race_reset(unsigned long addr, unsigned long length, unsigned int flags);
unsigned long total_charge(void);	/* of all processes */

#endif
