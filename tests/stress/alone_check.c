// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole of a thread's memory against its model: VirtualQuery from one end to the other,
 * and the contents of every page, also of those that the program may not touch.
 */
#include <errno.h>
#include <string.h>

#include "alone.h"
#include "touch.h"

#define BATCH	16	/* pages that are read at once */

void check_query(struct worker *worker, const struct model *model, unsigned long addr)
{
	MEMORY_BASIC_INFORMATION got, want;
	SIZE_T size = VirtualQuery((void *)addr, &got, sizeof(got));

	CHECK(worker, size == sizeof(got), "VirtualQuery of %#lx: error %u", addr, GetLastError());
	model_query(model, addr, &want);
	/* What is free goes on behind the model. */
	if (want.State == MEM_FREE && got.RegionSize > want.RegionSize &&
	    (unsigned long)want.BaseAddress + want.RegionSize == model->start + model->nr * PAGE)
		want.RegionSize = got.RegionSize;
	CHECK(worker, !memcmp(&got, &want, sizeof(got)),
	      "VirtualQuery of %#lx: %p %p %#x %#zx state %#x prot %#x type %#x, "
	      "not %p %p %#x %#zx state %#x prot %#x type %#x", addr,
	      got.BaseAddress, got.AllocationBase, got.AllocationProtect, got.RegionSize, got.State,
	      got.Protect, got.Type, want.BaseAddress, want.AllocationBase, want.AllocationProtect,
	      want.RegionSize, want.State, want.Protect, want.Type);
}

static void check_states(struct worker *worker, const struct model *model)
{
	MEMORY_BASIC_INFORMATION run;

	for (long i = 0; i < model->nr; i += run.RegionSize / PAGE) {
		check_query(worker, model, model->start + i * PAGE);
		model_query(model, model->start + i * PAGE, &run);
	}
}

/* A debugger can see pages that are committed, and no others. */
static void check_contents(struct worker *worker, struct model *model)
{
	static __thread char copy[BATCH * PAGE];
	long i, nr;

	for (i = 0; i < model->nr; i += nr) {
		unsigned long addr = model->start + i * PAGE;

		for (nr = 0; nr < BATCH && i + nr < model->nr && model->pages[i + nr].prot;)
			nr++;
		if (!nr) {
			nr = 1;
			CHECK(worker, !debugger_read((void *)addr, copy, 1),
			      "a page at %#lx, where none is committed", addr);
			continue;
		}
		CHECK(worker, debugger_read((void *)addr, copy, nr * PAGE),
		      "contents at %#lx cannot be seen: %s", addr, strerror(errno));
		for (long j = 0; j < nr * CELLS; j++)
			check_cell(worker, &model->pages[i + j / CELLS], j % CELLS,
				   (char *)addr + j * CELL, copy + j * CELL);
	}
}

void alone_check(struct worker *worker)
{
	struct alone *alone = worker->data;

	worker_note(worker, "the check of everything");
	check_states(worker, &alone->arena);
	check_contents(worker, &alone->arena);
	for (int i = 0; i < STRAYS; i++) {
		if (!alone->strays[i].nr)
			continue;
		check_states(worker, &alone->strays[i]);
		check_contents(worker, &alone->strays[i]);
	}
}
