// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The last error, one for each thread, and the one table from errno values to it.
 *
 * Three values never come from the kernel's ioctls; the library's own checks use them:
 * ENODEV (no module), ENOSYS (Windows can, winmem cannot yet) and ESRCH (not a process
 * handle). EMSGSIZE is a buffer of the wrong length, EREMOTEIO a copy that broke off.
 */
#include <errno.h>

#include "error.h"

/* Handlers of signals use it, and a thread's first use may not allocate anything. */
static _Thread_local DWORD last_error __attribute__((tls_model("initial-exec")));

static const struct {
	int err;
	DWORD error;
} error_table[] = {
	{ EINVAL,	ERROR_INVALID_PARAMETER },
	{ EOPNOTSUPP,	ERROR_INVALID_PARAMETER },
	{ ERANGE,	ERROR_INVALID_PARAMETER },
	{ EBUSY,	ERROR_INVALID_PARAMETER },
	{ EADDRNOTAVAIL, ERROR_INVALID_PARAMETER },
	{ ENOENT,	ERROR_INVALID_ADDRESS },
	{ EEXIST,	ERROR_INVALID_ADDRESS },
	{ ENXIO,	ERROR_INVALID_ADDRESS },
	{ ENOMEM,	ERROR_NOT_ENOUGH_MEMORY },
	{ EFBIG,	ERROR_INVALID_ADDRESS },
	{ EDQUOT,	ERROR_COMMITMENT_LIMIT },
	{ ENOSPC,	ERROR_NO_SYSTEM_RESOURCES },
	{ ENOKEY,	ERROR_PRIVILEGE_NOT_HELD },
	{ ETXTBSY,	ERROR_USER_MAPPED_FILE },
	{ ENODATA,	ERROR_BUSY },
	{ EREMOTEIO,	ERROR_PARTIAL_COPY },
	{ EALREADY,	ERROR_NOT_LOCKED },
	{ ENOLCK,	ERROR_WORKING_SET_QUOTA },
	{ EKEYREJECTED,	STATUS_GUARD_PAGE_VIOLATION },
	{ EPERM,	ERROR_ACCESS_DENIED },
	{ EACCES,	ERROR_ACCESS_DENIED },
	{ EFAULT,	ERROR_NOACCESS },
	{ EINTR,	ERROR_OPERATION_ABORTED },
	{ EMFILE,	ERROR_TOO_MANY_OPEN_FILES },
	{ ENFILE,	ERROR_TOO_MANY_OPEN_FILES },
	{ ENODEV,	ERROR_NOT_SUPPORTED },
	{ ENOTTY,	ERROR_NOT_SUPPORTED },
	{ E2BIG,	ERROR_NOT_SUPPORTED },
	{ ENOSYS,	ERROR_NOT_SUPPORTED },
	{ ESRCH,	ERROR_INVALID_HANDLE },
	{ EBADF,	ERROR_INVALID_HANDLE },
	{ EMSGSIZE,	ERROR_BAD_LENGTH },
	/* Other threads kept asking for the opposite of an execute permission. */
	{ EAGAIN,	ERROR_BUSY },
	{ ENOEXEC,	ERROR_BUSY },
};

DWORD winmem_error_from_errno(int err)
{
	for (size_t i = 0; i < sizeof(error_table) / sizeof(error_table[0]); i++) {
		if (error_table[i].err == err)
			return error_table[i].error;
	}
	return ERROR_GEN_FAILURE;
}

BOOL winmem_error_set(int err)
{
	if (!err)
		return TRUE;
	last_error = winmem_error_from_errno(err);
	return FALSE;
}

WINMEM_API DWORD WINAPI GetLastError(void)
{
	return last_error;
}

WINMEM_API void WINAPI SetLastError(DWORD dwErrCode)
{
	last_error = dwErrCode;
}
