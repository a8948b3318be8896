// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commit on demand: memory that is reserved, and a handler that commits a page when it is
 * touched. winmem's is called with an exception record, the other one with a signal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <winmem.h>

#include "bench.h"

static LONG WINAPI on_exception(EXCEPTION_POINTERS *exception)
{
	void *addr = (void *)exception->ExceptionRecord->ExceptionInformation[1];

	if (exception->ExceptionRecord->ExceptionCode != EXCEPTION_ACCESS_VIOLATION ||
	    !VirtualAlloc(addr, 1, MEM_COMMIT, PAGE_READWRITE))
		return EXCEPTION_CONTINUE_SEARCH;
	return EXCEPTION_CONTINUE_EXECUTION;
}

static void *handled_reserve(size_t length)
{
	static void *handler;

	if (!handler)
		handler = AddVectoredExceptionHandler(1, on_exception);
	return handler ? VirtualAlloc(NULL, length, MEM_RESERVE, PAGE_READWRITE) : NULL;
}

static int handled_release(void *addr, size_t length)
{
	(void)length;
	return VirtualFree(addr, 0, MEM_RELEASE) ? 0 : EIO;
}

const struct bench_memory bench_libwinmem_handled = {
	.reserve = handled_reserve,
	.release = handled_release,
};

static void on_signal(int signo, siginfo_t *info, void *context)
{
	uintptr_t page = (uintptr_t)info->si_addr & -BENCH_PAGE;

	(void)signo;
	(void)context;
	if (mprotect((void *)page, BENCH_PAGE, PROT_READ | PROT_WRITE))
		_exit(1);
}

static void *signal_reserve(size_t length)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	void *addr = mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (addr == MAP_FAILED || madvise(addr, length, MADV_NOHUGEPAGE) ||
	    sigaction(SIGSEGV, &action, NULL))
		return NULL;
	return addr;
}

static int signal_release(void *addr, size_t length)
{
	return munmap(addr, length) ? errno : 0;
}

const struct bench_memory bench_mprotect_handled = {
	.reserve = signal_reserve,
	.release = signal_release,
};
