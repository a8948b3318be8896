// SPDX-License-Identifier: GPL-2.0-only
/*
 * What HeapAlloc and HeapFree cost beside malloc and free of others: a program of its own, for
 * the others are preloaded into it.
 *
 *	heap-bench count|time [CASE...]
 *
 * count: instructions, in a virtual machine whose time they are, as bench.c has it. time:
 * nanoseconds, and memory, on two CPUs. Prints on stdout, a row for each case and subject,
 *
 *	case,subject,unit,median,min,max
 *
 * Each sample is an execution of its own; one of time is the best of a few runs in it, for the
 * host has other things to do. Subjects take turns, so that what disturbs one disturbs all. An
 * operation is a free and an allocation; the block is written to.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include <winmem.h>

#define SAMPLES		9
#define SAMPLES_SLOW	3
#define RUNS_TIMED	5
#define WORKING_SET	4096
#define MILLION		1000000
#define DRAWN		(1UL << 17)

#define LIBS		"/usr/lib/x86_64-linux-gnu/"
#define PYTHON		"/usr/bin/python3"
#define SQLITE		"/usr/bin/sqlite3"

#define OPERATION	"instructions per operation"
#define NANOSECONDS	"ns per operation"

/* "": winmem itself, by its own names. */
struct subject {
	const char *name;
	const char *preload;
};

static const struct subject subjects[] = {
	{ "winmem", "" },
	{ "winmem_malloc", "build/libwinmem-malloc.so" },
	{ "glibc", NULL },
	{ "jemalloc", LIBS "libjemalloc.so.2" },
	{ "mimalloc", LIBS "libmimalloc.so.2.0" },
};

#define NR_SUBJECTS	(sizeof(subjects) / sizeof(*subjects))

static HANDLE heap;		/* NULL: the subject is malloc */
static bool count;		/* instructions, not time */

static inline void *get(size_t size)
{
	uint64_t *data = heap ? HeapAlloc(heap, 0, size) : malloc(size);

	*data = size;
	return data;
}

static inline void put(void *data)
{
	if (heap)
		HeapFree(heap, 0, data);
	else
		free(data);
}

