/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that write watched pages without a pause while another asks and resets. Every
 * write leaves a new number in its page, so the asker can tell:
 *
 *	lost	a page was seen to have changed, and the next answer does not name it;
 *	phantom	a page is named that has the number it had before the answer before, and
 *		whose writer is not under way to write it: a store that has faulted counts.
 */
#ifndef WINMEM_TESTS_UAPI_WATCH_THREADS_H
#define WINMEM_TESTS_UAPI_WATCH_THREADS_H

#include "common.h"

#include <pthread.h>
#include <sched.h>

#define WATCH_WRITERS	8

struct watch_race {
	unsigned long base;
	unsigned long nr;		/* pages */
	volatile bool stop;
	unsigned long *seen;		/* number when the page was named last */
	unsigned long *before;		/* numbers before the answer before this one */
	unsigned long *now;		/* numbers before this answer */
	__u64 *list;
	bool *named;
	volatile unsigned long target[WATCH_WRITERS];	/* page that each writes now */
	unsigned long lost, phantom, told;
};

struct watch_writer {
	struct watch_race *race;
	pthread_t thread;
	unsigned long seed;
	unsigned long writes;
};

static inline volatile unsigned long *watch_number(const struct watch_race *race,
						   unsigned long page)
{
	return (volatile unsigned long *)(race->base + page * PAGE + page % 500 * 8);
}

/* Each page is one writer's, so that its numbers never repeat. */
static void *watch_write(void *arg)
{
	struct watch_writer *writer = arg;
	struct watch_race *race = writer->race;
	unsigned long me = writer->seed, random = me * 0x9e3779b97f4a7c15UL + 1, page;

	/* Two processors: whoever asks is to have its share. */
	if (nice(19) == -1)
		sched_yield();
	while (!race->stop) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		page = random % (race->nr / WATCH_WRITERS) * WATCH_WRITERS + me;
		race->target[me] = page;
		*watch_number(race, page) += 1;
		writer->writes++;
	}
	return NULL;
}

static void watch_round(struct watch_race *race)
{
	struct winmem_watch args = watch_args(race->base, race->nr * PAGE, WINMEM_WATCH_RESET,
					      race->list, race->nr);

	for (unsigned long i = 0; i < race->nr; i++)
		race->now[i] = *watch_number(race, i);
	memset(race->named, 0, race->nr);
	EXPECT_OK(ioctl(dev, WINMEM_IOC_WATCH, &args));
	for (unsigned long i = 0; i < args.out_count; i++) {
		unsigned long page = (race->list[i] - race->base) / PAGE;
		/* In this order: when the writer is past it, the number is new. */
		bool under_way = race->target[page % WATCH_WRITERS] == page;
		unsigned long number = *watch_number(race, page);

		race->named[page] = true;
		race->phantom += number == race->before[page] && !under_way;
		race->seen[page] = number;
	}
	race->told += args.out_count;
	for (unsigned long i = 0; i < race->nr; i++)
		race->lost += !race->named[i] && race->now[i] != race->seen[i];
	memcpy(race->before, race->now, race->nr * sizeof(*race->now));
}

/* @disturb: called between rounds, for what may not matter; or NULL. */
static inline void watch_race_run(unsigned long nr, unsigned int rounds,
				  void (*disturb)(unsigned long base, unsigned long length))
{
	struct watch_writer writers[WATCH_WRITERS];
	struct watch_race race = {
		.base = reserve_at(HERE, 0, nr * PAGE, READWRITE,
				   WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_WATCH),
		.nr = nr,
		.seen = calloc(nr, 8), .before = malloc(nr * 8), .now = malloc(nr * 8),
		.list = malloc(nr * 8), .named = malloc(nr),
	};
	unsigned long writes = 0;

	memset(race.before, 0xff, nr * 8);
	for (unsigned long i = 0; i < WATCH_WRITERS; i++) {
		writers[i] = (struct watch_writer) { .race = &race, .seed = i };
		EXPECT_EQ(0, pthread_create(&writers[i].thread, NULL, watch_write, &writers[i]));
	}
	for (unsigned int i = 0; i < rounds; i++) {
		watch_round(&race);
		if (disturb)
			disturb(race.base, nr * PAGE);
	}
	race.stop = true;
	for (unsigned long i = 0; i < WATCH_WRITERS; i++) {
		pthread_join(writers[i].thread, NULL);
		writes += writers[i].writes;
	}
	/* Nobody writes any more: once what is left, then nothing. */
	watch_round(&race);
	printf("# %u rounds, %lu writes, %lu pages told of\n", rounds, writes, race.told);
	for (unsigned long i = 0; i < nr; i++)
		EXPECT_EQ(race.seen[i], *watch_number(&race, i));
	race.told = 0;
	watch_round(&race);
	EXPECT_EQ(0, race.told);
	EXPECT_EQ(0, race.lost);
	EXPECT_EQ(0, race.phantom);
	EXPECT(writes > rounds);
	free(race.seen);
	free(race.before);
	free(race.now);
	free(race.list);
	free(race.named);
}

/* WINMEM_WATCH_ROUNDS=1000 for the long version, `make watch`. */
static inline unsigned int watch_rounds(unsigned int usual)
{
	const char *rounds = getenv("WINMEM_WATCH_ROUNDS");

	if (!rounds)
		return usual;
	alarm(3600);
	return (unsigned int)atoi(rounds);
}

#endif
