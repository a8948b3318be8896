// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults while each of their points fails in turn. A program's own access for which there
 * is no memory is tried again by the kernel, or ends in SIGBUS, and never in SIGSEGV, which
 * is what a protection gives; a system call's fails. The page works afterwards.
 */
#define _GNU_SOURCE
#include "inject.h"

#include <fcntl.h>
#include <sys/uio.h>

#define NR		32UL		/* more than the most pages that a fault maps */

static unsigned long base;
static unsigned char buffer[PAGE];

/* Far from all that was touched before, so that page tables are missing too. */
static void make(void)
{
	base = find_hole(GIB);
	reserve_fixed(base, NR * PAGE);
	commit(base, NR * PAGE, READWRITE);
}

static void check_pages(void)
{
	EXPECT_COMMITTED(base, NR * PAGE, READWRITE);
	fill(base, NR * PAGE, 7);
	EXPECT(filled(base, NR * PAGE, 7));
}

static void undo(void)
{
	release(base);
	EXPECT_EQ(0, charge());
}

/* 0, or -1 and ENOMEM when SIGBUS came. */
static int outcome(bool done)
{
	if (!done && last_fault.signo != SIGBUS)
		check_failed(HERE, "%s for want of memory", strsignal(last_fault.signo));
	errno = ENOMEM;
	return done ? 0 : -1;
}

static int do_read(void)
{
	return outcome(byte_at(base) == 0);
}

static int do_write(void)
{
	return outcome(try_write(base, 1));
}

TEST(first_touch_is_a_read)
{
	unsigned long before = inject_count();

	SWEEP(.prepare = make, .call = do_read, .check = check_pages, .undo = undo,
	      .flags = SWEEP_ONCE);
	/* Three page tables and a page, at least. */
	EXPECT(inject_count() - before >= 4);
}

TEST(first_touch_is_a_write)
{
	unsigned long before = inject_count();

	SWEEP(.prepare = make, .call = do_write, .check = check_pages, .undo = undo,
	      .flags = SWEEP_ONCE);
	EXPECT(inject_count() - before >= 4);
}

/* Pages hit in order come in batches, of which only the first must come. */
static int do_read_in_order(void)
{
	for (unsigned long at = base; at < base + NR * PAGE; at += PAGE)
		if (outcome(byte_at(at) == 0))
			return -1;
	return 0;
}

TEST(pages_are_touched_in_order)
{
	unsigned long before = inject_count();

	SWEEP(.prepare = make, .call = do_read_in_order, .check = check_pages, .undo = undo,
	      .flags = SWEEP_ONCE);
	EXPECT(inject_count() - before >= NR);
}

static void make_read(void)
{
	make();
	EXPECT(zeroed(base, NR * PAGE));
}

static void make_dirty(void)
{
	make();
	fill(base, NR * PAGE, 6);
}

/* page_mkwrite: the page is there already. */
TEST(first_write_after_a_read)
{
	SWEEP(.prepare = make_read, .call = do_write, .check = check_pages, .undo = undo,
	      .flags = SWEEP_ONCE);
}

static void make_protected(void)
{
	make_dirty();
	protect(base, NR * PAGE, READONLY);
	protect(base, NR * PAGE, READWRITE);
}

TEST(first_write_after_a_protection)
{
	SWEEP(.prepare = make_protected, .call = do_write, .check = check_pages, .undo = undo,
	      .flags = SWEEP_ONCE);
}

static void make_reset(void)
{
	make_dirty();
	reset(base, NR * PAGE);
}

TEST(write_after_a_reset)
{
	SWEEP(.prepare = make_reset, .call = do_write, .check = check_pages, .undo = undo,
	      .flags = SWEEP_ONCE);
}

static void make_decommitted(void)
{
	make_dirty();
	decommit(base, NR * PAGE);
	commit(base, NR * PAGE, READWRITE);
}

TEST(first_touch_after_a_decommit)
{
	unsigned long before = inject_count();

	SWEEP(.prepare = make_decommitted, .call = do_read, .check = check_pages, .undo = undo,
	      .flags = SWEEP_ONCE);
	EXPECT(inject_count() - before >= 1);
}

/* System calls that touch the pages. */

static int process_vm(bool write)
{
	struct iovec local = { buffer, PAGE }, remote = { (void *)base, PAGE };
	ssize_t done = write ? process_vm_writev(getpid(), &local, 1, &remote, 1, 0) :
			       process_vm_readv(getpid(), &local, 1, &remote, 1, 0);

	return done == (ssize_t)PAGE ? 0 : -1;
}

