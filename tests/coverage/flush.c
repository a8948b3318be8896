// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linked into the programs whose library counts its lines. gcov saves the counts in exit();
 * tests and the library end processes in other ways too, and what is told of a test there
 * would be lost: _exit(), abort(), and a signal that a process queues for itself. The linker
 * sends those calls here (--wrap).
 *
 * The counts begin anew when they are saved: a child of vfork has its parent's.
 */
#define _GNU_SOURCE
#include <gcov.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

void __real__exit(int status) __attribute__((noreturn));
void __real_abort(void) __attribute__((noreturn));
long __real_syscall(long number, ...);

void __wrap__exit(int status) __attribute__((noreturn));
void __wrap_abort(void) __attribute__((noreturn));
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);

static void save(void)
{
	__gcov_dump();
	__gcov_reset();
}

void __wrap__exit(int status)
{
	save();
	__real__exit(status);
}

void __wrap_abort(void)
{
	save();
	__real_abort();
}

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	if (number == SYS_rt_tgsigqueueinfo)
		save();
	return __real_syscall(number, a, b, c, d, e, f);
}
