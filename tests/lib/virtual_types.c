// SPDX-License-Identifier: GPL-2.0-only
/* VirtualAlloc: which words go together, and its Ex, 2 and FromApp forms. Rows VA29 to VA43. */
#include "common.h"

#define KNOWN_TYPES	(MEM_COMMIT | MEM_RESERVE | MEM_RESET | MEM_RESET_UNDO | MEM_TOP_DOWN | \
			 MEM_WRITE_WATCH | MEM_PHYSICAL | MEM_LARGE_PAGES)

static const DWORD executable[] = { X, XR, XRW, XWC, X | PAGE_GUARD };

/* At NULL, in reserved and in committed memory: the words are wrong wherever they point. */
static void refuse_type(DWORD type)
{
	char *b = reserve(GRAN);

	commit(b, PAGE, RW);
	fill(b, PAGE, 1);
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, PAGE, type, RW));
	EXPECT_UNCHANGED(b, GRAN, ERROR_INVALID_PARAMETER, VirtualAlloc(b, PAGE, type, RW));
	EXPECT_UNCHANGED(b, GRAN, ERROR_INVALID_PARAMETER, VirtualAlloc(b + PAGE, PAGE, type, RW));
	release(b);
}

TEST(VA29_a_verb_is_needed)
{
	refuse_type(0);
	refuse_type(MEM_TOP_DOWN);
	refuse_type(MEM_WRITE_WATCH);
	refuse_type(MEM_PHYSICAL);
	refuse_type(MEM_LARGE_PAGES);
	refuse_type(MEM_TOP_DOWN | MEM_WRITE_WATCH | MEM_PHYSICAL | MEM_LARGE_PAGES);
}

TEST(VA30_unknown_types)
{
	for (unsigned int bit = 0; bit < 32; bit++) {
		DWORD type = 1U << bit;

		if (type & KNOWN_TYPES)
			continue;
		refuse_type(type);
		refuse_type(type | MEM_RESERVE);
		refuse_type(type | MEM_COMMIT);
		refuse_type(type | RESERVE_COMMIT);
	}
}

TEST(VA30_words_of_VirtualFree)
{
	refuse_type(MEM_DECOMMIT);
	refuse_type(MEM_RELEASE);
	refuse_type(MEM_RESERVE | MEM_DECOMMIT);
	refuse_type(MEM_COMMIT | MEM_RELEASE);
}

TEST(VA32_placeholders_are_for_VirtualAlloc2)
{
	refuse_type(MEM_RESERVE | MEM_RESERVE_PLACEHOLDER);
	EXPECT_ERROR(ERROR_INVALID_PARAMETER,
		     VirtualAlloc(NULL, GRAN, MEM_RESERVE | MEM_RESERVE_PLACEHOLDER, NA));
	refuse_type(MEM_RESERVE | MEM_REPLACE_PLACEHOLDER);
}

TEST(VA33_write_watch_needs_reserve)
{
	refuse_type(MEM_COMMIT | MEM_WRITE_WATCH);
	refuse_type(MEM_COMMIT | MEM_WRITE_WATCH | MEM_TOP_DOWN);
}

TEST(VA34_reserve_with_write_watch)
{
	char *p = EXPECT_OK(VirtualAlloc(NULL, GRAN, MEM_RESERVE | MEM_WRITE_WATCH, NA));
	char *q = EXPECT_OK(VirtualAlloc(NULL, GRAN, RESERVE_COMMIT | MEM_WRITE_WATCH, RW));

	/* Nothing of it shows. */
	expect_reserved(p, p, NA, GRAN);
	expect_committed(q, q, RW, GRAN, RW);
	commit(p, PAGE, RW);
	fill(p, PAGE, 1);
	fill(q, GRAN, 1);
	EXPECT(filled(p, PAGE, 1) && filled(q, GRAN, 1));
	release(p);
	release(q);
}

/* A process that is not there, or that this library cannot reach. */
static void refuse_process(HANDLE process)
{
	char *b = alloc(GRAN, RW);
	DWORD old = UNTOUCHED_ERROR;
	MEMORY_BASIC_INFORMATION mbi, before;

	fill(b, GRAN, 1);
	memset(&mbi, 0xcc, sizeof(mbi));
	before = mbi;
	EXPECT_ERROR(ERROR_INVALID_HANDLE, VirtualAllocEx(process, NULL, PAGE, RESERVE_COMMIT, RW));
	EXPECT_UNCHANGED(b, GRAN, ERROR_INVALID_HANDLE,
			 VirtualAllocEx(process, b, PAGE, MEM_COMMIT, RO));
	EXPECT_UNCHANGED(b, GRAN, ERROR_INVALID_HANDLE, VirtualFreeEx(process, b, 0, MEM_RELEASE));
	EXPECT_UNCHANGED(b, GRAN, ERROR_INVALID_HANDLE,
			 VirtualFreeEx(process, b, PAGE, MEM_DECOMMIT));
	EXPECT_UNCHANGED(b, GRAN, ERROR_INVALID_HANDLE,
			 VirtualProtectEx(process, b, PAGE, RO, &old));
	EXPECT_EQ(UNTOUCHED_ERROR, old);
	EXPECT_ERROR(ERROR_INVALID_HANDLE, VirtualQueryEx(process, b, &mbi, sizeof(mbi)));
	EXPECT(!memcmp(&mbi, &before, sizeof(mbi)));
	release(b);
}

