// SPDX-License-Identifier: GPL-2.0-only
/*
 * What /proc/PID/fdinfo/FD says of a space, for people and for a map tool:
 *
 *	winmem-charge:	<pages committed>
 *	winmem-limit:	<pages, or "none">
 *	winmem-regions:	<count>
 *	region	<start>-<end> <protection> <pages committed>
 *	run	<start>-<end> <protection>
 *
 * A line of region for each reservation, in order of address, then a line of run for each
 * run of its pages that are alike; protections as in uapi/linux/winmem.h, 0: reserved.
 */
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>

#include "fdinfo.h"
#include "region.h"
#include "space.h"

static void show_range(struct seq_file *m, const char *what, unsigned long start,
		       unsigned long nr, u32 prot)
{
	seq_printf(m, "%s\t%lx-%lx %#x", what, start << PAGE_SHIFT, (start + nr) << PAGE_SHIFT,
		   prot);
}

/* What does not fit is shown again from the start into more room; no use in going on. */
static bool show_must_stop(struct seq_file *m)
{
	cond_resched();
	return seq_has_overflowed(m) || fatal_signal_pending(current);
}

static void show_region(struct seq_file *m, struct winmem_space *space,
			const struct winmem_region *region)
{
	unsigned long page = region->start, end = winmem_region_end(region);
	struct winmem_run run;

	show_range(m, "region", region->start, region->nr, region->prot);
	seq_printf(m, " %lu\n", region->committed);
	for (; page < end && !show_must_stop(m); page += run.nr) {
		winmem_region_query(space, region, page, &run);
		show_range(m, "run", run.start, run.nr, run.prot);
		seq_putc(m, '\n');
	}
}

/**
 * winmem_fdinfo_show() - the lines above
 * @m: where to
 * @space: space
 *
 * Context: may sleep; takes the space's mutex.
 */
void winmem_fdinfo_show(struct seq_file *m, struct winmem_space *space)
{
	struct winmem_region *region;
	unsigned long limit;

	if (mutex_lock_killable(&space->mutex))
		return;
	limit = winmem_charge_limit(&space->charge);
	seq_printf(m, "winmem-charge:\t%lu\n", space->charge.pages);
	if (limit == ULONG_MAX)
		seq_puts(m, "winmem-limit:\tnone\n");
	else
		seq_printf(m, "winmem-limit:\t%lu\n", limit);
	seq_printf(m, "winmem-regions:\t%lu\n", space->nr_regions);

	for (region = winmem_space_next(space, 0); region && !show_must_stop(m);
	     region = winmem_space_next(space, winmem_region_end(region)))
		show_region(m, space, region);
	mutex_unlock(&space->mutex);
}
