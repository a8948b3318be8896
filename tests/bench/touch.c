// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cases of memory itself: the first write to each page, and the end of pages written. What it
 * costs to reserve and to commit is not in these.
 */
#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

#define LARGE		65536UL		/* pages, of which fewer will do to warm up */

static unsigned long pages(const struct bench_run *run)
{
	return run->nr < LARGE ? run->nr : bench_times(run);
}

/* An odd factor visits each page once when nr is a power of two. */
static void touch_scattered(char *addr, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		*(volatile char *)(addr + i * 1237 % nr * BENCH_PAGE) = 1;
}

/* The first write to each page, in order. */
void bench_touch(struct bench_run *run)
{
	unsigned long nr = pages(run);
	char *addr = bench_reserve_committed(run, nr * BENCH_PAGE);

	bench_start(run);
	bench_touch_all(addr, nr * BENCH_PAGE);
	bench_stop(run, nr);
	bench_release(run, addr, nr * BENCH_PAGE);
}

/* ... in an order in which no page comes after its neighbour. */
void bench_touch_scattered(struct bench_run *run)
{
	char *addr = bench_reserve_committed(run, run->nr * BENCH_PAGE);

	bench_start(run);
	touch_scattered(addr, run->nr);
	bench_stop(run, run->nr);
	bench_release(run, addr, run->nr * BENCH_PAGE);
}

/* ... of pages that nobody has committed: a handler does, for each of them. */
void bench_handled_fault(struct bench_run *run)
{
	size_t length = run->nr * BENCH_PAGE;
	char *addr = bench_reserve(run, length);

	bench_start(run);
	bench_touch_all(addr, length);
	bench_stop(run, run->nr);
	bench_release(run, addr, length);
}

/* Many small allocations. */
static char **make_pieces(const struct bench_run *run)
{
	char **piece = calloc(run->nr, sizeof(*piece));

	if (!piece)
		err(1, "calloc");
	for (unsigned long i = 0; i < run->nr; i++)
		piece[i] = bench_reserve_committed(run, BENCH_PIECE);
	return piece;
}

static void touch_pieces(const struct bench_run *run, char **piece)
{
	for (unsigned long i = 0; i < run->nr; i++)
		bench_touch_all(piece[i], BENCH_PIECE);
}

static void release_pieces(const struct bench_run *run, char **piece)
{
	for (unsigned long i = 0; i < run->nr; i++)
		bench_release(run, piece[i], BENCH_PIECE);
}

/* The first write to each page of allocations of 64 KiB, one after the other, each in order. */
void bench_touch_pieces(struct bench_run *run)
{
	char **piece = make_pieces(run);

	bench_start(run);
	touch_pieces(run, piece);
	bench_stop(run, run->nr * BENCH_PIECE / BENCH_PAGE);
	release_pieces(run, piece);
	free(piece);
}

/* And their end, one after the other; the cost for each page. */
void bench_release_pieces(struct bench_run *run)
{
	char **piece = make_pieces(run);

	touch_pieces(run, piece);
	bench_start(run);
	release_pieces(run, piece);
	bench_stop(run, run->nr * BENCH_PIECE / BENCH_PAGE);
	free(piece);
}

#define SPARSE_PAGES	(1UL << 24)	/* 64 GiB */

/* In an order in which each of them comes once before one comes again. */
static void touch_sparse(char *addr, unsigned long nr)
{
	unsigned long page = 0;

	while (nr--) {
		page = (page * 1140671485 + 12820163) % SPARSE_PAGES;
		*(volatile char *)(addr + page * BENCH_PAGE) = 1;
	}
}

/* The first write to single pages here and there in 64 GiB that are committed. */
void bench_touch_sparse(struct bench_run *run)
{
	char *addr;

	/* So many pages are warm-up enough, and 64 GiB take long to commit. */
	if (run->warm_up)
		return;
	addr = bench_reserve_committed(run, SPARSE_PAGES * BENCH_PAGE);
	bench_start(run);
	touch_sparse(addr, run->nr);
	bench_stop(run, run->nr);
	bench_release(run, addr, SPARSE_PAGES * BENCH_PAGE);
}

/* As the page tables have it: the counters of statm are some pages late. */
static unsigned long resident_pages(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	unsigned long kib = 0;
	char line[256];

	if (!file)
		err(1, "/proc/self/smaps_rollup");
	while (!kib && fgets(line, sizeof(line), file))
		sscanf(line, "Rss: %lu kB", &kib);
	fclose(file);
	return kib * 1024 / BENCH_PAGE;
}

/* What is resident afterwards, for each page written. */
void bench_touch_sparse_rss(struct bench_run *run)
{
	unsigned long before;
	char *addr;

	if (run->warm_up)
		return;
	addr = bench_reserve_committed(run, SPARSE_PAGES * BENCH_PAGE);
	before = resident_pages();
	touch_sparse(addr, run->nr);
	run->count = resident_pages() - before;
	run->calls = run->nr;
	bench_release(run, addr, SPARSE_PAGES * BENCH_PAGE);
}

static void release_page(struct bench_run *run, void (*touch)(char *addr, unsigned long nr))
{
	unsigned long nr = pages(run);
	char *addr = bench_reserve_committed(run, nr * BENCH_PAGE);

	touch(addr, nr);
	bench_start(run);
	bench_release(run, addr, nr * BENCH_PAGE);
	bench_stop(run, nr);
}

static void touch_in_order(char *addr, unsigned long nr)
{
	bench_touch_all(addr, nr * BENCH_PAGE);
}

/* The end of a reservation whose pages have all been written; the cost for each page. */
void bench_release_page(struct bench_run *run)
{
	release_page(run, touch_in_order);
}

/* ... and not in order, so that none of its pages is part of a huge one. */
void bench_release_scattered(struct bench_run *run)
{
	release_page(run, touch_scattered);
}
