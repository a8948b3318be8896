// SPDX-License-Identifier: GPL-2.0-only
/* Guard pages and refused accesses as exceptions, by rows of section 6. */
#define _GNU_SOURCE
#include "exception.h"

#include <sys/mman.h>

CHILD_TEST(G01_a_guard_page_raises_a_violation)
{
	char *p = alloc(4 * PAGE, RW | PAGE_GUARD);

	add(0, see_and_leave);
	load(p + 77);
	EXPECT_GUARD(EXCEPTION_READ_FAULT, p + 77);
	store(p + PAGE + 4095);
	EXPECT_GUARD(EXCEPTION_WRITE_FAULT, p + PAGE + 4095);
	EXPECT_EQ(1, p[PAGE + 4095]);
	EXPECT_NONE();
	release(p);
}

CHILD_TEST(G01_a_guarded_page_with_execute)
{
	char *p = alloc(PAGE, XRW);

	add(0, see_and_leave);
	put_return(p);
	protect(p, PAGE, XRW | PAGE_GUARD);
	execute(p);
	EXPECT_GUARD(EXCEPTION_EXECUTE_FAULT, p);
	execute(p);
	EXPECT_NONE();
	release(p);
}

static LONG WINAPI look_around(EXCEPTION_POINTERS *pointers)
{
	char *addr = (char *)pointers->ExceptionRecord->ExceptionInformation[1];

	see(pointers);
	EXPECT_EQ(RW | PAGE_GUARD, query(addr - PAGE).Protect);
	EXPECT_EQ(RW, query(addr).Protect);
	EXPECT_EQ(PAGE, query(addr).RegionSize);
	EXPECT_EQ(RW | PAGE_GUARD, query(addr + PAGE).Protect);
	return EXCEPTION_CONTINUE_EXECUTION;
}

CHILD_TEST(G02_the_guard_is_gone_when_the_handler_runs)
{
	char *p = alloc(5 * PAGE, RW | PAGE_GUARD);

	add(0, look_around);
	store(p + 2 * PAGE);
	EXPECT_GUARD(EXCEPTION_WRITE_FAULT, p + 2 * PAGE);
	release(p);
}

CHILD_TEST(G03_the_second_access_obeys_the_protection_below)
{
	char *p = alloc(2 * PAGE, RW | PAGE_GUARD);

	add(0, see_and_leave);
	protect(p + PAGE, PAGE, RO | PAGE_GUARD);
	load(p);
	EXPECT_GUARD(EXCEPTION_READ_FAULT, p);
	load(p);
	store(p);
	EXPECT_NONE();
	/* The violation, and then one of another kind by the same instruction. */
	store(p + PAGE);
	EXPECT_EQ(2, seen.nr);
	EXPECT_EQ(STATUS_GUARD_PAGE_VIOLATION, seen.codes[0]);
	seen.nr = 1;
	EXPECT_AV(EXCEPTION_WRITE_FAULT, p + PAGE);
	load(p + PAGE);
	EXPECT_NONE();
	release(p);
}

CHILD_TEST(G03_a_guard_can_be_set_again)
{
	char *p = alloc(PAGE, RW);

	add(0, see_and_leave);
	for (int i = 0; i < 100; i++) {
		protect(p, PAGE, RW | PAGE_GUARD);
		if (i % 2)
			load(p + i);
		else
			store(p + i);
		EXPECT_GUARD(i % 2 ? EXCEPTION_READ_FAULT : EXCEPTION_WRITE_FAULT, p + i);
	}
	release(p);
}

CHILD_TEST(G05_execute_of_a_page_that_has_a_guard_and_no_execute)
{
	char *p = alloc(3 * PAGE, RW);

	add(0, see_and_leave);
	put_return(p + PAGE);
	protect(p, 3 * PAGE, RW | PAGE_GUARD);
	execute(p + PAGE);
	EXPECT_EQ(2, seen.nr);
	EXPECT_EQ(STATUS_GUARD_PAGE_VIOLATION, seen.codes[0]);
	seen.nr = 1;
	EXPECT_AV(EXCEPTION_EXECUTE_FAULT, p + PAGE);
	EXPECT_EQ(RW | PAGE_GUARD, query(p).Protect);
	EXPECT_EQ(RW, query(p + PAGE).Protect);
	EXPECT_EQ(RW | PAGE_GUARD, query(p + 2 * PAGE).Protect);
	/* The last bytes of a page. */
	execute(p + 3 * PAGE - 1);
	EXPECT_EQ(STATUS_GUARD_PAGE_VIOLATION, seen.codes[0]);
	EXPECT_EQ(2, seen.nr);
	release(p);
}

