/* SPDX-License-Identifier: GPL-2.0-only */
/* The commit charge of the process, and its limit, through the raw ioctl. */
#ifndef WINMEM_TESTS_STRESS_LIMIT_H
#define WINMEM_TESTS_STRESS_LIMIT_H

struct worker;

void limit_init(void);
unsigned long limit_charge(void);

/* While nobody works: with a few pages left, the calls that need more fail, and no others. */
void limit_check(struct worker *worker);

#endif
