// SPDX-License-Identifier: GPL-2.0-only
/*
 * PrefetchVirtualMemory with swap: what it is for (row O13). A compressed disk in memory
 * is the swap; that needs root.
 */
#define _GNU_SOURCE
#include "common.h"
#include "../uapi/zram.h"

#include <sys/mman.h>

#define PAGES		256UL

static unsigned long in_memory(char *b)
{
	unsigned char there[PAGES];
	unsigned long nr = 0;

	EXPECT(!mincore(b, PAGES * PAGE, there));
	for (unsigned long i = 0; i < PAGES; i++)
		nr += there[i] & 1;
	return nr;
}

static unsigned long in_working_set(char *b)
{
	PSAPI_WORKING_SET_EX_INFORMATION info[PAGES];
	unsigned long nr = 0;

	for (unsigned long i = 0; i < PAGES; i++)
		info[i].VirtualAddress = b + i * PAGE;
	EXPECT_OK(QueryWorkingSetEx(GetCurrentProcess(), info, sizeof(info)));
	for (unsigned long i = 0; i < PAGES; i++)
		nr += info[i].VirtualAttributes.Valid;
	return nr;
}

TEST(O13_pages_come_back_from_swap)
{
	WIN32_MEMORY_RANGE_ENTRY entry;
	char *b;

	zram_swap_on(64UL << 20);
	b = alloc(PAGES * PAGE, RW);
	fill(b, PAGES * PAGE, 1);
	EXPECT_EQ(PAGES, in_memory(b));
	EXPECT_OK(SetProcessWorkingSetSize(GetCurrentProcess(), -1, -1));
	EXPECT_EQ(0, in_memory(b));

	entry = (WIN32_MEMORY_RANGE_ENTRY){ b + PAGE, (PAGES - 2) * PAGE };
	EXPECT_OK(PrefetchVirtualMemory(GetCurrentProcess(), 1, &entry, 0));
	/* Half of them, for reading ahead is the kernel's business. */
	EXPECT(in_memory(b) >= PAGES / 2);
	/* As on Windows: in memory, and not in the working set before they are touched. */
	EXPECT_EQ(0, in_working_set(b));
	EXPECT(filled(b, PAGES * PAGE, 1));
	EXPECT_EQ(PAGES, in_working_set(b));
	release(b);
}
