// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library where the kernel module is not: each call fails with ERROR_NOT_SUPPORTED,
 * what needs no module works, and WINMEM_DEBUG=1 says once what is missing.
 *
 * Where the device does exist, an empty /dev in a namespace of our own hides it.
 */
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	close(fd);
}

static void write_map(const char *path, unsigned int id)
{
	char map[32];

	snprintf(map, sizeof(map), "0 %u 1", id);
	write_file(path, map);
}

/* An ordinary user becomes root of it: nobody that it does not know may make files there. */
static bool new_namespace(void)
{
	unsigned int uid = getuid(), gid = getgid();

	if (!unshare(CLONE_NEWNS))
		return true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return false;
	write_file("/proc/self/setgroups", "deny");
	write_map("/proc/self/uid_map", uid);
	write_map("/proc/self/gid_map", gid);
	return true;
}

/* An empty /dev that nobody else sees. */
static bool empty_dev(void)
{
	return new_namespace() && !mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) &&
	       !mount("none", "/dev", "tmpfs", 0, NULL);
}

/* Before main(), and before any test: there is one thread, as a new namespace demands. */
__attribute__((constructor)) static void hide_the_device(void)
{
	without_device = true;
	if (access(DEVICE, F_OK))
		return;
	if (!empty_dev()) {
		fprintf(stderr, "SKIP: " DEVICE " cannot be hidden: %s\n", strerror(errno));
		_exit(77);
	}
}

TEST(VirtualAlloc_is_not_supported)
{
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualAlloc(NULL, PAGE, MEM_RESERVE, RW));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualAlloc(NULL, PAGE, RESERVE_COMMIT, XRW));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualAlloc((void *)GRAN, PAGE, MEM_COMMIT, RW));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualAlloc((void *)GRAN, PAGE, MEM_RESET, RW));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED,
		     VirtualAllocEx(GetCurrentProcess(), NULL, PAGE, MEM_RESERVE, RW));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED,
		     VirtualAlloc2(NULL, NULL, PAGE, MEM_RESERVE, RW, NULL, 0));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualAllocFromApp(NULL, PAGE, MEM_RESERVE, RW));
}

TEST(VirtualFree_is_not_supported)
{
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualFree((void *)GRAN, 0, MEM_RELEASE));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualFree((void *)GRAN, PAGE, MEM_DECOMMIT));
}

/* Not even on memory that mprotect could change without the module's help. */
TEST(VirtualProtect_is_not_supported)
{
	char *p = map_shared(PAGE);
	DWORD old = UNTOUCHED_ERROR;

	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualProtect(p, PAGE, RO, &old));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualProtect(p, PAGE, XR, &old));
	EXPECT_EQ(UNTOUCHED_ERROR, old);
	expect_access(p, "rw-");
}

TEST(heaps_are_not_supported)
{
	HANDLE heaps[2];

	EXPECT_ERROR(ERROR_NOT_SUPPORTED, HeapCreate(0, 0, 0));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, GetProcessHeap());
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, GetProcessHeaps(2, heaps));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, HeapAlloc(GetProcessHeap(), 0, 10));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, GlobalAlloc(GMEM_FIXED, 10));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, LocalAlloc(LMEM_MOVEABLE, 10));
}

TEST(handles_of_memory_are_not_supported)
{
	HANDLE memory = (HANDLE)0xdeadbee8;

	EXPECT_ERROR(ERROR_NOT_SUPPORTED, GlobalReAlloc(memory, 10, GMEM_MOVEABLE));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, GlobalLock(memory));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, GlobalUnlock(memory));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, GlobalSize(memory));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, GlobalFlags(memory) != GMEM_INVALID_HANDLE);
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, GlobalHandle(memory));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, GlobalFree(memory) != memory);
}

