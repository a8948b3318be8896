/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_EXCEPTION_H
#define WINMEM_EXCEPTION_H

#include <winmem.h>

/**
 * winmem_exception_dispatch() - ask handlers and the filter about an exception
 * @pointers: what they are given
 *
 * Context: any thread, signal handlers included. Takes no lock.
 * Return: EXCEPTION_CONTINUE_EXECUTION; EXCEPTION_EXECUTE_HANDLER: the filter wants the
 * process to end; EXCEPTION_CONTINUE_SEARCH: nobody knows anything about it.
 */
LONG winmem_exception_dispatch(EXCEPTION_POINTERS *pointers);

#endif /* WINMEM_EXCEPTION_H */
