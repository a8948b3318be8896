// SPDX-License-Identifier: GPL-2.0-only
/*
 * QueryWorkingSetEx, and the working set's size: rows L09, L11 and O16 to O20.
 */
#define _GNU_SOURCE
#include "common.h"

#include <sched.h>
#include <sys/mman.h>

#define PAGES		16UL
#define ALL_FLAGS	0xfU

static const HANDLE self = (HANDLE)-1;

static PSAPI_WORKING_SET_EX_BLOCK look(const void *addr)
{
	PSAPI_WORKING_SET_EX_INFORMATION info = { .VirtualAddress = (PVOID)addr };

	memset(&info.VirtualAttributes, 0xcc, sizeof(info.VirtualAttributes));
	EXPECT_OK(QueryWorkingSetEx(self, &info, sizeof(info)));
	EXPECT_EQ(addr, info.VirtualAddress);
	return info.VirtualAttributes;
}

/* The bits by number: their names could be in the wrong place. */
TEST(O16_a_touched_page)
{
	char *b = alloc(GRAN, RW);

	b[0] = 1;
	EXPECT_EQ(0x41, look(b).Flags);
	EXPECT_EQ(0x41, look(b + PAGE - 1).Flags);
	EXPECT_EQ(1, look(b).Valid);
	EXPECT_EQ(4, look(b).Win32Protection);
	EXPECT_EQ(0, look(b).Shared);
	EXPECT_EQ(0, look(b).ShareCount);
	EXPECT_EQ(0, look(b).Locked);
	release(b);
}

TEST(O16_where_the_bits_are)
{
	static const struct {
		PSAPI_WORKING_SET_EX_BLOCK block;
		ULONG_PTR flags;
	} rows[] = {
		{ { .Valid = 1 }, 1 }, { { .ShareCount = 7 }, 0xe },
		{ { .Win32Protection = 0x7ff }, 0x7ff0 }, { { .Shared = 1 }, 0x8000 },
		{ { .Node = 0x3f }, 0x3f0000 }, { { .Locked = 1 }, 0x400000 },
		{ { .LargePage = 1 }, 0x800000 }, { { .Bad = 1 }, 0x80000000 },
		{ { .Invalid = { .Shared = 1 } }, 0x8000 },
		{ { .Invalid = { .Bad = 1 } }, 0x80000000 },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++)
		EXPECT_EQ(rows[i].flags, rows[i].block.Flags);
}

TEST(O16_protections)
{
	static const DWORD prots[] = { RO, RW, X, XR, XRW, RO | PAGE_NOCACHE, RW | PAGE_WRITECOMBINE };

	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		char *b = alloc(PAGE, prots[i]);

		EXPECT(try_read(b));
		EXPECT_EQ(1 | prots[i] << 4, look(b).Flags);
		release(b);
	}
}

TEST(O16_the_protection_of_now)
{
	char *b = alloc(2 * PAGE, RW);

	fill(b, 2 * PAGE, 1);
	protect(b, PAGE, RO);
	EXPECT(try_read(b));
	EXPECT_EQ(0x21, look(b).Flags);
	EXPECT_EQ(0x41, look(b + PAGE).Flags);
	release(b);
}

TEST(O17_pages_that_are_not_there)
{
	char *b = alloc(GRAN, RW), *r = reserve(GRAN), *none = free_place(GRAN);

	EXPECT_EQ(0, look(b + PAGE).Flags);
	EXPECT_EQ(0, look(r).Flags);
	EXPECT_EQ(0, look(none).Flags);
	EXPECT_EQ(0, look(NULL).Flags);
	EXPECT_EQ(0, look(KERNEL_ADDR).Flags);
	EXPECT_EQ(0, look((void *)~0UL).Flags);
	b[PAGE] = 1;
	EXPECT_EQ(0x41, look(b + PAGE).Flags);
	decommit(b, GRAN);
	EXPECT_EQ(0, look(b + PAGE).Flags);
	release(b);
	release(r);
}

