// SPDX-License-Identifier: GPL-2.0-only
/* IsBadReadPtr, IsBadWritePtr, IsBadCodePtr, IsBadStringPtrA: rows R15 and G12. */
#include "common.h"

#include <pthread.h>
#include <sys/mman.h>

/* Neither answer is a failure: the last error stays. */
#define EXPECT_BAD(call)						\
	do {								\
		call_begin();						\
		BOOL bad_ = (call);					\
		call_succeeded(HERE, #call, bad_ == TRUE);		\
	} while (0)

#define EXPECT_GOOD(call)						\
	do {								\
		call_begin();						\
		BOOL good_ = (call);					\
		call_succeeded(HERE, #call, good_ == FALSE);		\
	} while (0)

static void expect_use(const char *at, void *addr, bool read, bool write)
{
	if (IsBadReadPtr(addr, 1) == read || IsBadCodePtr((FARPROC)addr) == read)
		check_failed(at, "%p: IsBadReadPtr or IsBadCodePtr", addr);
	if (IsBadWritePtr(addr, 1) == write)
		check_failed(at, "%p: IsBadWritePtr", addr);
}

#define EXPECT_USE(addr, read, write) expect_use(HERE, addr, read, write)

TEST(R15_nothing_is_never_bad)
{
	EXPECT_GOOD(IsBadReadPtr(NULL, 0));
	EXPECT_GOOD(IsBadWritePtr(NULL, 0));
	EXPECT_GOOD(IsBadReadPtr(KERNEL_ADDR, 0));
	EXPECT_GOOD(IsBadStringPtrA(NULL, 0));
}

TEST(R15_null_is_bad)
{
	EXPECT_BAD(IsBadReadPtr(NULL, 1));
	EXPECT_BAD(IsBadWritePtr(NULL, 1));
	EXPECT_BAD(IsBadCodePtr(NULL));
	EXPECT_BAD(IsBadStringPtrA(NULL, 1));
}

TEST(R15_protections)
{
	static const struct {
		DWORD prot;
		bool read, write;
	} rows[] = {
		{ NA, false, false }, { RO, true, false }, { RW, true, true },
		{ X, true, false }, { XR, true, false }, { XRW, true, true },
		{ RW | PAGE_NOCACHE, true, true },
	};

	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		char *b = alloc(2 * PAGE, rows[i].prot);

		/* The first page once it was touched, the second one not even that. */
		try_read(b);
		EXPECT_USE(b, rows[i].read, rows[i].write);
		EXPECT_USE(b + 2 * PAGE - 1, rows[i].read, rows[i].write);
		expect_committed(b, b, rows[i].prot, 2 * PAGE, rows[i].prot);
		release(b);
	}
}

TEST(R15_what_is_not_there)
{
	char *r = reserve(GRAN);

	EXPECT_USE(r, false, false);
	EXPECT_USE(free_place(GRAN), false, false);
	EXPECT_USE(KERNEL_ADDR, false, false);
	EXPECT_USE((void *)(HIGHEST + 1), false, false);
	EXPECT_USE((void *)~0UL, false, false);
	release(r);
}

TEST(R15_memory_of_others)
{
	char *view = map_shared(PAGE), on_stack = 1;
	static const char constant[] = "constant";

	EXPECT_USE(view, true, true);
	EXPECT_USE(&on_stack, true, true);
	EXPECT_USE((void *)constant, true, false);
	EXPECT_USE((void *)expect_use, true, false);
	munmap(view, PAGE);
	EXPECT_USE(view, false, false);
}

TEST(R15_each_page_of_the_range)
{
	char *b = alloc(4 * PAGE, RW);

	EXPECT_GOOD(IsBadReadPtr(b, 4 * PAGE));
	EXPECT_GOOD(IsBadWritePtr(b, 4 * PAGE));
	protect(b + 2 * PAGE, PAGE, RO);
	EXPECT_GOOD(IsBadReadPtr(b, 4 * PAGE));
	EXPECT_BAD(IsBadWritePtr(b, 4 * PAGE));
	EXPECT_GOOD(IsBadWritePtr(b, 2 * PAGE));
	EXPECT_BAD(IsBadWritePtr(b + 1, 2 * PAGE));
	EXPECT_BAD(IsBadWritePtr(b + 2 * PAGE - 1, 2));
	EXPECT_GOOD(IsBadWritePtr(b + 3 * PAGE, PAGE));
	protect(b + 2 * PAGE, PAGE, NA);
	EXPECT_BAD(IsBadReadPtr(b, 4 * PAGE));
	EXPECT_BAD(IsBadReadPtr(b + PAGE, PAGE + 1));
	EXPECT_GOOD(IsBadReadPtr(b + PAGE, PAGE));
	release(b);
}

TEST(R15_past_the_end_of_everything)
{
	char *b = alloc(PAGE, RW);

	EXPECT_BAD(IsBadReadPtr(b, ~0UL));
	EXPECT_BAD(IsBadWritePtr(b, ~0UL));
	EXPECT_BAD(IsBadReadPtr(b, ~0UL - (uintptr_t)b + 2));
	release(b);
}

/* Unaligned, in each of the last bytes of a page. */
TEST(R15_any_byte)
{
	char *b = alloc(2 * PAGE, RW);

	protect(b + PAGE, PAGE, NA);
	for (unsigned int i = 1; i <= 16; i++) {
		EXPECT_GOOD(IsBadReadPtr(b + PAGE - i, i));
		EXPECT_GOOD(IsBadWritePtr(b + PAGE - i, i));
		EXPECT_BAD(IsBadReadPtr(b + PAGE - i, i + 1));
	}
	release(b);
}

TEST(R15_contents_are_kept)
{
	char *b = alloc(4 * PAGE, RW);

	fill(b, 4 * PAGE, 3);
	for (unsigned int i = 0; i < 64; i++)
		EXPECT_GOOD(IsBadWritePtr(b + i, PAGE));
	EXPECT(filled(b, 4 * PAGE, 3));
	release(b);
}

/* While another thread counts in the very word: no count is lost. */
struct counter {
	volatile uint32_t *word;
	bool stop;
	uint32_t counted;
};

static void *count(void *arg)
{
	struct counter *counter = arg;

	while (!__atomic_load_n(&counter->stop, __ATOMIC_RELAXED)) {
		__atomic_fetch_add(counter->word, 1, __ATOMIC_SEQ_CST);
		counter->counted++;
	}
	return NULL;
}

TEST(R15_no_write_of_another_thread_is_lost)
{
	struct counter counter = { .word = (uint32_t *)alloc(PAGE, RW) };
	pthread_t thread;

	EXPECT(!pthread_create(&thread, NULL, count, &counter));
	for (unsigned int i = 0; i < 20000; i++)
		EXPECT(!IsBadWritePtr((void *)counter.word, 1));
	__atomic_store_n(&counter.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(counter.counted, *counter.word);
	release((void *)counter.word);
}

TEST(G12_a_guard_is_bad_once)
{
	char *b = alloc(4 * PAGE, RW | PAGE_GUARD);

	EXPECT_BAD(IsBadReadPtr(b, 1));
	expect_committed(b, b, RW | PAGE_GUARD, PAGE, RW);
	expect_committed(b + PAGE, b, RW | PAGE_GUARD, 3 * PAGE, RW | PAGE_GUARD);
	EXPECT_GOOD(IsBadReadPtr(b, 1));
	EXPECT_BAD(IsBadWritePtr(b + PAGE, 1));
	EXPECT_GOOD(IsBadWritePtr(b + PAGE, 1));
	EXPECT_BAD(IsBadCodePtr((FARPROC)(b + 2 * PAGE)));
	EXPECT_GOOD(IsBadCodePtr((FARPROC)(b + 2 * PAGE)));
	EXPECT_BAD(IsBadStringPtrA(b + 3 * PAGE, PAGE));
	EXPECT_GOOD(IsBadStringPtrA(b + 3 * PAGE, PAGE));
	release(b);
}

TEST(G12_one_guard_at_a_time)
{
	char *b = alloc(3 * PAGE, RW | PAGE_GUARD);

	for (unsigned int i = 0; i < 3; i++)
		EXPECT_BAD(IsBadReadPtr(b, 3 * PAGE));
	EXPECT_GOOD(IsBadReadPtr(b, 3 * PAGE));
	release(b);
}

TEST(R15_strings)
{
	char *b = alloc(3 * PAGE, RW);

	memset(b, 'a', 3 * PAGE);
	protect(b + 2 * PAGE, PAGE, NA);
	/* It has no end before the page that cannot be read. */
	EXPECT_BAD(IsBadStringPtrA(b, 3 * PAGE));
	EXPECT_BAD(IsBadStringPtrA(b + 2 * PAGE - 3, 4));
	EXPECT_GOOD(IsBadStringPtrA(b + 2 * PAGE - 3, 3));
	EXPECT_GOOD(IsBadStringPtrA(b, 2 * PAGE));
	EXPECT_GOOD(IsBadStringPtrA("short", ~0UL));
	/* With an end the rest of the range is not looked at. */
	b[2 * PAGE - 1] = '\0';
	EXPECT_GOOD(IsBadStringPtrA(b, ~0UL));
	EXPECT_GOOD(IsBadStringPtrA(b + PAGE + 7, 3 * PAGE));
	b[2 * PAGE - 1] = 'a';
	b[0] = '\0';
	EXPECT_GOOD(IsBadStringPtrA(b, ~0UL));
	EXPECT_BAD(IsBadStringPtrA(b + 1, ~0UL));
	release(b);
}
