// SPDX-License-Identifier: GPL-2.0-only
/*
 * RESERVE: what a reservation is, and what stands in its way. Where the kernel puts
 * one by itself is in reserve_place.c.
 */
#include "common.h"

#include <fcntl.h>

#define TOP	0x7fffffff0000UL

TEST(VA07_the_kernel_chooses_a_multiple_of_64_KiB)
{
	for (int i = 0; i < 40; i++)
		EXPECT_EQ(0, reserve(PAGE) % GRAN);
}

TEST(VA05_VQ09_a_page_is_reserved_as_one_page)
{
	unsigned long base = reserve_at(HERE, 0, PAGE, READONLY, 0);
	struct winmem_query args = query(base);

	EXPECT_EQ(base, args.out_base);
	EXPECT_EQ(base, args.out_alloc_base);
	EXPECT_EQ(PAGE, args.out_length);
	EXPECT_EQ(READONLY, args.out_alloc_prot);
	EXPECT_EQ(WINMEM_STATE_RESERVE, args.out_state);
	EXPECT_EQ(0, args.out_prot);
	EXPECT_EQ(WINMEM_TYPE_PRIVATE, args.out_type);
}

TEST(G13_reserved_pages_cannot_be_touched_and_cost_nothing)
{
	unsigned long base = reserve(GRAN);

	for (unsigned long addr = base; addr < base + GRAN; addr += PAGE) {
		EXPECT(!try_read(addr));
		EXPECT_EQ(SIGSEGV, last_fault.signo);
		EXPECT_EQ(addr, last_fault.addr);
		EXPECT(!try_write(addr + PAGE - 1, 1));
		EXPECT(!try_exec(addr));
	}
	EXPECT_EQ(0, charge());
	EXPECT_RESERVED(base, GRAN);
}

TEST(sec09_a_reservation_with_COMMIT_is_zero_and_writable)
{
	unsigned long base = reserve_commit(GRAN + PAGE, READWRITE);

	EXPECT_COMMITTED(base, GRAN + PAGE, READWRITE);
	EXPECT_EQ(GRAN + PAGE, charge());
	EXPECT(zeroed(base, GRAN + PAGE));
	fill(base, GRAN + PAGE, 2);
	EXPECT(filled(base, GRAN + PAGE, 2));
}

TEST(reserve_at_a_given_address)
{
	unsigned long addr = find_hole(GRAN);

	EXPECT_EQ(addr, reserve_fixed(addr, GRAN));
	EXPECT_RESERVED(addr, GRAN);
	EXPECT_FREE(addr + GRAN);
	EXPECT_FREE(addr - PAGE);
	commit(addr, GRAN, READWRITE);
	fill(addr, GRAN, 3);
}

TEST(VA10_an_address_that_a_reservation_has_is_EEXIST)
{
	unsigned long addr = find_hole(GIB);
	const struct { unsigned long start, length; } taken[] = {
		{ addr + 4 * GRAN, 4 * GRAN }, { addr + 4 * GRAN, PAGE },
		{ addr + 7 * GRAN, GRAN }, { addr + 5 * GRAN, GRAN },
		{ addr, 12 * GRAN }, { addr + 3 * GRAN, GRAN + PAGE },
		{ addr + 7 * GRAN, 4 * GRAN }, { addr, GIB },
	};

	reserve_fixed(addr + 4 * GRAN, 4 * GRAN);
	commit(addr + 5 * GRAN, PAGE, READWRITE);
	fill(addr + 5 * GRAN, PAGE, 1);
	watch(addr, 12 * GRAN);
	for (unsigned int i = 0; i < ARRAY_LEN(taken); i++) {
		for (unsigned int flags = 0; flags <= WINMEM_RESERVE_COMMIT; flags++) {
			struct winmem_reserve args = reserve_args(taken[i].start, taken[i].length,
								  READWRITE, flags);

			REFUSED(EEXIST, WINMEM_IOC_RESERVE, &args);
		}
	}
	/* Its neighbours on both sides are free. */
	reserve_fixed(addr + 3 * GRAN, GRAN);
	reserve_fixed(addr + 8 * GRAN, GRAN);
}

TEST(VA08_VA09_the_rest_of_a_64_KiB_block_is_free_but_cannot_be_had)
{
	unsigned long addr = find_hole(GIB);
	struct winmem_reserve args = reserve_args(addr, PAGE, READWRITE, 0);

	reserve_fixed(addr, PAGE);
	EXPECT_FREE(addr + PAGE);
	EXPECT_FREE(addr + GRAN - PAGE);
	watch(addr, GRAN);
	REFUSED(EEXIST, WINMEM_IOC_RESERVE, &args);
	release(addr);
	reserve_fixed(addr, GRAN);
}

/* Nobody is handed the rest of the block either, however many ask. */
TEST(VA08_reservations_never_share_a_64_KiB_block)
{
	unsigned long base[40];

	for (unsigned int i = 0; i < ARRAY_LEN(base); i++)
		base[i] = reserve(PAGE);
	for (unsigned int i = 0; i < ARRAY_LEN(base); i++)
		for (unsigned int j = 0; j < i; j++)
			EXPECT(base[i] / GRAN != base[j] / GRAN);
}

