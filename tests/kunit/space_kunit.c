// SPDX-License-Identifier: GPL-2.0-only
/* winmem_space: where reservations go, and the mappings under them. */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sizes.h>

#include "mapping.h"
#include "process.h"

#define GRANULE	WINMEM_GRANULE_PAGES
#define GIB	(SZ_1G >> PAGE_SHIFT)

/* Where nothing is: windows are placed below 3 TiB, programs' mappings far above. */
#define NOWHERE	(0x200000000000UL >> PAGE_SHIFT)

static bool is_whole(struct kunit *test, unsigned long start, unsigned long nr)
{
	struct winmem_space *space = space_of(test);
	bool exec, whole;

	mutex_lock(&space->mutex);
	whole = winmem_window_is_whole(current->mm, &space->backing, start, nr, &exec);
	mutex_unlock(&space->mutex);
	return whole;
}

static unsigned long map_foreign(unsigned long page, unsigned long nr, unsigned long flags)
{
	return vm_mmap(NULL, addr_of(page), addr_of(nr), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | flags, 0);
}

static void space_opened_twice_is_one(struct kunit *test)
{
	struct winmem_space *again = winmem_space_open();

	NEED(test, !IS_ERR(again));
	KUNIT_EXPECT_PTR_EQ(test, again, space_of(test));
	winmem_space_close(again);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, winmem_test_reserve(test, 0, 1));
}

static void space_of_another_process_is_another(struct kunit *test)
{
	struct winmem_process other = { };
	int ret = winmem_process_start(&other);

	if (!ret) {
		winmem_process_leave(process_of(test));
		winmem_process_enter(&other);
		other.space = winmem_space_open();
		KUNIT_EXPECT_PTR_NE(test, other.space, space_of(test));
		KUNIT_EXPECT_PTR_EQ(test, other.space->mm, other.mm);
		winmem_process_leave(&other);
		winmem_process_close(&other);
		winmem_process_enter(process_of(test));
	}
	KUNIT_EXPECT_EQ(test, ret, 0);
	winmem_process_kill(&other);
}

static void space_first_reservation_makes_a_window(struct kunit *test)
{
	struct winmem_region *one = winmem_test_reserve(test, 0, 1), *two;

	NEED(test, one);
	KUNIT_EXPECT_EQ(test, one->start % GRANULE, 0UL);
	KUNIT_EXPECT_GE(test, one->start, SZ_4G >> PAGE_SHIFT);
	KUNIT_EXPECT_EQ(test, space_of(test)->windows.kept_pages, GIB);
	KUNIT_EXPECT_TRUE(test, is_whole(test, one->start, GRANULE));

	two = winmem_test_reserve(test, 0, 3 * GRANULE + 1);
	NEED(test, two);
	KUNIT_EXPECT_EQ(test, two->start, one->start + GRANULE);
	KUNIT_EXPECT_EQ(test, space_of(test)->windows.kept_pages, GIB);
	KUNIT_EXPECT_EQ(test, space_of(test)->nr_regions, 2UL);

	/* It stays when it is empty, and its address space is used again. */
	winmem_test_release(test, two);
	winmem_test_release(test, one);
	KUNIT_EXPECT_EQ(test, space_of(test)->nr_regions, 0UL);
	KUNIT_EXPECT_EQ(test, space_of(test)->windows.kept_pages, GIB);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, winmem_test_reserve(test, 0, GIB));
	KUNIT_EXPECT_EQ(test, space_of(test)->windows.kept_pages, GIB);
}

/* A window with huge pages is for large reservations, and goes with the last of them. */
static void space_large_reservation_has_another_window(struct kunit *test)
{
	struct winmem_backing *backing = &space_of(test)->backing;
	struct winmem_region *one = winmem_test_reserve(test, 0, 1), *two, *three;
	unsigned long start;

	NEED(test, one);
	two = winmem_test_reserve_huge(test, 2 * WINMEM_CHUNK_PAGES);
	NEED(test, two);
	three = winmem_test_reserve_huge(test, 2 * WINMEM_CHUNK_PAGES - GRANULE);
	NEED(test, three);
	start = two->start;
	KUNIT_EXPECT_EQ(test, start % WINMEM_CHUNK_PAGES, 0UL);
	KUNIT_EXPECT_EQ(test, space_of(test)->windows.kept_pages, 2 * GIB);
	KUNIT_EXPECT_TRUE(test, winmem_backing_has_huge(backing, start, 1));
	KUNIT_EXPECT_FALSE(test, winmem_backing_has_huge(backing, one->start, 1));
	KUNIT_EXPECT_FALSE(test, winmem_backing_has_huge(backing, three->start, three->nr));
	KUNIT_EXPECT_TRUE(test, is_whole(test, start, GIB));

	winmem_test_release(test, two);
	KUNIT_EXPECT_FALSE(test, winmem_backing_has_huge(backing, start, GIB));
	KUNIT_EXPECT_FALSE(test, winmem_test_is_mapped(start));
	KUNIT_EXPECT_EQ(test, space_of(test)->windows.kept_pages, GIB);
}

