// SPDX-License-Identifier: GPL-2.0-only
/*
 * fork(2): the child has none of the parent's memory, may not use the parent's
 * descriptor, and is a process of its own when it opens the device. Threads and a
 * vfork child share the memory, and are no strangers.
 */
#define _GNU_SOURCE
#include "common.h"

#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define LENGTH	(2 * GRAN)

extern char **environ;

static unsigned long base;

static void make(void)
{
	base = reserve(LENGTH + GRAN);
	commit(base, LENGTH, READWRITE);
	fill(base, LENGTH, 1);
	protect(base + PAGE, PAGE, READONLY);
}

static void check_intact(const char *at)
{
	if (!filled(base, LENGTH, 1) || try_write(base + PAGE, 1))
		check_failed(at, "the parent's memory has changed");
	check_run(at, base, PAGE, WINMEM_STATE_COMMIT, READWRITE);
	check_run(at, base + LENGTH, GRAN, WINMEM_STATE_RESERVE, 0);
	if (limit_at(at, 0, 0).out_charge != LENGTH)
		check_failed(at, "the parent's charge has changed");
}

static void has_nothing(void *arg)
{
	struct vma vma = { .end = 0 };

	(void)arg;
	for (unsigned long offset = 0; offset < LENGTH + GRAN; offset += PAGE) {
		EXPECT(!try_read(base + offset));
		EXPECT(!try_write(base + offset, 1));
	}
	while (vma_find(vma.end, &vma))
		EXPECT(!vma_is_window(&vma));
}

TEST(sec04_the_child_has_none_of_the_memory)
{
	make();
	IN_CHILD(has_nothing, NULL);
	check_intact(HERE);
}

/* The descriptor of the parent, in the child: INFO and nothing else. */
static void uses_inherited(void *arg)
{
	struct winmem_info info_it = info_args();
	struct winmem_reserve reserve_it = reserve_args(0, GRAN, READWRITE, 0);
	struct winmem_commit commit_it = commit_args(base, PAGE, READWRITE);
	struct winmem_decommit decommit_it = decommit_args(base, PAGE);
	struct winmem_release release_it = release_args(base);
	struct winmem_protect protect_it = protect_args(base, PAGE, NOACCESS);
	struct winmem_reset reset_it = reset_args(base, PAGE, 0);
	struct winmem_query query_it = query_args(base);
	struct winmem_limit limit_it = limit_args(WINMEM_LIMIT_SET, 0);

	(void)arg;
	EXPECT_OK(ioctl(dev, WINMEM_IOC_INFO, &info_it));
	EXPECT_EQ(GRAN, info_it.out_granularity);
	EXPECT_ERRNO(EPERM, ioctl(dev, WINMEM_IOC_RESERVE, &reserve_it));
	EXPECT_ERRNO(EPERM, ioctl(dev, WINMEM_IOC_COMMIT, &commit_it));
	EXPECT_ERRNO(EPERM, ioctl(dev, WINMEM_IOC_DECOMMIT, &decommit_it));
	EXPECT_ERRNO(EPERM, ioctl(dev, WINMEM_IOC_RELEASE, &release_it));
	EXPECT_ERRNO(EPERM, ioctl(dev, WINMEM_IOC_PROTECT, &protect_it));
	EXPECT_ERRNO(EPERM, ioctl(dev, WINMEM_IOC_RESET, &reset_it));
	EXPECT_ERRNO(EPERM, ioctl(dev, WINMEM_IOC_QUERY, &query_it));
	EXPECT_ERRNO(EPERM, ioctl(dev, WINMEM_IOC_LIMIT, &limit_it));
	EXPECT_EQ(CC64, reserve_it.out_addr);
	EXPECT_EQ(CC64, query_it.out_base);
	EXPECT_EQ(CC64, limit_it.out_charge);
	EXPECT_ERRNO(ENOTTY, ioctl(dev, _IO(WINMEM_IOC_TYPE, 0x7f), &query_it));
}

TEST(sec14_an_inherited_descriptor_answers_INFO_and_nothing_else)
{
	make();
	IN_CHILD(uses_inherited, NULL);
	check_intact(HERE);
	EXPECT_EQ(~0UL, limit_at(HERE, 0, 0).out_limit);
}

static void starts_empty(void *arg)
{
	unsigned long mine;

	(void)arg;
	dev = OPEN_DEVICE();
	EXPECT_EQ(0, charge());
	EXPECT_FREE(base);
	EXPECT_ERRNO(ENOENT, raw_release(base));
	/* The same addresses, and other memory. */
	mine = reserve_at(HERE, base, LENGTH, READWRITE, WINMEM_RESERVE_COMMIT);
	EXPECT(zeroed(mine, LENGTH));
	fill(mine, LENGTH, 2);
	EXPECT(filled(mine, LENGTH, 2));
}

