// SPDX-License-Identifier: GPL-2.0-only
/*
 * OpenProcess, and VirtualAllocEx, VirtualFreeEx, VirtualProtectEx and VirtualQueryEx on
 * another process.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "target.h"

static HANDLE open_target(const struct target *target, DWORD access)
{
	return EXPECT_OK(OpenProcess(access, FALSE, target->pid));
}

static void has_memory(struct target *target, int step)
{
	if (step == 1) {
		target->base = alloc(2 * PAGE, RW);
		fill(target->base, 2 * PAGE, 1);
	}
}

TEST(handle)
{
	struct target *target = target_start(has_memory);
	HANDLE process = open_target(target, PROCESS_ALL_ACCESS), again;

	EXPECT_EQ(target->pid, EXPECT_OK(GetProcessId(process)));
	EXPECT_EQ(getpid(), EXPECT_OK(GetProcessId(GetCurrentProcess())));
	EXPECT_EQ(getpid(), GetCurrentProcessId());
	again = open_target(target, PROCESS_VM_READ);
	EXPECT(again != process);
	EXPECT_OK(CloseHandle(again));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, GetProcessId(again));
	EXPECT_OK(CloseHandle(process));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, CloseHandle(process));
	target_end(target);
}

static void just_ends(void *arg)
{
	EXPECT(!arg);
}

TEST(no_such_process)
{
	pid_t child = start_child(just_ends, NULL);

	FINISH(child);
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, OpenProcess(PROCESS_ALL_ACCESS, FALSE, child));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, OpenProcess(PROCESS_ALL_ACCESS, FALSE, 0));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, OpenProcess(PROCESS_ALL_ACCESS, FALSE, 0xfffffffc));
}

static void hides(struct target *target, int step)
{
	has_memory(target, step);
	EXPECT(!prctl(PR_SET_DUMPABLE, 0));
}

TEST(not_permitted)
{
	struct target *target = target_start(hides);
	MEMORY_BASIC_INFORMATION info;
	HANDLE process;

	EXPECT_ERROR(ERROR_ACCESS_DENIED, OpenProcess(PROCESS_ALL_ACCESS, FALSE, target->pid));
	EXPECT_ERROR(ERROR_ACCESS_DENIED, OpenProcess(PROCESS_VM_READ, FALSE, target->pid));
	EXPECT_ERROR(ERROR_ACCESS_DENIED, OpenProcess(GENERIC_WRITE, FALSE, target->pid));
	/* That it is there, anybody may know. */
	process = open_target(target, PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE);
	EXPECT_EQ(target->pid, EXPECT_OK(GetProcessId(process)));
	EXPECT_ERROR(ERROR_ACCESS_DENIED,
		     VirtualQueryEx(process, target->base, &info, sizeof(info)));
	EXPECT_OK(CloseHandle(process));
	target_end(target);
}

TEST(rights_of_the_handle)
{
	struct target *target = target_start(has_memory);
	HANDLE reads = open_target(target, PROCESS_VM_READ);
	HANDLE asks = open_target(target, PROCESS_QUERY_INFORMATION);
	HANDLE all = open_target(target, MAXIMUM_ALLOWED);
	HANDLE generic_read = open_target(target, GENERIC_READ);
	HANDLE generic_execute = open_target(target, GENERIC_EXECUTE);
	MEMORY_BASIC_INFORMATION info;
	DWORD old;
	char byte;

	EXPECT_ERROR(ERROR_ACCESS_DENIED, VirtualQueryEx(reads, target->base, &info, sizeof(info)));
	EXPECT_ERROR(ERROR_ACCESS_DENIED, VirtualAllocEx(reads, NULL, GRAN, MEM_RESERVE, RW));
	EXPECT_ERROR(ERROR_ACCESS_DENIED,
		     VirtualAlloc2(reads, NULL, GRAN, MEM_RESERVE, RW, NULL, 0));
	EXPECT_ERROR(ERROR_ACCESS_DENIED, VirtualFreeEx(reads, target->base, 0, MEM_RELEASE));
	EXPECT_ERROR(ERROR_ACCESS_DENIED, VirtualProtectEx(asks, target->base, PAGE, RO, &old));
	EXPECT_ERROR(ERROR_ACCESS_DENIED, WriteProcessMemory(reads, target->base, "x", 1, NULL));
	EXPECT_ERROR(ERROR_ACCESS_DENIED, ReadProcessMemory(asks, target->base, &byte, 1, NULL));
	EXPECT_ERROR(ERROR_ACCESS_DENIED, GetProcessId(reads));
	EXPECT_OK(ReadProcessMemory(reads, target->base, &byte, 1, NULL));
	EXPECT_OK(VirtualQueryEx(asks, target->base, &info, sizeof(info)));
	EXPECT_OK(GetProcessId(asks));
	EXPECT_OK(VirtualQueryEx(all, target->base, &info, sizeof(info)));
	EXPECT_OK(WriteProcessMemory(all, target->base, "x", 1, NULL));
	EXPECT_OK(ReadProcessMemory(generic_read, target->base, &byte, 1, NULL));
	EXPECT_OK(VirtualQueryEx(generic_read, target->base, &info, sizeof(info)));
	EXPECT_ERROR(ERROR_ACCESS_DENIED,
		     WriteProcessMemory(generic_read, target->base, "x", 1, NULL));
	EXPECT_ERROR(ERROR_ACCESS_DENIED,
		     ReadProcessMemory(generic_execute, target->base, &byte, 1, NULL));
	EXPECT_OK(CloseHandle(generic_read));
	EXPECT_OK(CloseHandle(generic_execute));
	EXPECT_OK(CloseHandle(reads));
	EXPECT_OK(CloseHandle(asks));
	EXPECT_OK(CloseHandle(all));
	target_end(target);
}

