// SPDX-License-Identifier: GPL-2.0-only
/* OfferVirtualMemory and ReclaimVirtualMemory: rows O01 to O04. Both answer with their error. */
#define _GNU_SOURCE
#include "answer.h"

#include <sched.h>
#include <sys/mman.h>

#define offer(addr, size) \
	EXPECT_ANSWER(ERROR_SUCCESS, OfferVirtualMemory(addr, size, VmOfferPriorityNormal))
#define reclaim(addr, size) \
	EXPECT_ANSWER(ERROR_SUCCESS, ReclaimVirtualMemory(addr, size))

TEST(O01_O03_offered_pages_are_shut_and_come_back)
{
	char *b = alloc(GRAN, RW);
	unsigned long charged = charge();

	fill(b, GRAN, 1);
	offer(b + PAGE, 2 * PAGE);
	expect_access(b + PAGE, "---");
	expect_access(b + 2 * PAGE, "---");
	expect_access(b, "rw-");
	expect_access(b + 3 * PAGE, "rw-");
	expect_committed(b, b, RW, GRAN, RW);
	EXPECT_EQ(charged, charge());
	reclaim(b + PAGE, 2 * PAGE);
	EXPECT(filled(b, GRAN, 1));
	expect_access(b + PAGE, "rw-");
	release(b);
}

TEST(O01_all_priorities)
{
	char *b = alloc(GRAN, RW);

	fill(b, GRAN, 1);
	for (unsigned int priority = 1; priority <= 4; priority++) {
		EXPECT_ANSWER(ERROR_SUCCESS, OfferVirtualMemory(b, GRAN, priority));
		expect_access(b, "---");
		reclaim(b, GRAN);
	}
	EXPECT(filled(b, GRAN, 1));
	release(b);
}

TEST(O02_whole_pages_and_a_priority)
{
	char *b = alloc(GRAN, RW);

	fill(b, GRAN, 1);
	EXPECT_NOTHING(87, b, GRAN, OfferVirtualMemory(b + 1, PAGE, VmOfferPriorityLow));
	EXPECT_NOTHING(87, b, GRAN, OfferVirtualMemory(b, PAGE - 1, VmOfferPriorityLow));
	EXPECT_NOTHING(87, b, GRAN, OfferVirtualMemory(b, 0, VmOfferPriorityLow));
	EXPECT_NOTHING(87, b, GRAN, OfferVirtualMemory(b, -PAGE, VmOfferPriorityLow));
	EXPECT_NOTHING(87, b, GRAN, OfferVirtualMemory(b, PAGE, 0));
	EXPECT_NOTHING(87, b, GRAN, OfferVirtualMemory(b, PAGE, 5));
	EXPECT_NOTHING(87, b, GRAN, OfferVirtualMemory(b, PAGE, -1));
	EXPECT_NOTHING(87, b, GRAN, ReclaimVirtualMemory(b + 1, PAGE));
	EXPECT_NOTHING(87, b, GRAN, ReclaimVirtualMemory(b, PAGE + 1));
	EXPECT_NOTHING(87, b, GRAN, ReclaimVirtualMemory(b, 0));
	EXPECT_ANSWER(87, OfferVirtualMemory(KERNEL_ADDR, PAGE, VmOfferPriorityLow));
	EXPECT_ANSWER(87, ReclaimVirtualMemory(KERNEL_ADDR, PAGE));
	release(b);
}

TEST(O02_pages_that_are_not_committed)
{
	char *b = reserve(GRAN), *view = map_shared(PAGE);

	commit(b, PAGE, RW);
	fill(b, PAGE, 1);
	EXPECT_NOTHING(487, b, GRAN, OfferVirtualMemory(b, 2 * PAGE, VmOfferPriorityLow));
	EXPECT_NOTHING(487, b, GRAN, ReclaimVirtualMemory(b, 2 * PAGE));
	EXPECT_ANSWER(487, OfferVirtualMemory(free_place(GRAN), PAGE, VmOfferPriorityLow));
	EXPECT_ANSWER(487, OfferVirtualMemory(NULL, PAGE, VmOfferPriorityLow));
	EXPECT_ANSWER(87, OfferVirtualMemory(view, PAGE, VmOfferPriorityLow));
	munmap(view, PAGE);
	release(b);
}

TEST(O03_what_was_not_offered_is_none_of_its_business)
{
	char *b = alloc(GRAN, RW);

	fill(b, GRAN, 1);
	reclaim(b, GRAN);
	offer(b, PAGE);
	reclaim(b, GRAN);
	reclaim(b, GRAN);
	EXPECT(filled(b, GRAN, 1));
	release(b);
}

/* Told once; the pages can be used, and what is written then is kept. */
TEST(O04_contents_that_are_lost)
{
	char *b = alloc(GRAN, RW);
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	EXPECT(!sched_setaffinity(0, sizeof(one), &one));
	fill(b, GRAN, 1);
	/* A page that was reset can be made to go, which one that is offered cannot. */
	EXPECT_OK(VirtualAlloc(b, PAGE, MEM_RESET, RW));
	EXPECT(try_read(b));
	EXPECT(!madvise(b, PAGE, MADV_PAGEOUT));
	offer(b, GRAN);
	EXPECT_ANSWER(ERROR_BUSY, ReclaimVirtualMemory(b, GRAN));
	EXPECT(zeroed(b, PAGE));
	EXPECT(filled(b + PAGE, GRAN - PAGE, 1));
	fill(b, GRAN, 2);
	offer(b, GRAN);
	reclaim(b, GRAN);
	EXPECT(filled(b, GRAN, 2));
	release(b);
}

TEST(protection_of_offered_pages)
{
	char *b = alloc(GRAN, RW);

	fill(b, GRAN, 1);
	offer(b, GRAN);
	EXPECT_EQ(RW, protect(b, PAGE, RO));
	expect_committed(b, b, RW, PAGE, RO);
	expect_access(b, "---");
	commit(b + PAGE, PAGE, RO);
	expect_access(b + PAGE, "---");
	reclaim(b, GRAN);
	expect_access(b, "r--");
	expect_access(b + PAGE, "r--");
	EXPECT(filled(b, GRAN, 1));
	release(b);
}

TEST(decommit_ends_an_offer)
{
	char *b = alloc(GRAN, RW);

	fill(b, GRAN, 1);
	offer(b, GRAN);
	decommit(b, PAGE);
	commit(b, PAGE, RW);
	expect_access(b, "rw-");
	EXPECT(zeroed(b, PAGE));
	expect_access(b + PAGE, "---");
	release(b);
}
