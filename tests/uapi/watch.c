// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write watch: which pages WATCH tells of after which writes, by the program, by system
 * calls and by debuggers, and what a reset leaves. By rows of section 7.
 */
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <sys/uio.h>

#define PAGES	16UL
#define LENGTH	(PAGES * PAGE)

static unsigned long base;
static __u64 written[PAGES];

static void make(unsigned int prot)
{
	base = reserve_at(HERE, 0, LENGTH, prot, WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_WATCH);
}

static unsigned long watch_at(const char *at, unsigned long addr, unsigned long length,
			      unsigned int flags, __u64 *addrs, unsigned long count)
{
	struct winmem_watch args = watch_args(addr, length, flags, addrs, count);

	if (ioctl(dev, WINMEM_IOC_WATCH, &args))
		check_failed(at, "WATCH: %s", strerror(errno));
	return args.out_count;
}

/* Bit n: page n was written. */
static unsigned int pages_written(const char *at, unsigned int flags)
{
	unsigned long count = watch_at(at, base, LENGTH, flags, written, PAGES);
	unsigned int pages = 0;

	for (unsigned long i = 0; i < count; i++) {
		if (written[i] < base || written[i] >= base + LENGTH || written[i] % PAGE)
			check_failed(at, "%#llx is no page of it", written[i]);
		if (i && written[i] <= written[i - 1])
			check_failed(at, "not in order");
		pages |= 1U << ((written[i] - base) / PAGE);
	}
	return pages;
}

#define WRITTEN()	pages_written(HERE, 0)
#define TAKE()		pages_written(HERE, WINMEM_WATCH_RESET)

static void store(unsigned long page)
{
	*(volatile unsigned char *)(base + page * PAGE + 5) += 1;
}

static unsigned char load(unsigned long page)
{
	return *(volatile unsigned char *)(base + page * PAGE + 5);
}

TEST(W01_fresh_pages_are_not_written)
{
	make(READWRITE);
	EXPECT_EQ(0, WRITTEN());
}

TEST(W02_reading_is_not_writing)
{
	make(READWRITE);
	for (unsigned long i = 0; i < PAGES; i++)
		load(i);
	EXPECT_EQ(0, WRITTEN());
	/* Nor after a reset, from pages that are mapped. */
	store(3);
	EXPECT_EQ(1 << 3, TAKE());
	for (unsigned long i = 0; i < PAGES; i++)
		load(i);
	EXPECT_EQ(0, WRITTEN());
}

TEST(W03_written_pages_in_order)
{
	make(READWRITE);
	store(9);
	store(2);
	EXPECT_EQ(1 << 2 | 1 << 9, WRITTEN());
	/* One after the other, where unwatched pages would be mapped in batches. */
	for (unsigned long i = 4; i < 9; i++)
		store(i);
	EXPECT_EQ(0x3f4, WRITTEN());
}

TEST(W04_asking_does_not_reset)
{
	make(READWRITE);
	store(1);
	EXPECT_EQ(2, WRITTEN());
	EXPECT_EQ(2, WRITTEN());
}

TEST(W05_reset_takes_what_was_told_and_no_more)
{
	make(READWRITE);
	store(1);
	store(4);
	EXPECT_EQ(1, watch_at(HERE, base, LENGTH, WINMEM_WATCH_RESET, written, 1));
	EXPECT_EQ(base + PAGE, written[0]);
	EXPECT_EQ(1 << 4, WRITTEN());
	store(1);
	EXPECT_EQ(1 << 1 | 1 << 4, TAKE());
	EXPECT_EQ(0, TAKE());
	EXPECT_EQ(2, load(1));
	EXPECT_EQ(1, load(4));
}

TEST(W05_each_write_after_a_reset_is_told_of_once)
{
	make(READWRITE);
	for (int round = 0; round < 100; round++) {
		store(round % PAGES);
		store(round % PAGES);
		EXPECT_EQ(1 << round % PAGES, TAKE());
	}
	EXPECT_EQ(0, TAKE());
}

