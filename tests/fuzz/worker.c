// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/winmem.h>

#define QUIET_STEPS	400		/* calls of a thread between two quiet moments */
#define ADDRESSES	(256UL << 40)	/* RLIMIT_AS: more than there are addresses below 2^47 */

_Thread_local struct fuzzer *fuzzer;

static pthread_barrier_t meeting;

/* Failing. */

static void print_recent(const struct fuzzer *f)
{
	unsigned int first = f->nr_recent > NR_RECENT ? f->nr_recent - NR_RECENT : 0;

	for (unsigned int i = first; i < f->nr_recent; i++) {
		const struct record *record = &f->recent[i % NR_RECENT];

		fprintf(stderr, "#   thread %u: %s %#lx %#lx %#lx: %s\n", f->index, record->what,
			record->a, record->b, record->c,
			record->ret ? strerrorname_np(record->ret) : "0");
	}
}

void fuzz_failed(const char *format, ...)
{
	struct worker *worker = fuzzer->worker;
	va_list args;

	atomic_fetch_add(&worker->stats->failed, 1);
	fflush(stdout);
	fprintf(stderr, "not ok - worker %u, seed %#llx: ", worker->slot,
		(unsigned long long)worker->seed);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	for (unsigned int i = 0; i < worker->threads; i++)
		print_recent(&worker->fuzzers[i]);
	_exit(3);
}

void note(struct fuzzer *f, const char *what, unsigned long a, unsigned long b,
	  unsigned long c, int ret)
{
	f->recent[f->nr_recent++ % NR_RECENT] = (struct record) { what, a, b, c, ret };
}

/* Faults: a touch comes back; any other means that a call has hit the program itself. */

static void on_fault(int signo, siginfo_t *siginfo, void *context)
{
	(void)context;
	if (fuzzer && fuzzer->caught) {
		fuzzer->caught = false;
		siglongjmp(fuzzer->env, signo);
	}
	signal(signo, SIG_DFL);
	(void)siginfo;
}

static void catch_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* False when a signal came instead. */
bool touch(struct fuzzer *f, unsigned long addr, bool write)
{
	int signo;

	f->caught = true;
	signo = sigsetjmp(f->env, 1);
	if (!signo) {
		if (write)
			*(volatile unsigned char *)addr = 1;
		else
			(void)*(volatile unsigned char *)addr;
	}
	f->caught = false;
	atomic_fetch_add(&f->worker->stats->faults, 1);
	return !signo;
}

/* Reservations, as far as they are known. */

void remember(struct worker *worker, unsigned long start, unsigned long length)
{
	for (unsigned int i = 0; i < NR_REGIONS; i++) {
		struct region *region = &worker->regions[i];

		if (region->start)
			continue;
		region->length = length;
		region->start = start;
		return;
	}
}

void forget(struct worker *worker, unsigned long start)
{
	for (unsigned int i = 0; i < NR_REGIONS; i++)
		if (worker->regions[i].start == start)
			worker->regions[i].start = 0;
}

bool some_region(struct fuzzer *f, unsigned long *start, unsigned long *length)
{
	for (unsigned int tries = 0; tries < 8; tries++) {
		struct region *region = &pick(f, f->worker->regions);

		*start = region->start;
		*length = region->length;
		if (*start && *length)
			return true;
	}
	return false;
}

bool some_range(struct fuzzer *f, unsigned long max, unsigned long *start,
		unsigned long *length)
{
	unsigned long base, all, first;

	if (!some_region(f, &base, &all))
		return false;
	/* The borders of what is there are where it gets interesting. */
	first = one_in(f, 3) ? 0 : below(f, all / PAGE);
	*start = base + first * PAGE;
	*length = all - first * PAGE;
	if (*length > max)
		*length = max;
	if (!one_in(f, 3))
		*length = (1 + below(f, *length / PAGE)) * PAGE;
	if (one_in(f, 20))
		*length += PAGE;
	return true;
}

int device(struct fuzzer *f)
{
	int fd = pick(f, f->worker->fds);

	return fd >= 0 ? fd : f->worker->fds[0];
}

/* Bounds, for whatever it comes up with. */

