/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What GlobalAlloc's family and LocalAlloc's have in common, which is nearly all: blocks of
 * the process heap, fixed or behind a handle. Where the two differ is in a struct.
 *
 * A block that is none, in memory that is there, ends the process as it does with HeapFree().
 */
#ifndef WINMEM_MOVEABLE_H
#define WINMEM_MOVEABLE_H

#include <stdbool.h>

#include <winmem.h>

/**
 * struct winmem_family - GlobalAlloc's or LocalAlloc's
 * @valid: flags that may be given
 * @discardable: how a discardable block is told of
 * @shared: GMEM_DDESHARE, where it is told of
 * @least: size of the smallest fixed block (row GL01)
 * @converts: a fixed block can become a moveable one (row GL41)
 * @gentle: of a pointer that is no block only "no handle" is told (rows GL18, GL23)
 * @lock_error: of such a pointer when it is locked; 0: untouched (row GL20)
 * @unlock_fails: so that unlocking a fixed block does (rows GL05, GL15, GL21)
 * @discard_error: of a locked block that should be discarded; 0: untouched (row GL50)
 */
struct winmem_family {
	UINT valid;
	UINT discardable;
	UINT shared;
	SIZE_T least;
	bool converts;
	bool gentle;
	DWORD lock_error;
	bool unlock_fails;
	DWORD discard_error;
};

HANDLE winmem_moveable_alloc(const struct winmem_family *family, UINT flags, SIZE_T size);
HANDLE winmem_moveable_realloc(const struct winmem_family *family, HANDLE memory, SIZE_T size,
			       UINT flags);
HANDLE winmem_moveable_free(HANDLE memory);
void *winmem_moveable_lock(const struct winmem_family *family, HANDLE memory);
BOOL winmem_moveable_unlock(const struct winmem_family *family, HANDLE memory);
SIZE_T winmem_moveable_size(HANDLE memory);
UINT winmem_moveable_flags(const struct winmem_family *family, HANDLE memory);
HANDLE winmem_moveable_handle(const struct winmem_family *family, const void *data);

#endif /* WINMEM_MOVEABLE_H */
