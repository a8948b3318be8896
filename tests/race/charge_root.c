// SPDX-License-Identifier: GPL-2.0-only
/*
 * The limit of all processes together, which several of them run into at the same time. It
 * is a parameter of the module, so this needs root.
 */
#include "race.h"

#define CHILDREN	3
#define SLICE		(8 * PAGE)

static void limit_total(unsigned long bytes)
{
	FILE *file = fopen("/sys/module/winmem/parameters/commit_limit", "we");

	EXPECT(file);
	EXPECT(fprintf(file, "%lu", bytes) > 0);
	EXPECT_EQ(0, fclose(file));
}

/* What the children hold together, as each one adds it after and takes it off before. */
struct together {
	unsigned long held, limit, refused;
};

static void commits(void *arg)
{
	struct together *all = arg;
	unsigned long base;

	dev = OPEN_DEVICE();
	base = race_reserve(0, SLICE, 0);
	EXPECT(base);
	for (unsigned int i = 0; i < 60; i++) {
		if (raw_commit(base, SLICE, READWRITE)) {
			EXPECT_EQ(EDQUOT, errno);
			EXPECT_EQ(0, charge());
			__atomic_fetch_add(&all->refused, 1, __ATOMIC_SEQ_CST);
			continue;
		}
		EXPECT(__atomic_add_fetch(&all->held, SLICE, __ATOMIC_SEQ_CST) <= all->limit);
		EXPECT(total_charge() <= all->limit);
		usleep(100);
		__atomic_sub_fetch(&all->held, SLICE, __ATOMIC_SEQ_CST);
		EXPECT_OK(race_decommit(base, SLICE));
	}
}

/* There is room for all but one of them. */
RACE(the_total_limit_is_never_passed)
{
	struct together *all = shared_page();
	unsigned long before = total_charge();
	pid_t children[CHILDREN];

	all->limit = before + (CHILDREN - 1) * SLICE;
	limit_total(all->limit);
	for (unsigned int i = 0; i < CHILDREN; i++)
		children[i] = start_child(commits, all);
	for (unsigned int i = 0; i < CHILDREN; i++)
		FINISH(children[i]);
	limit_total(0);
	EXPECT(all->refused);
	EVENTUALLY(total_charge() == before);
	EXPECT_OK(munmap(all, PAGE));
}
WIDENED(the_total_limit_is_never_passed, CHARGE, 1000)
WIDENED(the_total_limit_is_never_passed, PROTECT, 500)
