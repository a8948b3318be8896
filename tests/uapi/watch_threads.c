// SPDX-License-Identifier: GPL-2.0-only
/* Write watch under eight threads that write: nothing lost, nothing invented. */
#include "common.h"
#include "watch_threads.h"

TEST(W05_eight_writers_lose_and_invent_nothing)
{
	watch_race_run(8192, watch_rounds(40), NULL);
}

/* Few pages: each is written and reset at the same time, again and again. */
TEST(W05_eight_writers_on_few_pages)
{
	watch_race_run(16, 50 * watch_rounds(40), NULL);
}