static int do_process_vm_read(void)
{
	return process_vm(false);
}

static int do_process_vm_write(void)
{
	return process_vm(true);
}

TEST(process_vm_readv_of_an_untouched_page)
{
	SWEEP(.prepare = make, .call = do_process_vm_read, .check = check_pages, .undo = undo,
	      .flags = SWEEP_FAULTS, .needs_memory = true);
}

TEST(process_vm_writev_to_an_untouched_page)
{
	SWEEP(.prepare = make, .call = do_process_vm_write, .check = check_pages, .undo = undo,
	      .flags = SWEEP_FAULTS, .needs_memory = true);
}

/* Through the access hook, for pages that the program itself may not touch. */
static int mem = -1;

static void make_noaccess(void)
{
	make();
	protect(base, NR * PAGE, NOACCESS);
}

static int do_mem_read(void)
{
	return pread(mem, buffer, PAGE, base) == (ssize_t)PAGE ? 0 : -1;
}

static int do_mem_write(void)
{
	return pwrite(mem, buffer, PAGE, base) == (ssize_t)PAGE ? 0 : -1;
}

static void check_mem(void)
{
	EXPECT_COMMITTED(base, NR * PAGE, NOACCESS);
	EXPECT(!try_read(base));
	protect(base, NR * PAGE, READWRITE);
	check_pages();
}

TEST(proc_mem_of_untouched_NOACCESS_pages)
{
	mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	EXPECT(mem >= 0);
	SWEEP(.prepare = make_noaccess, .call = do_mem_read, .check = check_mem, .undo = undo,
	      .flags = SWEEP_FAULTS, .needs_memory = true);
	SWEEP(.prepare = make_noaccess, .call = do_mem_write, .check = check_mem, .undo = undo,
	      .flags = SWEEP_FAULTS, .needs_memory = true);
	close(mem);
}

/* A struct of an ioctl in memory of ours: its copies fault. */
static int do_query_in_ours(void)
{
	struct winmem_query *args = (void *)base;

	return ioctl(dev, WINMEM_IOC_QUERY, args);
}

static void make_struct(void)
{
	make();
	*(struct winmem_query *)base = query_args(base);
	/* Out of the page tables, and in memory still. */
	protect(base, NR * PAGE, NOACCESS);
	protect(base, NR * PAGE, READWRITE);
}

TEST(a_struct_in_winmem_memory)
{
	SWEEP(.prepare = make_struct, .call = do_query_in_ours, .check = check_pages,
	      .undo = undo, .flags = SWEEP_FAULTS);
}

/*
 * A guard hit by a system call: it fails, with EFAULT or for want of memory; or it gets
 * through, when there is no memory to shut the page with. The guard holds or has gone, and
 * nothing comes to the program but that.
 */
static int pipe_fds[2];

static bool guard_round(unsigned int nth, unsigned int *opened)
{
	enum inject_kind kind;
	unsigned int guard;
	ssize_t done;
	int err;

	make();
	fill(base, PAGE, 8);
	protect(base, PAGE, READWRITE | GUARD);

	inject_arm(nth);
	done = write(pipe_fds[1], (void *)base, 64);
	err = errno;
	kind = inject_disarm();

	if (done < 0)
		EXPECT(err == EFAULT || (err == ENOMEM && kind != INJECT_NONE));
	else
		EXPECT(kind == INJECT_SLAB && read(pipe_fds[0], buffer, sizeof(buffer)) == done);
	*opened += done >= 0;
	guard = query(base).out_prot & GUARD;
	EXPECT(!guard || (done < 0 && kind != INJECT_NONE));
	EXPECT(!last_fault.count);
	if (guard) {
		EXPECT(!try_read(base));
		last_fault.count = 0;
	}
	EXPECT(filled(base, PAGE, 8));
	undo();
	return kind != INJECT_NONE;
}

TEST(a_guard_that_a_system_call_hits)
{
	unsigned int nth = 0, opened = 0;

	EXPECT_OK(pipe(pipe_fds));
	while (guard_round(++nth, &opened))
		EXPECT(nth < 100);
	printf("# %s: %u points, %u got through\n", __func__, nth - 1, opened);
	EXPECT(nth > 2);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}
