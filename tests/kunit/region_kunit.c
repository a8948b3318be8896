// SPDX-License-Identifier: GPL-2.0-only
/* winmem_region: commit, decommit, protect and query of one reservation on a real mm. */
#include <linux/limits.h>
#include <linux/mm.h>

#include "process.h"

#define RW	WINMEM_PROT_READWRITE
#define RO	WINMEM_PROT_READONLY
#define NR	1200UL	/* more than two chunks */

static unsigned long charged(struct kunit *test)
{
	return space_of(test)->charge.pages;
}

static void region_commit_counts_once(struct kunit *test)
{
	struct winmem_region *region = winmem_test_reserve(test, 0, NR);

	NEED(test, region);
	KUNIT_EXPECT_EQ(test, winmem_test_commit(test, region, region->start + 10, 100, RW), 0);
	KUNIT_EXPECT_EQ(test, charged(test), 100UL);
	KUNIT_EXPECT_EQ(test, region->committed, 100UL);
	KUNIT_EXPECT_EQ(test, winmem_test_commit(test, region, region->start, 200, RW), 0);
	KUNIT_EXPECT_EQ(test, charged(test), 200UL);
	KUNIT_EXPECT_EQ(test, region->committed, 200UL);
	KUNIT_EXPECT_EQ(test, winmem_charge_total(), process_of(test)->total + 200);
	KUNIT_EXPECT_EQ(test, winmem_test_commit(test, region, region->start, NR, RW), 0);
	KUNIT_EXPECT_EQ(test, charged(test), NR);
	winmem_test_release(test, region);
	KUNIT_EXPECT_EQ(test, charged(test), 0UL);
}

/* Committed again: the contents stay, the protection is the new one. */
static void region_commit_keeps_contents(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, 4, RW);
	u8 value = 0;

	NEED(test, region);
	KUNIT_EXPECT_EQ(test, winmem_test_store(region->start + 1, 42), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_commit(test, region, region->start, 4, RO), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_load(region->start + 1, &value), 0);
	KUNIT_EXPECT_EQ(test, value, 42);
	KUNIT_EXPECT_EQ(test, winmem_test_store(region->start + 1, 43), -EFAULT);
}

static void region_commit_past_the_limit(struct kunit *test)
{
	struct winmem_region *region = winmem_test_reserve(test, 0, NR);

	NEED(test, region);
	KUNIT_EXPECT_EQ(test, winmem_test_commit(test, region, region->start + 500, 100, RO), 0);
	space_of(test)->charge.limit = 300;
	KUNIT_EXPECT_EQ(test, winmem_test_commit(test, region, region->start + 400, 301, RW), -EDQUOT);
	KUNIT_EXPECT_EQ(test, charged(test), 100UL);
	KUNIT_EXPECT_EQ(test, region->committed, 100UL);
	KUNIT_EXPECT_EQ(test, winmem_test_state(test, region->start + 400), WINMEM_PAGE_NONE);
	KUNIT_EXPECT_EQ(test, winmem_test_state(test, region->start + 500), winmem_prot_to_page(RO));
	/* What is committed already costs nothing. */
	KUNIT_EXPECT_EQ(test, winmem_test_commit(test, region, region->start + 400, 300, RW), 0);
	KUNIT_EXPECT_EQ(test, charged(test), 300UL);
}

static void region_commit_new_past_the_limit(struct kunit *test)
{
	space_of(test)->charge.limit = NR - 1;
	KUNIT_EXPECT_PTR_EQ(test, winmem_test_commit_new(test, NR, RW), NULL);
	KUNIT_EXPECT_EQ(test, charged(test), 0UL);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, winmem_test_commit_new(test, NR - 1, RW));
}

static void region_decommit_gives_back(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, NR, RW);
	unsigned long page;

	NEED(test, region);
	for (page = region->start + 500; page < region->start + 530; page++)
		KUNIT_EXPECT_EQ(test, winmem_test_store(page, 1), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_decommit(test, region, region->start + 510, 10), 0);
	KUNIT_EXPECT_EQ(test, charged(test), NR - 10);
	KUNIT_EXPECT_EQ(test, region->committed, NR - 10);
	KUNIT_EXPECT_TRUE(test, winmem_test_is_present(test, region->start + 509));
	KUNIT_EXPECT_FALSE(test, winmem_test_is_present(test, region->start + 510));
	KUNIT_EXPECT_FALSE(test, winmem_test_is_present(test, region->start + 519));
	KUNIT_EXPECT_TRUE(test, winmem_test_is_present(test, region->start + 520));

	/* What is reserved only may be decommitted. */
	KUNIT_EXPECT_EQ(test, winmem_test_decommit(test, region, region->start, NR), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_decommit(test, region, region->start, NR), 0);
	KUNIT_EXPECT_EQ(test, charged(test), 0UL);
	KUNIT_EXPECT_EQ(test, region->committed, 0UL);
	KUNIT_EXPECT_EQ(test, winmem_test_state(test, region->start + 500), WINMEM_PAGE_NONE);
}

