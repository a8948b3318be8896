// SPDX-License-Identifier: GPL-2.0-only
/*
 * What winmem is for, on one screen: a terabyte reserved, pages committed and touched all
 * over it, every second page of 100,000 protected without a mapping more, protections that
 * hold, memory that comes back zero, and what VirtualQuery says of it all. The last line is
 * `demo: ok`, or a line says what went wrong.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <winmem.h>

#define PAGE		4096UL
#define GIB		(1UL << 30)
#define SPAN		(1024 * GIB)
#define PAGES		100000UL

static sigjmp_buf trap;

static void on_signal(int sig)
{
	siglongjmp(trap, sig);
}

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *what, ...)
{
	va_list args;

	printf("demo: FAILED: ");
	va_start(args, what);
	vprintf(what, args);
	va_end(args);
	printf(" (last error %u)\n", GetLastError());
	exit(1);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static unsigned long mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long count = 0;
	int c;

	if (!maps)
		die("/proc/self/maps: %s", strerror(errno));
	while ((c = getc(maps)) != EOF)
		count += c == '\n';
	fclose(maps);
	return count;
}

static unsigned long max_map_count(void)
{
	FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
	unsigned long max = 0;

	if (!file || fscanf(file, "%lu", &max) != 1)
		die("/proc/sys/vm/max_map_count: %s", strerror(errno));
	fclose(file);
	return max;
}

static int write_faults(volatile char *page)
{
	int sig = sigsetjmp(trap, 1);

	if (!sig)
		*page = 1;
	return sig;
}

static char *reserve(double *microseconds)
{
	double start = seconds();
	char *base = VirtualAlloc(NULL, SPAN, MEM_RESERVE, PAGE_READWRITE);

	*microseconds = (seconds() - start) * 1e6;
	if (!base)
		die("VirtualAlloc(NULL, 1 TiB, MEM_RESERVE)");
	return base;
}

/* The first time the module maps a window for it, and code runs that never ran before. */
static char *reserve_a_terabyte(void)
{
	double first, again;
	char *base = reserve(&first);

	if (!VirtualFree(base, 0, MEM_RELEASE))
		die("release of 1 TiB");
	base = reserve(&again);
	printf("reserved 1 TiB at %p in %.0f microseconds (the first time %.0f)\n", (void *)base,
	       again, first);
	return base;
}

static void touch_all_over(char *base)
{
	unsigned long offset, count = 0;

	for (offset = 0; offset < SPAN; offset += GIB, count++) {
		uint64_t *page = VirtualAlloc(base + offset, PAGE, MEM_COMMIT, PAGE_READWRITE);

		if (!page)
			die("commit at +%lu GiB", offset / GIB);
		if (*page)
			die("a fresh page at +%lu GiB is not zero", offset / GIB);
		*page = offset;
	}
	for (offset = 0; offset < SPAN; offset += GIB) {
		if (*(uint64_t *)(base + offset) != offset)
			die("the page at +%lu GiB lost what was written", offset / GIB);
	}
	printf("committed and touched %lu pages all over it, a GiB apart\n", count);
}

