// SPDX-License-Identifier: GPL-2.0-only
/* VirtualLock and VirtualUnlock: rows L01 to L14, G06, G10 and O21. */
#define _GNU_SOURCE
#include "common.h"

#include <sys/mman.h>
#include <sys/resource.h>

static const HANDLE self = (HANDLE)-1;

/* Row L09: the minimum, without what Windows keeps of it. */
#define MOST	(42 * PAGE)

/* What QueryWorkingSetEx says of a page. */
static PSAPI_WORKING_SET_EX_BLOCK look(const void *addr)
{
	PSAPI_WORKING_SET_EX_INFORMATION info = { .VirtualAddress = (PVOID)addr };

	EXPECT_OK(QueryWorkingSetEx(self, &info, sizeof(info)));
	return info.VirtualAttributes;
}

static unsigned long locked(const char *addr, size_t size)
{
	unsigned long nr = 0;

	for (const char *page = addr; page < addr + size; page += PAGE) {
		nr += look(page).Locked;
		EXPECT(!look(page).Locked || look(page).Valid);
	}
	return nr;
}

/* A call that must fail, change nothing, and lock nothing. */
#define EXPECT_REFUSED(error, b, call)					\
	do {								\
		unsigned long locked_ = locked(b, GRAN);		\
		EXPECT_UNCHANGED(b, GRAN, error, call);			\
		EXPECT_EQ(locked_, locked(b, GRAN));			\
	} while (0)

TEST(L01_O21_a_committed_page)
{
	char *b = alloc(GRAN, RW);

	EXPECT_OK(VirtualLock(b + PAGE, PAGE));
	EXPECT_EQ(1, look(b + PAGE).Locked);
	EXPECT_EQ(1, look(b + PAGE).Valid);
	EXPECT_EQ(RW, look(b + PAGE).Win32Protection);
	EXPECT_EQ(0x400041, look(b + PAGE + 1).Flags);
	EXPECT_EQ(0, look(b).Flags);
	EXPECT_EQ(1, locked(b, GRAN));
	fill(b, GRAN, 1);
	EXPECT_OK(VirtualUnlock(b + PAGE, PAGE));
	EXPECT_EQ(0, locked(b, GRAN));
	EXPECT(filled(b, GRAN, 1));
	release(b);
}

TEST(L01_protections)
{
	static const DWORD prots[] = { RO, RW, X, XR, XRW };

	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		char *b = alloc(GRAN, prots[i]);

		EXPECT_OK(VirtualLock(b, GRAN));
		EXPECT_EQ(16, locked(b, GRAN));
		EXPECT_OK(VirtualUnlock(b, GRAN));
		release(b);
	}
}

TEST(L02_twice)
{
	char *b = alloc(GRAN, RW);

	EXPECT_OK(VirtualLock(b, 2 * PAGE));
	EXPECT_OK(VirtualLock(b, 2 * PAGE));
	EXPECT_OK(VirtualUnlock(b, 2 * PAGE));
	EXPECT_EQ(0, locked(b, GRAN));
	EXPECT_ERROR(ERROR_NOT_LOCKED, VirtualUnlock(b, 2 * PAGE));
	release(b);
}

TEST(L03_unlock_of_what_is_not_locked)
{
	char *b = alloc(GRAN, RW);

	fill(b, GRAN, 1);
	EXPECT_OK(VirtualLock(b, PAGE));
	EXPECT_REFUSED(ERROR_NOT_LOCKED, b, VirtualUnlock(b + PAGE, PAGE));
	EXPECT_REFUSED(ERROR_NOT_LOCKED, b, VirtualUnlock(b, 2 * PAGE));
	decommit(b + PAGE, PAGE);
	EXPECT_REFUSED(ERROR_NOT_LOCKED, b, VirtualUnlock(b + PAGE, PAGE));
	EXPECT_EQ(1, locked(b, GRAN));
	release(b);
}

TEST(L03_the_page_leaves_the_working_set)
{
	char *b = alloc(GRAN, RW);

	fill(b, GRAN, 1);
	EXPECT_EQ(1, look(b).Valid);
	EXPECT_ERROR(ERROR_NOT_LOCKED, VirtualUnlock(b, PAGE));
	EXPECT_EQ(0, look(b).Valid);
	EXPECT_EQ(1, look(b + PAGE).Valid);
	EXPECT(filled(b, GRAN, 1));
	release(b);
}

TEST(L05_size_zero)
{
	char *b = alloc(GRAN, RW);

	EXPECT_REFUSED(ERROR_INVALID_PARAMETER, b, VirtualLock(b, 0));
	EXPECT_REFUSED(ERROR_INVALID_PARAMETER, b, VirtualUnlock(b, 0));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualLock(NULL, 0));
	release(b);
}