TEST(sec04_the_child_that_opens_the_device_starts_empty)
{
	make();
	IN_CHILD(starts_empty, NULL);
	check_intact(HERE);
}

/* Both at work at the same time, at the same addresses. */
struct step {
	volatile int child, parent;
};

static void works_alongside(void *arg)
{
	struct step *step = arg;

	dev = OPEN_DEVICE();
	reserve_at(HERE, base, LENGTH, READWRITE, WINMEM_RESERVE_COMMIT);
	fill(base, LENGTH, 3);
	step->child = 1;
	while (!step->parent)
		usleep(1000);
	EXPECT(filled(base, LENGTH, 3));
	decommit(base, LENGTH);
	step->child = 2;
	while (step->parent != 2)
		usleep(1000);
}

TEST(sec04_parent_and_child_use_the_same_addresses_apart)
{
	struct step *step = shared_page();
	pid_t child;

	make();
	child = start_child(works_alongside, step);
	EVENTUALLY(step->child == 1);
	check_intact(HERE);
	protect(base, LENGTH, NOACCESS);
	step->parent = 1;
	EVENTUALLY(step->child == 2);
	protect(base, LENGTH, READWRITE);
	protect(base + PAGE, PAGE, READONLY);
	check_intact(HERE);
	step->parent = 2;
	FINISH(child);
	check_intact(HERE);
	munmap(step, PAGE);
}

TEST(sec04_the_child_exits_first)
{
	unsigned long before;

	make();
	before = limit_at(HERE, 0, 0).out_total_charge;
	for (int i = 0; i < 5; i++)
		IN_CHILD(starts_empty, NULL);
	EVENTUALLY(limit_at(HERE, 0, 0).out_total_charge == before);
	check_intact(HERE);
}

/* The parent dies first; the child lives on with a descriptor of a space without memory. */
static void outlives(void *arg)
{
	struct step *step = arg;
	struct winmem_query args = query_args(base);

	while (getppid() != step->parent)
		usleep(1000);
	EXPECT_ERRNO(EPERM, ioctl(dev, WINMEM_IOC_QUERY, &args));
	info();
	starts_empty(NULL);
	step->child = 1;
}

static void dies_first(void *arg)
{
	dev = OPEN_DEVICE();
	make();
	start_child(outlives, arg);
}

static void reaps_orphans(void *arg)
{
	struct step *step = arg;
	int status;

	/* This process becomes the orphan's parent. */
	EXPECT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	step->parent = getpid();
	IN_CHILD(dies_first, step);
	EXPECT(wait(&status) > 0);
	EXPECT_EQ(0, status);
	EXPECT_EQ(1, step->child);
}

TEST(sec04_the_parent_exits_first)
{
	struct step *step = shared_page();
	unsigned long before = limit_at(HERE, 0, 0).out_total_charge;

	IN_CHILD(reaps_orphans, step);
	EVENTUALLY(limit_at(HERE, 0, 0).out_total_charge == before);
	munmap(step, PAGE);
}

TEST(vfork_and_spawn)
{
	char *const argv[] = { "true", NULL };
	int status;
	pid_t child;

	make();
	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(0, posix_spawnp(&child, "true", NULL, NULL, argv, environ));
		EXPECT_EQ(child, waitpid(child, &status, 0));
		EXPECT_EQ(0, status);
		check_intact(HERE);
	}
}

/* A process that shares the memory is one of those whose space it is. */
static int shares_memory(void *arg)
{
	(void)arg;
	if (raw_commit(base + LENGTH, PAGE, READWRITE))
		return errno;
	*(volatile char *)(base + LENGTH) = 0x5a;
	return 0;
}

TEST(sec14_a_process_that_shares_the_memory_may_call)
{
	static char stack[64 * 1024] __attribute__((aligned(16)));
	int status;
	pid_t child;

	make();
	child = clone(shares_memory, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	EXPECT(child > 0);
	EXPECT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0x5a, byte_at(base + LENGTH));
	EXPECT_EQ(LENGTH + PAGE, charge());
}

static void forks_again(void *arg)
{
	unsigned long depth = (unsigned long)arg;

	starts_empty(NULL);
	if (depth)
		IN_CHILD(forks_again, (void *)(depth - 1));
	EXPECT(filled(base, LENGTH, 2));
}

TEST(children_of_children)
{
	make();
	IN_CHILD(forks_again, (void *)4);
	check_intact(HERE);
}

/* Many at once: the spaces are found by process, and processes come and go. */
TEST(many_children_at_once)
{
	pid_t children[12];

	make();
	for (unsigned int i = 0; i < ARRAY_LEN(children); i++)
		children[i] = start_child(starts_empty, NULL);
	for (unsigned int i = 0; i < ARRAY_LEN(children); i++)
		FINISH(children[i]);
	check_intact(HERE);
}
