// SPDX-License-Identifier: GPL-2.0-only
/*
 * The allocator under libFuzzer. The first byte chooses the heap; from then on the input is
 * where the model takes its numbers, so that each operation and all its sizes are the
 * fuzzer's choice. A difference from the model, or damage, ends the program.
 */
#include <stdlib.h>
#include <string.h>

#include "shim/heap_model.h"

#define STEPS	3000

struct input {
	const uint8_t *data;
	size_t left;
};

/* Two bytes at a time; four after a marker, for what needs a long number. */
static uint64_t next_input(void *ctx)
{
	struct input *input = ctx;
	size_t take = 2;
	uint64_t value = 0;

	if (input->left > 5 && input->data[0] == 0xff) {
		input->data++;
		input->left--;
		take = 4;
	}
	if (take > input->left)
		take = input->left;
	memcpy(&value, input->data, take);
	input->data += take;
	input->left -= take;
	return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		size_t initial, maximum;
		uint32_t options;
	} kinds[] = {
		{ 0, 0, 0 },
		{ 0, 0, WINMEM_HEAP_NO_SERIALIZE },
		{ 0, 300000, 0 },
		{ 100000, 3000000, 0 },
		{ 0, 0, WINMEM_HEAP_TAIL_CHECKING },
		{ 0, 0, WINMEM_HEAP_TAIL_CHECKING | WINMEM_HEAP_FREE_CHECKING },
	};
	static struct model model;
	struct input input;
	unsigned int kind;

	if (size < 4)
		return 0;
	kind = data[0] % (sizeof(kinds) / sizeof(kinds[0]));
	shim_supply_refuse_decommit(data[1] & 1);
	input = (struct input){ data + 3, size - 3 };
	model = (struct model){
		.heap = shim_heap(kinds[kind].initial, kinds[kind].maximum, kinds[kind].options),
		.may_fail = kinds[kind].maximum || data[2],
		.next = next_input,
		.ctx = &input,
	};
	/* The first so many page calls go well, then one fails, or all of them. */
	shim_supply_fail(data[2], data[1] & 2);
	for (int i = 0; i < STEPS && input.left; i++)
		model_step(&model);
	shim_supply_fail(0, false);
	model_check(&model);
	model_empty(&model);
	shim_heap_end(model.heap);
	return 0;
}
