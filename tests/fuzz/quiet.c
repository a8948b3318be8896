// SPDX-License-Identifier: GPL-2.0-only
/*
 * When no thread of the process is calling: QUERY divides the address space into runs
 * without a gap; its runs of the reservations are those of fdinfo; the charge is the number
 * of pages that QUERY calls committed; and WATCH tells the same until it resets, and then of
 * nothing but what is written since.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/winmem.h>

#define ADDRESS_END	0x7FFFFFFF0000UL	/* what INFO calls out_highest, and one */

static struct winmem_query ask(struct fuzzer *f, unsigned long addr)
{
	struct winmem_query query = { .size = sizeof(query), .addr = addr };

	if (ioctl(f->worker->fds[0], WINMEM_IOC_QUERY, &query))
		fuzz_failed("QUERY %#lx: %s", addr, strerrorname_np(errno));
	if (query.out_base != addr || !query.out_length || query.out_length % PAGE ||
	    query.out_base + query.out_length < query.out_base)
		fuzz_failed("QUERY %#lx: base %#llx, length %#llx, state %#x, type %#x, alloc %#llx",
			    addr, query.out_base, query.out_length, query.out_state, query.out_type,
			    query.out_alloc_base);
	return query;
}

static bool fields_fit(const struct winmem_query *query)
{
	bool typed = query->out_type == WINMEM_TYPE_PRIVATE ||
		     query->out_type == WINMEM_TYPE_MAPPED || query->out_type == WINMEM_TYPE_IMAGE;

	if (query->out_flags & ~WINMEM_OUT_COUNTED ||
	    (query->out_flags && query->out_type != WINMEM_TYPE_PRIVATE))
		return false;

	switch (query->out_state) {
	case WINMEM_STATE_FREE:
		return !query->out_alloc_base && !query->out_alloc_prot && !query->out_type &&
		       query->out_prot == WINMEM_PROT_NOACCESS;
	case WINMEM_STATE_RESERVE:
		return query->out_alloc_base <= query->out_base && !query->out_prot &&
		       query->out_type == WINMEM_TYPE_PRIVATE && query->out_alloc_prot;
	case WINMEM_STATE_COMMIT:
		return query->out_alloc_base <= query->out_base && query->out_prot && typed;
	default:
		return false;
	}
}

static bool alike(const struct winmem_query *a, const struct winmem_query *b)
{
	return a->out_alloc_base == b->out_alloc_base && a->out_state == b->out_state &&
	       a->out_prot == b->out_prot && a->out_type == b->out_type &&
	       a->out_alloc_prot == b->out_alloc_prot;
}

/* Runs that follow each other differ, or they would be one. */
static void check_partition(struct fuzzer *f)
{
	struct winmem_query query, last = { 0 };
	unsigned long addr = 0;

	for (; addr < ADDRESS_END; addr += query.out_length) {
		query = ask(f, addr);
		if (!fields_fit(&query))
			fuzz_failed("QUERY %#lx: state %#x prot %#x type %#x alloc %#llx %#x", addr,
				    query.out_state, query.out_prot, query.out_type,
				    query.out_alloc_base, query.out_alloc_prot);
		if (alike(&query, &last))
			fuzz_failed("QUERY %#lx: like the run before, at %#llx", addr,
				    last.out_base);
		last = query;
	}
	/* A mapping may begin in the range and end above it. */
	if (addr != ADDRESS_END && last.out_state == WINMEM_STATE_FREE)
		fuzz_failed("QUERY %#llx: free up to %#lx", last.out_base, addr);
}

/* The runs of one reservation; how many of its pages are committed. */
static unsigned long check_region(struct fuzzer *f, unsigned long start, unsigned long end)
{
	unsigned long addr = start, committed = 0;

	while (addr < end) {
		struct winmem_query query = ask(f, addr);

		if (query.out_alloc_base != start || query.out_state == WINMEM_STATE_FREE ||
		    addr + query.out_length > end)
			fuzz_failed("QUERY %#lx in %#lx-%#lx: state %#x, alloc %#llx, length %#llx",
				    addr, start, end, query.out_state, query.out_alloc_base,
				    query.out_length);
		if (query.out_state == WINMEM_STATE_COMMIT)
			committed += query.out_length / PAGE;
		addr += query.out_length;
	}
	return committed;
}

static void check_run(struct fuzzer *f, unsigned long start, unsigned long end,
		      unsigned int prot)
{
	struct winmem_query query = ask(f, start);

	if (query.out_length != end - start || query.out_prot != prot)
		fuzz_failed("fdinfo says %#lx-%#lx %#x, QUERY length %#llx prot %#x", start, end,
			    prot, query.out_length, query.out_prot);
}

static void check_charge(struct fuzzer *f, unsigned long pages, unsigned long sum)
{
	struct winmem_limit limit = { .size = sizeof(limit) };

	if (ioctl(f->worker->fds[0], WINMEM_IOC_LIMIT, &limit))
		fuzz_failed("LIMIT: %s", strerrorname_np(errno));
	if (limit.out_charge / PAGE != pages || pages != sum)
		fuzz_failed("charge is %llu pages, fdinfo says %lu, QUERY %lu",
			    limit.out_charge / PAGE, pages, sum);
	if (limit.out_total_charge < limit.out_charge)
		fuzz_failed("total charge is %#llx, of one %#llx", limit.out_total_charge,
			    limit.out_charge);
}

