// SPDX-License-Identifier: GPL-2.0-only
/*
 * winmem_pages: the states of pages, in the kernel's own xarray and under its RCU. What
 * ranges do is tested on the host, a million times; here it is what chunks are made of,
 * when they go, and who may look at them meanwhile.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <uapi/linux/winmem.h>

#include "pages.h"
#include "prot.h"

#define CHUNK	WINMEM_CHUNK_PAGES

/* A page in the middle of nowhere, and the first of its chunk. */
#define BASE	(CHUNK << 10)

static int pages_init(struct kunit *test)
{
	struct winmem_pages *pages = kunit_kzalloc(test, sizeof(*pages), GFP_KERNEL);

	if (!pages)
		return -ENOMEM;
	winmem_pages_init(pages);
	test->priv = pages;
	return 0;
}

static void pages_exit(struct kunit *test)
{
	if (test->priv)
		winmem_pages_destroy(test->priv);
}

static u8 state_of(u32 prot)
{
	return winmem_prot_to_page(prot);
}

/* Prepare and set, as region.c does. */
static int change(struct kunit *test, unsigned long start, unsigned long nr, u8 state)
{
	struct winmem_pages_change change = { .mask = WINMEM_PAGE_ALL, .bits = state };
	int ret = winmem_pages_prepare(test->priv, start, nr, state);

	if (!ret)
		winmem_pages_set(test->priv, start, nr, &change);
	return ret;
}

static struct winmem_chunk *chunk_of(struct kunit *test, unsigned long page)
{
	struct winmem_pages *pages = test->priv;

	return xa_load(&pages->chunks, page >> WINMEM_CHUNK_SHIFT);
}

static bool has_array(struct kunit *test, unsigned long page)
{
	struct winmem_chunk *chunk = chunk_of(test, page);

	return chunk && chunk->states;
}

static void pages_nothing_is_none(struct kunit *test)
{
	u8 state = 0xcc;

	KUNIT_EXPECT_EQ(test, winmem_pages_get(test->priv, BASE), WINMEM_PAGE_NONE);
	KUNIT_EXPECT_EQ(test, winmem_pages_count(test->priv, 0, 1UL << 35), 0UL);
	KUNIT_EXPECT_EQ(test, winmem_pages_run(test->priv, BASE, 1UL << 35, WINMEM_PAGE_ALL, &state),
			1UL << 35);
	KUNIT_EXPECT_EQ(test, state, WINMEM_PAGE_NONE);
	KUNIT_EXPECT_PTR_EQ(test, winmem_pages_lock(test->priv, BASE), NULL);
	KUNIT_EXPECT_FALSE(test, winmem_pages_is_single(test->priv, BASE));
}

static void pages_uniform_chunk_has_no_array(struct kunit *test)
{
	u8 rw = state_of(WINMEM_PROT_READWRITE);

	KUNIT_EXPECT_EQ(test, change(test, BASE, 2 * CHUNK, rw), 0);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, chunk_of(test, BASE + CHUNK));
	KUNIT_EXPECT_FALSE(test, has_array(test, BASE));
	KUNIT_EXPECT_FALSE(test, has_array(test, BASE + CHUNK));
	KUNIT_EXPECT_EQ(test, winmem_pages_get(test->priv, BASE + 2 * CHUNK - 1), rw);
	KUNIT_EXPECT_EQ(test, winmem_pages_count(test->priv, BASE, 2 * CHUNK), 2 * CHUNK);
	KUNIT_EXPECT_EQ(test, winmem_pages_count(test->priv, BASE + 1, CHUNK), CHUNK);
}

