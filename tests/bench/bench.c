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

#define SAMPLES		15
#define SAMPLES_LONG	3
#define LONG		100000	/* times or pages, from which on a case is long */

struct bench_case {
	const char *name;
	const char *subject;
	const struct bench_memory *memory;
	void (*run)(struct bench_run *run);
	unsigned long nr;
};

/*
 * The loops are so long that a sample has several timer interrupts, which come every four
 * million instructions.
 */
static const struct bench_case cases[] = {
	{ "loop_overhead", "none", &bench_none, bench_loop, 50000 },
	{ "noop_ioctl", "winmem", &bench_winmem, bench_loop, 20000 },
	{ "noop_ioctl", "enotty", &bench_enotty, bench_loop, 20000 },
	{ "noop_ioctl", "getppid", &bench_getppid, bench_loop, 40000 },

	{ "reserve_release_1m", "winmem", &bench_winmem, bench_reserve_release, 2000 },
	{ "reserve_release_1m", "libwinmem", &bench_libwinmem, bench_reserve_release, 2000 },
	{ "reserve_release_1m", "mmap", &bench_mmap, bench_reserve_release, 1000 },

	{ "commit_64k", "winmem", &bench_winmem, bench_commit, 4096 },
	{ "commit_64k", "libwinmem", &bench_libwinmem, bench_commit, 4096 },
	{ "commit_64k", "mprotect", &bench_anonymous, bench_commit, 4096 },
	{ "commit_64k", "mprotect_noreserve", &bench_noreserve, bench_commit, 4096 },
	{ "commit_64k_scattered", "winmem", &bench_winmem, bench_commit_scattered, 2048 },
	{ "commit_64k_scattered", "mprotect", &bench_anonymous, bench_commit_scattered, 2048 },

	{ "decommit_64k", "winmem", &bench_winmem, bench_decommit, 256 },
	{ "decommit_64k", "libwinmem", &bench_libwinmem, bench_decommit, 256 },
	{ "decommit_64k", "madvise", &bench_anonymous, bench_decommit, 256 },
	{ "decommit_64k", "madvise_mprotect", &bench_discard, bench_decommit, 256 },
	{ "decommit_64k_untouched", "winmem", &bench_winmem, bench_decommit_empty, 4096 },
	{ "decommit_64k_untouched", "madvise", &bench_anonymous, bench_decommit_empty, 4096 },
	{ "decommit_64k_untouched", "madvise_mprotect", &bench_discard, bench_decommit_empty,
	  4096 },

	{ "protect_page", "winmem", &bench_winmem, bench_protect_page, 2000 },
	{ "protect_page", "libwinmem", &bench_libwinmem, bench_protect_page, 2000 },
	{ "protect_page", "mprotect", &bench_anonymous, bench_protect_page, 1000 },
	{ "protect_page_write", "winmem", &bench_winmem, bench_protect_page_write, 2000 },
	{ "protect_page_write", "mprotect", &bench_anonymous, bench_protect_page_write, 1000 },

	{ "protect_alternate_1k", "winmem", &bench_winmem, bench_alternate, 1000 },
	{ "protect_alternate_1k", "libwinmem", &bench_libwinmem, bench_alternate, 1000 },
	{ "protect_alternate_1k", "mprotect", &bench_anonymous, bench_alternate, 1000 },
	{ "protect_alternate_1k_touched", "winmem", &bench_winmem, bench_alternate_touched, 1000 },
	{ "protect_alternate_1k_touched", "mprotect", &bench_anonymous, bench_alternate_touched,
	  1000 },
	{ "protect_alternate_100k", "winmem", &bench_winmem, bench_alternate, 100000 },
	{ "protect_alternate_100k", "mprotect", &bench_anonymous, bench_alternate, 100000 },
	{ "protect_alternate_1m", "winmem", &bench_winmem, bench_alternate, 1000000 },
	{ "protect_alternate_1m", "mprotect", &bench_anonymous, bench_alternate, 1000000 },

	{ "query", "winmem", &bench_winmem, bench_query, 10000 },
	{ "query", "libwinmem", &bench_libwinmem, bench_query, 10000 },
	{ "query", "maps", &bench_mmap, bench_query, 400 },
	{ "query_reserved", "winmem", &bench_winmem, bench_query_reserved, 10000 },
	{ "query_uniform", "winmem", &bench_winmem, bench_query_uniform, 10000 },
	{ "query_alternate", "winmem", &bench_winmem, bench_query_alternate, 10000 },
	{ "query_free", "winmem", &bench_winmem, bench_query_free, 10000 },
	{ "query_other", "winmem", &bench_winmem, bench_query_other, 10000 },

	{ "first_touch_page", "winmem", &bench_winmem, bench_touch, 4096 },
	{ "first_touch_page", "anonymous_4k", &bench_anonymous, bench_touch, 4096 },
	{ "first_touch_page", "memfd", &bench_memfd, bench_touch, 4096 },
	{ "first_touch_page_scattered", "winmem", &bench_winmem, bench_touch_scattered, 4096 },
	{ "first_touch_page_scattered", "anonymous_4k", &bench_anonymous, bench_touch_scattered,
	  4096 },
	{ "first_touch_page_scattered", "memfd", &bench_memfd, bench_touch_scattered, 4096 },

	{ "release_page", "winmem", &bench_winmem, bench_release_page, 4096 },
	{ "release_page", "anonymous_4k", &bench_anonymous, bench_release_page, 4096 },
	{ "release_page", "memfd", &bench_memfd, bench_release_page, 4096 },

	{ "watch_get_reset", "winmem", &bench_winmem_watch, bench_watch_dirty, 8 },
	{ "watch_get_reset", "mprotect_sigsegv", &bench_mprotect_watch, bench_watch_dirty, 1 },
	{ "watch_get_reset", "userfaultfd", &bench_uffd_watch, bench_watch_dirty, 1 },
	{ "watch_get_reset", "pagemap_scan", &bench_scan_watch, bench_watch_dirty, 8 },

	{ "watch_rewrite", "winmem", &bench_winmem_watch, bench_watch_rewrite, 4 },
	{ "watch_rewrite", "mprotect_sigsegv", &bench_mprotect_watch, bench_watch_rewrite, 1 },
	{ "watch_rewrite", "userfaultfd", &bench_uffd_watch, bench_watch_rewrite, 1 },
	{ "watch_rewrite", "pagemap_scan", &bench_scan_watch, bench_watch_rewrite, 4 },

	{ "handled_fault", "winmem", &bench_libwinmem_handled, bench_handled_fault, 1024 },
	{ "handled_fault", "mprotect_sigsegv", &bench_mprotect_handled, bench_handled_fault, 1024 },

	{ "watch_clean_8192", "winmem", &bench_winmem_watch, bench_watch_clean, 64 },
	{ "watch_clean_8192", "mprotect_sigsegv", &bench_mprotect_watch, bench_watch_clean, 1 },
	{ "watch_clean_8192", "userfaultfd", &bench_uffd_watch, bench_watch_clean, 1 },
	{ "watch_clean_8192", "pagemap_scan", &bench_scan_watch, bench_watch_clean, 4 },
};

