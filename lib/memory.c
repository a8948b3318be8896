// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The memory status: what the machine has, from the kernel's public files, and what may
 * be committed, from the module; and the limit that a process sets itself for that.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <linux/winmem.h>
#include <stdlib.h>
#include <string.h>

#include <winmem.h>

#include "device.h"
#include "error.h"
#include "limit.h"
#include "proc.h"
#include "range.h"

#define MEMORY_BLOCKS		"/sys/devices/system/memory"

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t left(uint64_t limit, uint64_t used)
{
	return limit > used ? limit - used : 0;
}

/* Address space that is mapped; what the module has mapped ahead of need counts too. */
static uint64_t virtual_used(void)
{
	char statm[128];

	winmem_proc_read("/proc/self/statm", statm, sizeof(statm));
	return strtoull(statm, NULL, 10) * WINMEM_PAGE_SIZE;
}

static void physical_fill(MEMORYSTATUSEX *status)
{
	char meminfo[4096];

	winmem_proc_read("/proc/meminfo", meminfo, sizeof(meminfo));
	status->ullTotalPhys = winmem_proc_meminfo(meminfo, "MemTotal:");
	status->ullAvailPhys = winmem_proc_meminfo(meminfo, "MemAvailable:");
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
	winmem_proc_read(MEMORY_BLOCKS "/block_size_bytes", size, sizeof(size));
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

/* Commit limit */

static int commit_limit(uint32_t flags, uint64_t bytes, uint64_t *now)
{
	struct winmem_limit args = { .size = sizeof(args), .flags = flags, .limit = bytes };
	int ret;

	ret = winmem_ioctl(WINMEM_IOC_LIMIT, &args);
	if (!ret)
		*now = args.out_limit;
	return ret;
}

WINMEM_API BOOL WINAPI WinmemSetProcessCommitLimit(SIZE_T dwLimit)
{
	uint64_t bytes = dwLimit, now;
	int ret;

	if (bytes != WINMEM_LIMIT_NONE)
		bytes -= bytes % WINMEM_PAGE_SIZE;
	ret = commit_limit(WINMEM_LIMIT_SET, bytes, &now);
	if (!ret)
		winmem_limit_want(bytes);
	return winmem_error_set(ret);
}

WINMEM_API BOOL WINAPI WinmemGetProcessCommitLimit(PSIZE_T lpLimit)
{
	uint64_t now = 0;
	int ret = lpLimit ? commit_limit(0, 0, &now) : EFAULT;

	if (!ret)
		*lpLimit = now;
	return winmem_error_set(ret);
}