static void region_decommit_never_committed(struct kunit *test)
{
	struct winmem_region *region = winmem_test_reserve(test, 0, 1UL << 30);

	NEED(test, region);
	KUNIT_EXPECT_EQ(test, winmem_test_decommit(test, region, region->start, region->nr), 0);
	KUNIT_EXPECT_TRUE(test, xa_empty(&space_of(test)->pages.chunks));
}

static void region_protect_tells_the_first_page(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, NR, RW);
	u32 old = 0xcc;

	NEED(test, region);
	KUNIT_EXPECT_EQ(test, winmem_test_protect(test, region, region->start + 5, 5, RO, &old), 0);
	KUNIT_EXPECT_EQ(test, old, (u32)RW);
	KUNIT_EXPECT_EQ(test, winmem_test_protect(test, region, region->start + 9, 600,
						  RW | WINMEM_PROT_GUARD, &old), 0);
	KUNIT_EXPECT_EQ(test, old, (u32)RO);
	KUNIT_EXPECT_EQ(test, winmem_test_protect(test, region, region->start + 10, 1, RW, &old), 0);
	KUNIT_EXPECT_EQ(test, old, (u32)(RW | WINMEM_PROT_GUARD));
	KUNIT_EXPECT_EQ(test, charged(test), NR);
}

static void region_protect_all_or_nothing(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, NR, RW);
	u32 old = 0xcc;

	NEED(test, region);
	KUNIT_EXPECT_EQ(test, winmem_test_decommit(test, region, region->start + 700, 1), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_protect(test, region, region->start, NR, RO, &old), -ENXIO);
	KUNIT_EXPECT_EQ(test, old, 0xccU);
	KUNIT_EXPECT_EQ(test, winmem_test_state(test, region->start), winmem_prot_to_page(RW));
	KUNIT_EXPECT_EQ(test, winmem_test_state(test, region->start + 699), winmem_prot_to_page(RW));
	KUNIT_EXPECT_EQ(test, winmem_test_protect(test, region, region->start, 700, RO, NULL), 0);
}

static void expect_run(struct kunit *test, struct winmem_region *region, unsigned long offset,
		       unsigned long nr, u32 state, u32 prot)
{
	struct winmem_run run = winmem_test_query(test, region, region->start + offset);

	KUNIT_EXPECT_EQ(test, run.start, region->start + offset);
	KUNIT_EXPECT_EQ(test, run.nr, nr);
	KUNIT_EXPECT_EQ(test, run.alloc_start, region->start);
	KUNIT_EXPECT_EQ(test, run.alloc_prot, region->prot);
	KUNIT_EXPECT_EQ(test, run.state, state);
	KUNIT_EXPECT_EQ(test, run.prot, prot);
	KUNIT_EXPECT_EQ(test, run.type, (u32)WINMEM_TYPE_PRIVATE);
}

static void region_query_finds_runs(struct kunit *test)
{
	struct winmem_region *region = winmem_test_reserve(test, 0, NR);

	NEED(test, region);
	expect_run(test, region, 0, NR, WINMEM_STATE_RESERVE, 0);
	KUNIT_EXPECT_EQ(test, winmem_test_commit(test, region, region->start + 100, 1000, RW), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_protect(test, region, region->start + 600, 1, RO, NULL), 0);
	expect_run(test, region, 0, 100, WINMEM_STATE_RESERVE, 0);
	expect_run(test, region, 100, 500, WINMEM_STATE_COMMIT, RW);
	expect_run(test, region, 599, 1, WINMEM_STATE_COMMIT, RW);
	expect_run(test, region, 600, 1, WINMEM_STATE_COMMIT, RO);
	expect_run(test, region, 601, 499, WINMEM_STATE_COMMIT, RW);
	expect_run(test, region, 1100, NR - 1100, WINMEM_STATE_RESERVE, 0);
	expect_run(test, region, NR - 1, 1, WINMEM_STATE_RESERVE, 0);
}