#define NR_CASES	(sizeof(cases) / sizeof(*cases))

/* bench SAMPLE CASE FD: how it calls itself. */
#define SAMPLE		"--sample"

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

/* In a process that has done nothing else. */
static void take_sample(const struct bench_case *bench, int fd)
{
	struct bench_run warm_up = {
		.memory = bench->memory,
		.nr = bench->nr,
		.warm_up = true,
	};
	struct bench_run run = { .memory = bench->memory, .nr = bench->nr };

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
		errx(1, "%s of %s failed", cases[nr].name, cases[nr].subject);
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

static void run_case(size_t nr)
{
	const struct bench_case *bench = &cases[nr];
	unsigned int samples = bench->nr < LONG ? SAMPLES : SAMPLES_LONG;
	struct bench_run run;
	double values[SAMPLES];

	if (bench->memory->supported && !bench->memory->supported())
		return;
	fprintf(stderr, "bench: %s, %s\n", bench->name, bench->subject);
	for (unsigned int i = 0; i < samples; i++) {
		fork_sample(nr, &run);
		values[i] = (double)run.count / run.calls;
	}
	qsort(values, samples, sizeof(*values), compare);
	printf("%s,%s,instructions per operation,%.1f,%.1f,%.1f\n", bench->name, bench->subject,
	       values[samples / 2], values[0], values[samples - 1]);
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
	printf("# query, maps: the process has %d mappings\n", lines);
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
	if (argc == 4 && !strcmp(argv[1], SAMPLE)) {
		take_sample(&cases[atoi(argv[2])], atoi(argv[3]));
		return 0;
	}

	check_clock();
	print_mappings();
	for (size_t i = 0; i < NR_CASES; i++) {
		if (is_wanted(cases[i].name, argc, argv))
			run_case(i);
	}
	return 0;
}
