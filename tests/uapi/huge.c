// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large reservations: which of them get huge pages, and that each page of a block has its own
 * state whatever maps it.
 */
#define _GNU_SOURCE
#include "huge.h"

#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

/* In linux/userfaultfd.h of 6.7. */
#define UFFD_WP_UNPOPULATED	(1UL << 13)
#define UFFD_WP_ASYNC		(1UL << 15)

#define SEED	7

/* A page in the middle of a block that is huge. */
static unsigned long inside(unsigned long base)
{
	return base + 3 * CHUNK + 100 * PAGE;
}

/* All of it is as it was filled, but for one range. */
static bool filled_around(unsigned long base, unsigned long hole, unsigned long length)
{
	return filled(base, hole - base, SEED) &&
	       filled(hole + length, base + LARGE - hole - length, SEED);
}

TEST(memory_filled_in_order_gets_huge_pages)
{
	unsigned long base = large_filled(SEED);

	need_huge_blocks();
	EXPECT(!(base % CHUNK));
	EXPECT_EQ(LARGE - CHUNK, huge_bytes());
	EXPECT(filled(base, LARGE, SEED));
	release(base);
	EXPECT_EQ(0, huge_bytes());
}

TEST(memory_filled_from_its_end_gets_huge_pages)
{
	unsigned long base = reserve_commit(LARGE, READWRITE);

	need_huge_blocks();
	for (unsigned long at = base + LARGE; at > base; at -= PAGE)
		EXPECT(try_write(at - 1, 1));
	EXPECT_EQ(LARGE - CHUNK, huge_bytes());
}

TEST(memory_that_is_read_first_can_be_written)
{
	unsigned long base = reserve_commit(LARGE, READWRITE);

	need_huge_blocks();
	EXPECT(zeroed(base, LARGE));
	EXPECT_EQ(LARGE - CHUNK, huge_bytes());
	fill(base, LARGE, SEED);
	EXPECT(filled(base, LARGE, SEED));
	EXPECT_EQ(LARGE - CHUNK, huge_bytes());
}

TEST(scattered_touches_take_no_more_than_their_pages)
{
	unsigned long base = reserve_commit(GIB, READWRITE);
	unsigned long before = resident_bytes(), nr = 2000;

	for (unsigned long i = 0; i < nr; i++)
		EXPECT(try_write(base + i * 7919 % (GIB / PAGE) * PAGE, 1));
	EXPECT_EQ(0, huge_bytes());
	EXPECT(resident_bytes() - before <= nr * PAGE * 11 / 10);
}

TEST(small_and_watched_reservations_have_none)
{
	unsigned long small = reserve_commit(2 * CHUNK - GRAN, READWRITE);
	unsigned long watched = reserve_at(HERE, 0, LARGE, READWRITE,
					   WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_WATCH);

	fill(small, 2 * CHUNK - GRAN, SEED);
	fill(watched, LARGE, SEED);
	EXPECT_EQ(0, huge_bytes());
}

TEST(blocks_committed_by_parts_are_small)
{
	unsigned long base = reserve(LARGE);

	for (unsigned long at = base; at < base + LARGE; at += GRAN) {
		commit(at, GRAN, READWRITE);
		fill(at, GRAN, SEED);
	}
	EXPECT_EQ(0, huge_bytes());
	EXPECT(filled(base, LARGE, SEED));
}

TEST(one_page_is_made_read_only)
{
	unsigned long base = large_filled(SEED), page = inside(base);

	HUGE_OR_SKIP(LARGE - CHUNK);
	EXPECT_EQ(READWRITE, protect(page, PAGE, READONLY));
	EXPECT_EQ(LARGE - 2 * CHUNK, huge_bytes());
	EXPECT(!try_write(page, 1));
	EXPECT(try_read(page));
	EXPECT(try_write(page - 1, byte_at(page - 1)));
	EXPECT(try_write(page + PAGE, byte_at(page + PAGE)));
	EXPECT(!try_write(page, 1));
	EXPECT(filled(base, LARGE, SEED));

	EXPECT_EQ(READONLY, protect(page, PAGE, READWRITE));
	fill(page, PAGE, SEED + 1);
	EXPECT(filled(page, PAGE, SEED + 1));
	EXPECT(filled_around(base, page, PAGE));
}

