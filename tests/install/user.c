// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an ordinary user would write first, with the installed library and nothing of
 * this tree: an array that may grow to a gigabyte and never moves. Pages are committed
 * as it grows, what is full is made read-only, and a picture of it is printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <winmem.h>

#define ROOM	((SIZE_T)1 << 30)
#define COUNT	100000

static void die(const char *what)
{
	fprintf(stderr, "user: %s: error %u\n", what, GetLastError());
	exit(1);
}

static SIZE_T page_size(void)
{
	SYSTEM_INFO info;

	GetSystemInfo(&info);
	return info.dwPageSize;
}

static unsigned int *grow(char *base, SIZE_T used)
{
	SIZE_T page = page_size();

	if (used % page == 0 && !VirtualAlloc(base + used, page, MEM_COMMIT, PAGE_READWRITE))
		die("VirtualAlloc(MEM_COMMIT)");
	return (unsigned int *)(base + used);
}

static void fill(char *base)
{
	for (unsigned int i = 0; i < COUNT; i++)
		*grow(base, i * sizeof(i)) = i;
}

static void seal(char *base, SIZE_T length)
{
	DWORD old = 0;

	if (!VirtualProtect(base, length, PAGE_READONLY, &old))
		die("VirtualProtect");
	if (old != PAGE_READWRITE)
		die("VirtualProtect: the old protection");
}

static unsigned long long sum(const char *base)
{
	unsigned long long total = 0;
	unsigned int value;

	for (unsigned int i = 0; i < COUNT; i++) {
		memcpy(&value, base + i * sizeof(value), sizeof(value));
		total += value;
	}
	return total;
}

/* Prints the runs of the reservation; their number. */
static int show(char *base)
{
	MEMORY_BASIC_INFORMATION info;
	char *at = base;
	int runs = 0;

	while (VirtualQuery(at, &info, sizeof(info)) == sizeof(info) &&
	       info.AllocationBase == base) {
		printf("user: +%#010zx %#10zx %s %#x\n", (SIZE_T)(at - base), info.RegionSize,
		       info.State == MEM_COMMIT ? "committed" : "reserved ", info.Protect);
		at += info.RegionSize;
		runs++;
	}
	return runs;
}

int main(void)
{
	unsigned long long expected = (unsigned long long)COUNT * (COUNT - 1) / 2;
	char *base = VirtualAlloc(NULL, ROOM, MEM_RESERVE, PAGE_READWRITE);

	if (!base)
		die("VirtualAlloc(MEM_RESERVE)");
	fill(base);
	seal(base, 10 * page_size());
	if (sum(base) != expected)
		die("the sum");
	if (show(base) != 3)
		die("VirtualQuery");
	if (!VirtualFree(base, 0, MEM_RELEASE))
		die("VirtualFree");
	if (VirtualFree(base, 0, MEM_RELEASE) || GetLastError() != ERROR_INVALID_ADDRESS)
		die("VirtualFree, a second time");
	puts("user: ok");
	return 0;
}
