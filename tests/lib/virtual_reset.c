// SPDX-License-Identifier: GPL-2.0-only
/*
 * MEM_RESET and MEM_RESET_UNDO: rows VR01 to VR14. What memory pressure does to pages
 * that were reset is asked for with MADV_PAGEOUT, which reclaims a range at once.
 */
#define _GNU_SOURCE
#include "common.h"

#include <sched.h>
#include <sys/mman.h>

#define PAGES	64UL

static const DWORD resetting[] = { MEM_RESET, MEM_RESET_UNDO };

TEST(VR01_reset_keeps_protection_and_state)
{
	char *b = alloc(GRAN, RW);

	fill(b, GRAN, 1);
	EXPECT_EQ(b + PAGE, EXPECT_OK(VirtualAlloc(b + 0x1234, 1, MEM_RESET, NA)));
	expect_committed(b, b, RW, GRAN, RW);
	EXPECT_EQ(b, EXPECT_OK(VirtualAlloc(b, GRAN, MEM_RESET, NA)));
	expect_committed(b, b, RW, GRAN, RW);
	expect_access(b, "rw-");
	/* Old or zero, page by page. */
	for (char *p = b; p < b + GRAN; p += PAGE)
		EXPECT(filled(p, PAGE, 1) || zeroed(p, PAGE));
	release(b);
}

TEST(VR01_reset_leaves_its_neighbours)
{
	char *b = alloc(4 * PAGE, RW);

	fill(b, 4 * PAGE, 1);
	EXPECT_EQ(b + PAGE, EXPECT_OK(VirtualAlloc(b + 2 * PAGE - 1, 2, MEM_RESET, RW)));
	madvise(b, 4 * PAGE, MADV_PAGEOUT);
	EXPECT(filled(b, PAGE, 1));
	EXPECT(filled(b + 3 * PAGE, PAGE, 1));
	release(b);
}

TEST(VR01_reset_of_any_protection)
{
	static const DWORD prots[] = { NA, RO, RW, XR, RW | PAGE_GUARD, RW | PAGE_NOCACHE };

	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		char *b = alloc(GRAN, prots[i]);

		EXPECT_EQ(b, EXPECT_OK(VirtualAlloc(b, GRAN, MEM_RESET, NA)));
		expect_committed(b, b, prots[i], GRAN, prots[i]);
		EXPECT_EQ(b, EXPECT_OK(VirtualAlloc(b, GRAN, MEM_RESET_UNDO, NA)));
		expect_committed(b, b, prots[i], GRAN, prots[i]);
		release(b);
	}
}

TEST(VR02_reset_of_reserved_pages)
{
	char *b = reserve(GRAN);

	EXPECT_EQ(b, EXPECT_OK(VirtualAlloc(b, GRAN, MEM_RESET, RW)));
	expect_reserved(b, b, RW, GRAN);
	commit(b + 2 * PAGE, PAGE, RW);
	EXPECT_EQ(b, EXPECT_OK(VirtualAlloc(b, GRAN, MEM_RESET, RW)));
	expect_reserved(b, b, RW, 2 * PAGE);
	expect_committed(b + 2 * PAGE, b, RW, PAGE, RW);
	expect_reserved(b + 3 * PAGE, b, RW, GRAN - 3 * PAGE);
	release(b);
}

TEST(VR04_reset_past_the_allocation)
{
	char *base = free_place(3 * GRAN);
	char *a, *b;

	a = EXPECT_OK(VirtualAlloc(base, GRAN, RESERVE_COMMIT, RW));
	b = EXPECT_OK(VirtualAlloc(base + GRAN, GRAN, RESERVE_COMMIT, RW));
	fill(a, 2 * GRAN, 1);
	for (unsigned int i = 0; i < ARRAY_LEN(resetting); i++) {
		DWORD type = resetting[i];

		EXPECT_UNCHANGED(base, 3 * GRAN, ERROR_INVALID_ADDRESS,
				 VirtualAlloc(b, GRAN + 1, type, RW));
		EXPECT_UNCHANGED(base, 3 * GRAN, ERROR_INVALID_ADDRESS,
				 VirtualAlloc(a, 2 * GRAN, type, RW));
		EXPECT_UNCHANGED(base, 3 * GRAN, ERROR_INVALID_ADDRESS,
				 VirtualAlloc(b - 1, 2, type, RW));
		EXPECT_UNCHANGED(base, 3 * GRAN, ERROR_INVALID_ADDRESS,
				 VirtualAlloc(b + GRAN, PAGE, type, RW));
	}
	release(a);
	release(b);
}

