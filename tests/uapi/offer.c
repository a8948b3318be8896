// SPDX-License-Identifier: GPL-2.0-only
/*
 * OFFER: nobody can touch the pages till they are taken back, and then they hold what they
 * held, unless the kernel has dropped them: offer_root.c makes it do so. By rows of section 9.
 */
#define _GNU_SOURCE
#include "keep.h"

#include <fcntl.h>
#include <sys/uio.h>

#define LENGTH	(16 * PAGE)

static unsigned long make(unsigned int prot)
{
	unsigned long base = reserve_commit(LENGTH, READWRITE);

	fill(base, LENGTH, 1);
	protect(base, LENGTH, prot);
	watch(base, LENGTH);
	return base;
}

static void expect_shut(const char *at, unsigned long addr, unsigned long length)
{
	for (unsigned long end = addr + length; addr < end; addr += PAGE) {
		int count = last_fault.count;

		if (try_read(addr) || try_write(addr + 8, 1) || last_fault.count != count + 2)
			check_failed(at, "%#lx is not shut", addr);
		if (last_fault.signo != SIGSEGV || last_fault.addr != addr + 8)
			check_failed(at, "%#lx: signal %d at %#lx", addr, last_fault.signo,
				     last_fault.addr);
		if (is_mapped(addr))
			check_failed(at, "%#lx is mapped", addr);
	}
}

#define EXPECT_SHUT(addr, length)	expect_shut(HERE, addr, length)

static void refused(const char *at, int err, unsigned long addr, unsigned long length)
{
	struct winmem_offer args = offer_args(addr, length, 0);

	check_refused(at, err, WINMEM_IOC_OFFER, &args, sizeof(args));
	args.flags = WINMEM_OFFER_UNDO;
	check_refused(at, err, WINMEM_IOC_OFFER, &args, sizeof(args));
}

#define OFFER_REFUSED(err, addr, length)	refused(HERE, err, addr, length)

TEST(O01_O03_offered_pages_are_shut_and_come_back)
{
	unsigned long base = make(READWRITE);

	offer(base + PAGE, 2 * PAGE);
	EXPECT_SHUT(base + PAGE, 2 * PAGE);
	EXPECT(filled(base, PAGE, 1) && filled(base + 3 * PAGE, LENGTH - 3 * PAGE, 1));
	reclaim(base + PAGE, 2 * PAGE);
	EXPECT(filled(base, LENGTH, 1));
	fill(base, LENGTH, 2);
	EXPECT(filled(base, LENGTH, 2));
}

TEST(O01_state_protection_and_charge_stay)
{
	unsigned long base = make(READWRITE), before = charge();

	offer(base, LENGTH);
	EXPECT_COMMITTED(base, LENGTH, READWRITE);
	EXPECT_EQ(before, charge());
	reclaim(base, LENGTH);
	EXPECT_COMMITTED(base, LENGTH, READWRITE);
}

