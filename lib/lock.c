// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * VirtualLock and VirtualUnlock: whole pages, from the one with the first byte to the one
 * with the last. winmem's memory is the module's to lock; what else is mapped is mlock(2)'s.
 * A range that begins in one and reaches into the other is refused.
 */
#include <errno.h>
#include <linux/winmem.h>
#include <sys/mman.h>

#include <winmem.h>

#include "device.h"
#include "error.h"
#include "range.h"
#include "working_set.h"

/* Row L09: what Windows keeps of the minimum working set for other pages. */
#define LOCK_OVERHEAD	(8 * WINMEM_PAGE_SIZE)

/* Bytes that the process may have locked. */
static uint64_t lock_limit(void)
{
	struct winmem_working_set now;

	winmem_working_set_get(&now);
	return now.minimum - LOCK_OVERHEAD;
}

static int lock_ioctl(const struct winmem_range *range, uint32_t flags, uint64_t limit,
		      uint64_t *locked)
{
	struct winmem_lock args = {
		.size = sizeof(args),
		.flags = flags,
		.addr = range->start,
		.length = range->length,
		.limit = limit,
	};
	int ret = winmem_ioctl(WINMEM_IOC_LOCK, &args);

	if (!ret)
		*locked = args.out_locked;
	return ret;
}

/* Whether all of it is there and can be touched. Guards are winmem's alone. */
static int foreign_look(const struct winmem_range *range)
{
	uint64_t addr = range->start, end = range->start + range->length;

	while (addr < end) {
		struct winmem_query query = { .size = sizeof(query), .addr = addr };
		int ret = winmem_ioctl(WINMEM_IOC_QUERY, &query);

		if (ret)
			return ret;
		if (query.out_state != WINMEM_STATE_COMMIT || query.out_prot & PAGE_NOACCESS)
			return EFAULT;
		addr = query.out_base + query.out_length;
	}
	return 0;
}

/* mlock(2) keeps what it has done when it fails: too much, or too many mappings. */
static int foreign_lock(const struct winmem_range *range)
{
	void *addr = (void *)(uintptr_t)range->start;
	uint64_t before = 0;
	int ret;

	ret = foreign_look(range);
	if (ret)
		return ret;
	if (range->length > lock_limit())
		return ENOLCK;
	ret = lock_ioctl(range, WINMEM_LOCK_LOOK, 0, &before);
	if (ret || !mlock(addr, range->length))
		return ret;
	if (!before)
		munlock(addr, range->length);
	return ENOLCK;
}

static int foreign_unlock(const struct winmem_range *range)
{
	uint64_t locked = 0;
	int ret;

	ret = lock_ioctl(range, WINMEM_LOCK_LOOK, 0, &locked);
	if (ret)
		return ret;
	if (locked != range->length)
		return EALREADY;
	return munlock((void *)(uintptr_t)range->start, range->length) ? errno : 0;
}

/*
 * Row L06: all that has no page to touch is one to Windows. Large pages, which are never
 * anywhere else, it takes for something that such calls are not for.
 */
static int lock_errno(int err)
{
	if (err == EFBIG)
		return EINVAL;
	return err == ENOENT || err == ENXIO ? EFAULT : err;
}

/* Rows L05, L07 and L12. */
static int virtual_lock(uint64_t addr, uint64_t size)
{
	struct winmem_range range;
	uint64_t locked;
	int ret;

	ret = winmem_range_pages(&range, addr, size);
	if (ret)
		return ret;
	ret = lock_ioctl(&range, 0, lock_limit(), &locked);
	if (ret == EBUSY)
		return foreign_lock(&range);
	return lock_errno(ret);
}

static int virtual_unlock(uint64_t addr, uint64_t size)
{
	struct winmem_range range;
	uint64_t locked;
	int ret;

	ret = winmem_range_pages(&range, addr, size);
	if (ret)
		return ret;
	ret = lock_ioctl(&range, WINMEM_LOCK_UNDO, 0, &locked);
	if (ret == EBUSY)
		return foreign_unlock(&range);
	return lock_errno(ret);
}

WINMEM_API BOOL WINAPI VirtualLock(LPVOID lpAddress, SIZE_T dwSize)
{
	int saved = errno, ret = virtual_lock((uintptr_t)lpAddress, dwSize);

	errno = saved;
	return winmem_error_set(ret);
}

WINMEM_API BOOL WINAPI VirtualUnlock(LPVOID lpAddress, SIZE_T dwSize)
{
	int saved = errno, ret = virtual_unlock((uintptr_t)lpAddress, dwSize);

	errno = saved;
	return winmem_error_set(ret);
}
