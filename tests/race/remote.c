// SPDX-License-Identifier: GPL-2.0-only
/*
 * One process acts on another that touches its memory, changes it, exits, becomes another
 * program or is killed meanwhile. Each call does its work or says that there is nobody; no
 * charge stays, and what the other process was told holds.
 */
#define _GNU_SOURCE
#include "race.h"
#include "../uapi/remote.h"

#include <sys/wait.h>

#define NR	16UL

struct shared {
	volatile unsigned long base;
	volatile int step;
	int end;
};

static int there;

static int there_ioctl(unsigned long nr, void *args)
{
	int ret = ioctl(there, nr, args);

	if (ret && errno != ESRCH && errno != ENODEV)
		check_failed(HERE, "%s", strerror(errno));
	return ret;
}

/* A round of everything that needs the other mm, and of what does not. False: it is gone. */
static bool acts(unsigned long base)
{
	struct winmem_reserve reserve_it = reserve_args(0, GRAN, EXECUTE_RW, WINMEM_RESERVE_COMMIT);
	struct winmem_protect shut = protect_args(base, GRAN, NOACCESS);
	struct winmem_protect code = protect_args(base, GRAN, EXECUTE_RW);
	struct winmem_protect open = protect_args(base, GRAN, READWRITE);
	struct winmem_query query_it = query_args(base);
	struct winmem_release release_it;

	/* Bounds that no kept window has: a window of its own, mapped and unmapped there. */
	reserve_it.highest = (1UL << 31) - 1;
	if (there_ioctl(WINMEM_IOC_RESERVE, &reserve_it))
		return false;
	release_it = release_args(reserve_it.out_addr);
	return !there_ioctl(WINMEM_IOC_PROTECT, &shut) && !there_ioctl(WINMEM_IOC_PROTECT, &code) &&
	       !there_ioctl(WINMEM_IOC_PROTECT, &open) && !there_ioctl(WINMEM_IOC_QUERY, &query_it) &&
	       !there_ioctl(WINMEM_IOC_RELEASE, &release_it);
}

static void begins(struct shared *shared)
{
	static struct gate gate;

	close(dev);
	dev = OPEN_DEVICE();
	shared->base = race_reserve(0, GRAN, WINMEM_RESERVE_COMMIT);
	gate_start(&gate, shared->base, NR, WRITER, READER);
	shared->step = 1;
	while (shared->step == 1)
		usleep(100);
}

/* 0: exit, 1: exec, 2: it goes on until it is killed. */
static void target(void *arg)
{
	struct shared *shared = arg;

	begins(shared);
	if (shared->end == 0)
		_exit(0);
	if (shared->end == 1)
		execl("/bin/true", "true", NULL);
	for (;;)
		pause();
}

static void ends_under_calls(int end, unsigned int round)
{
	struct shared *shared = shared_page();
	unsigned long before = total_charge();
	pid_t child;

	shared->end = end;
	child = start_child(target, shared);
	WAIT_FOR(shared->step == 1);
	there = attach_to(child);
	EXPECT_OK(there);
	EXPECT(acts(shared->base));
	shared->step = 2;
	dither(round);
	if (end == 2)
		EXPECT_OK(kill(child, SIGKILL));
	for (unsigned int i = 0; i < 1000 && acts(shared->base); i++)
		;
	if (end == 2)
		FINISH_KILLED(child, SIGKILL);
	else
		FINISH(child);
	close(there);
	EVENTUALLY(total_charge() == before);
	munmap(shared, PAGE);
}

RACE(exit_under_calls)
{
	for (unsigned int i = 0; again(i, 12); i++)
		ends_under_calls(0, i);
}
WIDENED(exit_under_calls, ENTER, 2000)
WIDENED(exit_under_calls, REPAIR, 2000)
WIDENED(exit_under_calls, PROTECT, 2000)

