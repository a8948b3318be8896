// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large pages for those who may not have them, and words that nobody may use. What they are is
 * in large_root.c.
 */
#include "large.h"

TEST(LARGE_goes_with_COMMIT_and_neither_with_WATCH_nor_a_guard)
{
	static const unsigned int flags[] = {
		WINMEM_RESERVE_LARGE, WINMEM_RESERVE_LARGE | WINMEM_RESERVE_TOP_DOWN,
		WINMEM_RESERVE_LARGE | WINMEM_RESERVE_WATCH, WITH_LARGE | WINMEM_RESERVE_WATCH,
	};
	struct winmem_reserve args;

	for (unsigned int i = 0; i < ARRAY_LEN(flags); i++) {
		args = reserve_args(0, CHUNK, READWRITE, flags[i]);
		REFUSED(EINVAL, WINMEM_IOC_RESERVE, &args);
	}
	args = reserve_args(0, CHUNK, READWRITE | GUARD, WITH_LARGE);
	REFUSED(EINVAL, WINMEM_IOC_RESERVE, &args);
}

TEST(LARGE_needs_whole_blocks)
{
	unsigned long hole = find_hole(GIB);
	const struct { unsigned long addr, length; } bad[] = {
		{ 0, PAGE }, { 0, CHUNK - PAGE }, { 0, CHUNK + PAGE }, { 0, CHUNK + GRAN },
		{ hole + GRAN, CHUNK }, { hole + CHUNK / 2, CHUNK }, { hole, CHUNK / 2 },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(bad); i++) {
		struct winmem_reserve args = reserve_args(bad[i].addr, bad[i].length, READWRITE,
							  WITH_LARGE);

		REFUSED(EINVAL, WINMEM_IOC_RESERVE, &args);
	}
}

TEST(E29_large_pages_are_for_those_who_may_lock_memory)
{
	unsigned long hole = find_hole(GIB);
	struct winmem_reserve args = reserve_args(0, CHUNK, READWRITE, WITH_LARGE);

	if (!geteuid())
		skip_because("root may");
	REFUSED(ENOKEY, WINMEM_IOC_RESERVE, &args);
	args = reserve_args(hole, CHUNK, READWRITE, WITH_LARGE);
	REFUSED(ENOKEY, WINMEM_IOC_RESERVE, &args);
	EXPECT_FREE(hole);
	EXPECT_EQ(0, charge());
}

TEST(LOCK_tells_of_no_large_pages_where_there_are_none)
{
	unsigned long base = reserve_commit(4 * CHUNK, READWRITE);
	struct winmem_lock args = lock_args(base, PAGE, WINMEM_LOCK_LARGE | WINMEM_LOCK_LOOK);

	fill(base, 4 * CHUNK, 1);
	EXPECT_EQ(0, large(base, 4 * CHUNK));
	EXPECT_EQ(0, large(PAGE, GIB));
	REFUSED(EINVAL, WINMEM_IOC_LOCK, &args);
}
