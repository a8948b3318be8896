/* SPDX-License-Identifier: GPL-2.0-only */
/* Mappings as /proc/self/maps has them. */
#ifndef WINMEM_TESTS_MAPS_H
#define WINMEM_TESTS_MAPS_H

#include <stdbool.h>

struct vma {
	unsigned long start;
	unsigned long end;
	char perms[5];
	char path[128];
};

unsigned int vma_count(void);
bool vma_find(unsigned long addr, struct vma *vma);	/* the first that ends above @addr */
bool vma_covers(unsigned long addr);
bool vma_is_window(const struct vma *vma);

#endif
