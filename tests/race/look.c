// SPDX-License-Identifier: GPL-2.0-only
/*
 * QUERY and /proc/self/fdinfo while other threads make, change and end reservations: each
 * answer is of one moment.
 */
#include "race.h"

static volatile bool stop;
static volatile unsigned long place, rounds;

/* One reservation of 16 pages is always in one of these forms. */
static void *changes(void *arg)
{
	for (rounds = 0; !stop; rounds++) {
		EXPECT_EQ(place, race_reserve(place, GRAN, 0));
		EXPECT_OK(raw_commit(place, 8 * PAGE, READWRITE));
		for (unsigned long addr = place; addr < place + 8 * PAGE; addr += PAGE)
			EXPECT(try_write(addr, 1));
		EXPECT_OK(raw_commit(place + 8 * PAGE, 8 * PAGE, READONLY));
		EXPECT_OK(raw_protect(place, GRAN, NOACCESS));
		EXPECT_OK(race_decommit(place + PAGE, PAGE));
		EXPECT_OK(raw_release(place));
	}
	return arg;
}

static bool fits(const struct winmem_query *run, unsigned long first, unsigned long nr,
		 unsigned int prot)
{
	return run->out_base == place + first * PAGE && run->out_length == nr * PAGE &&
	       run->out_prot == prot && run->out_alloc_base == place &&
	       run->out_alloc_prot == READWRITE && run->out_type == WINMEM_TYPE_PRIVATE &&
	       run->out_state == (prot ? WINMEM_STATE_COMMIT : WINMEM_STATE_RESERVE);
}

/* What the page at number 4 may look like. */
static bool is_one_of_them(const struct winmem_query *run)
{
	if (run->out_state == WINMEM_STATE_FREE)
		return !run->out_alloc_base && run->out_prot == NOACCESS && !run->out_type;
	return fits(run, 4, 12, 0) ||		/* reserved */
	       fits(run, 4, 4, READWRITE) ||	/* the first half committed, or both */
	       fits(run, 4, 12, NOACCESS);	/* protected; then a page before is decommitted */
}

static void looks(void)
{
	pthread_t thread;

	place = find_hole(GRAN);
	stop = false;
	thread = thread_start(changes, NULL);
	for (unsigned int i = 0; again(i, 1000) || rounds < 4; i++) {
		struct winmem_query run = query(place + 4 * PAGE);

		if (!is_one_of_them(&run))
			check_failed(HERE, "length %#llx, state %#x, prot %#x, base %#llx",
				     run.out_length, run.out_state, run.out_prot,
				     run.out_alloc_base);
	}
	stop = true;
	thread_end(thread);
}

RACE(query_is_of_one_moment)
{
	looks();
}
WIDENED(query_is_of_one_moment, PROTECT, 1000)
WIDENED(query_is_of_one_moment, DECOMMIT, 1000)
WIDENED(query_is_of_one_moment, DROP, 1000)
WIDENED(query_is_of_one_moment, REPAIR, 1000)

/* Numbers of one text: they belong together. */
struct text {
	unsigned long charge, regions;		/* as it says */
	unsigned long lines, committed, pages;	/* counted */
};

static struct text read_fdinfo(void)
{
	struct text text = { 0 };
	char path[64], line[256];
	unsigned long start, end, nr;
	unsigned int prot;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", dev);
	file = fopen(path, "re");
	EXPECT(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "region %lx-%lx %x %lu", &start, &end, &prot, &nr) == 4) {
			text.lines++;
			text.committed += nr;
		} else if (sscanf(line, "run %lx-%lx %x", &start, &end, &prot) == 3) {
			text.pages += prot ? (end - start) / PAGE : 0;
		} else if (sscanf(line, "winmem-charge: %lu", &nr) == 1) {
			text.charge = nr;
		} else if (sscanf(line, "winmem-regions: %lu", &nr) == 1) {
			text.regions = nr;
		}
	}
	fclose(file);
	return text;
}

RACE(fdinfo_is_of_one_moment)
{
	pthread_t thread;

	place = find_hole(GRAN);
	stop = false;
	reserve_commit(GRAN, READWRITE);
	thread = thread_start(changes, NULL);
	for (unsigned int i = 0; again(i, 200) || rounds < 4; i++) {
		struct text text = read_fdinfo();

		EXPECT(text.charge >= GRAN / PAGE && text.charge <= 2 * GRAN / PAGE);
		EXPECT_EQ(text.regions, text.lines);
		EXPECT_EQ(text.charge, text.committed);
		EXPECT_EQ(text.charge, text.pages);
	}
	stop = true;
	thread_end(thread);
}
WIDENED(fdinfo_is_of_one_moment, PROTECT, 1000)
WIDENED(fdinfo_is_of_one_moment, DECOMMIT, 1000)
