// SPDX-License-Identifier: GPL-2.0-only
/*
 * winmem_killed: what calls leave behind that end with EINTR, in a thread that has a fatal
 * signal and yet goes on.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "process.h"
#include "watch.h"

#define RW	WINMEM_PROT_READWRITE
#define NR	1200UL	/* more than two chunks */

static void be_killed(bool killed)
{
	spin_lock_irq(&current->sighand->siglock);
	if (killed) {
		sigaddset(&current->pending.signal, SIGKILL);
		set_tsk_thread_flag(current, TIF_SIGPENDING);
	} else {
		sigdelset(&current->pending.signal, SIGKILL);
		recalc_sigpending();
	}
	spin_unlock_irq(&current->sighand->siglock);
}

static void check_nothing_left(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, space_of(test)->charge.pages, 0UL);
	KUNIT_EXPECT_TRUE(test, winmem_test_has_no_states(test));
}

static void commit_is_killed(struct kunit *test, bool watched)
{
	struct winmem_region *region = winmem_test_reserve(test, 0, NR);

	NEED(test, region);
	region->watched = watched;
	be_killed(true);
	KUNIT_EXPECT_EQ(test, winmem_test_commit(test, region, region->start, NR, RW), -EINTR);
	be_killed(false);
	KUNIT_EXPECT_EQ(test, region->committed, 0UL);
	KUNIT_EXPECT_EQ(test, winmem_test_state(test, region->start), WINMEM_PAGE_NONE);
	/* What was made for the first chunk goes with the reservation. */
	winmem_test_release(test, region);
	check_nothing_left(test);
}

static void killed_in_commit(struct kunit *test)
{
	commit_is_killed(test, false);
}

static void killed_in_watched_commit(struct kunit *test)
{
	commit_is_killed(test, true);
}

static void killed_in_commit_new(struct kunit *test)
{
	struct winmem_space *space = space_of(test);
	struct winmem_region *region = winmem_test_reserve(test, 0, NR);

	NEED(test, region);
	be_killed(true);
	mutex_lock(&space->mutex);
	KUNIT_EXPECT_EQ(test, winmem_region_commit_new(space, region), -EINTR);
	mutex_unlock(&space->mutex);
	be_killed(false);
	winmem_test_release(test, region);
	check_nothing_left(test);
}

static void killed_in_reset(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, 4, RW);
	unsigned long page;
	u8 value = 0;

	NEED(test, region);
	page = region->start;
	KUNIT_EXPECT_EQ(test, winmem_test_store(page, 42), 0);
	be_killed(true);
	KUNIT_EXPECT_EQ(test, winmem_test_reset(test, region, page, 4), -EINTR);
	be_killed(false);
	KUNIT_EXPECT_FALSE(test, winmem_test_state(test, page) & WINMEM_PAGE_RESET);
	KUNIT_EXPECT_EQ(test, winmem_test_load(page, &value), 0);
	KUNIT_EXPECT_EQ(test, value, 42);
}

/* One run of pages that were reset is undone before it looks. */
static void killed_in_reset_undo(struct kunit *test)
{
	struct winmem_region *region = winmem_test_commit_new(test, 4, RW);
	unsigned long page;

	NEED(test, region);
	page = region->start;
	KUNIT_EXPECT_EQ(test, winmem_test_store(page, 42), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_store(page + 2, 43), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_reset(test, region, page, 4), 0);
	be_killed(true);
	KUNIT_EXPECT_EQ(test, winmem_test_reset_undo(test, region, page, 4), -EINTR);
	be_killed(false);
	KUNIT_EXPECT_FALSE(test, winmem_test_state(test, page) & WINMEM_PAGE_RESET);
	KUNIT_EXPECT_TRUE(test, winmem_test_state(test, page + 2) & WINMEM_PAGE_RESET);
	KUNIT_EXPECT_EQ(test, winmem_test_reset_undo(test, region, page, 4), 0);
}

static int collect(struct kunit *test, struct winmem_region *region,
		   struct winmem_watch_list *list)
{
	struct winmem_space *space = space_of(test);
	int ret;

	mutex_lock(&space->mutex);
	ret = winmem_watch_collect(space, region->start, region->nr, NR, true, list);
	mutex_unlock(&space->mutex);
	return ret;
}

static void killed_in_watch(struct kunit *test)
{
	struct winmem_region *region = winmem_test_reserve(test, 0, NR);
	struct winmem_watch_list list = {};

	NEED(test, region);
	region->watched = true;
	KUNIT_EXPECT_EQ(test, winmem_test_commit(test, region, region->start, NR, RW), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_store(region->start + 1, 42), 0);
	KUNIT_EXPECT_EQ(test, winmem_test_store(region->start + NR - 1, 43), 0);
	be_killed(true);
	KUNIT_EXPECT_EQ(test, collect(test, region, &list), -EINTR);
	be_killed(false);
	kvfree(list.addrs);
	list = (struct winmem_watch_list) {};
	KUNIT_EXPECT_EQ(test, collect(test, region, &list), 0);
	KUNIT_EXPECT_EQ(test, list.nr, 2UL);
	kvfree(list.addrs);
}

static struct kunit_case killed_cases[] = {
	KUNIT_CASE(killed_in_commit),
	KUNIT_CASE(killed_in_watched_commit),
	KUNIT_CASE(killed_in_commit_new),
	KUNIT_CASE(killed_in_reset),
	KUNIT_CASE(killed_in_reset_undo),
	KUNIT_CASE(killed_in_watch),
	{}
};

static struct kunit_suite killed_suite = {
	.name = "winmem_killed",
	.init = winmem_process_init,
	.exit = winmem_process_exit,
	.test_cases = killed_cases,
};
kunit_test_suite(killed_suite);
