// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks of 2 MiB that one entry maps, against threads that touch them: a page that comes to
 * differ is shut for everybody, and a huge page that comes where a small one was does not
 * pass the states by.
 */
#include "race.h"

#include "../uapi/huge.h"

/* So much of a block that the next one is huge. */
static void use_block(unsigned long base)
{
	for (unsigned long i = 0; i < CHUNK / PAGE; i++)
		EXPECT(try_write(base + i * PAGE, 1));
}

/* The second block of a reservation, with a huge page. */
static unsigned long huge_block(unsigned long *base)
{
	*base = reserve_commit(2 * CHUNK, READWRITE);
	use_block(*base);
	EXPECT(try_write(*base + CHUNK, 1));
	return *base + CHUNK;
}

static void check_last(const struct gate *gate)
{
	EXPECT_EQ(gate->last[0], (unsigned int)peek(gate->base));
}

static void check_gone(const struct gate *gate)
{
	EXPECT_EQ(-1, peek(gate->base));
}

/* Each round has a new block: one that has had a page table keeps it. */
static void shut_page(int (*shut)(unsigned long block, unsigned long page),
		      void (*check)(const struct gate *gate))
{
	for (unsigned int i = 0; again(i, 40); i++) {
		unsigned long base, block = huge_block(&base);
		unsigned long page = block + 100 * PAGE;
		struct gate gate;

		if (!huge_bytes())
			skip_because("there are no huge pages");
		gate_start(&gate, page, 1, WRITER, NOBODY);
		gate_use(&gate, i);
		EXPECT_OK(shut(block, page));
		gate_shut(&gate);
		gate_park(&gate);
		check(&gate);
		gate_end(&gate);
		release(base);
	}
}

static int make_readonly(unsigned long block __attribute__((unused)), unsigned long page)
{
	return raw_protect(page, PAGE, READONLY);
}

RACE(readonly_page_of_a_block)
{
	shut_page(make_readonly, check_last);
}
WIDENED(readonly_page_of_a_block, FAULT_GET, 4000)
WIDENED(readonly_page_of_a_block, FAULT_MAP, 4000)
WIDENED(readonly_page_of_a_block, PROTECT, 4000)
WIDENED(readonly_page_of_a_block, SETTLED, 4000)

static int make_noaccess(unsigned long block __attribute__((unused)), unsigned long page)
{
	return raw_protect(page, PAGE, NOACCESS);
}

RACE(noaccess_page_of_a_block)
{
	shut_page(make_noaccess, check_last);
}
WIDENED(noaccess_page_of_a_block, FAULT_MAP, 4000)
WIDENED(noaccess_page_of_a_block, SETTLED, 4000)

static int decommit_page(unsigned long block __attribute__((unused)), unsigned long page)
{
	return race_decommit(page, PAGE);
}

RACE(decommit_page_of_a_block)
{
	shut_page(decommit_page, check_gone);
}
WIDENED(decommit_page_of_a_block, FAULT_MAP, 4000)
WIDENED(decommit_page_of_a_block, DECOMMIT, 4000)
WIDENED(decommit_page_of_a_block, DROP, 4000)

static int decommit_block(unsigned long block, unsigned long page __attribute__((unused)))
{
	return race_decommit(block, CHUNK);
}

RACE(decommit_a_block)
{
	shut_page(decommit_block, check_gone);
}
WIDENED(decommit_a_block, FAULT_GET, 4000)
WIDENED(decommit_a_block, FAULT_MAP, 4000)
WIDENED(decommit_a_block, DECOMMIT, 4000)
WIDENED(decommit_a_block, DROP, 4000)

struct held {
	unsigned long addr;
	volatile bool over;
};

static void *touch_held(void *arg)
{
	struct held *held = arg;

	EXPECT(try_write(held->addr, 1));
	held->over = true;
	return NULL;
}

/* Whether the fault was held till all of that had happened. */
static bool huge_comes_meanwhile(unsigned long base, unsigned int us)
{
	unsigned long block = base + CHUNK, page = block + 100 * PAGE;
	unsigned int before = widen_hits(WINMEM_WIDEN_FAULT_MAP);
	struct held held = { .addr = block + 5 * PAGE };
	pthread_t thread;
	bool in_time;

	widen(AT(FAULT_MAP), us);
	thread = thread_start(touch_held, &held);
	WAIT_FOR(widen_hits(WINMEM_WIDEN_FAULT_MAP) > before);
	widen(0, 0);
	use_block(base);
	EXPECT_OK(race_decommit(block, CHUNK));
	EXPECT_OK(raw_commit(block, CHUNK, READWRITE));
	EXPECT(try_write(block, 1));
	in_time = huge_bytes() == CHUNK;
	EXPECT_OK(raw_protect(page, PAGE, READONLY));
	in_time = in_time && !held.over;
	thread_end(thread);
	EXPECT(!try_write(page, 1));
	EXPECT(try_write(page + PAGE, 1));
	return in_time;
}

/*
 * A fault has found its small page and is held before it maps it. Meanwhile the block goes, comes
 * again with a huge page, and one page of it becomes read-only.
 */
TEST(a_huge_page_comes_before_a_small_one_is_mapped)
{
	unsigned long base;
	unsigned int us = 2000000;
	bool in_time;

	huge_block(&base);
	if (!huge_bytes())
		skip_because("there are no huge pages");
	do {
		release(base);
		base = reserve_commit(2 * CHUNK, READWRITE);
		us *= 2;
		in_time = huge_comes_meanwhile(base, us);
	} while (!in_time && us < 16000000);
	release(base);
	if (!in_time)
		skip_because("the machine takes more than %u us for a few calls", us);
}
