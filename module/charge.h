/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_CHARGE_H
#define WINMEM_CHARGE_H

#include <linux/types.h>

struct file;

/* What one space has committed. Pages; by the space's mutex. */
struct winmem_charge {
	unsigned long pages;
	unsigned long limit;		/* ULONG_MAX: none of its own */
	struct file *account;		/* its size is what the system counts for us */
	unsigned long accounted;	/* that size */
};

int winmem_charge_init(struct winmem_charge *charge);
void winmem_charge_destroy(struct winmem_charge *charge);
int winmem_charge_take(struct winmem_charge *charge, unsigned long nr);
void winmem_charge_give(struct winmem_charge *charge, unsigned long nr);

unsigned long winmem_charge_limit(const struct winmem_charge *charge);
unsigned long winmem_charge_total(void);
unsigned long winmem_charge_total_limit(void);

#endif /* WINMEM_CHARGE_H */
