// SPDX-License-Identifier: GPL-2.0-only
/* The commit limit in the environment: lib/limit.c. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../lib/limit.c"

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

static void numbers_with_and_without_a_suffix(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} rows[] = {
		{ "0", 0 }, { "1", 1 }, { "65536", 65536 }, { "007", 7 },
		{ "1k", 1024 }, { "1K", 1024 }, { "3m", 3 << 20 }, { "3M", 3 << 20 },
		{ "2g", UINT64_C(2) << 30 }, { "2G", UINT64_C(2) << 30 },
		{ "5t", UINT64_C(5) << 40 }, { "5T", UINT64_C(5) << 40 },
		{ "18446744073709551615", UINT64_MAX },
		{ "18014398509481983K", UINT64_MAX - 1023 },
	};
	uint64_t bytes;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		bytes = 0xcc;
		assert_int_equal(winmem_limit_parse(rows[i].text, &bytes), 0);
		assert_true(bytes == rows[i].bytes);
	}
}

static void what_is_not_a_number(void **state)
{
	static const char * const rows[] = {
		"", " 1", "-1", "+1", "K", "x", "1x", "1 K", "1KB", "1KiB", "1KK", "0x10", "1.5G",
		"18446744073709551616", "18014398509481984K", "99999999999T", "1,000",
	};
	uint64_t bytes;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(winmem_limit_parse(rows[i], &bytes), EINVAL);
}

/* The environment, until the program says something else. */
static void who_is_asked(void **state)
{
	uint64_t bytes = 0;

	(void)state;
	unsetenv("WINMEM_COMMIT_LIMIT");
	assert_int_equal(winmem_limit_wanted(&bytes), 0);
	assert_true(bytes == WINMEM_LIMIT_NONE);
	setenv("WINMEM_COMMIT_LIMIT", "", 1);
	assert_int_equal(winmem_limit_wanted(&bytes), 0);
	assert_true(bytes == WINMEM_LIMIT_NONE);
	setenv("WINMEM_COMMIT_LIMIT", "2M", 1);
	assert_int_equal(winmem_limit_wanted(&bytes), 0);
	assert_true(bytes == 2 << 20);
	setenv("WINMEM_COMMIT_LIMIT", "2X", 1);
	assert_int_equal(winmem_limit_wanted(&bytes), EINVAL);
	assert_true(bytes == WINMEM_LIMIT_NONE);

	winmem_limit_want(8192);
	assert_int_equal(winmem_limit_wanted(&bytes), 0);
	assert_true(bytes == 8192);
	winmem_limit_want(WINMEM_LIMIT_NONE);
	setenv("WINMEM_COMMIT_LIMIT", "2M", 1);
	assert_int_equal(winmem_limit_wanted(&bytes), 0);
	assert_true(bytes == WINMEM_LIMIT_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_with_and_without_a_suffix),
		cmocka_unit_test(what_is_not_a_number),
		cmocka_unit_test(who_is_asked),
	};

	return cmocka_run_group_tests_name("lib_limit", tests, NULL, NULL);
}
