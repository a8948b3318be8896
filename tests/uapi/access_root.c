// SPDX-License-Identifier: GPL-2.0-only
/*
 * O_DIRECT: the device reads from and writes to the program's pages. A block device of
 * our own is needed for that, and zram is one that every kernel has.
 */
#define _GNU_SOURCE
#include "common.h"
#include "zram.h"

#include <fcntl.h>

static int disk_open(void)
{
	int fd = open(zram_make(16 << 20), O_RDWR | O_DIRECT | O_CLOEXEC);

	EXPECT_OK(fd);
	return fd;
}

static const struct { unsigned int prot; bool read, write; } kinds[] = {
	{ NOACCESS, false, false }, { READONLY, true, false }, { READWRITE, true, true },
	{ EXECUTE, true, false }, { EXECUTE_READ, true, false }, { EXECUTE_RW, true, true },
};

TEST(sec11_O_DIRECT_into_pages_of_each_protection)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	int fd = disk_open();

	memset((void *)base, 0x5a, PAGE);
	EXPECT_EQ(PAGE, pwrite(fd, (void *)base, PAGE, 0));
	for (unsigned int i = 0; i < ARRAY_LEN(kinds); i++) {
		ssize_t done;

		protect(base, PAGE, READWRITE);
		fill(base, PAGE, i);
		protect(base, PAGE, kinds[i].prot);
		done = pread(fd, (void *)base, PAGE, 0);
		if (kinds[i].write)
			EXPECT_EQ(PAGE, done);
		else
			EXPECT(done == -1 && errno == EFAULT);
		protect(base, PAGE, READWRITE);
		if (kinds[i].write)
			EXPECT_EQ(0x5a, byte_at(base + PAGE - 1));
		else
			EXPECT(filled(base, PAGE, i));
	}
	close(fd);
}

TEST(sec11_O_DIRECT_from_pages_of_each_protection)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	int fd = disk_open();

	for (unsigned int i = 0; i < ARRAY_LEN(kinds); i++) {
		ssize_t done;

		protect(base, PAGE, READWRITE);
		memset((void *)base, 0x60 + i, PAGE);
		protect(base, PAGE, kinds[i].prot);
		done = pwrite(fd, (void *)base, PAGE, PAGE);
		if (!kinds[i].read) {
			EXPECT(done == -1 && errno == EFAULT);
			continue;
		}
		EXPECT_EQ(PAGE, done);
		EXPECT_EQ(PAGE, pread(fd, (void *)(base + PAGE), PAGE, PAGE));
		EXPECT_EQ(0x60 + i, byte_at(base + 2 * PAGE - 1));
	}
	close(fd);
}

TEST(sec11_O_DIRECT_of_reserved_and_of_guard_pages)
{
	unsigned long base = reserve(GRAN);
	int fd = disk_open();

	EXPECT_ERRNO(EFAULT, pread(fd, (void *)base, PAGE, 0));
	EXPECT_ERRNO(EFAULT, pwrite(fd, (void *)base, PAGE, 0));
	EXPECT_RESERVED(base, GRAN);
	commit(base, PAGE, READWRITE | GUARD);
	EXPECT_ERRNO(EFAULT, pwrite(fd, (void *)base, PAGE, 0));
	EXPECT_COMMITTED(base, PAGE, READWRITE);
	EXPECT_EQ(PAGE, pwrite(fd, (void *)base, PAGE, 0));
	close(fd);
}

TEST(sec11_O_DIRECT_of_a_large_range_never_touched_before)
{
	unsigned long base = reserve_commit(2 * CHUNK, READWRITE);
	unsigned long copy = reserve_commit(2 * CHUNK, READWRITE);
	int fd = disk_open();

	EXPECT_EQ(CHUNK, pwrite(fd, (void *)base, CHUNK, 0));
	fill(base, CHUNK, 1);
	EXPECT_EQ(CHUNK, pread(fd, (void *)(base + CHUNK), CHUNK, 0));
	EXPECT(zeroed(base + CHUNK, CHUNK));
	EXPECT_EQ(CHUNK, pwrite(fd, (void *)base, CHUNK, 0));
	EXPECT_EQ(CHUNK, pread(fd, (void *)copy, CHUNK, 0));
	EXPECT(!memcmp((void *)base, (void *)copy, CHUNK));
	close(fd);
}

TEST(W15_direct_io_into_a_watched_page_is_a_write)
{
	unsigned long base = reserve_at(HERE, 0, GRAN, READWRITE,
					WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_WATCH);
	__u64 written[16];
	struct winmem_watch args = watch_args(base, GRAN, WINMEM_WATCH_RESET, written, 16);
	int fd = disk_open();

	fill(base, GRAN, 1);
	EXPECT_OK(ioctl(dev, WINMEM_IOC_WATCH, &args));
	EXPECT_EQ(16, args.out_count);
	/* Out of it is reading. */
	EXPECT_EQ(PAGE, pwrite(fd, (void *)base, PAGE, 0));
	EXPECT_OK(ioctl(dev, WINMEM_IOC_WATCH, &args));
	EXPECT_EQ(0, args.out_count);
	EXPECT_EQ(PAGE, pread(fd, (void *)(base + 7 * PAGE), PAGE, 0));
	EXPECT_OK(ioctl(dev, WINMEM_IOC_WATCH, &args));
	EXPECT_EQ(1, args.out_count);
	EXPECT_EQ(base + 7 * PAGE, written[0]);
	close(fd);
}
