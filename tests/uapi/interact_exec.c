// SPDX-License-Identifier: GPL-2.0-only
/*
 * exec(2) and exit: the memory goes, the descriptor may stay. A program that comes by
 * exec and finds a descriptor open has no rights through it.
 */
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* In the new program: argv is --exec, what to check, the descriptor, an address. */
static void after_exec(const char *what, int fd, unsigned long addr)
{
	struct winmem_info info_it = info_args();
	struct winmem_query query_it = query_args(addr);

	if (!strcmp(what, "closed")) {
		EXPECT_ERRNO(EBADF, ioctl(fd, WINMEM_IOC_INFO, &info_it));
	} else {
		EXPECT_OK(ioctl(fd, WINMEM_IOC_INFO, &info_it));
		EXPECT_ERRNO(EPERM, ioctl(fd, WINMEM_IOC_QUERY, &query_it));
		dev = fd;
		EXPECT_ERRNO(EPERM, raw_commit(addr, PAGE, READWRITE));
		EXPECT_ERRNO(EPERM, raw_release(addr));
	}
	EXPECT(!try_read(addr));

	/* A space of its own, empty; the old descriptor does not lead to it. */
	dev = OPEN_DEVICE();
	EXPECT_EQ(0, charge());
	EXPECT_FREE(addr);
	reserve_at(HERE, addr, GRAN, READWRITE, WINMEM_RESERVE_COMMIT);
	EXPECT(zeroed(addr, GRAN));
	if (!strcmp(what, "open")) {
		EXPECT_ERRNO(EPERM, ioctl(fd, WINMEM_IOC_QUERY, &query_it));
		close(fd);
	}
	fill(addr, GRAN, 1);
	EXPECT_COMMITTED(addr, GRAN, READWRITE);
}

int test_exec(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	after_exec(argv[2], atoi(argv[3]), strtoul(argv[4], NULL, 16));
	return 0;
}

static void exec_myself(const char *what, unsigned long addr)
{
	char fd[16], address[32];

	snprintf(fd, sizeof(fd), "%d", dev);
	snprintf(address, sizeof(address), "%lx", addr);
	execl("/proc/self/exe", "interact_exec", "--exec", what, fd, address, NULL);
	_exit(3);
}

static void exec_with_cloexec(void *arg)
{
	unsigned long base;

	(void)arg;
	dev = OPEN_DEVICE();
	base = reserve_commit(GRAN, READWRITE);
	fill(base, GRAN, 1);
	exec_myself("closed", base);
}

static void exec_without_cloexec(void *arg)
{
	unsigned long base;

	(void)arg;
	dev = open(DEVICE, O_RDWR);
	EXPECT_OK(dev);
	base = reserve_commit(GRAN, READWRITE);
	fill(base, GRAN, 1);
	exec_myself("open", base);
}

TEST(exec_with_O_CLOEXEC)
{
	IN_CHILD(exec_with_cloexec, NULL);
}

TEST(sec14_exec_without_O_CLOEXEC)
{
	IN_CHILD(exec_without_cloexec, NULL);
}

/* exec of a thread: the others end with it, in the middle of whatever they do. */
static void *keep_calling(void *arg)
{
	for (;;) {
		unsigned long base = (unsigned long)arg;

		raw_commit(base, GRAN, READWRITE);
		raw_protect(base, GRAN, READONLY);
	}
	return NULL;
}

static void *exec_from_thread(void *arg)
{
	exec_myself("closed", (unsigned long)arg);
	return NULL;
}

static void threads_and_exec(void *arg)
{
	unsigned long base, work;
	pthread_t thread;

	(void)arg;
	dev = OPEN_DEVICE();
	base = reserve_commit(GRAN, READWRITE);
	work = reserve(GRAN);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, pthread_create(&thread, NULL, keep_calling, (void *)work));
	usleep(20000);
	EXPECT_EQ(0, pthread_create(&thread, NULL, exec_from_thread, (void *)base));
	pthread_join(thread, NULL);
}

TEST(exec_from_a_thread_while_others_call)
{
	for (int i = 0; i < 3; i++)
		IN_CHILD(threads_and_exec, NULL);
}

static unsigned long total_charge(void)
{
	return limit_at(HERE, 0, 0).out_total_charge;
}

/* exit in every form: what was committed is given back. */
static void commit_much(void)
{
	dev = OPEN_DEVICE();
	for (int i = 0; i < 20; i++) {
		unsigned long base = reserve_commit(16 * GRAN, READWRITE);

		fill(base, PAGE << i % 4, 1);
	}
}

static void exit_group_now(void *arg)
{
	(void)arg;
	commit_much();
	syscall(SYS_exit_group, 0);
}

static void exit_with_threads(void *arg)
{
	pthread_t thread;
	unsigned long work;

	(void)arg;
	commit_much();
	work = reserve(GRAN);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, pthread_create(&thread, NULL, keep_calling, (void *)work));
	usleep(20000);
	syscall(SYS_exit_group, 0);
}

static void exit_with_device_closed(void *arg)
{
	(void)arg;
	commit_much();
	close(dev);
}

static void killed_with_threads(void *arg)
{
	pthread_t thread;
	unsigned long work;

	(void)arg;
	commit_much();
	work = reserve(GRAN);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(0, pthread_create(&thread, NULL, keep_calling, (void *)work));
	usleep(20000);
	kill(getpid(), SIGKILL);
	pause();
}

TEST(sec03_exit_with_memory_mapped)
{
	unsigned long before = total_charge();

	for (int i = 0; i < 3; i++) {
		IN_CHILD(exit_group_now, NULL);
		IN_CHILD(exit_with_threads, NULL);
		IN_CHILD(exit_with_device_closed, NULL);
		FINISH_KILLED(start_child(killed_with_threads, NULL), SIGKILL);
		EVENTUALLY(total_charge() == before);
	}
}

/* The first thread, the one that opened the device, ends before the others. */
struct handed {
	unsigned long base;
	volatile int done;
};

static void *lives_on(void *arg)
{
	struct handed *handed = arg;

	usleep(50000);
	EXPECT_COMMITTED(handed->base, GRAN, READWRITE);
	EXPECT(filled(handed->base, GRAN, 7));
	protect(handed->base, GRAN, READONLY);
	EXPECT(!try_write(handed->base, 1));
	release(handed->base);
	reserve_commit(GRAN, READWRITE);
	handed->done = 1;
	syscall(SYS_exit_group, 0);
	return NULL;
}

static void first_thread_ends(void *arg)
{
	struct handed *handed = arg;
	pthread_t thread;

	dev = OPEN_DEVICE();
	handed->base = reserve_commit(GRAN, READWRITE);
	fill(handed->base, GRAN, 7);
	EXPECT_EQ(0, pthread_create(&thread, NULL, lives_on, handed));
	syscall(SYS_exit, 0);
}

TEST(the_thread_that_opened_the_device_ends_first)
{
	struct handed *handed = shared_page();

	IN_CHILD(first_thread_ends, handed);
	EXPECT_EQ(1, handed->done);
	munmap(handed, PAGE);
}