static void pages_part_of_a_chunk_has_an_array(struct kunit *test)
{
	u8 rw = state_of(WINMEM_PROT_READWRITE), ro = state_of(WINMEM_PROT_READONLY);

	KUNIT_EXPECT_EQ(test, change(test, BASE, CHUNK, rw), 0);
	KUNIT_EXPECT_EQ(test, change(test, BASE + 7, 3, ro), 0);
	KUNIT_EXPECT_TRUE(test, has_array(test, BASE));
	KUNIT_EXPECT_TRUE(test, winmem_chunk_is_valid(chunk_of(test, BASE)));
	KUNIT_EXPECT_EQ(test, winmem_pages_get(test->priv, BASE + 6), rw);
	KUNIT_EXPECT_EQ(test, winmem_pages_get(test->priv, BASE + 7), ro);
	KUNIT_EXPECT_EQ(test, winmem_pages_get(test->priv, BASE + 9), ro);
	KUNIT_EXPECT_EQ(test, winmem_pages_get(test->priv, BASE + 10), rw);

	/* All alike again: one state is enough. */
	KUNIT_EXPECT_EQ(test, change(test, BASE, CHUNK, ro), 0);
	KUNIT_EXPECT_FALSE(test, has_array(test, BASE));
	KUNIT_EXPECT_EQ(test, winmem_pages_get(test->priv, BASE + 400), ro);
}

/* A fault takes a guard off one page, and may not allocate. */
static void pages_guard_keeps_its_array(struct kunit *test)
{
	u8 guard = state_of(WINMEM_PROT_READWRITE | WINMEM_PROT_GUARD);
	struct winmem_chunk *chunk;

	KUNIT_EXPECT_EQ(test, change(test, BASE, CHUNK, guard), 0);
	KUNIT_EXPECT_TRUE(test, has_array(test, BASE));
	KUNIT_EXPECT_TRUE(test, winmem_pages_is_single(test->priv, BASE));

	chunk = winmem_pages_lock(test->priv, BASE + 5);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, chunk);
	winmem_chunk_clear(chunk, BASE + 5, WINMEM_PAGE_GUARD);
	KUNIT_EXPECT_EQ(test, winmem_chunk_alike(chunk, BASE, CHUNK), 5UL);
	KUNIT_EXPECT_EQ(test, winmem_chunk_alike(chunk, BASE + 5, 3), 1UL);
	winmem_pages_unlock(chunk);

	KUNIT_EXPECT_EQ(test, winmem_pages_get(test->priv, BASE + 5), guard & ~WINMEM_PAGE_GUARD);
	KUNIT_EXPECT_EQ(test, winmem_pages_get(test->priv, BASE + 6), guard);
	KUNIT_EXPECT_TRUE(test, winmem_chunk_is_valid(chunk));
}

static void pages_marks_are_one_page(struct kunit *test)
{
	u8 rw = state_of(WINMEM_PROT_READWRITE);
	struct winmem_chunk *chunk;

	KUNIT_EXPECT_EQ(test, change(test, BASE, CHUNK, rw), 0);
	KUNIT_EXPECT_EQ(test, winmem_pages_prepare(test->priv, BASE + 3, 1, WINMEM_PAGE_RESET), 0);
	winmem_pages_set_one(test->priv, BASE + 3, WINMEM_PAGE_RESET, WINMEM_PAGE_RESET);

	chunk = winmem_pages_lock(test->priv, BASE + 3);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, chunk);
	winmem_chunk_mark(chunk, BASE + 3, WINMEM_PAGE_LOST);
	winmem_pages_unlock(chunk);

	KUNIT_EXPECT_EQ(test, winmem_pages_get(test->priv, BASE + 2), rw);
	KUNIT_EXPECT_EQ(test, winmem_pages_get(test->priv, BASE + 3),
			rw | WINMEM_PAGE_RESET | WINMEM_PAGE_LOST);
	KUNIT_EXPECT_EQ(test, winmem_pages_get(test->priv, BASE + 4), rw);
}

static void pages_change_tells_what_was(struct kunit *test)
{
	u8 rw = state_of(WINMEM_PROT_READWRITE), x = state_of(WINMEM_PROT_EXECUTE);
	struct winmem_pages_change change_to_none = { .mask = WINMEM_PAGE_ALL };

	KUNIT_EXPECT_EQ(test, change(test, BASE, 10, rw), 0);
	KUNIT_EXPECT_EQ(test, change(test, BASE + 10, 10, x), 0);
	winmem_pages_set(test->priv, BASE, 30, &change_to_none);
	KUNIT_EXPECT_EQ(test, change_to_none.old, (u8)(rw | x));
	KUNIT_EXPECT_EQ(test, change_to_none.access,
			WINMEM_ACCESS_READ | WINMEM_ACCESS_WRITE | WINMEM_ACCESS_EXEC);
}

