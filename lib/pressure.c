// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Whether memory is short, or plenty: from what the kernel's files say, by Windows'
 * thresholds. Pure.
 *
 * Windows looks at the available memory alone: short is 1/128 of all memory, 64 MiB at
 * most, and plenty three times that. Linux may begin to struggle well before, with swap
 * above all, and tells of it as pressure: the part of the last ten seconds in which
 * somebody waited for memory. More than a tenth of it is short of memory too, and
 * nothing under a hundredth must be there for plenty.
 */
#include <stdlib.h>
#include <string.h>

#include "pressure.h"
#include "proc.h"

#define LOW_PART	128
#define LOW_MAX		(UINT64_C(64) << 20)
#define HIGH_TIMES	3

#define PERCENT_LOW	10
#define PERCENT_HIGH	1

static uint64_t low_bytes(uint64_t total)
{
	return total / LOW_PART < LOW_MAX ? total / LOW_PART : LOW_MAX;
}

/* Of the line "some avg10=0.00 avg60=...", whole per cent. */
static unsigned long some_percent(const char *pressure)
{
	static const char name[] = "some avg10=";
	const char *line = strstr(pressure, name);

	return line ? strtoul(line + strlen(name), NULL, 10) : 0;
}

/**
 * winmem_pressure_is_low() - whether memory is short
 * @meminfo: contents of /proc/meminfo
 * @pressure: contents of /proc/pressure/memory; empty where the kernel has none
 *
 * Context: any.
 */
bool winmem_pressure_is_low(const char *meminfo, const char *pressure)
{
	uint64_t total = winmem_proc_meminfo(meminfo, "MemTotal:");
	uint64_t available = winmem_proc_meminfo(meminfo, "MemAvailable:");

	return available <= low_bytes(total) || some_percent(pressure) >= PERCENT_LOW;
}

/**
 * winmem_pressure_is_high() - whether there is plenty of memory
 * @meminfo: contents of /proc/meminfo
 * @pressure: contents of /proc/pressure/memory; empty where the kernel has none
 *
 * Context: any.
 */
bool winmem_pressure_is_high(const char *meminfo, const char *pressure)
{
	uint64_t total = winmem_proc_meminfo(meminfo, "MemTotal:");
	uint64_t available = winmem_proc_meminfo(meminfo, "MemAvailable:");

	return available >= HIGH_TIMES * low_bytes(total) && some_percent(pressure) < PERCENT_HIGH;
}
