/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_EXCEPTION_SIGNAL_H
#define WINMEM_EXCEPTION_SIGNAL_H

/**
 * winmem_exception_signal_get() - make exceptions of SIGSEGV and SIGBUS from now on
 *
 * Once for the process: a handler that the program puts in place afterwards stays there.
 *
 * Context: any thread. Leaves errno alone.
 */
void winmem_exception_signal_get(void);

#endif /* WINMEM_EXCEPTION_SIGNAL_H */