TEST(W10_protections_and_back_keep_it)
{
	make(READWRITE);
	store(1);
	protect(base, LENGTH, READONLY);
	EXPECT_EQ(2, WRITTEN());
	protect(base, LENGTH, NOACCESS);
	EXPECT_EQ(2, WRITTEN());
	protect(base, LENGTH, READWRITE);
	EXPECT_EQ(2, TAKE());
	load(1);
	EXPECT_EQ(0, WRITTEN());
	store(1);
	EXPECT_EQ(2, WRITTEN());
}

TEST(W10_a_refused_write_is_none)
{
	make(READONLY);
	EXPECT(!try_write(base, 1));
	EXPECT_EQ(0, WRITTEN());
}

TEST(W12_decommit_forgets)
{
	make(READWRITE);
	store(1);
	store(2);
	decommit(base + PAGE, PAGE);
	EXPECT_EQ(4, WRITTEN());
	commit(base + PAGE, PAGE, READWRITE);
	EXPECT_EQ(4, WRITTEN());
	store(1);
	EXPECT_EQ(6, WRITTEN());
}

TEST(W13_what_protect_has_seen_outlives_decommit)
{
	make(READWRITE);
	store(1);
	protect(base, 4 * PAGE, READONLY);
	protect(base, 4 * PAGE, READWRITE);
	/* After it, so not seen. */
	store(2);
	decommit(base, LENGTH);
	EXPECT_EQ(2, WRITTEN());
	commit(base, LENGTH, READWRITE);
	EXPECT_EQ(2, WRITTEN());
	EXPECT_EQ(2, TAKE());
	EXPECT_EQ(0, WRITTEN());
}

TEST(W14_reserved_pages_are_not_written)
{
	base = reserve_at(HERE, 0, LENGTH, READWRITE, WINMEM_RESERVE_WATCH);
	EXPECT_EQ(0, WRITTEN());
	EXPECT_EQ(0, watch_at(HERE, base, LENGTH, WINMEM_WATCH_RESET, NULL, 0));
	commit(base + PAGE, PAGE, READWRITE);
	store(1);
	EXPECT_EQ(2, WRITTEN());
}

TEST(W15_the_kernels_writes_are_writes)
{
	int fds[2], file;

	make(READWRITE);
	EXPECT_OK(pipe(fds));
	EXPECT_EQ(100, write(fds[1], fds, 8) + 92);
	EXPECT_EQ(8, read(fds[0], (void *)(base + 2 * PAGE - 4), 8));
	EXPECT_EQ(6, TAKE());
	file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	EXPECT_OK(file);
	EXPECT_EQ(3 * PAGE, read(file, (void *)(base + 4 * PAGE), 3 * PAGE));
	EXPECT_EQ(0x70, TAKE());
	/* Out of it is reading. */
	EXPECT_EQ(100, write(fds[1], (void *)base, 100));
	EXPECT_EQ(0, WRITTEN());
	close(file);
	close(fds[0]);
	close(fds[1]);
}

TEST(W17_other_ways_to_write_are_writes)
{
	struct iovec from = { written, 8 }, to = { (void *)(base), 8 };
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	make(READWRITE);
	to.iov_base = (void *)(base + 3 * PAGE);
	EXPECT_EQ(8, process_vm_writev(getpid(), &from, 1, &to, 1, 0));
	EXPECT_EQ(1 << 3, TAKE());
	EXPECT_EQ(8, process_vm_readv(getpid(), &from, 1, &to, 1, 0));
	EXPECT_EQ(0, WRITTEN());
	EXPECT_OK(mem);
	EXPECT_EQ(8, pwrite(mem, written, 8, base + 5 * PAGE));
	EXPECT_EQ(1 << 5, TAKE());
	/* Past the protection, as a debugger does. */
	protect(base, LENGTH, READONLY);
	EXPECT_EQ(8, pwrite(mem, written, 8, base + 6 * PAGE));
	EXPECT_EQ(1 << 6, TAKE());
	close(mem);
}

