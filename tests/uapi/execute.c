// SPDX-License-Identifier: GPL-2.0-only
/*
 * Execute permission and the protocol around mprotect(2), see "Execute" in the header.
 */
#include "common.h"

#define RW	(PROT_READ | PROT_WRITE)
#define RWX	(PROT_READ | PROT_WRITE | PROT_EXEC)

static int mprotect_at(unsigned long addr, unsigned long length, int prot)
{
	return mprotect((void *)addr, length, prot);
}

/* A page with a function in it, READWRITE. */
static unsigned long code_page(void)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	for (unsigned long addr = base; addr < base + GRAN; addr += PAGE)
		put_return(addr);
	return base;
}

TEST(G15_a_READWRITE_page_does_not_execute)
{
	unsigned long base = code_page();

	EXPECT(!try_exec(base));
	EXPECT_EQ(SIGSEGV, last_fault.signo);
	EXPECT_EQ(base, last_fault.addr);
}

TEST(reserve_with_COMMIT_and_EXECUTE_asks_for_mprotect)
{
	struct winmem_reserve args = reserve_args(find_hole(GRAN), GRAN, EXECUTE_RW,
						  WINMEM_RESERVE_COMMIT);

	EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &args));
	EXPECT_EQ(WINMEM_OUT_EXEC, args.out_flags);
	EXPECT_COMMITTED(args.out_addr, GRAN, EXECUTE_RW);
	put_return(args.out_addr);
	EXPECT(!try_exec(args.out_addr));
	EXPECT_OK(mprotect_at(args.out_addr, GRAN, RWX));
	EXPECT(try_exec(args.out_addr));
	release(args.out_addr);
}

TEST(reserve_with_EXECUTE_and_no_COMMIT_asks_for_nothing)
{
	struct winmem_reserve args = reserve_args(0, GRAN, EXECUTE_READ, 0);

	EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &args));
	EXPECT_EQ(0, args.out_flags);
	EXPECT_EQ(-1ULL, (long)mprotect_at(args.out_addr, GRAN, RWX));
	release(args.out_addr);
}

TEST(commit_with_EXECUTE_is_ENOEXEC_until_mprotect)
{
	unsigned long base = reserve(GRAN);
	struct winmem_commit args = commit_args(base, 2 * PAGE, EXECUTE_RW);

	watch(base, GRAN);
	REFUSED(ENOEXEC, WINMEM_IOC_COMMIT, &args);
	REFUSED(ENOEXEC, WINMEM_IOC_COMMIT, &args);
	EXPECT_OK(mprotect_at(base, 2 * PAGE, RWX));
	EXPECT_OK(ioctl(dev, WINMEM_IOC_COMMIT, &args));
	EXPECT_COMMITTED(base, 2 * PAGE, EXECUTE_RW);
	put_return(base + PAGE);
	EXPECT(try_exec(base + PAGE));
	EXPECT(!try_read(base + 2 * PAGE));
}

TEST(protect_to_EXECUTE_READ_and_back)
{
	unsigned long base = code_page();
	struct winmem_protect args = protect_args(base, PAGE, EXECUTE_READ);

	watch(base, GRAN);
	REFUSED(ENOEXEC, WINMEM_IOC_PROTECT, &args);
	EXPECT(!try_exec(base));
	EXPECT_OK(mprotect_at(base, PAGE, RWX));
	EXPECT_OK(ioctl(dev, WINMEM_IOC_PROTECT, &args));
	EXPECT_EQ(READWRITE, args.out_prot);
	EXPECT(try_exec(base));
	EXPECT(!try_write(base, 0));
	EXPECT(!try_exec(base + PAGE));

	args = protect_args(base, PAGE, READWRITE);
	REFUSED(ENOEXEC, WINMEM_IOC_PROTECT, &args);
	EXPECT(try_exec(base));
	EXPECT_OK(mprotect_at(base, PAGE, RW));
	EXPECT_OK(ioctl(dev, WINMEM_IOC_PROTECT, &args));
	EXPECT_EQ(EXECUTE_READ, args.out_prot);
	EXPECT(!try_exec(base));
	EXPECT(try_write(base, 0));
}

TEST(G14_P17_execute_pages_can_be_read_and_not_written)
{
	const unsigned int prots[] = { EXECUTE, EXECUTE_READ };

	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		unsigned long base = code_page();

		protect(base, PAGE, prots[i]);
		EXPECT(try_exec(base));
		EXPECT(try_read(base));
		EXPECT(!try_write(base, 1));
		EXPECT(try_exec(base));
	}
}

/* Between protections that all have execute nothing has to be asked. */
TEST(between_execute_protections_no_mprotect_is_needed)
{
	unsigned long base = code_page();

	protect(base, GRAN, EXECUTE_READ);
	EXPECT_OK(raw_protect(base, GRAN, EXECUTE_RW));
	EXPECT(try_write(base + 64, 1));
	EXPECT_OK(raw_protect(base, GRAN, EXECUTE));
	EXPECT(!try_write(base + 64, 1));
	EXPECT(try_exec(base));
}

