// SPDX-License-Identifier: GPL-2.0-only
/*
 * Execute permission: code that runs where it may and nowhere else, what that does to the
 * mappings, and what happens when mprotect(2), which it takes, is refused.
 */
#define _GNU_SOURCE
#include "common.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#define FLIPS		200

/* A function that returns @value, below 65536. */
static void put_code(void *addr, unsigned int value)
{
#if defined(__x86_64__)
	unsigned char code[] = { 0xb8, value & 0xff, value >> 8, 0, 0, 0xc3 };
#elif defined(__aarch64__)
	unsigned int code[] = { 0x52800000 | value << 5, 0xd65f03c0 };
#endif

	memcpy(addr, code, sizeof(code));
	__builtin___clear_cache((char *)addr, (char *)addr + sizeof(code));
}

static unsigned int run_code(void *addr)
{
	return ((unsigned int (*)(void))addr)();
}

TEST(VA_code_runs_in_a_new_allocation)
{
	char *p = alloc(2 * PAGE, XRW);

	put_code(p, 1234);
	put_code(p + PAGE, 4321);
	EXPECT_EQ(1234, run_code(p));
	EXPECT_EQ(4321, run_code(p + PAGE));
	release(p);
}

TEST(VP_code_runs_in_each_execute_protection)
{
	static const DWORD prots[] = { X, XR, XRW };
	char *p = alloc(PAGE, RW);

	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		put_code(p, 100 + i);
		EXPECT_EQ(RW, protect(p, PAGE, prots[i]));
		EXPECT_EQ(100 + i, run_code(p));
		expect_access(p, prots[i] == XRW ? "rwx" : "r-x");
		EXPECT_EQ(prots[i], protect(p, PAGE, RW));
	}
	release(p);
}

TEST(VA_code_runs_after_a_commit)
{
	char *b = reserve(GRAN);

	commit(b + PAGE, PAGE, XRW);
	put_code(b + PAGE, 7);
	EXPECT_EQ(7, run_code(b + PAGE));
	commit(b + PAGE, PAGE, XR);
	expect_access(b + PAGE, "r-x");
	EXPECT_EQ(7, run_code(b + PAGE));
	commit(b + PAGE, PAGE, RW);
	expect_access(b + PAGE, "rw-");
	release(b);
}

TEST(P01_nothing_runs_without_execute)
{
	static const DWORD prots[] = { RO, RW };
	char *p = alloc(PAGE, RW);

	put_code(p, 1);
	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		protect(p, PAGE, prots[i]);
		EXPECT(!try_exec(p));
		EXPECT_EQ(p, last_fault.addr);
		EXPECT(last_fault.kind == 'x' || last_fault.kind == '?');
	}
	protect(p, PAGE, NA);
	EXPECT(!try_exec(p));
	release(p);
}

/* Pages that were written while they were executable, or before, or after. */
TEST(P01_read_only_stays_so_when_execute_comes_and_goes)
{
	char *p = alloc(4 * PAGE, RW);

	for (unsigned int page = 0; page < 4; page++)
		put_code(p + page * PAGE, page);
	protect(p, 4 * PAGE, RO);
	protect(p + PAGE, PAGE, XR);
	for (unsigned int page = 0; page < 4; page++)
		expect_access(p + page * PAGE, page == 1 ? "r-x" : "r--");
	protect(p, 4 * PAGE, XR);
	for (unsigned int page = 0; page < 4; page++)
		expect_access(p + page * PAGE, "r-x");
	protect(p + PAGE, 2 * PAGE, RO);
	expect_access(p, "r-x");
	expect_access(p + PAGE, "r--");
	expect_access(p + 2 * PAGE, "r--");
	expect_access(p + 3 * PAGE, "r-x");
	commit(p, 4 * PAGE, RO);
	for (unsigned int page = 0; page < 4; page++)
		expect_access(p + page * PAGE, "r--");
	release(p);
}