TEST(W18_what_is_not_watched_is_refused)
{
	unsigned long other = reserve_commit(LENGTH, READWRITE);
	struct winmem_watch args;

	make(READWRITE);
	store(1);
	args = watch_args(other, LENGTH, 0, written, PAGES);
	REFUSED(EADDRNOTAVAIL, WINMEM_IOC_WATCH, &args);
	args = watch_args(base + LENGTH, PAGE, 0, written, PAGES);
	REFUSED(EADDRNOTAVAIL, WINMEM_IOC_WATCH, &args);
	args = watch_args((unsigned long)written & -PAGE, PAGE, 0, written, PAGES);
	REFUSED(EADDRNOTAVAIL, WINMEM_IOC_WATCH, &args);
	/* W19: one page too many. */
	args = watch_args(base, LENGTH + PAGE, WINMEM_WATCH_RESET, written, PAGES);
	REFUSED(EADDRNOTAVAIL, WINMEM_IOC_WATCH, &args);
	args = watch_args(base, LENGTH, 0, written, 0);
	REFUSED(EINVAL, WINMEM_IOC_WATCH, &args);
	EXPECT_EQ(2, WRITTEN());
}

TEST(W22_addresses_that_cannot_be_stored_change_nothing)
{
	struct winmem_watch args;

	make(READWRITE);
	store(1);
	store(8);
	args = watch_args(base, LENGTH, WINMEM_WATCH_RESET, NULL, PAGES);
	REFUSED(EFAULT, WINMEM_IOC_WATCH, &args);
	EXPECT_EQ(1 << 1 | 1 << 8, WRITTEN());
	/* The first fits, the second does not. */
	args.addrs = reserve(GRAN);
	commit(args.addrs, PAGE, READWRITE);
	args.addrs += PAGE - 8;
	REFUSED(EFAULT, WINMEM_IOC_WATCH, &args);
	EXPECT_EQ(1 << 1 | 1 << 8, WRITTEN());
}

/* Nor do they make PROTECT forget what it has seen. */
TEST(W22_W13_what_protect_has_seen_outlives_a_refused_reset)
{
	struct winmem_watch args;

	make(READWRITE);
	store(1);
	store(8);
	protect(base, 2 * PAGE, READONLY);
	protect(base, 2 * PAGE, READWRITE);
	args = watch_args(base, LENGTH, WINMEM_WATCH_RESET, NULL, PAGES);
	REFUSED(EFAULT, WINMEM_IOC_WATCH, &args);
	EXPECT_EQ(1 << 1 | 1 << 8, WRITTEN());
	decommit(base, LENGTH);
	EXPECT_EQ(1 << 1, WRITTEN());
	EXPECT_EQ(1 << 1, TAKE());
	EXPECT_EQ(0, WRITTEN());
}

TEST(W23_reset_without_a_list)
{
	make(READWRITE);
	for (unsigned long i = 0; i < PAGES; i++)
		store(i);
	EXPECT_EQ(0, watch_at(HERE, base + PAGE, 3 * PAGE, WINMEM_WATCH_RESET, NULL, 0));
	EXPECT_EQ(0xfff1, WRITTEN());
	store(2);
	EXPECT_EQ(0xfff5, WRITTEN());
}

TEST(W25_nothing_of_it_shows)
{
	make(READWRITE);
	store(1);
	EXPECT_COMMITTED(base, LENGTH, READWRITE);
	EXPECT_EQ(READWRITE, query(base).out_alloc_prot);
}

/* A reservation that follows another knows nothing of its writes. */
TEST(W01_a_new_reservation_begins_anew)
{
	make(READWRITE);
	store(1);
	protect(base, LENGTH, READONLY);
	release(base);
	EXPECT_EQ(base, reserve_at(HERE, base, LENGTH, READWRITE,
				   WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_WATCH));
	EXPECT_EQ(0, WRITTEN());
}

/* One that is not watched shares its block of states with one that is. */
TEST(W01_writes_of_an_unwatched_neighbour_do_not_show)
{
	unsigned long both = reserve(2 * GRAN), other = both + GRAN;

	release(both);
	base = reserve_at(HERE, both, LENGTH, READWRITE,
			  WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_WATCH);
	EXPECT_EQ(other, reserve_at(HERE, other, GRAN, READWRITE, WINMEM_RESERVE_COMMIT));
	fill(other, GRAN, 1);
	EXPECT_EQ(0, WRITTEN());
	release(base);
	release(other);
	base = reserve_at(HERE, other, LENGTH, READWRITE,
			  WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_WATCH);
	EXPECT_EQ(0, WRITTEN());
}

