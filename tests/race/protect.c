// SPDX-License-Identifier: GPL-2.0-only
/*
 * PROTECT against threads that read and write the pages: when it has returned, nothing
 * that the new protection forbids gets through, and no store lands late.
 */
#include "race.h"

static void check_contents(const struct gate *gate)
{
	for (unsigned long i = 0; i < gate->nr; i++)
		EXPECT_EQ(gate->last[i], (unsigned int)peek(gate->base + i * PAGE));
}

static void shut(const struct gate_race *race)
{
	EXPECT_OK(raw_protect(race->base, race->nr * PAGE, race->prot));
}

static void open_again(const struct gate_race *race, unsigned int round __attribute__((unused)))
{
	EXPECT_OK(raw_protect(race->base, race->nr * PAGE, READWRITE));
}

static void open_and_shut(unsigned long nr, unsigned int prot, enum toucher one,
			  enum toucher other)
{
	struct gate_race race = {
		.base = reserve_commit(nr * PAGE, READWRITE), .nr = nr, .prot = prot,
		.one = one, .other = other, .shut = shut, .open = open_again,
		/* Of two writers nobody knows who was the last. */
		.check = one != other ? check_contents : NULL,
	};

	gate_race_run(&race);
	release(race.base);
}

/* A page alone is write-protected where it is mapped. */
RACE(readonly_page)
{
	open_and_shut(1, READONLY, WRITER, NOBODY);
}
WIDENED(readonly_page, FAULT_MKWRITE, 6000)
WIDENED(readonly_page, PROTECT, 6000)
WIDENED(readonly_page, CLEAN, 6000)

/* Many are unmapped. */
RACE(readonly_pages)
{
	open_and_shut(20, READONLY, WRITER, NOBODY);
}
WIDENED(readonly_pages, FAULT_GET, 4000)
WIDENED(readonly_pages, FAULT_MAP, 4000)
WIDENED(readonly_pages, FAULT_MKWRITE, 1000)
WIDENED(readonly_pages, PROTECT, 4000)
WIDENED(readonly_pages, SETTLED, 4000)

RACE(noaccess_page)
{
	open_and_shut(1, NOACCESS, WRITER, READER);
}
WIDENED(noaccess_page, FAULT_GET, 6000)
WIDENED(noaccess_page, FAULT_MAP, 6000)
WIDENED(noaccess_page, PROTECT, 6000)
WIDENED(noaccess_page, SETTLED, 6000)

/*
 * Two faults on one page: the second one finds it mapped, and lets the kernel map it. By
 * then it may be unmapped again.
 */
RACE(noaccess_page_for_readers)
{
	open_and_shut(1, NOACCESS, READER, READER);
}
WIDENED_AT(noaccess_page_for_readers, FAULT_BUSY, AT(FAULT_MAP) | AT(FAULT_BUSY), 6000)
WIDENED_AT(noaccess_page_for_readers, FAULT_HAND_OVER,
	   AT(FAULT_MAP) | AT(FAULT_HAND_OVER), 6000)

/* For a write the kernel asks again, through page_mkwrite, and then maps. */
RACE(noaccess_page_for_writers)
{
	open_and_shut(1, NOACCESS, WRITER, WRITER);
}
WIDENED_AT(noaccess_page_for_writers, FAULT_MKWRITE, AT(FAULT_MAP) | AT(FAULT_MKWRITE), 6000)

/* A debugger gets past protections, and is no way around them for the program. */
RACE(noaccess_page_with_a_debugger)
{
	unsigned long base = reserve_commit(PAGE, NOACCESS);
	struct gate gate;

	gate_start(&gate, base, 1, DEBUGGER, NOBODY);
	for (unsigned int i = 0; again(i, 60); i++) {
		gate_use(&gate, i);
		EXPECT_OK(raw_protect(base, PAGE, i % 2 ? NOACCESS : READONLY));
		gate_park(&gate);
		check_contents(&gate);
		EXPECT(!try_write(base, 0));
		gate_unpark(&gate);
	}
	gate_end(&gate);
}
WIDENED(noaccess_page_with_a_debugger, ACCESS, 4000)
WIDENED(noaccess_page_with_a_debugger, PROTECT, 4000)
