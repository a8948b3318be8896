// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much is committed, and the limits. A commit takes its charge before it changes
 * a state, all of it or none; decommit and release give it back. What has been charged
 * can be touched without a further question, as on Windows.
 */
#include <linux/atomic.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/swap.h>

#include "backing.h"
#include "charge.h"

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
 * Context: any.
 */
void winmem_charge_init(struct winmem_charge *charge)
{
	charge->pages = 0;
	charge->limit = ULONG_MAX;
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
	return totalram_pages() + max(get_nr_swap_pages(), 0L) + winmem_backing_swapped();
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
	} while (!atomic_long_try_cmpxchg(&charge_total, &total, total + nr));
	return 0;
}

/**
 * winmem_charge_take() - charge pages that are about to be committed
 * @charge: whom to charge
 * @nr: pages
 *
 * Context: the space's mutex is held.
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
	return 0;
}

/**
 * winmem_charge_give() - give a charge back
 * @charge: who was charged
 * @nr: pages
 *
 * Context: the space's mutex is held.
 */
void winmem_charge_give(struct winmem_charge *charge, unsigned long nr)
{
	charge->pages -= nr;
	atomic_long_sub(nr, &charge_total);
}
