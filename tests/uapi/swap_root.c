// SPDX-License-Identifier: GPL-2.0-only
/*
 * With swap: what matters goes there and comes back, what was reset does not go there.
 * A compressed disk in memory is the swap; it needs root.
 */
#define _GNU_SOURCE
#include "common.h"
#include "swap.h"
#include "watch_threads.h"

#define NR		2048UL		/* pages; counters of swap move in batches of 64 */
#define LENGTH		(NR * PAGE)

static unsigned long pages_make(unsigned int seed)
{
	unsigned long base;

	swap_on();
	base = reserve_commit(LENGTH, READWRITE);
	fill(base, LENGTH, seed);
	return base;
}

TEST(pages_go_to_swap_and_come_back)
{
	unsigned long base = pages_make(1);
	unsigned long before = swap_used();

	press(base, LENGTH);
	EXPECT(swap_used() > before + NR / 2);
	EXPECT(resident(base, LENGTH) < NR / 2);
	EXPECT(filled(base, LENGTH, 1));
	EXPECT_EQ(LENGTH, charge());
}

TEST(protections_hold_for_pages_in_swap)
{
	unsigned long base = pages_make(2);

	protect(base, PAGE, READONLY);
	press(base, LENGTH);
	/* Some are changed before they are swapped out, some while they are. */
	protect(base + PAGE, PAGE, NOACCESS);
	protect(base + 2 * PAGE, PAGE, READONLY);
	protect(base + 3 * PAGE, PAGE, READWRITE | GUARD);
	EXPECT(!try_write(base, 1));
	EXPECT(!try_read(base + PAGE));
	EXPECT(!try_write(base + 2 * PAGE, 1));
	EXPECT(!try_read(base + 3 * PAGE));
	protect(base, LENGTH, READWRITE);
	EXPECT(filled(base, LENGTH, 2));
}

TEST(sec09_decommit_frees_swap_and_zeroes)
{
	unsigned long base = pages_make(3);
	unsigned long before;

	press(base, LENGTH);
	before = swap_used();
	EXPECT(before > NR / 2);
	decommit(base, LENGTH);
	EVENTUALLY(swap_used() < before - NR / 2 + 128);
	commit(base, LENGTH, READWRITE);
	EXPECT(zeroed(base, LENGTH));
}

TEST(release_and_exit_free_swap)
{
	unsigned long base = pages_make(4);
	unsigned long before;

	press(base, LENGTH);
	before = swap_used();
	EXPECT(before > NR / 2);
	release(base);
	EVENTUALLY(swap_used() < before - NR / 2 + 128);
}

/* The point of it: no swap is spent on what does not matter. */
TEST(VR01_reset_pages_do_not_go_to_swap)
{
	unsigned long base = pages_make(5);
	unsigned long before = swap_used();
	unsigned long kept = 0;

	reset(base, LENGTH);
	press(base, LENGTH);
	EXPECT(swap_used() < before + 256);
	EXPECT(resident(base, LENGTH) < NR / 2);
	for (unsigned long addr = base; addr < base + LENGTH; addr += PAGE) {
		bool same = filled(addr, PAGE, 5);

		EXPECT(same || zeroed(addr, PAGE));
		kept += same;
	}
	EXPECT(kept < NR / 2);
}

TEST(VR14_reset_pages_written_again_go_to_swap_and_come_back)
{
	unsigned long base = pages_make(6);
	unsigned long before;

	reset(base, LENGTH);
	fill(base, LENGTH, 7);
	before = swap_used();
	press(base, LENGTH);
	EXPECT(swap_used() > before + NR / 2);
	EXPECT(filled(base, LENGTH, 7));
}

TEST(VR10_undo_then_swap_loses_nothing)
{
	unsigned long base = pages_make(8);

	reset(base, LENGTH);
	reset_undo(base, LENGTH);
	press(base, LENGTH);
	EXPECT(filled(base, LENGTH, 8));
}

/* What is in swap when it is reset need not be kept; the answer of UNDO must be true. */
TEST(VR11_reset_of_pages_that_are_in_swap)
{
	unsigned long base = pages_make(9);
	struct winmem_reset args = reset_args(base, LENGTH, WINMEM_RESET_UNDO);

	press(base, LENGTH);
	EXPECT(resident(base, LENGTH) < NR / 2);
	reset(base, LENGTH);
	if (!ioctl(dev, WINMEM_IOC_RESET, &args)) {
		EXPECT(filled(base, LENGTH, 9));
		return;
	}
	EXPECT_EQ(ENODATA, errno);
	for (unsigned long addr = base; addr < base + LENGTH; addr += PAGE)
		EXPECT(filled(addr, PAGE, 9) || zeroed(addr, PAGE));
}

