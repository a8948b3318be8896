// SPDX-License-Identifier: GPL-2.0-only
/*
 * MEM_LARGE_PAGES for those who may not have them, and words that nobody may use: rows VA38 to
 * VA40. What large pages are is in large_root.c.
 */
#include "common.h"

#define LARGE		0x200000UL
#define LARGE_PAGES	(RESERVE_COMMIT | MEM_LARGE_PAGES)

TEST(VA38_other_types)
{
	static const DWORD types[] = {
		MEM_LARGE_PAGES, MEM_RESERVE | MEM_LARGE_PAGES, MEM_RESET | MEM_LARGE_PAGES,
		MEM_RESET_UNDO | MEM_LARGE_PAGES, LARGE_PAGES | MEM_RESET,
		LARGE_PAGES | MEM_WRITE_WATCH, LARGE_PAGES | MEM_PHYSICAL,
		MEM_RESERVE | MEM_PHYSICAL | MEM_LARGE_PAGES,
	};

	for (unsigned int i = 0; i < ARRAY_LEN(types); i++)
		EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, LARGE, types[i], RW));
}

/* They cannot be had in a reservation that is there. */
TEST(VA38_commit_of_a_reservation)
{
	char *b = reserve(4 * LARGE);

	EXPECT_UNCHANGED(b, 4 * LARGE, ERROR_INVALID_PARAMETER,
			 VirtualAlloc(b, LARGE, MEM_COMMIT | MEM_LARGE_PAGES, RW));
	release(b);
}

TEST(VA38_guards_and_protections)
{
	static const DWORD bad[] = { 0, WC, XWC, RW | PAGE_GUARD, RO | PAGE_GUARD, RW | RO };

	for (unsigned int i = 0; i < ARRAY_LEN(bad); i++)
		EXPECT_ERROR(ERROR_INVALID_PARAMETER,
			     VirtualAlloc(NULL, LARGE, LARGE_PAGES, bad[i]));
}

TEST(VA39_without_the_privilege)
{
	char *place = free_place(LARGE);

	if (!geteuid())
		skip_because("root has it");
	EXPECT_ERROR(ERROR_PRIVILEGE_NOT_HELD, VirtualAlloc(NULL, LARGE, LARGE_PAGES, RW));
	EXPECT_ERROR(ERROR_PRIVILEGE_NOT_HELD,
		     VirtualAlloc(NULL, LARGE, MEM_COMMIT | MEM_LARGE_PAGES, RW));
	EXPECT_ERROR(ERROR_PRIVILEGE_NOT_HELD, VirtualAlloc(place, LARGE, LARGE_PAGES, RW));
	EXPECT_ERROR(ERROR_PRIVILEGE_NOT_HELD,
		     VirtualAlloc2(NULL, NULL, LARGE, LARGE_PAGES, RW, NULL, 0));
	expect_free(place);
	EXPECT_EQ(0, charge());
}

TEST(VA40_other_sizes)
{
	static const size_t sizes[] = {
		0, 1, PAGE, GRAN, LARGE - 1, LARGE - PAGE, LARGE + 1, LARGE + GRAN, 5 * LARGE / 2,
	};

	for (unsigned int i = 0; i < ARRAY_LEN(sizes); i++)
		EXPECT_ERROR(ERROR_INVALID_PARAMETER,
			     VirtualAlloc(NULL, sizes[i], LARGE_PAGES, RW));
}