RACE(exec_under_calls)
{
	for (unsigned int i = 0; again(i, 12); i++)
		ends_under_calls(1, i);
}
WIDENED(exec_under_calls, ENTER, 2000)
WIDENED(exec_under_calls, UNMAP, 2000)

RACE(kill_under_calls)
{
	for (unsigned int i = 0; again(i, 12); i++)
		ends_under_calls(2, i);
}
WIDENED(kill_under_calls, ENTER, 2000)
WIDENED(kill_under_calls, SETTLED, 2000)

/* The other process shuts and opens a page of its own; what is done beside it does not show. */
static void shuts_and_opens(void *arg)
{
	struct shared *shared = arg;
	static struct gate gate;
	unsigned long base;

	close(dev);
	dev = OPEN_DEVICE();
	base = race_reserve(0, 2 * GRAN, WINMEM_RESERVE_COMMIT);
	shared->base = base + GRAN;
	gate_start(&gate, base, NR, WRITER, READER);
	shared->step = 1;
	for (unsigned int i = 0; shared->step == 1; i++) {
		gate_use(&gate, i);
		EXPECT_OK(raw_protect(base, GRAN, NOACCESS));
		gate_shut(&gate);
		gate_open(&gate);
		EXPECT_OK(raw_protect(base, GRAN, READWRITE));
	}
	gate_end(&gate);
}

RACE(beside_calls_of_its_own)
{
	struct shared *shared = shared_page();
	pid_t child = start_child(shuts_and_opens, shared);

	WAIT_FOR(shared->step == 1);
	there = attach_to(child);
	EXPECT_OK(there);
	for (unsigned int i = 0; again(i, 40); i++)
		EXPECT(acts(shared->base));
	shared->step = 2;
	FINISH(child);
	close(there);
	munmap(shared, PAGE);
}
WIDENED(beside_calls_of_its_own, PROTECT, 2000)
WIDENED(beside_calls_of_its_own, FAULT_MAP, 2000)
WIDENED(beside_calls_of_its_own, ENTER, 2000)

/*
 * Both make and end reservations of one size in the one space, so that each is given the place that
 * the other has just left. Each says where it is for as long as it is there.
 */
struct shared_places {
	volatile unsigned long mine, theirs;
	volatile int step;
};

/* A reservation of this side, seen as such, and not at the other side's place. */
static void has_a_place(volatile unsigned long *mine, volatile unsigned long *theirs,
			unsigned int prot)
{
	struct winmem_reserve args = reserve_args(0, GRAN, prot, WINMEM_RESERVE_COMMIT);
	struct winmem_query found;

	EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &args));
	*mine = args.out_addr;
	found = query(args.out_addr);
	/* After a system call: one of the two would see the other. */
	EXPECT(*theirs != args.out_addr);
	EXPECT_EQ(args.out_addr, found.out_alloc_base);
	EXPECT_EQ(prot, found.out_alloc_prot);
	EXPECT_EQ(prot, found.out_prot);
	*mine = 0;
	EXPECT_OK(raw_release(args.out_addr));
}

static void takes_places(void *arg)
{
	struct shared_places *shared = arg;

	close(dev);
	dev = OPEN_DEVICE();
	release(reserve_commit(GRAN, READWRITE));
	shared->step = 1;
	while (shared->step == 1)
		has_a_place(&shared->theirs, &shared->mine, READWRITE);
	EXPECT_EQ(0, charge());
}

RACE(places_that_the_other_has_left)
{
	struct shared_places *shared = shared_page();
	pid_t child = start_child(takes_places, shared);
	int here;

	WAIT_FOR(shared->step == 1);
	there = attach_to(child);
	EXPECT_OK(there);
	here = act_on(there);
	for (unsigned int i = 0; again(i, 400); i++)
		has_a_place(&shared->mine, &shared->theirs, READONLY);
	act_on(here);
	shared->step = 2;
	FINISH(child);
	close(there);
	munmap(shared, PAGE);
}
WIDENED(places_that_the_other_has_left, DECOMMIT, 500)
