// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which exception a signal is: a refused access, one that took a guard away, one to a page
 * that could not be brought in. The processor's error code tells what was tried, and only
 * the kernel module knows of the guard.
 */
#define _GNU_SOURCE
#include <linux/winmem.h>
#include <stdbool.h>

#include "context.h"
#include "device.h"
#include "record.h"

/* Where Windows says that an address was none at all. */
#define NO_ADDRESS	(~(ULONG_PTR)0)

static bool guard_was_hit(ULONG_PTR addr)
{
	struct winmem_guard guard = { .size = sizeof(guard), .addr = addr };

	return winmem_device_is_open() && !winmem_ioctl(WINMEM_IOC_GUARD, &guard) &&
	       guard.out_hit;
}

static void record_violation(EXCEPTION_RECORD *record)
{
	ULONG_PTR addr = record->ExceptionInformation[1];

	record->ExceptionCode = EXCEPTION_ACCESS_VIOLATION;
	if (addr != NO_ADDRESS && guard_was_hit(addr))
		record->ExceptionCode = STATUS_GUARD_PAGE_VIOLATION;
}

/* Nothing to bring in: a file that ends before, a broken page, or no memory. */
static DWORD in_page_status(ULONG_PTR addr, const siginfo_t *info)
{
	struct winmem_query query = { .size = sizeof(query), .addr = addr };

	if (info->si_code == BUS_MCEERR_AR || info->si_code == BUS_MCEERR_AO)
		return STATUS_DEVICE_DATA_ERROR;
	if (winmem_device_is_open() && !winmem_ioctl(WINMEM_IOC_QUERY, &query) &&
	    query.out_type == WINMEM_TYPE_PRIVATE)
		return STATUS_NO_MEMORY;
	return STATUS_END_OF_FILE;
}

static void record_in_page(EXCEPTION_RECORD *record, const siginfo_t *info)
{
	if (info->si_code == BUS_ADRALN) {
		record->ExceptionCode = EXCEPTION_DATATYPE_MISALIGNMENT;
		record->NumberParameters = 0;
		return;
	}
	record->ExceptionCode = EXCEPTION_IN_PAGE_ERROR;
	record->NumberParameters = 3;
	record->ExceptionInformation[2] = in_page_status((ULONG_PTR)info->si_addr, info);
}

void winmem_record_fill(EXCEPTION_RECORD *record, const siginfo_t *info, const ucontext_t *uc)
{
	struct winmem_access access = winmem_context_access(uc);

	*record = (EXCEPTION_RECORD){
		.ExceptionAddress = access.rip,
		.NumberParameters = 2,
		.ExceptionInformation = {
			access.kind,
			access.has_addr ? (ULONG_PTR)info->si_addr : NO_ADDRESS,
		},
	};
	if (info->si_signo == SIGBUS)
		record_in_page(record, info);
	else
		record_violation(record);
}
