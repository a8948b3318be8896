// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Blocks of the process heap that may move, and those that may not. See moveable.h.
 *
 * Each call has the heap's turn from its first look at the handle to its end. The flags are
 * GMEM_*; those of LMEM_* that mean the same have the same numbers.
 */
#include <errno.h>
#include <string.h>

#include <winmem.h>

#include "corruption.h"
#include "error.h"
#include "hmem.h"
#include "heap_core.h"
#include "heaps.h"
#include "moveable.h"
#include "thread.h"

_Static_assert(GMEM_MOVEABLE == LMEM_MOVEABLE && GMEM_ZEROINIT == LMEM_ZEROINIT &&
	       GMEM_MODIFY == LMEM_MODIFY && GMEM_INVALID_HANDLE == LMEM_INVALID_HANDLE &&
	       GMEM_DISCARDED == LMEM_DISCARDED, "LMEM_*");

/*
 * On Windows blocks up to this size never grow where they are, nor, if they are fixed, do they
 * shrink there (rows GL37, GL47). Programs have come to expect the address to change.
 */
#define SMALL	0x4000

/* The process heap and its turn; the caller. */
struct turn {
	struct winmem_heap *heap;
	uint32_t self;
};

static bool turn_take(struct turn *turn)
{
	if (!winmem_error_set(winmem_heaps_process(&turn->heap)))
		return false;
	turn->self = winmem_thread_number();
	winmem_heap_lock(turn->heap, turn->self);
	return true;
}

static void turn_give(const struct turn *turn)
{
	winmem_heap_unlock(turn->heap, turn->self);
}

static void *fail(DWORD error)
{
	if (error)
		SetLastError(error);
	return NULL;
}

static void *block_alloc(const struct turn *turn, SIZE_T size, UINT flags)
{
	void *data = winmem_heap_alloc(turn->heap, turn->self, size,
				       flags & GMEM_ZEROINIT ? HEAP_ZERO_MEMORY : 0);

	return data ? data : fail(ERROR_NOT_ENOUGH_MEMORY);
}

static bool block_is(const struct turn *turn, const void *data)
{
	return data && winmem_heap_validate(turn->heap, turn->self, data, 0);
}

static SIZE_T block_size(const struct turn *turn, const void *data)
{
	SIZE_T size = 0;

	winmem_heap_size(turn->heap, turn->self, data, 0, &size);
	return size;
}

/* A pointer that is no block: only one that leads nowhere is forgiven (rows GL16, GL17, GL22). */
static DWORD block_refused(const struct turn *turn, const void *data, int err)
{
	if (IsBadReadPtr(data, 1))
		return ERROR_NOACCESS;
	winmem_corruption_found(turn->heap, data, err);
	return ERROR_INVALID_PARAMETER;
}

static DWORD pointer_error(const struct winmem_family *family, const void *data)
{
	return family->gentle || !IsBadReadPtr(data, 1) ? ERROR_INVALID_HANDLE : ERROR_NOACCESS;
}

static uint16_t handle_flags(const struct winmem_family *family, UINT flags)
{
	return WINMEM_HMEM_USED |
	       (flags & family->discardable ? WINMEM_HMEM_DISCARDABLE : 0) |
	       (flags & family->shared ? WINMEM_HMEM_SHARED : 0);
}

/* Alloc */

static HANDLE alloc_moveable(const struct winmem_family *family, const struct turn *turn,
			     UINT flags, SIZE_T size)
{
	struct winmem_hmem *handle = winmem_hmem_take();
	void *data = NULL;

	if (!handle)
		return fail(ERROR_NOT_ENOUGH_MEMORY);
	if (size) {
		data = block_alloc(turn, size, flags);
		if (!data) {
			winmem_hmem_give(handle);
			return NULL;
		}
	}
	handle->flags = handle_flags(family, flags);
	winmem_hmem_set(handle, data);
	return winmem_hmem_show(handle);
}

HANDLE winmem_moveable_alloc(const struct winmem_family *family, UINT flags, SIZE_T size)
{
	struct turn turn;
	HANDLE memory;

	if (flags & ~family->valid)
		return fail(ERROR_INVALID_PARAMETER);
	if (!turn_take(&turn))
		return NULL;
	if (flags & GMEM_MOVEABLE)
		memory = alloc_moveable(family, &turn, flags, size);
	else
		memory = block_alloc(&turn, size < family->least ? family->least : size, flags);
	turn_give(&turn);
	return memory;
}

/* Realloc */

static void *block_resize(const struct turn *turn, void *data, SIZE_T size, DWORD flags)
{
	int err = winmem_heap_realloc(turn->heap, turn->self, &data, size, flags);

	return winmem_error_set(err) ? data : NULL;
}

static void *block_move(const struct turn *turn, void *data, SIZE_T size, UINT flags)
{
	SIZE_T old = block_size(turn, data);
	void *to = block_alloc(turn, size, flags);

	if (!to)
		return NULL;
	memcpy(to, data, old < size ? old : size);
	winmem_heap_free(turn->heap, turn->self, data, 0);
	return to;
}

