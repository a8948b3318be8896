// SPDX-License-Identifier: GPL-2.0-only
/*
 * RESERVE and RELEASE while each of their points fails in turn: in a space that has no
 * window yet, in a window that is there, in one of its own, and where the program has
 * damaged the windows before.
 */
#include "inject.h"

static struct winmem_reserve args;
static unsigned long place, made;

static int do_reserve(void)
{
	args.out_addr = CC64;
	args.out_flags = CC32;
	if (ioctl(dev, WINMEM_IOC_RESERVE, &args))
		return -1;
	made = args.out_addr;
	return 0;
}

static void check_reserved(void)
{
	EXPECT(made && made % GRAN == 0);
	EXPECT_RESERVED(made, args.length);
}

static void check_committed(void)
{
	EXPECT_COMMITTED(made, args.length, args.prot);
	EXPECT_EQ(args.length, charge());
}

static void check_works(void)
{
	check_reserved();
	commit(made, args.length, READWRITE);
	fill(made, args.length, 1);
	EXPECT(filled(made, args.length, 1));
}

static void undo_reserve(void)
{
	EXPECT_OK(raw_release(made));
	EXPECT_FREE(made);
	EXPECT_EQ(0, charge());
}

/* Nothing may be left of a failed RESERVE: all around the place it would have got. */
static void watch_place(void)
{
	sweep_watch_runs(place - GRAN, args.length + 2 * GRAN);
}

TEST(reserve_makes_the_first_window)
{
	args = reserve_args(0, GRAN, READWRITE, 0);
	SWEEP(.prepare = fresh_space, .call = do_reserve, .check = check_works,
	      .undo = undo_reserve, .flags = SWEEP_MAPS, .needs_memory = true);
}

/* The place of the last one released would be taken without any memory; it is of another size. */
static void prepare_place(void)
{
	release(reserve(3 * GRAN));
	watch_place();
}

TEST(reserve_in_a_window_that_is_there)
{
	args = reserve_args(0, GRAN, READWRITE, 0);
	place = reserve(GRAN);
	release(place);
	SWEEP(.prepare = prepare_place, .call = do_reserve, .check = check_works,
	      .undo = undo_reserve, .needs_memory = true);
}

TEST(reserve_in_a_vacant_place)
{
	args = reserve_args(0, GRAN, READWRITE, 0);
	place = reserve(GRAN);
	release(place);
	SWEEP(.prepare = watch_place, .call = do_reserve, .check = check_works,
	      .undo = undo_reserve, .flags = SWEEP_NEVER_FAILS);
}

TEST(reserve_TOP_DOWN_makes_the_first_high_window)
{
	args = reserve_args(0, GRAN, READWRITE, WINMEM_RESERVE_TOP_DOWN);
	SWEEP(.prepare = fresh_space, .call = do_reserve, .check = check_works,
	      .undo = undo_reserve, .flags = SWEEP_MAPS, .needs_memory = true);
}

static void prepare_small_window(void)
{
	fresh_space();
	release(reserve(GRAN));
}

TEST(reserve_more_than_the_windows_have)
{
	args = reserve_args(0, 3 * GIB, READWRITE, 0);
	SWEEP(.prepare = prepare_small_window, .call = do_reserve, .check = check_reserved,
	      .undo = undo_reserve, .flags = SWEEP_MAPS, .needs_memory = true);
}

TEST(reserve_at_an_address_makes_a_window_of_its_own)
{
	place = find_hole(GRAN);
	args = reserve_args(place, 3 * PAGE, READWRITE, 0);
	SWEEP(.prepare = watch_place, .call = do_reserve, .check = check_works,
	      .undo = undo_reserve, .needs_memory = true);
}

TEST(reserve_within_bounds_makes_a_window_of_its_own)
{
	place = find_hole(GIB);
	args = reserve_args(0, GRAN, READWRITE, 0);
	args.lowest = place;
	args.highest = place + GIB - 1;
	args.alignment = CHUNK;
	SWEEP(.prepare = watch_place, .call = do_reserve, .check = check_works,
	      .undo = undo_reserve, .flags = SWEEP_MAPS, .needs_memory = true);
}

