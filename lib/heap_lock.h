/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two locks, one inside the other. The mutex guards a heap's structures and is held for
 * the length of an operation. The turn is what HeapLock() takes: it lasts as long as the
 * program likes, one thread takes it as often as it likes, and it keeps the mutex free, so
 * that a call with HEAP_NO_SERIALIZE passes it by and still cannot spoil anything.
 */
#ifndef WINMEM_HEAP_LOCK_H
#define WINMEM_HEAP_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "heap_supply.h"

struct winmem_heap_lock {
	_Atomic uint32_t mutex;	/* 0: free, 1: held, 2: held and somebody sleeps */
	_Atomic uint32_t ended;	/* changes when the turn ends */

	/* Protected by mutex. */
	uint32_t owner;		/* of the turn; 0: nobody */
	uint32_t depth;
	uint32_t waiting;
};

/* For those below, where others are in the way. */
void winmem_heap_mutex_wait(struct winmem_heap_lock *lock, const struct winmem_heap_supply *supply);
void winmem_heap_turn_wait(struct winmem_heap_lock *lock, const struct winmem_heap_supply *supply,
			   uint32_t self);

/** winmem_heap_mutex_take() - the structures are the caller's, whoever has the turn. */
static inline void winmem_heap_mutex_take(struct winmem_heap_lock *lock,
					  const struct winmem_heap_supply *supply)
{
	uint32_t state = 0;

	if (__builtin_expect(!atomic_compare_exchange_strong_explicit(&lock->mutex, &state, 1,
								      memory_order_acquire,
								      memory_order_relaxed), 0))
		winmem_heap_mutex_wait(lock, supply);
}

static inline void winmem_heap_mutex_give(struct winmem_heap_lock *lock,
					  const struct winmem_heap_supply *supply)
{
	if (__builtin_expect(atomic_exchange_explicit(&lock->mutex, 0,
						      memory_order_release) == 2, 0))
		supply->wake(&lock->mutex, 1);
}

/**
 * winmem_heap_enter() - take the mutex when no other thread has the turn
 * @self: the caller's number
 * @any: do not wait for the turn
 */
static inline void winmem_heap_enter(struct winmem_heap_lock *lock,
				     const struct winmem_heap_supply *supply, uint32_t self,
				     bool any)
{
	winmem_heap_mutex_take(lock, supply);
	if (__builtin_expect(lock->owner && lock->owner != self && !any, 0))
		winmem_heap_turn_wait(lock, supply, self);
}

/** winmem_heap_turn_take() - wait for the turn and take it, once more if it is @self's */
void winmem_heap_turn_take(struct winmem_heap_lock *lock, const struct winmem_heap_supply *supply,
			   uint32_t self);

/** winmem_heap_turn_give() - false: it was not @self's */
bool winmem_heap_turn_give(struct winmem_heap_lock *lock, const struct winmem_heap_supply *supply,
			   uint32_t self);

#endif /* WINMEM_HEAP_LOCK_H */
