// SPDX-License-Identifier: GPL-2.0-only
/*
 * COMMIT: all of the range or nothing, contents kept, charge exact.
 */
#include "common.h"

TEST(sec09_committed_pages_are_zero_and_writable)
{
	unsigned long base = reserve(GRAN);

	commit(base + PAGE, 2 * PAGE, READWRITE);
	EXPECT_RESERVED(base, PAGE);
	EXPECT_COMMITTED(base + PAGE, 2 * PAGE, READWRITE);
	EXPECT_RESERVED(base + 3 * PAGE, GRAN - 3 * PAGE);
	EXPECT(zeroed(base + PAGE, 2 * PAGE));
	fill(base + PAGE, 2 * PAGE, 1);
	EXPECT(filled(base + PAGE, 2 * PAGE, 1));
	EXPECT(!try_read(base + PAGE - 1));
	EXPECT(!try_read(base + 3 * PAGE));
}

TEST(VQ10_the_allocation_protection_stays_that_of_reserve)
{
	unsigned long base = reserve_at(HERE, 0, GRAN, NOACCESS, 0);

	commit(base, PAGE, READWRITE);
	EXPECT_EQ(NOACCESS, query(base).out_alloc_prot);
	EXPECT_EQ(READWRITE, query(base).out_prot);
	EXPECT_EQ(base, query(base).out_alloc_base);
}

TEST(VA23_commit_again_keeps_the_contents)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	fill(base, GRAN, 2);
	commit(base, GRAN, READWRITE);
	EXPECT(filled(base, GRAN, 2));
	EXPECT_EQ(GRAN, charge());
}

TEST(VA24_commit_again_takes_the_new_protection)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	fill(base, GRAN, 3);
	commit(base + PAGE, PAGE, READONLY);
	commit(base + 2 * PAGE, PAGE, NOACCESS);
	EXPECT_COMMITTED(base, PAGE, READWRITE);
	EXPECT_COMMITTED(base + PAGE, PAGE, READONLY);
	EXPECT_COMMITTED(base + 2 * PAGE, PAGE, NOACCESS);
	EXPECT_COMMITTED(base + 3 * PAGE, GRAN - 3 * PAGE, READWRITE);
	EXPECT(!try_write(base + PAGE, 0));
	EXPECT(!try_read(base + 2 * PAGE));
	EXPECT_EQ(READWRITE, query(base + PAGE).out_alloc_prot);
	commit(base, GRAN, READWRITE);
	EXPECT(filled(base, GRAN, 3));
	EXPECT_EQ(GRAN, charge());
}

TEST(committed_and_reserved_pages_in_one_range)
{
	unsigned long base = reserve(GRAN);

	/* .C.C.... becomes CCCCCC.. */
	commit(base + PAGE, PAGE, READWRITE);
	commit(base + 3 * PAGE, PAGE, READWRITE);
	fill(base + PAGE, PAGE, 4);
	fill(base + 3 * PAGE, PAGE, 4);
	commit(base, 6 * PAGE, READWRITE);
	EXPECT_EQ(6 * PAGE, charge());
	EXPECT_COMMITTED(base, 6 * PAGE, READWRITE);
	EXPECT(filled(base + PAGE, PAGE, 4));
	EXPECT(filled(base + 3 * PAGE, PAGE, 4));
	EXPECT(zeroed(base, PAGE));
	EXPECT(zeroed(base + 2 * PAGE, PAGE));
}

TEST(VA26_a_page_is_zero_after_decommit_and_commit)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	for (int i = 0; i < 5; i++) {
		fill(base, GRAN, i);
		decommit(base + PAGE, 2 * PAGE);
		commit(base + PAGE, 2 * PAGE, READWRITE);
		EXPECT(zeroed(base + PAGE, 2 * PAGE));
		EXPECT(filled(base, PAGE, i));
		EXPECT(filled(base + 3 * PAGE, GRAN - 3 * PAGE, i));
	}
}

