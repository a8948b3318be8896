// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies from and to user memory that fail where memory is fine. Each call has one copy in,
 * and when that fails nothing is done; and one copy out if it has outputs, and when that
 * fails RESERVE is undone and the work of all others stands. (Tails and structs that run
 * into holes, where the pointer is at fault, are abi_pointers.c's.)
 */
#define _GNU_SOURCE
#include "calls.h"
#include "inject.h"

static union args args, preset;

/*
 * How often a copy in and one out have failed. A slab that needs a page adds a point to a
 * call, so a round may step over a copy: sweeps are repeated till both have been seen.
 */
static struct {
	unsigned int in;
	unsigned int out;
} seen;

#define SWEEPS	5

/* What the call has done, where its answer got lost. */
static void check_work(const struct call *call)
{
	switch (call->nr) {
	case WINMEM_IOC_DECOMMIT:
		EXPECT_EQ(WINMEM_STATE_RESERVE, query(fixture).out_state);
		EXPECT_EQ(FIXTURE_FILLED - PAGE, charge());
		break;
	case WINMEM_IOC_RELEASE:
		EXPECT_FREE(fixture);
		EXPECT_EQ(0, charge());
		break;
	case WINMEM_IOC_PROTECT:
		EXPECT_EQ(READONLY, query(fixture).out_prot);
		break;
	case WINMEM_IOC_LIMIT:
		EXPECT_EQ(GIB, limit_at(HERE, 0, 0).out_limit);
		break;
	default:
		EXPECT_EQ(FIXTURE_FILLED, charge());
		EXPECT(filled(fixture, FIXTURE_FILLED, FIXTURE_SEED));
	}
}

/* Those that leave nothing when their answer gets lost. */
static bool is_undone(const struct call *call)
{
	return call->nr == WINMEM_IOC_RESERVE || call->nr == WINMEM_IOC_ATTACH;
}

static int next_descriptor(void)
{
	int fd = dup(0);

	EXPECT_OK(fd);
	close(fd);
	return fd;
}

static void check_copy(const struct call *call, int ret, int err, const struct snapshot *before)
{
	struct snapshot after;

	EXPECT(!memcmp(&args, &preset, sizeof(args)));
	if (!ret) {
		EXPECT(call_writes(call) && !is_undone(call));
		seen.out++;
		check_work(call);
		return;
	}
	EXPECT_EQ(EFAULT, err);
	seen.in++;
	snapshot_take(HERE, &after, fixture, FIXTURE_LENGTH);
	check_same(HERE, before, &after);
	snapshot_drop(&after);
}

/* Put everything back, whatever the call has done. */
static void renew(const struct call *call, bool done)
{
	if (done && call->nr == WINMEM_IOC_RESERVE)
		release(args.reserve.out_addr);
	if (done && call->nr == WINMEM_IOC_ATTACH)
		close(args.attach.out_fd);
	limit_set(~0UL);
	if (!done || call->nr != WINMEM_IOC_RELEASE)
		release(fixture);
	fixture_make();
}

static bool round_of(const struct call *call, unsigned int longer, unsigned int nth)
{
	struct snapshot before;
	enum inject_kind kind;
	int ret, err, next;

	args = call_args(call);
	args.size += longer;
	preset = args;
	snapshot_take(HERE, &before, fixture, FIXTURE_LENGTH);
	/* The first time opens files of its own. */
	inject_arm(~0U >> 1);
	inject_disarm();
	next = next_descriptor();
	inject_arm(nth);
	ret = ioctl(dev, call->nr, &args);
	err = errno;
	kind = inject_disarm();

	if (kind == INJECT_USERCOPY)
		check_copy(call, ret, err, &before);
	if (ret)
		EXPECT_EQ(next, next_descriptor());
	snapshot_drop(&before);
	renew(call, !ret);
	return kind != INJECT_NONE;
}

static bool all_seen(const struct call *call)
{
	/* They give EFAULT for both. */
	if (is_undone(call))
		return seen.in >= 2;
	return seen.in && (seen.out || !call_writes(call));
}

/* The argument structs, and longer ones with the zeros of a later version. */
static void each_copy_fails(const struct call *call, unsigned int longer)
{
	seen.in = 0;
	seen.out = 0;
	for (unsigned int i = 0; i < SWEEPS && !all_seen(call); i++) {
		unsigned int nth = 0;

		while (round_of(call, longer, ++nth))
			EXPECT(nth < 200);
	}
	if (!all_seen(call))
		check_failed(HERE, "%s, longer by %u: %u copies in and %u out have failed",
			     call->name, longer, seen.in, seen.out);
}

TEST(copies_of_each_call)
{
	fixture_make();
	for_each_call(call)
		each_copy_fails(call, 0);
	release(fixture);
}

TEST(copies_of_longer_structs)
{
	fixture_make();
	for_each_call(call)
		if (call->size + 8 <= sizeof(args))
			each_copy_fails(call, 8);
	release(fixture);
}

/* RESERVE with nobody to learn of it leaves nothing: no window of its own either. */
static unsigned long place;
static struct winmem_reserve reserve_of_own;

static void make_args(void)
{
	reserve_of_own = reserve_args(place, GRAN, READWRITE, WINMEM_RESERVE_COMMIT);
}

static int do_reserve(void)
{
	return ioctl(dev, WINMEM_IOC_RESERVE, &reserve_of_own);
}

static void undo_reserve(void)
{
	EXPECT_OK(raw_release(place));
	EXPECT_FREE(place);
	EXPECT(!vma_covers(place));
}

TEST(reserve_that_cannot_be_answered_is_undone)
{
	place = find_hole(GRAN);
	/* That no mapping is left over is the sweep's to see. */
	SWEEP(.prepare = make_args, .call = do_reserve, .undo = undo_reserve,
	      .needs_memory = true);
}
