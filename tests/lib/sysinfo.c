// SPDX-License-Identifier: GPL-2.0-only
/* What the system says of itself: rows S01 to S06. */
#include "common.h"

static MEMORYSTATUSEX status_ex(void)
{
	MEMORYSTATUSEX status;

	memset(&status, 0xcc, sizeof(status));
	status.dwLength = sizeof(status);
	EXPECT_OK(GlobalMemoryStatusEx(&status));
	return status;
}

static void check_system_info(const SYSTEM_INFO *info)
{
	unsigned long online = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned long cpus = online < 64 ? online : 64;		/* one group of processors */

	EXPECT_EQ(0x1000, info->dwPageSize);
	EXPECT_EQ(0x10000, info->dwAllocationGranularity);
	EXPECT_EQ(0x10000, info->lpMinimumApplicationAddress);
	EXPECT_EQ(0x7ffffffeffff, info->lpMaximumApplicationAddress);
#if defined(__x86_64__)
	EXPECT_EQ(9, info->wProcessorArchitecture);
#endif
	EXPECT_EQ(cpus, info->dwNumberOfProcessors);
	EXPECT_EQ(~0UL >> (64 - cpus), info->dwActiveProcessorMask);
}

/* These two have no result: only what they leave alone can be looked at. */
#define EXPECT_SILENT(call)						\
	do {								\
		call_begin();						\
		call;							\
		call_succeeded(HERE, #call, 1);				\
	} while (0)

TEST(S01_system_info)
{
	SYSTEM_INFO info;

	memset(&info, 0xcc, sizeof(info));
	EXPECT_SILENT(GetSystemInfo(&info));
	check_system_info(&info);
}

TEST(S01_native_system_info_is_the_same)
{
	SYSTEM_INFO info, native;

	memset(&info, 0xcc, sizeof(info));
	memset(&native, 0x33, sizeof(native));
	EXPECT_SILENT(GetSystemInfo(&info));
	EXPECT_SILENT(GetNativeSystemInfo(&native));
	check_system_info(&native);
	EXPECT(!memcmp(&info, &native, sizeof(info)));
}

TEST(S01_the_limits_are_those_of_allocation)
{
	SYSTEM_INFO info;
	char *first, *last;

	GetSystemInfo(&info);
	first = info.lpMinimumApplicationAddress;
	last = info.lpMaximumApplicationAddress;
	EXPECT_EQ(first, reserve_at(first, GRAN));
	EXPECT_EQ(last + 1 - GRAN, reserve_at(last, 1));
	release(first);
	release(last + 1 - GRAN);
}

TEST(S02_length_must_be_exactly_64)
{
	static const DWORD lengths[] = { 0, 1, 56, 63, 65, 128, 0xffffffff };

	for (unsigned int i = 0; i < ARRAY_LEN(lengths); i++) {
		MEMORYSTATUSEX status, before;

		memset(&status, 0xcc, sizeof(status));
		status.dwLength = lengths[i];
		before = status;
		EXPECT_ERROR(ERROR_INVALID_PARAMETER, GlobalMemoryStatusEx(&status));
		EXPECT(!memcmp(&before, &status, sizeof(status)));
	}
	EXPECT_ERROR(ERROR_NOACCESS, GlobalMemoryStatusEx(NULL));
}

TEST(S03_virtual_is_all_of_user_space)
{
	MEMORYSTATUSEX status = status_ex();

	EXPECT_EQ(64, status.dwLength);
	EXPECT_EQ(0x7ffffffe0000, status.ullTotalVirtual);
	EXPECT(status.ullAvailVirtual <= status.ullTotalVirtual);
	EXPECT(status.ullAvailVirtual > status.ullTotalVirtual / 2);
	EXPECT_EQ(0, status.ullAvailExtendedVirtual);
}

TEST(S03_load_is_the_used_part_of_physical_memory)
{
	MEMORYSTATUSEX status = status_ex();
	DWORDLONG used = status.ullTotalPhys - status.ullAvailPhys;

	EXPECT(status.ullTotalPhys && status.ullAvailPhys);
	EXPECT(status.ullAvailPhys <= status.ullTotalPhys);
	EXPECT_EQ(used / (status.ullTotalPhys / 100), status.dwMemoryLoad);
}

TEST(S03_physical_memory_is_what_linux_has)
{
	MEMORYSTATUSEX status = status_ex();
	unsigned long pages = sysconf(_SC_PHYS_PAGES);

	EXPECT_EQ(pages * sysconf(_SC_PAGESIZE), status.ullTotalPhys);
}

TEST(S03_page_file_is_the_commit_limit)
{
	MEMORYSTATUSEX status = status_ex();
	unsigned long limit, charged;

	limit_total(&limit, &charged);
	EXPECT_EQ(limit, status.ullTotalPageFile);
	EXPECT_EQ(limit - charged, status.ullAvailPageFile);
}

TEST(S03_a_commit_is_missing_from_the_page_file)
{
	MEMORYSTATUSEX before = status_ex(), reserved, committed;
	char *p = reserve(0x100000);

	reserved = status_ex();
	EXPECT_EQ(before.ullAvailPageFile, reserved.ullAvailPageFile);
	commit(p + PAGE, 0x42000, RW);
	committed = status_ex();
	EXPECT_EQ(before.ullAvailPageFile - 0x42000, committed.ullAvailPageFile);
	release(p);
	EXPECT_EQ(before.ullAvailPageFile, status_ex().ullAvailPageFile);
}

TEST(S04_memory_status_sets_its_own_length)
{
	MEMORYSTATUSEX ex = status_ex();
	MEMORYSTATUS status;

	memset(&status, 0xcc, sizeof(status));
	EXPECT_SILENT(GlobalMemoryStatus(&status));
	EXPECT_EQ(56, status.dwLength);
	EXPECT(status.dwMemoryLoad <= 100);
	EXPECT_EQ(ex.ullTotalPhys, status.dwTotalPhys);
	EXPECT(status.dwAvailPhys && status.dwAvailPhys <= status.dwTotalPhys);
	EXPECT_EQ(ex.ullTotalPageFile, status.dwTotalPageFile);
	EXPECT_EQ(ex.ullAvailPageFile, status.dwAvailPageFile);
	EXPECT_EQ(ex.ullTotalVirtual, status.dwTotalVirtual);
	EXPECT(status.dwAvailVirtual <= status.dwTotalVirtual);
}

TEST(S05_installed_memory_into_nowhere)
{
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, GetPhysicallyInstalledSystemMemory(NULL));
}

TEST(S05_installed_memory_is_at_least_what_is_used)
{
	MEMORYSTATUSEX status = status_ex();
	ULONGLONG kilobytes = 0;

	EXPECT_OK(GetPhysicallyInstalledSystemMemory(&kilobytes));
	EXPECT(kilobytes >= status.ullTotalPhys / 1024);
	/* The firmware and the kernel keep some of it, not as much again. */
	EXPECT(kilobytes / 2 < status.ullTotalPhys / 1024);
}

TEST(S06_large_page_minimum)
{
	EXPECT_EQ(0x200000, EXPECT_OK(GetLargePageMinimum()));
}
