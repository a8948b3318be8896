// SPDX-License-Identifier: GPL-2.0-only
/*
 * Damage to what a heap goes through from one to the next: lists of free blocks, regions,
 * large blocks, segments, slots that others have freed; and walks that are led astray.
 */
#include "heap_damage.h"

#include "../../lib/heap_large.h"

/* In the list of their size are @far, @next and @before; the header of the first is spoilt. */
static void a_free_neighbour_in_a_damaged_list(void **state)
{
	char *before = get(70000), *data = get(70000), *next = get(70000);
	char *kept = get(70000), *far = get(70000), *last = get(70000);
	void *at = data;

	(void)state;
	assert_int_equal(put(before), 0);
	assert_int_equal(put(next), 0);
	assert_int_equal(put(far), 0);
	far[-16] ^= 1;
	assert_int_equal(winmem_heap_realloc(heap, ME, &at, 90000, WINMEM_HEAP_IN_PLACE_ONLY),
			 ENOMEM);
	assert_ptr_equal(at, data);
	assert_int_equal(put(data), EBADMSG);
	assert_true(shim_damage_found > 0);
	/* Intact again, and the list has gone on without it. */
	far[-16] ^= 1;
	assert_int_equal(put(last), EBADMSG);
	assert_int_equal(put(kept), EBADMSG);
}

/* A list is looked at from its first block on, which may be the first in memory. */
static void the_second_of_a_list(void **state)
{
	char *low = get(9000), *high;

	(void)state;
	get(9000);
	high = get(9000);
	get(9000);
	assert_int_equal(put(high), 0);
	assert_int_equal(put(low), 0);
	assert_true(is_valid());
	high[-16] ^= 1;
	assert_false(is_valid());
	high[-16] ^= 1;
	assert_true(is_valid());
}

static void the_last_region(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++)
		get(900000);
	assert_ptr_not_equal(heap->last, &heap->first);
	heap->last->number ^= 1;
	assert_false(is_valid());
	winmem_heap_destroy(heap);
	assert_int_equal(shim_damage_found, 1);
	new_heap(NULL);
}

static void the_last_large_block(void **state)
{
	char *first = get(2000000), *second;

	(void)state;
	heap->large_end->size ^= 1;
	second = get(2000000);
	assert_int_equal(shim_damage_found, 1);
	memset(second, 1, 2000000);
	assert_int_equal(put(first), EINVAL);
	assert_int_equal(put(second), 0);
}

static void the_link_of_a_segment(void **state)
{
	struct winmem_heap_segment *prev;

	(void)state;
	fill(64);
	assert_non_null(heap->segments);
	assert_true(is_valid());
	prev = heap->segments->prev;
	heap->segments->prev = heap->segments;
	assert_false(is_valid());
	heap->segments->prev = prev;
	assert_true(is_valid());
}

/* Another thread has freed it, and its owner has not seen that yet. */
static void a_slot_on_its_way_to_its_owner(void **state)
{
	struct winmem_heap_slab *slab;

	(void)state;
	fill(100);
	slab = winmem_heap_segment_slab(blocks[300]);
	assert_int_equal(winmem_heap_free(heap, 2, blocks[300], 0), 0);
	winmem_heap_slab_set_word(slab, winmem_heap_slab_slot(slab, blocks[300]), 0);
	for (int i = 0; i < 2000; i++)
		memset(get(100), i, 100);
	assert_int_equal(shim_damage_found, 1);
}

/* Walks */

static int walk_all(void)
{
	struct winmem_heap_entry entry = {};
	int err;

	do {
		err = winmem_heap_walk(heap, ME, &entry);
	} while (!err);
	return err;
}

static void walks_end_at_damage(void **state)
{
	char *data = get(9000), *large;
	uint32_t number;

	(void)state;
	get(9000);
	assert_int_equal(walk_all(), ENOENT);
	data[-16] ^= 1;
	assert_int_equal(walk_all(), EINVAL);
	data[-16] ^= 1;

	for (int i = 0; i < 8; i++)
		get(900000);
	number = heap->last->number;
	heap->last->number ^= 1;
	assert_int_equal(walk_all(), EINVAL);
	heap->last->number = number;

	large = get(2000000);
	assert_int_equal(walk_all(), ENOENT);
	heap->large->size ^= 1;
	assert_int_equal(walk_all(), EINVAL);
	heap->large->size ^= 1;
	assert_int_equal(walk_all(), ENOENT);
	assert_int_equal(put(large), 0);
}

/* Entries are the program's to spoil. */
static void walks_that_begin_nowhere(void **state)
{
	struct winmem_heap_entry entry = {}, block;
	struct winmem_heap_slab *slab;

	(void)state;
	get(9000);
	fill(100);
	while (!winmem_heap_walk(heap, ME, &entry) && !(entry.flags & WINMEM_HEAP_ENTRY_BUSY))
		;
	block = entry;
	entry.data = (char *)entry.data + 16384;
	assert_int_equal(winmem_heap_walk(heap, ME, &entry), EINVAL);
	entry = block;
	assert_int_equal(winmem_heap_walk(heap, ME, &entry), 0);

	/* Behind the last slot of a slab, and between the segment's start and the first. */
	slab = winmem_heap_segment_slab(blocks[300]);
	entry = (struct winmem_heap_entry){
		.data = slab->slots + (size_t)slab->nr * slab->size,
		.number = WINMEM_HEAP_NUMBER_SLOTS,
	};
	if (winmem_heap_segment_slab(entry.data) == slab)
		assert_int_equal(winmem_heap_walk(heap, ME, &entry), EINVAL);
	entry.data = (char *)winmem_heap_segment_base(winmem_heap_segment_of(blocks[300])) + 16;
	assert_int_equal(winmem_heap_walk(heap, ME, &entry), EINVAL);
}

#define TEST(function)	cmocka_unit_test_setup_teardown(function, new_heap, end_heap)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_free_neighbour_in_a_damaged_list),
		TEST(the_second_of_a_list),
		TEST(the_last_region),
		TEST(the_last_large_block),
		TEST(the_link_of_a_segment),
		TEST(a_slot_on_its_way_to_its_owner),
		TEST(walks_end_at_damage),
		TEST(walks_that_begin_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
