// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * PrefetchVirtualMemory: bring pages in from swap, or from the file that is mapped. On
 * Windows they come to memory and not yet to the working set; so does MADV_WILLNEED,
 * which maps nothing, and so takes no guard away and writes nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include <winmem.h>

#include "error.h"
#include "process.h"
#include "range.h"

/* Row O13: whatever lies there, or does not. */
static void prefetch_range(const WIN32_MEMORY_RANGE_ENTRY *entry)
{
	struct winmem_range range;

	if (winmem_range_pages(&range, (uintptr_t)entry->VirtualAddress, entry->NumberOfBytes))
		return;
	/* It passes over holes. */
	madvise((void *)(uintptr_t)range.start, range.length, MADV_WILLNEED);
}

static int prefetch(ULONG_PTR nr, const WIN32_MEMORY_RANGE_ENTRY *entries, ULONG flags)
{
	if (!nr || flags)
		return EINVAL;
	if (!entries)
		return EFAULT;
	for (ULONG_PTR i = 0; i < nr; i++) {
		if (!entries[i].NumberOfBytes)
			return EINVAL;
	}
	for (ULONG_PTR i = 0; i < nr; i++)
		prefetch_range(&entries[i]);
	return 0;
}

WINMEM_API BOOL WINAPI PrefetchVirtualMemory(HANDLE hProcess, ULONG_PTR NumberOfEntries,
					     PWIN32_MEMORY_RANGE_ENTRY VirtualAddresses,
					     ULONG Flags)
{
	int saved = errno, ret;

	ret = winmem_process_check(hProcess);
	if (!ret)
		ret = prefetch(NumberOfEntries, VirtualAddresses, Flags);
	errno = saved;
	return winmem_error_set(ret);
}
