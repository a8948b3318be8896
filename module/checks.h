/* SPDX-License-Identifier: GPL-2.0-only */
/* What calls have in common: flags, ranges, and the reservation that a range lies in. */
#ifndef WINMEM_CHECKS_H
#define WINMEM_CHECKS_H

#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/types.h>

#include "mapping.h"
#include "region.h"
#include "space.h"

/* A range in pages. */
struct winmem_range {
	unsigned long start;
	unsigned long nr;
};

static inline int check_flags(u32 flags, u32 known)
{
	return flags & ~known ? -EOPNOTSUPP : 0;
}

/* User space, whatever the page tables: more levels would move TASK_SIZE_MAX. */
#define RANGE_END	DEFAULT_MAP_WINDOW

/* Bytes to pages: aligned, not empty, without overflow, and below what can be mapped. */
static inline int range_of(u64 addr, u64 length, struct winmem_range *range)
{
	u64 end;

	if (!length || !PAGE_ALIGNED(addr) || !PAGE_ALIGNED(length))
		return -EINVAL;
	if (check_add_overflow(addr, length, &end) || end > RANGE_END)
		return -EINVAL;
	range->start = addr >> PAGE_SHIFT;
	range->nr = length >> PAGE_SHIFT;
	return 0;
}

/* The reservation that holds all of a range. */
static inline struct winmem_region *region_around(struct winmem_space *space,
						  const struct winmem_range *range)
{
	struct winmem_region *region = winmem_space_find(space, range->start);

	if (region && range->nr <= winmem_region_end(region) - range->start)
		return region;
	return NULL;
}

/* Why there is no reservation at an address: something else is there, or nothing. */
static inline int nothing_at(struct winmem_space *space, unsigned long page)
{
	return winmem_mapping_kind(space->mm, &space->backing, page) == WINMEM_MAPPING_NONE ?
	       -ENOENT : -EBUSY;
}

#endif /* WINMEM_CHECKS_H */
