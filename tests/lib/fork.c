// SPDX-License-Identifier: GPL-2.0-only
/*
 * Children of a process that uses the library: a child begins with an empty space of its
 * own, can use the library at once, and never sees or disturbs the parent's memory.
 */
#define _GNU_SOURCE
#include "common.h"

#include <pthread.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define SIZE	(4 * PAGE)

extern char **environ;

static char *parents(void)
{
	char *p = alloc(SIZE, RW);

	fill(p, SIZE, 1);
	return p;
}

static void check_parents(char *p)
{
	expect_committed(p, p, RW, SIZE, RW);
	EXPECT(filled(p, SIZE, 1));
	release(p);
}

/* What every child must be able to do, whatever made it. */
static void use_the_library(void *parents_memory)
{
	char *p = parents_memory;
	char *q;

	EXPECT(!try_read(p));
	EXPECT(!try_write(p));
	expect_free(p);
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualFree(p, 0, MEM_RELEASE));
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualAlloc(p, PAGE, MEM_COMMIT, RW));

	q = alloc(SIZE, RW);
	EXPECT(zeroed(q, SIZE));
	fill(q, SIZE, 2);
	EXPECT_EQ(RW, protect(q, PAGE, RO));
	expect_committed(q, q, RW, PAGE, RO);
	expect_access(q, "r--");
	EXPECT(filled(q, SIZE, 2));
	EXPECT_EQ(SIZE, charge());
	release(q);
	EXPECT_EQ(0, charge());
}

TEST(fork_child_has_a_space_of_its_own)
{
	char *p = parents();

	IN_CHILD(use_the_library, p);
	check_parents(p);
}

/* The same address, twice: two memories. */
static void take_the_same_address(void *p)
{
	EXPECT_EQ(p, EXPECT_OK(VirtualAlloc(p, SIZE, RESERVE_COMMIT, RW)));
	EXPECT(zeroed(p, SIZE));
	fill(p, SIZE, 2);
	EXPECT(filled(p, SIZE, 2));
}

TEST(fork_child_at_the_parents_address)
{
	char *p = parents();

	IN_CHILD(take_the_same_address, p);
	check_parents(p);
}

/* While the child lives, each keeps to its own. */
static void wait_and_look(void *arg)
{
	char *volatile *shared = arg;
	char *p = shared[0], *mine = parents();

	shared[1] = mine;
	while (!shared[2])
		usleep(1000);
	EXPECT(!try_read(p));
	EXPECT(filled(mine, SIZE, 1));
}

TEST(fork_parent_goes_on_beside_the_child)
{
	char *volatile *shared = shared_page();
	char *p = parents();
	pid_t child;

	shared[0] = p;
	child = start_child(wait_and_look, (void *)shared);
	while (!shared[1])
		usleep(1000);
	protect(p, PAGE, RO);
	fill(p + PAGE, SIZE - PAGE, 3);
	shared[2] = p;
	FINISH(child);
	expect_access(p, "r--");
	EXPECT(filled(p, PAGE, 1));
	EXPECT(filled(p + PAGE, SIZE - PAGE, 3));
	release(p);
	munmap((void *)shared, PAGE);
}

static void have_a_child(void *p)
{
	char *mine;

	use_the_library(p);
	mine = parents();
	IN_CHILD(use_the_library, mine);
	EXPECT(filled(mine, SIZE, 1));
}

TEST(fork_grandchild)
{
	char *p = parents();

	IN_CHILD(have_a_child, p);
	check_parents(p);
}

/* The middle one of three dies; the last one's memory is nobody else's. */
static void outlive_the_parent(volatile int *done)
{
	char *mine = parents();

	while (getppid() == done[1])
		usleep(1000);
	EXPECT(filled(mine, SIZE, 1));
	decommit(mine, PAGE);
	release(mine);
	done[0] = 1;
	_exit(0);
}

static void die_before_the_child(void *arg)
{
	volatile int *done = arg;

	done[1] = getpid();
	parents();
	if (!fork())
		outlive_the_parent(done);
}

