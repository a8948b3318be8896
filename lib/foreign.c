// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * VirtualProtect on memory that is not winmem's: program files, libraries, stacks,
 * whatever else the process has mapped. The kernel module says what lies there and
 * changes nothing; mprotect(2) does, in the same steps as on Windows: the whole range
 * is looked at first, and the old protection is what the first page had.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/winmem.h>
#include <stdbool.h>
#include <stdio.h>

#include "device.h"
#include "foreign.h"
#include "prot.h"
#include "sys.h"

static int foreign_query(struct winmem_query *query, uint64_t addr)
{
	*query = (struct winmem_query){ .size = sizeof(*query), .addr = addr };
	return winmem_ioctl(WINMEM_IOC_QUERY, query);
}

/* One allocation from start to end, all of it committed; @first is what begins it. */
static int foreign_look(const struct winmem_range *range, struct winmem_query *first)
{
	uint64_t addr = range->start, end = range->start + range->length;
	struct winmem_query next;
	int ret;

	ret = foreign_query(first, addr);
	if (ret)
		return ret;
	for (next = *first; next.out_state == WINMEM_STATE_COMMIT &&
	     next.out_alloc_base == first->out_alloc_base;) {
		addr = next.out_base + next.out_length;
		if (addr >= end)
			return 0;
		ret = foreign_query(&next, addr);
		if (ret)
			return ret;
	}
	return next.out_state == WINMEM_STATE_RESERVE ? ENXIO : ENOENT;
}

/*
 * Whether a mapping has pages of its own, or shares them: nothing else tells, for a
 * page that is read-only, or has been written already, looks the same in both.
 */
static bool foreign_is_private(uint64_t addr)
{
	uint64_t start, end;
	char line[512], share = 's';
	int saved = errno;
	FILE *maps;

	maps = fopen("/proc/self/maps", "re");
	if (!maps)
		return false;
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*3c%c", &start, &end, &share) == 3 &&
		    addr >= start && addr < end)
			break;
		share = 's';
	}
	fclose(maps);
	errno = saved;
	return share == 'p';
}

/*
 * Guards and cache attributes are states of winmem's pages, mappings have none. The
 * WRITECOPY protections need something to copy: a private mapping of a file (VP12, VP18).
 */
static int foreign_prot_check(DWORD prot, const struct winmem_query *first)
{
	if (prot & (PAGE_GUARD | PAGE_NOCACHE | PAGE_WRITECOMBINE))
		return EINVAL;
	if (!winmem_prot_is_copy(prot))
		return 0;
	if (first->out_type == WINMEM_TYPE_PRIVATE || !foreign_is_private(first->out_base))
		return EINVAL;
	return 0;
}

/**
 * winmem_foreign_protect() - VirtualProtect on mappings that are not winmem's
 * @range: pages
 * @prot: protection, already parsed
 * @old: set when the call succeeds
 *
 * Linux refuses what the file behind a mapping does not allow with EACCES; on Windows
 * that is a protection which the view does not have, a bad parameter (row M42).
 *
 * Context: any thread.
 * Return: 0; EINVAL: not a protection for this memory; ENOENT, ENXIO: not one
 * allocation, or not committed; ENOMEM: too many mappings.
 */
int winmem_foreign_protect(const struct winmem_range *range, DWORD prot, DWORD *old)
{
	struct winmem_query first;
	int ret;

	ret = foreign_look(range, &first);
	if (ret)
		return ret;
	ret = foreign_prot_check(prot, &first);
	if (ret)
		return ret;

	ret = winmem_sys_mprotect((void *)(uintptr_t)range->start, range->length,
				  winmem_prot_to_mmap(prot));
	if (ret)
		return ret == EACCES ? EINVAL : ret;
	*old = first.out_prot;
	return 0;
}
