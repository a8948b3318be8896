// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DiscardVirtualMemory: MEM_RESET for those who say that they mean it. Each page must be
 * committed and PAGE_READWRITE, which is looked at before anything is done.
 */
#include <errno.h>
#include <linux/winmem.h>

#include <winmem.h>

#include "device.h"
#include "error.h"
#include "range.h"

#define CACHE_BITS	(PAGE_NOCACHE | PAGE_WRITECOMBINE)

/* Rows O05 and O07: pages that hold something, and that the caller may change. */
static int discard_look(uint64_t addr, uint64_t end)
{
	while (addr < end) {
		struct winmem_query query = { .size = sizeof(query), .addr = addr };
		int ret;

		ret = winmem_ioctl(WINMEM_IOC_QUERY, &query);
		if (ret)
			return ret;
		if (query.out_state != WINMEM_STATE_COMMIT)
			return ENXIO;
		if ((query.out_prot & ~CACHE_BITS) != PAGE_READWRITE)
			return EINVAL;
		addr = query.out_base + query.out_length;
	}
	return 0;
}

/* Rows O06 and O08. */
static int discard(uint64_t addr, uint64_t size)
{
	struct winmem_reset args = { .size = sizeof(args), .addr = addr, .length = size };
	int ret;

	if (addr % WINMEM_PAGE_SIZE || size % WINMEM_PAGE_SIZE)
		return EINVAL;
	ret = winmem_range_check(addr, size);
	if (ret)
		return ret;
	ret = discard_look(addr, addr + size);
	if (ret)
		return ret;
	return winmem_ioctl(WINMEM_IOC_RESET, &args);
}

/* The answer is the error; the last error is not touched. */
WINMEM_API DWORD WINAPI DiscardVirtualMemory(PVOID VirtualAddress, SIZE_T Size)
{
	int ret = discard((uintptr_t)VirtualAddress, Size);

	return ret ? winmem_error_from_errno(ret) : ERROR_SUCCESS;
}
