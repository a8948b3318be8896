// SPDX-License-Identifier: GPL-2.0-only
/*
 * With swap and memory pressure: what is locked stays in memory, and what is offered goes
 * without being written to swap. Rows L01, O03 and O04. It needs root.
 */
#define _GNU_SOURCE
#include "keep.h"
#include "swap.h"

#include <sys/stat.h>

#define NR		2048UL		/* pages; counters of swap move in batches of 64 */
#define LENGTH		(NR * PAGE)
#define HALF		(LENGTH / 2)

static unsigned long make(unsigned int seed)
{
	unsigned long base;

	swap_on();
	base = reserve_commit(LENGTH, READWRITE);
	fill(base, LENGTH, seed);
	return base;
}

static unsigned long zero_pages(unsigned long base, unsigned long length, unsigned int seed)
{
	unsigned long nr = 0;

	for (unsigned long addr = base; addr < base + length; addr += PAGE) {
		bool zero = zeroed(addr, PAGE);

		EXPECT(zero || filled(addr, PAGE, seed));
		nr += zero;
	}
	return nr;
}

TEST(L01_locked_pages_do_not_go_to_swap)
{
	unsigned long base = make(1), before = swap_used();

	lock(base, HALF);
	press(base, LENGTH);
	EXPECT_EQ(NR / 2, resident(base, HALF));
	EXPECT(resident(base + HALF, HALF) < NR / 4);
	EXPECT(swap_used() > before + NR / 4 && swap_used() < before + 3 * NR / 4);
	EXPECT(filled(base, LENGTH, 1));
	/* And then they do. */
	unlock(base, HALF);
	press(base, LENGTH);
	EXPECT(resident(base, HALF) < NR / 4);
	EXPECT(filled(base, LENGTH, 1));
}

TEST(L01_locked_pages_come_back_from_swap)
{
	unsigned long base = make(2);

	press(base, LENGTH);
	EXPECT(resident(base, LENGTH) < NR / 2);
	lock(base, LENGTH);
	EXPECT_EQ(NR, resident(base, LENGTH));
	EXPECT(filled(base, LENGTH, 2));
}

/* Clean pages, which reclaim has only to drop. */
TEST(L01_locked_pages_that_were_reset_are_not_dropped)
{
	unsigned long base = make(3);
	struct winmem_reset args = reset_args(base, HALF, WINMEM_RESET_UNDO);

	lock(base, HALF);
	reset(base, LENGTH);
	press(base, LENGTH);
	EXPECT_EQ(NR / 2, resident(base, HALF));
	EXPECT_OK(ioctl(dev, WINMEM_IOC_RESET, &args));
	EXPECT(filled(base, HALF, 3));
	EXPECT(zero_pages(base + HALF, HALF, 3) > NR / 4);
}

TEST(L01_compaction_leaves_locked_pages)
{
	unsigned long base = make(4);

	lock(base, LENGTH);
	EXPECT_OK(zram_write("/proc/sys/vm/compact_memory", "1"));
	EXPECT_EQ(NR, resident(base, LENGTH));
	EXPECT(filled(base, LENGTH, 4));
}

TEST(root_locks_more_than_RLIMIT_MEMLOCK)
{
	const unsigned long length = 64UL << 20;
	unsigned long base = reserve_commit(length, READWRITE), before = pinned_at_first();

	lock(base, length);
	EXPECT_EQ(length, vm_locked());
	release(base);
	EXPECT_EQ(0, vm_locked());
	EVENTUALLY(pinned() == before);
}

/*
 * Pages that are offered are not mapped, and MADV_PAGEOUT takes what is mapped; so the
 * pressure is on a memory cgroup.
 */
static char cgroup[] = "/sys/fs/cgroup/winmem-keep";

static int cgroup_write(const char *directory, const char *file, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	return zram_write(path, value);
}

static void cgroup_leave(void)
{
	cgroup_write("/sys/fs/cgroup", "cgroup.procs", "0");
	rmdir(cgroup);
}

/* From here on pages are charged to a cgroup of this program's. */
static void cgroup_enter(void)
{
	if (cgroup_write("/sys/fs/cgroup", "cgroup.subtree_control", "+memory") ||
	    mkdir(cgroup, 0755))
		skip_because("no memory cgroup");
	atexit(cgroup_leave);
	EXPECT(!cgroup_write(cgroup, "cgroup.procs", "0"));
}

/* It says EAGAIN when it could not get as much, which is what is wanted: all there is. */
static void cgroup_press(void)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/memory.reclaim", cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	EXPECT_OK(fd);
	for (int i = 0; i < 20; i++) {
		if (write(fd, "1G", 2) < 0)
			EXPECT_EQ(EAGAIN, errno);
	}
	close(fd);
}

TEST(O04_offered_pages_are_dropped_and_not_swapped)
{
	struct winmem_offer args;
	unsigned long base;

	cgroup_enter();
	base = make(5);
	args = offer_args(base, LENGTH, WINMEM_OFFER_UNDO);
	offer(base, LENGTH);
	EXPECT_EQ(NR, resident(base, LENGTH));
	cgroup_press();
	EXPECT(resident(base, LENGTH) < NR / 2);
	EXPECT_ERRNO(ENODATA, ioctl(dev, WINMEM_IOC_OFFER, &args));
	EXPECT(zero_pages(base, LENGTH, 5) > NR / 2);
	/* Told once, and ordinary pages again. */
	EXPECT_OK(ioctl(dev, WINMEM_IOC_OFFER, &args));
	fill(base, LENGTH, 6);
	press(base, LENGTH);
	EXPECT(filled(base, LENGTH, 6));
}

TEST(O03_reclaimed_pages_go_to_swap_and_come_back)
{
	unsigned long base = make(7);

	offer(base, LENGTH);
	reclaim(base, LENGTH);
	press(base, LENGTH);
	EXPECT(resident(base, LENGTH) < NR / 2);
	EXPECT(filled(base, LENGTH, 7));
}

/* What is in swap when it is offered is dropped there. */
TEST(O04_pages_that_are_in_swap)
{
	unsigned long base = make(8), before;
	struct winmem_offer args = offer_args(base, LENGTH, WINMEM_OFFER_UNDO);

	press(base, LENGTH);
	before = swap_used();
	EXPECT(before > NR / 2);
	offer(base, LENGTH);
	EVENTUALLY(swap_used() < before - NR / 2 + 128);
	EXPECT_ERRNO(ENODATA, ioctl(dev, WINMEM_IOC_OFFER, &args));
	EXPECT(zero_pages(base, LENGTH, 8) > NR / 2);
}

/* One page that is lost is told of; those beside it are kept. */
TEST(O04_one_page_of_many)
{
	unsigned long base = make(9);
	struct winmem_offer args = offer_args(base, LENGTH, WINMEM_OFFER_UNDO);

	EXPECT_OK(madvise((void *)(base + PAGE), PAGE, MADV_PAGEOUT));
	if (resident(base + PAGE, PAGE))
		skip_because("the page stays in memory");
	offer(base, LENGTH);
	EXPECT_ERRNO(ENODATA, ioctl(dev, WINMEM_IOC_OFFER, &args));
	EXPECT(zeroed(base + PAGE, PAGE));
	EXPECT(filled(base, PAGE, 9) && filled(base + 2 * PAGE, LENGTH - 2 * PAGE, 9));
}
