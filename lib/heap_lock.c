// SPDX-License-Identifier: LGPL-2.1-or-later
/* A heap's mutex and its turn. See heap_lock.h. */
#include <limits.h>

#include "heap_lock.h"

/* An operation under the mutex is short: worth a moment before the caller goes to sleep. */
#define SPINS	64

void winmem_heap_mutex_wait(struct winmem_heap_lock *lock, const struct winmem_heap_supply *supply)
{
	uint32_t state;

	for (int i = 0; i < SPINS; i++) {
		state = 0;
		if (atomic_compare_exchange_weak_explicit(&lock->mutex, &state, 1,
							  memory_order_acquire,
							  memory_order_relaxed))
			return;
		if (state == 2)
			break;
		__builtin_ia32_pause();
	}
	while (atomic_exchange_explicit(&lock->mutex, 2, memory_order_acquire))
		supply->wait(&lock->mutex, 2);
}

/* With the mutex, and with it again afterwards. */
void winmem_heap_turn_wait(struct winmem_heap_lock *lock, const struct winmem_heap_supply *supply,
			   uint32_t self)
{
	uint32_t ended;

	while (lock->owner && lock->owner != self) {
		ended = atomic_load_explicit(&lock->ended, memory_order_relaxed);
		lock->waiting++;
		winmem_heap_mutex_give(lock, supply);
		supply->wait(&lock->ended, ended);
		winmem_heap_mutex_take(lock, supply);
		lock->waiting--;
	}
}

void winmem_heap_turn_take(struct winmem_heap_lock *lock, const struct winmem_heap_supply *supply,
			   uint32_t self)
{
	winmem_heap_enter(lock, supply, self, false);
	lock->owner = self;
	lock->depth++;
	winmem_heap_mutex_give(lock, supply);
}

bool winmem_heap_turn_give(struct winmem_heap_lock *lock, const struct winmem_heap_supply *supply,
			   uint32_t self)
{
	bool mine, wake = false;

	winmem_heap_mutex_take(lock, supply);
	mine = lock->owner == self;
	if (mine && !--lock->depth) {
		lock->owner = 0;
		atomic_fetch_add_explicit(&lock->ended, 1, memory_order_relaxed);
		wake = lock->waiting;
	}
	winmem_heap_mutex_give(lock, supply);
	if (wake)
		supply->wake(&lock->ended, INT_MAX);
	return mine;
}
