// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a faulty program does to a heap: frees twice, frees what is none, writes where it must
 * not. Each is refused or told of, nothing crashes, and what is not touched stays usable.
 */
#include "heap_damage.h"

static void freed_twice(void **state)
{
	static const size_t sizes[] = { 0, 100, 5000, 100000, 2000000 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *before = get(sizes[i]), *data = get(sizes[i]), *after = get(sizes[i]);

		assert_int_equal(put(data), 0);
		assert_int_equal(put(data), sizes[i] > 1000000 ? EINVAL : EALREADY);
		assert_int_equal(put(before), 0);
		/* It is part of a longer free block now. */
		assert_int_not_equal(put(data), 0);
		assert_int_equal(put(after), 0);
		assert_int_not_equal(put(data), 0);
	}
	fill(64);
	assert_int_equal(put(blocks[300]), 0);
	assert_int_equal(put(blocks[300]), EALREADY);
	assert_int_equal(winmem_heap_free(heap, 2, blocks[300], 0), EALREADY);
	assert_int_equal(winmem_heap_free(heap, 2, blocks[301], 0), 0);
	assert_int_equal(put(blocks[301]), EALREADY);
	assert_true(is_valid());
	assert_int_equal(shim_damage_found, 0);
}

static void freed_after_its_memory_went_back(void **state)
{
	char *kept = get(16), *far;

	(void)state;
	fill(8000);
	far = get(900000);
	for (int i = 0; i < ALL; i++)
		assert_int_equal(put(blocks[i]), 0);
	assert_int_equal(put(far), 0);
	winmem_heap_compact(heap, ME);
	for (int i = 0; i < ALL; i++)
		assert_int_not_equal(put(blocks[i]), 0);
	assert_int_not_equal(put(far), 0);
	assert_int_equal(put(kept), 0);
	assert_true(is_valid());
}

static void not_blocks_at_all(void **state)
{
	struct winmem_heap *other = shim_heap(0, 0, 0);
	static char here[64];
	uint64_t addr;

	(void)state;
	fill(200);
	get(3000000);
	for (uint64_t bit = 1; bit; bit <<= 1) {
		assert_int_equal(put((void *)bit), EINVAL);
		assert_int_equal(put((void *)-bit), EINVAL);
		addr = (uintptr_t)blocks[ALL - 1] ^ bit;
		/* One bit off is another block, or none. */
		if (bit < 1 << 20 && bit >= 16)
			continue;
		assert_int_equal(put((void *)addr), EINVAL);
	}
	assert_int_equal(put(here), EINVAL);
	assert_int_equal(put(heap), EINVAL);
	/* Not committed, but of the heap. */
	assert_int_equal(put((char *)heap + 65536 - 16), EINVAL);
	assert_int_equal(put((char *)heap->last + heap->last->size - 8192), EINVAL);
	assert_int_equal(put(winmem_heap_alloc(other, ME, 100, 0)), EINVAL);
	assert_int_equal(put(winmem_heap_alloc(other, ME, 3000000, 0)), EINVAL);
	for (int i = 0; i < 30; i++)
		assert_int_equal(put(winmem_heap_alloc(other, ME, 100, 0)), EINVAL);
	assert_true(is_valid());
	winmem_heap_destroy(other);
}

static void inside_of_blocks(void **state)
{
	static const size_t sizes[] = { 64, 5000, 200000, 3000000 };

	(void)state;
	fill(1000);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *data = get(sizes[i]);

		memset(data, 0, sizes[i]);
		for (size_t at = 1; at < sizes[i]; at += at < 64 ? 1 : 16)
			assert_int_equal(put(data + at), EINVAL);
		assert_int_equal(put(data), 0);
	}
	for (size_t at = 1; at < 1000; at++)
		assert_int_not_equal(put(blocks[200] + at), 0);
	assert_true(is_valid());
}

/* What was freed waits for the next of its size; its neighbours are looked at when it is joined. */
static void beside_a_block_that_waits(void **state)
{
	char *before, *data, *after, *last;

	(void)state;
	/* Little waits in a little heap. */
	fill(30000);
	before = get(30000);
	data = get(30000);
	after = get(30000);
	last = get(30000);
	assert_int_equal(put(data), 0);
	memset(after - 16, 0x5a, 16);
	winmem_heap_compact(heap, ME);
	assert_false(is_valid());
	assert_int_equal(put(before), 0);
	assert_int_equal(put(last), EBADMSG);
}

/* A header cannot be made up, nor be copied to another place. */
static void a_header_inside_of_a_block(void **state)
{
	char *data = get(10000), *other = get(5000);

	(void)state;
	memcpy(data + 160, other - 16, 16);
	assert_int_equal(put(data + 176), EINVAL);
	for (int i = 0; i < 100000; i++) {
		for (int j = 0; j < 16; j++)
			data[160 + j] = rand();
		assert_int_equal(put(data + 176), EINVAL);
	}
	assert_true(is_valid());
}

