/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VirtualAlloc and VirtualFree for the rest of the library: errno values, no last error. */
#ifndef WINMEM_VIRTUAL_H
#define WINMEM_VIRTUAL_H

#include <stdint.h>

#include <winmem.h>

#include "request.h"

/**
 * winmem_virtual_alloc() - VirtualAlloc, or with bounds VirtualAlloc2
 * @words: the call's
 * @result: where it is, on success
 *
 * Context: any thread. Leaves errno and the last error alone.
 * Return: 0; what winmem_request_parse() and winmem_ioctl() say.
 */
int winmem_virtual_alloc(const struct winmem_words *words, void **result);

/** winmem_virtual_free() - VirtualFree; @type: MEM_DECOMMIT or MEM_RELEASE. Likewise. */
int winmem_virtual_free(uint64_t addr, uint64_t size, DWORD type);

#endif /* WINMEM_VIRTUAL_H */
