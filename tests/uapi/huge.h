/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A large reservation whose blocks have huge pages, and what Linux shows of them. A kernel
 * that has no huge page to give maps small ones: then HUGE_OR_SKIP() skips.
 */
#ifndef WINMEM_TESTS_UAPI_HUGE_H
#define WINMEM_TESTS_UAPI_HUGE_H

#include "keep.h"

#include <sys/utsname.h>

#define BLOCKS	8UL
#define LARGE	(BLOCKS * CHUNK)

/* Bytes of this process that one entry of 2 MiB maps. */
static inline unsigned long huge_bytes(void)
{
	return number_of("/proc/self/smaps_rollup", "ShmemPmdMapped:") << 10;
}

static inline unsigned long resident_bytes(void)
{
	return number_of("/proc/self/smaps_rollup", "Rss:") << 10;
}

/* Filled in order: its first block is of small pages, the others are huge. */
static inline unsigned long large_filled(unsigned int seed)
{
	unsigned long base = reserve_commit(LARGE, READWRITE);

	fill(base, LARGE, seed);
	return base;
}

/* Let a child inherit it, on kernels that do: newer ones refuse, for it cannot grow. */
static inline void inherit(unsigned long base, unsigned long length)
{
	if (madvise((void *)base, length, MADV_DOFORK))
		EXPECT_EQ(EINVAL, errno);
}

/* From 6.18 on a large folio is mapped as a whole: there only large pages are huge. */
static inline void need_huge_blocks(void)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	EXPECT_OK(uname(&name));
	EXPECT_EQ(2, sscanf(name.release, "%u.%u", &major, &minor));
	if (major * 1000 + minor >= 6018)
		skip_because("Linux %u.%u maps large folios as a whole", major, minor);
}

#define HUGE_OR_SKIP(bytes)						\
	do {								\
		if (huge_bytes() != (bytes))				\
			skip_because("%lu of %lu bytes have huge pages", \
				     huge_bytes(), (unsigned long)(bytes)); \
	} while (0)

#endif
