// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread touches its own memory, by itself and through system calls, and knows what comes:
 * the bytes, or a fault of a certain kind at a certain address, or EFAULT.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "alone.h"
#include "touch.h"

#define CALL_CELLS	(3 * CELLS)	/* what a system call moves at most */

static const char *const names[] = { "read", "write", "call" };

/* Cells of a model in a row, from one page into others. */
struct cells {
	struct model *model;
	long first;
	long nr;
};

static struct page *page_of(struct cells *cells, long i)
{
	return &cells->model->pages[(cells->first + i) / CELLS];
}

static unsigned int cell_of(struct cells *cells, long i)
{
	return (cells->first + i) % CELLS;
}

static char *addr_of(struct cells *cells, long i)
{
	return (char *)cells->model->start + (cells->first + i) * CELL;
}

static struct cells pick_cells(struct worker *worker, long most)
{
	struct random *random = &worker->random;
	struct model *model = pick_model(worker);
	struct span span = pick_span(worker, model, (most + CELLS - 1) / CELLS);
	struct cells cells = { model, span.first * CELLS, (span.end - span.first) * CELLS };

	if (random_percent(random, 50)) {
		long skip = random_below(random, CELLS);

		cells.first += skip;
		cells.nr -= skip;
	}
	if (cells.nr > most)
		cells.nr = most;
	return cells;
}

static void note(struct worker *worker, const char *what, const struct cells *cells)
{
	worker_note(worker, "%s %s+%#lx %#lx", what, name_of(worker, cells->model),
		    cells->first * CELL, cells->nr * CELL);
}

/* Whether a touch of a cell went as it must. */
static bool check_touch(struct worker *worker, struct page *page, char *addr, enum access access,
			struct fault fault)
{
	bool allowed = model_touch(page, access);

	CHECK(worker, fault.hit == !allowed, "%s of %p, protection %#x: %s", names[access], addr,
	      page->prot, allowed ? "a fault" : "no fault");
	if (!allowed)
		CHECK(worker, fault.signo == SIGSEGV && fault.access == access &&
		      fault.addr == (unsigned long)addr, "%s of %p: signal %d for %s of %#lx",
		      names[access], addr, fault.signo, names[fault.access], fault.addr);
	return allowed;
}

/* An address in the words of the operations. */
static const char *where(struct worker *worker, const void *addr)
{
	static __thread char text[64];
	struct alone *alone = worker->data;
	struct model *model = &alone->arena;
	unsigned long at = (unsigned long)addr;

	for (int i = 0; i < STRAYS; i++)
		if (at - alone->strays[i].start < alone->strays[i].nr * PAGE)
			model = &alone->strays[i];
	snprintf(text, sizeof(text), "%s+%#lx", name_of(worker, model), at - model->start);
	return text;
}

void check_cell(struct worker *worker, struct page *page, unsigned int cell, const void *addr,
		const char *copy)
{
	uint64_t word = page->word[cell], found;

	memcpy(&found, copy, sizeof(found));
	CHECK(worker, model_saw(page, cell, cell_is(copy, word), cell_is(copy, 0)),
	      "contents of %s (%p, %#x) begin with %#llx, not %#llx%s", where(worker, addr), addr,
	      page->prot, (unsigned long long)found, (unsigned long long)cell_word(word, 0),
	      page->maybe & 1U << cell ? " or zero" : "");
	worker->dropped += word && !page->word[cell];
}

void op_read(struct worker *worker)
{
	struct alone *alone = worker->data;
	struct cells cells = pick_cells(worker, alone->most);
	uint64_t copy[CELL_WORDS];

	note(worker, "read", &cells);
	for (long i = 0; i < cells.nr; i++) {
		struct page *page = page_of(&cells, i);
		char *addr = addr_of(&cells, i);

		if (check_touch(worker, page, addr, READ, touch_read(addr, copy, CELL)))
			check_cell(worker, page, cell_of(&cells, i), addr, (char *)copy);
	}
}

static void write_cell(struct worker *worker, struct cells *cells, long i)
{
	struct page *page = page_of(cells, i);
	uint64_t data[CELL_WORDS], word = next_word(worker);

	cell_fill(data, word);
	if (check_touch(worker, page, addr_of(cells, i), WRITE,
			touch_write(addr_of(cells, i), data, CELL)))
		model_write(page, cell_of(cells, i), word);
}

void op_write(struct worker *worker)
{
	struct alone *alone = worker->data;
	struct cells cells = pick_cells(worker, alone->most);

	note(worker, "write", &cells);
	for (long i = 0; i < cells.nr; i++)
		write_cell(worker, &cells, i);
}

/* All of those that can be written; the others are left as they are. */
void write_pages(struct worker *worker, struct model *model, struct span span)
{
	struct cells cells = { model, span.first * CELLS, (span.end - span.first) * CELLS };

	for (long i = 0; i < cells.nr; i++)
		if (model_allows(page_of(&cells, i), WRITE))
			write_cell(worker, &cells, i);
}

