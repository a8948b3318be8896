// SPDX-License-Identifier: GPL-2.0-only
/* VirtualAlloc: committing what is reserved, and what it does to pages. Rows VA18 to VA27. */
#include "common.h"

TEST(VA18_commit_at_null_reserves_too)
{
	char *p = EXPECT_OK(VirtualAlloc(NULL, 0x3001, MEM_COMMIT, RO));

	EXPECT_EQ(0, (unsigned long)p % GRAN);
	expect_committed(p, p, RO, 0x4000, RO);
	expect_access(p, "r--");
	EXPECT(zeroed(p, 0x4000));
	release(p);
	expect_free(p);
}

TEST(VA19_commit_of_free_memory)
{
	char *b = free_place(2 * GRAN);

	EXPECT_UNCHANGED(b, 2 * GRAN, ERROR_INVALID_ADDRESS, VirtualAlloc(b, PAGE, MEM_COMMIT, RW));
	EXPECT_UNCHANGED(b, 2 * GRAN, ERROR_INVALID_ADDRESS,
			 VirtualAlloc(b + 0x3456, 1, MEM_COMMIT, RW));
}

/* The reservation begins behind the first page of the range, or in front of it. */
TEST(VA19_commit_that_is_half_in_free_memory)
{
	char *base = free_place(3 * GRAN), *b = reserve_at(base + GRAN, GRAN);

	EXPECT_UNCHANGED(base, 3 * GRAN, ERROR_INVALID_ADDRESS,
			 VirtualAlloc(b - PAGE, 2 * PAGE, MEM_COMMIT, RW));
	EXPECT_UNCHANGED(base, 3 * GRAN, ERROR_INVALID_ADDRESS,
			 VirtualAlloc(b + GRAN - 1, 2, MEM_COMMIT, RW));
	release(b);
}

TEST(VA20_commit_is_rounded_outward_to_pages)
{
	char *b = EXPECT_OK(VirtualAlloc(NULL, GRAN, MEM_RESERVE, NA));

	EXPECT_EQ(b + 0x2000, commit(b + 0x2fff, 2, RW));
	expect_reserved(b, b, NA, 0x2000);
	expect_committed(b + 0x2000, b, NA, 0x2000, RW);
	expect_reserved(b + 0x4000, b, NA, GRAN - 0x4000);
	expect_access(b + 0x1fff, "---");
	expect_access(b + 0x2000, "rw-");
	expect_access(b + 0x3fff, "rw-");
	expect_access(b + 0x4000, "---");
	release(b);
}

TEST(VA20_commits_next_to_each_other_are_one_region)
{
	char *b = reserve(GRAN);

	for (unsigned int page = 0; page < 16; page += 2)
		commit(b + page * PAGE, PAGE, RW);
	for (unsigned int page = 0; page < 16; page++) {
		char *p = b + page * PAGE;

		if (page % 2)
			expect_reserved(p, b, RW, PAGE);
		else
			expect_committed(p, b, RW, PAGE, RW);
	}
	commit(b, GRAN, RW);
	expect_committed(b, b, RW, GRAN, RW);
	release(b);
}

TEST(VA21_commit_past_the_end)
{
	char *base = free_place(3 * GRAN), *b = reserve_at(base, 2 * GRAN - 4 * PAGE);

	/* The end lies inside of 64 KiB: what follows belongs to nobody. */
	EXPECT_UNCHANGED(base, 3 * GRAN, ERROR_INVALID_ADDRESS,
			 VirtualAlloc(b + 2 * GRAN - 4 * PAGE, PAGE, MEM_COMMIT, RW));
	EXPECT_UNCHANGED(base, 3 * GRAN, ERROR_INVALID_ADDRESS,
			 VirtualAlloc(b + 2 * GRAN - 5 * PAGE, 2 * PAGE, MEM_COMMIT, RW));
	EXPECT_UNCHANGED(base, 3 * GRAN, ERROR_INVALID_ADDRESS,
			 VirtualAlloc(b, 2 * GRAN, MEM_COMMIT, RW));
	EXPECT_UNCHANGED(base, 3 * GRAN, ERROR_INVALID_ADDRESS,
			 VirtualAlloc(b, 1UL << 40, MEM_COMMIT, RW));
	commit(b, 2 * GRAN - 4 * PAGE, RW);
	release(b);
}

TEST(VA21_commit_across_two_allocations)
{
	char *base = free_place(2 * GRAN);
	char *a = reserve_at(base, GRAN), *b = reserve_at(base + GRAN, GRAN);

	EXPECT_UNCHANGED(base, 2 * GRAN, ERROR_INVALID_ADDRESS,
			 VirtualAlloc(base, 2 * GRAN, MEM_COMMIT, RW));
	EXPECT_UNCHANGED(base, 2 * GRAN, ERROR_INVALID_ADDRESS,
			 VirtualAlloc(b - 1, 2, MEM_COMMIT, RW));
	release(a);
	release(b);
}