TEST(a_system_call_sees_one_page_that_is_read_only)
{
	unsigned long base = large_filled(SEED), page = inside(base);
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	protect(page, PAGE, READONLY);
	EXPECT_OK(zero);
	EXPECT_ERRNO(EFAULT, read(zero, (void *)page, PAGE));
	EXPECT_EQ(PAGE, read(zero, (void *)(page - PAGE), 2 * PAGE));
	close(zero);
	EXPECT(filled(page, PAGE, SEED));
	EXPECT(zeroed(page - PAGE, PAGE));
}

TEST(one_page_is_closed)
{
	unsigned long base = large_filled(SEED), page = inside(base);

	protect(page, PAGE, NOACCESS);
	EXPECT(!try_read(page));
	EXPECT(!try_write(page, 1));
	EXPECT(filled_around(base, page, PAGE));
	EXPECT(!try_read(page));
	protect(page, PAGE, READWRITE);
	EXPECT(filled(base, LARGE, SEED));
}

TEST(one_page_has_a_guard)
{
	unsigned long base = large_filled(SEED), page = inside(base);

	protect(page, PAGE, READWRITE | GUARD);
	EXPECT(filled_around(base, page, PAGE));
	EXPECT_COMMITTED(page, PAGE, READWRITE | GUARD);
	EXPECT(!try_read(page));
	EXPECT(try_read(page));
	EXPECT(filled(base, LARGE, SEED));
}

TEST(a_block_is_made_read_only_and_back)
{
	unsigned long base = large_filled(SEED);

	HUGE_OR_SKIP(LARGE - CHUNK);
	protect(base, LARGE, READONLY);
	for (unsigned long at = base; at < base + LARGE; at += CHUNK / 2)
		EXPECT(!try_write(at, 1));
	EXPECT(filled(base, LARGE, SEED));
	EXPECT_EQ(LARGE - CHUNK, huge_bytes());
	for (unsigned long at = base; at < base + LARGE; at += CHUNK / 2)
		EXPECT(!try_write(at, 1));
	protect(base, LARGE, READWRITE);
	fill(base, LARGE, SEED + 1);
	EXPECT(filled(base, LARGE, SEED + 1));
	EXPECT_EQ(LARGE - CHUNK, huge_bytes());
}

/* One page of it goes and comes again, zero; the others stay. */
static void decommit_one(unsigned long base, unsigned long page)
{
	unsigned long before = charge();

	decommit(page, PAGE);
	EXPECT_EQ(before - PAGE, charge());
	EXPECT(!try_read(page));
	EXPECT(filled_around(base, page, PAGE));
	commit(page, PAGE, READWRITE);
	EXPECT(zeroed(page, PAGE));
	EXPECT(filled_around(base, page, PAGE));
}

TEST(one_page_is_decommitted)
{
	unsigned long base = large_filled(SEED);

	decommit_one(base, inside(base));
}

TEST(memory_of_a_part_that_is_decommitted_is_given_back)
{
	unsigned long base = large_filled(SEED), half = CHUNK / 2;
	unsigned long before = number_of("/proc/meminfo", "Shmem:");

	for (unsigned long block = 1; block < BLOCKS; block++)
		decommit(base + block * CHUNK, half);
	EXPECT(number_of("/proc/meminfo", "Shmem:") + (BLOCKS - 2) * half / 1024 <= before);
	for (unsigned long block = 1; block < BLOCKS; block++)
		EXPECT(filled(base + block * CHUNK + half, half, SEED));
}

TEST(a_block_that_comes_again_is_zero_and_huge)
{
	unsigned long base = large_filled(SEED);

	HUGE_OR_SKIP(LARGE - CHUNK);
	decommit(base + 2 * CHUNK, 3 * CHUNK);
	EXPECT_EQ(LARGE - 4 * CHUNK, huge_bytes());
	commit(base + 2 * CHUNK, 3 * CHUNK, READWRITE);
	EXPECT(zeroed(base + 2 * CHUNK, 3 * CHUNK));
	EXPECT_EQ(LARGE - CHUNK, huge_bytes());
	EXPECT(filled_around(base, base + 2 * CHUNK, 3 * CHUNK));
}

TEST(a_part_is_reset_and_kept)
{
	unsigned long base = large_filled(SEED), page = inside(base);

	reset(page, PAGE);
	EXPECT(filled_around(base, page, PAGE));
	reset_undo(page, PAGE);
	EXPECT(filled(base, LARGE, SEED));
}