/* Release and decommit of what was never committed take no memory. */
static void pages_none_needs_nothing(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, winmem_pages_prepare(test->priv, BASE, 1UL << 30, WINMEM_PAGE_NONE), 0);
	KUNIT_EXPECT_PTR_EQ(test, chunk_of(test, BASE), NULL);
	KUNIT_EXPECT_PTR_EQ(test, chunk_of(test, BASE + (1UL << 30) - 1), NULL);
}

/* Only the chunks at the edges need an array, and only when they are there. */
static void pages_edges_are_prepared(struct kunit *test)
{
	u8 rw = state_of(WINMEM_PROT_READWRITE);

	KUNIT_EXPECT_EQ(test, change(test, BASE, 4 * CHUNK, rw), 0);
	KUNIT_EXPECT_EQ(test, change(test, BASE + 10, 3 * CHUNK, WINMEM_PAGE_NONE), 0);
	KUNIT_EXPECT_TRUE(test, has_array(test, BASE));
	KUNIT_EXPECT_FALSE(test, has_array(test, BASE + CHUNK));
	KUNIT_EXPECT_FALSE(test, has_array(test, BASE + 2 * CHUNK));
	KUNIT_EXPECT_TRUE(test, has_array(test, BASE + 3 * CHUNK));
	KUNIT_EXPECT_EQ(test, winmem_pages_count(test->priv, BASE, 4 * CHUNK), CHUNK);
}

static void pages_run_crosses_chunks(struct kunit *test)
{
	u8 rw = state_of(WINMEM_PROT_READWRITE), state;
	u8 guard = state_of(WINMEM_PROT_READWRITE | WINMEM_PROT_GUARD);

	KUNIT_EXPECT_EQ(test, change(test, BASE + 5, 3 * CHUNK, rw), 0);
	KUNIT_EXPECT_EQ(test, winmem_pages_run(test->priv, BASE + 5, 4 * CHUNK, WINMEM_PAGE_ALL,
					       &state), 3 * CHUNK);
	KUNIT_EXPECT_EQ(test, state, rw);
	KUNIT_EXPECT_EQ(test, winmem_pages_run(test->priv, BASE, CHUNK, WINMEM_PAGE_ALL, &state), 5UL);
	KUNIT_EXPECT_EQ(test, winmem_pages_run(test->priv, BASE + 3 * CHUNK + 5, 1UL << 34,
					       WINMEM_PAGE_ALL, &state), 1UL << 34);

	/* What the mask hides does not end a run. */
	KUNIT_EXPECT_EQ(test, change(test, BASE + CHUNK, 1, guard), 0);
	KUNIT_EXPECT_EQ(test, winmem_pages_run(test->priv, BASE + 5, 4 * CHUNK, WINMEM_PAGE_ALL,
					       &state), CHUNK - 5);
	KUNIT_EXPECT_EQ(test, winmem_pages_run(test->priv, BASE + 5, 4 * CHUNK, WINMEM_PAGE_PROT,
					       &state), 3 * CHUNK);
}

static void pages_forget_frees_what_is_none(struct kunit *test)
{
	u8 rw = state_of(WINMEM_PROT_READWRITE);
	unsigned long nr = 2 * CHUNK;

	KUNIT_EXPECT_EQ(test, change(test, BASE, nr + 1, rw), 0);
	KUNIT_EXPECT_EQ(test, change(test, BASE, nr, WINMEM_PAGE_NONE), 0);
	winmem_pages_forget(test->priv, BASE, nr + 1);
	KUNIT_EXPECT_PTR_EQ(test, chunk_of(test, BASE), NULL);
	KUNIT_EXPECT_TRUE(test, has_array(test, BASE + nr));
	KUNIT_EXPECT_EQ(test, winmem_pages_get(test->priv, BASE + nr), rw);
}

