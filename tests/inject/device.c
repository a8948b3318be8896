// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening the device, for a space that is made or found again; closing it; fork and exit,
 * while each of their points fails in turn.
 */
#define _GNU_SOURCE
#include "inject.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>

#define LENGTH	(2 * CHUNK + GRAN)

static unsigned long base, total;
static int fd = -1;

static unsigned long total_charge(void)
{
	return limit_at(HERE, 0, 0).out_total_charge;
}

static int do_open(void)
{
	fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -1 : 0;
}

static void no_space(void)
{
	close(dev);
	dev = -1;
	unmap_own();
}

static void check_new(void)
{
	dev = fd;
	EXPECT_EQ(0, charge());
	release(reserve_commit(GRAN, READWRITE));
}

TEST(open_makes_a_space)
{
	/* The space, two files and their inodes and names, and what open(2) needs. */
	SWEEP(.prepare = no_space, .call = do_open, .check = check_new, .needs_memory = true);
}

static void check_second(void)
{
	int first = dev;

	dev = fd;
	EXPECT_EQ(LENGTH, charge());
	EXPECT_COMMITTED(base, LENGTH, READWRITE);
	EXPECT(filled(base, GRAN, 9));
	close(fd);
	dev = first;
}

static void watch_space(void)
{
	sweep_watch(base, GRAN);
}

TEST(open_finds_the_space_again)
{
	base = reserve_commit(LENGTH, READWRITE);
	fill(base, GRAN, 9);
	SWEEP(.prepare = watch_space, .call = do_open, .check = check_second, .needs_memory = true);
	release(base);
}

static void close_all(void)
{
	close(dev);
	dev = -1;
}

static void check_found(void)
{
	dev = fd;
	EXPECT_EQ(LENGTH, charge());
	EXPECT_COMMITTED(base, LENGTH, READWRITE);
	EXPECT(filled(base, GRAN, 9));
}

TEST(open_finds_a_space_that_only_mappings_hold)
{
	base = reserve_commit(LENGTH, READWRITE);
	fill(base, GRAN, 9);
	SWEEP(.prepare = close_all, .call = do_open, .check = check_found, .needs_memory = true);
	release(base);
}

/* The last reference: all of the space goes, on the way out of close(2). */
static void make_space(void)
{
	fresh_space();
	total = total_charge();
	base = reserve_commit(LENGTH, READWRITE);
	fill(base, GRAN, 9);
	commit(base + GRAN, PAGE, READONLY | GUARD);
	reset(base, 4 * PAGE);
	unmap_own();
}

static int do_close(void)
{
	int ret = close(dev);

	dev = -1;
	return ret;
}

static void check_closed(void)
{
	dev = OPEN_DEVICE();
	EXPECT_EQ(total, total_charge());
	EXPECT_EQ(0, charge());
	EXPECT_EQ(WINMEM_STATE_FREE, query(base).out_state);
}

TEST(close_ends_a_space)
{
	SWEEP(.prepare = make_space, .call = do_close, .check = check_closed,
	      .flags = SWEEP_NEVER_FAILS);
}

/* munmap of the last mapping ends it too. It may split the mapping, and so may fail. */
static void make_mapped(void)
{
	fresh_space();
	total = total_charge();
	base = find_hole(GIB);
	reserve_fixed(base, LENGTH);
	commit(base, LENGTH, READWRITE);
	fill(base, GRAN, 9);
	close(dev);
	dev = -1;
}

static int do_munmap(void)
{
	return munmap((void *)base, LENGTH);
}

TEST(munmap_ends_a_space)
{
	SWEEP(.prepare = make_mapped, .call = do_munmap, .check = check_closed);
}

/* fork copies none of ours; the parent keeps it whether there is a child or not. */
static int do_fork(void)
{
	pid_t child = fork();

	if (!child) {
		/* Which reads nothing of the parent's. */
		_exit(vma_covers(base) ? 1 : 0);
	}
	if (child < 0)
		return -1;
	FINISH(child);
	return 0;
}

static void check_parent(void)
{
	EXPECT_COMMITTED(base, LENGTH, READWRITE);
	EXPECT(filled(base, GRAN, 9));
	fill(base, GRAN, 9);
}

/*
 * The kernel warns when it finds no memory for a stack. With one CPU there is a stack of a
 * child that has ended.
 */
static void stay_on_one_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	EXPECT_OK(sched_setaffinity(0, sizeof(cpus), &cpus));
}

static void prepare_fork(void)
{
	EXPECT_OK(do_fork());
	sweep_watch(base, GRAN);
}

TEST(fork_leaves_the_parent_as_it_was)
{
	stay_on_one_cpu();
	base = reserve_commit(LENGTH, READWRITE);
	fill(base, GRAN, 9);
	SWEEP(.prepare = prepare_fork, .call = do_fork, .check = check_parent,
	      .flags = SWEEP_ONCE, .needs_memory = true);
	release(base);
}

/* A child that ends while failing: exit_mmap and the end of the space. */
static void end_failing(void *arg)
{
	unsigned int nth = *(unsigned int *)arg;

	make_space();
	inject_arm(nth);
	_exit(0);
}

TEST(exit_ends_a_space)
{
	unsigned long before = inject_count();
	unsigned int failures = 0;

	total = total_charge();
	for (unsigned int nth = 1; nth < 200 && failures + 20 > nth; nth++) {
		IN_CHILD(end_failing, &nth);
		EXPECT_EQ(total, total_charge());
		failures += inject_count() != before;
		before = inject_count();
	}
	printf("# %s: %u points\n", __func__, failures);
}
