/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Swap on a compressed disk in memory, and memory pressure on a range. Root only; made once
 * for each program and gone with it.
 */
#ifndef WINMEM_TESTS_UAPI_SWAP_H
#define WINMEM_TESTS_UAPI_SWAP_H

#include "common.h"
#include "zram.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

#define SWAP_BYTES	(64UL << 20)

static inline void swap_on(void)
{
	zram_swap_on(SWAP_BYTES);
}

static inline unsigned long swap_used(void)
{
	char line[128];
	unsigned long total = 0, unused = 0;
	FILE *file = fopen("/proc/meminfo", "re");

	EXPECT(file);
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "SwapTotal: %lu", &total);
		sscanf(line, "SwapFree: %lu", &unused);
	}
	fclose(file);
	return (total - unused) / 4;
}

/* A byte for each page: whether it is in memory, mapped or not. */
static inline const unsigned char *in_memory(unsigned long base, unsigned long length)
{
	static unsigned char pages[8192];

	EXPECT(length / PAGE <= sizeof(pages));
	EXPECT_OK(mincore((void *)base, length, pages));
	return pages;
}

static inline unsigned long resident(unsigned long base, unsigned long length)
{
	const unsigned char *pages = in_memory(base, length);
	unsigned long sum = 0;

	for (unsigned long i = 0; i < length / PAGE; i++)
		sum += pages[i] & 1;
	return sum;
}

/*
 * Twice: on some kernels the first call only splits a huge page, and leaves its pages without
 * the page table entries by which it would find them.
 */
static inline void press(unsigned long base, unsigned long length)
{
	for (int i = 0; i < 2; i++) {
		const unsigned char *pages = in_memory(base, length);

		for (unsigned long j = 0; j < length / PAGE; j++) {
			if (pages[j] & 1)
				byte_at(base + j * PAGE);
		}
		EXPECT_OK(madvise((void *)base, length, MADV_PAGEOUT));
	}
}

#endif
