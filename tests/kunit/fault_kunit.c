// SPDX-License-Identifier: GPL-2.0-only
/*
 * winmem_fault: what accesses find, through the faults that they take. copy_to_user() and
 * its like are the accesses; the case's thread is inside the process's mm.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "process.h"

#define RW	WINMEM_PROT_READWRITE
#define RO	WINMEM_PROT_READONLY
#define GUARD	WINMEM_PROT_GUARD
#define NR	64UL

static void expect_access(struct kunit *test, unsigned long page, int load, int store)
{
	u8 value;

	KUNIT_EXPECT_EQ(test, winmem_test_load(page, &value), load);
	KUNIT_EXPECT_EQ(test, winmem_test_store(page, 1), store);
}

static void expect_value(struct kunit *test, unsigned long page, u8 wanted)
{
	u8 value = 0xcc;

	KUNIT_EXPECT_EQ(test, winmem_test_load(page, &value), 0);
	KUNIT_EXPECT_EQ(test, value, wanted);
}

static void fault_uncommitted_pages(struct kunit *test)
{
	struct winmem_region *region = winmem_test_reserve(test, 0, NR);
	unsigned long page;

	NEED(test, region);
	page = region->start;
	expect_access(test, page, -EFAULT, -EFAULT);
	expect_access(test, page + NR, -EFAULT, -EFAULT);
	KUNIT_EXPECT_EQ(test, winmem_test_commit(test, region, page + 1, 1, RW), 0);
	expect_access(test, page, -EFAULT, -EFAULT);
	expect_access(test, page + 1, 0, 0);
	expect_access(test, page + 2, -EFAULT, -EFAULT);
	KUNIT_EXPECT_FALSE(test, winmem_test_is_present(test, page));
	KUNIT_EXPECT_FALSE(test, winmem_test_is_present(test, page + 2));
}

static void fault_each_protection(struct kunit *test)
{
	static const struct {
		u32 prot;
		int load, store;
	} table[] = {
		{ WINMEM_PROT_NOACCESS, -EFAULT, -EFAULT },
		{ WINMEM_PROT_READONLY, 0, -EFAULT },
		{ WINMEM_PROT_READWRITE, 0, 0 },
		{ WINMEM_PROT_EXECUTE, 0, -EFAULT },
		{ WINMEM_PROT_EXECUTE_READ, 0, -EFAULT },
		{ WINMEM_PROT_EXECUTE_READWRITE, 0, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		struct winmem_region *region = winmem_test_commit_new(test, 2, table[i].prot);

		NEED(test, region);
		expect_access(test, region->start, table[i].load, table[i].store);
		/* The store comes first, and finds no page there. */
		KUNIT_EXPECT_EQ(test, winmem_test_store(region->start + 1, 1), table[i].store);
	}
}

static void fault_new_pages_are_zero(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, NR, RW);
	unsigned long i;

	NEED(test, region);
	for (i = 0; i < NR; i++)
		expect_value(test, region->start + i, 0);
}

static void fault_protect_takes_and_gives(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, 3, RW);
	unsigned long page;

	NEED(test, region);
	page = region->start + 1;
	KUNIT_EXPECT_EQ(test, winmem_test_store(page, 42), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_protect(test, region, page, 1, RO, NULL), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_store(page, 43), -EFAULT);
	expect_value(test, page, 42);
	KUNIT_EXPECT_EQ(test, winmem_test_protect(test, region, page, 1, WINMEM_PROT_NOACCESS, NULL), 0);
	expect_access(test, page, -EFAULT, -EFAULT);
	KUNIT_EXPECT_EQ(test, winmem_test_protect(test, region, page, 1, RW, NULL), 0);
	expect_value(test, page, 42);
	KUNIT_EXPECT_EQ(test, winmem_test_store(page, 43), 0);
	expect_value(test, page, 43);
	expect_access(test, page - 1, 0, 0);
	expect_access(test, page + 1, 0, 0);
}

static void fault_guard_goes_when_hit(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, 4, RW | GUARD);
	unsigned long page;

	NEED(test, region);
	page = region->start;
	expect_access(test, page, -EFAULT, 0);
	KUNIT_EXPECT_EQ(test, winmem_test_state(test, page), winmem_prot_to_page(RW));
	KUNIT_EXPECT_EQ(test, winmem_test_state(test, page + 1), winmem_prot_to_page(RW | GUARD));
	KUNIT_EXPECT_EQ(test, winmem_test_store(page + 1, 1), -EFAULT);
	KUNIT_EXPECT_EQ(test, winmem_test_store(page + 1, 1), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_state(test, page + 2), winmem_prot_to_page(RW | GUARD));
}