TEST(G10_the_guard_comes_first)
{
	make(READWRITE);
	protect(base + PAGE, PAGE, READWRITE | GUARD);
	EXPECT(!try_read(base + PAGE));
	EXPECT_EQ(0, WRITTEN());
	EXPECT(try_write(base + PAGE, 1));
	EXPECT_EQ(2, WRITTEN());
}

/* mprotect takes a dirty PTE for one that may be written. */
TEST(W05_mprotect_after_a_reset_hides_no_write)
{
	make(READWRITE);
	for (unsigned long i = 0; i < PAGES; i++)
		store(i);
	EXPECT_EQ(0xffff, TAKE());
	protect(base, LENGTH, EXECUTE_RW);
	protect(base, LENGTH, READWRITE);
	TAKE();
	store(3);
	EXPECT_EQ(1 << 3, TAKE());
	protect(base, LENGTH, EXECUTE_RW);
	store(4);
	EXPECT_EQ(1 << 4, TAKE());
}

TEST(W05_many_pages_and_blocks)
{
	unsigned long length = 8192 * PAGE, count;
	__u64 *addrs = malloc(8192 * sizeof(*addrs));

	base = reserve_at(HERE, 0, length, READWRITE,
			  WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_WATCH);
	for (int round = 0; round < 3; round++) {
		for (unsigned long i = round; i < 8192; i += 3)
			store(i);
		count = watch_at(HERE, base, length, WINMEM_WATCH_RESET, addrs, 8192);
		EXPECT_EQ((8192 - round + 2) / 3, count);
		for (unsigned long i = 0; i < count; i++)
			EXPECT_EQ(base + (round + 3 * i) * PAGE, addrs[i]);
	}
	EXPECT_EQ(0, watch_at(HERE, base, length, 0, addrs, 8192));
	for (unsigned long i = 0; i < 8192; i++)
		EXPECT_EQ(1, load(i));
	free(addrs);
}

/* GUARD: the signal of a guard page, told from others. */

static unsigned int hit(unsigned long addr)
{
	struct winmem_guard args = guard_args(addr);

	EXPECT_OK(ioctl(dev, WINMEM_IOC_GUARD, &args));
	return args.out_hit;
}

TEST(G01_a_guards_signal_is_told_once)
{
	make(READWRITE);
	protect(base + PAGE, 2 * PAGE, READWRITE | GUARD);
	/* Of an earlier test, which did not ask. */
	hit(base);
	EXPECT_EQ(0, hit(base + PAGE));
	EXPECT(!try_write(base + PAGE + 77, 1));
	EXPECT_EQ(1, hit(base + PAGE + 77));
	EXPECT_EQ(0, hit(base + PAGE + 77));
	/* Asked of the wrong page, it is forgotten all the same. */
	EXPECT(!try_read(base + 2 * PAGE));
	EXPECT_EQ(0, hit(base + PAGE));
	EXPECT_EQ(0, hit(base + 2 * PAGE));
}

TEST(G13_other_refusals_are_no_guards)
{
	make(READWRITE);
	protect(base + PAGE, PAGE, READWRITE | GUARD);
	protect(base, PAGE, READONLY);
	EXPECT(try_read(base));
	EXPECT(!try_read(base + PAGE));
	/* From page_mkwrite. */
	EXPECT(!try_write(base, 1));
	EXPECT_EQ(0, hit(base + PAGE));
	protect(base + PAGE, PAGE, READWRITE | GUARD);
	EXPECT(!try_read(base + PAGE));
	decommit(base, PAGE);
	EXPECT(!try_read(base));
	EXPECT_EQ(0, hit(base + PAGE));
}

TEST(G11_a_system_calls_hit_is_not_told)
{
	int fds[2];

	make(READWRITE | GUARD);
	EXPECT_OK(pipe(fds));
	EXPECT_ERRNO(EFAULT, write(fds[1], (void *)base, 8));
	EXPECT_EQ(0, hit(base));
	EXPECT(try_read(base));
	close(fds[0]);
	close(fds[1]);
}