TEST(one_page_does_not_execute_for_its_neighbour)
{
	unsigned long base = code_page();

	for (unsigned long i = 0; i < 16; i += 2)
		protect(base + i * PAGE, PAGE, EXECUTE_READ);
	for (unsigned long i = 0; i < 16; i++) {
		EXPECT_EQ(i % 2 == 0, try_exec(base + i * PAGE));
		EXPECT_COMMITTED(base + i * PAGE, PAGE, i % 2 ? READWRITE : EXECUTE_READ);
	}
}

TEST(mappings_merge_when_execute_has_gone)
{
	unsigned int before;
	unsigned long base = code_page();

	EXPECT(try_read(base));
	before = vma_count();
	for (int i = 0; i < 50; i++) {
		protect(base + 4 * PAGE, PAGE, EXECUTE_READ);
		EXPECT(try_exec(base + 4 * PAGE));
		EXPECT(vma_count() <= before + 2);
		protect(base + 4 * PAGE, PAGE, READWRITE);
		EXPECT_EQ(before, vma_count());
	}
}

TEST(mappings_merge_after_decommit_and_release)
{
	unsigned long base = code_page();
	unsigned int before = vma_count();
	struct winmem_decommit decommit_it = decommit_args(base + PAGE, PAGE);
	struct winmem_release release_it = release_args(base);

	protect(base + PAGE, PAGE, EXECUTE_READ);
	EXPECT_OK(ioctl(dev, WINMEM_IOC_DECOMMIT, &decommit_it));
	EXPECT_EQ(WINMEM_OUT_EXEC, decommit_it.out_flags);
	EXPECT_OK(mprotect_at(base + PAGE, PAGE, RW));
	EXPECT_EQ(before, vma_count());

	protect(base + 4 * PAGE, 2 * PAGE, EXECUTE);
	EXPECT_OK(ioctl(dev, WINMEM_IOC_RELEASE, &release_it));
	EXPECT_EQ(WINMEM_OUT_EXEC, release_it.out_flags);
	EXPECT_OK(mprotect_at(base, GRAN, RW));
	EXPECT(vma_count() <= before);
}

/* "Nothing needs it": the next owner of the page must not find it executable. */
TEST(decommit_without_the_courtesy)
{
	unsigned long base = code_page();
	struct winmem_decommit args = decommit_args(base, PAGE);

	protect(base, PAGE, EXECUTE_READ);
	EXPECT_OK(ioctl(dev, WINMEM_IOC_DECOMMIT, &args));
	EXPECT(!try_exec(base));
	commit(base, PAGE, READWRITE);
	EXPECT(zeroed(base, PAGE));
	put_return(base);
	EXPECT(!try_exec(base));
}

TEST(release_without_the_courtesy)
{
	unsigned long hole = find_hole(GRAN);

	reserve_fixed(hole, GRAN);
	commit(hole, GRAN, READWRITE);
	put_return(hole);
	protect(hole, GRAN, EXECUTE_READ);
	EXPECT(try_exec(hole));
	EXPECT_OK(raw_release(hole));
	EXPECT(!try_exec(hole));

	reserve_fixed(hole, GRAN);
	commit(hole, GRAN, READWRITE);
	put_return(hole);
	EXPECT(!try_exec(hole));
}

TEST(release_without_the_courtesy_then_reserve_with_COMMIT)
{
	unsigned long hole = find_hole(GRAN);
	struct winmem_reserve args = reserve_args(hole, GRAN, READWRITE, WINMEM_RESERVE_COMMIT);

	reserve_fixed(hole, GRAN);
	commit(hole, GRAN, EXECUTE_RW);
	EXPECT_OK(raw_release(hole));
	/* The kernel may ask for mprotect here too; then that is what makes it so. */
	EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &args));
	if (args.out_flags & WINMEM_OUT_EXEC)
		EXPECT_OK(mprotect_at(hole, GRAN, RW));
	put_return(hole);
	EXPECT(!try_exec(hole));
	EXPECT_COMMITTED(hole, GRAN, READWRITE);
	EXPECT_OK(raw_release(hole));
}

/* What nobody asked for. */
TEST(sec08_mprotect_that_was_not_asked_for_is_refused)
{
	const int prots[] = { PROT_NONE, PROT_READ, PROT_EXEC, PROT_READ | PROT_EXEC, RWX };
	unsigned long base = code_page();

	commit(base, PAGE, READONLY);
	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		EXPECT_EQ(-1ULL, (long)mprotect_at(base, PAGE, prots[i]));
		EXPECT_EQ(-1ULL, (long)mprotect_at(base + PAGE, PAGE, prots[i]));
		EXPECT_EQ(-1ULL, (long)mprotect_at(base, GRAN, prots[i]));
		EXPECT(!try_exec(base));
		EXPECT(!try_exec(base + PAGE));
		EXPECT(!try_write(base, 1));
		EXPECT(try_read(base));
		EXPECT(try_write(base + PAGE + 64, 1));
	}
}