TEST(VP_execute_is_given_and_taken_on_single_pages)
{
	char *p = alloc(16 * PAGE, RW);

	for (unsigned int page = 0; page < 16; page++)
		put_code(p + page * PAGE, page);
	for (unsigned int page = 1; page < 16; page += 3)
		EXPECT_EQ(RW, protect(p + page * PAGE, PAGE, XR));
	for (unsigned int page = 0; page < 16; page++) {
		bool exec = page % 3 == 1;

		expect_access(p + page * PAGE, exec ? "r-x" : "rw-");
		if (exec)
			EXPECT_EQ(page, run_code(p + page * PAGE));
	}
	EXPECT_EQ(XR, protect(p + 4 * PAGE, PAGE, RW));
	expect_access(p + 4 * PAGE, "rw-");
	EXPECT_EQ(7, run_code(p + 7 * PAGE));
	release(p);
}

/* A range of pages with and without, in one call, and back. */
TEST(VP09_execute_over_a_mixed_range)
{
	char *p = alloc(8 * PAGE, RW);

	for (unsigned int page = 0; page < 8; page++)
		put_code(p + page * PAGE, page);
	protect(p + 2 * PAGE, PAGE, XR);
	protect(p + 5 * PAGE, PAGE, NA);
	EXPECT_EQ(RW, protect(p, 8 * PAGE, XR));
	expect_committed(p, p, RW, 8 * PAGE, XR);
	for (unsigned int page = 0; page < 8; page++)
		EXPECT_EQ(page, run_code(p + page * PAGE));
	EXPECT_EQ(XR, protect(p, 8 * PAGE, RW));
	expect_committed(p, p, RW, 8 * PAGE, RW);
	for (unsigned int page = 0; page < 8; page++)
		expect_access(p + page * PAGE, "rw-");
	release(p);
}

/* As a compiler at run time does it: write, make executable, run, make writable. */
TEST(VP_write_xor_execute_many_times)
{
	char *p = alloc(16 * PAGE, RW);
	unsigned int before, most = 0;

	protect(p, PAGE, XR);
	protect(p, PAGE, RW);
	before = vma_count();
	for (unsigned int i = 0; i < FLIPS; i++) {
		char *page = p + i % 16 * PAGE;
		unsigned int nr;

		put_code(page, i);
		EXPECT_EQ(RW, protect(page, PAGE, XR));
		EXPECT_EQ(i, run_code(page));
		nr = vma_count();
		most = nr > most ? nr : most;
		EXPECT_EQ(XR, protect(page, PAGE, RW));
	}
	EXPECT(most <= before + 2);
	EXPECT_EQ(before, vma_count());
	release(p);
}

TEST(VF_mappings_merge_after_release)
{
	unsigned int before;
	char *p;

	release(alloc(PAGE, RW));
	before = vma_count();
	p = alloc(64 * PAGE, RW);
	for (unsigned int page = 0; page < 64; page += 2)
		protect(p + page * PAGE, PAGE, XR);
	EXPECT(vma_count() >= before + 60);
	decommit(p, 32 * PAGE);
	EXPECT(vma_count() <= before + 34);
	release(p);
	EXPECT_EQ(before, vma_count());
}

/* What was executable once is not, when it is somebody else's. */
TEST(VF_no_execute_after_decommit)
{
	char *p = alloc(4 * PAGE, XRW);

	put_code(p + PAGE, 1);
	EXPECT_EQ(1, run_code(p + PAGE));
	decommit(p + PAGE, PAGE);
	EXPECT(!try_exec(p + PAGE));
	commit(p + PAGE, PAGE, RW);
	EXPECT(zeroed(p + PAGE, PAGE));
	expect_access(p + PAGE, "rw-");
	release(p);
}

TEST(VF_no_execute_after_release)
{
	char *p = alloc(4 * PAGE, XRW);

	put_code(p, 1);
	release(p);
	EXPECT(!try_exec(p));
	EXPECT_EQ(p, EXPECT_OK(VirtualAlloc(p, 4 * PAGE, RESERVE_COMMIT, RW)));
	expect_access(p, "rw-");
	release(p);
}

