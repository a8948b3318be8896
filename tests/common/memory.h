/* SPDX-License-Identifier: GPL-2.0-only */
/* Touching memory that may fault, and what it holds. */
#ifndef WINMEM_TESTS_MEMORY_H
#define WINMEM_TESTS_MEMORY_H

#include <setjmp.h>
#include <stdbool.h>

struct fault {
	int count;		/* signals since the test began, in this thread */
	int signo;		/* of the last one */
	int code;
	char kind;		/* 'r', 'w' or 'x'; '?' where it cannot be told */
	unsigned long addr;
};

extern __thread struct fault last_fault;

/* A statement that touches memory: false when a signal came instead. */
#define TRY_TO(touch)							\
	({								\
		volatile bool done_ = false;				\
		sigjmp_buf env_;					\
									\
		catch_faults();						\
		if (!sigsetjmp(env_, 0)) {				\
			try_env = &env_;				\
			touch;						\
			done_ = true;					\
		}							\
		try_env = NULL;						\
		done_;							\
	})

extern __thread sigjmp_buf *volatile try_env;	/* a signal handler reads it */

void catch_faults(void);
void forget_faults(void);	/* before each test */

/*
 * Each 8 bytes hold their own address and the seed: a page in the wrong place shows. Bytes
 * behind the last 8 are left out. Addresses are numbers or pointers.
 */
#define fill(addr, size, seed)		memory_fill((unsigned long)(addr), size, seed)
#define filled(addr, size, seed)	memory_filled((unsigned long)(addr), size, seed)
#define zeroed(addr, size)		memory_zeroed((unsigned long)(addr), size)
#define put_return(addr)		memory_put_return((unsigned long)(addr))

void memory_fill(unsigned long addr, unsigned long size, unsigned int seed);
bool memory_filled(unsigned long addr, unsigned long size, unsigned int seed);
bool memory_zeroed(unsigned long addr, unsigned long size);
void memory_put_return(unsigned long addr);	/* an instruction that returns at once */

#endif
