// SPDX-License-Identifier: GPL-2.0-only
/* VirtualAlloc: sizes, addresses and rounding of a reservation. Rows VA01 to VA17, VA28, VA35. */
#include "common.h"

static const DWORD reserving[] = { MEM_RESERVE, RESERVE_COMMIT };

static void refuse_size(size_t size, DWORD error)
{
	EXPECT_ERROR(error, VirtualAlloc(NULL, size, MEM_RESERVE, RW));
	EXPECT_ERROR(error, VirtualAlloc(NULL, size, MEM_COMMIT, RW));
	EXPECT_ERROR(error, VirtualAlloc(NULL, size, RESERVE_COMMIT, RW));
}

TEST(VA01_size_0_is_refused)
{
	refuse_size(0, ERROR_INVALID_PARAMETER);
}

TEST(VA02_more_than_user_space_is_refused)
{
	refuse_size(~0UL, ERROR_INVALID_PARAMETER);
	refuse_size(~0UL - 4095, ERROR_INVALID_PARAMETER);
	refuse_size(~0UL - 65535, ERROR_INVALID_PARAMETER);
	refuse_size(1UL << 63, ERROR_INVALID_PARAMETER);
	refuse_size(1UL << 47, ERROR_INVALID_PARAMETER);
}

/* The program itself lies somewhere in the space: so there is no hole of that size. */
TEST(VA03_no_hole_is_large_enough)
{
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, VirtualAlloc(NULL, HIGHEST + 1 - GRAN, MEM_RESERVE,
							    RW));
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, VirtualAlloc(NULL, HIGHEST + 1 - GRAN,
							    MEM_RESERVE | MEM_TOP_DOWN, RW));
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, VirtualAlloc(NULL, 0x7fff00000000, MEM_RESERVE, NA));
}

TEST(VA04_commit_beyond_the_limit)
{
	unsigned long limit, charged;
	char *p;

	limit_total(&limit, &charged);
	p = reserve(limit + GRAN);
	EXPECT_UNCHANGED(p, PAGE, ERROR_COMMITMENT_LIMIT,
			 VirtualAlloc(p, limit + GRAN, MEM_COMMIT, RW));
	expect_reserved(p, p, RW, limit + GRAN);
	release(p);
	EXPECT_UNCHANGED(p, PAGE, ERROR_COMMITMENT_LIMIT,
			 VirtualAlloc(p, limit + GRAN, RESERVE_COMMIT, RW));
	expect_free(p);
	EXPECT_ERROR(ERROR_COMMITMENT_LIMIT, VirtualAlloc(NULL, limit + GRAN, RESERVE_COMMIT, RW));
}

/* Nothing is touched: a commit is a promise, and what was promised is counted. */
TEST(VA04_commits_until_the_limit_and_back)
{
	unsigned long limit, charged, before = charge();
	char *p[40];
	size_t size;
	unsigned int nr;

	limit_total(&limit, &charged);
	size = (limit / 32) & -GRAN;
	for (nr = 0; nr < ARRAY_LEN(p); nr++) {
		call_begin();
		p[nr] = VirtualAlloc(NULL, size, RESERVE_COMMIT, RW);
		if (!p[nr])
			break;
	}
	EXPECT_EQ(ERROR_COMMITMENT_LIMIT, GetLastError());
	EXPECT_EQ((limit - charged) / size, nr);
	EXPECT_EQ(before + nr * size, charge());

	expect_access(p[nr - 1], "rw-");
	while (nr--)
		release(p[nr]);
	EXPECT_EQ(before, charge());
}

TEST(VA04_the_limit_of_the_process_is_exact)
{
	char *p = reserve(16 * PAGE);

	limit_set(charge() + 4 * PAGE);
	EXPECT_UNCHANGED(p, 16 * PAGE, ERROR_COMMITMENT_LIMIT,
			 VirtualAlloc(p, 5 * PAGE, MEM_COMMIT, RW));
	commit(p, 4 * PAGE, RW);
	EXPECT_UNCHANGED(p, 16 * PAGE, ERROR_COMMITMENT_LIMIT,
			 VirtualAlloc(p + 4 * PAGE, PAGE, MEM_COMMIT, RW));
	/* Pages that are committed already cost nothing. */
	commit(p, 4 * PAGE, RO);
	decommit(p, PAGE);
	commit(p + 8 * PAGE, PAGE, RW);
	limit_set(~0UL);
	release(p);
}

