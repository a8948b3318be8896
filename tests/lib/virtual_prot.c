// SPDX-License-Identifier: GPL-2.0-only
/* Protection values, as VirtualAlloc and VirtualProtect take them: rows P01 to P17. */
#include "common.h"

static const struct {
	DWORD prot;
	const char *access;
} protections[] = {
	{ NA, "---" }, { RO, "r--" }, { RW, "rw-" },
	{ X, "r-x" }, { XR, "r-x" }, { XRW, "rwx" },
};

/* By every way a protection comes in; nothing may change. */
static void refuse(DWORD prot)
{
	char *b = reserve(4 * PAGE);
	DWORD old = UNTOUCHED_ERROR;

	commit(b, 2 * PAGE, RW);
	put_return(b);
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, PAGE, MEM_RESERVE, prot));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, PAGE, RESERVE_COMMIT, prot));
	EXPECT_UNCHANGED(b, 4 * PAGE, ERROR_INVALID_PARAMETER,
			 VirtualAlloc(b, 4 * PAGE, MEM_COMMIT, prot));
	EXPECT_UNCHANGED(b, 4 * PAGE, ERROR_INVALID_PARAMETER, VirtualProtect(b, PAGE, prot, &old));
	EXPECT_EQ(UNTOUCHED_ERROR, old);
	release(b);
}

TEST(P01_the_six_protections_are_reported_back)
{
	for (unsigned int i = 0; i < ARRAY_LEN(protections); i++) {
		DWORD prot = protections[i].prot;
		char *p = alloc(2 * PAGE, prot), *b = reserve(2 * PAGE);

		expect_committed(p, p, prot, 2 * PAGE, prot);
		EXPECT_EQ(prot, protect(p, PAGE, RW));
		EXPECT_EQ(RW, protect(p, PAGE, prot));
		expect_committed(p, p, prot, 2 * PAGE, prot);

		commit(b, PAGE, prot);
		expect_committed(b, b, RW, PAGE, prot);
		release(p);
		release(b);
	}
}

TEST(P01_the_six_protections_hold)
{
	for (unsigned int i = 0; i < ARRAY_LEN(protections); i++) {
		char *p = alloc(2 * PAGE, RW);

		put_return(p);
		put_return(p + PAGE);
		protect(p + PAGE, PAGE, protections[i].prot);
		expect_access(p + PAGE, protections[i].access);
		expect_access(p, "rw-");
		release(p);
	}
}

/* Every one after every other: what a page could do before must not linger. */
TEST(P01_each_protection_after_each)
{
	char *p = alloc(PAGE, RW);
	DWORD before = RW;

	put_return(p);
	for (unsigned int i = 0; i < ARRAY_LEN(protections); i++) {
		for (unsigned int j = 0; j < ARRAY_LEN(protections); j++) {
			EXPECT_EQ(before, protect(p, PAGE, protections[i].prot));
			expect_access(p, protections[i].access);
			EXPECT_EQ(protections[i].prot, protect(p, PAGE, protections[j].prot));
			expect_access(p, protections[j].access);
			before = protections[j].prot;
		}
	}
	release(p);
}

TEST(P02_no_protection_is_refused)
{
	refuse(0);
	refuse(PAGE_GUARD);
	refuse(PAGE_NOCACHE);
	refuse(PAGE_WRITECOMBINE);
}

TEST(P03_copy_on_write_is_refused)
{
	refuse(WC);
	refuse(XWC);
	refuse(WC | PAGE_GUARD);
	refuse(XWC | PAGE_NOCACHE);
}

TEST(P04_two_protection_bits_are_refused)
{
	for (DWORD prot = 0; prot <= 0xff; prot++) {
		if (prot & (prot - 1))
			refuse(prot);
	}
}

TEST(P05_guard_goes_with_all_but_noaccess)
{
	for (unsigned int i = 1; i < ARRAY_LEN(protections); i++) {
		DWORD prot = protections[i].prot | PAGE_GUARD;
		char *p = alloc(2 * PAGE, prot), *q = alloc(PAGE, RW);

		expect_committed(p, p, prot, 2 * PAGE, prot);
		EXPECT_EQ(RW, protect(q, PAGE, prot));
		expect_committed(q, q, RW, PAGE, prot);
		EXPECT(!try_read(q));
		EXPECT_EQ(q, last_fault.addr);
		release(p);
		release(q);
	}
}

TEST(P06_guard_with_noaccess)
{
	refuse(NA | PAGE_GUARD);
}

