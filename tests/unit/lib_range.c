// SPDX-License-Identifier: GPL-2.0-only
/* Rounding, the Win32 way: lib/range.c against tables and against arithmetic in 128 bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../lib/range.c"

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))
#define MAX		UINT64_MAX
#define USER_BYTES	(WINMEM_HIGHEST + 1)
#define ROUNDS		1000000

typedef unsigned __int128 wide;

struct row {
	uint64_t addr;
	uint64_t size;
	int ret;
	uint64_t start;
	uint64_t length;
};

static void check(int (*function)(struct winmem_range *range, uint64_t addr, uint64_t size),
		  const struct row *rows, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		struct winmem_range range = { 0, 0 };

		assert_int_equal(function(&range, rows[i].addr, rows[i].size), rows[i].ret);
		if (rows[i].ret)
			continue;
		assert_int_equal(range.start, rows[i].start);
		assert_int_equal(range.length, rows[i].length);
	}
}

static void pages(void **state)
{
	static const struct row rows[] = {
		{ 0x20000, 0x1000, 0, 0x20000, 0x1000 },
		{ 0x20000, 1, 0, 0x20000, 0x1000 },
		{ 0x20fff, 1, 0, 0x20000, 0x1000 },
		{ 0x20fff, 2, 0, 0x20000, 0x2000 },
		{ 0x22fff, 2, 0, 0x22000, 0x2000 },
		{ 0x20001, 0x1000, 0, 0x20000, 0x2000 },
		{ 0, 1, 0, 0, 0x1000 },
		{ 0x20000, 0, EINVAL, 0, 0 },
		{ MAX, 1, EINVAL, 0, 0 },
		{ MAX, MAX, EINVAL, 0, 0 },
		{ 0x1000, MAX, EINVAL, 0, 0 },
		{ MAX - 0x1fff, 0x1000, 0, MAX - 0x1fff, 0x1000 },
		{ MAX - 0xfff, 0x1000, EINVAL, 0, 0 },
		{ MAX - 0xfff, 0xfff, EINVAL, 0, 0 },
	};

	(void)state;
	check(winmem_range_pages, rows, ARRAY_LEN(rows));
}

static void reservations(void **state)
{
	static const struct row rows[] = {
		{ 0, 1, 0, 0, 0x1000 },				/* VA05 */
		{ 0, 0xfffc, 0, 0, 0x10000 },			/* VA06 */
		{ 0, 0, EINVAL, 0, 0 },				/* VA01 */
		{ 0, MAX, EINVAL, 0, 0 },			/* VA02 */
		{ 0, MAX - 4095, EINVAL, 0, 0 },
		{ 0, UINT64_C(1) << 47, EINVAL, 0, 0 },
		{ 0x20010, 0x1000, 0, 0x20000, 0x2000 },	/* VA11 */
		{ 0x2ffff, 0x3000, 0, 0x20000, 0x13000 },	/* VA13 */
		{ 0x24080, 0x1000, 0, 0x20000, 0x6000 },	/* VA15 */
		{ 0x28000, 0x1000, 0, 0x20000, 0x9000 },	/* VA09 */
		{ 1, 0x1000, EINVAL, 0, 0 },			/* VA16 */
		{ 0xf000, 0x40000, EINVAL, 0, 0 },
		{ 0xffff, 1, EINVAL, 0, 0 },
		{ 0x10000, 1, 0, 0x10000, 0x1000 },
		{ USER_BYTES, 1, EINVAL, 0, 0 },		/* VA17 */
		{ WINMEM_HIGHEST, 1, 0, 0x7ffffffe0000, 0x10000 },
		{ WINMEM_HIGHEST, 2, EINVAL, 0, 0 },
		{ WINMEM_HIGHEST, MAX, EINVAL, 0, 0 },
		{ 0x10000, WINMEM_HIGHEST - 0xffff, 0, 0x10000, WINMEM_HIGHEST - 0xffff },
		{ 0x10000, WINMEM_HIGHEST, EINVAL, 0, 0 },
		{ UINT64_C(0xffff800000000000), 0x1000, EINVAL, 0, 0 },
	};

	(void)state;
	check(winmem_range_reserve, rows, ARRAY_LEN(rows));
}

static void user_space(void **state)
{
	(void)state;
	assert_int_equal(winmem_range_check(0, 1), 0);
	assert_int_equal(winmem_range_check(0, 0), EINVAL);
	assert_int_equal(winmem_range_check(0, USER_BYTES), 0);
	assert_int_equal(winmem_range_check(0, USER_BYTES + 1), EINVAL);
	assert_int_equal(winmem_range_check(1, USER_BYTES), EINVAL);
	assert_int_equal(winmem_range_check(WINMEM_HIGHEST, 1), 0);
	assert_int_equal(winmem_range_check(USER_BYTES, 1), EINVAL);
	assert_int_equal(winmem_range_check(MAX, MAX), EINVAL);
}

static uint64_t random_bits(void)
{
	static uint64_t seed = 88172645463325252;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Numbers near a power of two or near the top: where rounding goes wrong. */
static uint64_t random_edge(void)
{
	uint64_t edge = random_bits() % 65;

	edge = edge == 64 ? WINMEM_HIGHEST : (uint64_t)1 << edge;
	return random_bits() % 4 ? edge + random_bits() % 8192 - 4096 : random_bits();
}

/* Here nothing overflows. A reservation has the same end as the pages, another start. */
static void like_arithmetic(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t addr = random_edge(), size = random_edge();
		wide end = (wide)addr + size, up = (end + 4095) / 4096 * 4096;
		struct winmem_range range;
		int ret = winmem_range_pages(&range, addr, size);

		assert_int_equal(ret, !size || up >> 64 ? EINVAL : 0);
		if (!ret) {
			assert_true(range.start == addr / 4096 * 4096);
			assert_true((wide)range.start + range.length == up);
		}

		ret = winmem_range_reserve(&range, addr, size);
		assert_int_equal(ret, !size || end > USER_BYTES || (addr && addr < 0x10000) ?
				      EINVAL : 0);
		if (!ret) {
			assert_true(range.start == addr / 65536 * 65536);
			assert_true((wide)range.start + range.length == up);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages),
		cmocka_unit_test(reservations),
		cmocka_unit_test(user_space),
		cmocka_unit_test(like_arithmetic),
	};

	return cmocka_run_group_tests_name("lib_range", tests, NULL, NULL);
}
