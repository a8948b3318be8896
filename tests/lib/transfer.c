// SPDX-License-Identifier: GPL-2.0-only
/*
 * ReadProcessMemory and WriteProcessMemory, rows R01 to R13, on another process and on the
 * caller itself.
 */
#define _GNU_SOURCE
#include "target.h"

#define PAGES	48UL

static HANDLE there;
static char *base;
static struct target *target;

static void has_pages(struct target *self, int step)
{
	DWORD old;

	if (step == 1) {
		self->base = alloc(PAGES * PAGE, RW);
		fill(self->base, PAGES * PAGE, 1);
	}
	if (step == 2)
		protect(self->base + 20 * PAGE, PAGE, NA);
	if (step == 3)
		protect(self->base, PAGE, NA);
	if (step == 4) {
		/* Pages 0 and 1 code, 2 data, 3 code, 4 read-only. */
		protect(self->base, 2 * PAGE, XR);
		protect(self->base + 3 * PAGE, PAGE, X);
		EXPECT_OK(VirtualProtect(self->base + 4 * PAGE, PAGE, RO, &old));
	}
	if (step == 5) {
		expect_committed(self->base, self->base, RW, 2 * PAGE, XR);
		EXPECT_EQ('w', self->base[0]);
		EXPECT_EQ('w', self->base[2 * PAGE - 1]);
		EXPECT(!try_write(self->base));
		EXPECT(filled(self->base + 4 * PAGE, PAGE, 1));
	}
}

static void begin(void)
{
	target = target_start(has_pages);
	base = target->base;
	there = EXPECT_OK(OpenProcess(PROCESS_ALL_ACCESS, FALSE, target->pid));
}

static void finish(void)
{
	EXPECT_OK(CloseHandle(there));
	target_end(target);
}

TEST(R01_read)
{
	char *buffer = alloc(PAGES * PAGE, RW), *whole = alloc(PAGES * PAGE, RW), *own;
	SIZE_T done = 0;

	begin();
	EXPECT_OK(ReadProcessMemory(there, base, whole, PAGES * PAGE, &done));
	EXPECT_EQ(PAGES * PAGE, done);
	EXPECT(!zeroed(whole, PAGES * PAGE));
	EXPECT_OK(ReadProcessMemory(there, base + 3, buffer, PAGES * PAGE - 3, &done));
	EXPECT_EQ(PAGES * PAGE - 3, done);
	EXPECT(!memcmp(buffer, whole + 3, PAGES * PAGE - 3));
	release(whole);
	EXPECT_OK(ReadProcessMemory(there, base, buffer, 0, &done));
	EXPECT_EQ(0, done);
	own = alloc(PAGE, RO);
	EXPECT_OK(ReadProcessMemory(GetCurrentProcess(), own, buffer, PAGE, &done));
	EXPECT_EQ(PAGE, done);
	EXPECT(zeroed(buffer, PAGE));
	release(own);
	release(buffer);
	finish();
}

TEST(R03_read_with_a_bad_page_later)
{
	char *buffer = alloc(PAGES * PAGE, RW);
	SIZE_T done = 1;

	begin();
	target_step(target);
	/* In the first piece of 14 pages, and in the second. */
	EXPECT_ERROR(ERROR_PARTIAL_COPY,
		     ReadProcessMemory(there, base + 19 * PAGE, buffer, 2 * PAGE, &done));
	EXPECT_EQ(0, done);
	EXPECT(zeroed(buffer, PAGES * PAGE));
	EXPECT_ERROR(ERROR_PARTIAL_COPY,
		     ReadProcessMemory(there, base, buffer, PAGES * PAGE, &done));
	EXPECT_EQ(14 * PAGE, done);
	EXPECT(zeroed(buffer + 14 * PAGE, (PAGES - 14) * PAGE));
	release(buffer);
	finish();
}

TEST(R04_R12_read_of_what_cannot_be)
{
	char byte = 7;
	SIZE_T done;

	begin();
	target_step(target);
	target_step(target);
	const void *bad[] = { base, free_place(GRAN), NULL, KERNEL_ADDR, (void *)~0UL };

	for (unsigned int i = 0; i < ARRAY_LEN(bad); i++) {
		done = 1;
		EXPECT_ERROR(ERROR_PARTIAL_COPY,
			     ReadProcessMemory(there, bad[i], &byte, 1, &done));
		EXPECT_EQ(0, done);
		EXPECT_EQ(7, byte);
	}
	finish();
}

