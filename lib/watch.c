// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * GetWriteWatch and ResetWriteWatch: which pages of a reservation made with
 * MEM_WRITE_WATCH were written. The kernel does the watching; here ranges are rounded
 * and words checked, in Windows' order (rows W18 to W23).
 */
#include <errno.h>
#include <linux/winmem.h>

#include <winmem.h>

#include "device.h"
#include "error.h"
#include "range.h"

#define WATCH_FAILED	(~(UINT)0)

/* The kernel stores its addresses right into the program's list. */
_Static_assert(sizeof(PVOID) == sizeof(__u64), "addresses of 64 bits");

/* A range that no reservation can have is not watched: the kernel is not asked. */
static int watch_ioctl(struct winmem_watch *args, const void *base, SIZE_T size)
{
	struct winmem_range range;
	int ret;

	ret = winmem_range_check((uintptr_t)base, size);
	if (ret)
		return ret;
	ret = winmem_range_pages(&range, (uintptr_t)base, size);
	if (ret)
		return ret;
	args->size = sizeof(*args);
	args->addr = range.start;
	args->length = range.length;
	return winmem_ioctl(WINMEM_IOC_WATCH, args);
}

static int watch_get(DWORD flags, const void *base, SIZE_T size, PVOID *addresses,
		     ULONG_PTR *count, DWORD *granularity)
{
	struct winmem_watch args = { .addrs = (uintptr_t)addresses };
	int ret;

	if (!count || !granularity)
		return EFAULT;
	if (!*count || !size || flags & ~WRITE_WATCH_FLAG_RESET)
		return EINVAL;
	if (!addresses)
		return EFAULT;

	args.count = *count;
	if (flags & WRITE_WATCH_FLAG_RESET)
		args.flags = WINMEM_WATCH_RESET;
	ret = watch_ioctl(&args, base, size);
	if (ret)
		return ret;
	*count = args.out_count;
	*granularity = WINMEM_PAGE_SIZE;
	return 0;
}

WINMEM_API UINT WINAPI GetWriteWatch(DWORD dwFlags, PVOID lpBaseAddress, SIZE_T dwRegionSize,
				     PVOID *lpAddresses, PULONG_PTR lpdwCount,
				     LPDWORD lpdwGranularity)
{
	int ret = watch_get(dwFlags, lpBaseAddress, dwRegionSize, lpAddresses, lpdwCount,
			    lpdwGranularity);

	return winmem_error_set(ret) ? 0 : WATCH_FAILED;
}

WINMEM_API UINT WINAPI ResetWriteWatch(LPVOID lpBaseAddress, SIZE_T dwRegionSize)
{
	struct winmem_watch args = { .flags = WINMEM_WATCH_RESET };

	return winmem_error_set(watch_ioctl(&args, lpBaseAddress, dwRegionSize)) ?
	       0 : WATCH_FAILED;
}
