/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Another process that has winmem, in steps: it does a step when it is told to, and stays
 * until it is told to end. And what shows the kernel's leave to act on it.
 */
#ifndef WINMEM_TESTS_UAPI_REMOTE_H
#define WINMEM_TESTS_UAPI_REMOTE_H

#include "common.h"

#include <fcntl.h>

struct target {
	pid_t pid;
	volatile int step;		/* the last one that it is to do; -1: end */
	volatile int done;		/* the last one that it has done */
	volatile unsigned long base;	/* what the steps of a test tell each other */
	void (*act)(struct target *target, int step);
};

static void target_main(void *arg)
{
	struct target *target = arg;

	close(dev);
	dev = OPEN_DEVICE();
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
	EVENTUALLY(target->done == step || kill(target->pid, 0));
	EXPECT_EQ(step, target->done);
}

/* A process that has opened /dev/winmem and done its first step. */
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
	munmap(target, PAGE);
}

static inline int open_proc(pid_t pid, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return open(path, flags | O_CLOEXEC);
}

/* A descriptor to act on a process; -1 and errno. */
static inline int attach_to(pid_t pid)
{
	int mem = open_proc(pid, "mem", O_RDWR), ret;
	struct winmem_attach args = attach_args(mem);

	if (mem < 0)
		return -1;
	ret = ioctl(dev, WINMEM_IOC_ATTACH, &args);
	close(mem);
	return ret ? -1 : args.out_fd;
}

/* The next calls of common.h go to another process. */
static inline int act_on(int fd)
{
	int before = dev;

	dev = fd;
	return before;
}

#endif
