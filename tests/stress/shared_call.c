// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls on the shared reservations, one at a time. The answer is the model's, except for
 * guards, which others may have set off since.
 */
#include <pthread.h>

#include "shared.h"

#define UNTOUCHED	0xdeadbeef

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

/* Calls that take contents away, in the end or perhaps. */
enum effect { KEEPS, MAY_DROP, DROPS };

/* Before a call: whoever touches these pages from here on cannot be sure. */
static void call_begins(struct span span, enum effect effect)
{
	for (long i = span.first; i < span.end; i++) {
		struct shared_page *page = &shared_pages[i];
		uint64_t tick = page->tick, next;

		/* While the version is odd, PASSED is that anything had happened before. */
		do {
			next = (tick / TICK_VERSION + 1) * TICK_VERSION;
			next |= tick & TICK_EVENTS ? TICK_PASSED : 0;
		} while (!atomic_compare_exchange_weak(&page->tick, &tick, next));
		if (effect != KEEPS)
			page->epoch++;
	}
}

/*
 * After it: the model has changed, and is the truth again. A guard that the call has not
 * set anew may be gone already.
 */
static void call_ends(struct span span, enum effect effect, bool anew)
{
	for (long i = span.first; i < span.end; i++) {
		struct shared_page *page = &shared_pages[i];
		uint64_t tick = page->tick, next;

		page->prot = shared_model.pages[i].prot;
		if (effect != KEEPS) {
			page->zeroed = effect == DROPS;
			page->epoch++;
		}
		do {
			next = (tick / TICK_VERSION + 1) * TICK_VERSION;
			if (tick & TICK_UNSURE || (!anew && tick & TICK_PASSED))
				next |= TICK_UNSURE;
		} while (!atomic_compare_exchange_weak(&page->tick, &tick, next));
	}
}

static struct span pick_pages(struct random *random)
{
	long page = random_below(random, SHARED_PAGES), nr = 1;
	struct span whole = { 0, SHARED_PAGES };

	if (shared_model.pages[page].base != FREE)
		whole = model_whole(&shared_model, page);
	if (random_percent(random, 60))
		nr = 1 + random_below(random, random_percent(random, 60) ? 20 : 300);
	if (page + nr > whole.end && random_percent(random, 80))
		nr = whole.end - page;
	if (page + nr > SHARED_PAGES)
		nr = SHARED_PAGES - page;
	return (struct span) { page, page + nr };
}

/* All pages that a call on some can change: what the model would have to be asked for. */
static struct span touched(struct span span, DWORD type)
{
	if (type == MEM_RELEASE && shared_model.pages[span.first].base != FREE)
		return model_whole(&shared_model, span.first);
	return span;
}

static void call_alloc(struct worker *worker, struct span span, DWORD type, DWORD prot,
		       enum effect effect)
{
	unsigned long addr = shared_model.start + span.first * PAGE, want = 0, got;
	unsigned long size = (span.end - span.first) * PAGE;
	DWORD error;

	worker_note(worker, "alloc %#lx..%#lx type %#x prot %#x", span.first, span.end, type, prot);
	call_begins(span, effect);
	SetLastError(UNTOUCHED);
	got = (unsigned long)VirtualAlloc((void *)addr, size, type, prot);
	error = model_alloc(&shared_model, addr, size, type, prot, &want);
	CHECK(worker, got == (error ? 0 : want) && GetLastError() == (error ? error : UNTOUCHED),
	      "%#lx is returned, error %u, not %u", got, GetLastError(), error);
	/* What has failed has dropped nothing. */
	if (error && effect == DROPS)
		effect = MAY_DROP;
	call_ends(span, effect, !error && type != MEM_RESET);
}

static void call_undo(struct worker *worker, struct span span)
{
	unsigned long addr = shared_model.start + span.first * PAGE;
	unsigned long size = (span.end - span.first) * PAGE;
	void *got;

	worker_note(worker, "undo %#lx..%#lx", span.first, span.end);
	got = VirtualAlloc((void *)addr, size, MEM_RESET_UNDO, PAGE_NOACCESS);
	CHECK(worker, model_undo(&shared_model, addr, size, got ? 0 : GetLastError()),
	      "error %u is not the truth", GetLastError());
}

static void call_free(struct worker *worker, struct span span, DWORD type)
{
	unsigned long addr = shared_model.start + span.first * PAGE;
	unsigned long size = type == MEM_RELEASE ? 0 : (span.end - span.first) * PAGE;
	struct span all = touched(span, type);
	DWORD error;
	BOOL done;

	worker_note(worker, "free %#lx..%#lx type %#x", span.first, span.end, type);
	call_begins(all, DROPS);
	SetLastError(UNTOUCHED);
	done = VirtualFree((void *)addr, size, type);
	error = model_free(&shared_model, addr, size, type);
	CHECK(worker, done == !error && GetLastError() == (error ? error : UNTOUCHED),
	      "returned %d with error %u, not %u", done, GetLastError(), error);
	call_ends(all, done ? DROPS : MAY_DROP, done);
}

/* The slots of a page that nobody may write to any more do not change any more. */
static void check_still(struct worker *worker, struct span span, DWORD prot)
{
	const char *addr = (char *)shared_model.start + span.first * PAGE;
	uint64_t words[SHARED_THREADS];

	if (prot != PAGE_READONLY && prot != PAGE_EXECUTE_READ)
		return;
	/* Unless they are dropped. */
	if (shared_model.pages[span.first].reset)
		return;
	for (int i = 0; i < SHARED_THREADS; i++)
		words[i] = *(volatile uint64_t *)(addr + i * SLOT);
	for (int tries = 0; tries < 20; tries++)
		for (int i = 0; i < SHARED_THREADS; i++)
			CHECK(worker, *(volatile uint64_t *)(addr + i * SLOT) == words[i],
			      "page %#lx was written after VirtualProtect to %#x had returned",
			      span.first, prot);
}

