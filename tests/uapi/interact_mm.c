// SPDX-License-Identifier: GPL-2.0-only
/*
 * What else the kernel lets a program do to its mappings: lock, sync, watch, mark,
 * move, seal. All of it leaves page states and contents alone.
 */
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define LENGTH	(2 * GRAN)

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY	1
#endif
/* Newer than the headers of some systems. */
#define FEATURE_WP_ASYNC	(1 << 15)
#define SYSCALL_MSEAL		462

static unsigned long base;

/* In a window of its own, so that no earlier test's splits are counted. */
static void make(void)
{
	base = reserve_at(HERE, find_hole(GIB), LENGTH, READWRITE, WINMEM_RESERVE_COMMIT);
	fill(base, LENGTH, 1);
	protect(base + PAGE, PAGE, READONLY);
	protect(base + 2 * PAGE, PAGE, NOACCESS);
}

static void check_intact(const char *at)
{
	check_run(at, base, PAGE, WINMEM_STATE_COMMIT, READWRITE);
	check_run(at, base + PAGE, PAGE, WINMEM_STATE_COMMIT, READONLY);
	check_run(at, base + 2 * PAGE, PAGE, WINMEM_STATE_COMMIT, NOACCESS);
	if (!filled(base, 2 * PAGE, 1) || !filled(base + 3 * PAGE, LENGTH - 3 * PAGE, 1))
		check_failed(at, "contents changed");
	if (try_write(base + PAGE, 1) || try_read(base + 2 * PAGE))
		check_failed(at, "a page is open");
	/* Writing works and is seen. */
	fill(base, PAGE, 1);
	fill(base + 3 * PAGE, LENGTH - 3 * PAGE, 1);
	if (limit_at(at, 0, 0).out_charge != LENGTH)
		check_failed(at, "the charge has changed");
}

TEST(mlock_and_munlock_of_a_part)
{
	unsigned int before;

	make();
	before = vma_count();
	EXPECT_OK(mlock((void *)(base + 4 * PAGE), 4 * PAGE));
	check_intact(HERE);
	EXPECT_OK(munlock((void *)(base + 4 * PAGE), 4 * PAGE));
	EXPECT_EQ(before, vma_count());
	/* Pages that cannot be touched cannot be fetched either; that is said, not done. */
	mlock((void *)base, 8 * PAGE);
	check_intact(HERE);
	EXPECT_OK(munlock((void *)base, 8 * PAGE));
	EXPECT_EQ(before, vma_count());
}

TEST(L13_locked_pages_can_be_decommitted_and_released)
{
	make();
	EXPECT_OK(mlock((void *)(base + 4 * PAGE), 4 * PAGE));
	decommit(base + 5 * PAGE, PAGE);
	EXPECT(!try_read(base + 5 * PAGE));
	commit(base + 5 * PAGE, PAGE, READWRITE);
	EXPECT(zeroed(base + 5 * PAGE, PAGE));
	protect(base + 6 * PAGE, PAGE, READONLY);
	EXPECT(!try_write(base + 6 * PAGE, 1));
	release(base);
	EXPECT_EQ(0, charge());
	EXPECT(!try_read(base + 4 * PAGE));
}

static void locks_the_future(void *arg)
{
	(void)arg;
	if (mlockall(MCL_FUTURE))
		return;
	dev = OPEN_DEVICE();
	/* A window is more than an ordinary user may lock: refused, and no harm. */
	for (int i = 0; i < 2; i++) {
		struct winmem_reserve args = reserve_args(0, GRAN, READWRITE,
							  WINMEM_RESERVE_COMMIT);

		if (ioctl(dev, WINMEM_IOC_RESERVE, &args)) {
			EXPECT_EQ(ENOMEM, errno);
			munlockall();
			continue;
		}
		fill(args.out_addr, GRAN, 1);
		EXPECT_OK(raw_release(args.out_addr));
	}
	EXPECT_EQ(0, charge());
}

TEST(mlockall_of_what_is_to_come)
{
	IN_CHILD(locks_the_future, NULL);
}

