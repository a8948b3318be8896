// SPDX-License-Identifier: GPL-2.0-only
/* Page calls over mmap that watch over their use. See heap_supply.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "heap_supply.h"

#define PAGE		4096
#define MAX_RESERVED	4096

struct reservation {
	char *start;
	size_t size;
	char *mapping;
	size_t mapped;
	unsigned char *committed;	/* a byte for each page */
};

unsigned long shim_damage_found;
bool shim_damage_expected;
struct winmem_heap_map shim_map;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct reservation all[MAX_RESERVED];
static struct shim_supply_counts counts;
static unsigned long fail_at;
static bool fail_more;
static bool refuse;

static void check(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "heap supply: %s\n", what);
	abort();
}

static bool fails_now(void)
{
	counts.calls++;
	if (!fail_at)
		return false;
	if (fail_at == 1)
		return fail_more || !(fail_at = 0);
	fail_at--;
	return false;
}

static struct reservation *find(const char *addr, size_t size)
{
	for (int i = 0; i < MAX_RESERVED; i++) {
		if (all[i].size && addr >= all[i].start &&
		    addr + size <= all[i].start + all[i].size)
			return &all[i];
	}
	return NULL;
}

static struct reservation *unused(void)
{
	for (int i = 0; i < MAX_RESERVED; i++) {
		if (!all[i].size)
			return &all[i];
	}
	check(false, "too many reservations");
	return NULL;
}

static int reserve(void *ctx, size_t size, size_t align, void **addr)
{
	struct reservation *r;
	int err = ENOMEM;

	(void)ctx;
	check(size && !(size % WINMEM_HEAP_GRAIN), "a reservation is whole grains");
	check(align >= WINMEM_HEAP_GRAIN && !(align & (align - 1)), "alignment");
	pthread_mutex_lock(&mutex);
	if (fails_now())
		goto out;
	r = unused();
	r->mapped = size + align;
	r->mapping = mmap(NULL, r->mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			  -1, 0);
	if (r->mapping == MAP_FAILED)
		goto out;
	r->start = (char *)(((uintptr_t)r->mapping + align - 1) & ~(align - 1));
	r->size = size;
	r->committed = calloc(size / PAGE, 1);
	check(r->committed, "no memory for the test");
	counts.reservations++;
	counts.reserved += size;
	*addr = r->start;
	err = 0;
out:
	pthread_mutex_unlock(&mutex);
	return err;
}

/* Each page of it must be as it was, and becomes the opposite. */
static void flip(struct reservation *r, const char *addr, size_t size, bool committed)
{
	size_t first = (addr - r->start) / PAGE;

	for (size_t i = first; i < first + size / PAGE; i++) {
		check(r->committed[i] == !committed, committed ? "committed twice" :
		      "decommitted what is not committed");
		r->committed[i] = committed;
	}
	counts.committed += committed ? size : -size;
	if (counts.committed > counts.most_committed)
		counts.most_committed = counts.committed;
}

static int commit(void *ctx, void *addr, size_t size)
{
	struct reservation *r;
	int err = ENOMEM;

	(void)ctx;
	check(size && !((uintptr_t)addr % PAGE) && !(size % PAGE), "whole pages");
	pthread_mutex_lock(&mutex);
	r = find(addr, size);
	check(r, "commit outside of a reservation");
	if (!fails_now()) {
		flip(r, addr, size, true);
		err = mprotect(addr, size, PROT_READ | PROT_WRITE) ? errno : 0;
	}
	pthread_mutex_unlock(&mutex);
	return err;
}

static int decommit(void *ctx, void *addr, size_t size)
{
	struct reservation *r;
	int err = EBUSY;

	(void)ctx;
	check(size && !((uintptr_t)addr % PAGE) && !(size % PAGE), "whole pages");
	pthread_mutex_lock(&mutex);
	r = find(addr, size);
	check(r, "decommit outside of a reservation");
	if (!refuse) {
		flip(r, addr, size, false);
		madvise(addr, size, MADV_DONTNEED);
		err = mprotect(addr, size, PROT_NONE) ? errno : 0;
	}
	pthread_mutex_unlock(&mutex);
	return err;
}

static void release(void *ctx, void *addr, size_t size)
{
	struct reservation *r;

	(void)ctx;
	pthread_mutex_lock(&mutex);
	r = find(addr, 1);
	check(r && r->start == addr && r->size == size, "release of what was not reserved");
	for (size_t i = 0; i < size / PAGE; i++)
		counts.committed -= r->committed[i] ? PAGE : 0;
	munmap(r->mapping, r->mapped);
	free(r->committed);
	counts.reservations--;
	counts.reserved -= size;
	*r = (struct reservation){};
	pthread_mutex_unlock(&mutex);
}

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, unsigned int nr)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, nr, NULL, NULL, 0);
}

static void damage(void *ctx, const void *heap, const void *addr)
{
	(void)ctx;
	(void)heap;
	shim_damage_found++;
	if (!shim_damage_expected) {
		fprintf(stderr, "damage at %p\n", addr);
		abort();
	}
}

const struct winmem_heap_supply shim_supply = {
	.reserve = reserve,
	.commit = commit,
	.decommit = decommit,
	.release = release,
	.wait = futex_wait,
	.wake = futex_wake,
	.damage = damage,
};

void shim_supply_fail(unsigned long nth, bool more)
{
	fail_at = nth;
	fail_more = more;
}

void shim_supply_refuse_decommit(bool yes)
{
	refuse = yes;
}

struct shim_supply_counts shim_supply_counts(void)
{
	struct shim_supply_counts now;

	pthread_mutex_lock(&mutex);
	now = counts;
	pthread_mutex_unlock(&mutex);
	return now;
}

bool shim_supply_is_committed(const void *addr, size_t size)
{
	const char *byte = addr;
	struct reservation *r;
	bool all_are = true;

	pthread_mutex_lock(&mutex);
	for (; all_are && byte < (const char *)addr + size; byte += PAGE) {
		r = find(byte, 1);
		all_are = r && r->committed[(byte - r->start) / PAGE];
	}
	pthread_mutex_unlock(&mutex);
	return all_are;
}

struct winmem_heap *shim_heap(size_t initial, size_t maximum, uint32_t options)
{
	const struct winmem_heap_config config = {
		.supply = &shim_supply,
		.map = &shim_map,
		.key = UINT64_C(0x9d3c5a7b1f60e284),
		.initial = initial,
		.maximum = maximum,
		.options = options,
	};
	struct winmem_heap *heap = NULL;

	check(!winmem_heap_create(&config, &heap) && heap, "no heap");
	return heap;
}

void shim_heap_end(struct winmem_heap *heap)
{
	struct shim_supply_counts now;

	winmem_heap_destroy(heap);
	winmem_heap_map_drop(&shim_map, &shim_supply);
	now = shim_supply_counts();
	check(!now.reservations && !now.reserved && !now.committed, "something was not released");
}
