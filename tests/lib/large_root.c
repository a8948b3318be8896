// SPDX-License-Identifier: GPL-2.0-only
/*
 * MEM_LARGE_PAGES with the privilege, which root has: what can be done with large pages, and
 * what not. Rows E14, VA18, VA35, VA40, VF03, VF18, O16.
 */
#include "common.h"
#include "target.h"
#include "../uapi/proc.h"

#define LARGE		0x200000UL
#define LARGE_PAGES	(RESERVE_COMMIT | MEM_LARGE_PAGES)

#define large(size)	((char *)EXPECT_OK(VirtualAlloc(NULL, size, LARGE_PAGES, RW)))

static void need_root(void)
{
	if (geteuid())
		skip_because("not root");
}

static unsigned long bytes_of(const char *path, const char *name)
{
	return number_of(path, name) * 1024;
}

static PSAPI_WORKING_SET_EX_BLOCK look(void *addr)
{
	PSAPI_WORKING_SET_EX_INFORMATION info = { .VirtualAddress = addr };

	EXPECT_OK(QueryWorkingSetEx(GetCurrentProcess(), &info, sizeof(info)));
	return info.VirtualAttributes;
}

TEST(VA40_large_pages)
{
	char *b;

	need_root();
	EXPECT_EQ(LARGE, GetLargePageMinimum());
	b = large(2 * LARGE);
	EXPECT_EQ(0, (unsigned long)b % LARGE);
	expect_committed(b, b, RW, 2 * LARGE, RW);
	EXPECT_EQ(2 * LARGE, charge());
	EXPECT_EQ(2 * LARGE, bytes_of("/proc/self/status", "VmPin:"));
	EXPECT(zeroed(b, 2 * LARGE));
	fill(b, 2 * LARGE, 1);
	EXPECT(filled(b, 2 * LARGE, 1));
	EXPECT_EQ(2 * LARGE, bytes_of("/proc/self/smaps_rollup", "ShmemPmdMapped:"));
	release(b);
	expect_free(b);
	EXPECT_EQ(0, charge());
	EXPECT_EQ(0, bytes_of("/proc/self/status", "VmPin:"));
}

TEST(VA18_commit_at_no_address)
{
	char *b;

	need_root();
	b = EXPECT_OK(VirtualAlloc(NULL, LARGE, MEM_COMMIT | MEM_LARGE_PAGES, RW));
	expect_committed(b, b, RW, LARGE, RW);
	EXPECT_EQ(1, look(b).LargePage);
	release(b);
}

TEST(VA40_addresses)
{
	char *place, *b, *top;

	need_root();
	/* Down to a large page, and no longer for that. */
	place = free_place(4 * LARGE);
	place += -(unsigned long)place % LARGE;
	EXPECT_EQ(place, VirtualAlloc(place + LARGE - 1, LARGE, LARGE_PAGES, RW));
	expect_committed(place, place, RW, LARGE, RW);
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualAlloc(place, LARGE, LARGE_PAGES, RW));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualAlloc((void *)GRAN, LARGE, LARGE_PAGES, RW));

	b = large(LARGE);
	top = EXPECT_OK(VirtualAlloc(NULL, LARGE, LARGE_PAGES | MEM_TOP_DOWN, RW));
	EXPECT(top > b);
	release(place);
	release(b);
	release(top);
}

TEST(VA40_requirements)
{
	MEM_ADDRESS_REQUIREMENTS where = { .Alignment = 8 * LARGE };
	MEM_EXTENDED_PARAMETER param = {
		.Type = MemExtendedParameterAddressRequirements, .Pointer = &where,
	};
	char *b;

	need_root();
	b = EXPECT_OK(VirtualAlloc2(NULL, NULL, LARGE, LARGE_PAGES, RW, &param, 1));
	EXPECT_EQ(0, (unsigned long)b % (8 * LARGE));
	EXPECT_EQ(1, look(b).LargePage);
	release(b);
}

/* Programs find an aligned place, give it back, and take it again with large pages. */
TEST(VA40_where_a_reservation_was)
{
	char *b, *place;

	need_root();
	for (unsigned long size = LARGE + GRAN; size < 8 * LARGE; size += 3 * GRAN + LARGE) {
		b = reserve(size + LARGE);
		place = b + -(unsigned long)b % LARGE;
		release(b);
		EXPECT_EQ(place, VirtualAlloc(place, LARGE, LARGE_PAGES, RW));
		EXPECT_EQ(1, look(place).LargePage);
		EXPECT(zeroed(place, LARGE));
		release(place);
	}
}

TEST(VA40_execute)
{
	char *b;
	DWORD old;

	need_root();
	b = EXPECT_OK(VirtualAlloc(NULL, LARGE, LARGE_PAGES, XRW));
	put_return(b + PAGE);
	expect_access(b + PAGE, "rwx");
	EXPECT_OK(VirtualProtect(b, LARGE, XRW, &old));
	EXPECT_EQ(XRW, old);
	release(b);
	b = EXPECT_OK(VirtualAlloc(NULL, LARGE, LARGE_PAGES, RO));
	expect_access(b, "r--");
	release(b);
}

