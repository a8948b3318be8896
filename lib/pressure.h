/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_PRESSURE_H
#define WINMEM_PRESSURE_H

#include <stdbool.h>

bool winmem_pressure_is_low(const char *meminfo, const char *pressure);
bool winmem_pressure_is_high(const char *meminfo, const char *pressure);

#endif /* WINMEM_PRESSURE_H */
