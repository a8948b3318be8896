// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include "touch.h"

/* Bits of a page fault's error code on x86. */
#define PF_WRITE	0x2
#define PF_INSTR	0x10

static __thread sigjmp_buf *volatile env;
static __thread struct fault caught;
static __thread int pipes[2] = { -1, -1 };

static void on_fault(int signo, siginfo_t *info, void *context)
{
	unsigned long code = ((ucontext_t *)context)->uc_mcontext.gregs[REG_ERR];
	static const char text[] = "a fault where none is caught\n";

	if (!env) {
		write(STDERR_FILENO, text, sizeof(text) - 1);
		signal(signo, SIG_DFL);
		return;
	}
	caught = (struct fault) {
		.hit = true,
		.signo = signo,
		.access = code & PF_INSTR ? EXEC : code & PF_WRITE ? WRITE : READ,
		.addr = (unsigned long)info->si_addr,
	};
	siglongjmp(*env, 1);
}

void touch_init(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* memcpy is of no use: it may touch in any order, and more than once. */
static void copy_words(volatile uint64_t *to, const volatile uint64_t *from, size_t size)
{
	for (size_t i = 0; i < size / sizeof(*to); i++)
		to[i] = from[i];
}

enum what { COPY, CALL };

static struct fault touch(enum what what, void *to, const void *from, size_t size)
{
	sigjmp_buf here;

	caught = (struct fault) { 0 };
	/* No mask to restore: SA_NODEFER has left it alone. */
	if (!sigsetjmp(here, 0)) {
		env = &here;
		if (what == CALL)
			((void (*)(void))to)();
		else
			copy_words(to, from, size);
	}
	env = NULL;
	return caught;
}

struct fault touch_read(const void *addr, void *copy, size_t size)
{
	return touch(COPY, copy, addr, size);
}

struct fault touch_write(void *addr, const void *data, size_t size)
{
	return touch(COPY, addr, data, size);
}

struct fault touch_call(void *addr)
{
	return touch(CALL, addr, NULL, 0);
}

static void open_pipe(void)
{
	if (pipes[0] < 0 && pipe2(pipes, O_CLOEXEC)) {
		perror("pipe");
		exit(1);
	}
}

static void drain(void *to, ssize_t size)
{
	if (size > 0 && read(pipes[0], to, size) != size) {
		perror("pipe");
		exit(1);
	}
}

ssize_t pipe_write(const void *addr, void *copy, size_t size)
{
	ssize_t done;

	open_pipe();
	done = write(pipes[1], addr, size);
	if (done < 0)
		return -errno;
	drain(copy, done);
	return done;
}

ssize_t pipe_read(void *addr, const void *data, size_t size)
{
	char rest[16 * PAGE];
	ssize_t done;

	open_pipe();
	if (write(pipes[1], data, size) != (ssize_t)size) {
		perror("pipe");
		exit(1);
	}
	done = read(pipes[0], addr, size);
	if (done < 0)
		done = -errno;
	drain(rest, size - (done > 0 ? done : 0));
	return done;
}

ssize_t remote_read(const void *addr, void *copy, size_t size)
{
	struct iovec local = { copy, size }, remote = { (void *)addr, size };
	ssize_t done = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);

	return done < 0 ? -errno : done;
}

ssize_t remote_write(void *addr, const void *data, size_t size)
{
	struct iovec local = { (void *)data, size }, remote = { addr, size };
	ssize_t done = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);

	return done < 0 ? -errno : done;
}

bool debugger_read(const void *addr, void *copy, size_t size)
{
	static __thread int mem = -1;

	if (mem < 0)
		mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	return pread(mem, copy, size, (off_t)(uintptr_t)addr) == (ssize_t)size;
}

void cell_fill(void *to, uint64_t word)
{
	uint64_t *words = to;

	for (unsigned int i = 0; i < CELL_WORDS; i++)
		words[i] = cell_word(word, i);
}

bool cell_is(const void *at, uint64_t word)
{
	const uint64_t *words = at;

	for (unsigned int i = 0; i < CELL_WORDS; i++)
		if (words[i] != cell_word(word, i))
			return false;
	return true;
}