TEST(VirtualQuery_is_not_supported)
{
	MEMORY_BASIC_INFORMATION mbi, before;

	memset(&mbi, 0xcc, sizeof(mbi));
	before = mbi;
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualQuery(&mbi, &mbi, sizeof(mbi)));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualQuery(NULL, &mbi, sizeof(mbi)));
	EXPECT(!memcmp(&mbi, &before, sizeof(mbi)));
}

TEST(GlobalMemoryStatusEx_is_not_supported)
{
	MEMORYSTATUSEX status, before;

	memset(&status, 0xcc, sizeof(status));
	status.dwLength = sizeof(status);
	before = status;
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, GlobalMemoryStatusEx(&status));
	EXPECT(!memcmp(&status, &before, sizeof(status)));
}

TEST(write_watch_is_not_supported)
{
	PVOID list[1], page = map_shared(PAGE);
	ULONG_PTR count = 1;
	DWORD granularity;

	EXPECT_ERROR(ERROR_NOT_SUPPORTED,
		     ~GetWriteWatch(0, page, PAGE, list, &count, &granularity));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, ~ResetWriteWatch(page, PAGE));
}

TEST(other_questions_are_not_supported)
{
	PSAPI_WORKING_SET_EX_INFORMATION info = { .VirtualAddress = map_shared(PAGE) };
	SIZE_T limit;

	EXPECT_ERROR(ERROR_NOT_SUPPORTED,
		     QueryWorkingSetEx(GetCurrentProcess(), &info, sizeof(info)));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, WinmemGetProcessCommitLimit(&limit));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, WinmemSetProcessCommitLimit(PAGE));
	EXPECT_EQ(ERROR_NOT_SUPPORTED, DiscardVirtualMemory(info.VirtualAddress, PAGE));
	EXPECT_EQ(ERROR_NOT_SUPPORTED,
		  OfferVirtualMemory(info.VirtualAddress, PAGE, VmOfferPriorityNormal));
	EXPECT_EQ(ERROR_NOT_SUPPORTED, ReclaimVirtualMemory(info.VirtualAddress, PAGE));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualLock(info.VirtualAddress, PAGE));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualUnlock(info.VirtualAddress, PAGE));
}

TEST(memory_is_looked_at_without_the_module)
{
	char *p = map_shared(PAGE);
	WIN32_MEMORY_RANGE_ENTRY entry = { p, PAGE };
	SIZE_T minimum, maximum;
	HANDLE handle;
	BOOL low;

	EXPECT(!IsBadReadPtr(p, PAGE) && !IsBadWritePtr(p, PAGE) && IsBadReadPtr(NULL, 1));
	EXPECT_OK(PrefetchVirtualMemory(GetCurrentProcess(), 1, &entry, 0));
	EXPECT_OK(GetProcessWorkingSetSize(GetCurrentProcess(), &minimum, &maximum));
	EXPECT_OK(SetProcessWorkingSetSize(GetCurrentProcess(), -1, -1));
	handle = EXPECT_OK(CreateMemoryResourceNotification(LowMemoryResourceNotification));
	EXPECT_OK(QueryMemoryResourceNotification(handle, &low));
	EXPECT_OK(CloseHandle(handle));
}

TEST(what_needs_no_module_works)
{
	SYSTEM_INFO info;
	ULONGLONG kilobytes = 0;

	memset(&info, 0xcc, sizeof(info));
	GetSystemInfo(&info);
	EXPECT_EQ(0x10000, info.dwAllocationGranularity);
	EXPECT_EQ(HIGHEST, info.lpMaximumApplicationAddress);
	EXPECT_EQ(0x200000, EXPECT_OK(GetLargePageMinimum()));
	EXPECT_OK(GetPhysicallyInstalledSystemMemory(&kilobytes));
	EXPECT(kilobytes > 0);
	EXPECT_EQ(~0UL, EXPECT_OK(GetCurrentProcess()));
	SetLastError(5);
	EXPECT_EQ(5, GetLastError());
}

