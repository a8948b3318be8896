/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the programs about exceptions. The library takes SIGSEGV and SIGBUS for itself once
 * and cmocka for each test, so each test runs in a child, which has neither's handlers.
 *
 * Accesses are made by functions that a handler can leave: R12 holds where to go on.
 */
#ifndef WINMEM_TESTS_LIB_EXCEPTION_H
#define WINMEM_TESTS_LIB_EXCEPTION_H

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common.h"

#define SEEN_MAX	64

/* What handlers have seen, in order, and the last record and context. */
struct seen {
	unsigned int nr;
	DWORD codes[SEEN_MAX];
	EXCEPTION_RECORD record;
	CONTEXT context;
};

static struct seen seen;

#define CHILD_TEST(name)						\
	static void name##_in_child(void *arg);				\
	TEST(name)							\
	{								\
		IN_CHILD(child_begin, name##_in_child);			\
	}								\
	static void name##_in_child(void *arg __attribute__((unused)))

static __attribute__((unused)) void child_begin(void *function)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE };
	struct rlimit no_core = { 0, 0 };

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		signal(signals[i], SIG_DFL);
	setrlimit(RLIMIT_CORE, &no_core);
	((void (*)(void *))function)(NULL);
}

/* @function runs in a child, and a signal must end that. */
#define EXPECT_DEATH(signo, function)	FINISH_KILLED(start_child(child_begin, function), signo)

static inline void load(void *addr)
{
	asm volatile("lea 1f(%%rip), %%r12\n\tmovb (%0), %%al\n1:" :: "r"(addr)
		     : "rax", "r12", "memory");
}

static inline void store(void *addr)
{
	asm volatile("lea 1f(%%rip), %%r12\n\tmovb $1, (%0)\n1:" :: "r"(addr)
		     : "r12", "memory");
}

static inline void execute(void *addr)
{
	asm volatile("lea 1f(%%rip), %%r12\n\tsub $128, %%rsp\n\tcall *%%rax\n"
		     "1:\n\tadd $128, %%rsp" :: "a"(addr) : "r12", "memory");
}

static __attribute__((unused)) void see(const EXCEPTION_POINTERS *pointers)
{
	if (seen.nr < SEEN_MAX)
		seen.codes[seen.nr] = pointers->ExceptionRecord->ExceptionCode;
	seen.nr++;
	seen.record = *pointers->ExceptionRecord;
	seen.context = *pointers->ContextRecord;
}

/* Go on behind the access. */
static __attribute__((unused)) LONG leave(EXCEPTION_POINTERS *pointers)
{
	CONTEXT *context = pointers->ContextRecord;

	if (pointers->ExceptionRecord->ExceptionInformation[0] == EXCEPTION_EXECUTE_FAULT)
		context->Rsp += 8;
	context->Rip = context->R12;
	return EXCEPTION_CONTINUE_EXECUTION;
}

/* The usual handler: a guard is tried again, anything else is left. */
static __attribute__((unused)) LONG WINAPI see_and_leave(EXCEPTION_POINTERS *pointers)
{
	see(pointers);
	if (pointers->ExceptionRecord->ExceptionCode == STATUS_GUARD_PAGE_VIOLATION)
		return EXCEPTION_CONTINUE_EXECUTION;
	return leave(pointers);
}

static __attribute__((unused)) void *add(ULONG first, PVECTORED_EXCEPTION_HANDLER handler)
{
	return EXPECT_OK(AddVectoredExceptionHandler(first, handler));
}

/* One access, and what is seen of it. */
static __attribute__((unused)) void check_seen(const char *at, unsigned int nr, DWORD code,
					       ULONG_PTR kind, void *addr)
{
	const EXCEPTION_RECORD *record = &seen.record;

	if (seen.nr != nr)
		check_failed(at, "%u exceptions, not %u; the last is %#x", seen.nr, nr,
			     seen.nr ? record->ExceptionCode : 0);
	seen.nr = 0;
	if (!nr)
		return;
	if (record->ExceptionCode != code || record->NumberParameters != 2 ||
	    record->ExceptionInformation[0] != kind ||
	    record->ExceptionInformation[1] != (ULONG_PTR)addr || record->ExceptionFlags ||
	    record->ExceptionRecord ||
	    record->ExceptionAddress != (void *)seen.context.Rip)
		check_failed(at, "%#x, %u parameters %#lx %#lx, at %p, flags %#x; not %#x %#lx %p",
			     record->ExceptionCode, record->NumberParameters,
			     record->ExceptionInformation[0], record->ExceptionInformation[1],
			     record->ExceptionAddress, record->ExceptionFlags, code, kind, addr);
}

#define EXPECT_NONE()			check_seen(HERE, 0, 0, 0, NULL)
#define EXPECT_SEEN(code, kind, addr)	check_seen(HERE, 1, code, kind, addr)
#define EXPECT_AV(kind, addr)		EXPECT_SEEN(EXCEPTION_ACCESS_VIOLATION, kind, addr)
#define EXPECT_GUARD(kind, addr)	EXPECT_SEEN(STATUS_GUARD_PAGE_VIOLATION, kind, addr)

#endif /* WINMEM_TESTS_LIB_EXCEPTION_H */
