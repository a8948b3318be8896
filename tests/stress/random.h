/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers that depend on the seed and the thread, and on nothing else (splitmix64). */
#ifndef WINMEM_TESTS_STRESS_RANDOM_H
#define WINMEM_TESTS_STRESS_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static inline void random_seed(struct random *random, uint64_t seed, unsigned int thread)
{
	random->state = seed * 1000003 + thread;
	random_next(random);
	random->state ^= random_next(random);
}

/* 0 to below - 1 */
static inline long random_below(struct random *random, long below)
{
	return random_next(random) % (uint64_t)below;
}

static inline bool random_percent(struct random *random, unsigned int percent)
{
	return random_below(random, 100) < (long)percent;
}

#define RANDOM_OF(random, array) \
	((array)[random_below(random, sizeof(array) / sizeof((array)[0]))])

#endif
