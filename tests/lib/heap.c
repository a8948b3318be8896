// SPDX-License-Identifier: GPL-2.0-only
/*
 * HeapCreate, HeapAlloc, HeapReAlloc, HeapFree, HeapSize, HeapValidate, HeapDestroy and
 * GetProcessHeaps: section 10, by row.
 */
#include "common.h"

#define TOO_MUCH	((SIZE_T)1 << 47)

static HANDLE make(void)
{
	return EXPECT_OK(HeapCreate(0, 0, 0));
}

static void end(HANDLE heap)
{
	EXPECT_OK(HeapDestroy(heap));
}

#define get(heap, size)		((char *)EXPECT_OK(HeapAlloc(heap, 0, size)))
#define size_of(heap, data)					\
	({							\
		call_begin();					\
		SIZE_T size_ = HeapSize(heap, 0, data);		\
		EXPECT_EQ(UNTOUCHED_ERROR, GetLastError());	\
		size_;						\
	})

/* The process heap, and the table of whose memory is where. */
__attribute__((constructor)) static void keep(void)
{
	keeps_memory = true;
}

TEST(H01_the_handle_is_the_address_of_the_region)
{
	unsigned long before = charge();
	HANDLE heap = make();
	MEMORY_BASIC_INFORMATION info = query(heap);

	EXPECT_EQ(0, (uintptr_t)heap % GRAN);
	EXPECT_EQ(heap, info.AllocationBase);
	EXPECT_EQ(MEM_PRIVATE, info.Type);
	EXPECT_EQ(RW, info.Protect);
	EXPECT_EQ(2 * PAGE, info.RegionSize);
	EXPECT_EQ(before + 2 * PAGE, charge());
	end(heap);
	EXPECT_EQ(before, charge());
	expect_free(heap);
}

TEST(H02_an_initial_size_above_the_maximum)
{
	HANDLE heap = EXPECT_OK(HeapCreate(0, 0x20000, 0x10000));

	EXPECT_EQ(0x10000, query(heap).RegionSize);
	end(heap);
}

TEST(H03_a_fixed_heap_of_one_byte)
{
	HANDLE heap = EXPECT_OK(HeapCreate(0, 0, 1));

	get(heap, 16);
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, HeapAlloc(heap, 0, PAGE));
	end(heap);
}

TEST(H04_blocks_of_no_bytes)
{
	HANDLE heap = make();
	char *a = get(heap, 0), *b = get(heap, 0);

	EXPECT(a != b);
	EXPECT_EQ(0, size_of(heap, a));
	end(heap);
}

TEST(H05_sizes_that_cannot_be)
{
	HANDLE heap = make();

	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, HeapAlloc(heap, 0, ~(SIZE_T)0));
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, HeapAlloc(heap, 0, ~(SIZE_T)0 - 7));
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, HeapAlloc(heap, 0, TOO_MUCH));
	EXPECT(HeapValidate(heap, 0, NULL));
	end(heap);
}

TEST(H05_a_commit_that_is_refused)
{
	HANDLE heap = make();

	limit_set(1 << 20);
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, HeapAlloc(heap, 0, 4 << 20));
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, HeapCreate(0, 4 << 20, 0));
	limit_set(~0UL);
	get(heap, 4 << 20);
	end(heap);
}

TEST(H09_blocks_are_aligned_to_16_and_not_to_32)
{
	HANDLE heap = make();
	unsigned int odd = 0;

	for (SIZE_T size = 0; size < 3000; size += 7) {
		uintptr_t data = (uintptr_t)get(heap, size);

		EXPECT_EQ(0, data & 15);
		odd += data >> 4 & 1;
	}
	EXPECT(odd);
	end(heap);
}

TEST(H10_a_large_block_has_a_region_of_its_own)
{
	HANDLE heap = make();
	char *small = get(heap, 0xfd000), *large = get(heap, 0xff000);

	EXPECT(small != (char *)query(small).AllocationBase + 0x40);
	EXPECT_EQ(large, (char *)query(large).AllocationBase + 0x40);
	EXPECT_EQ(0xff000, size_of(heap, large));
	memset(large, 1, 0xff000);
	EXPECT_OK(HeapFree(heap, 0, large));
	expect_free(large);
	end(heap);
}