static void checks_memory(struct target *target, int step)
{
	if (step == 1)
		release(alloc(PAGE, RW));
	if (step == 2) {
		expect_committed(target->base, target->base, RO, 3 * PAGE, RW);
		expect_access(target->base, "rw-");
		fill(target->base, 3 * PAGE, 2);
		EXPECT_EQ(3 * PAGE, charge());
	}
	if (step == 3) {
		expect_access(target->base, "r--");
		expect_access(target->base + PAGE, "---");
		expect_committed(target->base + 2 * PAGE, target->base, RO, PAGE, RW | PAGE_GUARD);
		expect_access(target->base + 2 * PAGE, "-w-");
		EXPECT(filled(target->base, PAGE, 2));
	}
	if (step == 4) {
		put_return(target->base);
		expect_access(target->base, "rwx");
		expect_reserved(target->base + PAGE, target->base, RO, 15 * PAGE);
	}
	if (step == 5) {
		expect_free(target->base);
		EXPECT_EQ(0, charge());
	}
}

TEST(alloc_protect_query_free_there)
{
	struct target *target = target_start(checks_memory);
	HANDLE process = open_target(target, PROCESS_ALL_ACCESS);
	MEMORY_BASIC_INFORMATION info;
	char *b;
	DWORD old;

	b = EXPECT_OK(VirtualAllocEx(process, NULL, GRAN, MEM_RESERVE, RO));
	expect_free(b);
	EXPECT_EQ(b, EXPECT_OK(VirtualAllocEx(process, b, 3 * PAGE, MEM_COMMIT, RW)));
	EXPECT_EQ(sizeof(info), EXPECT_OK(VirtualQueryEx(process, b + PAGE, &info, sizeof(info))));
	EXPECT_EQ(b + PAGE, info.BaseAddress);
	EXPECT_EQ(b, info.AllocationBase);
	EXPECT_EQ(RO, info.AllocationProtect);
	EXPECT_EQ(2 * PAGE, info.RegionSize);
	EXPECT_EQ(MEM_COMMIT, info.State);
	EXPECT_EQ(RW, info.Protect);
	EXPECT_EQ(MEM_PRIVATE, info.Type);
	target->base = b;
	target_step(target);

	EXPECT_OK(VirtualProtectEx(process, b, PAGE, RO, &old));
	EXPECT_EQ(RW, old);
	EXPECT_OK(VirtualProtectEx(process, b + PAGE, PAGE, NA, &old));
	EXPECT_OK(VirtualProtectEx(process, b + 2 * PAGE, PAGE, RW | PAGE_GUARD, &old));
	target_step(target);

	EXPECT_OK(VirtualProtectEx(process, b, PAGE, XRW, &old));
	EXPECT_EQ(RO, old);
	EXPECT_OK(VirtualFreeEx(process, b + PAGE, 2 * PAGE, MEM_DECOMMIT));
	target_step(target);
	EXPECT_OK(VirtualFreeEx(process, b, 0, MEM_RELEASE));
	target_step(target);
	EXPECT_EQ(0, charge());
	EXPECT_OK(CloseHandle(process));
	target_end(target);
}

