// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library's descriptor: what programs do to a number that they do not know of. It is
 * found as anybody can, in /proc/self/fd. No test here may have a descriptor of its own.
 */
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define THREADS		6
#define MAX_FD		64

__attribute__((constructor)) static void be_alone(void)
{
	without_device = true;
	if (access("/dev/winmem", F_OK)) {
		fprintf(stderr, "SKIP: no /dev/winmem, winmem is not loaded\n");
		_exit(77);
	}
}

static bool fd_is_device(int fd)
{
	char target[32], path[32];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, target, sizeof(target));
	return length == 11 && !memcmp(target, "/dev/winmem", 11);
}

/* The lowest one; -1: none. */
static int device_find(void)
{
	for (int fd = 0; fd < MAX_FD; fd++) {
		if (fd_is_device(fd))
			return fd;
	}
	return -1;
}

static int device_count(void)
{
	int count = 0;

	for (int fd = 0; fd < MAX_FD; fd++)
		count += fd_is_device(fd);
	return count;
}

static void use_the_library(void)
{
	char *p = alloc(PAGE, RW);

	fill(p, PAGE, 1);
	EXPECT(filled(p, PAGE, 1));
	release(p);
}

TEST(descriptor_is_not_for_programs_that_follow)
{
	use_the_library();
	EXPECT_EQ(1, device_count());
	EXPECT(fcntl(device_find(), F_GETFD) & FD_CLOEXEC);
}

/* Memory does not depend on it, and the next call opens it again. */
TEST(descriptor_closed_by_the_program)
{
	char *p = alloc(PAGE, RW);

	fill(p, PAGE, 1);
	EXPECT(!close(device_find()));
	EXPECT_EQ(-1, device_find());
	EXPECT(filled(p, PAGE, 1));
	expect_committed(p, p, RW, PAGE, RW);
	EXPECT(device_find() >= 3);
	EXPECT_EQ(RW, protect(p, PAGE, RO));
	release(p);
}

/* The number is another file's by now, which refuses ioctls in its own way, and stays. */
static void number_means(int other)
{
	char *p = alloc(PAGE, RW);
	int fd = device_find();
	struct stat before, after;

	EXPECT(other >= 0);
	EXPECT_EQ(fd, dup2(other, fd));
	EXPECT(!fstat(fd, &before));
	expect_committed(p, p, RW, PAGE, RW);
	EXPECT(!fstat(fd, &after));
	EXPECT(before.st_ino == after.st_ino && before.st_dev == after.st_dev);
	EXPECT(device_find() != fd);
	release(p);
	EXPECT(!close(fd));
	close(other);
}

TEST(descriptor_means_another_file)
{
	static const char *const paths[] = {
		"/dev/null", "/dev/urandom", "/proc/self/mem", "/dev/full",
	};
	int ends[2];

	for (unsigned int i = 0; i < ARRAY_LEN(paths); i++)
		number_means(open(paths[i], O_RDWR | O_CLOEXEC));
	EXPECT(!pipe(ends));
	number_means(ends[0]);
	close(ends[1]);
}

static void look_for_the_pipe(void *arg)
{
	int fd = *(int *)arg;
	struct stat st;

	EXPECT(!fstat(fd, &st) && S_ISFIFO(st.st_mode));
	use_the_library();
	EXPECT(!fstat(fd, &st) && S_ISFIFO(st.st_mode));
}

TEST(fork_closes_only_what_is_the_librarys)
{
	int fd, ends[2];

	use_the_library();
	fd = device_find();
	EXPECT(!pipe(ends));
	EXPECT_EQ(fd, dup2(ends[0], fd));
	IN_CHILD(look_for_the_pipe, &fd);
	EXPECT(!close(fd) && !close(ends[0]) && !close(ends[1]));
	use_the_library();
}

static void count_in_child(void *arg __attribute__((unused)))
{
	/* The parent's would keep the parent's memory alive after the parent has gone. */
	EXPECT_EQ(0, device_count());
	use_the_library();
	EXPECT_EQ(1, device_count());
}

TEST(fork_leaves_no_descriptor_to_the_child)
{
	use_the_library();
	IN_CHILD(count_in_child, NULL);
	EXPECT_EQ(1, device_count());
}

