// SPDX-License-Identifier: GPL-2.0-only
/*
 * The place of the reservation that was released last: it is free like any other, and the next
 * reservation of its size lies there and is new.
 */
#include "common.h"

#define HIGH	(1UL << 44)

static unsigned long reserve_high(unsigned long length)
{
	return reserve_at(HERE, 0, length, READWRITE, WINMEM_RESERVE_TOP_DOWN);
}

/* Something was there, and is not any more. */
static unsigned long vacate(unsigned long length)
{
	unsigned long base = reserve_commit(length, READWRITE);

	fill(base, length, 1);
	release(base);
	return base;
}

TEST(VF03_VF06_a_vacant_place_is_free)
{
	unsigned long base = vacate(GRAN);

	EXPECT_FREE(base);
	EXPECT_FREE(base + GRAN - PAGE);
	EXPECT(!try_read(base));
	EXPECT_EQ(SIGSEGV, last_fault.signo);
	EXPECT_ERRNO(ENOENT, raw_release(base));
	EXPECT_ERRNO(ENOENT, raw_commit(base, PAGE, READWRITE));
	EXPECT_EQ(0, charge());
}

TEST(VQ07_free_space_goes_on_through_a_vacant_place)
{
	unsigned long base = vacate(4 * GRAN), next = base + 4 * GRAN;

	EXPECT_EQ(next, reserve_fixed(next, GRAN));
	vacate(4 * GRAN);
	EXPECT_EQ(4 * GRAN, query(base).out_length);
	EXPECT_EQ(GRAN, query(next - GRAN).out_length);
}

TEST(a_vacant_place_is_taken_by_the_next_of_its_size)
{
	unsigned long base = vacate(GRAN);

	EXPECT_EQ(base, reserve_at(HERE, 0, GRAN, READONLY, WINMEM_RESERVE_COMMIT));
	EXPECT_COMMITTED(base, GRAN, READONLY);
	EXPECT_EQ(READONLY, query(base).out_alloc_prot);
	EXPECT(zeroed(base, GRAN));
	EXPECT(!try_write(base, 1));
	EXPECT(reserve(GRAN) != base);
}

TEST(a_vacant_place_of_an_odd_size)
{
	unsigned long base = vacate(GRAN + PAGE);

	EXPECT_EQ(base, vacate(GRAN + PAGE));
	EXPECT_EQ(base, reserve(GRAN + PAGE));
	EXPECT_RESERVED(base, GRAN + PAGE);
}

TEST(a_vacant_place_can_be_asked_for)
{
	unsigned long base = vacate(4 * GRAN);

	reserve_fixed(base + GRAN, GRAN);
	EXPECT_FREE(base);
	EXPECT_RESERVED(base + GRAN, GRAN);
	EXPECT_FREE(base + 2 * GRAN);
	reserve_fixed(base, GRAN);
	reserve_fixed(base + 2 * GRAN, 2 * GRAN);

	base = vacate(GRAN);
	reserve_fixed(base, GRAN);
	EXPECT_RESERVED(base, GRAN);
}

TEST(VA35_a_vacant_place_is_not_for_the_other_end)
{
	unsigned long low = vacate(GRAN), high;

	EXPECT(low < HIGH);
	high = reserve_high(GRAN);
	EXPECT(high > HIGH);
	release(high);
	low = reserve(GRAN);
	EXPECT(low < HIGH);
	release(low);
	high = reserve_high(GRAN);
	EXPECT(high > HIGH);
	release(high);
	EXPECT_EQ(high, reserve_high(GRAN));
}

TEST(a_vacant_place_is_not_for_who_has_bounds)
{
	unsigned long base = vacate(GRAN);
	struct winmem_reserve args = reserve_args(0, GRAN, READWRITE, 0);

	args.lowest = base + GRAN;
	EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &args));
	EXPECT(args.out_addr > base);
}

TEST(a_place_with_bounds_is_not_left_for_others)
{
	unsigned long hole = find_hole(GRAN);

	reserve_fixed(hole, GRAN);
	release(hole);
	EXPECT(!vma_covers(hole));
	EXPECT(reserve(GRAN) != hole);
}

/* Whoever has asked for just this place may want it again. */
TEST(a_place_that_was_asked_for_is_not_left_for_others)
{
	unsigned long base = reserve(32 * GRAN), far = base + 16 * GRAN, low;
	struct winmem_reserve args = reserve_args(0, GRAN, READWRITE, 0);

	release(base);
	reserve_fixed(far, GRAN);
	release(far);
	low = reserve(GRAN);
	EXPECT(low != far);
	EXPECT_EQ(far, reserve_fixed(far, GRAN));
	release(far);
	release(low);

	/* By its bounds, too. */
	args.lowest = far;
	EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &args));
	EXPECT_EQ(far, args.out_addr);
	release(far);
	EXPECT(reserve(GRAN) != far);
}

/* Where the program has unmapped it, it is mapped again. */
TEST(a_vacant_place_that_was_unmapped)
{
	unsigned long base = vacate(GRAN);

	EXPECT_OK(munmap((void *)base, GRAN));
	EXPECT_EQ(base, reserve_commit(GRAN, READWRITE));
	EXPECT(zeroed(base, GRAN));
	fill(base, GRAN, 2);
	EXPECT(filled(base, GRAN, 2));
}

TEST(a_vacant_place_that_was_mapped_over)
{
	unsigned long base = vacate(GRAN), other;

	map_foreign(base + PAGE, PAGE, PROT_READ | PROT_WRITE);
	fill(base + PAGE, PAGE, 3);
	other = reserve_commit(GRAN, READWRITE);
	EXPECT(other != base);
	fill(other, GRAN, 4);
	EXPECT(filled(base + PAGE, PAGE, 3));
	EXPECT_OK(munmap((void *)(base + PAGE), PAGE));
}

/* Watched memory is never huge, other large reservations may be. */
TEST(a_vacant_place_is_for_its_own_kind)
{
	unsigned long length = 2 * CHUNK, base;

	base = reserve_at(HERE, 0, length, READWRITE, WINMEM_RESERVE_WATCH | WINMEM_RESERVE_COMMIT);
	fill(base, length, 5);
	release(base);
	base = reserve_commit(length, READWRITE);
	EXPECT(zeroed(base, length));
	release(base);
	base = reserve_at(HERE, 0, length, READWRITE, WINMEM_RESERVE_WATCH | WINMEM_RESERVE_COMMIT);
	EXPECT(zeroed(base, length));
}
