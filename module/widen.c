// SPDX-License-Identifier: GPL-2.0-only
/*
 * The points of widen.h, in debug builds: how long to wait at which, and how often that was
 * done. /sys/module/winmem/parameters has all three; a test that wants a window open can
 * see there that somebody stood in it.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>

#include "widen.h"

static unsigned int widen;
module_param(widen, uint, 0644);
MODULE_PARM_DESC(widen, "points to wait at, bit n for the n-th of module/widen.h");

static unsigned int widen_us = 1000;
module_param(widen_us, uint, 0644);
MODULE_PARM_DESC(widen_us, "how long to wait at a point, in microseconds");

static atomic_t hits[WINMEM_WIDEN_POINTS];

static int hits_get(char *buffer, const struct kernel_param *kp)
{
	int i, at = 0;

	for (i = 0; i < WINMEM_WIDEN_POINTS; i++)
		at += scnprintf(buffer + at, PAGE_SIZE - at, "%d\n", atomic_read(&hits[i]));
	return at;
}

static const struct kernel_param_ops hits_ops = { .get = hits_get };
module_param_cb(widen_hits, &hits_ops, NULL, 0444);
MODULE_PARM_DESC(widen_hits, "how often each point was waited at, a line each");

static bool widen_hit(enum winmem_widen point)
{
	if (!(READ_ONCE(widen) & BIT(point)))
		return false;
	atomic_inc(&hits[point]);
	return true;
}

/**
 * winmem_widen() - a window that a test may hold open
 * @point: which
 *
 * Context: may sleep.
 */
void winmem_widen(enum winmem_widen point)
{
	might_sleep();
	if (widen_hit(point))
		fsleep(READ_ONCE(widen_us));
}

/**
 * winmem_widen_atomic() - the same, where a spinlock is held
 * @point: which
 *
 * Context: any; waits for a millisecond at most.
 */
void winmem_widen_atomic(enum winmem_widen point)
{
	if (widen_hit(point))
		udelay(min(READ_ONCE(widen_us), 1000U));
}
