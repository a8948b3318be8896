// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the rows on heaps ask of the allocator: each case names its row. The Win32 functions
 * on top of it have their own tests.
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

static struct winmem_heap *heap;

static int new_heap(void **state)
{
	(void)state;
	heap = shim_heap(0, 0, 0);
	return 0;
}

static int end_heap(void **state)
{
	(void)state;
	shim_heap_end(heap);
	return 0;
}

static char *get(size_t size)
{
	return winmem_heap_alloc(heap, ME, size, 0);
}

static void put(void *data)
{
	assert_int_equal(winmem_heap_free(heap, ME, data, 0), 0);
}

static size_t size_of(const void *data)
{
	size_t size = 12345;

	assert_int_equal(winmem_heap_size(heap, ME, data, 0, &size), 0);
	return size;
}

static int grow_in_place(void *data, size_t size)
{
	void *at = data;
	int err = winmem_heap_realloc(heap, ME, &at, size, WINMEM_HEAP_IN_PLACE_ONLY);

	assert_ptr_equal(at, data);
	return err;
}

static void H01_the_handle_is_the_region(void **state)
{
	struct shim_supply_counts counts = shim_supply_counts();

	(void)state;
	assert_int_equal((uintptr_t)heap % 65536, 0);
	assert_int_equal(counts.reservations, 1);
	assert_int_equal(counts.reserved, 65536);
	assert_int_equal(counts.committed, 8192);
}

static void H02_initial_size(void **state)
{
	struct winmem_heap *other = shim_heap(0x123456, 0, 0);

	(void)state;
	assert_int_equal(shim_supply_counts().committed, 8192 + 0x124000);
	winmem_heap_destroy(other);
	other = shim_heap(0x20000, 0x10000, 0);
	assert_int_equal(shim_supply_counts().committed, 8192 + 0x10000);
	winmem_heap_destroy(other);
}

static void H03_a_fixed_heap_of_one_byte(void **state)
{
	struct winmem_heap *fixed = shim_heap(0, 1, 0);
	void *data = winmem_heap_alloc(fixed, ME, 16, 0);

	(void)state;
	assert_non_null(data);
	assert_true(winmem_heap_validate(fixed, ME, NULL, 0));
	assert_null(winmem_heap_alloc(fixed, ME, 4096, 0));
	winmem_heap_destroy(fixed);
}

static void H04_blocks_of_no_bytes(void **state)
{
	char *blocks[100];

	(void)state;
	for (int i = 0; i < 100; i++) {
		blocks[i] = get(0);
		assert_non_null(blocks[i]);
		assert_int_equal(size_of(blocks[i]), 0);
		for (int j = 0; j < i; j++)
			assert_ptr_not_equal(blocks[i], blocks[j]);
	}
}

static void H05_sizes_that_nobody_has(void **state)
{
	static const size_t sizes[] = {
		SIZE_MAX, SIZE_MAX - 7, SIZE_MAX - 63, SIZE_MAX - 4096, SIZE_MAX / 2,
		(size_t)1 << 47, ((size_t)1 << 47) - 4096,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_null(get(sizes[i]));
	assert_true(winmem_heap_validate(heap, ME, NULL, 0));
}

static void H09_blocks_are_aligned_to_16(void **state)
{
	bool odd = false;

	(void)state;
	for (size_t size = 0; size < 3000; size += 7) {
		uintptr_t addr = (uintptr_t)get(size);

		assert_int_equal(addr % 16, 0);
		odd |= addr & 16;
	}
	assert_true(odd);
}

static void H10_large_blocks_have_a_region_each(void **state)
{
	size_t before = shim_supply_counts().reservations;
	char *large = get(0xff000), *small;

	(void)state;
	assert_int_equal((uintptr_t)large % 65536, 0x40);
	before = shim_supply_counts().reservations;
	small = get(0xfd000);
	assert_int_not_equal((uintptr_t)small % 65536, 0x40);
	put(large);
	assert_true(shim_supply_counts().reservations <= before);
}

static void H11_H12_zero(void **state)
{
	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t size = 1; size < 5000000; size = size * 3 + 1) {
			uint32_t flags = size < 3000000 ? WINMEM_HEAP_ZERO_MEMORY : 0;
			unsigned char *data = winmem_heap_alloc(heap, ME, size, flags);

			for (size_t i = 0; i < size; i++)
				assert_int_equal(data[i], 0);
			memset(data, 0xff, size);
			put(data);
		}
	}
}

