// SPDX-License-Identifier: GPL-2.0-only
/* PAGE_*: lib/prot.c for every value there is, against the rows written out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../lib/prot.c"

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

static const struct {
	DWORD prot;
	bool exec, write, copy;
	int mmap;
} bases[] = {
	{ PAGE_NOACCESS, false, false, false, PROT_NONE },
	{ PAGE_READONLY, false, false, false, PROT_READ },
	{ PAGE_READWRITE, false, true, false, PROT_READ | PROT_WRITE },
	{ PAGE_WRITECOPY, false, true, true, PROT_READ | PROT_WRITE },
	{ PAGE_EXECUTE, true, false, false, PROT_READ | PROT_EXEC },
	{ PAGE_EXECUTE_READ, true, false, false, PROT_READ | PROT_EXEC },
	{ PAGE_EXECUTE_READWRITE, true, true, false, PROT_READ | PROT_WRITE | PROT_EXEC },
	{ PAGE_EXECUTE_WRITECOPY, true, true, true, PROT_READ | PROT_WRITE | PROT_EXEC },
};

static const DWORD modifiers[] = { 0, PAGE_GUARD, PAGE_NOCACHE, PAGE_WRITECOMBINE };

/* Rows P01 to P09: a list of what is valid, and nothing else is. */
static bool is_listed(DWORD prot)
{
	for (unsigned int i = 0; i < ARRAY_LEN(bases); i++) {
		for (unsigned int j = 0; j < ARRAY_LEN(modifiers); j++) {
			if (prot == (bases[i].prot | modifiers[j]))
				return !modifiers[j] || bases[i].prot != PAGE_NOACCESS;
		}
	}
	return false;
}

static void all_low_values(void **state)
{
	(void)state;
	for (DWORD prot = 0; prot <= 0xffff; prot++) {
		DWORD parsed = prot;

		assert_int_equal(winmem_prot_parse(&parsed), is_listed(prot) ? 0 : EINVAL);
		assert_int_equal(parsed, prot);
	}
}

/* Row P15; bit 30 has a row of its own. */
static void all_high_bits(void **state)
{
	(void)state;
	for (unsigned int bit = 11; bit < 32; bit++) {
		for (unsigned int i = 0; bit != 30 && i < ARRAY_LEN(bases); i++) {
			DWORD prot = bases[i].prot | 1U << bit;

			assert_int_equal(winmem_prot_parse(&prot), EINVAL);
		}
	}
}

/* Row P16. */
static void targets_invalid(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_LEN(bases); i++) {
		DWORD prot = bases[i].prot | PAGE_TARGETS_INVALID;

		assert_int_equal(winmem_prot_parse(&prot), bases[i].exec ? 0 : EINVAL);
		if (bases[i].exec)
			assert_int_equal(prot, bases[i].prot);
	}
}

static void what_they_mean(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_LEN(bases); i++) {
		DWORD prot = bases[i].prot;

		assert_int_equal(winmem_prot_has_exec(prot), bases[i].exec);
		assert_int_equal(winmem_prot_has_write(prot), bases[i].write);
		assert_int_equal(winmem_prot_is_copy(prot), bases[i].copy);
		assert_int_equal(winmem_prot_to_mmap(prot), bases[i].mmap);
	}
	assert_true(winmem_prot_has_exec(PAGE_EXECUTE | PAGE_GUARD));
	assert_false(winmem_prot_has_exec(PAGE_READWRITE | PAGE_GUARD));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_low_values),
		cmocka_unit_test(all_high_bits),
		cmocka_unit_test(targets_invalid),
		cmocka_unit_test(what_they_mean),
	};

	return cmocka_run_group_tests_name("lib_prot", tests, NULL, NULL);
}
