// SPDX-License-Identifier: GPL-2.0-only
/*
 * mprotect(2) on winmem's mappings: only what the ioctls asked for, see execute.c; here
 * are all the other ways to say it, and that none of them opens a page.
 */
#define _GNU_SOURCE
#include "common.h"

#include <sys/personality.h>
#include <sys/syscall.h>

#define RW	(PROT_READ | PROT_WRITE)
#define NR	8UL

static const unsigned int prots[NR] = { NOACCESS, READONLY, READWRITE, EXECUTE_READ, EXECUTE,
					EXECUTE_RW, 0, READWRITE };

static unsigned long base;

/* One page of each; the last but one is reserved only. All are filled where they can be. */
static void make(void)
{
	base = reserve_commit(GRAN, READWRITE);
	fill(base, NR * PAGE, 1);
	for (unsigned long i = 0; i < NR; i++)
		put_return(base + i * PAGE);
	for (unsigned long i = 0; i < NR; i++) {
		if (prots[i])
			protect(base + i * PAGE, PAGE, prots[i]);
		else
			decommit(base + i * PAGE, PAGE);
	}
}

static bool can_read(unsigned int prot)
{
	return prot && prot != NOACCESS;
}

/* Nobody can do more than the states allow. (Less, on one's own mapping, harms nobody.) */
static void check_closed(const char *at)
{
	for (unsigned long i = 0; i < NR; i++) {
		unsigned long addr = base + i * PAGE;

		if (try_read(addr) && !can_read(prots[i]))
			check_failed(at, "page %lu can be read", i);
		if (try_write(addr + 64, 1) && prots[i] != READWRITE && prots[i] != EXECUTE_RW)
			check_failed(at, "page %lu can be written", i);
		if (try_exec(addr) && !(prots[i] & ANY_EXECUTE))
			check_failed(at, "page %lu executes", i);
	}
}

/* And what the states allow can be done. */
static void check_open(const char *at)
{
	for (unsigned long i = 0; i < NR; i++) {
		unsigned long addr = base + i * PAGE;

		if (!try_read(addr) && can_read(prots[i]))
			check_failed(at, "page %lu cannot be read", i);
		if (!try_write(addr + 64, 1) && (prots[i] == READWRITE || prots[i] == EXECUTE_RW))
			check_failed(at, "page %lu cannot be written", i);
		if (!try_exec(addr) && (prots[i] & ANY_EXECUTE))
			check_failed(at, "page %lu does not execute", i);
	}
}

TEST(the_pages_are_what_they_should_be)
{
	make();
	check_closed(HERE);
	check_open(HERE);
}

TEST(sec08_every_protection_on_every_range)
{
	make();
	for (int prot = 0; prot <= (RW | PROT_EXEC); prot++) {
		for (unsigned long first = 0; first < NR; first++) {
			for (unsigned long last = first; last < NR; last++) {
				int ret = mprotect((void *)(base + first * PAGE),
						   (last + 1 - first) * PAGE, prot);

				/* What lacks read or write is never what was asked for. */
				if ((prot & RW) != RW)
					EXPECT_EQ(-1ULL, (long)ret);
			}
		}
		check_closed(HERE);
	}
	check_open(HERE);
	for (unsigned long i = 0; i < NR; i++)
		EXPECT_EQ(prots[i], query(base + i * PAGE).out_prot);
}

TEST(sec08_one_page_at_a_time_never_opens_more_than_its_state)
{
	make();
	for (unsigned long i = 0; i < NR; i++) {
		unsigned long addr = base + i * PAGE;

		for (int prot = 0; prot <= (RW | PROT_EXEC); prot++)
			mprotect((void *)addr, PAGE, prot);
		check_closed(HERE);
	}
	check_open(HERE);
}