/* A slab that had other slots before is not fresh. */
static void H11_zero_where_a_slab_was(void **state)
{
	static unsigned char *blocks[4000];

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 4000; i++) {
			blocks[i] = winmem_heap_alloc(heap, ME, 100 + 200 * round,
						      WINMEM_HEAP_ZERO_MEMORY);
			for (int j = 0; j < 100 + 200 * round; j++)
				assert_int_equal(blocks[i][j], 0);
			memset(blocks[i], 0xff, 100 + 200 * round);
		}
		for (int i = 0; i < 4000; i++)
			put(blocks[i]);
	}
}

static void H13_sizes_are_exact(void **state)
{
	(void)state;
	for (size_t size = 0; size < 20000; size += size < 600 ? 1 : 97)
		assert_int_equal(size_of(get(size)), size);
	assert_int_equal(size_of(get(0xfefd8)), 0xfefd8);
	assert_int_equal(size_of(get(0xfefd9)), 0xfefd9);
	assert_int_equal(size_of(get(16 << 20)), 16 << 20);
}

static void H20_realloc_to_what_nobody_has(void **state)
{
	char *data = get(100);
	void *at = data;

	(void)state;
	memset(data, 7, 100);
	assert_int_equal(winmem_heap_realloc(heap, ME, &at, SIZE_MAX, 0), ENOMEM);
	assert_int_equal(winmem_heap_realloc(heap, ME, &at, SIZE_MAX - 7, 0), ENOMEM);
	assert_ptr_equal(at, data);
	assert_int_equal(size_of(data), 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(data[i], 7);
}

static void H21_in_place_only_and_no_room(void **state)
{
	char *data = get(100);

	(void)state;
	get(100);
	assert_int_equal(grow_in_place(data, 10000), ENOMEM);
	assert_int_equal(size_of(data), 100);
}

static void H23_shrink_and_grow_back_in_place(void **state)
{
	char *small = get(500), *block = get(100000);

	(void)state;
	assert_int_equal(grow_in_place(small, 20), 0);
	assert_int_equal(size_of(small), 20);
	assert_int_equal(grow_in_place(small, 500), 0);
	assert_int_equal(grow_in_place(block, 10), 0);
	assert_int_equal(grow_in_place(block, 100000), 0);
	assert_int_equal(size_of(block), 100000);
}

static void H24_a_large_block_that_shrank_stays_so(void **state)
{
	char *large = get(4 << 20);
	size_t committed = shim_supply_counts().committed;

	(void)state;
	assert_int_equal(grow_in_place(large, 2 << 20), 0);
	assert_int_equal(shim_supply_counts().committed, committed - (2 << 20));
	assert_int_equal(grow_in_place(large, 4 << 20), ENOMEM);
	assert_int_equal(size_of(large), 2 << 20);
}

static void H26_a_fixed_heap_is_nearly_as_large_as_it_says(void **state)
{
	struct winmem_heap *fixed = shim_heap(0, 0x40000, 0);
	void *data;

	(void)state;
	assert_null(winmem_heap_alloc(fixed, ME, 0x40000 - 0x600, 0));
	data = winmem_heap_alloc(fixed, ME, 0x40000 - 0xc00, 0);
	assert_non_null(data);
	assert_int_equal(winmem_heap_free(fixed, ME, data, 0), 0);
	assert_non_null(winmem_heap_alloc(fixed, ME, 0x40000 - 0xc00, 0));
	winmem_heap_destroy(fixed);
}

static void H27_H28_the_largest_block_of_a_fixed_heap(void **state)
{
	struct winmem_heap *fixed = shim_heap(0, 8 * 0x40000, 0);

	(void)state;
	assert_null(winmem_heap_alloc(fixed, ME, 4 * 0x40000, 0));
	assert_null(winmem_heap_alloc(fixed, ME, 0xff000, 0));
	assert_non_null(winmem_heap_alloc(fixed, ME, 0xfefd8, 0));
	winmem_heap_destroy(fixed);
}

static void H32_H34_validate(void **state)
{
	static char other[64];
	struct winmem_heap *second = shim_heap(0, 0, 0);
	char *data = get(100), *foreign = winmem_heap_alloc(second, ME, 100, 0);

	(void)state;
	assert_true(winmem_heap_validate(heap, ME, NULL, 0));
	assert_true(winmem_heap_validate(heap, ME, data, 0));
	assert_false(winmem_heap_validate(heap, ME, data + 16, 0));
	assert_false(winmem_heap_validate(heap, ME, foreign, 0));
	assert_false(winmem_heap_validate(heap, ME, other, 0));
	assert_false(winmem_heap_validate(heap, ME, (void *)0xdeadbe00, 0));
	put(data);
	assert_false(winmem_heap_validate(heap, ME, data, 0));
	winmem_heap_destroy(second);
}

static void H54_the_18th_of_a_size_brings_slots(void **state)
{
	(void)state;
	for (int i = 0; i < 17; i++)
		get(100);
	assert_false(winmem_heap_has_slots(heap));
	get(100);
	assert_true(winmem_heap_has_slots(heap));
}

static void H52_H53_heaps_without_slots(void **state)
{
	struct winmem_heap *fixed = shim_heap(0, 1 << 20, 0);

	(void)state;
	for (int i = 0; i < 100; i++)
		winmem_heap_alloc(fixed, ME, 100, 0);
	assert_false(winmem_heap_has_slots(fixed));
	winmem_heap_destroy(fixed);
}

static void H59_H64_walk_of_an_empty_heap(void **state)
{
	struct winmem_heap_entry entry = {};

	(void)state;
	assert_int_equal(winmem_heap_walk(heap, ME, &entry), 0);
	assert_int_equal(entry.flags, WINMEM_HEAP_ENTRY_REGION);
	assert_ptr_equal(entry.data, heap);
	assert_true(entry.size <= 0x1000);
	assert_int_equal(entry.overhead, 0);
	assert_int_equal(entry.number, 0);
	assert_int_equal(entry.committed, 0x2000);
	assert_int_equal(entry.uncommitted, 0xe000);
	assert_ptr_equal(entry.first, (char *)heap + entry.size);
	assert_ptr_equal(entry.last, (char *)heap + 0x10000);

	assert_int_equal(winmem_heap_walk(heap, ME, &entry), 0);
	assert_int_equal(entry.flags, 0);
	assert_int_equal(entry.overhead, 0x20);
	assert_ptr_equal((char *)entry.data + entry.size, (char *)heap + 0x2000);

	assert_int_equal(winmem_heap_walk(heap, ME, &entry), 0);
	assert_int_equal(entry.flags, WINMEM_HEAP_ENTRY_UNCOMMITTED);
	assert_ptr_equal(entry.data, (char *)heap + 0x2000);
	assert_int_equal(entry.size, 0xe000 - 0x1000);

	assert_int_equal(winmem_heap_walk(heap, ME, &entry), ENOENT);
}

static void H60_busy_entries_and_what_follows(void **state)
{
	struct winmem_heap_entry entry = {}, busy = {};
	char *blocks[5] = { get(5), get(100), get(0), get(4000), get(32) };
	int seen = 0;

	(void)state;
	while (!winmem_heap_walk(heap, ME, &entry)) {
		if (busy.data && entry.flags & WINMEM_HEAP_ENTRY_BUSY)
			assert_ptr_equal(entry.data,
					 (char *)busy.data + busy.size + busy.overhead);
		else if (busy.data && !entry.flags)
			assert_ptr_equal(entry.data,
					 (char *)busy.data + busy.size + busy.overhead + 0x10);
		busy = (struct winmem_heap_entry){};
		if (!(entry.flags & WINMEM_HEAP_ENTRY_BUSY))
			continue;
		busy = entry;
		assert_int_not_equal(entry.overhead, 0);
		assert_ptr_equal(entry.data, blocks[seen]);
		assert_int_equal(entry.size, size_of(blocks[seen++]));
	}
	assert_int_equal(seen, 5);
}

static void H61_large_blocks_come_last(void **state)
{
	struct winmem_heap_entry entry = {}, last = {};
	char *large = get(2 << 20);

	(void)state;
	get(10);
	get(200000);
	while (!winmem_heap_walk(heap, ME, &entry))
		last = entry;
	assert_ptr_equal(last.data, large);
	assert_int_equal(last.flags, WINMEM_HEAP_ENTRY_BUSY);
	assert_int_equal(last.overhead, 0);
	assert_int_equal(last.number, 64);
	assert_int_equal(last.size, 2 << 20);
}

static void H63_walk_from_nowhere(void **state)
{
	struct winmem_heap_entry entry = { .data = (char *)heap + 3, .flags = 4 };

	(void)state;
	assert_int_equal(winmem_heap_walk(heap, ME, &entry), EINVAL);
	entry = (struct winmem_heap_entry){ .data = (void *)0x1234567890, .block = &entry };
	assert_int_equal(winmem_heap_walk(heap, ME, &entry), EINVAL);
	entry = (struct winmem_heap_entry){ .data = (void *)0xdeadbe00 };
	assert_int_equal(winmem_heap_walk(heap, ME, &entry), EINVAL);
}

static void H65_the_largest_free_block(void **state)
{
	struct winmem_heap *fixed = shim_heap(0x10000, 0x10000, 0);
	size_t largest = winmem_heap_compact(fixed, ME);
	void *data;

	(void)state;
	data = winmem_heap_alloc(fixed, ME, largest, 0);
	assert_non_null(data);
	assert_int_equal(winmem_heap_compact(fixed, ME), 0);
	assert_null(winmem_heap_alloc(fixed, ME, 1, 0));
	assert_int_equal(winmem_heap_free(fixed, ME, data, 0), 0);
	assert_int_equal(winmem_heap_compact(fixed, ME), largest);
	winmem_heap_destroy(fixed);
}

static void H66_summary(void **state)
{
	struct winmem_heap_summary summary;
	struct shim_supply_counts counts;
	size_t all = 0;

	(void)state;
	for (size_t size = 1; size < 3000000; size = size * 2 + 5) {
		for (int i = 0; i < 20 && size < 100000; i++, all += size)
			get(size);
		get(size);
		all += size;
	}
	winmem_heap_summarize(heap, ME, &summary);
	counts = shim_supply_counts();
	assert_int_equal(summary.allocated, all);
	assert_in_range(counts.reserved - summary.reserved, 0, 3 << 20);	/* the map's leaves */
	assert_int_equal(summary.maximum, SIZE_MAX);
	assert_int_equal(counts.reserved - summary.reserved, counts.committed - summary.committed);
}

static void H69_tails_and_freed_memory(void **state)
{
	struct winmem_heap *checked = shim_heap(0, 0, WINMEM_HEAP_TAIL_CHECKING |
						WINMEM_HEAP_FREE_CHECKING);
	unsigned char *data = winmem_heap_alloc(checked, ME, 100, 0);
	uint32_t word;

	(void)state;
	for (int i = 100; i < 116; i++)
		assert_int_equal(data[i], 0xab);
	assert_int_equal(winmem_heap_free(checked, ME, data, 0), 0);
	memcpy(&word, data + 48, sizeof(word));
	assert_int_equal(word, 0xfeeefeee);
	winmem_heap_destroy(checked);
}

static void aligned_blocks_are_blocks(void **state)
{
	(void)state;
	for (size_t align = 16; align <= 524288; align *= 2) {
		for (size_t size = 0; size < 5000000; size = size * 5 + 3) {
			char *data = winmem_heap_alloc_aligned(heap, ME, size, align, 0);

			assert_int_equal((uintptr_t)data % align, 0);
			assert_int_equal(size_of(data), size);
			assert_true(winmem_heap_validate(heap, ME, NULL, 0));
			if (size % 2)
				put(data);
		}
	}
}

/* What a program gives back goes to the system, but for a little. */
static void memory_goes_back(void **state)
{
	static char *blocks[40000];
	size_t before, most;

	(void)state;
	for (size_t i = 0; i < 40000; i++)
		blocks[i] = get(i % 20 ? 16 + i % 3000 : 20000 + i);
	most = shim_supply_counts().committed;
	assert_true(most > 120 << 20);
	for (size_t i = 0; i < 40000; i++)
		put(blocks[i * 7919 % 40000]);
	before = shim_supply_counts().committed;
	assert_true(before < most / 10);
	winmem_heap_compact(heap, ME);
	assert_true(shim_supply_counts().committed < before);
}

/* However many slots are left in the slab that was allocated from last, none among them. */
static void slabs_go_back(void **state)
{
	static void *blocks[1020];

	(void)state;
	for (int nr = 1000; nr < 1020; nr++) {
		for (int i = 0; i < nr; i++)
			blocks[i] = get(4000);
		assert_true(shim_supply_counts().committed > 4000000);
		for (int i = 0; i < nr; i++)
			put(blocks[i]);
		assert_true(shim_supply_counts().committed < 1000000);
	}
}

#define SEGMENT	((uintptr_t)4 << 20)
#define SLAB	((uintptr_t)64 << 10)

/* New slabs lie side by side, not in the holes that frees have left all over the heap. */
static void new_slabs_lie_together(void **state)
{
	static char *blocks[40000];
	uintptr_t segment, last = 0;
	int changes = 0;

	(void)state;
	for (size_t i = 0; i < 40000; i++)
		blocks[i] = get(1000);
	/* Three slabs of ten, of which each segment has 64. */
	for (size_t i = 0; i < 40000; i++) {
		if ((uintptr_t)blocks[i] / SLAB % 10 < 3)
			put(blocks[i]);
	}
	/* Fifty slabs: what is left of the last segment, and one more, behind the first blocks. */
	for (size_t i = 0; i < 1600; i++) {
		segment = (uintptr_t)get(2000) / SEGMENT;
		changes += segment != last;
		last = segment;
	}
	assert_in_range(changes, 2, 3);
}

/* A block that comes and goes stays where it is, and is free meanwhile. */
static void spare_blocks_come_back(void **state)
{
	char *block[3], *other;
	size_t size;

	(void)state;
	for (int i = 0; i < 3; i++)
		block[i] = get(20000);
	put(block[1]);
	put(block[0]);
	assert_int_equal(winmem_heap_free(heap, ME, block[0], 0), EALREADY);
	assert_int_equal(winmem_heap_size(heap, ME, block[1], 0, &size), EALREADY);
	assert_true(winmem_heap_validate(heap, ME, NULL, 0));
	assert_ptr_equal(get(19000), block[0]);
	assert_int_equal(size_of(block[0]), 19000);
	other = winmem_heap_alloc(heap, ME, 18500, WINMEM_HEAP_ZERO_MEMORY);
	assert_ptr_equal(other, block[1]);
	assert_true(winmem_heap_validate(heap, ME, NULL, 0));
}

/* Two that are side by side make room for a longer one before the heap commits more. */
static void spare_blocks_go_first(void **state)
{
	char *block[20];
	size_t committed;

	(void)state;
	for (int i = 0; i < 20; i++)
		block[i] = get(30000);
	committed = shim_supply_counts().committed;
	for (int i = 0; i < 20; i++)
		put(block[i]);
	for (int i = 0; i < 9; i++)
		assert_non_null(get(60000));
	assert_int_equal(shim_supply_counts().committed, committed);
	assert_true(winmem_heap_validate(heap, ME, NULL, 0));
}

/* A power of two and a header of the program's takes no more than a twelfth more. */
static void a_bit_more_than_a_power_of_two(void **state)
{
	static const size_t sizes[] = { 1032, 2064, 4112 };
	size_t before, taken;

	(void)state;
	for (int i = 0; i < 3; i++) {
		before = shim_supply_counts().committed;
		for (int j = 0; j < 4000; j++)
			get(sizes[i]);
		taken = shim_supply_counts().committed - before;
		/* And a leaf of the map, when the addresses pass a multiple of a GiB. */
		assert_in_range(taken, 4000 * sizes[i],
				4000 * sizes[i] * 13 / 12 + sizeof(struct winmem_heap_leaf));
	}
}

/* A large block that has grown once has room to grow. */
static void a_large_block_grows_where_it_is(void **state)
{
	void *data = get(2 << 20), *at;

	(void)state;
	memset(data, 7, 2 << 20);
	assert_int_equal(winmem_heap_realloc(heap, ME, &data, 3 << 20, 0), 0);
	at = data;
	assert_int_equal(winmem_heap_realloc(heap, ME, &data, 5 << 20, 0), 0);
	assert_ptr_equal(data, at);
	assert_int_equal(size_of(data), 5 << 20);
	assert_int_equal(((char *)data)[(2 << 20) - 1], 7);
	assert_true(shim_supply_is_committed((char *)data + (3 << 20), 2 << 20));
	assert_int_equal(winmem_heap_realloc(heap, ME, &data, 9 << 20, 0), 0);
	assert_int_equal(((char *)data)[(2 << 20) - 1], 7);
}

#define CASE(name)	cmocka_unit_test_setup_teardown(name, new_heap, end_heap)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(H01_the_handle_is_the_region),
		CASE(H02_initial_size),
		CASE(H03_a_fixed_heap_of_one_byte),
		CASE(H04_blocks_of_no_bytes),
		CASE(H05_sizes_that_nobody_has),
		CASE(H09_blocks_are_aligned_to_16),
		CASE(H10_large_blocks_have_a_region_each),
		CASE(H11_H12_zero),
		CASE(H11_zero_where_a_slab_was),
		CASE(H13_sizes_are_exact),
		CASE(H20_realloc_to_what_nobody_has),
		CASE(H21_in_place_only_and_no_room),
		CASE(H23_shrink_and_grow_back_in_place),
		CASE(H24_a_large_block_that_shrank_stays_so),
		CASE(H26_a_fixed_heap_is_nearly_as_large_as_it_says),
		CASE(H27_H28_the_largest_block_of_a_fixed_heap),
		CASE(H32_H34_validate),
		CASE(H54_the_18th_of_a_size_brings_slots),
		CASE(H52_H53_heaps_without_slots),
		CASE(H59_H64_walk_of_an_empty_heap),
		CASE(H60_busy_entries_and_what_follows),
		CASE(H61_large_blocks_come_last),
		CASE(H63_walk_from_nowhere),
		CASE(H65_the_largest_free_block),
		CASE(H66_summary),
		CASE(H69_tails_and_freed_memory),
		CASE(aligned_blocks_are_blocks),
		CASE(memory_goes_back),
		CASE(slabs_go_back),
		CASE(new_slabs_lie_together),
		CASE(spare_blocks_come_back),
		CASE(spare_blocks_go_first),
		CASE(a_bit_more_than_a_power_of_two),
		CASE(a_large_block_grows_where_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
