// SPDX-License-Identifier: GPL-2.0-only
/*
 * One program for Windows and for libwinmem: what the calls of a Windows program cost with
 * winmem, and what they cost under Wine, which has mmap and mprotect to make them from. It is
 * compiled with gcc for the one and with mingw-w64 for the other.
 *
 *	windows [CASE...]
 *
 * Prints a line for each case, `case instructions-per-operation`, where the time stamp counter
 * counts instructions. tests/bench/windows calls it several times.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#ifdef _WIN32
#include <windows.h>
#else
#include <winmem.h>
#endif

#define PAGE		4096
#define PIECE		65536
#define MEGABYTE	(1 << 20)

static void check(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "windows: %s: error %u\n", what, (unsigned int)GetLastError());
	exit(1);
}

#define must(call)	check(!!(call), #call)

static char *allocate(size_t length, DWORD type)
{
	char *addr = VirtualAlloc(NULL, length, type, PAGE_READWRITE);

	must(addr);
	return addr;
}

static void release(char *addr)
{
	must(VirtualFree(addr, 0, MEM_RELEASE));
}

static double alloc_free(unsigned int nr)
{
	uint64_t start = __rdtsc();

	for (unsigned int i = 0; i < nr; i++)
		release(allocate(PIECE, MEM_RESERVE | MEM_COMMIT));
	return __rdtsc() - start;
}

/* A page that was written, among others that were not: read-only and back. */
static double protect_page(unsigned int nr)
{
	char *addr = allocate(MEGABYTE, MEM_RESERVE | MEM_COMMIT), *page = addr + MEGABYTE / 2;
	uint64_t start;
	DWORD old;

	*page = 1;
	start = __rdtsc();
	for (unsigned int i = 0; i < nr; i++) {
		must(VirtualProtect(page, PAGE, PAGE_READONLY, &old));
		must(VirtualProtect(page, PAGE, PAGE_READWRITE, &old));
	}
	start = __rdtsc() - start;
	release(addr);
	return start;
}

/* In 1 MiB whose first 64 KiB are committed: one of the pages committed. */
static double query(unsigned int nr)
{
	char *addr = allocate(MEGABYTE, MEM_RESERVE);
	MEMORY_BASIC_INFORMATION info;
	uint64_t start;

	must(VirtualAlloc(addr, PIECE, MEM_COMMIT, PAGE_READWRITE));
	start = __rdtsc();
	for (unsigned int i = 0; i < nr; i++)
		must(VirtualQuery(addr + PIECE / 2, &info, sizeof(info)));
	start = __rdtsc() - start;
	release(addr);
	return start;
}

#define MANY		100

/* ... of so many reservations in turn, which are more than anybody remembers. */
static double query_many(unsigned int nr)
{
	MEMORY_BASIC_INFORMATION info;
	static char *addr[MANY];
	uint64_t start;

	for (unsigned int i = 0; i < MANY; i++) {
		addr[i] = allocate(MEGABYTE, MEM_RESERVE);
		must(VirtualAlloc(addr[i], PIECE, MEM_COMMIT, PAGE_READWRITE));
	}
	start = __rdtsc();
	for (unsigned int i = 0; i < nr; i++)
		must(VirtualQuery(addr[i % MANY] + PIECE / 2, &info, sizeof(info)));
	start = __rdtsc() - start;
	for (unsigned int i = 0; i < MANY; i++)
		release(addr[i]);
	return start;
}

#define WATCHED		1024

/* Pages that were written before and are again; then told of and reset, all in a call. */
static double watch_pages(unsigned int nr, int count_writes)
{
	size_t length = (size_t)WATCHED * PAGE;
	char *addr = allocate(length, MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH);
	static void *written[WATCHED];
	ULONG_PTR count;
	ULONG granularity;
	uint64_t start, took = 0;

	for (unsigned int done = 0; done <= nr; done += WATCHED) {
		start = __rdtsc();
		for (size_t i = 0; i < length; i += PAGE)
			*(volatile char *)(addr + i) = 1;
		if (!count_writes)
			start = __rdtsc();
		count = WATCHED;
		must(!GetWriteWatch(WRITE_WATCH_FLAG_RESET, addr, length, written, &count,
				    &granularity));
		must(count == WATCHED);
		/* The first round is the pages' first touch. */
		if (done)
			took += __rdtsc() - start;
	}
	release(addr);
	return took;
}

static double watch(unsigned int nr)
{
	return watch_pages(nr, 1);
}

static double watch_get_reset(unsigned int nr)
{
	return watch_pages(nr, 0);
}

#define SLOTS		4096
#define DRAWN		65536

static uint16_t sizes[DRAWN], places[DRAWN];

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 8;
}

static void replace(HANDLE heap, void **slots, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		void **slot = &slots[places[i % DRAWN]];

		must(HeapFree(heap, 0, *slot));
		*slot = HeapAlloc(heap, 0, sizes[i % DRAWN]);
		must(*slot);
		*(volatile char *)*slot = 1;
	}
}

/* A free and an allocation of 16 to 1,024 bytes, at random among those there are. */
static double heap_mixed(unsigned int nr)
{
	HANDLE heap = HeapCreate(0, 0, 0);
	uint64_t seed = 88172645463325252, start;
	static void *slots[SLOTS];

	must(heap);
	for (unsigned int i = 0; i < DRAWN; i++) {
		sizes[i] = 16 + next_random(&seed) % 1009;
		places[i] = next_random(&seed) % SLOTS;
	}
	for (unsigned int i = 0; i < SLOTS; i++) {
		slots[i] = HeapAlloc(heap, 0, sizes[i]);
		must(slots[i]);
	}
	replace(heap, slots, 2 * SLOTS);
	start = __rdtsc();
	replace(heap, slots, nr);
	start = __rdtsc() - start;
	must(HeapDestroy(heap));
	return start;
}

static const struct {
	const char *name;
	double (*run)(unsigned int nr);
	unsigned int nr;
} cases[] = {
	{ "win_alloc_free_64k", alloc_free, 2000 },
	{ "win_protect_page", protect_page, 2000 },
	{ "win_query", query, 5000 },
	{ "win_query_many", query_many, 5000 },
	{ "win_watch", watch, 4 * WATCHED },
	{ "win_watch_get_reset", watch_get_reset, 4 * WATCHED },
	{ "win_heap_mixed", heap_mixed, 100000 },
};

static int is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strncmp(name, argv[i], strlen(argv[i])))
			return 1;
	}
	return argc < 2;
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (!is_wanted(cases[i].name, argc, argv))
			continue;
		/* A shorter run to warm up. */
		cases[i].run(cases[i].nr / 16 + 1);
		printf("%s %.1f\n", cases[i].name, cases[i].run(cases[i].nr) / cases[i].nr);
	}
	return 0;
}
