// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commit limit that a process has of its own: WinmemSetProcessCommitLimit and the
 * environment's WINMEM_COMMIT_LIMIT.
 */
#define _GNU_SOURCE
#include "common.h"

#include <dirent.h>
#include <limits.h>
#include <sys/wait.h>

static SIZE_T limit_get(void)
{
	SIZE_T limit = 0x5555;

	EXPECT_OK(WinmemGetProcessCommitLimit(&limit));
	return limit;
}

TEST(there_is_none_at_first)
{
	EXPECT_EQ(WINMEM_NO_COMMIT_LIMIT, limit_get());
}

TEST(a_commit_past_it_fails_whole)
{
	char *b = reserve(GRAN);

	EXPECT_OK(WinmemSetProcessCommitLimit(charge() + 4 * PAGE));
	EXPECT_EQ(charge() + 4 * PAGE, limit_get());
	EXPECT_UNCHANGED(b, GRAN, ERROR_COMMITMENT_LIMIT, VirtualAlloc(b, 5 * PAGE, MEM_COMMIT, RW));
	commit(b, 4 * PAGE, RW);
	EXPECT_ERROR(ERROR_COMMITMENT_LIMIT, VirtualAlloc(b + 4 * PAGE, 1, MEM_COMMIT, RW));
	/* What is there already costs nothing. */
	commit(b, 4 * PAGE, RO);
	EXPECT_OK(WinmemSetProcessCommitLimit(WINMEM_NO_COMMIT_LIMIT));
	EXPECT_EQ(WINMEM_NO_COMMIT_LIMIT, limit_get());
	commit(b, GRAN, RW);
	release(b);
}

TEST(it_counts_whole_pages)
{
	EXPECT_OK(WinmemSetProcessCommitLimit(0x12345678));
	EXPECT_EQ(0x12345000, limit_get());
	EXPECT_OK(WinmemSetProcessCommitLimit(PAGE - 1));
	EXPECT_EQ(0, limit_get());
	EXPECT_ERROR(ERROR_COMMITMENT_LIMIT, VirtualAlloc(NULL, 1, RESERVE_COMMIT, RW));
	EXPECT_OK(WinmemSetProcessCommitLimit(WINMEM_NO_COMMIT_LIMIT));
}

TEST(below_what_is_committed)
{
	char *b = alloc(8 * PAGE, RW);

	EXPECT_OK(WinmemSetProcessCommitLimit(PAGE));
	EXPECT_ERROR(ERROR_COMMITMENT_LIMIT, VirtualAlloc(NULL, 1, RESERVE_COMMIT, RW));
	EXPECT(try_write(b + 7 * PAGE));
	EXPECT_OK(WinmemSetProcessCommitLimit(WINMEM_NO_COMMIT_LIMIT));
	release(b);
}

TEST(the_memory_status_knows_it)
{
	MEMORYSTATUSEX status = { .dwLength = sizeof(status) };
	char *b = alloc(3 * PAGE, RW);

	EXPECT_OK(WinmemSetProcessCommitLimit(charge() + 16 * PAGE));
	EXPECT_OK(GlobalMemoryStatusEx(&status));
	EXPECT_EQ(charge() + 16 * PAGE, status.ullTotalPageFile);
	EXPECT_EQ(16 * PAGE, status.ullAvailPageFile);
	EXPECT_OK(WinmemSetProcessCommitLimit(WINMEM_NO_COMMIT_LIMIT));
	release(b);
}

TEST(into_nowhere)
{
	EXPECT_ERROR(ERROR_NOACCESS, WinmemGetProcessCommitLimit(NULL));
}

