// SPDX-License-Identifier: GPL-2.0-only
/*
 * RESET: contents that do not matter are dropped when memory is short. MADV_PAGEOUT is
 * the shortage here: it makes reclaim look at exactly these pages. It takes only what
 * is mapped and on this processor's lists, hence the reads and the fixed processor.
 */
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/uio.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

#define NR		256UL		/* pages: enough that "some" is a number */
#define LENGTH		(NR * PAGE)

static unsigned long pages_make(unsigned int seed)
{
	unsigned long base = reserve_commit(LENGTH, READWRITE);
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	EXPECT_OK(sched_setaffinity(0, sizeof(one), &one));
	fill(base, LENGTH, seed);
	return base;
}

/* Pages of the range that hold what was filled in, and those that are zero. */
static unsigned int pages_kept(unsigned long base, unsigned long nr, unsigned int seed)
{
	unsigned int kept = 0;

	for (unsigned long i = 0; i < nr; i++) {
		bool same = filled(base + i * PAGE, PAGE, seed);

		/* Never a mix, and never anything else. */
		EXPECT(same || zeroed(base + i * PAGE, PAGE));
		kept += same;
	}
	return kept;
}

static void press(unsigned long base, unsigned long length)
{
	for (unsigned long addr = base; addr < base + length; addr += PAGE)
		byte_at(addr);
	EXPECT_OK(madvise((void *)base, length, MADV_PAGEOUT));
}

TEST(VR01_state_protection_and_charge_stay)
{
	unsigned long base = pages_make(1);

	protect(base + PAGE, PAGE, READONLY);
	protect(base + 2 * PAGE, PAGE, NOACCESS);
	reset(base, LENGTH);
	EXPECT_COMMITTED(base, PAGE, READWRITE);
	EXPECT_COMMITTED(base + PAGE, PAGE, READONLY);
	EXPECT_COMMITTED(base + 2 * PAGE, PAGE, NOACCESS);
	EXPECT_COMMITTED(base + 3 * PAGE, LENGTH - 3 * PAGE, READWRITE);
	EXPECT_EQ(LENGTH, charge());
	EXPECT(!try_write(base + PAGE, 1));
	EXPECT(!try_read(base + 2 * PAGE));
	protect(base + 2 * PAGE, PAGE, READWRITE);
	pages_kept(base, NR, 1);
}

TEST(VR02_reserved_pages_are_passed_over)
{
	unsigned long base = reserve(GRAN);

	reset(base, GRAN);
	EXPECT_RESERVED(base, GRAN);
	commit(base + PAGE, PAGE, READWRITE);
	reset(base, 4 * PAGE);
	reset_undo(base, 4 * PAGE);
	EXPECT_RESERVED(base, PAGE);
	EXPECT_COMMITTED(base + PAGE, PAGE, READWRITE);
	EXPECT_RESERVED(base + 2 * PAGE, GRAN - 2 * PAGE);
	EXPECT(!try_read(base));
}

TEST(VR04_past_the_end_and_over_two_reservations_is_ENOENT)
{
	unsigned long hole = find_hole(GRAN);
	const struct { unsigned long offset, length; } ranges[] = {
		{ GRAN - PAGE, 2 * PAGE }, { 0, 2 * GRAN }, { 2 * GRAN - PAGE, 2 * PAGE },
		{ 0, TIB }, { 2 * GRAN, PAGE },
	};

	reserve_fixed(hole, GRAN);
	reserve_fixed(hole + GRAN, GRAN);
	commit(hole, GRAN, READWRITE);
	commit(hole + GRAN, GRAN, READWRITE);
	fill(hole, 2 * GRAN, 2);
	watch(hole, 3 * GRAN);
	for (unsigned int flags = 0; flags <= WINMEM_RESET_UNDO; flags++) {
		for (unsigned int i = 0; i < ARRAY_LEN(ranges); i++) {
			struct winmem_reset args = reset_args(hole + ranges[i].offset,
							      ranges[i].length, flags);

			REFUSED(ENOENT, WINMEM_IOC_RESET, &args);
		}
	}
	press(hole, 2 * GRAN);
	EXPECT(filled(hole, 2 * GRAN, 2));
}

TEST(VR10_undo_at_once_loses_nothing)
{
	unsigned long base = pages_make(3);

	reset(base, LENGTH);
	reset_undo(base, LENGTH);
	EXPECT(filled(base, LENGTH, 3));
	press(base, LENGTH);
	EXPECT(filled(base, LENGTH, 3));
}