TEST(errors_there_are_those_of_here)
{
	struct target *target = target_start(has_memory);
	HANDLE process = open_target(target, PROCESS_ALL_ACCESS);
	DWORD old = UNTOUCHED_ERROR;

	EXPECT_ERROR(ERROR_INVALID_ADDRESS,
		     VirtualAllocEx(process, target->base, PAGE, MEM_RESERVE, RW));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualAllocEx(process, NULL, 0, MEM_COMMIT, RW));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualAllocEx(process, NULL, PAGE, MEM_COMMIT, 3));
	EXPECT_ERROR(ERROR_INVALID_ADDRESS,
		     VirtualFreeEx(process, target->base + PAGE, 0, MEM_RELEASE));
	EXPECT_ERROR(ERROR_INVALID_ADDRESS,
		     VirtualProtectEx(process, target->base + GRAN, PAGE, RW, &old));
	EXPECT_EQ(NA, old);
	EXPECT_ERROR(ERROR_NOACCESS, VirtualProtectEx(process, target->base, PAGE, RW, NULL));
	EXPECT_ERROR(ERROR_BAD_LENGTH, VirtualQueryEx(process, target->base, NULL, 0));
	EXPECT_OK(CloseHandle(process));
	target_end(target);
}

/* mprotect(2) is for oneself. */
TEST(protect_of_a_library_there)
{
	struct target *target = target_start(has_memory);
	HANDLE process = open_target(target, PROCESS_ALL_ACCESS);
	MEMORY_BASIC_INFORMATION info;
	DWORD old;

	EXPECT_OK(VirtualQueryEx(process, (void *)(uintptr_t)&open_target, &info, sizeof(info)));
	EXPECT_EQ(MEM_IMAGE, info.Type);
	EXPECT_EQ(XR, info.Protect);
	EXPECT_ERROR(ERROR_NOT_SUPPORTED,
		     VirtualProtectEx(process, info.BaseAddress, PAGE, XRW, &old));
	EXPECT_OK(CloseHandle(process));
	target_end(target);
}

TEST(PL01_VirtualAlloc2_there)
{
	struct target *target = target_start(has_memory);
	HANDLE process = open_target(target, PROCESS_ALL_ACCESS);
	MEM_ADDRESS_REQUIREMENTS bounds = { NULL, (void *)0x7fffffffUL, 0x100000 };
	MEM_EXTENDED_PARAMETER parameter = { .Type = MemExtendedParameterAddressRequirements,
					     .Pointer = &bounds };
	MEMORY_BASIC_INFORMATION info;
	char *b;

	b = EXPECT_OK(VirtualAlloc2(process, NULL, GRAN, RESERVE_COMMIT, RW, &parameter, 1));
	EXPECT((uintptr_t)b < 0x80000000UL);
	EXPECT_EQ(0, (uintptr_t)b & 0xfffff);
	EXPECT_OK(VirtualQueryEx(process, b, &info, sizeof(info)));
	EXPECT_EQ(GRAN, info.RegionSize);
	expect_free(b);
	EXPECT_OK(CloseHandle(process));
	target_end(target);
}

TEST(itself_by_number)
{
	HANDLE process = EXPECT_OK(OpenProcess(PROCESS_ALL_ACCESS, FALSE, GetCurrentProcessId()));
	char *b = EXPECT_OK(VirtualAllocEx(process, NULL, GRAN, RESERVE_COMMIT, RW));
	DWORD old;

	expect_committed(b, b, RW, GRAN, RW);
	EXPECT_OK(VirtualProtectEx(process, b, PAGE, XRW, &old));
	put_return(b);
	expect_access(b, "rwx");
	EXPECT_OK(VirtualFreeEx(process, b, 0, MEM_RELEASE));
	EXPECT_OK(CloseHandle(process));
}

static void never_allocates(struct target *target, int step)
{
	if (step == 2)
		target->base = alloc(PAGE, RW);
}

TEST(a_process_without_winmem)
{
	struct target *target = target_start(never_allocates);
	HANDLE process = open_target(target, PROCESS_ALL_ACCESS);
	MEMORY_BASIC_INFORMATION info;

	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualAllocEx(process, NULL, GRAN, MEM_RESERVE, RW));
	/* And as soon as it has it. */
	target_step(target);
	EXPECT_OK(VirtualQueryEx(process, target->base, &info, sizeof(info)));
	EXPECT_EQ(MEM_COMMIT, info.State);
	EXPECT_OK(CloseHandle(process));
	target_end(target);
}

