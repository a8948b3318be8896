/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_CONTEXT_H
#define WINMEM_CONTEXT_H

#include <stdbool.h>
#include <ucontext.h>

#include <winmem.h>

/* What the processor was about when it faulted. */
struct winmem_access {
	bool has_addr;			/* a page fault: the signal's address is it */
	ULONG_PTR kind;			/* EXCEPTION_*_FAULT */
	void *rip;
	void *rsp;
};

/**
 * winmem_context_access() - the access that a signal is about
 * @uc: what the signal's handler was given
 *
 * Context: any.
 */
struct winmem_access winmem_context_access(const ucontext_t *uc);

/**
 * winmem_context_get() - a ucontext as CONTEXT
 * @context: all of it is written
 * @uc: of a signal, or of getcontext(3)
 *
 * The debug and vector registers are not there, and are 0. Without
 * winmem_context_get_float() so are those for floating point.
 *
 * Context: any.
 */
void winmem_context_get(CONTEXT *context, const ucontext_t *uc);

/* The same for the registers for floating point; only a signal's ucontext has them. */
void winmem_context_get_float(CONTEXT *context, const ucontext_t *uc);

/**
 * winmem_context_put() - what a handler has made of a CONTEXT, back into its ucontext
 * @uc: where winmem_context_get() found it
 * @context: with the general registers, Rip, Rsp and EFlags that shall be
 *
 * Context: any.
 */
void winmem_context_put(ucontext_t *uc, const CONTEXT *context);

/* The same for the registers for floating point, of a signal's ucontext. */
void winmem_context_put_float(ucontext_t *uc, const CONTEXT *context);

#endif /* WINMEM_CONTEXT_H */