TEST(sec08_asking_for_one_page_does_not_open_the_next)
{
	unsigned long base = code_page();

	EXPECT_ERRNO(ENOEXEC, raw_protect(base, PAGE, EXECUTE_READ));
	EXPECT_EQ(-1ULL, (long)mprotect_at(base, 2 * PAGE, RWX));
	EXPECT_EQ(-1ULL, (long)mprotect_at(base + PAGE, PAGE, RWX));
	EXPECT(!try_exec(base + PAGE));
	/* Nor does it open what only an execute mapping could, the other way round. */
	EXPECT_EQ(-1ULL, (long)mprotect_at(base, PAGE, PROT_NONE));
	EXPECT_EQ(-1ULL, (long)mprotect_at(base, PAGE, PROT_READ | PROT_EXEC));
	EXPECT(try_write(base + 64, 1));
	EXPECT_OK(mprotect_at(base, PAGE, RWX));
	EXPECT_OK(raw_protect(base, PAGE, EXECUTE_READ));
	EXPECT(try_exec(base));
}

TEST(sec08_taking_execute_from_pages_that_have_it_is_refused)
{
	unsigned long base = code_page();

	protect(base, 2 * PAGE, EXECUTE_READ);
	EXPECT_EQ(-1ULL, (long)mprotect_at(base, PAGE, RW));
	EXPECT_EQ(-1ULL, (long)mprotect_at(base, GRAN, RW));
	EXPECT(try_exec(base));
	EXPECT(try_exec(base + PAGE));
}

TEST(mprotect_is_EAGAIN_when_the_opposite_was_asked_for_since)
{
	unsigned long base = code_page();

	/* Execute is asked for, and then given up. */
	EXPECT_ERRNO(ENOEXEC, raw_protect(base, PAGE, EXECUTE_READ));
	EXPECT_OK(raw_protect(base, PAGE, READONLY));
	EXPECT_ERRNO(EAGAIN, mprotect_at(base, PAGE, RWX));
	EXPECT(!try_exec(base));
	protect(base, PAGE, EXECUTE_READ);
	EXPECT(try_exec(base));

	/* Taking it away is asked for, and then wanted after all. */
	EXPECT_ERRNO(ENOEXEC, raw_protect(base, PAGE, READWRITE));
	EXPECT_OK(raw_protect(base, PAGE, EXECUTE));
	EXPECT_ERRNO(EAGAIN, mprotect_at(base, PAGE, RW));
	EXPECT(try_exec(base));
	protect(base, PAGE, READWRITE);
	EXPECT(!try_exec(base));
}

TEST(a_range_of_which_a_part_executes)
{
	unsigned long base = code_page();

	/* XX..XX.. and then all of it, and none of it. */
	protect(base, 2 * PAGE, EXECUTE_READ);
	protect(base + 4 * PAGE, 2 * PAGE, EXECUTE_RW);
	protect(base, 8 * PAGE, EXECUTE_READ);
	for (unsigned long i = 0; i < 8; i++)
		EXPECT(try_exec(base + i * PAGE));
	EXPECT(!try_exec(base + 8 * PAGE));
	protect(base + PAGE, 6 * PAGE, READONLY);
	for (unsigned long i = 0; i < 9; i++)
		EXPECT_EQ(i == 0 || i == 7, try_exec(base + i * PAGE));
	EXPECT_COMMITTED(base + PAGE, 6 * PAGE, READONLY);
}

TEST(commit_over_pages_that_execute)
{
	unsigned long base = code_page();

	protect(base + PAGE, PAGE, EXECUTE_RW);
	commit(base, 4 * PAGE, READWRITE);
	EXPECT_COMMITTED(base, GRAN, READWRITE);
	EXPECT(!try_exec(base + PAGE));
	commit(base, GRAN, EXECUTE);
	EXPECT(try_exec(base + 15 * PAGE));
	EXPECT_EQ(GRAN, charge());
}

TEST(errors_come_before_ENOEXEC)
{
	unsigned long base = reserve(GRAN);
	struct winmem_protect protect_it = protect_args(base, PAGE, EXECUTE);
	struct winmem_commit commit_it = commit_args(base, 2 * GRAN, EXECUTE);

	watch(base, GRAN);
	REFUSED(ENXIO, WINMEM_IOC_PROTECT, &protect_it);
	REFUSED(ENOENT, WINMEM_IOC_COMMIT, &commit_it);
}
