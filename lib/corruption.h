/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_CORRUPTION_H
#define WINMEM_CORRUPTION_H

/**
 * winmem_corruption_found() - a block that is none, or metadata that was overwritten
 * @heap: its handle
 * @addr: the block as the program named it, or what was found damaged
 * @err: EINVAL, EALREADY, EBADMSG as in heap_blocks.h
 *
 * Ends the process with a message, as 64-bit Windows does (STATUS_HEAP_CORRUPTION), unless
 * WINMEM_HEAP_TERMINATION=0 is in the environment and winmem_corruption_ends_always() was
 * not called.
 *
 * Context: any; the heap's mutex may be held.
 */
void winmem_corruption_found(const void *heap, const void *addr, int err);

/** winmem_corruption_ends_always() - whatever the environment says, and for good */
void winmem_corruption_ends_always(void);

#endif /* WINMEM_CORRUPTION_H */
