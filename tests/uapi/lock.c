// SPDX-License-Identifier: GPL-2.0-only
/*
 * LOCK: which pages can be locked, what it counts, what ends it. By rows of section 8.
 */
#define _GNU_SOURCE
#include "keep.h"

#include <fcntl.h>
#include <sys/resource.h>

#define LENGTH	(16 * PAGE)

static unsigned long make(unsigned int prot)
{
	unsigned long base = reserve_commit(LENGTH, prot);

	EXPECT_EQ(0, vm_locked());
	watch(base, LENGTH);
	return base;
}

TEST(L01_a_page_is_locked_and_the_next_is_not)
{
	unsigned long base = make(READWRITE);

	EXPECT_EQ(0, locked(base, LENGTH));
	lock(base + PAGE, 2 * PAGE);
	EXPECT_EQ(2 * PAGE, locked(base, LENGTH));
	EXPECT_EQ(0, locked(base, PAGE));
	EXPECT_EQ(PAGE, locked(base + PAGE, PAGE));
	EXPECT_EQ(PAGE, locked(base + 2 * PAGE, 2 * PAGE));
	EXPECT_EQ(2 * PAGE, vm_locked());
	/* It has been brought to memory and mapped. */
	EXPECT(!is_mapped(base) && is_mapped(base + PAGE) && is_mapped(base + 2 * PAGE));
	EXPECT_COMMITTED(base, LENGTH, READWRITE);
	fill(base, LENGTH, 1);
	unlock(base + PAGE, 2 * PAGE);
	EXPECT_EQ(0, vm_locked());
	EXPECT(filled(base, LENGTH, 1));
}

TEST(L01_whatever_can_be_touched_can_be_locked)
{
	const unsigned int prots[] = { READONLY, READWRITE, EXECUTE, EXECUTE_READ, EXECUTE_RW };

	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		unsigned long base = make(prots[i]);

		lock(base, LENGTH);
		EXPECT_EQ(LENGTH, vm_locked());
		EXPECT(zeroed(base, LENGTH));
		release(base);
	}
}

TEST(L02_locks_do_not_add_up)
{
	unsigned long base = make(READWRITE);

	lock(base, 4 * PAGE);
	lock(base, 4 * PAGE);
	lock(base + 2 * PAGE, 4 * PAGE);
	EXPECT_EQ(6 * PAGE, vm_locked());
	unlock(base, 6 * PAGE);
	EXPECT_EQ(0, vm_locked());
	EXPECT_EQ(0, locked(base, LENGTH));
}

TEST(L03_unlock_of_what_is_not_locked)
{
	unsigned long base = make(READWRITE);

	fill(base, LENGTH, 1);
	UNLOCK_REFUSED(EALREADY, base, PAGE);
	lock(base, PAGE);
	lock(base + 2 * PAGE, PAGE);
	UNLOCK_REFUSED(EALREADY, base, 3 * PAGE);
	EXPECT_EQ(2 * PAGE, vm_locked());
	unlock(base + 2 * PAGE, PAGE);
	UNLOCK_REFUSED(EALREADY, base + 2 * PAGE, PAGE);
	EXPECT(filled(base, LENGTH, 1));
}

TEST(L03_a_page_that_was_not_locked_leaves_the_working_set)
{
	unsigned long base = make(READWRITE);
	struct winmem_lock args = lock_args(base, 2 * PAGE, WINMEM_LOCK_UNDO);

	fill(base, LENGTH, 1);
	EXPECT(is_mapped(base));
	EXPECT_ERRNO(EALREADY, ioctl(dev, WINMEM_IOC_LOCK, &args));
	EXPECT(!is_mapped(base) && !is_mapped(base + PAGE) && is_mapped(base + 2 * PAGE));
	EXPECT(filled(base, LENGTH, 1));
}

TEST(L03_unlock_of_nothing)
{
	unsigned long base = make(READWRITE);

	decommit(base, PAGE);
	UNLOCK_REFUSED(EALREADY, base, PAGE);
	UNLOCK_REFUSED(ENOENT, find_hole(GRAN), PAGE);
	UNLOCK_REFUSED(ENOENT, 0, PAGE);
}

TEST(L06_what_cannot_be_touched)
{
	unsigned long base = make(READWRITE);

	protect(base + 4 * PAGE, PAGE, NOACCESS);
	decommit(base + 8 * PAGE, PAGE);
	LOCK_REFUSED(EFAULT, base + 4 * PAGE, PAGE);
	LOCK_REFUSED(EFAULT, base, 5 * PAGE);
	LOCK_REFUSED(ENXIO, base + 8 * PAGE, PAGE);
	LOCK_REFUSED(ENXIO, base + 5 * PAGE, 4 * PAGE);
	LOCK_REFUSED(ENOENT, find_hole(GRAN), PAGE);
	/* The first that is reached says why. */
	LOCK_REFUSED(EFAULT, base, LENGTH);
	/* Past the end. */
	LOCK_REFUSED(ENXIO, base + LENGTH - PAGE, 1UL << 40);
	EXPECT_EQ(0, vm_locked());
	lock(base, PAGE);
	LOCK_REFUSED(EFAULT, base, 5 * PAGE);
	EXPECT_EQ(PAGE, vm_locked());
}

