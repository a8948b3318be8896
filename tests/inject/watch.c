// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write watch while each of its points fails in turn: the bitmaps of RESERVE and COMMIT, the
 * list of WATCH, the first write to a page, and what PROTECT and DECOMMIT make of pages that
 * were written. A call that fails leaves the pages that are told of as they were.
 */
#define _GNU_SOURCE
#include "inject.h"

#include <sys/uio.h>

/*
 *	[ chunk 0, its last pages ][ chunk 1 ][ chunk 2 ][ chunk 3, its first pages ]
 */
#define LENGTH		(2 * CHUNK + 2 * GRAN)
#define NR		(LENGTH / PAGE)
#define MIDDLE		(GRAN + CHUNK)
#define SEED		7

static unsigned long base;
static __u64 addrs[WRITTEN_MAX];

static unsigned long written(unsigned int flags)
{
	return written_at(HERE, base, LENGTH, flags, addrs);
}

static void make(void)
{
	base = find_hole(8 * CHUNK) + CHUNK - GRAN;
	EXPECT_EQ(base, reserve_at(HERE, base, LENGTH, READWRITE, WINMEM_RESERVE_WATCH));
	sweep_watch(base + MIDDLE, GRAN);
	sweep_watch_runs(base - GRAN, LENGTH + 2 * GRAN);
	sweep_watch_written(base, LENGTH);
}

static void undo(void)
{
	release(base);
	EXPECT_EQ(0, charge());
	EXPECT_FREE(base);
}

/* One page is written, and is told of alone. */
static void check_write(unsigned long offset)
{
	written(WINMEM_WATCH_RESET);
	EXPECT(try_write(base + offset, 1));
	EXPECT_EQ(1, written(0));
	EXPECT_EQ(base + offset, addrs[0]);
}

/* RESERVE and COMMIT. */

static struct winmem_reserve reserve_of_all;

/* One place: a window that could not be unmapped goes with the next reservation in it. */
static void make_place(void)
{
	if (!reserve_of_all.addr)
		base = find_hole(8 * CHUNK) + CHUNK - GRAN;
	reserve_of_all = reserve_args(base, LENGTH, READWRITE,
				      WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_WATCH);
	sweep_watch_runs(base - GRAN, LENGTH + 2 * GRAN);
}

static int do_reserve(void)
{
	return ioctl(dev, WINMEM_IOC_RESERVE, &reserve_of_all);
}

static void check_all(void)
{
	EXPECT_COMMITTED(base, LENGTH, READWRITE);
	EXPECT_EQ(LENGTH, charge());
	EXPECT_EQ(0, written(0));
	check_write(0);
	check_write(MIDDLE);
	check_write(LENGTH - PAGE);
}

static void undo_reserve(void)
{
	EXPECT_OK(raw_release(base));
	EXPECT_EQ(0, charge());
}

TEST(reserve_and_commit_watched)
{
	SWEEP(.prepare = make_place, .call = do_reserve, .check = check_all,
	      .undo = undo_reserve, .needs_memory = true);
}

static int do_commit(void)
{
	return raw_commit(base, LENGTH, READWRITE);
}

TEST(commit_watched)
{
	SWEEP(.prepare = make, .call = do_commit, .check = check_all, .undo = undo,
	      .needs_memory = true);
}

static void make_partly(void)
{
	make();
	commit(base + MIDDLE, GRAN, READWRITE);
	fill(base + MIDDLE, GRAN, SEED);
}

static void check_partly(void)
{
	EXPECT_COMMITTED(base, LENGTH, READWRITE);
	EXPECT_EQ(GRAN / PAGE, written(0));
	EXPECT_EQ(base + MIDDLE, addrs[0]);
	EXPECT(filled(base + MIDDLE, GRAN, SEED));
	check_write(0);
}

TEST(commit_over_watched_pages_that_were_written)
{
	SWEEP(.prepare = make_partly, .call = do_commit, .check = check_partly, .undo = undo,
	      .needs_memory = true);
}

/* PROTECT and DECOMMIT. */

static void make_committed(void)
{
	make();
	commit(base, LENGTH, READWRITE);
	fill(base + MIDDLE, GRAN, SEED);
}

static int do_protect(void)
{
	return raw_protect(base + MIDDLE + PAGE, PAGE, READONLY);
}

