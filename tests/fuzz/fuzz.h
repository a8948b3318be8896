/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fuzzer: processes with a space each, whose threads make random calls of winmem's and
 * of the kernel's memory management on the same addresses, until time is up.
 *
 *	fuzz.c		the supervisor: workers, progress, the watchdog, the end
 *	worker.c	one process: its threads, the quiet moments, faults
 *	calls.c		the ioctls, valid and then mutated, and the errors each may give
 *	noise.c		mmap and its relatives, fork, descriptors
 *	quiet.c		what must hold when nobody is calling
 */
#ifndef WINMEM_TESTS_FUZZ_H
#define WINMEM_TESTS_FUZZ_H

#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define DEVICE		"/dev/winmem"
#define PAGE		4096UL
#define GRAN		65536UL
#define CHUNK		(2UL << 20)

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

#define NR_CALLS	15	/* the ioctls, and all that are none */
#define NR_ERRNOS	134
#define NR_WORKERS	2	/* processes at a time */
#define NR_THREADS	2
#define NR_REGIONS	48
#define NR_FDS		4
#define NR_RECENT	24
#define LIMIT_BYTES	(64UL << 20)

/* Shared by all processes. */
struct stats {
	_Atomic unsigned long results[NR_CALLS][NR_ERRNOS];
	_Atomic unsigned long noise;
	_Atomic unsigned long faults;
	_Atomic unsigned long quiet;
	_Atomic unsigned long failed;
	_Atomic bool over;		/* workers end at their next quiet moment */
	_Atomic unsigned long beats[NR_WORKERS];	/* the watchdog looks at these */
};

/* What a worker knows of its reservations. Threads write it as they like: it is a hint. */
struct region {
	_Atomic unsigned long start;	/* 0: none */
	_Atomic unsigned long length;
};

struct record {
	const char *what;
	unsigned long a, b, c;
	int ret;
};

/* A thread of a worker, all that depends on its seed. */
struct fuzzer {
	struct worker *worker;
	uint64_t seed;
	unsigned int index;
	sigjmp_buf env;
	volatile bool caught;		/* a fault comes back to env */
	struct record recent[NR_RECENT];
	unsigned int nr_recent;
};

/* One process. */
struct worker {
	struct stats *stats;
	unsigned int slot;
	unsigned int threads;
	unsigned long steps;
	bool over;
	uint64_t seed;
	_Atomic int fds[NR_FDS];	/* of the device, or from ATTACH; the first stays open */
	int mem;			/* its own /proc/PID/mem */
	int other_mem;			/* of the process that has started it, which has no winmem */
	struct region regions[NR_REGIONS];
	unsigned long arena;		/* addresses for fixed reservations */
	unsigned char *edge;		/* a page, and nothing behind it */
	unsigned char *readonly;	/* a page that cannot be written */
	struct fuzzer fuzzers[NR_THREADS];
};

extern _Thread_local struct fuzzer *fuzzer;

/* xorshift64*: the sequence is the seed's alone. */
static inline uint64_t draw(struct fuzzer *f)
{
	f->seed ^= f->seed >> 12;
	f->seed ^= f->seed << 25;
	f->seed ^= f->seed >> 27;
	return f->seed * 0x2545f4914f6cdd1dULL;
}

static inline unsigned long below(struct fuzzer *f, unsigned long end)
{
	return (draw(f) >> 16) % end;
}

static inline bool one_in(struct fuzzer *f, unsigned int n)
{
	return !below(f, n);
}

#define pick(f, array)	((array)[below(f, ARRAY_LEN(array))])

/* worker.c */
int worker_run(struct worker *worker);
__attribute__((format(printf, 1, 2), noreturn)) void fuzz_failed(const char *format, ...);
void note(struct fuzzer *f, const char *what, unsigned long a, unsigned long b,
	  unsigned long c, int ret);
bool touch(struct fuzzer *f, unsigned long addr, bool write);
int device(struct fuzzer *f);

/* A reservation, or nothing; a range of pages in it, at most max of them. */
bool some_region(struct fuzzer *f, unsigned long *start, unsigned long *length);
bool some_range(struct fuzzer *f, unsigned long max, unsigned long *start,
		unsigned long *length);
void remember(struct worker *worker, unsigned long start, unsigned long length);
void forget(struct worker *worker, unsigned long start);

/* calls.c */
void fuzz_call(struct fuzzer *f);
const char *call_name(unsigned int nr);

/* noise.c */
void fuzz_noise(struct fuzzer *f);

/* quiet.c */
void quiet_check(struct fuzzer *f);

#endif