static double now(void)
{
	struct timespec t;

	if (count)
		return __rdtsc();
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

/* A size and a place for each operation, drawn beforehand. */
static uint16_t sizes[DRAWN], places[DRAWN];
static void *slots[WORKING_SET];
static void *many[MILLION];

static void draw(size_t least, size_t most, size_t nr_places)
{
	uint64_t seed = 88172645463325252;

	for (size_t i = 0; i < DRAWN; i++) {
		sizes[i] = least + next_random(&seed) % (most - least + 1);
		places[i] = next_random(&seed) % nr_places;
	}
}

static double replace(void **set, size_t start, size_t nr)
{
	double began = now();

	for (size_t i = start; i < start + nr; i++) {
		void **slot = &set[places[i % DRAWN]];

		put(*slot);
		*slot = get(sizes[i % DRAWN]);
	}
	return now() - began;
}

/* Replace what a working set holds, at random; before that all of it once. */
static double replace_random(size_t least, size_t most, size_t nr_slots, size_t nr)
{
	double took;

	draw(least, most, nr_slots);
	for (size_t i = 0; i < nr_slots; i++)
		slots[i] = get(sizes[i]);
	replace(slots, 0, 2 * nr_slots);
	took = replace(slots, 0, nr);
	for (size_t i = 0; i < nr_slots; i++)
		put(slots[i]);
	return took / nr;
}

static double mixed(void)
{
	return replace_random(16, 1024, WORKING_SET, 200000);
}

static double medium(void)
{
	return replace_random(9 << 10, 64000, 256, 20000);
}

static double churn_fresh(void)
{
	return replace_random(1024, 2048, WORKING_SET, 200000);
}

static void shuffle(void **blocks, size_t nr)
{
	uint64_t seed = 4101842887655102017;

	for (size_t i = nr - 1; i; i--) {
		size_t j = next_random(&seed) % (i + 1);
		void *swap = blocks[i];

		blocks[i] = blocks[j];
		blocks[j] = swap;
	}
}

/*
 * A million blocks, freed in random order but for one in a hundred, and then the same churn.
 * The few stay, so that it is not done again when there are more runs.
 */
static double churn(void)
{
	static bool done;

	draw(16, 1024, 1);
	for (size_t i = 0; !done && i < MILLION; i++)
		many[i] = get(sizes[i % DRAWN]);
	if (!done)
		shuffle(many, MILLION);
	for (size_t i = MILLION / 100; !done && i < MILLION; i++)
		put(many[i]);
	done = true;
	return churn_fresh();
}

/* Two threads; each replaces blocks of a set, and the sets change hands now and then. */
#define LARSON_SET	1000
#define LARSON_ROUNDS	20
#define LARSON_STEPS	10000

static void *larson_set[2][LARSON_SET];
static pthread_barrier_t larson_barrier;

static void *larson_thread(void *arg)
{
	size_t me = (uintptr_t)arg;

	for (size_t i = 0; i < LARSON_ROUNDS; i++) {
		replace(larson_set[(me + i) % 2], (2 * i + me) * LARSON_STEPS, LARSON_STEPS);
		pthread_barrier_wait(&larson_barrier);
	}
	return NULL;
}

static double larson(void)
{
	pthread_t thread[2];
	double began;

	draw(16, 1024, LARSON_SET);
	for (size_t i = 0; i < 2 * LARSON_SET; i++)
		larson_set[i / LARSON_SET][i % LARSON_SET] = get(sizes[i]);
	pthread_barrier_init(&larson_barrier, NULL, 2);
	began = now();
	for (size_t i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, larson_thread, (void *)i);
	for (size_t i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	return (now() - began) / (2 * LARSON_ROUNDS * LARSON_STEPS);
}

static double create_destroy(void)
{
	double began = now();

	for (int i = 0; i < 200; i++)
		HeapDestroy(HeapCreate(0, 0, 0));
	return (now() - began) / 200;
}

/* KiB that are still there when 100 MiB or more of small blocks have been freed. */
static double kept(void)
{
	long pages;
	FILE *statm;

	draw(16, 1024, 1);
	for (size_t i = 0; i < MILLION / 4; i++)
		many[i] = get(sizes[i % DRAWN]);
	shuffle(many, MILLION / 4);
	for (size_t i = 0; i < MILLION / 4; i++)
		put(many[i]);
	statm = fopen("/proc/self/statm", "r");
	if (!statm || fscanf(statm, "%*d %ld", &pages) != 1)
		err(1, "statm");
	fclose(statm);
	return pages * 4.0;
}

/* The most that a program had in memory: KiB. */
static char *const python_args[] = { PYTHON, "-c",
	"import json, re\n"
	"d = {str(i * 7919): [str(i)] * (i % 20) for i in range(60000)}\n"
	"t = json.dumps(d)\n"
	"e = json.loads(re.sub('1+', 'x', t))\n"
	"print(len(t), len(e))\n", NULL };

static char *const sqlite_args[] = { SQLITE, ":memory:",
	"create table t(a integer, b text);"
	"with recursive c(x) as (values(1) union all select x + 1 from c where x < 100000)"
	"	insert into t select x, hex(x * 7919) from c;"
	"create index i on t(b);"
	"delete from t where a % 3 = 0;"
	"select count(*), sum(a), max(b), (select count(distinct substr(b, 1, 5)) from t) from t;",
	NULL };

struct bench_case {
	const char *name;
	const char *unit;
	bool counted;
	bool winmem_only;
	bool slow;
	double (*run)(void);
	char *const *program;		/* or a program that somebody else wrote */
	const char *setting;		/* its environment */
};

static const struct bench_case cases[] = {
	{ "heap_mixed", OPERATION, true, .run = mixed },
	{ "heap_9_to_64k", OPERATION, true, .run = medium },
	{ "heap_churn_fresh", OPERATION, true, .run = churn_fresh },
	{ "heap_churn", OPERATION, true, .slow = true, .run = churn },
	{ "heap_create_destroy", OPERATION, true, .winmem_only = true, .run = create_destroy },
	{ "heap_mixed_time", NANOSECONDS, .run = mixed },
	{ "heap_9_to_64k_time", NANOSECONDS, .run = medium },
	{ "heap_churn_fresh_time", NANOSECONDS, .run = churn_fresh },
	{ "heap_churn_time", NANOSECONDS, .slow = true, .run = churn },
	{ "heap_two_threads_time", NANOSECONDS, .run = larson },
	{ "heap_kept", "KiB", .slow = true, .run = kept },
	{ "heap_rss_python", "KiB", .slow = true, .program = python_args },
	{ "heap_rss_python_malloc", "KiB", .slow = true, .program = python_args,
	  .setting = "PYTHONMALLOC=malloc" },
	{ "heap_rss_sqlite", "KiB", .slow = true, .program = sqlite_args },
};

#define NR_CASES	(sizeof(cases) / sizeof(*cases))

/* heap-bench --sample CASE SUBJECT FD: how it calls itself. */
#define SAMPLE		"--sample"

static void take_sample(const struct bench_case *bench, const struct subject *subject, int fd)
{
	double value, again;

	count = bench->counted;
	if (subject->preload && !*subject->preload) {
		heap = HeapCreate(0, 0, 0);
		if (!heap)
			errx(1, "HeapCreate: error %u", GetLastError());
	}
	value = bench->run();
	for (int i = 1; !strcmp(bench->unit, NANOSECONDS) && i < RUNS_TIMED; i++) {
		again = bench->run();
		value = again < value ? again : value;
	}
	if (write(fd, &value, sizeof(value)) != sizeof(value))
		err(1, "write");
}

/* The child of a sample. A program of others has winmem only as malloc. */
static void exec_sample(size_t nr, size_t subject, int fd)
{
	const char *preload = subjects[subject].preload;
	const struct bench_case *bench = &cases[nr];
	char text[3][24];

	if (preload && *preload)
		setenv("LD_PRELOAD", preload, 1);
	if (bench->setting)
		putenv((char *)bench->setting);
	if (bench->program) {
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		execv(bench->program[0], bench->program);
		err(1, "%s", bench->program[0]);
	}
	snprintf(text[0], sizeof(text[0]), "%zu", nr);
	snprintf(text[1], sizeof(text[1]), "%zu", subject);
	snprintf(text[2], sizeof(text[2]), "%d", fd);
	execl("/proc/self/exe", "heap-bench", SAMPLE, text[0], text[1], text[2], NULL);
	err(1, "exec");
}

static double sample(size_t nr, size_t subject)
{
	struct rusage usage;
	int status, fds[2];
	double value = 0;
	ssize_t got;
	pid_t pid;

	if (pipe(fds))
		err(1, "pipe");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid)
		exec_sample(nr, subject, fds[1]);
	close(fds[1]);
	got = read(fds[0], &value, sizeof(value));
	close(fds[0]);
	if (wait4(pid, &status, 0, &usage) != pid)
		err(1, "wait4");
	if (status || (!cases[nr].program && got != sizeof(value)))
		errx(1, "%s of %s failed", cases[nr].name, subjects[subject].name);
	return cases[nr].program ? usage.ru_maxrss : value;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static bool has_subject(const struct bench_case *bench, size_t subject)
{
	const char *preload = subjects[subject].preload;
	bool itself = preload && !*preload;

	if (bench->winmem_only || bench->program)
		return bench->winmem_only == itself;
	return true;
}

static void run_case(size_t nr)
{
	static double values[NR_SUBJECTS][SAMPLES];
	const struct bench_case *bench = &cases[nr];
	size_t samples = bench->slow ? SAMPLES_SLOW : SAMPLES;
	const char *name;

	fprintf(stderr, "heap-bench: %s\n", bench->name);
	for (size_t i = 0; i < samples; i++) {
		for (size_t j = 0; j < NR_SUBJECTS; j++) {
			if (has_subject(bench, j))
				values[j][i] = sample(nr, j);
		}
	}
	for (size_t j = 0; j < NR_SUBJECTS; j++) {
		if (!has_subject(bench, j))
			continue;
		/* In a program of others winmem is its malloc. */
		name = bench->program && j == 1 ? subjects[0].name : subjects[j].name;
		qsort(values[j], samples, sizeof(double), compare);
		printf("%s,%s,%s,%.1f,%.1f,%.1f\n", bench->name, name, bench->unit,
		       values[j][samples / 2], values[j][0], values[j][samples - 1]);
	}
	fflush(stdout);
}

/* All cases, or those whose names begin with an argument. */
static bool is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		if (!strncmp(name, argv[i], strlen(argv[i])))
			return true;
	}
	return argc == 2;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], SAMPLE)) {
		take_sample(&cases[atoi(argv[2])], &subjects[atoi(argv[3])], atoi(argv[4]));
		return 0;
	}
	if (argc < 2 || (strcmp(argv[1], "count") && strcmp(argv[1], "time")))
		errx(2, "usage: heap-bench count|time [CASE...]");
	for (size_t i = 0; i < NR_CASES; i++) {
		if (cases[i].counted == !strcmp(argv[1], "count") &&
		    is_wanted(cases[i].name, argc, argv))
			run_case(i);
	}
	return 0;
}
