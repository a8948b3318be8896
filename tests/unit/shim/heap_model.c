// SPDX-License-Identifier: GPL-2.0-only
/* A heap beside a list of what should be in it. See heap_model.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap_model.h"

#define check(right, ...) do { \
	if (!(right)) { \
		fprintf(stderr, "heap model, line %d: ", __LINE__); \
		fprintf(stderr, __VA_ARGS__); \
		fputc('\n', stderr); \
		abort(); \
	} \
} while (0)

/* So much of a long block is filled and compared, at both ends. */
#define EDGE	4096

static size_t number(struct model *model, size_t below)
{
	return model->next(model->ctx) % below;
}

/* Mostly small, with every kind of block among them. */
static size_t a_size(struct model *model)
{
	switch (number(model, 16)) {
	case 0:
		return number(model, 2) * number(model, 17);
	case 1 ... 6:
		return number(model, 256);
	case 7 ... 10:
		return number(model, 2048);
	case 11 ... 12:
		return number(model, 20000);
	case 13:
		return 8192 - 20 + number(model, 40);
	case 14:
		return number(model, 300000);
	default:
		return number(model, 8) ? 60000 + number(model, 9000) :
					  0xfefd8 - 64 + number(model, 400000);
	}
}

static uint32_t a_thread(struct model *model)
{
	return 1 + number(model, MODEL_THREADS);
}

static void fill(struct model_block *block, size_t from)
{
	for (size_t i = from; i < block->size; i++) {
		if (i == EDGE && block->size > 2 * EDGE)
			i = block->size - EDGE;
		block->data[i] = block->fill + i;
	}
}

/* The first @size bytes, as far as they were filled. */
static void compare(const struct model_block *block, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (i == EDGE && block->size > 2 * EDGE)
			i = block->size - EDGE;
		if (i >= size)
			break;
		check(block->data[i] == (unsigned char)(block->fill + i),
		      "byte %zu of %p (%zu) has changed", i, (void *)block->data, block->size);
	}
}

static void is_zero(const unsigned char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		check(!data[i], "byte %zu of %zu is not zero", i, size);
}

static void look_at(struct model *model, struct model_block *block)
{
	size_t size = ~(size_t)0;
	int err;

	err = winmem_heap_size(model->heap, a_thread(model), block->data, 0, &size);
	check(!err && size == block->size, "size of %p: %d, %zu, not %zu", (void *)block->data, err,
	      size, block->size);
	check(winmem_heap_validate(model->heap, 1, block->data, 0), "%p is not valid",
	      (void *)block->data);
}

static void op_alloc(struct model *model)
{
	struct model_block *block = &model->block[model->nr];
	size_t align = number(model, 16) ? 16 : (size_t)16 << number(model, 9);
	bool zero = !number(model, 3);
	size_t size = a_size(model);

	if (model->nr == MODEL_BLOCKS)
		return;
	block->size = size;
	block->fill = number(model, 256);
	if (align > 16)
		block->data = winmem_heap_alloc_aligned(model->heap, a_thread(model), size, align,
							zero ? WINMEM_HEAP_ZERO_MEMORY : 0);
	else
		block->data = winmem_heap_alloc(model->heap, a_thread(model), size,
						zero ? WINMEM_HEAP_ZERO_MEMORY : 0);
	if (!block->data) {
		check(model->may_fail, "no memory for %zu", size);
		return;
	}
	check(!((uintptr_t)block->data % align), "%p is not aligned to %zu", (void *)block->data,
	      align);
	if (zero)
		is_zero(block->data, size);
	fill(block, 0);
	model->nr++;
	look_at(model, block);
}

static void forget(struct model *model, struct model_block *block)
{
	*block = model->block[--model->nr];
}

static void op_free(struct model *model)
{
	struct model_block *block = &model->block[number(model, model->nr + 1)];
	void *data = block->data;
	int err;

	if (block == &model->block[model->nr])
		return;
	compare(block, block->size);
	err = winmem_heap_free(model->heap, a_thread(model), data, 0);
	check(!err, "free of %p (%zu): %d", data, block->size, err);
	forget(model, block);
	check(!winmem_heap_validate(model->heap, 1, data, 0), "%p is valid after free", data);
	err = winmem_heap_free(model->heap, a_thread(model), data, 0);
	check(err == EALREADY || err == EINVAL, "second free of %p: %d", data, err);
}

static void op_realloc(struct model *model)
{
	struct model_block *block = &model->block[number(model, model->nr + 1)];
	size_t old = block->size, size = a_size(model);
	bool fixed = !number(model, 3), zero = !number(model, 2);
	void *data = block->data;
	int err;

	if (block == &model->block[model->nr])
		return;
	if (!number(model, 3))
		size = old + number(model, 64) - (old > 32 ? 32 : 0);
	err = winmem_heap_realloc(model->heap, a_thread(model), &data, size,
				  (fixed ? WINMEM_HEAP_IN_PLACE_ONLY : 0) |
				  (zero ? WINMEM_HEAP_ZERO_MEMORY : 0));
	if (err) {
		check(err == ENOMEM && (fixed || model->may_fail), "realloc of %p: %d", data, err);
		check(data == block->data, "%p has moved though it failed", data);
	} else {
		check(!fixed || data == block->data, "%p has moved", data);
		block->data = data;
		compare(block, old < size ? old : size);
		if (zero && size > old)
			is_zero(block->data + old, size - old);
		block->size = size;
		fill(block, 0);
	}
	look_at(model, block);
}