static void check_one_page(DWORD prot)
{
	char *p = EXPECT_OK(VirtualAlloc(NULL, 1, MEM_RESERVE, prot));

	EXPECT_EQ(0, (unsigned long)p % GRAN);
	expect_reserved(p, p, prot, PAGE);
	expect_access(p, "---");
	release(p);
}

TEST(VA05_size_1_reserves_one_page)
{
	check_one_page(NA);
	check_one_page(RO);
	check_one_page(RW);
	check_one_page(X);
	check_one_page(XR);
	check_one_page(XRW);
}

TEST(VA06_a_size_is_rounded_up_to_pages)
{
	static const size_t sizes[][2] = {
		{ 0xfffc, 0x10000 }, { 0x10000, 0x10000 }, { 0x10001, 0x11000 },
		{ 0xfff, 0x1000 }, { 0x1001, 0x2000 },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(sizes); i++) {
		char *p = EXPECT_OK(VirtualAlloc(NULL, sizes[i][0], MEM_RESERVE, NA));

		expect_reserved(p, p, NA, sizes[i][1]);
		release(p);
	}
}

TEST(VA07_chosen_addresses_are_multiples_of_64K)
{
	static const DWORD types[] = {
		MEM_RESERVE, MEM_COMMIT, RESERVE_COMMIT, MEM_RESERVE | MEM_TOP_DOWN,
		MEM_RESERVE | MEM_WRITE_WATCH, MEM_COMMIT | MEM_TOP_DOWN,
	};
	static const size_t sizes[] = { 1, PAGE, 0x9000, GRAN, GRAN + 1, 0x234567 };
	char *p[ARRAY_LEN(types) * ARRAY_LEN(sizes)];

	for (unsigned int i = 0; i < ARRAY_LEN(p); i++) {
		size_t size = sizes[i / ARRAY_LEN(types)];

		p[i] = EXPECT_OK(VirtualAlloc(NULL, size, types[i % ARRAY_LEN(types)], RW));
		EXPECT_EQ(0, (unsigned long)p[i] % GRAN);
		EXPECT_EQ(p[i], query(p[i]).AllocationBase);
	}
	for (unsigned int i = 0; i < ARRAY_LEN(p); i++)
		release(p[i]);
}

TEST(VA08_the_rest_of_64K_is_free_but_cannot_be_had)
{
	char *b = reserve(PAGE);

	for (unsigned int page = 1; page < 16; page++) {
		expect_free(b + page * PAGE);
		EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualAlloc(b + page * PAGE, PAGE, MEM_RESERVE,
								  RW));
		EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualAlloc(b + page * PAGE, PAGE, MEM_COMMIT,
								  RW));
	}
	expect_access(b + PAGE, "---");
	release(b);
	EXPECT_EQ(b, reserve_at(b + PAGE, PAGE));
	release(b);
}

TEST(VA09_a_hint_in_a_used_64K_conflicts)
{
	char *b = reserve(PAGE);

	for (unsigned int i = 0; i < ARRAY_LEN(reserving); i++) {
		EXPECT_UNCHANGED(b, GRAN, ERROR_INVALID_ADDRESS,
				 VirtualAlloc(b + 0x8000, PAGE, reserving[i], RW));
		EXPECT_UNCHANGED(b, GRAN, ERROR_INVALID_ADDRESS,
				 VirtualAlloc(b + 0xffff, 1, reserving[i], RW));
	}
	release(b);
}