/* The library's descriptor of the device and those of the checks. */
static void close_the_device(void)
{
	char path[64], target[PATH_MAX];
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	ssize_t length;

	while ((entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/self/fd/%.20s", entry->d_name);
		length = readlink(path, target, sizeof(target) - 1);
		target[length > 0 ? length : 0] = '\0';
		if (!strcmp(target, DEVICE))
			close(atoi(entry->d_name));
	}
	closedir(dir);
}

static void lose_the_device(void *arg __attribute__((unused)))
{
	EXPECT_OK(WinmemSetProcessCommitLimit(7 * PAGE));
	close_the_device();
	EXPECT_EQ(7 * PAGE, limit_get());
	EXPECT_ERROR(ERROR_COMMITMENT_LIMIT, VirtualAlloc(NULL, 8 * PAGE, RESERVE_COMMIT, RW));
}

/* A child without memory: with its last descriptor all that the kernel knows goes. */
TEST(it_outlives_the_descriptor)
{
	IN_CHILD(lose_the_device, NULL);
}

static void look_in_child(void *arg)
{
	EXPECT_EQ(*(SIZE_T *)arg, limit_get());
	EXPECT_ERROR(ERROR_COMMITMENT_LIMIT, VirtualAlloc(NULL, 10 * PAGE, RESERVE_COMMIT, RW));
	release(alloc(9 * PAGE, RW));
}

TEST(a_child_has_its_parents)
{
	SIZE_T limit = 9 * PAGE;
	char *b;

	EXPECT_OK(WinmemSetProcessCommitLimit(limit));
	/* Each of them as much: the parent's memory is not the child's. */
	b = alloc(9 * PAGE, RW);
	IN_CHILD(look_in_child, &limit);
	release(b);
	EXPECT_OK(WinmemSetProcessCommitLimit(WINMEM_NO_COMMIT_LIMIT));
}

/* The environment: this program once more. */

static int exec_look(const char *want)
{
	SIZE_T limit = 0;
	LPVOID p = VirtualAlloc(NULL, GRAN, RESERVE_COMMIT, RW);

	/* The first call is under the limit already. */
	if (!p != (strtoull(want, NULL, 0) < GRAN) || (!p && GetLastError() != 1455))
		return 3;
	if (!WinmemGetProcessCommitLimit(&limit))
		return 4;
	return limit == strtoull(want, NULL, 0) ? 0 : 5;
}

static int exec_override(void)
{
	SIZE_T limit = 0;

	if (!WinmemSetProcessCommitLimit(WINMEM_NO_COMMIT_LIMIT))
		return 6;
	close_the_device();
	if (!VirtualAlloc(NULL, GRAN, RESERVE_COMMIT, RW))
		return 7;
	return WinmemGetProcessCommitLimit(&limit) && limit == WINMEM_NO_COMMIT_LIMIT ? 0 : 8;
}

int test_exec(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	return strcmp(argv[2], "override") ? exec_look(argv[2]) : exec_override();
}

struct run {
	const char *limit;
	char *argument;
};

static void run_self(void *arg)
{
	struct run *run = arg;
	char *args[] = { "commit_limit", "--exec", run->argument, NULL };

	if (run->limit)
		setenv("WINMEM_COMMIT_LIMIT", run->limit, 1);
	else
		unsetenv("WINMEM_COMMIT_LIMIT");
	execv("/proc/self/exe", args);
}

#define RUN(limit, argument) IN_CHILD(run_self, (&(struct run){ limit, argument }))

TEST(the_environment_sets_it)
{
	RUN(NULL, "0xffffffffffffffff");
	RUN("", "0xffffffffffffffff");
	RUN("0", "0");
	RUN("40960", "0xa000");
	RUN("50000", "0xc000");
	RUN("48k", "0xc000");
	RUN("12M", "0xc00000");
	RUN("3G", "0xc0000000");
}

TEST(the_environment_says_nothing_of_use)
{
	RUN("1Q", "0xffffffffffffffff");
	RUN("-1", "0xffffffffffffffff");
}

TEST(the_program_has_the_last_word)
{
	RUN("4K", "override");
}

static void collect_complaint(const char *limit, char *text, size_t size)
{
	ssize_t got;
	int fds[2];
	pid_t child;

	EXPECT(!pipe(fds));
	fflush(NULL);
	child = fork();
	if (!child) {
		setenv("WINMEM_DEBUG", "1", 1);
		dup2(fds[1], STDERR_FILENO);
		run_self(&(struct run){ limit, "0xffffffffffffffff" });
		_exit(9);
	}
	close(fds[1]);
	got = read(fds[0], text, size - 1);
	text[got > 0 ? got : 0] = '\0';
	close(fds[0]);
	FINISH(child);
}

TEST(WINMEM_DEBUG_says_that_it_cannot_be_read)
{
	char text[512];

	collect_complaint("1Q", text, sizeof(text));
	EXPECT(strstr(text, "WINMEM_COMMIT_LIMIT"));
	collect_complaint("", text, sizeof(text));
	EXPECT_EQ(0, strlen(text));
}
