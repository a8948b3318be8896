// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "alone.h"
#include "touch.h"

#define ARENA_PAGES	1300	/* two and a half chunks of 512 */
#define PRESSURE_PAGES	6000
#define FILL_PAGES	256	/* that are written at once under pressure */
#define CHUNK_PAGES	512
#define UNTOUCHED	0xdeadbeef

static const DWORD prots[] = {
	PAGE_NOACCESS, PAGE_READONLY, PAGE_READONLY, PAGE_READWRITE, PAGE_READWRITE, PAGE_READWRITE,
	PAGE_READWRITE, PAGE_READWRITE, PAGE_EXECUTE, PAGE_EXECUTE_READ, PAGE_EXECUTE_READWRITE,
	PAGE_EXECUTE_READWRITE, PAGE_READWRITE | PAGE_GUARD, PAGE_READONLY | PAGE_GUARD,
	PAGE_EXECUTE_READ | PAGE_GUARD, PAGE_EXECUTE_READWRITE | PAGE_GUARD,
	PAGE_READWRITE | PAGE_NOCACHE, PAGE_READONLY | PAGE_WRITECOMBINE,
	PAGE_EXECUTE_READ | PAGE_TARGETS_INVALID,
};

static const DWORD bad_prots[] = {
	0, PAGE_READONLY | PAGE_READWRITE, PAGE_NOACCESS | PAGE_GUARD,
	PAGE_READWRITE | PAGE_GUARD | PAGE_NOCACHE, PAGE_READWRITE | PAGE_NOCACHE | PAGE_WRITECOMBINE,
	PAGE_READWRITE | 0x1000, PAGE_READONLY | PAGE_TARGETS_INVALID,
};

static const DWORD bad_types[] = {
	0, MEM_TOP_DOWN, MEM_WRITE_WATCH, MEM_COMMIT | MEM_WRITE_WATCH, MEM_RESET | MEM_COMMIT,
	MEM_RESET | MEM_RESERVE, MEM_RESET | MEM_RESET_UNDO, MEM_RESERVE | 0x1, MEM_COMMIT | MEM_RELEASE,
	MEM_RESET_UNDO | MEM_TOP_DOWN, MEM_PHYSICAL,
};

static DWORD pick_prot(struct worker *worker)
{
	return RANDOM_OF(&worker->random, prots);
}

const char *name_of(const struct worker *worker, const struct model *model)
{
	static const char *const names[STRAYS] = {
		"stray 0", "stray 1", "stray 2", "stray 3", "stray 4", "stray 5", "stray 6", "stray 7",
	};
	const struct alone *alone = worker->data;

	return model == &alone->arena ? "arena" : names[model - alone->strays];
}

uint64_t next_word(struct worker *worker)
{
	struct alone *alone = worker->data;

	return ((uint64_t)(worker->number + 1) << 32) + ++alone->stamp * CELL_WORDS;
}

struct model *pick_model(struct worker *worker)
{
	struct alone *alone = worker->data;
	struct model *stray = &alone->strays[random_below(&worker->random, STRAYS)];

	return stray->nr && random_percent(&worker->random, 40) ? stray : &alone->arena;
}

static long pick_length(struct random *random, long most)
{
	unsigned int kind = random_below(random, 100);

	if (kind < 35)
		return 1;
	if (kind < 75)
		return 1 + random_below(random, 16);
	return 1 + random_below(random, most);
}

/* Pages of a model, at most limit of them: mostly in one reservation, sometimes past it. */
struct span pick_span(struct worker *worker, const struct model *model, long limit)
{
	struct random *random = &worker->random;
	long page = random_below(random, model->nr), nr;
	unsigned int where = random_below(random, 100);
	struct span whole = { 0, model->nr };

	for (int i = 0; i < 16 && model->pages[page].base == FREE && where < 90; i++)
		page = random_below(random, model->nr);
	if (model->pages[page].base != FREE)
		whole = model_whole(model, page);

	if (where < 15)
		page = whole.first;
	else if (where < 25)
		page = whole.first + random_below(random, whole.end - whole.first);
	else if (where < 35 && page / CHUNK_PAGES * CHUNK_PAGES > whole.first)
		page = page / CHUNK_PAGES * CHUNK_PAGES - random_below(random, 2);
	nr = pick_length(random, whole.end - whole.first);
	if (random_percent(random, 10))
		nr = whole.end - page;
	else if (page + nr > whole.end && random_percent(random, 75))
		nr = whole.end - page;
	if (nr > limit)
		nr = limit;
	if (page + nr > model->nr)
		nr = model->nr - page;
	return (struct span) { page, page + nr };
}

