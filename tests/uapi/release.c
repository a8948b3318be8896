// SPDX-License-Identifier: GPL-2.0-only
/*
 * RELEASE: a reservation ends with everything in it, and nothing else does.
 */
#include "common.h"

TEST(VF03_released_is_free)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	struct winmem_release args = release_args(base);
	struct winmem_query after;

	fill(base, GRAN, 1);
	EXPECT_OK(ioctl(dev, WINMEM_IOC_RELEASE, &args));
	EXPECT_EQ(GRAN, args.out_length);
	EXPECT_EQ(0, args.out_flags);
	after = query(base);
	EXPECT_EQ(0, after.out_alloc_base);
	EXPECT_EQ(0, after.out_alloc_prot);
	EXPECT_EQ(WINMEM_STATE_FREE, after.out_state);
	EXPECT_EQ(NOACCESS, after.out_prot);
	EXPECT_EQ(0, after.out_type);
	EXPECT_EQ(0, charge());
	EXPECT(!try_read(base));
	EXPECT(!try_write(base + GRAN - 1, 1));
}

TEST(VF05_not_at_the_base_is_ENOENT)
{
	unsigned long base = reserve_commit(3 * GRAN, READWRITE);
	const unsigned long offsets[] = { PAGE, GRAN, GRAN + PAGE, 3 * GRAN - PAGE, 3 * GRAN };

	fill(base, 3 * GRAN, 1);
	watch(base - GRAN, 5 * GRAN);
	for (unsigned int i = 0; i < ARRAY_LEN(offsets); i++) {
		struct winmem_release args = release_args(base + offsets[i]);

		REFUSED(ENOENT, WINMEM_IOC_RELEASE, &args);
	}
}

TEST(VF06_twice_is_ENOENT)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	struct winmem_release args = release_args(base);

	release(base);
	watch(base, GRAN);
	REFUSED(ENOENT, WINMEM_IOC_RELEASE, &args);
}

TEST(VF08_address_zero_is_ENOENT)
{
	struct winmem_release args = release_args(0);

	watch(0, GRAN);
	REFUSED(ENOENT, WINMEM_IOC_RELEASE, &args);
}

TEST(VF19_a_foreign_mapping_is_EBUSY)
{
	unsigned char *foreign = map_foreign(find_hole(GRAN), GRAN, PROT_READ | PROT_WRITE);
	struct winmem_release args = release_args((unsigned long)foreign);

	memset(foreign, 0x77, GRAN);
	watch((unsigned long)foreign, GRAN);
	REFUSED(EBUSY, WINMEM_IOC_RELEASE, &args);
	EXPECT_EQ(0x77, foreign[GRAN - 1]);
	munmap(foreign, GRAN);
}

TEST(our_own_program_is_EBUSY)
{
	struct winmem_release args = release_args((unsigned long)test_exec & -PAGE);
	struct vma text;

	EXPECT(vma_find((unsigned long)test_exec, &text));
	args.addr = text.start;
	watch(text.start, PAGE);
	REFUSED(EBUSY, WINMEM_IOC_RELEASE, &args);
}

TEST(VF20_neighbours_stay)
{
	unsigned long hole = find_hole(GRAN);

	for (unsigned long i = 0; i < 3; i++) {
		reserve_fixed(hole + i * GRAN, GRAN);
		commit(hole + i * GRAN, GRAN, READWRITE);
	}
	fill(hole, 3 * GRAN, 1);
	release(hole + GRAN);
	EXPECT_COMMITTED(hole, GRAN, READWRITE);
	EXPECT_COMMITTED(hole + 2 * GRAN, GRAN, READWRITE);
	EXPECT_FREE(hole + GRAN);
	EXPECT_EQ(GRAN, query(hole + GRAN).out_length);
	EXPECT(filled(hole, GRAN, 1));
	EXPECT(filled(hole + 2 * GRAN, GRAN, 1));
	EXPECT(!try_read(hole + GRAN));
	EXPECT_EQ(2 * GRAN, charge());
}

TEST(VF21_committed_and_reserved_pages)
{
	unsigned long base = reserve(3 * CHUNK);

	commit(base + PAGE, PAGE, READWRITE);
	commit(base + CHUNK - PAGE, 2 * PAGE, READONLY);
	commit(base + 2 * CHUNK, PAGE, NOACCESS);
	EXPECT_EQ(4 * PAGE, charge());
	release(base);
	EXPECT_EQ(0, charge());
	EXPECT_FREE(base + CHUNK);
}

TEST(sec09_the_next_reservation_finds_zeros)
{
	unsigned long hole = find_hole(GRAN);

	for (unsigned int i = 0; i < 4; i++) {
		reserve_fixed(hole, GRAN);
		commit(hole, GRAN, READWRITE);
		EXPECT(zeroed(hole, GRAN));
		fill(hole, GRAN, i);
		protect(hole + PAGE, PAGE, NOACCESS);
		protect(hole + 2 * PAGE, PAGE, READWRITE | GUARD);
		release(hole);
	}
}

TEST(sec09_a_larger_reservation_at_the_same_place_is_reserved_not_committed)
{
	unsigned long hole = find_hole(GIB);

	reserve_fixed(hole, CHUNK);
	commit(hole, CHUNK, READWRITE);
	fill(hole + CHUNK - GRAN, GRAN, 1);
	release(hole);
	reserve_fixed(hole, 2 * CHUNK);
	EXPECT_RESERVED(hole, 2 * CHUNK);
	EXPECT(!try_read(hole + CHUNK - PAGE));
	commit(hole, 2 * CHUNK, READWRITE);
	EXPECT(zeroed(hole + CHUNK - GRAN, GRAN));
}

TEST(an_odd_number_of_pages)
{
	unsigned long base = reserve_commit(5 * PAGE, READWRITE);
	struct winmem_release args = release_args(base);

	EXPECT_OK(ioctl(dev, WINMEM_IOC_RELEASE, &args));
	EXPECT_EQ(5 * PAGE, args.out_length);
	EXPECT_EQ(0, charge());
}

TEST(windows_do_not_grow_with_reserve_and_release)
{
	unsigned int before;

	release(reserve_commit(GRAN, READWRITE));
	before = vma_count();
	for (int i = 0; i < 2000; i++) {
		unsigned long base = reserve_commit((i % 7 + 1) * GRAN, READWRITE);

		EXPECT(try_write(base, 1));
		EXPECT(try_write(base + PAGE, 1));
		release(base);
	}
	EXPECT(vma_count() <= before + 2);
}
