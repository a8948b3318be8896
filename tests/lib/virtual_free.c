// SPDX-License-Identifier: GPL-2.0-only
/* VirtualFree: rows VF01 to VF22, but VF18, which needs memory of kinds that are not there. */
#include "common.h"

#include <sys/mman.h>

/* A reservation of 2 * GRAN: 4 pages committed and filled, the rest reserved. */
static char *half_committed(void)
{
	char *b = reserve(2 * GRAN);

	commit(b, 4 * PAGE, RW);
	fill(b, 4 * PAGE, 1);
	return b;
}

static void refuse_type(DWORD type)
{
	char *b = half_committed();

	EXPECT_UNCHANGED(b, 2 * GRAN, ERROR_INVALID_PARAMETER, VirtualFree(b, 0, type));
	EXPECT_UNCHANGED(b, 2 * GRAN, ERROR_INVALID_PARAMETER, VirtualFree(b, PAGE, type));
	EXPECT_UNCHANGED(b, 2 * GRAN, ERROR_INVALID_PARAMETER, VirtualFree(b, 2 * GRAN, type));
	release(b);
}

TEST(VF01_a_free_type_is_one_of_two)
{
	refuse_type(0);
	refuse_type(MEM_RELEASE | MEM_DECOMMIT);
	refuse_type(MEM_FREE);
}

TEST(VF01_unknown_bits)
{
	for (unsigned int bit = 0; bit < 32; bit++) {
		DWORD type = 1U << bit;

		/* The two low bits speak of placeholders. */
		if (bit < 2 || type & (MEM_RELEASE | MEM_DECOMMIT))
			continue;
		refuse_type(type);
		refuse_type(MEM_RELEASE | type);
		refuse_type(MEM_DECOMMIT | type);
	}
}

TEST(VF02_release_has_no_size)
{
	static const size_t sizes[] = { 1, PAGE, GRAN, 2 * GRAN, 2 * GRAN + 1, ~0UL };
	char *b = half_committed();

	for (unsigned int i = 0; i < ARRAY_LEN(sizes); i++)
		EXPECT_UNCHANGED(b, 2 * GRAN, ERROR_INVALID_PARAMETER,
				 VirtualFree(b, sizes[i], MEM_RELEASE));
	release(b);
}

TEST(VF03_release)
{
	unsigned long before = charge();
	char *b = half_committed();

	EXPECT_EQ(before + 4 * PAGE, charge());
	release(b);
	EXPECT_EQ(before, charge());
	expect_free(b);
	expect_free(b + GRAN);
	expect_access(b, "---");
	EXPECT(query(b).RegionSize >= 2 * GRAN);
}

/* Any address of the first page is the base. */
TEST(VF03_release_by_an_address_in_the_first_page)
{
	char *b = half_committed();

	EXPECT_OK(VirtualFree(b + 0xffe, 0, MEM_RELEASE));
	expect_free(b);
}

TEST(VF05_release_inside_an_allocation)
{
	char *b = half_committed();

	EXPECT_UNCHANGED(b, 2 * GRAN, ERROR_INVALID_ADDRESS, VirtualFree(b + PAGE, 0, MEM_RELEASE));
	EXPECT_UNCHANGED(b, 2 * GRAN, ERROR_INVALID_ADDRESS, VirtualFree(b + GRAN, 0, MEM_RELEASE));
	EXPECT_UNCHANGED(b, 2 * GRAN, ERROR_INVALID_ADDRESS,
			 VirtualFree(b + 2 * GRAN - 1, 0, MEM_RELEASE));
	release(b);
}

TEST(VF06_release_twice)
{
	char *b = half_committed();

	release(b);
	EXPECT_UNCHANGED(b, 2 * GRAN, ERROR_INVALID_ADDRESS, VirtualFree(b, 0, MEM_RELEASE));
}

TEST(VF07_decommit_of_free_memory)
{
	char *b = free_place(GRAN);

	EXPECT_UNCHANGED(b, GRAN, ERROR_INVALID_ADDRESS, VirtualFree(b, PAGE, MEM_DECOMMIT));
	EXPECT_UNCHANGED(b, GRAN, ERROR_INVALID_ADDRESS, VirtualFree(b, 0, MEM_DECOMMIT));
	/* Behind the end of an allocation, in the same 64 KiB. */
	reserve_at(b, PAGE);
	EXPECT_UNCHANGED(b, GRAN, ERROR_INVALID_ADDRESS, VirtualFree(b + PAGE, PAGE, MEM_DECOMMIT));
	release(b);
}

TEST(VF08_null)
{
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualFree(NULL, 0, MEM_RELEASE));
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualFree(NULL, 0, MEM_DECOMMIT));
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualFree(NULL, PAGE, MEM_DECOMMIT));
}

