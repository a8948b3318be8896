/* SPDX-License-Identifier: GPL-2.0-only */
/* A heap that a test is going to damage: made before it, and ended whatever has become of it. */
#ifndef WINMEM_TESTS_UNIT_HEAP_DAMAGE_H
#define WINMEM_TESTS_UNIT_HEAP_DAMAGE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../lib/heap_state.h"
#include "shim/heap_supply.h"

#define ME	1
#define ALL	400

static struct winmem_heap *heap;
static char *blocks[ALL];

static inline int new_heap(void **state)
{
	(void)state;
	heap = shim_heap(0, 0, 0);
	shim_damage_found = 0;
	shim_damage_expected = true;
	return 0;
}

/* What was damaged may stay behind: only a crash would be wrong. */
static inline int end_heap(void **state)
{
	(void)state;
	winmem_heap_destroy(heap);
	shim_damage_expected = false;
	return 0;
}

static inline char *get(size_t size)
{
	char *data = winmem_heap_alloc(heap, ME, size, 0);

	assert_non_null(data);
	return data;
}

static inline int put(void *data)
{
	return winmem_heap_free(heap, ME, data, 0);
}

static inline bool is_valid(void)
{
	return winmem_heap_validate(heap, ME, NULL, 0);
}

/* So many of a size that the later ones are slots. */
static inline void fill(size_t size)
{
	for (int i = 0; i < ALL; i++)
		blocks[i] = get(size);
}

#endif /* WINMEM_TESTS_UNIT_HEAP_DAMAGE_H */
