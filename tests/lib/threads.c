// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many threads at once: in memory of their own, in one reservation, on one page, and in
 * the first call of a process. Contents tell whether a page went to the wrong place.
 */
#define _GNU_SOURCE
#include "common.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define THREADS		6
#define ROUNDS		15
#define THREAD_PAGES	8UL

struct worker {
	pthread_t thread;
	unsigned int nr;
	char *shared;			/* THREAD_PAGES for each thread, one after the other */
	pthread_barrier_t *start;
};

static void run_threads(void *(*function)(void *arg), char *shared)
{
	struct worker workers[THREADS];
	pthread_barrier_t start;

	pthread_barrier_init(&start, NULL, THREADS);
	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .nr = i, .shared = shared, .start = &start };
		EXPECT(!pthread_create(&workers[i].thread, NULL, function, &workers[i]));
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_barrier_destroy(&start);
}

static void *use_own_memory(void *arg)
{
	struct worker *worker = arg;

	pthread_barrier_wait(worker->start);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		unsigned int seed = worker->nr * ROUNDS + round;
		char *p = alloc(THREAD_PAGES * PAGE, RW);

		EXPECT(zeroed(p, THREAD_PAGES * PAGE));
		fill(p, THREAD_PAGES * PAGE, seed);
		EXPECT_EQ(RW, protect(p + PAGE, PAGE, RO));
		EXPECT(!try_write(p + PAGE));
		decommit(p + 2 * PAGE, PAGE);
		EXPECT(filled(p, 2 * PAGE, seed));
		EXPECT(filled(p + 3 * PAGE, (THREAD_PAGES - 3) * PAGE, seed));
		release(p);
	}
	return NULL;
}

TEST(threads_in_memory_of_their_own)
{
	run_threads(use_own_memory, NULL);
}

/* Commits, protections and decommits next to each other, in one block of page states. */
static void *use_own_part(void *arg)
{
	struct worker *worker = arg;
	char *p = worker->shared + worker->nr * THREAD_PAGES * PAGE;

	pthread_barrier_wait(worker->start);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		unsigned int seed = worker->nr * ROUNDS + round;

		commit(p, THREAD_PAGES * PAGE, RW);
		EXPECT(zeroed(p, THREAD_PAGES * PAGE));
		fill(p, THREAD_PAGES * PAGE, seed);
		EXPECT_EQ(RW, protect(p, 3 * PAGE, RO));
		EXPECT_EQ(3 * PAGE, query(p).RegionSize);
		EXPECT(!try_write(p + 2 * PAGE));
		EXPECT(try_write(p + 3 * PAGE));
		EXPECT(filled(p, THREAD_PAGES * PAGE, seed));
		decommit(p, THREAD_PAGES * PAGE);
		EXPECT(!try_read(p));
	}
	return NULL;
}

TEST(threads_in_one_reservation)
{
	char *shared = reserve(THREADS * THREAD_PAGES * PAGE);
	unsigned long before = charge();

	run_threads(use_own_part, shared);
	EXPECT_EQ(before, charge());
	expect_reserved(shared, shared, RW, THREADS * THREAD_PAGES * PAGE);
	release(shared);
}

/* All commit all of it: each page is made once, and nobody's writing is lost. */
static void *commit_the_same(void *arg)
{
	struct worker *worker = arg;
	size_t size = THREADS * THREAD_PAGES * PAGE;
	char *p = worker->shared + worker->nr * THREAD_PAGES * PAGE;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(worker->start);
		commit(worker->shared, size, RW);
		fill(p, THREAD_PAGES * PAGE, round);
		commit(worker->shared, size, RW);
		pthread_barrier_wait(worker->start);
		EXPECT(filled(worker->shared, size, round));
		pthread_barrier_wait(worker->start);
		if (!worker->nr)
			decommit(worker->shared, size);
	}
	return NULL;
}

TEST(VA23_threads_commit_the_same_pages)
{
	char *shared = reserve(THREADS * THREAD_PAGES * PAGE);

	run_threads(commit_the_same, shared);
	release(shared);
}

/* One page is reserved by all at once: one of them gets it. */
static atomic_uint winners;

static void *reserve_the_same(void *arg)
{
	struct worker *worker = arg;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		pthread_barrier_wait(worker->start);
		if (VirtualAlloc(worker->shared, GRAN, RESERVE_COMMIT, RW))
			winners++;
		else
			EXPECT_EQ(ERROR_INVALID_ADDRESS, GetLastError());
		pthread_barrier_wait(worker->start);
		if (VirtualFree(worker->shared, 0, MEM_RELEASE))
			winners += 1000;
		else
			EXPECT_EQ(ERROR_INVALID_ADDRESS, GetLastError());
	}
	return NULL;
}

TEST(VA10_threads_reserve_the_same_address)
{
	winners = 0;
	run_threads(reserve_the_same, free_place(GRAN));
	EXPECT_EQ(ROUNDS * 1001, winners);
}

