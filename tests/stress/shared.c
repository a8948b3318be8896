// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>

#include "shared.h"
#include "touch.h"

struct model shared_model;
struct shared_page shared_pages[SHARED_PAGES];

static void *shared_start(struct worker *worker)
{
	static struct page pages[SHARED_PAGES];
	struct shared_thread *thread = calloc(1, sizeof(*thread));

	if (!thread || worker->index >= SHARED_THREADS) {
		fprintf(stderr, "stress: too many threads\n");
		exit(1);
	}
	if (!shared_model.pages) {
		model_init(&shared_model, worker_place(worker->number, worker->options->seed % 2),
			   SHARED_PAGES, pages);
		/* Even, and not 0: that is what nothing is known of. */
		for (int i = 0; i < SHARED_PAGES; i++)
			shared_pages[i].epoch = 2;
	}
	return thread;
}

static void shared_step(struct worker *worker)
{
	if (random_percent(&worker->random, 12))
		shared_call(worker);
	else
		shared_touch(worker);
}

static void check_zero(struct worker *worker, const uint64_t *words, unsigned long addr)
{
	for (unsigned int i = 0; i < PAGE / sizeof(*words); i++)
		CHECK(worker, !words[i] || (i % (SCRATCH / sizeof(*words)) == 0 &&
					    i < SHARED_THREADS * SLOT / sizeof(*words)),
		      "%#llx at %#lx, where nobody writes", (unsigned long long)words[i],
		      addr + i * sizeof(*words));
}

/* One of the threads looks at what is nobody's, each at what is its own. */
static void shared_check(struct worker *worker)
{
	uint64_t words[PAGE / sizeof(uint64_t)];

	worker_note(worker, "the check of everything");
	shared_check_slots(worker);
	if (worker->index)
		return;
	shared_settle(worker);
	for (long i = 0; i < SHARED_PAGES; i++) {
		unsigned long addr = shared_model.start + i * PAGE;

		if (debugger_read((void *)addr, words, PAGE))
			check_zero(worker, words, addr);
	}
}

static long shared_committed(struct worker *worker)
{
	return worker->index ? 0 : model_committed(&shared_model);
}

const struct kind shared_kind = {
	"shared", shared_start, shared_step, shared_check, shared_committed,
};
