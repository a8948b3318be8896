// SPDX-License-Identifier: GPL-2.0-only
/*
 * GUARD is one shot: the first touch of a page fails and takes the guard away.
 */
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>

TEST(G01_G03_exactly_one_signal_and_then_an_ordinary_page)
{
	unsigned long base = reserve_commit(GRAN, READWRITE | GUARD);

	EXPECT(!try_read(base + 8));
	EXPECT_EQ(SIGSEGV, last_fault.signo);
	EXPECT_EQ(base + 8, last_fault.addr);
	EXPECT(try_read(base + 8));
	EXPECT(try_write(base, 1));
	EXPECT_EQ(1, last_fault.count);

	EXPECT(!try_write(base + PAGE, 1));
	EXPECT_EQ(base + PAGE, last_fault.addr);
	EXPECT_EQ(0, byte_at(base + PAGE));
	EXPECT(try_write(base + PAGE, 1));
	EXPECT_EQ(2, last_fault.count);
}

TEST(G02_VQ15_only_the_page_that_was_hit_loses_its_guard)
{
	unsigned long base = reserve_commit(GRAN, READWRITE | GUARD);

	EXPECT(!try_read(base + 5 * PAGE));
	EXPECT_COMMITTED(base, 5 * PAGE, READWRITE | GUARD);
	EXPECT_COMMITTED(base + 5 * PAGE, PAGE, READWRITE);
	EXPECT_COMMITTED(base + 6 * PAGE, GRAN - 6 * PAGE, READWRITE | GUARD);
	EXPECT_EQ(READWRITE | GUARD, query(base + 5 * PAGE).out_alloc_prot);
	EXPECT_EQ(GRAN, charge());
}

TEST(G03_the_second_access_obeys_the_protection_below)
{
	unsigned long base = reserve_commit(GRAN, READONLY | GUARD);

	EXPECT(!try_write(base, 1));
	EXPECT_COMMITTED(base, PAGE, READONLY);
	EXPECT(!try_write(base, 1));
	EXPECT(try_read(base));
	EXPECT_EQ(2, last_fault.count);
}

TEST(a_guarded_page_with_execute)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	put_return(base);
	protect(base, PAGE, EXECUTE_READ | GUARD);
	EXPECT(!try_exec(base));
	EXPECT_COMMITTED(base, PAGE, EXECUTE_READ);
	EXPECT(try_exec(base));
	EXPECT_EQ(1, last_fault.count);
}

TEST(contents_are_kept)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	fill(base, GRAN, 1);
	protect(base, GRAN, READWRITE | GUARD);
	for (unsigned long addr = base; addr < base + GRAN; addr += PAGE)
		EXPECT(!try_read(addr));
	EXPECT(filled(base, GRAN, 1));
	EXPECT_EQ(16, last_fault.count);
}

TEST(a_guard_can_be_set_again_and_again)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	for (int i = 1; i <= 10; i++) {
		EXPECT_EQ(READWRITE, protect(base, PAGE, READWRITE | GUARD));
		EXPECT(!try_write(base, i));
		EXPECT(try_write(base, i));
		EXPECT_EQ(i, last_fault.count);
	}
}

TEST(commit_sets_and_takes_guards)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	fill(base, GRAN, 2);
	commit(base, PAGE, READWRITE | GUARD);
	EXPECT(!try_read(base));
	EXPECT(filled(base, PAGE, 2));
	commit(base, 2 * PAGE, READWRITE | GUARD);
	commit(base, 2 * PAGE, READWRITE);
	EXPECT(filled(base, 2 * PAGE, 2));
	EXPECT_EQ(1, last_fault.count);
}

TEST(a_decommitted_guard_is_gone)
{
	unsigned long base = reserve_commit(GRAN, READWRITE | GUARD);

	decommit(base, PAGE);
	EXPECT(!try_read(base));
	EXPECT_RESERVED(base, PAGE);
	commit(base, PAGE, READWRITE);
	EXPECT(try_read(base));
}

/* Neighbours are mapped along with a page, sixteen at most; never through a guard. */
TEST(touching_up_to_a_guard_does_not_set_it_off)
{
	unsigned long base = reserve_commit(8 * GRAN, READWRITE);

	protect(base + 100 * PAGE, PAGE, READWRITE | GUARD);
	for (unsigned long i = 0; i < 100; i++)
		EXPECT(try_write(base + i * PAGE, 1));
	EXPECT_COMMITTED(base + 100 * PAGE, PAGE, READWRITE | GUARD);
	for (unsigned long i = 127; i > 100; i--)
		EXPECT(try_read(base + i * PAGE));
	EXPECT_EQ(0, last_fault.count);
	EXPECT(!try_read(base + 100 * PAGE));
}

TEST(G11_a_system_call_that_hits_a_guard_fails_and_takes_it)
{
	unsigned long base = reserve_commit(GRAN, READWRITE | GUARD);
	int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
	int pipes[2];

	EXPECT_OK(zero);
	EXPECT_ERRNO(EFAULT, read(zero, (void *)base, 64));
	EXPECT_COMMITTED(base, PAGE, READWRITE);
	EXPECT_EQ(64, read(zero, (void *)base, 64));

	EXPECT_OK(pipe(pipes));
	EXPECT_ERRNO(EFAULT, write(pipes[1], (void *)(base + PAGE), 64));
	EXPECT_COMMITTED(base + PAGE, PAGE, READWRITE);
	EXPECT_EQ(64, write(pipes[1], (void *)(base + PAGE), 64));
	EXPECT_EQ(0, last_fault.count);
	close(zero);
	close(pipes[0]);
	close(pipes[1]);
}