static void a_header_overwritten(void **state)
{
	(void)state;
	for (int byte = 0; byte < 16; byte++) {
		for (int bit = 0; bit < 8; bit++) {
			char *data = get(9000), *next = get(9000);

			data[-16 + byte] ^= 1 << bit;
			assert_int_equal(put(data), EINVAL);
			assert_false(winmem_heap_validate(heap, ME, data, 0));
			assert_false(is_valid());
			data[-16 + byte] ^= 1 << bit;
			assert_int_equal(put(data), 0);
			assert_int_equal(put(next), 0);
			assert_true(is_valid());
		}
	}
}

static void written_past_the_end(void **state)
{
	char *data = get(9000), *next = get(9000), *last = get(9000);
	char saved[16];

	(void)state;
	memcpy(saved, next - 16, 16);
	memset(next - 16, 'A', 16);
	assert_int_equal(put(data), EBADMSG);
	assert_int_equal(shim_damage_found, 1);
	assert_int_equal(put(next), EINVAL);
	assert_int_equal(put(last), EBADMSG);
	assert_false(winmem_heap_validate(heap, ME, data, 0));
	/* Nothing has happened to any of them. */
	memcpy(next - 16, saved, 16);
	assert_int_equal(put(data), 0);
	assert_int_equal(put(last), 0);
	assert_int_equal(put(next), 0);
	assert_true(is_valid());
}

/* Each bit of what a free block holds, in lists of one size and of several. */
static void freed_memory_overwritten(void **state)
{
	static const size_t sizes[] = { 16, 600, 9000, 200000 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (int bit = 0; bit < 8 * 32; bit++) {
			char *data[3];

			new_heap(NULL);
			/* One stays between two that go, or they would be one. */
			for (int j = 0; j < 3; j++) {
				data[j] = get(sizes[i]);
				get(sizes[i]);
			}
			for (int j = 0; j < 3; j++)
				assert_int_equal(put(data[j]), 0);
			data[1][-16 + bit / 8] ^= 1 << bit % 8;
			assert_false(is_valid());
			for (int j = 0; j < 5; j++)
				get(sizes[i]);
			winmem_heap_compact(heap, ME);
			get(sizes[i] * 2);
			assert_true(shim_damage_found > 0);
			if (sizes[i] != sizes[3] || bit != 8 * 32 - 1)
				winmem_heap_destroy(heap);
		}
	}
}

/* A slot holds nothing of ours: a program may write to it after free, and only harm itself. */
static void freed_slots_overwritten(void **state)
{
	(void)state;
	fill(100);
	for (int i = 0; i < ALL; i++)
		assert_int_equal(put(blocks[i]), 0);
	for (int i = 50; i < ALL; i++)
		memset(blocks[i], 0xff, 112);
	for (int i = 0; i < ALL; i++)
		memset(get(100), i, 100);
	assert_true(is_valid());
	assert_int_equal(shim_damage_found, 0);
}

static uint16_t *words_of(const void *data)
{
	return (uint16_t *)winmem_heap_segment_slab(data)->words;
}

/* The words of slots: whatever they hold, a slot that is handed out lies in its slab. */
static void words_overwritten(void **state)
{
	uint16_t *words;
	char *data;

	(void)state;
	for (int round = 0; round < 300; round++) {
		new_heap(NULL);
		fill(100);
		for (int i = 0; i < ALL; i += 2)
			put(blocks[i]);
		words = words_of(blocks[300]);
		if (round < 100)
			memset(words, round * 5, 700);
		for (int i = 0; round >= 100 && i < 350; i++)
			words[i] = rand() >> 4;
		for (int i = 0; i < ALL; i++) {
			data = get(100);
			memset(data, 0, 100);
			put(blocks[i]);
		}
		is_valid();
		if (round < 299)
			winmem_heap_destroy(heap);
	}
}

static void a_word_that_is_too_long(void **state)
{
	uint16_t *words;
	size_t size;

	(void)state;
	fill(100);
	words = words_of(blocks[300]);
	memset(words, 0xff, 700);
	assert_int_equal(put(blocks[300]), EBADMSG);
	assert_int_equal(winmem_heap_size(heap, ME, blocks[300], 0, &size), EBADMSG);
	assert_false(winmem_heap_validate(heap, ME, blocks[300], 0));
	assert_false(is_valid());
}