TEST(H11_zero_memory)
{
	HANDLE heap = make();
	static const SIZE_T sizes[] = { 24, 5000, 70000, 0xfe000 };

	for (unsigned int i = 0; i < ARRAY_LEN(sizes); i++) {
		char *data = get(heap, sizes[i]);

		memset(data, 0xcc, sizes[i]);
		EXPECT_OK(HeapFree(heap, 0, data));
		data = EXPECT_OK(HeapAlloc(heap, HEAP_ZERO_MEMORY, sizes[i]));
		EXPECT(zeroed(data, sizes[i]));
	}
	end(heap);
}

TEST(H12_very_large_blocks_are_zero)
{
	HANDLE heap = make();
	char *data = get(heap, 3 << 20);

	EXPECT(zeroed(data, 3 << 20));
	memset(data, 1, 3 << 20);
	EXPECT_OK(HeapFree(heap, 0, data));
	EXPECT(zeroed(get(heap, 3 << 20), 3 << 20));
	end(heap);
}

TEST(H13_the_size_is_what_was_asked_for)
{
	HANDLE heap = make();
	static const SIZE_T sizes[] = { 1, 15, 17, 1000, 8193, 0xfefd8, 0xfefd9, 5000001 };

	for (int round = 0; round < 20; round++) {
		for (unsigned int i = 0; i < ARRAY_LEN(sizes); i++)
			EXPECT_EQ(sizes[i], size_of(heap, get(heap, sizes[i])));
	}
	end(heap);
}

TEST(H16_freeing_nothing_is_fine)
{
	HANDLE heap = make();

	EXPECT_OK(HeapFree(heap, 0, NULL));
	end(heap);
}

TEST(H18_resizing_nothing_sets_no_error_and_allocates_nothing)
{
	HANDLE heap = make();

	EXPECT_ERROR(NO_ERROR, HeapReAlloc(heap, 0, NULL, 10));
	end(heap);
}

TEST(H20_resizing_to_what_cannot_be)
{
	HANDLE heap = make();
	char *data = get(heap, 10);

	strcpy(data, "untouched");
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, HeapReAlloc(heap, 0, data, ~(SIZE_T)0));
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, HeapReAlloc(heap, 0, data, ~(SIZE_T)0 - 7));
	EXPECT_EQ(10, size_of(heap, data));
	EXPECT(!strcmp(data, "untouched"));
	end(heap);
}

TEST(H21_in_place_only_and_no_room)
{
	HANDLE heap = make();
	char *data = get(heap, 100);

	get(heap, 100);
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY,
		     HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, data, 5000));
	EXPECT_EQ(100, size_of(heap, data));
	end(heap);
}

TEST(H23_in_place_only_shrink_and_grow_back)
{
	HANDLE heap = make();
	char *data = get(heap, 0x20000);

	EXPECT_EQ(data, EXPECT_OK(HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, data, 100)));
	EXPECT_EQ(data, EXPECT_OK(HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, data, 0x20000)));
	EXPECT_EQ(0x20000, size_of(heap, data));
	end(heap);
}

TEST(H24_in_place_only_a_large_block_does_not_grow_back)
{
	HANDLE heap = make();
	char *data = get(heap, 4 << 20);

	EXPECT_EQ(data, EXPECT_OK(HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, data, 2 << 20)));
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY,
		     HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, data, 4 << 20));
	EXPECT_EQ(2 << 20, size_of(heap, data));
	end(heap);
}

TEST(H24_resizing_keeps_contents_and_clears_what_is_new)
{
	HANDLE heap = make();
	char *data = get(heap, 64);

	fill(data, 64, 1);
	for (SIZE_T size = 128; size <= 8 << 20; size *= 2) {
		data = EXPECT_OK(HeapReAlloc(heap, HEAP_ZERO_MEMORY, data, size));
		EXPECT(zeroed(data + size / 2, size / 2));
		memset(data + size / 2, 0xcc, size / 2);
	}
	data = EXPECT_OK(HeapReAlloc(heap, 0, data, 0));
	EXPECT_EQ(0, size_of(heap, data));
	end(heap);
}

TEST(H26_a_fixed_heap_near_its_maximum)
{
	HANDLE heap = EXPECT_OK(HeapCreate(0, 0, 0x40000));

	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, HeapAlloc(heap, 0, 0x40000 - 0x600));
	get(heap, 0x40000 - 0xc00);
	end(heap);
}

