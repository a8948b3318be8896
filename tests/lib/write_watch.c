// SPDX-License-Identifier: GPL-2.0-only
/*
 * GetWriteWatch and ResetWriteWatch: what is reported, and what takes it back. Rows W01 to
 * W17, W25 and G10. The rows about words that are refused are in write_watch_refused.c.
 */
#define _GNU_SOURCE
#include "write_watch.h"

#include <fcntl.h>
#include <sys/uio.h>

TEST(W01_fresh_memory_is_not_written)
{
	char *b = watched(PAGES * PAGE, RW);
	PVOID list[PAGES];
	ULONG_PTR count = PAGES;
	DWORD granularity = UNTOUCHED_ERROR;

	EXPECT_DONE(GetWriteWatch(0, b, PAGES * PAGE, list, &count, &granularity));
	EXPECT_EQ(0, count);
	EXPECT_EQ(PAGE, granularity);
	release(b);
}

TEST(W02_reading_is_not_writing)
{
	char *b = watched(PAGES * PAGE, RW);

	EXPECT(zeroed(b, PAGES * PAGE));
	EXPECT_EQ(0, written(b));
	release(b);
}

TEST(W03_pages_are_told_of_in_order)
{
	char *b = watched(PAGES * PAGE, RW);
	PVOID list[PAGES];

	b[9 * PAGE + 17] = 1;
	b[2 * PAGE + PAGE - 1] = 1;
	EXPECT_EQ(2, watch_get(0, b, PAGES * PAGE, list, PAGES));
	EXPECT_EQ(b + 2 * PAGE, list[0]);
	EXPECT_EQ(b + 9 * PAGE, list[1]);
	release(b);
}

TEST(W04_without_the_flag_nothing_is_reset)
{
	char *b = watched(PAGES * PAGE, RW);

	b[PAGE] = 1;
	EXPECT_EQ(1 << 1, written(b));
	EXPECT_EQ(1 << 1, written(b));
	release(b);
}

TEST(W05_what_was_returned_is_reset_and_no_more)
{
	char *b = watched(PAGES * PAGE, RW);
	PVOID list[PAGES];

	b[PAGE] = 1;
	b[4 * PAGE] = 1;
	list[1] = b;
	EXPECT_EQ(1, watch_get(WRITE_WATCH_FLAG_RESET, b, PAGES * PAGE, list, 1));
	EXPECT_EQ(b + PAGE, list[0]);
	EXPECT_EQ(b, list[1]);
	EXPECT_EQ(1 << 4, written(b));
	b[PAGE] = 2;
	EXPECT_EQ(1 << 1 | 1 << 4, taken(b));
	EXPECT_EQ(0, taken(b));
	EXPECT_EQ(2, b[PAGE]);
	release(b);
}

TEST(W07_a_range_is_rounded_outward)
{
	char *b = watched(PAGES * PAGE, RW);
	PVOID list[PAGES];

	fill(b, PAGES * PAGE, 1);
	EXPECT_EQ(2, watch_get(0, b + 0x1800, 0x1000, list, PAGES));
	EXPECT_EQ(b + PAGE, list[0]);
	EXPECT_EQ(b + 2 * PAGE, list[1]);
	EXPECT_EQ(1, watch_get(0, b + 0x1800, 1, list, PAGES));
	EXPECT_EQ(b + PAGE, list[0]);
	EXPECT_EQ(1, watch_get(WRITE_WATCH_FLAG_RESET, b + 0x1fff, 1, list, PAGES));
	EXPECT_EQ(0xfffd, written(b));
	EXPECT_DONE(ResetWriteWatch(b + 0x3fff, 2));
	EXPECT_EQ(0xffe5, written(b));
	release(b);
}

TEST(W10_a_protection_and_back_keeps_it)
{
	char *b = watched(PAGES * PAGE, RW);

	b[3 * PAGE] = 1;
	protect(b, PAGES * PAGE, RO);
	EXPECT_EQ(1 << 3, written(b));
	EXPECT(!try_write(b + 5 * PAGE));
	protect(b, PAGES * PAGE, RW);
	EXPECT_EQ(1 << 3, written(b));
	release(b);
}

TEST(W10_execute_and_back_keeps_it)
{
	char *b = watched(PAGES * PAGE, RW);

	b[3 * PAGE] = 1;
	protect(b, PAGES * PAGE, XRW);
	EXPECT_EQ(1 << 3, taken(b));
	protect(b, PAGES * PAGE, RW);
	EXPECT_EQ(0, written(b));
	b[4 * PAGE] = 1;
	EXPECT_EQ(1 << 4, written(b));
	release(b);
}

TEST(W11_told_of_when_it_cannot_be_touched)
{
	char *b = watched(PAGES * PAGE, RW);

	b[3 * PAGE] = 1;
	protect(b, PAGES * PAGE, NA);
	EXPECT_EQ(1 << 3, written(b));
	release(b);
}

TEST(W12_decommit_clears)
{
	char *b = watched(PAGES * PAGE, RW);

	b[3 * PAGE] = 1;
	b[4 * PAGE] = 1;
	decommit(b + 3 * PAGE, PAGE);
	EXPECT_EQ(1 << 4, written(b));
	commit(b + 3 * PAGE, PAGE, RW);
	EXPECT_EQ(1 << 4, written(b));
	release(b);
}

TEST(W13_what_protect_has_seen_outlives_decommit)
{
	char *b = watched(PAGES * PAGE, RW);

	b[3 * PAGE] = 1;
	protect(b, PAGES * PAGE, RO);
	protect(b, PAGES * PAGE, RW);
	b[4 * PAGE] = 1;
	decommit(b, PAGES * PAGE);
	EXPECT_EQ(1 << 3, written(b));
	commit(b, PAGES * PAGE, RW);
	EXPECT_EQ(1 << 3, written(b));
	release(b);
}

