// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large pages: all of the memory is there at once, in pieces of 2 MiB, and stays; all or
 * nothing. Rows VA38 to VA40, VF18 and E29 from below. Those who may lock memory may have
 * them: it needs root.
 */
#define _GNU_SOURCE
#include "large.h"
#include "cgroup.h"
#include "remote.h"
#include "swap.h"

#include <grp.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define NOBODY	65534
#define NR	(LARGE / PAGE)

TEST(all_of_it_is_there_before_it_is_touched)
{
	unsigned long before = shmem_bytes(), base;

	need_root();
	base = reserve_large(LARGE);
	EXPECT(!(base % CHUNK));
	EXPECT_COMMITTED(base, LARGE, READWRITE);
	EXPECT_EQ(LARGE, charge());
	EXPECT_EQ(NR, resident(base, LARGE));
	EXPECT_EQ(LARGE, vm_pinned());
	EXPECT_EQ(0, vm_locked());
	EVENTUALLY(shmem_bytes() >= before + LARGE);

	EXPECT(zeroed(base, LARGE));
	fill(base, LARGE, 1);
	EXPECT_EQ(LARGE, huge_bytes());
	EXPECT(filled(base, LARGE, 1));

	release(base);
	EXPECT_FREE(base);
	EXPECT(!vma_covers(base));
	EXPECT_EQ(0, vm_pinned());
	EXPECT_EQ(0, charge());
	EVENTUALLY(shmem_bytes() < before + LARGE / 2);
}

TEST(one_block_is_enough)
{
	unsigned long base;

	need_root();
	base = reserve_large(CHUNK);
	EXPECT_EQ(CHUNK, large(base, CHUNK));
	EXPECT(is_large(base, CHUNK));
	EXPECT(zeroed(base + 8 * PAGE, CHUNK - 8 * PAGE));
}

TEST(memory_that_was_used_comes_back_zero)
{
	unsigned long base;

	need_root();
	for (int i = 0; i < 20; i++) {
		base = reserve_large(LARGE);
		EXPECT(zeroed(base, LARGE));
		fill(base, LARGE, i);
		release(base);
	}
}

TEST(places)
{
	unsigned long hole = find_hole(GIB), low, base;
	struct winmem_reserve args = reserve_args(0, 2 * CHUNK, READWRITE, WITH_LARGE);

	need_root();
	low = reserve_large(CHUNK);
	EXPECT(low >= 4 * GIB);
	base = reserve_at(HERE, 0, CHUNK, READWRITE, WITH_LARGE | WINMEM_RESERVE_TOP_DOWN);
	EXPECT(base > low);
	EXPECT(is_large(base, CHUNK));

	base = reserve_at(HERE, hole + CHUNK, 2 * CHUNK, READWRITE, WITH_LARGE);
	EXPECT_EQ(hole + CHUNK, base);
	EXPECT(is_large(base, 2 * CHUNK));
	EXPECT_ERRNO(EEXIST, raw_large(hole, 2 * CHUNK));
	EXPECT_ERRNO(EEXIST, raw_large(hole + 2 * CHUNK, 2 * CHUNK));

	args.lowest = hole;
	args.highest = hole + GIB - 1;
	args.alignment = 16 * CHUNK;
	EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &args));
	EXPECT(args.out_addr >= hole && !(args.out_addr % (16 * CHUNK)));
	EXPECT(is_large(args.out_addr, 2 * CHUNK));
	EXPECT_OK(raw_release(args.out_addr));
	/* Where somebody else has something. */
	map_foreign(hole + 64 * CHUNK, PAGE, PROT_READ);
	EXPECT_ERRNO(EEXIST, raw_large(hole + 64 * CHUNK, CHUNK));
	EXPECT_FREE(hole + 64 * CHUNK + GRAN);
}

/* The place was a part of a window in which others live. */
static void in_a_window(unsigned long length)
{
	unsigned long base = reserve_commit(length, READWRITE), next, place;

	fill(base, length, 1);
	next = reserve_commit(GRAN, READWRITE);
	fill(next, GRAN, 2);
	release(base);
	place = (base + CHUNK - 1) / CHUNK * CHUNK;
	EXPECT_EQ(place, reserve_at(HERE, place, CHUNK, READWRITE, WITH_LARGE));
	EXPECT(is_large(place, CHUNK));
	EXPECT(filled(next, GRAN, 2));
	EXPECT_EQ(CHUNK, large(base, length));

	/* And all of it is anybody's again. */
	release(place);
	base = reserve_at(HERE, place, CHUNK, READWRITE, WINMEM_RESERVE_COMMIT);
	EXPECT(zeroed(base, CHUNK));
	fill(base, CHUNK, 3);
	EXPECT(filled(base, CHUNK, 3));
	EXPECT(filled(next, GRAN, 2));
}

