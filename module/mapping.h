/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_MAPPING_H
#define WINMEM_MAPPING_H

#include <linux/types.h>

struct mm_struct;
struct winmem_backing;
struct winmem_run;

/* What kind of mapping that is not winmem's lies at an address. */
enum winmem_mapping {
	WINMEM_MAPPING_NONE,		/* nothing, or one of winmem's windows */
	WINMEM_MAPPING_PRIVATE,		/* private, without a file */
	WINMEM_MAPPING_SHARED,		/* shared, without a file: Windows' pagefile-backed view */
	WINMEM_MAPPING_FILE,		/* of a file */
};

enum winmem_mapping winmem_mapping_kind(struct mm_struct *mm, const struct winmem_backing *own,
					unsigned long page);
bool winmem_mapping_query(struct mm_struct *mm, const struct winmem_backing *own, unsigned long page,
			  struct winmem_run *run);
unsigned long winmem_mapping_locked(struct mm_struct *mm, const struct winmem_backing *own,
				    unsigned long start, unsigned long nr);
unsigned long winmem_mapping_next(struct mm_struct *mm, const struct winmem_backing *own,
				  unsigned long page, unsigned long end);

#endif /* WINMEM_MAPPING_H */
