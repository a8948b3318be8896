// SPDX-License-Identifier: LGPL-2.1-or-later
/* Threads' numbers. See thread.h. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "heap_shard.h"
#include "heaps.h"
#include "thread.h"

#define WORDS	(WINMEM_HEAP_SHARDS / 64)

_Thread_local uint32_t winmem_thread_self;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int key_error;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t taken[WORDS] = { 1 };	/* by lock; 0 is nobody's */

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
		break;
	}
	pthread_mutex_unlock(&lock);
	return number;
}

static void number_give(uint32_t number)
{
	pthread_mutex_lock(&lock);
	taken[number / 64] &= ~(UINT64_C(1) << number % 64);
	pthread_mutex_unlock(&lock);
}

/* Destructors that run after this one may use heaps all the same. */
static void thread_leave(void *value)
{
	uint32_t number = (uintptr_t)value;

	winmem_thread_self = WINMEM_HEAP_SHARDS + gettid();
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
	winmem_thread_self = number ? number : WINMEM_HEAP_SHARDS + (uint32_t)gettid();
	if (number && pthread_setspecific(key, (void *)(uintptr_t)number)) {
		winmem_heaps_leave(number);
		number_give(number);
		winmem_thread_self = WINMEM_HEAP_SHARDS + gettid();
	}
	return winmem_thread_self;
}

/* The child has one thread, and no heap that knows it. */
static void thread_in_child(void)
{
	uint32_t self = winmem_thread_self;

	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	memset(taken, 0, sizeof(taken));
	taken[0] = 1;
	if (self < WINMEM_HEAP_SHARDS)
		taken[self / 64] |= UINT64_C(1) << self % 64;
	else
		winmem_thread_self = 0;
}

__attribute__((constructor))
static void thread_watch_fork(void)
{
	pthread_atfork(NULL, NULL, thread_in_child);
}
