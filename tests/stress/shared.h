/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reservations that several threads share. Calls take turns, so that the model knows their
 * answers; touches run free against them.
 *
 * A page has a version, odd while a call is at work on it. A touch that finds the same even
 * version before and after knows what the page was, and so whether a fault had to come. The
 * epoch of a page moves when its contents may go; as long as it stands, a word that was
 * written must be there, whatever calls there were.
 *
 * Each thread writes to a slot of its own in each page, in rising numbers.
 */
#ifndef WINMEM_TESTS_STRESS_SHARED_H
#define WINMEM_TESTS_STRESS_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "model.h"
#include "worker.h"

#define SHARED_PAGES	700
#define SHARED_THREADS	4
#define SLOT		128	/* bytes from one thread's word to the next's */
#define SCRATCH		64	/* behind the word, what system calls write: they may tear words */

/* In tick: the version above, and what has happened to a guard since. */
#define TICK_HITS	0x3fULL		/* accesses that the guard has stopped */
#define TICK_PASSED	0x40ULL		/* one has been let through */
#define TICK_UNSURE	0x80ULL		/* it cannot be told of which version a fault was */
#define TICK_EVENTS	0xffULL
#define TICK_VERSION	0x100ULL

struct shared_page {
	_Atomic uint64_t tick;
	_Atomic unsigned int prot;	/* as the calls left it; 0: not committed */
	_Atomic unsigned int epoch;	/* odd while contents go */
	_Atomic bool zeroed;		/* they went for good, not maybe */
};

/* What a thread knows of its slot in a page. */
struct slot {
	unsigned int epoch;		/* in which value was there; 0: it is not known */
	unsigned int tried;		/* in which a write may or may not have come through */
	uint64_t value;
};

struct shared_thread {
	uint64_t count;			/* the highest number written */
	struct slot slots[SHARED_PAGES];
};

extern struct model shared_model;
extern struct shared_page shared_pages[SHARED_PAGES];

/* shared_call.c */
void shared_call(struct worker *worker);
void shared_settle(struct worker *worker);

/* shared_touch.c */
void shared_touch(struct worker *worker);
void shared_check_slots(struct worker *worker);

#endif