/* Dirty pages that became READONLY: mprotect must not find them good enough to write. */
TEST(sec08_a_dirty_page_stays_READONLY_through_mprotect)
{
	const unsigned int closed[] = { READONLY, EXECUTE_READ, EXECUTE, NOACCESS };

	for (unsigned int i = 0; i < ARRAY_LEN(closed); i++) {
		for (unsigned int j = 0; j < ARRAY_LEN(closed); j++) {
			base = reserve_commit(GRAN, READWRITE);
			fill(base, 4 * PAGE, 1);
			protect(base, 4 * PAGE, closed[i]);
			protect(base, 4 * PAGE, closed[j]);
			EXPECT(!try_write(base + PAGE, 1));
			/* And without a second ioctl, when only mprotect was asked for. */
			raw_protect(base, 4 * PAGE, closed[i]);
			mprotect((void *)base, 4 * PAGE, RW | PROT_EXEC);
			mprotect((void *)base, 4 * PAGE, RW);
			EXPECT(!try_write(base + 2 * PAGE, 1));
			release(base);
		}
	}
}

TEST(sec08_a_dirty_page_stays_READONLY_when_another_page_gets_execute)
{
	base = reserve_commit(GRAN, READWRITE);
	fill(base, GRAN, 1);
	EXPECT_ERRNO(ENOEXEC, raw_protect(base, GRAN, EXECUTE_READ));
	protect(base + PAGE, PAGE, READONLY);
	mprotect((void *)base, GRAN, RW | PROT_EXEC);
	EXPECT(!try_write(base + PAGE, 1));
	protect(base, GRAN, EXECUTE_READ);
	for (unsigned long addr = base; addr < base + GRAN; addr += PAGE)
		EXPECT(!try_write(addr, 1));
}

TEST(mprotect_of_the_mapping_as_it_is_changes_nothing)
{
	unsigned int before;

	base = reserve_commit(GRAN, READWRITE);
	protect(base, PAGE, READONLY);
	fill(base + PAGE, PAGE, 1);
	before = vma_count();
	mprotect((void *)base, GRAN, RW);
	mprotect((void *)(base + PAGE), PAGE, RW);
	EXPECT_EQ(before, vma_count());
	EXPECT(!try_write(base, 1));
	EXPECT(filled(base + PAGE, PAGE, 1));
}

TEST(sec08_from_a_foreign_mapping_across_the_border)
{
	unsigned long hole = find_hole(GRAN);

	reserve_fixed(hole + GRAN, GRAN);
	commit(hole + GRAN, GRAN, READONLY);
	map_foreign(hole, GRAN, PROT_READ);
	EXPECT_EQ(-1ULL, (long)mprotect((void *)hole, 2 * GRAN, RW | PROT_EXEC));
	EXPECT(!try_write(hole + GRAN, 1));
	EXPECT(!try_exec(hole + GRAN));
	EXPECT_OK(munmap((void *)hole, GRAN));
}

/*
 * With that personality the kernel turns every PROT_READ into execute too: in mprotect,
 * and in the mmap that makes a window. A child keeps it from the other tests.
 */
static void read_implies_exec(void *arg)
{
	unsigned long old = (unsigned long)arg, new;

	EXPECT_OK(personality(READ_IMPLIES_EXEC));
	mprotect((void *)old, PAGE, RW);
	dev = OPEN_DEVICE();
	new = reserve_commit(GRAN, READWRITE);
	put_return(new);
	EXPECT(!try_exec(new));
	mprotect((void *)new, PAGE, RW);
	EXPECT(!try_exec(new));
	/* Giving execute works; taking it is what this personality makes impossible. */
	protect(new, PAGE, EXECUTE_READ);
	EXPECT(try_exec(new));
	EXPECT(!try_exec(new + PAGE));
}

TEST(sec08_G15_READ_IMPLIES_EXEC_gives_no_execute)
{
	base = reserve_commit(GRAN, READWRITE);
	IN_CHILD(read_implies_exec, (void *)base);
}

TEST(sec08_pkey_mprotect_opens_nothing)
{
	long key = syscall(SYS_pkey_alloc, 0, 0);

	if (key == -1)
		skip_because("no protection keys here");
	make();
	for (unsigned long i = 0; i < NR; i++) {
		for (int prot = 0; prot <= (RW | PROT_EXEC); prot++)
			syscall(SYS_pkey_mprotect, base + i * PAGE, PAGE, prot, key);
		check_closed(HERE);
	}
	syscall(SYS_pkey_free, key);
}