TEST(O17_a_guard_page_stays_one)
{
	char *b = alloc(PAGE, RW);

	b[0] = 1;
	protect(b, PAGE, RW | PAGE_GUARD);
	EXPECT_EQ(0, look(b).Flags);
	EXPECT(!try_read(b));
	EXPECT(try_read(b));
	EXPECT_EQ(0x41, look(b).Flags);
	release(b);
}

TEST(O17_no_access_is_not_there)
{
	char *b = alloc(PAGE, RW);

	b[0] = 1;
	protect(b, PAGE, NA);
	EXPECT_EQ(0, look(b).Flags);
	release(b);
}

/* Many at once, in no order, into an array that may itself be asked about. */
TEST(O16_many_pages)
{
	PSAPI_WORKING_SET_EX_INFORMATION *info = (void *)alloc(GRAN, RW);
	char *b = alloc(256 * PAGE, RW);

	for (unsigned int i = 0; i < 256; i++) {
		unsigned int page = i * 37 % 256;

		info[i].VirtualAddress = b + page * PAGE + i;
		if (page % 3 == 0)
			b[page * PAGE] = 1;
	}
	/* Whole entries only: half of one at the end is not one. */
	info[255].VirtualAttributes.Flags = 0xcccc;
	EXPECT_OK(QueryWorkingSetEx(self, info, 255 * sizeof(*info) + 8));
	for (unsigned int i = 0; i < 255; i++)
		EXPECT_EQ(i * 37 % 256 % 3 ? 0 : 0x41, info[i].VirtualAttributes.Flags);
	EXPECT_EQ(0xcccc, info[255].VirtualAttributes.Flags);
	release(b);
	release(info);
}

TEST(O16_pages_that_are_not_alike)
{
	static const unsigned int order[] = { 0, 1, 2, 3, 2, 1, 0, 3, 0 };
	static const DWORD prots[] = { RW, RO, XR, RW };
	PSAPI_WORKING_SET_EX_INFORMATION info[ARRAY_LEN(order)];
	char *b = alloc(4 * PAGE, RW);

	fill(b, 4 * PAGE, 1);
	for (unsigned int i = 0; i < 4; i++)
		protect(b + i * PAGE, PAGE, prots[i]);
	for (unsigned int i = 0; i < 4; i++)
		EXPECT(try_read(b + i * PAGE));
	for (unsigned int i = 0; i < ARRAY_LEN(order); i++)
		info[i].VirtualAddress = b + order[i] * PAGE;
	EXPECT_OK(QueryWorkingSetEx(self, info, sizeof(info)));
	for (unsigned int i = 0; i < ARRAY_LEN(order); i++)
		EXPECT_EQ(1 | prots[order[i]] << 4, info[i].VirtualAttributes.Flags);
	release(b);
}

TEST(O16_memory_of_others)
{
	char *view = map_shared(PAGE), *stack = (char *)&view;
	volatile char *code = map_file(PAGE, MAP_PRIVATE, PROT_READ);

	view[0] = 1;
	(void)code[0];
	/* Shared, by this process alone. */
	EXPECT_EQ(0x8000 | 1 << 1 | 4 << 4 | 1, look(view).Flags);
	EXPECT_EQ(0x41, look(stack).Flags);
	/* Program text is some library's too, or nobody else's. */
	EXPECT_EQ(1, look((void *)code).Shared);
	EXPECT(look((void *)code).ShareCount >= 1);
	munmap(view, PAGE);
	munmap((void *)code, PAGE);
}

static void touch_and_wait(void *arg)
{
	volatile char *view = arg;

	EXPECT_EQ(1, view[0]);
	view[1] = 1;
	while (!view[2])
		usleep(1000);
}

TEST(O16_shared_by_two)
{
	volatile char *view = shared_page();
	pid_t child;

	view[0] = 1;
	child = start_child(touch_and_wait, (void *)view);
	while (!view[1])
		usleep(1000);
	EXPECT_EQ(2, look((void *)view).ShareCount);
	view[2] = 1;
	FINISH(child);
	EXPECT_EQ(1, look((void *)view).ShareCount);
	munmap((void *)view, PAGE);
}

