/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_LIMIT_H
#define WINMEM_LIMIT_H

#include <stdint.h>

#define WINMEM_LIMIT_NONE	UINT64_MAX

int winmem_limit_parse(const char *text, uint64_t *bytes);
int winmem_limit_wanted(uint64_t *bytes);
void winmem_limit_want(uint64_t bytes);

#endif /* WINMEM_LIMIT_H */
