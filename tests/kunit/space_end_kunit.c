// SPDX-License-Identifier: GPL-2.0-only
/*
 * winmem_space_end: what a space lives on, and what ends it. Descriptors and mappings each
 * hold it; process death takes the mappings. Whether it has gone shows in the charge; that
 * it left nothing behind is for kmemleak and KASAN to say.
 */
#include <linux/mm.h>

#include "process.h"

#define NR	1000UL

/* A reservation with memory in it; its first page. */
static unsigned long make_memory(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, NR, WINMEM_PROT_READWRITE);
	unsigned long page;

	if (!region)
		return 0;
	for (page = region->start; page < region->start + 64; page++)
		KUNIT_EXPECT_EQ(test, winmem_test_store(page, page), 0);
	return region->start;
}

static void expect_charged(struct kunit *test, unsigned long wanted)
{
	KUNIT_EXPECT_EQ(test, winmem_process_charged(process_of(test), wanted), wanted);
}

static void die(struct kunit *test)
{
	winmem_process_leave(process_of(test));
	winmem_process_kill(process_of(test));
}

/* Unmap the whole mapping over a page, as the program might. */
static int unmap_window(unsigned long page)
{
	unsigned long start, end;
	struct vm_area_struct *vma;

	mmap_read_lock(current->mm);
	vma = find_vma(current->mm, addr_of(page));
	start = vma ? vma->vm_start : 0;
	end = vma ? vma->vm_end : 0;
	mmap_read_unlock(current->mm);
	return vma ? vm_munmap(start, end - start) : -ENOENT;
}

static void end_process_then_descriptor(struct kunit *test)
{
	NEED(test, make_memory(test));
	die(test);
	/* Whoever has the descriptor keeps the memory. */
	expect_charged(test, NR);
	winmem_process_close(process_of(test));
	expect_charged(test, 0);
}

static void end_descriptor_then_process(struct kunit *test)
{
	NEED(test, make_memory(test));
	winmem_process_close(process_of(test));
	expect_charged(test, NR);
	die(test);
	expect_charged(test, 0);
}

static void end_descriptor_of_an_empty_space(struct kunit *test)
{
	winmem_process_close(process_of(test));
	process_of(test)->space = winmem_space_open();
	NEED(test, !IS_ERR(space_of(test)));
	KUNIT_EXPECT_EQ(test, space_of(test)->nr_regions, 0UL);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, winmem_test_reserve(test, 0, 1));
}

/* The mappings keep it, and the process finds it again. */
static void end_reopened_in_time(struct kunit *test)
{
	unsigned long page = make_memory(test);
	u8 value = 0;

	NEED(test, page);
	winmem_process_close(process_of(test));
	KUNIT_EXPECT_EQ(test, winmem_test_load(page + 5, &value), 0);
	KUNIT_EXPECT_EQ(test, value, (u8)(page + 5));

	process_of(test)->space = winmem_space_open();
	NEED(test, !IS_ERR(space_of(test)));
	KUNIT_EXPECT_TRUE(test, winmem_test_find(test, page));
	expect_charged(test, NR);
	KUNIT_EXPECT_EQ(test, winmem_test_store(page + 5, 1), 0);
}

static void end_last_unmap_then_reopened(struct kunit *test)
{
	unsigned long page = make_memory(test);
	u8 value;

	NEED(test, page);
	winmem_process_close(process_of(test));
	KUNIT_EXPECT_EQ(test, unmap_window(page), 0);
	expect_charged(test, 0);
	KUNIT_EXPECT_EQ(test, winmem_test_load(page, &value), -EFAULT);

	process_of(test)->space = winmem_space_open();
	NEED(test, !IS_ERR(space_of(test)));
	KUNIT_EXPECT_FALSE(test, winmem_test_find(test, page));
	KUNIT_EXPECT_NE(test, make_memory(test), 0UL);
}

/* Head, middle and tail unmapped: nothing of the space belongs to a mapping. */
static void end_parts_unmapped(struct kunit *test)
{
	unsigned long page = make_memory(test);
	u8 value;

	NEED(test, page);
	KUNIT_EXPECT_EQ(test, vm_munmap(addr_of(page), addr_of(2)), 0);
	KUNIT_EXPECT_EQ(test, vm_munmap(addr_of(page + 10), addr_of(5)), 0);
	KUNIT_EXPECT_EQ(test, vm_munmap(addr_of(page + 60), addr_of(NR)), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_load(page + 1, &value), -EFAULT);
	KUNIT_EXPECT_EQ(test, winmem_test_load(page + 2, &value), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_load(page + 12, &value), -EFAULT);
	KUNIT_EXPECT_EQ(test, winmem_test_load(page + 59, &value), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_load(page + 60, &value), -EFAULT);
	expect_charged(test, NR);
	winmem_process_close(process_of(test));
	expect_charged(test, NR);
	die(test);
	expect_charged(test, 0);
}

static void end_with_many_reservations(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < 500; i++) {
		struct winmem_region *region = winmem_test_reserve(test, 0, i + 1);

		NEED(test, region);
		if (i % 3)
			KUNIT_EXPECT_EQ(test, winmem_test_commit(test, region, region->start, i % 20 + 1,
								 WINMEM_PROT_READWRITE), 0);
		if (i % 3 && i % 7 == 1)
			KUNIT_EXPECT_EQ(test, winmem_test_store(region->start, 1), 0);
		if (i % 5 == 2)
			winmem_test_release(test, region);
	}
	die(test);
	winmem_process_close(process_of(test));
	expect_charged(test, 0);
}

static struct kunit_case end_cases[] = {
	KUNIT_CASE(end_process_then_descriptor),
	KUNIT_CASE(end_descriptor_then_process),
	KUNIT_CASE(end_descriptor_of_an_empty_space),
	KUNIT_CASE(end_reopened_in_time),
	KUNIT_CASE(end_last_unmap_then_reopened),
	KUNIT_CASE(end_parts_unmapped),
	KUNIT_CASE(end_with_many_reservations),
	{}
};

static struct kunit_suite end_suite = {
	.name = "winmem_space_end",
	.init = winmem_process_init,
	.exit = winmem_process_exit,
	.test_cases = end_cases,
};
kunit_test_suite(end_suite);
