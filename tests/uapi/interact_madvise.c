// SPDX-License-Identifier: GPL-2.0-only
/*
 * madvise(2): each advice that there is, on pages of each kind. None may lose contents
 * that are committed, or open a page.
 */
#define _GNU_SOURCE
#include "common.h"

#include <sys/wait.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE		25
#endif
#ifndef MADV_PAGEOUT
#define MADV_COLD		20
#define MADV_PAGEOUT		21
#endif

#define LENGTH	(2 * GRAN)

static unsigned long base;

/* WWRW...: every fourth page READONLY, one NOACCESS, the last sixteen reserved. */
static void make(void)
{
	base = reserve(LENGTH + GRAN);
	commit(base, LENGTH, READWRITE);
	fill(base, LENGTH, 1);
	for (unsigned long offset = 2 * PAGE; offset < LENGTH; offset += 4 * PAGE)
		protect(base + offset, PAGE, READONLY);
	protect(base + 5 * PAGE, PAGE, NOACCESS);
}

static void check_intact(const char *at, int advice)
{
	for (unsigned long offset = 0; offset < LENGTH; offset += PAGE) {
		bool noaccess = offset == 5 * PAGE;
		bool readonly = offset % (4 * PAGE) == 2 * PAGE;

		if (noaccess ? try_read(base + offset) : !filled(base + offset, PAGE, 1))
			check_failed(at, "advice %d: page %lu", advice, offset / PAGE);
		if (readonly && try_write(base + offset, 1))
			check_failed(at, "advice %d: page %lu can be written", advice,
				     offset / PAGE);
		if (!readonly && !noaccess &&
		    !try_write(base + offset + 8, *(unsigned char *)(base + offset + 8)))
			check_failed(at, "advice %d: page %lu cannot be written", advice,
				     offset / PAGE);
	}
	for (unsigned long offset = LENGTH; offset < LENGTH + GRAN; offset += PAGE)
		if (try_read(base + offset))
			check_failed(at, "advice %d: a reserved page can be read", advice);
	check_run(at, base + LENGTH, GRAN, WINMEM_STATE_RESERVE, 0);
	protect_at(at, base + 5 * PAGE, PAGE, READWRITE);
	if (!filled(base + 5 * PAGE, PAGE, 1))
		check_failed(at, "advice %d: the page that was NOACCESS", advice);
	protect_at(at, base + 5 * PAGE, PAGE, NOACCESS);
}

/* HWPOISON and SOFT_OFFLINE break pages for all, and root may: not these two. */
TEST(sec09_no_advice_loses_contents_or_opens_a_page)
{
	make();
	for (int advice = 0; advice < 64; advice++) {
		madvise((void *)base, LENGTH + GRAN, advice);
		check_intact(HERE, advice);
		madvise((void *)(base + PAGE), 3 * PAGE, advice);
		check_intact(HERE, advice);
	}
	EXPECT_EQ(LENGTH, charge());
}

TEST(sec09_REMOVE_is_refused)
{
	make();
	EXPECT_EQ(-1ULL, (long)madvise((void *)base, LENGTH, MADV_REMOVE));
	EXPECT_EQ(-1ULL, (long)madvise((void *)(base + PAGE), PAGE, MADV_REMOVE));
	check_intact(HERE, MADV_REMOVE);
}

TEST(DONTNEED_unmaps_and_nothing_more)
{
	make();
	EXPECT_OK(madvise((void *)base, LENGTH, MADV_DONTNEED));
	check_intact(HERE, MADV_DONTNEED);
}

TEST(FREE_and_WIPEONFORK_are_for_anonymous_memory)
{
	make();
	EXPECT_ERRNO(EINVAL, madvise((void *)base, LENGTH, MADV_FREE));
	EXPECT_ERRNO(EINVAL, madvise((void *)base, LENGTH, MADV_WIPEONFORK));
	check_intact(HERE, MADV_FREE);
}

