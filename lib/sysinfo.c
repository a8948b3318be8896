// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * GetSystemInfo and the memory status: what the machine has, from the kernel's public
 * files, and what may be committed, from the module.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/winmem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include <winmem.h>

#include "device.h"
#include "error.h"
#include "range.h"

#define LARGE_PAGE_SIZE		0x200000
#define MEMORY_BLOCKS		"/sys/devices/system/memory"

static void *to_pointer(uint64_t addr)
{
	return (void *)(uintptr_t)addr;
}

/* A small text file as a string; the empty string when there is none. */
static void file_read(const char *path, char *text, size_t size)
{
	ssize_t got = -1;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, text, size - 1);
		close(fd);
	}
	text[got > 0 ? got : 0] = '\0';
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
	return LARGE_PAGE_SIZE;
}

/* Memory */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t left(uint64_t limit, uint64_t used)
{
	return limit > used ? limit - used : 0;
}

/* A line of /proc/meminfo, in bytes. */
static uint64_t meminfo_get(const char *meminfo, const char *name)
{
	const char *line = strstr(meminfo, name);

	return line ? strtoull(line + strlen(name), NULL, 10) * 1024 : 0;
}

/* Address space that is mapped; what the module has mapped ahead of need counts too. */
static uint64_t virtual_used(void)
{
	char statm[128];

	file_read("/proc/self/statm", statm, sizeof(statm));
	return strtoull(statm, NULL, 10) * WINMEM_PAGE_SIZE;
}

static void physical_fill(MEMORYSTATUSEX *status)
{
	char meminfo[4096];

	file_read("/proc/meminfo", meminfo, sizeof(meminfo));
	status->ullTotalPhys = meminfo_get(meminfo, "MemTotal:");
	status->ullAvailPhys = meminfo_get(meminfo, "MemAvailable:");
	if (status->ullTotalPhys >= 100)
		status->dwMemoryLoad = left(status->ullTotalPhys, status->ullAvailPhys) /
				       (status->ullTotalPhys / 100);
}

/*
 * Row S03. What Windows calls the page file here is what may be committed: by all
 * processes, or by this one, whichever is less.
 */
static int status_fill(MEMORYSTATUSEX *status)
{
	struct winmem_limit limit = { .size = sizeof(limit) };
	int ret;

	ret = winmem_ioctl(WINMEM_IOC_LIMIT, &limit);
	if (ret)
		return ret;

	physical_fill(status);
	status->ullTotalPageFile = min_u64(limit.out_total_limit, limit.out_limit);
	status->ullAvailPageFile = min_u64(left(limit.out_total_limit, limit.out_total_charge),
					   left(limit.out_limit, limit.out_charge));
	status->ullTotalVirtual = WINMEM_HIGHEST - WINMEM_LOWEST + 1;
	status->ullAvailVirtual = left(status->ullTotalVirtual, virtual_used());
	status->ullAvailExtendedVirtual = 0;
	return 0;
}

WINMEM_API BOOL WINAPI GlobalMemoryStatusEx(LPMEMORYSTATUSEX lpBuffer)
{
	MEMORYSTATUSEX status = { .dwLength = sizeof(status) };
	int saved = errno, ret;

	if (!lpBuffer)
		return winmem_error_set(EFAULT);
	if (lpBuffer->dwLength != sizeof(status))
		return winmem_error_set(EINVAL);
	ret = status_fill(&status);
	if (!ret)
		*lpBuffer = status;
	errno = saved;
	return winmem_error_set(ret);
}

/* Cannot fail (row S04): without the module it knows of no memory at all. */
WINMEM_API void WINAPI GlobalMemoryStatus(LPMEMORYSTATUS lpBuffer)
{
	MEMORYSTATUSEX status = { .dwLength = sizeof(status) };
	int saved = errno;

	status_fill(&status);
	errno = saved;
	*lpBuffer = (MEMORYSTATUS){
		.dwLength = sizeof(*lpBuffer),
		.dwMemoryLoad = status.dwMemoryLoad,
		.dwTotalPhys = status.ullTotalPhys,
		.dwAvailPhys = status.ullAvailPhys,
		.dwTotalPageFile = status.ullTotalPageFile,
		.dwAvailPageFile = status.ullAvailPageFile,
		.dwTotalVirtual = status.ullTotalVirtual,
		.dwAvailVirtual = status.ullAvailVirtual,
	};
}

static unsigned int memory_blocks(void)
{
	unsigned int count = 0;
	struct dirent *entry;
	DIR *dir;

	dir = opendir(MEMORY_BLOCKS);
	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "memory", 6) && isdigit(entry->d_name[6]))
			count++;
	}
	closedir(dir);
	return count;
}

/*
 * What the machine has, the kernel's own share included: Linux shows it in blocks. The
 * firmware's tables, which Windows reads, are for root only.
 */
static uint64_t memory_installed(void)
{
	uint64_t blocks = memory_blocks();
	MEMORYSTATUSEX status = {};
	char size[32];

	physical_fill(&status);
	file_read(MEMORY_BLOCKS "/block_size_bytes", size, sizeof(size));
	blocks *= strtoull(size, NULL, 16);
	return blocks > status.ullTotalPhys ? blocks : status.ullTotalPhys;
}

WINMEM_API BOOL WINAPI GetPhysicallyInstalledSystemMemory(PULONGLONG TotalMemoryInKilobytes)
{
	int saved = errno;

	if (!TotalMemoryInKilobytes)
		return winmem_error_set(EINVAL);
	*TotalMemoryInKilobytes = memory_installed() / 1024;
	errno = saved;
	return TRUE;
}
