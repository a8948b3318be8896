// SPDX-License-Identifier: GPL-2.0-only
/*
 * What lies at an address: a part of a reservation, a mapping that is not winmem's, or
 * free address space. Free space goes to the next of either; windows are not to be seen.
 */
#include <linux/errno.h>
#include <linux/mutex.h>
#include <uapi/linux/winmem.h>

#include "mapping.h"
#include "query.h"
#include "region.h"
#include "space.h"

/* Free address space up to the next reservation or mapping; the windows do not count. */
static void query_free(struct winmem_space *space, unsigned long page, unsigned long end,
		       struct winmem_run *run)
{
	*run = (struct winmem_run) {
		.start = page,
		.state = WINMEM_STATE_FREE,
		.prot = WINMEM_PROT_NOACCESS,
	};
	run->nr = winmem_mapping_next(space->mm, &space->backing, page, end) - page;
}

/* A page of a reservation; or where the next reservation begins. */
static bool query_region(struct winmem_space *space, unsigned long page, struct winmem_run *run,
			 unsigned long *end)
{
	struct winmem_region *region = winmem_space_find(space, page), *next;

	if (region) {
		winmem_region_query(space, region, page, run);
		return true;
	}
	next = winmem_space_next(space, page);
	*end = next ? next->start : WINMEM_PAGE_END;
	return false;
}

/**
 * winmem_query() - what lies at a page of the caller's address space
 * @space: space of the calling process
 * @page: page number
 * @run: to fill
 *
 * Context: may sleep; takes the space's mutex, then mmap_lock.
 * Return: 0; -EINVAL: above the range, and nothing is mapped there; -EINTR: being killed.
 */
int winmem_query(struct winmem_space *space, unsigned long page, struct winmem_run *run)
{
	unsigned long end;
	bool found;

	if (mutex_lock_killable(&space->mutex))
		return -EINTR;
	found = query_region(space, page, run, &end);
	mutex_unlock(&space->mutex);
	run->counted = found;

	if (found || winmem_mapping_query(space->mm, &space->backing, page, run))
		return 0;
	if (page >= WINMEM_PAGE_END)
		return -EINVAL;
	query_free(space, page, end, run);
	return 0;
}