/* Bytes that are in the same pages. */
static void span_to_bytes(struct worker *worker, const struct model *model, struct span span,
			  unsigned long *addr, unsigned long *size)
{
	struct random *random = &worker->random;

	*addr = model->start + span.first * PAGE;
	*size = (span.end - span.first) * PAGE;
	if (random_percent(random, 30)) {
		unsigned long head = random_below(random, PAGE);

		*addr += head;
		*size -= head;
		*size -= random_below(random, *size < PAGE ? *size : PAGE - head);
	}
}

static void pick_bytes(struct worker *worker, const struct model *model, unsigned long *addr,
		       unsigned long *size)
{
	span_to_bytes(worker, model, pick_span(worker, model, model->nr), addr, size);
}

/* VirtualAlloc under one of its names. The two FromApp ones refuse execute (VA42). */
static void *call_alloc(unsigned int variant, unsigned long addr, unsigned long size, DWORD type,
			DWORD prot)
{
	void *at = (void *)addr;

	switch (variant) {
	case 0:
		return VirtualAlloc2(NULL, at, size, type, prot, NULL, 0);
	case 1:
		return VirtualAllocEx(GetCurrentProcess(), at, size, type, prot);
	case 2:
		return VirtualAllocFromApp(at, size, type, prot);
	case 3:
		return VirtualAlloc2FromApp(GetCurrentProcess(), at, size, type, prot, NULL, 0);
	default:
		return VirtualAlloc(at, size, type, prot);
	}
}

static bool variant_refuses(unsigned int variant, DWORD prot)
{
	return (variant == 2 || variant == 3) &&
	       prot & (PAGE_EXECUTE | PAGE_EXECUTE_READ | PAGE_EXECUTE_READWRITE);
}

/* A call at an address: what it returns, and the last error. */
static void alloc_at(struct worker *worker, struct model *model, unsigned long addr,
		     unsigned long size, DWORD type, DWORD prot)
{
	unsigned int variant = random_below(&worker->random, 12);
	unsigned long want = 0, got;
	DWORD error;

	worker_note(worker, "alloc(%u) %s+%#lx %#lx type %#x prot %#x", variant,
		    name_of(worker, model), addr - model->start, size, type, prot);
	if (variant_refuses(variant, prot))
		error = ERROR_INVALID_PARAMETER;
	else
		error = model_alloc(model, addr, size, type, prot, &want);
	SetLastError(UNTOUCHED);
	got = (unsigned long)call_alloc(variant, addr, size, type, prot);
	CHECK(worker, got == (error ? 0 : want), "%#lx is returned (error %u), not %#lx", got,
	      GetLastError(), error ? 0 : want);
	CHECK(worker, GetLastError() == (error ? error : UNTOUCHED), "last error is %u, not %u",
	      GetLastError(), error ? error : UNTOUCHED);
}

static DWORD pick_reserve_type(struct random *random)
{
	return MEM_RESERVE | (random_percent(random, 50) ? MEM_COMMIT : 0) |
	       (random_percent(random, 10) ? MEM_TOP_DOWN : 0) |
	       (random_percent(random, 10) ? MEM_WRITE_WATCH : 0);
}

static void op_reserve(struct worker *worker)
{
	struct alone *alone = worker->data;
	struct random *random = &worker->random;
	struct model *arena = &alone->arena;
	long page = random_below(random, arena->nr), nr = pick_length(random, arena->nr / 2);
	unsigned long addr, size;

	/* Mostly the whole is wanted from a granule on. */
	if (random_percent(random, 70))
		page = page / GRAN_PAGES * GRAN_PAGES;
	if (page + nr > arena->nr)
		nr = arena->nr - page;
	span_to_bytes(worker, arena, (struct span) { page, page + nr }, &addr, &size);
	alloc_at(worker, arena, addr, size, pick_reserve_type(random), pick_prot(worker));
}

/* A reservation where the kernel likes: not where this thread has one. */
static void check_stray(struct worker *worker, unsigned long addr, unsigned long size)
{
	const struct alone *alone = worker->data;

	CHECK(worker, addr % GRAN == 0 && addr, "a reservation is at %#lx", addr);
	CHECK(worker, addr + size <= alone->arena.start ||
	      addr >= alone->arena.start + alone->arena.nr * PAGE,
	      "%#lx is in the arena, where nobody asked for it", addr);
	for (int i = 0; i < STRAYS; i++) {
		const struct model *stray = &alone->strays[i];

		if (!stray->nr)
			continue;
		CHECK(worker, addr + size <= stray->start ||
		      addr >= stray->start + (stray->nr + GRAN_PAGES - 1) / GRAN_PAGES * GRAN,
		      "%#lx is in %s", addr, name_of(worker, stray));
	}
}

