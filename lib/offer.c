// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * OfferVirtualMemory and ReclaimVirtualMemory: pages that nobody touches till they are
 * taken back, and that the kernel may drop meanwhile.
 */
#include <errno.h>
#include <linux/winmem.h>

#include <winmem.h>

#include "device.h"
#include "error.h"
#include "range.h"

/* Row O02: whole pages. */
static int offer_call(uint64_t addr, uint64_t size, uint32_t flags)
{
	struct winmem_offer args = {
		.size = sizeof(args),
		.flags = flags,
		.addr = addr,
		.length = size,
	};
	int ret;

	if (addr % WINMEM_PAGE_SIZE || size % WINMEM_PAGE_SIZE)
		return EINVAL;
	ret = winmem_range_check(addr, size);
	return ret ? ret : winmem_ioctl(WINMEM_IOC_OFFER, &args);
}

/* Linux has one queue for all: the priority is looked at, and no more. */
static int offer(uint64_t addr, uint64_t size, OFFER_PRIORITY priority)
{
	if (priority < VmOfferPriorityVeryLow || priority > VmOfferPriorityNormal)
		return EINVAL;
	return offer_call(addr, size, 0);
}

/* The answer is the error; the last error is not touched. */
WINMEM_API DWORD WINAPI OfferVirtualMemory(PVOID VirtualAddress, SIZE_T Size,
					   OFFER_PRIORITY Priority)
{
	int ret = offer((uintptr_t)VirtualAddress, Size, Priority);

	return ret ? winmem_error_from_errno(ret) : ERROR_SUCCESS;
}

/* Rows O03 and O04. */
WINMEM_API DWORD WINAPI ReclaimVirtualMemory(void const *VirtualAddress, SIZE_T Size)
{
	int ret = offer_call((uintptr_t)VirtualAddress, Size, WINMEM_OFFER_UNDO);

	return ret ? winmem_error_from_errno(ret) : ERROR_SUCCESS;
}