/* Windows' own sources do not settle this one: a NULL has no pages to reset. */
TEST(VR04_reset_of_null)
{
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualAlloc(NULL, PAGE, MEM_RESET, RW));
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualAlloc(NULL, PAGE, MEM_RESET_UNDO, RW));
}

static void refuse(DWORD type, DWORD prot)
{
	char *b = alloc(GRAN, RW);

	fill(b, GRAN, 1);
	EXPECT_UNCHANGED(b, GRAN, ERROR_INVALID_PARAMETER, VirtualAlloc(b, GRAN, type, prot));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, GRAN, type, prot));
	release(b);
}

static void refuse_company(DWORD type)
{
	static const DWORD others[] = {
		MEM_RESERVE, MEM_COMMIT, RESERVE_COMMIT, MEM_TOP_DOWN, MEM_WRITE_WATCH,
		MEM_PHYSICAL, MEM_LARGE_PAGES, MEM_DECOMMIT, MEM_RELEASE,
	};

	for (unsigned int i = 0; i < ARRAY_LEN(others); i++)
		refuse(type | others[i], RW);
	refuse(MEM_RESET | MEM_RESET_UNDO, RW);
}

TEST(VR05_reset_goes_alone)
{
	refuse_company(MEM_RESET);
}

TEST(VR06_the_protection_must_be_one)
{
	static const DWORD prots[] = { 0, 6, RO | XR, 0x1004, NA | PAGE_GUARD };

	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		refuse(MEM_RESET, prots[i]);
		refuse(MEM_RESET_UNDO, prots[i]);
	}
}

TEST(VR08_reset_of_a_pagefile_view)
{
	char *view = map_shared(GRAN);

	fill(view, GRAN, 1);
	EXPECT_EQ(view + PAGE, EXPECT_OK(VirtualAlloc(view + 0x1800, PAGE, MEM_RESET, RW)));
	EXPECT_EQ(view, EXPECT_OK(VirtualAlloc(view, GRAN, MEM_RESET, RW)));
	EXPECT_EQ(MEM_COMMIT, query(view).State);
	for (char *p = view; p < view + GRAN; p += PAGE)
		EXPECT(filled(p, PAGE, 1) || zeroed(p, PAGE));
	munmap(view, GRAN);
}

TEST(VR09_reset_of_a_file_view)
{
	char *view = map_file(2 * PAGE, MAP_SHARED, PROT_READ);
	char *copy = map_file(2 * PAGE, MAP_PRIVATE, PROT_READ | PROT_WRITE);

	EXPECT_UNCHANGED(view, 2 * PAGE, ERROR_USER_MAPPED_FILE,
			 VirtualAlloc(view, PAGE, MEM_RESET, RW));
	EXPECT_UNCHANGED(copy, 2 * PAGE, ERROR_USER_MAPPED_FILE,
			 VirtualAlloc(copy, PAGE, MEM_RESET, RW));
	munmap(view, 2 * PAGE);
	munmap(copy, 2 * PAGE);
}

TEST(VR10_undo_in_time_keeps_everything)
{
	char *b = alloc(PAGES * PAGE, RW);

	fill(b, PAGES * PAGE, 1);
	EXPECT_OK(VirtualAlloc(b, PAGES * PAGE, MEM_RESET, RW));
	EXPECT_EQ(b, EXPECT_OK(VirtualAlloc(b, PAGES * PAGE, MEM_RESET_UNDO, RW)));
	EXPECT(filled(b, PAGES * PAGE, 1));

	/* It matters again: reclaim must not drop it now. */
	madvise(b, PAGES * PAGE, MADV_PAGEOUT);
	EXPECT(filled(b, PAGES * PAGE, 1));
	release(b);
}

/*
 * Fresh pages wait in a list of the CPU that made them before reclaim can see them, and
 * only that CPU's own list is emptied by madvise: so stay on one.
 */
static void stay_on_this_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void go_anywhere(void)
{
	cpu_set_t set;

	memset(&set, 0xff, sizeof(set));
	sched_setaffinity(0, sizeof(set), &set);
}

/* Reset pages are not mapped; MADV_PAGEOUT looks at mapped ones, and a read maps them. */
static void reclaim(char *p, size_t size)
{
	for (char *at = p; at < p + size; at += PAGE)
		EXPECT(try_read(at));
	if (madvise(p, size, MADV_PAGEOUT))
		check_failed(HERE, "MADV_PAGEOUT: %s", strerror(errno));
}