TEST(R05_R06_read_into_what_cannot_be_written)
{
	char *buffer = alloc(4 * PAGE, RW);
	SIZE_T done = 1;

	begin();
	protect(buffer + 2 * PAGE, PAGE, NA);
	EXPECT_ERROR(ERROR_PARTIAL_COPY,
		     ReadProcessMemory(there, base, buffer, 4 * PAGE, &done));
	EXPECT_EQ(0x2000, done);
	protect(buffer, PAGE, RO);
	EXPECT_ERROR(ERROR_NOACCESS, ReadProcessMemory(there, base, buffer, 4 * PAGE, &done));
	EXPECT_EQ(0, done);
	release(buffer);
	finish();
}

TEST(write_there)
{
	char *buffer = alloc(PAGES * PAGE, RW), *back = alloc(PAGES * PAGE, RW);
	SIZE_T done = 0;

	begin();
	fill(buffer, PAGES * PAGE, 5);
	EXPECT_OK(WriteProcessMemory(there, base, buffer, PAGES * PAGE, &done));
	EXPECT_EQ(PAGES * PAGE, done);
	EXPECT_OK(ReadProcessMemory(there, base, back, PAGES * PAGE, &done));
	EXPECT(!memcmp(buffer, back, PAGES * PAGE));
	EXPECT_OK(WriteProcessMemory(there, base, buffer, 0, &done));
	EXPECT_EQ(0, done);
	EXPECT_OK(WriteProcessMemory(GetCurrentProcess(), back + 1, "abc", 3, NULL));
	EXPECT(!memcmp(back + 1, "abc", 3));
	release(buffer);
	release(back);
	finish();
}

TEST(R07_write_from_what_cannot_be_read)
{
	char *buffer = alloc(4 * PAGE, RW);
	SIZE_T done = 1;
	char byte;

	begin();
	memset(buffer, 9, 2 * PAGE);
	protect(buffer + 2 * PAGE, PAGE, NA);
	EXPECT_ERROR(ERROR_PARTIAL_COPY,
		     WriteProcessMemory(there, base, buffer, 3 * PAGE, &done));
	EXPECT_EQ(0, done);
	EXPECT_OK(ReadProcessMemory(there, base + 8, &byte, 1, NULL));
	EXPECT(byte != 9);
	release(buffer);
	finish();
}

TEST(R08_R09_write_to_what_cannot_be)
{
	SIZE_T done = 12345;
	char *own = alloc(PAGE, RO);

	begin();
	target_step(target);
	target_step(target);
	target_step(target);
	EXPECT_ERROR(ERROR_NOACCESS, WriteProcessMemory(there, base + 4 * PAGE, "x", 1, &done));
	EXPECT_ERROR(ERROR_NOACCESS, WriteProcessMemory(there, base + 20 * PAGE, "x", 1, &done));
	EXPECT_ERROR(ERROR_NOACCESS, WriteProcessMemory(there, free_place(GRAN), "x", 1, &done));
	EXPECT_ERROR(ERROR_NOACCESS, WriteProcessMemory(there, NULL, "x", 1, &done));
	EXPECT_ERROR(ERROR_NOACCESS, WriteProcessMemory(there, KERNEL_ADDR, "x", 1, &done));
	EXPECT_ERROR(ERROR_NOACCESS, WriteProcessMemory(GetCurrentProcess(), own, "x", 1, &done));
	EXPECT_EQ(12345, done);
	release(own);
	finish();
}

TEST(R10_write_to_code)
{
	char *buffer = alloc(2 * PAGE, RW);
	SIZE_T done = 0;

	begin();
	target_step(target);
	target_step(target);
	target_step(target);
	memset(buffer, 'w', 2 * PAGE);
	EXPECT_OK(WriteProcessMemory(there, base, buffer, 2 * PAGE, &done));
	EXPECT_EQ(2 * PAGE, done);
	EXPECT_OK(WriteProcessMemory(there, base + 3 * PAGE, buffer, 1, &done));
	EXPECT_EQ(1, done);
	target_step(target);

	protect(buffer, 2 * PAGE, XR);
	EXPECT_OK(WriteProcessMemory(GetCurrentProcess(), buffer, "abc", 3, &done));
	EXPECT(!memcmp(buffer, "abc", 3));
	expect_committed(buffer, buffer, RW, 2 * PAGE, XR);
	release(buffer);
	finish();
}