TEST(a_place_in_a_window_of_small_pages)
{
	need_root();
	in_a_window(2 * CHUNK - GRAN);
}

TEST(a_place_in_a_window_of_huge_pages)
{
	unsigned long keeps = reserve_commit(LARGE, READWRITE);

	need_root();
	in_a_window(LARGE);
	fill(keeps, LARGE, 1);
	EXPECT(filled(keeps, LARGE, 1));
}

TEST(bounds_in_a_window)
{
	unsigned long base = reserve(2 * CHUNK - GRAN);
	struct winmem_reserve args = reserve_args(0, CHUNK, READWRITE, WITH_LARGE);

	need_root();
	release(base);
	EXPECT(vma_covers(base));
	base = (base + CHUNK - 1) / CHUNK * CHUNK;
	args.lowest = base;
	args.highest = base + CHUNK - 1;
	EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &args));
	EXPECT_EQ(base, args.out_addr);
	EXPECT(is_large(base, CHUNK));
	EXPECT_ERRNO(ENOMEM, ioctl(dev, WINMEM_IOC_RESERVE, &args));
	EXPECT_OK(raw_release(base));
}

/* What a large page is not there for. */

#define TRY(err, nr, args)	REFUSED(err, WINMEM_IOC_##nr, args)

static void all_refused(unsigned long addr, unsigned long length)
{
	struct winmem_commit commit = commit_args(addr, length, READWRITE);
	struct winmem_decommit decommit = decommit_args(addr, length);
	struct winmem_protect protect = protect_args(addr, length, READONLY);
	struct winmem_reset reset = reset_args(addr, length, 0);
	struct winmem_offer offer = offer_args(addr, length, 0);
	struct winmem_lock lock = lock_args(addr, length, 0);

	TRY(EFBIG, COMMIT, &commit);
	TRY(EFBIG, DECOMMIT, &decommit);
	TRY(EFBIG, PROTECT, &protect);
	protect.prot = READWRITE | GUARD;
	TRY(EFBIG, PROTECT, &protect);
	protect.prot = EXECUTE_RW;
	TRY(EFBIG, PROTECT, &protect);
	TRY(EFBIG, RESET, &reset);
	reset.flags = WINMEM_RESET_UNDO;
	TRY(EFBIG, RESET, &reset);
	TRY(EFBIG, OFFER, &offer);
	offer.flags = WINMEM_OFFER_UNDO;
	TRY(EFBIG, OFFER, &offer);
	TRY(EFBIG, LOCK, &lock);
	lock.flags = WINMEM_LOCK_UNDO;
	TRY(EFBIG, LOCK, &lock);
}

TEST(VF18_it_stays_as_it_is)
{
	struct winmem_decommit whole;
	unsigned long base;

	need_root();
	base = reserve_large(2 * CHUNK);
	fill(base, 2 * CHUNK, 1);
	watch(base, 2 * CHUNK);
	all_refused(base, 2 * CHUNK);
	all_refused(base, PAGE);
	all_refused(base + CHUNK - PAGE, 2 * PAGE);
	whole = decommit_args(base, 0);
	TRY(EFBIG, DECOMMIT, &whole);
	EXPECT_EQ(2 * CHUNK, huge_bytes());
	EXPECT_EQ(2 * CHUNK, vm_pinned());

	/* Nothing is asked for. */
	EXPECT_EQ(READWRITE, protect(base, 2 * CHUNK, READWRITE));
	EXPECT_EQ(READWRITE, protect(base + 5 * PAGE, PAGE, READWRITE));
	EXPECT_EQ(2 * CHUNK, huge_bytes());
	EXPECT(filled(base, 2 * CHUNK, 1));
}

TEST(LOCK_tells_where_large_pages_are)
{
	unsigned long hole = find_hole(GIB), small = hole + 3 * CHUNK;

	need_root();
	reserve_at(HERE, hole + CHUNK, CHUNK, READWRITE, WITH_LARGE);
	reserve_at(HERE, hole + 4 * CHUNK, 2 * CHUNK, READWRITE, WITH_LARGE);
	reserve_at(HERE, small, GRAN, READWRITE, WINMEM_RESERVE_COMMIT);
	EXPECT_EQ(3 * CHUNK, large(hole, GIB));
	EXPECT_EQ(0, large(hole, CHUNK));
	EXPECT_EQ(PAGE, large(hole, CHUNK + PAGE));
	EXPECT_EQ(0, large(hole + 2 * CHUNK, 2 * CHUNK));
	EXPECT_EQ(2 * PAGE, large(hole + 2 * CHUNK - PAGE, 2 * CHUNK + 2 * PAGE));
	/* A range that begins elsewhere and reaches into one. */
	LOCK_REFUSED(EFBIG, small, 2 * CHUNK);
	lock(small, GRAN);
	EXPECT_EQ(GRAN, locked(hole, GIB));
	unlock(small, GRAN);
}

