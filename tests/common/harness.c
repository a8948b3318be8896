// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "harness.h"
#include "memory.h"

#include <sys/syscall.h>

#define MAX_TESTS	160

bool without_device;

static struct CMUnitTest tests[MAX_TESTS];
static size_t nr_tests;
static pid_t test_pid;			/* process and thread that cmocka may unwind */

/* Running. */

static int setup(void **state __attribute__((unused)))
{
	alarm(TEST_SECONDS);
	forget_faults();
	return test_begin();
}

static int teardown(void **state __attribute__((unused)))
{
	int ret = test_end();

	alarm(0);
	return ret;
}

void test_add(const char *name, CMUnitTestFunction function, void *state)
{
	if (nr_tests == MAX_TESTS)
		abort();
	tests[nr_tests++] = (struct CMUnitTest) { name, function, setup, teardown, state };
}

__attribute__((weak)) int test_exec(int argc __attribute__((unused)),
				    char **argv __attribute__((unused)))
{
	return 2;
}

int main(int argc, char **argv)
{
	test_pid = getpid();
	if (argc > 1 && !strcmp(argv[1], "--exec"))
		return test_exec(argc, argv);
	if (!without_device && access(DEVICE, F_OK)) {
		fprintf(stderr, "SKIP: no " DEVICE ", winmem is not loaded\n");
		return 77;
	}
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return _cmocka_run_group_tests(program_invocation_short_name, tests, nr_tests,
				       NULL, NULL) ? 1 : 0;
}

/* Checks. */

static bool can_unwind(void)
{
	return getpid() == test_pid && syscall(SYS_gettid) == test_pid;
}

void check_failed(const char *at, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!can_unwind()) {
		dprintf(STDERR_FILENO, "%s: %s\n", at, text);
		_exit(1);
	}
	print_error("%s: %s\n", at, text);
	_fail(at, 0);
	abort();
}

void skip_because(const char *format, ...)
{
	va_list args;

	fputs("# skipped: ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	skip();
}
