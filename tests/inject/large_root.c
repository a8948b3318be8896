// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reservations of large pages while each of their points fails in turn: they need a huge window,
 * a list of their blocks, huge pages, and entries for those in the file. It needs root.
 */
#include "inject.h"
#include "proc.h"

#define WITH_LARGE	(WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_LARGE)

static struct winmem_reserve args;
static unsigned long place, made, length = CHUNK;

static int do_reserve(void)
{
	args.out_addr = CC64;
	args.out_flags = CC32;
	if (ioctl(dev, WINMEM_IOC_RESERVE, &args))
		return -1;
	made = args.out_addr;
	return 0;
}

static void check_large(void)
{
	EXPECT_COMMITTED(made, length, READWRITE);
	EXPECT_EQ(length, charge());
	EXPECT_EQ(length, number_of("/proc/self/status", "VmPin:") * 1024);
	for (unsigned long at = made; at < made + length; at += CHUNK)
		EXPECT(try_write(at, 1));
	EXPECT_EQ(length, number_of("/proc/self/smaps_rollup", "ShmemPmdMapped:") * 1024);
}

static void undo_large(void)
{
	EXPECT_OK(raw_release(made));
	EXPECT_FREE(made);
	EXPECT_EQ(0, charge());
	EXPECT_EQ(0, number_of("/proc/self/status", "VmPin:") * 1024);
}

static void watch_place(void)
{
	sweep_watch_runs(place - GRAN, length + 2 * GRAN);
}

TEST(reserve_large_makes_the_huge_store)
{
	if (geteuid())
		skip_because("not root");
	args = reserve_args(0, length, READWRITE, WITH_LARGE);
	SWEEP(.prepare = fresh_space, .call = do_reserve, .check = check_large,
	      .undo = undo_large, .flags = SWEEP_MAPS | SWEEP_LARGE, .needs_memory = true);
}

TEST(reserve_large_at_an_address)
{
	if (geteuid())
		skip_because("not root");
	place = find_hole(GIB);
	length = 2 * CHUNK;
	args = reserve_args(place, length, READWRITE, WITH_LARGE);
	SWEEP(.prepare = watch_place, .call = do_reserve, .check = check_large,
	      .undo = undo_large, .flags = SWEEP_LARGE, .needs_memory = true);
}

/* The window of small pages gives up a part, which does not come back. */
static void prepare_kept(void)
{
	unsigned long base;

	fresh_space();
	base = reserve(2 * CHUNK - GRAN);
	release(base);
	place = (base + CHUNK - 1) / CHUNK * CHUNK;
	args = reserve_args(place, length, READWRITE, WITH_LARGE);
	watch_place();
}

TEST(reserve_large_in_a_window)
{
	if (geteuid())
		skip_because("not root");
	length = CHUNK;
	SWEEP(.prepare = prepare_kept, .call = do_reserve, .check = check_large,
	      .undo = undo_large, .flags = SWEEP_MAPS | SWEEP_LARGE, .needs_memory = true);
}

static int do_release(void)
{
	return raw_release(made);
}

static void prepare_large(void)
{
	args = reserve_args(0, length, READWRITE, WITH_LARGE);
	EXPECT_OK(do_reserve());
	fill(made, PAGE, 1);
	sweep_watch_runs(made, length);
}

static void check_released(void)
{
	EXPECT_FREE(made);
	EXPECT_EQ(0, charge());
	EXPECT_EQ(0, number_of("/proc/self/status", "VmPin:") * 1024);
}

TEST(release_of_large_pages)
{
	if (geteuid())
		skip_because("not root");
	length = CHUNK;
	SWEEP(.prepare = prepare_large, .call = do_release, .check = check_released,
	      .flags = SWEEP_NEVER_FAILS | SWEEP_MAPS);
}
