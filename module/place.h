/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_PLACE_H
#define WINMEM_PLACE_H

#include <linux/types.h>

#include "windows.h"

struct winmem_bounds;

bool winmem_bounds_are_default(const struct winmem_bounds *bounds);
int winmem_place(struct winmem_windows *windows, const struct winmem_bounds *bounds,
		 unsigned long nr, enum winmem_huge huge, unsigned long *start, bool *exec);
int winmem_place_again(struct winmem_windows *windows, const struct winmem_bounds *bounds,
		       unsigned long start, unsigned long nr, enum winmem_huge huge, bool *exec);

#endif /* WINMEM_PLACE_H */
