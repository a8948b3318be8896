// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * HeapAlloc and its family: handles, flags and errors over the allocator of heap_core.h.
 *
 *	HeapAlloc -> winmem_heap_alloc -> (heap_*.c) -> supply.c -> virtual.c
 */
#include <errno.h>
#include <string.h>

#include <winmem.h>

#include "corruption.h"
#include "error.h"
#include "heap.h"
#include "heap_core.h"
#include "heap_fast.h"
#include "heaps.h"
#include "thread.h"

_Static_assert(HEAP_NO_SERIALIZE == WINMEM_HEAP_NO_SERIALIZE &&
	       HEAP_ZERO_MEMORY == WINMEM_HEAP_ZERO_MEMORY &&
	       HEAP_REALLOC_IN_PLACE_ONLY == WINMEM_HEAP_IN_PLACE_ONLY &&
	       HEAP_TAIL_CHECKING_ENABLED == WINMEM_HEAP_TAIL_CHECKING &&
	       HEAP_FREE_CHECKING_ENABLED == WINMEM_HEAP_FREE_CHECKING, "HEAP_*");

/* What a heap keeps of the flags it was made with. The rest promises nothing. */
#define OPTIONS		(HEAP_NO_SERIALIZE | HEAP_GENERATE_EXCEPTIONS | \
			 HEAP_TAIL_CHECKING_ENABLED | HEAP_FREE_CHECKING_ENABLED | \
			 HEAP_CREATE_ENABLE_EXECUTE)

static bool heap_raises(const struct winmem_heap *heap, DWORD flags)
{
	return (flags | winmem_heap_options(heap)) & HEAP_GENERATE_EXCEPTIONS;
}

/* Rows H05 to H07. */
static __attribute__((noinline)) void *heap_exhausted(const struct winmem_heap *heap, DWORD flags,
						      SIZE_T size)
{
	const ULONG_PTR info = size;

	winmem_heap_error(ERROR_NOT_ENOUGH_MEMORY);
	if (heap_raises(heap, flags))
		RaiseException(STATUS_NO_MEMORY, 0, 1, &info);
	return NULL;
}

/* Rows H08, H16, H17: most processes do not survive this. */
static __attribute__((noinline)) void heap_refused(const struct winmem_heap *heap, DWORD flags,
						   const void *data, int err)
{
	const ULONG_PTR info[2] = { 0, (ULONG_PTR)data };

	winmem_corruption_found(heap, data, err);
	winmem_heap_error(IsBadReadPtr(data, 1) ? ERROR_NOACCESS : ERROR_INVALID_PARAMETER);
	if (heap_raises(heap, flags))
		RaiseException(STATUS_ACCESS_VIOLATION, 0, 2, info);
}

/* Make and end */

WINMEM_API HANDLE WINAPI HeapCreate(DWORD flOptions, SIZE_T dwInitialSize, SIZE_T dwMaximumSize)
{
	struct winmem_heap *heap;

	if (!winmem_error_set(winmem_heaps_create(flOptions & OPTIONS, dwInitialSize,
						  dwMaximumSize, &heap)))
		return NULL;
	return heap;
}

WINMEM_API BOOL WINAPI HeapDestroy(HANDLE hHeap)
{
	if (!hHeap || (uintptr_t)hHeap % WINMEM_HEAP_GRAIN)
		return winmem_error_set(EBADF);
	return winmem_error_set(winmem_heaps_destroy(hHeap));
}

WINMEM_API HANDLE WINAPI GetProcessHeap(void)
{
	struct winmem_heap *heap;

	return winmem_error_set(winmem_heaps_process(&heap)) ? heap : NULL;
}

/* The process heap comes first, so it has to be there. */
WINMEM_API DWORD WINAPI GetProcessHeaps(DWORD NumberOfHeaps, PHANDLE ProcessHeaps)
{
	if (!GetProcessHeap())
		return 0;
	return winmem_heaps_list(ProcessHeaps, NumberOfHeaps);
}

/* Blocks */

static __attribute__((noinline)) void *heap_alloc(HANDLE handle, DWORD flags, SIZE_T size)
{
	struct winmem_heap *heap = winmem_heap_get(handle);
	void *data;

	if (!heap) {
		winmem_error_set(EBADF);
		return NULL;
	}
	data = winmem_heap_alloc(heap, winmem_thread_number(), size, flags);
	if (!data)
		return heap_exhausted(heap, flags, size);
	winmem_thread_stand(heap);
	return data;
}

WINMEM_API LPVOID WINAPI HeapAlloc(HANDLE hHeap, DWORD dwFlags, SIZE_T dwBytes)
{
	void *data = NULL;

	if (winmem_thread_stands_at(hHeap))
		data = winmem_heap_fast_alloc(winmem_thread_self.shard, dwBytes);
	if (__builtin_expect(!data, 0))
		return heap_alloc(hHeap, dwFlags, dwBytes);
	return dwFlags & HEAP_ZERO_MEMORY ? memset(data, 0, dwBytes) : data;
}

