// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Handles: a table of slots, each with an object or free. A handle is
 *
 *	generation (13 bits) | slot (16 bits) | 00
 *
 * and generations count how often a slot was used, from 1 on: so a handle that was closed
 * is refused, until its slot has been used 8,191 times more. Free slots are used in the
 * order in which they were freed, which makes that rarer still.
 *
 * handle_lock guards the table. It is held across fork, so that the child finds it free;
 * no object is destroyed under it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "error.h"
#include "handle.h"

#define HANDLE_SLOTS		0x10000U
#define HANDLE_SLOT_SHIFT	2
#define HANDLE_GENERATION_SHIFT	18
#define HANDLE_GENERATION_MAX	0x1fffU

struct handle_slot {
	struct winmem_object *object;	/* NULL: free */
	unsigned int generation;	/* of the handle that is open, or of the next one */
	unsigned int next;		/* free slot after this one, with FREE_END none */
};

#define FREE_END	HANDLE_SLOTS

static pthread_mutex_t handle_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t handle_once = PTHREAD_ONCE_INIT;

/* By handle_lock. */
static struct handle_slot *slots;
static unsigned int slots_nr;
static unsigned int free_first = FREE_END, free_last;

static void handle_before_fork(void)
{
	pthread_mutex_lock(&handle_lock);
}

static void handle_after_fork(void)
{
	pthread_mutex_unlock(&handle_lock);
}

static void handle_watch_fork(void)
{
	pthread_atfork(handle_before_fork, handle_after_fork, handle_after_fork);
}

void winmem_object_init(struct winmem_object *object, enum winmem_object_type type,
			void (*destroy)(struct winmem_object *object))
{
	object->type = type;
	atomic_init(&object->refs, 1);
	object->destroy = destroy;
}

void winmem_object_put(struct winmem_object *object)
{
	if (object && atomic_fetch_sub(&object->refs, 1) == 1)
		object->destroy(object);
}

static HANDLE slot_to_handle(unsigned int slot)
{
	return (HANDLE)((uintptr_t)slots[slot].generation << HANDLE_GENERATION_SHIFT |
			(uintptr_t)slot << HANDLE_SLOT_SHIFT);
}

/* The slot of a handle that is open, or NULL. */
static struct handle_slot *slot_find(HANDLE handle)
{
	unsigned int slot = (uintptr_t)handle >> HANDLE_SLOT_SHIFT & (HANDLE_SLOTS - 1);

	if (slot >= slots_nr || !slots[slot].object || slot_to_handle(slot) != handle)
		return NULL;
	return &slots[slot];
}

static void slot_free(unsigned int slot)
{
	slots[slot].next = FREE_END;
	if (free_first == FREE_END)
		free_first = slot;
	else
		slots[free_last].next = slot;
	free_last = slot;
}

static int slots_grow(void)
{
	unsigned int nr = slots_nr ? 2 * slots_nr : 64;
	struct handle_slot *more;

	if (slots_nr == HANDLE_SLOTS)
		return ENOMEM;
	more = realloc(slots, nr * sizeof(*slots));
	if (!more)
		return ENOMEM;
	slots = more;
	for (unsigned int i = slots_nr; i < nr; i++) {
		slots[i] = (struct handle_slot){ .generation = 1 };
		slot_free(i);
	}
	slots_nr = nr;
	return 0;
}

static int handle_open_locked(struct winmem_object *object, HANDLE *handle)
{
	unsigned int slot;

	if (free_first == FREE_END && slots_grow())
		return ENOMEM;
	slot = free_first;
	free_first = slots[slot].next;
	slots[slot].object = object;
	*handle = slot_to_handle(slot);
	return 0;
}

int winmem_handle_open(struct winmem_object *object, HANDLE *handle)
{
	int ret;

	pthread_once(&handle_once, handle_watch_fork);
	pthread_mutex_lock(&handle_lock);
	ret = handle_open_locked(object, handle);
	pthread_mutex_unlock(&handle_lock);
	return ret;
}

struct winmem_object *winmem_handle_get(HANDLE handle, enum winmem_object_type type)
{
	struct winmem_object *object = NULL;
	struct handle_slot *slot;

	pthread_mutex_lock(&handle_lock);
	slot = slot_find(handle);
	if (slot && slot->object->type == type) {
		object = slot->object;
		atomic_fetch_add(&object->refs, 1);
	}
	pthread_mutex_unlock(&handle_lock);
	return object;
}

static struct winmem_object *handle_close_locked(HANDLE handle)
{
	struct handle_slot *slot = slot_find(handle);
	struct winmem_object *object;

	if (!slot)
		return NULL;
	object = slot->object;
	slot->object = NULL;
	slot->generation = slot->generation % HANDLE_GENERATION_MAX + 1;
	slot_free(slot - slots);
	return object;
}

/* The handle of the caller itself may be closed, and stays what it is. */
WINMEM_API BOOL WINAPI CloseHandle(HANDLE hObject)
{
	struct winmem_object *object;
	int saved = errno;

	if (hObject == GetCurrentProcess())
		return TRUE;
	pthread_mutex_lock(&handle_lock);
	object = handle_close_locked(hObject);
	pthread_mutex_unlock(&handle_lock);
	winmem_object_put(object);
	errno = saved;
	return winmem_error_set(object ? 0 : EBADF);
}
