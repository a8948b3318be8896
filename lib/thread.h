/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small number for each living thread, from 1 on, by which heaps know whose a shard is.
 * Those below WINMEM_HEAP_SHARDS are given again when their thread has ended; threads that
 * find none left, and those that have ended but for the last destructors, have their thread id
 * plus WINMEM_HEAP_SHARDS, and no shard.
 */
#ifndef WINMEM_THREAD_H
#define WINMEM_THREAD_H

#include <stdint.h>

/* 0: none yet. In the static block, so that reading it calls nothing. */
extern _Thread_local uint32_t winmem_thread_self
	__attribute__((visibility("hidden"), tls_model("initial-exec")));

uint32_t winmem_thread_enter(void);

/** winmem_thread_number() - the caller's. Cannot fail. */
static inline uint32_t winmem_thread_number(void)
{
	return __builtin_expect(winmem_thread_self, 1) ? winmem_thread_self : winmem_thread_enter();
}

#endif /* WINMEM_THREAD_H */
