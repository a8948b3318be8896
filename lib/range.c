// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rounding, the Win32 way. The kernel is strict and takes whole pages only; programs
 * give any byte. Pure.
 *
 *	pages:	  the first page with a byte of the range to the last one
 *	reserve:  the same end, but the start goes down to 64 KiB, and NULL stays NULL
 *	large:	  the same length, and the start goes down to 2 MiB
 */
#include <errno.h>

#include "range.h"

static uint64_t page_down(uint64_t addr)
{
	return addr & ~(WINMEM_PAGE_SIZE - 1);
}

/**
 * winmem_range_check() - whether a range lies in what Windows gives to programs
 * @addr: first byte
 * @size: bytes
 *
 * Context: any.
 * Return: 0; EINVAL: it is empty or reaches beyond the last byte (VA01, VA02, VA17).
 */
int winmem_range_check(uint64_t addr, uint64_t size)
{
	if (!size || addr > WINMEM_HIGHEST || size - 1 > WINMEM_HIGHEST - addr)
		return EINVAL;
	return 0;
}

/**
 * winmem_range_pages() - the pages that have a byte in a range (VA20, VP07)
 * @range: set
 * @addr: first byte
 * @size: bytes
 *
 * Context: any.
 * Return: 0; EINVAL: it is empty, or runs past the last address there is.
 */
int winmem_range_pages(struct winmem_range *range, uint64_t addr, uint64_t size)
{
	uint64_t end;

	if (!size || __builtin_add_overflow(addr, size, &end) ||
	    __builtin_add_overflow(end, WINMEM_PAGE_SIZE - 1, &end))
		return EINVAL;
	range->start = page_down(addr);
	range->length = page_down(end) - range->start;
	return 0;
}

/**
 * winmem_range_reserve() - what a reservation covers (VA05, VA11 to VA16)
 * @range: set; start 0: the kernel chooses
 * @addr: address asked for, or 0
 * @size: bytes
 *
 * Context: any.
 * Return: 0; EINVAL: see winmem_range_check(); or @addr lies below 64 KiB, and that it
 * rounds down to zero does not make it a request to choose.
 */
int winmem_range_reserve(struct winmem_range *range, uint64_t addr, uint64_t size)
{
	int ret;

	ret = winmem_range_check(addr, size);
	if (ret)
		return ret;
	if (addr && addr < WINMEM_LOWEST)
		return EINVAL;
	ret = winmem_range_pages(range, addr, size);
	if (ret)
		return ret;
	range->length += range->start % WINMEM_GRANULARITY;
	range->start -= range->start % WINMEM_GRANULARITY;
	return 0;
}

/**
 * winmem_range_large() - what a reservation of large pages covers
 * @range: set; start 0: the kernel chooses
 * @addr: address asked for, or 0
 * @size: bytes, a multiple of WINMEM_LARGE_PAGE
 *
 * Context: any.
 * Return: 0; EINVAL: as winmem_range_reserve().
 */
int winmem_range_large(struct winmem_range *range, uint64_t addr, uint64_t size)
{
	int ret;

	ret = winmem_range_check(addr, size);
	if (ret)
		return ret;
	if (addr && addr < WINMEM_LARGE_PAGE)
		return EINVAL;
	range->start = addr - addr % WINMEM_LARGE_PAGE;
	range->length = size;
	return 0;
}
