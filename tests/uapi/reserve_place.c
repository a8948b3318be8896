// SPDX-License-Identifier: GPL-2.0-only
/*
 * RESERVE without an address: where the kernel puts it, that it never hands out what
 * is somebody else's, and that it does not run out of room by itself.
 */
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>

#define TOP	0x7fffffff0000UL

static unsigned long reserve_with(unsigned long length, unsigned int flags, unsigned long lowest,
				  unsigned long highest, unsigned long alignment)
{
	struct winmem_reserve args = reserve_args(0, length, READWRITE, flags);

	args.lowest = lowest;
	args.highest = highest;
	args.alignment = alignment;
	EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &args));
	return args.out_addr;
}

TEST(default_placement_is_low_but_above_4_GiB)
{
	const unsigned long lengths[] = { PAGE, GRAN, CHUNK, GIB, TIB };

	for (unsigned int i = 0; i < ARRAY_LEN(lengths); i++) {
		unsigned long base = reserve(lengths[i]);

		EXPECT(base >= 4 * GIB);
		EXPECT(base + lengths[i] <= 1UL << 44);
	}
}

TEST(VA35_TOP_DOWN_is_higher_than_the_default)
{
	unsigned long low = reserve(GRAN);
	unsigned long high = reserve_at(HERE, 0, GRAN, READWRITE, WINMEM_RESERVE_TOP_DOWN);
	unsigned long more = reserve_at(HERE, 0, GIB, READWRITE,
					WINMEM_RESERVE_TOP_DOWN | WINMEM_RESERVE_COMMIT);

	EXPECT(high > low);
	EXPECT(more > low);
	EXPECT(high > 1UL << 44);
	EXPECT(high + GRAN <= TOP);
	EXPECT_COMMITTED(more, GIB, READWRITE);
	EXPECT(try_write(more + GIB - 1, 1));
}

/* A program of its own: the layout of a forked child is its parent's. */
int test_exec(int argc __attribute__((unused)), char **argv __attribute__((unused)))
{
	unsigned long placed[2];

	dev = OPEN_DEVICE();
	placed[0] = reserve(GRAN);
	placed[1] = reserve_at(HERE, 0, GRAN, READWRITE, WINMEM_RESERVE_TOP_DOWN);
	return write(STDOUT_FILENO, placed, sizeof(placed)) != sizeof(placed);
}

static void run_myself(void *arg)
{
	dup2(*(int *)arg, STDOUT_FILENO);
	execl("/proc/self/exe", "reserve_place", "--exec", NULL);
	_exit(3);
}

/* Four processes with the same address would be one chance in many millions. */
TEST(placement_differs_from_process_to_process)
{
	unsigned long first[2], placed[2];
	bool low = false, high = false;
	int pipes[2];

	EXPECT_OK(pipe2(pipes, O_CLOEXEC));
	for (int i = 0; i < 4; i++) {
		IN_CHILD(run_myself, &pipes[1]);
		EXPECT_EQ(sizeof(placed), read(pipes[0], placed, sizeof(placed)));
		if (i == 0)
			memcpy(first, placed, sizeof(first));
		low |= placed[0] != first[0];
		high |= placed[1] != first[1];
	}
	EXPECT(low);
	EXPECT(high);
	close(pipes[0]);
	close(pipes[1]);
}

/* Nor does a forked child's default placement follow from its parent's. */
static void tell_placement(void *arg)
{
	dev = OPEN_DEVICE();
	*(unsigned long *)arg = reserve(GRAN);
}

TEST(placement_differs_between_children)
{
	unsigned long *placed = shared_page();
	bool differs = false;

	for (int i = 0; i < 4; i++) {
		IN_CHILD(tell_placement, placed + i);
		differs |= placed[i] != placed[0];
	}
	EXPECT(differs);
	munmap(placed, PAGE);
}

/* In a window that goes on behind it. */
TEST(PL40_bounds_may_end_inside_a_granule)
{
	unsigned long base = reserve(4 * GRAN);
	struct winmem_reserve args = reserve_args(0, GRAN + 2 * PAGE, READWRITE, 0);

	release(base);
	args.lowest = base;
	args.highest = base + GRAN + PAGE - 1;
	watch(base, 4 * GRAN);
	REFUSED(ENOMEM, WINMEM_IOC_RESERVE, &args);
	args.length = GRAN + PAGE;
	EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &args));
	EXPECT_EQ(base, args.out_addr);
	release(base);
}