/* Between two others: the tree of windows has an entry on both sides, and gaps. */
static unsigned long neighbour[2];

static void prepare_neighbours(void)
{
	neighbour[0] = reserve_at(HERE, place - GRAN, GRAN, READWRITE, 0);
	neighbour[1] = reserve_at(HERE, place + 2 * GRAN, GRAN, READWRITE, 0);
	watch_place();
}

static void undo_neighbours(void)
{
	undo_reserve();
	release(neighbour[0]);
	release(neighbour[1]);
}

TEST(reserve_between_two_windows)
{
	place = find_hole(GIB) + GRAN;
	args = reserve_args(place, 2 * GRAN, READWRITE, 0);
	SWEEP(.prepare = prepare_neighbours, .call = do_reserve, .check = check_works,
	      .undo = undo_neighbours, .needs_memory = true);
}

TEST(reserve_and_commit)
{
	args = reserve_args(0, 2 * CHUNK + PAGE, READWRITE, WINMEM_RESERVE_COMMIT);
	place = reserve(args.length);
	release(place);
	/* A reservation, two chunks without an array and one with it. */
	SWEEP(.prepare = watch_place, .call = do_reserve, .check = check_committed,
	      .undo = undo_reserve, .needs_memory = true);
}

TEST(reserve_and_commit_with_a_state_for_each_page)
{
	place = find_hole(4 * CHUNK) + CHUNK;
	args = reserve_args(place, 2 * CHUNK + GRAN, READONLY | GUARD, WINMEM_RESERVE_COMMIT);
	SWEEP(.prepare = watch_place, .call = do_reserve, .check = check_committed,
	      .undo = undo_reserve, .needs_memory = true);
}

/* The protocol of the header: mprotect afterwards, and release when that fails. */
static int do_reserve_exec(void)
{
	int err;

	if (do_reserve())
		return -1;
	if (!(args.out_flags & WINMEM_OUT_EXEC) ||
	    !mprotect((void *)made, args.length, PROT_READ | PROT_WRITE | PROT_EXEC))
		return 0;
	err = errno;
	EXPECT_OK(raw_release(made));
	errno = err;
	return -1;
}

static void check_exec(void)
{
	check_committed();
	put_return(made);
	EXPECT(try_exec(made));
}

TEST(reserve_and_commit_execute)
{
	args = reserve_args(0, GRAN, EXECUTE_RW, WINMEM_RESERVE_COMMIT);
	place = reserve(GRAN);
	release(place);
	SWEEP(.prepare = prepare_place, .call = do_reserve_exec, .check = check_exec,
	      .undo = undo_reserve, .flags = SWEEP_MAPS, .needs_memory = true);
}

/* The program has unmapped a part of the window: it is mapped again. */
static void prepare_torn(void)
{
	prepare_small_window();
	place = reserve(4 * GRAN);
	release(place);
	EXPECT_OK(munmap((void *)(place + GRAN), GRAN));
	release(reserve(GRAN));
	sweep_watch_runs(place, 4 * GRAN);
}

TEST(reserve_in_a_window_with_a_hole)
{
	args = reserve_args(0, 4 * GRAN, READWRITE, 0);
	SWEEP(.prepare = prepare_torn, .call = do_reserve, .check = check_works,
	      .undo = undo_reserve, .flags = SWEEP_MAPS, .needs_memory = true);
}

/* It has mapped something of its own over a part: that is cut out of the window. */
static void prepare_covered(void)
{
	prepare_small_window();
	place = reserve(4 * GRAN);
	release(place);
	map_foreign(place + GRAN + PAGE, PAGE, PROT_READ | PROT_WRITE);
	sweep_watch_runs(place, 4 * GRAN);
}

static void check_carved(void)
{
	EXPECT(made >= place + 2 * GRAN || made + args.length <= place + GRAN);
	EXPECT_EQ(WINMEM_STATE_COMMIT, query(place + GRAN + PAGE).out_state);
	check_works();
}