static void op_stray(struct worker *worker)
{
	struct alone *alone = worker->data;
	struct random *random = &worker->random;
	int i = random_below(random, STRAYS);
	struct model *stray = &alone->strays[i];
	DWORD type = pick_reserve_type(random), prot = pick_prot(worker);
	long nr = pick_length(random, STRAY_PAGES);
	unsigned long size = nr * PAGE - random_below(random, PAGE), addr;
	unsigned long align = GRAN << random_below(random, 6);
	MEM_ADDRESS_REQUIREMENTS need = { NULL, NULL, align };
	MEM_EXTENDED_PARAMETER param = {
		.Type = MemExtendedParameterAddressRequirements, .Pointer = &need,
	};

	if (stray->nr)
		return;
	/* VA18: a commit at no address reserves. */
	if (random_percent(random, 10))
		type = MEM_COMMIT;
	worker_note(worker, "alloc NULL %#lx type %#x prot %#x align %#lx as %s", size, type, prot,
		    align, name_of(worker, stray));
	SetLastError(UNTOUCHED);
	if (align == GRAN || type & MEM_TOP_DOWN)
		addr = (unsigned long)VirtualAlloc(NULL, size, type, prot);
	else
		addr = (unsigned long)VirtualAlloc2(NULL, NULL, size, type, prot, &param, 1);
	CHECK(worker, addr && GetLastError() == UNTOUCHED, "error %u", GetLastError());
	if (!(type & MEM_TOP_DOWN))
		CHECK(worker, addr % align == 0, "%#lx is not aligned", addr);
	check_stray(worker, addr, size);
	model_init(stray, addr, nr, alone->stray_pages[i]);
	model_place(stray, addr, size, type, prot);
}

/* A reservation where the kernel likes, inside a part of the arena. */
static void op_within(struct worker *worker)
{
	struct alone *alone = worker->data;
	struct random *random = &worker->random;
	struct model *arena = &alone->arena;
	DWORD type = pick_reserve_type(random), prot = pick_prot(worker);
	long low = random_below(random, arena->nr) / GRAN_PAGES * GRAN_PAGES;
	struct span span = { low, low + 1 + random_below(random, arena->nr - low) };
	long nr = pick_length(random, arena->nr / 4), align = GRAN_PAGES << random_below(random, 4);
	MEM_ADDRESS_REQUIREMENTS need = {
		(void *)(arena->start + span.first * PAGE),
		(void *)(arena->start + span.end * PAGE - 1),
		align * PAGE,
	};
	MEM_EXTENDED_PARAMETER param = {
		.Type = MemExtendedParameterAddressRequirements, .Pointer = &need,
	};
	bool hole = model_has_hole(arena, span, nr, align);
	unsigned long addr;

	worker_note(worker, "alloc2 pages %#lx..%#lx %#lx pages align %#lx type %#x prot %#x, %s",
		    span.first, span.end, nr, align, type, prot, hole ? "a hole" : "no hole");
	SetLastError(UNTOUCHED);
	addr = (unsigned long)VirtualAlloc2(NULL, NULL, nr * PAGE, type, prot, &param, 1);
	if (!addr) {
		CHECK(worker, GetLastError() == ERROR_NOT_ENOUGH_MEMORY, "error %u", GetLastError());
		/* In a carved window a hole may be half mapped and half not. */
		CHECK(worker, !hole || alone->carved, "there is a hole");
		return;
	}
	CHECK(worker, GetLastError() == UNTOUCHED, "last error is %u", GetLastError());
	CHECK(worker, addr >= arena->start + span.first * PAGE && addr % (align * PAGE) == 0 &&
	      addr + nr * PAGE <= arena->start + span.end * PAGE, "%#lx is out of bounds", addr);
	CHECK(worker, model_place(arena, addr, nr * PAGE, type, prot), "%#lx is taken", addr);
}

static void op_commit(struct worker *worker)
{
	struct model *model = pick_model(worker);
	DWORD type = MEM_COMMIT | (random_percent(&worker->random, 5) ? MEM_TOP_DOWN : 0);
	unsigned long addr, size;

	pick_bytes(worker, model, &addr, &size);
	alloc_at(worker, model, addr, size, type, pick_prot(worker));
}

static void op_reset(struct worker *worker)
{
	struct model *model = pick_model(worker);
	unsigned long addr, size;

	pick_bytes(worker, model, &addr, &size);
	alloc_at(worker, model, addr, size, MEM_RESET, pick_prot(worker));
}