/* What there is no room to remember goes: a space stays bounded. */
static void release_rest(struct fuzzer *f, const unsigned long *rest, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++) {
		struct winmem_release args = { .size = sizeof(args), .addr = rest[i] };

		if (ioctl(f->worker->fds[0], WINMEM_IOC_RELEASE, &args))
			fuzz_failed("RELEASE %#lx: %s", rest[i], strerrorname_np(errno));
	}
}

/* The reservations that are there, in place of those that were thought to be. */
static void check_fdinfo(struct fuzzer *f, FILE *fdinfo)
{
	unsigned long start, end, committed, charge = ~0UL, regions = ~0UL, sum = 0, seen = 0;
	static unsigned long rest[1024];
	unsigned long nr_rest = 0;
	unsigned int prot;
	char line[256];

	for (unsigned int i = 0; i < NR_REGIONS; i++)
		f->worker->regions[i].start = 0;
	while (fgets(line, sizeof(line), fdinfo)) {
		if (sscanf(line, "winmem-charge: %lu", &charge) == 1 ||
		    sscanf(line, "winmem-regions: %lu", &regions) == 1)
			continue;
		if (sscanf(line, "region %lx-%lx %x %lu", &start, &end, &prot, &committed) == 4) {
			if (check_region(f, start, end) != committed)
				fuzz_failed("fdinfo: %lu pages committed in %#lx", committed, start);
			sum += committed;
			if (seen++ < NR_REGIONS)
				remember(f->worker, start, end - start);
			else if (nr_rest < ARRAY_LEN(rest))
				rest[nr_rest++] = start;
		} else if (sscanf(line, "run %lx-%lx %x", &start, &end, &prot) == 3) {
			check_run(f, start, end, prot);
		}
	}
	if (seen != regions)
		fuzz_failed("fdinfo: %lu regions, said to be %lu", seen, regions);
	check_charge(f, charge, sum);
	release_rest(f, rest, nr_rest);
}

/* Write watch. */

#define NR_WRITTEN	512
#define NOT_WATCHED	~0UL

static unsigned long ask_written(struct fuzzer *f, unsigned long start, unsigned long length,
				 unsigned int flags, __u64 *addrs)
{
	struct winmem_watch args = {
		.size = sizeof(args), .flags = flags, .addr = start, .length = length,
		.addrs = (unsigned long)addrs, .count = NR_WRITTEN,
	};

	memset(addrs, 0, NR_WRITTEN * sizeof(*addrs));
	if (ioctl(f->worker->fds[0], WINMEM_IOC_WATCH, &args)) {
		if (errno != EADDRNOTAVAIL)
			fuzz_failed("WATCH %#lx: %s", start, strerrorname_np(errno));
		return NOT_WATCHED;
	}
	for (unsigned long i = 0; i < args.out_count; i++)
		if (addrs[i] < start || addrs[i] >= start + length || addrs[i] % PAGE ||
		    (i && addrs[i] <= addrs[i - 1]))
			fuzz_failed("WATCH %#lx: address %lu is %#llx", start, i, addrs[i]);
	return args.out_count;
}

static void check_written(struct fuzzer *f, unsigned long start, unsigned long length)
{
	static __u64 first[NR_WRITTEN], again[NR_WRITTEN];
	unsigned long nr = ask_written(f, start, length, 0, first), left;

	if (nr == NOT_WATCHED)
		return;
	if (ask_written(f, start, length, WINMEM_WATCH_RESET, again) != nr ||
	    memcmp(first, again, sizeof(first)))
		fuzz_failed("WATCH %#lx: not what it told before, %lu addresses", start, nr);
	left = ask_written(f, start, length, 0, again);
	if (nr < NR_WRITTEN ? left : left && again[0] <= first[nr - 1])
		fuzz_failed("WATCH %#lx: %lu addresses are left of %lu, the first %#llx", start,
			    left, nr, again[0]);
	/* Where the page can be written it is the only one; a mapping may have come over it. */
	if (left || ask(f, start).out_prot != WINMEM_PROT_READWRITE)
		return;
	touch(f, start, true);
	nr = ask_written(f, start, length, 0, again);
	if (nr && (nr != 1 || again[0] != start))
		fuzz_failed("WATCH %#lx: %lu addresses, the first %#llx, of one write", start, nr,
			    again[0]);
}

void quiet_check(struct fuzzer *f)
{
	char path[64];
	FILE *fdinfo;

	/* Before fopen(): it may map memory. */
	check_partition(f);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", f->worker->fds[0]);
	fdinfo = fopen(path, "re");
	if (!fdinfo)
		fuzz_failed("%s: %s", path, strerrorname_np(errno));
	check_fdinfo(f, fdinfo);
	fclose(fdinfo);
	for (unsigned int i = 0; i < NR_REGIONS; i++)
		if (f->worker->regions[i].start)
			check_written(f, f->worker->regions[i].start,
				      f->worker->regions[i].length);
}
