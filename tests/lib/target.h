/* SPDX-License-Identifier: GPL-2.0-only */
/* Another process that uses the library. */
#ifndef WINMEM_TESTS_LIB_TARGET_H
#define WINMEM_TESTS_LIB_TARGET_H

#include "common.h"

#define TARGET_ADDR	char *

static inline void target_begin(void)
{
}

#include "../uapi/target.h"

#endif