static DWORD heap_flags(UINT flags, bool stays)
{
	return (flags & GMEM_ZEROINIT ? HEAP_ZERO_MEMORY : 0) |
	       (stays ? HEAP_REALLOC_IN_PLACE_ONLY : 0);
}

/* Rows GL37 to GL42. */
static HANDLE realloc_fixed(const struct winmem_family *family, const struct turn *turn,
			    void *data, SIZE_T size, UINT flags)
{
	bool stays = !(flags & GMEM_MOVEABLE);
	struct winmem_hmem *handle;

	if (!block_is(turn, data))
		return fail(block_refused(turn, data, EINVAL));
	/* Of a moveable block only its handle may be asked. */
	if (winmem_hmem_of(data))
		return fail(ERROR_INVALID_HANDLE);
	if (flags & GMEM_MODIFY) {
		if (stays || !family->converts)
			return data;
		handle = winmem_hmem_take();
		if (!handle)
			return fail(ERROR_NOT_ENOUGH_MEMORY);
		handle->flags = handle_flags(family, flags);
		winmem_hmem_set(handle, data);
		return winmem_hmem_show(handle);
	}
	if (block_size(turn, data) > SMALL)
		return block_resize(turn, data, size, heap_flags(flags, stays));
	return stays ? fail(ERROR_NOT_ENOUGH_MEMORY) : block_move(turn, data, size, flags);
}

/* Rows GL44, GL45, GL50. */
static bool handle_discard(const struct winmem_family *family, const struct turn *turn,
			   struct winmem_hmem *handle, UINT flags)
{
	if (handle->locks)
		return fail(family->discard_error);
	if (!(flags & GMEM_MOVEABLE))
		return fail(ERROR_INVALID_PARAMETER);
	if (handle->data)
		winmem_heap_free(turn->heap, turn->self, handle->data, 0);
	winmem_hmem_set(handle, NULL);
	return true;
}

/* Rows GL43, GL47 to GL49. */
static void *handle_resize(const struct turn *turn, const struct winmem_hmem *handle,
			   SIZE_T size, UINT flags)
{
	bool stays = handle->locks && !(flags & GMEM_MOVEABLE);
	SIZE_T old;

	if (!handle->data)
		return block_alloc(turn, size, flags);
	if (!block_is(turn, handle->data))
		return fail(block_refused(turn, handle->data, EINVAL));
	old = block_size(turn, handle->data);
	if (old > SMALL || size <= old)
		return block_resize(turn, handle->data, size, heap_flags(flags, stays));
	return stays ? fail(ERROR_NOT_ENOUGH_MEMORY) : block_move(turn, handle->data, size, flags);
}

static HANDLE realloc_handle(const struct winmem_family *family, const struct turn *turn,
			     struct winmem_hmem *handle, SIZE_T size, UINT flags)
{
	void *data;

	if (flags & GMEM_MODIFY) {
		handle->flags |= handle_flags(family, flags & family->discardable);
		return winmem_hmem_show(handle);
	}
	if (!size)
		return handle_discard(family, turn, handle, flags) ?
		       winmem_hmem_show(handle) : NULL;
	data = handle_resize(turn, handle, size, flags);
	if (!data)
		return NULL;
	winmem_hmem_set(handle, data);
	return winmem_hmem_show(handle);
}

HANDLE winmem_moveable_realloc(const struct winmem_family *family, HANDLE memory, SIZE_T size,
			       UINT flags)
{
	struct winmem_hmem *handle;
	struct turn turn;
	HANDLE result;

	if (flags & ~(family->valid | GMEM_MODIFY) ||
	    (flags & family->discardable && !(flags & GMEM_MODIFY)))
		return fail(ERROR_INVALID_PARAMETER);
	if (!turn_take(&turn))
		return NULL;
	handle = winmem_hmem_find(memory);
	if (handle)
		result = realloc_handle(family, &turn, handle, size, flags);
	else if (!memory || winmem_hmem_is(memory))
		result = fail(ERROR_INVALID_HANDLE);
	else
		result = realloc_fixed(family, &turn, memory, size, flags);
	turn_give(&turn);
	return result;
}

/* Free */

static DWORD free_fixed(const struct turn *turn, void *data)
{
	struct winmem_hmem *handle = winmem_hmem_of(data);
	int err = winmem_heap_free(turn->heap, turn->self, data, 0);

	if (err)
		return block_refused(turn, data, err);
	/* The block of a handle, by its address: the handle must not lead there any more. */
	if (handle)
		winmem_hmem_give(handle);
	return NO_ERROR;
}

static DWORD free_handle(const struct turn *turn, struct winmem_hmem *handle)
{
	void *data = handle->data;

	winmem_hmem_give(handle);
	return data ? free_fixed(turn, data) : NO_ERROR;
}