TEST(P07_guard_with_a_cache_attribute)
{
	refuse(RW | PAGE_GUARD | PAGE_NOCACHE);
	refuse(RW | PAGE_GUARD | PAGE_WRITECOMBINE);
	refuse(XR | PAGE_GUARD | PAGE_NOCACHE | PAGE_WRITECOMBINE);
}

TEST(P08_noaccess_with_a_cache_attribute)
{
	refuse(NA | PAGE_NOCACHE);
	refuse(NA | PAGE_WRITECOMBINE);
}

TEST(P09_two_cache_attributes)
{
	refuse(RW | PAGE_NOCACHE | PAGE_WRITECOMBINE);
	refuse(RO | PAGE_NOCACHE | PAGE_WRITECOMBINE);
}

TEST(P10_nocache_is_reported)
{
	char *p = alloc(GRAN, RW | PAGE_NOCACHE);

	expect_committed(p, p, 0x204, GRAN, 0x204);
	expect_access(p, "rw-");
	release(p);
}

TEST(P10_nocache_of_a_reservation)
{
	char *b = EXPECT_OK(VirtualAlloc(NULL, GRAN, MEM_RESERVE, RW | PAGE_NOCACHE));

	expect_reserved(b, b, 0x204, GRAN);
	commit(b, PAGE, RW | PAGE_NOCACHE);
	expect_committed(b, b, 0x204, PAGE, 0x204);
	release(b);
}

TEST(P11_nocache_stays_with_the_allocation)
{
	char *p = alloc(GRAN, RW | PAGE_NOCACHE);

	EXPECT_EQ(0x204, protect(p + PAGE, PAGE, RW));
	expect_committed(p, p, 0x204, GRAN, 0x204);
	release(p);
}

TEST(P12_read_only_on_a_nocache_allocation)
{
	char *p = alloc(GRAN, RW | PAGE_NOCACHE);

	EXPECT_EQ(0x204, protect(p + PAGE, PAGE, RO));
	expect_committed(p, p, 0x204, PAGE, 0x204);
	expect_committed(p + PAGE, p, 0x204, PAGE, 0x202);
	expect_committed(p + 2 * PAGE, p, 0x204, GRAN - 2 * PAGE, 0x204);
	expect_access(p + PAGE, "r--");
	EXPECT_EQ(0x202, protect(p + PAGE, PAGE, RW | PAGE_NOCACHE));
	expect_committed(p, p, 0x204, GRAN, 0x204);
	release(p);
}

TEST(P13_nocache_is_dropped_on_a_plain_allocation)
{
	char *p = alloc(GRAN, RW);

	EXPECT_EQ(RW, protect(p, PAGE, RO | PAGE_NOCACHE));
	expect_committed(p, p, RW, PAGE, RO);
	EXPECT_EQ(RO, protect(p, PAGE, RW | PAGE_WRITECOMBINE));
	expect_committed(p, p, RW, GRAN, RW);
	release(p);
}

TEST(P14_writecombine_is_reported)
{
	char *p = alloc(GRAN, RW | PAGE_WRITECOMBINE);

	expect_committed(p, p, 0x404, GRAN, 0x404);
	expect_access(p, "rw-");
	EXPECT_EQ(0x404, protect(p, PAGE, RO));
	expect_committed(p, p, 0x404, PAGE, 0x402);
	release(p);
}

/* Up to the bits that Windows uses for enclaves and for control flow guard. */
TEST(P15_unknown_bits_are_refused)
{
	refuse(0x1004);
	for (unsigned int bit = 11; bit < 28; bit++) {
		refuse(RW | 1U << bit);
		refuse(XR | 1U << bit);
	}
}

TEST(P16_targets_invalid_leaves_no_trace)
{
	static const DWORD prots[] = { X, XR, XRW };

	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		DWORD prot = prots[i] | PAGE_TARGETS_INVALID;
		char *p = alloc(PAGE, prot), *q = alloc(PAGE, RW);

		expect_committed(p, p, prots[i], PAGE, prots[i]);
		EXPECT_EQ(RW, protect(q, PAGE, prots[i] | PAGE_TARGETS_NO_UPDATE));
		expect_committed(q, q, RW, PAGE, prots[i]);
		release(p);
		release(q);
	}
}

TEST(P17_execute_only_can_be_read)
{
	char *p = alloc(PAGE, RW);

	fill(p, PAGE, 1);
	protect(p, PAGE, X);
	EXPECT(filled(p, PAGE, 1));
	EXPECT(!try_write(p));
	EXPECT_EQ(p, last_fault.addr);
	release(p);
}
