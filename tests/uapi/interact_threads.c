// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls from many threads at once. Each outcome that a thread sees must fit what it did
 * itself, whatever the others do.
 */
#define _GNU_SOURCE
#include "common.h"

#include <pthread.h>

#define THREADS	4

struct worker {
	pthread_t thread;
	unsigned int number;
	unsigned long base;		/* its own, or shared by all */
	int fd;
};

static struct worker workers[THREADS];
static pthread_barrier_t barrier;
static volatile bool stop;

static void run(void *(*function)(void *arg), unsigned long base)
{
	/* The handler for faults must stand before threads need it. */
	try_read(0);
	stop = false;
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker) { .number = i, .base = base };
		EXPECT_EQ(0, pthread_create(&workers[i].thread, NULL, function, &workers[i]));
	}
	for (unsigned int i = 0; i < THREADS; i++)
		EXPECT_EQ(0, pthread_join(workers[i].thread, NULL));
	pthread_barrier_destroy(&barrier);
}

/* Not the helpers of common.h: their record of reservations has no lock. */
static unsigned long raw_reserve(unsigned long length, unsigned int flags)
{
	struct winmem_reserve args = reserve_args(0, length, READWRITE, flags);

	EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &args));
	return args.out_addr;
}

static void *lives_its_own_life(void *arg)
{
	struct worker *me = arg;

	pthread_barrier_wait(&barrier);
	for (unsigned int i = 0; i < 40; i++) {
		unsigned long length = (i % 20 + 2) * PAGE;
		unsigned long base = raw_reserve(length, i % 2 ? WINMEM_RESERVE_COMMIT : 0);
		struct winmem_decommit args = decommit_args(base + PAGE, PAGE);

		commit(base, length, READWRITE);
		EXPECT(zeroed(base, length));
		fill(base, length, me->number);
		protect(base, PAGE, READONLY);
		EXPECT(!try_write(base, 1));
		EXPECT_OK(ioctl(dev, WINMEM_IOC_DECOMMIT, &args));
		EXPECT(!try_read(base + PAGE));
		commit(base + PAGE, PAGE, READWRITE);
		EXPECT(zeroed(base + PAGE, PAGE));
		EXPECT(filled(base, PAGE, me->number));
		EXPECT(filled(base + 2 * PAGE, length - 2 * PAGE, me->number));
		EXPECT_COMMITTED(base, PAGE, READONLY);
		EXPECT_OK(raw_release(base));
	}
	return NULL;
}

TEST(each_thread_with_its_own_reservations)
{
	run(lives_its_own_life, 0);
	EXPECT_EQ(0, charge());
}

#define SHARE	(4 * PAGE)

/* One reservation, less than a chunk, and each thread has its share of pages in it. */
static void *works_on_its_share(void *arg)
{
	struct worker *me = arg;
	unsigned long mine = me->base + me->number * SHARE;

	pthread_barrier_wait(&barrier);
	for (unsigned int i = 0; i < 100; i++) {
		struct winmem_decommit args = decommit_args(mine, SHARE);

		EXPECT_OK(raw_commit(mine, SHARE, READWRITE));
		EXPECT(zeroed(mine, SHARE));
		fill(mine, SHARE, i);
		EXPECT_OK(raw_protect(mine + PAGE, PAGE, READONLY));
		EXPECT(!try_write(mine + PAGE, 1));
		EXPECT(filled(mine, SHARE, i));
		EXPECT_OK(raw_protect(mine, SHARE, NOACCESS));
		EXPECT(!try_read(mine));
		EXPECT_OK(ioctl(dev, WINMEM_IOC_DECOMMIT, &args));
	}
	return NULL;
}

TEST(all_threads_in_one_reservation)
{
	unsigned long base = reserve(THREADS * SHARE);

	run(works_on_its_share, base);
	EXPECT_RESERVED(base, THREADS * SHARE);
	EXPECT_EQ(0, charge());
}

/* The same place for all of them: one gets it. */
#define ROUNDS	100

static volatile unsigned int winners;