TEST(POPULATE_fetches_what_may_be_touched_and_no_more)
{
	unsigned char resident[4];

	base = reserve(GRAN);
	commit(base, 2 * PAGE, READWRITE);
	commit(base + 2 * PAGE, PAGE, READONLY);
	if (madvise((void *)base, PAGE, MADV_POPULATE_WRITE))
		skip_because("no MADV_POPULATE_WRITE: %s", strerror(errno));
	EXPECT_OK(madvise((void *)(base + PAGE), 2 * PAGE, MADV_POPULATE_READ));
	EXPECT_OK(mincore((void *)base, 4 * PAGE, resident));
	EXPECT(resident[0] & resident[1] & resident[2] & 1);
	EXPECT_EQ(0, resident[3] & 1);

	EXPECT_EQ(-1ULL, (long)madvise((void *)(base + 2 * PAGE), PAGE, MADV_POPULATE_WRITE));
	EXPECT_EQ(-1ULL, (long)madvise((void *)(base + 3 * PAGE), PAGE, MADV_POPULATE_READ));
	EXPECT_EQ(-1ULL, (long)madvise((void *)base, GRAN, MADV_POPULATE_WRITE));
	EXPECT(!try_write(base + 2 * PAGE, 1));
	EXPECT(!try_read(base + 3 * PAGE));
	EXPECT_RESERVED(base + 3 * PAGE, GRAN - 3 * PAGE);
}

TEST(a_guard_does_not_survive_POPULATE_or_stops_it)
{
	base = reserve_commit(GRAN, READWRITE);
	protect(base, PAGE, READWRITE | GUARD);
	EXPECT_EQ(-1ULL, (long)madvise((void *)base, 2 * PAGE, MADV_POPULATE_READ));
	/* Taken or not, it fires at most once more. */
	try_read(base);
	EXPECT(try_read(base));
}

/* Huge pages would bypass the states of 511 pages. */
static void alternate_in_chunk(const char *at, unsigned long chunk)
{
	for (unsigned long offset = 0; offset < CHUNK; offset += 2 * PAGE)
		protect_at(at, chunk + offset, PAGE, READONLY);
	for (unsigned long offset = 0; offset < CHUNK; offset += PAGE) {
		bool readonly = offset % (2 * PAGE) == 0;

		if (try_write(chunk + offset, 1) == readonly)
			check_failed(at, "page %lu of a block", offset / PAGE);
	}
}

TEST(sec08_HUGEPAGE_and_COLLAPSE_make_no_huge_page)
{
	unsigned long chunk, addr;

	addr = reserve_commit(8 * CHUNK, READWRITE);
	chunk = (addr + CHUNK - 1) & -CHUNK;
	madvise((void *)addr, 8 * CHUNK, MADV_HUGEPAGE);
	fill(chunk, CHUNK, 1);
	alternate_in_chunk(HERE, chunk);

	fill(chunk + CHUNK, 2 * CHUNK, 2);
	madvise((void *)addr, 8 * CHUNK, MADV_COLLAPSE);
	EXPECT(filled(chunk + CHUNK, 2 * CHUNK, 2));
	alternate_in_chunk(HERE, chunk + CHUNK);
	madvise((void *)(chunk + CHUNK), 2 * CHUNK, MADV_COLLAPSE);
	for (unsigned long offset = 0; offset < CHUNK; offset += 2 * PAGE)
		EXPECT(!try_write(chunk + CHUNK + offset, 1));
	EXPECT(filled(chunk + 2 * CHUNK, CHUNK, 2));
}

static void touch_parents_memory(void *arg)
{
	unsigned long addr = (unsigned long)arg;

	for (unsigned long offset = 0; offset < LENGTH + GRAN; offset += PAGE) {
		EXPECT(!try_read(addr + offset));
		EXPECT(!try_write(addr + offset, 1));
		EXPECT(!try_exec(addr + offset));
	}
}