TEST(pages_that_were_not_reset_survive_pressure)
{
	unsigned long base = pages_make(4);

	press(base, LENGTH);
	EXPECT(filled(base, LENGTH, 4));
	protect(base, LENGTH, READONLY);
	press(base, LENGTH);
	EXPECT(filled(base, LENGTH, 4));
}

TEST(reset_pages_are_dropped_under_pressure)
{
	unsigned long base = pages_make(5);

	reset(base, LENGTH);
	press(base, LENGTH);
	EXPECT(pages_kept(base, NR, 5) < NR / 2);
	EXPECT_COMMITTED(base, LENGTH, READWRITE);
	EXPECT_EQ(LENGTH, charge());
	fill(base, LENGTH, 6);
	press(base, LENGTH);
	EXPECT(filled(base, LENGTH, 6));
}

TEST(only_the_range_is_dropped)
{
	unsigned long base = pages_make(7);

	reset(base + 64 * PAGE, 128 * PAGE);
	press(base, LENGTH);
	EXPECT(filled(base, 64 * PAGE, 7));
	EXPECT(filled(base + 192 * PAGE, 64 * PAGE, 7));
	EXPECT(pages_kept(base + 64 * PAGE, 128, 7) < 64);
}

TEST(VR11_undo_after_a_loss_is_ENODATA_and_the_pages_are_usable)
{
	unsigned long base = pages_make(8);
	struct winmem_reset args = reset_args(base, LENGTH, WINMEM_RESET_UNDO);

	reset(base, LENGTH);
	press(base, LENGTH);
	EXPECT_ERRNO(ENODATA, ioctl(dev, WINMEM_IOC_RESET, &args));
	/* It has been told, and the pages that were left matter again. */
	EXPECT_OK(ioctl(dev, WINMEM_IOC_RESET, &args));
	pages_kept(base, NR, 8);
	EXPECT_COMMITTED(base, LENGTH, READWRITE);
	fill(base, LENGTH, 9);
	EXPECT(filled(base, LENGTH, 9));
	press(base, LENGTH);
	EXPECT(filled(base, LENGTH, 9));
}

TEST(VR11_a_loss_is_told_though_the_page_was_read_since)
{
	unsigned long base = pages_make(8);
	struct winmem_reset args = reset_args(base, LENGTH, WINMEM_RESET_UNDO);

	reset(base, LENGTH);
	press(base, LENGTH);
	EXPECT(pages_kept(base, NR, 8) < NR);
	EXPECT_ERRNO(ENODATA, ioctl(dev, WINMEM_IOC_RESET, &args));
}

TEST(VR11_undo_of_a_part_that_lost_nothing)
{
	unsigned long base = pages_make(10);

	reset(base, LENGTH);
	press(base, LENGTH / 2);
	/* The second half was not pressed; its contents are there and matter again. */
	reset_undo(base + LENGTH / 2, LENGTH / 2);
	press(base, LENGTH);
	EXPECT(filled(base + LENGTH / 2, LENGTH / 2, 10));
}

TEST(VR12_undo_without_a_reset_changes_nothing)
{
	unsigned long base = pages_make(11);

	reset_undo(base, LENGTH);
	EXPECT(filled(base, LENGTH, 11));
	press(base, LENGTH);
	EXPECT(filled(base, LENGTH, 11));
}

TEST(pages_that_were_never_touched_have_nothing_to_lose)
{
	unsigned long base = reserve_commit(LENGTH, READWRITE);

	fill(base + PAGE, PAGE, 12);
	reset(base, LENGTH);
	reset_undo(base, LENGTH);
	EXPECT(filled(base + PAGE, PAGE, 12));
	EXPECT(zeroed(base + 2 * PAGE, LENGTH - 2 * PAGE));
}

TEST(VR14_pages_that_are_written_again_matter_again)
{
	unsigned long base = pages_make(13);
	unsigned int kept = 0;

	reset(base, LENGTH);
	for (unsigned long i = 0; i < NR; i += 4)
		fill(base + i * PAGE, PAGE, 14);
	press(base, LENGTH);
	for (unsigned long i = 0; i < NR; i++) {
		if (i % 4 == 0)
			EXPECT(filled(base + i * PAGE, PAGE, 14));
		else
			kept += pages_kept(base + i * PAGE, 1, 13);
	}
	EXPECT(kept < NR / 2);
}

/* One byte is a write too, and it keeps the rest of its page as it then was. */
TEST(VR14_one_byte_is_enough)
{
	unsigned long base = pages_make(15);

	reset(base, LENGTH);
	EXPECT(try_write(base + 17, 0xaa));
	press(base, LENGTH);
	EXPECT_EQ(0xaa, byte_at(base + 17));
}

