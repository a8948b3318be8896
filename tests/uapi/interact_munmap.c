// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program may unmap or cover with MAP_FIXED any address, winmem's too. What it has
 * damaged is its own; but nothing else may break, whatever comes next and in whatever
 * order, and nothing that winmem hands out afterwards may be anybody's but its owner's.
 */
#include "common.h"

#define LENGTH	(8 * GRAN)

/* The part of a reservation that goes. */
static const struct part {
	const char *name;
	unsigned long start, length;
} parts[] = {
	{ "head", 0, 2 * GRAN },
	{ "middle", 3 * GRAN, GRAN + 3 * PAGE },
	{ "tail", 6 * GRAN, 2 * GRAN },
	{ "all", 0, LENGTH },
	{ "one page", 4 * GRAN + PAGE, PAGE },
};

#define for_each_part(part)	\
	for (const struct part *part = parts; part < parts + ARRAY_LEN(parts); part++)

static bool in_part(const struct part *part, unsigned long offset)
{
	return offset >= part->start && offset < part->start + part->length;
}

static unsigned long filled_reservation(void)
{
	unsigned long base = reserve_commit(LENGTH, READWRITE);

	fill(base, LENGTH, 1);
	return base;
}

static void cut(unsigned long base, const struct part *part)
{
	EXPECT_OK(munmap((void *)(base + part->start), part->length));
}

/* The rest of the reservation is as it was, and the hole is a hole. */
static void check_rest(const char *at, unsigned long base, const struct part *part)
{
	for (unsigned long offset = 0; offset < LENGTH; offset += PAGE) {
		if (in_part(part, offset)) {
			if (try_read(base + offset))
				check_failed(at, "%s: the hole can be read at %#lx", part->name,
					     offset);
		} else if (!filled(base + offset, PAGE, 1)) {
			check_failed(at, "%s: contents changed at %#lx", part->name, offset);
		}
	}
}

/* A walk that ends, and says something of every page. */
static void check_walk(unsigned long base)
{
	unsigned long addr = base;

	for (int steps = 0; addr < base + LENGTH; steps++) {
		addr += query(addr).out_length;
		EXPECT(steps < 200);
	}
}

TEST(sec03_unmapped_then_used)
{
	for_each_part(part) {
		unsigned long base = filled_reservation();

		cut(base, part);
		check_rest(HERE, base, part);
		check_walk(base);
		release(base);
		EXPECT_EQ(0, charge());
		EXPECT(!try_read(base));
		EXPECT(!try_read(base + LENGTH - 1));
	}
}

/* The calls on a damaged reservation: they may fail, they may not harm. */
TEST(sec03_unmapped_then_protected)
{
	for_each_part(part) {
		unsigned long base = filled_reservation();

		cut(base, part);
		if (!raw_protect(base, LENGTH, READONLY)) {
			check_rest(HERE, base, part);
			for (unsigned long offset = 0; offset < LENGTH; offset += GRAN)
				EXPECT(!try_write(base + offset, 0));
		}
		check_walk(base);
		release(base);
		EXPECT_EQ(0, charge());
	}
}

TEST(sec03_unmapped_then_executed)
{
	for_each_part(part) {
		unsigned long base = filled_reservation();
		struct winmem_protect args = protect_args(base, LENGTH, EXECUTE_READ);

		cut(base, part);
		/* mprotect fails over a hole, so the call may never succeed; but it returns. */
		ioctl_exec(WINMEM_IOC_PROTECT, &args, base, LENGTH, EXECUTE_READ);
		check_rest(HERE, base, part);
		EXPECT_OK(raw_release(base));
		EXPECT_EQ(0, charge());
	}
}

TEST(sec03_unmapped_then_committed)
{
	for_each_part(part) {
		unsigned long base = filled_reservation();

		cut(base, part);
		raw_commit(base, LENGTH, READWRITE);
		check_rest(HERE, base, part);
		check_walk(base);
		EXPECT(charge() <= LENGTH);
		release(base);
		EXPECT_EQ(0, charge());
	}
}