/* What could not be freed is what comes back. */
HANDLE winmem_moveable_free(HANDLE memory)
{
	struct winmem_hmem *handle;
	struct turn turn;
	DWORD error;

	if (!memory)
		return NULL;
	if (!turn_take(&turn))
		return memory;
	handle = winmem_hmem_find(memory);
	if (handle)
		error = free_handle(&turn, handle);
	else
		error = winmem_hmem_is(memory) ? ERROR_INVALID_HANDLE : free_fixed(&turn, memory);
	turn_give(&turn);
	if (!error)
		return NULL;
	SetLastError(error);
	return memory;
}

/* Lock */

static void *handle_lock(struct winmem_hmem *handle)
{
	if (!handle->data)
		return fail(ERROR_DISCARDED);
	if (handle->locks < WINMEM_HMEM_LOCKS)
		handle->locks++;
	return handle->data;
}

void *winmem_moveable_lock(const struct winmem_family *family, HANDLE memory)
{
	struct winmem_hmem *handle;
	struct turn turn;
	void *data;

	if (!turn_take(&turn))
		return NULL;
	handle = winmem_hmem_find(memory);
	if (handle)
		data = handle_lock(handle);
	else if (winmem_hmem_is(memory))
		data = fail(ERROR_INVALID_HANDLE);
	else
		data = block_is(&turn, memory) || !IsBadReadPtr(memory, 1) ?
		       memory : fail(family->lock_error);
	turn_give(&turn);
	return data;
}

/* Row GL08: the last one is FALSE too, and no error. */
static BOOL handle_unlock(struct winmem_hmem *handle)
{
	if (handle->locks && --handle->locks)
		return TRUE;
	return FALSE;
}

BOOL winmem_moveable_unlock(const struct winmem_family *family, HANDLE memory)
{
	struct winmem_hmem *handle;
	struct turn turn;
	bool was_locked;
	BOOL result;

	if (!memory)
		return winmem_error_set(EBADF);
	if (!turn_take(&turn))
		return FALSE;
	handle = winmem_hmem_find(memory);
	was_locked = handle && handle->locks;
	result = handle ? handle_unlock(handle) : !family->unlock_fails;
	turn_give(&turn);
	if (handle && !result)
		SetLastError(was_locked ? NO_ERROR : ERROR_NOT_LOCKED);
	else if (!handle && winmem_hmem_is(memory))
		SetLastError(ERROR_INVALID_HANDLE);
	else if (!result)
		SetLastError(ERROR_NOT_LOCKED);
	return result;
}

/* Ask */

SIZE_T winmem_moveable_size(HANDLE memory)
{
	struct winmem_hmem *handle;
	struct turn turn;
	SIZE_T size = 0;

	if (!turn_take(&turn))
		return 0;
	handle = winmem_hmem_find(memory);
	if (handle)
		size = handle->data ? block_size(&turn, handle->data) : 0;
	else if (!winmem_hmem_is(memory) && block_is(&turn, memory))
		size = block_size(&turn, memory);
	else
		SetLastError(ERROR_INVALID_HANDLE);
	turn_give(&turn);
	return size;
}

static UINT flags_of(const struct winmem_family *family, const struct winmem_hmem *handle)
{
	return handle->locks | (handle->data ? 0 : GMEM_DISCARDED) |
	       (handle->flags & WINMEM_HMEM_DISCARDABLE ? family->discardable : 0) |
	       (handle->flags & WINMEM_HMEM_SHARED ? family->shared : 0);
}

UINT winmem_moveable_flags(const struct winmem_family *family, HANDLE memory)
{
	struct winmem_hmem *handle;
	struct turn turn;
	UINT flags = 0;

	if (!turn_take(&turn))
		return GMEM_INVALID_HANDLE;
	handle = winmem_hmem_find(memory);
	if (handle) {
		flags = flags_of(family, handle);
	} else if (winmem_hmem_is(memory) || !block_is(&turn, memory)) {
		flags = GMEM_INVALID_HANDLE;
		SetLastError(!memory || winmem_hmem_is(memory) ? ERROR_INVALID_HANDLE :
			     pointer_error(family, memory));
	}
	turn_give(&turn);
	return flags;
}

HANDLE winmem_moveable_handle(const struct winmem_family *family, const void *data)
{
	struct winmem_hmem *handle;
	HANDLE memory = NULL;
	struct turn turn;

	if (!data)
		return fail(ERROR_INVALID_PARAMETER);
	if (!turn_take(&turn))
		return NULL;
	handle = winmem_hmem_of(data);
	if (!handle)
		handle = winmem_hmem_find(data);
	if (handle)
		memory = winmem_hmem_show(handle);
	else if (!winmem_hmem_is(data) && block_is(&turn, data))
		memory = (HANDLE)data;
	else
		SetLastError(pointer_error(family, data));
	turn_give(&turn);
	return memory;
}
