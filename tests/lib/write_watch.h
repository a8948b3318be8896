/* SPDX-License-Identifier: GPL-2.0-only */
/* Watched memory, and which of its first pages were written, as a bit each. */
#ifndef WINMEM_TESTS_LIB_WRITE_WATCH_H
#define WINMEM_TESTS_LIB_WRITE_WATCH_H

#include "common.h"

#define PAGES		16UL
#define WATCH_FAILED	0xffffffffU

/* These two answer 0 for success. */
#define EXPECT_DONE(call)						\
	do {								\
		call_begin();						\
		UINT done_ = (call);					\
		call_succeeded(HERE, #call, !done_);			\
	} while (0)

/* And all ones, which is not FALSE, for failure. */
#define EXPECT_REFUSED(error, call)					\
	do {								\
		call_begin();						\
		UINT refused_ = (call);					\
		call_failed(HERE, #call, error, refused_ != WATCH_FAILED); \
	} while (0)

#define watched(size, prot)						\
	((char *)EXPECT_OK(VirtualAlloc(NULL, size, RESERVE_COMMIT | MEM_WRITE_WATCH, prot)))

static inline ULONG_PTR watch_get(DWORD flags, void *base, SIZE_T size, PVOID *list,
				  ULONG_PTR count)
{
	DWORD granularity = 0;

	EXPECT_DONE(GetWriteWatch(flags, base, size, list, &count, &granularity));
	EXPECT_EQ(PAGE, granularity);
	return count;
}

static inline unsigned int watch_bits(DWORD flags, char *base)
{
	PVOID list[PAGES];
	ULONG_PTR count = watch_get(flags, base, PAGES * PAGE, list, PAGES);
	unsigned int bits = 0;

	for (ULONG_PTR i = 0; i < count; i++) {
		EXPECT_EQ(0, (uintptr_t)list[i] % PAGE);
		EXPECT(!i || (char *)list[i] > (char *)list[i - 1]);
		bits |= 1U << (((char *)list[i] - base) / PAGE);
	}
	return bits;
}

#define written(base)	watch_bits(0, base)
#define taken(base)	watch_bits(WRITE_WATCH_FLAG_RESET, base)

#endif /* WINMEM_TESTS_LIB_WRITE_WATCH_H */
