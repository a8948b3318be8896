// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that allocate, free each other's blocks, end and are replaced, while one more walks
 * and validates the heap. Built with the thread sanitizer; a block that two have at once, or
 * whose contents change, ends the program.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "shim/heap_supply.h"

#define THREADS		4
#define GENERATIONS	6
#define OPS		6000
#define MAILBOXES	256
#define OBSERVER	(THREADS + 1)

static struct winmem_heap *heap;
static _Atomic(uint32_t *) mailbox[MAILBOXES];
static atomic_bool ended;

/* A block holds its length in words, and that in each word. */
static void write_block(uint32_t *data, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		data[i] = nr;
}

static void free_block(uint32_t *data, uint32_t self)
{
	size_t size;

	if (winmem_heap_size(heap, self, data, 0, &size) || size / 4 != data[0])
		abort();
	for (uint32_t i = 0; i < size / 4; i++) {
		if (data[i] != size / 4)
			abort();
	}
	if (winmem_heap_free(heap, self, data, 0))
		abort();
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Puts blocks into mailboxes and frees what others have put there. */
static void *worker(void *arg)
{
	uint32_t self = (uintptr_t)arg, seed = self * 7919 + (uintptr_t)&self, nr;
	uint32_t *data;

	for (int i = 0; i < OPS; i++) {
		nr = 1 + next_random(&seed) % (next_random(&seed) % 100 ? 60 : 5000);
		data = winmem_heap_alloc(heap, self, nr * 4, 0);
		if (!data)
			abort();
		write_block(data, nr);
		data = atomic_exchange(&mailbox[next_random(&seed) % MAILBOXES], data);
		if (data)
			free_block(data, self);
	}
	winmem_heap_leave(heap, self);
	return NULL;
}

static void *observer(void *arg)
{
	struct winmem_heap_entry entry;
	int err;

	(void)arg;
	while (!ended) {
		winmem_heap_lock(heap, OBSERVER);
		if (!winmem_heap_validate(heap, OBSERVER, NULL, 0))
			abort();
		entry = (struct winmem_heap_entry){};
		do {
			err = winmem_heap_walk(heap, OBSERVER, &entry);
		} while (!err);
		if (err != ENOENT)
			abort();
		winmem_heap_unlock(heap, OBSERVER);
		winmem_heap_compact(heap, OBSERVER);
		usleep(1000);
	}
	return NULL;
}

static size_t busy_blocks(void)
{
	struct winmem_heap_entry entry = {};
	size_t nr = 0;

	while (!winmem_heap_walk(heap, 1, &entry))
		nr += !!(entry.flags & WINMEM_HEAP_ENTRY_BUSY);
	return nr;
}

static void empty_mailboxes(void)
{
	for (int i = 0; i < MAILBOXES; i++) {
		uint32_t *data = atomic_exchange(&mailbox[i], NULL);

		if (data)
			free_block(data, 1);
	}
}

static void threads_free_each_others_blocks(void **state)
{
	pthread_t thread[THREADS], watch;
	size_t left = 0;

	(void)state;
	heap = shim_heap(0, 0, 0);
	ended = false;
	pthread_create(&watch, NULL, observer, NULL);
	/* The numbers of the threads that ended are given to new ones. */
	for (int g = 0; g < GENERATIONS; g++) {
		for (uintptr_t i = 0; i < THREADS; i++)
			pthread_create(&thread[i], NULL, worker, (void *)(i + 1));
		for (int i = 0; i < THREADS; i++)
			pthread_join(thread[i], NULL);
	}
	ended = true;
	pthread_join(watch, NULL);

	for (int i = 0; i < MAILBOXES; i++)
		left += !!mailbox[i];
	assert_int_equal(busy_blocks(), left);
	assert_true(winmem_heap_validate(heap, 1, NULL, 0));
	empty_mailboxes();
	assert_int_equal(busy_blocks(), 0);
	winmem_heap_leave(heap, 1);
	winmem_heap_compact(heap, 1);
	assert_true(shim_supply_counts().committed < 3 << 20);
	shim_heap_end(heap);
}

/* One thread makes all blocks, another frees them all: nothing piles up. */

#define BATCH	500

static pthread_barrier_t barrier;
static uint32_t *batch[BATCH];

static void *consumer(void *arg)
{
	(void)arg;
	for (int round = 0; round < 200; round++) {
		pthread_barrier_wait(&barrier);
		for (int i = 0; i < BATCH; i++)
			free_block(batch[i], 2);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void what_another_frees_is_used_again(void **state)
{
	pthread_t thread;
	size_t committed = 0;

	(void)state;
	heap = shim_heap(0, 0, 0);
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, consumer, NULL);
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < BATCH; i++) {
			batch[i] = winmem_heap_alloc(heap, 1, 200, 0);
			assert_non_null(batch[i]);
			write_block(batch[i], 50);
		}
		if (round == 10)
			committed = shim_supply_counts().committed;
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
	}
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&barrier);
	assert_int_equal(busy_blocks(), 0);
	assert_true(shim_supply_counts().committed <= committed);
	shim_heap_end(heap);
}

/* H36 to H38: who waits for the turn and who does not. */

static atomic_int done;

static void *alloc_plain(void *arg)
{
	(void)arg;
	if (!winmem_heap_alloc(heap, 2, 3000, 0))
		abort();
	done = 1;
	return NULL;
}

static void *alloc_not_serialized(void *arg)
{
	(void)arg;
	if (!winmem_heap_alloc(heap, 2, 3000, WINMEM_HEAP_NO_SERIALIZE))
		abort();
	done = 1;
	return NULL;
}

static void *alloc_slot(void *arg)
{
	void *data = winmem_heap_alloc(heap, 2, 100, 0);

	(void)arg;
	if (!data || winmem_heap_free(heap, 2, data, 0))
		abort();
	done = 1;
	return NULL;
}

static void *take_turn(void *arg)
{
	(void)arg;
	winmem_heap_lock(heap, 2);
	done = 1;
	winmem_heap_unlock(heap, 2);
	return NULL;
}

/* Does it wait while thread 1 has the turn? It must end when the turn does. */
static bool waits(void *(*function)(void *arg))
{
	pthread_t thread;
	bool waited;

	done = 0;
	winmem_heap_lock(heap, 1);
	winmem_heap_lock(heap, 1);
	pthread_create(&thread, NULL, function, NULL);
	for (int i = 0; i < 50 && !done; i++)
		usleep(2000);
	waited = !done;
	assert_true(winmem_heap_unlock(heap, 1));
	usleep(5000);
	if (waited)
		assert_false(done);
	assert_true(winmem_heap_unlock(heap, 1));
	pthread_join(thread, NULL);
	assert_true(done);
	return waited;
}

static void H36_H37_H38_the_turn(void **state)
{
	(void)state;
	heap = shim_heap(0, 0, 0);
	assert_true(waits(take_turn));
	assert_true(waits(alloc_plain));
	assert_false(waits(alloc_not_serialized));
	assert_true(waits(alloc_slot));
	for (int i = 0; i < 20; i++)
		winmem_heap_alloc(heap, 2, 100, 0);
	assert_false(waits(alloc_slot));
	shim_heap_end(heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_free_each_others_blocks),
		cmocka_unit_test(what_another_frees_is_used_again),
		cmocka_unit_test(H36_H37_H38_the_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
