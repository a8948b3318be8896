// SPDX-License-Identifier: GPL-2.0-only
/*
 * COMMIT, PROTECT, DECOMMIT, RESET, QUERY, LIMIT and INFO while each of their points fails
 * in turn. What they need is chunks of states, arrays in them, and nodes of a tree; the
 * reservation is new in each round, because a failure may leave chunks behind.
 */
#define _GNU_SOURCE
#include "inject.h"

/*
 *	[ chunk 0, its last page ][ chunks 1 to 3 ][ chunk 4, its first page ]
 */
#define PAGES_LENGTH	(3 * CHUNK + 2 * PAGE)

static unsigned long base;		/* page before a chunk's first */

static void make(void)
{
	base = find_hole(8 * CHUNK) + CHUNK - PAGE;
	base &= -GRAN;
	reserve_fixed(base, GRAN + 3 * CHUNK + GRAN);
	base += GRAN - PAGE;
	sweep_watch(base + CHUNK, GRAN);
	sweep_watch_runs(base - GRAN + PAGE, PAGES_LENGTH + 2 * GRAN - 2 * PAGE);
}

static void undo(void)
{
	release(base - GRAN + PAGE);
	EXPECT_EQ(0, charge());
	EXPECT_FREE(base);
}

/* COMMIT. */

static int do_commit_one(void)
{
	return raw_commit(base, PAGE, READWRITE);
}

static void check_one(void)
{
	EXPECT_COMMITTED(base, PAGE, READWRITE);
	EXPECT_EQ(PAGE, charge());
	fill(base, PAGE, 2);
	EXPECT(filled(base, PAGE, 2));
}

TEST(commit_a_fresh_page)
{
	/* A chunk, a node of the tree, an array. */
	SWEEP(.prepare = make, .call = do_commit_one, .check = check_one, .undo = undo, .needs_memory = true);
}

static int do_commit_all(void)
{
	return raw_commit(base, PAGES_LENGTH, READONLY);
}

static void check_all(void)
{
	EXPECT_COMMITTED(base, PAGES_LENGTH, READONLY);
	EXPECT_EQ(PAGES_LENGTH, charge());
}

TEST(commit_many_chunks)
{
	SWEEP(.prepare = make, .call = do_commit_all, .check = check_all, .undo = undo, .needs_memory = true);
}

static void prepare_partly(void)
{
	make();
	commit(base + PAGE + GRAN, GRAN, READWRITE);
	fill(base + PAGE + GRAN, GRAN, 3);
	commit(base + PAGE + CHUNK, CHUNK, READWRITE);
}

static void check_partly(void)
{
	check_all();
	EXPECT(filled(base + PAGE + GRAN, GRAN, 3));
}

TEST(commit_over_what_is_committed_in_part)
{
	SWEEP(.prepare = prepare_partly, .call = do_commit_all, .check = check_partly,
	      .undo = undo, .needs_memory = true);
}

static int do_commit_guards(void)
{
	return raw_commit(base, PAGES_LENGTH, READWRITE | GUARD);
}

static void check_guards(void)
{
	EXPECT_COMMITTED(base, PAGES_LENGTH, READWRITE | GUARD);
	EXPECT(!try_read(base + CHUNK));
	EXPECT(try_read(base + CHUNK));
}

static void prepare_uniform(void)
{
	make();
	commit(base, PAGES_LENGTH, READWRITE);
	fill(base + CHUNK, GRAN, 4);
}

TEST(commit_guards_over_committed_chunks)
{
	SWEEP(.prepare = prepare_uniform, .call = do_commit_guards, .check = check_guards,
	      .undo = undo, .needs_memory = true);
}

static int do_commit_inside(void)
{
	return raw_commit(base + CHUNK, PAGE, READONLY);
}

static void check_inside(void)
{
	EXPECT_COMMITTED(base + CHUNK, PAGE, READONLY);
	EXPECT(filled(base + CHUNK, GRAN, 4));
	EXPECT_EQ(PAGES_LENGTH, charge());
}

TEST(commit_one_page_of_a_uniform_chunk)
{
	SWEEP(.prepare = prepare_uniform, .call = do_commit_inside, .check = check_inside,
	      .undo = undo, .needs_memory = true);
}

