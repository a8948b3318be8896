/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_REQUEST_H
#define WINMEM_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <winmem.h>

#include "range.h"

enum winmem_request_op {
	WINMEM_REQUEST_RESERVE,		/* with or without commit */
	WINMEM_REQUEST_COMMIT,
	WINMEM_REQUEST_RESET,
};

/* Where the kernel may choose; 0: no bound. As in struct winmem_reserve. */
struct winmem_bounds {
	uint64_t lowest;
	uint64_t highest;
	uint64_t alignment;
};

/* VirtualAlloc's words, as the program gave them. */
struct winmem_words {
	uint64_t addr;
	uint64_t size;
	DWORD type;
	DWORD prot;
	struct winmem_bounds bounds;
	bool placeholders;		/* VirtualAlloc2 knows MEM_*_PLACEHOLDER */
};

/* What they ask of the kernel. */
struct winmem_request {
	enum winmem_request_op op;
	uint32_t flags;			/* of that ioctl */
	uint32_t prot;
	struct winmem_range range;	/* start 0: the kernel chooses */
	struct winmem_bounds bounds;
};

int winmem_request_parse(struct winmem_request *request, const struct winmem_words *words);
int winmem_bounds_parse(struct winmem_bounds *bounds, const MEM_EXTENDED_PARAMETER *params,
			ULONG count);

#endif /* WINMEM_REQUEST_H */
