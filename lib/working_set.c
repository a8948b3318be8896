// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The working set's size: two numbers that Windows keeps for each process. Here they are
 * kept and told, and no more: what stays in memory is for Linux, and its cgroups, to
 * decide. Only the request to empty the working set does something.
 *
 * A child made by fork has its parent's numbers. Windows' order of checks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>

#include <winmem.h>

#include "error.h"
#include "process.h"
#include "range.h"
#include "working_set.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

#define PAGES(nr)	((nr) * WINMEM_PAGE_SIZE)

/* Windows refuses a maximum below the one, and raises a minimum to the other. */
#define MAXIMUM_LEAST	PAGES(13)
#define MINIMUM_LEAST	PAGES(20)

#define MIN_FLAGS	(QUOTA_LIMITS_HARDWS_MIN_ENABLE | QUOTA_LIMITS_HARDWS_MIN_DISABLE)
#define MAX_FLAGS	(QUOTA_LIMITS_HARDWS_MAX_ENABLE | QUOTA_LIMITS_HARDWS_MAX_DISABLE)

/* Row L09: what a process begins with. */
static struct winmem_working_set working_set = {
	.minimum = PAGES(50),
	.maximum = PAGES(345),
	.flags = QUOTA_LIMITS_HARDWS_MIN_DISABLE | QUOTA_LIMITS_HARDWS_MAX_DISABLE,
};
static pthread_mutex_t working_set_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t working_set_once = PTHREAD_ONCE_INIT;

static void working_set_before_fork(void)
{
	pthread_mutex_lock(&working_set_lock);
}

static void working_set_after_fork(void)
{
	pthread_mutex_unlock(&working_set_lock);
}

static void working_set_watch_fork(void)
{
	pthread_atfork(working_set_before_fork, working_set_after_fork, working_set_after_fork);
}

static void working_set_take_lock(void)
{
	pthread_once(&working_set_once, working_set_watch_fork);
	pthread_mutex_lock(&working_set_lock);
}

/**
 * winmem_working_set_get() - the numbers as they are now
 * @now: set
 *
 * Context: any thread.
 */
void winmem_working_set_get(struct winmem_working_set *now)
{
	working_set_take_lock();
	*now = working_set;
	pthread_mutex_unlock(&working_set_lock);
}

/* Row L11. Mappings that may not be paged out, and holes, are none of our business. */
static int working_set_empty(void)
{
	uint64_t start, end;
	char line[512];
	FILE *maps;

	maps = fopen("/proc/self/maps", "re");
	if (!maps)
		return errno == ENOMEM || errno == EMFILE || errno == ENFILE ? errno : ENOSYS;
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) == 2)
			madvise((void *)(uintptr_t)start, end - start, MADV_PAGEOUT);
	}
	fclose(maps);
	return 0;
}

/* One of two bits says yes, the other no; neither: as it was. */
static DWORD flags_merge(DWORD old, DWORD new, DWORD mask)
{
	return new & mask ? new & mask : old & mask;
}

static int working_set_change(SIZE_T minimum, SIZE_T maximum, DWORD flags)
{
	minimum -= minimum % WINMEM_PAGE_SIZE;
	maximum -= maximum % WINMEM_PAGE_SIZE;
	if (minimum > maximum || maximum < MAXIMUM_LEAST)
		return EINVAL;
	if (minimum < MINIMUM_LEAST)
		minimum = MINIMUM_LEAST;
	if (maximum < minimum)
		maximum = minimum;

	working_set_take_lock();
	working_set.minimum = minimum;
	working_set.maximum = maximum;
	working_set.flags = flags_merge(working_set.flags, flags, MIN_FLAGS) |
			    flags_merge(working_set.flags, flags, MAX_FLAGS);
	pthread_mutex_unlock(&working_set_lock);
	return 0;
}

static int working_set_set(SIZE_T minimum, SIZE_T maximum, DWORD flags)
{
	if (flags & ~(MIN_FLAGS | MAX_FLAGS) || (flags & MIN_FLAGS) == MIN_FLAGS ||
	    (flags & MAX_FLAGS) == MAX_FLAGS)
		return EINVAL;
	if (!minimum || !maximum)
		return EINVAL;
	if (minimum == (SIZE_T)-1 && maximum == (SIZE_T)-1)
		return working_set_empty();
	return working_set_change(minimum, maximum, flags);
}

WINMEM_API BOOL WINAPI SetProcessWorkingSetSizeEx(HANDLE hProcess,
						  SIZE_T dwMinimumWorkingSetSize,
						  SIZE_T dwMaximumWorkingSetSize, DWORD Flags)
{
	int saved = errno, ret;

	ret = winmem_process_check(hProcess);
	if (!ret)
		ret = working_set_set(dwMinimumWorkingSetSize, dwMaximumWorkingSetSize, Flags);
	errno = saved;
	return winmem_error_set(ret);
}

WINMEM_API BOOL WINAPI SetProcessWorkingSetSize(HANDLE hProcess, SIZE_T dwMinimumWorkingSetSize,
						SIZE_T dwMaximumWorkingSetSize)
{
	return SetProcessWorkingSetSizeEx(hProcess, dwMinimumWorkingSetSize,
					  dwMaximumWorkingSetSize, 0);
}

WINMEM_API BOOL WINAPI GetProcessWorkingSetSizeEx(HANDLE hProcess,
						  PSIZE_T lpMinimumWorkingSetSize,
						  PSIZE_T lpMaximumWorkingSetSize,
						  PDWORD Flags)
{
	struct winmem_working_set now;
	int ret;

	ret = winmem_process_check(hProcess);
	if (!ret && (!lpMinimumWorkingSetSize || !lpMaximumWorkingSetSize || !Flags))
		ret = EFAULT;
	if (ret)
		return winmem_error_set(ret);
	winmem_working_set_get(&now);
	*lpMinimumWorkingSetSize = now.minimum;
	*lpMaximumWorkingSetSize = now.maximum;
	*Flags = now.flags;
	return TRUE;
}

WINMEM_API BOOL WINAPI GetProcessWorkingSetSize(HANDLE hProcess,
						PSIZE_T lpMinimumWorkingSetSize,
						PSIZE_T lpMaximumWorkingSetSize)
{
	DWORD flags;

	return GetProcessWorkingSetSizeEx(hProcess, lpMinimumWorkingSetSize,
					  lpMaximumWorkingSetSize, &flags);
}