TEST(R11_write_over_data_and_code)
{
	char *buffer = alloc(3 * PAGE, RW);
	SIZE_T done = 0;
	char byte;

	begin();
	target_step(target);
	target_step(target);
	target_step(target);
	EXPECT_ERROR(ERROR_PARTIAL_COPY,
		     WriteProcessMemory(there, base + 2 * PAGE, buffer, 2 * PAGE, &done));
	EXPECT_EQ(PAGE, done);
	EXPECT_ERROR(ERROR_PARTIAL_COPY,
		     WriteProcessMemory(there, base + 3 * PAGE, buffer, 2 * PAGE, &done));
	EXPECT_EQ(PAGE, done);
	EXPECT_OK(ReadProcessMemory(there, base + 2 * PAGE, &byte, 1, NULL));
	EXPECT_EQ(0, byte);
	release(buffer);
	finish();
}

static void guards_a_page(struct target *self, int step)
{
	if (step == 1)
		has_pages(self, step);
	if (step == 2)
		protect(self->base + 2 * PAGE, PAGE, RW | PAGE_GUARD);
	if (step == 3)
		expect_committed(self->base, self->base, RW, PAGES * PAGE, RW);
}

TEST(G07_guard_page)
{
	char *own = alloc(2 * PAGE, RW), byte = 7;
	SIZE_T done = 1;

	protect(own + PAGE, PAGE, XR | PAGE_GUARD);
	EXPECT_ERROR(ERROR_PARTIAL_COPY,
		     ReadProcessMemory(GetCurrentProcess(), own + PAGE, &byte, 1, &done));
	EXPECT_EQ(0, done);
	EXPECT_EQ(7, byte);
	expect_committed(own + PAGE, own, RW, PAGE, XR);
	EXPECT_OK(ReadProcessMemory(GetCurrentProcess(), own + PAGE, &byte, 1, &done));
	EXPECT_EQ(0, byte);
	release(own);

	target = target_start(guards_a_page);
	base = target->base;
	there = EXPECT_OK(OpenProcess(PROCESS_ALL_ACCESS, FALSE, target->pid));
	target_step(target);
	EXPECT_ERROR(ERROR_PARTIAL_COPY,
		     ReadProcessMemory(there, base + PAGE, &byte, 2 * PAGE, &done));
	EXPECT_EQ(0, done);
	target_step(target);
	finish();
}

TEST(R13_bad_handles)
{
	char byte = 0;
	SIZE_T done = 1;

	EXPECT_ERROR(ERROR_INVALID_HANDLE, ReadProcessMemory(NULL, &byte, &byte, 1, &done));
	EXPECT_EQ(0, done);
	EXPECT_ERROR(ERROR_INVALID_HANDLE, WriteProcessMemory(NULL, &byte, &byte, 1, NULL));
	EXPECT_ERROR(ERROR_INVALID_HANDLE,
		     ReadProcessMemory((HANDLE)0x1234, &byte, &byte, 1, NULL));
	EXPECT_ERROR(ERROR_INVALID_HANDLE,
		     WriteProcessMemory((HANDLE)0x1234, &byte, &byte, 1, NULL));
}

static void only_waits(struct target *self, int step)
{
	static char word[] = "here";

	if (step == 1)
		self->base = word;
}

/* Reading and writing need no winmem there. */
TEST(of_a_process_without_winmem)
{
	char word[5] = "";

	target = target_start(only_waits);
	there = EXPECT_OK(OpenProcess(PROCESS_ALL_ACCESS, FALSE, target->pid));
	EXPECT_OK(ReadProcessMemory(there, target->base, word, 5, NULL));
	EXPECT(!strcmp(word, "here"));
	EXPECT_OK(WriteProcessMemory(there, target->base, "away", 5, NULL));
	EXPECT_OK(ReadProcessMemory(there, target->base, word, 5, NULL));
	EXPECT(!strcmp(word, "away"));
	EXPECT_ERROR(ERROR_NOACCESS, WriteProcessMemory(there, NULL, "x", 1, NULL));
	finish();
}