/* Also over a page that has contents, and over one that allows less than the access. */
static void fault_guard_over_contents(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, 2, RW);
	unsigned long page;

	NEED(test, region);
	page = region->start;
	KUNIT_EXPECT_EQ(test, winmem_test_store(page, 42), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_protect(test, region, page, 2, RO | GUARD, NULL), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_store(page, 43), -EFAULT);
	KUNIT_EXPECT_EQ(test, winmem_test_store(page, 43), -EFAULT);
	expect_value(test, page, 42);
	KUNIT_EXPECT_EQ(test, winmem_test_state(test, page), winmem_prot_to_page(RO));
}

/* A debugger looks past protections and sets off nothing. */
static void fault_debugger_leaves_the_guard(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, 2, RW);
	struct task_struct *task = process_of(test)->task;
	unsigned long page;
	u8 value = 0;

	NEED(test, region);
	page = region->start;
	KUNIT_EXPECT_EQ(test, winmem_test_store(page, 42), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_protect(test, region, page, 2, RO | GUARD, NULL), 0);
	KUNIT_EXPECT_EQ(test, access_process_vm(task, addr_of(page), &value, 1, FOLL_FORCE), 1);
	KUNIT_EXPECT_EQ(test, value, 42);
	value = 43;
	KUNIT_EXPECT_EQ(test, access_process_vm(task, addr_of(page), &value, 1,
						FOLL_FORCE | FOLL_WRITE), 1);
	KUNIT_EXPECT_EQ(test, winmem_test_state(test, page), winmem_prot_to_page(RO | GUARD));
	KUNIT_EXPECT_EQ(test, winmem_test_decommit(test, region, page + 1, 1), 0);
	KUNIT_EXPECT_EQ(test, access_process_vm(task, addr_of(page + 1), &value, 1, FOLL_FORCE), 0);

	KUNIT_EXPECT_EQ(test, winmem_test_load(page, &value), -EFAULT);
	expect_value(test, page, 43);
}

static void fault_decommit_zeroes(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, NR, RW);
	unsigned long i;

	NEED(test, region);
	for (i = 0; i < NR; i++)
		KUNIT_EXPECT_EQ(test, winmem_test_store(region->start + i, 42), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_decommit(test, region, region->start + 1, NR - 2), 0);
	expect_value(test, region->start, 42);
	expect_access(test, region->start + 1, -EFAULT, -EFAULT);
	KUNIT_EXPECT_EQ(test, winmem_test_commit(test, region, region->start, NR, RW), 0);
	expect_value(test, region->start, 42);
	for (i = 1; i < NR - 1; i++)
		expect_value(test, region->start + i, 0);
	expect_value(test, region->start + NR - 1, 42);
}

/* In order, pages come in batches that double; a page of another state ends one. */
static void fault_batches(struct kunit *test)
{
	struct winmem_bounds bounds = winmem_anywhere;
	struct winmem_region *region;
	unsigned long page;

	bounds.align = WINMEM_CHUNK_PAGES;
	NEED(test, !winmem_test_reserve_at(test, 0, NR, &bounds, &region));
	page = region->start;
	NEED(test, !winmem_test_commit(test, region, page, NR, RW));
	NEED(test, !winmem_test_protect(test, region, page + 20, 1, RO, NULL));

	expect_value(test, page, 0);
	KUNIT_EXPECT_FALSE(test, winmem_test_is_present(test, page + 1));
	expect_value(test, page + 1, 0);
	KUNIT_EXPECT_TRUE(test, winmem_test_is_present(test, page + 2));
	expect_value(test, page + 3, 0);
	KUNIT_EXPECT_TRUE(test, winmem_test_is_present(test, page + 6));
	KUNIT_EXPECT_FALSE(test, winmem_test_is_present(test, page + 7));
	expect_value(test, page + 7, 0);
	KUNIT_EXPECT_TRUE(test, winmem_test_is_present(test, page + 14));
	KUNIT_EXPECT_EQ(test, winmem_test_store(page + 15, 1), 0);
	KUNIT_EXPECT_TRUE(test, winmem_test_is_present(test, page + 19));
	KUNIT_EXPECT_FALSE(test, winmem_test_is_present(test, page + 20));
	KUNIT_EXPECT_EQ(test, winmem_test_store(page + 20, 1), -EFAULT);

	/* Out of order: one page, and nothing around it. */
	expect_value(test, page + 40, 0);
	KUNIT_EXPECT_FALSE(test, winmem_test_is_present(test, page + 39));
	KUNIT_EXPECT_FALSE(test, winmem_test_is_present(test, page + 41));
}