static void nothing_is_done(char *b, size_t size)
{
	DWORD old = UNTOUCHED_ERROR;

	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualFree(b, size, MEM_DECOMMIT));
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualAlloc(b, size, MEM_COMMIT, RW));
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualAlloc(b, size, MEM_RESET, RW));
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualAlloc(b, size, MEM_RESET_UNDO, RW));
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualProtect(b, size, RO, &old));
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualProtect(b, size, NA, &old));
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualProtect(b, size, RW | PAGE_GUARD, &old));
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualProtect(b, size, XRW, &old));
	EXPECT_EQ(NA, old);
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualLock(b, size));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualUnlock(b, size));
	EXPECT_EQ(ERROR_INVALID_ADDRESS, OfferVirtualMemory(b, size, VmOfferPriorityLow));
	EXPECT_EQ(ERROR_INVALID_ADDRESS, ReclaimVirtualMemory(b, size));
	EXPECT_EQ(ERROR_INVALID_ADDRESS, DiscardVirtualMemory(b, size));
}

TEST(VF18_it_stays_as_it_is)
{
	ULONG_PTR count = 1;
	ULONG granularity;
	void *written[1];
	char *b;

	need_root();
	b = large(2 * LARGE);
	fill(b, 2 * LARGE, 1);
	nothing_is_done(b, 2 * LARGE);
	nothing_is_done(b, PAGE);
	nothing_is_done(b + LARGE - PAGE, 2 * PAGE);
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualFree(b, 0, MEM_DECOMMIT));
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualFree(b + LARGE, 0, MEM_RELEASE));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualFree(b, LARGE, MEM_RELEASE));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualFree(b + LARGE, 2 * LARGE, MEM_DECOMMIT));
	EXPECT_EQ(-1U, GetWriteWatch(0, b, LARGE, written, &count, &granularity));
	expect_committed(b, b, RW, 2 * LARGE, RW);
	EXPECT(filled(b, 2 * LARGE, 1));

	EXPECT_EQ(RW, protect(b, 2 * LARGE, RW));
	EXPECT_EQ(RW, protect(b + PAGE, PAGE, RW));
	expect_committed(b, b, RW, 2 * LARGE, RW);
	release(b);
}

TEST(O16_large_pages)
{
	char *b, *small;

	need_root();
	b = large(LARGE);
	small = alloc(PAGE, RW);
	/* In memory before it is touched. */
	EXPECT_EQ(1, look(b).Valid);
	EXPECT_EQ(1, look(b + LARGE - 1).Valid);
	EXPECT_EQ(1, look(b).LargePage);
	EXPECT_EQ(4, look(b).Win32Protection);
	EXPECT_EQ(0, look(b).Locked);
	EXPECT_EQ(0, look(b).Shared);
	small[0] = 1;
	EXPECT_EQ(0, look(small).LargePage);
	release(b);
	EXPECT_EQ(0, look(b).Flags);
	release(small);
}

TEST(E14_more_than_there_is)
{
	unsigned long limit, charged, size;

	need_root();
	size = bytes_of("/proc/meminfo", "MemAvailable:") / LARGE * LARGE + 8 * LARGE;
	limit_total(&limit, &charged);
	EXPECT(size < limit);
	EXPECT_ERROR(ERROR_NO_SYSTEM_RESOURCES, VirtualAlloc(NULL, size, LARGE_PAGES, RW));
	EXPECT_EQ(0, charge());
	release(large(LARGE));
}

TEST(VA04_the_commit_limit)
{
	need_root();
	limit_set(LARGE);
	EXPECT_ERROR(ERROR_COMMITMENT_LIMIT, VirtualAlloc(NULL, 2 * LARGE, LARGE_PAGES, RW));
	limit_set(~0UL);
}

static void waits(struct target *target, int step)
{
	if (step == 1)
		release(alloc(PAGE, RW));
	else
		EXPECT(zeroed(target->base, LARGE) && look(target->base).LargePage);
}

TEST(VA40_in_another_process)
{
	struct target *target;
	HANDLE process;

	need_root();
	target = target_start(waits);
	process = EXPECT_OK(OpenProcess(PROCESS_VM_OPERATION | PROCESS_QUERY_INFORMATION, FALSE,
					target->pid));
	target->base = EXPECT_OK(VirtualAllocEx(process, NULL, LARGE, LARGE_PAGES, RW));
	target_step(target);
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualFreeEx(process, target->base, 0, MEM_DECOMMIT));
	EXPECT_OK(VirtualFreeEx(process, target->base, 0, MEM_RELEASE));
	EXPECT_OK(CloseHandle(process));
	target_end(target);
}