/* The next one takes its place, but not when it is in use again. */
static void pages_forget_leaves_one(struct kunit *test)
{
	u8 rw = state_of(WINMEM_PROT_READWRITE);
	struct winmem_chunk *idle;

	KUNIT_EXPECT_EQ(test, change(test, BASE, 4 * CHUNK, rw), 0);
	idle = chunk_of(test, BASE);
	idle->touched = 7;
	KUNIT_EXPECT_EQ(test, change(test, BASE, CHUNK, WINMEM_PAGE_NONE), 0);
	winmem_pages_forget(test->priv, BASE, CHUNK);
	KUNIT_EXPECT_PTR_EQ(test, chunk_of(test, BASE), idle);
	KUNIT_EXPECT_EQ(test, idle->touched, 0);

	KUNIT_EXPECT_EQ(test, change(test, BASE + CHUNK, CHUNK, WINMEM_PAGE_NONE), 0);
	winmem_pages_forget(test->priv, BASE + CHUNK, CHUNK);
	KUNIT_EXPECT_PTR_EQ(test, chunk_of(test, BASE), NULL);

	KUNIT_EXPECT_EQ(test, change(test, BASE + CHUNK, 1, rw), 0);
	KUNIT_EXPECT_EQ(test, change(test, BASE + 2 * CHUNK, CHUNK, WINMEM_PAGE_NONE), 0);
	winmem_pages_forget(test->priv, BASE + 2 * CHUNK, CHUNK);
	KUNIT_EXPECT_EQ(test, winmem_pages_get(test->priv, BASE + CHUNK), rw);
}

static void pages_exec_is_wanted_of_all(struct kunit *test)
{
	u8 rx = state_of(WINMEM_PROT_EXECUTE_READ), rw = state_of(WINMEM_PROT_READWRITE);
	unsigned long nr = 2 * CHUNK;

	KUNIT_EXPECT_TRUE(test, winmem_pages_want_exec(test->priv, BASE, nr, false));
	KUNIT_EXPECT_FALSE(test, winmem_pages_want_exec(test->priv, BASE, nr, true));
	KUNIT_EXPECT_EQ(test, change(test, BASE, nr, rx), 0);
	KUNIT_EXPECT_TRUE(test, winmem_pages_want_exec(test->priv, BASE, nr, true));
	KUNIT_EXPECT_FALSE(test, winmem_pages_want_exec(test->priv, BASE, nr, false));
	KUNIT_EXPECT_FALSE(test, winmem_pages_want_exec(test->priv, BASE, nr + 1, true));
	KUNIT_EXPECT_FALSE(test, winmem_pages_want_exec(test->priv, BASE - 1, nr, true));

	KUNIT_EXPECT_EQ(test, change(test, BASE + nr - 1, 1, rw), 0);
	KUNIT_EXPECT_FALSE(test, winmem_pages_want_exec(test->priv, BASE, nr, true));
	KUNIT_EXPECT_TRUE(test, winmem_pages_want_exec(test->priv, BASE, nr - 1, true));
	KUNIT_EXPECT_FALSE(test, winmem_pages_want_exec(test->priv, BASE, nr, false));
	KUNIT_EXPECT_TRUE(test, winmem_pages_want_exec(test->priv, BASE + nr - 1, CHUNK, false));

	/* Nobody has asked for it in a chunk that is missing. */
	KUNIT_EXPECT_EQ(test, change(test, BASE + 4 * CHUNK, CHUNK, rw), 0);
	KUNIT_EXPECT_TRUE(test, winmem_pages_want_exec(test->priv, BASE + 2 * CHUNK, 4 * CHUNK, false));
	KUNIT_EXPECT_EQ(test, change(test, BASE + 4 * CHUNK, CHUNK, rx), 0);
	KUNIT_EXPECT_FALSE(test, winmem_pages_want_exec(test->priv, BASE + 2 * CHUNK, 4 * CHUNK, false));
}

