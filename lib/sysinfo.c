// SPDX-License-Identifier: LGPL-2.1-or-later
/* GetSystemInfo: the processors, and what is the same everywhere. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include <winmem.h>

#include "range.h"

static void *to_pointer(uint64_t addr)
{
	return (void *)(uintptr_t)addr;
}

/* Processors */

#ifdef __x86_64__
static void processor_fill(SYSTEM_INFO *info)
{
	unsigned int eax = 0, ebx, ecx, edx, family, model;

	__get_cpuid(1, &eax, &ebx, &ecx, &edx);
	family = eax >> 8 & 0xf;
	model = eax >> 4 & 0xf;
	if (family == 6 || family == 15)
		model |= eax >> 12 & 0xf0;
	if (family == 15)
		family += eax >> 20 & 0xff;

	info->wProcessorArchitecture = PROCESSOR_ARCHITECTURE_AMD64;
	info->dwProcessorType = PROCESSOR_AMD_X8664;
	info->wProcessorLevel = family;
	info->wProcessorRevision = model << 8 | (eax & 0xf);
}
#else
static void processor_fill(SYSTEM_INFO *info)
{
#ifdef __aarch64__
	info->wProcessorArchitecture = PROCESSOR_ARCHITECTURE_ARM64;
#else
	info->wProcessorArchitecture = PROCESSOR_ARCHITECTURE_UNKNOWN;
#endif
}
#endif

/* A mask has 64 bits, and Windows counts no further in one group of processors. */
static unsigned int processor_count(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	if (count < 1)
		return 1;
	return count < 64 ? count : 64;
}

WINMEM_API void WINAPI GetSystemInfo(LPSYSTEM_INFO lpSystemInfo)
{
	int saved = errno;

	memset(lpSystemInfo, 0, sizeof(*lpSystemInfo));
	processor_fill(lpSystemInfo);
	lpSystemInfo->dwPageSize = WINMEM_PAGE_SIZE;
	lpSystemInfo->lpMinimumApplicationAddress = to_pointer(WINMEM_LOWEST);
	lpSystemInfo->lpMaximumApplicationAddress = to_pointer(WINMEM_HIGHEST);
	lpSystemInfo->dwNumberOfProcessors = processor_count();
	lpSystemInfo->dwActiveProcessorMask = ~(DWORD_PTR)0 >>
					      (64 - lpSystemInfo->dwNumberOfProcessors);
	lpSystemInfo->dwAllocationGranularity = WINMEM_GRANULARITY;
	errno = saved;
}

/* They differ only for 32-bit programs on 64-bit Windows. */
WINMEM_API void WINAPI GetNativeSystemInfo(LPSYSTEM_INFO lpSystemInfo)
{
	GetSystemInfo(lpSystemInfo);
}

WINMEM_API SIZE_T WINAPI GetLargePageMinimum(void)
{
	return WINMEM_LARGE_PAGE;
}