static void space_windows_grow(struct kunit *test)
{
	NEED(test, winmem_test_reserve(test, 0, GIB));
	NEED(test, winmem_test_reserve(test, 0, 1));
	KUNIT_EXPECT_EQ(test, space_of(test)->windows.kept_pages, 2 * GIB);
	NEED(test, winmem_test_reserve(test, 0, GIB));
	KUNIT_EXPECT_EQ(test, space_of(test)->windows.kept_pages, 4 * GIB);
	NEED(test, winmem_test_reserve(test, 0, 100 * GIB));
	KUNIT_EXPECT_EQ(test, space_of(test)->windows.kept_pages, 104 * GIB);
}

static void space_top_down_is_high(struct kunit *test)
{
	struct winmem_bounds top_down = winmem_anywhere;
	struct winmem_region *low, *high, *next;

	top_down.high = true;
	low = winmem_test_reserve(test, 0, 1);
	NEED(test, low);
	NEED(test, !winmem_test_reserve_at(test, 0, 1, &top_down, &high));
	NEED(test, !winmem_test_reserve_at(test, 0, 1, &top_down, &next));
	KUNIT_EXPECT_GT(test, high->start, low->start);
	KUNIT_EXPECT_EQ(test, next->start, high->start - GRANULE);
	KUNIT_EXPECT_EQ(test, space_of(test)->windows.kept_pages, 2 * GIB);
}

static void space_bounds_hold(struct kunit *test)
{
	struct winmem_bounds bounds = {
		.start = NOWHERE, .end = NOWHERE + 2 * GRANULE, .align = GRANULE,
	};
	struct winmem_region *one, *two, *three;

	KUNIT_EXPECT_EQ(test, winmem_test_reserve_at(test, 0, 2 * GRANULE + 1, &bounds, &one), -ENOMEM);
	NEED(test, !winmem_test_reserve_at(test, 0, GRANULE, &bounds, &one));
	KUNIT_EXPECT_EQ(test, one->start, NOWHERE);
	bounds.high = true;
	NEED(test, !winmem_test_reserve_at(test, 0, 1, &bounds, &two));
	KUNIT_EXPECT_EQ(test, two->start, NOWHERE + GRANULE);
	KUNIT_EXPECT_EQ(test, winmem_test_reserve_at(test, 0, 1, &bounds, &three), -ENOMEM);
	KUNIT_EXPECT_EQ(test, space_of(test)->nr_regions, 2UL);
	KUNIT_EXPECT_EQ(test, space_of(test)->windows.kept_pages, 0UL);
}

static void space_alignment_holds(struct kunit *test)
{
	struct winmem_bounds bounds = winmem_anywhere;
	unsigned long align;

	for (align = GRANULE; align <= GIB; align <<= 2) {
		struct winmem_region *region;

		bounds.align = align;
		bounds.high = !bounds.high;
		NEED(test, !winmem_test_reserve_at(test, 0, 3, &bounds, &region));
		KUNIT_EXPECT_EQ(test, region->start & (align - 1), 0UL);
	}
}

