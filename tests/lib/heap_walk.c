// SPDX-License-Identifier: GPL-2.0-only
/* HeapWalk, HeapCompact, HeapSummary and the classes of information: section 10, by row. */
#include "common.h"

#define get(heap, size)		((char *)EXPECT_OK(HeapAlloc(heap, 0, size)))

static HANDLE make(void)
{
	return EXPECT_OK(HeapCreate(0, 0, 0));
}

static void end(HANDLE heap)
{
	EXPECT_OK(HeapDestroy(heap));
}

/* At the start only lpData counts. */
static PROCESS_HEAP_ENTRY start(void)
{
	PROCESS_HEAP_ENTRY entry;

	memset(&entry, 0xcc, sizeof(entry));
	entry.lpData = NULL;
	return entry;
}

/* The entry of a block; its lpData is NULL if the walk does not come by. */
static PROCESS_HEAP_ENTRY find(HANDLE heap, const void *data)
{
	PROCESS_HEAP_ENTRY entry = start(), none = {};

	while (HeapWalk(heap, &entry)) {
		if (entry.lpData == data && entry.wFlags & PROCESS_HEAP_ENTRY_BUSY)
			return entry;
	}
	EXPECT_EQ(ERROR_NO_MORE_ITEMS, GetLastError());
	return none;
}

/* The process heap, and the table of whose memory is where. */
__attribute__((constructor)) static void keep(void)
{
	keeps_memory = true;
}

TEST(H58_H59_H64_an_empty_heap_has_three_entries)
{
	HANDLE heap = make();
	PROCESS_HEAP_ENTRY entry = start();

	EXPECT_OK(HeapWalk(heap, &entry));
	EXPECT_EQ(PROCESS_HEAP_REGION, entry.wFlags);
	EXPECT_EQ(heap, entry.lpData);
	EXPECT(entry.cbData <= PAGE);
	EXPECT_EQ(0, entry.cbOverhead);
	EXPECT_EQ(0, entry.iRegionIndex);
	EXPECT_EQ(0x2000, entry.Region.dwCommittedSize);
	EXPECT_EQ(0xe000, entry.Region.dwUnCommittedSize);
	EXPECT_EQ((char *)heap + GRAN, entry.Region.lpLastBlock);

	EXPECT_OK(HeapWalk(heap, &entry));
	EXPECT_EQ(0, entry.wFlags);
	EXPECT_EQ(0x20, entry.cbOverhead);

	EXPECT_OK(HeapWalk(heap, &entry));
	EXPECT_EQ(PROCESS_HEAP_UNCOMMITTED_RANGE, entry.wFlags);
	EXPECT_EQ((char *)heap + 0x2000, entry.lpData);
	EXPECT_EQ(0xe000 - PAGE, entry.cbData);

	EXPECT_ERROR(ERROR_NO_MORE_ITEMS, HeapWalk(heap, &entry));
	end(heap);
}

TEST(H60_a_busy_block_before_a_free_one)
{
	HANDLE heap = make();
	char *data = get(heap, 100);
	PROCESS_HEAP_ENTRY entry = find(heap, data);
	char *behind;

	EXPECT_EQ(data, entry.lpData);
	EXPECT_EQ(100, entry.cbData);
	EXPECT(entry.cbOverhead);
	behind = data + entry.cbData + entry.cbOverhead + 0x10;
	EXPECT_OK(HeapWalk(heap, &entry));
	EXPECT_EQ(0, entry.wFlags);
	EXPECT_EQ(behind, entry.lpData);
	end(heap);
}

TEST(H61_a_large_block_comes_last)
{
	HANDLE heap = make();
	char *large = get(heap, 2 << 20);
	PROCESS_HEAP_ENTRY entry = find(heap, large);

	EXPECT_EQ(large, entry.lpData);
	EXPECT_EQ(2 << 20, entry.cbData);
	EXPECT_EQ(0, entry.cbOverhead);
	EXPECT_EQ(64, entry.iRegionIndex);
	EXPECT_EQ(PROCESS_HEAP_ENTRY_BUSY, entry.wFlags);
	EXPECT_ERROR(ERROR_NO_MORE_ITEMS, HeapWalk(heap, &entry));
	end(heap);
}

TEST(H62_moveable_blocks_are_not_told_of)
{
	HANDLE memory = EXPECT_OK(GlobalAlloc(GMEM_MOVEABLE | GMEM_DDESHARE, 77));
	PROCESS_HEAP_ENTRY entry = find(GetProcessHeap(), GlobalLock(memory));

	EXPECT_EQ(77, entry.cbData);
	EXPECT_EQ(PROCESS_HEAP_ENTRY_BUSY, entry.wFlags);
	EXPECT_EQ(NULL, GlobalFree(memory));
}

