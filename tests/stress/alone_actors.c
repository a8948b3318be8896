// SPDX-License-Identifier: GPL-2.0-only
/*
 * What else happens in a process: mappings of its own among the reservations, unmapping of
 * nothing, children, and reclaim.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alone.h"
#include "touch.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

/* Free pages in a row, at most limit of them; none when a few looks find none. */
static struct span pick_free(struct worker *worker, const struct model *model, long limit)
{
	struct random *random = &worker->random;
	long page = random_below(random, model->nr), end;

	for (int i = 0; i < 16 && model->pages[page].base != FREE; i++)
		page = random_below(random, model->nr);
	limit = 1 + random_below(random, limit);
	for (end = page; end < model->nr && end < page + limit && model->pages[end].base == FREE;)
		end++;
	return (struct span) { page, end };
}

static void *map_at(struct worker *worker, char *addr, size_t size, off_t offset)
{
	struct alone *alone = worker->data;
	int fd = alone->memfd;
	void *map;

	map = mmap(addr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, offset);
	if (map != MAP_FAILED || errno != EEXIST)
		return map;
	/* A window is there, and nobody's reservation. */
	alone->carved = true;
	return mmap(addr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, offset);
}

/*
 * A mapping of the program's own among the reservations. Two that are neighbours are not
 * of neighbouring parts of the file, so that the kernel keeps them apart.
 */
void op_map(struct worker *worker)
{
	struct alone *alone = worker->data;
	struct model *arena = &alone->arena;
	struct span span = pick_free(worker, arena, 40);
	bool readonly = random_percent(&worker->random, 30);
	char *addr = (char *)arena->start + span.first * PAGE;
	size_t size = (span.end - span.first) * PAGE;

	if (!size)
		return;
	worker_note(worker, "mmap pages %#lx..%#lx", span.first, span.end);
	CHECK(worker, map_at(worker, addr, size, 2 * span.first * PAGE) == addr, "mmap: %s",
	      strerror(errno));
	model_map(arena, span, PAGE_READWRITE);
	for (size_t i = 0; i < size / CELL; i++) {
		struct page *page = &arena->pages[span.first + i / CELLS];

		page->word[i % CELLS] = next_word(worker);
		cell_fill(addr + i * CELL, page->word[i % CELLS]);
	}
	if (!readonly)
		return;
	CHECK(worker, !mprotect(addr, size, PROT_READ), "mprotect: %s", strerror(errno));
	for (long i = span.first; i < span.end; i++)
		arena->pages[i].prot = arena->pages[i].alloc_prot = PAGE_READONLY;
}

void op_unmap(struct worker *worker)
{
	struct alone *alone = worker->data;
	struct model *arena = &alone->arena;
	long page = random_below(&worker->random, arena->nr), i;
	struct span span;

	for (i = 0; i < arena->nr && !arena->pages[page].foreign; i++)
		page = (page + 1) % arena->nr;
	if (i == arena->nr)
		return;
	span = model_whole(arena, page);
	worker_note(worker, "munmap pages %#lx..%#lx", span.first, span.end);
	CHECK(worker, !munmap((void *)(arena->start + span.first * PAGE),
			      (span.end - span.first) * PAGE), "munmap: %s", strerror(errno));
	model_unmap(arena, page);
}

/* Where nothing is. Winmem's windows may be there, and are mended when they are needed. */
void op_unmap_nothing(struct worker *worker)
{
	struct alone *alone = worker->data;
	struct span span = pick_free(worker, &alone->arena, 200);

	if (span.first == span.end)
		return;
	worker_note(worker, "munmap of nothing, pages %#lx..%#lx", span.first, span.end);
	alone->carved |= alone->kept;
	CHECK(worker, !munmap((void *)(alone->arena.start + span.first * PAGE),
			      (span.end - span.first) * PAGE), "munmap: %s", strerror(errno));
}

/* In a child: none of the parent's memory, and a space of its own that works. */
static int child(const struct model *model)
{
	uint64_t word;
	char *own;

	for (long i = 0; i < model->nr; i += 97) {
		const struct page *page = &model->pages[i];

		if (page->base != FREE && !page->foreign &&
		    !touch_read((char *)model->start + i * PAGE, &word, sizeof(word)).hit)
			return 1;
	}
	own = VirtualAlloc(NULL, 2 * GRAN, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
	if (!own || !cell_is(own + GRAN, 0))
		return 2;
	cell_fill(own + GRAN, 1);
	if (!cell_is(own + GRAN, 1) || !VirtualFree(own, 0, MEM_RELEASE))
		return 3;
	return 0;
}

void op_fork(struct worker *worker)
{
	struct alone *alone = worker->data;
	int status;
	pid_t pid;

	worker_note(worker, "fork");
	pid = fork();
	if (!pid)
		_exit(child(&alone->arena));
	CHECK(worker, pid > 0 && waitpid(pid, &status, 0) == pid, "fork: %s", strerror(errno));
	CHECK(worker, !status, "the child's status is %#x", status);
}

/*
 * Reclaim what is in a range: clean pages that were reset go, others to swap if there is
 * one. MADV_PAGEOUT sees only what is mapped.
 */
void page_out(struct worker *worker, struct model *model, struct span span)
{
	uint64_t word;

	for (long i = span.first; i < span.end; i++)
		if (model_allows(&model->pages[i], READ))
			CHECK(worker, !touch_read((char *)model->start + i * PAGE, &word,
						  sizeof(word)).hit, "page %#lx: a fault", i);
	/* It stops at the first hole. */
	madvise((void *)(model->start + span.first * PAGE), (span.end - span.first) * PAGE,
		MADV_PAGEOUT);
}

void op_page_out(struct worker *worker)
{
	struct model *model = pick_model(worker);
	struct span span = pick_span(worker, model, 200);

	worker_note(worker, "pageout %s pages %#lx..%#lx", name_of(worker, model), span.first,
		    span.end);
	page_out(worker, model, span);
}
