/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Another process, which does a step when it is told to and stays until it is told to end.
 * To be included after a common.h, this directory's or tests/lib's; TARGET_ADDR is the type
 * that addresses have there, and target_begin() what the process does first.
 */
#ifndef WINMEM_TESTS_UAPI_TARGET_H
#define WINMEM_TESTS_UAPI_TARGET_H

#include <signal.h>

struct target {
	pid_t pid;
	volatile int step;		/* the last one that it is to do; -1: end */
	volatile int done;		/* the last one that it has done */
	TARGET_ADDR volatile base;	/* what the steps of a test tell each other */
	void (*act)(struct target *target, int step);
};

static void target_main(void *arg)
{
	struct target *target = arg;

	target_begin();
	while (target->step >= 0) {
		if (target->step == target->done) {
			usleep(1000);
			continue;
		}
		target->act(target, target->done + 1);
		target->done++;
	}
}

/* Let it do its next step. */
static inline void target_step(struct target *target)
{
	int step = target->step + 1;

	target->step = step;
	for (int tries = 20000; target->done != step && tries && !kill(target->pid, 0); tries--)
		usleep(1000);
	EXPECT_EQ(step, target->done);
}

/* A process that has done its first step. */
static inline struct target *target_start(void (*act)(struct target *target, int step))
{
	struct target *target = shared_page();

	target->act = act;
	target->pid = start_child(target_main, target);
	target_step(target);
	return target;
}

static inline void target_end(struct target *target)
{
	target->step = -1;
	FINISH(target->pid);
}

#endif
