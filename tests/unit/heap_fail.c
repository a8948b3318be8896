// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each page call in turn fails: the operation fails as a whole, the heap is as it was, and
 * the same operation goes through once there is memory.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shim/heap_supply.h"

#define ME	1

static size_t allocated(struct winmem_heap *heap)
{
	struct winmem_heap_summary summary;

	winmem_heap_summarize(heap, ME, &summary);
	return summary.allocated;
}

static void create(void **state)
{
	const struct winmem_heap_config config = {
		.supply = &shim_supply, .map = &shim_map, .key = 1,
	};
	struct winmem_heap *heap = NULL;
	unsigned long nth = 0;
	int err;

	(void)state;
	do {
		shim_supply_fail(++nth, false);
		err = winmem_heap_create(&config, &heap);
		assert_true(!err || err == ENOMEM);
		assert_int_equal(shim_supply_counts().reservations, !err);
	} while (err);
	shim_supply_fail(0, false);
	assert_int_equal(nth, 3);
	shim_heap_end(heap);
}

/* The first block of a size in a new heap, with every failure on the way to it. */
static unsigned long first_of(size_t size, unsigned int times)
{
	struct winmem_heap *heap = shim_heap(0, 0, 0);
	struct shim_supply_counts before, after;
	unsigned long nth = 0, failed = 0;
	char *data;

	for (unsigned int i = 1; i < times; i++)
		assert_non_null(winmem_heap_alloc(heap, ME, size, 0));
	do {
		size_t was = allocated(heap);

		before = shim_supply_counts();
		shim_supply_fail(++nth, true);
		data = winmem_heap_alloc(heap, ME, size, WINMEM_HEAP_ZERO_MEMORY);
		shim_supply_fail(0, false);
		after = shim_supply_counts();
		assert_true(winmem_heap_validate(heap, ME, NULL, 0));
		if (data)
			break;
		failed++;
		assert_int_equal(allocated(heap), was);
		/* An empty region, or a leaf of the map, may be there already. */
		assert_true(after.reserved - before.reserved <= 4 << 20);
	} while (1);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(data[i], 0);
	assert_int_equal(allocated(heap), size * times);
	shim_heap_end(heap);
	return failed;
}

static void a_block(void **state)
{
	(void)state;
	assert_true(first_of(7000, 1) >= 1);
	assert_true(first_of(60000, 1) >= 1);
	assert_true(first_of(900000, 1) >= 4);
	assert_true(first_of(900000, 2) >= 2);
}

static void a_large_block(void **state)
{
	(void)state;
	assert_true(first_of(3000000, 1) >= 4);
	assert_true(first_of(3000000, 2) >= 2);
}

/* Without memory for a slab a small block lies in a region. */
static void slots(void **state)
{
	struct winmem_heap *heap = shim_heap(1 << 20, 0, 0);
	char *blocks[200];

	(void)state;
	shim_supply_fail(1, true);
	for (int i = 0; i < 200; i++) {
		blocks[i] = winmem_heap_alloc(heap, ME, 100, 0);
		assert_non_null(blocks[i]);
	}
	shim_supply_fail(0, false);
	for (int i = 0; i < 200; i++)
		assert_int_equal(winmem_heap_free(heap, ME, blocks[i], 0), 0);
	assert_int_equal(allocated(heap), 0);
	shim_heap_end(heap);
	for (unsigned int times = 17; times < 21; times++)
		first_of(5000, times);
}

/* Whichever step on the way to the first segment fails, blocks do instead. */
static void a_segment(void **state)
{
	(void)state;
	for (unsigned long nth = 1; nth <= 8; nth++) {
		struct winmem_heap *heap = shim_heap(1 << 20, 0, 0);
		void *blocks[200];

		shim_supply_fail(nth, true);
		for (int i = 0; i < 200; i++) {
			blocks[i] = winmem_heap_alloc(heap, ME, 100, 0);
			assert_non_null(blocks[i]);
		}
		shim_supply_fail(0, false);
		assert_true(winmem_heap_validate(heap, ME, NULL, 0));
		for (int i = 0; i < 200; i++)
			assert_int_equal(winmem_heap_free(heap, ME, blocks[i], 0), 0);
		assert_int_equal(allocated(heap), 0);
		shim_heap_end(heap);
	}
}

#define MANY	20000

/* A segment that has little room is good enough when there is no memory for one more. */
static void slabs_of_a_segment_that_was_full(void **state)
{
	struct winmem_heap *heap = shim_heap(1 << 20, 0, 0);
	static void *blocks[MANY];
	int again = 0;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		blocks[i] = winmem_heap_alloc(heap, ME, 1000, 0);
		assert_non_null(blocks[i]);
	}
	for (int i = 1000; i < 1400; i++)
		assert_int_equal(winmem_heap_free(heap, ME, blocks[i], 0), 0);
	shim_supply_fail(1, true);
	for (int i = 1000; i < 1400; i++) {
		blocks[i] = winmem_heap_alloc(heap, ME, 500, 0);
		again += blocks[i] != NULL;
	}
	shim_supply_fail(0, false);
	assert_true(winmem_heap_validate(heap, ME, NULL, 0));
	for (int i = 0; i < MANY; i++) {
		if (blocks[i])
			assert_int_equal(winmem_heap_free(heap, ME, blocks[i], 0), 0);
	}
	assert_int_equal(allocated(heap), 0);
	shim_heap_end(heap);
	assert_true(again > 100);
}

