// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a heap tells of itself: its blocks one by one, and the classes of information. */
#include <errno.h>
#include <string.h>

#include <winmem.h>

#include "corruption.h"
#include "error.h"
#include "heap.h"
#include "heap_core.h"
#include "heaps.h"
#include "thread.h"

_Static_assert(PROCESS_HEAP_REGION == WINMEM_HEAP_ENTRY_REGION &&
	       PROCESS_HEAP_UNCOMMITTED_RANGE == WINMEM_HEAP_ENTRY_UNCOMMITTED &&
	       PROCESS_HEAP_ENTRY_BUSY == WINMEM_HEAP_ENTRY_BUSY, "PROCESS_HEAP_*");

/* HeapCompatibilityInformation: how blocks are kept. */
#define COMPAT_STANDARD		0
#define COMPAT_LOW_FRAGMENTATION 2

/* Walk */

static DWORD at_most(size_t value, DWORD most)
{
	return value < most ? value : most;
}

/* Where a walk goes on from is kept where Windows has words without a meaning. */
static void entry_show(PROCESS_HEAP_ENTRY *shown, const struct winmem_heap_entry *entry)
{
	memset(shown, 0, sizeof(*shown));
	shown->lpData = entry->data;
	shown->cbData = at_most(entry->size, ~0U);
	shown->cbOverhead = at_most(entry->overhead, 255);
	shown->iRegionIndex = entry->number;
	shown->wFlags = entry->flags;
	if (!(entry->flags & WINMEM_HEAP_ENTRY_REGION)) {
		memcpy(shown->Block.dwReserved, &entry->block, sizeof(entry->block));
		return;
	}
	shown->Region.dwCommittedSize = at_most(entry->committed, ~0U);
	shown->Region.dwUnCommittedSize = at_most(entry->uncommitted, ~0U);
	shown->Region.lpFirstBlock = entry->first;
	shown->Region.lpLastBlock = entry->last;
}

/* At the start nothing but lpData means anything (row H58). */
static void entry_read(struct winmem_heap_entry *entry, const PROCESS_HEAP_ENTRY *shown)
{
	*entry = (struct winmem_heap_entry){ .data = shown->lpData };
	if (!entry->data)
		return;
	entry->flags = shown->wFlags;
	if (!(entry->flags & WINMEM_HEAP_ENTRY_REGION))
		memcpy(&entry->block, shown->Block.dwReserved, sizeof(entry->block));
}

WINMEM_API BOOL WINAPI HeapWalk(HANDLE hHeap, LPPROCESS_HEAP_ENTRY lpEntry)
{
	struct winmem_heap *heap = winmem_heap_get(hHeap);
	struct winmem_heap_entry entry;
	int err;

	if (!heap)
		return winmem_error_set(EBADF);
	if (!lpEntry)
		return winmem_error_set(EINVAL);
	entry_read(&entry, lpEntry);
	err = winmem_heap_walk(heap, winmem_thread_number(), &entry);
	if (err == ENOENT)
		return winmem_heap_error(ERROR_NO_MORE_ITEMS);
	if (!err)
		entry_show(lpEntry, &entry);
	return winmem_error_set(err);
}

/* Query */

/* A heap that nobody serializes has slots too here, but on Windows it has none (row H52). */
static ULONG compat_of(struct winmem_heap *heap)
{
	if (winmem_heap_options(heap) & HEAP_NO_SERIALIZE)
		return COMPAT_STANDARD;
	if (winmem_heap_has_slots(heap) || winmem_heap_owner(heap)->slots_asked)
		return COMPAT_LOW_FRAGMENTATION;
	return COMPAT_STANDARD;
}

WINMEM_API BOOL WINAPI HeapQueryInformation(HANDLE HeapHandle,
					    HEAP_INFORMATION_CLASS HeapInformationClass,
					    PVOID HeapInformation, SIZE_T HeapInformationLength,
					    PSIZE_T ReturnLength)
{
	struct winmem_heap *heap = winmem_heap_get(HeapHandle);
	ULONG compat;

	if (ReturnLength)
		*ReturnLength = 0;
	if (HeapInformationClass != HeapCompatibilityInformation)
		return winmem_error_set(EINVAL);
	if (!heap)
		return winmem_error_set(HeapHandle ? EBADF : EFAULT);
	if (ReturnLength)
		*ReturnLength = sizeof(compat);
	if (HeapInformationLength < sizeof(compat))
		return winmem_heap_error(ERROR_INSUFFICIENT_BUFFER);
	if (!HeapInformation)
		return winmem_error_set(EFAULT);
	compat = compat_of(heap);
	memcpy(HeapInformation, &compat, sizeof(compat));
	return TRUE;
}

/* Set */

/* Rows H49 to H53: on is on for good, and some heaps cannot. */
static BOOL compat_set(struct winmem_heap *heap, ULONG compat)
{
	if (compat == compat_of(heap))
		return TRUE;
	if (compat != COMPAT_LOW_FRAGMENTATION)
		return winmem_heap_error(ERROR_GEN_FAILURE);
	if (winmem_heap_options(heap) & HEAP_NO_SERIALIZE || winmem_heap_is_fixed(heap))
		return winmem_error_set(EINVAL);
	if (winmem_heap_options(heap) & (HEAP_TAIL_CHECKING_ENABLED | HEAP_FREE_CHECKING_ENABLED))
		return winmem_heap_error(ERROR_GEN_FAILURE);
	winmem_heap_owner(heap)->slots_asked = true;
	return TRUE;
}

static BOOL compat_parse(HANDLE handle, const void *information, SIZE_T length)
{
	struct winmem_heap *heap = winmem_heap_get(handle);
	ULONG compat;

	if (length < sizeof(compat))
		return winmem_heap_error(ERROR_INSUFFICIENT_BUFFER);
	if (!heap)
		return winmem_error_set(EBADF);
	if (!information)
		return winmem_error_set(EFAULT);
	memcpy(&compat, information, sizeof(compat));
	return compat_set(heap, compat);
}

static BOOL optimize(HANDLE handle, const void *information, SIZE_T length)
{
	HEAP_OPTIMIZE_RESOURCES_INFORMATION wanted;
	struct winmem_heap *heap = winmem_heap_get(handle);

	if (length < sizeof(wanted))
		return winmem_heap_error(ERROR_INSUFFICIENT_BUFFER);
	if (!information)
		return winmem_error_set(EFAULT);
	memcpy(&wanted, information, sizeof(wanted));
	if (wanted.Version != HEAP_OPTIMIZE_RESOURCES_CURRENT_VERSION || wanted.Flags)
		return winmem_error_set(EINVAL);
	if (!handle)
		winmem_heaps_tidy();
	else if (heap)
		winmem_heap_compact(heap, winmem_thread_number());
	return winmem_error_set(!handle || heap ? 0 : EBADF);
}

WINMEM_API BOOL WINAPI HeapSetInformation(HANDLE HeapHandle,
					  HEAP_INFORMATION_CLASS HeapInformationClass,
					  PVOID HeapInformation, SIZE_T HeapInformationLength)
{
	switch (HeapInformationClass) {
	case HeapCompatibilityInformation:
		return compat_parse(HeapHandle, HeapInformation, HeapInformationLength);
	case HeapEnableTerminationOnCorruption:
		winmem_corruption_ends_always();
		return TRUE;
	case HeapOptimizeResources:
		return optimize(HeapHandle, HeapInformation, HeapInformationLength);
	default:
		return winmem_error_set(EINVAL);
	}
}