/* What a CPU keeps of one table is not taken for another's, nor for what is there no more. */
static void pages_lookups_are_of_one_table(struct kunit *test)
{
	struct winmem_pages *pages = test->priv, *other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);
	u8 rw = state_of(WINMEM_PROT_READWRITE);
	struct winmem_chunk *chunk;
	int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	winmem_pages_init(other);
	KUNIT_EXPECT_EQ(test, change(test, BASE, 2 * CHUNK, rw), 0);
	for (i = 0; i < 3; i++) {
		chunk = winmem_pages_lock(pages, BASE + 1);
		KUNIT_EXPECT_PTR_EQ(test, chunk, chunk_of(test, BASE));
		if (chunk)
			winmem_pages_unlock(chunk);
		KUNIT_EXPECT_PTR_EQ(test, winmem_pages_lock(other, BASE + 1), NULL);
	}
	KUNIT_EXPECT_EQ(test, change(test, BASE, 2 * CHUNK, WINMEM_PAGE_NONE), 0);
	winmem_pages_forget(pages, BASE, 2 * CHUNK);
	KUNIT_EXPECT_PTR_EQ(test, winmem_pages_lock(pages, BASE + 1), NULL);
	winmem_pages_destroy(other);
}

static int look_all_the_time(void *data)
{
	struct winmem_pages *pages = data;
	unsigned long page = BASE;

	while (!kthread_should_stop()) {
		struct winmem_chunk *chunk = winmem_pages_lock(pages, page);

		if (chunk) {
			WARN_ON_ONCE(!winmem_chunk_alike(chunk, page, 1));
			winmem_pages_unlock(chunk);
		}
		page = BASE + (page + 1) % (4 * CHUNK);
		if (!(page & 63))
			cond_resched();
	}
	return 0;
}

/* A fault holds no mutex: chunks come and go, and change their form, under its eyes. */
static void pages_lookups_survive_changes(struct kunit *test)
{
	u8 rw = state_of(WINMEM_PROT_READWRITE), ro = state_of(WINMEM_PROT_READONLY);
	unsigned long end = jiffies + 2 * HZ;
	struct task_struct *looker;
	int ret = 0;

	looker = kthread_run(look_all_the_time, test->priv, "winmem-kunit");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, looker);
	while (!ret && time_before(jiffies, end)) {
		ret = ret ?: change(test, BASE, 4 * CHUNK, rw);
		ret = ret ?: change(test, BASE + 1, 2 * CHUNK, ro);
		ret = ret ?: change(test, BASE, 4 * CHUNK, WINMEM_PAGE_NONE);
		winmem_pages_forget(test->priv, BASE, 4 * CHUNK);
		cond_resched();
	}
	kthread_stop(looker);
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_PTR_EQ(test, chunk_of(test, BASE), NULL);
}

static struct kunit_case pages_cases[] = {
	KUNIT_CASE(pages_nothing_is_none),
	KUNIT_CASE(pages_uniform_chunk_has_no_array),
	KUNIT_CASE(pages_part_of_a_chunk_has_an_array),
	KUNIT_CASE(pages_guard_keeps_its_array),
	KUNIT_CASE(pages_marks_are_one_page),
	KUNIT_CASE(pages_change_tells_what_was),
	KUNIT_CASE(pages_none_needs_nothing),
	KUNIT_CASE(pages_edges_are_prepared),
	KUNIT_CASE(pages_run_crosses_chunks),
	KUNIT_CASE(pages_forget_frees_what_is_none),
	KUNIT_CASE(pages_forget_leaves_one),
	KUNIT_CASE(pages_exec_is_wanted_of_all),
	KUNIT_CASE(pages_lookups_are_of_one_table),
	KUNIT_CASE(pages_lookups_survive_changes),
	{}
};

static struct kunit_suite pages_suite = {
	.name = "winmem_pages",
	.init = pages_init,
	.exit = pages_exit,
	.test_cases = pages_cases,
};
kunit_test_suite(pages_suite);