static void undo_covered(void)
{
	undo_reserve();
	EXPECT_OK(munmap((void *)(place + GRAN + PAGE), PAGE));
}

TEST(reserve_in_a_window_that_is_covered_in_part)
{
	args = reserve_args(0, 4 * GRAN, READWRITE, 0);
	SWEEP(.prepare = prepare_covered, .call = do_reserve, .check = check_carved,
	      .undo = undo_covered, .flags = SWEEP_MAPS, .needs_memory = true);
}

/* Trees that are deeper than a node, so that entries split and merge nodes. */
#define CROWD	100UL

static unsigned long crowd;

static void crowd_make(void)
{
	fresh_space();
	crowd = find_hole(4 * CROWD * GRAN);
	for (unsigned long i = 0; i < CROWD; i++) {
		struct winmem_reserve one = reserve_args(crowd + 2 * i * GRAN, GRAN, READWRITE, 0);

		EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &one));
	}
	place = crowd + (CROWD / 2 * 2 + 1) * GRAN;
	sweep_watch_runs(place - 5 * GRAN, 10 * GRAN);
}

static void crowd_end(void)
{
	for (unsigned long i = 0; i < CROWD; i++)
		EXPECT_OK(raw_release(crowd + 2 * i * GRAN));
}

static void watch_crowd(void)
{
	sweep_watch_runs(place - 5 * GRAN, 10 * GRAN);
}

TEST(reserve_in_a_crowd)
{
	crowd_make();
	args = reserve_args(place, GRAN, READWRITE, 0);
	SWEEP(.prepare = watch_crowd, .call = do_reserve, .check = check_works,
	      .undo = undo_reserve, .needs_memory = true);
	crowd_end();
}

/* RELEASE. */

static int do_release(void)
{
	return raw_release(place);
}

static void check_released(void)
{
	EXPECT_FREE(place);
	EXPECT_EQ(0, charge());
}

static void prepare_kept(void)
{
	place = reserve(2 * CHUNK + 3 * GRAN);
	commit(place, CHUNK + GRAN, READWRITE);
	commit(place + GRAN, PAGE, READONLY | GUARD);
	fill(place, GRAN, 1);
	sweep_watch_runs(place, 2 * CHUNK + 3 * GRAN);
}

TEST(release_in_a_kept_window)
{
	SWEEP(.prepare = prepare_kept, .call = do_release, .check = check_released,
	      .flags = SWEEP_NEVER_FAILS);
}

static void prepare_own_window(void)
{
	place = find_hole(GIB) + PAGE * 0x330;
	reserve_fixed(place, 4 * GRAN);
	commit(place, GRAN, READWRITE);
	fill(place, GRAN, 1);
	sweep_watch_runs(place, 4 * GRAN);
}

/* An unmap that failed is made up for when the next reservation there goes. */
static void check_window_gone(void)
{
	check_released();
	reserve_fixed(place, GRAN);
	commit(place, GRAN, READWRITE);
	EXPECT(zeroed(place, GRAN));
	release(place);
	check_released();
	EXPECT(!vma_covers(place));
}

TEST(release_of_a_window_of_its_own)
{
	/* The reservation that makes up is smaller than the window. */
	SWEEP(.prepare = prepare_own_window, .call = do_release, .check = check_window_gone,
	      .flags = SWEEP_NEVER_FAILS);
}

static void prepare_in_crowd(void)
{
	reserve_fixed(place, GRAN);
	commit(place, GRAN, READWRITE);
	watch_crowd();
}

TEST(release_in_a_crowd)
{
	crowd_make();
	SWEEP(.prepare = prepare_in_crowd, .call = do_release, .check = check_window_gone,
	      .flags = SWEEP_NEVER_FAILS);
	crowd_end();
}

static void prepare_exec(void)
{
	place = reserve_commit(GRAN, EXECUTE_READ);
	sweep_watch(place, GRAN);
}

TEST(release_of_executable_memory)
{
	SWEEP(.prepare = prepare_exec, .call = do_release, .check = check_released,
	      .flags = SWEEP_NEVER_FAILS);
}
