// SPDX-License-Identifier: GPL-2.0-only
/*
 * QUERY inside reservations and in free space. Foreign mappings: query_foreign.c.
 */
#include "common.h"

#define TOP	0x7fffffff0000UL

TEST(VQ09_VQ10_every_field_of_a_committed_page)
{
	unsigned long base = reserve_at(HERE, 0, 4 * PAGE, READONLY, 0);
	struct winmem_query args;

	commit(base + PAGE, 2 * PAGE, READWRITE);
	args = query(base + 2 * PAGE + 123);
	EXPECT_EQ(base + 2 * PAGE, args.out_base);
	EXPECT_EQ(base, args.out_alloc_base);
	EXPECT_EQ(PAGE, args.out_length);
	EXPECT_EQ(READONLY, args.out_alloc_prot);
	EXPECT_EQ(WINMEM_STATE_COMMIT, args.out_state);
	EXPECT_EQ(READWRITE, args.out_prot);
	EXPECT_EQ(WINMEM_TYPE_PRIVATE, args.out_type);

	args = query(base + 3 * PAGE);
	EXPECT_EQ(PAGE, args.out_length);
	EXPECT_EQ(WINMEM_STATE_RESERVE, args.out_state);
	EXPECT_EQ(0, args.out_prot);
	EXPECT_EQ(READONLY, args.out_alloc_prot);
}

/* Runs end where a neighbour differs in state or protection, not at who set it when. */
TEST(runs_of_pages_that_are_alike)
{
	unsigned long base = reserve(GRAN);

	commit(base, PAGE, READWRITE);
	commit(base + PAGE, PAGE, READWRITE);
	commit(base + 2 * PAGE, 3 * PAGE, READONLY);
	protect(base + 2 * PAGE, PAGE, READWRITE);
	EXPECT_COMMITTED(base, 3 * PAGE, READWRITE);
	EXPECT_COMMITTED(base + PAGE, 2 * PAGE, READWRITE);
	EXPECT_COMMITTED(base + 3 * PAGE, 2 * PAGE, READONLY);
	EXPECT_RESERVED(base + 5 * PAGE, 11 * PAGE);
	/* What has been touched is no different from what has not. */
	fill(base + PAGE, PAGE, 1);
	EXPECT_COMMITTED(base, 3 * PAGE, READWRITE);
}

TEST(runs_over_chunk_borders)
{
	unsigned long base = reserve_fixed(find_hole(GIB), 16 * CHUNK);

	/* RRRR CCCC CCCC.. with the border inside, and chunks that are all alike. */
	EXPECT_RESERVED(base, 16 * CHUNK);
	commit(base + CHUNK / 2, 4 * CHUNK, READWRITE);
	EXPECT_RESERVED(base, CHUNK / 2);
	EXPECT_COMMITTED(base + CHUNK / 2, 4 * CHUNK, READWRITE);
	EXPECT_COMMITTED(base + CHUNK, 3 * CHUNK + CHUNK / 2, READWRITE);
	EXPECT_RESERVED(base + 4 * CHUNK + CHUNK / 2, 16 * CHUNK - 4 * CHUNK - CHUNK / 2);

	protect(base + 2 * CHUNK, PAGE, READONLY);
	EXPECT_COMMITTED(base + CHUNK / 2, CHUNK + CHUNK / 2, READWRITE);
	EXPECT_COMMITTED(base + 2 * CHUNK, PAGE, READONLY);
	EXPECT_COMMITTED(base + 2 * CHUNK + PAGE, 2 * CHUNK + CHUNK / 2 - PAGE, READWRITE);

	/* One that was mixed and is uniform again joins its neighbours. */
	protect(base + 2 * CHUNK, PAGE, READWRITE);
	EXPECT_COMMITTED(base + CHUNK / 2, 4 * CHUNK, READWRITE);
	decommit(base + CHUNK, CHUNK);
	EXPECT_RESERVED(base + CHUNK, CHUNK);
	decommit(base + CHUNK / 2, 4 * CHUNK);
	EXPECT_RESERVED(base, 16 * CHUNK);
}

TEST(single_pages_at_both_sides_of_a_chunk_border)
{
	unsigned long base = reserve_fixed(find_hole(GIB), 4 * CHUNK);

	commit(base + CHUNK - PAGE, PAGE, READWRITE);
	EXPECT_RESERVED(base, CHUNK - PAGE);
	EXPECT_COMMITTED(base + CHUNK - PAGE, PAGE, READWRITE);
	EXPECT_RESERVED(base + CHUNK, 3 * CHUNK);
	commit(base + CHUNK, PAGE, READWRITE);
	EXPECT_COMMITTED(base + CHUNK - PAGE, 2 * PAGE, READWRITE);
	EXPECT_RESERVED(base + CHUNK + PAGE, 3 * CHUNK - PAGE);
	commit(base + CHUNK - PAGE, PAGE, READONLY);
	EXPECT_COMMITTED(base + CHUNK - PAGE, PAGE, READONLY);
	EXPECT_COMMITTED(base + CHUNK, PAGE, READWRITE);
}

TEST(a_run_ends_at_the_end_of_the_reservation)
{
	unsigned long hole = find_hole(GRAN);

	reserve_fixed(hole, GRAN);
	reserve_fixed(hole + GRAN, GRAN);
	EXPECT_RESERVED(hole, GRAN);
	EXPECT_RESERVED(hole + GRAN, GRAN);
	commit(hole, GRAN, READWRITE);
	commit(hole + GRAN, GRAN, READWRITE);
	EXPECT_COMMITTED(hole, GRAN, READWRITE);
	EXPECT_COMMITTED(hole + GRAN, GRAN, READWRITE);
	EXPECT_EQ(hole + GRAN, query(hole + GRAN + PAGE).out_alloc_base);
}

