// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "harness.h"
#include "memory.h"

#include <signal.h>
#include <ucontext.h>

__thread struct fault last_fault;
__thread sigjmp_buf *volatile try_env;

static bool catching;

/* The processor's error code tells what was tried; the signal does not. */
static char fault_kind(const ucontext_t *context)
{
#if defined(__x86_64__)
	unsigned long code = context->uc_mcontext.gregs[REG_ERR];

	return code & 0x10 ? 'x' : code & 0x2 ? 'w' : 'r';
#else
	(void)context;
	return '?';
#endif
}

/* An illegal instruction could be fetched, so that never is the fault that a test waits for. */
static void on_fault(int signo, siginfo_t *info, void *context)
{
	last_fault = (struct fault) {
		.count = last_fault.count + 1,
		.signo = signo,
		.code = info->si_code,
		.kind = fault_kind(context),
		.addr = (unsigned long)info->si_addr,
	};
	if (try_env && signo != SIGILL)
		siglongjmp(*try_env, 1);
	check_failed("unexpected", "%s at %p", strsignal(signo), info->si_addr);
}

/*
 * cmocka puts its own handlers in place when a test begins, so this comes after. The handler
 * blocks nothing, so who leaves it by a jump has no signal mask to save and restore: two calls
 * of the kernel less for each byte that is touched.
 */
void catch_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	if (catching)
		return;
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	catching = true;
}

void forget_faults(void)
{
	catching = false;
	try_env = NULL;
	last_fault = (struct fault) { 0 };
}

static unsigned long filling(unsigned long addr, unsigned int seed)
{
	return addr * 0x9e3779b97f4a7c15UL + seed;
}

void memory_fill(unsigned long addr, unsigned long size, unsigned int seed)
{
	for (unsigned long at = addr; at + 8 <= addr + size; at += 8)
		*(volatile unsigned long *)at = filling(at, seed);
}

bool memory_filled(unsigned long addr, unsigned long size, unsigned int seed)
{
	for (unsigned long at = addr; at + 8 <= addr + size; at += 8)
		if (*(volatile unsigned long *)at != filling(at, seed))
			return false;
	return true;
}

bool memory_zeroed(unsigned long addr, unsigned long size)
{
	for (unsigned long at = addr; at + 8 <= addr + size; at += 8)
		if (*(volatile unsigned long *)at)
			return false;
	return true;
}

void memory_put_return(unsigned long addr)
{
#if defined(__x86_64__)
	*(volatile unsigned char *)addr = 0xc3;
#elif defined(__aarch64__)
	*(volatile unsigned int *)addr = 0xd65f03c0;
#else
#error which instruction returns here?
#endif
	__builtin___clear_cache((char *)addr, (char *)addr + 4);
}
