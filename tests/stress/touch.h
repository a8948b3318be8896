/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Touching memory that may fault, and what cells hold. Each thread catches its own faults;
 * touch_init() comes once for the process.
 *
 * A cell's pattern begins with a byte that is a `ret`, so that a written page can be called.
 */
#ifndef WINMEM_TESTS_STRESS_TOUCH_H
#define WINMEM_TESTS_STRESS_TOUCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "model.h"

#define CELL_WORDS	(CELL / sizeof(uint64_t))

void touch_init(void);

/* A fault that came, or did not. */
struct fault {
	bool hit;
	int signo;
	enum access access;
	unsigned long addr;
};

struct fault touch_read(const void *addr, void *copy, size_t size);
struct fault touch_write(void *addr, const void *data, size_t size);
struct fault touch_call(void *addr);

/* The same through system calls: bytes moved, or -errno. No fault, no signal. */
ssize_t pipe_write(const void *addr, void *copy, size_t size);
ssize_t pipe_read(void *addr, const void *data, size_t size);
ssize_t remote_read(const void *addr, void *copy, size_t size);
ssize_t remote_write(void *addr, const void *data, size_t size);

/* What a debugger sees: pages that the program may not touch as well. Whole or not. */
bool debugger_read(const void *addr, void *copy, size_t size);

static inline uint64_t cell_word(uint64_t word, unsigned int i)
{
	return word ? ((word + i) * 0x9e3779b97f4a7c15ULL) << 8 | 0xc3 : 0;
}

void cell_fill(void *to, uint64_t word);
bool cell_is(const void *at, uint64_t word);

#endif
