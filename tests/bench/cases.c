// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cases. What stands between bench_start() and bench_stop() is counted, the loop and
 * the call through the subject's table included; nothing is subtracted.
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>

#include "bench.h"

/* A thousand pages are too few for a sample by themselves. */
#define ALTERNATE_MIN	10000UL

unsigned long bench_times(const struct bench_run *run)
{
	return run->warm_up ? run->nr / 16 + 1 : run->nr;
}

char *bench_reserve(const struct bench_run *run, size_t length)
{
	char *addr = run->memory->reserve(length);

	if (!addr)
		err(1, "cannot reserve %zu bytes", length);
	return addr;
}

char *bench_reserve_committed(const struct bench_run *run, size_t length)
{
	char *addr = bench_reserve(run, length);

	must(run->memory->commit(addr, length));
	return addr;
}

void bench_release(const struct bench_run *run, char *addr, size_t length)
{
	must(run->memory->release(addr, length));
}

static void touch(char *addr)
{
	*(volatile char *)addr = 1;
}

void bench_touch_all(char *addr, size_t length)
{
	for (size_t i = 0; i < length; i += BENCH_PAGE)
		touch(addr + i);
}

/* A call that does nothing. */
void bench_loop(struct bench_run *run)
{
	const struct bench_memory *memory = run->memory;
	unsigned long nr = bench_times(run);

	bench_start(run);
	for (unsigned long i = 0; i < nr; i++)
		must(memory->noop());
	bench_stop(run, nr);
}

/* A reservation of 1 MiB in which nothing is committed, and its end. */
void bench_reserve_release(struct bench_run *run)
{
	const struct bench_memory *memory = run->memory;
	unsigned long nr = bench_times(run);

	bench_start(run);
	for (unsigned long i = 0; i < nr; i++) {
		char *addr = memory->reserve(BENCH_MEGABYTE);

		if (!addr)
			err(1, "cannot reserve 1 MiB");
		must(memory->release(addr, BENCH_MEGABYTE));
	}
	bench_stop(run, nr);
}

/* Pieces of a large reservation in order; step 2 leaves every second one reserved. */
static void commit_pieces(struct bench_run *run, unsigned int step)
{
	const struct bench_memory *memory = run->memory;
	unsigned long nr = bench_times(run);
	size_t length = nr * step * BENCH_PIECE;
	char *addr = bench_reserve(run, length);

	bench_start(run);
	for (size_t i = 0; i < length; i += step * BENCH_PIECE)
		must(memory->commit(addr + i, BENCH_PIECE));
	bench_stop(run, nr);
	bench_release(run, addr, length);
}

void bench_commit(struct bench_run *run)
{
	commit_pieces(run, 1);
}

void bench_commit_scattered(struct bench_run *run)
{
	commit_pieces(run, 2);
}

static void decommit_pieces(struct bench_run *run, bool touched)
{
	const struct bench_memory *memory = run->memory;
	unsigned long nr = bench_times(run);
	char *addr = bench_reserve_committed(run, nr * BENCH_PIECE);

	if (touched)
		bench_touch_all(addr, nr * BENCH_PIECE);
	bench_start(run);
	for (unsigned long i = 0; i < nr; i++)
		must(memory->decommit(addr + i * BENCH_PIECE, BENCH_PIECE));
	bench_stop(run, nr);
	bench_release(run, addr, nr * BENCH_PIECE);
}

/* Every page of the piece has been written. */
void bench_decommit(struct bench_run *run)
{
	decommit_pieces(run, true);
}

void bench_decommit_empty(struct bench_run *run)
{
	decommit_pieces(run, false);
}

static void protect_page(struct bench_run *run, bool write)
{
	const struct bench_memory *memory = run->memory;
	unsigned long nr = bench_times(run);
	char *addr = bench_reserve_committed(run, BENCH_MEGABYTE), *page = addr + BENCH_MEGABYTE / 2;

	touch(page);
	bench_start(run);
	for (unsigned long i = 0; i < nr; i++) {
		must(memory->protect(page, BENCH_PAGE, false));
		must(memory->protect(page, BENCH_PAGE, true));
		if (write)
			touch(page);
	}
	bench_stop(run, nr);
	bench_release(run, addr, BENCH_MEGABYTE);
}

/* A page that has been written, among others that have not: read-only and back. */
void bench_protect_page(struct bench_run *run)
{
	protect_page(run, false);
}

/* And written again each time. */
void bench_protect_page_write(struct bench_run *run)
{
	protect_page(run, true);
}

/* Only what a peer cannot do may fail, for want of mappings. */
static unsigned long protect_every_second(struct bench_run *run, char *addr, unsigned long pages)
{
	const struct bench_memory *memory = run->memory;
	unsigned long i;

	bench_start(run);
	for (i = 0; i < pages; i += 2) {
		int error = memory->protect(addr + i * BENCH_PAGE, BENCH_PAGE, false);

		if (error) {
			if (error != ENOMEM || memory != &bench_anonymous)
				must(error);
			run->failed_at = i;
			break;
		}
	}
	bench_stop(run, i / 2);
	return i;
}

static void alternate(struct bench_run *run, bool touched)
{
	unsigned long pages = run->warm_up && run->nr > 1000 ? 1000 : run->nr;
	unsigned long rounds = run->warm_up || pages >= ALTERNATE_MIN ? 1 : ALTERNATE_MIN / pages;

	while (rounds--) {
		char *addr = bench_reserve_committed(run, pages * BENCH_PAGE);

		if (touched)
			bench_touch_all(addr, pages * BENCH_PAGE);
		protect_every_second(run, addr, pages);
		bench_release(run, addr, pages * BENCH_PAGE);
	}
}