TEST(protections)
{
	unsigned long base;

	need_root();
	base = reserve_at(HERE, 0, CHUNK, READONLY, WITH_LARGE);
	EXPECT(try_read(base));
	EXPECT_EQ(CHUNK, huge_bytes());
	EXPECT(!try_write(base, 1));
	EXPECT(try_read(base + CHUNK - 1));
	EXPECT_EQ(CHUNK, huge_bytes());
	EXPECT_EQ(READONLY, protect(base, PAGE, READONLY));
	release(base);

	base = reserve_at(HERE, 0, CHUNK, NOACCESS, WITH_LARGE);
	EXPECT(!try_read(base));
	EXPECT_EQ(NR / BLOCKS, resident(base, CHUNK));
	release(base);

	base = reserve_at(HERE, 0, 2 * CHUNK, EXECUTE_RW, WITH_LARGE);
	put_return(base + CHUNK);
	EXPECT(try_exec(base + CHUNK));
	EXPECT(try_write(base, 1));
	EXPECT_EQ(2 * CHUNK, huge_bytes());
	EXPECT_EQ(EXECUTE_RW, protect(base, PAGE, EXECUTE_RW));
	release(base);

	base = reserve_at(HERE, 0, CHUNK, READWRITE | NOCACHE, WITH_LARGE);
	EXPECT_EQ(READWRITE | NOCACHE, protect(base, PAGE, READWRITE));
	EXPECT_COMMITTED(base, CHUNK, READWRITE | NOCACHE);
}

TEST(it_is_read_first_and_written_then)
{
	unsigned long base;

	need_root();
	base = reserve_large(LARGE);
	EXPECT(zeroed(base, LARGE));
	EXPECT_EQ(LARGE, huge_bytes());
	fill(base, LARGE, 1);
	EXPECT(filled(base, LARGE, 1));
	EXPECT_EQ(LARGE, huge_bytes());
}

/* Memory pressure, and what programs ask of Linux. */

TEST(it_never_goes_to_swap)
{
	unsigned long base, other, before;

	need_root();
	swap_on();
	base = reserve_large(LARGE);
	other = reserve_commit(LARGE - PAGE, READWRITE);
	fill(base, LARGE, 1);
	fill(other, LARGE - PAGE, 1);
	before = swap_used();
	press(other, LARGE - PAGE);
	EXPECT(swap_used() > before + NR / 2);
	before = swap_used();
	press(base, LARGE);
	EXPECT(swap_used() <= before);
	EXPECT_EQ(NR, resident(base, LARGE));
	EXPECT(filled(base, LARGE, 1));
	EXPECT_EQ(LARGE, huge_bytes());
}

/* Of a part of a block: Linux would split the page first. */
TEST(nobody_splits_it)
{
	unsigned long base;

	need_root();
	swap_on();
	base = reserve_large(LARGE);
	fill(base, LARGE, 1);
	for (unsigned long at = base; at < base + LARGE; at += CHUNK) {
		madvise((void *)(at + 4 * PAGE), PAGE, MADV_PAGEOUT);
		madvise((void *)(at + 9 * PAGE), PAGE, MADV_COLD);
		EXPECT_OK(madvise((void *)(at + CHUNK / 2), CHUNK / 2, MADV_DONTNEED));
		madvise((void *)at, CHUNK, MADV_REMOVE);
	}
	EXPECT_EQ(NR, resident(base, LARGE));
	EXPECT(filled(base, LARGE, 1));
	/* Mapped anew it is as it was. */
	EXPECT_OK(madvise((void *)base, LARGE, MADV_DONTNEED));
	EXPECT(filled(base, LARGE, 1));
	EXPECT_EQ(LARGE, vm_pinned());
	EXPECT_OK(zram_write("/proc/sys/vm/compact_memory", "1"));
	EXPECT_EQ(NR, resident(base, LARGE));
	EXPECT(filled(base, LARGE, 1));
}