/* Pointers that are no blocks: refused, and nothing happens. */
static void op_wrong(struct model *model)
{
	struct model_block *block = &model->block[number(model, model->nr + 1)];
	static const uintptr_t offsets[] = { 1, 8, 16, 32, 4096, 65536, 1 << 20, -16, -64, -4096 };
	uintptr_t addr = model->next(model->ctx), kind = number(model, 4);
	size_t size;

	if (kind && block != &model->block[model->nr])
		addr = (uintptr_t)block->data + offsets[number(model, 10)];
	if (kind == 3)
		addr = (uintptr_t)model->heap + number(model, 70000);
	for (unsigned int i = 0; i < model->nr; i++) {
		if ((uintptr_t)model->block[i].data == addr)
			return;
	}
	check(winmem_heap_free(model->heap, a_thread(model), (void *)addr, 0), "free of %#lx",
	      (unsigned long)addr);
	check(winmem_heap_size(model->heap, a_thread(model), (void *)addr, 0, &size),
	      "size of %#lx", (unsigned long)addr);
	check(!winmem_heap_validate(model->heap, 1, (void *)addr, 0) || !addr, "%#lx is valid",
	      (unsigned long)addr);
}

static void op_rare(struct model *model)
{
	struct winmem_heap_entry entry = { .data = (void *)(uintptr_t)model->next(model->ctx) };

	switch (number(model, 5)) {
	case 0:
		winmem_heap_leave(model->heap, a_thread(model));
		break;
	case 1:
		winmem_heap_compact(model->heap, a_thread(model));
		break;
	case 2:
		winmem_heap_lock(model->heap, 2);
		winmem_heap_lock(model->heap, 2);
		check(winmem_heap_unlock(model->heap, 2), "unlock");
		check(!winmem_heap_unlock(model->heap, 1), "unlock of another's");
		check(winmem_heap_unlock(model->heap, 2), "unlock");
		check(!winmem_heap_unlock(model->heap, 2), "unlock without a lock");
		break;
	case 3:
		entry.block = entry.data;
		entry.flags = number(model, 8);
		if (entry.data)
			winmem_heap_walk(model->heap, 1, &entry);
		break;
	default:
		if (!number(model, 16))
			model_check(model);
	}
}

void model_step(struct model *model)
{
	switch (number(model, 64)) {
	case 0 ... 27:
		op_alloc(model);
		break;
	case 28 ... 50:
		op_free(model);
		break;
	case 51 ... 58:
		op_realloc(model);
		break;
	case 59 ... 62:
		op_wrong(model);
		break;
	default:
		op_rare(model);
	}
}

static int by_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct model_block *)a)->data;
	uintptr_t y = (uintptr_t)((const struct model_block *)b)->data;

	return (x > y) - (x < y);
}

/* Each busy entry is a block of the list, none is missing, and what is committed is so. */
void model_check(struct model *model)
{
	struct winmem_heap_entry entry = {};
	struct winmem_heap_summary summary;
	struct model_block key, *found;
	size_t nr = 0, allocated = 0;
	int err;

	check(winmem_heap_validate(model->heap, 1, NULL, 0), "the heap is not valid");
	qsort(model->block, model->nr, sizeof(model->block[0]), by_address);
	while (!(err = winmem_heap_walk(model->heap, 1, &entry))) {
		if (entry.flags & WINMEM_HEAP_ENTRY_UNCOMMITTED)
			check(!shim_supply_is_committed(entry.data, 1), "%p is committed",
			      entry.data);
		if (!entry.flags)
			check(!entry.size || shim_supply_is_committed(entry.data, entry.size),
			      "%p is free and not committed", entry.data);
		if (!(entry.flags & WINMEM_HEAP_ENTRY_BUSY))
			continue;
		key.data = entry.data;
		found = bsearch(&key, model->block, model->nr, sizeof(key), by_address);
		check(found, "the walk found %p (%zu)", entry.data, entry.size);
		check(found->size == entry.size, "%p has %zu in the walk", entry.data, entry.size);
		allocated += entry.size;
		nr++;
	}
	check(err == ENOENT, "the walk ended with %d", err);
	check(nr == model->nr, "the walk found %zu of %u", nr, model->nr);
	winmem_heap_summarize(model->heap, 1, &summary);
	check(summary.allocated == allocated, "%zu allocated", summary.allocated);
	check(summary.reserved <= shim_supply_counts().reserved, "%zu reserved", summary.reserved);
	check(summary.committed <= shim_supply_counts().committed, "%zu committed",
	      summary.committed);
}

void model_empty(struct model *model)
{
	while (model->nr) {
		struct model_block *block = &model->block[number(model, model->nr)];

		compare(block, block->size);
		check(!winmem_heap_free(model->heap, a_thread(model), block->data, 0), "free");
		forget(model, block);
	}
	model_check(model);
}