static void space_taken_is_taken(struct kunit *test)
{
	struct winmem_region *one = winmem_test_reserve(test, NOWHERE, 3 * GRANULE), *two;

	NEED(test, one);
	KUNIT_EXPECT_EQ(test, winmem_test_reserve_at(test, NOWHERE, 1, &winmem_anywhere, &two), -EEXIST);
	KUNIT_EXPECT_EQ(test, winmem_test_reserve_at(test, NOWHERE + 2 * GRANULE, 2 * GRANULE,
						     &winmem_anywhere, &two), -EEXIST);
	KUNIT_EXPECT_EQ(test, winmem_test_reserve_at(test, NOWHERE - GRANULE, 2 * GRANULE,
						     &winmem_anywhere, &two), -EEXIST);
	KUNIT_EXPECT_EQ(test, space_of(test)->nr_regions, 1UL);
	KUNIT_EXPECT_FALSE(test, winmem_test_is_mapped(NOWHERE - 1));
	KUNIT_EXPECT_FALSE(test, winmem_test_is_mapped(NOWHERE + 3 * GRANULE));
	NEED(test, winmem_test_reserve(test, NOWHERE + 3 * GRANULE, 1));
	NEED(test, winmem_test_reserve(test, NOWHERE - GRANULE, GRANULE));
}

/* What somebody else has mapped is theirs. */
static void space_foreign_mapping_is_left_alone(struct kunit *test)
{
	struct winmem_region *region;
	u8 value = 0;

	NEED(test, map_foreign(NOWHERE + 20, 1, MAP_FIXED_NOREPLACE) == addr_of(NOWHERE + 20));
	KUNIT_EXPECT_EQ(test, winmem_test_store(NOWHERE + 20, 42), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_reserve_at(test, NOWHERE, 3 * GRANULE, &winmem_anywhere,
						     &region), -EEXIST);
	KUNIT_EXPECT_EQ(test, winmem_test_load(NOWHERE + 20, &value), 0);
	KUNIT_EXPECT_EQ(test, value, 42);
	KUNIT_EXPECT_FALSE(test, winmem_test_is_mapped(NOWHERE));
	KUNIT_EXPECT_EQ(test, winmem_mapping_kind(current->mm, &space_of(test)->backing,
						  NOWHERE + 20), WINMEM_MAPPING_PRIVATE);

	/* The last granule may be shared with it: the window ends with the pages. */
	region = winmem_test_reserve(test, NOWHERE, GRANULE + 4);
	NEED(test, region);
	KUNIT_EXPECT_TRUE(test, is_whole(test, NOWHERE, GRANULE + 4));
	KUNIT_EXPECT_FALSE(test, is_whole(test, NOWHERE, GRANULE + 5));
	winmem_test_release(test, region);
	KUNIT_EXPECT_FALSE(test, winmem_test_is_mapped(NOWHERE));
	KUNIT_EXPECT_TRUE(test, winmem_test_is_mapped(NOWHERE + 20));
}

static void space_own_window_goes_with_its_last_user(struct kunit *test)
{
	struct winmem_region *one = winmem_test_reserve(test, NOWHERE, 4 * GRANULE), *two;

	NEED(test, one);
	KUNIT_EXPECT_TRUE(test, is_whole(test, NOWHERE, 4 * GRANULE));
	KUNIT_EXPECT_EQ(test, space_of(test)->windows.kept_pages, 0UL);
	winmem_test_release(test, one);
	KUNIT_EXPECT_FALSE(test, winmem_test_is_mapped(NOWHERE));

	/* A reservation over the end of a kept window has one of each kind. */
	one = winmem_test_reserve(test, 0, GIB);
	NEED(test, one);
	NEED(test, !winmem_test_is_mapped(one->start + GIB));
	winmem_test_release(test, one);
	two = winmem_test_reserve(test, 0, 1);
	NEED(test, two);
	one = winmem_test_reserve(test, two->start + GIB - GRANULE, 2 * GRANULE);
	NEED(test, one);
	KUNIT_EXPECT_TRUE(test, is_whole(test, two->start, GIB + GRANULE));
	winmem_test_release(test, one);
	KUNIT_EXPECT_FALSE(test, winmem_test_is_mapped(two->start + GIB));
	KUNIT_EXPECT_TRUE(test, is_whole(test, two->start, GIB));
}

/* The program may unmap what it was never told of. It comes back when it is wanted. */
static void space_unmapped_part_is_repaired(struct kunit *test)
{
	struct winmem_region *one = winmem_test_reserve(test, 0, 1), *two;
	unsigned long hole;

	NEED(test, one);
	hole = one->start + GRANULE;
	NEED(test, !vm_munmap(addr_of(hole), addr_of(1)));
	KUNIT_EXPECT_FALSE(test, is_whole(test, one->start, GIB));
	two = winmem_test_reserve(test, 0, 1);
	NEED(test, two);
	KUNIT_EXPECT_EQ(test, two->start, hole);
	KUNIT_EXPECT_TRUE(test, is_whole(test, one->start, GIB));
	KUNIT_EXPECT_EQ(test, winmem_test_commit(test, two, hole, 1, WINMEM_PROT_READWRITE), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_store(hole, 1), 0);
	KUNIT_EXPECT_EQ(test, space_of(test)->windows.kept_pages, GIB);
}