TEST(blocks_are_reset_and_kept)
{
	unsigned long base = large_filled(SEED);

	reset(base, LARGE);
	/* Memory enough: nobody drops them. */
	reset_undo(base, LARGE);
	EXPECT(filled(base, LARGE, SEED));
	reset(base + CHUNK / 2, LARGE - CHUNK);
	fill(base, LARGE, SEED + 1);
	EXPECT(filled(base, LARGE, SEED + 1));
	reset_undo(base + CHUNK / 2, LARGE - CHUNK);
	EXPECT(filled(base, LARGE, SEED + 1));
}

/* Nothing is lost of what was never written. */
TEST(blocks_that_were_only_read_are_reset)
{
	unsigned long base = reserve_commit(LARGE, READWRITE);

	EXPECT(zeroed(base, LARGE));
	reset(base, LARGE);
	EXPECT(zeroed(base, LARGE));
	fill(base, LARGE, SEED);
	EXPECT(filled(base, LARGE, SEED));
	reset_undo(base, LARGE);
	EXPECT(filled(base, LARGE, SEED));
}

TEST(blocks_and_parts_are_offered)
{
	unsigned long base = large_filled(SEED), page = inside(base);

	offer(page, PAGE);
	EXPECT(!try_read(page));
	EXPECT(filled_around(base, page, PAGE));
	reclaim(page, PAGE);
	EXPECT(filled(base, LARGE, SEED));

	offer(base + CHUNK, 2 * CHUNK);
	EXPECT(!try_write(base + CHUNK, 1));
	EXPECT(!try_read(base + 3 * CHUNK - 1));
	reclaim(base + CHUNK, 2 * CHUNK);
	EXPECT(filled(base, LARGE, SEED));
}

TEST(parts_are_locked)
{
	unsigned long base = large_filled(SEED), page = inside(base);

	lock(page, 4 * PAGE);
	EXPECT_EQ(4 * PAGE, locked(base, LARGE));
	/* What is pinned cannot be split: its part is zero all the same. */
	decommit(page + 8 * PAGE, PAGE);
	commit(page + 8 * PAGE, PAGE, READWRITE);
	EXPECT(zeroed(page + 8 * PAGE, PAGE));
	EXPECT(filled_around(base, page + 8 * PAGE, PAGE));
	decommit(page, PAGE);
	EXPECT_EQ(3 * PAGE, locked(base, LARGE));
	commit(page, PAGE, READWRITE);
	EXPECT(zeroed(page, PAGE));
	unlock(page + PAGE, 3 * PAGE);
	EXPECT(filled(base, page - base, SEED));
}

TEST(one_page_is_made_executable)
{
	unsigned long base = large_filled(SEED), page = inside(base);

	put_return(page);
	EXPECT(!try_exec(page));
	protect(page, PAGE, EXECUTE_READ);
	EXPECT(try_exec(page));
	EXPECT(!try_write(page, 1));
	EXPECT(!try_exec(page + PAGE));
	EXPECT(filled_around(base, page, PAGE));
	protect(page, PAGE, READWRITE);
	EXPECT(!try_exec(page));
	EXPECT(filled_around(base, page, PAGE));
}

TEST(nobody_else_makes_or_moves_huge_pages)
{
	unsigned long base = reserve_commit(LARGE, READWRITE);
	void *there = (void *)(base + CHUNK);

	/* Every second page differs, and stays so. */
	for (unsigned long at = base; at < base + LARGE; at += 2 * PAGE) {
		EXPECT(try_write(at, 1));
		protect(at, PAGE, READONLY);
	}
	EXPECT_EQ(0, madvise(there, CHUNK, MADV_HUGEPAGE));
	EXPECT_EQ(-1, madvise(there, CHUNK, MADV_COLLAPSE));
	EXPECT_EQ(-1, (long)mremap(there, CHUNK, 2 * CHUNK, 0));
	EXPECT_EQ(0, huge_bytes());
	for (unsigned long at = base; at < base + LARGE; at += 16 * PAGE) {
		EXPECT(!try_write(at, 1));
		EXPECT(try_write(at + PAGE, 1));
	}
}

TEST(madvise_changes_no_state)
{
	unsigned long base = large_filled(SEED), page = inside(base);

	protect(page, PAGE, READONLY);
	EXPECT_OK(madvise((void *)base, LARGE, MADV_NOHUGEPAGE));
	EXPECT(!try_write(page, 1));
	EXPECT_OK(madvise((void *)base, LARGE, MADV_HUGEPAGE));
	EXPECT_OK(madvise((void *)base, LARGE, MADV_DONTNEED));
	EXPECT(filled(base, LARGE, SEED));
	EXPECT(!try_write(page, 1));
	EXPECT(try_write(page + PAGE, byte_at(page + PAGE)));
	EXPECT(!try_write(page, 1));
}

