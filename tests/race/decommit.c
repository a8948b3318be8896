// SPDX-License-Identifier: GPL-2.0-only
/*
 * DECOMMIT and RELEASE against threads that read and write the pages: afterwards there is
 * nothing to touch, and what is committed in the same place is zero.
 */
#include "race.h"

/* Every other time the pages are left for the threads to make. */
static void commit_anew(const struct gate_race *race, unsigned int round)
{
	EXPECT_OK(raw_commit(race->base, race->nr * PAGE, NOACCESS));
	if (round % 2)
		EXPECT(peek_zero(race->base, race->nr * PAGE));
	EXPECT_OK(raw_protect(race->base, race->nr * PAGE, race->prot));
}

static void decommit_all(const struct gate_race *race)
{
	EXPECT_OK(race_decommit(race->base, race->nr * PAGE));
	EXPECT_EQ(0, charge());
}

static void decommit_and_commit(unsigned long nr, unsigned int prot, enum toucher one,
				enum toucher other)
{
	struct gate_race race = {
		.base = reserve_commit(nr * PAGE, prot), .nr = nr, .prot = prot, .one = one,
		.other = other, .shut = decommit_all, .open = commit_anew,
	};

	gate_race_run(&race);
	release(race.base);
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

static void release_all(const struct gate_race *race)
{
	EXPECT_OK(raw_release(race->base));
	EXPECT_EQ(0, charge());
}

static void check_free(const struct gate *gate)
{
	EXPECT_FREE(gate->base);
}

static void reserve_anew(const struct gate_race *race, unsigned int round)
{
	EXPECT_EQ(race->base, race_reserve(race->base, race->nr * PAGE, 0));
	commit_anew(race, round);
}

static void release_and_reserve(unsigned long base)
{
	struct gate_race race = {
		.base = base, .nr = GRAN / PAGE, .prot = READWRITE, .one = WRITER,
		.other = READER, .shut = release_all, .check = check_free, .open = reserve_anew,
	};

	EXPECT_EQ(base, race_reserve(base, GRAN, WINMEM_RESERVE_COMMIT));
	gate_race_run(&race);
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

static unsigned long elsewhere;

/* The states of another 2 MiB block, the last that nobody needs, take the place of these. */
static void release_and_forget(const struct gate_race *race)
{
	EXPECT_OK(raw_release(race->base));
	EXPECT_EQ(elsewhere, race_reserve(elsewhere, GRAN, WINMEM_RESERVE_COMMIT));
	EXPECT_OK(raw_release(elsewhere));
	EXPECT_EQ(0, charge());
}

RACE(release_forgets_states)
{
	struct gate_race race = {
		.base = reserve_commit(GRAN, READWRITE), .nr = GRAN / PAGE, .prot = READWRITE,
		.one = WRITER, .other = READER, .shut = release_and_forget, .check = check_free,
		.open = reserve_anew,
	};

	elsewhere = find_hole(GRAN);
	EXPECT((race.base ^ elsewhere) >> 21);
	gate_race_run(&race);
	EXPECT_OK(raw_release(race.base));
}
WIDENED(release_forgets_states, FORGET, 4000)
WIDENED(release_forgets_states, FAULT_GET, 4000)

/* In one that goes with the reservation. */
RACE(release_with_its_window)
{
	release_and_reserve(find_hole(GRAN));
}
WIDENED(release_with_its_window, FAULT_GET, 4000)
WIDENED(release_with_its_window, FAULT_MAP, 4000)
WIDENED(release_with_its_window, UNMAP, 4000)
WIDENED(release_with_its_window, REPAIR, 4000)
