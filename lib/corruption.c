// SPDX-License-Identifier: LGPL-2.1-or-later
/* The end of a process whose heap is not what it should be. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <winmem.h>

#include "corruption.h"

static atomic_bool ends_always;

void winmem_corruption_ends_always(void)
{
	ends_always = true;
}

static bool corruption_ends(void)
{
	const char *setting = secure_getenv("WINMEM_HEAP_TERMINATION");

	return ends_always || !setting || strcmp(setting, "0");
}

static const char *corruption_reason(int err)
{
	switch (err) {
	case EALREADY:
		return "is free";
	case EINVAL:
		return "is no block of it, or its header was overwritten";
	default:
		return "has been overwritten, or what stands next to it";
	}
}

/* Nothing here allocates: the heap may be the one that malloc() uses. */
void winmem_corruption_found(const void *heap, const void *addr, int err)
{
	char line[256];
	int length;

	if (!corruption_ends())
		return;
	length = snprintf(line, sizeof(line), "winmem: heap %p is corrupt: block %p %s "
			  "(STATUS_HEAP_CORRUPTION, %#x)\n", heap, addr, corruption_reason(err),
			  STATUS_HEAP_CORRUPTION);
	/* Said or not, this is the end. */
	length = write(STDERR_FILENO, line, length);
	abort();
}