TEST(an_address_that_a_foreign_mapping_has_is_EEXIST)
{
	unsigned long addr = find_hole(GIB);
	unsigned char *foreign = map_foreign(addr + 4 * GRAN, PAGE, PROT_READ | PROT_WRITE);
	const struct { unsigned long start, length; } taken[] = {
		{ addr + 4 * GRAN, GRAN }, { addr, 8 * GRAN }, { addr, 4 * GRAN + PAGE },
		{ addr + 4 * GRAN, PAGE },
	};

	*foreign = 0x5a;
	watch(addr, 8 * GRAN);
	for (unsigned int i = 0; i < ARRAY_LEN(taken); i++) {
		struct winmem_reserve args = reserve_args(taken[i].start, taken[i].length,
							  READWRITE, WINMEM_RESERVE_COMMIT);

		REFUSED(EEXIST, WINMEM_IOC_RESERVE, &args);
		EXPECT_EQ(0x5a, *foreign);
	}
	reserve_fixed(addr, 4 * GRAN);
	EXPECT_OK(munmap(foreign, PAGE));
	reserve_fixed(addr + 4 * GRAN, GRAN);
}

TEST(our_own_program_libraries_and_stack_are_taken)
{
	int on_stack;
	const unsigned long used[] = { (unsigned long)&on_stack, (unsigned long)test_exec,
				       (unsigned long)&dev, (unsigned long)stdout };

	for (unsigned int i = 0; i < ARRAY_LEN(used); i++) {
		struct winmem_reserve args = reserve_args(used[i] & -GRAN, GRAN, READWRITE, 0);

		/* Stack and data change while the snapshots are taken: only the text. */
		watch(used[1] & -PAGE, PAGE);
		REFUSED(EEXIST, WINMEM_IOC_RESERVE, &args);
	}
}

TEST(EEXIST_in_the_middle_of_a_window)
{
	unsigned long base = reserve(GRAN);
	struct vma window;
	unsigned long addr;

	EXPECT(vma_find(base, &window) && window.start <= base);
	/* A window is far larger than this, or there is nothing to look at. */
	addr = base + 64 * GRAN;
	if (window.end < addr + 2 * GRAN)
		skip_because("the window at %#lx has no room", window.start);
	map_foreign(addr, PAGE, PROT_READ | PROT_WRITE);
	fill(addr, PAGE, 9);
	watch(addr - GRAN, 3 * GRAN);
	for (unsigned int flags = 0; flags <= WINMEM_RESERVE_COMMIT; flags++) {
		struct winmem_reserve args = reserve_args(addr, GRAN, READWRITE, flags);

		REFUSED(EEXIST, WINMEM_IOC_RESERVE, &args);
		args = reserve_args(addr - GRAN, 2 * GRAN, READWRITE, flags);
		REFUSED(EEXIST, WINMEM_IOC_RESERVE, &args);
	}
	EXPECT_OK(munmap((void *)addr, PAGE));
}

TEST(a_reservation_inside_a_window_at_a_given_address)
{
	unsigned long base = reserve(GRAN);
	struct winmem_query args = query(base + GRAN);

	EXPECT_EQ(WINMEM_STATE_FREE, args.out_state);
	EXPECT(args.out_length >= 8 * GRAN);
	reserve_fixed(base + 4 * GRAN, 2 * GRAN);
	commit(base + 4 * GRAN, 2 * GRAN, READWRITE);
	fill(base + 4 * GRAN, 2 * GRAN, 4);
	EXPECT(filled(base + 4 * GRAN, 2 * GRAN, 4));
}

static void across(unsigned long addr, unsigned long length)
{
	struct winmem_query before = query(addr);

	EXPECT_EQ(WINMEM_STATE_FREE, before.out_state);
	EXPECT(before.out_length >= length);
	reserve_fixed(addr, length);
	commit(addr, length, READWRITE);
	fill(addr, length, 5);
	EXPECT(filled(addr, length, 5));
	EXPECT_COMMITTED(addr, length, READWRITE);
	protect(addr, length, READONLY);
	EXPECT(!try_write(addr, 0));
	EXPECT(!try_write(addr + length - 1, 0));
	release(addr);
	EXPECT(!try_read(addr));
}

/* Windows are not the program's business: free is free on both sides of an edge. */
TEST(a_reservation_across_the_edges_of_a_window)
{
	unsigned long addr = find_hole(4 * GIB) + 2 * GIB;
	struct vma window;

	reserve_fixed(addr, GRAN);
	EXPECT(vma_find(addr, &window) && window.start <= addr);
	if (window.end > addr + GRAN)
		across(window.end - GRAN, 4 * GRAN);
	else
		across(addr + GRAN, 4 * GRAN);
	if (window.start < addr)
		across(window.start - 2 * GRAN, 4 * GRAN);
	else
		across(addr - 4 * GRAN, 4 * GRAN);
}

