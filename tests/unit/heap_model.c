// SPDX-License-Identifier: GPL-2.0-only
/*
 * The allocator against a list: random operations by four threads that take turns, in heaps
 * of every kind. WINMEM_TEST_OPS and WINMEM_TEST_SEED set how many and which; a failure
 * ends the program after the line with the seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "shim/heap_model.h"

#define OPS	60000UL

static struct model model;
static uint64_t seed;

static uint64_t next_random(void *ctx)
{
	(void)ctx;
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed >> 11;
}

static void run(size_t initial, size_t maximum, uint32_t options, bool fail)
{
	const char *ops = getenv("WINMEM_TEST_OPS"), *start = getenv("WINMEM_TEST_SEED");
	unsigned long nr = ops ? strtoul(ops, NULL, 0) : OPS;

	seed = start ? strtoull(start, NULL, 0) : 0x243f6a8885a308d3;
	printf("# seed %#lx\n", (unsigned long)seed);
	model = (struct model){
		.heap = shim_heap(initial, maximum, options),
		.may_fail = fail || maximum,
		.next = next_random,
	};
	for (unsigned long i = 0; i < nr; i++) {
		if (fail && !(i % 50))
			shim_supply_fail(1 + next_random(NULL) % 4, next_random(NULL) % 2);
		model_step(&model);
		if (!(i % 5000))
			model_check(&model);
	}
	shim_supply_fail(0, false);
	model_check(&model);
	model_empty(&model);
	shim_heap_end(model.heap);
}

static void a_heap_that_grows(void **state)
{
	(void)state;
	run(0, 0, 0, false);
}

static void a_heap_that_begins_large(void **state)
{
	(void)state;
	run(3 << 20, 0, WINMEM_HEAP_NO_SERIALIZE, false);
}

static void heaps_of_fixed_size(void **state)
{
	(void)state;
	run(0, 1 << 20, 0, false);
	run(0, 0x40000, 0, false);
	run(0x10000, 9000000, 0, false);
}

static void a_heap_that_checks_tails_and_fills(void **state)
{
	(void)state;
	run(0, 0, WINMEM_HEAP_TAIL_CHECKING, false);
	run(0, 0, WINMEM_HEAP_TAIL_CHECKING | WINMEM_HEAP_FREE_CHECKING, false);
}

static void a_supply_that_fails(void **state)
{
	(void)state;
	run(0, 0, 0, true);
	run(0, 2 << 20, 0, true);
}

static void a_supply_that_refuses_to_decommit(void **state)
{
	(void)state;
	shim_supply_refuse_decommit(true);
	run(0, 0, 0, false);
	shim_supply_refuse_decommit(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_heap_that_grows),
		cmocka_unit_test(a_heap_that_begins_large),
		cmocka_unit_test(heaps_of_fixed_size),
		cmocka_unit_test(a_heap_that_checks_tails_and_fills),
		cmocka_unit_test(a_supply_that_fails),
		cmocka_unit_test(a_supply_that_refuses_to_decommit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
