// SPDX-License-Identifier: GPL-2.0-only
/*
 * Touches of the shared reservations, by any thread at any time.
 */
#include <errno.h>

#include "shared.h"
#include "touch.h"

static uint64_t tag_of(long page, unsigned int index)
{
	return (uint64_t)(page + 1) << 48 | (uint64_t)(index + 1) << 40;
}

static void *slot_of(long page, unsigned int index)
{
	return (void *)(shared_model.start + page * PAGE + index * SLOT);
}

/* What a page was before a touch. */
struct before {
	uint64_t version;
	unsigned int prot;
	unsigned int epoch;
};

static struct before look(long page)
{
	struct before before;

	before.version = shared_pages[page].tick / TICK_VERSION;
	before.prot = shared_pages[page].prot;
	before.epoch = shared_pages[page].epoch;
	return before;
}

static bool is_same(long page, const struct before *before)
{
	return before->version % 2 == 0 &&
	       shared_pages[page].tick / TICK_VERSION == before->version;
}

/* Note on a page what has happened to its guard, if it still has the version. */
static bool mark(long page, const struct before *before, uint64_t bits, uint64_t hit)
{
	uint64_t tick = shared_pages[page].tick;

	do {
		if (before && tick / TICK_VERSION != before->version)
			return false;
		if (hit && (tick & TICK_HITS) == TICK_HITS)
			return true;
	} while (!atomic_compare_exchange_weak(&shared_pages[page].tick, &tick,
					       (tick | bits) + hit));
	return true;
}

static bool prot_allows(unsigned int prot, enum access access)
{
	struct page page = { .prot = prot & ~PAGE_GUARD };

	return model_allows(&page, access);
}

/* A touch that was refused, or let through: could that be? */
static void check_touch(struct worker *worker, long page, enum access access,
			const struct before *before, bool refused)
{
	bool allowed = prot_allows(before->prot, access), guarded = before->prot & PAGE_GUARD;

	if (!is_same(page, before)) {
		if (refused)
			mark(page, NULL, TICK_UNSURE, 0);
		return;
	}
	CHECK(worker, refused || allowed, "page %#lx, protection %#x: %s was let through", page,
	      before->prot, access == READ ? "a read" : "a write");
	CHECK(worker, !refused || !allowed || guarded, "page %#lx, protection %#x: %s was refused",
	      page, before->prot, access == READ ? "a read" : "a write");
	if (!guarded)
		return;
	if (!refused)
		mark(page, before, TICK_PASSED, 0);
	else if (!allowed || !mark(page, before, 0, 1))
		mark(page, NULL, TICK_UNSURE, 0);
}

/* Whether a thread can ever have written a word to its slot, up to a number. */
static bool is_sane(long page, unsigned int index, uint64_t word, uint64_t count)
{
	return !word || (word >> 40 << 40 == tag_of(page, index) && (word & 0xffffffffffULL) <= count);
}

static void check_own(struct worker *worker, long page, unsigned int epoch, uint64_t word)
{
	struct shared_thread *thread = worker->data;
	struct slot *slot = &thread->slots[page];

	CHECK(worker, is_sane(page, worker->index, word, thread->count),
	      "page %#lx: %#llx was never written there", page, (unsigned long long)word);
	if (shared_pages[page].epoch != epoch || epoch % 2)
		return;
	if (slot->epoch == epoch)
		CHECK(worker, word == slot->value, "page %#lx: %#llx, not %#llx as it was written",
		      page, (unsigned long long)word, (unsigned long long)slot->value);
	else if (slot->tried != epoch && shared_pages[page].zeroed)
		CHECK(worker, !word, "page %#lx: %#llx after it was freed", page,
		      (unsigned long long)word);
}

static void read_own(struct worker *worker, long page)
{
	struct before before = look(page);
	uint64_t word;
	bool refused;

	if (random_percent(&worker->random, 80))
		refused = touch_read(slot_of(page, worker->index), &word, sizeof(word)).hit;
	else
		refused = pipe_write(slot_of(page, worker->index), &word, sizeof(word)) < 0;
	check_touch(worker, page, READ, &before, refused);
	if (!refused)
		check_own(worker, page, before.epoch, word);
}

/* Somebody else's slot: it only rises, while nothing is freed. */
static void read_other(struct worker *worker, long page, unsigned int index)
{
	struct before before = look(page);
	uint64_t first, then;
	bool refused;

	refused = touch_read(slot_of(page, index), &first, sizeof(first)).hit;
	check_touch(worker, page, READ, &before, refused);
	if (refused || touch_read(slot_of(page, index), &then, sizeof(then)).hit)
		return;
	CHECK(worker, is_sane(page, index, first, ~0ULL) && is_sane(page, index, then, ~0ULL),
	      "page %#lx: %#llx, then %#llx in the slot of thread %u", page,
	      (unsigned long long)first, (unsigned long long)then, index);
	if (before.epoch % 2 == 0 && shared_pages[page].epoch == before.epoch &&
	    shared_pages[page].zeroed)
		CHECK(worker, then >= first, "page %#lx: %#llx after %#llx", page,
		      (unsigned long long)then, (unsigned long long)first);
}

static void write_own(struct worker *worker, long page)
{
	struct shared_thread *thread = worker->data;
	struct slot *slot = &thread->slots[page];
	struct before before = look(page);
	uint64_t word = tag_of(page, worker->index) | ++thread->count;
	unsigned int after;
	bool refused;

	refused = touch_write(slot_of(page, worker->index), &word, sizeof(word)).hit;
	check_touch(worker, page, WRITE, &before, refused);
	if (refused)
		return;
	/* If the contents went meanwhile, before or after the write: who knows. */
	after = shared_pages[page].epoch;
	slot->epoch = after == before.epoch && after % 2 == 0 ? after : 0;
	slot->tried = after % 2 ? after + 1 : after;
	slot->value = word;
}

/* A system call writes where nobody looks: whether it may is what counts. */
static void write_scratch(struct worker *worker, long page)
{
	struct before before = look(page);
	char *addr = (char *)slot_of(page, worker->index) + SCRATCH;
	uint64_t word = random_next(&worker->random);

	check_touch(worker, page, WRITE, &before, pipe_read(addr, &word, sizeof(word)) < 0);
}

void shared_touch(struct worker *worker)
{
	struct random *random = &worker->random;
	long page = random_below(random, SHARED_PAGES), nr = 1 + random_below(random, 4);
	unsigned int kind = random_below(random, 100);

	worker_note(worker, "%s pages %#lx..%#lx", kind < 50 ? "write" : "read", page, page + nr);
	for (; nr && page < SHARED_PAGES; nr--, page++) {
		if (kind < 40)
			write_own(worker, page);
		else if (kind < 50)
			write_scratch(worker, page);
		else if (kind < 85)
			read_own(worker, page);
		else
			read_other(worker, page, random_below(random, SHARED_THREADS));
	}
}

/* Nobody works: pages that the program may not read are looked at as well. */
void shared_check_slots(struct worker *worker)
{
	uint64_t word;

	for (long page = 0; page < SHARED_PAGES; page++)
		if (debugger_read(slot_of(page, worker->index), &word, sizeof(word)))
			check_own(worker, page, shared_pages[page].epoch, word);
}