static void *wants_the_place(void *arg)
{
	struct worker *me = arg;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct winmem_reserve args = reserve_args(me->base, GRAN, READWRITE,
							  WINMEM_RESERVE_COMMIT);

		pthread_barrier_wait(&barrier);
		if (!ioctl(dev, WINMEM_IOC_RESERVE, &args)) {
			__atomic_fetch_add(&winners, 1, __ATOMIC_SEQ_CST);
			EXPECT(try_write(me->base, me->number));
		} else {
			EXPECT_EQ(EEXIST, errno);
		}
		pthread_barrier_wait(&barrier);
		/* The one that is told so releases it, and no other. */
		if (!raw_release(me->base))
			__atomic_fetch_add(&winners, 1000, __ATOMIC_SEQ_CST);
		else
			EXPECT_EQ(ENOENT, errno);
	}
	return NULL;
}

TEST(one_of_many_gets_a_given_address)
{
	winners = 0;
	run(wants_the_place, find_hole(GRAN));
	EXPECT_EQ(ROUNDS * 1001, winners);
	EXPECT_EQ(0, charge());
}

/* The limit holds between them too. */
static void *commits_at_the_limit(void *arg)
{
	struct worker *me = arg;
	unsigned long mine = me->base + me->number * CHUNK;
	struct winmem_decommit args = decommit_args(mine, 8 * PAGE);

	pthread_barrier_wait(&barrier);
	for (unsigned int i = 0; i < 150; i++) {
		if (raw_commit(mine, 8 * PAGE, READWRITE)) {
			EXPECT_EQ(EDQUOT, errno);
			EXPECT_EQ(WINMEM_STATE_RESERVE, query(mine).out_state);
			continue;
		}
		EXPECT(charge() <= 16 * PAGE);
		EXPECT(try_write(mine + 7 * PAGE, 1));
		EXPECT_OK(ioctl(dev, WINMEM_IOC_DECOMMIT, &args));
	}
	return NULL;
}

TEST(the_limit_is_never_passed)
{
	unsigned long base = reserve(THREADS * CHUNK);

	limit_set(16 * PAGE);
	run(commits_at_the_limit, base);
	limit_set(~0UL);
	EXPECT_EQ(0, charge());
}

/*
 * One decommits and commits, the others touch. What they see is a fault, zero, or what
 * was written since; never something older, and never another page's.
 */
static void *touches(void *arg)
{
	struct worker *me = arg;

	pthread_barrier_wait(&barrier);
	if (!me->number) {
		for (unsigned int i = 0; i < 400; i++) {
			struct winmem_decommit args = decommit_args(me->base, GRAN);

			EXPECT_OK(ioctl(dev, WINMEM_IOC_DECOMMIT, &args));
			EXPECT_OK(raw_commit(me->base, GRAN, READWRITE));
		}
		stop = true;
		return NULL;
	}
	while (!stop) {
		for (unsigned long addr = me->base; addr < me->base + GRAN; addr += PAGE) {
			int byte = byte_at(addr);

			EXPECT(byte == -1 || byte == 0 || byte == (int)(addr / PAGE % 200 + 1));
			try_write(addr, addr / PAGE % 200 + 1);
		}
	}
	return NULL;
}

TEST(sec07_pages_go_while_others_touch_them)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	run(touches, base);
	EXPECT_COMMITTED(base, GRAN, READWRITE);
	EXPECT_EQ(GRAN, charge());
}

/* Execute comes and goes in one place, from all sides; the protocol converges. */
static void *gives_and_takes_execute(void *arg)
{
	struct worker *me = arg;
	unsigned long mine = me->base + me->number * PAGE;

	pthread_barrier_wait(&barrier);
	for (unsigned int i = 0; i < 50; i++) {
		protect(mine, PAGE, EXECUTE_READ);
		EXPECT(try_exec(mine));
		EXPECT(!try_write(mine, 1));
		protect(mine, PAGE, READWRITE);
		EXPECT(!try_exec(mine));
		put_return(mine);
	}
	return NULL;
}

TEST(execute_given_and_taken_by_neighbours)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	unsigned int before = vma_count();

	for (unsigned long addr = base; addr < base + GRAN; addr += PAGE)
		put_return(addr);
	run(gives_and_takes_execute, base);
	/* Stacks of threads that have ended may stay cached. */
	EXPECT(vma_count() <= before + 2 * THREADS);
	EXPECT_COMMITTED(base, GRAN, READWRITE);
}

