// SPDX-License-Identifier: LGPL-2.1-or-later
/* LocalAlloc and its family: GlobalAlloc's, but for what is said of mistakes. */
#include <winmem.h>

#include "moveable.h"

static const struct winmem_family local = {
	.valid = LMEM_VALID_FLAGS,
	.discardable = LMEM_DISCARDABLE,
	.unlock_fails = true,
	.discard_error = ERROR_INVALID_PARAMETER,
};

WINMEM_API HLOCAL WINAPI LocalAlloc(UINT uFlags, SIZE_T uBytes)
{
	return winmem_moveable_alloc(&local, uFlags, uBytes);
}

WINMEM_API HLOCAL WINAPI LocalReAlloc(HLOCAL hMem, SIZE_T uBytes, UINT uFlags)
{
	return winmem_moveable_realloc(&local, hMem, uBytes, uFlags);
}

WINMEM_API HLOCAL WINAPI LocalFree(HLOCAL hMem)
{
	return winmem_moveable_free(hMem);
}

WINMEM_API LPVOID WINAPI LocalLock(HLOCAL hMem)
{
	return winmem_moveable_lock(&local, hMem);
}

WINMEM_API BOOL WINAPI LocalUnlock(HLOCAL hMem)
{
	return winmem_moveable_unlock(&local, hMem);
}

WINMEM_API SIZE_T WINAPI LocalSize(HLOCAL hMem)
{
	return winmem_moveable_size(hMem);
}

WINMEM_API UINT WINAPI LocalFlags(HLOCAL hMem)
{
	return winmem_moveable_flags(&local, hMem);
}

WINMEM_API HLOCAL WINAPI LocalHandle(LPCVOID pMem)
{
	return winmem_moveable_handle(&local, pMem);
}