TEST(H60_every_block_is_seen_once)
{
	HANDLE heap = make();
	PROCESS_HEAP_ENTRY entry = start();
	unsigned int seen = 0;
	size_t bytes = 0;

	for (unsigned int i = 0; i < 3000; i++)
		bytes += (*get(heap, i * 5 % 9000 + 1) = 1, i * 5 % 9000 + 1);
	while (HeapWalk(heap, &entry)) {
		if (!(entry.wFlags & PROCESS_HEAP_ENTRY_BUSY))
			continue;
		seen++;
		bytes -= entry.cbData;
		EXPECT_EQ(entry.cbData, HeapSize(heap, 0, entry.lpData));
	}
	EXPECT_EQ(ERROR_NO_MORE_ITEMS, GetLastError());
	EXPECT_EQ(3000, seen);
	EXPECT_EQ(0, bytes);
	end(heap);
}

TEST(H63_entries_that_lead_nowhere)
{
	HANDLE heap = make();
	PROCESS_HEAP_ENTRY entry = { .lpData = (void *)0xdeadbe00 };

	EXPECT_ERROR(ERROR_INVALID_PARAMETER, HeapWalk(heap, NULL));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, HeapWalk(heap, &entry));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, HeapWalk(NULL, &entry));
	end(heap);
}

TEST(H65_compact_tells_the_largest_free_block)
{
	HANDLE heap = EXPECT_OK(HeapCreate(0, 0, 0x40000));
	SIZE_T most = EXPECT_OK(HeapCompact(heap, 0)), rest;

	EXPECT(most > 0x800);
	rest = most;
	while (rest > 32 && HeapAlloc(heap, 0, rest - 32))
		rest = HeapCompact(heap, 0);
	EXPECT(rest < most);
	end(heap);
}

/* One block that leaves nothing: the largest that there is room for. */
TEST(H65_compact_of_a_full_heap)
{
	HANDLE heap = EXPECT_OK(HeapCreate(0, 0, 0x1000));

	for (SIZE_T size = 0x1000; size; size -= 16) {
		while (HeapAlloc(heap, 0, size - 1))
			;
	}
	while (HeapAlloc(heap, 0, 0))
		;
	EXPECT_ERROR(NO_ERROR, HeapCompact(heap, 0));
	end(heap);
}

TEST(H66_summary)
{
	HANDLE heap = make();
	HEAP_SUMMARY summary = { .cb = sizeof(summary) };

	get(heap, 100);
	get(heap, 2 << 20);
	EXPECT_OK(HeapSummary(heap, 0, &summary));
	EXPECT_EQ(100 + (2 << 20), summary.cbAllocated);
	EXPECT(summary.cbCommitted > summary.cbAllocated);
	EXPECT(summary.cbReserved >= summary.cbCommitted);
	EXPECT(summary.cbMaxReserve >= summary.cbReserved);
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, HeapSummary(heap, 1, &summary));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, HeapSummary(heap, 0, NULL));
	summary.cb--;
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, HeapSummary(heap, 0, &summary));
	end(heap);
}

static ULONG compat(HANDLE heap)
{
	ULONG value = 0xcccccccc;
	SIZE_T length = 0xcccccccc;

	EXPECT_OK(HeapQueryInformation(heap, HeapCompatibilityInformation, &value, sizeof(value),
				       &length));
	EXPECT_EQ(sizeof(value), length);
	return value;
}

#define compat_set(heap, number)							\
	({										\
		ULONG value_ = number;							\
		HeapSetInformation(heap, HeapCompatibilityInformation, &value_, 4);	\
	})

TEST(H44_to_H48_query)
{
	HANDLE heap = make();
	ULONG value[2] = { 1, 0xcccccccc };
	SIZE_T length = 1;

	EXPECT_EQ(0, compat(heap));
	EXPECT_OK(HeapQueryInformation(heap, 0, value, sizeof(value), NULL));
	EXPECT_EQ(0, value[0]);
	EXPECT_EQ(0xcccccccc, value[1]);
	EXPECT_ERROR(ERROR_INSUFFICIENT_BUFFER, HeapQueryInformation(heap, 0, value, 3, &length));
	EXPECT_EQ(4, length);
	length = 1;
	EXPECT_ERROR(ERROR_INSUFFICIENT_BUFFER, HeapQueryInformation(heap, 0, NULL, 0, &length));
	EXPECT_EQ(4, length);
	EXPECT_ERROR(ERROR_NOACCESS, HeapQueryInformation(heap, 0, NULL, 4, NULL));
	EXPECT_ERROR(ERROR_NOACCESS, HeapQueryInformation(NULL, 0, value, 4, &length));
	EXPECT_EQ(0, length);
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, HeapQueryInformation(heap, 1, value, 4, NULL));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, HeapQueryInformation(heap, 77, value, 4, NULL));
	end(heap);
}

