/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Section 11, the rows in which GlobalAlloc's family and LocalAlloc's are alike. A program
 * defines CALL(name) as the name with the family before it, and the numbers that differ.
 */
#include "common.h"

#define MOVEABLE	GMEM_MOVEABLE
#define MODIFY		GMEM_MODIFY
#define ZEROINIT	GMEM_ZEROINIT
#define BOGUS		((HANDLE)0xdeadbee0)

#define make(flags, size)	((HANDLE)EXPECT_OK(CALL(Alloc)(flags, size)))
#define lock(memory)		((char *)EXPECT_OK(CALL(Lock)(memory)))
#define put(memory)		EXPECT_EQ(NULL, CALL(Free)(memory))

static HANDLE freed_handle(void)
{
	HANDLE memory = make(MOVEABLE, 10);

	put(memory);
	return memory;
}

/* The process heap, and the table of whose memory is where. */
__attribute__((constructor)) static void keep(void)
{
	keeps_memory = true;
}

TEST(GL01_fixed_of_no_bytes)
{
	HANDLE memory = make(GMEM_FIXED, 0);

	EXPECT_EQ(FIXED_LEAST, CALL(Size)(memory));
	put(memory);
}

TEST(GL02_moveable_of_no_bytes)
{
	HANDLE memory = make(MOVEABLE, 0);

	EXPECT_ERROR(UNTOUCHED_ERROR, CALL(Size)(memory));
	EXPECT_EQ(GMEM_DISCARDED, CALL(Flags)(memory));
	EXPECT_ERROR(ERROR_DISCARDED, CALL(Lock)(memory));
	put(memory);
}

TEST(GL03_fixed_is_its_own_handle)
{
	HANDLE memory = make(GMEM_FIXED, 100);

	EXPECT_EQ(memory, lock(memory));
	EXPECT_EQ(memory, lock(memory));
	EXPECT_EQ(0, CALL(Flags)(memory));
	EXPECT_EQ(memory, EXPECT_OK(CALL(Handle)(memory)));
	put(memory);
}

TEST(GL04_handles_and_pointers_differ_in_their_low_bits)
{
	HANDLE memory = make(MOVEABLE, 100);
	char *data = lock(memory);

	EXPECT_EQ(8, (uintptr_t)memory & 15);
	EXPECT_EQ(0, (uintptr_t)data & 15);
	EXPECT_EQ(memory, EXPECT_OK(CALL(Handle)(data)));
	EXPECT_EQ(data, *(char **)memory);
	put(memory);
}

TEST(GL06_GL08_GL09_lock_and_unlock)
{
	HANDLE memory = make(MOVEABLE, 100);
	char *data = lock(memory);

	EXPECT_EQ(1, CALL(Flags)(memory));
	EXPECT_EQ(data, lock(memory));
	EXPECT_EQ(2, CALL(Flags)(memory));
	EXPECT_OK(CALL(Unlock)(memory));
	EXPECT_ERROR(NO_ERROR, CALL(Unlock)(memory));
	EXPECT_ERROR(ERROR_NOT_LOCKED, CALL(Unlock)(memory));
	EXPECT_EQ(0, CALL(Flags)(memory));
	put(memory);
}

TEST(GL10_the_count_of_locks_ends_at_255)
{
	HANDLE memory = make(MOVEABLE, 100);

	for (int i = 0; i < 300; i++)
		lock(memory);
	EXPECT_EQ(255, CALL(Flags)(memory));
	for (int i = 0; i < 254; i++)
		EXPECT_OK(CALL(Unlock)(memory));
	EXPECT_EQ(1, CALL(Flags)(memory));
	EXPECT_ERROR(NO_ERROR, CALL(Unlock)(memory));
	put(memory);
}

TEST(GL12_to_GL15_a_freed_handle)
{
	HANDLE memory = freed_handle();

	call_begin();
	EXPECT_EQ(memory, CALL(Free)(memory));
	EXPECT_EQ(ERROR_INVALID_HANDLE, GetLastError());
	EXPECT_ERROR(ERROR_INVALID_HANDLE, CALL(Size)(memory));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, CALL(Lock)(memory));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, CALL(ReAlloc)(memory, 10, MOVEABLE));
	call_begin();
	EXPECT_EQ(GMEM_INVALID_HANDLE, CALL(Flags)(memory));
	EXPECT_EQ(ERROR_INVALID_HANDLE, GetLastError());
	call_begin();
	EXPECT_EQ(UNLOCK_FREED, CALL(Unlock)(memory));
	EXPECT_EQ(ERROR_INVALID_HANDLE, GetLastError());
}