static unsigned int count_zero(const char *p, size_t size)
{
	unsigned int nr = 0;

	for (size_t at = 0; at < size; at += PAGE)
		nr += zeroed(p + at, PAGE);
	return nr;
}

TEST(VR11_undo_tells_that_pages_are_lost)
{
	char *b;

	stay_on_this_cpu();
	b = alloc(PAGES * PAGE, RW);
	fill(b, PAGES * PAGE, 1);
	EXPECT_OK(VirtualAlloc(b, PAGES * PAGE, MEM_RESET, RW));
	reclaim(b, PAGES * PAGE);
	EXPECT_ERROR(ERROR_BUSY, VirtualAlloc(b, PAGES * PAGE, MEM_RESET_UNDO, RW));

	/* Usable, and each page whole: what it was, or zero. */
	expect_committed(b, b, RW, PAGES * PAGE, RW);
	EXPECT(count_zero(b, PAGES * PAGE) > 0);
	for (char *p = b; p < b + PAGES * PAGE; p += PAGE)
		EXPECT(filled(p, PAGE, 1) || zeroed(p, PAGE));
	fill(b, PAGES * PAGE, 2);
	EXPECT(filled(b, PAGES * PAGE, 2));
	release(b);
	go_anywhere();
}

/* A look at the lost pages, which makes zero ones in their place, does not bring them back. */
TEST(VR11_undo_after_reading_the_lost_pages)
{
	char *b;

	stay_on_this_cpu();
	b = alloc(PAGES * PAGE, RW);
	fill(b, PAGES * PAGE, 1);
	EXPECT_OK(VirtualAlloc(b, PAGES * PAGE, MEM_RESET, RW));
	reclaim(b, PAGES * PAGE);
	EXPECT(count_zero(b, PAGES * PAGE) > 0);
	EXPECT_ERROR(ERROR_BUSY, VirtualAlloc(b, PAGES * PAGE, MEM_RESET_UNDO, RW));
	release(b);
	go_anywhere();
}

/* Windows leaves the result open. The memory is what it was either way. */
TEST(VR12_undo_without_reset_changes_nothing)
{
	char *b = alloc(GRAN, RW);
	struct snapshot *before;

	fill(b, GRAN, 1);
	before = snapshot_take(HERE, b, GRAN);
	VirtualAlloc(b, GRAN, MEM_RESET_UNDO, RW);
	snapshot_check(HERE, before);
	madvise(b, GRAN, MADV_PAGEOUT);
	EXPECT(filled(b, GRAN, 1));
	release(b);
}

TEST(VR13_undo_goes_alone)
{
	refuse_company(MEM_RESET_UNDO);
}

TEST(VR14_a_page_written_again_is_kept)
{
	char *b;

	stay_on_this_cpu();
	b = alloc(PAGES * PAGE, RW);
	fill(b, PAGES * PAGE, 1);
	EXPECT_OK(VirtualAlloc(b, PAGES * PAGE, MEM_RESET, RW));
	for (char *p = b; p < b + PAGES * PAGE; p += 2 * PAGE)
		fill(p, PAGE, 2);
	reclaim(b, PAGES * PAGE);
	for (char *p = b; p < b + PAGES * PAGE; p += 2 * PAGE)
		EXPECT(filled(p, PAGE, 2));
	/* The others were for reclaim to take: else nothing was tested here. */
	EXPECT(count_zero(b, PAGES * PAGE) > 0);
	release(b);
	go_anywhere();
}

/* One byte written takes the whole page out of the reset. */
TEST(VR14_the_rest_of_a_written_page_is_kept)
{
	char *b;

	stay_on_this_cpu();
	b = alloc(PAGES * PAGE, RW);
	fill(b, PAGES * PAGE, 1);
	EXPECT_OK(VirtualAlloc(b, PAGES * PAGE, MEM_RESET, RW));
	for (char *p = b; p < b + PAGES * PAGE; p += PAGE)
		EXPECT(try_write(p));
	reclaim(b, PAGES * PAGE);
	EXPECT(filled(b, PAGES * PAGE, 1));
	EXPECT_EQ(b, EXPECT_OK(VirtualAlloc(b, PAGES * PAGE, MEM_RESET_UNDO, RW)));
	release(b);
	go_anywhere();
}