/* A copy stops at the page that refuses it. */
static void fault_copy_stops_at_the_page(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, 4, RW);
	unsigned long length = 4 * PAGE_SIZE - 100;
	void *buffer = kunit_kzalloc(test, 4 * PAGE_SIZE, GFP_KERNEL);
	void __user *user;

	NEED(test, region && buffer);
	user = (void __user *)addr_of(region->start) + 100;
	KUNIT_EXPECT_EQ(test, copy_to_user(user, buffer, length), 0UL);
	NEED(test, !winmem_test_protect(test, region, region->start + 2, 1, RO, NULL));
	KUNIT_EXPECT_EQ(test, copy_to_user(user, buffer, length), 2 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, copy_from_user(buffer, user, length), 0UL);
	NEED(test, !winmem_test_decommit(test, region, region->start + 3, 1));
	KUNIT_EXPECT_EQ(test, copy_from_user(buffer, user, length), PAGE_SIZE);
}

static void fault_released_pages(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, NR, RW);
	unsigned long page;

	NEED(test, region);
	page = region->start;
	KUNIT_EXPECT_EQ(test, winmem_test_store(page + 1, 42), 0);
	winmem_test_release(test, region);
	expect_access(test, page + 1, -EFAULT, -EFAULT);
	KUNIT_EXPECT_FALSE(test, winmem_test_is_present(test, page + 1));

	/* The next one there finds nothing of it. */
	region = winmem_test_commit_new(test, NR, RW);
	NEED(test, region);
	KUNIT_EXPECT_EQ(test, region->start, page);
	expect_value(test, page + 1, 0);
}

struct writer {
	struct mm_struct *mm;
	unsigned long page;
	unsigned long stores;
};

static int write_all_the_time(void *data)
{
	struct writer *writer = data;

	kthread_use_mm(writer->mm);
	while (!kthread_should_stop()) {
		u32 __user *user = (u32 __user *)addr_of(writer->page);

		if (!put_user((u32)writer->stores, user))
			writer->stores++;
		cond_resched();
	}
	kthread_unuse_mm(writer->mm);
	return 0;
}

/* When protect has returned, no store lands any more. */
static void fault_protect_against_a_writer(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, 1, RW);
	struct writer writer = { .mm = process_of(test)->mm };
	struct task_struct *thread;
	u32 __user *user;
	u32 before, after;
	int i, ret = 0;

	NEED(test, region);
	writer.page = region->start;
	user = (u32 __user *)addr_of(region->start);
	thread = kthread_run(write_all_the_time, &writer, "winmem-kunit");
	NEED(test, !IS_ERR(thread));
	for (i = 0; i < 100 && !ret; i++) {
		ret = winmem_test_protect(test, region, region->start, 1, RO, NULL);
		ret = ret ?: get_user(before, user);
		usleep_range(1000, 2000);
		ret = ret ?: get_user(after, user);
		KUNIT_EXPECT_EQ(test, before, after);
		ret = ret ?: winmem_test_protect(test, region, region->start, 1, RW, NULL);
		usleep_range(1000, 2000);
	}
	kthread_stop(thread);
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_GT(test, writer.stores, 0UL);
}

/* Memory comes and goes under a writer; what is left in the end is what is committed. */
static void fault_decommit_against_a_writer(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, 1, RW);
	struct writer writer = { .mm = process_of(test)->mm };
	struct task_struct *thread;
	int i, ret = 0;

	NEED(test, region);
	writer.page = region->start;
	thread = kthread_run(write_all_the_time, &writer, "winmem-kunit");
	NEED(test, !IS_ERR(thread));
	for (i = 0; i < 200 && !ret; i++) {
		ret = winmem_test_decommit(test, region, region->start, 1);
		ret = ret ?: winmem_test_commit(test, region, region->start, 1, RW);
		if (i & 1)
			usleep_range(200, 400);
	}
	ret = ret ?: winmem_test_decommit(test, region, region->start, 1);
	kthread_stop(thread);
	KUNIT_EXPECT_EQ(test, ret, 0);
	expect_access(test, region->start, -EFAULT, -EFAULT);
	KUNIT_EXPECT_EQ(test, winmem_test_commit(test, region, region->start, 1, RW), 0);
	expect_value(test, region->start, 0);
}

static struct kunit_case fault_cases[] = {
	KUNIT_CASE(fault_uncommitted_pages),
	KUNIT_CASE(fault_each_protection),
	KUNIT_CASE(fault_new_pages_are_zero),
	KUNIT_CASE(fault_protect_takes_and_gives),
	KUNIT_CASE(fault_guard_goes_when_hit),
	KUNIT_CASE(fault_guard_over_contents),
	KUNIT_CASE(fault_debugger_leaves_the_guard),
	KUNIT_CASE(fault_decommit_zeroes),
	KUNIT_CASE(fault_batches),
	KUNIT_CASE(fault_copy_stops_at_the_page),
	KUNIT_CASE(fault_released_pages),
	KUNIT_CASE(fault_protect_against_a_writer),
	KUNIT_CASE(fault_decommit_against_a_writer),
	{}
};

static struct kunit_suite fault_suite = {
	.name = "winmem_fault",
	.init = winmem_process_init,
	.exit = winmem_process_exit,
	.test_cases = fault_cases,
};
kunit_test_suite(fault_suite);
