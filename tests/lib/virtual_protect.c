// SPDX-License-Identifier: GPL-2.0-only
/* VirtualProtect: rows VP01 to VP18. */
#include "common.h"

#include <sys/mman.h>

/* What a failing call leaves in *old: what was there, or PAGE_NOACCESS. */
#define EXPECT_PROTECT_FAILS(error, old_after, range, range_size, addr, size, prot)	\
	do {										\
		DWORD old_ = UNTOUCHED_ERROR;						\
		EXPECT_UNCHANGED(range, range_size, error,				\
				 VirtualProtect(addr, size, prot, &old_));		\
		EXPECT_EQ(old_after, old_);						\
	} while (0)

TEST(VP01_reserved_pages)
{
	char *b = reserve(GRAN);

	EXPECT_PROTECT_FAILS(ERROR_INVALID_ADDRESS, NA, b, GRAN, b, PAGE, RW);
	EXPECT_PROTECT_FAILS(ERROR_INVALID_ADDRESS, NA, b, GRAN, b, GRAN, RO);
	release(b);
}

TEST(VP02_partly_committed)
{
	char *b = reserve(GRAN);

	commit(b, 4 * PAGE, RW);
	fill(b, 4 * PAGE, 1);
	EXPECT_PROTECT_FAILS(ERROR_INVALID_ADDRESS, NA, b, GRAN, b, 5 * PAGE, RO);
	EXPECT_PROTECT_FAILS(ERROR_INVALID_ADDRESS, NA, b, GRAN, b + 4 * PAGE - 1, 2, RO);
	commit(b + 8 * PAGE, PAGE, RW);
	EXPECT_PROTECT_FAILS(ERROR_INVALID_ADDRESS, NA, b, GRAN, b + 5 * PAGE, 4 * PAGE, RO);
	/* A hole in the middle. */
	EXPECT_PROTECT_FAILS(ERROR_INVALID_ADDRESS, NA, b, GRAN, b, 9 * PAGE, XR);
	release(b);
}

TEST(VP03_free_memory)
{
	char *b = free_place(GRAN);

	EXPECT_PROTECT_FAILS(ERROR_INVALID_ADDRESS, NA, b, GRAN, b, PAGE, RW);
	/* Behind an allocation of one page, in the same 64 KiB. */
	EXPECT_OK(VirtualAlloc(b, PAGE, RESERVE_COMMIT, RW));
	EXPECT_PROTECT_FAILS(ERROR_INVALID_ADDRESS, NA, b, GRAN, b + PAGE, PAGE, RO);
	EXPECT_PROTECT_FAILS(ERROR_INVALID_ADDRESS, NA, b, GRAN, b, 2 * PAGE, RO);
	release(b);
}

TEST(VP04_two_allocations)
{
	char *base = free_place(2 * GRAN), *a, *b;

	a = EXPECT_OK(VirtualAlloc(base, GRAN, RESERVE_COMMIT, RW));
	b = EXPECT_OK(VirtualAlloc(base + GRAN, GRAN, RESERVE_COMMIT, RW));
	fill(a, 2 * GRAN, 1);
	EXPECT_PROTECT_FAILS(ERROR_INVALID_ADDRESS, NA, a, 2 * GRAN, a, 2 * GRAN, RO);
	EXPECT_PROTECT_FAILS(ERROR_INVALID_ADDRESS, NA, a, 2 * GRAN, b - 1, 2, RO);
	release(a);
	release(b);
}

TEST(VP05_nowhere_to_put_the_old_protection)
{
	char *p = alloc(GRAN, RW);

	EXPECT_UNCHANGED(p, GRAN, ERROR_NOACCESS, VirtualProtect(p, PAGE, RO, NULL));
	EXPECT_UNCHANGED(p, GRAN, ERROR_NOACCESS, VirtualProtect(p, PAGE, XR, NULL));
	expect_access(p, "rw-");
	release(p);
}

/* The variable may lie in the pages that lose write permission: its answer is lost, no more. */
TEST(VP05_the_old_protection_goes_into_the_pages)
{
	char *p = alloc(PAGE, RW);
	DWORD *old = (DWORD *)(p + 8);

	*old = UNTOUCHED_ERROR;
	EXPECT_OK(VirtualProtect(p, PAGE, RW, old));
	EXPECT_EQ(RW, *old);
	EXPECT_OK(VirtualProtect(p, PAGE, RO, old));
	expect_committed(p, p, RW, PAGE, RO);
	expect_access(p, "r--");
	release(p);
}

TEST(VP06_size_0)
{
	char *p = alloc(GRAN, RW);
	DWORD old;

	EXPECT_UNCHANGED(p, GRAN, ERROR_INVALID_PARAMETER, VirtualProtect(p, 0, RO, &old));
	EXPECT_UNCHANGED(p, GRAN, ERROR_INVALID_PARAMETER, VirtualProtect(p + 1, 0, RO, &old));
	release(p);
}

