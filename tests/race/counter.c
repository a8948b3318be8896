// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers of QUERY that are kept as long as the count of changes stays: never older than what
 * has been seen otherwise.
 */
#include "race.h"

struct asker {
	const volatile struct winmem_changes *changes;
	unsigned long base;
	unsigned long count;
	struct winmem_query kept;
};

static void asker_init(struct asker *asker, unsigned long base)
{
	void *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dev, 0);

	EXPECT(page != MAP_FAILED);
	*asker = (struct asker){ .changes = page, .base = base };
}

/* As a library would. */
static unsigned int ask(struct asker *asker)
{
	unsigned long count = __atomic_load_n(&asker->changes->count, __ATOMIC_ACQUIRE);

	if (count != asker->count) {
		asker->kept = query(asker->base);
		EXPECT_EQ(WINMEM_OUT_COUNTED, asker->kept.out_flags);
		asker->count = count;
	}
	return asker->kept.out_prot;
}

static void asker_end(struct asker *asker)
{
	munmap((void *)asker->changes, PAGE);
}

/* One thread hits a guard while the other asks; whoever has been hit knows what there is now. */
struct hit {
	volatile unsigned long base;
	volatile unsigned int met;
	volatile bool stop, done;
};

static void *hits(void *arg)
{
	struct hit *hit = arg;

	for (;;) {
		meet(&hit->met, 2);
		if (hit->stop)
			return NULL;
		EXPECT(!try_write(hit->base, 1));
		hit->done = true;
		meet(&hit->met, 2);
	}
}

RACE(a_guard_is_hit_while_another_asks)
{
	struct hit hit = { .base = reserve_commit(PAGE, READWRITE) };
	struct asker asker;
	pthread_t thread = thread_start(hits, &hit);

	asker_init(&asker, hit.base);
	for (unsigned int i = 0; again(i, 100); i++) {
		hit.done = false;
		EXPECT_OK(raw_protect(hit.base, PAGE, READWRITE | GUARD));
		EXPECT_EQ(READWRITE | GUARD, ask(&asker));
		meet(&hit.met, 2);
		dither(i);
		while (!hit.done)
			ask(&asker);
		EXPECT_EQ(READWRITE, ask(&asker));
		meet(&hit.met, 2);
	}
	hit.stop = true;
	meet(&hit.met, 2);
	thread_end(thread);
	asker_end(&asker);
}
WIDENED(a_guard_is_hit_while_another_asks, FAULT_GUARD, 1000)

/*
 * Protections in a circle of three: what is older than the last change that is known of shows. It
 * is known of when its call has returned, or when a write succeeds that was forbidden before.
 */
static const unsigned int circle[] = { READONLY, READWRITE, NOACCESS };

struct turner {
	unsigned long base;
	volatile unsigned long turns;
	volatile unsigned long asked;
	volatile bool stop;
};

/* Every second turn comes as soon as it can; in between there is time for all of a question. */
static void turn_waits(const struct turner *turner)
{
	unsigned long asked = turner->asked;

	while (turner->turns % 2 && turner->asked < asked + 2 && !turner->stop)
		;
}

static void *turns(void *arg)
{
	struct turner *turner = arg;

	while (!turner->stop) {
		turn_waits(turner);
		EXPECT_OK(raw_protect(turner->base, PAGE, circle[(turner->turns + 1) % 3]));
		__atomic_store_n(&turner->turns, turner->turns + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

RACE(a_protection_changes_while_another_asks)
{
	struct turner turner = { .base = reserve_commit(GRAN, READWRITE) };
	unsigned long before, after, compared = 0;
	struct asker asker;
	pthread_t thread;

	EXPECT_OK(raw_protect(turner.base, PAGE, circle[0]));
	asker_init(&asker, turner.base);
	thread = thread_start(turns, &turner);
	for (unsigned int i = 0; again(i, 2000) || turner.turns < 100; i++) {
		for (unsigned int j = 0; j < 100; j++) {
			unsigned int prot;
			bool written;

			before = __atomic_load_n(&turner.turns, __ATOMIC_ACQUIRE);
			written = try_write(turner.base, 1);
			prot = ask(&asker);
			after = __atomic_load_n(&turner.turns, __ATOMIC_ACQUIRE);
			turner.asked++;
			if (before != after)
				continue;
			/* The next turn may be on its way, and then it may have been seen. */
			if (written && circle[before % 3] != READWRITE)
				EXPECT_EQ(READWRITE, prot);
			else
				EXPECT(prot == circle[before % 3] || prot == circle[(before + 1) % 3]);
			compared++;
		}
	}
	EXPECT(compared);
	turner.stop = true;
	thread_end(thread);
	asker_end(&asker);
}
WIDENED(a_protection_changes_while_another_asks, PROTECT, 500)