TEST(alternating_pages_are_runs_of_one)
{
	unsigned long base = reserve_commit(CHUNK + GRAN, READWRITE);

	for (unsigned long at = 0; at < CHUNK + GRAN; at += 2 * PAGE)
		protect(base + at, PAGE, READONLY);
	for (unsigned long at = 0; at < CHUNK + GRAN; at += PAGE)
		EXPECT_COMMITTED(base + at, PAGE, at / PAGE % 2 ? READWRITE : READONLY);
}

TEST(VQ07_free_space_reaches_to_the_next_allocation)
{
	unsigned long hole = find_hole(GIB);
	struct winmem_query args;

	reserve_fixed(hole, GRAN);
	reserve_fixed(hole + 64 * GRAN, GRAN);
	args = query(hole + GRAN + 5);
	EXPECT_EQ(hole + GRAN, args.out_base);
	EXPECT_EQ(0, args.out_alloc_base);
	EXPECT_EQ(63 * GRAN, args.out_length);
	EXPECT_EQ(0, args.out_alloc_prot);
	EXPECT_EQ(WINMEM_STATE_FREE, args.out_state);
	EXPECT_EQ(NOACCESS, args.out_prot);
	EXPECT_EQ(0, args.out_type);
	EXPECT_EQ(10 * PAGE, query(hole + 64 * GRAN - 10 * PAGE).out_length);
}

TEST(free_space_reaches_to_the_next_foreign_mapping)
{
	unsigned long hole = find_hole(8 * GIB);

	/* The first lies in the window of the reservation, the second far behind it. */
	reserve_fixed(hole, GRAN);
	map_foreign(hole + 4 * GIB, PAGE, PROT_READ);
	EXPECT_EQ(4 * GIB - GRAN, query(hole + GRAN).out_length);
	map_foreign(hole + 16 * GRAN + PAGE, PAGE, PROT_READ);
	EXPECT_EQ(15 * GRAN + PAGE, query(hole + GRAN).out_length);
	EXPECT_EQ(4 * GIB - 16 * GRAN - 2 * PAGE, query(hole + 16 * GRAN + 2 * PAGE).out_length);
	EXPECT_OK(munmap((void *)(hole + 4 * GIB), PAGE));
	EXPECT_OK(munmap((void *)(hole + 16 * GRAN + PAGE), PAGE));
}

TEST(VA08_free_space_begins_within_a_64_KiB_block)
{
	unsigned long hole = find_hole(GIB);

	reserve_fixed(hole, PAGE);
	reserve_fixed(hole + GRAN, PAGE);
	EXPECT_FREE(hole + PAGE);
	EXPECT_EQ(GRAN - PAGE, query(hole + PAGE).out_length);
}

TEST(VQ08_address_zero)
{
	unsigned long lowest = info().out_lowest;
	unsigned long length = query(0).out_length;
	struct vma first = { .end = 0 };

	EXPECT_FREE(0);
	do
		EXPECT(vma_find(first.end, &first));
	while (vma_is_window(&first));
	EXPECT_EQ(first.start, length);
	EXPECT_EQ(first.start - PAGE, query(PAGE).out_length);
	/* And when the first allocation is a reservation of ours. */
	reserve_fixed(lowest, GRAN);
	EXPECT_EQ(lowest, query(0).out_length);
}

TEST(VQ05_the_top)
{
	unsigned long highest = info().out_highest;
	struct winmem_query args = query_args(highest + 1);
	struct vma vma;

	EXPECT_EQ(TOP - 1, highest);
	watch(0, 0);
	/* The stack of a process without randomisation reaches up here. */
	if (!vma_covers(highest + 1))
		REFUSED(EINVAL, WINMEM_IOC_QUERY, &args);
	args.addr = TOP + 0xf000;
	REFUSED(EINVAL, WINMEM_IOC_QUERY, &args);
	if (!vma_find(highest, &vma)) {
		EXPECT_FREE(highest);
		EXPECT_EQ(PAGE, query(highest).out_length);
		EXPECT_EQ(4 * PAGE, query(highest - 3 * PAGE).out_length);
	}
}

/* One walk over everything: no gap, no overlap, no end that is missed. */
TEST(a_walk_over_the_whole_address_space_ends_at_the_top)
{
	unsigned long base = reserve_commit(CHUNK, READWRITE);
	unsigned long addr = 0, length = 0;
	unsigned int steps = 0;

	protect(base + PAGE, PAGE, READONLY);
	reserve(TIB);
	while (addr < TOP) {
		struct winmem_query args = query(addr);

		EXPECT(addr + args.out_length > addr);
		if (args.out_alloc_base == base)
			length += args.out_length;
		addr += args.out_length;
		EXPECT(++steps < 1000);
	}
	EXPECT_EQ(CHUNK, length);
}

/* Two runs that follow each other differ, or they would have been one. */
TEST(neighbouring_runs_differ)
{
	unsigned long base = reserve_fixed(find_hole(GIB), 4 * CHUNK);
	struct winmem_query last = { 0 };

	for (unsigned long i = 1; i < 200; i++)
		commit(base + i * i * 7 % 2000 * PAGE, i % 5 * PAGE + PAGE,
		       i % 3 ? READWRITE : READONLY);
	for (unsigned long addr = base; addr < base + 4 * CHUNK; addr += last.out_length) {
		struct winmem_query next = query(addr);

		EXPECT(next.out_state != last.out_state || next.out_prot != last.out_prot);
		last = next;
	}
}