static void set_limits(void)
{
	struct rlimit addresses = { ADDRESSES, ADDRESSES }, locked = { 4 << 20, 4 << 20 };
	struct rlimit core = { 0, 0 };

	setrlimit(RLIMIT_AS, &addresses);
	setrlimit(RLIMIT_MEMLOCK, &locked);
	setrlimit(RLIMIT_CORE, &core);
}

static void limit_commit(struct worker *worker)
{
	struct winmem_limit args = {
		.size = sizeof(args), .flags = WINMEM_LIMIT_SET, .limit = LIMIT_BYTES,
	};

	if (ioctl(worker->fds[0], WINMEM_IOC_LIMIT, &args))
		fuzz_failed("LIMIT of a new limit: %s", strerrorname_np(errno));
}

static void release_some(struct fuzzer *f)
{
	for (unsigned int i = 0; i < NR_REGIONS / 4; i++) {
		struct region *region = &pick(f, f->worker->regions);
		struct winmem_release args = { .size = sizeof(args), .addr = region->start };

		if (!args.addr)
			continue;
		/* EBUSY: a mapping that is not winmem's took its place. */
		if (ioctl(f->worker->fds[0], WINMEM_IOC_RELEASE, &args) && errno != ENOENT &&
		    errno != EBUSY)
			fuzz_failed("RELEASE %#llx: %s", args.addr, strerrorname_np(errno));
		region->start = 0;
	}
}

/* Running. */

static void quiet_moment(struct fuzzer *f)
{
	pthread_barrier_wait(&meeting);
	if (!f->index) {
		quiet_check(f);
		release_some(f);
		limit_commit(f->worker);
		quiet_check(f);
		atomic_fetch_add(&f->worker->stats->quiet, 1);
		f->worker->over = f->worker->stats->over;
	}
	pthread_barrier_wait(&meeting);
}

static void *run(void *arg)
{
	struct fuzzer *f = arg;

	fuzzer = f;
	for (unsigned long step = 1; step <= f->worker->steps && !f->worker->over; step++) {
		if (one_in(f, 4))
			fuzz_noise(f);
		else
			fuzz_call(f);
		atomic_fetch_add(&f->worker->stats->beats[f->worker->slot], 1);
		if (step % QUIET_STEPS == 0)
			quiet_moment(f);
	}
	return NULL;
}

static unsigned char *map_page(unsigned int nr, int prot)
{
	unsigned char *map = mmap(NULL, nr * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED) {
		perror("fuzz: mmap");
		_exit(2);
	}
	return map;
}

static void set_up(struct worker *worker)
{
	char parent[32];

	set_limits();
	catch_faults();
	for (unsigned int i = 0; i < NR_FDS; i++)
		worker->fds[i] = -1;
	worker->fds[0] = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (worker->fds[0] < 0) {
		perror("fuzz: " DEVICE);
		_exit(2);
	}
	worker->mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	snprintf(parent, sizeof(parent), "/proc/%d/mem", getppid());
	worker->other_mem = open(parent, O_RDWR | O_CLOEXEC);
	if (worker->mem < 0 || worker->other_mem < 0) {
		perror("fuzz: mem in /proc");
		_exit(2);
	}
	worker->arena = 0x100000000000UL + ((worker->seed & 0xff) << 32);
	/* For each thread a page with a hole behind it. */
	worker->edge = map_page(2 * NR_THREADS, PROT_READ | PROT_WRITE);
	for (unsigned int i = 0; i < NR_THREADS; i++)
		munmap(worker->edge + (2 * i + 1) * PAGE, PAGE);
	worker->readonly = map_page(1, PROT_READ);
	for (unsigned int i = 0; i < worker->threads; i++)
		worker->fuzzers[i] = (struct fuzzer) {
			.worker = worker, .index = i,
			/* Never 0, where xorshift stays. */
			.seed = (worker->seed + i) * 0x9e3779b97f4a7c15ULL | 1,
		};
	fuzzer = &worker->fuzzers[0];
	limit_commit(worker);
	pthread_barrier_init(&meeting, NULL, worker->threads);
}

int worker_run(struct worker *worker)
{
	pthread_t threads[NR_THREADS];

	set_up(worker);
	for (unsigned int i = 1; i < worker->threads; i++)
		if (pthread_create(&threads[i], NULL, run, &worker->fuzzers[i]))
			return 2;
	run(&worker->fuzzers[0]);
	for (unsigned int i = 1; i < worker->threads; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