TEST(a_part_that_the_program_unmaps_can_be_released)
{
	unsigned long base = large_filled(SEED), next;

	EXPECT_OK(munmap((void *)inside(base), 2 * CHUNK));
	EXPECT(!try_read(inside(base)));
	EXPECT(filled(base, inside(base) - base, SEED));
	release(base);
	next = large_filled(SEED + 1);
	EXPECT(filled(next, LARGE, SEED + 1));
}

TEST(a_fixed_reservation_beside_a_large_one)
{
	unsigned long base = large_filled(SEED), end = base + LARGE, small;

	release(base);
	/* Where a large one was, any kind may come. */
	small = reserve_fixed(base + CHUNK + GRAN, 3 * GRAN);
	commit(small, 3 * GRAN, READWRITE);
	fill(small, 3 * GRAN, SEED);
	base = reserve_at(HERE, base + 2 * CHUNK, LARGE - 2 * CHUNK, READWRITE,
			  WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_WATCH);
	fill(base, end - base, SEED);
	EXPECT_EQ(0, huge_bytes());
	EXPECT(filled(small, 3 * GRAN, SEED));
	EXPECT(filled(base, end - base, SEED));
}

/* It begins where a window of small pages ends, and goes on where there was none. */
TEST(a_reservation_half_in_a_window_of_small_pages)
{
	unsigned long length = GRAN + LARGE, base, seam;
	struct vma window;

	EXPECT(vma_find(reserve(GRAN), &window));
	seam = window.end;
	if (vma_find(seam, &window) && window.start < seam + LARGE)
		skip_because("something is behind the window");
	base = reserve_fixed(seam - GRAN, length);
	commit(base, length, READWRITE);
	fill(base, length, SEED);
	protect(seam - PAGE, 2 * PAGE, READONLY);
	EXPECT(!try_write(seam - 1, 1));
	EXPECT(!try_write(seam, 1));
	EXPECT(try_write(seam + PAGE, byte_at(seam + PAGE)));
	EXPECT(filled(base, length, SEED));
	protect(seam - PAGE, 2 * PAGE, READWRITE);
	reset(base, length);
	reset_undo(base, length);
	EXPECT(filled(base, length, SEED));
	decommit(seam - PAGE, 2 * PAGE);
	EXPECT(!try_read(seam - 1));
	EXPECT(!try_read(seam));
	EXPECT(filled(seam + PAGE, LARGE - PAGE, SEED));
	release(base);
	EXPECT_EQ(0, charge());
	EXPECT_FREE(base);
}

TEST(the_memory_outlives_the_descriptor)
{
	unsigned long base = large_filled(SEED);

	close(dev);
	EXPECT(filled(base, LARGE, SEED));
	fill(base, LARGE, SEED + 1);
	dev = OPEN_DEVICE();
	EXPECT_COMMITTED(base, LARGE, READWRITE);
	EXPECT(filled(base, LARGE, SEED + 1));
}

/* Somebody else's reference keeps the huge page from being split. */
TEST(one_page_that_a_pipe_holds_is_decommitted)
{
	unsigned long base = large_filled(SEED), page = inside(base);
	struct iovec iov = { (void *)page, PAGE };
	unsigned char copy[PAGE];
	int pipes[2];

	EXPECT_OK(pipe2(pipes, O_CLOEXEC));
	EXPECT_EQ(PAGE, vmsplice(pipes[1], &iov, 1, 0));
	decommit_one(base, page);
	fill(page, PAGE, SEED);
	EXPECT_EQ(PAGE, read(pipes[0], copy, sizeof(copy)));
	EXPECT(filled(base, LARGE, SEED));
	/* And all of it goes, page in the pipe or not. */
	EXPECT_EQ(PAGE, vmsplice(pipes[1], &iov, 1, 0));
	release(base);
	EXPECT_EQ(0, huge_bytes());
	base = reserve_commit(LARGE, READWRITE);
	EXPECT(zeroed(base, LARGE));
	EXPECT_EQ(PAGE, read(pipes[0], copy, sizeof(copy)));
	EXPECT(zeroed(base, LARGE));
	close(pipes[0]);
	close(pipes[1]);
}

