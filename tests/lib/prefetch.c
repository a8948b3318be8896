// SPDX-License-Identifier: GPL-2.0-only
/*
 * PrefetchVirtualMemory: rows O10 to O15, and that it is no more than a hint. That it
 * does bring pages in from swap is in prefetch_root.c.
 */
#include "common.h"

#include <sys/mman.h>

static const HANDLE self = (HANDLE)-1;

#define ENTRY(addr, size)	((WIN32_MEMORY_RANGE_ENTRY){ addr, size })

TEST(O10_no_entries)
{
	WIN32_MEMORY_RANGE_ENTRY entry = ENTRY(&entry, 1);

	EXPECT_ERROR(ERROR_INVALID_PARAMETER, PrefetchVirtualMemory(self, 0, &entry, 0));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, PrefetchVirtualMemory(self, 0, NULL, 0));
}

TEST(O11_no_array)
{
	EXPECT_ERROR(ERROR_NOACCESS, PrefetchVirtualMemory(self, 1, NULL, 0));
}

TEST(O12_an_empty_entry)
{
	WIN32_MEMORY_RANGE_ENTRY entries[] = { ENTRY(entries, 1), ENTRY(entries, 0) };

	EXPECT_ERROR(ERROR_INVALID_PARAMETER, PrefetchVirtualMemory(self, 2, entries, 0));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, PrefetchVirtualMemory(self, 1, entries + 1, 0));
	EXPECT_OK(PrefetchVirtualMemory(self, 1, entries, 0));
}

TEST(O13_whatever_lies_there)
{
	char *r = reserve(GRAN), *b = alloc(GRAN, RW), *view = map_shared(PAGE);
	void *file = map_file(PAGE, MAP_PRIVATE, PROT_READ);
	WIN32_MEMORY_RANGE_ENTRY entries[] = {
		ENTRY(r, GRAN), ENTRY(b, GRAN), ENTRY(b + 100, 1), ENTRY(view, PAGE),
		ENTRY(file, PAGE), ENTRY(NULL, 1), ENTRY(NULL, ~0UL), ENTRY(KERNEL_ADDR, PAGE),
		ENTRY(free_place(GRAN), GRAN), ENTRY(b, HIGHEST), ENTRY((void *)~0UL, 5),
		ENTRY((void *)HIGHEST, GRAN), ENTRY((void *)O13_whatever_lies_there, 10),
	};

	EXPECT_OK(PrefetchVirtualMemory(self, ARRAY_LEN(entries), entries, 0));
	for (unsigned int i = 0; i < ARRAY_LEN(entries); i++)
		EXPECT_OK(PrefetchVirtualMemory(self, 1, &entries[i], 0));
	release(r);
	release(b);
	munmap(view, PAGE);
	munmap(file, PAGE);
}

/* A guard stays, nothing is written, and what is committed costs no memory yet. */
TEST(O13_nothing_shows)
{
	char *b = EXPECT_OK(VirtualAlloc(NULL, GRAN, RESERVE_COMMIT | MEM_WRITE_WATCH, RW));
	WIN32_MEMORY_RANGE_ENTRY entry = ENTRY(b, GRAN);
	PSAPI_WORKING_SET_EX_INFORMATION info = { .VirtualAddress = b + 3 * PAGE };
	ULONG_PTR count = 16;
	DWORD granularity;
	PVOID list[16];

	protect(b, PAGE, RW | PAGE_GUARD);
	protect(b + PAGE, PAGE, NA);
	EXPECT_OK(PrefetchVirtualMemory(self, 1, &entry, 0));
	expect_committed(b, b, RW, PAGE, RW | PAGE_GUARD);
	expect_committed(b + PAGE, b, RW, PAGE, NA);
	EXPECT(!GetWriteWatch(0, b, GRAN, list, &count, &granularity));
	EXPECT_EQ(0, count);
	EXPECT_OK(QueryWorkingSetEx(self, &info, sizeof(info)));
	EXPECT_EQ(0, info.VirtualAttributes.Valid);
	EXPECT(!try_read(b));
	EXPECT(try_read(b));
	release(b);
}

TEST(O15_flags)
{
	WIN32_MEMORY_RANGE_ENTRY entry = ENTRY(&entry, 1);

	for (unsigned int bit = 0; bit < 32; bit++)
		EXPECT_ERROR(ERROR_INVALID_PARAMETER,
			     PrefetchVirtualMemory(self, 1, &entry, 1U << bit));
}

TEST(E28_another_process)
{
	WIN32_MEMORY_RANGE_ENTRY entry = ENTRY(&entry, 1);

	EXPECT_ERROR(ERROR_INVALID_HANDLE, PrefetchVirtualMemory(NULL, 1, &entry, 0));
}
