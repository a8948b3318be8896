/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_SIGSTACK_H
#define WINMEM_SIGSTACK_H

#include <stdbool.h>

/**
 * winmem_sigstack_get() - let the calling thread handle signals on a stack of its own
 *
 * Handlers then work when the thread's own stack has run out, or is memory that they have
 * to commit. A thread that has such a stack keeps it. Without memory for one, handlers
 * run on the stack that was interrupted.
 *
 * Context: any thread. Leaves errno alone.
 */
void winmem_sigstack_get(void);

/**
 * winmem_sigstack_is_over() - whether a thread has run over the end of that stack
 * @rsp: its stack pointer when it faulted
 *
 * It is not on the stack any more then, and the kernel begins at the top again: unless
 * somebody looks at this, for ever.
 *
 * Context: the fault's signal handler.
 */
bool winmem_sigstack_is_over(const void *rsp);

#endif /* WINMEM_SIGSTACK_H */