TEST(VR14_a_write_by_a_system_call_counts)
{
	unsigned long base = pages_make(16);
	unsigned char page[PAGE];
	struct iovec local = { page, PAGE }, remote = { (void *)(base + PAGE), PAGE };
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	memset(page, 0x11, PAGE);
	reset(base, LENGTH);
	EXPECT_EQ(PAGE, process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
	EXPECT_EQ(PAGE, read(zero, (void *)(base + 2 * PAGE), PAGE));
	memset((void *)(base + 2 * PAGE), 0x22, 16);
	press(base, LENGTH);
	EXPECT(!memcmp((void *)(base + PAGE), page, PAGE));
	EXPECT_EQ(0x22, byte_at(base + 2 * PAGE + 15));
	close(zero);
}

TEST(reset_twice)
{
	unsigned long base = pages_make(17);

	reset(base, LENGTH);
	reset(base, LENGTH);
	reset_undo(base, LENGTH);
	EXPECT(filled(base, LENGTH, 17));
}

TEST(decommit_forgets_the_reset)
{
	unsigned long base = pages_make(18);

	reset(base, LENGTH);
	press(base, LENGTH);
	decommit(base, LENGTH);
	commit(base, LENGTH, READWRITE);
	reset_undo(base, LENGTH);
	fill(base, LENGTH, 19);
	press(base, LENGTH);
	EXPECT(filled(base, LENGTH, 19));
}

TEST(release_forgets_the_reset)
{
	unsigned long hole = find_hole(LENGTH);

	reserve_fixed(hole, LENGTH);
	commit(hole, LENGTH, READWRITE);
	fill(hole, LENGTH, 20);
	reset(hole, LENGTH);
	release(hole);
	reserve_fixed(hole, LENGTH);
	commit(hole, LENGTH, READWRITE);
	EXPECT(zeroed(hole, LENGTH));
	fill(hole, LENGTH, 21);
	press(hole, LENGTH);
	EXPECT(filled(hole, LENGTH, 21));
}

TEST(protections_hold_on_reset_pages)
{
	unsigned long base = pages_make(22);

	reset(base, LENGTH);
	protect(base, LENGTH, READONLY);
	EXPECT(!try_write(base, 1));
	press(base, LENGTH);
	EXPECT(!try_write(base, 1));
	EXPECT(try_read(base));
	protect(base, LENGTH, READWRITE | GUARD);
	EXPECT(!try_read(base));
	EXPECT(try_write(base, 1));
}

/* Foreign mappings: see the header. */
TEST(VR08_shared_anonymous_memory_is_accepted_and_left_alone)
{
	unsigned char *map = mmap(NULL, GRAN, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	EXPECT(map != MAP_FAILED);
	fill((unsigned long)map, GRAN, 23);
	reset((unsigned long)map, GRAN);
	press((unsigned long)map, GRAN);
	EXPECT(filled((unsigned long)map, GRAN, 23));
	reset_undo((unsigned long)map, GRAN);
	munmap(map, GRAN);
}

TEST(VR09_a_file_mapping_is_ETXTBSY)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	const int kinds[] = { MAP_SHARED, MAP_PRIVATE };

	for (unsigned int i = 0; i < ARRAY_LEN(kinds); i++) {
		unsigned char *map = mmap(NULL, 2 * PAGE, PROT_READ, kinds[i], fd, 0);
		struct winmem_reset args = reset_args((unsigned long)map, PAGE, 0);

		EXPECT(map != MAP_FAILED);
		watch((unsigned long)map, 2 * PAGE);
		REFUSED(ETXTBSY, WINMEM_IOC_RESET, &args);
		EXPECT_EQ(0x7f, map[0]);
		munmap(map, 2 * PAGE);
	}
	close(fd);
}

TEST(private_memory_that_is_foreign_and_free_memory_are_ENOENT)
{
	unsigned char *map = map_foreign(0, GRAN, PROT_READ | PROT_WRITE);
	struct winmem_reset args = reset_args((unsigned long)map, GRAN, 0);

	memset(map, 0x44, GRAN);
	watch((unsigned long)map, GRAN);
	REFUSED(ENOENT, WINMEM_IOC_RESET, &args);
	args.addr = find_hole(GRAN);
	REFUSED(ENOENT, WINMEM_IOC_RESET, &args);
	munmap(map, GRAN);
}
