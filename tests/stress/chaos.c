// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that do anything at any time to the same pages. Nobody can know the answers; but
 * each must be one that the call can give, and when all is quiet the process is charged for
 * just what VirtualQuery says is committed.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "touch.h"
#include "worker.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

#define CHAOS_PAGES	600

static unsigned long chaos_base;

static void *chaos_start(struct worker *worker)
{
	if (!chaos_base)
		chaos_base = worker_place(worker->number, false);
	return worker;
}

/* Errors of a call that was right in itself, and came at a wrong time. */
static void check_error(struct worker *worker, DWORD error)
{
	switch (error) {
	case ERROR_INVALID_PARAMETER:
	case ERROR_INVALID_ADDRESS:
	case ERROR_BUSY:
		worker->checks++;
		return;
	default:
		worker_fail(worker, "error %u", error);
	}
}

static void check_run(struct worker *worker, unsigned long addr,
		      const MEMORY_BASIC_INFORMATION *info)
{
	bool free = info->State == MEM_FREE;

	CHECK(worker, info->BaseAddress == (void *)addr && info->RegionSize % PAGE == 0 &&
	      info->RegionSize, "%#lx: %p %#zx", addr, info->BaseAddress, info->RegionSize);
	CHECK(worker, free || info->State == MEM_RESERVE || info->State == MEM_COMMIT,
	      "%#lx: state %#x", addr, info->State);
	CHECK(worker, free == !info->AllocationBase && free == !info->Type &&
	      free == !info->AllocationProtect && (unsigned long)info->AllocationBase <= addr,
	      "%#lx: %p %#x type %#x", addr, info->AllocationBase, info->AllocationProtect,
	      info->Type);
	CHECK(worker, !info->Protect == (info->State == MEM_RESERVE), "%#lx: protection %#x", addr,
	      info->Protect);
}

static void query(struct worker *worker, unsigned long addr, MEMORY_BASIC_INFORMATION *info)
{
	CHECK(worker, VirtualQuery((void *)addr, info, sizeof(*info)) == sizeof(*info),
	      "VirtualQuery: error %u", GetLastError());
	check_run(worker, addr, info);
}

static void touch(struct worker *worker, unsigned long addr)
{
	uint64_t word = addr;

	switch (random_below(&worker->random, 4)) {
	case 0:
		touch_write((void *)addr, &word, sizeof(word));
		break;
	case 1:
		touch_read((void *)addr, &word, sizeof(word));
		break;
	case 2:
		remote_write((void *)addr, &word, sizeof(word));
		break;
	default:
		pipe_write((void *)addr, &word, sizeof(word));
		break;
	}
}

static void *alloc(struct random *random, unsigned long addr, unsigned long size)
{
	static const DWORD types[] = {
		MEM_RESERVE, MEM_RESERVE | MEM_COMMIT, MEM_RESERVE | MEM_COMMIT, MEM_COMMIT, MEM_COMMIT,
		MEM_COMMIT, MEM_RESET, MEM_RESET_UNDO,
	};
	static const DWORD prots[] = {
		PAGE_READWRITE, PAGE_READWRITE, PAGE_READONLY, PAGE_NOACCESS, PAGE_EXECUTE_READ,
		PAGE_EXECUTE_READWRITE, PAGE_READWRITE | PAGE_GUARD, PAGE_READWRITE | PAGE_NOCACHE,
	};

	return VirtualAlloc((void *)addr, size, RANDOM_OF(random, types), RANDOM_OF(random, prots));
}

static void chaos_step(struct worker *worker)
{
	static const DWORD prots[] = {
		PAGE_READWRITE, PAGE_READONLY, PAGE_NOACCESS, PAGE_EXECUTE_READ, PAGE_READWRITE | PAGE_GUARD,
	};
	struct random *random = &worker->random;
	long page = random_below(random, CHAOS_PAGES);
	long nr = 1 + random_below(random, random_percent(random, 70) ? 16 : CHAOS_PAGES);
	unsigned int kind = random_below(random, 100);
	MEMORY_BASIC_INFORMATION info;
	unsigned long addr, size;
	bool done = true;
	DWORD old;

	if (page + nr > CHAOS_PAGES)
		nr = CHAOS_PAGES - page;
	addr = chaos_base + page * PAGE;
	size = nr * PAGE;
	worker_note(worker, "kind %u of pages %#lx..%#lx", kind, page, page + nr);
	if (kind < 40) {
		for (; nr; nr--, addr += PAGE)
			touch(worker, addr + random_below(random, PAGE / 8) * 8);
	} else if (kind < 65) {
		done = alloc(random, addr, size);
	} else if (kind < 75) {
		done = VirtualFree((void *)addr, size, MEM_DECOMMIT);
	} else if (kind < 78) {
		query(worker, addr, &info);
		done = VirtualFree(info.AllocationBase, 0, MEM_RELEASE);
	} else if (kind < 92) {
		done = VirtualProtect((void *)addr, size, RANDOM_OF(random, prots), &old);
	} else if (kind < 96) {
		query(worker, addr, &info);
	} else {
		madvise((void *)addr, size, MADV_PAGEOUT);
	}
	if (!done)
		check_error(worker, GetLastError());
}

static long chaos_committed(struct worker *worker)
{
	unsigned long end = chaos_base + CHAOS_PAGES * PAGE, addr, part;
	MEMORY_BASIC_INFORMATION info;
	long count = 0;

	if (worker->index)
		return 0;
	for (addr = chaos_base; addr < end; addr += info.RegionSize) {
		query(worker, addr, &info);
		part = info.RegionSize < end - addr ? info.RegionSize : end - addr;
		if (info.State == MEM_COMMIT)
			count += part / PAGE;
	}
	return count;
}

/* Committed pages can be seen, and others cannot. */
static void chaos_check(struct worker *worker)
{
	unsigned long end = chaos_base + CHAOS_PAGES * PAGE, addr = chaos_base;
	MEMORY_BASIC_INFORMATION info;
	char byte;

	worker_note(worker, "the check of everything");
	for (; addr < end; addr += info.RegionSize) {
		query(worker, addr, &info);
		CHECK(worker, debugger_read((void *)addr, &byte, 1) == (info.State == MEM_COMMIT),
		      "%#lx has state %#x", addr, info.State);
	}
}

const struct kind chaos_kind = {
	"chaos", chaos_start, chaos_step, chaos_check, chaos_committed,
};
