// SPDX-License-Identifier: GPL-2.0-only
/*
 * DECOMMIT: memory and charge go, the reservation stays.
 */
#include "common.h"

TEST(VF10_decommit_keeps_the_reservation)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	fill(base, GRAN, 1);
	decommit(base + 4 * PAGE, 2 * PAGE);
	EXPECT_COMMITTED(base, 4 * PAGE, READWRITE);
	EXPECT_RESERVED(base + 4 * PAGE, 2 * PAGE);
	EXPECT_COMMITTED(base + 6 * PAGE, GRAN - 6 * PAGE, READWRITE);
	EXPECT_EQ(READWRITE, query(base + 4 * PAGE).out_alloc_prot);
	EXPECT_EQ(base, query(base + 4 * PAGE).out_alloc_base);
	EXPECT_EQ(GRAN - 2 * PAGE, charge());
	EXPECT(filled(base, 4 * PAGE, 1));
	EXPECT(filled(base + 6 * PAGE, GRAN - 6 * PAGE, 1));
}

TEST(G13_a_decommitted_page_cannot_be_touched)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	fill(base, GRAN, 1);
	decommit(base, PAGE);
	EXPECT(!try_read(base));
	EXPECT_EQ(base, last_fault.addr);
	EXPECT(!try_write(base + PAGE - 1, 1));
	EXPECT_EQ(base + PAGE - 1, last_fault.addr);
	EXPECT(try_read(base + PAGE));
}

TEST(VF12_reserved_and_mixed_ranges)
{
	unsigned long base = reserve(GRAN);

	decommit(base, GRAN);
	EXPECT_RESERVED(base, GRAN);
	commit(base + 2 * PAGE, PAGE, READWRITE);
	commit(base + 5 * PAGE, PAGE, READONLY);
	decommit(base + PAGE, 8 * PAGE);
	EXPECT_RESERVED(base, GRAN);
	EXPECT_EQ(0, charge());
	decommit(base, GRAN);
}

TEST(VF13_the_whole_reservation)
{
	unsigned long base = reserve_commit(CHUNK + 5 * PAGE, READWRITE);
	struct winmem_decommit args = decommit_args(base, 0);

	fill(base, GRAN, 1);
	EXPECT_OK(ioctl(dev, WINMEM_IOC_DECOMMIT, &args));
	EXPECT_EQ(CHUNK + 5 * PAGE, args.out_length);
	EXPECT_EQ(0, args.out_flags);
	EXPECT_RESERVED(base, CHUNK + 5 * PAGE);
	EXPECT_EQ(0, charge());
	commit(base, GRAN, READWRITE);
	EXPECT(zeroed(base, GRAN));
}

TEST(VF15_whole_but_not_at_the_base_is_ENOENT)
{
	unsigned long base = reserve_commit(2 * GRAN, READWRITE);
	const unsigned long offsets[] = { PAGE, GRAN, 2 * GRAN - PAGE, 2 * GRAN };

	fill(base, GRAN, 1);
	watch(base, 4 * GRAN);
	for (unsigned int i = 0; i < ARRAY_LEN(offsets); i++) {
		struct winmem_decommit args = decommit_args(base + offsets[i], 0);

		REFUSED(ENOENT, WINMEM_IOC_DECOMMIT, &args);
	}
}

TEST(whole_with_a_length_is_EINVAL)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	struct winmem_decommit args = decommit_args(base, GRAN);

	args.flags = WINMEM_DECOMMIT_WHOLE;
	watch(base, GRAN);
	REFUSED(EINVAL, WINMEM_IOC_DECOMMIT, &args);
	args.length = PAGE;
	REFUSED(EINVAL, WINMEM_IOC_DECOMMIT, &args);
}

TEST(no_length_without_whole_is_EINVAL)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	struct winmem_decommit args = decommit_args(base, 0);

	args.flags = 0;
	watch(base, GRAN);
	REFUSED(EINVAL, WINMEM_IOC_DECOMMIT, &args);
}

TEST(VF16_past_the_end_is_ERANGE)
{
	unsigned long hole = find_hole(GRAN);
	const struct { unsigned long offset, length; } ranges[] = {
		{ 0, GRAN + PAGE }, { GRAN - PAGE, 2 * PAGE }, { 0, 2 * GRAN }, { PAGE, TIB },
	};

	/* The second reservation, right behind, must not lose a page either. */
	reserve_fixed(hole, GRAN);
	reserve_fixed(hole + GRAN, GRAN);
	commit(hole, GRAN, READWRITE);
	commit(hole + GRAN, GRAN, READWRITE);
	fill(hole, 2 * GRAN, 1);
	watch(hole, 2 * GRAN);
	for (unsigned int i = 0; i < ARRAY_LEN(ranges); i++) {
		struct winmem_decommit args = decommit_args(hole + ranges[i].offset,
							    ranges[i].length);

		REFUSED(ERANGE, WINMEM_IOC_DECOMMIT, &args);
	}
}