/* As a library commits: ENOEXEC, mprotect, again. The mapping may keep what it was given. */
static int do_commit_exec(void)
{
	struct winmem_commit args = commit_args(base, 4 * PAGE, EXECUTE_RW);

	return ioctl_exec(WINMEM_IOC_COMMIT, &args, base, 4 * PAGE, EXECUTE_RW);
}

static void check_exec(void)
{
	EXPECT_COMMITTED(base, 4 * PAGE, EXECUTE_RW);
	put_return(base);
	EXPECT(try_exec(base));
}

TEST(commit_execute)
{
	SWEEP(.prepare = make, .call = do_commit_exec, .check = check_exec, .undo = undo,
	      .flags = SWEEP_MAPS, .needs_memory = true);
}

/* PROTECT. */

static int do_protect_inside(void)
{
	return raw_protect(base + CHUNK, PAGE, READONLY);
}

TEST(protect_one_page_of_a_uniform_chunk)
{
	SWEEP(.prepare = prepare_uniform, .call = do_protect_inside, .check = check_inside,
	      .undo = undo, .needs_memory = true);
}

static int do_protect_guards(void)
{
	return raw_protect(base, PAGES_LENGTH, READWRITE | GUARD);
}

TEST(protect_many_chunks_as_guards)
{
	SWEEP(.prepare = prepare_uniform, .call = do_protect_guards, .check = check_guards,
	      .undo = undo, .needs_memory = true);
}

static int do_protect_exec(void)
{
	struct winmem_protect args = protect_args(base + CHUNK, PAGE, EXECUTE_RW);

	return ioctl_exec(WINMEM_IOC_PROTECT, &args, base + CHUNK, PAGE, EXECUTE_RW);
}

static void check_protect_exec(void)
{
	EXPECT_COMMITTED(base + CHUNK, PAGE, EXECUTE_RW);
	EXPECT(filled(base + CHUNK, GRAN, 4));
	put_return(base + CHUNK);
	EXPECT(try_exec(base + CHUNK));
}

TEST(protect_execute)
{
	SWEEP(.prepare = prepare_uniform, .call = do_protect_exec, .check = check_protect_exec,
	      .undo = undo, .flags = SWEEP_MAPS, .needs_memory = true);
}

static void prepare_exec(void)
{
	make();
	commit(base, PAGES_LENGTH, EXECUTE_READ);
}

static int do_protect_not_exec(void)
{
	struct winmem_protect args = protect_args(base + CHUNK, PAGE, READONLY);

	return ioctl_exec(WINMEM_IOC_PROTECT, &args, base + CHUNK, PAGE, READONLY);
}

static void check_not_exec(void)
{
	EXPECT_COMMITTED(base + CHUNK, PAGE, READONLY);
	EXPECT(try_read(base + CHUNK));
	EXPECT(!try_exec(base + CHUNK));
}

TEST(protect_takes_execute_away)
{
	SWEEP(.prepare = prepare_exec, .call = do_protect_not_exec, .check = check_not_exec,
	      .undo = undo, .flags = SWEEP_MAPS, .needs_memory = true);
}

/* DECOMMIT. */

static int do_decommit_inside(void)
{
	struct winmem_decommit args = decommit_args(base + CHUNK, PAGE);

	return ioctl(dev, WINMEM_IOC_DECOMMIT, &args);
}

static void check_decommit_inside(void)
{
	EXPECT_RESERVED(base + CHUNK, PAGE);
	EXPECT_EQ(PAGES_LENGTH - PAGE, charge());
	EXPECT(filled(base + CHUNK + PAGE, GRAN - PAGE, 4));
}

/* It needs an array, and says so before it begins. */
TEST(decommit_one_page_of_a_uniform_chunk)
{
	SWEEP(.prepare = prepare_uniform, .call = do_decommit_inside,
	      .check = check_decommit_inside, .undo = undo, .needs_memory = true);
}

static int do_decommit_all(void)
{
	struct winmem_decommit args = decommit_args(base, PAGES_LENGTH);

	return ioctl(dev, WINMEM_IOC_DECOMMIT, &args);
}

