// SPDX-License-Identifier: GPL-2.0-only
/*
 * LOCK and OFFER from several threads at once, among calls that end what they do: at the
 * end nothing is counted twice and nothing is left, and no content was lost on the way.
 */
#define _GNU_SOURCE
#include "keep.h"

#include <pthread.h>

#define THREADS	4
#define ROUNDS	300U
#define LENGTH	(16 * PAGE)

static unsigned long base;
static pthread_barrier_t barrier;

static void run(void *(*const functions[])(void *arg))
{
	pthread_t threads[THREADS];

	/* The handler for faults must stand before threads need it. */
	EXPECT(!try_read(0));
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (unsigned long i = 0; i < THREADS; i++)
		EXPECT_EQ(0, pthread_create(&threads[i], NULL, functions[i], (void *)i));
	for (unsigned int i = 0; i < THREADS; i++)
		EXPECT_EQ(0, pthread_join(threads[i], NULL));
	pthread_barrier_destroy(&barrier);
}

/* A call that fails in one of the ways that others can make it fail. */
static void call(unsigned int nr, void *args, int err, int other)
{
	if (ioctl(dev, nr, args))
		EXPECT(errno == err || errno == other);
}

static void *locks(void *arg)
{
	pthread_barrier_wait(&barrier);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct winmem_lock args = lock_args(base + (i % 8) * PAGE, 8 * PAGE,
						    i & 1 ? WINMEM_LOCK_UNDO : 0);

		call(WINMEM_IOC_LOCK, &args, i & 1 ? EALREADY : ENXIO, EFAULT);
	}
	return arg;
}

static void *decommits(void *arg)
{
	pthread_barrier_wait(&barrier);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		decommit(base + (i % 16) * PAGE, PAGE);
		commit(base + (i % 16) * PAGE, PAGE, READWRITE);
	}
	return arg;
}

static void *writes(void *arg)
{
	pthread_barrier_wait(&barrier);
	for (unsigned int i = 0; i < ROUNDS * 16; i++)
		try_write(base + (i % 16) * PAGE, 1);
	return arg;
}

TEST(locks_among_decommits)
{
	void *(*const functions[])(void *) = { locks, locks, decommits, writes };
	unsigned long before = pinned_at_first();

	base = reserve_commit(LENGTH, READWRITE);
	run(functions);
	EXPECT_EQ(vm_locked(), locked(base, LENGTH));
	EVENTUALLY(pinned() == before + locked(base, LENGTH) / PAGE);
	release(base);
	EXPECT_EQ(0, vm_locked());
	EVENTUALLY(pinned() == before);
}

static void *offers(void *arg)
{
	pthread_barrier_wait(&barrier);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct winmem_offer args = offer_args(base, LENGTH, WINMEM_OFFER_UNDO);

		offer(base + (i % 16) * PAGE, PAGE);
		/* Nothing presses; but it may. */
		call(WINMEM_IOC_OFFER, &args, ENODATA, ENODATA);
	}
	return arg;
}

/* What can be read is what was written. */
static void *reads(void *arg)
{
	pthread_barrier_wait(&barrier);
	for (unsigned int i = 0; i < ROUNDS * 16; i++) {
		int byte = byte_at(base + (i % 16) * PAGE);

		EXPECT(byte == -1 || byte == (int)(i % 16) + 1 || !byte);
	}
	return arg;
}

TEST(O01_offers_among_readers_and_locks)
{
	void *(*const functions[])(void *) = { offers, reads, reads, locks };
	unsigned long before = pinned_at_first();

	base = reserve_commit(LENGTH, READWRITE);
	for (unsigned int i = 0; i < 16; i++)
		*(volatile unsigned char *)(base + i * PAGE) = i + 1;
	run(functions);
	for (unsigned int i = 0; i < 16; i++)
		EXPECT(byte_at(base + i * PAGE) == (int)i + 1 || !byte_at(base + i * PAGE));
	release(base);
	EXPECT_EQ(0, vm_locked());
	EVENTUALLY(pinned() == before);
}

static unsigned int hits;

static void *locks_guards(void *arg)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct winmem_lock args = lock_args(base, PAGE, 0);

		pthread_barrier_wait(&barrier);
		if (!arg)
			protect(base, PAGE, READWRITE | GUARD);
		pthread_barrier_wait(&barrier);
		if ((unsigned long)arg & 1) {
			if (!try_read(base))
				__atomic_add_fetch(&hits, 1, __ATOMIC_RELAXED);
		} else if (ioctl(dev, WINMEM_IOC_LOCK, &args)) {
			EXPECT_EQ(EKEYREJECTED, errno);
			__atomic_add_fetch(&hits, 1, __ATOMIC_RELAXED);
		}
	}
	return arg;
}

/* Two threads touch the page and two lock it: one of them is told of the guard. */
TEST(G06_each_guard_is_hit_once)
{
	void *(*const functions[])(void *) = {
		locks_guards, locks_guards, locks_guards, locks_guards,
	};

	base = reserve_commit(LENGTH, READWRITE);
	hits = 0;
	run(functions);
	EXPECT_EQ(ROUNDS, hits);
}