TEST(VF07_free_memory_is_ENOENT)
{
	struct winmem_decommit args = decommit_args(find_hole(GRAN), PAGE);

	watch(args.addr - GRAN, 4 * GRAN);
	REFUSED(ENOENT, WINMEM_IOC_DECOMMIT, &args);
	/* It begins in free memory and runs into a reservation. */
	reserve_fixed(args.addr + GRAN, GRAN);
	commit(args.addr + GRAN, GRAN, READWRITE);
	args.length = 2 * GRAN;
	REFUSED(ENOENT, WINMEM_IOC_DECOMMIT, &args);
	args.length = 0;
	args.flags = WINMEM_DECOMMIT_WHOLE;
	REFUSED(ENOENT, WINMEM_IOC_DECOMMIT, &args);
}

TEST(VF19_a_foreign_mapping_is_EBUSY)
{
	unsigned char *foreign = map_foreign(0, GRAN, PROT_READ | PROT_WRITE);
	struct winmem_decommit args = decommit_args((unsigned long)foreign, PAGE);

	memset(foreign, 0x77, GRAN);
	watch((unsigned long)foreign, GRAN);
	REFUSED(EBUSY, WINMEM_IOC_DECOMMIT, &args);
	args = decommit_args((unsigned long)foreign, 0);
	REFUSED(EBUSY, WINMEM_IOC_DECOMMIT, &args);
	munmap(foreign, GRAN);
}

TEST(the_memory_is_given_back)
{
	unsigned long base = reserve_commit(CHUNK, READWRITE);
	unsigned char resident[CHUNK / PAGE];
	unsigned int left = 0;

	fill(base, CHUNK, 1);
	decommit(base + CHUNK / 2, CHUNK / 2);
	EXPECT_OK(mincore((void *)base, CHUNK, resident));
	for (unsigned int i = 0; i < ARRAY_LEN(resident); i++)
		left += resident[i] & 1;
	EXPECT_EQ(CHUNK / PAGE / 2, left);
	EXPECT(filled(base, CHUNK / 2, 1));
}

TEST(over_chunk_borders)
{
	unsigned long hole = find_hole(GIB);

	reserve_fixed(hole, 4 * CHUNK);
	commit(hole, 4 * CHUNK, READWRITE);
	for (unsigned long at = CHUNK - PAGE; at < 4 * CHUNK - PAGE; at += CHUNK)
		fill(hole + at, 2 * PAGE, 1);
	decommit(hole + CHUNK - PAGE, 2 * PAGE);
	decommit(hole + 2 * CHUNK, CHUNK);
	EXPECT_COMMITTED(hole, CHUNK - PAGE, READWRITE);
	EXPECT_RESERVED(hole + CHUNK - PAGE, 2 * PAGE);
	EXPECT_COMMITTED(hole + CHUNK + PAGE, CHUNK - PAGE, READWRITE);
	EXPECT_RESERVED(hole + 2 * CHUNK, CHUNK);
	EXPECT_COMMITTED(hole + 3 * CHUNK, CHUNK, READWRITE);
	EXPECT(filled(hole + 2 * CHUNK - PAGE, PAGE, 1));
	EXPECT(filled(hole + 3 * CHUNK, PAGE, 1));
	EXPECT_EQ(3 * CHUNK - 2 * PAGE, charge());
}

TEST(pages_of_every_protection)
{
	const unsigned int prots[] = { NOACCESS, READONLY, READWRITE, READWRITE | GUARD };
	unsigned long base = reserve(GRAN);

	for (unsigned int i = 0; i < 16; i++)
		commit(base + i * PAGE, PAGE, prots[i % 4]);
	decommit(base + PAGE, 14 * PAGE);
	EXPECT_COMMITTED(base, PAGE, NOACCESS);
	EXPECT_RESERVED(base + PAGE, 14 * PAGE);
	EXPECT_COMMITTED(base + 15 * PAGE, PAGE, READWRITE | GUARD);
	EXPECT_EQ(2 * PAGE, charge());
}

TEST(the_protection_is_forgotten)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	protect(base, PAGE, READONLY);
	protect(base + PAGE, PAGE, READWRITE | GUARD);
	decommit(base, GRAN);
	commit(base, GRAN, READWRITE);
	EXPECT_COMMITTED(base, GRAN, READWRITE);
	EXPECT_EQ(0, byte_at(base + PAGE));
	EXPECT(try_write(base, 1));
	EXPECT_EQ(0, last_fault.count);
}

TEST(sec16_a_terabyte_with_a_few_pages_in_it)
{
	unsigned long base = reserve(TIB);

	for (unsigned long at = 0; at < TIB; at += TIB / 8) {
		commit(base + at, PAGE, READWRITE);
		EXPECT(try_write(base + at, 1));
	}
	decommit(base, TIB);
	EXPECT_RESERVED(base, TIB);
	EXPECT_EQ(0, charge());
	EXPECT(!try_read(base + TIB / 8));
}