/* Reading maps what is there without allocating on some file systems; then a write. */
TEST(sec09_a_page_read_before_it_is_written)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	for (unsigned long addr = base; addr < base + GRAN; addr += PAGE)
		EXPECT_EQ(0, byte_at(addr));
	fill(base, GRAN, 5);
	EXPECT(filled(base, GRAN, 5));
}

TEST(over_chunk_borders)
{
	unsigned long hole = find_hole(GIB);
	unsigned long edge = hole + 2 * CHUNK;

	reserve_fixed(hole, 8 * CHUNK);
	commit(edge - PAGE, 2 * PAGE, READWRITE);
	EXPECT_RESERVED(hole, 2 * CHUNK - PAGE);
	EXPECT_COMMITTED(edge - PAGE, 2 * PAGE, READWRITE);
	EXPECT_RESERVED(edge + PAGE, 6 * CHUNK - PAGE);
	fill(edge - PAGE, 2 * PAGE, 6);

	commit(edge - 3 * PAGE, 3 * CHUNK, READONLY);
	EXPECT_COMMITTED(edge - 3 * PAGE, 3 * CHUNK, READONLY);
	EXPECT(filled(edge - PAGE, 2 * PAGE, 6));
	EXPECT_EQ(3 * CHUNK, charge());
	EXPECT(!try_write(edge + 2 * CHUNK, 1));
}

TEST(VA21_past_the_end_is_ENOENT)
{
	unsigned long base = reserve(GRAN + PAGE);
	struct winmem_commit args;

	commit(base, PAGE, READWRITE);
	watch(base, 3 * GRAN);
	args = commit_args(base + GRAN, 2 * PAGE, READWRITE);
	REFUSED(ENOENT, WINMEM_IOC_COMMIT, &args);
	args = commit_args(base, GRAN + 2 * PAGE, READWRITE);
	REFUSED(ENOENT, WINMEM_IOC_COMMIT, &args);
	args = commit_args(base + GRAN + PAGE, PAGE, READWRITE);
	REFUSED(ENOENT, WINMEM_IOC_COMMIT, &args);
	args = commit_args(base, TIB, READWRITE);
	REFUSED(ENOENT, WINMEM_IOC_COMMIT, &args);
}

TEST(before_the_start_is_ENOENT)
{
	unsigned long hole = find_hole(GRAN);
	struct winmem_commit args = commit_args(hole - PAGE, 2 * PAGE, READWRITE);

	reserve_fixed(hole, GRAN);
	watch(hole - GRAN, 3 * GRAN);
	REFUSED(ENOENT, WINMEM_IOC_COMMIT, &args);
	args = commit_args(hole - PAGE, PAGE, READWRITE);
	REFUSED(ENOENT, WINMEM_IOC_COMMIT, &args);
}

TEST(over_two_reservations_is_ENOENT)
{
	unsigned long hole = find_hole(GRAN);
	struct winmem_commit args = commit_args(hole + GRAN - PAGE, 2 * PAGE, READWRITE);

	reserve_fixed(hole, GRAN);
	reserve_fixed(hole + GRAN, GRAN);
	commit(hole, GRAN, READWRITE);
	fill(hole, GRAN, 7);
	watch(hole, 2 * GRAN);
	REFUSED(ENOENT, WINMEM_IOC_COMMIT, &args);
	args = commit_args(hole, 2 * GRAN, READONLY);
	REFUSED(ENOENT, WINMEM_IOC_COMMIT, &args);
}

TEST(VA19_free_address_is_ENOENT)
{
	struct winmem_commit args = commit_args(find_hole(GRAN), PAGE, READWRITE);

	watch(args.addr - GRAN, 3 * GRAN);
	REFUSED(ENOENT, WINMEM_IOC_COMMIT, &args);
	/* Free space of a window is no different. */
	args.addr = reserve(GRAN) + GRAN;
	REFUSED(ENOENT, WINMEM_IOC_COMMIT, &args);
}

TEST(released_is_ENOENT)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	struct winmem_commit args = commit_args(base, PAGE, READWRITE);

	release(base);
	watch(base, GRAN);
	REFUSED(ENOENT, WINMEM_IOC_COMMIT, &args);
}

