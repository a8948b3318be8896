// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much is committed, and the limits. A commit takes its charge before it changes
 * a state, all of it or none; decommit and release give it back. What has been charged
 * can be touched without a further question, as on Windows.
 *
 * The system counts it too, as Committed_AS, and with vm.overcommit_memory=2 it may say
 * no. The kernel's functions for that are not for modules; but the size of a shmem file
 * counts, so each space has an empty one whose size follows the charge in steps.
 */
#include <linux/atomic.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>

#include "charge.h"
#include "compat.h"
#include "store.h"
#include "widen.h"

/* The account's size changes by this much at a time, in pages: 4 MiB. */
#define ACCOUNT_STEP	1024UL

static unsigned long commit_limit;
module_param(commit_limit, ulong, 0644);
MODULE_PARM_DESC(commit_limit,
		 "bytes that all processes together may commit; 0 (default): RAM plus swap");

static unsigned long process_commit_limit;
module_param(process_commit_limit, ulong, 0644);
MODULE_PARM_DESC(process_commit_limit,
		 "bytes that each process may commit; 0 (default): no limit of its own");

static atomic_long_t charge_total;

/**
 * winmem_charge_init() - nothing committed, no limit of its own
 * @charge: charge
 *
 * Context: may sleep.
 * Return: 0 or -errno of shmem_file_setup().
 */
int winmem_charge_init(struct winmem_charge *charge)
{
	charge->account = winmem_shmem_file(NULL, "winmem-charge", 0);
	if (IS_ERR(charge->account))
		return PTR_ERR(charge->account);
	charge->pages = 0;
	charge->limit = ULONG_MAX;
	charge->accounted = 0;
	return 0;
}

/**
 * winmem_charge_destroy() - give back whatever is charged
 * @charge: charge of a space that ends
 *
 * Context: may sleep.
 */
void winmem_charge_destroy(struct winmem_charge *charge)
{
	atomic_long_sub(charge->pages, &charge_total);
	fput(charge->account);
}

/**
 * winmem_charge_limit() - what a process may commit
 * @charge: its charge
 *
 * Context: the space's mutex is held.
 * Return: pages; ULONG_MAX: no limit of its own.
 */
unsigned long winmem_charge_limit(const struct winmem_charge *charge)
{
	unsigned long limit = READ_ONCE(process_commit_limit);

	return limit ? min(charge->limit, limit >> PAGE_SHIFT) : charge->limit;
}

/**
 * winmem_charge_total() - what all processes have committed
 *
 * Context: any.
 * Return: pages.
 */
unsigned long winmem_charge_total(void)
{
	return atomic_long_read(&charge_total);
}

/**
 * winmem_charge_total_limit() - what all processes together may commit
 *
 * RAM and swap, as Windows has it. The size of swap is not for modules to know; what
 * is free of it and what winmem's own pages hold is, and what others hold would not be
 * ours to use anyway.
 *
 * Context: any; walks all spaces when the limit is the default.
 * Return: pages.
 */
unsigned long winmem_charge_total_limit(void)
{
	unsigned long limit = READ_ONCE(commit_limit);

	if (limit)
		return limit >> PAGE_SHIFT;
	return totalram_pages() + max(get_nr_swap_pages(), 0L) + winmem_stores_swapped();
}

/* The usual answer without the walk: RAM alone is enough. */
static bool total_is_allowed(unsigned long total)
{
	if (!READ_ONCE(commit_limit) && total <= totalram_pages())
		return true;
	return total <= winmem_charge_total_limit();
}

static int total_take(unsigned long nr)
{
	long total = atomic_long_read(&charge_total);

	do {
		if (!total_is_allowed(total + nr))
			return -EDQUOT;
		winmem_widen(WINMEM_WIDEN_CHARGE);
	} while (!atomic_long_try_cmpxchg(&charge_total, &total, total + nr));
	return 0;
}

static int account_set(struct winmem_charge *charge, unsigned long pages)
{
	int ret = vfs_truncate(&charge->account->f_path, (loff_t)pages << PAGE_SHIFT);

	if (!ret)
		charge->accounted = pages;
	return ret;
}

/*
 * Let the system's count follow the charge: up at once, down when two steps are free.
 * A step may be more than the system has left when what is needed is not. A process that
 * may not have large files (RLIMIT_FSIZE) would get a signal for this one; it goes
 * uncounted.
 */
static int account_follow(struct winmem_charge *charge)
{
	unsigned long need = round_up(charge->pages, ACCOUNT_STEP);

	if (charge->pages <= charge->accounted && charge->accounted - need < 2 * ACCOUNT_STEP)
		return 0;
	if (need > rlimit(RLIMIT_FSIZE) >> PAGE_SHIFT)
		return 0;
	if (!account_set(charge, need) || charge->pages <= charge->accounted)
		return 0;
	return account_set(charge, charge->pages) ? -EDQUOT : 0;
}

/**
 * winmem_charge_take() - charge pages that are about to be committed
 * @charge: whom to charge
 * @nr: pages
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 0, or -EDQUOT and nothing charged: a limit would be passed.
 */
int winmem_charge_take(struct winmem_charge *charge, unsigned long nr)
{
	unsigned long limit = winmem_charge_limit(charge);
	int ret;

	if (!nr)
		return 0;
	if (charge->pages > limit || nr > limit - charge->pages)
		return -EDQUOT;
	ret = total_take(nr);
	if (ret)
		return ret;
	charge->pages += nr;
	ret = account_follow(charge);
	if (ret)
		winmem_charge_give(charge, nr);
	return ret;
}

/**
 * winmem_charge_give() - give a charge back
 * @charge: who was charged
 * @nr: pages
 *
 * Context: the space's mutex is held; may sleep.
 */
void winmem_charge_give(struct winmem_charge *charge, unsigned long nr)
{
	charge->pages -= nr;
	atomic_long_sub(nr, &charge_total);
	account_follow(charge);
}
