// SPDX-License-Identifier: GPL-2.0-only
/*
 * LOCK and OFFER while each of their points fails in turn: all pages or none, and what
 * was locked or offered before stays so.
 */
#define _GNU_SOURCE
#include "inject.h"
#include "keep.h"

/* Pages on both sides of a chunk's first. */
#define LENGTH	(4 * PAGE)

static unsigned long start, base;

static void make(void)
{
	start = find_hole(4 * CHUNK);
	base = start + CHUNK - 2 * PAGE;
	reserve_fixed(start, 4 * CHUNK);
	commit(start, 4 * CHUNK, READWRITE);
	sweep_watch_runs(start, 4 * CHUNK);
}

static void undo(void)
{
	release(start);
	EXPECT_EQ(0, charge());
	EXPECT_EQ(0, vm_locked());
}

/* LOCK. */

static unsigned long before;

static int do_lock(void)
{
	struct winmem_lock args = lock_args(base, LENGTH, 0);
	int ret = ioctl(dev, WINMEM_IOC_LOCK, &args);

	if (ret) {
		int err = errno;

		EXPECT_EQ(before, locked(base, LENGTH));
		EXPECT_EQ(before, vm_locked());
		errno = err;
	}
	return ret;
}

static void check_locked(void)
{
	EXPECT_EQ(LENGTH, locked(base, LENGTH));
	EXPECT_EQ(LENGTH, vm_locked());
	EXPECT(zeroed(base, LENGTH));
}

static void prepare_lock(void)
{
	make();
	before = 0;
}

TEST(L01_lock_fresh_pages)
{
	SWEEP(.prepare = prepare_lock, .call = do_lock, .check = check_locked, .undo = undo,
	      .flags = SWEEP_ONCE, .needs_memory = true);
}

static void prepare_partly(void)
{
	make();
	lock(base + PAGE, PAGE);
	lock(base + 2 * PAGE, PAGE);
	before = 2 * PAGE;
}

TEST(L02_lock_pages_beside_locked_ones)
{
	SWEEP(.prepare = prepare_partly, .call = do_lock, .check = check_locked, .undo = undo,
	      .flags = SWEEP_ONCE, .needs_memory = true);
}

static int do_unlock(void)
{
	struct winmem_lock args = lock_args(base, LENGTH, WINMEM_LOCK_UNDO);

	return ioctl(dev, WINMEM_IOC_LOCK, &args);
}

static void prepare_unlock(void)
{
	make();
	lock(base, LENGTH);
}

static void check_unlocked(void)
{
	EXPECT_EQ(0, locked(base, LENGTH));
	EXPECT_EQ(0, vm_locked());
}

/* It has an answer, and the work stands when that cannot be delivered. */
TEST(L03_unlock)
{
	SWEEP(.prepare = prepare_unlock, .call = do_unlock, .check = check_unlocked, .undo = undo,
	      .flags = SWEEP_NEVER_FAILS);
}

/* OFFER. */

static int do_offer(void)
{
	struct winmem_offer args = offer_args(base, LENGTH, 0);

	return ioctl(dev, WINMEM_IOC_OFFER, &args);
}

static void check_offered(void)
{
	for (unsigned long addr = base; addr < base + LENGTH; addr += PAGE)
		EXPECT(!try_read(addr));
	EXPECT(try_read(base - PAGE) && try_read(base + LENGTH));
	reclaim(base, LENGTH);
	EXPECT(filled(base, LENGTH, 1));
}

static void prepare_offer(void)
{
	make();
	fill(base, LENGTH, 1);
	sweep_watch(base, LENGTH);
}

TEST(O01_offer_parts_of_two_chunks)
{
	SWEEP(.prepare = prepare_offer, .call = do_offer, .check = check_offered, .undo = undo,
	      .needs_memory = true);
}

static int do_reclaim(void)
{
	struct winmem_offer args = offer_args(base, LENGTH, WINMEM_OFFER_UNDO);
	int ret = ioctl(dev, WINMEM_IOC_OFFER, &args);

	if (ret) {
		int err = errno;

		EXPECT(!try_read(base) && !try_read(base + LENGTH - PAGE));
		errno = err;
	}
	return ret;
}

/*
 * All of two chunks is offered, so they have no arrays. (The call looks at pages when it has
 * failed, and a fault without memory would be tried for ever.)
 */
static void prepare_reclaim(void)
{
	make();
	offer(start, 2 * CHUNK);
}

static void check_reclaimed(void)
{
	EXPECT(zeroed(base, LENGTH));
	EXPECT(!try_read(base - PAGE) && !try_read(base + LENGTH));
}

TEST(O03_reclaim_parts_of_two_chunks)
{
	SWEEP(.prepare = prepare_reclaim, .call = do_reclaim, .check = check_reclaimed,
	      .undo = undo, .flags = SWEEP_ONCE, .needs_memory = true);
}
