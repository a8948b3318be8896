// SPDX-License-Identifier: GPL-2.0-only
/*
 * A space ends with its last descriptor and mapping. Opening the device at that moment
 * finds the old one or makes a new one, and either works; at no moment has a process two.
 */
#include "race.h"

struct opener {
	pthread_t thread;
	unsigned int number;
	int fd;
	unsigned long base;
};

static struct opener openers[2];
static volatile unsigned int met;

/* A reservation that works, without the helpers' `dev`. */
static unsigned long reserve_through(int fd)
{
	struct winmem_reserve args = reserve_args(0, GRAN, READWRITE, WINMEM_RESERVE_COMMIT);

	EXPECT_OK(ioctl(fd, WINMEM_IOC_RESERVE, &args));
	EXPECT(zeroed(args.out_addr, GRAN));
	EXPECT(try_write(args.out_addr, 1));
	return args.out_addr;
}

static struct winmem_query query_through(int fd, unsigned long addr)
{
	struct winmem_query args = query_args(addr);

	EXPECT_OK(ioctl(fd, WINMEM_IOC_QUERY, &args));
	return args;
}

static void release_through(int fd, unsigned long base)
{
	struct winmem_release args = release_args(base);

	EXPECT_OK(ioctl(fd, WINMEM_IOC_RELEASE, &args));
}

/* The window is the space's last mapping, if the descriptors are closed. */
static void unmap_window(unsigned long base)
{
	struct vma vma;

	if (vma_find(base, &vma) && vma_is_window(&vma))
		EXPECT_OK(munmap((void *)vma.start, vma.end - vma.start));
}

static void in_child(void (*function)(void *arg))
{
	unsigned long before = total_charge();

	met = 0;
	IN_CHILD(function, NULL);
	/* The end of a space is the kernel's, some time after the last user. */
	EVENTUALLY(total_charge() == before);
}

static void *opens_and_closes(void *arg)
{
	struct opener *me = arg, *other = &openers[!me->number];

	for (unsigned int i = 0; i < 12; i++) {
		me->fd = OPEN_DEVICE();
		me->base = reserve_through(me->fd);
		meet(&met, 2);
		EXPECT_EQ(other->base, query_through(me->fd, other->base).out_alloc_base);
		meet(&met, 2);
		release_through(me->fd, me->base);
		unmap_window(me->base);
		meet(&met, 2);
		/* One of the two is the last, and the other one opens meanwhile. */
		close(me->fd);
	}
	return NULL;
}

/* Both close, and both open again, while the last close is at work. */
static void two_threads(void *arg)
{
	(void)arg;
	close(dev);
	for (unsigned int i = 0; i < 2; i++) {
		openers[i] = (struct opener) { .number = i };
		openers[i].thread = thread_start(opens_and_closes, &openers[i]);
	}
	for (unsigned int i = 0; i < 2; i++)
		thread_end(openers[i].thread);
}

RACE(both_open_both_close)
{
	in_child(two_threads);
}
WIDENED(both_open_both_close, OPEN, 2000)
WIDENED(both_open_both_close, END, 2000)
WIDENED_AT(both_open_both_close, HOLE, AT(END) | AT(OPEN) | AT(HOLE), 1000)

/* The last mapping goes while somebody opens. */
static volatile unsigned long last_base;

static void *unmaps(void *arg)
{
	unsigned int i = 0;

	for (;; i++) {
		meet(&met, 2);
		if (!last_base)
			return arg;
		dither(i);
		unmap_window(last_base);
		meet(&met, 2);
	}
}

static void opens_while_unmapped(void *arg)
{
	pthread_t thread;

	(void)arg;
	close(dev);
	thread = thread_start(unmaps, NULL);
	for (unsigned int i = 0; again(i, 40); i++) {
		int fd = OPEN_DEVICE();
		unsigned int state;

		last_base = reserve_through(fd);
		close(fd);
		meet(&met, 2);
		fd = OPEN_DEVICE();
		state = query_through(fd, last_base).out_state;
		EXPECT(state == WINMEM_STATE_COMMIT || state == WINMEM_STATE_FREE);
		/* Old or new, it works once nobody unmaps what it gives out. */
		meet(&met, 2);
		release_through(fd, reserve_through(fd));
		if (state == WINMEM_STATE_COMMIT)
			release_through(fd, last_base);
		unmap_window(last_base);
		close(fd);
	}
	last_base = 0;
	meet(&met, 2);
	thread_end(thread);
}

RACE(open_against_the_last_munmap)
{
	in_child(opens_while_unmapped);
}
WIDENED(open_against_the_last_munmap, OPEN, 2000)
WIDENED(open_against_the_last_munmap, END, 2000)

/* Faults go on without a descriptor, and the next one finds the memory as it is. */
static void closes_under_faults(void *arg)
{
	unsigned long base;
	struct gate gate;

	(void)arg;
	close(dev);
	dev = OPEN_DEVICE();
	base = race_reserve(0, 4 * PAGE, WINMEM_RESERVE_COMMIT);
	gate_start(&gate, base, 4, WRITER, READER);
	for (unsigned int i = 0; again(i, 40); i++) {
		/* Unmapped or write-protected, so that there are faults. */
		gate_park(&gate);
		EXPECT_OK(raw_protect(base, 4 * PAGE, i % 2 ? NOACCESS : READONLY));
		EXPECT_OK(raw_protect(base, 4 * PAGE, READWRITE));
		gate_unpark(&gate);
		dither(i);
		close(dev);
		gate_used(&gate);
		dev = OPEN_DEVICE();
		EXPECT_EQ(base, query(base).out_alloc_base);
		EXPECT_EQ(4 * PAGE, charge());
	}
	gate_end(&gate);
	/* Left to the exit. */
}

RACE(close_against_faults)
{
	in_child(closes_under_faults);
}
WIDENED(close_against_faults, FAULT_GET, 2000)
WIDENED(close_against_faults, FAULT_MAP, 2000)
WIDENED(close_against_faults, FAULT_MKWRITE, 2000)
WIDENED(close_against_faults, OPEN, 2000)
