// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two threads of one process, on two CPUs: how much one is held up by the other. Times, of
 * which only ratios are told. Each is of the least of a few runs to the least of others, which
 * take turns: whatever else the host does makes a run longer, never shorter.
 *
 *	bench-threads [CASE...]
 *
 * Prints rows as bench.c does.
 */
#define _GNU_SOURCE
#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

#define SAMPLES		5
#define RUNS		5
/* Too small for huge pages. */
#define REGIONS		8
#define REGION		BENCH_MEGABYTE

static const struct {
	const char *name;
	const struct bench_memory *memory;
} subjects[] = {
	{ "winmem", &bench_winmem },
	{ "anonymous_4k", &bench_anonymous },
};

#define NR_SUBJECTS	(sizeof(subjects) / sizeof(*subjects))

struct thread {
	pthread_t id;
	int cpu;
	const struct bench_memory *memory;
	char *region[REGIONS];
};

static atomic_bool going, stop;

void bench_check(int error, const char *what)
{
	if (error)
		errx(1, "%s: %s", what, strerror(error));
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static char *make_region(const struct bench_memory *memory)
{
	char *addr = memory->reserve(REGION);

	if (!addr)
		err(1, "cannot reserve");
	must(memory->commit(addr, REGION));
	return addr;
}

static void touch(char *addr)
{
	for (size_t i = 0; i < REGION; i += BENCH_PAGE)
		*(volatile char *)(addr + i) = 1;
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "sched_setaffinity");
}

static void *toucher(void *arg)
{
	struct thread *thread = arg;

	stay_on(thread->cpu);
	for (size_t i = 0; i < REGIONS; i++)
		touch(thread->region[i]);
	return NULL;
}

/* A page in a region of its own is read-only and writable by turns. */
static void *protector(void *arg)
{
	struct thread *thread = arg;
	char *page = thread->region[0] + REGION / 2;

	stay_on(thread->cpu);
	touch(thread->region[0]);
	while (!atomic_load(&stop)) {
		must(thread->memory->protect(page, BENCH_PAGE, false));
		must(thread->memory->protect(page, BENCH_PAGE, true));
		atomic_store(&going, true);
	}
	return NULL;
}

static void prepare(struct thread *thread, const struct bench_memory *memory, int cpu)
{
	thread->memory = memory;
	thread->cpu = cpu;
	for (size_t i = 0; i < REGIONS; i++)
		thread->region[i] = make_region(memory);
}

static void finish(struct thread *thread)
{
	for (size_t i = 0; i < REGIONS; i++)
		must(thread->memory->release(thread->region[i], REGION));
}

static void start(struct thread *thread, void *(*work)(void *))
{
	must(pthread_create(&thread->id, NULL, work, thread));
}

/* How long so many threads take, each with pages of its own. */
static double time_touch(const struct bench_memory *memory, int nr)
{
	struct thread thread[2];
	double began;

	for (int i = 0; i < nr; i++)
		prepare(&thread[i], memory, i);
	began = now();
	for (int i = 0; i < nr; i++)
		start(&thread[i], toucher);
	for (int i = 0; i < nr; i++)
		must(pthread_join(thread[i].id, NULL));
	began = now() - began;
	for (int i = 0; i < nr; i++)
		finish(&thread[i]);
	return began;
}

static double touch_alone(const struct bench_memory *memory)
{
	return time_touch(memory, 1);
}

static double touch_together(const struct bench_memory *memory)
{
	return time_touch(memory, 2);
}

static double touch_beside_protect(const struct bench_memory *memory)
{
	struct thread other;
	double took;

	prepare(&other, memory, 1);
	atomic_store(&stop, false);
	atomic_store(&going, false);
	start(&other, protector);
	while (!atomic_load(&going))
		sched_yield();
	took = time_touch(memory, 1);
	atomic_store(&stop, true);
	must(pthread_join(other.id, NULL));
	finish(&other);
	return took;
}

static const struct {
	const char *name;
	double (*run)(const struct bench_memory *memory);
} cases[] = {
	{ "touch_two_threads", touch_together },
	{ "touch_beside_protect", touch_beside_protect },
};

#define NR_CASES	(sizeof(cases) / sizeof(*cases))

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double least(double a, double b)
{
	return !a || b < a ? b : a;
}

static double sample(size_t nr, const struct bench_memory *memory)
{
	double alone = 0, took = 0;

	for (int i = 0; i < RUNS; i++) {
		alone = least(alone, touch_alone(memory));
		took = least(took, cases[nr].run(memory));
	}
	return took / alone;
}

static void run_case(size_t nr)
{
	double values[NR_SUBJECTS][SAMPLES];

	fprintf(stderr, "bench: %s\n", cases[nr].name);
	for (size_t i = 0; i < SAMPLES; i++) {
		for (size_t j = 0; j < NR_SUBJECTS; j++)
			values[j][i] = sample(nr, subjects[j].memory);
	}
	for (size_t j = 0; j < NR_SUBJECTS; j++) {
		qsort(values[j], SAMPLES, sizeof(double), compare);
		printf("%s,%s,ratio,%.3f,%.3f,%.3f\n", cases[nr].name, subjects[j].name,
		       values[j][SAMPLES / 2], values[j][0], values[j][SAMPLES - 1]);
	}
	fflush(stdout);
}

/* All cases, or those whose names begin with an argument. */
static bool is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strncmp(name, argv[i], strlen(argv[i])))
			return true;
	}
	return argc < 2;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < NR_CASES; i++) {
		if (is_wanted(cases[i].name, argc, argv))
			run_case(i);
	}
	return 0;
}
