// SPDX-License-Identifier: GPL-2.0-only
/* Short of memory, or plenty of it: lib/pressure.c at each threshold. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../lib/pressure.c"
#include "../../lib/proc.c"

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))
#define GIB		(UINT64_C(1) << 20)	/* in kilobytes, as the file is */
#define MIB		(UINT64_C(1) << 10)

static void thresholds(void **state)
{
	static const struct {
		uint64_t total, available;
		const char *some;
		bool low, high;
	} rows[] = {
		/* 16 MiB of 2 GiB is short, 48 plenty. */
		{ 2 * GIB, 16 * MIB, "0.00", true, false },
		{ 2 * GIB, 16 * MIB + 1, "0.00", false, false },
		{ 2 * GIB, 48 * MIB - 1, "0.00", false, false },
		{ 2 * GIB, 48 * MIB, "0.00", false, true },
		{ 2 * GIB, 0, "0.00", true, false },
		/* More than 64 MiB is never asked for, nor 192. */
		{ 8 * GIB, 64 * MIB, "0.00", true, false },
		{ 64 * GIB, 64 * MIB, "0.00", true, false },
		{ 64 * GIB, 64 * MIB + 1, "0.00", false, false },
		{ 64 * GIB, 192 * MIB - 1, "0.00", false, false },
		{ 64 * GIB, 192 * MIB, "0.00", false, true },
		/* Waiting for memory, however much there seems to be. */
		{ 2 * GIB, GIB, "0.99", false, true },
		{ 2 * GIB, GIB, "1.00", false, false },
		{ 2 * GIB, GIB, "9.99", false, false },
		{ 2 * GIB, GIB, "10.00", true, false },
		{ 2 * GIB, GIB, "99.00", true, false },
	};
	char meminfo[256], pressure[256];

	(void)state;
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		snprintf(meminfo, sizeof(meminfo), "MemTotal: %12lu kB\nMemFree: 1 kB\n"
			 "MemAvailable: %8lu kB\n", rows[i].total, rows[i].available);
		snprintf(pressure, sizeof(pressure),
			 "some avg10=%s avg60=50.00 avg300=50.00 total=1\n"
			 "full avg10=50.00 avg60=50.00 avg300=50.00 total=1\n", rows[i].some);
		assert_int_equal(winmem_pressure_is_low(meminfo, pressure), rows[i].low);
		assert_int_equal(winmem_pressure_is_high(meminfo, pressure), rows[i].high);
	}
}

static void a_kernel_that_measures_no_pressure(void **state)
{
	(void)state;
	assert_false(winmem_pressure_is_low("MemTotal: 1000 kB\nMemAvailable: 500 kB\n", ""));
	assert_true(winmem_pressure_is_high("MemTotal: 1000 kB\nMemAvailable: 500 kB\n", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thresholds),
		cmocka_unit_test(a_kernel_that_measures_no_pressure),
	};

	return cmocka_run_group_tests_name("lib_pressure", tests, NULL, NULL);
}
