// SPDX-License-Identifier: GPL-2.0-only
/* VirtualAlloc2 and where it may place a reservation: rows PL01, PL38 to PL45, PL47. */
#include "common.h"

#define HIGH_END	0x20000fffUL

static MEM_EXTENDED_PARAMETER requirements(MEM_ADDRESS_REQUIREMENTS *req)
{
	MEM_EXTENDED_PARAMETER param = { 0 };

	param.Type = MemExtendedParameterAddressRequirements;
	param.Pointer = req;
	return param;
}

static char *alloc_under(void *addr, size_t size, DWORD type, MEM_ADDRESS_REQUIREMENTS req)
{
	MEM_EXTENDED_PARAMETER param = requirements(&req);

	return VirtualAlloc2(NULL, addr, size, type, RW, &param, 1);
}

static MEM_ADDRESS_REQUIREMENTS between(unsigned long lowest, unsigned long highest)
{
	return (MEM_ADDRESS_REQUIREMENTS){ (void *)lowest, (void *)highest, 0 };
}

static MEM_ADDRESS_REQUIREMENTS aligned(size_t alignment)
{
	return (MEM_ADDRESS_REQUIREMENTS){ NULL, NULL, alignment };
}

static void refuse(MEM_ADDRESS_REQUIREMENTS req)
{
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, alloc_under(NULL, PAGE, MEM_RESERVE, req));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, alloc_under(NULL, PAGE, RESERVE_COMMIT, req));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     alloc_under(NULL, PAGE, MEM_RESERVE | MEM_TOP_DOWN, req));
}

TEST(PL01_no_process_is_the_current_one)
{
	char *p = EXPECT_OK(VirtualAlloc2(NULL, NULL, GRAN, RESERVE_COMMIT, RW, NULL, 0));
	char *q = EXPECT_OK(VirtualAlloc2(GetCurrentProcess(), NULL, GRAN, MEM_RESERVE, RW, NULL,
					  0));

	expect_committed(p, p, RW, GRAN, RW);
	expect_reserved(q, q, RW, GRAN);
	EXPECT_EQ(q, EXPECT_OK(VirtualAlloc2(NULL, q, PAGE, MEM_COMMIT, RO, NULL, 0)));
	expect_committed(q, q, RW, PAGE, RO);
	release(p);
	release(q);
}

TEST(PL38_a_count_without_parameters)
{
	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     VirtualAlloc2(NULL, NULL, PAGE, MEM_RESERVE, RW, NULL, 1));
}

TEST(PL38_unknown_types)
{
	static const unsigned int types[] = {
		MemExtendedParameterInvalidType, MemExtendedParameterMax, 0x80, 0xff,
	};

	for (unsigned int i = 0; i < ARRAY_LEN(types); i++) {
		MEM_EXTENDED_PARAMETER param = { 0 };

		param.Type = types[i];
		EXPECT_ERROR(ERROR_INVALID_PARAMETER,
			     VirtualAlloc2(NULL, NULL, PAGE, MEM_RESERVE, RW, &param, 1));
	}
}

TEST(PL38_one_type_twice)
{
	MEM_ADDRESS_REQUIREMENTS req = { 0 };
	MEM_EXTENDED_PARAMETER params[] = { requirements(&req), requirements(&req) };

	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     VirtualAlloc2(NULL, NULL, PAGE, MEM_RESERVE, RW, params, 2));
	/* The second one is not read when it is not counted. */
	release(EXPECT_OK(VirtualAlloc2(NULL, NULL, PAGE, MEM_RESERVE, RW, params, 1)));
}

TEST(PL39_all_zero_is_like_none)
{
	char *b = free_place(GRAN), *p;

	p = EXPECT_OK(alloc_under(NULL, PAGE, MEM_RESERVE, between(0, 0)));
	release(p);
	EXPECT_EQ(b, EXPECT_OK(alloc_under(b, GRAN, MEM_RESERVE, between(0, 0))));
	EXPECT_EQ(b, EXPECT_OK(alloc_under(b, PAGE, MEM_COMMIT, between(0, 0))));
	expect_committed(b, b, RW, PAGE, RW);
	release(b);
}

TEST(PL40_the_highest_end_is_the_last_byte_of_a_page)
{
	static const unsigned long ends[] = { 0x20001001, 0x20000ffe, 0x200007ff };
	char *p;

	for (unsigned int i = 0; i < ARRAY_LEN(ends); i++)
		refuse(between(0, ends[i]));

	p = EXPECT_OK(alloc_under(NULL, PAGE, MEM_RESERVE, between(0, HIGH_END)));
	EXPECT(p + PAGE - 1 <= (char *)HIGH_END);
	release(p);
}

/*
 * The end counts, not the start: the last byte must not pass it. Whether the rest of its
 * 64 KiB may is nowhere written down, so no case here depends on that.
 */
TEST(PL40_the_highest_end_is_kept)
{
	const unsigned long low = 0x1ff00000;
	char *p;

	p = EXPECT_OK(alloc_under(NULL, 0x100000, MEM_RESERVE, between(low, HIGH_END)));
	EXPECT_EQ(low, p);
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY,
		     alloc_under(NULL, 2 * PAGE, MEM_RESERVE, between(low, HIGH_END)));
	release(p);
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY,
		     alloc_under(NULL, 0x102000, MEM_RESERVE, between(low, HIGH_END)));
}

