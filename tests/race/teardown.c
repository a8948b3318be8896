// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults against the end of what they fault on: munmap, exit, exec, SIGKILL, while threads
 * touch pages. Nothing stays charged, and nothing stays behind.
 */
#include "race.h"

#define NR	16UL

/* The program may unmap a window under its threads; the next reservation has it back. */
RACE(munmap_under_threads)
{
	unsigned long base = find_hole(GRAN);
	struct gate gate;

	EXPECT_EQ(base, race_reserve(base, GRAN, WINMEM_RESERVE_COMMIT));
	gate_start(&gate, base, NR, WRITER, READER);
	for (unsigned int i = 0; again(i, 40); i++) {
		gate_use(&gate, i);
		EXPECT_OK(munmap((void *)base, GRAN));
		gate_shut(&gate);
		gate_park(&gate);
		EXPECT_COMMITTED(base, GRAN, READWRITE);
		EXPECT_OK(raw_release(base));
		gate_open(&gate);
		EXPECT_EQ(base, race_reserve(base, GRAN, WINMEM_RESERVE_COMMIT));
		EXPECT(peek_zero(base, GRAN));
		EXPECT_OK(raw_protect(base, GRAN, NOACCESS));
		EXPECT_OK(raw_protect(base, GRAN, READWRITE));
		gate_unpark(&gate);
	}
	gate_end(&gate);
	EXPECT_OK(raw_release(base));
}
WIDENED(munmap_under_threads, FAULT_GET, 2000)
WIDENED(munmap_under_threads, FAULT_MAP, 2000)
WIDENED(munmap_under_threads, FAULT_MKWRITE, 2000)
WIDENED(munmap_under_threads, REPAIR, 2000)

/* Threads that fault all the time: what they touched is taken from them at once. */
static struct gate running;

/* What parent and child share. */
struct end {
	unsigned int us;	/* to go on for */
	bool started;
};

static void *churns(void *arg)
{
	for (;;) {
		raw_protect(running.base, NR * PAGE, NOACCESS);
		raw_protect(running.base, NR * PAGE, READWRITE);
	}
	return arg;
}

static void start_faulting(volatile struct end *end)
{
	dev = OPEN_DEVICE();
	gate_start(&running, race_reserve(0, NR * PAGE, WINMEM_RESERVE_COMMIT), NR, WRITER, READER);
	gate_used(&running);
	thread_start(churns, NULL);
	end->started = true;
	usleep(end->us);
}

static void exits(void *arg)
{
	start_faulting(arg);
	_exit(0);
}

int test_exec(int argc, char **argv)
{
	unsigned long base = strtoul(argv[2], NULL, 0);

	(void)argc;
	/* A new address space, with nothing of the old one in it. */
	dev = OPEN_DEVICE();
	EXPECT_EQ(0, charge());
	EXPECT_FREE(base);
	EXPECT(!try_read(base));
	EXPECT(race_reserve(0, GRAN, WINMEM_RESERVE_COMMIT));
	return 0;
}

static void executes(void *arg)
{
	char base[32];

	start_faulting(arg);
	snprintf(base, sizeof(base), "%#lx", running.base);
	execl("/proc/self/exe", "race", "--exec", base, NULL);
	check_failed(HERE, "exec: %s", strerror(errno));
}

static void is_killed(void *arg)
{
	start_faulting(arg);
	for (;;)
		pause();
}

static void end_of_child(void (*function)(void *arg), int signo)
{
	volatile struct end *end = shared_page();
	unsigned long before = total_charge();

	for (unsigned int i = 0; again(i, 8); i++) {
		pid_t child;

		end->us = 2000 + i * (wide_us / 3 + 200);
		end->started = false;
		child = start_child(function, (void *)end);
		if (signo) {
			WAIT_FOR(end->started);
			usleep(end->us);
			EXPECT_OK(kill(child, signo));
			FINISH_KILLED(child, signo);
		} else {
			FINISH(child);
		}
		EVENTUALLY(total_charge() == before);
	}
	EXPECT_OK(munmap((void *)end, PAGE));
}

RACE(exit_under_threads)
{
	end_of_child(exits, 0);
}
WIDENED(exit_under_threads, FAULT_MAP, 3000)
WIDENED(exit_under_threads, FAULT_MKWRITE, 3000)
WIDENED(exit_under_threads, END, 3000)

RACE(exec_under_threads)
{
	end_of_child(executes, 0);
}
WIDENED(exec_under_threads, FAULT_MAP, 3000)

RACE(killed_under_threads)
{
	end_of_child(is_killed, SIGKILL);
}
WIDENED(killed_under_threads, FAULT_MAP, 3000)