TEST(a_part_that_the_program_unmaps)
{
	unsigned long base, next;

	need_root();
	base = reserve_large(LARGE);
	fill(base, LARGE, 1);
	EXPECT_OK(munmap((void *)(base + CHUNK + PAGE), 2 * CHUNK));
	EXPECT(filled(base, CHUNK, 1));
	EXPECT_EQ(LARGE, vm_pinned());
	release(base);
	EXPECT_EQ(0, vm_pinned());
	next = reserve_at(HERE, base, LARGE, READWRITE, WITH_LARGE);
	EXPECT(zeroed(next, LARGE));
	EXPECT_EQ(LARGE, huge_bytes());
}

static void child_has_none(void *arg)
{
	EXPECT(!try_read((unsigned long)arg));
	EXPECT_EQ(0, vm_pinned());
	dev = OPEN_DEVICE();
	EXPECT(is_large(reserve_large(CHUNK), CHUNK));
}

TEST(a_child_has_none_of_it)
{
	unsigned long base;

	need_root();
	base = reserve_large(LARGE);
	fill(base, LARGE, 1);
	IN_CHILD(child_has_none, (void *)base);
	EXPECT(filled(base, LARGE, 1));
	inherit(base, LARGE);
	IN_CHILD(child_has_none, (void *)base);
	EXPECT(filled(base, LARGE, 1));
}

static void ends_with_it(void *arg)
{
	(void)arg;
	dev = OPEN_DEVICE();
	fill(reserve_large(LARGE), LARGE, 1);
}

TEST(the_end_of_the_process_gives_it_back)
{
	unsigned long before = shmem_bytes();

	need_root();
	for (int i = 0; i < 8; i++)
		IN_CHILD(ends_with_it, NULL);
	EVENTUALLY(shmem_bytes() < before + LARGE);
}

/* All or nothing. */

TEST(commit_limits_count)
{
	unsigned long base;

	need_root();
	limit_set(3 * CHUNK);
	base = reserve_large(2 * CHUNK);
	EXPECT_ERRNO(EDQUOT, raw_large(0, 2 * CHUNK));
	EXPECT_EQ(2 * CHUNK, vm_pinned());
	release(base);
	limit_set(~0UL);
}

TEST(RLIMIT_MEMLOCK_does_not_count)
{
	const struct rlimit one = { PAGE, PAGE };
	struct rlimit before;
	unsigned long small;

	need_root();
	EXPECT_OK(getrlimit(RLIMIT_MEMLOCK, &before));
	EXPECT_OK(setrlimit(RLIMIT_MEMLOCK, &one));
	reserve_large(LARGE);
	small = reserve_commit(GRAN, READWRITE);
	lock(small, PAGE);
	EXPECT_EQ(PAGE, vm_locked());
	EXPECT_OK(setrlimit(RLIMIT_MEMLOCK, &before));
}

/* More than is free, and less than may be committed: nobody is pressed for it. */
TEST(E14_more_than_there_is)
{
	unsigned long length, before, vmas;
	struct winmem_reserve args;

	need_root();
	length = number_of("/proc/meminfo", "MemAvailable:") * 1024 / CHUNK * CHUNK + 8 * CHUNK;
	EXPECT(length < limit_at(HERE, 0, 0).out_total_limit);
	vmas = vma_count();
	before = number_of("/proc/vmstat", "pgsteal_direct ");
	args = reserve_args(0, length, READWRITE, WITH_LARGE);
	REFUSED(ENOSPC, WINMEM_IOC_RESERVE, &args);
	EXPECT_EQ(before, number_of("/proc/vmstat", "pgsteal_direct "));
	EXPECT_EQ(0, charge());
	EXPECT_EQ(0, vm_pinned());
	EXPECT_EQ(vmas, vma_count());
	EXPECT(is_large(reserve_large(LARGE), LARGE));
}

static void cgroup_write(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", cgroup, name);
	EXPECT_OK(file_write(path, value));
}

/* It fails half way: the cgroup may have 48 MiB, and nothing in it can be reclaimed. */
static void asks_for_too_much(void *arg)
{
	unsigned long hole;
	long before;

	(void)arg;
	cgroup_enter();
	dev = OPEN_DEVICE();
	hole = find_hole(GIB);
	EXPECT(is_large(reserve_large(4 * CHUNK), 4 * CHUNK));
	EVENTUALLY(cgroup_stat("shmem") >= (long)(4 * CHUNK));
	before = cgroup_stat("shmem");

	EXPECT_ERRNO(ENOSPC, raw_large(hole, 64 * CHUNK));
	EXPECT_ERRNO(ENOSPC, raw_large(0, 64 * CHUNK));
	EXPECT_FREE(hole);
	EXPECT(!vma_covers(hole));
	EXPECT_EQ(4 * CHUNK, charge());
	EXPECT_EQ(4 * CHUNK, vm_pinned());
	EVENTUALLY(cgroup_stat("shmem") < before + (long)CHUNK);
	EXPECT(is_large(reserve_at(HERE, hole, 4 * CHUNK, READWRITE, WITH_LARGE), 4 * CHUNK));
}