TEST(H27_H28_no_large_block_in_a_fixed_heap)
{
	HANDLE heap = EXPECT_OK(HeapCreate(0, 0, 8 * 0x40000));

	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, HeapAlloc(heap, 0, 4 * 0x40000));
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, HeapAlloc(heap, 0, 0xff000));
	get(heap, 0xfd000);
	end(heap);
}

TEST(H29_a_block_of_16_megabytes)
{
	HANDLE heap = make();

	memset(get(heap, 16 << 20), 1, 16 << 20);
	end(heap);
}

TEST(H30_the_process_heap_stays)
{
	HANDLE heap = EXPECT_OK(GetProcessHeap());

	EXPECT_ERROR(ERROR_INVALID_HANDLE, HeapDestroy(heap));
	EXPECT_EQ(heap, GetProcessHeap());
	EXPECT_OK(HeapFree(heap, 0, get(heap, 10)));
}

TEST(H31_destroy_takes_everything_with_it)
{
	unsigned long before = charge();
	HANDLE heaps[10], heap = make();
	DWORD nr = GetProcessHeaps(10, heaps);
	char *small = get(heap, 10), *large = get(heap, 2 << 20);

	for (int i = 0; i < 5000; i++)
		get(heap, i);
	EXPECT(charge() > before + (4 << 20));
	end(heap);
	EXPECT_EQ(nr - 1, GetProcessHeaps(10, heaps));
	expect_free(small);
	expect_free(large);
	/* The table of granules stays. */
	EXPECT(charge() <= before + (1 << 20));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, HeapDestroy(heap));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, HeapDestroy(NULL));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, HeapDestroy((HANDLE)0x1234));
}

TEST(H32_H33_validate_what_is_good)
{
	HANDLE heap = make();
	char *block = get(heap, 100), *large = get(heap, 2 << 20), *slot = NULL;

	for (int i = 0; i < 30; i++)
		slot = get(heap, 40);
	EXPECT_OK(HeapValidate(heap, 0, NULL));
	EXPECT_OK(HeapValidate(heap, 0, block));
	EXPECT_OK(HeapValidate(heap, 0, slot));
	EXPECT_OK(HeapValidate(heap, 0, large));
	end(heap);
}

TEST(H34_validate_what_is_not)
{
	static char elsewhere[100] __attribute__((aligned(16)));
	HANDLE heap = make(), other = make();
	char *freed = get(heap, 100), *block = get(heap, 100), *others = get(other, 100);

	EXPECT_OK(HeapFree(heap, 0, freed));
	EXPECT_ERROR(UNTOUCHED_ERROR, HeapValidate(heap, 0, freed));
	EXPECT_ERROR(UNTOUCHED_ERROR, HeapValidate(heap, 0, block + 16));
	EXPECT_ERROR(UNTOUCHED_ERROR, HeapValidate(heap, 0, block + 1));
	EXPECT_ERROR(UNTOUCHED_ERROR, HeapValidate(heap, 0, elsewhere + 16));
	EXPECT_ERROR(UNTOUCHED_ERROR, HeapValidate(heap, 0, others));
	end(heap);
	end(other);
}

TEST(H34_validate_finds_an_overwritten_header)
{
	HANDLE heap = make();
	char *a = get(heap, 100);

	get(heap, 100);
	memset(a, 1, 120);
	EXPECT_ERROR(UNTOUCHED_ERROR, HeapValidate(heap, 0, a));
	EXPECT_ERROR(UNTOUCHED_ERROR, HeapValidate(heap, 0, NULL));
}

TEST(H35_validate_where_nothing_is)
{
	HANDLE heap = make();

	EXPECT_ERROR(ERROR_NOACCESS, HeapValidate(heap, 0, (void *)0xdeadbe00));
	EXPECT_ERROR(ERROR_NOACCESS, HeapValidate(heap, 0, KERNEL_ADDR));
	end(heap);
}

