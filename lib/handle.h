/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_HANDLE_H
#define WINMEM_HANDLE_H

#include <stdatomic.h>

#include <winmem.h>

enum winmem_object_type {
	WINMEM_OBJECT_NOTIFICATION = 1,
	WINMEM_OBJECT_PROCESS,
};

/*
 * What a handle names: the first member of something larger. The handle holds a
 * reference, and so does whoever uses the object: it is destroyed with the last one.
 */
struct winmem_object {
	enum winmem_object_type type;
	atomic_uint refs;
	void (*destroy)(struct winmem_object *object);
};

/**
 * winmem_object_init() - a new object; the caller has its only reference
 * @object: to fill
 * @type: what it is
 * @destroy: called with the last reference given up, from any thread, with no lock held
 *
 * Context: any.
 */
void winmem_object_init(struct winmem_object *object, enum winmem_object_type type,
			void (*destroy)(struct winmem_object *object));

/**
 * winmem_object_put() - give up a reference
 * @object: object, or NULL
 *
 * Context: any thread.
 */
void winmem_object_put(struct winmem_object *object);

/**
 * winmem_handle_open() - a handle for an object
 * @object: its reference goes to the handle when this succeeds
 * @handle: set; a multiple of 4 of at most 31 bits, as on Windows
 *
 * Context: any thread. May change errno.
 * Return: 0; ENOMEM: no memory, or 65,536 handles are open.
 */
int winmem_handle_open(struct winmem_object *object, HANDLE *handle);

/**
 * winmem_handle_get() - what a handle names
 * @handle: what the program gave
 * @type: what it has to be
 *
 * Context: any thread.
 * Return: the object with a reference; NULL: not an open handle, or of another type.
 */
struct winmem_object *winmem_handle_get(HANDLE handle, enum winmem_object_type type);

#endif /* WINMEM_HANDLE_H */