static void check_protect(void)
{
	EXPECT_COMMITTED(base + MIDDLE + PAGE, PAGE, READONLY);
	EXPECT(filled(base + MIDDLE, GRAN, SEED));
	EXPECT_EQ(GRAN / PAGE, written(0));
	/* It is noted: a decommit forgets all but this one. */
	decommit(base + MIDDLE, GRAN);
	EXPECT_EQ(1, written(0));
	EXPECT_EQ(base + MIDDLE + PAGE, addrs[0]);
}

TEST(protect_of_written_pages)
{
	SWEEP(.prepare = make_committed, .call = do_protect, .check = check_protect,
	      .undo = undo, .needs_memory = true);
}

static int do_decommit(void)
{
	struct winmem_decommit args = decommit_args(base + MIDDLE, 2 * PAGE);

	return ioctl(dev, WINMEM_IOC_DECOMMIT, &args);
}

static void check_decommit(void)
{
	EXPECT_RESERVED(base + MIDDLE, 2 * PAGE);
	EXPECT_EQ(GRAN / PAGE - 2, written(0));
	EXPECT_EQ(base + MIDDLE + 2 * PAGE, addrs[0]);
	EXPECT(filled(base + MIDDLE + 2 * PAGE, GRAN - 2 * PAGE, SEED));
}

TEST(decommit_of_written_pages)
{
	SWEEP(.prepare = make_committed, .call = do_decommit, .check = check_decommit,
	      .undo = undo, .needs_memory = true);
}

static int do_release(void)
{
	return raw_release(base);
}

static void check_release(void)
{
	EXPECT_FREE(base);
	EXPECT_EQ(0, charge());
}

TEST(release_of_written_pages_needs_nothing)
{
	/* Without memory the window stays. */
	SWEEP(.prepare = make_committed, .call = do_release, .check = check_release,
	      .flags = SWEEP_NEVER_FAILS | SWEEP_MAPS);
}

/* WATCH. Every page is written: the list outgrows its first array at the second chunk. */

static void make_written(void)
{
	make();
	commit(base, LENGTH, READWRITE);
	for (unsigned long addr = base; addr < base + LENGTH; addr += PAGE)
		EXPECT(try_write(addr, addr / PAGE));
}

static int watch_all(unsigned int flags)
{
	struct winmem_watch args = watch_args(base, LENGTH, flags, addrs, WRITTEN_MAX);

	memset(addrs, 0, sizeof(addrs));
	return ioctl(dev, WINMEM_IOC_WATCH, &args);
}

/* By the addresses, for the struct's own copy out may have failed. */
static void check_told(void)
{
	for (unsigned long i = 0; i < NR; i++) {
		EXPECT_EQ(base + i * PAGE, addrs[i]);
		EXPECT_EQ((base / PAGE + i) & 0xff, byte_at(base + i * PAGE));
	}
	EXPECT_EQ(0, addrs[NR]);
}

static int do_watch(void)
{
	return watch_all(0);
}

static void check_watch(void)
{
	check_told();
	EXPECT_EQ(NR, written(0));
}

TEST(watch_of_several_chunks)
{
	SWEEP(.prepare = make_written, .call = do_watch, .check = check_watch, .undo = undo,
	      .needs_memory = true);
}

static int do_take(void)
{
	return watch_all(WINMEM_WATCH_RESET);
}

static void check_take(void)
{
	check_told();
	EXPECT_EQ(0, written(0));
	check_write(MIDDLE);
}

TEST(watch_and_reset_of_several_chunks)
{
	SWEEP(.prepare = make_written, .call = do_take, .check = check_take, .undo = undo,
	      .needs_memory = true);
}

/* A list has come to nothing; what PROTECT has seen outlives a decommit all the same. */
static void make_latched(void)
{
	make_written();
	protect(base, LENGTH, READONLY);
	protect(base, LENGTH, READWRITE);
}

static bool refused;

static int do_take_latched(void)
{
	int ret = do_take();

	refused |= ret;
	return ret;
}

/* After a failure sweeps repeat the call: so this is what failed. */
static void check_latched(void)
{
	if (!refused)
		check_take();
	refused = false;
}

static int take_or_decommit(void)
{
	if (!refused)
		return do_take_latched();
	decommit(base, LENGTH);
	EXPECT_EQ(NR, written(0));
	return 0;
}

TEST(watch_and_reset_of_what_protect_has_seen)
{
	SWEEP(.prepare = make_latched, .call = take_or_decommit, .check = check_latched,
	      .undo = undo, .needs_memory = true);
}

static int do_reset_all(void)
{
	struct winmem_watch args = watch_args(base, LENGTH, WINMEM_WATCH_RESET, NULL, 0);

	return ioctl(dev, WINMEM_IOC_WATCH, &args);
}