TEST(PL40_top_down_begins_at_the_highest_end)
{
	char *p = EXPECT_OK(alloc_under(NULL, GRAN, MEM_RESERVE | MEM_TOP_DOWN,
					between(0, 0x2fffffff)));

	EXPECT_EQ(0x2fff0000, p);
	release(p);
}

TEST(PL41_the_highest_end_is_in_user_space)
{
	char *p = EXPECT_OK(alloc_under(NULL, PAGE, MEM_RESERVE, between(0, HIGHEST)));

	release(p);
	refuse(between(0, HIGHEST + PAGE));
	refuse(between(0, HIGHEST + GRAN));
	refuse(between(0, 0xffff800000000fffUL));
	refuse(between(0, ~0UL));
}

TEST(PL42_the_lowest_start_is_a_multiple_of_64K)
{
	char *p;

	refuse(between(0x20001000UL, 0));
	refuse(between(0x20000001UL, 0));
	refuse(between(0x2000ffffUL, 0));
	p = EXPECT_OK(alloc_under(NULL, PAGE, MEM_RESERVE, between(0x600000000000UL, 0)));
	EXPECT((unsigned long)p >= 0x600000000000UL);
	release(p);
}

TEST(PL42_low_above_high)
{
	refuse(between(0x30000000UL, HIGH_END));
	refuse(between(0x20010000UL, HIGH_END));
	refuse(between(HIGHEST + 1, 0));
}

TEST(PL42_between_low_and_high)
{
	const unsigned long low = 0x30000000, high = 0x3000ffff;
	char *p = EXPECT_OK(alloc_under(NULL, GRAN, RESERVE_COMMIT, between(low, high)));

	EXPECT_EQ(low, p);
	fill(p, GRAN, 1);
	EXPECT(filled(p, GRAN, 1));
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY,
		     alloc_under(NULL, PAGE, MEM_RESERVE, between(low, high)));
	release(p);
}

TEST(PL43_the_alignment_is_a_power_of_two_of_64K_or_more)
{
	static const size_t bad[] = { 1, 0x1000, 0x8000, 0x30000, 0x10001, ~0UL };
	static const size_t good[] = { 0x10000, 0x40000, 0x100000, 1UL << 30, 1UL << 40 };

	for (unsigned int i = 0; i < ARRAY_LEN(bad); i++)
		refuse(aligned(bad[i]));
	for (unsigned int i = 0; i < ARRAY_LEN(good); i++) {
		char *p = EXPECT_OK(alloc_under(NULL, PAGE, MEM_RESERVE,
						aligned(good[i])));
		char *q = EXPECT_OK(alloc_under(NULL, PAGE, MEM_RESERVE | MEM_TOP_DOWN,
						aligned(good[i])));

		EXPECT_EQ(0, (unsigned long)p % good[i]);
		EXPECT_EQ(0, (unsigned long)q % good[i]);
		EXPECT(p != q);
		release(p);
		release(q);
	}
}

/* One page too much for the only multiple of the alignment that is low enough. */
TEST(PL44_no_room_under_the_requirements)
{
	MEM_ADDRESS_REQUIREMENTS req = { NULL, (void *)HIGH_END, 0x20000000 };

	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, alloc_under(NULL, 2 * PAGE, MEM_RESERVE, req));
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, alloc_under(NULL, 2 * PAGE, RESERVE_COMMIT, req));
}

static void refuse_base(char *b, DWORD type, MEM_ADDRESS_REQUIREMENTS req)
{
	EXPECT_UNCHANGED(b, GRAN, ERROR_INVALID_PARAMETER, alloc_under(b, PAGE, type, req));
}

TEST(PL45_requirements_are_for_the_systems_choice)
{
	char *b = free_place(2 * GRAN), *p;

	refuse_base(b, MEM_RESERVE, between(GRAN, 0));
	refuse_base(b, MEM_RESERVE, between(0, HIGHEST));
	refuse_base(b, RESERVE_COMMIT, aligned(GRAN));

	p = reserve(GRAN);
	refuse_base(p, MEM_COMMIT, between(GRAN, 0));
	refuse_base(p, MEM_COMMIT, aligned(GRAN));
	release(p);
}

TEST(PL47_attributes)
{
	MEM_EXTENDED_PARAMETER param = { 0 };
	DWORD error;

	param.Type = MemExtendedParameterAttributeFlags;
	release(EXPECT_OK(VirtualAlloc2(NULL, NULL, PAGE, MEM_RESERVE, RW, &param, 1)));

	/* For processors of another kind: Windows has two answers, by version. */
	param.ULong64 = MEM_EXTENDED_PARAMETER_EC_CODE;
	EXPECT(!VirtualAlloc2(NULL, NULL, PAGE, MEM_RESERVE, RW, &param, 1));
	error = GetLastError();
	EXPECT(error == ERROR_INVALID_PARAMETER || error == ERROR_NOT_SUPPORTED);
}