TEST(vfork_child_is_in_the_parents_space)
{
	char *p = alloc(PAGE, RW);
	volatile bool done = false;
	int status;
	pid_t child = vfork();

	if (!child) {
		done = VirtualAlloc(p, PAGE, MEM_COMMIT, RO) == p;
		_exit(0);
	}
	EXPECT_EQ(child, waitpid(child, &status, 0));
	EXPECT(done && !status);
	expect_committed(p, p, RW, PAGE, RO);
	release(p);
}

static void without_stdin(void *arg __attribute__((unused)))
{
	close(STDIN_FILENO);
	use_the_library();
	EXPECT(device_find() >= 3);
	EXPECT_EQ(STDIN_FILENO, open("/dev/null", O_RDONLY));
}

TEST(descriptor_is_none_of_the_first_three)
{
	IN_CHILD(without_stdin, NULL);
}

static pthread_barrier_t barrier;

static void *call_at_once(void *arg)
{
	pthread_barrier_wait(&barrier);
	use_the_library();
	return arg;
}

static void call_from_many_threads(void *arg __attribute__((unused)))
{
	pthread_t threads[THREADS];

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (unsigned int i = 0; i < THREADS; i++)
		EXPECT(!pthread_create(&threads[i], NULL, call_at_once, NULL));
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(1, device_count());
}

TEST(many_threads_open_one_descriptor)
{
	for (unsigned int i = 0; i < 5; i++)
		IN_CHILD(call_from_many_threads, NULL);
}

/* Whatever is the device is closed, over and over, while others are at work. */
static volatile bool stop;

static void *keep_using(void *arg)
{
	while (!stop)
		use_the_library();
	return arg;
}

TEST(descriptor_closed_again_and_again)
{
	pthread_t threads[2];

	use_the_library();
	stop = false;
	for (unsigned int i = 0; i < ARRAY_LEN(threads); i++)
		EXPECT(!pthread_create(&threads[i], NULL, keep_using, NULL));
	for (unsigned int i = 0; i < 100; i++) {
		int fd = device_find();

		if (fd >= 0)
			close(fd);
		usleep(500);
	}
	stop = true;
	for (unsigned int i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	use_the_library();
}

static void run_out_of_descriptors(void *arg __attribute__((unused)))
{
	const struct rlimit few = { 3, 1024 }, enough = { 1024, 1024 };

	EXPECT(!setrlimit(RLIMIT_NOFILE, &few));
	EXPECT_ERROR(ERROR_TOO_MANY_OPEN_FILES, VirtualAlloc(NULL, PAGE, MEM_RESERVE, RW));
	/* It was not for ever. */
	EXPECT(!setrlimit(RLIMIT_NOFILE, &enough));
	use_the_library();
}

TEST(no_descriptor_to_be_had)
{
	IN_CHILD(run_out_of_descriptors, NULL);
}

/* The device is open; what looks into /proc cannot. */
static void no_descriptor_for_proc(void *arg __attribute__((unused)))
{
	const struct rlimit few = { 3, 1024 }, enough = { 1024, 1024 };
	char *code = alloc(PAGE, XRW);
	PSAPI_WORKING_SET_EX_INFORMATION info = { .VirtualAddress = code };
	HANDLE self = GetCurrentProcess();

	put_return(code);
	protect(code, PAGE, XR);
	EXPECT(!setrlimit(RLIMIT_NOFILE, &few));
	EXPECT_ERROR(ERROR_TOO_MANY_OPEN_FILES, QueryWorkingSetEx(self, &info, sizeof(info)));
	EXPECT_ERROR(ERROR_TOO_MANY_OPEN_FILES, SetProcessWorkingSetSize(self, -1, -1));
	EXPECT_ERROR(ERROR_TOO_MANY_OPEN_FILES, WriteProcessMemory(self, code, "x", 1, NULL));
	EXPECT(!setrlimit(RLIMIT_NOFILE, &enough));
	EXPECT_OK(QueryWorkingSetEx(self, &info, sizeof(info)));
	EXPECT_OK(SetProcessWorkingSetSize(self, -1, -1));
	EXPECT_OK(WriteProcessMemory(self, code, "x", 1, NULL));
	EXPECT_EQ('x', *code);
	release(code);
}

TEST(no_descriptor_to_look_with)
{
	IN_CHILD(no_descriptor_for_proc, NULL);
}
