// SPDX-License-Identifier: GPL-2.0-only
/*
 * mremap(2): winmem's pages stay where they are. Shrinking is an munmap; growing in
 * place is harmless as long as nothing can be touched there; all else is refused.
 */
#define _GNU_SOURCE
#include "common.h"

#include <sys/syscall.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4
#endif

#define LENGTH	(4 * GRAN)

static unsigned long base;

static void make(void)
{
	base = reserve_commit(LENGTH, READWRITE);
	fill(base, LENGTH, 1);
}

/* Everything is where it was, and works. */
static void check_intact(const char *at)
{
	if (!filled(base, LENGTH, 1))
		check_failed(at, "contents changed");
	check_run(at, base, LENGTH, WINMEM_STATE_COMMIT, READWRITE);
	protect_at(at, base, PAGE, READONLY);
	if (try_write(base, 0) || !try_write(base + PAGE, 1))
		check_failed(at, "protections do not work any more");
	protect_at(at, base, PAGE, READWRITE);
	fill(base, LENGTH, 1);
}

static void refused(const char *at, unsigned long old, unsigned long new, int flags,
		    unsigned long target)
{
	void *map = mremap((void *)base, old, new, flags, (void *)target);

	if (map != MAP_FAILED)
		check_failed(at, "mremap moved %#lx bytes to %p", old, map);
	check_intact(at);
}

TEST(sec05_a_move_is_refused)
{
	unsigned long hole = find_hole(LENGTH);

	make();
	refused(HERE, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, hole);
	EXPECT(!vma_covers(hole));
	refused(HERE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, hole);
	refused(HERE, PAGE, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, hole);
	EXPECT_FREE(hole);
}

TEST(sec05_a_move_to_another_reservation_is_refused)
{
	unsigned long other = reserve_commit(LENGTH, READWRITE);

	/* The target is unmapped before the move is tried: that is MREMAP_FIXED's way. */
	make();
	refused(HERE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other);
	EXPECT(!try_read(other));
	release(other);
}

TEST(sec05_growing_with_MAYMOVE_is_refused)
{
	make();
	refused(HERE, LENGTH, 2 * LENGTH, MREMAP_MAYMOVE, 0);
	refused(HERE, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0);
}

TEST(sec05_growing_in_the_middle_is_refused)
{
	make();
	refused(HERE, PAGE, 2 * PAGE, 0, 0);
	refused(HERE, LENGTH, LENGTH + PAGE, 0, 0);
}

TEST(sec05_old_size_zero_makes_no_second_mapping)
{
	unsigned long hole = find_hole(LENGTH);

	make();
	refused(HERE, 0, PAGE, MREMAP_MAYMOVE, 0);
	refused(HERE, 0, LENGTH, MREMAP_MAYMOVE, 0);
	refused(HERE, 0, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, hole);
	EXPECT(!vma_covers(hole));
}

TEST(sec05_DONTUNMAP_is_refused)
{
	make();
	refused(HERE, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
	refused(HERE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED,
		find_hole(PAGE));
}

/* The end of a window may grow into free space; there is nothing there to touch. */
TEST(sec05_growing_a_window_at_its_end_gives_no_memory)
{
	unsigned long hole = find_hole(GIB);
	struct vma window;
	void *map;

	base = reserve_fixed(hole, LENGTH);
	commit(base, LENGTH, READWRITE);
	fill(base, LENGTH, 1);
	EXPECT(vma_find(base, &window));
	map = mremap((void *)(window.end - PAGE), PAGE, 3 * PAGE, 0);
	if (map != MAP_FAILED) {
		EXPECT_EQ(window.end - PAGE, (unsigned long)map);
		EXPECT(!try_read(window.end));
		EXPECT(!try_write(window.end + PAGE, 1));
	}
	EXPECT_FREE(window.end);
	check_intact(HERE);
	/* It is free for others too, whatever the mapping says. */
	reserve_fixed(window.end, GRAN);
	commit(window.end, GRAN, READWRITE);
	fill(window.end, GRAN, 2);
	EXPECT(filled(window.end, GRAN, 2));
	release(base);
	EXPECT(filled(window.end, GRAN, 2));
	release(window.end);
	EXPECT_EQ(0, charge());
}

TEST(sec03_shrinking_unmaps_the_tail)
{
	make();
	EXPECT_EQ(base, (unsigned long)mremap((void *)base, LENGTH, LENGTH / 2, 0));
	EXPECT(filled(base, LENGTH / 2, 1));
	EXPECT(!try_read(base + LENGTH / 2));
	EXPECT(!try_read(base + LENGTH - 1));
	release(base);
	EXPECT_EQ(0, charge());
}

TEST(sec06_a_foreign_mapping_moved_over_a_part)
{
	unsigned char *foreign = map_foreign(0, PAGE, PROT_READ | PROT_WRITE);
	void *map;

	make();
	memset(foreign, 0x5a, PAGE);
	map = mremap(foreign, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)(base + GRAN));
	EXPECT_EQ(base + GRAN, (unsigned long)map);
	foreign = map;
	raw_protect(base, LENGTH, NOACCESS);
	EXPECT_EQ(0x5a, byte_at(base + GRAN));
	EXPECT(try_write(base + GRAN, 0x5b));
	raw_commit(base, LENGTH, READWRITE);
	EXPECT_EQ(0x5b, byte_at(base + GRAN));
	release(base);
	EXPECT_EQ(0x5b, byte_at(base + GRAN));
	EXPECT_EQ(0x5a, byte_at(base + GRAN + PAGE - 1));
	EXPECT_EQ(0, charge());
	EXPECT_OK(munmap(foreign, PAGE));
}

/* The module's file has offsets of its own; a page shows only at its own address. */
TEST(sec01_remap_file_pages_cannot_show_one_page_at_the_place_of_another)
{
	make();
	for (unsigned long pgoff = 0; pgoff < 4; pgoff++)
		EXPECT_EQ(-1ULL, syscall(SYS_remap_file_pages, base, PAGE, 0, pgoff, 0));
	EXPECT_EQ(-1ULL, syscall(SYS_remap_file_pages, base, PAGE, 0, base / PAGE + 4, 0));
	EXPECT_EQ(-1ULL, syscall(SYS_remap_file_pages, base, PAGE, 0, ~0UL >> 12, 0));
	/* The kernel unmaps before it asks; what is there now is our page or nothing. */
	EXPECT(!try_read(base) || filled(base, PAGE, 1));
	EXPECT(filled(base + PAGE, LENGTH - PAGE, 1));
	release(base);
	EXPECT_EQ(0, charge());
}
