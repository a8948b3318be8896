// SPDX-License-Identifier: GPL-2.0-only
/*
 * VirtualQuery of what it was asked about before, which the library answers without the kernel: as
 * true as if it had asked (rows VQ06 to VQ09), whoever has changed what meanwhile.
 */
#define _GNU_SOURCE
#include "common.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <linux/seccomp.h>

static MEMORY_BASIC_INFORMATION ask(const void *addr)
{
	MEMORY_BASIC_INFORMATION mbi;

	EXPECT_EQ(sizeof(mbi), VirtualQuery(addr, &mbi, sizeof(mbi)));
	return mbi;
}

/* In a process that may do nothing any more but read, write and exit. */
static void asks_under_seccomp(void *arg)
{
	char *p = alloc(16 * PAGE, RW);
	MEMORY_BASIC_INFORMATION mbi;

	(void)arg;
	protect(p + 8 * PAGE, PAGE, RO);
	ask(p + PAGE);
	ask(p + 8 * PAGE);
	EXPECT(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	mbi = ask(p + 2 * PAGE + 5);
	if (mbi.BaseAddress != p + 2 * PAGE || mbi.RegionSize != 6 * PAGE ||
	    mbi.AllocationBase != p || mbi.AllocationProtect != RW || mbi.State != MEM_COMMIT ||
	    mbi.Protect != RW || mbi.Type != MEM_PRIVATE)
		syscall(SYS_exit, 2);
	mbi = ask(p + 8 * PAGE);
	syscall(SYS_exit, mbi.Protect == RO && mbi.RegionSize == PAGE ? 0 : 3);
}

TEST(asked_twice_is_no_system_call)
{
	IN_CHILD(asks_under_seccomp, NULL);
}

static void asks_anew_under_seccomp(void *arg)
{
	char *p = alloc(16 * PAGE, RW);

	(void)arg;
	ask(p);
	protect(p + 8 * PAGE, PAGE, RO);
	EXPECT(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	ask(p);
	syscall(SYS_exit, 0);
}

/* And the test above can fail. */
TEST(asked_after_a_change_is_a_system_call)
{
	pid_t child = start_child(asks_anew_under_seccomp, NULL);
	int status;

	EXPECT_EQ(child, waitpid(child, &status, 0));
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(each_page_of_a_run_has_its_own_base_and_size)
{
	char *p = alloc(64 * PAGE, RW);

	decommit(p + 32 * PAGE, 32 * PAGE);
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < 64; i++) {
			MEMORY_BASIC_INFORMATION mbi = ask(p + i * PAGE + 4095);

			EXPECT_EQ(p + i * PAGE, mbi.BaseAddress);
			EXPECT_EQ((i < 32 ? 32 - i : 64 - i) * PAGE, mbi.RegionSize);
			EXPECT_EQ(i < 32 ? MEM_COMMIT : MEM_RESERVE, mbi.State);
			EXPECT_EQ(i < 32 ? RW : 0, mbi.Protect);
		}
	}
	/* Beside it nothing was said. */
	EXPECT(ask(p + 64 * PAGE).AllocationBase != p);
	EXPECT(ask(p - 1).AllocationBase != p);
	release(p);
}

TEST(more_reservations_than_are_kept)
{
	char *p[12];

	for (unsigned int i = 0; i < ARRAY_LEN(p); i++)
		p[i] = alloc((i + 1) * PAGE, i % 2 ? RO : RW);
	for (unsigned int round = 0; round < 5; round++) {
		for (unsigned int i = 0; i < ARRAY_LEN(p); i++)
			expect_committed(p[i], p[i], i % 2 ? RO : RW, (i + 1) * PAGE,
					 i % 2 ? RO : RW);
	}
	for (unsigned int i = 0; i < ARRAY_LEN(p); i++)
		release(p[i]);
}

TEST(every_change_shows)
{
	char *p = EXPECT_OK(VirtualAlloc(NULL, GRAN, MEM_RESERVE, RW)), *q;

	for (unsigned int i = 0; i < 3; i++) {
		EXPECT_EQ(MEM_RESERVE, ask(p).State);
		EXPECT_OK(VirtualAlloc(p, 4 * PAGE, MEM_COMMIT, RW));
		EXPECT_EQ(4 * PAGE, ask(p).RegionSize);
		protect(p + PAGE, PAGE, RO);
		EXPECT_EQ(PAGE, ask(p).RegionSize);
		EXPECT_EQ(RO, ask(p + PAGE).Protect);
		protect(p, PAGE, RW | PAGE_GUARD);
		EXPECT_EQ(RW | PAGE_GUARD, ask(p).Protect);
		EXPECT(!try_read(p));
		EXPECT_EQ(RW, ask(p).Protect);
		decommit(p, 4 * PAGE);
	}
	EXPECT_EQ(GRAN, ask(p).RegionSize);
	release(p);
	EXPECT_EQ(MEM_FREE, ask(p).State);
	/* The same place, another reservation. */
	q = EXPECT_OK(VirtualAlloc(p, 2 * GRAN, MEM_RESERVE, RO));
	EXPECT_EQ(p, q);
	EXPECT_EQ(RO, ask(p).AllocationProtect);
	EXPECT_EQ(2 * GRAN, ask(p).RegionSize);
	release(q);
}

TEST(memory_that_is_not_winmems_is_asked_about_each_time)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(p != MAP_FAILED);
	EXPECT_EQ(RO, ask(p).Protect);
	EXPECT(!mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(RW, ask(p).Protect);
	EXPECT(!munmap(p, 2 * PAGE));
	EXPECT_EQ(MEM_FREE, ask(p).State);
}

/* Between two threads. */
struct turner {
	char *p;
	volatile unsigned long turns;
	volatile bool stop;
};

static const DWORD circle[] = { RO, RW, NA };

static void *turns(void *arg)
{
	struct turner *turner = arg;

	while (!turner->stop) {
		protect(turner->p, PAGE, circle[(turner->turns + 1) % 3]);
		__atomic_store_n(&turner->turns, turner->turns + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

TEST(no_answer_is_older_than_what_another_thread_has_told)
{
	struct turner turner = { .p = alloc(GRAN, RW) };
	unsigned long compared = 0;
	pthread_t thread;

	protect(turner.p, PAGE, circle[0]);
	EXPECT(!pthread_create(&thread, NULL, turns, &turner));
	while (turner.turns < 20000 || compared < 1000) {
		unsigned long before = __atomic_load_n(&turner.turns, __ATOMIC_ACQUIRE);
		DWORD prot = ask(turner.p).Protect;

		if (before != __atomic_load_n(&turner.turns, __ATOMIC_ACQUIRE))
			continue;
		/* The next turn may be on its way. */
		EXPECT(prot == circle[before % 3] || prot == circle[(before + 1) % 3]);
		compared++;
	}
	turner.stop = true;
	EXPECT(!pthread_join(thread, NULL));
	release(turner.p);
}

/* Signals in the middle of a query whose handlers query too. */
static char *handler_asks_about[6];
static volatile unsigned long handled, wrong;

static void asks(int signo)
{
	MEMORY_BASIC_INFORMATION mbi;
	unsigned long i = handled % ARRAY_LEN(handler_asks_about);

	(void)signo;
	if (!VirtualQuery(handler_asks_about[i], &mbi, sizeof(mbi)) ||
	    mbi.AllocationBase != handler_asks_about[i] || mbi.RegionSize != (i + 1) * PAGE)
		wrong++;
	handled++;
}

TEST(a_signal_in_the_middle_of_it)
{
	const struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { };
	struct sigaction action = { .sa_handler = asks, .sa_flags = SA_RESTART }, before;

	for (unsigned int i = 0; i < ARRAY_LEN(handler_asks_about); i++)
		handler_asks_about[i] = alloc((i + 1) * PAGE, RW);
	EXPECT(!sigaction(SIGALRM, &action, &before));
	EXPECT(!setitimer(ITIMER_REAL, &often, NULL));
	for (unsigned long i = 0; handled < 500; i++) {
		unsigned int at = i % ARRAY_LEN(handler_asks_about);
		MEMORY_BASIC_INFORMATION mbi = ask(handler_asks_about[at]);

		EXPECT_EQ(handler_asks_about[at], mbi.AllocationBase);
		EXPECT_EQ((at + 1) * PAGE, mbi.RegionSize);
	}
	EXPECT(!setitimer(ITIMER_REAL, &never, NULL));
	EXPECT(!sigaction(SIGALRM, &before, NULL));
	EXPECT_EQ(0, wrong);
	for (unsigned int i = 0; i < ARRAY_LEN(handler_asks_about); i++)
		release(handler_asks_about[i]);
}

/* A child's space is empty, whatever its parent's answers were, and however it was made. */
static void has_none_of_it(void *arg)
{
	char *p = arg, *q;

	EXPECT_EQ(MEM_FREE, ask(p).State);
	q = EXPECT_OK(VirtualAlloc(p, PAGE, RESERVE_COMMIT, RO));
	EXPECT_EQ(p, q);
	EXPECT_EQ(RO, ask(p).Protect);
	EXPECT_EQ(PAGE, ask(p).RegionSize);
	protect(p, PAGE, RW);
	EXPECT_EQ(RW, ask(p).Protect);
}

TEST(a_child_does_not_believe_its_parent)
{
	char *p = alloc(GRAN, RW);

	EXPECT_EQ(GRAN, ask(p).RegionSize);
	IN_CHILD(has_none_of_it, p);
	EXPECT_EQ(GRAN, ask(p).RegionSize);
	EXPECT_EQ(RW, ask(p).Protect);
	release(p);
}

TEST(nor_one_that_was_made_without_the_library)
{
	char *p = alloc(GRAN, RW);
	int status;
	pid_t pid;

	EXPECT_EQ(GRAN, ask(p).RegionSize);
	pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	EXPECT(pid >= 0);
	if (!pid) {
		has_none_of_it(p);
		_exit(0);
	}
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(GRAN, ask(p).RegionSize);
	release(p);
}