/* What the program maps over a window is carved out of it. */
static void space_covered_part_is_carved_out(struct kunit *test)
{
	struct winmem_region *one = winmem_test_reserve(test, 0, 1), *two, *three;
	unsigned long cover;
	u8 value = 0;

	NEED(test, one);
	cover = one->start + GRANULE + 3;
	NEED(test, map_foreign(cover, 1, MAP_FIXED) == addr_of(cover));
	KUNIT_EXPECT_EQ(test, winmem_test_store(cover, 42), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_reserve_at(test, one->start + GRANULE, GRANULE,
						     &winmem_anywhere, &two), -EEXIST);
	two = winmem_test_reserve(test, 0, GRANULE);
	NEED(test, two);
	KUNIT_EXPECT_EQ(test, two->start, one->start + 2 * GRANULE);
	KUNIT_EXPECT_TRUE(test, is_whole(test, two->start, GRANULE));
	KUNIT_EXPECT_EQ(test, space_of(test)->windows.kept_pages, GIB - GRANULE);
	three = winmem_test_reserve(test, 0, GIB);
	NEED(test, three);
	KUNIT_EXPECT_TRUE(test, is_whole(test, three->start, GIB));
	KUNIT_EXPECT_EQ(test, winmem_test_load(cover, &value), 0);
	KUNIT_EXPECT_EQ(test, value, 42);
}

static void space_find_and_next(struct kunit *test)
{
	struct winmem_region *one = winmem_test_reserve(test, NOWHERE, GRANULE + 1);
	struct winmem_region *two = winmem_test_reserve(test, NOWHERE + 4 * GRANULE, 1);
	struct winmem_space *space = space_of(test);

	NEED(test, one && two);
	mutex_lock(&space->mutex);
	KUNIT_EXPECT_PTR_EQ(test, winmem_space_find(space, NOWHERE), one);
	KUNIT_EXPECT_PTR_EQ(test, winmem_space_find(space, NOWHERE + GRANULE), one);
	KUNIT_EXPECT_PTR_EQ(test, winmem_space_find(space, NOWHERE + GRANULE + 1), NULL);
	KUNIT_EXPECT_PTR_EQ(test, winmem_space_find(space, NOWHERE - 1), NULL);
	KUNIT_EXPECT_PTR_EQ(test, winmem_space_next(space, 0), one);
	KUNIT_EXPECT_PTR_EQ(test, winmem_space_next(space, NOWHERE), one);
	KUNIT_EXPECT_PTR_EQ(test, winmem_space_next(space, NOWHERE + 1), two);
	KUNIT_EXPECT_PTR_EQ(test, winmem_space_next(space, NOWHERE + GRANULE + 5), two);
	KUNIT_EXPECT_PTR_EQ(test, winmem_space_next(space, NOWHERE + 4 * GRANULE + 1), NULL);
	mutex_unlock(&space->mutex);
}

static struct kunit_case space_cases[] = {
	KUNIT_CASE(space_opened_twice_is_one),
	KUNIT_CASE(space_of_another_process_is_another),
	KUNIT_CASE(space_first_reservation_makes_a_window),
	KUNIT_CASE(space_large_reservation_has_another_window),
	KUNIT_CASE(space_windows_grow),
	KUNIT_CASE(space_top_down_is_high),
	KUNIT_CASE(space_bounds_hold),
	KUNIT_CASE(space_alignment_holds),
	KUNIT_CASE(space_taken_is_taken),
	KUNIT_CASE(space_foreign_mapping_is_left_alone),
	KUNIT_CASE(space_own_window_goes_with_its_last_user),
	KUNIT_CASE(space_unmapped_part_is_repaired),
	KUNIT_CASE(space_covered_part_is_carved_out),
	KUNIT_CASE(space_find_and_next),
	{}
};

static struct kunit_suite space_suite = {
	.name = "winmem_space",
	.init = winmem_process_init,
	.exit = winmem_process_exit,
	.test_cases = space_cases,
};
kunit_test_suite(space_suite);
