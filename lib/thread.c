// SPDX-License-Identifier: LGPL-2.1-or-later
/* Threads' numbers. See thread.h. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "heap_fast.h"
#include "heap_shard.h"
#include "heaps.h"
#include "thread.h"

#define WORDS	(WINMEM_HEAP_SHARDS / 64)

_Thread_local struct winmem_thread winmem_thread_self = {
	.heap = &winmem_heap_nowhere,
	.shard = &winmem_heap_no_shard,
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int key_error;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Protected by lock. */
static uint64_t taken[WORDS] = { 1 };	/* 0 is nobody's */
static struct winmem_thread *threads[WINMEM_HEAP_SHARDS];

/* The lowest that is free: few shards are ever opened. 0: none is. */
static uint32_t number_take(void)
{
	uint32_t number = 0;

	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < WORDS; i++) {
		if (!~taken[i])
			continue;
		number = i * 64 + __builtin_ctzll(~taken[i]);
		taken[i] |= UINT64_C(1) << number % 64;
		threads[number] = &winmem_thread_self;
		break;
	}
	pthread_mutex_unlock(&lock);
	return number;
}

static void number_give(uint32_t number)
{
	pthread_mutex_lock(&lock);
	taken[number / 64] &= ~(UINT64_C(1) << number % 64);
	threads[number] = NULL;
	pthread_mutex_unlock(&lock);
}

static void thread_stand_nowhere(void)
{
	atomic_store_explicit(&winmem_thread_self.heap, &winmem_heap_nowhere,
			      memory_order_relaxed);
	winmem_thread_self.shard = &winmem_heap_no_shard;
}

void winmem_thread_stand(struct winmem_heap *heap)
{
	struct winmem_heap_shard *shard;

	if (winmem_thread_stands_at(heap))
		return;
	shard = winmem_heap_shard_find(heap, winmem_thread_number());
	if (!shard)
		return;
	/* In this order, for what winmem_thread_clear() compares. */
	thread_stand_nowhere();
	winmem_thread_self.shard = shard;
	atomic_store_explicit(&winmem_thread_self.heap, heap, memory_order_relaxed);
}

/* Whoever is told of a new heap at the same place was told after this. */
void winmem_thread_clear(struct winmem_heap *heap)
{
	struct winmem_thread *thread;
	struct winmem_heap *at;

	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < WORDS; i++) {
		for (uint64_t left = taken[i]; left; left &= left - 1) {
			thread = threads[i * 64 + __builtin_ctzll(left)];
			at = heap;
			if (thread)
				atomic_compare_exchange_strong(&thread->heap, &at,
							       &winmem_heap_nowhere);
		}
	}
	pthread_mutex_unlock(&lock);
}

/* The thread has no shard from here on. */
static void thread_be_nobody(void)
{
	thread_stand_nowhere();
	winmem_thread_self.number = WINMEM_HEAP_SHARDS + gettid();
}

/* Destructors that run after this one may use heaps all the same. */
static void thread_leave(void *value)
{
	uint32_t number = (uintptr_t)value;

	thread_be_nobody();
	winmem_heaps_leave(number);
	number_give(number);
}

static void thread_make_key(void)
{
	key_error = pthread_key_create(&key, thread_leave);
}

uint32_t winmem_thread_enter(void)
{
	uint32_t number;

	pthread_once(&once, thread_make_key);
	number = key_error ? 0 : number_take();
	/* Before the key is set: that may allocate, and so come here again. */
	winmem_thread_self.number = number ? number : WINMEM_HEAP_SHARDS + (uint32_t)gettid();
	if (number && pthread_setspecific(key, (void *)(uintptr_t)number))
		thread_leave((void *)(uintptr_t)number);
	return winmem_thread_self.number;
}

/* The child has one thread, and no heap that knows it. */
static void thread_in_child(void)
{
	uint32_t self = winmem_thread_self.number;

	thread_stand_nowhere();
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	memset(taken, 0, sizeof(taken));
	memset(threads, 0, sizeof(threads));
	taken[0] = 1;
	if (self && self < WINMEM_HEAP_SHARDS) {
		taken[self / 64] |= UINT64_C(1) << self % 64;
		threads[self] = &winmem_thread_self;
	} else {
		winmem_thread_self.number = 0;
	}
}

__attribute__((constructor))
static void thread_watch_fork(void)
{
	pthread_atfork(NULL, NULL, thread_in_child);
}