TEST(L06_a_range_over_two_reservations)
{
	unsigned long base = find_hole(2 * GRAN);

	reserve_at(HERE, base, GRAN, READWRITE, WINMEM_RESERVE_COMMIT);
	reserve_at(HERE, base + GRAN, GRAN, READWRITE, WINMEM_RESERVE_COMMIT);
	lock(base, 2 * GRAN);
	EXPECT_EQ(2 * GRAN, vm_locked());
	release(base);
	EXPECT_EQ(GRAN, vm_locked());
	EXPECT_EQ(GRAN, locked(base, 2 * GRAN));
	unlock(base + GRAN, GRAN);
}

TEST(memory_that_is_not_winmems)
{
	unsigned char *map = map_foreign(0, 4 * PAGE, PROT_READ | PROT_WRITE);
	unsigned long addr = (unsigned long)map;

	LOCK_REFUSED(EBUSY, addr, PAGE);
	UNLOCK_REFUSED(EBUSY, addr, PAGE);
	EXPECT_EQ(0, locked(addr, 4 * PAGE));
	EXPECT_OK(mlock(map + PAGE, 2 * PAGE));
	EXPECT_EQ(2 * PAGE, locked(addr, 4 * PAGE));
	EXPECT_EQ(PAGE, locked(addr, 2 * PAGE));
	munmap(map, 4 * PAGE);
	EXPECT_EQ(0, locked(addr, 4 * PAGE));
}

TEST(G06_a_guard_is_taken_by_a_lock)
{
	unsigned long base = make(READWRITE);
	struct winmem_lock args = lock_args(base, LENGTH, 0);

	protect(base + 2 * PAGE, 2 * PAGE, READWRITE | GUARD);
	EXPECT_ERRNO(EKEYREJECTED, ioctl(dev, WINMEM_IOC_LOCK, &args));
	EXPECT_EQ(CC64, args.out_locked);
	EXPECT_COMMITTED(base, 3 * PAGE, READWRITE);
	EXPECT_COMMITTED(base + 3 * PAGE, PAGE, READWRITE | GUARD);
	EXPECT_ERRNO(EKEYREJECTED, ioctl(dev, WINMEM_IOC_LOCK, &args));
	EXPECT_EQ(0, vm_locked());
	EXPECT_OK(ioctl(dev, WINMEM_IOC_LOCK, &args));
	EXPECT_EQ(LENGTH, vm_locked());
	EXPECT(try_read(base + 2 * PAGE));
	EXPECT_EQ(0, last_fault.count);
}

TEST(G06_a_guard_behind_what_cannot_be_touched_stays)
{
	unsigned long base = make(READWRITE);
	struct winmem_lock args = lock_args(base, LENGTH, 0);

	protect(base, PAGE, NOACCESS);
	protect(base + PAGE, PAGE, READWRITE | GUARD);
	LOCK_REFUSED(EFAULT, base, LENGTH);
	protect(base, PAGE, READWRITE | GUARD);
	protect(base + PAGE, PAGE, NOACCESS);
	EXPECT_ERRNO(EKEYREJECTED, ioctl(dev, WINMEM_IOC_LOCK, &args));
	EXPECT_COMMITTED(base, PAGE, READWRITE);
	LOCK_REFUSED(EFAULT, base, LENGTH);
}

TEST(G10_what_a_lock_is_to_write_watch)
{
	unsigned long base = reserve_at(HERE, 0, LENGTH, READWRITE,
					WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_WATCH);
	__u64 written[16];
	struct winmem_watch args = watch_args(base, LENGTH, 0, written, 16);
	struct winmem_lock guarded = lock_args(base, 2 * PAGE, 0);

	protect(base, PAGE, READWRITE | GUARD);
	protect(base + PAGE, PAGE, READONLY);
	EXPECT_ERRNO(EKEYREJECTED, ioctl(dev, WINMEM_IOC_LOCK, &guarded));
	EXPECT_OK(ioctl(dev, WINMEM_IOC_WATCH, &args));
	EXPECT_EQ(0, args.out_count);
	EXPECT_OK(ioctl(dev, WINMEM_IOC_LOCK, &guarded));
	EXPECT_OK(ioctl(dev, WINMEM_IOC_WATCH, &args));
	EXPECT_EQ(1, args.out_count);
	EXPECT_EQ(base, written[0]);
	/* The writes that follow are told of as any. */
	args.flags = WINMEM_WATCH_RESET;
	EXPECT_OK(ioctl(dev, WINMEM_IOC_WATCH, &args));
	EXPECT_OK(ioctl(dev, WINMEM_IOC_WATCH, &args));
	EXPECT_EQ(0, args.out_count);
	EXPECT(try_write(base, 1));
	EXPECT_OK(ioctl(dev, WINMEM_IOC_WATCH, &args));
	EXPECT_EQ(1, args.out_count);
}

