/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small number for each living thread, from 1 on, by which heaps know whose a shard is.
 * Those below WINMEM_HEAP_SHARDS are given again when their thread has ended; threads that
 * find none left, and those that have ended but for the last destructors, have their thread id
 * plus WINMEM_HEAP_SHARDS, and no shard.
 *
 * And where the thread stands: at the heap whose shard it has used last, so that the next call
 * for the same heap need not look for either. Heaps end, so they tell the threads that stand there.
 */
#ifndef WINMEM_THREAD_H
#define WINMEM_THREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct winmem_heap;
struct winmem_heap_shard;

struct winmem_thread {
	uint32_t number;		/* 0: none yet */
	/* Set by the thread, taken away by whoever ends the heap. Never NULL. */
	_Atomic(struct winmem_heap *) heap;
	/* Of that heap. Never NULL; it may outlive the heap, so look at that first. */
	struct winmem_heap_shard *shard;
};

/* In the static block, so that reading it calls nothing. */
extern _Thread_local struct winmem_thread winmem_thread_self
	__attribute__((visibility("hidden"), tls_model("initial-exec")));

uint32_t winmem_thread_enter(void);

/** winmem_thread_number() - the caller's. Cannot fail. */
static inline uint32_t winmem_thread_number(void)
{
	uint32_t number = winmem_thread_self.number;

	return __builtin_expect(number, 1) ? number : winmem_thread_enter();
}

/** winmem_thread_stands_at() - true: the caller's shard of @heap is winmem_thread_self.shard */
static inline bool winmem_thread_stands_at(const struct winmem_heap *heap)
{
	return atomic_load_explicit(&winmem_thread_self.heap, memory_order_relaxed) == heap;
}

/** winmem_thread_stand() - at @heap, if the caller has a shard there */
void winmem_thread_stand(struct winmem_heap *heap);

/** winmem_thread_clear() - no thread stands at @heap any more */
void winmem_thread_clear(struct winmem_heap *heap);

#endif /* WINMEM_THREAD_H */
