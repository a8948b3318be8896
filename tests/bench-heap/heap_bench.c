// SPDX-License-Identifier: GPL-2.0-only
/*
 * The allocator on the host beside malloc(3), which is whatever LD_PRELOAD says. To steer by while
 * working on it; what must hold is measured in the virtual machine.
 *
 *	heap_bench ours|malloc [case [rounds]]
 *
 * Prints nanoseconds per operation, the best of five rounds. Where other programs run as well,
 * instructions say more: callgrind counts them, with --toggle-collect=case_mixed and so on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "heap_core.h"

#define ROUNDS		5
#define WORKING_SET	4096
#define MILLION		1000000

/* Page calls with nothing around them. */

static int sys_reserve(void *ctx, size_t size, size_t align, void **addr)
{
	char *start = mmap(NULL, size + align, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *at = (char *)(((uintptr_t)start + align - 1) & ~(align - 1));

	(void)ctx;
	if (start == MAP_FAILED)
		return ENOMEM;
	if (at > start)
		munmap(start, at - start);
	if (align > (size_t)(at - start))
		munmap(at + size, align - (at - start));
	*addr = at;
	return 0;
}

static int sys_commit(void *ctx, void *addr, size_t size)
{
	(void)ctx;
	return mprotect(addr, size, PROT_READ | PROT_WRITE) ? errno : 0;
}

static int sys_decommit(void *ctx, void *addr, size_t size)
{
	(void)ctx;
	madvise(addr, size, MADV_DONTNEED);
	return mprotect(addr, size, PROT_NONE) ? errno : 0;
}

static void sys_release(void *ctx, void *addr, size_t size)
{
	(void)ctx;
	munmap(addr, size);
}

static void sys_wait(_Atomic uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void sys_wake(_Atomic uint32_t *word, unsigned int nr)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, nr, NULL, NULL, 0);
}

static void sys_damage(void *ctx, const void *heap, const void *addr)
{
	(void)ctx;
	fprintf(stderr, "heap %p: damage at %p\n", heap, addr);
	abort();
}

static const struct winmem_heap_supply supply = {
	.reserve = sys_reserve,
	.commit = sys_commit,
	.decommit = sys_decommit,
	.release = sys_release,
	.wait = sys_wait,
	.wake = sys_wake,
	.damage = sys_damage,
};

static struct winmem_heap_map map;
static struct winmem_heap *heap;
static bool ours;
static __thread uint32_t self __attribute__((tls_model("initial-exec")));

/* A program writes to what it allocates. */
static inline void *get(size_t size)
{
	uint64_t *data = ours ? winmem_heap_alloc(heap, self, size, 0) : malloc(size);

	*data = size;
	return data;
}

static inline void put(void *data)
{
	if (!ours)
		free(data);
	else if (winmem_heap_free(heap, self, data, 0))
		abort();
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 8;
}

/* A size and a place for each operation, made beforehand: drawing them is not measured. */
static uint16_t sizes[MILLION], places[MILLION];

static void draw(size_t least, size_t most, size_t nr_places)
{
	uint64_t seed = 88172645463325252;

	for (size_t i = 0; i < MILLION; i++) {
		sizes[i] = least + next_random(&seed) % (most - least + 1);
		places[i] = next_random(&seed) % nr_places;
	}
}

static void *slots[MILLION];

/* Replace one of a working set. */
__attribute__((noinline)) static double case_mixed(void)
{
	double start;

	draw(16, 1024, WORKING_SET);
	for (size_t i = 0; i < WORKING_SET; i++)
		slots[i] = get(sizes[i]);
	start = now();
	for (size_t i = 0; i < MILLION; i++) {
		put(slots[places[i]]);
		slots[places[i]] = get(sizes[i]);
	}
	start = now() - start;
	for (size_t i = 0; i < WORKING_SET; i++)
		put(slots[i]);
	return start / MILLION;
}

/* Allocate and free at once: the shortest way through. */
__attribute__((noinline)) static double case_pairs(void)
{
	double start;

	draw(16, 1024, 1);
	start = now();
	for (size_t i = 0; i < MILLION; i++) {
		char *data = get(sizes[i]);

		*data = 1;
		put(data);
	}
	return (now() - start) / MILLION;
}

/* A hundred at a time, freed in the order they came. */
__attribute__((noinline)) static double case_batches(void)
{
	void *batch[100];
	double start;

	draw(16, 1024, 1);
	start = now();
	for (size_t i = 0; i + 100 <= MILLION; i += 100) {
		for (size_t j = 0; j < 100; j++)
			batch[j] = get(sizes[i + j]);
		for (size_t j = 0; j < 100; j++)
			put(batch[j]);
	}
	return (now() - start) / MILLION;
}

