// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Exceptions: who is asked, in which order, and what follows from the answers.
 *
 *	a signal -> exception_signal.c --+
 *	RaiseException ------------------+-> winmem_exception_dispatch
 *	                                      handlers.c: vectored handlers
 *	                                      the filter for what they leave
 *	                                      handlers.c: continue handlers
 *
 * There are no handlers by frame, the compiler's __try: this is all that Windows has
 * besides.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "context.h"
#include "error.h"
#include "exception.h"
#include "exception_signal.h"
#include "handlers.h"
#include "sigstack.h"

static _Atomic(LPTOP_LEVEL_EXCEPTION_FILTER) exception_filter;

/* From now on exceptions reach whoever is about to be added. */
static void exception_begin(void)
{
	winmem_sigstack_get();
	winmem_exception_signal_get();
}

/* Dispatch */

static bool exception_is_final(const EXCEPTION_RECORD *record)
{
	return record->ExceptionFlags & EXCEPTION_NONCONTINUABLE;
}

/*
 * A filter cannot continue what is not continuable: that is an exception of its own, and
 * the last one. Vectored handlers can, on Windows too.
 */
static LONG exception_filtered(EXCEPTION_POINTERS *pointers)
{
	EXCEPTION_RECORD final = {
		.ExceptionCode = STATUS_NONCONTINUABLE_EXCEPTION,
		.ExceptionFlags = EXCEPTION_NONCONTINUABLE,
		.ExceptionRecord = pointers->ExceptionRecord,
		.ExceptionAddress = pointers->ExceptionRecord->ExceptionAddress,
	};
	EXCEPTION_POINTERS about = { &final, pointers->ContextRecord };
	LONG ret = UnhandledExceptionFilter(pointers);

	if (ret != EXCEPTION_CONTINUE_EXECUTION || !exception_is_final(pointers->ExceptionRecord))
		return ret;
	winmem_handlers_call(WINMEM_HANDLERS_EXCEPTION, &about);
	return EXCEPTION_CONTINUE_SEARCH;
}

LONG winmem_exception_dispatch(EXCEPTION_POINTERS *pointers)
{
	LONG ret = winmem_handlers_call(WINMEM_HANDLERS_EXCEPTION, pointers);

	if (ret != EXCEPTION_CONTINUE_EXECUTION)
		ret = exception_filtered(pointers);
	if (ret == EXCEPTION_CONTINUE_EXECUTION)
		winmem_handlers_call(WINMEM_HANDLERS_CONTINUE, pointers);
	return ret;
}

/* RaiseException */

__attribute__((noreturn))
static void exception_die(const EXCEPTION_RECORD *record, const void *caller, bool quiet)
{
	if (!quiet)
		dprintf(STDERR_FILENO, "winmem: unhandled exception 0x%08X at %p\n",
			record->ExceptionCode, caller);
	abort();
}

static void exception_record(EXCEPTION_RECORD *record, DWORD code, DWORD flags, DWORD nr,
			     const ULONG_PTR *args)
{
	*record = (EXCEPTION_RECORD){
		.ExceptionCode = code,
		.ExceptionFlags = flags & EXCEPTION_NONCONTINUABLE,
		.ExceptionAddress = (PVOID)RaiseException,
	};
	if (!args)
		return;
	record->NumberParameters = nr < EXCEPTION_MAXIMUM_PARAMETERS ?
				   nr : EXCEPTION_MAXIMUM_PARAMETERS;
	memcpy(record->ExceptionInformation, args, record->NumberParameters * sizeof(*args));
}

/* The context is that of this function; whoever changes it goes where it says. */
WINMEM_API void WINAPI RaiseException(DWORD dwExceptionCode, DWORD dwExceptionFlags,
				      DWORD nNumberOfArguments, const ULONG_PTR *lpArguments)
{
	volatile bool back = false;
	EXCEPTION_RECORD record;
	CONTEXT before, context;
	EXCEPTION_POINTERS pointers = { &record, &context };
	ucontext_t here;
	LONG ret;

	getcontext(&here);
	if (back)
		return;
	exception_record(&record, dwExceptionCode, dwExceptionFlags, nNumberOfArguments,
			 lpArguments);
	winmem_context_get(&before, &here);
	context = before;
	ret = winmem_exception_dispatch(&pointers);
	if (ret != EXCEPTION_CONTINUE_EXECUTION)
		exception_die(&record, __builtin_return_address(0),
			      ret == EXCEPTION_EXECUTE_HANDLER);

	if (!memcmp(&before, &context, sizeof(context)))
		return;
	winmem_context_put(&here, &context);
	back = true;
	setcontext(&here);
	abort();
}

/* Handlers and the filter */

static PVOID exception_add(enum winmem_handlers which, ULONG first,
			   PVECTORED_EXCEPTION_HANDLER function)
{
	void *handle;

	if (!function) {
		winmem_error_set(EINVAL);
		return NULL;
	}
	exception_begin();
	handle = winmem_handlers_add(which, first, function);
	if (!handle)
		winmem_error_set(ENOMEM);
	return handle;
}

static ULONG exception_remove(enum winmem_handlers which, PVOID handle)
{
	bool removed;

	/* A thread may ask for its stack in this way alone. */
	winmem_sigstack_get();
	removed = winmem_handlers_remove(which, handle);
	if (!removed)
		winmem_error_set(EINVAL);
	return removed;
}

WINMEM_API PVOID WINAPI AddVectoredExceptionHandler(ULONG First,
						    PVECTORED_EXCEPTION_HANDLER Handler)
{
	return exception_add(WINMEM_HANDLERS_EXCEPTION, First, Handler);
}

WINMEM_API ULONG WINAPI RemoveVectoredExceptionHandler(PVOID Handle)
{
	return exception_remove(WINMEM_HANDLERS_EXCEPTION, Handle);
}

WINMEM_API PVOID WINAPI AddVectoredContinueHandler(ULONG First,
						   PVECTORED_EXCEPTION_HANDLER Handler)
{
	return exception_add(WINMEM_HANDLERS_CONTINUE, First, Handler);
}

WINMEM_API ULONG WINAPI RemoveVectoredContinueHandler(PVOID Handle)
{
	return exception_remove(WINMEM_HANDLERS_CONTINUE, Handle);
}

WINMEM_API LPTOP_LEVEL_EXCEPTION_FILTER WINAPI SetUnhandledExceptionFilter(
	LPTOP_LEVEL_EXCEPTION_FILTER lpTopLevelExceptionFilter)
{
	if (lpTopLevelExceptionFilter)
		exception_begin();
	return atomic_exchange(&exception_filter, lpTopLevelExceptionFilter);
}

WINMEM_API LONG WINAPI UnhandledExceptionFilter(PEXCEPTION_POINTERS ExceptionInfo)
{
	LPTOP_LEVEL_EXCEPTION_FILTER filter = exception_filter;

	return filter ? filter(ExceptionInfo) : EXCEPTION_CONTINUE_SEARCH;
}
