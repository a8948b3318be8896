// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guard page and two threads: one of them hits it, and one only.
 */
#include "race.h"

#include <fcntl.h>

struct hitter {
	pthread_t thread;
	unsigned long base;
	bool (*touch)(unsigned long addr);
	volatile unsigned int *met;
	volatile bool *stop;
	volatile bool refused;
};

static bool by_writing(unsigned long addr)
{
	return try_write(addr, 1);
}

static bool by_a_system_call(unsigned long addr)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	ssize_t got = read(fd, (void *)addr, 1);

	EXPECT(got == 1 || errno == EFAULT);
	close(fd);
	return got == 1;
}

/* Twice a round they meet: before the touch, and after it. */
static void *hit(void *arg)
{
	struct hitter *me = arg;

	for (;;) {
		meet(me->met, 3);
		if (*me->stop)
			return NULL;
		me->refused = !me->touch(me->base);
		meet(me->met, 3);
	}
}

static void two_hit(bool (*one)(unsigned long addr), bool (*other)(unsigned long addr))
{
	unsigned long base = reserve_commit(PAGE, READWRITE);
	volatile unsigned int met = 0;
	volatile bool stop = false;
	struct hitter hitters[2] = {
		{ .base = base, .touch = one, .met = &met, .stop = &stop },
		{ .base = base, .touch = other, .met = &met, .stop = &stop },
	};

	for (unsigned int i = 0; i < 2; i++)
		hitters[i].thread = thread_start(hit, &hitters[i]);
	for (unsigned int i = 0; again(i, 100); i++) {
		EXPECT_OK(raw_protect(base, PAGE, READWRITE | GUARD));
		meet(&met, 3);
		meet(&met, 3);
		EXPECT_EQ(1, hitters[0].refused + hitters[1].refused);
		EXPECT_COMMITTED(base, PAGE, READWRITE);
	}
	stop = true;
	meet(&met, 3);
	for (unsigned int i = 0; i < 2; i++)
		thread_end(hitters[i].thread);
}

RACE(one_of_two_readers)
{
	two_hit(try_read, try_read);
}
WIDENED(one_of_two_readers, FAULT_GUARD, 1000)
WIDENED(one_of_two_readers, FAULT_MAP, 1000)

RACE(a_reader_or_a_writer)
{
	two_hit(try_read, by_writing);
}
WIDENED(a_reader_or_a_writer, FAULT_GUARD, 1000)
WIDENED(a_reader_or_a_writer, FAULT_GET, 1000)

RACE(a_thread_or_a_system_call)
{
	two_hit(by_a_system_call, by_writing);
}
WIDENED(a_thread_or_a_system_call, FAULT_GUARD, 1000)

RACE(one_of_two_system_calls)
{
	two_hit(by_a_system_call, by_a_system_call);
}
WIDENED(one_of_two_system_calls, FAULT_GUARD, 1000)

/* Threads are at it all the time; each guard that is put up is hit once, by one of them. */
static unsigned long faults(const struct gate *gate)
{
	unsigned long faults = 0;

	for (unsigned int i = 0; i < GATE_THREADS; i++)
		faults += gate->touchers[i].touched - gate->touchers[i].passed;
	return faults;
}

RACE(guards_put_up_under_two_threads)
{
	unsigned long base = reserve_commit(PAGE, READWRITE);
	struct gate gate;

	gate_start(&gate, base, 1, WRITER, READER);
	for (unsigned int i = 0; again(i, 100); i++) {
		gate_used(&gate);
		EXPECT_OK(raw_protect(base, PAGE, READWRITE | GUARD));
		gate_used(&gate);
		gate_park(&gate);
		EXPECT_EQ(i + 1, faults(&gate));
		gate_unpark(&gate);
	}
	gate_end(&gate);
}
WIDENED(guards_put_up_under_two_threads, FAULT_GUARD, 1000)
WIDENED(guards_put_up_under_two_threads, FAULT_MAP, 2000)
WIDENED(guards_put_up_under_two_threads, PROTECT, 2000)
WIDENED(guards_put_up_under_two_threads, SETTLED, 2000)
