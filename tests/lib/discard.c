// SPDX-License-Identifier: GPL-2.0-only
/* DiscardVirtualMemory: rows O05 to O08. It answers with its error. */
#define _GNU_SOURCE
#include "answer.h"

#include <sched.h>
#include <sys/mman.h>

TEST(O05_pages_stay_committed)
{
	char *b = alloc(GRAN, RW);
	unsigned long charged = charge();

	fill(b, GRAN, 1);
	EXPECT_ANSWER(ERROR_SUCCESS, DiscardVirtualMemory(b, GRAN));
	expect_committed(b, b, RW, GRAN, RW);
	EXPECT_EQ(charged, charge());
	for (char *p = b; p < b + GRAN; p += PAGE)
		EXPECT(filled(p, PAGE, 1) || zeroed(p, PAGE));
	fill(b, GRAN, 2);
	EXPECT(filled(b, GRAN, 2));
	release(b);
}

/* The next one who looks for memory takes them, without a write to swap. */
TEST(O05_memory_is_given_up)
{
	char *b = alloc(GRAN, RW);
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	EXPECT(!sched_setaffinity(0, sizeof(one), &one));
	fill(b, GRAN, 1);
	EXPECT_ANSWER(ERROR_SUCCESS, DiscardVirtualMemory(b + PAGE, GRAN - 2 * PAGE));
	/* Mapped again, for that is what MADV_PAGEOUT takes. */
	for (char *p = b; p < b + GRAN; p += PAGE)
		EXPECT(try_read(p));
	EXPECT(!madvise(b, GRAN, MADV_PAGEOUT));
	EXPECT(filled(b, PAGE, 1));
	EXPECT(zeroed(b + PAGE, GRAN - 2 * PAGE));
	EXPECT(filled(b + GRAN - PAGE, PAGE, 1));
	release(b);
}

TEST(O05_what_is_written_after_it_counts)
{
	char *b = alloc(GRAN, RW);

	fill(b, GRAN, 1);
	EXPECT_ANSWER(ERROR_SUCCESS, DiscardVirtualMemory(b, GRAN));
	fill(b, GRAN, 2);
	madvise(b, GRAN, MADV_PAGEOUT);
	EXPECT(filled(b, GRAN, 2));
	release(b);
}

TEST(O05_several_runs)
{
	char *b = alloc(GRAN, RW | PAGE_NOCACHE);

	EXPECT_ANSWER(ERROR_SUCCESS, DiscardVirtualMemory(b, GRAN));
	release(b);
	/* Read-only beside it is none of its business. */
	b = alloc(GRAN, RW);
	protect(b + 2 * PAGE, PAGE, RO);
	EXPECT_ANSWER(ERROR_SUCCESS, DiscardVirtualMemory(b, 2 * PAGE));
	EXPECT_ANSWER(ERROR_SUCCESS, DiscardVirtualMemory(b + 3 * PAGE, PAGE));
	release(b);
}

TEST(O05_pagefile_memory)
{
	char *view = map_shared(2 * PAGE);

	EXPECT_ANSWER(ERROR_SUCCESS, DiscardVirtualMemory(view, 2 * PAGE));
	munmap(view, 2 * PAGE);
}

TEST(O06_size_zero)
{
	char *b = alloc(PAGE, RW);

	EXPECT_NOTHING(ERROR_INVALID_PARAMETER, b, PAGE, DiscardVirtualMemory(b, 0));
	EXPECT_ANSWER(ERROR_INVALID_PARAMETER, DiscardVirtualMemory(NULL, 0));
	release(b);
}

TEST(O07_other_protections)
{
	static const DWORD prots[] = {
		NA, RO, X, XR, XRW, RW | PAGE_GUARD, RO | PAGE_NOCACHE,
	};

	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		char *b = alloc(4 * PAGE, RW);

		fill(b, 4 * PAGE, 1);
		protect(b + 2 * PAGE, PAGE, prots[i]);
		EXPECT_NOTHING(ERROR_INVALID_PARAMETER, b, 4 * PAGE,
			       DiscardVirtualMemory(b, 4 * PAGE));
		EXPECT_NOTHING(ERROR_INVALID_PARAMETER, b, 4 * PAGE,
			       DiscardVirtualMemory(b + 2 * PAGE, PAGE));
		madvise(b, 4 * PAGE, MADV_PAGEOUT);
		EXPECT(filled(b, 2 * PAGE, 1));
		EXPECT(filled(b + 3 * PAGE, PAGE, 1));
		release(b);
	}
}

TEST(O07_pages_that_are_not_committed)
{
	char *b = reserve(GRAN);

	commit(b, PAGE, RW);
	fill(b, PAGE, 1);
	EXPECT_NOTHING(ERROR_INVALID_ADDRESS, b, GRAN, DiscardVirtualMemory(b, 2 * PAGE));
	EXPECT_NOTHING(ERROR_INVALID_ADDRESS, b, GRAN, DiscardVirtualMemory(b + PAGE, PAGE));
	EXPECT_ANSWER(ERROR_INVALID_ADDRESS, DiscardVirtualMemory(free_place(GRAN), PAGE));
	EXPECT_ANSWER(ERROR_INVALID_ADDRESS, DiscardVirtualMemory(NULL, PAGE));
	release(b);
}

TEST(O07_two_allocations)
{
	char *both = free_place(2 * GRAN);
	char *b = EXPECT_OK(VirtualAlloc(both, GRAN, RESERVE_COMMIT, RW));
	char *c = EXPECT_OK(VirtualAlloc(both + GRAN, GRAN, RESERVE_COMMIT, RW));

	fill(both, 2 * GRAN, 1);
	EXPECT_NOTHING(ERROR_INVALID_ADDRESS, both, 2 * GRAN, DiscardVirtualMemory(both, 2 * GRAN));
	release(b);
	release(c);
}

TEST(O08_unaligned)
{
	char *b = alloc(4 * PAGE, RW);

	fill(b, 4 * PAGE, 1);
	EXPECT_NOTHING(ERROR_INVALID_PARAMETER, b, 4 * PAGE, DiscardVirtualMemory(b + 1, PAGE));
	EXPECT_NOTHING(ERROR_INVALID_PARAMETER, b, 4 * PAGE, DiscardVirtualMemory(b, PAGE + 1));
	EXPECT_NOTHING(ERROR_INVALID_PARAMETER, b, 4 * PAGE, DiscardVirtualMemory(b, 1));
	EXPECT_ANSWER(ERROR_INVALID_PARAMETER, DiscardVirtualMemory(KERNEL_ADDR, PAGE));
	EXPECT_ANSWER(ERROR_INVALID_PARAMETER, DiscardVirtualMemory(b, -PAGE));
	release(b);
}
