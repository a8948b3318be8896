/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_CHARGE_H
#define WINMEM_CHARGE_H

#include <linux/types.h>

/* What one space has committed. By the space's mutex. */
struct winmem_charge {
	unsigned long pages;
	unsigned long limit;	/* pages; ULONG_MAX: none of its own */
};

void winmem_charge_init(struct winmem_charge *charge);
int winmem_charge_take(struct winmem_charge *charge, unsigned long nr);
void winmem_charge_give(struct winmem_charge *charge, unsigned long nr);

unsigned long winmem_charge_limit(const struct winmem_charge *charge);
unsigned long winmem_charge_total(void);
unsigned long winmem_charge_total_limit(void);

#endif /* WINMEM_CHARGE_H */
