// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two calls on ranges that overlap: what stands afterwards is what one of the two orders
 * gives, for all of the overlap.
 *
 *	one	[RRRRRRRRRRRR]
 *	other	       [NNNNNNNNNNNN]
 */
#include "race.h"

#define RANGE		(24 * PAGE)
#define SHIFT		(12 * PAGE)
#define LENGTH		(RANGE + SHIFT)

struct caller {
	pthread_t thread;
	int (*call)(unsigned long base);
	unsigned long base;
	volatile unsigned int *met;
};

static void *calls(void *arg)
{
	struct caller *me = arg;

	meet(me->met, 2);
	EXPECT_OK(me->call(me->base));
	return NULL;
}

static void call_both(unsigned long base, int (*one)(unsigned long base),
		      int (*other)(unsigned long base))
{
	volatile unsigned int met = 0;
	struct caller callers[2] = {
		{ .call = one, .base = base, .met = &met },
		{ .call = other, .base = base, .met = &met },
	};

	for (unsigned int i = 0; i < 2; i++)
		callers[i].thread = thread_start(calls, &callers[i]);
	for (unsigned int i = 0; i < 2; i++)
		thread_end(callers[i].thread);
}

/* The three parts, each of one kind; returns the protection of the one in the middle. */
static unsigned int overlap(unsigned long base, unsigned int one, unsigned int other)
{
	unsigned int prot = query(base + SHIFT).out_prot;
	unsigned long low = query(base).out_length, high = query(base + RANGE).out_length;

	EXPECT(prot == one || prot == other);
	EXPECT_EQ(one, query(base).out_prot);
	EXPECT_EQ(prot == one ? RANGE : SHIFT, low);
	EXPECT_EQ(other, query(base + RANGE).out_prot);
	EXPECT_EQ(SHIFT, high);
	EXPECT_EQ(prot == one ? RANGE - SHIFT : RANGE, query(base + SHIFT).out_length);
	return prot;
}

/* Page tables say what the states say. */
static void check_access(unsigned long base)
{
	for (unsigned long addr = base; addr < base + LENGTH; addr += PAGE) {
		unsigned int prot = query(addr).out_prot;

		EXPECT_EQ(prot == READONLY || prot == READWRITE, try_read(addr));
		EXPECT_EQ(prot == READWRITE, try_write(addr, 1));
	}
}

static int one_readonly(unsigned long base)
{
	return raw_protect(base, RANGE, READONLY);
}

static int other_noaccess(unsigned long base)
{
	return raw_protect(base + SHIFT, RANGE, NOACCESS);
}

static int other_readwrite(unsigned long base)
{
	return raw_commit(base + SHIFT, RANGE, READWRITE);
}

static int one_decommit(unsigned long base)
{
	return race_decommit(base, RANGE);
}

RACE(protect_and_protect)
{
	unsigned long base = reserve_commit(LENGTH, READWRITE);

	for (unsigned int i = 0; again(i, 40); i++) {
		EXPECT_OK(raw_protect(base, LENGTH, READWRITE));
		fill(base, LENGTH, i);
		call_both(base, one_readonly, other_noaccess);
		overlap(base, READONLY, NOACCESS);
		check_access(base);
	}
}
WIDENED(protect_and_protect, PROTECT, 2000)
WIDENED(protect_and_protect, SETTLED, 2000)

RACE(protect_and_commit)
{
	unsigned long base = reserve_commit(LENGTH, READWRITE);

	for (unsigned int i = 0; again(i, 40); i++) {
		EXPECT_OK(raw_protect(base, LENGTH, NOACCESS));
		call_both(base, one_readonly, other_readwrite);
		overlap(base, READONLY, READWRITE);
		check_access(base);
		EXPECT_EQ(LENGTH, charge());
	}
}
WIDENED(protect_and_commit, PROTECT, 2000)
WIDENED(protect_and_commit, SETTLED, 2000)

/* Decommitted and committed: zero, and charged. Or the other way, and neither. */
RACE(decommit_and_commit)
{
	unsigned long base = reserve_commit(LENGTH, READWRITE);

	for (unsigned int i = 0; again(i, 40); i++) {
		EXPECT_OK(raw_commit(base, LENGTH, READWRITE));
		fill(base, LENGTH, i);
		call_both(base, one_decommit, other_readwrite);
		if (overlap(base, 0, READWRITE)) {
			EXPECT(zeroed(base + SHIFT, RANGE - SHIFT));
			EXPECT_EQ(RANGE, charge());
		} else {
			EXPECT_EQ(SHIFT, charge());
		}
		EXPECT(filled(base + RANGE, SHIFT, i));
		check_access(base);
	}
}
WIDENED(decommit_and_commit, DECOMMIT, 2000)
WIDENED(decommit_and_commit, DROP, 2000)
WIDENED(decommit_and_commit, PROTECT, 2000)

/*
 * Execute is asked for in two steps. When both threads have been told that they have it
 * their way, the last one does: the page can be executed if its protection says so.
 */
static void execute_wanted(unsigned long base, unsigned int prot)
{
	struct winmem_protect args = protect_args(base, PAGE, prot);
	int tries = 0;

	while (ioctl_exec(WINMEM_IOC_PROTECT, &args, base, PAGE, prot)) {
		EXPECT(errno == ENOEXEC || errno == EAGAIN);
		EXPECT(++tries < 100);
	}
}

static int one_executes(unsigned long base)
{
	execute_wanted(base, EXECUTE_READ);
	return 0;
}

static int other_reads(unsigned long base)
{
	execute_wanted(base, READONLY);
	return 0;
}

RACE(execute_or_not)
{
	unsigned long base = reserve_commit(PAGE, READWRITE);

	put_return(base);
	for (unsigned int i = 0; again(i, 60); i++) {
		unsigned int prot;

		call_both(base, one_executes, other_reads);
		prot = query(base).out_prot;
		EXPECT(prot == READONLY || prot == EXECUTE_READ);
		EXPECT_EQ(prot == EXECUTE_READ, try_exec(base));
		EXPECT(!try_write(base, 0));
	}
}
WIDENED(execute_or_not, PROTECT, 3000)

/*
 * A thread was told to call mprotect, and is late: another one has asked for the opposite
 * since. The late one is refused, or the other sees what it did and has it undone.
 */
static int is_late(unsigned long base, int prot)
{
	if (wide_us)
		usleep(wide_us / 2);
	EXPECT(!mprotect((void *)base, PAGE, prot) || errno == EAGAIN);
	return 0;
}

static int takes_execute_late(unsigned long base)
{
	return is_late(base, PROT_READ | PROT_WRITE);
}

static int gives_execute_late(unsigned long base)
{
	return is_late(base, PROT_READ | PROT_WRITE | PROT_EXEC);
}

RACE(a_late_mprotect)
{
	unsigned long base = reserve_commit(PAGE, READWRITE);

	put_return(base);
	for (unsigned int i = 0; again(i, 60); i++) {
		execute_wanted(base, EXECUTE_READ);
		EXPECT_ERRNO(ENOEXEC, raw_protect(base, PAGE, READONLY));
		call_both(base, one_executes, takes_execute_late);
		EXPECT(try_exec(base));

		execute_wanted(base, READONLY);
		EXPECT_ERRNO(ENOEXEC, raw_protect(base, PAGE, EXECUTE_READ));
		call_both(base, other_reads, gives_execute_late);
		EXPECT(!try_exec(base));
	}
}
WIDENED(a_late_mprotect, EXEC, 20000)
