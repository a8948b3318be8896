// SPDX-License-Identifier: GPL-2.0-only
/*
 * What winmem is for: page states do not cost mappings. The kernel's own limit of
 * mappings (vm.max_map_count) is left as it is.
 */
#include "common.h"

#include <time.h>

#define NR	100000UL
#define FEW	20

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

TEST(a_hundred_thousand_alternately_protected_pages)
{
	unsigned int before = vma_count();
	unsigned long base = reserve(NR * PAGE);
	double start;

	commit(base, NR * PAGE, READWRITE);
	start = milliseconds();
	for (unsigned long i = 0; i < NR; i += 2)
		if (raw_protect(base + i * PAGE, PAGE, READONLY))
			check_failed(HERE, "page %lu: %s", i, strerror(errno));
	printf("# %lu protects, %.1f ms\n", NR / 2, milliseconds() - start);
	EXPECT(vma_count() <= before + FEW);

	/* Each is as it should be; to touch all of them would take 400 MB. */
	for (unsigned long i = 0; i < NR; i += 997) {
		EXPECT_COMMITTED(base + i * PAGE, PAGE, i % 2 ? READWRITE : READONLY);
		EXPECT_EQ(i % 2 == 1, try_write(base + i * PAGE, 1));
		EXPECT(try_read(base + i * PAGE));
	}
	EXPECT(vma_count() <= before + FEW);
	release(base);
	EXPECT(vma_count() <= before + FEW);
}

TEST(alternately_committed_pages)
{
	unsigned int before = vma_count();
	unsigned long base = reserve(NR * PAGE);

	for (unsigned long i = 0; i < NR / 4; i += 2)
		if (raw_commit(base + i * PAGE, PAGE, READWRITE))
			check_failed(HERE, "page %lu: %s", i, strerror(errno));
	EXPECT_EQ(NR / 8 * PAGE, charge());
	for (unsigned long i = 0; i < NR / 4; i += 499)
		EXPECT_EQ(i % 2 == 0, try_write(base + i * PAGE, 1));
	EXPECT(vma_count() <= before + FEW);
}

TEST(alternate_guards)
{
	unsigned int before = vma_count();
	unsigned long base = reserve_commit(4 * CHUNK, READWRITE);

	for (unsigned long at = 0; at < 4 * CHUNK; at += 2 * PAGE)
		protect(base + at, PAGE, READWRITE | GUARD);
	for (unsigned long at = 0; at < 4 * CHUNK; at += 16 * PAGE)
		EXPECT(!try_read(base + at));
	EXPECT(vma_count() <= before + FEW);
}

/* The time is printed for people; how fast a machine is does not decide a test. */
TEST(a_terabyte_is_reserved_as_one_mapping)
{
	unsigned int before = vma_count();
	double start = milliseconds();
	unsigned long base = reserve(TIB);
	struct vma window;

	printf("# 1 TiB reserved in %.3f ms\n", milliseconds() - start);
	EXPECT(vma_find(base, &window));
	EXPECT(window.start <= base && window.end >= base + TIB);
	EXPECT(vma_count() <= before + 2);
	EXPECT_RESERVED(base, TIB);
	start = milliseconds();
	release(base);
	printf("# and released in %.3f ms\n", milliseconds() - start);
}

TEST(a_terabyte_at_a_given_address_is_one_mapping)
{
	unsigned int before = vma_count();
	unsigned long hole = find_hole(TIB);
	struct vma window;

	reserve_fixed(hole, TIB);
	EXPECT(vma_find(hole, &window));
	EXPECT(window.start <= hole && window.end >= hole + TIB);
	EXPECT(vma_count() <= before + 2);
}

TEST(many_reservations_of_all_sizes)
{
	unsigned int before = vma_count();
	unsigned long base[100];

	for (unsigned long i = 0; i < ARRAY_LEN(base); i++) {
		base[i] = reserve(GRAN << i % 12);
		commit(base[i], PAGE, READWRITE);
		EXPECT(try_write(base[i], 1));
	}
	EXPECT(vma_count() <= before + FEW);
	for (unsigned long i = 0; i < ARRAY_LEN(base); i++)
		release(base[i]);
	EXPECT(vma_count() <= before + FEW);
}