TEST(VA41_no_process)
{
	refuse_process(NULL);
}

TEST(VA41_a_handle_that_is_none)
{
	refuse_process((HANDLE)0x1234);
	EXPECT_ERROR(ERROR_INVALID_HANDLE,
		     VirtualAlloc2((HANDLE)0x1234, NULL, PAGE, MEM_RESERVE, RW, NULL, 0));
}

TEST(VA41_the_current_process)
{
	HANDLE self = EXPECT_OK(GetCurrentProcess());
	MEMORY_BASIC_INFORMATION mbi;
	DWORD old = UNTOUCHED_ERROR;
	char *b;

	EXPECT_EQ(~0UL, self);
	b = EXPECT_OK(VirtualAllocEx(self, NULL, GRAN, MEM_RESERVE, RW));
	EXPECT_EQ(b, EXPECT_OK(VirtualAllocEx(self, b, PAGE, MEM_COMMIT, RW)));
	EXPECT_OK(VirtualProtectEx(self, b, PAGE, RO, &old));
	EXPECT_EQ(RW, old);
	EXPECT_EQ(sizeof(mbi), EXPECT_OK(VirtualQueryEx(self, b, &mbi, sizeof(mbi))));
	EXPECT_EQ(RO, mbi.Protect);
	EXPECT_OK(VirtualFreeEx(self, b, PAGE, MEM_DECOMMIT));
	expect_reserved(b, b, RW, GRAN);
	EXPECT_OK(VirtualFreeEx(self, b, 0, MEM_RELEASE));
	expect_free(b);
}

TEST(VA42_no_execute_in_an_app)
{
	for (unsigned int i = 0; i < ARRAY_LEN(executable); i++) {
		DWORD prot = executable[i];

		EXPECT_ERROR(ERROR_INVALID_PARAMETER,
			     VirtualAllocFromApp(NULL, PAGE, MEM_RESERVE, prot));
		EXPECT_ERROR(ERROR_INVALID_PARAMETER,
			     VirtualAllocFromApp(NULL, PAGE, RESERVE_COMMIT, prot));
		EXPECT_ERROR(ERROR_INVALID_PARAMETER,
			     VirtualAlloc2FromApp(NULL, NULL, PAGE, MEM_RESERVE, prot, NULL, 0));
		EXPECT_ERROR(ERROR_INVALID_PARAMETER,
			     VirtualAlloc2FromApp(NULL, NULL, PAGE, RESERVE_COMMIT, prot, NULL, 0));
	}
}

TEST(VA42_no_execute_for_what_an_app_has_reserved)
{
	char *b = EXPECT_OK(VirtualAllocFromApp(NULL, GRAN, MEM_RESERVE, RW));

	for (unsigned int i = 0; i < ARRAY_LEN(executable); i++)
		EXPECT_UNCHANGED(b, GRAN, ERROR_INVALID_PARAMETER,
				 VirtualAllocFromApp(b, PAGE, MEM_COMMIT, executable[i]));
	release(b);
}

TEST(VA42_an_app_has_the_other_protections)
{
	char *p = EXPECT_OK(VirtualAllocFromApp(NULL, GRAN, RESERVE_COMMIT, RW));
	char *q = EXPECT_OK(VirtualAlloc2FromApp(NULL, NULL, GRAN, RESERVE_COMMIT, RO, NULL, 0));
	DWORD old = UNTOUCHED_ERROR;

	expect_committed(p, p, RW, GRAN, RW);
	expect_committed(q, q, RO, GRAN, RO);
	EXPECT_OK(VirtualProtectFromApp(p, PAGE, RO, &old));
	EXPECT_EQ(RW, old);
	expect_committed(p, p, RW, PAGE, RO);
	/* Writable and executable at once is what an app never gets. */
	EXPECT_UNCHANGED(p, GRAN, ERROR_INVALID_PARAMETER,
			 VirtualProtectFromApp(p, PAGE, XRW, &old));
	release(p);
	release(q);
}

TEST(VA43_reserve_with_guard)
{
	char *p = EXPECT_OK(VirtualAlloc(NULL, GRAN, MEM_RESERVE, RW | PAGE_GUARD));

	expect_reserved(p, p, 0x104, GRAN);
	expect_access(p, "---");
	/* The guard is a word of the reservation, not a state of its pages. */
	commit(p, PAGE, RW);
	expect_committed(p, p, 0x104, PAGE, RW);
	expect_access(p, "rw-");
	release(p);
}

/* Valid on Windows, and not there yet: told apart from what is wrong. */
TEST(E31_what_is_not_there_yet)
{
	EXPECT_ERROR(ERROR_NOT_SUPPORTED, VirtualAlloc(NULL, GRAN, MEM_RESERVE | MEM_PHYSICAL, RW));
	EXPECT_ERROR(ERROR_NOT_SUPPORTED,
		     VirtualAlloc2(NULL, NULL, GRAN, MEM_RESERVE | MEM_RESERVE_PLACEHOLDER, NA,
				   NULL, 0));
}