TEST(VR10_undo_of_pages_that_were_swapped_and_fetched_again)
{
	unsigned long base = pages_make(10);
	struct winmem_reset args = reset_args(base, LENGTH, WINMEM_RESET_UNDO);

	/* Clean pages with a copy in swap: the page in memory is what counts now. */
	press(base, LENGTH);
	EXPECT(filled(base, LENGTH, 10));
	reset(base, LENGTH);
	if (!ioctl(dev, WINMEM_IOC_RESET, &args)) {
		EXPECT(filled(base, LENGTH, 10));
		press(base, LENGTH);
		EXPECT(filled(base, LENGTH, 10));
		return;
	}
	EXPECT_EQ(ENODATA, errno);
	for (unsigned long addr = base; addr < base + LENGTH; addr += PAGE)
		EXPECT(filled(addr, PAGE, 10) || zeroed(addr, PAGE));
}

/* Cleared from memory by name, not by pressure: what matters stays. */
TEST(drop_caches_drops_only_what_was_reset)
{
	unsigned long base = pages_make(11);
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	EXPECT_OK(fd);
	reset(base, LENGTH / 2);
	EXPECT_EQ(1, write(fd, "1", 1));
	close(fd);
	EXPECT(filled(base + LENGTH / 2, LENGTH / 2, 11));
	for (unsigned long addr = base; addr < base + LENGTH / 2; addr += PAGE)
		EXPECT(filled(addr, PAGE, 11) || zeroed(addr, PAGE));
}

/*
 * QUERY looks for copies in memory only: what it says of one in swap is not tested, but
 * when it has been fetched again it is the process's own as before.
 */
TEST(VQ16_a_written_page_of_a_private_file_mapping_comes_back_from_swap)
{
	unsigned char content[PAGE] = { 1 };
	int fd;
	unsigned char *map;

	swap_on();
	fd = memfd_create("winmem-swap", MFD_CLOEXEC);
	for (int i = 0; i < 16; i++)
		EXPECT_EQ(PAGE, write(fd, content, PAGE));
	map = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	EXPECT(map != MAP_FAILED);
	memset(map, 2, 8 * PAGE);
	EXPECT_EQ(READWRITE, query((unsigned long)map).out_prot);
	EXPECT_EQ(8 * PAGE, query((unsigned long)map).out_length);
	EXPECT_OK(madvise(map, 16 * PAGE, MADV_PAGEOUT));
	for (int i = 0; i < 16; i++)
		EXPECT_EQ(i < 8 ? 2 : 1, map[i * PAGE]);
	EXPECT_EQ(READWRITE, query((unsigned long)map).out_prot);
	EXPECT_EQ(8 * PAGE, query((unsigned long)map).out_length);
	EXPECT_EQ(WINMEM_PROT_WRITECOPY, query((unsigned long)map + 8 * PAGE).out_prot);
	EXPECT_EQ(8 * PAGE, query((unsigned long)map + 8 * PAGE).out_length);
	munmap(map, 16 * PAGE);
	close(fd);
}

TEST(the_total_limit_counts_swap)
{
	unsigned long ram = (unsigned long)sysconf(_SC_PHYS_PAGES) * PAGE;

	swap_on();
	EXPECT(limit_at(HERE, 0, 0).out_total_limit >= ram + SWAP_BYTES / 2);
}

/* Pages, ever. */
static unsigned long swapped_out(void)
{
	unsigned long pages = 0;
	char line[128];
	FILE *file = fopen("/proc/vmstat", "re");

	EXPECT(file);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "pswpout %lu", &pages);
	fclose(file);
	return pages;
}

static void page_out(unsigned long base, unsigned long length)
{
	EXPECT_OK(madvise((void *)base, length, MADV_PAGEOUT));
}

TEST(W05_eight_writers_and_pages_that_go_to_swap)
{
	unsigned int rounds = watch_rounds(20);
	unsigned long before;

	swap_on();
	before = swapped_out();
	watch_race_run(rounds > 20 ? 8192 : NR, rounds, page_out);
	EXPECT(swapped_out() > before + 64);
}