TEST(VF10_decommit_keeps_the_reservation)
{
	char *b = alloc(3 * GRAN, RW);
	unsigned long before = charge();

	fill(b, 3 * GRAN, 1);
	decommit(b + GRAN, PAGE);
	EXPECT_EQ(before - PAGE, charge());
	expect_committed(b, b, RW, GRAN, RW);
	expect_reserved(b + GRAN, b, RW, PAGE);
	expect_committed(b + GRAN + PAGE, b, RW, 2 * GRAN - PAGE, RW);
	expect_access(b + GRAN, "---");
	EXPECT(filled(b, GRAN, 1));
	EXPECT(filled(b + GRAN + PAGE, 2 * GRAN - PAGE, 1));
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualAlloc(b + GRAN, PAGE, MEM_RESERVE, RW));
	release(b);
}

TEST(VF10_decommit_is_rounded_outward_to_pages)
{
	char *b = alloc(GRAN, RW);

	decommit(b + 0x1fff, 2);
	expect_committed(b, b, RW, PAGE, RW);
	expect_reserved(b + PAGE, b, RW, 2 * PAGE);
	expect_committed(b + 3 * PAGE, b, RW, GRAN - 3 * PAGE, RW);
	release(b);
}

TEST(VF12_decommit_of_reserved_pages)
{
	char *b = half_committed();
	unsigned long before = charge();

	decommit(b + GRAN, GRAN);
	EXPECT_EQ(before, charge());
	EXPECT(filled(b, 4 * PAGE, 1));
	/* Half and half. */
	decommit(b + 3 * PAGE, 2 * PAGE);
	EXPECT_EQ(before - PAGE, charge());
	expect_committed(b, b, RW, 3 * PAGE, RW);
	expect_reserved(b + 3 * PAGE, b, RW, 2 * GRAN - 3 * PAGE);
	decommit(b, 2 * GRAN);
	decommit(b, 2 * GRAN);
	expect_reserved(b, b, RW, 2 * GRAN);
	release(b);
}

TEST(VF13_decommit_of_size_0_is_all_of_it)
{
	unsigned long before = charge();
	char *b = half_committed();

	commit(b + GRAN, PAGE, RO);
	decommit(b, 0);
	expect_reserved(b, b, RW, 2 * GRAN);
	EXPECT_EQ(before, charge());
	release(b);
}

TEST(VF14_decommit_of_size_0_in_the_first_page)
{
	static const size_t offsets[] = { 0x10, 0xffe, 0xfff };

	for (unsigned int i = 0; i < ARRAY_LEN(offsets); i++) {
		char *b = half_committed();

		decommit(b + offsets[i], 0);
		expect_reserved(b, b, RW, 2 * GRAN);
		release(b);
	}
}

TEST(VF15_decommit_of_size_0_inside)
{
	char *b = half_committed();

	EXPECT_UNCHANGED(b, 2 * GRAN, ERROR_INVALID_ADDRESS,
			 VirtualFree(b + PAGE, 0, MEM_DECOMMIT));
	EXPECT_UNCHANGED(b, 2 * GRAN, ERROR_INVALID_ADDRESS,
			 VirtualFree(b + GRAN, 0, MEM_DECOMMIT));
	release(b);
}

TEST(VF16_decommit_past_the_end)
{
	char *base = free_place(3 * GRAN), *b = reserve_at(base, GRAN + PAGE);

	commit(b, GRAN + PAGE, RW);
	fill(b, GRAN + PAGE, 1);
	EXPECT_UNCHANGED(base, 3 * GRAN, ERROR_INVALID_PARAMETER,
			 VirtualFree(b, GRAN + 2 * PAGE, MEM_DECOMMIT));
	EXPECT_UNCHANGED(base, 3 * GRAN, ERROR_INVALID_PARAMETER,
			 VirtualFree(b + GRAN, 2 * GRAN, MEM_DECOMMIT));
	EXPECT_UNCHANGED(base, 3 * GRAN, ERROR_INVALID_PARAMETER,
			 VirtualFree(b + GRAN + PAGE - 1, 2, MEM_DECOMMIT));
	EXPECT_UNCHANGED(base, 3 * GRAN, ERROR_INVALID_PARAMETER,
			 VirtualFree(b, 1UL << 46, MEM_DECOMMIT));
	EXPECT_UNCHANGED(base, 3 * GRAN, ERROR_INVALID_PARAMETER,
			 VirtualFree(b, ~0UL, MEM_DECOMMIT));
	release(b);
}