TEST(PL40_PL42_bounds_are_kept)
{
	unsigned long hole = find_hole(GIB);
	unsigned long base;

	base = reserve_with(GRAN, 0, hole, 0, 0);
	EXPECT(base >= hole);
	release(base);
	base = reserve_with(GRAN, 0, 0, hole - 1, 0);
	EXPECT(base + GRAN <= hole);
	release(base);
	/* Room for exactly one, and then none; from the bottom and from the top. */
	for (unsigned int flags = 0; flags <= WINMEM_RESERVE_TOP_DOWN; flags += 2) {
		struct winmem_reserve args = reserve_args(0, GRAN, READWRITE, flags);

		base = reserve_with(GRAN, flags, hole, hole + GRAN - 1, 0);
		EXPECT_EQ(hole, base);
		args.lowest = hole;
		args.highest = hole + 2 * GRAN - PAGE - 1;
		watch(hole, 4 * GRAN);
		REFUSED(ENOMEM, WINMEM_IOC_RESERVE, &args);
		args.length = PAGE;
		EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &args));
		EXPECT_EQ(hole + GRAN, args.out_addr);
		release(hole + GRAN);
		release(hole);
	}
}

/* Where a window is already, and the bounds leave room for one granule in it. */
TEST(PL40_PL42_one_place_in_a_window)
{
	unsigned long low = reserve(4 * GRAN), base;

	release(low);
	for (unsigned int flags = 0; flags <= WINMEM_RESERVE_TOP_DOWN; flags += 2) {
		base = reserve_with(GRAN, flags, low + GRAN, low + 2 * GRAN - 1, 0);
		EXPECT_EQ(low + GRAN, base);
		release(base);
		/* Of two granules alignment leaves one. */
		base = reserve_with(PAGE, flags, low + 2 * GRAN, low + 4 * GRAN - 1, 2 * GRAN);
		EXPECT_EQ((low + 2 * GRAN) % (2 * GRAN) ? low + 3 * GRAN : low + 2 * GRAN, base);
		release(base);
	}
}

TEST(bounds_below_4_GiB_are_kept)
{
	unsigned long base = reserve_with(GRAN, 0, 0, 4 * GIB - 1, 0);

	EXPECT(base + GRAN <= 4 * GIB);
	commit(base, GRAN, READWRITE);
	fill(base, GRAN, 1);
	release(base);
}

TEST(PL44_no_room_under_the_bounds_is_ENOMEM)
{
	struct winmem_reserve args = reserve_args(0, PAGE, READWRITE, 0);

	/* Half a GiB is the only multiple under the bound; that is in use. */
	map_foreign(0x20000000, PAGE, PROT_READ);
	args.alignment = 0x20000000;
	args.highest = 0x20000fff;
	watch(0x20000000 - GRAN, 2 * GRAN);
	REFUSED(ENOMEM, WINMEM_IOC_RESERVE, &args);
	args.flags = WINMEM_RESERVE_TOP_DOWN;
	REFUSED(ENOMEM, WINMEM_IOC_RESERVE, &args);
	munmap((void *)0x20000000UL, PAGE);

	args = reserve_args(0, 2 * GRAN, READWRITE, 0);
	args.lowest = find_hole(GIB);
	args.highest = args.lowest + GRAN - 1;
	REFUSED(ENOMEM, WINMEM_IOC_RESERVE, &args);
}

TEST(PL43_alignment_is_kept)
{
	for (unsigned long alignment = GRAN; alignment <= TIB; alignment <<= 2) {
		for (unsigned int flags = 0; flags <= WINMEM_RESERVE_TOP_DOWN; flags += 2) {
			unsigned long base = reserve_with(GRAN, flags, 0, 0, alignment);

			EXPECT_EQ(0, base % alignment);
			release(base);
		}
	}
}

TEST(alignment_and_bounds_together)
{
	unsigned long hole = find_hole(8 * GIB);
	unsigned long low = (hole + GIB) & -GIB;
	unsigned long base = reserve_with(GRAN, 0, hole + GRAN, hole + 4 * GIB - 1, GIB);

	EXPECT_EQ(0, base % GIB);
	EXPECT(base >= low && base < hole + 4 * GIB);
	release(base);
	base = reserve_with(GRAN, WINMEM_RESERVE_TOP_DOWN, hole + GRAN, hole + 4 * GIB - 1, GIB);
	EXPECT_EQ(hole + 3 * GIB, base);
	release(base);
}

TEST(a_terabyte_is_one_reservation_and_few_mappings)
{
	unsigned int before = vma_count();
	unsigned long base = reserve(TIB);

	EXPECT(vma_count() <= before + 2);
	EXPECT_RESERVED(base, TIB);
	for (unsigned long at = 0; at < TIB; at += TIB / 16) {
		commit(base + at, PAGE, READWRITE);
		EXPECT(try_write(base + at, 1));
	}
	commit(base + TIB - PAGE, PAGE, READWRITE);
	EXPECT(try_write(base + TIB - 1, 1));
	EXPECT(vma_count() <= before + 2);
	EXPECT_EQ(17 * PAGE, charge());
}

#define MANY	5000

