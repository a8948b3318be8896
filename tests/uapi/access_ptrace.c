// SPDX-License-Identifier: GPL-2.0-only
/*
 * A debugger looks into the memory of another process, and changes it.
 */
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

/* What the child tells its tracer. */
struct told {
	unsigned long base;
	volatile int sum;
};

static const unsigned int prots[] = { NOACCESS, READONLY, READWRITE, EXECUTE, EXECUTE_READ,
				      EXECUTE_RW, READWRITE | GUARD, READONLY | GUARD };

#define NR		ARRAY_LEN(prots)
#define RESERVED_PAGE	(NR * PAGE)

static pid_t child;
static struct told *told;

static void tracee(void *arg)
{
	struct told *mine = arg;
	unsigned long base;

	dev = OPEN_DEVICE();
	base = reserve(GRAN);
	commit(base, NR * PAGE, READWRITE);
	for (unsigned long i = 0; i < NR; i++) {
		*(volatile long *)(base + i * PAGE) = 1000 + i;
		protect(base + i * PAGE, PAGE, prots[i]);
	}
	mine->base = base;
	EXPECT_OK(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	raise(SIGSTOP);

	/* The tracer changed nothing but contents. */
	for (unsigned long i = 0; i < NR; i++) {
		EXPECT_COMMITTED(base + i * PAGE, PAGE, prots[i]);
		EXPECT_EQ(prots[i] != NOACCESS && !(prots[i] & GUARD), try_read(base + i * PAGE));
	}
	EXPECT_RESERVED(base + RESERVED_PAGE, GRAN - RESERVED_PAGE);
	protect(base, NR * PAGE, READWRITE);
	for (unsigned long i = 0; i < NR; i++)
		mine->sum += *(volatile long *)(base + i * PAGE);
}

static void tracee_start(void)
{
	int status;

	told = shared_page();
	child = start_child(tracee, told);
	EXPECT_EQ(child, waitpid(child, &status, 0));
	EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
}

/* It runs to its end and says what all the pages came to. */
static void tracee_finish(int sum)
{
	EXPECT_OK(ptrace(PTRACE_DETACH, child, NULL, NULL));
	FINISH(child);
	EXPECT_EQ(sum, told->sum);
	munmap(told, PAGE);
}

#define SUM	(1000 * (int)NR + (int)NR * ((int)NR - 1) / 2)

TEST(sec11_peek_reads_every_committed_page)
{
	tracee_start();
	for (unsigned long i = 0; i < NR; i++) {
		errno = 0;
		EXPECT_EQ(1000 + i, ptrace(PTRACE_PEEKDATA, child, told->base + i * PAGE, NULL));
		EXPECT_EQ(0, errno);
	}
	tracee_finish(SUM);
}

TEST(sec11_poke_writes_every_committed_page)
{
	tracee_start();
	for (unsigned long i = 0; i < NR; i++) {
		unsigned long addr = told->base + i * PAGE;

		EXPECT_OK(ptrace(PTRACE_POKEDATA, child, addr, 2000 + i));
		errno = 0;
		EXPECT_EQ(2000 + i, ptrace(PTRACE_PEEKDATA, child, addr, NULL));
		EXPECT_EQ(0, errno);
	}
	tracee_finish(SUM + 1000 * (int)NR);
}

TEST(sec11_reserved_pages_cannot_be_peeked_or_poked)
{
	tracee_start();
	for (unsigned long addr = told->base + RESERVED_PAGE; addr < told->base + GRAN;
	     addr += PAGE) {
		EXPECT_ERRNO(EIO, ptrace(PTRACE_PEEKDATA, child, addr, NULL));
		EXPECT_ERRNO(EIO, ptrace(PTRACE_POKEDATA, child, addr, 1));
	}
	tracee_finish(SUM);
}

TEST(sec11_proc_pid_mem_of_another_process)
{
	unsigned char buffer[3 * PAGE];
	char path[64];
	int mem;

	tracee_start();
	snprintf(path, sizeof(path), "/proc/%d/mem", child);
	mem = open(path, O_RDWR | O_CLOEXEC);
	EXPECT_OK(mem);
	EXPECT_EQ(sizeof(buffer), pread(mem, buffer, sizeof(buffer), told->base));
	for (long i = 0; i < 3; i++)
		EXPECT_EQ(1000 + i, *(long *)(buffer + i * PAGE));
	*(long *)buffer = 5000;
	EXPECT_EQ(8, pwrite(mem, buffer, 8, told->base));
	EXPECT(pread(mem, buffer, 8, told->base + RESERVED_PAGE) <= 0);
	close(mem);
	tracee_finish(SUM + 4000);
}

TEST(R08_process_vm_writev_does_not_force)
{
	long value = 7000;
	struct iovec local = { &value, sizeof(value) };

	tracee_start();
	for (unsigned long i = 0; i < NR; i++) {
		struct iovec remote = { (void *)(told->base + i * PAGE), sizeof(value) };
		ssize_t done = process_vm_writev(child, &local, 1, &remote, 1, 0);

		if (prots[i] == READWRITE || prots[i] == EXECUTE_RW)
			EXPECT_EQ(sizeof(value), done);
		else
			EXPECT(done == -1 && errno == EFAULT);
	}
	tracee_finish(SUM + 2 * 7000 - (1000 + 2) - (1000 + 5));
}

/* A tracer that goes away in the middle takes nothing with it. */
TEST(sec11_the_tracee_is_killed_while_it_is_traced)
{
	tracee_start();
	EXPECT_EQ(1000, ptrace(PTRACE_PEEKDATA, child, told->base, NULL));
	kill(child, SIGKILL);
	FINISH_KILLED(child, SIGKILL);
	munmap(told, PAGE);
}
