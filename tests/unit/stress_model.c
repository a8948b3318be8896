// SPDX-License-Identifier: GPL-2.0-only
/* tests/stress/model.c: that the judge of the stress knows the law, row by row. */
#include "../stress/model.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NR	160
#define BASE	0x10000000UL
#define RW	PAGE_READWRITE
#define RO	PAGE_READONLY
#define RESERVE_COMMIT	(MEM_RESERVE | MEM_COMMIT)

static struct page pages[NR];
static struct model model;

static int setup(void **state)
{
	(void)state;
	model_init(&model, BASE, NR, pages);
	return 0;
}

static void expect_alloc(DWORD error, unsigned long offset, unsigned long size, DWORD type,
			 DWORD prot, unsigned long want)
{
	unsigned long result = 0;

	assert_int_equal(model_alloc(&model, BASE + offset, size, type, prot, &result), error);
	if (!error)
		assert_int_equal(result, BASE + want);
}

static void expect_run(unsigned long offset, unsigned long size, DWORD state, DWORD prot)
{
	MEMORY_BASIC_INFORMATION info;

	model_query(&model, BASE + offset, &info);
	assert_int_equal(info.BaseAddress, BASE + offset / PAGE * PAGE);
	assert_int_equal(info.RegionSize, size);
	assert_int_equal(info.State, state);
	assert_int_equal(info.Protect, prot);
}

static void VA05_to_VA15_rounding(void **state)
{
	(void)state;
	expect_alloc(0, 0x4080, 0x1000, RESERVE_COMMIT, RW, 0);
	expect_run(0, 0x6000, MEM_COMMIT, RW);
	expect_run(0x6000, NR * PAGE - 0x6000, MEM_FREE, PAGE_NOACCESS);
	expect_alloc(0, 0x1ffff, 0x3000, MEM_RESERVE, RW, 0x10000);
	expect_run(0x10000, 0x13000, MEM_RESERVE, 0);
	assert_int_equal(model_committed(&model), 6);
}

static void VA08_to_VA10_a_granule_is_one_reservations(void **state)
{
	(void)state;
	expect_alloc(0, 0, 1, MEM_RESERVE, RW, 0);
	expect_alloc(ERROR_INVALID_ADDRESS, 0x8000, 1, MEM_RESERVE, RW, 0);
	expect_alloc(0, 0x20000, GRAN, MEM_RESERVE, RW, 0x20000);
	expect_alloc(ERROR_INVALID_ADDRESS, 0x10000, 2 * GRAN, MEM_RESERVE, RW, 0);
	expect_alloc(0, 0x10000, GRAN, MEM_RESERVE, RW, 0x10000);
	assert_false(model_has_hole(&model, (struct span) { 0, 48 }, 1, GRAN_PAGES));
	assert_true(model_has_hole(&model, (struct span) { 0, 49 }, 1, GRAN_PAGES));
}

static void VA19_to_VA27_commit(void **state)
{
	(void)state;
	expect_alloc(ERROR_INVALID_ADDRESS, 0, 1, MEM_COMMIT, RW, 0);
	expect_alloc(0, 0, 4 * PAGE, MEM_RESERVE, RO | PAGE_NOCACHE, 0);
	expect_alloc(0, 0xfff, 2, MEM_COMMIT, RW, 0);
	expect_run(0, 2 * PAGE, MEM_COMMIT, RW | PAGE_NOCACHE);
	expect_alloc(ERROR_INVALID_ADDRESS, 0x3000, 2 * PAGE, MEM_COMMIT, RW, 0);
	expect_alloc(ERROR_INVALID_PARAMETER, 0, PAGE, MEM_COMMIT, 0, 0);
	expect_alloc(ERROR_INVALID_PARAMETER, 0, PAGE, MEM_COMMIT, PAGE_NOACCESS | PAGE_GUARD, 0);
	expect_alloc(ERROR_INVALID_PARAMETER, 0, PAGE, MEM_RESET | MEM_COMMIT, RW, 0);
	expect_alloc(0, 0, PAGE, MEM_COMMIT, RO, 0);
	expect_run(0, PAGE, MEM_COMMIT, RO | PAGE_NOCACHE);
	assert_int_equal(model_committed(&model), 2);
}

