/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_RECORD_H
#define WINMEM_RECORD_H

#include <signal.h>
#include <ucontext.h>

#include <winmem.h>

/**
 * winmem_record_fill() - a signal as the exception that Windows would raise
 * @record: all of it is written
 * @info: of a SIGSEGV or SIGBUS that the kernel has sent because of what the program did
 * @uc: of the same
 *
 * A guard page that was hit may be asked about once: so this may be called once.
 *
 * Context: the signal's handler. Leaves errno alone.
 */
void winmem_record_fill(EXCEPTION_RECORD *record, const siginfo_t *info, const ucontext_t *uc);

#endif /* WINMEM_RECORD_H */