TEST(a_foreign_mapping_is_ENOENT)
{
	unsigned char *foreign = map_foreign(0, GRAN, PROT_READ | PROT_WRITE);
	struct winmem_commit args = commit_args((unsigned long)foreign, PAGE, READONLY);

	memset(foreign, 0x77, GRAN);
	watch((unsigned long)foreign, GRAN);
	REFUSED(ENOENT, WINMEM_IOC_COMMIT, &args);
	memset(foreign, 0x78, GRAN);
	munmap(foreign, GRAN);
}

/* Chunks without a record of their own, and the last page of the first of them. */
TEST(VA21_the_charge_of_a_refused_commit_over_many_chunks_is_given_back)
{
	unsigned long base = reserve(16 * CHUNK);
	struct winmem_commit args = commit_args(base + PAGE, 16 * CHUNK, READWRITE);

	commit(base + CHUNK - PAGE, PAGE, READWRITE);
	watch(base, 16 * CHUNK + GRAN);
	REFUSED(ENOENT, WINMEM_IOC_COMMIT, &args);
	EXPECT_EQ(PAGE, charge());
}

TEST(VA27_bad_protections_are_EINVAL)
{
	const unsigned int prots[] = { 0, WINMEM_PROT_WRITECOPY, WINMEM_PROT_EXECUTE_WRITECOPY,
				       READONLY | READWRITE, NOACCESS | GUARD, 0x1004, GUARD,
				       READWRITE | GUARD | NOCACHE, READWRITE | NOCACHE | WRITECOMBINE };
	unsigned long base = reserve(GRAN);

	commit(base, PAGE, READWRITE);
	fill(base, PAGE, 1);
	watch(base, GRAN);
	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		struct winmem_commit args = commit_args(base, 2 * PAGE, prots[i]);

		REFUSED(EINVAL, WINMEM_IOC_COMMIT, &args);
	}
}

TEST(VA04_above_the_limit_is_EDQUOT)
{
	unsigned long base = reserve(GRAN);
	struct winmem_commit args = commit_args(base, GRAN, READWRITE);

	commit(base + 4 * PAGE, 2 * PAGE, READONLY);
	limit_set(GRAN - PAGE);
	watch(base, GRAN);
	REFUSED(EDQUOT, WINMEM_IOC_COMMIT, &args);
	limit_set(GRAN);
	commit(base, GRAN, READWRITE);
	limit_set(~0UL);
}

TEST(NOACCESS_pages_are_committed_and_charged)
{
	unsigned long base = reserve_commit(GRAN, NOACCESS);

	EXPECT_EQ(GRAN, charge());
	EXPECT_COMMITTED(base, GRAN, NOACCESS);
	EXPECT(!try_read(base));
	EXPECT(!try_write(base, 1));
	protect(base, GRAN, READWRITE);
	EXPECT(zeroed(base, GRAN));
}

/* NOCACHE and WRITECOMBINE belong to the reservation, see PROTECT in the header. */
TEST(P10_NOCACHE_of_the_reservation_shows_on_its_pages)
{
	unsigned long base = reserve_commit(GRAN, READWRITE | NOCACHE);

	EXPECT_EQ(READWRITE | NOCACHE, query(base).out_alloc_prot);
	EXPECT_COMMITTED(base, GRAN, READWRITE | NOCACHE);
	fill(base, GRAN, 1);
	EXPECT(filled(base, GRAN, 1));
}

TEST(commit_in_every_order_ends_in_the_same_state)
{
	unsigned long base = reserve(GRAN);

	/* 7 and 16 have no common divisor: each page once, never two in a row. */
	for (unsigned long i = 0; i < 16; i++) {
		unsigned long addr = base + i * 7 % 16 * PAGE;

		commit(addr, PAGE, READWRITE);
		EXPECT(try_write(addr, i));
		EXPECT_EQ((i + 1) * PAGE, charge());
	}
	EXPECT_COMMITTED(base, GRAN, READWRITE);
	for (unsigned long i = 0; i < 16; i++)
		EXPECT_EQ(i, byte_at(base + i * 7 % 16 * PAGE));
}