TEST(VA10_reserve_over_reserved)
{
	char *base = free_place(4 * GRAN), *b = reserve_at(base + GRAN, GRAN + PAGE);

	for (unsigned int i = 0; i < ARRAY_LEN(reserving); i++) {
		DWORD type = reserving[i];

		EXPECT_EQ(base + GRAN, b);
		EXPECT_UNCHANGED(base, 4 * GRAN, ERROR_INVALID_ADDRESS,
				 VirtualAlloc(b, PAGE, type, RW));
		EXPECT_UNCHANGED(base, 4 * GRAN, ERROR_INVALID_ADDRESS,
				 VirtualAlloc(b + GRAN, PAGE, type, RW));
		/* From in front into it, across all of it, and from its end beyond it. */
		EXPECT_UNCHANGED(base, 4 * GRAN, ERROR_INVALID_ADDRESS,
				 VirtualAlloc(base, GRAN + 1, type, RW));
		EXPECT_UNCHANGED(base, 4 * GRAN, ERROR_INVALID_ADDRESS,
				 VirtualAlloc(base, 4 * GRAN, type, RW));
		EXPECT_UNCHANGED(base, 4 * GRAN, ERROR_INVALID_ADDRESS,
				 VirtualAlloc(b + GRAN + PAGE, 2 * GRAN, type, RW));
	}

	/* Side by side is fine. */
	EXPECT_EQ(base, reserve_at(base, GRAN));
	EXPECT_EQ(base + 3 * GRAN, reserve_at(base + 3 * GRAN, GRAN));
	release(base);
	release(b);
	release(base + 3 * GRAN);
}

TEST(VA10_reserve_over_committed)
{
	char *p = alloc(2 * GRAN, RW);

	fill(p, 2 * GRAN, 1);
	EXPECT_UNCHANGED(p, 2 * GRAN, ERROR_INVALID_ADDRESS,
			 VirtualAlloc(p, 2 * GRAN, MEM_RESERVE, RW));
	EXPECT_UNCHANGED(p, 2 * GRAN, ERROR_INVALID_ADDRESS,
			 VirtualAlloc(p + GRAN, PAGE, RESERVE_COMMIT, RO));
	release(p);
}

/* Linux's own mappings are not to be had either. */
TEST(VA10_reserve_over_a_mapping)
{
	char *view = map_shared(4 * GRAN);

	fill(view, 4 * GRAN, 1);
	EXPECT_UNCHANGED(view, 4 * GRAN, ERROR_INVALID_ADDRESS,
			 VirtualAlloc(view + GRAN, GRAN, MEM_RESERVE, RW));
	EXPECT_UNCHANGED(view, 4 * GRAN, ERROR_INVALID_ADDRESS,
			 VirtualAlloc(view + GRAN, GRAN, RESERVE_COMMIT, RW));
	EXPECT_UNCHANGED(view, 4 * GRAN, ERROR_INVALID_ADDRESS,
			 VirtualAlloc((void *)check_failed, PAGE, MEM_RESERVE, RW));
}

/* A hint into fresh space: where it begins, how long it gets, all in one state. */
static void check_hint(size_t offset, size_t size, size_t expected)
{
	char *b = free_place(4 * GRAN);

	EXPECT_EQ(b, EXPECT_OK(VirtualAlloc(b + offset, size, MEM_RESERVE, RW)));
	expect_reserved(b, b, RW, expected);
	expect_free(b + expected);
	release(b);

	EXPECT_EQ(b, EXPECT_OK(VirtualAlloc(b + offset, size, RESERVE_COMMIT, RO)));
	expect_committed(b, b, RO, expected, RO);
	expect_free(b + expected);
	release(b);
}

TEST(VA11_a_hint_keeps_its_end)
{
	check_hint(0x10, 0x1000, 0x2000);
	check_hint(0, 0x1000, 0x1000);
	check_hint(0xfff, 1, 0x1000);
	check_hint(0xfff, 2, 0x2000);
}

TEST(VA13_a_hint_at_the_last_byte_of_64K)
{
	check_hint(0xffff, 0x3000, 0x13000);
	check_hint(0xffff, 1, 0x10000);
}