TEST(O19_lengths)
{
	PSAPI_WORKING_SET_EX_INFORMATION info = { .VirtualAddress = &info };

	info.VirtualAttributes.Flags = 0xcccc;
	for (DWORD length = 0; length < sizeof(info); length++)
		EXPECT_ERROR(ERROR_BAD_LENGTH, QueryWorkingSetEx(self, &info, length));
	EXPECT_ERROR(ERROR_BAD_LENGTH, QueryWorkingSetEx(self, NULL, 0));
	EXPECT_EQ(0xcccc, info.VirtualAttributes.Flags);
}

TEST(O20_into_nowhere)
{
	EXPECT_ERROR(ERROR_NOACCESS, QueryWorkingSetEx(self, NULL, 16));
}

TEST(E28_another_process)
{
	PSAPI_WORKING_SET_EX_INFORMATION info = { .VirtualAddress = &info };
	SIZE_T minimum, maximum;
	DWORD flags;

	EXPECT_ERROR(ERROR_INVALID_HANDLE, QueryWorkingSetEx(NULL, &info, sizeof(info)));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, GetProcessWorkingSetSize(NULL, &minimum, &maximum));
	EXPECT_ERROR(ERROR_INVALID_HANDLE,
		     GetProcessWorkingSetSizeEx(NULL, &minimum, &maximum, &flags));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, SetProcessWorkingSetSize(NULL, -1, -1));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, SetProcessWorkingSetSizeEx(NULL, -1, -1, 0));
}

/* The size. */

static void expect_size(const char *at, SIZE_T minimum, SIZE_T maximum, DWORD flags)
{
	SIZE_T min = 1, max = 1;
	DWORD now = 0xcc;

	EXPECT_OK(GetProcessWorkingSetSizeEx(self, &min, &max, &now));
	if (min != minimum || max != maximum || now != flags)
		check_failed(at, "%#lx, %#lx, %#x, not %#lx, %#lx, %#x", min, max, now, minimum,
			     maximum, flags);
	EXPECT_OK(GetProcessWorkingSetSize(self, &min, &max));
	if (min != minimum || max != maximum)
		check_failed(at, "without Ex it is %#lx, %#lx", min, max);
}

#define EXPECT_SIZE(minimum, maximum, flags) expect_size(HERE, minimum, maximum, flags)

TEST(L09_the_size_at_first)
{
	EXPECT_SIZE(204800, 1413120, 0xa);
}

static void size_put_back(void)
{
	EXPECT_OK(SetProcessWorkingSetSizeEx(self, 204800, 1413120, 0xa));
}

TEST(L11_a_size_is_kept)
{
	EXPECT_OK(SetProcessWorkingSetSize(self, 0x100000, 0x200000));
	EXPECT_SIZE(0x100000, 0x200000, 0xa);
	EXPECT_OK(SetProcessWorkingSetSize(self, 0x100000, 0x100000));
	EXPECT_SIZE(0x100000, 0x100000, 0xa);
	EXPECT_OK(SetProcessWorkingSetSize(self, 0x100fff, 0x200fff));
	EXPECT_SIZE(0x100000, 0x200000, 0xa);
	/* A minimum is 20 pages at least, and a maximum not less than that. */
	EXPECT_OK(SetProcessWorkingSetSize(self, 1, 100 * PAGE));
	EXPECT_SIZE(20 * PAGE, 100 * PAGE, 0xa);
	EXPECT_OK(SetProcessWorkingSetSize(self, PAGE, 13 * PAGE));
	EXPECT_SIZE(20 * PAGE, 20 * PAGE, 0xa);
	size_put_back();
}

TEST(L11_flags)
{
	EXPECT_OK(SetProcessWorkingSetSizeEx(self, 0x100000, 0x200000, 0x1));
	EXPECT_SIZE(0x100000, 0x200000, 0x9);
	EXPECT_OK(SetProcessWorkingSetSizeEx(self, 0x100000, 0x200000, 0x4));
	EXPECT_SIZE(0x100000, 0x200000, 0x5);
	EXPECT_OK(SetProcessWorkingSetSizeEx(self, 0x100000, 0x200000, 0));
	EXPECT_SIZE(0x100000, 0x200000, 0x5);
	EXPECT_OK(SetProcessWorkingSetSizeEx(self, 0x100000, 0x200000, 0xa));
	EXPECT_SIZE(0x100000, 0x200000, 0xa);
	size_put_back();
}

