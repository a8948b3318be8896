// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "race.h"

#include <fcntl.h>
#include <sched.h>
#include <time.h>

#define PARAMETERS	"/sys/module/winmem/parameters/"
#define BUDGET_MS	250	/* of one test's rounds */

unsigned int wide_us;
static unsigned int lead_us;	/* of all points but the last */

/* The parameters of a debug build. */

static void parameter_set(const char *path, unsigned int value)
{
	FILE *file = fopen(path, "we");

	if (!file || fprintf(file, "%u", value) < 0 || fclose(file))
		check_failed(HERE, "%s: %s", path, strerror(errno));
}

static void hits_read(unsigned int *hits)
{
	FILE *file = fopen(PARAMETERS "widen_hits", "re");

	if (!file)
		check_failed(HERE, PARAMETERS "widen_hits: %s", strerror(errno));
	for (unsigned int i = 0; i < WINMEM_WIDEN_POINTS; i++)
		EXPECT_EQ(1, fscanf(file, "%u", &hits[i]));
	fclose(file);
}

unsigned int widen_hits(enum winmem_widen point)
{
	unsigned int hits[WINMEM_WIDEN_POINTS];

	hits_read(hits);
	return hits[point];
}

void widen(unsigned int points, unsigned int us)
{
	wide_us = us;
	lead_us = points ? us * (__builtin_popcount(points) - 1) : 0;
	parameter_set(PARAMETERS "widen_us", us);
	parameter_set(PARAMETERS "widen", points);
}

/* A point that somebody was to come to, and nobody did; -1: there is none. */
static int point_missed(unsigned int points, const unsigned int *before)
{
	unsigned int after[WINMEM_WIDEN_POINTS];

	hits_read(after);
	for (int i = 0; i < WINMEM_WIDEN_POINTS; i++) {
		if (points & 1U << i && before[i] == after[i])
			return i;
	}
	return -1;
}

void race_run(void (*race)(void), unsigned int points, unsigned int us)
{
	unsigned int before[WINMEM_WIDEN_POINTS];
	int missed = 0;

	hits_read(before);
	/* On a busy machine one run may be over before threads have met. */
	for (int tries = 0; tries < 5 && missed >= 0; tries++) {
		widen(points, us);
		race();
		widen(0, 0);
		missed = point_missed(points, before);
	}
	if (missed >= 0)
		check_failed(HERE, "nobody came to point %d of widen.h", missed);
}

static unsigned long now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000UL + now.tv_nsec / 1000;
}

bool again(unsigned int round, unsigned int most)
{
	static unsigned long start;

	if (!round)
		start = now_us();
	return round < (lead_us ? 12 : 4) || (round < most && now_us() - start < BUDGET_MS * 1000);
}

void dither(unsigned int round)
{
	if (wide_us)
		usleep(lead_us + wide_us / 4 * (round % 4));
}

/* Threads. */

void meet(volatile unsigned int *met, unsigned int nr)
{
	unsigned int turn = __atomic_fetch_add(met, 1, __ATOMIC_SEQ_CST) / nr;

	WAIT_FOR(*met / nr > turn);
}

pthread_t thread_start(void *(*function)(void *arg), void *arg)
{
	pthread_t thread;

	/* The handler for faults must stand before threads need it. */
	try_read(0);
	EXPECT_EQ(0, pthread_create(&thread, NULL, function, arg));
	return thread;
}

void thread_end(pthread_t thread)
{
	EXPECT_EQ(0, pthread_join(thread, NULL));
}

/* Gates. */

static int mem_open(void)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		check_failed(HERE, "/proc/self/mem: %s", strerror(errno));
	return fd;
}

int peek(unsigned long addr)
{
	int fd = mem_open();
	unsigned char byte;
	ssize_t got = pread(fd, &byte, 1, addr);

	close(fd);
	return got == 1 ? byte : -1;
}

bool peek_zero(unsigned long addr, unsigned long length)
{
	unsigned char bytes[PAGE], zeros[PAGE] = { 0 };
	int fd = mem_open();
	bool zero = true;

	for (unsigned long end = addr + length; addr < end && zero; addr += PAGE)
		zero = pread(fd, bytes, PAGE, addr) == PAGE && !memcmp(bytes, zeros, PAGE);
	close(fd);
	return zero;
}

static bool touch(enum toucher kind, int mem, unsigned long addr, unsigned char byte)
{
	switch (kind) {
	case WRITER:
		return try_write(addr, byte);
	case DEBUGGER:
		return pwrite(mem, &byte, 1, addr) == 1;
	default:
		return try_read(addr);
	}
}

