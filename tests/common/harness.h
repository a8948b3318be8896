/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests that register themselves, and what they check with.
 *
 * harness.c has main(). A program takes the name of a test, with * as a wildcard, as its
 * argument and then runs only what matches.
 *
 * Every check works in threads and in children too: there it prints what was wrong and
 * ends the process with status 1, for the parent's FINISH() to see.
 */
#ifndef WINMEM_TESTS_HARNESS_H
#define WINMEM_TESTS_HARNESS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#define DEVICE		"/dev/winmem"
#define PAGE		4096UL
#define GRAN		65536UL
#define TEST_SECONDS	120	/* under emulation; a test that takes longer hangs */

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

#define TEST(name)							\
	static void name(void **state);					\
	__attribute__((constructor)) static void name##_add(void)	\
	{								\
		test_add(#name, name, NULL);				\
	}								\
	static void name(void **state __attribute__((unused)))

void test_add(const char *name, CMUnitTestFunction function, void *state);

/* Before and after each test. Every folder has its own; they return 0, or -1 for a failure. */
int test_begin(void);
int test_end(void);

/* A program's own. Called instead of the tests when the first argument is "--exec". */
int test_exec(int argc, char **argv);

/* Programs that set this run without the device, and nothing opens it for them. */
extern bool without_device;

/* Checks. HERE is where the test calls from. */

#define HERE_STR(x)	#x
#define HERE_LINE(x)	HERE_STR(x)
#define HERE		__FILE__ ":" HERE_LINE(__LINE__)

__attribute__((noreturn, format(printf, 2, 3)))
void check_failed(const char *at, const char *format, ...);
__attribute__((format(printf, 1, 2))) void skip_because(const char *format, ...);

#define EXPECT(condition)						\
	do {								\
		if (!(condition))					\
			check_failed(HERE, "not true: %s", #condition);	\
	} while (0)

/* Numbers or pointers. */
#define EXPECT_EQ(want, got)						\
	do {								\
		unsigned long want_ = (unsigned long)(want);		\
		unsigned long got_ = (unsigned long)(got);		\
		if (want_ != got_)					\
			check_failed(HERE, "%s is %#lx, not %#lx",	\
				     #got, got_, want_);		\
	} while (0)

#endif