/* The other functions, several times: it is not for lack of trying again. */
int test_exec(int argc, char **argv)
{
	MEMORY_BASIC_INFORMATION mbi;

	for (int i = 0; i < 3; i++) {
		if (VirtualAlloc(NULL, PAGE, MEM_RESERVE, PAGE_READWRITE) ||
		    GetLastError() != ERROR_NOT_SUPPORTED ||
		    VirtualFree((void *)GRAN, 0, MEM_RELEASE) ||
		    VirtualQuery(argv, &mbi, sizeof(mbi)))
			return 1;
	}
	return argc > 2;
}

/* Run this program once more with WINMEM_DEBUG and collect what it says. */
static void collect_stderr(const char *debug, char *text, size_t size)
{
	char *args[] = { "no_module", "--exec", NULL };
	size_t length = 0;
	ssize_t got;
	int fds[2];
	pid_t child;

	EXPECT(!pipe(fds));
	fflush(NULL);
	child = fork();
	if (!child) {
		if (debug)
			setenv("WINMEM_DEBUG", debug, 1);
		else
			unsetenv("WINMEM_DEBUG");
		dup2(fds[1], STDERR_FILENO);
		execv("/proc/self/exe", args);
		_exit(3);
	}
	close(fds[1]);
	while ((got = read(fds[0], text + length, size - 1 - length)) > 0)
		length += got;
	text[length] = '\0';
	close(fds[0]);
	FINISH(child);
}

static unsigned int count_lines(const char *text)
{
	unsigned int nr = 0;

	for (; *text; text++)
		nr += *text == '\n';
	return nr;
}

TEST(WINMEM_DEBUG_says_in_one_line_what_is_missing)
{
	char text[1024];

	collect_stderr("1", text, sizeof(text));
	EXPECT_EQ(1, count_lines(text));
	EXPECT_EQ('\n', text[strlen(text) - 1]);
	EXPECT(strstr(text, "winmem"));
	EXPECT(strstr(text, DEVICE));
	EXPECT(strstr(text, "modprobe winmem"));
}

TEST(nothing_is_said_unasked)
{
	char text[1024];

	collect_stderr(NULL, text, sizeof(text));
	EXPECT_EQ(0, strlen(text));
	collect_stderr("0", text, sizeof(text));
	EXPECT_EQ(0, strlen(text));
}

/* A file of that name that is not the device. */
static bool put_a_file_there(void)
{
	int fd;

	if (!empty_dev())
		return false;
	fd = open(DEVICE, O_CREAT | O_RDWR | O_CLOEXEC, 0666);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

#define CANNOT	2

static void meet_another_file(void *arg)
{
	if (!put_a_file_there())
		_exit(CANNOT);
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualAlloc(NULL, PAGE, MEM_RESERVE, RW));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualFree((void *)GRAN, 0, MEM_RELEASE));
	(void)arg;
}

TEST(another_file_in_the_devices_place)
{
	int status;
	pid_t child = start_child(meet_another_file, NULL);

	EXPECT_EQ(child, waitpid(child, &status, 0));
	if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT)
		skip_because("no namespace to put a file into /dev");
	EXPECT_EQ(0, status);
}

/* Another process is opened, read and written; what the kernel has of it cannot be asked. */
TEST(other_processes)
{
	pid_t child = fork();
	MEMORY_BASIC_INFORMATION info;
	char word[4] = "one";
	HANDLE process;

	if (!child)
		pause();
	process = EXPECT_OK(OpenProcess(PROCESS_ALL_ACCESS, FALSE, child));

	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualQueryEx(process, NULL, &info, sizeof(info)));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualAllocEx(process, NULL, GRAN, MEM_RESERVE, RW));
	EXPECT_ERROR(ERROR_PARTIAL_COPY, ReadProcessMemory(process, NULL, word, 4, NULL));
	EXPECT_OK(CloseHandle(process));
	kill(child, SIGKILL);
	EXPECT_EQ(child, waitpid(child, NULL, 0));
	EXPECT_OK(WriteProcessMemory(GetCurrentProcess(), word, "two", 4, NULL));
	EXPECT(!strcmp(word, "two"));
}