TEST(a_process_that_has_ended)
{
	struct target *target = target_start(has_memory);
	HANDLE process = open_target(target, PROCESS_ALL_ACCESS);
	HANDLE unused = open_target(target, PROCESS_ALL_ACCESS);
	MEMORY_BASIC_INFORMATION info;
	SIZE_T done = 1;
	char byte;

	EXPECT_OK(VirtualQueryEx(process, target->base, &info, sizeof(info)));
	target_end(target);
	EXPECT_ERROR(ERROR_ACCESS_DENIED, VirtualQueryEx(process, target->base, &info, sizeof(info)));
	EXPECT_ERROR(ERROR_ACCESS_DENIED, VirtualQueryEx(unused, target->base, &info, sizeof(info)));
	EXPECT_ERROR(ERROR_ACCESS_DENIED, VirtualAllocEx(process, NULL, GRAN, MEM_RESERVE, RW));
	EXPECT_ERROR(ERROR_ACCESS_DENIED, ReadProcessMemory(process, target->base, &byte, 1, &done));
	EXPECT_EQ(0, done);
	EXPECT_ERROR(ERROR_ACCESS_DENIED, WriteProcessMemory(process, target->base, "x", 1, NULL));
	EXPECT_EQ(target->pid, EXPECT_OK(GetProcessId(process)));
	EXPECT_OK(CloseHandle(process));
	EXPECT_OK(CloseHandle(unused));
}

static void uses_the_parents_handle(void *arg)
{
	HANDLE *handles = arg;
	MEMORY_BASIC_INFORMATION info;
	char *b;

	/* The other process, and the one that was oneself before the fork. */
	b = EXPECT_OK(VirtualAllocEx(handles[0], NULL, GRAN, RESERVE_COMMIT, RW));
	EXPECT_OK(VirtualFreeEx(handles[0], b, 0, MEM_RELEASE));
	EXPECT_OK(VirtualQueryEx(handles[1], handles[2], &info, sizeof(info)));
	EXPECT_EQ(MEM_COMMIT, info.State);
	expect_free(handles[2]);
}

TEST(handles_after_fork)
{
	struct target *target = target_start(has_memory);
	HANDLE handles[3] = { open_target(target, PROCESS_ALL_ACCESS) };
	MEMORY_BASIC_INFORMATION info;

	handles[1] = EXPECT_OK(OpenProcess(PROCESS_ALL_ACCESS, FALSE, GetCurrentProcessId()));
	handles[2] = alloc(PAGE, RW);
	EXPECT_OK(VirtualQueryEx(handles[0], target->base, &info, sizeof(info)));
	IN_CHILD(uses_the_parents_handle, handles);
	EXPECT_OK(CloseHandle(handles[0]));
	EXPECT_OK(CloseHandle(handles[1]));
	release(handles[2]);
	target_end(target);
}

/* What takes the caller alone says so. */
TEST(calls_for_oneself_only)
{
	struct target *target = target_start(has_memory);
	HANDLE process = open_target(target, PROCESS_ALL_ACCESS);
	PSAPI_WORKING_SET_EX_INFORMATION info = { .VirtualAddress = target->base };
	WIN32_MEMORY_RANGE_ENTRY entry = { target->base, PAGE };
	SIZE_T low, high;

	EXPECT_ERROR(ERROR_NOT_SUPPORTED, QueryWorkingSetEx(process, &info, sizeof(info)));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, PrefetchVirtualMemory(process, 1, &entry, 0));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, GetProcessWorkingSetSize(process, &low, &high));
	EXPECT_OK(CloseHandle(process));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, QueryWorkingSetEx(process, &info, sizeof(info)));
	target_end(target);
}

/* No descriptor is left behind by any of it. */
TEST(descriptors)
{
	struct target *target = target_start(has_memory);
	int next = dup(0);
	char byte;

	close(next);
	for (int i = 0; i < 100; i++) {
		HANDLE process = open_target(target, PROCESS_ALL_ACCESS);
		MEMORY_BASIC_INFORMATION info;

		EXPECT_OK(VirtualQueryEx(process, target->base, &info, sizeof(info)));
		EXPECT_OK(ReadProcessMemory(process, target->base, &byte, 1, NULL));
		EXPECT_OK(WriteProcessMemory(process, target->base, "x", 1, NULL));
		EXPECT_OK(CloseHandle(process));
	}
	EXPECT_EQ(next, dup(0));
	close(next);
	target_end(target);
}
