/* SPDX-License-Identifier: GPL-2.0-only */
/* Reservations of large pages, which only root may make, and what Linux shows of them. */
#ifndef WINMEM_TESTS_UAPI_LARGE_H
#define WINMEM_TESTS_UAPI_LARGE_H

#include "huge.h"

#include <fcntl.h>

#define WITH_LARGE	(WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_LARGE)

#define reserve_large(length)	reserve_at(HERE, 0, length, READWRITE, WITH_LARGE)

/* Bytes of a range that are in large pages. */
#define large(addr, length)	lock_at(HERE, addr, length, WINMEM_LOCK_LARGE)

static inline int raw_large(unsigned long addr, unsigned long length)
{
	struct winmem_reserve args = reserve_args(addr, length, READWRITE, WITH_LARGE);

	return ioctl(dev, WINMEM_IOC_RESERVE, &args);
}

/* Bytes that this process keeps others from using. */
static inline unsigned long vm_pinned(void)
{
	return number_of("/proc/self/status", "VmPin:") << 10;
}

/* Bytes of shared memory in the system, winmem's among it. Processors count for themselves. */
static inline unsigned long shmem_bytes(void)
{
	int refresh = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);

	EXPECT_OK(refresh);
	EXPECT_EQ(1, write(refresh, "1", 1));
	close(refresh);
	return number_of("/proc/meminfo", "Shmem:") << 10;
}

/* Touch each block, and see whether one entry maps it. */
static inline bool is_large(unsigned long base, unsigned long length)
{
	unsigned long before = huge_bytes();

	for (unsigned long at = base; at < base + length; at += CHUNK)
		EXPECT(try_write(at + 7 * PAGE, 7));
	return huge_bytes() - before == length;
}

#endif