TEST(L13_decommit_and_release_end_the_lock)
{
	unsigned long base = make(READWRITE);

	lock(base, LENGTH);
	decommit(base + PAGE, PAGE);
	EXPECT_EQ(LENGTH - PAGE, vm_locked());
	commit(base + PAGE, PAGE, READWRITE);
	EXPECT_EQ(0, locked(base + PAGE, PAGE));
	UNLOCK_REFUSED(EALREADY, base + PAGE, PAGE);
	EXPECT(zeroed(base + PAGE, PAGE));
	release(base);
	EXPECT_EQ(0, vm_locked());
}

TEST(L14_offer_ends_the_lock)
{
	unsigned long base = make(READWRITE);

	fill(base, LENGTH, 1);
	lock(base, LENGTH);
	offer(base + PAGE, PAGE);
	EXPECT_EQ(LENGTH - PAGE, vm_locked());
	/* The rest of it cannot be compared: it cannot be read. */
	watch(base, PAGE);
	LOCK_REFUSED(EFAULT, base, LENGTH);
	reclaim(base + PAGE, PAGE);
	EXPECT_EQ(0, locked(base + PAGE, PAGE));
	EXPECT(filled(base, LENGTH, 1));
}

TEST(a_locked_page_is_protected_reset_and_committed_as_any)
{
	unsigned long base = make(READWRITE);

	fill(base, LENGTH, 1);
	lock(base, LENGTH);
	protect(base, PAGE, NOACCESS);
	EXPECT(!try_read(base));
	protect(base, LENGTH, READONLY);
	EXPECT(!try_write(base + PAGE, 1));
	commit(base, LENGTH, READWRITE);
	reset(base, LENGTH);
	reset_undo(base, LENGTH);
	EXPECT_EQ(0, madvise((void *)base, LENGTH, MADV_DONTNEED));
	EXPECT_EQ(LENGTH, vm_locked());
	EXPECT(filled(base, LENGTH, 1));
}

TEST(L09_no_more_than_the_caller_allows)
{
	unsigned long base = make(READWRITE);
	struct winmem_lock args = lock_args(base, 8 * PAGE, 0);

	args.limit = 8 * PAGE - 1;
	REFUSED(ENOLCK, WINMEM_IOC_LOCK, &args);
	args.limit = 8 * PAGE;
	EXPECT_OK(ioctl(dev, WINMEM_IOC_LOCK, &args));
	/* What is locked needs no more room. */
	args.limit = PAGE;
	EXPECT_OK(ioctl(dev, WINMEM_IOC_LOCK, &args));
	args.addr += PAGE;
	args.limit = 8 * PAGE;
	REFUSED(ENOLCK, WINMEM_IOC_LOCK, &args);
	args.limit = 9 * PAGE;
	EXPECT_OK(ioctl(dev, WINMEM_IOC_LOCK, &args));
	EXPECT_EQ(9 * PAGE, vm_locked());
	args.flags = WINMEM_LOCK_UNDO;
	REFUSED(EINVAL, WINMEM_IOC_LOCK, &args);
	args.flags = WINMEM_LOCK_UNDO | WINMEM_LOCK_LOOK;
	args.limit = 0;
	REFUSED(EINVAL, WINMEM_IOC_LOCK, &args);
}

static void locks_with_a_limit(void *arg)
{
	const struct rlimit four = { 4 * PAGE, 4 * PAGE };
	unsigned long base;

	(void)arg;
	EXPECT_OK(setrlimit(RLIMIT_MEMLOCK, &four));
	dev = OPEN_DEVICE();
	base = make(READWRITE);
	LOCK_REFUSED(ENOLCK, base, 5 * PAGE);
	lock(base, 4 * PAGE);
	LOCK_REFUSED(ENOLCK, base + 4 * PAGE, PAGE);
	lock(base, 4 * PAGE);
	unlock(base, PAGE);
	lock(base + 8 * PAGE, PAGE);
	LOCK_REFUSED(ENOLCK, base, PAGE);
}

TEST(no_more_than_RLIMIT_MEMLOCK)
{
	if (!geteuid())
		skip_because("root may lock all it likes");
	IN_CHILD(locks_with_a_limit, NULL);
}

