/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_HANDLERS_H
#define WINMEM_HANDLERS_H

#include <stdbool.h>

#include <winmem.h>

enum winmem_handlers {
	WINMEM_HANDLERS_EXCEPTION,
	WINMEM_HANDLERS_CONTINUE,
	WINMEM_HANDLERS_NR
};

/**
 * winmem_handlers_add() - put a handler into a list
 * @which: list
 * @first: before those that are there, else behind them
 * @function: handler
 *
 * Context: any thread, and from handlers.
 * Return: what winmem_handlers_remove() takes, or NULL: there is no memory.
 */
void *winmem_handlers_add(enum winmem_handlers which, bool first,
			  PVECTORED_EXCEPTION_HANDLER function);

/**
 * winmem_handlers_remove() - take a handler out of a list
 * @which: list
 * @handle: what winmem_handlers_add() returned
 *
 * Another thread may still be inside of it afterwards.
 *
 * Context: any thread, and from handlers, the one removed too.
 * Return: false: it is not in that list.
 */
bool winmem_handlers_remove(enum winmem_handlers which, void *handle);

/**
 * winmem_handlers_call() - ask handlers, till one continues
 * @which: list
 * @pointers: what they are given
 *
 * Context: any, signal handlers included. Takes no lock.
 * Return: EXCEPTION_CONTINUE_EXECUTION, or EXCEPTION_CONTINUE_SEARCH.
 */
LONG winmem_handlers_call(enum winmem_handlers which, EXCEPTION_POINTERS *pointers);

#endif /* WINMEM_HANDLERS_H */
