// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory resource notifications and their handles. The kernel's files are replaced by
 * others, in a namespace of our own, for a machine cannot be made short of memory
 * without hurting it.
 */
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#define LOW	LowMemoryResourceNotification
#define HIGH	HighMemoryResourceNotification
#define CANNOT	2

static HANDLE create(MEMORY_RESOURCE_NOTIFICATION_TYPE type)
{
	return EXPECT_OK(CreateMemoryResourceNotification(type));
}

static BOOL query_state(HANDLE handle)
{
	BOOL state = 0x55;

	EXPECT_OK(QueryMemoryResourceNotification(handle, &state));
	EXPECT(state == TRUE || state == FALSE);
	return state;
}

TEST(a_machine_that_is_not_short_of_memory)
{
	HANDLE low = create(LOW), high = create(HIGH);

	EXPECT_EQ(FALSE, query_state(low));
	/* What other programs have just pressed for is an average of ten seconds. */
	for (int tries = 0; tries < 300 && !query_state(high); tries++)
		usleep(100000);
	EXPECT_EQ(TRUE, query_state(high));
	EXPECT_OK(CloseHandle(low));
	EXPECT_OK(CloseHandle(high));
}

TEST(types_that_there_are_not)
{
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, CreateMemoryResourceNotification(2));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, CreateMemoryResourceNotification(-1));
}

TEST(query_with_bad_words)
{
	HANDLE low = create(LOW);
	BOOL out = 0x55;

	EXPECT_ERROR(ERROR_INVALID_PARAMETER, QueryMemoryResourceNotification(low, NULL));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, QueryMemoryResourceNotification(NULL, &out));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     QueryMemoryResourceNotification(INVALID_HANDLE_VALUE, &out));
	EXPECT_ERROR(ERROR_INVALID_HANDLE,
		     QueryMemoryResourceNotification((char *)low + 4, &out));
	EXPECT_OK(CloseHandle(low));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, QueryMemoryResourceNotification(low, &out));
	EXPECT_EQ(0x55, out);
}

TEST(E28_CloseHandle)
{
	HANDLE low = create(LOW), again;

	EXPECT_OK(CloseHandle(low));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, CloseHandle(low));
	again = create(LOW);
	EXPECT(again != low);
	EXPECT_ERROR(ERROR_INVALID_HANDLE, CloseHandle(low));
	EXPECT_OK(CloseHandle(again));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, CloseHandle(NULL));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, CloseHandle(&low));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, CloseHandle((HANDLE)4));
}

TEST(the_processs_own_handle_needs_no_closing)
{
	char *b;

	EXPECT_OK(CloseHandle(GetCurrentProcess()));
	b = EXPECT_OK(VirtualAllocEx(GetCurrentProcess(), NULL, PAGE, RESERVE_COMMIT, RW));
	release(b);
}

/* No other handle is a process's. */
TEST(E28_not_a_process)
{
	HANDLE low = create(LOW);

	EXPECT_ERROR(ERROR_INVALID_HANDLE, VirtualAllocEx(low, NULL, PAGE, MEM_RESERVE, RW));
	EXPECT_OK(CloseHandle(low));
}

static void use_in_child(void *arg)
{
	EXPECT_EQ(FALSE, query_state(arg));
	EXPECT_OK(CloseHandle(arg));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, CloseHandle(arg));
	EXPECT_OK(CloseHandle(create(HIGH)));
}

TEST(a_child_has_a_copy)
{
	HANDLE low = create(LOW);

	IN_CHILD(use_in_child, low);
	EXPECT_EQ(FALSE, query_state(low));
	EXPECT_OK(CloseHandle(low));
}

static bool stop;

static void *open_and_close(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		EXPECT_OK(CloseHandle(create(LOW)));
	return arg;
}

/* A fork finds the table at rest, whatever other threads do. */
TEST(a_child_of_many_threads)
{
	HANDLE low = create(LOW);
	pthread_t threads[2];

	for (unsigned int i = 0; i < 2; i++)
		EXPECT(!pthread_create(&threads[i], NULL, open_and_close, NULL));
	for (unsigned int i = 0; i < 20; i++)
		IN_CHILD(use_in_child, low);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	EXPECT_OK(CloseHandle(low));
}

/* Files of our own. */

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return done;
}

static bool new_namespace(void)
{
	char map[32];

	if (!unshare(CLONE_NEWNS))
		return true;
	snprintf(map, sizeof(map), "0 %u 1", getuid());
	return !unshare(CLONE_NEWUSER | CLONE_NEWNS) && write_text("/proc/self/uid_map", map);
}

struct machine {
	unsigned int total, available;	/* kilobytes */
	const char *some;		/* NULL: no file of pressure */
	BOOL low, high;
};

static bool replace(const char *file, const char *text)
{
	char name[] = "/tmp/winmem-resource-XXXXXX";
	int fd = mkstemp(name);
	bool done;

	close(fd);
	done = write_text(name, text) && !mount(name, file, NULL, MS_BIND, NULL);
	unlink(name);
	return done;
}

static bool machine_make(const struct machine *machine)
{
	char text[256];

	if (!new_namespace() || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return false;
	snprintf(text, sizeof(text), "MemTotal: %u kB\nMemFree: 0 kB\nMemAvailable: %u kB\n",
		 machine->total, machine->available);
	if (!replace("/proc/meminfo", text))
		return false;
	snprintf(text, sizeof(text), "some avg10=%s avg60=0.00 avg300=0.00 total=0\n"
		 "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n", machine->some ?: "0.00");
	return replace("/proc/pressure/memory", machine->some ? text : "");
}

static void ask(void *arg)
{
	const struct machine *machine = arg;
	HANDLE low = create(LOW), high = create(HIGH);

	if (!machine_make(machine))
		_exit(CANNOT);
	EXPECT_EQ(machine->low, query_state(low));
	EXPECT_EQ(machine->high, query_state(high));
}

/* The thresholds themselves are in tests/unit/lib_pressure.c. */
TEST(machines_that_are_short_of_memory)
{
	static struct machine machines[] = {
		{ 2097152, 16000, "0.00", TRUE, FALSE },
		{ 2097152, 30000, "0.00", FALSE, FALSE },
		{ 2097152, 60000, "0.00", FALSE, TRUE },
		{ 2097152, 60000, "5.00", FALSE, FALSE },
		{ 2097152, 60000, "12.00", TRUE, FALSE },
		{ 2097152, 60000, NULL, FALSE, TRUE },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(machines); i++) {
		pid_t child = start_child(ask, &machines[i]);
		int status;

		EXPECT_EQ(child, waitpid(child, &status, 0));
		if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT)
			skip_because("no namespace to replace the kernel's files in");
		EXPECT_EQ(0, status);
	}
}
