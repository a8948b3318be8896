// SPDX-License-Identifier: GPL-2.0-only
/* Writers against a reset of what they have written: nothing is lost, nothing invented. */
#include "race.h"
#include "watch_threads.h"

RACE(watched_pages)
{
	watch_race_run(64, 8, NULL);
}
WIDENED(watched_pages, WATCH, 4000)
WIDENED(watched_pages, FAULT_MKWRITE, 1000)

/* One page: each of its faults meets a reset. */
RACE(few_watched_pages)
{
	watch_race_run(8, 20, NULL);
}
WIDENED(few_watched_pages, WATCH, 4000)
WIDENED_AT(few_watched_pages, FAULT_MKWRITE, AT(WATCH) | AT(FAULT_MKWRITE), 2000)