TEST(sec03_unmapped_then_decommitted)
{
	for_each_part(part) {
		unsigned long base = filled_reservation();
		struct winmem_decommit args = decommit_args(base, LENGTH);

		cut(base, part);
		if (!ioctl(dev, WINMEM_IOC_DECOMMIT, &args)) {
			EXPECT_EQ(0, charge());
			for (unsigned long offset = 0; offset < LENGTH; offset += GRAN)
				EXPECT(!try_read(base + offset));
		}
		release(base);
		EXPECT_EQ(0, charge());
	}
}

TEST(sec03_unmapped_then_reset)
{
	for_each_part(part) {
		unsigned long base = filled_reservation();
		struct winmem_reset args = reset_args(base, LENGTH, 0);

		cut(base, part);
		ioctl(dev, WINMEM_IOC_RESET, &args);
		args.flags = WINMEM_RESET_UNDO;
		ioctl(dev, WINMEM_IOC_RESET, &args);
		check_rest(HERE, base, part);
		release(base);
		EXPECT_EQ(0, charge());
	}
}

static void exit_damaged(void *arg)
{
	unsigned long base;

	dev = OPEN_DEVICE();
	base = filled_reservation();
	cut(base, arg);
}

static void close_and_exit_damaged(void *arg)
{
	unsigned long base;

	dev = OPEN_DEVICE();
	base = filled_reservation();
	cut(base, arg);
	close(dev);
	check_rest(HERE, base, arg);
}

static void close_then_damage(void *arg)
{
	unsigned long base;

	dev = OPEN_DEVICE();
	base = filled_reservation();
	close(dev);
	cut(base, arg);
	check_rest(HERE, base, arg);
	dev = OPEN_DEVICE();
	EXPECT_EQ(LENGTH, charge());
	release(base);
	EXPECT_EQ(0, charge());
}

TEST(sec03_unmapped_then_exit_and_close_in_each_order)
{
	unsigned long before = limit_at(HERE, 0, 0).out_total_charge;

	for_each_part(part) {
		IN_CHILD(exit_damaged, (void *)part);
		IN_CHILD(close_and_exit_damaged, (void *)part);
		if (part->length < LENGTH)
			IN_CHILD(close_then_damage, (void *)part);
	}
	EVENTUALLY(limit_at(HERE, 0, 0).out_total_charge == before);
}

static void unmap_all_windows(void)
{
	struct vma vma = { .end = 0 };

	while (vma_find(vma.end, &vma))
		if (vma_is_window(&vma))
			EXPECT_OK(munmap((void *)vma.start, vma.end - vma.start));
}

static void space_ends(void *arg)
{
	unsigned long base;

	(void)arg;
	dev = OPEN_DEVICE();
	base = filled_reservation();
	close(dev);
	unmap_all_windows();
	dev = OPEN_DEVICE();
	EXPECT_EQ(0, charge());
	EXPECT_FREE(base);
	base = filled_reservation();
	EXPECT(filled(base, LENGTH, 1));
}

TEST(the_last_descriptor_and_the_last_mapping_end_the_space)
{
	IN_CHILD(space_ends, NULL);
}

static void windows_gone(void *arg)
{
	unsigned long base;

	(void)arg;
	dev = OPEN_DEVICE();
	base = filled_reservation();
	unmap_all_windows();
	EXPECT(!try_read(base));
	check_walk(base);
	/* The reservation is still there, the memory is not; and there is room for more. */
	for (int i = 0; i < 10; i++) {
		unsigned long more = filled_reservation();

		EXPECT(filled(more, LENGTH, 1));
		release(more);
	}
	release(base);
	EXPECT_EQ(0, charge());
}

TEST(sec06_all_windows_unmapped_while_the_device_is_open)
{
	IN_CHILD(windows_gone, NULL);
}