/* What a program does today: an mprotect splits a mapping, and 65,530 of them is the end. */
static void protect_with_mprotect(void)
{
	char *base = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	unsigned long i;

	if (base == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	for (i = 0; i < PAGES; i += 2) {
		if (mprotect(base + i * PAGE, PAGE, PROT_READ))
			break;
	}
	if (i < PAGES)
		printf("  mprotect:       stopped at page %6lu: %s (%lu mappings)\n", i,
		       strerror(errno), mappings());
	else
		printf("  mprotect:       %lu mappings more\n", PAGES);
	munmap(base, PAGES * PAGE);
}

static char *protect_with_winmem(void)
{
	char *base = VirtualAlloc(NULL, PAGES * PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
	unsigned long i, before = mappings(), after;
	DWORD old;

	if (!base)
		die("reserve and commit %lu pages", PAGES);
	for (i = 0; i < PAGES; i += 2) {
		if (!VirtualProtect(base + i * PAGE, PAGE, PAGE_READONLY, &old) ||
		    old != PAGE_READWRITE)
			die("VirtualProtect of page %lu", i);
	}
	after = mappings();
	printf("  VirtualProtect: all %lu done: %lu mappings before, %lu after\n", PAGES / 2, before,
	       after);
	if (after > before + 20)
		die("%lu mappings more", after - before);
	return base;
}

static void prove_protection(char *base)
{
	base[PAGE] = 7;
	if (base[PAGE] != 7)
		die("a read-write page does not keep what is written");
	if (write_faults(base) != SIGSEGV)
		die("a read-only page let a write through");
	if (base[0])
		die("the refused write has landed");
	printf("a write to a read-only page is refused, its neighbour takes one\n");

	if (!VirtualFree(base + PAGE, PAGE, MEM_DECOMMIT))
		die("decommit");
	if (write_faults(base + PAGE) != SIGSEGV)
		die("a decommitted page let a write through");
	if (!VirtualAlloc(base + PAGE, PAGE, MEM_COMMIT, PAGE_READWRITE))
		die("recommit");
	if (base[PAGE])
		die("a recommitted page is not zero");
	printf("a decommitted page refuses access, and comes back zero\n");
}

static const char *state_name(DWORD state)
{
	return state == MEM_COMMIT ? "commit" : state == MEM_RESERVE ? "reserve" : "free";
}

static const char *prot_name(DWORD protect)
{
	switch (protect) {
	case PAGE_NOACCESS:
		return "noaccess";
	case PAGE_READONLY:
		return "readonly";
	case PAGE_READWRITE:
		return "readwrite";
	case PAGE_EXECUTE_READ:
		return "execute-read";
	case PAGE_READWRITE | PAGE_GUARD:
		return "readwrite guard";
	default:
		return "";
	}
}

/* A reservation with one of everything, as VirtualQuery sees it. */
static void show_map(void)
{
	char *base = VirtualAlloc(NULL, 16 * PAGE, MEM_RESERVE, PAGE_READWRITE), *p;
	MEMORY_BASIC_INFORMATION info;
	DWORD old;

	if (!base || !VirtualAlloc(base, 12 * PAGE, MEM_COMMIT, PAGE_READWRITE) ||
	    !VirtualProtect(base + 2 * PAGE, 3 * PAGE, PAGE_READONLY, &old) ||
	    !VirtualProtect(base + 5 * PAGE, PAGE, PAGE_NOACCESS, &old) ||
	    !VirtualProtect(base + 6 * PAGE, PAGE, PAGE_READWRITE | PAGE_GUARD, &old) ||
	    !VirtualProtect(base + 8 * PAGE, 2 * PAGE, PAGE_EXECUTE_READ, &old))
		die("making a map");

	printf("VirtualQuery on 16 reserved pages:\n");
	for (p = base; p < base + 16 * PAGE; p += info.RegionSize) {
		if (VirtualQuery(p, &info, sizeof(info)) != sizeof(info))
			die("VirtualQuery at %p", (void *)p);
		printf("  %p  %2lu pages  %-8s %s\n", info.BaseAddress,
		       (unsigned long)info.RegionSize / PAGE, state_name(info.State),
		       prot_name(info.Protect));
	}
	if (!VirtualFree(base, 0, MEM_RELEASE))
		die("release of the map");
	if (!VirtualQuery(base, &info, sizeof(info)) || info.State != MEM_FREE)
		die("released memory is not free");
}

static unsigned long long available(void)
{
	MEMORYSTATUSEX status = { .dwLength = sizeof(status) };

	if (!GlobalMemoryStatusEx(&status))
		die("GlobalMemoryStatusEx");
	return status.ullAvailPageFile;
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	unsigned long long before;
	char *span, *pages;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGSEGV, &action, NULL);
	before = available();

	span = reserve_a_terabyte();
	touch_all_over(span);
	printf("every second page of %lu read-only (vm.max_map_count is %lu):\n", PAGES,
	       max_map_count());
	protect_with_mprotect();
	pages = protect_with_winmem();
	prove_protection(pages);
	show_map();

	if (!VirtualFree(span, 0, MEM_RELEASE) || !VirtualFree(pages, 0, MEM_RELEASE))
		die("release");
	if (available() != before)
		die("%llu bytes of commit charge are missing", before - available());
	printf("all released, and all of the commit charge is back\n");
	printf("demo: ok\n");
	return 0;
}