static void undo_at(struct worker *worker, struct model *model, unsigned long addr,
		    unsigned long size)
{
	unsigned long got;
	DWORD error;

	worker_note(worker, "undo %s+%#lx %#lx", name_of(worker, model), addr - model->start, size);
	SetLastError(UNTOUCHED);
	got = (unsigned long)VirtualAlloc((void *)addr, size, MEM_RESET_UNDO, PAGE_NOACCESS);
	CHECK(worker, !got || got == addr / PAGE * PAGE, "%#lx is returned", got);
	error = got ? 0 : GetLastError();
	CHECK(worker, !got || GetLastError() == UNTOUCHED, "last error is %u", GetLastError());
	CHECK(worker, model_undo(model, addr, size, error), "error %u is not the truth", error);
}

static void op_undo(struct worker *worker)
{
	struct model *model = pick_model(worker);
	unsigned long addr, size;

	pick_bytes(worker, model, &addr, &size);
	undo_at(worker, model, addr, size);
}

/* What rarely comes together by chance: the same pages reset, reclaimed, and wanted back. */
static void op_lose(struct worker *worker)
{
	struct model *model = pick_model(worker);
	struct span span = pick_span(worker, model, 100);
	unsigned long addr = model->start + span.first * PAGE;
	unsigned long size = (span.end - span.first) * PAGE;

	alloc_at(worker, model, addr, size, MEM_RESET, PAGE_READWRITE);
	page_out(worker, model, span);
	undo_at(worker, model, addr, size);
}

static void op_protect(struct worker *worker)
{
	struct model *model = pick_model(worker);
	bool app = random_percent(&worker->random, 10);
	DWORD prot = pick_prot(worker), old = UNTOUCHED, want = UNTOUCHED, error;
	unsigned long addr, size;
	struct span span;
	BOOL done;

	if (random_percent(&worker->random, 3))
		prot = RANDOM_OF(&worker->random, bad_prots);
	pick_bytes(worker, model, &addr, &size);
	span = model_span(model, addr, size);
	/* mprotect's business, and not looked into here. */
	if (model->pages[span.first].foreign)
		return;
	worker_note(worker, "protect%s %s+%#lx %#lx prot %#x", app ? " from app" : "",
		    name_of(worker, model), addr - model->start, size, prot);
	if (app && prot & PAGE_EXECUTE_READWRITE)
		error = ERROR_INVALID_PARAMETER;
	else
		error = model_protect(model, addr, size, prot, &want);
	SetLastError(UNTOUCHED);
	done = app ? VirtualProtectFromApp((void *)addr, size, prot, &old) :
		     VirtualProtect((void *)addr, size, prot, &old);
	CHECK(worker, done == !error && GetLastError() == (error ? error : UNTOUCHED),
	      "returned %d with error %u, not error %u", done, GetLastError(), error);
	CHECK(worker, old == want, "the old protection is %#x, not %#x", old, want);
}

static void free_at(struct worker *worker, struct model *model, unsigned long addr,
		    unsigned long size, DWORD type)
{
	struct alone *alone = worker->data;
	DWORD error;
	BOOL done;

	worker_note(worker, "free %s+%#lx %#lx type %#x", name_of(worker, model),
		    addr - model->start, size, type);
	error = model_free(model, addr, size, type);
	SetLastError(UNTOUCHED);
	done = VirtualFree((void *)addr, size, type);
	CHECK(worker, done == !error && GetLastError() == (error ? error : UNTOUCHED),
	      "returned %d with error %u, not error %u", done, GetLastError(), error);
	/* Its place is anybody's now. */
	if (done && type == MEM_RELEASE && model != &alone->arena)
		model->nr = 0;
}

static void op_decommit(struct worker *worker)
{
	struct model *model = pick_model(worker);
	unsigned long addr, size;

	pick_bytes(worker, model, &addr, &size);
	if (random_percent(&worker->random, 10))
		size = 0;
	free_at(worker, model, addr, size, MEM_DECOMMIT);
}

static void op_release(struct worker *worker)
{
	struct model *model = pick_model(worker);
	struct random *random = &worker->random;
	long page = pick_span(worker, model, 1).first;

	if (random_percent(random, 80) && model->pages[page].base != FREE)
		page = model->pages[page].base;
	free_at(worker, model, model->start + page * PAGE + random_below(random, PAGE),
		random_percent(random, 90) ? 0 : PAGE, MEM_RELEASE);
}

