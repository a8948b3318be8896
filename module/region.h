/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_REGION_H
#define WINMEM_REGION_H

#include <linux/types.h>

struct folio;
struct winmem_space;

/* One reservation. Pages; by the space's mutex. */
struct winmem_region {
	unsigned long start;
	unsigned long nr;
	unsigned long committed;
	u32 prot;		/* WINMEM_PROT_* it was made with */
	bool anywhere;		/* nobody has asked for just this place */
	bool exec;		/* a mapping under it has or had PROT_EXEC */
	bool touched;		/* a page has been committed once, or almost */
	bool watched;		/* made with WINMEM_RESERVE_WATCH */
	bool large;		/* made with WINMEM_RESERVE_LARGE */
	struct folio **blocks;	/* its large pages; NULL: it has none */
};

/* What QUERY says of a run of pages. */
struct winmem_run {
	unsigned long start;
	unsigned long nr;
	unsigned long alloc_start;	/* 0: free */
	u32 alloc_prot;
	u32 state;
	u32 prot;
	u32 type;
	bool counted;			/* of a reservation: a change of it is counted; by query.c */
};

static inline unsigned long winmem_region_end(const struct winmem_region *region)
{
	return region->start + region->nr;
}

int winmem_region_commit(struct winmem_space *space, struct winmem_region *region,
			 unsigned long start, unsigned long nr, u32 prot);
int winmem_region_commit_new(struct winmem_space *space, struct winmem_region *region);
int winmem_region_decommit(struct winmem_space *space, struct winmem_region *region,
			   unsigned long start, unsigned long nr);
int winmem_region_protect(struct winmem_space *space, struct winmem_region *region,
			  unsigned long start, unsigned long nr, u32 prot, u32 *old);
void winmem_region_query(struct winmem_space *space, const struct winmem_region *region,
			 unsigned long page, struct winmem_run *run);
void winmem_region_end_all(struct winmem_space *space, struct winmem_region *region);

#endif /* WINMEM_REGION_H */