/* The kernel may not pin what page_mkwrite watches over; where it does, contents stay apart. */
TEST(io_uring_gets_no_hold_of_what_is_decommitted)
{
	struct io_uring_params params = {};
	int ring = syscall(SYS_io_uring_setup, 1, &params);
	unsigned long base, page;
	struct iovec iov;

	if (ring < 0)
		skip_because("io_uring_setup: %s", strerror(errno));
	base = large_filled(SEED);
	page = inside(base);
	iov = (struct iovec) { (void *)page, 4 * PAGE };
	syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &iov, 1);
	EXPECT(filled(base, LARGE, SEED));
	decommit_one(base, page);
	protect(page + PAGE, PAGE, READONLY);
	EXPECT(!try_write(page + PAGE, 1));
	release(base);
	close(ring);
	EXPECT_EQ(0, charge());
}

static int uffd_of(unsigned long base)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_WP_ASYNC | UFFD_WP_UNPOPULATED };
	struct uffdio_register args = {
		.range = { base, LARGE }, .mode = UFFDIO_REGISTER_MODE_WP,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		return -1;
	/* Later 6.12 refuses VM_DONTEXPAND, which huge windows have; then nothing is marked below. */
	if (ioctl(fd, UFFDIO_REGISTER, &args))
		EXPECT_EQ(EINVAL, errno);
	return fd;
}

/* Newer kernels can mark PTEs of any mapping, or of most; empty ones too. */
TEST(userfaultfd_marks_a_part_of_a_block)
{
	unsigned long base = large_filled(SEED), page = inside(base);
	struct uffdio_writeprotect mark = {
		.range = { page, 4 * PAGE }, .mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};
	int fd = uffd_of(base);

	if (fd < 0)
		skip_because("no asynchronous write protection here");
	for (int i = 0; i < 3; i++) {
		ioctl(fd, UFFDIO_WRITEPROTECT, &mark);
		EXPECT(filled(base, LARGE, SEED));
		fill(page, 8 * PAGE, SEED);
		/* Where nothing is mapped, the marks stand in empty entries. */
		decommit(page + PAGE, PAGE);
		ioctl(fd, UFFDIO_WRITEPROTECT, &mark);
		EXPECT(!try_read(page + PAGE));
		commit(page + PAGE, PAGE, READWRITE);
		EXPECT(zeroed(page + PAGE, PAGE));
		fill(page + PAGE, PAGE, SEED);
		EXPECT(filled(base, LARGE, SEED));
		protect(page + 2 * PAGE, PAGE, READONLY);
		ioctl(fd, UFFDIO_WRITEPROTECT, &mark);
		EXPECT(!try_write(page + 2 * PAGE, 1));
		protect(page + 2 * PAGE, PAGE, READWRITE);
		fill(page + 2 * PAGE, PAGE, SEED);
	}
	/* Of a block that is empty, and of one that comes anew. */
	decommit(base + 5 * CHUNK, CHUNK);
	mark.range = (struct uffdio_range) { base + 5 * CHUNK, CHUNK };
	ioctl(fd, UFFDIO_WRITEPROTECT, &mark);
	EXPECT(!try_read(base + 5 * CHUNK));
	commit(base + 5 * CHUNK, CHUNK, READWRITE);
	EXPECT(zeroed(base + 5 * CHUNK, CHUNK));
	fill(base + 5 * CHUNK, CHUNK, SEED);
	EXPECT(filled(base, LARGE, SEED));
	close(fd);
	EXPECT(filled(base, LARGE, SEED));
	release(base);
}

static void child_cannot_touch(void *arg)
{
	EXPECT(!try_read((unsigned long)arg));
	EXPECT(!try_write((unsigned long)arg, 1));
}

TEST(a_child_that_inherits_the_mapping_sees_nothing)
{
	unsigned long base = large_filled(SEED);

	inherit(base, LARGE);
	IN_CHILD(child_cannot_touch, (void *)inside(base));
	EXPECT(filled(base, LARGE, SEED));
}

static void *fill_share(void *arg)
{
	unsigned long base = (unsigned long)arg;

	fill(base, LARGE / 2, SEED);
	return NULL;
}

TEST(two_threads_fill_a_share_each)
{
	unsigned long base = reserve_commit(LARGE, READWRITE);
	pthread_t thread;

	need_huge_blocks();
	EXPECT_EQ(0, pthread_create(&thread, NULL, fill_share, (void *)base));
	fill_share((void *)(base + LARGE / 2));
	pthread_join(thread, NULL);
	EXPECT(filled(base, LARGE, SEED));
	EXPECT(huge_bytes() >= LARGE - 3 * CHUNK);
}