TEST(VF16_decommit_across_two_allocations)
{
	char *base = free_place(2 * GRAN);
	char *a = reserve_at(base, GRAN), *b = reserve_at(base + GRAN, GRAN);

	commit(a, GRAN, RW);
	commit(b, GRAN, RW);
	fill(a, 2 * GRAN, 1);
	EXPECT_UNCHANGED(a, 2 * GRAN, ERROR_INVALID_PARAMETER,
			 VirtualFree(a, 2 * GRAN, MEM_DECOMMIT));
	EXPECT_UNCHANGED(a, 2 * GRAN, ERROR_INVALID_PARAMETER,
			 VirtualFree(b - 1, 2, MEM_DECOMMIT));
	release(a);
	release(b);
}

static void refuse_view(char *view, size_t size)
{
	EXPECT_UNCHANGED(view, size, ERROR_INVALID_PARAMETER, VirtualFree(view, 0, MEM_RELEASE));
	EXPECT_UNCHANGED(view, size, ERROR_INVALID_PARAMETER, VirtualFree(view, 0, MEM_DECOMMIT));
	EXPECT_UNCHANGED(view, size, ERROR_INVALID_PARAMETER,
			 VirtualFree(view + PAGE, PAGE, MEM_DECOMMIT));
	munmap(view, size);
}

TEST(VF19_a_view_is_not_freed)
{
	char *view = map_shared(4 * PAGE);

	fill(view, 4 * PAGE, 1);
	refuse_view(view, 4 * PAGE);
	refuse_view(map_file(2 * PAGE, MAP_SHARED, PROT_READ), 2 * PAGE);
	refuse_view(map_file(2 * PAGE, MAP_PRIVATE, PROT_READ | PROT_WRITE), 2 * PAGE);
}

TEST(VF20_release_leaves_its_neighbours)
{
	char *base = free_place(3 * GRAN), *p[3];

	for (unsigned int i = 0; i < 3; i++) {
		p[i] = EXPECT_OK(VirtualAlloc(base + i * GRAN, GRAN, RESERVE_COMMIT, RW));
		fill(p[i], GRAN, i);
	}
	/* Alike and side by side, they are three allocations all the same. */
	for (unsigned int i = 0; i < 3; i++)
		expect_committed(p[i], p[i], RW, GRAN, RW);

	release(p[1]);
	expect_committed(p[0], p[0], RW, GRAN, RW);
	expect_free(p[1]);
	EXPECT_EQ(GRAN, query(p[1]).RegionSize);
	expect_committed(p[2], p[2], RW, GRAN, RW);
	EXPECT(filled(p[0], GRAN, 0) && filled(p[2], GRAN, 2));
	release(p[0]);
	EXPECT(filled(p[2], GRAN, 2));
	release(p[2]);
}

TEST(VF21_release_of_committed_and_reserved_pages)
{
	unsigned long before = charge();
	char *b = reserve(GRAN);

	for (unsigned int page = 0; page < 16; page += 3) {
		commit(b + page * PAGE, PAGE, RW);
		fill(b + page * PAGE, PAGE, 1);
	}
	commit(b + PAGE, PAGE, RO | PAGE_GUARD);
	commit(b + 2 * PAGE, PAGE, NA);
	release(b);
	expect_free(b);
	EXPECT(query(b).RegionSize >= GRAN);
	EXPECT_EQ(before, charge());
}

TEST(VF22_release_never_takes_a_part)
{
	char *b = half_committed();

	EXPECT_UNCHANGED(b, 2 * GRAN, ERROR_INVALID_PARAMETER, VirtualFree(b, GRAN, MEM_RELEASE));
	EXPECT_UNCHANGED(b, 2 * GRAN, ERROR_INVALID_PARAMETER,
			 VirtualFree(b + GRAN, GRAN, MEM_RELEASE));
	EXPECT_EQ(b, query(b + GRAN).AllocationBase);
	release(b);
}

TEST(release_beyond_the_highest_address)
{
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualFree((char *)HIGHEST + 1, 0, MEM_RELEASE));
}

/* No placeholder is there that could be split or joined. */
TEST(PL11_PL13_PL23_words_for_placeholders)
{
	char *b = half_committed();

	EXPECT_UNCHANGED(b, 2 * GRAN, ERROR_INVALID_PARAMETER,
			 VirtualFree(b, 0, MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER));
	EXPECT_UNCHANGED(b, 2 * GRAN, ERROR_INVALID_ADDRESS,
			 VirtualFree(b, GRAN, MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER));
	EXPECT_UNCHANGED(b, 2 * GRAN, ERROR_INVALID_PARAMETER,
			 VirtualFree(b, 0, MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS));
	release(b);
}