TEST(VA23_commit_again_keeps_contents)
{
	char *b = alloc(GRAN, RW);

	fill(b, GRAN, 1);
	commit(b, GRAN, RW);
	commit(b + 3 * PAGE, PAGE, RW);
	EXPECT(filled(b, GRAN, 1));
	expect_committed(b, b, RW, GRAN, RW);
	release(b);
}

TEST(VA23_commit_over_committed_and_reserved)
{
	char *b = reserve(8 * PAGE);
	unsigned long before = charge();

	commit(b + 2 * PAGE, 2 * PAGE, RW);
	fill(b + 2 * PAGE, 2 * PAGE, 1);
	commit(b, 8 * PAGE, RW);
	EXPECT_EQ(before + 8 * PAGE, charge());
	EXPECT(filled(b + 2 * PAGE, 2 * PAGE, 1));
	EXPECT(zeroed(b, 2 * PAGE));
	EXPECT(zeroed(b + 4 * PAGE, 4 * PAGE));
	expect_committed(b, b, RW, 8 * PAGE, RW);
	release(b);
}

TEST(VA24_commit_again_changes_the_protection)
{
	char *b = alloc(4 * PAGE, RW);

	fill(b, 4 * PAGE, 1);
	commit(b + PAGE, 2 * PAGE, RO);
	expect_committed(b, b, RW, PAGE, RW);
	expect_committed(b + PAGE, b, RW, 2 * PAGE, RO);
	expect_committed(b + 3 * PAGE, b, RW, PAGE, RW);
	expect_access(b + PAGE, "r--");
	EXPECT(filled(b, 4 * PAGE, 1));

	commit(b + PAGE, PAGE, NA);
	expect_access(b + PAGE, "---");
	commit(b, 4 * PAGE, RW);
	expect_committed(b, b, RW, 4 * PAGE, RW);
	expect_access(b + PAGE, "rw-");
	EXPECT(filled(b, 4 * PAGE, 1));
	release(b);
}

TEST(VA26_a_page_is_zero_after_decommit)
{
	char *b = alloc(GRAN, RW);

	fill(b, GRAN, 1);
	decommit(b + PAGE, 2 * PAGE);
	commit(b + PAGE, PAGE, RW);
	EXPECT(filled(b, PAGE, 1));
	EXPECT(zeroed(b + PAGE, PAGE));
	expect_access(b + 2 * PAGE, "---");
	commit(b + 2 * PAGE, PAGE, RO);
	EXPECT(zeroed(b + 2 * PAGE, PAGE));
	EXPECT(filled(b + 3 * PAGE, GRAN - 3 * PAGE, 1));
	release(b);
}

TEST(VA26_memory_is_zero_after_release)
{
	char *b = alloc(GRAN, RW);

	fill(b, GRAN, 1);
	release(b);
	EXPECT_EQ(b, EXPECT_OK(VirtualAlloc(b, GRAN, RESERVE_COMMIT, RW)));
	EXPECT(zeroed(b, GRAN));
	release(b);
}

TEST(VA27_commit_with_an_impossible_protection)
{
	static const DWORD prots[] = { 0, WC, XWC, RO | RW, NA | RO, XR | XRW, 0xff, RW | XR };
	char *b = reserve(GRAN), *free = free_place(GRAN);

	commit(b + PAGE, PAGE, RW);
	fill(b + PAGE, PAGE, 1);
	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		EXPECT_UNCHANGED(b, GRAN, ERROR_INVALID_PARAMETER,
				 VirtualAlloc(b, 2 * PAGE, MEM_COMMIT, prots[i]));
		EXPECT_ERROR(ERROR_INVALID_PARAMETER,
			     VirtualAlloc(NULL, PAGE, MEM_COMMIT, prots[i]));
	}
	/* A bad word comes before a bad address. */
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualAlloc(free, PAGE, MEM_COMMIT, 0));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualAlloc(free, PAGE, MEM_COMMIT, RO | RW));
	release(b);
}

/* Page states are kept in blocks of 2 MiB: across their borders nothing must show. */
TEST(VA20_commits_across_2M_borders)
{
	const size_t block = 2UL << 20;
	char *b = reserve(4 * block);
	char *border = (char *)(((unsigned long)b + block) & -block) + block;

	commit(border - PAGE, 2 * PAGE, RW);
	expect_committed(border - PAGE, b, RW, 2 * PAGE, RW);
	expect_committed(border, b, RW, PAGE, RW);
	fill(border - PAGE, 2 * PAGE, 1);

	commit(border - block, 2 * block, RO);
	expect_committed(border - block, b, RW, 2 * block, RO);
	EXPECT(filled(border - PAGE, 2 * PAGE, 1));
	decommit(border, PAGE);
	expect_committed(border - block, b, RW, block, RO);
	expect_reserved(border, b, RW, PAGE);
	expect_committed(border + PAGE, b, RW, block - PAGE, RO);
	release(b);
}