TEST(msync_of_the_whole)
{
	const int flags[] = { MS_SYNC, MS_ASYNC, MS_INVALIDATE, MS_SYNC | MS_INVALIDATE };

	make();
	for (unsigned int i = 0; i < ARRAY_LEN(flags); i++) {
		EXPECT_OK(msync((void *)base, LENGTH, flags[i]));
		check_intact(HERE);
	}
}

TEST(mincore_tells_what_is_in_memory)
{
	unsigned char resident[8];

	base = reserve(8 * PAGE);
	commit(base, 6 * PAGE, READWRITE);
	fill(base, PAGE, 1);
	fill(base + 3 * PAGE, PAGE, 1);
	EXPECT_OK(mincore((void *)base, 8 * PAGE, resident));
	EXPECT_EQ(1, resident[0] & 1);
	EXPECT_EQ(1, resident[3] & 1);
	EXPECT_EQ(0, resident[1] & 1);
	EXPECT_EQ(0, resident[6] & 1);
	EXPECT_EQ(0, resident[7] & 1);
}

/* Both write-protect every page of the process, or make it old. */
TEST(clear_refs_does_not_lose_a_write_or_open_a_page)
{
	const char *const values[] = { "1", "2", "3", "4" };

	make();
	for (unsigned int i = 0; i < ARRAY_LEN(values); i++) {
		int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

		if (fd < 0)
			skip_because("no clear_refs");
		if (write(fd, values[i], 1) != 1)
			EXPECT_EQ(EINVAL, errno);
		close(fd);
		check_intact(HERE);
	}
}

TEST(pagemap_can_be_read)
{
	unsigned long entries[LENGTH / PAGE];
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	make();
	EXPECT_OK(fd);
	EXPECT_EQ(sizeof(entries), pread(fd, entries, sizeof(entries), base / PAGE * 8));
	/* Bit 63: present. NOACCESS pages are not mapped. */
	EXPECT(entries[0] >> 63);
	EXPECT(!(entries[2] >> 63));
	close(fd);
	check_intact(HERE);
}

static int uffd_open(unsigned long features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

	if (fd < 0)
		return -1;
	if (ioctl(fd, UFFDIO_API, &api)) {
		close(fd);
		return -1;
	}
	return fd;
}

TEST(sec08_userfaultfd_cannot_take_over_our_faults)
{
	const unsigned long modes[] = { UFFDIO_REGISTER_MODE_MISSING, UFFDIO_REGISTER_MODE_WP,
					1UL << 2 /* MINOR */ };
	int fd = uffd_open(0);

	if (fd < 0)
		skip_because("userfaultfd: %s", strerror(errno));
	make();
	for (unsigned int i = 0; i < ARRAY_LEN(modes); i++) {
		struct uffdio_register args = {
			.range = { .start = base, .len = LENGTH }, .mode = modes[i],
		};

		EXPECT_EQ(-1ULL, (long)ioctl(fd, UFFDIO_REGISTER, &args));
		check_intact(HERE);
	}
	close(fd);
}

/* Newer kernels can write-protect any mapping for a program that wants to count writes. */
TEST(sec08_userfaultfd_write_protect_async)
{
	struct uffdio_register args = { .mode = UFFDIO_REGISTER_MODE_WP };
	struct uffdio_writeprotect protect_it = { .mode = UFFDIO_WRITEPROTECT_MODE_WP };
	int fd = uffd_open(FEATURE_WP_ASYNC);

	if (fd < 0)
		skip_because("no asynchronous write protection here");
	make();
	args.range = protect_it.range = (struct uffdio_range) { base, LENGTH };
	if (!ioctl(fd, UFFDIO_REGISTER, &args)) {
		check_intact(HERE);
		for (int i = 0; i < 3; i++) {
			ioctl(fd, UFFDIO_WRITEPROTECT, &protect_it);
			check_intact(HERE);
		}
		/* Protections change under it, both ways. */
		ioctl(fd, UFFDIO_WRITEPROTECT, &protect_it);
		protect(base + 4 * PAGE, 4 * PAGE, READONLY);
		EXPECT(!try_write(base + 4 * PAGE, 1));
		protect(base + 4 * PAGE, 4 * PAGE, READWRITE);
		EXPECT(try_write(base + 4 * PAGE, *(unsigned char *)(base + 4 * PAGE)));
		decommit(base + 8 * PAGE, PAGE);
		EXPECT(!try_read(base + 8 * PAGE));
		commit(base + 8 * PAGE, PAGE, READWRITE);
		EXPECT(zeroed(base + 8 * PAGE, PAGE));
		fill(base + 8 * PAGE, PAGE, 1);
	}
	close(fd);
	check_intact(HERE);
}

