// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last error: what it is after a failure (rows E01 to E31, as far as calls of this
 * library can bring them about), that success leaves it alone, and whose it is.
 */
#include "common.h"

#include <pthread.h>
#include <sys/mman.h>

/* Success: EXPECT_OK looks at the last error and at errno, here for every function. */

TEST(VA28_success_of_allocation)
{
	char *p, *q;

	p = EXPECT_OK(VirtualAlloc(NULL, GRAN, MEM_RESERVE, RW));
	EXPECT_OK(VirtualAlloc(p, PAGE, MEM_COMMIT, RW));
	EXPECT_OK(VirtualAlloc(p, PAGE, MEM_COMMIT, XR));
	EXPECT_OK(VirtualAlloc(p, PAGE, MEM_RESET, RW));
	EXPECT_OK(VirtualAlloc(p, PAGE, MEM_RESET_UNDO, RW));
	EXPECT_OK(VirtualAllocEx(GetCurrentProcess(), p, PAGE, MEM_COMMIT, RW));
	EXPECT_OK(VirtualAllocFromApp(p, PAGE, MEM_COMMIT, RO));
	EXPECT_OK(VirtualFree(p, PAGE, MEM_DECOMMIT));
	EXPECT_OK(VirtualFreeEx(GetCurrentProcess(), p, 0, MEM_RELEASE));
	q = EXPECT_OK(VirtualAlloc2(NULL, NULL, GRAN, RESERVE_COMMIT, XRW, NULL, 0));
	EXPECT_OK(VirtualFree(q, 0, MEM_RELEASE));
	q = EXPECT_OK(VirtualAlloc2FromApp(NULL, NULL, GRAN, RESERVE_COMMIT, RW, NULL, 0));
	EXPECT_OK(VirtualFree(q, 0, MEM_RELEASE));
}

TEST(VA28_success_of_protection_and_query)
{
	char *p = alloc(GRAN, RW), *view = map_shared(PAGE);
	MEMORY_BASIC_INFORMATION mbi;
	DWORD old;

	EXPECT_OK(VirtualProtect(p, PAGE, RO, &old));
	EXPECT_OK(VirtualProtect(p, PAGE, XR, &old));
	EXPECT_OK(VirtualProtect(p, PAGE, RW, &old));
	EXPECT_OK(VirtualProtectEx(GetCurrentProcess(), p, PAGE, RO, &old));
	EXPECT_OK(VirtualProtectFromApp(p, PAGE, RW, &old));
	EXPECT_OK(VirtualProtect(view, PAGE, RO, &old));
	EXPECT_OK(VirtualQuery(p, &mbi, sizeof(mbi)));
	EXPECT_OK(VirtualQuery(NULL, &mbi, sizeof(mbi)));
	EXPECT_OK(VirtualQueryEx(GetCurrentProcess(), view, &mbi, sizeof(mbi)));
	release(p);
	munmap(view, PAGE);
}

TEST(VA28_success_of_information)
{
	MEMORYSTATUSEX status = { .dwLength = sizeof(status) };
	ULONGLONG kilobytes;

	EXPECT_OK(GetCurrentProcess());
	EXPECT_OK(GetLargePageMinimum());
	EXPECT_OK(GlobalMemoryStatusEx(&status));
	EXPECT_OK(GetPhysicallyInstalledSystemMemory(&kilobytes));
}

/* The first call in a process opens the device, maps a page, registers for fork. */
static void first_call(void *arg __attribute__((unused)))
{
	release(EXPECT_OK(VirtualAlloc(NULL, PAGE, RESERVE_COMMIT, RW)));
}

TEST(VA28_success_of_the_first_call)
{
	IN_CHILD(first_call, NULL);
}

TEST(last_error_is_what_was_set)
{
	static const DWORD errors[] = { 0, 1, 87, 0x80000001, 0xffffffff };

	for (unsigned int i = 0; i < ARRAY_LEN(errors); i++) {
		errno = UNTOUCHED_ERRNO;
		SetLastError(errors[i]);
		EXPECT_EQ(errors[i], GetLastError());
		EXPECT_EQ(errors[i], GetLastError());
		EXPECT_EQ(UNTOUCHED_ERRNO, errno);
	}
}

/* A failure replaces it, and only the next failure does so again. */
TEST(last_error_stays_until_the_next_failure)
{
	char *p;

	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, 0, MEM_RESERVE, RW));
	p = VirtualAlloc(NULL, PAGE, MEM_RESERVE, RW);
	EXPECT_EQ(ERROR_INVALID_PARAMETER, GetLastError());
	EXPECT(!VirtualFree(p + GRAN, 0, MEM_RELEASE));
	EXPECT_EQ(ERROR_INVALID_ADDRESS, GetLastError());
	EXPECT(VirtualFree(p, 0, MEM_RELEASE));
	EXPECT_EQ(ERROR_INVALID_ADDRESS, GetLastError());
}