TEST(H42_H43_all_heaps_in_order)
{
	HANDLE heaps[64] = {}, a = make(), b = make();
	DWORD nr = GetProcessHeaps(64, heaps);

	EXPECT(nr >= 3);
	EXPECT_EQ(GetProcessHeap(), heaps[0]);
	EXPECT_EQ(a, heaps[nr - 2]);
	EXPECT_EQ(b, heaps[nr - 1]);
	EXPECT_EQ(nr, GetProcessHeaps(1, heaps));
	EXPECT_EQ(nr, GetProcessHeaps(0, NULL));
	end(a);
	EXPECT_EQ(nr - 1, GetProcessHeaps(64, heaps));
	EXPECT_EQ(b, heaps[nr - 2]);
	end(b);
}

static void return_at(HANDLE heap, SIZE_T size)
{
	char *code = get(heap, size);

	EXPECT_EQ(XRW, query(code).Protect);
	EXPECT_EQ(MEM_PRIVATE, query(code).Type);
	put_return(code);
	EXPECT(try_exec(code));
}

TEST(H67_blocks_that_can_be_executed)
{
	HANDLE heap = EXPECT_OK(HeapCreate(HEAP_CREATE_ENABLE_EXECUTE, 0, 0));
	HANDLE plain = make();
	char *data = get(plain, 100);

	for (int i = 0; i < 20; i++)
		return_at(heap, 100);
	return_at(heap, 50000);
	return_at(heap, 2 << 20);
	EXPECT_EQ(RW, query(data).Protect);
	end(heap);
	end(plain);
}

TEST(H68_no_serialize_and_zero_memory_for_one_call)
{
	HANDLE heap = EXPECT_OK(HeapCreate(HEAP_NO_SERIALIZE, 0, 0));
	char *data = EXPECT_OK(HeapAlloc(heap, HEAP_ZERO_MEMORY, 1000));

	EXPECT(zeroed(data, 1000));
	EXPECT_OK(HeapFree(heap, HEAP_NO_SERIALIZE, data));
	end(heap);
}

TEST(H69_tails_and_what_is_freed)
{
	DWORD options = HEAP_TAIL_CHECKING_ENABLED | HEAP_FREE_CHECKING_ENABLED;
	HANDLE heap = EXPECT_OK(HeapCreate(options, 0, 0));
	unsigned char *data = (unsigned char *)get(heap, 200);

	for (int i = 0; i < 16; i++)
		EXPECT_EQ(0xab, data[200 + i]);
	get(heap, 200);
	EXPECT_OK(HeapFree(heap, 0, data));
	EXPECT_EQ(0xfeeefeee, *(unsigned int *)(data + 100));
	end(heap);
}

/* A thread's own slots, given back and taken again. */
TEST(slots_that_are_used_again_are_zeroed)
{
	HANDLE heap = make();
	char *data[100];

	for (int i = 0; i < 100; i++)
		data[i] = memset(get(heap, 40), 0xff, 40);
	for (int i = 0; i < 100; i++)
		EXPECT_OK(HeapFree(heap, 0, data[i]));
	for (int i = 0; i < 100; i++) {
		data[i] = EXPECT_OK(HeapAlloc(heap, HEAP_ZERO_MEMORY, 40));
		EXPECT(zeroed(data[i], 40));
	}
	end(heap);
}

TEST(handles_that_cannot_be)
{
	HEAP_SUMMARY summary = { .cb = sizeof(summary) };

	EXPECT_ERROR(ERROR_INVALID_HANDLE, HeapAlloc(NULL, 0, 10));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, HeapAlloc((HANDLE)0x12345, 0, 10));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, HeapReAlloc(NULL, 0, "", 10));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, HeapFree(NULL, 0, ""));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, HeapLock(NULL));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, HeapUnlock(NULL));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, HeapValidate(NULL, 0, NULL));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, HeapCompact(NULL, 0));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, HeapSummary(NULL, 0, &summary));
	EXPECT_EQ((SIZE_T)-1, HeapSize(NULL, 0, ""));
}

TEST(copy_move_fill_zero)
{
	char a[8] = "abcdefg", b[8];

	CopyMemory(b, a, 8);
	EXPECT(!strcmp(b, "abcdefg"));
	MoveMemory(b + 1, b, 6);
	EXPECT(!strcmp(b, "aabcdef"));
	FillMemory(b, 7, 'x');
	EXPECT(!strcmp(b, "xxxxxxx"));
	ZeroMemory(b, 8);
	EXPECT_EQ(0, b[0] | b[7]);
	EXPECT_EQ(a, SecureZeroMemory(a, 8));
	EXPECT_EQ(0, a[0] | a[6]);
}