static void check_decommit_all(void)
{
	EXPECT_EQ(WINMEM_STATE_RESERVE, query(base).out_state);
	EXPECT_EQ(WINMEM_STATE_RESERVE, query(base + CHUNK).out_state);
	EXPECT_EQ(0, charge());
	EXPECT(!try_read(base + CHUNK));
	commit(base, PAGES_LENGTH, READWRITE);
	EXPECT(zeroed(base + CHUNK, GRAN));
	EXPECT(zeroed(base + CHUNK, GRAN));
}

TEST(decommit_many_chunks_needs_nothing)
{
	SWEEP(.prepare = prepare_uniform, .call = do_decommit_all, .check = check_decommit_all,
	      .undo = undo, .flags = SWEEP_NEVER_FAILS);
}

static int do_decommit_whole(void)
{
	struct winmem_decommit args = decommit_args(base - GRAN + PAGE, 0);

	return ioctl(dev, WINMEM_IOC_DECOMMIT, &args);
}

TEST(decommit_a_whole_reservation_needs_nothing)
{
	SWEEP(.prepare = prepare_uniform, .call = do_decommit_whole, .check = check_decommit_all,
	      .undo = undo, .flags = SWEEP_NEVER_FAILS);
}

/* RESET. */

static int do_reset(void)
{
	struct winmem_reset args = reset_args(base, PAGES_LENGTH, 0);

	return ioctl(dev, WINMEM_IOC_RESET, &args);
}

/* Without pressure nothing is dropped. */
static void check_reset(void)
{
	EXPECT(filled(base + CHUNK, GRAN, 4));
	EXPECT(filled(base + 2 * CHUNK, GRAN, 5));
	EXPECT_EQ(PAGES_LENGTH, charge());
}

static void prepare_reset(void)
{
	prepare_uniform();
	fill(base + 2 * CHUNK, GRAN, 5);
}

TEST(reset_in_uniform_chunks)
{
	SWEEP(.prepare = prepare_reset, .call = do_reset, .check = check_reset, .undo = undo,
	      .needs_memory = true);
}

static void prepare_undo(void)
{
	prepare_reset();
	reset(base, PAGES_LENGTH);
}

static int do_reset_undo(void)
{
	struct winmem_reset args = reset_args(base, PAGES_LENGTH, WINMEM_RESET_UNDO);

	return ioctl(dev, WINMEM_IOC_RESET, &args);
}

TEST(reset_undo_needs_nothing)
{
	SWEEP(.prepare = prepare_undo, .call = do_reset_undo, .check = check_reset, .undo = undo,
	      .flags = SWEEP_NEVER_FAILS);
}

/* Questions: nothing to run out of. */

static unsigned long asked;

static int do_query(void)
{
	struct winmem_query args = query_args(asked);

	return ioctl(dev, WINMEM_IOC_QUERY, &args);
}

TEST(query_of_ours)
{
	prepare_uniform();
	asked = base + CHUNK;
	SWEEP(.call = do_query, .flags = SWEEP_NEVER_FAILS);
	undo();
}

TEST(query_of_a_mapping)
{
	/* A private file mapping of ours that has been written: its pages are looked at. */
	static int written = 1;

	written = 2;
	asked = (unsigned long)&written;
	SWEEP(.call = do_query, .flags = SWEEP_NEVER_FAILS);
	asked = (unsigned long)do_query;
	SWEEP(.call = do_query, .flags = SWEEP_NEVER_FAILS);
}

TEST(query_of_nothing)
{
	asked = find_hole(GIB);
	SWEEP(.call = do_query, .flags = SWEEP_NEVER_FAILS);
}

static int do_limit(void)
{
	struct winmem_limit args = limit_args(WINMEM_LIMIT_SET, GIB);

	return ioctl(dev, WINMEM_IOC_LIMIT, &args);
}

static void check_limit(void)
{
	EXPECT_EQ(GIB, limit_at(HERE, 0, 0).out_limit);
}

static void undo_limit(void)
{
	limit_set(~0UL);
}

TEST(limit_needs_nothing)
{
	SWEEP(.call = do_limit, .check = check_limit, .undo = undo_limit,
	      .flags = SWEEP_NEVER_FAILS);
}

static int do_info(void)
{
	struct winmem_info args = info_args();

	return ioctl(dev, WINMEM_IOC_INFO, &args);
}

TEST(info_needs_nothing)
{
	SWEEP(.call = do_info, .flags = SWEEP_NEVER_FAILS);
}
