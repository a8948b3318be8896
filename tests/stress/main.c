// SPDX-License-Identifier: GPL-2.0-only
/*
 * stress: random calls of the whole library from several threads, checked against a model.
 *
 *	stress [--duration SECONDS] [--seed N] [--thread K] [--steps M] [--pressure] [--trace]
 *
 * --seed: the same numbers again; without it the clock's. --thread: only this thread, with
 * --steps up to a step: threads with regions of their own do exactly the same again. All
 * threads meet after each ROUND steps, and everything is checked. --pressure: with more
 * memory than the machine has, which needs swap. --trace: print every operation.
 *
 * Ends with `N passed, N failed`; the status is 1 when something failed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/winmem.h>

#include "limit.h"
#include "pressure.h"
#include "touch.h"
#include "worker.h"

#define PROGRESS	30

static struct options options = { .duration = 60, .thread = -1 };
static struct worker workers[MAX_WORKERS];
static unsigned int nr_workers;
static pthread_barrier_t meeting;
static time_t begun, told;
static bool over;

/* Which threads there are, first to last. */
static const struct {
	const struct kind *kind;
	unsigned int nr;
} crew[] = {
	{ &alone_kind, 4 }, { &shared_kind, 3 }, { &chaos_kind, 2 },
};

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static void print_sums(const char *what)
{
	unsigned long steps = 0, checks = 0, dropped = 0;

	for (unsigned int i = 0; i < nr_workers; i++) {
		steps += workers[i].step;
		checks += workers[i].checks;
		dropped += workers[i].dropped;
	}
	printf("%s: %ld s, %lu operations, %lu checks; %lu KiB were dropped after a reset\n", what,
	       (long)(now() - begun), steps, checks, dropped * CELL / 1024);
	fflush(stdout);
}

/* The charge is what is committed, of all threads together. Nobody works now. */
static void check_charge(struct worker *worker)
{
	unsigned long pages = 0, charge;

	for (unsigned int i = 0; i < nr_workers; i++)
		pages += workers[i].kind->committed(&workers[i]);
	charge = limit_charge();
	CHECK(worker, charge == pages * PAGE, "the charge is %lu pages, and %lu are committed",
	      charge / PAGE, pages);
}

/* What one thread does for all while the others wait. */
static void meet(struct worker *worker)
{
	time_t time = now();

	check_charge(worker);
	limit_check(worker);
	if (time >= told + PROGRESS) {
		told = time;
		print_sums("stress");
	}
	over = options.steps ? worker->step >= options.steps :
			       time - begun >= (time_t)options.duration;
}

static bool is_my_turn(const struct worker *worker)
{
	return !options.steps || worker->step < options.steps;
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	int round = options.pressure ? ROUND_PRESSED : ROUND;

	while (!over) {
		for (int i = 0; i < round && is_my_turn(worker); i++) {
			worker->last[worker->step % LAST_OPS][0] = '\0';
			worker->kind->step(worker);
			worker->step++;
		}
		/* Before the check brings all of it back. */
		if (pthread_barrier_wait(&meeting) == PTHREAD_BARRIER_SERIAL_THREAD)
			pressure_look();
		pthread_barrier_wait(&meeting);
		worker->kind->check(worker);
		if (pthread_barrier_wait(&meeting) == PTHREAD_BARRIER_SERIAL_THREAD)
			meet(worker);
		pthread_barrier_wait(&meeting);
	}
	return NULL;
}

static void hire(const struct kind *kind, unsigned int number, unsigned int index)
{
	struct worker *worker;

	if (options.thread >= 0 && number != options.thread)
		return;
	worker = &workers[nr_workers++];
	worker->kind = kind;
	worker->options = &options;
	worker->number = number;
	worker->index = index;
	random_seed(&worker->random, options.seed, number);
	worker->data = kind->start(worker);
}

static void hire_all(void)
{
	unsigned int number = 0;

	for (size_t i = 0; i < sizeof(crew) / sizeof(crew[0]); i++)
		for (unsigned int j = 0; j < crew[i].nr; j++)
			hire(crew[i].kind, number++, j);
	if (!nr_workers) {
		fprintf(stderr, "stress: there is no thread %ld\n", options.thread);
		exit(2);
	}
}

static void work_all(void)
{
	pthread_t threads[MAX_WORKERS];

	pthread_barrier_init(&meeting, NULL, nr_workers);
	for (unsigned int i = 0; i < nr_workers; i++) {
		if (pthread_create(&threads[i], NULL, work, &workers[i])) {
			perror("stress: pthread_create");
			exit(1);
		}
	}
	for (unsigned int i = 0; i < nr_workers; i++)
		pthread_join(threads[i], NULL);
}

static unsigned long number(const char *text)
{
	char *end;
	unsigned long value = text ? strtoul(text, &end, 0) : 0;

	if (!text || *end || !*text) {
		fprintf(stderr, "stress: a number is wanted, not %s\n", text ? text : "nothing");
		exit(2);
	}
	return value;
}

static void parse_options(char **argv)
{
	options.seed = time(NULL);
	while (*++argv) {
		if (!strcmp(*argv, "--pressure")) {
			options.pressure = true;
		} else if (!strcmp(*argv, "--trace")) {
			options.trace = true;
		} else if (!strcmp(*argv, "--duration")) {
			options.duration = number(*++argv);
		} else if (!strcmp(*argv, "--seed")) {
			options.seed = number(*++argv);
		} else if (!strcmp(*argv, "--thread")) {
			options.thread = number(*++argv);
		} else if (!strcmp(*argv, "--steps")) {
			options.steps = number(*++argv);
		} else {
			fprintf(stderr, "stress: unknown option %s\n", *argv);
			exit(2);
		}
	}
}

int main(int argc __attribute__((unused)), char **argv)
{
	int passed, failed = 0;

	parse_options(argv);
	printf("stress: seed %llu%s\n", (unsigned long long)options.seed,
	       options.pressure ? ", under pressure" : "");
	fflush(stdout);
	touch_init();
	if (options.pressure)
		pressure_begin();
	limit_init();
	hire_all();
	begun = told = now();
	work_all();

	print_sums("done");
	for (unsigned int i = 0; i < nr_workers; i++)
		printf("ok - %s thread %u, %lu steps, %lu checks\n", workers[i].kind->name,
		       workers[i].number, workers[i].step, workers[i].checks);
	passed = nr_workers;
	if (options.pressure) {
		failed = !pressure_end();
		passed += !failed;
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed;
}