static void op_query(struct worker *worker)
{
	struct model *model = pick_model(worker);
	unsigned long addr = model->start + random_below(&worker->random, model->nr * PAGE);

	worker_note(worker, "query %s+%#lx", name_of(worker, model), addr - model->start);
	check_query(worker, model, addr);
}

/* Words that no memory makes right. */
static void op_bad(struct worker *worker)
{
	struct random *random = &worker->random;
	struct model *model = pick_model(worker);
	DWORD type = MEM_COMMIT, prot = PAGE_READWRITE, error;
	unsigned long addr, size;
	void *got;

	pick_bytes(worker, model, &addr, &size);
	switch (random_below(random, 4)) {
	case 0:
		type = RANDOM_OF(random, bad_types);
		break;
	case 1:
		prot = RANDOM_OF(random, bad_prots);
		break;
	case 2:
		size = 0;
		break;
	default:
		free_at(worker, model, addr, size, random_percent(random, 50) ?
			MEM_RELEASE | MEM_DECOMMIT : MEM_FREE);
		return;
	}
	worker_note(worker, "alloc %s+%#lx %#lx type %#x prot %#x", name_of(worker, model),
		    addr - model->start, size, type, prot);
	error = model_alloc_words(size, type, prot);
	SetLastError(UNTOUCHED);
	got = VirtualAlloc((void *)addr, size, type, prot);
	CHECK(worker, error && !got && GetLastError() == error, "%p is returned, error %u", got,
	      GetLastError());
}

/* Under pressure there must be something that presses: a place, if it is free, in use. */
static void op_fill(struct worker *worker)
{
	struct alone *alone = worker->data;
	struct model *arena = &alone->arena;
	long page = random_below(&worker->random, arena->nr / FILL_PAGES) * FILL_PAGES;
	unsigned long addr = arena->start + page * PAGE, size = FILL_PAGES * PAGE;

	if (arena->pages[page].base == FREE)
		alloc_at(worker, arena, addr, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
	write_pages(worker, arena, (struct span) { page, page + FILL_PAGES });
}

static const struct {
	unsigned int weight;
	void (*op)(struct worker *worker);
} ops[] = {
	{ 60, op_reserve }, { 30, op_stray }, { 25, op_within }, { 30, op_release },
	{ 160, op_commit }, { 80, op_decommit }, { 180, op_protect }, { 60, op_query },
	{ 50, op_reset }, { 30, op_undo }, { 20, op_lose }, { 20, op_bad },
	{ 120, op_read }, { 160, op_write }, { 60, op_call },
	{ 40, op_pipe_write }, { 40, op_pipe_read }, { 30, op_remote_read }, { 30, op_remote_write },
	{ 20, op_map }, { 20, op_unmap }, { 10, op_unmap_nothing }, { 40, op_page_out },
	{ 1, op_fork },
};

static void alone_step(struct worker *worker)
{
	unsigned int sum = 0, pick, i;

	if (worker->options->pressure && random_percent(&worker->random, 8)) {
		op_fill(worker);
		return;
	}
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		sum += ops[i].weight;
	pick = random_below(&worker->random, sum);
	for (i = 0; pick >= ops[i].weight; i++)
		pick -= ops[i].weight;
	ops[i].op(worker);
}

static void *allocate(size_t nr, size_t size)
{
	void *memory = calloc(nr, size);

	if (!memory) {
		fprintf(stderr, "stress: no memory\n");
		exit(1);
	}
	return memory;
}

/* Half of the threads have their arena inside a window that was there before. */
static void *alone_start(struct worker *worker)
{
	long nr = worker->options->pressure ? PRESSURE_PAGES : ARENA_PAGES;
	struct alone *alone = allocate(1, sizeof(*alone));

	alone->kept = worker->number % 2;
	alone->most = worker->options->pressure ? 400 : 64;
	model_init(&alone->arena, worker_place(worker->number, alone->kept), nr,
		   allocate(nr, sizeof(struct page)));
	for (int i = 0; i < STRAYS; i++)
		alone->stray_pages[i] = allocate(STRAY_PAGES, sizeof(struct page));
	alone->memfd = memfd_create("stress", MFD_CLOEXEC);
	if (alone->memfd < 0 || ftruncate(alone->memfd, 2 * nr * PAGE)) {
		perror("stress: memfd");
		exit(1);
	}
	return alone;
}

static long alone_committed(struct worker *worker)
{
	const struct alone *alone = worker->data;
	long count = model_committed(&alone->arena);

	for (int i = 0; i < STRAYS; i++)
		count += model_committed(&alone->strays[i]);
	return count;
}

const struct kind alone_kind = {
	"disjoint", alone_start, alone_step, alone_check, alone_committed,
};
