// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions in many threads: memory committed on demand, guards that threads race for,
 * handlers that come and go meanwhile, and the stacks that handlers run on.
 */
#define _GNU_SOURCE
#include "exception.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define THREADS		4
#define GIB		(1UL << 30)
#define BLOCK		GRAN		/* what the handler commits at once */
#define GUARDS		10000UL		/* at most */

static void run(void *(*function)(void *arg))
{
	pthread_t threads[THREADS];

	for (unsigned long i = 0; i < THREADS; i++)
		EXPECT(!pthread_create(&threads[i], NULL, function, (void *)i));
	for (unsigned int i = 0; i < THREADS; i++)
		EXPECT(!pthread_join(threads[i], NULL));
}

/* A step that meets every number below a power of two once, in a wild order. */
static unsigned long scatter(unsigned long i, unsigned long nr)
{
	return (i * 0x9e3779b1UL + 12345) % nr;
}

/* Commit on demand */

static char *space;
static atomic_ulong nr_commits, next_page;
static unsigned long stride;		/* pages from one that is touched to the next */

static LONG WINAPI commit_on_demand(EXCEPTION_POINTERS *pointers)
{
	const EXCEPTION_RECORD *record = pointers->ExceptionRecord;
	char *addr = (char *)record->ExceptionInformation[1];

	if (record->ExceptionCode != EXCEPTION_ACCESS_VIOLATION || addr < space ||
	    addr >= space + GIB)
		return EXCEPTION_CONTINUE_SEARCH;
	nr_commits++;
	addr -= (addr - space) % BLOCK;
	EXPECT_EQ(addr, VirtualAlloc(addr, BLOCK, MEM_COMMIT, RW));
	return EXCEPTION_CONTINUE_EXECUTION;
}

static void *touch_pages(void *arg)
{
	unsigned long page;

	while ((page = next_page++) < GIB / PAGE / stride) {
		page = scatter(page, GIB / PAGE / stride) * stride;
		unsigned long *at = (void *)(space + page * PAGE);

		*(volatile unsigned long *)at = (unsigned long)at;
		EXPECT_EQ(at, *(volatile unsigned long *)at);
	}
	return arg;
}

CHILD_TEST(commit_on_demand_of_a_gigabyte)
{
	/* Twice in each block is enough for threads to meet there. */
	stride = repeat(BLOCK / PAGE / 2, 1);
	space = reserve(GIB);
	add(0, commit_on_demand);
	run(touch_pages);
	EXPECT_EQ(GIB, charge());
	/* At least once for each block; more where threads met. */
	EXPECT(nr_commits >= GIB / BLOCK && nr_commits <= THREADS * GIB / BLOCK);
	for (char *p = space; p < space + GIB; p += stride * PAGE)
		EXPECT_EQ(p, *(unsigned long *)p);
	release(space);
}

/* Guards */

static char *guards;
static unsigned long nr_guards;
static atomic_uint violations[GUARDS];
static atomic_ulong nr_others;
static pthread_barrier_t lap;

static LONG WINAPI count_violations(EXCEPTION_POINTERS *pointers)
{
	const EXCEPTION_RECORD *record = pointers->ExceptionRecord;
	char *addr = (char *)record->ExceptionInformation[1];

	if (record->ExceptionCode == STATUS_GUARD_PAGE_VIOLATION && addr >= guards &&
	    addr < guards + nr_guards * PAGE) {
		violations[(addr - guards) / PAGE]++;
		return EXCEPTION_CONTINUE_EXECUTION;
	}
	nr_others++;
	return leave(pointers);
}

static void *hit_guards(void *arg)
{
	unsigned long nr = (unsigned long)arg;

	for (unsigned long i = 0; i < nr_guards; i++) {
		/* Side by side, or the first would be through before the last has begun. */
		if (i % 64 == 0)
			pthread_barrier_wait(&lap);
		if (nr % 2)
			load(guards + i * PAGE);
		else
			store(guards + i * PAGE + nr);
	}
	return NULL;
}

CHILD_TEST(G01_threads_that_race_for_guards)
{
	nr_guards = repeat(2000, GUARDS);
	guards = alloc(nr_guards * PAGE, RW | PAGE_GUARD);
	pthread_barrier_init(&lap, NULL, THREADS);
	add(0, count_violations);
	run(hit_guards);
	for (unsigned long i = 0; i < nr_guards; i++)
		EXPECT_EQ(1, violations[i]);
	EXPECT_EQ(0, nr_others);
	EXPECT_EQ(nr_guards * PAGE, query(guards).RegionSize);
	release(guards);
}

#define FETCHES	500UL

static void *fetch_guards(void *arg)
{
	for (unsigned long i = 0; i < FETCHES; i++) {
		if (i % 8 == 0)
			pthread_barrier_wait(&lap);
		execute(guards + i * PAGE);
	}
	return arg;
}

CHILD_TEST(G05_threads_that_race_to_execute_guards)
{
	nr_guards = repeat(2000, GUARDS);
	guards = alloc(nr_guards * PAGE, RW | PAGE_GUARD);
	pthread_barrier_init(&lap, NULL, THREADS);
	add(0, count_violations);
	run(fetch_guards);
	for (unsigned long i = 0; i < FETCHES; i++)
		EXPECT_EQ(1, violations[i]);
	/* Each thread's every fetch ends in the other violation. */
	EXPECT_EQ(THREADS * FETCHES, nr_others);
	release(guards);
}