TEST(VP07_one_byte_is_a_page)
{
	char *p = alloc(4 * PAGE, RW);

	EXPECT_EQ(RW, protect(p + PAGE + 1, 1, RO));
	expect_committed(p, p, RW, PAGE, RW);
	expect_committed(p + PAGE, p, RW, PAGE, RO);
	expect_committed(p + 2 * PAGE, p, RW, 2 * PAGE, RW);
	/* Two bytes over a border are two pages. */
	EXPECT_EQ(RW, protect(p + 3 * PAGE - 1, 2, RO));
	expect_committed(p + PAGE, p, RW, 3 * PAGE, RO);
	release(p);
}

TEST(VP09_the_old_protection_is_the_first_pages)
{
	char *p = alloc(4 * PAGE, RW);

	protect(p, PAGE, RO);
	protect(p + PAGE, PAGE, NA);
	protect(p + 2 * PAGE, PAGE, XR);
	EXPECT_EQ(NA, protect(p + PAGE, 3 * PAGE, RW));
	expect_committed(p + PAGE, p, RW, 3 * PAGE, RW);
	EXPECT_EQ(RO, protect(p, 4 * PAGE, XRW));
	expect_committed(p, p, RW, 4 * PAGE, XRW);
	release(p);
}

TEST(VP10_the_same_protection_again)
{
	static const DWORD prots[] = { NA, RO, RW, X, XR, XRW };

	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		char *p = alloc(2 * PAGE, prots[i]);

		EXPECT_EQ(prots[i], protect(p, PAGE, prots[i]));
		expect_committed(p, p, prots[i], 2 * PAGE, prots[i]);
		release(p);
	}
}

TEST(VP11_the_allocation_protection_stays)
{
	static const DWORD prots[] = { NA, RO, RW, X, XR, XRW, RW | PAGE_GUARD };
	char *p = EXPECT_OK(VirtualAlloc(NULL, PAGE, RESERVE_COMMIT, RO));

	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		protect(p, PAGE, prots[i]);
		expect_committed(p, p, RO, PAGE, prots[i]);
	}
	release(p);
}

/* More than the allocation was made with is no problem either. */
TEST(VP11_the_allocation_protection_is_no_limit)
{
	char *p = EXPECT_OK(VirtualAlloc(NULL, PAGE, RESERVE_COMMIT, NA));

	EXPECT_EQ(NA, protect(p, PAGE, RW));
	put_return(p);
	EXPECT_EQ(RW, protect(p, PAGE, XRW));
	expect_access(p, "rwx");
	release(p);
}

TEST(VP12_impossible_protections)
{
	static const DWORD prots[] = { 0, RO | RW, XR | XRW, WC, XWC, 0x1004, NA | PAGE_GUARD };
	char *p = reserve(GRAN);

	commit(p, PAGE, RW);
	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++)
		EXPECT_PROTECT_FAILS(ERROR_INVALID_PARAMETER, UNTOUCHED_ERROR, p, GRAN, p, PAGE,
				     prots[i]);
	/* A bad word comes before a bad address. */
	EXPECT_PROTECT_FAILS(ERROR_INVALID_PARAMETER, UNTOUCHED_ERROR, p, GRAN, p + PAGE, PAGE, 0);
	release(p);
}

TEST(VP14_kernel_addresses)
{
	DWORD old;

	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualProtect(KERNEL_ADDR, PAGE, RW, &old));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     VirtualProtect((void *)(HIGHEST + 1), PAGE, RW, &old));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualProtect((void *)~0UL, 1, RW, &old));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualProtect((void *)-PAGE, PAGE, RW, &old));
}

TEST(VP14_a_range_into_the_kernel)
{
	char *p = alloc(PAGE, RW);
	DWORD old;

	EXPECT_UNCHANGED(p, PAGE, ERROR_INVALID_PARAMETER, VirtualProtect(p, ~0UL, RO, &old));
	EXPECT_UNCHANGED(p, PAGE, ERROR_INVALID_PARAMETER, VirtualProtect(p, 1UL << 47, RO, &old));
	release(p);
}

TEST(VP14_null)
{
	DWORD old = UNTOUCHED_ERROR;

	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualProtect(NULL, PAGE, RW, &old));
	EXPECT_EQ(NA, old);
}

TEST(VP15_guard_on_and_off)
{
	char *p = alloc(2 * PAGE, RW);

	fill(p, 2 * PAGE, 1);
	EXPECT_EQ(RW, protect(p, PAGE, RW | PAGE_GUARD));
	expect_committed(p, p, RW, PAGE, 0x104);
	EXPECT_EQ(0x104, protect(p, PAGE, RW));
	expect_committed(p, p, RW, 2 * PAGE, RW);
	expect_access(p, "rw-");
	EXPECT(filled(p, 2 * PAGE, 1));
	release(p);
}

TEST(VP16_contents_survive_noaccess)
{
	char *p = alloc(GRAN, RW);

	fill(p, GRAN, 1);
	protect(p, GRAN, NA);
	expect_access(p + PAGE, "---");
	protect(p, GRAN, RO);
	EXPECT(filled(p, GRAN, 1));
	protect(p, GRAN, RW);
	EXPECT(filled(p, GRAN, 1));
	release(p);
}