/* Caching is the reservation's, and shows in what it commits. */
static void region_query_shows_caching(struct kunit *test)
{
	u32 prot = RW | WINMEM_PROT_NOCACHE;
	struct winmem_region *region = winmem_test_commit_new(test, 10, prot);

	NEED(test, region);
	expect_run(test, region, 0, 10, WINMEM_STATE_COMMIT, prot);
	KUNIT_EXPECT_EQ(test, winmem_test_protect(test, region, region->start, 1,
						  WINMEM_PROT_NOACCESS, NULL), 0);
	expect_run(test, region, 0, 1, WINMEM_STATE_COMMIT, WINMEM_PROT_NOACCESS);
	expect_run(test, region, 1, 9, WINMEM_STATE_COMMIT, prot);
}

/* The mapping has to follow first; till then nothing that can be seen has changed. */
static void region_exec_asks_for_mprotect(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, 10, RW);
	u32 rx = WINMEM_PROT_EXECUTE_READ, old = 0xcc;
	unsigned long page;

	NEED(test, region);
	page = region->start + 3;
	KUNIT_EXPECT_TRUE(test, winmem_pages_want_exec(&space_of(test)->pages, page, 2, false));
	KUNIT_EXPECT_EQ(test, winmem_test_protect(test, region, page, 2, rx, &old), -ENOEXEC);
	KUNIT_EXPECT_EQ(test, old, 0xccU);
	KUNIT_EXPECT_TRUE(test, winmem_pages_want_exec(&space_of(test)->pages, page, 2, true));
	expect_run(test, region, 0, 10, WINMEM_STATE_COMMIT, RW);
	KUNIT_EXPECT_EQ(test, winmem_test_store(page, 1), 0);

	/* Given up: what does not execute takes the wish back. */
	KUNIT_EXPECT_EQ(test, winmem_test_protect(test, region, page, 2, RW, NULL), 0);
	KUNIT_EXPECT_TRUE(test, winmem_pages_want_exec(&space_of(test)->pages, page, 2, false));
}

static void region_exec_commit_charges_nothing(struct kunit *test)
{
	struct winmem_region *region = winmem_test_reserve(test, 0, 100);

	NEED(test, region);
	KUNIT_EXPECT_EQ(test, winmem_test_commit(test, region, region->start, 50,
						 WINMEM_PROT_EXECUTE_READWRITE), -ENOEXEC);
	KUNIT_EXPECT_EQ(test, charged(test), 0UL);
	expect_run(test, region, 0, 100, WINMEM_STATE_RESERVE, 0);
	KUNIT_EXPECT_EQ(test, winmem_test_store(region->start, 1), -EFAULT);
	winmem_test_release(test, region);
	KUNIT_EXPECT_TRUE(test, winmem_test_has_no_states(test));
}

/* Two reservations in one chunk, and one of them goes. */
static void region_neighbours_in_a_chunk(struct kunit *test)
{
	struct winmem_region *one = winmem_test_commit_new(test, WINMEM_GRANULE_PAGES, RW);
	struct winmem_region *two = winmem_test_commit_new(test, WINMEM_GRANULE_PAGES, RO);
	unsigned long page;
	u8 value;

	NEED(test, one && two);
	NEED(test, two->start == one->start + WINMEM_GRANULE_PAGES);
	page = two->start;
	winmem_test_release(test, one);
	KUNIT_EXPECT_EQ(test, charged(test), WINMEM_GRANULE_PAGES);
	KUNIT_EXPECT_EQ(test, winmem_test_load(page, &value), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_load(page - 1, &value), -EFAULT);
	winmem_test_release(test, two);
	KUNIT_EXPECT_EQ(test, winmem_test_load(page, &value), -EFAULT);
	KUNIT_EXPECT_TRUE(test, winmem_test_has_no_states(test));
}

static struct kunit_case region_cases[] = {
	KUNIT_CASE(region_commit_counts_once),
	KUNIT_CASE(region_commit_keeps_contents),
	KUNIT_CASE(region_commit_past_the_limit),
	KUNIT_CASE(region_commit_new_past_the_limit),
	KUNIT_CASE(region_decommit_gives_back),
	KUNIT_CASE(region_decommit_never_committed),
	KUNIT_CASE(region_protect_tells_the_first_page),
	KUNIT_CASE(region_protect_all_or_nothing),
	KUNIT_CASE(region_query_finds_runs),
	KUNIT_CASE(region_query_shows_caching),
	KUNIT_CASE(region_exec_asks_for_mprotect),
	KUNIT_CASE(region_exec_commit_charges_nothing),
	KUNIT_CASE(region_neighbours_in_a_chunk),
	{}
};

static struct kunit_suite region_suite = {
	.name = "winmem_region",
	.init = winmem_process_init,
	.exit = winmem_process_exit,
	.test_cases = region_cases,
};
kunit_test_suite(region_suite);
