// SPDX-License-Identifier: GPL-2.0-only
/*
 * fork, exec, exit and SIGKILL while another thread is in the middle of an ioctl.
 */
#include "race.h"

#include <sys/wait.h>

static unsigned long fixed;
static volatile bool calling;

/* What parent and child share. */
struct middle {
	unsigned int us;	/* after so long */
	bool started;
};

/* Every call, again and again, in a window that stays and in one that goes. */
static void *calls(void *arg)
{
	unsigned int prot = READWRITE;

	calling = true;
	for (unsigned int i = 0;; i++) {
		unsigned long base = race_reserve(i % 2 ? fixed : 0, GRAN, 0);

		EXPECT(base);
		EXPECT_OK(raw_commit(base, GRAN, READWRITE));
		for (unsigned long addr = base; addr < base + GRAN; addr += PAGE)
			EXPECT(try_write(addr, 1));
		EXPECT_OK(race_reset(base, 2 * PAGE, 0));
		EXPECT_OK(race_reset(base, 2 * PAGE, WINMEM_RESET_UNDO));
		EXPECT_OK(raw_protect(base, PAGE, READONLY));
		EXPECT_OK(raw_protect(base, GRAN, NOACCESS));
		EXPECT_OK(race_decommit(base, 8 * PAGE));
		prot = query(base + 8 * PAGE).out_prot;
		EXPECT_EQ(NOACCESS, prot);
		EXPECT_OK(raw_release(base));
	}
	return arg;
}

static void start_calling(volatile struct middle *middle)
{
	dev = OPEN_DEVICE();
	fixed = find_hole(GRAN);
	thread_start(calls, NULL);
	WAIT_FOR(calling);
	middle->started = true;
	usleep(middle->us);
}

static void exits(void *arg)
{
	start_calling(arg);
	_exit(0);
}

int test_exec(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	dev = OPEN_DEVICE();
	EXPECT_EQ(0, charge());
	EXPECT(race_reserve(0, GRAN, WINMEM_RESERVE_COMMIT));
	return 0;
}

static void executes(void *arg)
{
	start_calling(arg);
	execl("/proc/self/exe", "race", "--exec", NULL);
	check_failed(HERE, "exec: %s", strerror(errno));
}

static void is_killed(void *arg)
{
	start_calling(arg);
	for (;;)
		pause();
}

/* What a child of fork finds: none of the memory, a descriptor that is not its own. */
static void is_forked(void *arg)
{
	struct winmem_query args = query_args((unsigned long)&args);
	unsigned long base;

	(void)arg;
	EXPECT_ERRNO(EPERM, ioctl(dev, WINMEM_IOC_QUERY, &args));
	dev = OPEN_DEVICE();
	EXPECT_EQ(0, charge());
	EXPECT_FREE(fixed);
	EXPECT(!try_read(fixed));
	base = race_reserve(fixed, GRAN, WINMEM_RESERVE_COMMIT);
	EXPECT_EQ(fixed, base);
	EXPECT(zeroed(base, GRAN));
	EXPECT_OK(raw_release(base));
}

static void forks(void *arg)
{
	start_calling(arg);
	for (unsigned int i = 0; i < 2; i++) {
		IN_CHILD(is_forked, NULL);
		dither(i);
	}
	/* The thread goes on with its calls until here. */
	_exit(0);
}

static void in_the_middle(void (*function)(void *arg), int signo)
{
	volatile struct middle *middle = shared_page();
	unsigned long before = total_charge();

	for (unsigned int i = 0; again(i, 8); i++) {
		pid_t child;

		/* From soon after the first call on. */
		middle->us = 2000 + i * (wide_us / 2 + 6000);
		middle->started = false;
		child = start_child(function, (void *)middle);
		if (signo) {
			WAIT_FOR(middle->started);
			usleep(middle->us);
			EXPECT_OK(kill(child, signo));
			FINISH_KILLED(child, signo);
		} else {
			FINISH(child);
		}
		EVENTUALLY(total_charge() == before);
	}
	EXPECT_OK(munmap((void *)middle, PAGE));
}

RACE(exit_in_the_middle)
{
	in_the_middle(exits, 0);
}
WIDENED(exit_in_the_middle, HOLE, 10000)
WIDENED(exit_in_the_middle, PROTECT, 10000)
WIDENED_AT(exit_in_the_middle, DROP, AT(DECOMMIT) | AT(DROP), 5000)
WIDENED(exit_in_the_middle, UNMAP, 10000)

RACE(exec_in_the_middle)
{
	in_the_middle(executes, 0);
}
WIDENED(exec_in_the_middle, PROTECT, 10000)
WIDENED(exec_in_the_middle, UNMAP, 10000)

RACE(killed_in_the_middle)
{
	in_the_middle(is_killed, SIGKILL);
}
WIDENED(killed_in_the_middle, CLEAN, 10000)
WIDENED_AT(killed_in_the_middle, DROP, AT(DECOMMIT) | AT(DROP), 10000)

RACE(fork_in_the_middle)
{
	in_the_middle(forks, 0);
}
WIDENED(fork_in_the_middle, REPAIR, 2000)
WIDENED(fork_in_the_middle, PROTECT, 2000)
WIDENED_AT(fork_in_the_middle, DROP, AT(DECOMMIT) | AT(DROP), 2000)
