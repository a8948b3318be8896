/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_EXECUTE_H
#define WINMEM_EXECUTE_H

#include <stdint.h>

#include "range.h"

int winmem_execute_follow(const struct winmem_range *range, uint32_t prot);
int winmem_execute_ioctl(unsigned long nr, void *arg, const struct winmem_range *range,
			 uint32_t prot);
void winmem_execute_tidy(uint32_t out_flags, const struct winmem_range *range);

#endif /* WINMEM_EXECUTE_H */