TEST(E14_what_was_made_is_undone)
{
	need_root();
	cgroup_make();
	cgroup_write("memory.max", "50331648");
	IN_CHILD(asks_for_too_much, NULL);
	cgroup_write("memory.max", "max");
}

/* What others have goes to swap for it, in the cgroup too. */
static void asks_for_what_others_have(void *arg)
{
	const unsigned long length = 40UL << 20;
	char *others = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	EXPECT(others != MAP_FAILED);
	cgroup_enter();
	for (unsigned long at = 0; at < length; at += PAGE)
		others[at] = 1;
	dev = OPEN_DEVICE();
	EXPECT(is_large(reserve_large(LARGE), LARGE));
	EVENTUALLY(cgroup_stat("shmem") >= (long)LARGE);
	for (unsigned long at = 0; at < length; at += PAGE)
		EXPECT_EQ(1, others[at]);
}

TEST(others_make_room)
{
	need_root();
	swap_on();
	cgroup_make();
	cgroup_write("memory.max", "50331648");
	IN_CHILD(asks_for_what_others_have, NULL);
	cgroup_write("memory.max", "max");
}

/* Killed while it makes them: all is given back. */
static void asks_again_and_again(void *arg)
{
	volatile int *begun = arg;

	dev = OPEN_DEVICE();
	for (;;) {
		unsigned long base = reserve_large(GIB / 4);

		*begun = 1;
		release(base);
	}
}

TEST(whoever_is_killed_gives_it_back)
{
	unsigned long before = shmem_bytes();
	int *begun = shared_page();

	need_root();
	for (int i = 0; i < 6; i++) {
		pid_t child = start_child(asks_again_and_again, begun);

		EVENTUALLY(*(volatile int *)begun);
		usleep(i * 7000);
		EXPECT_OK(kill(child, SIGKILL));
		FINISH_KILLED(child, SIGKILL);
		*begun = 0;
	}
	munmap(begun, PAGE);
	EVENTUALLY(shmem_bytes() < before + LARGE);
}

/* Other processes: what counts is what the caller may do. */

static void has_large_memory(struct target *target, int step)
{
	switch (step) {
	case 1:
		EXPECT_OK(setgroups(0, NULL));
		EXPECT_OK(setresgid(NOBODY, NOBODY, NOBODY));
		EXPECT_OK(setresuid(NOBODY, NOBODY, NOBODY));
		EXPECT_ERRNO(ENOKEY, raw_large(0, CHUNK));
		break;
	case 2:
		EXPECT_EQ(LARGE, vm_pinned());
		EXPECT_EQ(LARGE, charge());
		EXPECT_EQ(LARGE, large(target->base, LARGE));
		EXPECT(zeroed(target->base, LARGE));
		fill(target->base, LARGE, 1);
		EXPECT_EQ(LARGE, huge_bytes());
		break;
	case 3:
		EXPECT_FREE(target->base);
		EXPECT_EQ(0, vm_pinned());
		EXPECT_EQ(0, charge());
		break;
	}
}

TEST(it_is_made_in_another_process)
{
	struct winmem_reserve args = reserve_args(0, LARGE, READWRITE, WITH_LARGE);
	struct winmem_decommit decommit;
	struct target *target;
	int own, fd;

	need_root();
	target = target_start(has_large_memory);
	fd = attach_to(target->pid);
	EXPECT_OK(fd);
	own = act_on(fd);
	EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &args));
	target->base = args.out_addr;
	decommit = decommit_args(args.out_addr, CHUNK);
	EXPECT_ERRNO(EFBIG, ioctl(dev, WINMEM_IOC_DECOMMIT, &decommit));
	EXPECT_ERRNO(EFBIG, raw_protect(args.out_addr, PAGE, READONLY));
	EXPECT_OK(raw_protect(args.out_addr, PAGE, READWRITE));
	EXPECT_EQ(0, vm_pinned());
	target_step(target);
	EXPECT_OK(raw_release(args.out_addr));
	target_step(target);
	act_on(own);
	close(fd);
	target_end(target);
}
