// SPDX-License-Identifier: GPL-2.0-only
/*
 * winmem_charge: the limits of a process and of all together. No other process uses
 * winmem while the suites run.
 */
#include <kunit/test.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/mm.h>

#include "charge.h"

#define PARAMETERS	"/sys/module/winmem/parameters/"

/* As an administrator does. */
static int write_parameter(const char *path, unsigned long bytes)
{
	struct file *file = filp_open(path, O_WRONLY, 0);
	char text[24];
	ssize_t ret;
	int len;

	if (IS_ERR(file))
		return PTR_ERR(file);
	len = snprintf(text, sizeof(text), "%lu", bytes);
	ret = kernel_write(file, text, len, NULL);
	filp_close(file, NULL);
	return ret == len ? 0 : -EIO;
}

static int limit_all(unsigned long nr)
{
	return write_parameter(PARAMETERS "commit_limit", nr << PAGE_SHIFT);
}

static int limit_each(unsigned long nr)
{
	return write_parameter(PARAMETERS "process_commit_limit", nr << PAGE_SHIFT);
}

struct charges {
	struct winmem_charge one, other;
	unsigned long total;
};

static int charge_init(struct kunit *test)
{
	struct charges *charges = kunit_kzalloc(test, sizeof(*charges), GFP_KERNEL);
	int ret;

	if (!charges)
		return -ENOMEM;
	charges->total = winmem_charge_total();
	ret = winmem_charge_init(&charges->one);
	if (ret)
		return ret;
	ret = winmem_charge_init(&charges->other);
	if (ret) {
		winmem_charge_destroy(&charges->one);
		return ret;
	}
	test->priv = charges;
	return 0;
}

static void charge_exit(struct kunit *test)
{
	struct charges *charges = test->priv;

	KUNIT_EXPECT_EQ(test, limit_all(0), 0);
	KUNIT_EXPECT_EQ(test, limit_each(0), 0);
	if (!charges)
		return;
	winmem_charge_destroy(&charges->one);
	winmem_charge_destroy(&charges->other);
	KUNIT_EXPECT_EQ(test, winmem_charge_total(), charges->total);
}

static void charge_take_and_give(struct kunit *test)
{
	struct charges *charges = test->priv;

	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, 10), 0);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->other, 5), 0);
	KUNIT_EXPECT_EQ(test, charges->one.pages, 10UL);
	KUNIT_EXPECT_EQ(test, winmem_charge_total(), charges->total + 15);
	winmem_charge_give(&charges->one, 4);
	KUNIT_EXPECT_EQ(test, charges->one.pages, 6UL);
	KUNIT_EXPECT_EQ(test, winmem_charge_total(), charges->total + 11);
}

static void charge_own_limit(struct kunit *test)
{
	struct charges *charges = test->priv;

	charges->one.limit = 10;
	KUNIT_EXPECT_EQ(test, winmem_charge_limit(&charges->one), 10UL);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, 11), -EDQUOT);
	KUNIT_EXPECT_EQ(test, charges->one.pages, 0UL);
	KUNIT_EXPECT_EQ(test, winmem_charge_total(), charges->total);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, 10), 0);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, 1), -EDQUOT);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, 0), 0);
	KUNIT_EXPECT_EQ(test, winmem_charge_total(), charges->total + 10);
}

/* A limit below what is committed takes nothing away. */
static void charge_limit_comes_late(struct kunit *test)
{
	struct charges *charges = test->priv;

	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, 20), 0);
	charges->one.limit = 10;
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, 1), -EDQUOT);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, 0), 0);
	winmem_charge_give(&charges->one, 11);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, 1), 0);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, 1), -EDQUOT);
}

static void charge_no_overflow(struct kunit *test)
{
	struct charges *charges = test->priv;

	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, 1), 0);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, ULONG_MAX), -EDQUOT);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, ULONG_MAX >> 1), -EDQUOT);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, ULONG_MAX >> PAGE_SHIFT), -EDQUOT);
	KUNIT_EXPECT_EQ(test, charges->one.pages, 1UL);
	KUNIT_EXPECT_EQ(test, winmem_charge_total(), charges->total + 1);
}

static void charge_limit_of_each(struct kunit *test)
{
	struct charges *charges = test->priv;

	KUNIT_ASSERT_EQ(test, limit_each(10), 0);
	KUNIT_EXPECT_EQ(test, winmem_charge_limit(&charges->one), 10UL);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, 11), -EDQUOT);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, 10), 0);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->other, 10), 0);

	/* The lower one of the two counts. */
	charges->one.limit = 9;
	KUNIT_EXPECT_EQ(test, winmem_charge_limit(&charges->one), 9UL);
	charges->one.limit = 11;
	KUNIT_EXPECT_EQ(test, winmem_charge_limit(&charges->one), 10UL);
}

static void charge_limit_of_all(struct kunit *test)
{
	struct charges *charges = test->priv;

	KUNIT_ASSERT_EQ(test, limit_all(charges->total + 10), 0);
	KUNIT_EXPECT_EQ(test, winmem_charge_total_limit(), charges->total + 10);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, 6), 0);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->other, 5), -EDQUOT);
	KUNIT_EXPECT_EQ(test, charges->other.pages, 0UL);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->other, 4), 0);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, 1), -EDQUOT);
	winmem_charge_give(&charges->other, 1);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, 1), 0);
}

static void charge_default_is_ram_and_swap(struct kunit *test)
{
	struct charges *charges = test->priv;
	unsigned long limit = winmem_charge_total_limit();

	KUNIT_EXPECT_GE(test, limit, totalram_pages());
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->one, limit - charges->total), 0);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->other, 1), -EDQUOT);
	winmem_charge_give(&charges->one, 1);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(&charges->other, 1), 0);
}

/* Committed_AS follows, in steps: up before the commit is granted, down later. */
static void charge_system_counts_it(struct kunit *test)
{
	struct charges *charges = test->priv;
	struct winmem_charge *one = &charges->one;

	KUNIT_EXPECT_EQ(test, winmem_charge_take(one, 1), 0);
	KUNIT_EXPECT_GE(test, one->accounted, 1UL);
	KUNIT_EXPECT_EQ(test, winmem_charge_take(one, 10000), 0);
	KUNIT_EXPECT_GE(test, one->accounted, one->pages);
	KUNIT_EXPECT_EQ(test, i_size_read(file_inode(one->account)),
			(loff_t)one->accounted << PAGE_SHIFT);
	winmem_charge_give(one, 10000);
	KUNIT_EXPECT_GE(test, one->accounted, 1UL);
	KUNIT_EXPECT_LT(test, one->accounted, 10000UL);
}

static struct kunit_case charge_cases[] = {
	KUNIT_CASE(charge_take_and_give),
	KUNIT_CASE(charge_own_limit),
	KUNIT_CASE(charge_limit_comes_late),
	KUNIT_CASE(charge_no_overflow),
	KUNIT_CASE(charge_limit_of_each),
	KUNIT_CASE(charge_limit_of_all),
	KUNIT_CASE(charge_default_is_ram_and_swap),
	KUNIT_CASE(charge_system_counts_it),
	{}
};

static struct kunit_suite charge_suite = {
	.name = "winmem_charge",
	.init = charge_init,
	.exit = charge_exit,
	.test_cases = charge_cases,
};
kunit_test_suite(charge_suite);
