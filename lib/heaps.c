// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The list of heaps. See heaps.h. A child made by fork(2) has none of its parent's memory,
 * so it starts with an empty list.
 *
 * Lock order: the list's lock, a heap's. A heap is made before it enters the list and ends
 * after it has left it, so a thread that ends meets whole heaps only.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <time.h>

#include "heap_core.h"
#include "heaps.h"
#include "supply.h"
#include "thread.h"

static struct winmem_heap_map map;
static _Atomic(struct winmem_heap *) process;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Protected by lock. */
static struct winmem_heap *first, *last;
static size_t nr_heaps;

/* Without the kernel's randomness the seal is still one, and still against accidents. */
static uint64_t heaps_key(void)
{
	struct timespec now;
	uint64_t key;
	int saved = errno;

	if (getrandom(&key, sizeof(key), GRND_NONBLOCK) != sizeof(key)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		key = (now.tv_nsec * UINT64_C(0x9e3779b97f4a7c15)) ^ (uintptr_t)&now;
	}
	errno = saved;
	return key;
}

static int heap_make(DWORD options, size_t initial, size_t maximum, struct winmem_heap **heap)
{
	bool execute = options & HEAP_CREATE_ENABLE_EXECUTE;
	const struct winmem_heap_config config = {
		.supply = execute ? &winmem_supply_code : &winmem_supply_data,
		.map = &map,
		.key = heaps_key(),
		.initial = initial,
		.maximum = maximum,
		.options = options,
	};
	int err = winmem_heap_create(&config, heap);

	/* No heap says whether it was memory or the right to it that was missing. */
	return err == EDQUOT ? ENOMEM : err;
}

/* List */

static void list_add(struct winmem_heap *heap, struct winmem_heap *prev, struct winmem_heap *next)
{
	struct winmem_heap_owner *owner = winmem_heap_owner(heap);

	owner->prev = prev;
	owner->next = next;
	if (prev)
		winmem_heap_owner(prev)->next = heap;
	else
		first = heap;
	if (next)
		winmem_heap_owner(next)->prev = heap;
	else
		last = heap;
	nr_heaps++;
}

static void list_remove(struct winmem_heap *heap)
{
	struct winmem_heap_owner *owner = winmem_heap_owner(heap);

	if (owner->prev)
		winmem_heap_owner(owner->prev)->next = owner->next;
	else
		first = owner->next;
	if (owner->next)
		winmem_heap_owner(owner->next)->prev = owner->prev;
	else
		last = owner->prev;
	nr_heaps--;
}

int winmem_heaps_create(DWORD options, size_t initial, size_t maximum, struct winmem_heap **heap)
{
	int err = heap_make(options, initial, maximum, heap);

	if (err)
		return err;
	pthread_mutex_lock(&lock);
	list_add(*heap, last, NULL);
	pthread_mutex_unlock(&lock);
	return 0;
}

/* Two threads may make one: the second finds the first one's and gives its own back. */
static int process_make(struct winmem_heap **heap)
{
	struct winmem_heap *mine, *theirs;
	int err = heap_make(0, 0, 0, &mine);

	if (err)
		return err;
	pthread_mutex_lock(&lock);
	theirs = process;
	if (!theirs) {
		list_add(mine, NULL, first);
		/* Pairs with the acquire in winmem_heaps_process(). */
		atomic_store_explicit(&process, mine, memory_order_release);
	}
	pthread_mutex_unlock(&lock);
	if (theirs)
		winmem_heap_destroy(mine);
	*heap = theirs ? theirs : mine;
	return 0;
}

int winmem_heaps_process(struct winmem_heap **heap)
{
	*heap = atomic_load_explicit(&process, memory_order_acquire);
	return *heap ? 0 : process_make(heap);
}

int winmem_heaps_destroy(struct winmem_heap *heap)
{
	bool found;

	/* One that was destroyed before has no memory any more. */
	if (IsBadReadPtr(heap, sizeof(uint64_t)))
		return EBADF;
	pthread_mutex_lock(&lock);
	found = winmem_heap_is(heap) && heap != process;
	if (found)
		list_remove(heap);
	pthread_mutex_unlock(&lock);
	if (!found)
		return EBADF;
	winmem_thread_clear(heap);
	winmem_heap_destroy(heap);
	return 0;
}

size_t winmem_heaps_list(HANDLE *handles, size_t nr)
{
	struct winmem_heap *heap;
	size_t all, i = 0;

	pthread_mutex_lock(&lock);
	for (heap = first; heap && i < nr; heap = winmem_heap_owner(heap)->next)
		handles[i++] = heap;
	all = nr_heaps;
	pthread_mutex_unlock(&lock);
	return all;
}

void winmem_heaps_tidy(void)
{
	struct winmem_heap *heap;

	pthread_mutex_lock(&lock);
	for (heap = first; heap; heap = winmem_heap_owner(heap)->next)
		winmem_heap_tidy(heap);
	pthread_mutex_unlock(&lock);
}

void winmem_heaps_leave(uint32_t self)
{
	struct winmem_heap *heap;

	pthread_mutex_lock(&lock);
	for (heap = first; heap; heap = winmem_heap_owner(heap)->next)
		winmem_heap_leave(heap, self);
	pthread_mutex_unlock(&lock);
}

static void heaps_in_child(void)
{
	lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
	process = first = last = NULL;
	nr_heaps = 0;
	winmem_heap_map_forget(&map);
}

__attribute__((constructor))
static void heaps_watch_fork(void)
{
	pthread_atfork(NULL, NULL, heaps_in_child);
}
