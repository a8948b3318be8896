// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz [--seconds N] [--seed N [--steps N]]: the supervisor. Workers live for some thousand
 * calls each and then exit in the middle of what they have, and others follow; so a worker
 * that has cut off its own branch costs nothing. Each has a seed of its own, made from the
 * first one and its number.
 *
 * With --seed one worker of one thread runs alone, --steps calls long: the same seed makes
 * the same calls again, only the addresses that the kernel chooses are others.
 *
 * Ends with `N passed, N failed`: workers that came to an end, and what was wrong.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STEPS		4000	/* of each thread of a worker */
#define REPORT_SECONDS	30
#define HANG_SECONDS	60

static struct stats *stats;
static uint64_t seed;
static unsigned long steps = STEPS, seconds = 60, started, ended, died;
static bool single;

/* The workers at work, by slot. */
static struct {
	pid_t pid;
	unsigned long beats;
	double beat_at;		/* when beats was last seen to change */
} slots[NR_WORKERS];

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void start(unsigned int slot)
{
	uint64_t mine = single ? seed : seed + ++started * 1000003;
	struct worker *worker;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid) {
		slots[slot].pid = pid;
		slots[slot].beat_at = now();
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	worker = calloc(1, sizeof(*worker));
	if (!worker)
		_exit(2);
	worker->stats = stats;
	worker->slot = slot;
	/* The second worker is there for a second space. */
	worker->threads = single || slot ? 1 : NR_THREADS;
	worker->steps = steps;
	worker->seed = mine;
	_exit(worker_run(worker));
}

static void finish(unsigned int slot, int status)
{
	slots[slot].pid = 0;
	if (WIFEXITED(status) && !WEXITSTATUS(status)) {
		ended++;
	} else if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS)) {
		/* It has unmapped what it needs itself. */
		died++;
	} else if (!WIFEXITED(status) || WEXITSTATUS(status) != 3) {
		printf("not ok - a worker ended with status %#x\n", status);
		atomic_fetch_add(&stats->failed, 1);
	}
}

static void print_file(const char *path)
{
	char text[4096];
	FILE *file = fopen(path, "re");
	size_t length = file ? fread(text, 1, sizeof(text), file) : 0;

	printf("# %s\n%.*s\n", path, (int)length, text);
	if (file)
		fclose(file);
}

/* A worker that makes no call any more hangs in the last one. */
static void watch(unsigned int slot)
{
	unsigned long beats = stats->beats[slot];
	char path[64];

	if (beats != slots[slot].beats) {
		slots[slot].beats = beats;
		slots[slot].beat_at = now();
	}
	if (now() - slots[slot].beat_at < HANG_SECONDS)
		return;
	printf("not ok - a worker has made no call for %d s\n", HANG_SECONDS);
	snprintf(path, sizeof(path), "/proc/%d/wchan", slots[slot].pid);
	print_file(path);
	snprintf(path, sizeof(path), "/proc/%d/status", slots[slot].pid);
	print_file(path);
	atomic_fetch_add(&stats->failed, 1);
	kill(slots[slot].pid, SIGKILL);
	slots[slot].beat_at = now();
}

static unsigned long calls(void)
{
	unsigned long sum = 0;

	for (unsigned int nr = 0; nr < NR_CALLS; nr++)
		for (unsigned int err = 0; err < NR_ERRNOS; err++)
			sum += stats->results[nr][err];
	return sum;
}

static void report(double since)
{
	printf("fuzz: %.0f s, %lu ioctls, %.0f a second, %lu other calls, %lu touches, %lu quiet moments, %lu workers, %lu died\n",
	       now() - since, calls(), calls() / (now() - since), stats->noise, stats->faults,
	       stats->quiet, ended, died);
	fflush(stdout);
}

static void collect(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned int slot = 0; slot < NR_WORKERS; slot++)
			if (slots[slot].pid == pid)
				finish(slot, status);
}

static void supervise(unsigned int nr)
{
	double begin = now(), reported = begin;
	bool busy = true;

	while (busy) {
		bool more = now() - begin < seconds && !stats->failed && !(single && started);

		busy = false;
		stats->over = !more && !single;
		for (unsigned int slot = 0; slot < nr; slot++) {
			if (slots[slot].pid)
				watch(slot);
			else if (more)
				start(slot);
			busy |= slots[slot].pid;
		}
		if (single)
			started = 1;
		usleep(20000);
		collect();
		if (now() - reported >= REPORT_SECONDS) {
			reported = now();
			report(begin);
		}
	}
	report(begin);
}

/* How often each call has ended in each way: a call that never did is not tested. */
static void histogram(void)
{
	for (unsigned int nr = 0; nr < NR_CALLS; nr++) {
		unsigned long failed = 0;

		printf("%-9s", call_name(nr));
		for (unsigned int err = 0; err < NR_ERRNOS; err++) {
			if (!stats->results[nr][err])
				continue;
			printf(" %s %lu", err ? strerrorname_np(err) : "ok", stats->results[nr][err]);
			failed += err ? stats->results[nr][err] : 0;
		}
		putchar('\n');
		if (single || stats->failed || (failed && (stats->results[nr][0] || nr == NR_CALLS - 1)))
			continue;
		printf("not ok - %s has not both succeeded and failed\n", call_name(nr));
		atomic_fetch_add(&stats->failed, 1);
	}
}

static unsigned long number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 0);

	if (*end || end == text) {
		fprintf(stderr, "fuzz: not a number: %s\n", text);
		exit(2);
	}
	return value;
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'r' },
		{ "steps", required_argument, NULL, 'n' }, { }
	};
	int option;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = time(NULL);
	seed &= 0xffffffff;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 's':
			seconds = number(optarg);
			break;
		case 'r':
			seed = number(optarg);
			single = true;
			break;
		case 'n':
			steps = number(optarg);
			break;
		default:
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	stats = mmap(NULL, sizeof(*stats), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (stats == MAP_FAILED) {
		perror("fuzz: mmap");
		return 2;
	}
	printf("fuzz: seed %#llx\n", (unsigned long long)seed);
	supervise(single ? 1 : NR_WORKERS);
	histogram();
	printf("%lu passed, %lu failed\n", ended, stats->failed);
	return stats->failed || !ended;
}
