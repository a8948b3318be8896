// SPDX-License-Identifier: GPL-2.0-only
/*
 * DECOMMIT and RELEASE against threads that read and write the pages: afterwards there is
 * nothing to touch, and what is committed in the same place is zero.
 */
#include "race.h"

/* Every other time the pages are left for the threads to make. */
static void commit_anew(unsigned long base, unsigned long nr, unsigned int prot,
			unsigned int round)
{
	EXPECT_OK(raw_commit(base, nr * PAGE, NOACCESS));
	if (round % 2)
		EXPECT(peek_zero(base, nr * PAGE));
	EXPECT_OK(raw_protect(base, nr * PAGE, prot));
}

static void decommit_and_commit(unsigned long nr, unsigned int prot, enum toucher one,
				enum toucher other)
{
	unsigned long base = reserve_commit(nr * PAGE, prot);
	struct gate gate;

	gate_start(&gate, base, nr, one, other);
	for (unsigned int i = 0; again(i, 60); i++) {
		gate_use(&gate, i);
		EXPECT_OK(race_decommit(base, nr * PAGE));
		gate_shut(&gate);
		EXPECT_EQ(0, charge());
		gate_park(&gate);
		gate_open(&gate);
		commit_anew(base, nr, prot, i);
		gate_unpark(&gate);
	}
	gate_end(&gate);
	release(base);
}

RACE(decommit_page)
{
	decommit_and_commit(1, READWRITE, WRITER, READER);
}
WIDENED(decommit_page, FAULT_GET, 6000)
WIDENED(decommit_page, FAULT_MAP, 6000)
WIDENED(decommit_page, FAULT_MKWRITE, 6000)
WIDENED(decommit_page, DECOMMIT, 6000)
WIDENED(decommit_page, DROP, 6000)
WIDENED_AT(decommit_page, FAULT_HAND_OVER, AT(FAULT_MAP) | AT(FAULT_HAND_OVER), 6000)

RACE(decommit_pages)
{
	decommit_and_commit(20, READWRITE, WRITER, READER);
}
WIDENED(decommit_pages, FAULT_GET, 4000)
WIDENED(decommit_pages, FAULT_MAP, 4000)
WIDENED(decommit_pages, FAULT_MKWRITE, 1000)
WIDENED(decommit_pages, DECOMMIT, 4000)
WIDENED(decommit_pages, DROP, 4000)

/* What a debugger writes goes with the page as well. */
RACE(decommit_with_a_debugger)
{
	decommit_and_commit(1, NOACCESS, DEBUGGER, NOBODY);
}
WIDENED(decommit_with_a_debugger, ACCESS_GET, 6000)
WIDENED(decommit_with_a_debugger, ACCESS, 6000)
WIDENED(decommit_with_a_debugger, DECOMMIT, 6000)
WIDENED(decommit_with_a_debugger, DROP, 6000)

static void release_and_reserve(unsigned long base)
{
	struct gate gate;

	EXPECT_EQ(base, race_reserve(base, GRAN, WINMEM_RESERVE_COMMIT));
	gate_start(&gate, base, GRAN / PAGE, WRITER, READER);
	for (unsigned int i = 0; again(i, 60); i++) {
		gate_use(&gate, i);
		EXPECT_OK(raw_release(base));
		gate_shut(&gate);
		EXPECT_FREE(base);
		EXPECT_EQ(0, charge());
		gate_park(&gate);
		gate_open(&gate);
		EXPECT_EQ(base, race_reserve(base, GRAN, 0));
		commit_anew(base, GRAN / PAGE, READWRITE, i);
		gate_unpark(&gate);
	}
	gate_end(&gate);
	EXPECT_OK(raw_release(base));
}

/* In a window that stays. */
RACE(release_in_a_window)
{
	unsigned long base = reserve(GRAN);

	release(base);
	release_and_reserve(base);
}
WIDENED(release_in_a_window, FAULT_GET, 4000)
WIDENED(release_in_a_window, FAULT_MAP, 4000)
WIDENED(release_in_a_window, FAULT_MKWRITE, 1000)
WIDENED(release_in_a_window, DECOMMIT, 4000)
WIDENED(release_in_a_window, DROP, 4000)

/* In one that goes with the reservation. */
RACE(release_with_its_window)
{
	release_and_reserve(find_hole(GRAN));
}
WIDENED(release_with_its_window, FAULT_GET, 4000)
WIDENED(release_with_its_window, FAULT_MAP, 4000)
WIDENED(release_with_its_window, UNMAP, 4000)
WIDENED(release_with_its_window, REPAIR, 4000)