static void *heap_resize(struct winmem_heap *heap, DWORD flags, void *data, SIZE_T size)
{
	int err = winmem_heap_realloc(heap, winmem_thread_number(), &data, size, flags);

	if (!err)
		return data;
	if (err == ENOMEM)
		return heap_exhausted(heap, flags, size);
	heap_refused(heap, flags, data, err);
	return NULL;
}

WINMEM_API LPVOID WINAPI HeapReAlloc(HANDLE hHeap, DWORD dwFlags, LPVOID lpMem, SIZE_T dwBytes)
{
	struct winmem_heap *heap = winmem_heap_get(hHeap);

	if (!heap) {
		winmem_error_set(EBADF);
		return NULL;
	}
	/* Row H18: no block is no error, and no allocation either. */
	if (!lpMem) {
		winmem_heap_error(NO_ERROR);
		return NULL;
	}
	return heap_resize(heap, dwFlags, lpMem, dwBytes);
}

static __attribute__((noinline)) BOOL heap_free(HANDLE handle, DWORD flags, void *data)
{
	struct winmem_heap *heap = winmem_heap_get(handle);
	int err;

	if (!data)
		return TRUE;
	if (!heap)
		return winmem_error_set(EBADF);
	err = winmem_heap_free(heap, winmem_thread_number(), data, flags);
	if (err)
		heap_refused(heap, flags, data, err);
	return !err;
}

/* NULL is near no heap. */
WINMEM_API BOOL WINAPI HeapFree(HANDLE hHeap, DWORD dwFlags, LPVOID lpMem)
{
	if (winmem_thread_stands_at(hHeap) &&
	    winmem_heap_fast_free(hHeap, winmem_thread_self.number, lpMem))
		return TRUE;
	return heap_free(hHeap, dwFlags, lpMem);
}

WINMEM_API SIZE_T WINAPI HeapSize(HANDLE hHeap, DWORD dwFlags, LPCVOID lpMem)
{
	struct winmem_heap *heap = winmem_heap_get(hHeap);
	SIZE_T size;
	int err;

	if (!heap || !lpMem) {
		winmem_error_set(heap ? EINVAL : EBADF);
		return (SIZE_T)-1;
	}
	err = winmem_heap_size(heap, winmem_thread_number(), lpMem, dwFlags, &size);
	if (!err)
		return size;
	heap_refused(heap, dwFlags, lpMem, err);
	return (SIZE_T)-1;
}

/* The whole heap */

/* Row H39: a heap that nobody serializes has no lock to hold. */
WINMEM_API BOOL WINAPI HeapLock(HANDLE hHeap)
{
	struct winmem_heap *heap = winmem_heap_get(hHeap);

	if (!heap)
		return winmem_error_set(EBADF);
	if (!(winmem_heap_options(heap) & HEAP_NO_SERIALIZE))
		winmem_heap_lock(heap, winmem_thread_number());
	return TRUE;
}

WINMEM_API BOOL WINAPI HeapUnlock(HANDLE hHeap)
{
	struct winmem_heap *heap = winmem_heap_get(hHeap);

	if (!heap)
		return winmem_error_set(EBADF);
	if (winmem_heap_options(heap) & HEAP_NO_SERIALIZE ||
	    winmem_heap_unlock(heap, winmem_thread_number()))
		return TRUE;
	return winmem_heap_error(ERROR_NOT_OWNER);
}

/* Row H35: only memory that is not there has an error of its own. */
WINMEM_API BOOL WINAPI HeapValidate(HANDLE hHeap, DWORD dwFlags, LPCVOID lpMem)
{
	struct winmem_heap *heap = winmem_heap_get(hHeap);

	if (!heap)
		return winmem_error_set(EBADF);
	if (winmem_heap_validate(heap, winmem_thread_number(), lpMem, dwFlags))
		return TRUE;
	if (lpMem && IsBadReadPtr(lpMem, 1))
		winmem_heap_error(ERROR_NOACCESS);
	return FALSE;
}

/* Row H65. */
WINMEM_API SIZE_T WINAPI HeapCompact(HANDLE hHeap, DWORD dwFlags)
{
	struct winmem_heap *heap = winmem_heap_get(hHeap);
	SIZE_T largest;

	(void)dwFlags;
	if (!heap) {
		winmem_error_set(EBADF);
		return 0;
	}
	largest = winmem_heap_compact(heap, winmem_thread_number());
	if (!largest)
		winmem_heap_error(NO_ERROR);
	return largest;
}

WINMEM_API BOOL WINAPI HeapSummary(HANDLE hHeap, DWORD dwFlags, LPHEAP_SUMMARY lpSummary)
{
	struct winmem_heap *heap = winmem_heap_get(hHeap);
	struct winmem_heap_summary summary;

	if (!heap)
		return winmem_error_set(EBADF);
	if (dwFlags || !lpSummary || lpSummary->cb != sizeof(*lpSummary))
		return winmem_error_set(EINVAL);
	winmem_heap_summarize(heap, winmem_thread_number(), &summary);
	lpSummary->cbAllocated = summary.allocated;
	lpSummary->cbCommitted = summary.committed;
	lpSummary->cbReserved = summary.reserved;
	lpSummary->cbMaxReserve = summary.maximum;
	return TRUE;
}