static void call_protect(struct worker *worker, struct span span, DWORD prot)
{
	unsigned long addr = shared_model.start + span.first * PAGE;
	unsigned long size = (span.end - span.first) * PAGE;
	DWORD old = UNTOUCHED, want = UNTOUCHED, error;
	BOOL done;

	worker_note(worker, "protect %#lx..%#lx prot %#x", span.first, span.end, prot);
	call_begins(span, KEEPS);
	SetLastError(UNTOUCHED);
	done = VirtualProtect((void *)addr, size, prot, &old);
	error = model_protect(&shared_model, addr, size, prot, &want);
	CHECK(worker, done == !error && GetLastError() == (error ? error : UNTOUCHED),
	      "returned %d with error %u, not %u", done, GetLastError(), error);
	CHECK(worker, old == want || old == (want & ~PAGE_GUARD),
	      "the old protection is %#x, not %#x", old, want);
	if (done)
		check_still(worker, span, prot);
	call_ends(span, KEEPS, done);
}

void shared_call(struct worker *worker)
{
	static const DWORD prots[] = {
		PAGE_READWRITE, PAGE_READWRITE, PAGE_READWRITE, PAGE_READONLY, PAGE_READONLY,
		PAGE_NOACCESS, PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE, PAGE_READWRITE | PAGE_GUARD,
		PAGE_READONLY | PAGE_GUARD,
	};
	struct random *random = &worker->random;
	DWORD prot = RANDOM_OF(random, prots);
	unsigned int kind = random_below(random, 100);
	struct span span;

	pthread_mutex_lock(&turn);
	span = pick_pages(random);
	if (kind < 15) {
		span.first = span.first / GRAN_PAGES * GRAN_PAGES;
		call_alloc(worker, span, MEM_RESERVE | MEM_COMMIT, prot, DROPS);
	} else if (kind < 30) {
		call_alloc(worker, span, MEM_COMMIT, prot, KEEPS);
	} else if (kind < 42) {
		call_free(worker, span, MEM_DECOMMIT);
	} else if (kind < 45) {
		if (shared_model.pages[span.first].base != FREE)
			span.first = shared_model.pages[span.first].base;
		call_free(worker, span, MEM_RELEASE);
	} else if (kind < 51) {
		call_alloc(worker, span, MEM_RESET, prot, MAY_DROP);
	} else if (kind < 55) {
		call_undo(worker, span);
	} else {
		call_protect(worker, span, prot);
	}
	pthread_mutex_unlock(&turn);
}

/* Nobody works: a guard is there if nothing has hit it, and gone if something has. */
static void settle_guard(struct worker *worker, long i, DWORD prot)
{
	struct page *page = &shared_model.pages[i];
	uint64_t tick = shared_pages[i].tick;
	unsigned int hits = tick & TICK_HITS;

	if (!(page->prot & PAGE_GUARD))
		return;
	if (!(tick & TICK_UNSURE)) {
		CHECK(worker, hits <= 1, "the guard of page %#lx was hit %u times", i, hits);
		CHECK(worker, hits || !(tick & TICK_PASSED),
		      "page %#lx was touched past its guard, which nothing had hit", i);
		CHECK(worker, !hits == !!(prot & PAGE_GUARD),
		      "page %#lx is %#x after %u hits of its guard", i, prot, hits);
	}
	page->prot = shared_pages[i].prot = (page->prot & ~PAGE_GUARD) | (prot & PAGE_GUARD);
	/* From here on it is an ordinary page, or a guard that nothing has touched. */
	shared_pages[i].tick = (tick / TICK_VERSION + 2) * TICK_VERSION;
}

void shared_settle(struct worker *worker)
{
	MEMORY_BASIC_INFORMATION got, want;
	unsigned long addr;

	for (long i = 0; i < SHARED_PAGES; i += got.RegionSize / PAGE) {
		addr = shared_model.start + i * PAGE;
		CHECK(worker, VirtualQuery((void *)addr, &got, sizeof(got)), "error %u",
		      GetLastError());
		for (long j = i; j < i + (long)(got.RegionSize / PAGE) && j < SHARED_PAGES; j++)
			settle_guard(worker, j, got.Protect);
	}
	/* And now all of it is as the model says. */
	for (long i = 0; i < SHARED_PAGES; i += want.RegionSize / PAGE) {
		addr = shared_model.start + i * PAGE;
		CHECK(worker, VirtualQuery((void *)addr, &got, sizeof(got)), "error %u",
		      GetLastError());
		model_query(&shared_model, addr, &want);
		CHECK(worker, got.State == want.State && got.Protect == want.Protect &&
		      got.AllocationBase == want.AllocationBase &&
		      got.AllocationProtect == want.AllocationProtect &&
		      (got.RegionSize == want.RegionSize || want.State == MEM_FREE),
		      "page %#lx: %p %#zx state %#x prot %#x, not %p %#zx state %#x prot %#x", i,
		      got.AllocationBase, got.RegionSize, got.State, got.Protect,
		      want.AllocationBase, want.RegionSize, want.State, want.Protect);
	}
}