TEST(VA15_reserve_and_commit_from_a_hint)
{
	char *b = free_place(4 * GRAN);

	EXPECT_EQ(b, EXPECT_OK(VirtualAlloc(b + 0x4080, 0x1000, RESERVE_COMMIT, RW)));
	expect_committed(b, b, RW, 0x6000, RW);
	EXPECT(zeroed(b, 0x6000));
	fill(b, 0x6000, 1);
	EXPECT(filled(b, 0x6000, 1));
	release(b);
}

/* Rounded down such an address is NULL, but the caller did not say NULL. */
TEST(VA16_no_reservation_below_64K)
{
	static const unsigned long addrs[] = { 1, 0xfff, 0x1000, 0xf000, 0xffff };

	for (unsigned int i = 0; i < ARRAY_LEN(addrs); i++) {
		void *addr = (void *)addrs[i];

		EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualAlloc(addr, 1, MEM_RESERVE, RW));
		EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualAlloc(addr, 0x40000, MEM_RESERVE, RW));
		EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualAlloc(addr, PAGE, RESERVE_COMMIT, RW));
	}
}

static void refuse_place(unsigned long addr, size_t size)
{
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualAlloc((void *)addr, size, MEM_RESERVE, RW));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualAlloc((void *)addr, size, RESERVE_COMMIT, RW));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualAlloc((void *)addr, size, MEM_COMMIT, RW));
}

TEST(VA17_no_reservation_above_user_space)
{
	refuse_place(HIGHEST + 1, PAGE);
	refuse_place(HIGHEST + 1, 1);
	refuse_place((unsigned long)KERNEL_ADDR, PAGE);
	refuse_place(~0UL, 1);
	refuse_place(-GRAN, GRAN);
	/* Across the end, and around the end of all addresses. */
	refuse_place(HIGHEST, 2);
	refuse_place(HIGHEST + 1 - GRAN, 2 * GRAN);
	refuse_place(GRAN, HIGHEST + 1);
	refuse_place(HIGHEST, ~0UL);
	refuse_place(GRAN, -GRAN);
}

TEST(VA28_success_leaves_the_last_error)
{
	static const DWORD errors[] = { 0, 1, 487, 0xffffffff };

	for (unsigned int i = 0; i < ARRAY_LEN(errors); i++) {
		char *p;

		SetLastError(errors[i]);
		p = VirtualAlloc(NULL, GRAN, MEM_RESERVE, RW);
		EXPECT(p && GetLastError() == errors[i]);
		EXPECT(VirtualAlloc(p, PAGE, MEM_COMMIT, RW) && GetLastError() == errors[i]);
		EXPECT(VirtualFree(p, 0, MEM_RELEASE) && GetLastError() == errors[i]);
	}
}

TEST(VA35_top_down_is_higher)
{
	char *low = reserve(GRAN);
	char *high = EXPECT_OK(VirtualAlloc(NULL, GRAN, MEM_RESERVE | MEM_TOP_DOWN, RW));
	char *committed = EXPECT_OK(VirtualAlloc(NULL, GRAN, MEM_COMMIT | MEM_TOP_DOWN, RW));
	char *again = reserve(GRAN);

	EXPECT(high > low && high > again);
	EXPECT(committed > low && committed > again);
	expect_reserved(high, high, RW, GRAN);
	expect_committed(committed, committed, RW, GRAN, RW);
	expect_access(committed, "rw-");
	release(low);
	release(high);
	release(committed);
	release(again);
}

TEST(VA35_top_down_with_an_address_means_the_address)
{
	char *b = free_place(GRAN);

	EXPECT_EQ(b, EXPECT_OK(VirtualAlloc(b, GRAN, MEM_RESERVE | MEM_TOP_DOWN, RW)));
	EXPECT_OK(VirtualAlloc(b, PAGE, MEM_COMMIT | MEM_TOP_DOWN, RW));
	expect_committed(b, b, RW, PAGE, RW);
	release(b);
}