TEST(W14_reserved_memory_is_not_written)
{
	char *b = EXPECT_OK(VirtualAlloc(NULL, PAGES * PAGE, MEM_RESERVE | MEM_WRITE_WATCH, RW));

	EXPECT_EQ(0, written(b));
	EXPECT_DONE(ResetWriteWatch(b, PAGES * PAGE));
	commit(b + PAGE, PAGE, RW);
	b[PAGE] = 1;
	EXPECT_EQ(1 << 1, written(b));
	release(b);
}

TEST(W15_a_read_from_a_pipe_writes)
{
	char *b = watched(PAGES * PAGE, RW);
	int fds[2];

	EXPECT(!pipe(fds));
	EXPECT_EQ(8, write(fds[1], "01234567", 8));
	EXPECT_EQ(8, read(fds[0], b + 3 * PAGE - 4, 8));
	EXPECT_EQ(1 << 2 | 1 << 3, taken(b));
	/* Out of it is reading. */
	EXPECT_EQ(8, write(fds[1], b + 3 * PAGE - 4, 8));
	EXPECT_EQ(0, written(b));
	close(fds[0]);
	close(fds[1]);
	release(b);
}

/* Windows tells of the whole buffer, even for 0 bytes; here those that were written. */
TEST(W16_a_short_file_writes_what_there_is)
{
	char *b = watched(PAGES * PAGE, RW);
	char name[] = "/tmp/winmem-watch-XXXXXX";
	int fd = mkstemp(name);

	EXPECT(fd >= 0);
	unlink(name);
	EXPECT_EQ(0, read(fd, b, PAGES * PAGE));
	EXPECT_EQ(0, written(b));
	EXPECT(!ftruncate(fd, 2 * PAGE));
	EXPECT_EQ(2 * PAGE, read(fd, b, PAGES * PAGE));
	EXPECT_EQ(1 << 0 | 1 << 1, taken(b));
	EXPECT_EQ(-1L, read(-1, b, PAGES * PAGE));
	EXPECT_EQ(0, written(b));
	close(fd);
	release(b);
}

TEST(W17_another_way_to_write_is_told_of)
{
	char *b = watched(PAGES * PAGE, RW), byte = 1;
	struct iovec from = { &byte, 1 }, to = { b + 6 * PAGE, 1 };

	EXPECT_EQ(1, process_vm_writev(getpid(), &from, 1, &to, 1, 0));
	EXPECT_EQ(1 << 6, written(b));
	release(b);
}

TEST(W23_reset_takes_all_of_its_range)
{
	char *b = watched(PAGES * PAGE, RW);

	fill(b, PAGES * PAGE, 1);
	EXPECT_DONE(ResetWriteWatch(b + 2 * PAGE, 3 * PAGE));
	EXPECT_EQ(0xffe3, written(b));
	EXPECT_DONE(ResetWriteWatch(b, PAGES * PAGE));
	EXPECT_EQ(0, written(b));
	b[PAGE] = 1;
	EXPECT_EQ(1 << 1, written(b));
	EXPECT(filled(b + 2 * PAGE, 3 * PAGE, 1));
	release(b);
}

TEST(W25_nothing_of_it_shows)
{
	char *b = watched(PAGES * PAGE, RW);

	b[PAGE] = 1;
	expect_committed(b, b, RW, PAGES * PAGE, RW);
	release(b);
}

TEST(W26_through_VirtualAlloc2)
{
	char *b = EXPECT_OK(VirtualAlloc2(NULL, NULL, PAGES * PAGE,
					  RESERVE_COMMIT | MEM_WRITE_WATCH, RW, NULL, 0));

	b[PAGE] = 1;
	EXPECT_EQ(1 << 1, written(b));
	release(b);
}

TEST(G10_the_guard_comes_first)
{
	char *b = watched(PAGES * PAGE, RW);

	protect(b + PAGE, 2 * PAGE, RW | PAGE_GUARD);
	EXPECT(!try_write(b + PAGE));
	EXPECT(!try_read(b + 2 * PAGE));
	EXPECT_EQ(0, written(b));
	EXPECT(try_read(b + PAGE));
	EXPECT_EQ(0, written(b));
	EXPECT(try_write(b + PAGE));
	EXPECT(try_write(b + 2 * PAGE));
	EXPECT_EQ(1 << 1 | 1 << 2, written(b));
	release(b);
}

/* The list may lie in the memory that is watched: then it is written too. */
TEST(W03_a_list_in_watched_memory)
{
	char *b = watched(PAGES * PAGE, RW);
	PVOID *list = (PVOID *)(b + 7 * PAGE);

	b[PAGE] = 1;
	EXPECT_EQ(1, watch_get(WRITE_WATCH_FLAG_RESET, b, PAGES * PAGE, list, PAGES));
	EXPECT_EQ(b + PAGE, list[0]);
	EXPECT_EQ(1 << 7, written(b));
	release(b);
}

TEST(W05_thousands_of_pages)
{
	const ULONG_PTR nr = 4096;
	char *b = watched(nr * PAGE, RW);
	PVOID *list = malloc(nr * sizeof(*list));

	for (ULONG_PTR i = 0; i < nr; i += 3)
		b[i * PAGE] = 1;
	EXPECT_EQ((nr + 2) / 3, watch_get(WRITE_WATCH_FLAG_RESET, b, nr * PAGE, list, nr));
	for (ULONG_PTR i = 0; i * 3 < nr; i++)
		EXPECT_EQ(b + i * 3 * PAGE, list[i]);
	EXPECT_EQ(0, watch_get(0, b, nr * PAGE, list, nr));
	free(list);
	release(b);
}
