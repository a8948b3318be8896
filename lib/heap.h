/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_HEAP_H
#define WINMEM_HEAP_H

#include <stdint.h>

#include <winmem.h>

#include "heap_core.h"

/**
 * winmem_heap_get() - the heap of a handle
 *
 * A handle is the heap's address. What cannot be one is NULL; any other address is looked
 * at, and faults if nothing is there, as on Windows.
 */
static inline struct winmem_heap *winmem_heap_get(HANDLE handle)
{
	if (__builtin_expect(!handle || (uintptr_t)handle % WINMEM_HEAP_GRAIN, 0) ||
	    !winmem_heap_is(handle))
		return NULL;
	return handle;
}

/** winmem_heap_error() - fail with an error that no errno value stands for */
static inline BOOL winmem_heap_error(DWORD error)
{
	SetLastError(error);
	return FALSE;
}

#endif /* WINMEM_HEAP_H */