TEST(L11_sizes_that_are_refused)
{
	static const struct {
		SIZE_T minimum, maximum;
		DWORD flags;
	} rows[] = {
		{ 0x200000, 0x100000, 0 }, { 0, 0x100000, 0 }, { 0x100000, 0, 0 }, { 0, 0, 0 },
		{ -1, 0x100000, 0 }, { PAGE, 12 * PAGE, 0 },
		{ 0x100000, 0x200000, 0x3 }, { 0x100000, 0x200000, 0xc },
		{ 0x100000, 0x200000, 0x10 }, { 0x100000, 0x200000, 0x80000000 },
		{ -1, -1, 0x10 },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++)
		EXPECT_ERROR(ERROR_INVALID_PARAMETER,
			     SetProcessWorkingSetSizeEx(self, rows[i].minimum, rows[i].maximum,
							rows[i].flags));
	EXPECT_SIZE(204800, 1413120, 0xa);
}

TEST(L11_a_size_into_nowhere)
{
	SIZE_T size;
	DWORD flags;

	EXPECT_ERROR(ERROR_NOACCESS, GetProcessWorkingSetSize(self, NULL, &size));
	EXPECT_ERROR(ERROR_NOACCESS, GetProcessWorkingSetSize(self, &size, NULL));
	EXPECT_ERROR(ERROR_NOACCESS, GetProcessWorkingSetSizeEx(self, NULL, &size, &flags));
	EXPECT_ERROR(ERROR_NOACCESS, GetProcessWorkingSetSizeEx(self, &size, NULL, &flags));
	EXPECT_ERROR(ERROR_NOACCESS, GetProcessWorkingSetSizeEx(self, &size, &size, NULL));
}

/* What MADV_PAGEOUT takes is on the lists of the processor that touched it. */
static void stay_on_one_processor(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	EXPECT(!sched_setaffinity(0, sizeof(one), &one));
}

static unsigned long valid_pages(char *b, unsigned long nr)
{
	unsigned long valid = 0;

	for (unsigned long i = 0; i < nr; i++)
		valid += look(b + i * PAGE).Valid;
	return valid;
}

TEST(L11_empty_the_working_set)
{
	char *b;

	stay_on_one_processor();
	b = alloc(PAGES * PAGE, RW);
	fill(b, PAGES * PAGE, 7);
	EXPECT_EQ(PAGES, valid_pages(b, PAGES));
	EXPECT_OK(SetProcessWorkingSetSize(self, -1, -1));
	EXPECT_EQ(0, valid_pages(b, PAGES));
	EXPECT_SIZE(204800, 1413120, 0xa);
	expect_committed(b, b, RW, PAGES * PAGE, RW);
	EXPECT(filled(b, PAGES * PAGE, 7));
	EXPECT_EQ(PAGES, valid_pages(b, PAGES));
	release(b);
}

TEST(L11_emptying_takes_no_guard_and_writes_nothing)
{
	char *b = EXPECT_OK(VirtualAlloc(NULL, GRAN, RESERVE_COMMIT | MEM_WRITE_WATCH, RW));
	ULONG_PTR count = 16;
	DWORD granularity;
	PVOID list[16];

	fill(b, GRAN, 1);
	protect(b, PAGE, RW | PAGE_GUARD);
	EXPECT(!ResetWriteWatch(b, GRAN));
	EXPECT_OK(SetProcessWorkingSetSize(self, -1, -1));
	EXPECT(!GetWriteWatch(0, b, GRAN, list, &count, &granularity));
	EXPECT_EQ(0, count);
	EXPECT(!try_read(b));
	EXPECT(filled(b, GRAN, 1));
	release(b);
}