TEST(a_reservation_across_two_windows_and_the_hole_between)
{
	unsigned long addr = find_hole(16 * GIB);

	/* Two windows with at most a few GiB between, both given back but one page. */
	reserve_fixed(addr, 4 * GRAN);
	reserve_fixed(addr + 64 * GRAN, 4 * GRAN);
	release(addr);
	release(addr + 64 * GRAN);
	across(addr, 68 * GRAN);
	reserve_fixed(addr, 2 * GIB);
	commit(addr, GRAN, READWRITE);
	commit(addr + 2 * GIB - GRAN, GRAN, READWRITE);
	fill(addr, GRAN, 1);
	fill(addr + 2 * GIB - GRAN, GRAN, 1);
}

TEST(S01_the_highest_and_the_lowest_reservation)
{
	unsigned long highest = info().out_highest, lowest = info().out_lowest;
	struct winmem_reserve args = reserve_args(highest + 1 - GRAN, GRAN, READWRITE,
						  WINMEM_RESERVE_COMMIT);

	watch(0, 0);
	/* The stack may reach up here; what is free can be had. */
	if (query(args.addr).out_state == WINMEM_STATE_FREE) {
		reserve_fixed(args.addr, GRAN);
		commit(args.addr, GRAN, READWRITE);
		fill(args.addr, GRAN, 7);
		EXPECT_COMMITTED(args.addr, GRAN, READWRITE);
		release(args.addr);
	} else {
		REFUSED(EEXIST, WINMEM_IOC_RESERVE, &args);
	}
	args = reserve_args(highest + 1, GRAN, READWRITE, 0);
	REFUSED(EINVAL, WINMEM_IOC_RESERVE, &args);
	args = reserve_args(highest + 1 - GRAN, GRAN + PAGE, READWRITE, 0);
	REFUSED(EINVAL, WINMEM_IOC_RESERVE, &args);

	EXPECT_FREE(lowest);
	reserve_fixed(lowest, GRAN);
	commit(lowest, GRAN, READWRITE);
	fill(lowest, GRAN, 7);
	release(lowest);
	if (lowest > GRAN) {
		args = reserve_args(lowest - GRAN, GRAN, READWRITE, 0);
		REFUSED(EINVAL, WINMEM_IOC_RESERVE, &args);
	}
}

TEST(VA03_the_whole_address_space_is_ENOMEM)
{
	struct winmem_info limits = info();
	struct winmem_reserve args = reserve_args(0, limits.out_highest + 1 - limits.out_lowest,
						  READWRITE, 0);

	watch(0, GRAN);
	REFUSED(ENOMEM, WINMEM_IOC_RESERVE, &args);
	args.flags = WINMEM_RESERVE_TOP_DOWN;
	REFUSED(ENOMEM, WINMEM_IOC_RESERVE, &args);
	args.length += PAGE;
	REFUSED(EINVAL, WINMEM_IOC_RESERVE, &args);
	/* With COMMIT there are two reasons; the state is the same after either. */
	args = reserve_args(0, limits.out_highest + 1 - limits.out_lowest, READWRITE,
			    WINMEM_RESERVE_COMMIT);
	EXPECT_EQ(-1ULL, (long)ioctl(dev, WINMEM_IOC_RESERVE, &args));
	EXPECT(errno == ENOMEM || errno == EDQUOT);
	EXPECT_EQ(0, charge());
}

TEST(VA04_reserve_with_COMMIT_above_the_limit_is_EDQUOT_and_reserves_nothing)
{
	unsigned long addr = find_hole(GRAN);
	struct winmem_reserve args = reserve_args(addr, GRAN, READWRITE, WINMEM_RESERVE_COMMIT);

	limit_set(GRAN - PAGE);
	watch(addr - GRAN, 3 * GRAN);
	REFUSED(EDQUOT, WINMEM_IOC_RESERVE, &args);
	EXPECT_FREE(addr);
	args.flags = 0;
	EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &args));
	EXPECT_OK(raw_release(addr));
	limit_set(~0UL);
}

TEST(a_reservation_of_an_odd_number_of_pages)
{
	unsigned long base = reserve(CHUNK + 3 * PAGE);

	EXPECT_RESERVED(base, CHUNK + 3 * PAGE);
	EXPECT_FREE(base + CHUNK + 3 * PAGE);
	commit(base, CHUNK + 3 * PAGE, READWRITE);
	EXPECT(try_write(base + CHUNK + 3 * PAGE - 1, 1));
	EXPECT(!try_write(base + CHUNK + 3 * PAGE, 1));
}

TEST(P14_VA43_flags_of_the_protection_are_reported)
{
	const unsigned int prots[] = { READWRITE | GUARD, READWRITE | NOCACHE,
				       READONLY | WRITECOMBINE, EXECUTE_READ | GUARD };

	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		unsigned long base = reserve_at(HERE, 0, GRAN, prots[i], 0);

		EXPECT_EQ(prots[i], query(base).out_alloc_prot);
		EXPECT_RESERVED(base, GRAN);
	}
}