/* A page that begins with a pattern returns; with zeros it would run on. */
void op_call(struct worker *worker)
{
	struct cells cells = pick_cells(worker, 1);
	struct page *page;

	cells.first -= cells.first % CELLS;
	page = page_of(&cells, 0);
	if (model_allows(page, EXEC) && (!page->word[0] || page->maybe & 1))
		return;
	note(worker, "call", &cells);
	check_touch(worker, page, addr_of(&cells, 0), EXEC, touch_call(addr_of(&cells, 0)));
}

/* Bytes up to the first page that refuses. */
static long allowed_bytes(struct cells *cells, enum access access)
{
	long i = 0;

	while (i < cells->nr && model_allows(page_of(cells, i), access))
		i++;
	return i * CELL;
}

/*
 * What a system call that copies may answer: all, or EFAULT when there was nothing to be
 * had, or something between. It has touched the page that it stopped at.
 */
static void check_copied(struct worker *worker, struct cells *cells, enum access access,
			 ssize_t done)
{
	long allowed = allowed_bytes(cells, access), size = cells->nr * CELL;

	if (allowed == size) {
		CHECK(worker, done == size, "%zd of %ld bytes", done, size);
		return;
	}
	CHECK(worker, done == -EFAULT || (done > 0 && done <= allowed),
	      "%zd of %ld bytes, of which %ld can be had", done, size, allowed);
	model_touch(page_of(cells, allowed / CELL), access);
}

static void check_cells(struct worker *worker, struct cells *cells, const char *copy, ssize_t done)
{
	for (long i = 0; (i + 1) * (long)CELL <= done; i++)
		check_cell(worker, page_of(cells, i), cell_of(cells, i), addr_of(cells, i),
			   copy + i * CELL);
}

void op_pipe_write(struct worker *worker)
{
	struct cells cells = pick_cells(worker, CALL_CELLS);
	uint64_t copy[CALL_CELLS * CELL_WORDS];
	ssize_t done;

	note(worker, "write(2) from", &cells);
	done = pipe_write(addr_of(&cells, 0), copy, cells.nr * CELL);
	check_copied(worker, &cells, READ, done);
	check_cells(worker, &cells, (char *)copy, done);
}

static void make_data(struct worker *worker, char *data, uint64_t *words, long nr)
{
	for (long i = 0; i < nr; i++) {
		words[i] = next_word(worker);
		cell_fill(data + i * CELL, words[i]);
	}
}

void op_pipe_read(struct worker *worker)
{
	struct cells cells = pick_cells(worker, CALL_CELLS);
	uint64_t data[CALL_CELLS * CELL_WORDS], words[CALL_CELLS];
	long allowed = allowed_bytes(&cells, WRITE), i;
	ssize_t done;

	make_data(worker, (char *)data, words, cells.nr);
	note(worker, "read(2) into", &cells);
	done = pipe_read(addr_of(&cells, 0), data, cells.nr * CELL);
	check_copied(worker, &cells, WRITE, done);
	for (i = 0; i < allowed / (long)CELL; i++) {
		/* Of what came before a fault more may have been written than is told. */
		if (done == cells.nr * (long)CELL)
			model_write(page_of(&cells, i), cell_of(&cells, i), words[i]);
		else
			write_cell(worker, &cells, i);
	}
}

/* Another process's access leaves guards alone, and stops at a page exactly. */
static void check_remote(struct worker *worker, struct cells *cells, enum access access,
			 ssize_t done)
{
	long allowed = allowed_bytes(cells, access);

	CHECK(worker, done == (allowed ? allowed : -EFAULT), "%zd of %ld bytes, not %ld", done,
	      cells->nr * (long)CELL, allowed);
}

void op_remote_read(struct worker *worker)
{
	struct cells cells = pick_cells(worker, CALL_CELLS);
	uint64_t copy[CALL_CELLS * CELL_WORDS];
	ssize_t done;

	note(worker, "process_vm_readv", &cells);
	done = remote_read(addr_of(&cells, 0), copy, cells.nr * CELL);
	check_remote(worker, &cells, READ, done);
	check_cells(worker, &cells, (char *)copy, done);
}

void op_remote_write(struct worker *worker)
{
	struct cells cells = pick_cells(worker, CALL_CELLS);
	uint64_t data[CALL_CELLS * CELL_WORDS], words[CALL_CELLS];
	ssize_t done;

	make_data(worker, (char *)data, words, cells.nr);
	note(worker, "process_vm_writev", &cells);
	done = remote_write(addr_of(&cells, 0), data, cells.nr * CELL);
	check_remote(worker, &cells, WRITE, done);
	for (long i = 0; (i + 1) * (long)CELL <= done; i++)
		model_write(page_of(&cells, i), cell_of(&cells, i), words[i]);
}