static void *wants_the_opposite(void *arg)
{
	struct worker *me = arg;

	pthread_barrier_wait(&barrier);
	for (unsigned int i = 0; i < 100; i++) {
		unsigned int prot = me->number % 2 ? EXECUTE_READ : READONLY;
		struct winmem_protect args = protect_args(me->base, PAGE, prot);

		/* It may lose against the others again and again: then it has changed nothing. */
		if (ioctl_exec(WINMEM_IOC_PROTECT, &args, me->base, PAGE, prot))
			EXPECT(errno == ENOEXEC || errno == EAGAIN);
		EXPECT(!try_write(me->base, 1));
	}
	return NULL;
}

TEST(execute_wanted_and_not_wanted_for_one_page)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	unsigned int prot;

	put_return(base);
	protect(base, PAGE, READONLY);
	run(wants_the_opposite, base);
	prot = query(base).out_prot;
	EXPECT(prot == READONLY || prot == EXECUTE_READ);
	/* A winner decides what the page is, and it is that. */
	protect(base, PAGE, prot);
	EXPECT_EQ(prot == EXECUTE_READ, try_exec(base));
	protect(base, PAGE, READONLY);
	EXPECT(!try_exec(base));
}

/* All open the device at the same moment, in a process that has no space yet. */
static void *opens(void *arg)
{
	struct worker *me = arg;
	struct winmem_reserve args = reserve_args(0, GRAN, READWRITE, WINMEM_RESERVE_COMMIT);

	pthread_barrier_wait(&barrier);
	me->fd = OPEN_DEVICE();
	EXPECT_OK(ioctl(me->fd, WINMEM_IOC_RESERVE, &args));
	me->base = args.out_addr;
	return NULL;
}

static void opens_in_threads(void *arg)
{
	(void)arg;
	run(opens, 0);
	for (unsigned int i = 0; i < THREADS; i++) {
		for (unsigned int j = 0; j < THREADS; j++) {
			struct winmem_query args = query_args(workers[j].base);

			EXPECT_OK(ioctl(workers[i].fd, WINMEM_IOC_QUERY, &args));
			EXPECT_EQ(workers[j].base, args.out_alloc_base);
			EXPECT(i == j || workers[i].base != workers[j].base);
		}
	}
}

TEST(opening_at_the_same_moment_gives_one_space)
{
	for (int i = 0; i < 8; i++)
		IN_CHILD(opens_in_threads, NULL);
}

/* A descriptor is closed while another thread is inside a call on it. */
static void *closes_and_opens(void *arg)
{
	struct worker *me = arg;

	pthread_barrier_wait(&barrier);
	for (unsigned int i = 0; i < 200; i++) {
		int fd = OPEN_DEVICE();
		struct winmem_commit args = commit_args(me->base + me->number * PAGE, PAGE,
							READWRITE);

		EXPECT_OK(ioctl(fd, WINMEM_IOC_COMMIT, &args));
		EXPECT(try_write(me->base + me->number * PAGE, 1));
		close(fd);
	}
	return NULL;
}

TEST(descriptors_come_and_go_in_threads)
{
	unsigned long base = reserve(GRAN);

	run(closes_and_opens, base);
	EXPECT_COMMITTED(base, THREADS * PAGE, READWRITE);
}

/* mmap and munmap all around, and over, what the others use. */
static void *maps_around(void *arg)
{
	struct worker *me = arg;

	pthread_barrier_wait(&barrier);
	for (unsigned int i = 0; i < 40; i++) {
		if (me->number % 2) {
			void *map = mmap(NULL, GRAN, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			EXPECT(map != MAP_FAILED);
			memset(map, 0x5a, GRAN);
			EXPECT_OK(munmap(map, GRAN));
		} else {
			unsigned long base = raw_reserve(i % 8 ? GRAN : 2 * GIB,
							 i % 3 ? 0 : WINMEM_RESERVE_TOP_DOWN);

			commit(base, GRAN, READWRITE);
			fill(base, GRAN, i);
			EXPECT(filled(base, GRAN, i));
			EXPECT_OK(raw_release(base));
		}
	}
	return NULL;
}

TEST(other_mappings_come_and_go_at_the_same_time)
{
	run(maps_around, 0);
	EXPECT_EQ(0, charge());
}
