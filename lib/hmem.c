// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of handles. See hmem.h. */
#include <pthread.h>
#include <string.h>

#include "hmem.h"

#define CHAIN_BITS	14

static struct winmem_hmem table[WINMEM_HMEMS] __attribute__((aligned(16)));
static uint32_t chains[1 << CHAIN_BITS];	/* by block; number + 1 of the first */
static uint32_t used;				/* entries from here on were never taken */
static uint32_t unused;				/* list of those given back */

static uint32_t number_of(const struct winmem_hmem *handle)
{
	return handle - table + 1;
}

static uint32_t *chain_of(const void *data)
{
	return &chains[((uintptr_t)data >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - CHAIN_BITS)];
}

struct winmem_hmem *winmem_hmem_take(void)
{
	struct winmem_hmem *handle;

	if (unused) {
		handle = &table[unused - 1];
		unused = handle->next;
	} else if (used < WINMEM_HMEMS) {
		handle = &table[used++];
	} else {
		return NULL;
	}
	*handle = (struct winmem_hmem){ .flags = WINMEM_HMEM_USED };
	return handle;
}

void winmem_hmem_give(struct winmem_hmem *handle)
{
	winmem_hmem_set(handle, NULL);
	*handle = (struct winmem_hmem){ .next = unused };
	unused = number_of(handle);
}

struct winmem_hmem *winmem_hmem_find(const void *memory)
{
	uintptr_t offset = (uintptr_t)memory - (uintptr_t)&table[0].data;
	struct winmem_hmem *handle;

	if (offset % sizeof(*handle) || offset / sizeof(*handle) >= used)
		return NULL;
	handle = &table[offset / sizeof(*handle)];
	return handle->flags & WINMEM_HMEM_USED ? handle : NULL;
}

void winmem_hmem_set(struct winmem_hmem *handle, void *data)
{
	uint32_t *place;

	if (handle->data == data)
		return;
	if (handle->data) {
		place = chain_of(handle->data);
		while (*place != number_of(handle))
			place = &table[*place - 1].next;
		*place = handle->next;
	}
	handle->data = data;
	if (data) {
		place = chain_of(data);
		handle->next = *place;
		*place = number_of(handle);
	}
}

struct winmem_hmem *winmem_hmem_of(const void *data)
{
	uint32_t number = *chain_of(data);

	while (number && table[number - 1].data != data)
		number = table[number - 1].next;
	return number ? &table[number - 1] : NULL;
}

/* The blocks are the parent's. */
static void hmem_in_child(void)
{
	if (!used)
		return;
	memset(table, 0, used * sizeof(table[0]));
	memset(chains, 0, sizeof(chains));
	used = unused = 0;
}

__attribute__((constructor))
static void hmem_watch_fork(void)
{
	pthread_atfork(NULL, NULL, hmem_in_child);
}