TEST(fork_child_outlives_its_parent)
{
	volatile int *done = shared_page();

	IN_CHILD(die_before_the_child, (void *)done);
	for (int tries = 0; !done[0] && tries < 1000; tries++)
		usleep(5000);
	EXPECT_EQ(1, done[0]);
	munmap((void *)done, PAGE);
}

/* What the child has inherited, and not used yet, holds nothing of its parent's. */
static void leave_a_child(void *arg)
{
	volatile int *over = arg;

	alloc(256 * SIZE, RW);
	over[1] = 1;
	if (!fork()) {
		while (!over[0])
			usleep(1000);
		_exit(0);
	}
}

TEST(fork_child_does_not_keep_its_parents_memory)
{
	volatile int *over = shared_page();
	unsigned long limit, before, now;

	limit_total(&limit, &before);
	IN_CHILD(leave_a_child, (void *)over);
	EXPECT_EQ(1, over[1]);
	for (int tries = 0; tries < 1000; tries++) {
		limit_total(&limit, &now);
		if (now <= before)
			break;
		usleep(5000);
	}
	over[0] = 1;
	EXPECT(now <= before);
	munmap((void *)over, PAGE);
}

/* A fork in the middle of other threads' calls: no lock may stay taken in the child. */
static volatile bool stop;

static void *keep_calling(void *arg)
{
	while (!stop) {
		char *p = alloc(SIZE, RW);

		fill(p, SIZE, 4);
		release(p);
	}
	return arg;
}

TEST(fork_from_a_program_with_threads)
{
	pthread_t threads[3];
	char *p = parents();

	stop = false;
	for (unsigned int i = 0; i < ARRAY_LEN(threads); i++)
		EXPECT(!pthread_create(&threads[i], NULL, keep_calling, NULL));
	for (unsigned int i = 0; i < 15; i++)
		IN_CHILD(use_the_library, p);
	stop = true;
	for (unsigned int i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	check_parents(p);
}

/* A bare clone runs no handlers: the child has the parent's descriptor. */
static pid_t bare_clone(void)
{
	fflush(NULL);
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

TEST(bare_clone_child_has_a_space_of_its_own)
{
	char *p = parents();
	pid_t child = bare_clone();

	if (!child) {
		use_the_library(p);
		_exit(0);
	}
	FINISH(child);
	check_parents(p);
}

/* Its first call may be any. */
TEST(bare_clone_child_frees_first)
{
	char *p = parents();
	pid_t child = bare_clone();

	if (!child) {
		DWORD old;

		EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualFree(p, 0, MEM_RELEASE));
		EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualProtect(p, PAGE, RO, &old));
		use_the_library(p);
		_exit(0);
	}
	FINISH(child);
	check_parents(p);
}

/* A new program: nothing of the parent's is left, not even the descriptor. */
int test_exec(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	use_the_library((void *)strtoul(argv[2], NULL, 0));
	return 0;
}

static char **exec_args(char *p)
{
	static char address[32];
	static char *args[] = { "fork", "--exec", address, NULL };

	snprintf(address, sizeof(address), "%p", (void *)p);
	return args;
}

TEST(posix_spawn_program_has_a_space_of_its_own)
{
	char *p = parents();
	pid_t child;

	EXPECT(!posix_spawn(&child, "/proc/self/exe", NULL, NULL, exec_args(p), environ));
	FINISH(child);
	check_parents(p);
}

TEST(vfork_program_has_a_space_of_its_own)
{
	char *p = parents(), **args = exec_args(p);
	pid_t child = vfork();

	if (!child) {
		execve("/proc/self/exe", args, environ);
		_exit(3);
	}
	FINISH(child);
	check_parents(p);
}

/* Until it calls exec, a child of vfork is a guest in its parent's memory. */
TEST(vfork_child_leaves_the_parents_memory)
{
	char *p = parents();
	pid_t child = vfork();

	if (!child)
		_exit(filled(p, SIZE, 1) ? 0 : 1);
	FINISH(child);
	check_parents(p);
}
