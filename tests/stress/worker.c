// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "worker.h"

/*
 * Windows are placed from 4 GiB up and from the program's own mappings down; neither gets
 * here. The kernel fills its first window of 1 GiB from below; the second half is ours.
 */
#define PLACE_FAR	0x500000000000UL
#define PLACE_STEP	(64UL << 20)
#define PLACE_KEPT	(512UL << 20)

static pthread_mutex_t fail_lock = PTHREAD_MUTEX_INITIALIZER;

void worker_note(struct worker *worker, const char *format, ...)
{
	char *line = worker->last[worker->step % LAST_OPS];
	va_list args;
	int length;

	length = snprintf(line, sizeof(worker->last[0]), "%lu: ", worker->step);
	va_start(args, format);
	vsnprintf(line + length, sizeof(worker->last[0]) - length, format, args);
	va_end(args);
	if (worker->options->trace)
		printf("%u: %s\n", worker->number, line);
}

static void print_replay(const struct worker *worker)
{
	const char *command = getenv("WINMEM_STRESS_COMMAND");

	printf("replay: %s --seed %llu", command ? command : "stress",
	       (unsigned long long)worker->options->seed);
	/* The others' answers depend on who was faster; the seed is all that can be kept. */
	if (worker->kind == &alone_kind)
		printf(" --thread %u --steps %lu", worker->number, worker->step + 1);
	printf("\n");
}

void worker_fail(struct worker *worker, const char *format, ...)
{
	va_list args;

	/* The first one tells; it does not let go. */
	pthread_mutex_lock(&fail_lock);
	printf("not ok - %s thread %u, seed %llu, step %lu: ", worker->kind->name, worker->number,
	       (unsigned long long)worker->options->seed, worker->step);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\nits last operations:\n");
	for (unsigned long i = 1; i <= LAST_OPS; i++)
		if (worker->last[(worker->step + i) % LAST_OPS][0])
			printf("  %s\n", worker->last[(worker->step + i) % LAST_OPS]);
	print_replay(worker);
	printf("0 passed, 1 failed\n");
	fflush(stdout);
	_exit(1);
}

unsigned long worker_place(unsigned int number, bool kept)
{
	static unsigned long first;

	if (!kept)
		return PLACE_FAR + number * PLACE_STEP;
	/* Before any thread begins: nothing else has been placed yet. */
	if (!first) {
		void *base = VirtualAlloc(NULL, GRAN, MEM_RESERVE, PAGE_NOACCESS);

		if (!base || !VirtualFree(base, 0, MEM_RELEASE)) {
			fprintf(stderr, "stress: VirtualAlloc: error %u\n", GetLastError());
			exit(1);
		}
		first = (unsigned long)base;
	}
	return first + PLACE_KEPT + number * PLACE_STEP;
}