static void check_reset_all(void)
{
	EXPECT_EQ(0, written(0));
	check_write(MIDDLE);
}

TEST(reset_without_a_list_needs_nothing)
{
	SWEEP(.prepare = make_written, .call = do_reset_all, .check = check_reset_all,
	      .undo = undo, .flags = SWEEP_NEVER_FAILS);
}

/* The first write to a page. */

/* A look at the contents would bring the page in. */
static void make_fresh(void)
{
	make();
	sweep_watch(0, 0);
	commit(base, LENGTH, READWRITE);
	/* The handler of faults is installed by the first. */
	try_read(0);
}

static void make_read(void)
{
	make_fresh();
	EXPECT(zeroed(base + MIDDLE, GRAN));
}

static void make_taken(void)
{
	make_committed();
	written(WINMEM_WATCH_RESET);
}

static int do_write(void)
{
	if (try_write(base + MIDDLE, 9))
		return 0;
	/* A SIGSEGV would say that a protection forbids it. */
	EXPECT_EQ(SIGBUS, last_fault.signo);
	errno = ENOMEM;
	return -1;
}

static void check_written_one(void)
{
	EXPECT_EQ(9, byte_at(base + MIDDLE));
	EXPECT_EQ(1, written(0));
	EXPECT_EQ(base + MIDDLE, addrs[0]);
}

TEST(first_write_to_a_watched_page)
{
	unsigned long before = inject_count();

	SWEEP(.prepare = make_fresh, .call = do_write, .check = check_written_one, .undo = undo,
	      .flags = SWEEP_ONCE);
	EXPECT(inject_count() - before >= 4);
	SWEEP(.prepare = make_read, .call = do_write, .check = check_written_one, .undo = undo,
	      .flags = SWEEP_ONCE);
	SWEEP(.prepare = make_taken, .call = do_write, .check = check_written_one, .undo = undo,
	      .flags = SWEEP_ONCE);
}

static int do_process_vm_write(void)
{
	unsigned char byte = 9;
	struct iovec local = { &byte, 1 }, remote = { (void *)(base + MIDDLE), 1 };

	return process_vm_writev(getpid(), &local, 1, &remote, 1, 0) == 1 ? 0 : -1;
}

/* The kernel has the page made writable before it copies: then it counts as written. */
static void make_fresh_for_copy(void)
{
	make_fresh();
	sweep_watch_written(0, 0);
}

TEST(process_vm_writev_to_a_watched_page)
{
	SWEEP(.prepare = make_fresh_for_copy, .call = do_process_vm_write, .check = check_written_one,
	      .undo = undo, .flags = SWEEP_FAULTS, .needs_memory = true);
}

/* GUARD. */

static unsigned int hit(unsigned long addr)
{
	struct winmem_guard args = guard_args(addr);

	EXPECT_OK(ioctl(dev, WINMEM_IOC_GUARD, &args));
	return args.out_hit;
}

static void make_guard(void)
{
	make_fresh();
	protect(base + MIDDLE, PAGE, READWRITE | GUARD);
	hit(base);
	last_fault.count = 0;
}

/* Without memory to note who hit it the guard stays, and the access is made again. */
static int do_hit(void)
{
	EXPECT(!try_write(base + MIDDLE, 9));
	return 0;
}

static void check_hit(void)
{
	EXPECT_EQ(1, last_fault.count);
	EXPECT_EQ(SIGSEGV, last_fault.signo);
	EXPECT_EQ(1, hit(base + MIDDLE));
	EXPECT_EQ(READWRITE, query(base + MIDDLE).out_prot);
	EXPECT_EQ(0, written(0));
	check_write(MIDDLE);
}

/* Up to the note: where the signal is delivered, a copy that fails ends the program. */
TEST(a_guard_that_the_program_hits)
{
	enum inject_kind kind;
	unsigned int nth = 0;

	do {
		EXPECT(++nth < 5);
		make_guard();
		inject_arm(nth);
		do_hit();
		kind = inject_disarm();
		check_hit();
		undo();
	} while (kind != INJECT_SLAB);
}

static struct winmem_guard question;

static void make_hit(void)
{
	make_guard();
	do_hit();
	question = guard_args(base + MIDDLE);
}

static int do_ask(void)
{
	return ioctl(dev, WINMEM_IOC_GUARD, &question);
}

TEST(guard_needs_nothing)
{
	SWEEP(.prepare = make_hit, .call = do_ask, .undo = undo, .flags = SWEEP_NEVER_FAILS);
}
