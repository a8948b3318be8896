// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page that counts the changes of what QUERY says: who may map it and how, what makes the
 * count go up, and what does not.
 */
#define _GNU_SOURCE
#include "remote.h"

#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

static const volatile struct winmem_changes *map_it(const char *at, int fd)
{
	void *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	if (page == MAP_FAILED)
		check_failed(at, "mmap: %s", strerror(errno));
	return page;
}

#define MAP_IT(fd)	map_it(HERE, fd)

static void unmap_it(const volatile struct winmem_changes *changes)
{
	EXPECT_OK(munmap((void *)changes, PAGE));
}

TEST(sec01_one_page_for_reading_is_all_there_is)
{
	const struct { int prot, flags; unsigned long length, offset; int err; } cases[] = {
		{ PROT_READ | PROT_WRITE, MAP_SHARED, PAGE, 0, EACCES },
		{ PROT_WRITE, MAP_SHARED, PAGE, 0, EACCES },
		{ PROT_READ | PROT_EXEC, MAP_SHARED, PAGE, 0, EACCES },
		{ PROT_READ, MAP_PRIVATE, PAGE, 0, EINVAL },
		{ PROT_READ, MAP_SHARED, 2 * PAGE, 0, EINVAL },
		{ PROT_READ, MAP_SHARED, PAGE, PAGE, EINVAL },
		{ PROT_READ, MAP_SHARED, PAGE, 1UL << 46, EINVAL },
	};
	unsigned int before = vma_count();
	void *page;

	for (unsigned int i = 0; i < ARRAY_LEN(cases); i++) {
		errno = 0;
		page = mmap(NULL, cases[i].length, cases[i].prot, cases[i].flags, dev,
			    cases[i].offset);
		EXPECT(page == MAP_FAILED);
		EXPECT_EQ(cases[i].err, errno);
	}
	EXPECT_EQ(before, vma_count());
	unmap_it(MAP_IT(dev));
	EXPECT_EQ(before, vma_count());
}

TEST(sec01_nothing_is_behind_the_count)
{
	const volatile struct winmem_changes *changes = MAP_IT(dev);

	EXPECT(changes->count);
	for (unsigned long at = sizeof(*changes); at < PAGE; at += 8)
		EXPECT_EQ(0, *(const volatile unsigned long *)((unsigned long)changes + at));
	unmap_it(changes);
}