/* What QUERY calls free can be reserved, also where a window once was damaged. */
static void free_is_free(void *arg)
{
	const struct part *part = arg;
	unsigned long base;

	dev = OPEN_DEVICE();
	base = filled_reservation();
	cut(base, part);
	release(base);
	for (unsigned long offset = 0; offset < LENGTH; offset += GRAN)
		EXPECT_FREE(base + offset);
	for (unsigned long offset = 0; offset < LENGTH; offset += GRAN) {
		reserve_fixed(base + offset, GRAN);
		commit(base + offset, GRAN, READWRITE);
		EXPECT(zeroed(base + offset, GRAN));
		fill(base + offset, GRAN, 2);
	}
	EXPECT(filled(base, LENGTH, 2));
}

TEST(sec06_what_is_free_after_munmap_and_release_can_be_reserved)
{
	for_each_part(part)
		IN_CHILD(free_is_free, (void *)part);
}

/* Nor does it depend on placement: neighbours at the default place do not notice. */
static void neighbours_are_free(void *arg)
{
	unsigned long low, high, addr;

	dev = OPEN_DEVICE();
	low = filled_reservation();
	cut(low, arg);
	/* The module finds out about the hole. */
	high = filled_reservation();
	release(low);
	release(high);
	addr = low + LENGTH + 16 * GRAN;
	EXPECT_FREE(addr);
	reserve_fixed(addr, GRAN);
	commit(addr, GRAN, READWRITE);
	fill(addr, GRAN, 1);
}

TEST(sec06_free_space_beside_a_hole_can_be_reserved)
{
	for_each_part(part)
		IN_CHILD(neighbours_are_free, (void *)part);
}

/* From here on a foreign mapping lies over the part. */

static void cover(unsigned long base, const struct part *part)
{
	map_foreign(base + part->start, part->length, PROT_READ | PROT_WRITE);
	fill(base + part->start, part->length, 5);
}

static void uncover(unsigned long base, const struct part *part)
{
	EXPECT(filled(base + part->start, part->length, 5));
	EXPECT(try_write(base + part->start, 5));
	EXPECT_OK(munmap((void *)(base + part->start), part->length));
}

TEST(sec06_covered_then_released)
{
	for_each_part(part) {
		unsigned long base = filled_reservation();
		int ret;

		cover(base, part);
		/* EBUSY when the foreign mapping lies at the very start. */
		ret = raw_release(base);
		if (ret)
			EXPECT(errno == EBUSY && part->start == 0);
		uncover(base, part);
		if (ret)
			EXPECT_OK(raw_release(base));
		EXPECT_EQ(0, charge());
		EXPECT(!try_read(base));
	}
}

TEST(sec06_covered_then_every_call)
{
	for_each_part(part) {
		unsigned long base = filled_reservation();
		struct winmem_decommit decommit_it = decommit_args(base, LENGTH);
		struct winmem_reset reset_it = reset_args(base, LENGTH, 0);

		cover(base, part);
		raw_protect(base, LENGTH, READONLY);
		EXPECT(filled(base + part->start, part->length, 5));
		EXPECT(try_write(base + part->start + 7, *(char *)(base + part->start + 7)));
		raw_protect(base + part->start, PAGE, NOACCESS);
		EXPECT(try_read(base + part->start));
		raw_commit(base, LENGTH, READWRITE);
		ioctl(dev, WINMEM_IOC_RESET, &reset_it);
		ioctl(dev, WINMEM_IOC_DECOMMIT, &decommit_it);
		check_walk(base);
		EXPECT(filled(base + part->start, part->length, 5));
		uncover(base, part);
		EXPECT_OK(raw_release(base));
		EXPECT_EQ(0, charge());
	}
}

