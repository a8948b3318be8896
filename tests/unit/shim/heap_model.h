/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A heap beside a list of what should be in it. Operations are chosen by numbers, which a
 * test draws at random and the fuzzer makes up; each answer is compared, each block is filled
 * and its contents looked at again before it goes.
 */
#ifndef SHIM_HEAP_MODEL_H
#define SHIM_HEAP_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap_supply.h"

#define MODEL_BLOCKS	2048
#define MODEL_THREADS	4

struct model_block {
	unsigned char *data;
	size_t size;
	unsigned char fill;
};

struct model {
	struct winmem_heap *heap;
	struct model_block block[MODEL_BLOCKS];
	unsigned int nr;
	bool may_fail;		/* the supply was told to, or the heap is of fixed size */
	uint64_t (*next)(void *ctx);
	void *ctx;
};

/* One operation. A difference ends the program with a message. */
void model_step(struct model *model);

/* Walk, validate and sum up, and compare with the list. */
void model_check(struct model *model);

/* Free all blocks, and see that they are gone. */
void model_empty(struct model *model);

#endif /* SHIM_HEAP_MODEL_H */