TEST(sec08_it_cannot_be_made_writable_or_executable)
{
	const volatile struct winmem_changes *changes = MAP_IT(dev);
	unsigned long count = changes->count, junk = ~count;
	struct iovec from = { &junk, 8 }, to = { (void *)changes, 8 };
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	EXPECT_ERRNO(EACCES, mprotect((void *)changes, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_ERRNO(EACCES, mprotect((void *)changes, PAGE, PROT_READ | PROT_EXEC));
	EXPECT(!try_write((unsigned long)changes, 1));
	EXPECT_ERRNO(EFAULT, read(zero, (void *)changes, 8));
	EXPECT_ERRNO(EFAULT, process_vm_writev(getpid(), &from, 1, &to, 1, 0));
	EXPECT_EQ(count, changes->count);
	EXPECT_OK(mprotect((void *)changes, PAGE, PROT_NONE));
	EXPECT(!try_read((unsigned long)changes));
	EXPECT_OK(mprotect((void *)changes, PAGE, PROT_READ));
	EXPECT_EQ(count, changes->count);
	close(zero);
	unmap_it(changes);
}

/* A debugger may write what its program may not (FOLL_FORCE), but not this. */
static void counts_and_stops(void *arg)
{
	const volatile struct winmem_changes **changes = arg;

	dev = OPEN_DEVICE();
	*changes = MAP_IT(dev);
	EXPECT((*changes)->count);
	EXPECT_OK(ptrace(PTRACE_TRACEME, 0, 0, 0));
	raise(SIGSTOP);
}

TEST(sec11_not_by_a_debugger_either)
{
	const volatile struct winmem_changes **changes = shared_page();
	pid_t child = start_child(counts_and_stops, changes);
	unsigned long count;
	int status;

	EXPECT_EQ(child, waitpid(child, &status, 0));
	EXPECT(WIFSTOPPED(status));
	errno = 0;
	count = ptrace(PTRACE_PEEKDATA, child, *changes, 0);
	EXPECT_EQ(0, errno);
	EXPECT(count);
	EXPECT_ERRNO(EIO, ptrace(PTRACE_POKEDATA, child, *changes, 1));
	EXPECT_EQ(count, (unsigned long)ptrace(PTRACE_PEEKDATA, child, *changes, 0));
	EXPECT_OK(ptrace(PTRACE_CONT, child, 0, 0));
	FINISH(child);
}

TEST(sec05_it_moves_and_does_not_grow)
{
	const volatile struct winmem_changes *changes = MAP_IT(dev), *moved;
	unsigned long count = changes->count;
	void *place = (void *)find_hole(PAGE);

	EXPECT(mremap((void *)changes, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	/* Nor does a second mapping come of the first. */
	EXPECT(mremap((void *)changes, 0, PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	moved = mremap((void *)changes, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place);
	EXPECT(moved == place);
	EXPECT_EQ(count, moved->count);
	EXPECT_OK(madvise((void *)moved, PAGE, MADV_DONTNEED));
	EXPECT_EQ(count, moved->count);
	unmap_it(moved);
}

static void opens_the_inherited(void *arg)
{
	(void)arg;
	EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, dev, 0) == MAP_FAILED);
	EXPECT_EQ(EPERM, errno);
}

TEST(sec14_nobody_else_may_map_it)
{
	IN_CHILD(opens_the_inherited, NULL);
}

/* What its parent has kept is not for the child to believe. */
static void reads_zeros(void *arg)
{
	const volatile struct winmem_changes *inherited = arg, *mine;

	for (unsigned long at = 0; at < PAGE; at += 8)
		EXPECT_EQ(0, *(const volatile unsigned long *)((unsigned long)inherited + at));
	dev = OPEN_DEVICE();
	mine = MAP_IT(dev);
	EXPECT(mine->count);
	release(reserve_commit(GRAN, READWRITE));
	EXPECT_EQ(0, inherited->count);
}

TEST(sec04_a_child_reads_0)
{
	const volatile struct winmem_changes *changes = MAP_IT(dev);
	unsigned long count = changes->count;

	EXPECT(count);
	IN_CHILD(reads_zeros, (void *)changes);
	EXPECT_EQ(count, changes->count);
	/* One that was not touched before the fork, too. */
	unmap_it(changes);
	changes = MAP_IT(dev);
	IN_CHILD(reads_zeros, (void *)changes);
	EXPECT(changes->count);
	unmap_it(changes);
}

/* One address space, one count. */
TEST(sec04_a_vfork_child_reads_what_its_parent_does)
{
	const volatile struct winmem_changes *changes = MAP_IT(dev);
	unsigned long count = changes->count;
	int status;
	pid_t child = vfork();

	if (!child)
		_exit(changes->count != count);
	EXPECT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	unmap_it(changes);
}

static void opens_and_tells(void *arg)
{
	unsigned long *count = arg;

	dev = OPEN_DEVICE();
	*count = MAP_IT(dev)->count;
}

TEST(no_two_processes_begin_with_the_same)
{
	unsigned long *counts = shared_page();

	for (unsigned int i = 0; i < 8; i++)
		IN_CHILD(opens_and_tells, counts + i);
	for (unsigned int i = 0; i < 8; i++) {
		EXPECT(counts[i]);
		for (unsigned int j = 0; j < i; j++)
			EXPECT(counts[i] != counts[j]);
	}
}

TEST(the_mapping_keeps_the_space)
{
	const volatile struct winmem_changes *changes = MAP_IT(dev);
	unsigned long base = reserve_commit(GRAN, READWRITE), count;

	close(dev);
	dev = OPEN_DEVICE();
	EXPECT_COMMITTED(base, GRAN, READWRITE);
	count = changes->count;
	protect(base, PAGE, READONLY);
	EXPECT(changes->count > count);
	unmap_it(changes);
}

TEST(two_mappings_show_the_same)
{
	const volatile struct winmem_changes *one = MAP_IT(dev), *two;
	int second = OPEN_DEVICE();
	unsigned long base = reserve_commit(GRAN, READWRITE);

	two = MAP_IT(second);
	EXPECT_EQ(one->count, two->count);
	decommit(base, PAGE);
	EXPECT_EQ(one->count, two->count);
	close(second);
	EXPECT_EQ(one->count, two->count);
	unmap_it(one);
	unmap_it(two);
}

/* Which answers the count tells of: those about reservations. */
TEST(QUERY_says_which_answers_are_counted)
{
	unsigned long base = reserve(4 * GRAN);
	char *foreign = map_foreign(0, PAGE, PROT_READ);

	commit(base, GRAN, READWRITE);
	EXPECT_EQ(WINMEM_OUT_COUNTED, query(base).out_flags);
	EXPECT_EQ(WINMEM_OUT_COUNTED, query(base + PAGE).out_flags);
	EXPECT_EQ(WINMEM_OUT_COUNTED, query(base + GRAN).out_flags);
	EXPECT_EQ(0, query(base + 4 * GRAN).out_flags);
	EXPECT_EQ(0, query((unsigned long)foreign).out_flags);
	EXPECT_EQ(0, query((unsigned long)&dev).out_flags);
	EXPECT_EQ(0, query(0).out_flags);
	munmap(foreign, PAGE);
}

#define CHANGES(call)	\
	do {								\
		unsigned long before_ = changes->count;			\
									\
		call;							\
		if (changes->count <= before_)				\
			check_failed(HERE, "%s was not counted", #call);	\
	} while (0)

TEST(each_change_is_counted)
{
	const volatile struct winmem_changes *changes = MAP_IT(dev);
	unsigned long base = reserve(4 * GRAN), other;

	CHANGES(commit(base, PAGE, READWRITE));
	CHANGES(commit(base, PAGE, READONLY));
	CHANGES(protect(base, PAGE, READWRITE));
	CHANGES(protect(base, PAGE, READWRITE | GUARD));
	CHANGES(EXPECT(!try_read(base)));
	CHANGES(protect(base, PAGE, EXECUTE_READ));
	CHANGES(decommit(base, PAGE));
	CHANGES(release(base));
	/* Whose place is given to the next. */
	CHANGES(release(reserve(4 * GRAN)));
	CHANGES(base = reserve_commit(GRAN, READWRITE | GUARD));
	CHANGES(EXPECT_ERRNO(EFAULT, open((char *)base, O_RDONLY)));
	CHANGES(protect(base, GRAN, READWRITE | GUARD));
	other = base + PAGE;
	CHANGES({ struct winmem_lock args = lock_args(other, PAGE, 0);
		  EXPECT_ERRNO(EKEYREJECTED, ioctl(dev, WINMEM_IOC_LOCK, &args)); });
	CHANGES(release(base));
	unmap_it(changes);
}

#define KEEPS(call)	\
	do {								\
		unsigned long before_ = changes->count;			\
									\
		call;							\
		EXPECT_EQ(before_, changes->count);			\
	} while (0)

TEST(what_changes_no_answer_is_not_counted)
{
	const volatile struct winmem_changes *changes = MAP_IT(dev);
	unsigned long base = reserve_commit(2 * GRAN, READWRITE), other;

	decommit(base + GRAN, GRAN);
	KEEPS(fill(base, GRAN, 1));
	KEEPS(query(base));
	KEEPS(reset(base, PAGE));
	KEEPS(EXPECT(try_write(base, 1)));
	KEEPS(EXPECT(!try_read(base + GRAN)));
	KEEPS(EXPECT_ERRNO(ENXIO, raw_protect(base + GRAN, PAGE, READONLY)));
	KEEPS(EXPECT_ERRNO(EINVAL, raw_commit(base, PAGE, 0)));
	/* Nothing was said of that place before that could be kept. */
	KEEPS(other = reserve(GRAN));
	EXPECT(other);
	unmap_it(changes);
}

/* Somebody else's calls count where the memory is. */
static void is_counted(struct target *target, int step)
{
	static const volatile struct winmem_changes *changes;
	static unsigned long before;

	switch (step) {
	case 1:
		changes = MAP_IT(dev);
		target->base = reserve_commit(GRAN, READWRITE);
		before = changes->count;
		break;
	case 2:
		EXPECT(changes->count > before);
		EXPECT_EQ(READONLY, query(target->base).out_prot);
		break;
	}
}

TEST(the_calls_of_another_process_are_counted)
{
	struct target *target = target_start(is_counted);
	int there, here;

	there = attach_to(target->pid);
	EXPECT(there >= 0);
	EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, there, 0) == MAP_FAILED);
	here = act_on(there);
	EXPECT_OK(raw_protect(target->base, PAGE, READONLY));
	EXPECT_EQ(WINMEM_OUT_COUNTED, query(target->base).out_flags);
	act_on(here);
	target_step(target);
	target_end(target);
	close(there);
}
