// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that a fatal signal ends while they wait. Whoever made one sees nothing of it any
 * more; but a process of its own that shares the memory (CLONE_VM) shares the space too, and
 * when it is killed the other can see what the call has left behind.
 */
#define _GNU_SOURCE
#include "race.h"
#include "calls.h"

#include <sched.h>
#include <sys/wait.h>

#define WINDOW_US	500000
#define NR		1024UL		/* pages: two chunks at least */

static unsigned long base;
static __u64 list[NR];

static char stack[65536] __attribute__((aligned(16)));
static volatile bool calling, returned;

/* What the other process calls. */
static unsigned int called;
static union args args;

static int make_call(void *arg __attribute__((unused)))
{
	calling = true;
	ioctl(dev, called, &args);
	returned = true;
	_exit(0);
}

/* A process with this one's memory and signals of its own. */
static pid_t start_call(void)
{
	pid_t pid;

	calling = false;
	returned = false;
	pid = clone(make_call, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	EXPECT(pid > 0);
	WAIT_FOR(calling);
	return pid;
}

static void kill_call(pid_t pid)
{
	int status;

	EXPECT_OK(kill(pid, SIGKILL));
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		check_failed(HERE, "call %#x has ended by itself", called);
	EXPECT(!returned);
}

/* Till somebody stands at a point who did not before. */
#define WAIT_AT(point, hits)	WAIT_FOR(widen_hits(WINMEM_WIDEN_##point) > (hits))

static void write_all(void)
{
	base = reserve_at(HERE, 0, NR * PAGE, READWRITE,
			  WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_WATCH);
	for (unsigned long i = 0; i < NR; i++)
		EXPECT(try_write(base + i * PAGE, 1));
}

static unsigned long written(unsigned int flags)
{
	struct winmem_watch args = watch_args(base, NR * PAGE, flags, list, NR);

	EXPECT_OK(ioctl(dev, WINMEM_IOC_WATCH, &args));
	return args.out_count;
}

static void check_all_written(void)
{
	EXPECT_EQ(NR, written(0));
	for (unsigned long i = 0; i < NR; i++)
		EXPECT_EQ(base + i * PAGE, list[i]);
}

/* Writes are noted as ever. */
static void check_works(void)
{
	written(WINMEM_WATCH_RESET);
	EXPECT(try_write(base + PAGE, 1));
	EXPECT_EQ(1, written(0));
	EXPECT_EQ(base + PAGE, list[0]);
}

/* It has reset the first chunk and waits; then it looks at the second. */
static void between_two_chunks(void)
{
	unsigned int hits = widen_hits(WINMEM_WIDEN_WATCH);
	pid_t pid;

	called = WINMEM_IOC_WATCH;
	args.watch = watch_args(base, NR * PAGE, WINMEM_WATCH_RESET, list, NR);
	pid = start_call();
	WAIT_AT(WATCH, hits);
	kill_call(pid);
	widen(0, 0);
	check_all_written();
	check_works();
}

static void watch_between_two_chunks(void)
{
	write_all();
	between_two_chunks();
}

TEST(watch_killed_between_two_chunks_resets_nothing)
{
	race_run(watch_between_two_chunks, AT(WATCH), WINDOW_US);
}

/*
 * mmap_lock: a fault has it and waits at a point, and somebody who wants it for writing
 * waits for the fault; so nobody else gets it.
 */
static volatile unsigned long touched;
static volatile bool faulted, go, mapped;

static void *fault(void *arg __attribute__((unused)))
{
	try_read(touched);
	faulted = true;
	return NULL;
}

static void *map(void *arg __attribute__((unused)))
{
	void *map;

	WAIT_FOR(go);
	map = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(map != MAP_FAILED);
	mapped = true;
	EXPECT_OK(munmap(map, PAGE));
	return NULL;
}

static void waiting_for_mmap_lock(unsigned long count)
{
	unsigned int hits = widen_hits(WINMEM_WIDEN_FAULT_GET);
	pthread_t faulter, mapper;
	pid_t pid;

	write_all();
	faulted = false;
	go = false;
	mapped = false;
	called = WINMEM_IOC_WATCH;
	args.watch = watch_args(base, NR * PAGE, WINMEM_WATCH_RESET, list, count);
	touched = reserve_commit(GRAN, READWRITE);

	/* Threads need memory, and stacks a fault: before nobody gets any. */
	memset(stack, 1, sizeof(stack));
	mapper = thread_start(map, NULL);
	widen(AT(FAULT_GET), 2 * WINDOW_US);
	faulter = thread_start(fault, NULL);
	WAIT_AT(FAULT_GET, hits);
	go = true;
	usleep(WINDOW_US / 5);
	pid = start_call();
	usleep(WINDOW_US / 5);
	EXPECT(!faulted && !mapped && !returned);
	kill_call(pid);
	thread_end(faulter);
	thread_end(mapper);
	widen(0, 0);
	check_all_written();
	check_works();
}

static void collect_waiting(void)
{
	waiting_for_mmap_lock(NR);
}

static void reset_waiting(void)
{
	waiting_for_mmap_lock(0);
}

TEST(watch_killed_before_mmap_lock_resets_nothing)
{
	race_run(collect_waiting, 0, 0);
}

TEST(reset_killed_before_mmap_lock_resets_nothing)
{
	race_run(reset_waiting, 0, 0);
}

/* The space's mutex: a WATCH has it, and another call of each kind is killed meanwhile. */
static volatile bool over;

static void *hold_mutex(void *arg __attribute__((unused)))
{
	struct winmem_watch args = watch_args(base, PAGE, 0, list, NR);

	EXPECT_OK(ioctl(dev, WINMEM_IOC_WATCH, &args));
	over = true;
	return NULL;
}

static bool takes_mutex(const struct call *call)
{
	return call->nr != WINMEM_IOC_INFO && call->nr != WINMEM_IOC_GUARD &&
	       call->nr != WINMEM_IOC_ATTACH;
}

static void kill_each(void)
{
	write_all();
	fixture_make();
	for_each_call(call) {
		unsigned int hits = widen_hits(WINMEM_WIDEN_WATCH);
		struct snapshot before, after;
		pthread_t holder;
		pid_t pid;

		if (!takes_mutex(call))
			continue;
		called = call->nr;
		args = call_args(call);
		snapshot_take(HERE, &before, fixture, FIXTURE_LENGTH);
		over = false;
		holder = thread_start(hold_mutex, NULL);
		WAIT_AT(WATCH, hits);
		pid = start_call();
		usleep(WINDOW_US / 10);
		kill_call(pid);
		if (over)
			check_failed(HERE, "%s waited to the end", call->name);
		thread_end(holder);
		snapshot_take(HERE, &after, fixture, FIXTURE_LENGTH);
		check_same(HERE, &before, &after);
		snapshot_drop(&before);
		snapshot_drop(&after);
	}
	widen(0, 0);
	check_all_written();
	EXPECT_EQ(FIXTURE_FILLED + NR * PAGE, charge());
	release(fixture);
}

TEST(calls_killed_before_the_mutex_do_nothing)
{
	race_run(kill_each, AT(WATCH), WINDOW_US);
}