/* Two threads free one slot at once: neither has seen what the other did. */
static void a_slot_freed_by_two_at_once(void **state)
{
	struct winmem_heap_slab *slab;
	uint32_t slot;

	(void)state;
	fill(100);
	slab = winmem_heap_segment_slab(blocks[300]);
	slot = winmem_heap_slab_slot(slab, blocks[300]);
	assert_int_equal(winmem_heap_free(heap, 2, blocks[299], 0), 0);
	assert_int_equal(winmem_heap_free(heap, 2, blocks[300], 0), 0);
	winmem_heap_slab_set_word(slab, slot, WINMEM_HEAP_SLOT_BUSY | 100);
	assert_int_equal(winmem_heap_free(heap, 3, blocks[300], 0), 0);
	for (int i = 0; i < 2000; i++)
		get(100);
	assert_int_equal(shim_damage_found, 1);
}

/* Only a fault of ours would do it: free blocks that the index does not know. */
static void a_free_block_that_is_not_filed(void **state)
{
	struct winmem_heap_index saved;
	char *data = get(20);

	(void)state;
	saved = heap->index;
	memset(heap->index.list, 0, sizeof(heap->index.list));
	assert_false(is_valid());
	heap->index = saved;
	get(20);
	assert_int_equal(put(data), 0);
	assert_true(is_valid());
	heap->index.nr++;
	assert_false(is_valid());
	heap->index.nr--;
}

static void a_large_header_overwritten(void **state)
{
	char *first = get(2000000), *second = get(2000000), *third = get(2000000);

	(void)state;
	memset(second - 8, 0x41, 8);
	assert_int_equal(put(second), EINVAL);
	assert_false(winmem_heap_validate(heap, ME, second, 0));
	assert_false(is_valid());
	assert_int_equal(put(first), EBADMSG);
	assert_int_equal(put(third), EBADMSG);
	assert_int_equal(shim_damage_found, 2);
	memset(second - 8, 0, 8);
	assert_int_equal(put(first), 0);
	/* The end of the heap finds what it can from both ends. */
	memset(second - 8, 0x41, 8);
	get(3000000);
}

static void a_tail_overwritten(void **state)
{
	struct winmem_heap *checked = shim_heap(0, 0, WINMEM_HEAP_TAIL_CHECKING);

	(void)state;
	for (size_t size = 0; size < 300; size++) {
		char *data = winmem_heap_alloc(checked, ME, size, 0);

		data[size + size % 16] ^= 1;
		assert_int_equal(winmem_heap_free(checked, ME, data, 0), EBADMSG);
		assert_false(winmem_heap_validate(checked, ME, data, 0));
		assert_false(winmem_heap_validate(checked, ME, NULL, 0));
		data[size + size % 16] ^= 1;
		assert_int_equal(winmem_heap_free(checked, ME, data, 0), 0);
	}
	winmem_heap_destroy(checked);
}

/* Anything, anywhere between the heap's own bytes and the end of its first region. */
static void random_damage(void **state)
{
	(void)state;
	for (int round = 0; round < 400; round++) {
		srand(round);
		new_heap(NULL);
		for (int i = 0; i < 120; i++)
			blocks[i] = get(rand() % 3 ? rand() % 700 : rand() % 3000);
		for (int i = 0; i < 120; i += 1 + rand() % 3)
			put(blocks[i]);
		for (int i = 0; i < 1 + round % 20; i++) {
			unsigned char *at = (unsigned char *)heap + 0xa80 + rand() % 0x1480;

			memset(at, rand() % 4 ? rand() : 0, 1 + rand() % 32);
		}
		for (int i = 0; i < 300; i++) {
			char *data = blocks[rand() % 120];
			void *moved = data;

			switch (rand() % 4) {
			case 0:
				put(data);
				break;
			case 1:
				winmem_heap_realloc(heap, ME, &moved, rand() % 2000,
						    WINMEM_HEAP_IN_PLACE_ONLY);
				break;
			default:
				winmem_heap_alloc(heap, ME, rand() % 4000, 0);
			}
		}
		is_valid();
		winmem_heap_compact(heap, ME);
		if (round < 399)
			winmem_heap_destroy(heap);
	}
}

#define CASE(name)	cmocka_unit_test_setup_teardown(name, new_heap, end_heap)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(freed_twice),
		CASE(freed_after_its_memory_went_back),
		CASE(not_blocks_at_all),
		CASE(inside_of_blocks),
		CASE(beside_a_block_that_waits),
		CASE(a_header_inside_of_a_block),
		CASE(a_header_overwritten),
		CASE(written_past_the_end),
		CASE(freed_memory_overwritten),
		CASE(freed_slots_overwritten),
		CASE(words_overwritten),
		CASE(a_word_that_is_too_long),
		CASE(a_slot_freed_by_two_at_once),
		CASE(a_free_block_that_is_not_filed),
		CASE(a_large_header_overwritten),
		CASE(a_tail_overwritten),
		CASE(random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