TEST(L06_what_cannot_be_touched)
{
	char *b = alloc(GRAN, RW);

	fill(b, GRAN, 1);
	protect(b + 2 * PAGE, PAGE, NA);
	decommit(b + 4 * PAGE, PAGE);
	EXPECT_REFUSED(ERROR_NOACCESS, b, VirtualLock(b + 2 * PAGE, PAGE));
	EXPECT_REFUSED(ERROR_NOACCESS, b, VirtualLock(b + 4 * PAGE, PAGE));
	EXPECT_REFUSED(ERROR_NOACCESS, b, VirtualLock(b, 3 * PAGE));
	EXPECT_REFUSED(ERROR_NOACCESS, b, VirtualLock(b + 3 * PAGE, 2 * PAGE));
	EXPECT_REFUSED(ERROR_NOACCESS, b, VirtualLock(b + GRAN - PAGE, 2 * PAGE));
	EXPECT_ERROR(ERROR_NOACCESS, VirtualLock(free_place(GRAN), PAGE));
	EXPECT_ERROR(ERROR_NOACCESS, VirtualUnlock(free_place(GRAN), PAGE));
	EXPECT_ERROR(ERROR_NOACCESS, VirtualLock(NULL, PAGE));
	release(b);
}

TEST(L07_kernel_addresses)
{
	char *b = alloc(GRAN, RW);

	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualLock(KERNEL_ADDR, PAGE));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualUnlock(KERNEL_ADDR, PAGE));
	EXPECT_REFUSED(ERROR_INVALID_PARAMETER, b, VirtualLock(b, -PAGE));
	EXPECT_REFUSED(ERROR_INVALID_PARAMETER, b, VirtualLock(b, 0UL - (uintptr_t)b));
	EXPECT_REFUSED(ERROR_INVALID_PARAMETER, b, VirtualLock(b, ~0UL));
	EXPECT_REFUSED(ERROR_INVALID_PARAMETER, b, VirtualUnlock(b, ~0UL));
	release(b);
}

TEST(L09_the_minimum_working_set)
{
	char *b = alloc(MOST + GRAN, RW);
	SIZE_T minimum, maximum;

	EXPECT_REFUSED(ERROR_WORKING_SET_QUOTA, b, VirtualLock(b, MOST + PAGE));
	EXPECT_OK(VirtualLock(b, MOST));
	EXPECT_REFUSED(ERROR_WORKING_SET_QUOTA, b, VirtualLock(b + MOST, PAGE));
	EXPECT_OK(VirtualLock(b, MOST));
	EXPECT_OK(VirtualUnlock(b, PAGE));
	EXPECT_OK(VirtualLock(b + MOST, PAGE));

	EXPECT_OK(GetProcessWorkingSetSize(self, &minimum, &maximum));
	EXPECT_OK(SetProcessWorkingSetSize(self, minimum + 2 * PAGE, maximum));
	EXPECT_OK(VirtualLock(b + MOST, 3 * PAGE));
	EXPECT_ERROR(ERROR_WORKING_SET_QUOTA, VirtualLock(b + MOST, 4 * PAGE));
	EXPECT_OK(SetProcessWorkingSetSize(self, minimum, maximum));
	release(b);
}

static void has_a_limit(void *arg)
{
	const struct rlimit two = { 2 * PAGE, 2 * PAGE };
	char *b;

	(void)arg;
	EXPECT(!setrlimit(RLIMIT_MEMLOCK, &two));
	b = alloc(GRAN, RW);
	EXPECT_REFUSED(ERROR_WORKING_SET_QUOTA, b, VirtualLock(b, 3 * PAGE));
	EXPECT_OK(VirtualLock(b, 2 * PAGE));
	EXPECT_ERROR(ERROR_WORKING_SET_QUOTA, VirtualLock(map_shared(PAGE), PAGE));
}

TEST(L09_what_Linux_allows)
{
	if (!geteuid())
		skip_because("root may lock all it likes");
	IN_CHILD(has_a_limit, NULL);
}

TEST(L10_G06_guard_pages)
{
	char *b = alloc(GRAN, RW);

	protect(b + PAGE, PAGE, RW | PAGE_GUARD);
	EXPECT_ERROR(0x80000001U, VirtualLock(b, GRAN));
	expect_committed(b, b, RW, GRAN, RW);
	EXPECT_EQ(0, locked(b, GRAN));
	EXPECT_OK(VirtualLock(b, GRAN));
	EXPECT_EQ(16, locked(b, GRAN));
	release(b);
}