TEST(memory_policy_and_migration)
{
	unsigned long node = 1;		/* a mask: node 0 */
	int nodes[4] = { 0 }, status[4];
	void *pages[4];

	make();
	for (unsigned int i = 0; i < 4; i++)
		pages[i] = (void *)(base + i * PAGE);
	/* MPOL_BIND with MPOL_MF_MOVE; MPOL_DEFAULT. */
	syscall(SYS_mbind, base, LENGTH, 2, &node, 64, 2);
	check_intact(HERE);
	syscall(SYS_mbind, base, LENGTH, 0, NULL, 0, 0);
	check_intact(HERE);
	syscall(SYS_move_pages, 0, 4, pages, nodes, status, 2);
	check_intact(HERE);
}

/* Sealed against changes by the program itself; it has to live with what fails then. */
static void seals(void *arg)
{
	struct winmem_decommit decommit_it;

	(void)arg;
	dev = OPEN_DEVICE();
	make();
	EXPECT_OK(syscall(SYSCALL_MSEAL, base, LENGTH, 0));
	check_intact(HERE);
	EXPECT_EQ(-1ULL, (long)munmap((void *)base, LENGTH));
	raw_protect(base + 4 * PAGE, PAGE, EXECUTE_READ);
	mprotect((void *)(base + 4 * PAGE), PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	EXPECT(!try_exec(base + 4 * PAGE) || query(base + 4 * PAGE).out_prot == EXECUTE_READ);
	/* What needs no change of mappings works; the courtesy of an mprotect does not. */
	decommit_it = decommit_args(base, LENGTH);
	EXPECT_OK(ioctl(dev, WINMEM_IOC_DECOMMIT, &decommit_it));
	EXPECT(!try_read(base));
	EXPECT_OK(raw_release(base));
	EXPECT_EQ(0, charge());
	EXPECT(!try_read(base));
}

TEST(sealed_mappings)
{
	/* Nothing at all can be sealed, if anything can. */
	if (syscall(SYSCALL_MSEAL, 0, 0, 0))
		skip_because("mseal: %s", strerror(errno));
	IN_CHILD(seals, NULL);
}

/* Address space runs out: nothing is reserved, nothing changes. */
static void has_little_room(void *arg)
{
	struct rlimit limit;
	unsigned int before;
	unsigned long here;

	(void)arg;
	dev = OPEN_DEVICE();
	here = reserve_commit(GRAN, READWRITE);
	fill(here, GRAN, 1);
	/* Less than what is mapped: no further mapping of any size. */
	limit.rlim_cur = limit.rlim_max = 16 << 20;
	EXPECT_OK(setrlimit(RLIMIT_AS, &limit));
	before = vma_count();
	for (unsigned long length = 8 * GIB; length <= TIB; length <<= 1) {
		struct winmem_reserve args = reserve_args(0, length, READWRITE, 0);

		EXPECT_ERRNO(ENOMEM, ioctl(dev, WINMEM_IOC_RESERVE, &args));
		args.addr = find_hole(length);
		EXPECT_ERRNO(ENOMEM, ioctl(dev, WINMEM_IOC_RESERVE, &args));
		EXPECT_FREE(args.addr);
	}
	EXPECT_EQ(before, vma_count());
	EXPECT(filled(here, GRAN, 1));
	/* In the window that is there, there is room. */
	reserve_commit(GRAN, READWRITE);
	EXPECT_EQ(2 * GRAN, charge());
}

TEST(VA03_address_space_limit_is_ENOMEM)
{
	IN_CHILD(has_little_room, NULL);
}