static void VF05_to_VF16_free(void **state)
{
	(void)state;
	expect_alloc(0, 0, 4 * PAGE, RESERVE_COMMIT, RW, 0);
	pages[1].word[2] = 7;
	assert_int_equal(model_free(&model, BASE, 5 * PAGE, MEM_DECOMMIT), ERROR_INVALID_PARAMETER);
	assert_int_equal(model_free(&model, BASE + PAGE, 0, MEM_DECOMMIT), ERROR_INVALID_ADDRESS);
	assert_int_equal(model_free(&model, BASE + GRAN, PAGE, MEM_DECOMMIT), ERROR_INVALID_ADDRESS);
	assert_int_equal(model_committed(&model), 4);
	assert_int_equal(model_free(&model, BASE + PAGE, 1, MEM_DECOMMIT), 0);
	assert_int_equal(pages[1].word[2], 0);
	expect_run(PAGE, PAGE, MEM_RESERVE, 0);
	assert_int_equal(model_free(&model, BASE + 0xffe, 0, MEM_DECOMMIT), 0);
	expect_run(0, 4 * PAGE, MEM_RESERVE, 0);
	assert_int_equal(model_free(&model, BASE + PAGE, 0, MEM_RELEASE), ERROR_INVALID_ADDRESS);
	assert_int_equal(model_free(&model, BASE, PAGE, MEM_RELEASE), ERROR_INVALID_PARAMETER);
	assert_int_equal(model_free(&model, BASE, 0, MEM_RELEASE), 0);
	expect_run(0, NR * PAGE, MEM_FREE, PAGE_NOACCESS);
}

static void VP01_to_VP10_protect(void **state)
{
	DWORD old = 0;

	(void)state;
	expect_alloc(0, 0, 4 * PAGE, MEM_RESERVE, RW, 0);
	expect_alloc(0, 0, 2 * PAGE, MEM_COMMIT, RW, 0);
	assert_int_equal(model_protect(&model, BASE, 3 * PAGE, RO, &old), ERROR_INVALID_ADDRESS);
	assert_int_equal(old, PAGE_NOACCESS);
	assert_int_equal(model_protect(&model, BASE + 1, 1, RO | PAGE_GUARD, &old), 0);
	assert_int_equal(old, RW);
	assert_int_equal(model_protect(&model, BASE, 2 * PAGE, RO, &old), 0);
	assert_int_equal(old, RO | PAGE_GUARD);
	assert_int_equal(model_protect(&model, BASE, 0, RO, &old), ERROR_INVALID_PARAMETER);
}

static void G01_to_G15_access(void **state)
{
	(void)state;
	expect_alloc(0, 0, PAGE, RESERVE_COMMIT, RO | PAGE_GUARD, 0);
	assert_false(model_touch(&pages[0], WRITE));
	assert_true(model_touch(&pages[0], READ));
	assert_false(model_touch(&pages[0], WRITE));
	assert_false(model_touch(&pages[0], EXEC));
	assert_false(model_touch(&pages[1], READ));
	pages[0].prot = PAGE_EXECUTE;
	assert_true(model_touch(&pages[0], READ));
	assert_true(model_touch(&pages[0], EXEC));
	assert_false(model_touch(&pages[0], WRITE));
}