TEST(VA05_a_reservation_for_code_runs_nothing)
{
	char *b = EXPECT_OK(VirtualAlloc(NULL, GRAN, MEM_RESERVE, XRW));

	expect_access(b, "---");
	commit(b, PAGE, RW);
	expect_access(b, "rw-");
	release(b);
}

/* Threads that give and take execute of their pages in one reservation, all at once. */
#define THREADS	4

static void *flip_a_page(void *page)
{
	for (unsigned int i = 0; i < FLIPS / 4; i++) {
		put_code(page, i);
		EXPECT_EQ(RW, protect(page, PAGE, XR));
		EXPECT_EQ(i, run_code(page));
		EXPECT_EQ(XR, protect(page, PAGE, RW));
	}
	return NULL;
}

TEST(VP_threads_flip_their_pages)
{
	char *p = alloc(THREADS * PAGE, RW);
	pthread_t threads[THREADS];

	for (unsigned int i = 0; i < THREADS; i++)
		EXPECT(!pthread_create(&threads[i], NULL, flip_a_page, p + i * PAGE));
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	expect_committed(p, p, RW, THREADS * PAGE, RW);
	release(p);
}

/* Overlapping ranges, one thread gives and one takes: each call wins or says that it lost. */
static volatile bool stop;

static void keep_protecting(char *p, DWORD prot)
{
	DWORD old;

	while (!stop) {
		if (!VirtualProtect(p, 4 * PAGE, prot, &old))
			EXPECT_EQ(ERROR_BUSY, GetLastError());
	}
}

static void *keep_giving(void *p)
{
	keep_protecting(p, XR);
	return NULL;
}

static void *keep_taking(void *p)
{
	keep_protecting((char *)p + PAGE, RW);
	return NULL;
}

TEST(VP_two_threads_disagree)
{
	char *p = alloc(8 * PAGE, RW);
	pthread_t giver, taker;

	put_code(p + PAGE, 1);
	stop = false;
	EXPECT(!pthread_create(&giver, NULL, keep_giving, p));
	EXPECT(!pthread_create(&taker, NULL, keep_taking, p));
	sleep(1);
	stop = true;
	pthread_join(giver, NULL);
	pthread_join(taker, NULL);

	/* The last one asked wins, mapping and page alike. */
	protect(p, 8 * PAGE, XR);
	expect_committed(p, p, RW, 8 * PAGE, XR);
	expect_access(p + PAGE, "r-x");
	protect(p, 8 * PAGE, RW);
	expect_access(p + PAGE, "rw-");
	release(p);
}

/* A fourth argument, which mprotect does not look at, marks the calls that pass anyway. */
#define PASS		0x600d

