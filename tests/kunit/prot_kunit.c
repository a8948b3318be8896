// SPDX-License-Identifier: GPL-2.0-only
/* winmem_prot: which protections are valid, and what each allows. */
#include <kunit/test.h>
#include <uapi/linux/winmem.h>

#include "prot.h"

#define R	WINMEM_ACCESS_READ
#define W	WINMEM_ACCESS_WRITE
#define X	WINMEM_ACCESS_EXEC

static const struct {
	u32 prot;
	unsigned int access;
	bool modifiers;
} protections[] = {
	{ WINMEM_PROT_NOACCESS, 0, false },
	{ WINMEM_PROT_READONLY, R, true },
	{ WINMEM_PROT_READWRITE, R | W, true },
	{ WINMEM_PROT_EXECUTE, R | X, true },
	{ WINMEM_PROT_EXECUTE_READ, R | X, true },
	{ WINMEM_PROT_EXECUTE_READWRITE, R | W | X, true },
};

static const u32 modifiers[] = {
	0, WINMEM_PROT_GUARD, WINMEM_PROT_NOCACHE, WINMEM_PROT_WRITECOMBINE,
};

static bool is_valid(u32 prot)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(protections); i++) {
		for (j = 0; j < ARRAY_SIZE(modifiers); j++) {
			if (prot == (protections[i].prot | modifiers[j]))
				return !j || protections[i].modifiers;
		}
	}
	return false;
}

static void prot_all_values(struct kunit *test)
{
	u32 prot;

	for (prot = 0; prot < 0x1000; prot++)
		KUNIT_EXPECT_EQ_MSG(test, winmem_prot_to_page(prot) != WINMEM_PAGE_NONE,
				    is_valid(prot), "protection 0x%x", prot);
	for (prot = 0x1000; prot; prot <<= 1)
		KUNIT_EXPECT_EQ(test, winmem_prot_to_page(prot | WINMEM_PROT_READWRITE),
				WINMEM_PAGE_NONE);
	KUNIT_EXPECT_EQ(test, winmem_prot_to_page(~0U), WINMEM_PAGE_NONE);
}

static void prot_there_and_back(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(protections); i++) {
		u32 prot = protections[i].prot;
		u8 state = winmem_prot_to_page(prot);

		KUNIT_EXPECT_TRUE(test, winmem_page_is_committed(state));
		KUNIT_EXPECT_EQ(test, winmem_prot_from_page(state), prot);
		KUNIT_EXPECT_EQ(test, winmem_page_access(state), protections[i].access);
		KUNIT_EXPECT_EQ(test, winmem_prot_has_exec(prot), !!(protections[i].access & X));
		KUNIT_EXPECT_EQ(test, !!(state & WINMEM_PAGE_EXEC), winmem_prot_has_exec(prot));
	}
}

static void prot_guard_refuses_everything(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(protections); i++) {
		u32 prot = protections[i].prot | WINMEM_PROT_GUARD;
		u8 state = winmem_prot_to_page(prot);

		if (!protections[i].modifiers)
			continue;
		KUNIT_EXPECT_EQ(test, winmem_prot_from_page(state), prot);
		KUNIT_EXPECT_EQ(test, winmem_page_access(state), 0U);
		KUNIT_EXPECT_EQ(test, winmem_page_access(state & ~WINMEM_PAGE_GUARD),
				protections[i].access);
	}
}

static void prot_caching_leaves_no_trace(struct kunit *test)
{
	u8 plain = winmem_prot_to_page(WINMEM_PROT_READWRITE);

	KUNIT_EXPECT_EQ(test, winmem_prot_to_page(WINMEM_PROT_READWRITE | WINMEM_PROT_NOCACHE),
			plain);
	KUNIT_EXPECT_EQ(test, winmem_prot_to_page(WINMEM_PROT_READWRITE | WINMEM_PROT_WRITECOMBINE),
			plain);
}

/* A fault may meet any byte: RESET, LOST and EXEC say nothing about access. */
static void prot_any_state_is_safe(struct kunit *test)
{
	unsigned int state;

	for (state = 0; state <= WINMEM_PAGE_ALL; state++) {
		unsigned int access = winmem_page_access(state);

		if (!(state & WINMEM_PAGE_PROT) ||
		    state & (WINMEM_PAGE_GUARD | WINMEM_PAGE_OFFERED))
			KUNIT_EXPECT_EQ(test, access, 0U);
		else
			KUNIT_EXPECT_EQ(test, access,
					winmem_page_access(state & WINMEM_PAGE_VISIBLE));
		KUNIT_EXPECT_EQ(test, winmem_prot_from_page(state),
				winmem_prot_from_page(state & WINMEM_PAGE_VISIBLE));
	}
}

static struct kunit_case prot_cases[] = {
	KUNIT_CASE(prot_all_values),
	KUNIT_CASE(prot_there_and_back),
	KUNIT_CASE(prot_guard_refuses_everything),
	KUNIT_CASE(prot_caching_leaves_no_trace),
	KUNIT_CASE(prot_any_state_is_safe),
	{}
};

static struct kunit_suite prot_suite = {
	.name = "winmem_prot",
	.test_cases = prot_cases,
};
kunit_test_suite(prot_suite);
