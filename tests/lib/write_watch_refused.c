// SPDX-License-Identifier: GPL-2.0-only
/*
 * GetWriteWatch and ResetWriteWatch: words that are refused, in which order they are looked
 * at, and that nothing is written or reset then. Rows W18 to W23.
 */
#include "write_watch.h"

#include <sys/mman.h>

/* A call that must fail; all that it could have written is as it was. */
static void refuse(const char *at, DWORD error, DWORD flags, void *base, SIZE_T size,
		   ULONG_PTR count)
{
	PVOID list[PAGES];
	ULONG_PTR told = count;
	DWORD granularity = 0x55555555;
	UINT result;

	memset(list, 0xcc, sizeof(list));
	call_begin();
	result = GetWriteWatch(flags, base, size, list, &told, &granularity);
	call_failed(at, "GetWriteWatch", error, result != WATCH_FAILED);
	if (told != count || granularity != 0x55555555 || list[0] != (PVOID)0xccccccccccccccccUL)
		check_failed(at, "outputs were written");
}

/* The same of both. */
static void refuse_range(const char *at, void *base, SIZE_T size)
{
	UINT result;

	refuse(at, ERROR_INVALID_PARAMETER, 0, base, size, PAGES);
	refuse(at, ERROR_INVALID_PARAMETER, WRITE_WATCH_FLAG_RESET, base, size, PAGES);
	call_begin();
	result = ResetWriteWatch(base, size);
	call_failed(at, "ResetWriteWatch", ERROR_INVALID_PARAMETER, result != WATCH_FAILED);
}

#define REFUSE(error, flags, base, size, count) refuse(HERE, error, flags, base, size, count)
#define REFUSE_RANGE(base, size)	refuse_range(HERE, base, size)

TEST(W18_memory_that_is_not_watched)
{
	char *plain = alloc(GRAN, RW), *view = map_shared(PAGE);

	plain[0] = 1;
	REFUSE_RANGE(NULL, PAGE);
	REFUSE_RANGE(plain, PAGE);
	REFUSE_RANGE(view, PAGE);
	REFUSE_RANGE((void *)refuse_range, 1);
	REFUSE_RANGE(free_place(GRAN), PAGE);
	REFUSE_RANGE(KERNEL_ADDR, PAGE);
	REFUSE_RANGE((void *)(HIGHEST + 1), PAGE);
	munmap(view, PAGE);
	release(plain);
}

TEST(W18_released_memory)
{
	char *b = watched(PAGES * PAGE, RW);

	b[0] = 1;
	release(b);
	REFUSE_RANGE(b, PAGE);
}

TEST(W19_sizes)
{
	char *b = watched(PAGES * PAGE, RW);

	fill(b, PAGES * PAGE, 1);
	REFUSE_RANGE(b, 0);
	REFUSE_RANGE(b + PAGE, 0);
	REFUSE_RANGE(b, PAGES * PAGE + 1);
	REFUSE_RANGE(b + 3 * PAGE + 1, 13 * PAGE);
	REFUSE_RANGE(b - 1, PAGE);
	REFUSE_RANGE(b, ~0UL);
	REFUSE_RANGE(b, ~0UL - (uintptr_t)b + 1);
	EXPECT_EQ(0xffff, written(b));
	release(b);
}

/* The end is the reservation's own, not that of its last 64 KiB. */
TEST(W19_past_a_reservation_of_odd_size)
{
	char *b = watched(5 * PAGE, RW);
	PVOID list[PAGES];

	fill(b, 5 * PAGE, 1);
	REFUSE_RANGE(b, 5 * PAGE + 1);
	EXPECT_EQ(5, watch_get(0, b, 5 * PAGE, list, PAGES));
	release(b);
}

TEST(W19_two_watched_neighbours)
{
	char *both = free_place(2 * GRAN);
	char *b = EXPECT_OK(VirtualAlloc(both, GRAN, RESERVE_COMMIT | MEM_WRITE_WATCH, RW));
	char *c = EXPECT_OK(VirtualAlloc(both + GRAN, GRAN, RESERVE_COMMIT | MEM_WRITE_WATCH, RW));

	fill(b, 2 * GRAN, 1);
	REFUSE_RANGE(b, 2 * GRAN);
	REFUSE_RANGE(b + GRAN - 1, 2);
	EXPECT_EQ(0xffff, written(b));
	EXPECT_EQ(0xffff, written(c));
	release(b);
	release(c);
}