TEST(sec04_DOFORK_does_not_give_memory_to_the_child)
{
	struct vma window;

	make();
	EXPECT(vma_find(base, &window));
	/* The whole mapping, or the part: the child has one, and cannot use it. */
	if (madvise((void *)window.start, window.end - window.start, MADV_DOFORK))
		EXPECT(errno == EINVAL || errno == EPERM);
	IN_CHILD(touch_parents_memory, (void *)base);
	check_intact(HERE, MADV_DOFORK);
	madvise((void *)window.start, window.end - window.start, MADV_DONTFORK);
	IN_CHILD(touch_parents_memory, (void *)base);
	madvise((void *)(base + PAGE), 4 * PAGE, MADV_DOFORK);
	IN_CHILD(touch_parents_memory, (void *)base);
	madvise((void *)(base + PAGE), 4 * PAGE, MADV_DONTFORK);
	check_intact(HERE, MADV_DONTFORK);
}

/* The child's calls on such a mapping of the parent's, and what its exit leaves. */
static void handle_parents_memory(void *arg)
{
	unsigned long addr = (unsigned long)arg;

	dev = OPEN_DEVICE();
	EXPECT_ERRNO(ENOENT, raw_commit(addr, PAGE, READWRITE));
	EXPECT_EQ(-1ULL, (long)raw_protect(addr, PAGE, READWRITE));
	EXPECT_EQ(-1ULL, (long)raw_release(addr));
	query(addr);
	mprotect((void *)addr, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	EXPECT(!try_read(addr));
	madvise((void *)addr, LENGTH, MADV_DONTNEED);
	madvise((void *)addr, LENGTH, MADV_REMOVE);
	madvise((void *)addr, LENGTH, MADV_PAGEOUT);
	munmap((void *)addr, PAGE);
}

TEST(sec04_the_child_cannot_handle_a_mapping_it_got_by_DOFORK)
{
	struct vma window;

	make();
	EXPECT(vma_find(base, &window));
	madvise((void *)window.start, window.end - window.start, MADV_DOFORK);
	IN_CHILD(handle_parents_memory, (void *)base);
	madvise((void *)window.start, window.end - window.start, MADV_DONTFORK);
	check_intact(HERE, MADV_DOFORK);
}

static void hold_the_mapping(void *arg)
{
	volatile int *go = arg;

	while (!*go)
		usleep(1000);
}

struct orphan {
	volatile int go;
	volatile pid_t child;
};

static void parent_that_dies_first(void *arg)
{
	struct orphan *orphan = arg;
	struct vma window;

	dev = OPEN_DEVICE();
	make();
	EXPECT(vma_find(base, &window));
	madvise((void *)window.start, window.end - window.start, MADV_DOFORK);
	orphan->child = start_child(hold_the_mapping, (void *)&orphan->go);
}

/* The child's mapping is then all that is left of the space. */
TEST(sec04_the_parent_dies_before_the_child_that_has_its_mapping)
{
	struct orphan *orphan = shared_page();
	unsigned long before = limit_at(HERE, 0, 0).out_total_charge;

	IN_CHILD(parent_that_dies_first, orphan);
	EXPECT(orphan->child > 0);
	EXPECT_OK(kill(orphan->child, 0));
	orphan->go = 1;
	EVENTUALLY(limit_at(HERE, 0, 0).out_total_charge == before);
	munmap(orphan, PAGE);
}

TEST(advice_that_splits_mappings_can_be_taken_back)
{
	unsigned int before;

	/* A place that no earlier test has given advice on. */
	base = reserve_at(HERE, find_hole(LENGTH), LENGTH, READWRITE, WINMEM_RESERVE_COMMIT);
	fill(base, LENGTH, 1);
	before = vma_count();
	EXPECT_OK(madvise((void *)(base + PAGE), PAGE, MADV_RANDOM));
	EXPECT_EQ(before + 2, vma_count());
	EXPECT_OK(madvise((void *)(base + PAGE), PAGE, MADV_NORMAL));
	EXPECT_EQ(before, vma_count());
	EXPECT(filled(base, LENGTH, 1));
}
