// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commit charge of one process and its limit. What concerns all processes
 * together needs root to set up: limit_root.c.
 */
#include "common.h"

static void check_charge(const char *at, unsigned long want)
{
	struct winmem_limit args = limit_at(at, 0, 0);

	if (args.out_charge != want)
		check_failed(at, "the charge is %#llx, not %#lx", args.out_charge, want);
	if (args.out_total_charge < args.out_charge)
		check_failed(at, "the total is less than a part of it");
}

#define EXPECT_CHARGE(bytes)	check_charge(HERE, bytes)

TEST(every_commit_is_charged_to_the_page)
{
	unsigned long base = reserve(2 * CHUNK);

	EXPECT_CHARGE(0);
	commit(base, PAGE, READWRITE);
	EXPECT_CHARGE(PAGE);
	commit(base + 2 * PAGE, 3 * PAGE, NOACCESS);
	EXPECT_CHARGE(4 * PAGE);
	/* Only pages that were not committed count. */
	commit(base, 8 * PAGE, READONLY);
	EXPECT_CHARGE(8 * PAGE);
	commit(base, 2 * CHUNK, READWRITE);
	EXPECT_CHARGE(2 * CHUNK);
	decommit(base + PAGE, CHUNK);
	EXPECT_CHARGE(CHUNK);
	decommit(base, CHUNK);
	EXPECT_CHARGE(CHUNK - PAGE);
	release(base);
	EXPECT_CHARGE(0);
}

TEST(reserve_with_COMMIT_is_charged)
{
	unsigned long base = reserve_commit(GRAN + PAGE, READWRITE);

	EXPECT_CHARGE(GRAN + PAGE);
	release(base);
	EXPECT_CHARGE(0);
}

TEST(nothing_else_is_charged)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	fill(base, GRAN, 1);
	protect(base, GRAN, READONLY);
	protect(base, GRAN, NOACCESS);
	protect(base, GRAN, READWRITE | GUARD);
	EXPECT(!try_read(base));
	reset(base, GRAN);
	query(base);
	reserve(TIB);
	EXPECT_CHARGE(GRAN);
}

TEST(the_total_follows)
{
	unsigned long before = limit_at(HERE, 0, 0).out_total_charge;
	unsigned long base = reserve_commit(64 * GRAN, READWRITE);

	EXPECT_EQ(before + 64 * GRAN, limit_at(HERE, 0, 0).out_total_charge);
	decommit(base, GRAN);
	EXPECT_EQ(before + 63 * GRAN, limit_at(HERE, 0, 0).out_total_charge);
	release(base);
	EXPECT_EQ(before, limit_at(HERE, 0, 0).out_total_charge);
}

TEST(VA04_all_or_nothing_at_the_limit)
{
	unsigned long base = reserve(4 * CHUNK);
	struct winmem_commit args = commit_args(base, 17 * PAGE, READWRITE);

	watch(base, 4 * CHUNK);
	limit_set(16 * PAGE);
	REFUSED(EDQUOT, WINMEM_IOC_COMMIT, &args);
	args.length = 3 * CHUNK;
	REFUSED(EDQUOT, WINMEM_IOC_COMMIT, &args);
	commit(base, 15 * PAGE, READWRITE);
	args = commit_args(base + 15 * PAGE, 2 * PAGE, READWRITE);
	REFUSED(EDQUOT, WINMEM_IOC_COMMIT, &args);
	commit(base + 15 * PAGE, PAGE, READWRITE);
	args = commit_args(base + 16 * PAGE, PAGE, READWRITE);
	REFUSED(EDQUOT, WINMEM_IOC_COMMIT, &args);
	EXPECT_CHARGE(16 * PAGE);
	limit_set(~0UL);
	commit(base, 4 * CHUNK, READWRITE);
}

TEST(at_the_limit_what_costs_nothing_still_works)
{
	unsigned long base = reserve(GRAN);
	unsigned long other;

	commit(base, 4 * PAGE, READWRITE);
	limit_set(4 * PAGE);
	commit(base, 4 * PAGE, READONLY);
	protect(base, 4 * PAGE, READWRITE);
	fill(base, 4 * PAGE, 1);
	other = reserve(GRAN);
	decommit(base, PAGE);
	commit(other, PAGE, READWRITE);
	EXPECT_ERRNO(EDQUOT, raw_commit(base, PAGE, READWRITE));
	release(other);
	commit(base, PAGE, READWRITE);
	EXPECT(zeroed(base, PAGE));
	limit_set(~0UL);
}