/* Its blocks are longer than what is kept for later, and all of them go. */
static void a_region_between_others(void **state)
{
	struct winmem_heap *heap = shim_heap(0, 0, 0);
	static void *blocks[600];
	size_t reserved;

	(void)state;
	for (int i = 0; i < 600; i++) {
		blocks[i] = winmem_heap_alloc(heap, ME, 200000, 0);
		assert_non_null(blocks[i]);
	}
	reserved = shim_supply_counts().reserved;
	for (int i = 20; i < 580; i++)
		assert_int_equal(winmem_heap_free(heap, ME, blocks[i], 0), 0);
	assert_true(winmem_heap_validate(heap, ME, NULL, 0));
	assert_true(shim_supply_counts().reserved < reserved);
	for (int i = 20; i < 580; i++) {
		blocks[i] = winmem_heap_alloc(heap, ME, 200000, WINMEM_HEAP_ZERO_MEMORY);
		assert_non_null(blocks[i]);
	}
	assert_true(winmem_heap_validate(heap, ME, NULL, 0));
	assert_int_equal(allocated(heap), 600 * 200000);
	shim_heap_end(heap);
}

/* Lengths of blocks have 32 bits. */
static void longer_than_can_be(void **state)
{
	struct winmem_heap_config config = { .supply = &shim_supply, .map = &shim_map, .key = 1 };
	struct winmem_heap *heap = NULL;

	(void)state;
	config.initial = (size_t)1 << 35;
	assert_int_equal(winmem_heap_create(&config, &heap), ENOMEM);
	config.initial = 0;
	config.maximum = (size_t)1 << 40;
	assert_int_equal(winmem_heap_create(&config, &heap), ENOMEM);
	assert_null(heap);
}

/* Two free blocks whose middles went back, and what is between them cannot. */
static void gaps_that_cannot_be_joined(void **state)
{
	struct winmem_heap *heap = shim_heap(8 << 20, 0, 0);
	void *low = winmem_heap_alloc(heap, ME, 900000, 0);
	void *between = winmem_heap_alloc(heap, ME, 7000, 0);
	void *high = winmem_heap_alloc(heap, ME, 900000, 0);
	void *last = winmem_heap_alloc(heap, ME, 7000, 0);

	(void)state;
	assert_int_equal(winmem_heap_free(heap, ME, low, 0), 0);
	assert_int_equal(winmem_heap_free(heap, ME, high, 0), 0);
	shim_supply_refuse_decommit(true);
	assert_int_equal(winmem_heap_free(heap, ME, between, 0), 0);
	shim_supply_refuse_decommit(false);
	assert_true(winmem_heap_validate(heap, ME, NULL, 0));
	assert_int_equal(allocated(heap), 7000);
	/* All of it may be had again. */
	low = winmem_heap_alloc(heap, ME, 900000, WINMEM_HEAP_ZERO_MEMORY);
	high = winmem_heap_alloc(heap, ME, 900000, WINMEM_HEAP_ZERO_MEMORY);
	assert_true(low && high && low < last && high < last);
	assert_true(winmem_heap_validate(heap, ME, NULL, 0));
	shim_heap_end(heap);
}

static void realloc_keeps_what_there_is(void **state)
{
	struct winmem_heap *heap = shim_heap(0, 0, 0);
	char *data = winmem_heap_alloc(heap, ME, 1000, 0);
	static const size_t sizes[] = { 50000, 500000, 5000000, 9000000 };
	void *at = data;
	int err;

	(void)state;
	memset(data, 5, 1000);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (unsigned long nth = 1; ; nth++) {
			data = at;
			shim_supply_fail(nth, true);
			err = winmem_heap_realloc(heap, ME, &at, sizes[i], 0);
			shim_supply_fail(0, false);
			for (int j = 0; j < 1000; j++)
				assert_int_equal(((char *)at)[j], 5);
			assert_true(winmem_heap_validate(heap, ME, NULL, 0));
			if (!err)
				break;
			assert_int_equal(err, ENOMEM);
			assert_ptr_equal(at, data);
		}
	}
	shim_heap_end(heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create),
		cmocka_unit_test(a_block),
		cmocka_unit_test(a_large_block),
		cmocka_unit_test(slots),
		cmocka_unit_test(a_segment),
		cmocka_unit_test(slabs_of_a_segment_that_was_full),
		cmocka_unit_test(a_region_between_others),
		cmocka_unit_test(longer_than_can_be),
		cmocka_unit_test(gaps_that_cannot_be_joined),
		cmocka_unit_test(realloc_keeps_what_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
