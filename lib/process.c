// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Process handles. There is one, the constant that stands for the caller itself. On
 * Windows it has the value of INVALID_HANDLE_VALUE, and programs rely on that.
 */
#include <errno.h>

#include "process.h"

int winmem_process_check(HANDLE process)
{
	return process == GetCurrentProcess() ? 0 : ESRCH;
}

WINMEM_API HANDLE WINAPI GetCurrentProcess(void)
{
	return (HANDLE)(LONG_PTR)-1;
}