TEST(GL17_GL19_GL22_a_bogus_pointer)
{
	call_begin();
	EXPECT_EQ(BOGUS, CALL(Free)(BOGUS));
	EXPECT_EQ(ERROR_NOACCESS, GetLastError());
	EXPECT_ERROR(ERROR_INVALID_HANDLE, CALL(Size)(BOGUS));
	EXPECT_ERROR(ERROR_NOACCESS, CALL(ReAlloc)(BOGUS, 0, MOVEABLE));
}

TEST(GL18_GL20_GL21_GL23_a_bogus_pointer)
{
	call_begin();
	EXPECT_EQ(GMEM_INVALID_HANDLE, CALL(Flags)(BOGUS));
	EXPECT_EQ(BOGUS_FLAGS_ERROR, GetLastError());
	EXPECT_ERROR(BOGUS_LOCK_ERROR, CALL(Lock)(BOGUS));
	call_begin();
	EXPECT_EQ(UNLOCK_FREED, CALL(Unlock)(BOGUS));
	EXPECT_EQ(BOGUS_UNLOCK_ERROR, GetLastError());
	EXPECT_ERROR(BOGUS_FLAGS_ERROR, CALL(Handle)(BOGUS));
}

TEST(GL25_to_GL28_nothing)
{
	EXPECT_ERROR(ERROR_INVALID_HANDLE, CALL(Size)(NULL));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, CALL(Unlock)(NULL));
	call_begin();
	EXPECT_EQ(GMEM_INVALID_HANDLE, CALL(Flags)(NULL));
	EXPECT_EQ(ERROR_INVALID_HANDLE, GetLastError());
	EXPECT_EQ(NULL, CALL(Lock)(NULL));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, CALL(Handle)(NULL));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, CALL(ReAlloc)(NULL, 10, MOVEABLE));
	put(NULL);
}

TEST(GL29_sizes_that_cannot_be)
{
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, CALL(Alloc)(GMEM_FIXED, ~(SIZE_T)0));
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, CALL(Alloc)(MOVEABLE, ~(SIZE_T)0));
}

TEST(GL30_as_many_handles_as_there_are)
{
	static HANDLE all[0x10000];
	HANDLE fixed;

	for (int i = 0; i < 0x10000; i++)
		all[i] = i & 1 ? make(MOVEABLE, 0) : EXPECT_OK(OTHER(Alloc)(MOVEABLE, i & 2));
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, CALL(Alloc)(MOVEABLE, 10));
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, OTHER(Alloc)(MOVEABLE, 10));
	fixed = make(GMEM_FIXED, 10);
	put(fixed);
	for (int i = 0; i < 0x10000; i++)
		put(all[i]);
	put(make(MOVEABLE, 10));
}

TEST(GL31_discardable)
{
	HANDLE none = make(MOVEABLE | DISCARDABLE, 0), some = make(MOVEABLE | DISCARDABLE, 10);

	EXPECT_EQ(GMEM_DISCARDED | DISCARDABLE, CALL(Flags)(none));
	EXPECT_EQ(DISCARDABLE, CALL(Flags)(some));
	put(none);
	put(some);
}

TEST(GL33_flags_that_mean_nothing)
{
	HANDLE memory = make(MOVEABLE | GMEM_NOCOMPACT | GMEM_NODISCARD, 10);

	EXPECT_EQ(0, CALL(Flags)(memory));
	put(memory);
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, CALL(Alloc)(0x8000, 10));
}

TEST(GL34_the_size_is_what_was_asked_for)
{
	HANDLE memory = make(MOVEABLE, 123);

	EXPECT_EQ(123, CALL(Size)(memory));
	EXPECT_EQ(123, CALL(Size)(lock(memory)));
	put(memory);
}

TEST(GL36_a_block_of_the_process_heap)
{
	HANDLE heap = GetProcessHeap();
	char *data = EXPECT_OK(HeapAlloc(heap, 0, 10));

	EXPECT_EQ(data, EXPECT_OK(CALL(Handle)(data)));
	EXPECT_OK(HeapFree(heap, 0, data));
}

TEST(GL37_a_small_fixed_block_does_not_change_where_it_is)
{
	HANDLE memory = make(GMEM_FIXED, 12);
	static const SIZE_T sizes[] = { 12, 10, 0, 13, 512 };

	for (unsigned int i = 0; i < ARRAY_LEN(sizes); i++)
		EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, CALL(ReAlloc)(memory, sizes[i], 0));
	EXPECT_EQ(12, CALL(Size)(memory));
	put(memory);
}