TEST(H49_to_H51_low_fragmentation)
{
	HANDLE heap = make();

	EXPECT_OK(compat_set(heap, 2));
	EXPECT_EQ(2, compat(heap));
	EXPECT_ERROR(ERROR_GEN_FAILURE, compat_set(heap, 0));
	EXPECT_ERROR(ERROR_GEN_FAILURE, compat_set(heap, 1));
	EXPECT_OK(compat_set(heap, 2));
	EXPECT_EQ(2, compat(heap));
	end(heap);
}

TEST(H52_H53_heaps_that_cannot)
{
	HANDLE alone = EXPECT_OK(HeapCreate(HEAP_NO_SERIALIZE, 0, 0));
	HANDLE fixed = EXPECT_OK(HeapCreate(0, 0, 0x40000));
	HANDLE checked = EXPECT_OK(HeapCreate(HEAP_TAIL_CHECKING_ENABLED, 0, 0));

	for (int i = 0; i < 100; i++)
		get(alone, 40);
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, compat_set(alone, 2));
	EXPECT_EQ(0, compat(alone));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, compat_set(fixed, 2));
	EXPECT_EQ(0, compat(fixed));
	EXPECT_ERROR(ERROR_GEN_FAILURE, compat_set(checked, 2));
	EXPECT_EQ(0, compat(checked));
	end(alone);
	end(fixed);
	end(checked);
}

TEST(H54_eighteen_of_one_size)
{
	HANDLE heap = make();

	for (int i = 0; i < 17; i++)
		get(heap, 40);
	EXPECT_EQ(0, compat(heap));
	get(heap, 40);
	EXPECT_EQ(2, compat(heap));
	end(heap);
}

TEST(H55_termination)
{
	EXPECT_OK(HeapSetInformation(NULL, HeapEnableTerminationOnCorruption, NULL, 0));
}

TEST(H56_set_with_bad_words)
{
	HANDLE heap = make();
	ULONG value = 2;

	EXPECT_ERROR(ERROR_INSUFFICIENT_BUFFER, HeapSetInformation(heap, 0, &value, 3));
	EXPECT_ERROR(ERROR_NOACCESS, HeapSetInformation(heap, 0, NULL, 4));
	EXPECT_ERROR(ERROR_INVALID_HANDLE, HeapSetInformation(NULL, 0, &value, 4));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, HeapSetInformation(heap, 77, &value, 4));
	EXPECT_EQ(0, compat(heap));
	end(heap);
}

TEST(H57_optimize)
{
	HEAP_OPTIMIZE_RESOURCES_INFORMATION wanted = { 1, 0 };
	HANDLE heap = make();
	char *data[1000];
	unsigned long before;

	for (int i = 0; i < 1000; i++)
		data[i] = get(heap, 4000);
	for (int i = 0; i < 1000; i++)
		EXPECT_OK(HeapFree(heap, 0, data[i]));
	before = charge();
	EXPECT_OK(HeapSetInformation(NULL, HeapOptimizeResources, &wanted, sizeof(wanted)));
	EXPECT(charge() < before);
	EXPECT_OK(HeapSetInformation(heap, HeapOptimizeResources, &wanted, sizeof(wanted)));
	EXPECT_ERROR(ERROR_INSUFFICIENT_BUFFER,
		     HeapSetInformation(heap, HeapOptimizeResources, &wanted, 4));
	EXPECT_ERROR(ERROR_NOACCESS,
		     HeapSetInformation(heap, HeapOptimizeResources, NULL, sizeof(wanted)));
	wanted.Flags = 1;
	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     HeapSetInformation(heap, HeapOptimizeResources, &wanted, sizeof(wanted)));
	wanted = (HEAP_OPTIMIZE_RESOURCES_INFORMATION){ 2, 0 };
	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     HeapSetInformation(heap, HeapOptimizeResources, &wanted, sizeof(wanted)));
	end(heap);
}
