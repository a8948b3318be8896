// SPDX-License-Identifier: GPL-2.0-only
/*
 * winmem_reset: MEM_RESET and its undo. Reclaim is played by invalidate_mapping_pages(),
 * which drops what is clean, unmapped and held by nobody, and nothing else.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/sched.h>

#include "process.h"

#define RW	WINMEM_PROT_READWRITE
#define NR	20UL

/* A new page waits in its CPU's batch for the LRU, and is held by that. */
static void drain_batches(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		unsigned long addr;

		set_cpus_allowed_ptr(current, cpumask_of(cpu));
		addr = vm_mmap(NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, 0);
		if (!IS_ERR_VALUE(addr))
			vm_munmap(addr, PAGE_SIZE);
	}
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

/* Reclaim a page if it can be; true when it is gone. */
static bool reclaim(struct kunit *test, unsigned long page)
{
	struct winmem_store *store = winmem_backing_store(&space_of(test)->backing, page);
	struct address_space *mapping = winmem_store_mapping(store);
	pgoff_t index = winmem_store_index(store, page);
	int tries;

	for (tries = 0; tries < 10 && winmem_test_is_present(test, page); tries++) {
		drain_batches();
		invalidate_mapping_pages(mapping, index, index);
	}
	return !winmem_test_is_present(test, page);
}

static bool is_reset(struct kunit *test, unsigned long page)
{
	return winmem_test_state(test, page) & WINMEM_PAGE_RESET;
}

static bool is_lost(struct kunit *test, unsigned long page)
{
	return winmem_test_state(test, page) & WINMEM_PAGE_LOST;
}

/* A reservation with 42 in every page; its first page. */
static struct winmem_region *make_pages(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, NR, RW);
	unsigned long i;

	for (i = 0; region && i < NR; i++)
		KUNIT_EXPECT_EQ(test, winmem_test_store(region->start + i, 42), 0);
	return region;
}

static void expect_value(struct kunit *test, unsigned long page, u8 wanted)
{
	u8 value = 0xcc;

	KUNIT_EXPECT_EQ(test, winmem_test_load(page, &value), 0);
	KUNIT_EXPECT_EQ(test, value, wanted);
}

static void reset_pages_can_be_reclaimed(struct kunit *test)
{
	struct winmem_region *region = make_pages(test);

	NEED(test, region);
	KUNIT_EXPECT_FALSE(test, reclaim(test, region->start));
	KUNIT_EXPECT_EQ(test, winmem_test_reset(test, region, region->start + 1, 3), 0);
	KUNIT_EXPECT_FALSE(test, is_reset(test, region->start));
	KUNIT_EXPECT_TRUE(test, is_reset(test, region->start + 1));
	KUNIT_EXPECT_TRUE(test, is_reset(test, region->start + 3));
	KUNIT_EXPECT_FALSE(test, is_reset(test, region->start + 4));

	KUNIT_EXPECT_TRUE(test, reclaim(test, region->start + 1));
	KUNIT_EXPECT_TRUE(test, reclaim(test, region->start + 3));
	KUNIT_EXPECT_FALSE(test, reclaim(test, region->start));
	KUNIT_EXPECT_FALSE(test, reclaim(test, region->start + 4));
	KUNIT_EXPECT_EQ(test, region->committed, NR);
}

static void reset_page_written_again_matters(struct kunit *test)
{
	struct winmem_region *region = make_pages(test);

	NEED(test, region);
	KUNIT_EXPECT_EQ(test, winmem_test_reset(test, region, region->start, NR), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_store(region->start, 43), 0);
	KUNIT_EXPECT_FALSE(test, is_reset(test, region->start));
	KUNIT_EXPECT_FALSE(test, reclaim(test, region->start));
	expect_value(test, region->start, 43);
}

/* Read first, then written: the write comes by page_mkwrite. */
static void reset_page_read_then_written(struct kunit *test)
{
	struct winmem_region *region = make_pages(test);

	NEED(test, region);
	KUNIT_EXPECT_EQ(test, winmem_test_reset(test, region, region->start, 1), 0);
	expect_value(test, region->start, 42);
	KUNIT_EXPECT_TRUE(test, is_reset(test, region->start));
	KUNIT_EXPECT_EQ(test, winmem_test_store(region->start, 43), 0);
	KUNIT_EXPECT_FALSE(test, is_reset(test, region->start));
	KUNIT_EXPECT_FALSE(test, reclaim(test, region->start));
	expect_value(test, region->start, 43);
}

static void reset_undo_in_time(struct kunit *test)
{
	struct winmem_region *region = make_pages(test);
	unsigned long i;

	NEED(test, region);
	KUNIT_EXPECT_EQ(test, winmem_test_reset(test, region, region->start, NR), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_reset_undo(test, region, region->start, NR), 0);
	for (i = 0; i < NR; i++) {
		KUNIT_EXPECT_EQ(test, winmem_test_state(test, region->start + i),
				winmem_prot_to_page(RW));
		KUNIT_EXPECT_FALSE(test, reclaim(test, region->start + i));
		expect_value(test, region->start + i, 42);
	}
}

