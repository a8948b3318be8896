// SPDX-License-Identifier: GPL-2.0-only
/*
 * RESET, reclaim and RESET_UNDO against a thread that writes the pages. A page holds what
 * was written last, or it is zero and UNDO has said so. MADV_PAGEOUT is the shortage of
 * memory, as in tests/uapi/reset.c.
 */
#define _GNU_SOURCE
#include "race.h"

#include <sched.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

/* Reclaim takes only what is on the lists of this processor. */
static void stay_on_one_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	EXPECT_OK(sched_setaffinity(0, sizeof(one), &one));
}

static void press(unsigned long base, unsigned long length)
{
	for (unsigned long addr = base; addr < base + length; addr += PAGE)
		byte_at(addr);
	EXPECT_OK(madvise((void *)base, length, MADV_PAGEOUT));
}

/* Returns whether UNDO says that something was lost. */
static bool undo(unsigned long base, unsigned long length)
{
	if (!race_reset(base, length, WINMEM_RESET_UNDO))
		return false;
	EXPECT_EQ(ENODATA, errno);
	return true;
}

static void reset_and_undo(unsigned long nr, bool pressed)
{
	unsigned long base = reserve_commit(nr * PAGE, READWRITE), losses = 0;
	struct gate gate;

	stay_on_one_cpu();
	gate_start(&gate, base, nr, WRITER, NOBODY);
	for (unsigned int i = 0; again(i, 60); i++) {
		bool lost;

		WAIT_FOR(gate.touchers[0].passed > nr * (i + 1));
		dither(i);
		/* With the writer at rest pages are dropped; otherwise it is too fast. */
		if (pressed)
			gate_park(&gate);
		EXPECT_OK(race_reset(base, nr * PAGE, 0));
		if (pressed) {
			press(base, nr * PAGE);
			gate_unpark(&gate);
			dither(i + 1);
		}
		lost = undo(base, nr * PAGE);
		losses += lost;
		EXPECT(pressed || !lost);
		gate_park(&gate);
		for (unsigned long page = 0; page < nr; page++) {
			int byte = byte_at(base + page * PAGE);

			EXPECT(byte == gate.last[page] || (lost && !byte));
			if (!byte)
				gate.last[page] = 0;
		}
		gate_unpark(&gate);
	}
	EXPECT(!pressed || losses);
	gate_end(&gate);
	release(base);
}

RACE(reset_keeps_what_is_written)
{
	reset_and_undo(4, false);
}
WIDENED(reset_keeps_what_is_written, RESET, 1000)
WIDENED(reset_keeps_what_is_written, CLEAN, 1000)
WIDENED(reset_keeps_what_is_written, UNDO, 1000)
WIDENED(reset_keeps_what_is_written, FAULT_GET, 1000)
WIDENED(reset_keeps_what_is_written, FAULT_MAP, 1000)
WIDENED_AT(reset_keeps_what_is_written, FAULT_HAND_OVER,
	   AT(FAULT_MAP) | AT(CLEAN) | AT(FAULT_HAND_OVER), 1000)
WIDENED_AT(reset_keeps_what_is_written, FAULT_MKWRITE, AT(RESET) | AT(FAULT_MKWRITE), 1000)

RACE(undo_tells_what_is_lost)
{
	reset_and_undo(4, true);
}
WIDENED(undo_tells_what_is_lost, UNDO, 1000)
WIDENED(undo_tells_what_is_lost, FAULT_LOST, 2000)
WIDENED(undo_tells_what_is_lost, FAULT_GET, 2000)
WIDENED(undo_tells_what_is_lost, FAULT_MAP, 2000)

/* A page that was lost and comes back zero by being read: UNDO has to say so. */
RACE(a_loss_is_not_hidden_by_a_read)
{
	unsigned long base = reserve_commit(PAGE, READWRITE);
	struct gate gate;

	stay_on_one_cpu();
	EXPECT(try_write(base, 1));
	gate_start(&gate, base, 1, READER, NOBODY);
	for (unsigned int i = 0; again(i, 60); i++) {
		bool lost;

		gate_park(&gate);
		EXPECT(try_write(base, 1));
		EXPECT_OK(race_reset(base, PAGE, 0));
		press(base, PAGE);
		gate_unpark(&gate);
		dither(i);
		lost = undo(base, PAGE);
		gate_park(&gate);
		EXPECT_EQ(lost ? 0 : 1, (unsigned int)byte_at(base));
		gate_unpark(&gate);
	}
	gate_end(&gate);
}
WIDENED(a_loss_is_not_hidden_by_a_read, UNDO, 2000)
WIDENED(a_loss_is_not_hidden_by_a_read, FAULT_LOST, 2000)
WIDENED(a_loss_is_not_hidden_by_a_read, FAULT_GET, 2000)
WIDENED(a_loss_is_not_hidden_by_a_read, FAULT_MAP, 2000)