/* From here on this process's mprotect has this answer. There is no way back. */
static void filter_mprotect(unsigned int answer)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[3])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PASS, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, answer),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_LEN(filter), filter };

	EXPECT(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	EXPECT(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static void refuse_mprotect(int err)
{
	filter_mprotect(SECCOMP_RET_ERRNO | err);
	EXPECT(mprotect(NULL, 0, 0) == -1 && errno == err);
}

/* Each way to execute permission, with an mprotect that says no. */
static void without_mprotect(int err, DWORD error)
{
	char *b = reserve(GRAN), *place;
	DWORD old;

	commit(b, 4 * PAGE, RW);
	put_code(b, 1);
	fill(b + PAGE, 3 * PAGE, 1);
	protect(b + 2 * PAGE, PAGE, RO);
	protect(b + 3 * PAGE, PAGE, XR);
	place = free_place(GRAN);
	refuse_mprotect(err);

	EXPECT_UNCHANGED(b, GRAN, error, VirtualProtect(b, PAGE, XR, &old));
	EXPECT_UNCHANGED(b, GRAN, error, VirtualProtect(b, 4 * PAGE, XRW, &old));
	EXPECT_UNCHANGED(b, GRAN, error, VirtualProtect(b + 3 * PAGE, PAGE, RW, &old));
	EXPECT_UNCHANGED(b, GRAN, error, VirtualAlloc(b, PAGE, MEM_COMMIT, X));
	EXPECT_UNCHANGED(b, GRAN, error, VirtualAlloc(b + 4 * PAGE, PAGE, MEM_COMMIT, XR));
	EXPECT_UNCHANGED(place, GRAN, error, VirtualAlloc(place, GRAN, RESERVE_COMMIT, XR));
	EXPECT_UNCHANGED(b, GRAN, error, VirtualAlloc(NULL, GRAN, RESERVE_COMMIT, XRW));
	expect_access(b, "rw-");
	expect_access(b + 2 * PAGE, "r--");
	EXPECT(!try_write(b + 3 * PAGE));
	expect_access(b + 4 * PAGE, "---");

	/* What needs no mprotect works as ever, and giving memory back always does. */
	protect(b, PAGE, RO);
	commit(b + 8 * PAGE, PAGE, RW);
	decommit(b + 3 * PAGE, PAGE);
	release(b);
	EXPECT_EQ(0, charge());
}

static void too_many_mappings(void *arg __attribute__((unused)))
{
	without_mprotect(ENOMEM, ERROR_NOT_ENOUGH_MEMORY);
}

static void forbidden(void *arg __attribute__((unused)))
{
	without_mprotect(EACCES, ERROR_ACCESS_DENIED);
}

/* As if another thread always asked for the opposite: it ends, and says so. */
static void never_agreed(void *arg __attribute__((unused)))
{
	char *b = alloc(GRAN, RW);
	DWORD old;

	refuse_mprotect(EAGAIN);
	EXPECT_UNCHANGED(b, GRAN, ERROR_BUSY, VirtualProtect(b, PAGE, XR, &old));
	EXPECT_UNCHANGED(b, GRAN, ERROR_BUSY, VirtualAlloc(b, PAGE, MEM_COMMIT, XR));
	expect_access(b, "rw-");
	release(b);
}

TEST(VP_mprotect_without_memory_changes_nothing)
{
	IN_CHILD(too_many_mappings, NULL);
}

TEST(VP_mprotect_forbidden_changes_nothing)
{
	IN_CHILD(forbidden, NULL);
}

TEST(VP_mprotect_never_agreed_changes_nothing)
{
	IN_CHILD(never_agreed, NULL);
}

#if defined(__x86_64__)
/* Another thread got in between a few times: the call starts again until it gets through. */
static int refusals;

static void answer_mprotect(int signo, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	int saved = errno;

	(void)signo;
	(void)info;
	if (refusals-- > 0)
		regs[REG_RAX] = -EAGAIN;
	else if (syscall(SYS_mprotect, regs[REG_RDI], regs[REG_RSI], regs[REG_RDX], PASS))
		regs[REG_RAX] = -errno;
	else
		regs[REG_RAX] = 0;
	errno = saved;
}

static void agreed_at_last(void *arg __attribute__((unused)))
{
	struct sigaction action = { .sa_sigaction = answer_mprotect, .sa_flags = SA_SIGINFO };
	char *b = reserve(GRAN);

	commit(b, 2 * PAGE, RW);
	put_code(b, 1);
	EXPECT(!sigaction(SIGSYS, &action, NULL));
	filter_mprotect(SECCOMP_RET_TRAP);

	refusals = 3;
	EXPECT_EQ(RW, protect(b, PAGE, XR));
	EXPECT(refusals < 0);
	EXPECT_EQ(1, run_code(b));
	refusals = 3;
	commit(b + PAGE, PAGE, XRW);
	EXPECT(refusals < 0);
	put_code(b + PAGE, 2);
	EXPECT_EQ(2, run_code(b + PAGE));
	release(b);
}

TEST(VP_mprotect_agreed_at_last)
{
	IN_CHILD(agreed_at_last, NULL);
}
#endif