/* All or nothing, with what was locked before staying so. */
TEST(a_hole_in_the_window)
{
	unsigned long base = make(READWRITE), before = pinned_at_first();

	lock(base + PAGE, PAGE);
	EXPECT_OK(munmap((void *)(base + 8 * PAGE), PAGE));
	watch(base, 8 * PAGE);
	LOCK_REFUSED(EFAULT, base, LENGTH);
	EXPECT_EQ(PAGE, vm_locked());
	EVENTUALLY(pinned() == before + 1);
	EXPECT_EQ(PAGE, locked(base, LENGTH));
	unlock(base + PAGE, PAGE);
	EVENTUALLY(pinned() == before);
}

TEST(something_else_mapped_over_the_window)
{
	unsigned long base = make(READWRITE), before = pinned_at_first();
	void *other = mmap((void *)(base + 8 * PAGE), PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0);

	EXPECT(other != MAP_FAILED);
	watch(base, 8 * PAGE);
	LOCK_REFUSED(EFAULT, base, LENGTH);
	EXPECT_EQ(0, vm_locked());
	EVENTUALLY(pinned() == before);
	munmap(other, PAGE);
}

/* The memory stays committed when its window is unmapped, and so does the lock. */
TEST(a_locked_page_is_unmapped)
{
	unsigned long base = make(READWRITE), before = pinned_at_first();

	lock(base, LENGTH);
	EXPECT_OK(munmap((void *)base, LENGTH));
	EXPECT_EQ(LENGTH, vm_locked());
	unlock(base, PAGE);
	release(base);
	EXPECT_EQ(0, vm_locked());
	EVENTUALLY(pinned() == before);
}

static void locks_and_ends(void *arg)
{
	unsigned long base;

	dev = OPEN_DEVICE();
	base = make(READWRITE);
	lock(base, LENGTH);
	EXPECT_EQ(LENGTH, vm_locked());
	if (arg)
		execl("/proc/self/exe", "lock", "--exec", NULL);
}

int test_exec(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	dev = OPEN_DEVICE();
	return vm_locked() || locked(GRAN, GIB);
}

TEST(exit_and_exec_unlock)
{
	unsigned long before = pinned_at_first();

	IN_CHILD(locks_and_ends, NULL);
	IN_CHILD(locks_and_ends, "exec");
	EVENTUALLY(pinned() == before);
}

static void closes_and_unmaps(void *arg)
{
	struct vma vma = { .end = 0 };

	(void)arg;
	dev = OPEN_DEVICE();
	lock(make(READWRITE), LENGTH);
	close(dev);
	EXPECT_EQ(LENGTH, vm_locked());
	while (vma_find(vma.end, &vma)) {
		if (vma_is_window(&vma))
			EXPECT_OK(munmap((void *)vma.start, vma.end - vma.start));
	}
	EXPECT_EQ(0, vm_locked());
}

TEST(the_end_of_the_space_unlocks)
{
	unsigned long before = pinned_at_first();

	IN_CHILD(closes_and_unmaps, NULL);
	EVENTUALLY(pinned() == before);
}

static void has_nothing_locked(void *addr)
{
	EXPECT_EQ(0, vm_locked());
	dev = OPEN_DEVICE();
	EXPECT_EQ(0, locked((unsigned long)addr, LENGTH));
	UNLOCK_REFUSED(ENOENT, (unsigned long)addr, PAGE);
}

TEST(a_child_has_nothing_locked)
{
	unsigned long base = make(READWRITE);

	fill(base, LENGTH, 1);
	lock(base, LENGTH);
	IN_CHILD(has_nothing_locked, (void *)base);
	EXPECT_EQ(LENGTH, locked(base, LENGTH));
	EXPECT_EQ(LENGTH, vm_locked());
	EXPECT(filled(base, LENGTH, 1));
}

/* More than is pinned at once, and over the edges of chunks. */
TEST(many_pages)
{
	const unsigned long length = 3 * CHUNK / 2;
	unsigned long base = reserve_commit(4 * CHUNK, READWRITE), before = pinned_at_first();

	lock(base + CHUNK - 5 * PAGE, length);
	EXPECT_EQ(length, locked(base, 4 * CHUNK));
	EXPECT_EQ(length, vm_locked());
	EVENTUALLY(pinned() == before + length / PAGE);
	fill(base, 4 * CHUNK, 1);
	unlock(base + CHUNK, CHUNK / 2);
	EXPECT_EQ(length - CHUNK / 2, locked(base, 4 * CHUNK));
	EXPECT(filled(base, 4 * CHUNK, 1));
	release(base);
	EXPECT_EQ(0, vm_locked());
	EVENTUALLY(pinned() == before);
}
