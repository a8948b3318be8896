// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * QueryWorkingSetEx: what is known of single pages. A page is in the working set when it
 * is mapped, which /proc/self/pagemap tells; mincore(2) tells of pages in memory, mapped
 * or not. What the page may be used for, whether it is locked, and whether it is a part of a
 * large page, is known to the kernel module.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/winmem.h>
#include <stdbool.h>
#include <unistd.h>

#include <winmem.h>

#include "device.h"
#include "error.h"
#include "process.h"
#include "range.h"

/* Bits of a page in /proc/self/pagemap. */
#define PAGEMAP_PRESENT		(UINT64_C(1) << 63)
#define PAGEMAP_SHARED		(UINT64_C(1) << 61)	/* a file's, or shared memory's */
#define PAGEMAP_EXCLUSIVE	(UINT64_C(1) << 56)	/* nobody else has it mapped */

/* Pages asked of one after the other are mostly alike: the last answer is kept. */
struct resident {
	int pagemap;
	struct winmem_query run;	/* size 0: no answer yet */
	uint64_t locked;		/* bytes of it */
	bool large;			/* it has large pages */
};

/* Bytes of a range that are locked, or large pages'. A range that it does not know is neither. */
static uint64_t look_bytes(uint32_t flags, uint64_t addr, uint64_t length)
{
	struct winmem_lock look = {
		.size = sizeof(look),
		.flags = flags,
		.addr = addr,
		.length = length,
	};

	return winmem_ioctl(WINMEM_IOC_LOCK, &look) ? 0 : look.out_locked;
}

static int resident_open(struct resident *resident)
{
	resident->run.size = 0;
	resident->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (resident->pagemap >= 0)
		return 0;
	/* Who is missing is /proc. */
	return errno == ENOENT ? ENOSYS : errno;
}

/* A run is of one reservation: of large pages, or not. */
static void resident_note(struct resident *resident)
{
	const struct winmem_query *run = &resident->run;

	resident->locked = look_bytes(WINMEM_LOCK_LOOK, run->out_base, run->out_length);
	resident->large = look_bytes(WINMEM_LOCK_LARGE, run->out_base, run->out_length);
}

/* Find out what lies at an address; EINVAL: nothing can. */
static int resident_query(struct resident *resident, uint64_t addr)
{
	struct winmem_query *run = &resident->run;
	int ret;

	if (run->size && addr >= run->out_base && addr - run->out_base < run->out_length)
		return 0;
	*run = (struct winmem_query){ .size = sizeof(*run), .addr = addr };
	ret = winmem_ioctl(WINMEM_IOC_QUERY, run);
	if (ret)
		run->size = 0;
	else
		resident_note(resident);
	return ret;
}

/* Row O21: mostly none of a run is locked, or all of it. */
static bool is_locked(const struct resident *resident, uint64_t addr)
{
	if (!resident->locked || resident->locked == resident->run.out_length)
		return resident->locked;
	return look_bytes(WINMEM_LOCK_LOOK, addr - addr % WINMEM_PAGE_SIZE, WINMEM_PAGE_SIZE);
}

static uint64_t pagemap_get(const struct resident *resident, uint64_t addr)
{
	uint64_t entry = 0;
	off_t offset = addr / WINMEM_PAGE_SIZE * sizeof(entry);

	if (pread(resident->pagemap, &entry, sizeof(entry), offset) != sizeof(entry))
		return 0;
	return entry;
}

/* Others' mappings, which the pages of several processes may be. Linux counts to two. */
static void block_share(PSAPI_WORKING_SET_EX_BLOCK *block, const struct winmem_query *run,
			uint64_t entry)
{
	if (run->out_type == WINMEM_TYPE_PRIVATE || !(entry & PAGEMAP_SHARED))
		return;
	block->Shared = 1;
	block->ShareCount = entry & PAGEMAP_EXCLUSIVE ? 1 : 2;
}

static int resident_look(struct resident *resident, uint64_t addr,
			 PSAPI_WORKING_SET_EX_BLOCK *block)
{
	const struct winmem_query *run = &resident->run;
	uint64_t entry;
	int ret;

	block->Flags = 0;
	ret = resident_query(resident, addr);
	if (ret)
		return ret == EINVAL ? 0 : ret;
	if (run->out_state != WINMEM_STATE_COMMIT)
		return 0;
	entry = pagemap_get(resident, addr);
	block->Locked = is_locked(resident, addr);
	block->LargePage = resident->large;
	/* The kernel may unmap a locked page for a while, and it is in memory all the same. */
	if (!(entry & PAGEMAP_PRESENT) && !block->Locked && !block->LargePage)
		return 0;
	block->Valid = 1;
	block->Win32Protection = run->out_prot;
	block_share(block, run, entry);
	return 0;
}

static int working_set_query(PSAPI_WORKING_SET_EX_INFORMATION *pages, DWORD bytes)
{
	PSAPI_WORKING_SET_EX_BLOCK block;
	struct resident resident;
	int ret;

	/* Rows O19 and O20. */
	if (bytes < sizeof(*pages))
		return EMSGSIZE;
	if (!pages)
		return EFAULT;
	ret = resident_open(&resident);
	if (ret)
		return ret;
	for (DWORD i = 0; i < bytes / sizeof(*pages) && !ret; i++) {
		ret = resident_look(&resident, (uintptr_t)pages[i].VirtualAddress, &block);
		if (!ret)
			pages[i].VirtualAttributes = block;
	}
	close(resident.pagemap);
	return ret;
}

WINMEM_API BOOL WINAPI QueryWorkingSetEx(HANDLE hProcess, PVOID pv, DWORD cb)
{
	int saved = errno, ret;

	ret = winmem_process_check(hProcess);
	if (!ret)
		ret = working_set_query(pv, cb);
	errno = saved;
	return winmem_error_set(ret);
}