TEST(O01_system_calls_and_debuggers_cannot_touch_them)
{
	unsigned long base = make(READWRITE);
	struct iovec local = { (void *)base, 8 }, remote = { (void *)(base + PAGE), 8 };
	int pipes[2], mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	char byte = 1;

	EXPECT_OK(mem);
	EXPECT_OK(pipe(pipes));
	offer(base + PAGE, PAGE);
	EXPECT_ERRNO(EFAULT, write(pipes[1], (void *)(base + PAGE), 8));
	EXPECT_EQ(1, write(pipes[1], &byte, 1));
	EXPECT_ERRNO(EFAULT, read(pipes[0], (void *)(base + PAGE), 1));
	EXPECT_ERRNO(EFAULT, process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
	EXPECT_ERRNO(EFAULT, process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
	EXPECT_ERRNO(EIO, pread(mem, &byte, 1, base + PAGE));
	EXPECT_ERRNO(EIO, pwrite(mem, &byte, 1, base + PAGE));
	reclaim(base + PAGE, PAGE);
	EXPECT_EQ(1, pread(mem, &byte, 1, base + PAGE));
	EXPECT(filled(base, LENGTH, 1));
	close(mem);
	close(pipes[0]);
	close(pipes[1]);
}

TEST(O01_execute)
{
	unsigned long base = reserve_commit(LENGTH, READWRITE);

	put_return(base);
	protect(base, PAGE, EXECUTE_READ);
	EXPECT(try_exec(base));
	offer(base, PAGE);
	EXPECT(!try_exec(base));
	reclaim(base, PAGE);
	EXPECT(try_exec(base));
}

TEST(O03_pages_that_were_never_touched)
{
	unsigned long base = reserve_commit(4 * CHUNK, READWRITE);

	offer(base, 4 * CHUNK);
	EXPECT_SHUT(base, PAGE);
	EXPECT_SHUT(base + 3 * CHUNK, PAGE);
	reclaim(base, 4 * CHUNK);
	EXPECT(zeroed(base, 4 * CHUNK));
}

TEST(O03_parts_of_chunks)
{
	unsigned long base = reserve_commit(4 * CHUNK, READWRITE);
	unsigned long start = base + CHUNK - 3 * PAGE, length = 2 * CHUNK + 6 * PAGE;

	fill(base, 4 * CHUNK, 1);
	offer(start, length);
	EXPECT(try_read(start - PAGE) && try_read(start + length));
	EXPECT_SHUT(start, PAGE);
	EXPECT_SHUT(base + 2 * CHUNK, PAGE);
	EXPECT_SHUT(start + length - PAGE, PAGE);
	reclaim(base + CHUNK + PAGE, CHUNK);
	EXPECT_SHUT(base + CHUNK, PAGE);
	EXPECT_SHUT(base + 2 * CHUNK + PAGE, PAGE);
	EXPECT(filled(base + CHUNK + PAGE, CHUNK, 1));
	reclaim(base, 4 * CHUNK);
	EXPECT(filled(base, 4 * CHUNK, 1));
}

TEST(O03_twice)
{
	unsigned long base = make(READWRITE);

	offer(base, 4 * PAGE);
	offer(base, 8 * PAGE);
	EXPECT_SHUT(base, 8 * PAGE);
	reclaim(base, LENGTH);
	reclaim(base, LENGTH);
	EXPECT(filled(base, LENGTH, 1));
}

TEST(what_cannot_be_offered)
{
	unsigned long two = find_hole(2 * GRAN);
	unsigned long base = make(READWRITE);
	void *map = map_foreign(0, PAGE, PROT_READ | PROT_WRITE);

	decommit(base + 4 * PAGE, PAGE);
	OFFER_REFUSED(ENXIO, base, LENGTH);
	OFFER_REFUSED(ENXIO, base + 4 * PAGE, PAGE);
	OFFER_REFUSED(ENOENT, base, 2 * LENGTH);
	OFFER_REFUSED(ENOENT, two, PAGE);
	OFFER_REFUSED(EBUSY, (unsigned long)map, PAGE);
	reserve_at(HERE, two, GRAN, READWRITE, WINMEM_RESERVE_COMMIT);
	reserve_at(HERE, two + GRAN, GRAN, READWRITE, WINMEM_RESERVE_COMMIT);
	OFFER_REFUSED(ENOENT, two, 2 * GRAN);
	munmap(map, PAGE);
	EXPECT(filled(base, 4 * PAGE, 1));
}

TEST(protection_of_offered_pages)
{
	unsigned long base = make(READONLY);

	offer(base, 4 * PAGE);
	EXPECT_EQ(READONLY, protect(base, LENGTH, READWRITE));
	EXPECT_COMMITTED(base, LENGTH, READWRITE);
	EXPECT_SHUT(base, 4 * PAGE);
	protect(base, PAGE, NOACCESS);
	commit(base + PAGE, PAGE, READONLY);
	EXPECT_SHUT(base, 4 * PAGE);
	reclaim(base, 4 * PAGE);
	EXPECT(!try_read(base));
	EXPECT(try_read(base + PAGE) && !try_write(base + PAGE, 1));
	protect(base, PAGE, READONLY);
	EXPECT(filled(base, LENGTH, 1));
}

/* It is an access violation, and no guard is hit. */
TEST(a_guard_on_an_offered_page_stays)
{
	unsigned long base = make(READWRITE | GUARD);
	struct winmem_guard args = guard_args(base);

	offer(base, PAGE);
	EXPECT(!try_read(base));
	EXPECT_OK(ioctl(dev, WINMEM_IOC_GUARD, &args));
	EXPECT_EQ(0, args.out_hit);
	EXPECT(!try_read(base));
	EXPECT_COMMITTED(base, LENGTH, READWRITE | GUARD);
	reclaim(base, PAGE);
	EXPECT(!try_read(base));
	EXPECT(filled(base, PAGE, 1));
}

TEST(reset_does_nothing_to_offered_pages)
{
	unsigned long base = make(READWRITE);

	offer(base, 4 * PAGE);
	reset(base + 3 * PAGE, 2 * PAGE);
	reset_undo(base, LENGTH);
	EXPECT_SHUT(base, 4 * PAGE);
	reclaim(base, LENGTH);
	EXPECT(filled(base, LENGTH, 1));
}

TEST(decommit_and_release_end_an_offer)
{
	unsigned long base = make(READWRITE);

	offer(base, LENGTH);
	decommit(base, PAGE);
	commit(base, PAGE, READWRITE);
	EXPECT(zeroed(base, PAGE));
	EXPECT(try_write(base, 1));
	EXPECT_SHUT(base + PAGE, PAGE);
	release(base);
	EXPECT_EQ(base, reserve_at(HERE, base, LENGTH, READWRITE, WINMEM_RESERVE_COMMIT));
	EXPECT(zeroed(base, LENGTH));
}

TEST(write_watch_of_offered_pages)
{
	unsigned long base = reserve_at(HERE, 0, LENGTH, READWRITE,
					WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_WATCH);
	__u64 written[16];
	struct winmem_watch args = watch_args(base, LENGTH, WINMEM_WATCH_RESET, written, 16);

	EXPECT(try_write(base, 1));
	offer(base, 2 * PAGE);
	EXPECT_SHUT(base, 2 * PAGE);
	EXPECT_OK(ioctl(dev, WINMEM_IOC_WATCH, &args));
	EXPECT_EQ(1, args.out_count);
	reclaim(base, 2 * PAGE);
	EXPECT_EQ(1, byte_at(base));
	EXPECT_OK(ioctl(dev, WINMEM_IOC_WATCH, &args));
	EXPECT_EQ(0, args.out_count);
}