/* Every second page of so many not to be touched at all. */
void bench_noaccess_alternate(struct bench_run *run)
{
	unsigned long rounds = run->warm_up ? 1 : ALTERNATE_MIN / run->nr + 1;
	const struct bench_memory *memory = run->memory;
	size_t length = run->nr * BENCH_PAGE;

	while (rounds--) {
		char *addr = bench_reserve_committed(run, length);

		bench_start(run);
		for (size_t i = 0; i < length; i += 2 * BENCH_PAGE)
			must(memory->deny(addr + i, BENCH_PAGE));
		bench_stop(run, run->nr / 2);
		bench_release(run, addr, length);
	}
}

#define CHANGES		2000UL

/* One page, read-only and back, among so many that are alternately so. */
void bench_protect_runs(struct bench_run *run)
{
	struct bench_run ignored = { .memory = run->memory };
	size_t length = run->nr * BENCH_PAGE;
	char *addr, *page;

	/* What goes before is warm-up enough, and long. */
	if (run->warm_up)
		return;
	addr = bench_reserve_committed(run, length);
	page = addr + run->nr / 2 * BENCH_PAGE;
	protect_every_second(&ignored, addr, run->nr);
	touch(page + BENCH_PAGE);
	bench_start(run);
	for (unsigned long i = 0; i < CHANGES; i++) {
		must(run->memory->protect(page + BENCH_PAGE, BENCH_PAGE, false));
		must(run->memory->protect(page + BENCH_PAGE, BENCH_PAGE, true));
	}
	bench_stop(run, CHANGES);
	bench_release(run, addr, length);
}

/* Every second page of so many read-only, of pages that have not been touched. */
void bench_alternate(struct bench_run *run)
{
	alternate(run, false);
}

void bench_alternate_touched(struct bench_run *run)
{
	alternate(run, true);
}

static void query_at(struct bench_run *run, char *addr)
{
	const struct bench_memory *memory = run->memory;
	unsigned long nr = bench_times(run);

	bench_start(run);
	for (unsigned long i = 0; i < nr; i++)
		must(memory->query(addr));
	bench_stop(run, nr);
}

/* In 1 MiB whose first 64 KiB are committed: one of the pages committed. */
void bench_query(struct bench_run *run)
{
	char *addr = bench_reserve(run, BENCH_MEGABYTE);

	must(run->memory->commit(addr, BENCH_PIECE));
	query_at(run, addr + BENCH_PIECE / 2);
	bench_release(run, addr, BENCH_MEGABYTE);
}

/* The same 1 MiB: the first page of those reserved. */
void bench_query_reserved(struct bench_run *run)
{
	char *addr = bench_reserve(run, BENCH_MEGABYTE);

	must(run->memory->commit(addr, BENCH_PIECE));
	query_at(run, addr + BENCH_PIECE);
	bench_release(run, addr, BENCH_MEGABYTE);
}

/* 4 MiB committed as one. */
void bench_query_uniform(struct bench_run *run)
{
	char *addr = bench_reserve_committed(run, 4 * BENCH_MEGABYTE);

	query_at(run, addr);
	bench_release(run, addr, 4 * BENCH_MEGABYTE);
}

/* 1,000 pages, every second one read-only: one of those. */
void bench_query_alternate(struct bench_run *run)
{
	struct bench_run ignored = { .memory = run->memory };
	char *addr = bench_reserve_committed(run, 1000 * BENCH_PAGE);

	protect_every_second(&ignored, addr, 1000);
	query_at(run, addr + 500 * BENCH_PAGE);
	bench_release(run, addr, 1000 * BENCH_PAGE);
}

/* Behind the only reservation. */
void bench_query_free(struct bench_run *run)
{
	char *addr = bench_reserve(run, BENCH_MEGABYTE);

	query_at(run, addr + BENCH_MEGABYTE);
	bench_release(run, addr, BENCH_MEGABYTE);
}

/* A mapping that is not winmem's: the program's own data. */
void bench_query_other(struct bench_run *run)
{
	static char data = 1;

	query_at(run, &data);
}

static void watch(struct bench_run *run, char *addr, size_t expected)
{
	size_t nr;

	must(run->memory->watch(addr, BENCH_WATCHED * BENCH_PAGE, &nr));
	if (nr != expected)
		errx(1, "%zu pages of %zu were written", nr, expected);
}

/* Rounds of write all, ask and reset; which of the two halves counts is the case's. */
static void watch_rounds(struct bench_run *run, bool count_writes)
{
	unsigned long rounds = bench_times(run);
	size_t length = BENCH_WATCHED * BENCH_PAGE;
	char *addr = bench_reserve(run, length);

	while (rounds--) {
		if (count_writes)
			bench_start(run);
		bench_touch_all(addr, length);
		if (count_writes)
			bench_stop(run, BENCH_WATCHED);
		else
			bench_start(run);
		watch(run, addr, BENCH_WATCHED);
		if (!count_writes)
			bench_stop(run, BENCH_WATCHED);
	}
	bench_release(run, addr, length);
}

/* 8,192 pages, all of which have been written: told of and reset; each page. */
void bench_watch_dirty(struct bench_run *run)
{
	watch_rounds(run, false);
}

/* The first write to each of them after that. */
void bench_watch_rewrite(struct bench_run *run)
{
	watch_rounds(run, true);
}

/* 8,192 pages, none of which has been written: one call. */
void bench_watch_clean(struct bench_run *run)
{
	unsigned long nr = bench_times(run);
	size_t length = BENCH_WATCHED * BENCH_PAGE;
	char *addr = bench_reserve(run, length);

	bench_start(run);
	for (unsigned long i = 0; i < nr; i++)
		watch(run, addr, 0);
	bench_stop(run, nr);
	bench_release(run, addr, length);
}
