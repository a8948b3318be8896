/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All heaps of the process: a list in the order of their creation, the process heap first.
 * Functions return errno values.
 */
#ifndef WINMEM_HEAPS_H
#define WINMEM_HEAPS_H

#include <stddef.h>
#include <stdint.h>

#include <winmem.h>

struct winmem_heap;

/** winmem_heaps_create() - HeapCreate. 0; ENOMEM: no memory or commit; what the device says. */
int winmem_heaps_create(DWORD options, size_t initial, size_t maximum, struct winmem_heap **heap);

/** winmem_heaps_process() - the process heap, made by whoever needs it first. Likewise. */
int winmem_heaps_process(struct winmem_heap **heap);

/** winmem_heaps_destroy() - EBADF: there is no such heap, or it is the process heap */
int winmem_heaps_destroy(struct winmem_heap *heap);

/** winmem_heaps_list() - up to @nr handles; how many heaps there are */
size_t winmem_heaps_list(HANDLE *handles, size_t nr);

/** winmem_heaps_tidy() - give back what no heap needs */
void winmem_heaps_tidy(void);

/** winmem_heaps_leave() - the thread of that number ends */
void winmem_heaps_leave(uint32_t self);

#endif /* WINMEM_HEAPS_H */