TEST(G11_a_system_call_that_runs_into_a_guard_stops_there)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
	ssize_t done;

	fill(base, GRAN, 3);
	protect(base + 2 * PAGE, PAGE, READWRITE | GUARD);
	done = read(zero, (void *)base, 4 * PAGE);
	EXPECT(done == -1 || (size_t)done <= 2 * PAGE);
	EXPECT_COMMITTED(base, GRAN, READWRITE);
	EXPECT(filled(base + 2 * PAGE, GRAN - 2 * PAGE, 3));
	EXPECT_EQ(4 * PAGE, read(zero, (void *)base, 4 * PAGE));
	close(zero);
}

/* System calls that read or write a user's buffer, each in its own way. */
static int call_file;

static long call_pwrite(void *page)
{
	return pwrite(call_file, page, 64, 0);
}

static long call_pread(void *page)
{
	return pread(call_file, page, 64, 0);
}

static long call_pwrite_late(void *page)
{
	/* The guard is in the middle of what is copied. */
	return pwrite(call_file, (char *)page - 32, 64, 0) == 64 ? 0 : (errno = EFAULT, -1);
}

static long call_uname(void *page)
{
	return uname(page);
}

static long call_open(void *page)
{
	int fd = open(page, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	/* An empty name is not found; that is how far it got. */
	return fd == -1 && errno == ENOENT ? 0 : fd;
}

static long call_nanosleep(void *page)
{
	return syscall(SYS_nanosleep, page, NULL);
}

static long call_getrandom(void *page)
{
	return getrandom(page, 8, 0);
}

static long call_pipe(void *page)
{
	int *fds = page;

	if (pipe(fds))
		return -1;
	close(fds[0]);
	close(fds[1]);
	return 0;
}

TEST(G11_every_system_call_that_hits_a_guard_fails_as_a_whole)
{
	long (*const calls[])(void *) = {
		call_pwrite, call_pread, call_pwrite_late, call_uname, call_open, call_nanosleep,
		call_getrandom, call_pipe,
	};
	unsigned long base = reserve_commit(GRAN, READWRITE);
	void *page = (void *)(base + PAGE);

	call_file = memfd_create("winmem-guard", MFD_CLOEXEC);
	EXPECT_OK(call_file);
	EXPECT_EQ(64, pwrite(call_file, (void *)base, 64, 0));
	for (unsigned int i = 0; i < ARRAY_LEN(calls); i++) {
		memset(page, 0, PAGE);
		protect(base + PAGE, PAGE, READWRITE | GUARD);
		if (calls[i](page) != -1 || errno != EFAULT)
			check_failed(HERE, "call %u did not fail with EFAULT", i);
		if (query(base + PAGE).out_prot != READWRITE)
			check_failed(HERE, "call %u left the guard", i);
		if (calls[i](page) == -1)
			check_failed(HERE, "call %u again: %s", i, strerror(errno));
	}
	EXPECT_EQ(0, last_fault.count);
	close(call_file);
}

TEST(G11_one_system_call_takes_one_guard)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	struct iovec two[] = { { (void *)base, 64 }, { (void *)(base + PAGE), 64 } };
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	EXPECT_OK(zero);
	protect(base, 2 * PAGE, READWRITE | GUARD);
	EXPECT_ERRNO(EFAULT, readv(zero, two, 2));
	EXPECT_COMMITTED(base, PAGE, READWRITE);
	EXPECT_COMMITTED(base + PAGE, PAGE, READWRITE | GUARD);
	/* Now the first part can be had; what it says of the second is the kernel's way. */
	EXPECT(readv(zero, two, 2) <= 64);
	EXPECT_COMMITTED(base, GRAN, READWRITE);
	EXPECT_EQ(128, readv(zero, two, 2));
	close(zero);
}

/* What is noted of a hit is for the length of a call, however many there are. */
TEST(G11_thousands_of_guards_hit_by_system_calls)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	for (int i = 0; i < 3000; i++) {
		EXPECT_OK(raw_protect(base, PAGE, READWRITE | GUARD));
		EXPECT_ERRNO(EFAULT, uname((void *)base));
		EXPECT_OK(uname((void *)base));
	}
}

#define RACERS	4

static pthread_barrier_t barrier;
static unsigned long raced;
static int signals[RACERS];

static void *race(void *arg)
{
	int *mine = arg;

	pthread_barrier_wait(&barrier);
	byte_at(raced);
	*mine = last_fault.count;
	return NULL;
}

/* One guard, one signal, though all come at the same time. */
TEST(threads_that_hit_one_guard_get_one_signal_between_them)
{
	unsigned long base = reserve_commit(GRAN, READWRITE | GUARD);

	/* The handler must be in place before threads need it. */
	EXPECT(!try_read(base));
	for (unsigned long page = 1; page < 16; page++) {
		pthread_t threads[RACERS];
		int sum = 0;

		raced = base + page * PAGE;
		pthread_barrier_init(&barrier, NULL, RACERS);
		for (int i = 0; i < RACERS; i++)
			EXPECT_EQ(0, pthread_create(&threads[i], NULL, race, &signals[i]));
		for (int i = 0; i < RACERS; i++)
			pthread_join(threads[i], NULL);
		pthread_barrier_destroy(&barrier);
		for (int i = 0; i < RACERS; i++)
			sum += signals[i];
		EXPECT_EQ(1, sum);
		EXPECT_COMMITTED(raced, PAGE, READWRITE);
		EXPECT(try_write(raced, 1));
	}
}