static void *fail_in_thread(void *arg)
{
	/* A new thread has none of its maker's errors. */
	EXPECT_EQ(0, GetLastError());
	EXPECT_ERROR(ERROR_INVALID_ADDRESS, VirtualFree(NULL, 0, MEM_RELEASE));
	pthread_barrier_wait(arg);
	pthread_barrier_wait(arg);
	EXPECT_EQ(ERROR_INVALID_ADDRESS, GetLastError());
	return NULL;
}

TEST(last_error_is_the_threads_own)
{
	pthread_barrier_t barrier;
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 2);
	SetLastError(1234);
	EXPECT(!pthread_create(&thread, NULL, fail_in_thread, &barrier));
	pthread_barrier_wait(&barrier);
	EXPECT_EQ(1234, GetLastError());
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualAlloc(NULL, 0, MEM_RESERVE, RW));
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	EXPECT_EQ(ERROR_INVALID_PARAMETER, GetLastError());
	pthread_barrier_destroy(&barrier);
}

/* Where each number comes from. The rows of the calls have the cases in full. */

TEST(E01_conflicting_addresses_is_487)
{
	char *p = reserve(GRAN);
	DWORD old;

	EXPECT_ERROR(487, VirtualAlloc(p, PAGE, MEM_RESERVE, RW));
	EXPECT_ERROR(487, VirtualAlloc(p, 2 * GRAN, MEM_COMMIT, RW));
	release(p);
	EXPECT_ERROR(487, VirtualProtect(p, PAGE, RW, &old));
}

TEST(E02_invalid_parameter_is_87)
{
	EXPECT_ERROR(87, VirtualAlloc(NULL, 0, MEM_RESERVE, RW));
	EXPECT_ERROR(87, VirtualAlloc(NULL, PAGE, 0, RW));
	EXPECT_ERROR(87, VirtualAlloc(KERNEL_ADDR, PAGE, MEM_RESERVE, RW));
}

TEST(E03_invalid_page_protection_is_87)
{
	EXPECT_ERROR(87, VirtualAlloc(NULL, PAGE, MEM_RESERVE, 0));
}

TEST(E04_protection_not_allowed_by_the_section_is_87)
{
	char *view = map_file(PAGE, MAP_SHARED, PROT_READ);
	DWORD old;

	EXPECT_ERROR(87, VirtualProtect(view, PAGE, RW, &old));
	munmap(view, PAGE);
}

TEST(E05_free_not_at_base_is_487)
{
	char *p = reserve(GRAN);

	EXPECT_ERROR(487, VirtualFree(p + PAGE, 0, MEM_DECOMMIT));
	EXPECT_ERROR(487, VirtualFree(p + PAGE, 0, MEM_RELEASE));
	release(p);
}

TEST(E06_memory_not_allocated_is_487)
{
	EXPECT_ERROR(487, VirtualFree(free_place(GRAN), 0, MEM_RELEASE));
}

TEST(E07_unable_to_free_is_87)
{
	char *p = reserve(GRAN);

	EXPECT_ERROR(87, VirtualFree(p, 2 * GRAN, MEM_DECOMMIT));
	release(p);
}

TEST(E08_free_of_a_view_is_87)
{
	char *view = map_shared(PAGE);

	EXPECT_ERROR(87, VirtualFree(view, 0, MEM_RELEASE));
	munmap(view, PAGE);
}

TEST(E09_not_committed_is_487)
{
	char *p = reserve(GRAN);
	DWORD old;

	EXPECT_ERROR(487, VirtualProtect(p, PAGE, RW, &old));
	release(p);
}

TEST(E12_no_memory_is_8)
{
	EXPECT_ERROR(8, VirtualAlloc(NULL, HIGHEST + 1 - GRAN, MEM_RESERVE, RW));
}

TEST(E13_commitment_limit_is_1455)
{
	limit_set(charge());
	EXPECT_ERROR(1455, VirtualAlloc(NULL, PAGE, RESERVE_COMMIT, RW));
	limit_set(~0UL);
}

TEST(E15_access_violation_is_998)
{
	char *p = alloc(PAGE, RW);

	EXPECT_ERROR(998, VirtualProtect(p, PAGE, RO, NULL));
	EXPECT_ERROR(998, VirtualQuery(p, NULL, sizeof(MEMORY_BASIC_INFORMATION)));
	release(p);
}

TEST(E25_length_mismatch_is_24)
{
	MEMORY_BASIC_INFORMATION mbi;

	EXPECT_ERROR(24, VirtualQuery(&mbi, &mbi, sizeof(mbi) - 1));
}

TEST(E28_invalid_handle_is_6)
{
	EXPECT_ERROR(6, VirtualAllocEx(NULL, NULL, PAGE, MEM_RESERVE, RW));
}

TEST(E31_not_supported_is_50)
{
	EXPECT_ERROR(50, VirtualAlloc(NULL, GRAN, MEM_RESERVE | MEM_PHYSICAL, RW));
}