TEST(W20_no_room)
{
	char *b = watched(PAGES * PAGE, RW);
	ULONG_PTR count = 0;
	DWORD granularity = 0x55555555;

	b[0] = 1;
	REFUSE(ERROR_INVALID_PARAMETER, 0, b, PAGE, 0);
	REFUSE(ERROR_INVALID_PARAMETER, WRITE_WATCH_FLAG_RESET, b, PAGE, 0);
	/* It beats the list that is not there. */
	EXPECT_REFUSED(ERROR_INVALID_PARAMETER,
		       GetWriteWatch(0, b, PAGE, NULL, &count, &granularity));
	EXPECT_EQ(0, count);
	EXPECT_EQ(0x55555555, granularity);
	EXPECT_EQ(1, written(b));
	release(b);
}

TEST(W22_null_pointers)
{
	char *b = watched(PAGES * PAGE, RW);
	PVOID list[PAGES] = { NULL };
	ULONG_PTR count = PAGES;
	DWORD granularity = 0x55555555;

	b[0] = 1;
	EXPECT_REFUSED(ERROR_NOACCESS, GetWriteWatch(1, b, PAGE, list, NULL, &granularity));
	EXPECT_REFUSED(ERROR_NOACCESS, GetWriteWatch(1, b, PAGE, list, &count, NULL));
	EXPECT_REFUSED(ERROR_NOACCESS, GetWriteWatch(1, b, PAGE, NULL, &count, &granularity));
	EXPECT_EQ(PAGES, count);
	EXPECT_EQ(0x55555555, granularity);
	EXPECT_EQ(NULL, list[0]);
	EXPECT_EQ(1, written(b));
	release(b);
}

/* Missing variables beat a bad range, and that beats a missing list. */
TEST(W22_the_order_of_checks)
{
	PVOID list[PAGES];
	ULONG_PTR count = PAGES, none = 0;
	DWORD granularity;

	EXPECT_REFUSED(ERROR_NOACCESS, GetWriteWatch(~0U, NULL, 0, NULL, NULL, &granularity));
	EXPECT_REFUSED(ERROR_NOACCESS, GetWriteWatch(~0U, NULL, 0, list, &none, NULL));
	EXPECT_REFUSED(ERROR_INVALID_PARAMETER,
		       GetWriteWatch(0, NULL, 0, NULL, &count, &granularity));
	EXPECT_REFUSED(ERROR_INVALID_PARAMETER,
		       GetWriteWatch(2, NULL, PAGE, NULL, &count, &granularity));
	EXPECT_REFUSED(ERROR_NOACCESS, GetWriteWatch(0, NULL, PAGE, NULL, &count, &granularity));
}

/* The first address fits, the second does not: told of and reset is neither. */
TEST(W22_a_list_that_cannot_be_written)
{
	char *b = watched(PAGES * PAGE, RW), *r = reserve(GRAN);
	ULONG_PTR count = PAGES;
	DWORD granularity;

	commit(r, PAGE, RW);
	b[0] = 1;
	b[PAGE] = 1;
	EXPECT_REFUSED(ERROR_NOACCESS,
		       GetWriteWatch(WRITE_WATCH_FLAG_RESET, b, PAGES * PAGE,
				     (PVOID *)(r + PAGE - 8), &count, &granularity));
	EXPECT_EQ(PAGES, count);
	EXPECT_EQ(3, written(b));
	release(r);
	release(b);
}

TEST(W18_unknown_flags)
{
	char *b = watched(PAGES * PAGE, RW);

	b[0] = 1;
	for (unsigned int bit = 1; bit < 32; bit++)
		REFUSE(ERROR_INVALID_PARAMETER, 1U << bit | 1, b, PAGE, PAGES);
	EXPECT_EQ(1, written(b));
	release(b);
}