TEST(thousands_of_reservations_in_few_mappings)
{
	static unsigned long base[MANY];
	unsigned int before = vma_count();

	for (int i = 0; i < MANY; i++) {
		struct winmem_reserve args = reserve_args(0, (i % 20 + 1) * PAGE, READWRITE, 0);

		EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &args));
		base[i] = args.out_addr;
	}
	EXPECT(vma_count() <= before + 8);
	for (int i = 0; i < MANY; i++)
		EXPECT_RESERVED(base[i], (i % 20 + 1) * PAGE);
	/* Every second one goes, and the others do not notice. */
	for (int i = 0; i < MANY; i += 2)
		EXPECT_OK(raw_release(base[i]));
	for (int i = 1; i < MANY; i += 2)
		EXPECT_RESERVED(base[i], (i % 20 + 1) * PAGE);
	for (int i = 1; i < MANY; i += 2)
		EXPECT_OK(raw_release(base[i]));
	for (int i = 0; i < MANY; i++)
		EXPECT_FREE(base[i]);
}

TEST(address_space_is_used_again)
{
	unsigned int before = vma_count();
	unsigned long base = reserve(GRAN);

	release(base);
	EXPECT_EQ(base, reserve_fixed(base, GRAN));
	release(base);
	/* 400 TiB, one after the other, do not fit into 128 unless it is. */
	for (int i = 0; i < 400; i++) {
		base = reserve(TIB);
		release(base);
	}
	EXPECT(vma_count() <= before + 16);
	for (int i = 0; i < 400; i++)
		release(reserve_at(HERE, 0, TIB, READWRITE, WINMEM_RESERVE_TOP_DOWN));
	EXPECT(vma_count() <= before + 24);
}

/* Given places all over, far apart, then gone: windows may not pile up either. */
TEST(windows_of_given_addresses_are_used_again)
{
	unsigned long hole = find_hole(TIB);
	unsigned int before;

	for (int i = 0; i < 10; i++)
		release(reserve_fixed(hole + i * 64 * GIB, GRAN));
	before = vma_count();
	for (int round = 0; round < 20; round++)
		for (int i = 0; i < 10; i++)
			release(reserve_fixed(hole + i * 64 * GIB, GRAN));
	EXPECT(vma_count() <= before + 10);
}

/*
 * A program may map anything anywhere, with MAP_FIXED over a window too. What is free
 * to winmem is not free then, and must be passed over from both ends.
 */
static void never_into(unsigned long foreign, unsigned long length, unsigned int flags)
{
	static unsigned long got[4000];
	unsigned int nr = 0;

	while (nr < ARRAY_LEN(got)) {
		struct winmem_reserve args = reserve_args(0, GRAN, READWRITE, flags);
		struct winmem_query around;

		/* Only the neighbourhood matters; the bounds keep the search there. */
		args.lowest = (foreign - 64 * GRAN) & -GRAN;
		args.highest = (foreign & -GRAN) + 65 * GRAN - 1;
		if (ioctl(dev, WINMEM_IOC_RESERVE, &args)) {
			EXPECT_EQ(ENOMEM, errno);
			break;
		}
		EXPECT(args.out_addr + GRAN <= foreign || args.out_addr >= foreign + length);
		around = query(args.out_addr);
		EXPECT_EQ(args.out_addr, around.out_alloc_base);
		got[nr++] = args.out_addr;
	}
	/* The block of the foreign mapping is the only one that cannot be had. */
	EXPECT_EQ(128, nr);
	while (nr--)
		EXPECT_OK(raw_release(got[nr]));
}

TEST(sec06_a_foreign_mapping_in_a_window_is_never_handed_out)
{
	unsigned long base = reserve(256 * GRAN);
	unsigned long foreign = base + 128 * GRAN + 3 * PAGE;

	release(base);
	map_foreign(foreign, 2 * PAGE, PROT_READ | PROT_WRITE);
	fill(foreign, 2 * PAGE, 8);
	never_into(foreign, 2 * PAGE, 0);
	never_into(foreign, 2 * PAGE, WINMEM_RESERVE_TOP_DOWN);
	EXPECT(filled(foreign, 2 * PAGE, 8));
	EXPECT_EQ(WINMEM_STATE_COMMIT, query(foreign).out_state);
	EXPECT_EQ(READWRITE, query(foreign).out_prot);
	EXPECT_OK(munmap((void *)foreign, 2 * PAGE));
}

/* A hole that munmap made in a window: what is handed out there must work. */
TEST(sec06_what_is_reserved_after_munmap_can_be_used)
{
	unsigned long base = reserve(64 * GRAN);

	release(base);
	EXPECT_OK(munmap((void *)(base + 16 * GRAN), 32 * GRAN));
	for (int i = 0; i < 60; i++) {
		unsigned long addr = reserve_commit(GRAN, READWRITE);

		fill(addr, GRAN, i);
		EXPECT(filled(addr, GRAN, i));
	}
	for (unsigned int i = 0; i < 64; i += 3) {
		struct winmem_reserve args = reserve_args(base + i * GRAN, GRAN, READWRITE,
							  WINMEM_RESERVE_COMMIT);

		if (ioctl(dev, WINMEM_IOC_RESERVE, &args)) {
			EXPECT_EQ(EEXIST, errno);
			continue;
		}
		fill(args.out_addr, GRAN, i);
		EXPECT_OK(raw_release(args.out_addr));
	}
}