/* Handlers that come and go */

static atomic_bool over;
static atomic_ulong nr_taken;

static LONG WINAPI search(EXCEPTION_POINTERS *pointers)
{
	(void)pointers;
	return EXCEPTION_CONTINUE_SEARCH;
}

static LONG WINAPI take(EXCEPTION_POINTERS *pointers)
{
	nr_taken++;
	return leave(pointers);
}

static void *fault_or_change(void *arg)
{
	void *handles[8];

	if ((unsigned long)arg % 2) {
		for (int i = 0; i < 3000; i++)
			load(NULL);
		over = true;
	}
	while (!over) {
		for (unsigned int i = 0; i < ARRAY_LEN(handles); i++)
			handles[i] = AddVectoredExceptionHandler(i % 2, search);
		for (unsigned int i = 0; i < ARRAY_LEN(handles); i++)
			EXPECT(RemoveVectoredExceptionHandler(handles[i]));
	}
	return NULL;
}

CHILD_TEST(handlers_come_and_go_while_others_fault)
{
	add(0, take);
	run(fault_or_change);
	EXPECT_EQ(THREADS / 2 * 3000, nr_taken);
}

/* Stacks */

static unsigned long handler_stack, stack_low, stack_high;

static LONG WINAPI look_at_the_stack(EXCEPTION_POINTERS *pointers)
{
	handler_stack = (unsigned long)__builtin_frame_address(0);
	return leave(pointers);
}

static bool runs_on_own_stack(void)
{
	stack_t now;

	load(NULL);
	EXPECT(!sigaltstack(NULL, &now));
	stack_low = (unsigned long)now.ss_sp;
	stack_high = stack_low + now.ss_size;
	return !(now.ss_flags & SS_DISABLE) && handler_stack > stack_low &&
	       handler_stack < stack_high;
}

static void *look_before_and_after(void *arg)
{
	EXPECT(!runs_on_own_stack());
	EXPECT(!RemoveVectoredExceptionHandler(NULL));
	EXPECT(runs_on_own_stack());
	EXPECT(stack_high - stack_low >= 64 << 10);
	return arg;
}

CHILD_TEST(a_thread_that_asks_has_a_stack_till_it_ends)
{
	pthread_t thread;
	unsigned char there;

	add(0, look_at_the_stack);
	EXPECT(runs_on_own_stack());
	for (int i = 0; i < 50; i++) {
		EXPECT(!pthread_create(&thread, NULL, look_before_and_after, NULL));
		EXPECT(!pthread_join(thread, NULL));
		EXPECT_EQ(-1, mincore((void *)(stack_low & -PAGE), PAGE, &there));
	}
}

static LONG WINAPI end_the_thread(EXCEPTION_POINTERS *pointers)
{
	pthread_exit((void *)pointers->ExceptionRecord->ExceptionInformation[1]);
}

static void *end_in_a_handler(void *arg)
{
	add(0, end_the_thread);
	load(arg);
	return NULL;
}

/* It cannot free the stack it ends on. */
CHILD_TEST(a_thread_may_end_in_a_handler)
{
	pthread_t thread;
	void *result;

	EXPECT(!pthread_create(&thread, NULL, end_in_a_handler, (void *)8));
	EXPECT(!pthread_join(thread, &result));
	EXPECT_EQ(8, result);
}

static char own_stack[32 << 10] __attribute__((aligned(16)));

CHILD_TEST(a_stack_that_the_program_has_is_kept)
{
	stack_t mine = { .ss_sp = own_stack, .ss_size = sizeof(own_stack) };

	EXPECT(!sigaltstack(&mine, NULL));
	add(0, look_at_the_stack);
	EXPECT(runs_on_own_stack());
	EXPECT_EQ(own_stack, stack_low);
}

/* Stacks of threads that are committed on demand: nothing works there but another stack. */

static LONG WINAPI commit_stack(EXCEPTION_POINTERS *pointers)
{
	char *addr = (char *)pointers->ExceptionRecord->ExceptionInformation[1];

	nr_commits++;
	EXPECT_EQ((unsigned long)addr & -PAGE,
		  VirtualAlloc(addr, 1, MEM_COMMIT, RW));
	return EXCEPTION_CONTINUE_EXECUTION;
}

static int __attribute__((noinline)) recurse(int depth)
{
	volatile int room[250];

	room[0] = depth;
	return depth ? recurse(depth - 1) + room[0] % 2 : 0;
}

static void *recurse_deeply(void *arg)
{
	RemoveVectoredContinueHandler(NULL);
	EXPECT_EQ(300, recurse(600));
	return arg;
}

CHILD_TEST(a_stack_that_is_committed_on_demand)
{
	size_t size = 16 * GRAN;
	char *stack = reserve(size);
	pthread_attr_t attr;
	pthread_t thread;

	add(0, commit_stack);
	/* What the thread needs before it can ask. */
	commit(stack + size - 4 * PAGE, 4 * PAGE, RW);
	pthread_attr_init(&attr);
	EXPECT(!pthread_attr_setstack(&attr, stack, size));
	EXPECT(!pthread_create(&thread, &attr, recurse_deeply, NULL));
	EXPECT(!pthread_join(thread, NULL));
	EXPECT(nr_commits > 100);
	release(stack);
}