static double churn(void)
{
	double start;

	draw(1024, 2048, WORKING_SET);
	for (size_t i = 0; i < WORKING_SET; i++)
		slots[i] = get(sizes[i]);
	start = now();
	for (size_t i = 0; i < MILLION; i++) {
		put(slots[places[i]]);
		slots[places[i]] = get(sizes[i]);
	}
	start = now() - start;
	for (size_t i = 0; i < WORKING_SET; i++)
		put(slots[i]);
	return start / MILLION;
}

__attribute__((noinline)) static double case_churn_fresh(void)
{
	return churn();
}

/* A million blocks, freed in random order but for some that stay, and then churn. */
__attribute__((noinline)) static double case_churn_after_million(void)
{
	static void *many[MILLION];
	uint64_t seed = 4101842887655102017;
	double result;

	draw(16, 1024, 1);
	for (size_t i = 0; i < MILLION; i++)
		many[i] = get(sizes[i]);
	for (size_t i = MILLION - 1; i; i--) {
		size_t j = next_random(&seed) % (i + 1);
		void *swap = many[i];

		many[i] = many[j];
		many[j] = swap;
	}
	for (size_t i = MILLION / 100; i < MILLION; i++)
		put(many[i]);
	result = churn();
	for (size_t i = 0; i < MILLION / 100; i++)
		put(many[i]);
	return result;
}

/* Large blocks that come and go among others. */
__attribute__((noinline)) static double case_large(void)
{
	double start;
	size_t nr = 100000;

	draw(9000, 65000, 256);
	for (size_t i = 0; i < 256; i++)
		slots[i] = get(sizes[i]);
	start = now();
	for (size_t i = 0; i < nr; i++) {
		put(slots[places[i]]);
		slots[places[i]] = get(sizes[i]);
	}
	start = now() - start;
	for (size_t i = 0; i < 256; i++)
		put(slots[i]);
	return start / nr;
}

/* Two threads; each replaces blocks of a set, and the sets change hands now and then. */
#define LARSON_SET	1000
#define LARSON_ROUNDS	50

static void *larson_set[2][LARSON_SET];
static pthread_barrier_t larson_barrier;

static void *larson_thread(void *arg)
{
	size_t me = (size_t)arg;
	size_t at = me * 500000;

	self = 2 + me;
	for (size_t round = 0; round < LARSON_ROUNDS; round++) {
		void **set = larson_set[(me + round) % 2];

		for (size_t i = 0; i < 500000 / LARSON_ROUNDS; i++, at++) {
			put(set[places[at % MILLION]]);
			set[places[at % MILLION]] = get(sizes[at % MILLION]);
		}
		pthread_barrier_wait(&larson_barrier);
	}
	if (ours)
		winmem_heap_leave(heap, self);
	return NULL;
}

__attribute__((noinline)) static double case_larson(void)
{
	pthread_t thread[2];
	double start;

	draw(16, 1024, LARSON_SET);
	for (size_t i = 0; i < 2 * LARSON_SET; i++)
		larson_set[i / LARSON_SET][i % LARSON_SET] = get(sizes[i]);
	pthread_barrier_init(&larson_barrier, NULL, 2);
	start = now();
	for (size_t i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, larson_thread, (void *)i);
	for (size_t i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	start = now() - start;
	pthread_barrier_destroy(&larson_barrier);
	for (size_t i = 0; i < 2 * LARSON_SET; i++)
		put(larson_set[i / LARSON_SET][i % LARSON_SET]);
	return start / MILLION;
}

static const struct {
	const char *name;
	double (*run)(void);
} cases[] = {
	{ "mixed", case_mixed },
	{ "pairs", case_pairs },
	{ "batches", case_batches },
	{ "larson", case_larson },
	{ "churn_fresh", case_churn_fresh },
	{ "churn_after_million", case_churn_after_million },
	{ "large", case_large },
};

static double one(double (*run)(void))
{
	const struct winmem_heap_config config = {
		.supply = &supply, .map = &map, .key = 0x5851f42d4c957f2d,
	};
	double took;

	self = 1;
	if (ours && winmem_heap_create(&config, &heap))
		abort();
	took = run();
	if (ours)
		winmem_heap_destroy(heap);
	return took;
}

int main(int argc, char **argv)
{
	int rounds = argc > 3 ? atoi(argv[3]) : ROUNDS;
	struct rusage usage;

	ours = argc > 1 && !strcmp(argv[1], "ours");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double best = 0;

		if (argc > 2 && strcmp(argv[2], cases[i].name))
			continue;
		for (int round = 0; round < rounds; round++) {
			double took = one(cases[i].run);

			best = !round || took < best ? took : best;
		}
		printf("%-24s %8.1f\n", cases[i].name, best);
	}
	getrusage(RUSAGE_SELF, &usage);
	printf("%-24s %8ld\n", "peak_kib", usage.ru_maxrss);
	return 0;
}
