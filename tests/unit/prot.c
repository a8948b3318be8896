// SPDX-License-Identifier: GPL-2.0-only
/* module/prot.c: every value of the protection word against rows P01 to P16. */
#include "../../module/prot.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const u32 bases[] = { 0x01, 0x02, 0x04, 0x10, 0x20, 0x40 };
static const u32 modifiers[] = { 0, 0x100, 0x200, 0x400 };

static bool is_valid(u32 prot)
{
	size_t b, m;

	for (b = 0; b < sizeof(bases) / sizeof(bases[0]); b++) {
		for (m = 0; m < sizeof(modifiers) / sizeof(modifiers[0]); m++) {
			if (prot == (bases[b] | modifiers[m]))
				return !(bases[b] == 0x01 && modifiers[m]);
		}
	}
	return false;
}

static void P01_to_P15_exactly_the_valid_values_have_a_state(void **state)
{
	u32 prot;

	(void)state;
	for (prot = 0; prot < 0x20000; prot++)
		assert_int_equal(!!winmem_prot_to_page(prot), is_valid(prot));
	for (prot = 0x20000; prot; prot <<= 1)
		assert_int_equal(winmem_prot_to_page(0x04 | prot), WINMEM_PAGE_NONE);
}

static void P01_P05_a_state_shows_the_protection_it_came_from(void **state)
{
	size_t b;

	(void)state;
	for (b = 0; b < sizeof(bases) / sizeof(bases[0]); b++) {
		assert_int_equal(winmem_prot_from_page(winmem_prot_to_page(bases[b])), bases[b]);
		if (bases[b] != 0x01)
			assert_int_equal(winmem_prot_from_page(winmem_prot_to_page(bases[b] | 0x100)),
					 bases[b] | 0x100);
	}
	assert_int_equal(winmem_prot_from_page(WINMEM_PAGE_NONE), 0);
	assert_int_equal(winmem_prot_from_page(WINMEM_PAGE_RESET | WINMEM_PAGE_EXEC), 0);
}

static void P10_P14_caching_leaves_no_trace_in_the_state(void **state)
{
	(void)state;
	assert_int_equal(winmem_prot_to_page(0x204), winmem_prot_to_page(0x04));
	assert_int_equal(winmem_prot_to_page(0x404), winmem_prot_to_page(0x04));
}

static void P17_execute_can_be_read(void **state)
{
	static const unsigned int access[] = { 0, 1, 3, 5, 5, 7 };
	size_t b;

	(void)state;
	for (b = 0; b < sizeof(bases) / sizeof(bases[0]); b++) {
		u8 page = winmem_prot_to_page(bases[b]);

		assert_int_equal(winmem_page_access(page), access[b]);
		assert_int_equal(winmem_page_access(page | WINMEM_PAGE_GUARD), 0);
		assert_int_equal(winmem_page_access(page | WINMEM_PAGE_OFFERED), 0);
		assert_int_equal(!!(page & WINMEM_PAGE_EXEC), !!(access[b] & 4));
		assert_int_equal(winmem_prot_has_exec(bases[b]), !!(access[b] & 4));
		assert_true(winmem_page_is_committed(page));
	}
	assert_int_equal(winmem_page_access(WINMEM_PAGE_NONE), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(P01_to_P15_exactly_the_valid_values_have_a_state),
		cmocka_unit_test(P01_P05_a_state_shows_the_protection_it_came_from),
		cmocka_unit_test(P10_P14_caching_leaves_no_trace_in_the_state),
		cmocka_unit_test(P17_execute_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