TEST(sec06_what_is_covered_is_not_reserved_again)
{
	for_each_part(part) {
		unsigned long base = filled_reservation();
		struct winmem_reserve args = reserve_args(base, LENGTH, READWRITE,
							  WINMEM_RESERVE_COMMIT);

		cover(base, part);
		if (raw_release(base))
			EXPECT_EQ(EBUSY, errno);
		EXPECT_ERRNO(EEXIST, ioctl(dev, WINMEM_IOC_RESERVE, &args));
		uncover(base, part);
		raw_release(base);
	}
	EXPECT_EQ(0, charge());
}

/* A place is its reservation's also where the program has unmapped all of it. */
static unsigned long reserve_within(unsigned long lowest, unsigned long end, unsigned int flags)
{
	struct winmem_reserve args = reserve_args(0, 2 * GRAN, READWRITE, flags);

	args.lowest = lowest;
	args.highest = end - 1;
	if (!ioctl(dev, WINMEM_IOC_RESERVE, &args))
		return args.out_addr;
	EXPECT_EQ(ENOMEM, errno);
	return 0;
}

TEST(sec06_the_place_of_what_is_unmapped_is_not_reserved_again)
{
	unsigned long place = find_hole(GIB), base = place + LENGTH, other;

	reserve_fixed(base, LENGTH);
	commit(base, LENGTH, READWRITE);
	EXPECT_OK(munmap((void *)base, LENGTH));

	EXPECT_EQ(0, reserve_within(base, base + LENGTH, 0));
	EXPECT_EQ(0, reserve_within(base, base + LENGTH, WINMEM_RESERVE_TOP_DOWN));
	other = reserve_within(base, base + 2 * LENGTH, 0);
	EXPECT_EQ(base + LENGTH, other);
	release(other);
	other = reserve_within(place, base + LENGTH, WINMEM_RESERVE_TOP_DOWN);
	EXPECT_EQ(base - 2 * GRAN, other);
	release(other);
	EXPECT_COMMITTED(base, LENGTH, READWRITE);
	release(base);
	EXPECT_FREE(base);
}

static void window_unmapped(void *arg __attribute__((unused)))
{
	unsigned long base, other;
	struct vma vma;

	dev = OPEN_DEVICE();
	base = reserve_commit(GRAN, READWRITE);
	EXPECT(vma_find(base, &vma) && vma_is_window(&vma));
	EXPECT_OK(munmap((void *)vma.start, vma.end - vma.start));
	/* The next window would fit where the first one was. */
	other = reserve(2 * GIB);
	EXPECT(other + 2 * GIB <= base || other >= base + GRAN);
	EXPECT_COMMITTED(base, GRAN, READWRITE);
	EXPECT_RESERVED(other, 2 * GIB);
	release(base);
	release(other);
	EXPECT_FREE(base);
}

TEST(sec06_a_window_is_not_made_over_one_that_is_unmapped)
{
	IN_CHILD(window_unmapped, NULL);
}

static void exit_covered(void *arg)
{
	dev = OPEN_DEVICE();
	cover(filled_reservation(), arg);
}

TEST(sec06_covered_then_exit)
{
	unsigned long before = limit_at(HERE, 0, 0).out_total_charge;

	for_each_part(part)
		IN_CHILD(exit_covered, (void *)part);
	EVENTUALLY(limit_at(HERE, 0, 0).out_total_charge == before);
}

/* The same page number, another owner: nothing of it comes back by accident. */
TEST(sec09_uncovered_space_shows_nothing_foreign)
{
	unsigned long hole = find_hole(GIB);

	reserve_fixed(hole, LENGTH);
	commit(hole, LENGTH, READWRITE);
	fill(hole, LENGTH, 1);
	map_foreign(hole, GRAN, PROT_READ | PROT_WRITE);
	fill(hole, GRAN, 9);
	EXPECT_OK(munmap((void *)hole, GRAN));
	EXPECT(!try_read(hole));
	EXPECT(filled(hole + GRAN, LENGTH - GRAN, 1));
}
