// SPDX-License-Identifier: GPL-2.0-only
/*
 * Acting on another process while the caller's allocations fail in turn. (What a kernel
 * thread allocates in the other process's place is not the caller's, and does not fail.)
 */
#define _GNU_SOURCE
#include "inject.h"
#include "remote.h"

#define LENGTH	(2 * CHUNK + GRAN)

static struct target *target;
static int there = -1, mem = -1;
static unsigned long place;

static void has_memory(struct target *self, int step)
{
	if (step == 1) {
		self->base = reserve(LENGTH);
		commit(self->base, LENGTH, READWRITE);
		fill(self->base, GRAN, 4);
	}
	if (step == 2)
		EXPECT(filled(self->base, GRAN, 4));
}

static void begin(void)
{
	target = target_start(has_memory);
	mem = open_proc(target->pid, "mem", O_RDWR);
	EXPECT_OK(mem);
	there = attach_to(target->pid);
	EXPECT_OK(there);
}

static void finish(void)
{
	target_step(target);
	close(mem);
	close(there);
	target_end(target);
}

static int attached = -1;

static int do_attach(void)
{
	struct winmem_attach args = attach_args(mem);
	int ret = ioctl(dev, WINMEM_IOC_ATTACH, &args);

	attached = ret ? -1 : args.out_fd;
	return ret;
}

static void check_attached(void)
{
	struct winmem_info about = info_args();

	EXPECT_OK(ioctl(attached, WINMEM_IOC_INFO, &about));
	close(attached);
}

TEST(attach)
{
	begin();
	SWEEP(.call = do_attach, .check = check_attached, .needs_memory = true);
	finish();
}

static unsigned int state_there(unsigned long addr)
{
	struct winmem_query args = query_args(addr);

	EXPECT_OK(ioctl(there, WINMEM_IOC_QUERY, &args));
	return args.out_state;
}

static void is_free(void)
{
	EXPECT_EQ(WINMEM_STATE_FREE, state_there(place));
}

static int do_reserve(void)
{
	struct winmem_reserve args = reserve_args(place, LENGTH, EXECUTE_RW, WINMEM_RESERVE_COMMIT);
	int ret = ioctl(there, WINMEM_IOC_RESERVE, &args), err = errno;

	if (ret)
		is_free();
	errno = err;
	return ret;
}

static void check_reserved(void)
{
	struct winmem_release args = release_args(place);

	EXPECT_EQ(WINMEM_STATE_COMMIT, state_there(place));
	EXPECT_OK(ioctl(there, WINMEM_IOC_RELEASE, &args));
	is_free();
}

/* A window of its own, page states, and execute permission. */
TEST(reserve_there)
{
	begin();
	place = find_hole(GIB);
	SWEEP(.prepare = is_free, .call = do_reserve, .check = check_reserved,
	      .needs_memory = true);
	finish();
}

static int protect_there(unsigned int prot)
{
	struct winmem_protect args = protect_args(target->base + PAGE, PAGE, prot);

	return ioctl(there, WINMEM_IOC_PROTECT, &args);
}

static unsigned int prot_there(unsigned long addr)
{
	struct winmem_query args = query_args(addr);

	EXPECT_OK(ioctl(there, WINMEM_IOC_QUERY, &args));
	return args.out_prot;
}

/* All of the block alike again, so that one page of it needs an array of states. */
static void make_alike(void)
{
	struct winmem_decommit none = decommit_args(target->base, LENGTH);
	struct winmem_commit all = commit_args(target->base, LENGTH, READWRITE);

	EXPECT_OK(ioctl(there, WINMEM_IOC_DECOMMIT, &none));
	EXPECT_OK(ioctl(there, WINMEM_IOC_COMMIT, &all));
}

static int do_protect(void)
{
	int ret = protect_there(EXECUTE_READ), err = errno;

	if (ret)
		EXPECT_EQ(READWRITE, prot_there(target->base + PAGE));
	errno = err;
	return ret;
}

static void check_protected(void)
{
	EXPECT_EQ(EXECUTE_READ, prot_there(target->base + PAGE));
	EXPECT_EQ(READWRITE, prot_there(target->base));
	EXPECT_OK(protect_there(READWRITE));
}

static void nothing(struct target *self, int step)
{
	if (step == 1) {
		self->base = reserve(LENGTH);
		commit(self->base, LENGTH, READWRITE);
	}
}

TEST(protect_there_needs_execute)
{
	target = target_start(nothing);
	there = attach_to(target->pid);
	EXPECT_OK(there);
	SWEEP(.prepare = make_alike, .call = do_protect, .check = check_protected);
	close(there);
	target_end(target);
}