CHILD_TEST(G11_a_system_call_that_hits_a_guard_raises_nothing)
{
	char *p = alloc(2 * PAGE, RW | PAGE_GUARD);
	int fds[2];

	add(0, see_and_leave);
	EXPECT(!pipe(fds));
	EXPECT_EQ(-1, write(fds[1], p, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_NONE();
	EXPECT_EQ(RW, query(p).Protect);
	EXPECT_EQ(8, write(fds[1], p, 8));
	EXPECT_EQ(-1, read(fds[0], p + PAGE, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(8, write(fds[1], p, 8));
	EXPECT_EQ(8, read(fds[0], p + PAGE, 8));
	load(p);
	EXPECT_NONE();
	release(p);
}

static void expect_nothing_works(const char *at, char *p)
{
	load(p + 8);
	check_seen(at, 1, EXCEPTION_ACCESS_VIOLATION, EXCEPTION_READ_FAULT, p + 8);
	store(p + 4095);
	check_seen(at, 1, EXCEPTION_ACCESS_VIOLATION, EXCEPTION_WRITE_FAULT, p + 4095);
	execute(p);
	check_seen(at, 1, EXCEPTION_ACCESS_VIOLATION, EXCEPTION_EXECUTE_FAULT, p);
}

CHILD_TEST(G13_reserved_free_no_access_decommitted)
{
	char *p = reserve(GRAN);

	add(0, see_and_leave);
	expect_nothing_works(HERE, p);
	commit(p, 2 * PAGE, RW);
	fill(p, 2 * PAGE, 1);
	protect(p, PAGE, NA);
	expect_nothing_works(HERE, p);
	decommit(p + PAGE, PAGE);
	expect_nothing_works(HERE, p + PAGE);
	release(p);
	expect_nothing_works(HERE, p);
}

CHILD_TEST(G13_memory_of_others)
{
	char *map = map_shared(PAGE);

	add(0, see_and_leave);
	load(NULL);
	EXPECT_AV(EXCEPTION_READ_FAULT, NULL);
	store((void *)8);
	EXPECT_AV(EXCEPTION_WRITE_FAULT, (void *)8);
	load(KERNEL_ADDR);
	EXPECT_AV(EXCEPTION_READ_FAULT, KERNEL_ADDR);
	EXPECT(!mprotect(map, PAGE, PROT_READ));
	store(map);
	EXPECT_AV(EXCEPTION_WRITE_FAULT, map);
	/* No address that a processor would take: Windows knows none either. */
	load((void *)0x8000000000000000UL);
	EXPECT_AV(EXCEPTION_READ_FAULT, (void *)~0UL);
	munmap(map, PAGE);
}

CHILD_TEST(G14_write_to_what_cannot_be_written)
{
	static const DWORD prots[] = { RO, XR, X };
	char *p = alloc(PAGE, RW);

	add(0, see_and_leave);
	for (size_t i = 0; i < ARRAY_LEN(prots); i++) {
		protect(p, PAGE, prots[i]);
		store(p + i);
		EXPECT_AV(EXCEPTION_WRITE_FAULT, p + i);
		/* Also of a page that has been read. */
		load(p);
		store(p + i);
		EXPECT_AV(EXCEPTION_WRITE_FAULT, p + i);
	}
	release(p);
}

CHILD_TEST(G15_execute_of_data)
{
	char *p = alloc(PAGE, RW);

	add(0, see_and_leave);
	put_return(p);
	execute(p);
	EXPECT_AV(EXCEPTION_EXECUTE_FAULT, p);
	protect(p, PAGE, XR);
	execute(p);
	EXPECT_NONE();
	release(p);
}

/* As G16, with a file that was cut short. */
CHILD_TEST(a_page_that_the_file_does_not_have)
{
	int fd = memfd_create("file", 0);
	char *map;

	add(0, see_and_leave);
	EXPECT(!ftruncate(fd, PAGE));
	map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	EXPECT(map != MAP_FAILED);
	store(map);
	EXPECT_NONE();
	store(map + PAGE + 1);
	EXPECT_EQ(1, seen.nr);
	EXPECT_EQ(STATUS_IN_PAGE_ERROR, seen.record.ExceptionCode);
	EXPECT_EQ(3, seen.record.NumberParameters);
	EXPECT_EQ(EXCEPTION_WRITE_FAULT, seen.record.ExceptionInformation[0]);
	EXPECT_EQ(map + PAGE + 1, seen.record.ExceptionInformation[1]);
	EXPECT_EQ(STATUS_END_OF_FILE, seen.record.ExceptionInformation[2]);
	munmap(map, 2 * PAGE);
	close(fd);
}