/* The page that makes it too much lies in the middle of what is committed already. */
TEST(only_fresh_pages_are_held_against_the_limit)
{
	unsigned long base = reserve(GRAN);
	struct winmem_commit args = commit_args(base, 8 * PAGE, READONLY);

	commit(base, 4 * PAGE, READWRITE);
	commit(base + 5 * PAGE, 3 * PAGE, READWRITE);
	fill(base, 4 * PAGE, 2);
	limit_set(7 * PAGE);
	watch(base, GRAN);
	REFUSED(EDQUOT, WINMEM_IOC_COMMIT, &args);
	limit_set(8 * PAGE);
	commit(base, 8 * PAGE, READONLY);
	EXPECT(filled(base, 4 * PAGE, 2));
	limit_set(~0UL);
}

TEST(a_limit_below_the_charge_refuses_further_commits_only)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	unsigned long other = reserve(GRAN);

	EXPECT_EQ(PAGE, limit_set(PAGE).out_limit);
	EXPECT_CHARGE(GRAN);
	fill(base, GRAN, 3);
	EXPECT_ERRNO(EDQUOT, raw_commit(other, PAGE, READWRITE));
	decommit(base, GRAN - PAGE);
	EXPECT_ERRNO(EDQUOT, raw_commit(other, PAGE, READWRITE));
	decommit(base, GRAN);
	commit(other, PAGE, READWRITE);
	limit_set(~0UL);
}

TEST(a_limit_of_zero)
{
	unsigned long base = reserve(GRAN);

	EXPECT_EQ(0, limit_set(0).out_limit);
	EXPECT_ERRNO(EDQUOT, raw_commit(base, PAGE, READWRITE));
	limit_set(~0UL);
	commit(base, PAGE, READWRITE);
}

TEST(asking_does_not_set)
{
	struct winmem_limit args = limit_args(0, PAGE);

	EXPECT_EQ(GIB, limit_set(GIB).out_limit);
	watch(0, 0);
	REFUSED(EINVAL, WINMEM_IOC_LIMIT, &args);
	EXPECT_EQ(GIB, limit_at(HERE, 0, 0).out_limit);
	EXPECT_EQ(~0UL, limit_set(~0UL).out_limit);
}

TEST(VA04_more_than_all_memory_is_EDQUOT)
{
	unsigned long total = limit_at(HERE, 0, 0).out_total_limit;
	unsigned long base = reserve(TIB);
	struct winmem_commit args = commit_args(base, (total + 2 * PAGE) & -PAGE, READWRITE);

	EXPECT(total > 64 * CHUNK);
	EXPECT(total < TIB / 2);
	watch(base, GRAN);
	REFUSED(EDQUOT, WINMEM_IOC_COMMIT, &args);
	args.length = TIB;
	REFUSED(EDQUOT, WINMEM_IOC_COMMIT, &args);
	/* Most of it can be had: a commit is not memory yet. */
	commit(base, total / 2 & -PAGE, READWRITE);
	release(base);
	EXPECT_CHARGE(0);
}

TEST(many_commits_until_the_limit_and_back)
{
	unsigned long base = reserve(TIB);
	unsigned long done = 0;

	while (!raw_commit(base + done, 16 * CHUNK, READWRITE))
		done += 16 * CHUNK;
	EXPECT_EQ(EDQUOT, errno);
	EXPECT_CHARGE(done);
	EXPECT(done > 32 * CHUNK);
	while (done) {
		done -= 16 * CHUNK;
		decommit(base + done, 16 * CHUNK);
	}
	EXPECT_CHARGE(0);
	EXPECT_RESERVED(base, TIB);
}

static void child_has_its_own(void *arg)
{
	unsigned long base;

	(void)arg;
	dev = OPEN_DEVICE();
	EXPECT_EQ(0, limit_at(HERE, 0, 0).out_charge);
	EXPECT_EQ(~0UL, limit_at(HERE, 0, 0).out_limit);
	EXPECT(limit_at(HERE, 0, 0).out_total_charge >= GRAN);
	base = reserve(GRAN);
	commit(base, GRAN, READWRITE);
	limit_set(PAGE);
}

TEST(a_child_has_a_charge_and_a_limit_of_its_own)
{
	unsigned long before;

	reserve_commit(GRAN, READWRITE);
	limit_set(GRAN);
	before = limit_at(HERE, 0, 0).out_total_charge;
	IN_CHILD(child_has_its_own, NULL);
	/* What it had committed went with it. */
	EVENTUALLY(limit_at(HERE, 0, 0).out_total_charge == before);
	EXPECT_CHARGE(GRAN);
	EXPECT_EQ(GRAN, limit_at(HERE, 0, 0).out_limit);
	limit_set(~0UL);
}