TEST(VP07_protect_across_2M_borders)
{
	const size_t block = 2UL << 20;
	char *p = alloc(4 * block, RW);
	char *border = (char *)(((unsigned long)p + block) & -block) + block;

	fill(border - PAGE, 2 * PAGE, 1);
	EXPECT_EQ(RW, protect(border - PAGE, 2 * PAGE, RO));
	expect_committed(border - PAGE, p, RW, 2 * PAGE, RO);
	expect_access(border - PAGE, "r--");
	expect_access(border, "r--");
	EXPECT_EQ(RW, protect(border - block, 2 * block, RO));
	expect_committed(border - block, p, RW, 2 * block, RO);
	EXPECT(filled(border - PAGE, 2 * PAGE, 1));
	release(p);
}

TEST(VP18_a_pagefile_view)
{
	char *view = map_shared(4 * PAGE);

	fill(view, 4 * PAGE, 1);
	EXPECT_EQ(RW, protect(view + PAGE, PAGE, RO));
	EXPECT_EQ(RO, query(view + PAGE).Protect);
	expect_access(view + PAGE, "r--");
	expect_access(view, "rw-");
	EXPECT_EQ(RO, protect(view + PAGE, PAGE, NA));
	expect_access(view + PAGE, "---");
	EXPECT_EQ(NA, protect(view + PAGE, PAGE, RW));
	EXPECT_EQ(RW, query(view + PAGE).Protect);
	EXPECT(filled(view, 4 * PAGE, 1));
	munmap(view, 4 * PAGE);
}

TEST(VP18_a_read_only_file_view)
{
	char *view = map_file(2 * PAGE, MAP_SHARED, PROT_READ);

	EXPECT_PROTECT_FAILS(ERROR_INVALID_PARAMETER, UNTOUCHED_ERROR, view, 2 * PAGE, view, PAGE,
			     RW);
	EXPECT_PROTECT_FAILS(ERROR_INVALID_PARAMETER, UNTOUCHED_ERROR, view, 2 * PAGE, view, PAGE,
			     XRW);
	EXPECT_EQ(RO, protect(view, PAGE, NA));
	expect_access(view, "---");
	EXPECT_EQ(NA, protect(view, PAGE, RO));
	expect_access(view, "r--");
	munmap(view, 2 * PAGE);
}

/* Copy on write is for private views of a file, and for nothing else. */
TEST(VP18_a_copy_on_write_view)
{
	char *view = map_file(2 * PAGE, MAP_PRIVATE, PROT_READ), *shared = map_shared(PAGE);
	DWORD old;

	EXPECT_EQ(RO, protect(view, PAGE, WC));
	EXPECT_EQ(WC, query(view).Protect);
	expect_access(view, "rw-");
	EXPECT_UNCHANGED(shared, PAGE, ERROR_INVALID_PARAMETER,
			 VirtualProtect(shared, PAGE, WC, &old));
	munmap(view, 2 * PAGE);
	munmap(shared, PAGE);
}

TEST(VP18_past_the_end_of_a_view)
{
	char *view = map_shared(4 * PAGE);

	munmap(view + 2 * PAGE, 2 * PAGE);
	EXPECT_PROTECT_FAILS(ERROR_INVALID_ADDRESS, NA, view, 2 * PAGE, view, 3 * PAGE, RO);
	munmap(view, 2 * PAGE);
}

TEST(VP18_private_memory_of_linux)
{
	char *map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0);

	EXPECT_EQ(RW, protect(map + PAGE - 1, 2, RO));
	expect_access(map, "r--");
	expect_access(map + PAGE, "r--");
	expect_access(map + 2 * PAGE, "rw-");
	EXPECT_EQ(RO, protect(map, PAGE, NA));
	expect_access(map, "---");
	EXPECT_EQ(NA, protect(map, PAGE, XRW));
	put_return(map);
	expect_access(map, "rwx");
	EXPECT_EQ(XRW, protect(map, PAGE, RW));
	EXPECT_PROTECT_FAILS(ERROR_INVALID_PARAMETER, UNTOUCHED_ERROR, map, PAGE, map, PAGE, WC);
	munmap(map, 4 * PAGE);
}

/* A program that patches itself, and its stack. */
static void __attribute__((noinline, used)) patched(void)
{
	__asm__ volatile("");
}

TEST(VP18_the_program_itself)
{
	char stack[3 * PAGE], *page = (char *)(((unsigned long)stack + PAGE) & -PAGE);

	EXPECT_EQ(XR, protect((void *)patched, 1, XRW));
	EXPECT(query((void *)patched).Protect & (XRW | XWC));
	EXPECT(try_write((void *)patched));
	EXPECT_EQ(XRW, protect((void *)patched, 1, XR));
	patched();

	EXPECT_EQ(RW, protect(page, PAGE, RO));
	expect_access(page, "r--");
	EXPECT_EQ(RO, protect(page, PAGE, RW));
}