TEST(GL38_a_large_fixed_block_does)
{
	static const SIZE_T sizes[] = { 0x20000 + 512, 10 };
	HANDLE memory;

	for (unsigned int i = 0; i < ARRAY_LEN(sizes); i++) {
		memory = make(GMEM_FIXED, 0x20000);
		EXPECT_EQ(memory, EXPECT_OK(CALL(ReAlloc)(memory, sizes[i], 0)));
		EXPECT_EQ(sizes[i], CALL(Size)(memory));
		put(memory);
	}
	memory = make(GMEM_FIXED, 0x20000);
	EXPECT_EQ(memory, EXPECT_OK(CALL(ReAlloc)(memory, 0, 0)));
	EXPECT_EQ(0, CALL(Size)(memory));
	put(memory);
}

TEST(GL39_modify_ignores_the_size)
{
	HANDLE memory = make(GMEM_FIXED, 12);

	EXPECT_EQ(memory, EXPECT_OK(CALL(ReAlloc)(memory, 512, MODIFY)));
	EXPECT_EQ(12, CALL(Size)(memory));
	put(memory);
}

TEST(GL40_a_fixed_block_may_move)
{
	HANDLE memory = make(GMEM_FIXED, 12), other;

	strcpy(memory, "kept");
	other = EXPECT_OK(CALL(ReAlloc)(memory, 512, MOVEABLE));
	EXPECT(other != memory);
	EXPECT(!strcmp(other, "kept"));
	EXPECT_EQ(512, CALL(Size)(other));
	EXPECT_EQ(0, (uintptr_t)other & 15);
	other = EXPECT_OK(CALL(ReAlloc)(other, 0, MOVEABLE));
	EXPECT_EQ(0, CALL(Size)(other));
	put(other);
}

TEST(GL41_a_fixed_block_becomes_moveable)
{
	HANDLE memory = make(GMEM_FIXED, 12), other;

	strcpy(memory, "kept");
	other = EXPECT_OK(CALL(ReAlloc)(memory, 512, MOVEABLE | MODIFY));
	EXPECT_EQ(CONVERTS, other != memory);
	EXPECT_EQ(CONVERTS ? 8 : 0, (uintptr_t)other & 15);
	EXPECT_EQ(12, CALL(Size)(other));
	EXPECT(!strcmp(lock(other), "kept"));
	put(other);
}

TEST(GL42_discardable_wants_modify)
{
	HANDLE memory = make(GMEM_FIXED, 12);

	EXPECT_ERROR(ERROR_INVALID_PARAMETER, CALL(ReAlloc)(memory, 10, MOVEABLE | DISCARDABLE));
	put(memory);
}

TEST(GL43_GL51_a_moveable_block_grows)
{
	HANDLE memory = make(MOVEABLE, 8);

	memset(lock(memory), 1, 8);
	CALL(Unlock)(memory);
	EXPECT_EQ(memory, EXPECT_OK(CALL(ReAlloc)(memory, 512, ZEROINIT)));
	EXPECT_EQ(512, CALL(Size)(memory));
	EXPECT_EQ(1, lock(memory)[7]);
	EXPECT(zeroed(lock(memory) + 8, 504));
	CALL(Unlock)(memory);
	CALL(Unlock)(memory);
	EXPECT_EQ(memory, EXPECT_OK(CALL(ReAlloc)(memory, 100000, MOVEABLE)));
	EXPECT_EQ(100000, CALL(Size)(memory));
	put(memory);
}

TEST(GL44_no_bytes_and_no_flags)
{
	HANDLE memory = make(MOVEABLE, 10);

	EXPECT_ERROR(ERROR_INVALID_PARAMETER, CALL(ReAlloc)(memory, 0, 0));
	EXPECT_EQ(10, CALL(Size)(memory));
	put(memory);
}

TEST(GL45_discard_and_revive)
{
	HANDLE memory = make(MOVEABLE, 10);

	EXPECT_EQ(memory, EXPECT_OK(CALL(Discard)(memory)));
	EXPECT_EQ(GMEM_DISCARDED, CALL(Flags)(memory));
	EXPECT_EQ(0, CALL(Size)(memory));
	EXPECT_EQ(memory, EXPECT_OK(CALL(ReAlloc)(memory, 20, ZEROINIT)));
	EXPECT_EQ(20, CALL(Size)(memory));
	EXPECT_EQ(0, CALL(Flags)(memory));
	EXPECT_EQ(0, lock(memory)[19]);
	put(memory);
}

TEST(GL46_modify_a_moveable_block)
{
	HANDLE memory = make(MOVEABLE, 10);

	EXPECT_EQ(memory, EXPECT_OK(CALL(ReAlloc)(memory, 0, MODIFY)));
	EXPECT_EQ(memory, EXPECT_OK(CALL(ReAlloc)(memory, 500, MODIFY | DISCARDABLE)));
	EXPECT_EQ(10, CALL(Size)(memory));
	EXPECT_EQ(DISCARDABLE, CALL(Flags)(memory));
	put(memory);
}