/* When VirtualProtect has returned, no store lands any more, whoever makes it. */

static volatile bool stop;

static void *keep_writing(void *arg)
{
	while (!stop)
		TRY_TO(__atomic_fetch_add((unsigned int *)arg, 1, __ATOMIC_SEQ_CST));
	return NULL;
}

static unsigned int value_of(const char *p)
{
	return *(volatile const unsigned int *)p;
}

static bool wait_for_store(const char *p, unsigned int value)
{
	int tries = 1000;

	while (value_of(p) == value && --tries)
		sched_yield();
	return tries;
}

TEST(VP_no_store_after_read_only)
{
	char *p = alloc(PAGE, RW);
	unsigned int value = 0, stores = 0;
	pthread_t writers[2];

	stop = false;
	for (unsigned int i = 0; i < ARRAY_LEN(writers); i++)
		EXPECT(!pthread_create(&writers[i], NULL, keep_writing, p));
	for (unsigned int round = 0; round < 8 * ROUNDS; round++) {
		stores += wait_for_store(p, value);
		EXPECT_EQ(RW, protect(p, PAGE, RO));
		value = value_of(p);
		for (int i = 0; i < 20; i++)
			sched_yield();
		EXPECT_EQ(value, value_of(p));
		EXPECT_EQ(RO, protect(p, PAGE, RW));
	}
	stop = true;
	for (unsigned int i = 0; i < ARRAY_LEN(writers); i++)
		pthread_join(writers[i], NULL);
	/* Without stores in between nothing was tested. */
	EXPECT(stores > ROUNDS);
	release(p);
}

/* Decommit while others write: what is committed again afterwards is zero. */
TEST(VA26_no_store_survives_a_decommit)
{
	char *p = alloc(PAGE, RW);
	pthread_t writer;

	stop = false;
	EXPECT(!pthread_create(&writer, NULL, keep_writing, p));
	for (unsigned int round = 0; round < 4 * ROUNDS; round++) {
		decommit(p, PAGE);
		commit(p, PAGE, RO);
		EXPECT(zeroed(p, PAGE));
		commit(p, PAGE, RW);
		sched_yield();
	}
	stop = true;
	pthread_join(writer, NULL);
	release(p);
}

/* One asks while another changes: each answer is one that was true at some moment. */
static void *keep_changing(void *arg)
{
	char *p = arg;

	while (!stop) {
		commit(p + PAGE, 2 * PAGE, RW);
		protect(p + PAGE, PAGE, RO);
		decommit(p + PAGE, 2 * PAGE);
	}
	return NULL;
}

TEST(VQ10_query_while_another_thread_changes)
{
	char *p = reserve(4 * PAGE);
	pthread_t changer;

	stop = false;
	EXPECT(!pthread_create(&changer, NULL, keep_changing, p));
	for (unsigned int round = 0; round < 40 * ROUNDS; round++) {
		MEMORY_BASIC_INFORMATION mbi = query(p + PAGE);

		EXPECT_EQ(p, mbi.AllocationBase);
		EXPECT_EQ(MEM_PRIVATE, mbi.Type);
		if (mbi.State == MEM_RESERVE)
			EXPECT(!mbi.Protect && mbi.RegionSize == 3 * PAGE);
		else if (mbi.Protect == RW)
			EXPECT(mbi.RegionSize == 2 * PAGE);
		else
			EXPECT(mbi.Protect == RO && mbi.RegionSize == PAGE);
	}
	stop = true;
	pthread_join(changer, NULL);
	release(p);
}

/* A child has not opened the device: here all of its threads do so at once. */
static void *make_the_first_call(void *arg)
{
	struct worker *worker = arg;
	char **places = (char **)worker->shared;
	char *mine;

	pthread_barrier_wait(worker->start);
	mine = alloc(GRAN, RW);
	fill(mine, GRAN, worker->nr);
	places[worker->nr] = mine;
	pthread_barrier_wait(worker->start);
	/* One space for all of them. */
	for (unsigned int i = 0; i < THREADS; i++)
		expect_committed(places[i], places[i], RW, GRAN, RW);
	pthread_barrier_wait(worker->start);
	EXPECT(filled(mine, GRAN, worker->nr));
	release(mine);
	return NULL;
}

static void first_calls(void *arg)
{
	run_threads(make_the_first_call, arg);
}

TEST(threads_make_the_first_call)
{
	char *places[THREADS];

	for (unsigned int i = 0; i < 5; i++)
		IN_CHILD(first_calls, places);
}

/* Memory is the process's: it outlives the thread that made it. */
static void *make_memory(void *arg)
{
	char *p = alloc(GRAN, RW);

	fill(p, GRAN, 1);
	*(char **)arg = p;
	return NULL;
}

TEST(memory_outlives_its_thread)
{
	pthread_t thread;
	char *p = NULL;

	EXPECT(!pthread_create(&thread, NULL, make_memory, &p));
	pthread_join(thread, NULL);
	EXPECT(filled(p, GRAN, 1));
	release(p);
}
