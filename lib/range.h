/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_RANGE_H
#define WINMEM_RANGE_H

#include <stdint.h>

#define WINMEM_PAGE_SIZE	UINT64_C(0x1000)
#define WINMEM_GRANULARITY	UINT64_C(0x10000)
#define WINMEM_LARGE_PAGE	UINT64_C(0x200000)

/* First and last byte that Windows gives to 64-bit programs (row S01). */
#define WINMEM_LOWEST		UINT64_C(0x10000)
#define WINMEM_HIGHEST		UINT64_C(0x7ffffffeffff)

/* Whole pages, in bytes. The end is not part of it and does not overflow. */
struct winmem_range {
	uint64_t start;
	uint64_t length;
};

int winmem_range_check(uint64_t addr, uint64_t size);
int winmem_range_pages(struct winmem_range *range, uint64_t addr, uint64_t size);
int winmem_range_reserve(struct winmem_range *range, uint64_t addr, uint64_t size);
int winmem_range_large(struct winmem_range *range, uint64_t addr, uint64_t size);

#endif /* WINMEM_RANGE_H */