static void *gate_touch(void *arg)
{
	struct gate_toucher *me = arg;
	struct gate *gate = me->gate;
	int mem = mem_open();

	for (unsigned long i = 0; !gate->stop; i++) {
		unsigned long page = i % gate->nr;
		unsigned char byte = i / gate->nr % 255 + 1;
		unsigned int turn = gate->turn;

		if (gate->park) {
			me->parked = true;
			WAIT_FOR(!gate->park || gate->stop);
			me->parked = false;
			continue;
		}
		if (touch(me->kind, mem, gate->base + page * PAGE, byte)) {
			if (turn % 2 && gate->turn == turn)
				check_failed(HERE, "page %lu let thread %d through while shut",
					     page, me->kind);
			if (me->kind != READER)
				gate->last[page] = byte;
			me->passed++;
		}
		me->touched++;
	}
	close(mem);
	return NULL;
}

void gate_start(struct gate *gate, unsigned long base, unsigned long nr, enum toucher one,
		enum toucher other)
{
	*gate = (struct gate) { .base = base, .nr = nr };
	gate->touchers[0].kind = one;
	gate->touchers[1].kind = other;
	for (unsigned int i = 0; i < GATE_THREADS; i++) {
		gate->touchers[i].gate = gate;
		if (gate->touchers[i].kind != NOBODY)
			gate->touchers[i].thread = thread_start(gate_touch, &gate->touchers[i]);
	}
}

void gate_open(struct gate *gate)
{
	gate->turn++;
	EXPECT(gate->turn % 2 == 0);
}

#define FOR_EACH_TOUCHER(gate, me)					\
	for (struct gate_toucher *me = (gate)->touchers;		\
	     me < (gate)->touchers + GATE_THREADS && me->kind != NOBODY; me++)

void gate_used(struct gate *gate)
{
	FOR_EACH_TOUCHER(gate, me) {
		unsigned long passed = me->passed;

		WAIT_FOR(me->passed > passed);
	}
}

/* After a point has held them they are through, and no window is open: so rather not. */
void gate_use(struct gate *gate, unsigned int round)
{
	if (!wide_us || round % 4 == 0)
		gate_used(gate);
	else
		dither(round);
}

void gate_shut(struct gate *gate)
{
	gate->turn++;
	EXPECT(gate->turn % 2 == 1);
	/* One may have begun before, the others since. */
	FOR_EACH_TOUCHER(gate, me) {
		unsigned long touched = me->touched;

		WAIT_FOR(me->touched > touched + 3);
	}
}

void gate_park(struct gate *gate)
{
	gate->park = true;
	FOR_EACH_TOUCHER(gate, me)
		WAIT_FOR(me->parked);
}

void gate_unpark(struct gate *gate)
{
	gate->park = false;
	FOR_EACH_TOUCHER(gate, me)
		WAIT_FOR(!me->parked);
}

void gate_end(struct gate *gate)
{
	gate->stop = true;
	FOR_EACH_TOUCHER(gate, me)
		thread_end(me->thread);
}

void gate_race_run(const struct gate_race *race)
{
	struct gate gate;

	gate_start(&gate, race->base, race->nr, race->one, race->other);
	for (unsigned int i = 0; again(i, 60); i++) {
		gate_use(&gate, i);
		race->shut(race);
		gate_shut(&gate);
		gate_park(&gate);
		if (race->check)
			race->check(&gate);
		gate_open(&gate);
		race->open(race, i);
		gate_unpark(&gate);
	}
	gate_end(&gate);
}

/* Calls. */

unsigned long race_reserve(unsigned long addr, unsigned long length, unsigned int flags)
{
	struct winmem_reserve args = reserve_args(addr, length, READWRITE, flags);

	return ioctl(dev, WINMEM_IOC_RESERVE, &args) ? 0 : args.out_addr;
}

int race_decommit(unsigned long addr, unsigned long length)
{
	struct winmem_decommit args = decommit_args(addr, length);

	return ioctl(dev, WINMEM_IOC_DECOMMIT, &args);
}

int race_reset(unsigned long addr, unsigned long length, unsigned int flags)
{
	struct winmem_reset args = reset_args(addr, length, flags);

	return ioctl(dev, WINMEM_IOC_RESET, &args);
}

unsigned long total_charge(void)
{
	return limit_at(HERE, 0, 0).out_total_charge;
}