TEST(G10_guard_and_write_watch)
{
	char *b = EXPECT_OK(VirtualAlloc(NULL, GRAN, RESERVE_COMMIT | MEM_WRITE_WATCH,
					 RW | PAGE_GUARD));
	PVOID pages[16];
	ULONG_PTR count = 16;
	DWORD granularity;

	EXPECT_ERROR(0x80000001U, VirtualLock(b, PAGE));
	EXPECT_EQ(0, GetWriteWatch(0, b, GRAN, pages, &count, &granularity));
	EXPECT_EQ(0, count);
	EXPECT_OK(VirtualLock(b, PAGE));
	count = 16;
	EXPECT_EQ(0, GetWriteWatch(0, b, GRAN, pages, &count, &granularity));
	EXPECT_EQ(1, count);
	EXPECT_EQ(b, pages[0]);
	release(b);
}

TEST(L12_rounding)
{
	char *b = alloc(GRAN, RW);

	EXPECT_OK(VirtualLock(b + PAGE - 1, 2));
	EXPECT_EQ(2, locked(b, GRAN));
	EXPECT_OK(VirtualUnlock(b + 8, 1));
	EXPECT_EQ(1, locked(b, GRAN));
	EXPECT_OK(VirtualUnlock(b + 2 * PAGE - 1, 1));
	EXPECT_EQ(0, locked(b, GRAN));
	release(b);
}

TEST(L13_free_and_decommit)
{
	char *b = alloc(GRAN, RW);

	EXPECT_OK(VirtualLock(b, GRAN));
	decommit(b, PAGE);
	EXPECT_EQ(15, locked(b, GRAN));
	commit(b, PAGE, RW);
	EXPECT_EQ(15, locked(b, GRAN));
	release(b);
	b = EXPECT_OK(VirtualAlloc(b, GRAN, RESERVE_COMMIT, RW));
	EXPECT_EQ(0, locked(b, GRAN));
	release(b);
}

TEST(L14_offer)
{
	char *b = alloc(GRAN, RW);

	EXPECT_OK(VirtualLock(b, GRAN));
	EXPECT_EQ(0, OfferVirtualMemory(b, PAGE, VmOfferPriorityLow));
	EXPECT_EQ(15, locked(b, GRAN));
	EXPECT_ERROR(ERROR_NOACCESS, VirtualLock(b, PAGE));
	EXPECT_EQ(0, ReclaimVirtualMemory(b, PAGE));
	EXPECT_ERROR(ERROR_NOT_LOCKED, VirtualUnlock(b, PAGE));
	release(b);
}

TEST(two_allocations)
{
	char *both = free_place(2 * GRAN);
	char *b = EXPECT_OK(VirtualAlloc(both, GRAN, RESERVE_COMMIT, RW));
	char *c = EXPECT_OK(VirtualAlloc(both + GRAN, GRAN, RESERVE_COMMIT, RW));

	EXPECT_OK(VirtualLock(c - PAGE, 2 * PAGE));
	EXPECT_EQ(1, locked(b, GRAN));
	EXPECT_EQ(1, locked(c, GRAN));
	release(b);
	release(c);
}

/* mlock's pages: Linux's own memory. */
TEST(L01_L03_memory_that_is_not_winmems)
{
	char *view = map_shared(4 * PAGE);
	char buffer[16] = "on the stack";

	EXPECT_ERROR(ERROR_NOT_LOCKED, VirtualUnlock(view, PAGE));
	EXPECT_OK(VirtualLock(view + PAGE, 2 * PAGE));
	EXPECT_EQ(0, look(view).Locked);
	EXPECT_EQ(1, look(view + PAGE).Locked);
	EXPECT_EQ(1, look(view + 2 * PAGE).Valid);
	EXPECT_OK(VirtualLock(view + PAGE, 2 * PAGE));
	EXPECT_ERROR(ERROR_NOT_LOCKED, VirtualUnlock(view, 2 * PAGE));
	EXPECT_OK(VirtualUnlock(view + PAGE, 2 * PAGE));
	EXPECT_EQ(0, look(view + PAGE).Locked);

	EXPECT_OK(VirtualLock(buffer, sizeof(buffer)));
	EXPECT_EQ(1, look(buffer).Locked);
	EXPECT_OK(VirtualUnlock(buffer, sizeof(buffer)));

	EXPECT(!mprotect(view + PAGE, PAGE, PROT_NONE));
	EXPECT_ERROR(ERROR_NOACCESS, VirtualLock(view, 2 * PAGE));
	EXPECT(!munmap(view + 2 * PAGE, PAGE));
	EXPECT_ERROR(ERROR_NOACCESS, VirtualLock(view + 3 * PAGE, 16 * GRAN));
	EXPECT_EQ(0, look(view).Locked);
	munmap(view, 4 * PAGE);

	view = map_shared(MOST + PAGE);
	EXPECT_ERROR(ERROR_WORKING_SET_QUOTA, VirtualLock(view, MOST + PAGE));
	munmap(view, MOST + PAGE);
}