static void VR01_to_VR14_reset(void **state)
{
	(void)state;
	expect_alloc(0, 0, 3 * PAGE, RESERVE_COMMIT, RW, 0);
	model_write(&pages[0], 0, 5);
	model_write(&pages[0], 1, 6);
	assert_false(model_undo(&model, BASE, PAGE, ERROR_BUSY));
	expect_alloc(0, 0, 3 * PAGE, MEM_RESET, RW, 0);
	assert_true(model_saw(&pages[0], 0, true, false));
	assert_false(model_saw(&pages[0], 0, false, false));
	/* Seen to be gone: it stays so, and UNDO must tell. */
	assert_true(model_saw(&pages[0], 0, false, true));
	assert_false(model_saw(&pages[0], 0, true, false));
	assert_false(model_undo(&model, BASE, PAGE, 0));

	expect_alloc(0, 0, 3 * PAGE, MEM_RESET, RW, 0);
	model_write(&pages[0], 1, 9);
	assert_true(model_undo(&model, BASE, PAGE, 0));
	assert_false(model_saw(&pages[0], 1, false, true));
	assert_int_equal(model_undo(&model, BASE + 2 * PAGE, 2 * PAGE, ERROR_INVALID_ADDRESS), true);
}

/* What was lost before the second reset is not what UNDO of that is asked for. */
static void VR11_what_went_before_the_last_reset(void **state)
{
	(void)state;
	expect_alloc(0, 0, PAGE, RESERVE_COMMIT, RW, 0);
	model_write(&pages[0], 0, 5);
	expect_alloc(0, 0, PAGE, MEM_RESET, RW, 0);
	model_write(&pages[0], 1, 6);
	expect_alloc(0, 0, PAGE, MEM_RESET, RW, 0);
	expect_alloc(0, 0, PAGE, MEM_RESET, RW, 0);
	assert_true(model_undo(&model, BASE, PAGE, 0));
	assert_true(model_saw(&pages[0], 0, false, true));
	assert_false(model_saw(&pages[0], 1, false, true));

	/* Nor is it when its zeros are seen before the UNDO. */
	expect_alloc(0, 0, PAGE, MEM_RESET, RW, 0);
	model_write(&pages[0], 1, 7);
	model_write(&pages[0], 0, 8);
	expect_alloc(0, 0, PAGE, MEM_RESET, RW, 0);
	model_write(&pages[0], 1, 9);
	expect_alloc(0, 0, PAGE, MEM_RESET, RW, 0);
	assert_true(model_saw(&pages[0], 0, false, true));
	assert_true(model_undo(&model, BASE, PAGE, 0));
}

static void mappings_of_others(void **state)
{
	(void)state;
	model_map(&model, (struct span) { 4, 6 }, RW);
	expect_run(4 * PAGE, 2 * PAGE, MEM_COMMIT, RW);
	expect_alloc(ERROR_INVALID_ADDRESS, 0, 5 * PAGE, MEM_RESERVE, RW, 0);
	/* The rest of a granule may be somebody else's. */
	expect_alloc(0, 0, 4 * PAGE, MEM_RESERVE, RW, 0);
	expect_alloc(0, 4 * PAGE, PAGE, MEM_RESET, RW, 4 * PAGE);
	assert_int_equal(model_free(&model, BASE + 4 * PAGE, PAGE, MEM_DECOMMIT),
			 ERROR_INVALID_PARAMETER);
	assert_int_equal(model_committed(&model), 0);
	model_unmap(&model, 5);
	expect_run(4 * PAGE, (NR - 4) * PAGE, MEM_FREE, PAGE_NOACCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(VA05_to_VA15_rounding, setup),
		cmocka_unit_test_setup(VA08_to_VA10_a_granule_is_one_reservations, setup),
		cmocka_unit_test_setup(VA19_to_VA27_commit, setup),
		cmocka_unit_test_setup(VF05_to_VF16_free, setup),
		cmocka_unit_test_setup(VP01_to_VP10_protect, setup),
		cmocka_unit_test_setup(G01_to_G15_access, setup),
		cmocka_unit_test_setup(VR01_to_VR14_reset, setup),
		cmocka_unit_test_setup(VR11_what_went_before_the_last_reset, setup),
		cmocka_unit_test_setup(mappings_of_others, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