static void reset_undo_too_late(struct kunit *test)
{
	struct winmem_region *region = make_pages(test);

	NEED(test, region);
	KUNIT_EXPECT_EQ(test, winmem_test_reset(test, region, region->start, NR), 0);
	NEED(test, reclaim(test, region->start + 7));
	KUNIT_EXPECT_EQ(test, winmem_test_reset_undo(test, region, region->start, NR), -ENODATA);
	KUNIT_EXPECT_FALSE(test, is_reset(test, region->start + 7));
	expect_value(test, region->start + 6, 42);
	expect_value(test, region->start + 7, 0);
	KUNIT_EXPECT_EQ(test, winmem_test_reset_undo(test, region, region->start, NR), 0);
}

/* The loss is remembered when the program has touched the page since. */
static void reset_lost_page_touched(struct kunit *test)
{
	struct winmem_region *region = make_pages(test);

	NEED(test, region);
	KUNIT_EXPECT_EQ(test, winmem_test_reset(test, region, region->start, 2), 0);
	NEED(test, reclaim(test, region->start));
	NEED(test, reclaim(test, region->start + 1));
	expect_value(test, region->start, 0);
	KUNIT_EXPECT_EQ(test, winmem_test_store(region->start + 1, 1), 0);
	KUNIT_EXPECT_TRUE(test, is_lost(test, region->start));
	KUNIT_EXPECT_TRUE(test, is_lost(test, region->start + 1));

	KUNIT_EXPECT_EQ(test, winmem_test_reset_undo(test, region, region->start, 1), -ENODATA);
	KUNIT_EXPECT_EQ(test, winmem_test_reset_undo(test, region, region->start + 1, 1), -ENODATA);
	KUNIT_EXPECT_FALSE(test, is_lost(test, region->start));
	KUNIT_EXPECT_EQ(test, winmem_test_reset_undo(test, region, region->start, 2), 0);
	expect_value(test, region->start + 1, 1);
}

/* Nothing to lose, nothing to note; and no chunk gets an array for it. */
static void reset_untouched_pages(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, 2 * WINMEM_CHUNK_PAGES, RW);
	unsigned long page;

	NEED(test, region);
	page = round_up(region->start, WINMEM_CHUNK_PAGES);
	KUNIT_EXPECT_EQ(test, winmem_test_reset(test, region, region->start, region->nr), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_state(test, page), winmem_prot_to_page(RW));
	KUNIT_EXPECT_FALSE(test, winmem_pages_is_single(&space_of(test)->pages, page));
	KUNIT_EXPECT_EQ(test, winmem_test_reset_undo(test, region, region->start, region->nr), 0);
}

static void reset_of_reserved_pages(struct kunit *test)
{
	struct winmem_region *region = winmem_test_reserve(test, 0, NR);

	NEED(test, region);
	KUNIT_EXPECT_EQ(test, winmem_test_reset(test, region, region->start, NR), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_reset_undo(test, region, region->start, NR), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_state(test, region->start), WINMEM_PAGE_NONE);
}

/* A second reset forgets nothing of what the first one lost. */
static void reset_twice(struct kunit *test)
{
	struct winmem_region *region = make_pages(test);

	NEED(test, region);
	KUNIT_EXPECT_EQ(test, winmem_test_reset(test, region, region->start, 2), 0);
	NEED(test, reclaim(test, region->start));
	KUNIT_EXPECT_EQ(test, winmem_test_reset(test, region, region->start, 2), 0);
	KUNIT_EXPECT_TRUE(test, is_reset(test, region->start));
	KUNIT_EXPECT_TRUE(test, is_reset(test, region->start + 1));
	KUNIT_EXPECT_EQ(test, winmem_test_reset_undo(test, region, region->start, 2), -ENODATA);
	expect_value(test, region->start + 1, 42);
}

static void reset_then_protect_and_decommit(struct kunit *test)
{
	struct winmem_region *region = make_pages(test);

	NEED(test, region);
	KUNIT_EXPECT_EQ(test, winmem_test_reset(test, region, region->start, NR), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_protect(test, region, region->start, 2,
						  WINMEM_PROT_READONLY, NULL), 0);
	KUNIT_EXPECT_TRUE(test, is_reset(test, region->start));
	KUNIT_EXPECT_EQ(test, winmem_test_store(region->start, 1), -EFAULT);
	KUNIT_EXPECT_TRUE(test, is_reset(test, region->start));

	KUNIT_EXPECT_EQ(test, winmem_test_decommit(test, region, region->start, NR), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_state(test, region->start), WINMEM_PAGE_NONE);
	KUNIT_EXPECT_EQ(test, winmem_test_commit(test, region, region->start, NR, RW), 0);
	KUNIT_EXPECT_FALSE(test, is_reset(test, region->start));
	expect_value(test, region->start, 0);
}

static struct kunit_case reset_cases[] = {
	KUNIT_CASE(reset_pages_can_be_reclaimed),
	KUNIT_CASE(reset_page_written_again_matters),
	KUNIT_CASE(reset_page_read_then_written),
	KUNIT_CASE(reset_undo_in_time),
	KUNIT_CASE(reset_undo_too_late),
	KUNIT_CASE(reset_lost_page_touched),
	KUNIT_CASE(reset_untouched_pages),
	KUNIT_CASE(reset_of_reserved_pages),
	KUNIT_CASE(reset_twice),
	KUNIT_CASE(reset_then_protect_and_decommit),
	{}
};

static struct kunit_suite reset_suite = {
	.name = "winmem_reset",
	.init = winmem_process_init,
	.exit = winmem_process_exit,
	.test_cases = reset_cases,
};
kunit_test_suite(reset_suite);
