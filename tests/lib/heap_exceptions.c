// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heaps and calls that raise exceptions: rows H06 to H08. A handler notes what is raised, and
 * goes on or leaves the call for good.
 */
#include "common.h"

static struct {
	unsigned int count;
	EXCEPTION_RECORD record;
} raised;

static jmp_buf away;
static bool leave;

static LONG WINAPI note(EXCEPTION_POINTERS *pointers)
{
	raised.count++;
	raised.record = *pointers->ExceptionRecord;
	if (leave)
		longjmp(away, 1);
	return EXCEPTION_CONTINUE_EXECUTION;
}

static void expect_raised(DWORD code, DWORD nr)
{
	EXPECT_EQ(1, raised.count);
	EXPECT_EQ(code, raised.record.ExceptionCode);
	EXPECT_EQ(0, raised.record.ExceptionFlags);
	EXPECT_EQ(nr, raised.record.NumberParameters);
	raised.count = 0;
}

static void expect_no_memory(SIZE_T size)
{
	expect_raised(STATUS_NO_MEMORY, 1);
	EXPECT_EQ(size, raised.record.ExceptionInformation[0]);
}

#define TOO_MUCH	((SIZE_T)1 << 47)

/* Kept are the process heap, and the table of whose memory is where. */
__attribute__((constructor)) static void keep(void)
{
	keeps_memory = true;
	AddVectoredExceptionHandler(1, note);
}

TEST(H05_no_exception_unless_asked_for)
{
	HANDLE heap = EXPECT_OK(HeapCreate(0, 0, 0));

	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, HeapAlloc(heap, 0, TOO_MUCH));
	EXPECT_EQ(0, raised.count);
	EXPECT_OK(HeapDestroy(heap));
}

TEST(H06_one_call)
{
	HANDLE heap = EXPECT_OK(HeapCreate(0, 0, 0));

	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, HeapAlloc(heap, HEAP_GENERATE_EXCEPTIONS, TOO_MUCH));
	expect_no_memory(TOO_MUCH);
	EXPECT_OK(HeapAlloc(heap, HEAP_GENERATE_EXCEPTIONS, 10));
	EXPECT_EQ(0, raised.count);
	EXPECT_OK(HeapDestroy(heap));
}

TEST(H07_all_calls_of_a_heap)
{
	HANDLE heap = EXPECT_OK(HeapCreate(HEAP_GENERATE_EXCEPTIONS, 0, 0));
	char *data = EXPECT_OK(HeapAlloc(heap, 0, 10));

	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, HeapAlloc(heap, 0, TOO_MUCH));
	expect_no_memory(TOO_MUCH);
	EXPECT_ERROR(ERROR_NOT_ENOUGH_MEMORY, HeapReAlloc(heap, 0, data, TOO_MUCH));
	expect_no_memory(TOO_MUCH);
	EXPECT_OK(HeapDestroy(heap));
}

/* The handler never comes back: the heap is whole, and nobody holds its lock. */
TEST(H07_a_handler_that_jumps_out)
{
	HANDLE heap = EXPECT_OK(HeapCreate(HEAP_GENERATE_EXCEPTIONS, 0, 0));

	leave = true;
	if (!setjmp(away)) {
		HeapAlloc(heap, 0, TOO_MUCH);
		check_failed(HERE, "the call came back");
	}
	leave = false;
	expect_no_memory(TOO_MUCH);
	EXPECT_OK(HeapAlloc(heap, 0, 10));
	EXPECT_OK(HeapValidate(heap, 0, NULL));
	EXPECT_OK(HeapDestroy(heap));
}

/* Where corruption does not end the process. */
static void bad_block(void *arg)
{
	HANDLE heap = EXPECT_OK(HeapCreate(HEAP_GENERATE_EXCEPTIONS, 0, 0));
	char *data = EXPECT_OK(HeapAlloc(heap, 0, 10));

	(void)arg;
	setenv("WINMEM_HEAP_TERMINATION", "0", 1);
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, HeapReAlloc(heap, 0, data + 16, 10));
	expect_raised(STATUS_ACCESS_VIOLATION, 2);
	EXPECT_EQ(data + 16, raised.record.ExceptionInformation[1]);
}

TEST(H08_a_block_that_is_none)
{
	IN_CHILD(bad_block, NULL);
}
