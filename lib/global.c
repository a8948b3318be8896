// SPDX-License-Identifier: LGPL-2.1-or-later
/* GlobalAlloc and its family. */
#include <winmem.h>

#include "moveable.h"

static const struct winmem_family global = {
	.valid = GMEM_VALID_FLAGS,
	.discardable = GMEM_DISCARDABLE,
	.shared = GMEM_DDESHARE,
	.least = 1,
	.converts = true,
	.gentle = true,
	.lock_error = ERROR_INVALID_HANDLE,
};

WINMEM_API HGLOBAL WINAPI GlobalAlloc(UINT uFlags, SIZE_T dwBytes)
{
	return winmem_moveable_alloc(&global, uFlags, dwBytes);
}

WINMEM_API HGLOBAL WINAPI GlobalReAlloc(HGLOBAL hMem, SIZE_T dwBytes, UINT uFlags)
{
	return winmem_moveable_realloc(&global, hMem, dwBytes, uFlags);
}

WINMEM_API HGLOBAL WINAPI GlobalFree(HGLOBAL hMem)
{
	return winmem_moveable_free(hMem);
}

WINMEM_API LPVOID WINAPI GlobalLock(HGLOBAL hMem)
{
	return winmem_moveable_lock(&global, hMem);
}

WINMEM_API BOOL WINAPI GlobalUnlock(HGLOBAL hMem)
{
	return winmem_moveable_unlock(&global, hMem);
}

WINMEM_API SIZE_T WINAPI GlobalSize(HGLOBAL hMem)
{
	return winmem_moveable_size(hMem);
}

WINMEM_API UINT WINAPI GlobalFlags(HGLOBAL hMem)
{
	return winmem_moveable_flags(&global, hMem);
}

WINMEM_API HGLOBAL WINAPI GlobalHandle(LPCVOID pMem)
{
	return winmem_moveable_handle(&global, pMem);
}
