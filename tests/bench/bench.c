// SPDX-License-Identifier: GPL-2.0-only
/*
 * What winmem's calls cost, in instructions, and what the same costs without winmem.
 *
 * To be run in a virtual machine whose time is the number of instructions it has executed
 * (tests/bench/run starts it), where the time stamp counter counts them. Prints on stdout
 *
 *	case,subject,unit,median,min,max
 *
 * a row for each case and subject, and lines that begin with # for what a row cannot say.
 *
 * Each sample is taken by an execution of its own, after a shorter run of the same case
 * there. So each has a new layout of its address space, which is random as usual: what mmap
 * and mprotect cost can double with where the mappings happen to lie.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include "bench.h"

#define SAMPLES		15	/* at most; fewer when they hardly differ, or are long */
#define SAMPLES_ALIKE	5
#define SAMPLES_LONG	3
#define ALIKE		1.01	/* the greatest to the least */
#define LONG		100000	/* times, pages or other regions, from which on a case is long */

/* bench SAMPLE CASE FD: how it calls itself. */
#define SAMPLE		"--sample"
/* bench REPEAT CASE SUBJECT: samples of it for ever, for tests/bench/profile. */
#define REPEAT		"--repeat"

void bench_check(int error, const char *what)
{
	if (error)
		errx(1, "%s: %s", what, strerror(error));
}

void bench_start(struct bench_run *run)
{
	run->started = __rdtsc();
}

void bench_stop(struct bench_run *run, uint64_t calls)
{
	run->count += __rdtsc() - run->started;
	run->calls += calls;
}

/* A loop of which we know how many instructions it has. */
static double ticks_per_instruction(void)
{
	unsigned long turns = 1000000;
	uint64_t start = __rdtsc();

	asm volatile("1:	dec	%0\n"
		     "	jnz	1b" : "+r" (turns) : : "cc");
	return (__rdtsc() - start) / 2e6;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* The counter must count instructions, but for an interrupt now and then. */
static void check_clock(void)
{
	double ticks[5];

	for (int i = 0; i < 5; i++)
		ticks[i] = ticks_per_instruction();
	qsort(ticks, 5, sizeof(*ticks), compare);
	if (ticks[2] < 0.99 || ticks[2] > 1.02)
		errx(1, "%.2f ticks of the time stamp counter an instruction, not 1", ticks[2]);
}

/*
 * Other reservations, that stay. Each has its first page committed: without that mmap would
 * have one mapping for all of them.
 */
static void gather(const struct bench_case *bench)
{
	for (unsigned long i = 0; i < bench->crowd; i++) {
		char *addr = bench->memory->reserve(2 * BENCH_PIECE);

		if (!addr)
			err(1, "cannot reserve the %luth of %lu", i, bench->crowd);
		must(bench->memory->commit(addr, BENCH_PAGE));
	}
}

/* In a process that has done nothing else. */
static void take_sample(const struct bench_case *bench, int fd)
{
	struct bench_run warm_up = {
		.memory = bench->memory,
		.nr = bench->nr,
		.warm_up = true,
	};
	struct bench_run run = { .memory = bench->memory, .nr = bench->nr };

	gather(bench);
	bench->run(&warm_up);
	bench->run(&run);
	if (write(fd, &run, sizeof(run)) != sizeof(run))
		err(1, "write");
}

static void exec_sample(size_t nr, int fd)
{
	char nr_text[24], fd_text[24];

	snprintf(nr_text, sizeof(nr_text), "%zu", nr);
	snprintf(fd_text, sizeof(fd_text), "%d", fd);
	execl("/proc/self/exe", "bench", SAMPLE, nr_text, fd_text, NULL);
	err(1, "exec");
}

static void fork_sample(size_t nr, struct bench_run *run)
{
	int status, fds[2];
	ssize_t got;
	pid_t pid;

	if (pipe(fds))
		err(1, "pipe");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid)
		exec_sample(nr, fds[1]);
	close(fds[1]);
	got = read(fds[0], run, sizeof(*run));
	close(fds[0]);
	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	if (status || got != sizeof(*run) || !run->calls)
		errx(1, "%s of %s failed", bench_cases[nr].name, bench_cases[nr].subject);
}

/* Where the subject gave up, if it did. */
static void print_failure(const struct bench_case *bench, const struct bench_run *run)
{
	if (!run->failed_at)
		return;
	printf("# %s, %s: ENOMEM at page %llu of %lu; the row is for the %llu calls before\n",
	       bench->name, bench->subject, (unsigned long long)run->failed_at, bench->nr,
	       (unsigned long long)run->calls);
}

static bool is_long(const struct bench_case *bench)
{
	return bench->nr >= LONG || bench->crowd >= LONG || bench->is_long;
}

/* In order afterwards; how many. *run is the last of them. */
static unsigned int take_samples(size_t nr, double values[SAMPLES], struct bench_run *run)
{
	unsigned int wanted = is_long(&bench_cases[nr]) ? SAMPLES_LONG : SAMPLES_ALIKE;

	for (unsigned int i = 0; i < wanted; i++) {
		fork_sample(nr, run);
		values[i] = (double)run->count / run->calls;
		if (i + 1 < wanted)
			continue;
		qsort(values, wanted, sizeof(*values), compare);
		if (wanted == SAMPLES_ALIKE && values[i] > ALIKE * values[0])
			wanted = SAMPLES;
	}
	return wanted;
}

static void run_case(size_t nr)
{
	const struct bench_case *bench = &bench_cases[nr];
	int digits = bench->unit ? 3 : 1;
	struct bench_run run;
	double values[SAMPLES];
	unsigned int samples;

	if (bench->memory->supported && !bench->memory->supported())
		return;
	fprintf(stderr, "bench: %s, %s\n", bench->name, bench->subject);
	samples = take_samples(nr, values, &run);
	printf("%s,%s,%s,%.*f,%.*f,%.*f\n", bench->name, bench->subject,
	       bench->unit ? bench->unit : "instructions per operation",
	       digits, values[samples / 2], digits, values[0], digits, values[samples - 1]);
	print_failure(bench, &run);
	fflush(stdout);
}

/* What the peer of query reads grows with this. */
static void print_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int c, lines = 0;

	if (!maps)
		err(1, "/proc/self/maps");
	while ((c = getc(maps)) != EOF)
		lines += c == '\n';
	fclose(maps);
	printf("# query: the process has %d mappings\n", lines);
	fflush(stdout);
}

static void repeat(const char *name, const char *subject)
{
	struct bench_run run;

	for (size_t i = 0; i < bench_nr_cases; i++) {
		while (!strcmp(bench_cases[i].name, name) && !strcmp(bench_cases[i].subject, subject))
			fork_sample(i, &run);
	}
	errx(1, "there is no case %s of %s", name, subject);
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
	if (argc == 4 && !strcmp(argv[1], SAMPLE)) {
		take_sample(&bench_cases[atoi(argv[2])], atoi(argv[3]));
		return 0;
	}

	if (argc == 4 && !strcmp(argv[1], REPEAT))
		repeat(argv[2], argv[3]);

	check_clock();
	print_mappings();
	for (size_t i = 0; i < bench_nr_cases; i++) {
		if (is_wanted(bench_cases[i].name, argc, argv))
			run_case(i);
	}
	return 0;
}