/* The second could grow where it is: there is room behind it. */
TEST(GL47_a_locked_block_does_not_move)
{
	static const SIZE_T sizes[] = { 10, 9000 };

	for (unsigned int i = 0; i < ARRAY_LEN(sizes); i++) {
		HANDLE memory = make(MOVEABLE, sizes[i]);
		char *data = lock(memory);

		EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, CALL(ReAlloc)(memory, sizes[i] + 502, 0));
		EXPECT_EQ(data, lock(memory));
		EXPECT_EQ(sizes[i], CALL(Size)(memory));
		put(memory);
	}
}

TEST(GL48_unless_that_is_asked_for)
{
	static const SIZE_T sizes[] = { 10, 9000 };

	for (unsigned int i = 0; i < ARRAY_LEN(sizes); i++) {
		HANDLE memory = make(MOVEABLE, sizes[i]);
		char *data = lock(memory);

		EXPECT_EQ(memory, EXPECT_OK(CALL(ReAlloc)(memory, sizes[i] + 502, MOVEABLE)));
		EXPECT_EQ(1, CALL(Flags)(memory));
		EXPECT(lock(memory) != data);
		EXPECT_EQ(memory, CALL(Handle)(lock(memory)));
		put(memory);
	}
}

TEST(GL49_a_locked_block_shrinks_where_it_is)
{
	HANDLE memory = make(MOVEABLE, 100);
	char *data = lock(memory);

	EXPECT_EQ(memory, EXPECT_OK(CALL(ReAlloc)(memory, 10, 0)));
	EXPECT_EQ(data, lock(memory));
	EXPECT_EQ(memory, EXPECT_OK(CALL(ReAlloc)(memory, 10, MOVEABLE)));
	EXPECT_EQ(data, lock(memory));
	EXPECT_EQ(10, CALL(Size)(memory));
	put(memory);
}

TEST(GL50_a_locked_block_cannot_be_discarded)
{
	HANDLE memory = make(MOVEABLE, 10);

	lock(memory);
	EXPECT_ERROR(DISCARD_LOCKED_ERROR, CALL(ReAlloc)(memory, 0, 0));
	EXPECT_ERROR(DISCARD_LOCKED_ERROR, CALL(ReAlloc)(memory, 0, MOVEABLE));
	EXPECT_EQ(10, CALL(Size)(memory));
	put(memory);
}

TEST(GL52_blocks_are_the_process_heaps)
{
	HANDLE memory = make(ZEROINIT, 77);

	EXPECT_EQ(77, HeapSize(GetProcessHeap(), 0, memory));
	EXPECT(zeroed(memory, 72));
	put(memory);
}

/* A block that is freed by its address takes its handle with it. */
TEST(a_handle_does_not_outlive_its_block)
{
	HANDLE memory = make(MOVEABLE, 10);

	put(lock(memory));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, CALL(Lock)(memory));
}

/* The lock of the process heap is that of the handles. */
TEST(handles_under_the_heaps_lock)
{
	HANDLE memory;

	EXPECT_OK(HeapLock(GetProcessHeap()));
	memory = make(MOVEABLE, 10);
	lock(memory);
	put(memory);
	EXPECT_OK(HeapUnlock(GetProcessHeap()));
	EXPECT_ERROR(ERROR_NOT_OWNER, HeapUnlock(GetProcessHeap()));
}

/* Of a moveable block only the handle is asked, and the block may be gone by mistake. */
TEST(a_moveable_block_is_not_resized_by_its_address)
{
	HANDLE memory = make(MOVEABLE, 100);

	EXPECT_ERROR(ERROR_INVALID_HANDLE, CALL(ReAlloc)(lock(memory), 200, MOVEABLE));
	EXPECT_OK(CALL(Size)(memory) == 100);
	put(memory);
}

static void block_freed_behind_its_handle(void *arg __attribute__((unused)))
{
	HANDLE memory = make(MOVEABLE, 100);

	setenv("WINMEM_HEAP_TERMINATION", "0", 1);
	EXPECT_OK(HeapFree(GetProcessHeap(), 0, lock(memory)));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, CALL(ReAlloc)(memory, 200, MOVEABLE));
}

TEST(a_block_that_was_freed_behind_its_handle)
{
	IN_CHILD(block_freed_behind_its_handle, NULL);
}

TEST(a_block_that_cannot_grow_stays)
{
	HANDLE memory = make(MOVEABLE, 100);

	memset(lock(memory), 7, 100);
	EXPECT_ERROR(NO_ERROR, CALL(Unlock)(memory));
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, CALL(ReAlloc)(memory, (SIZE_T)1 << 47, MOVEABLE));
	EXPECT_EQ(100, CALL(Size)(memory));
	EXPECT_EQ(7, lock(memory)[99]);
	put(memory);
}
