/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_OFFER_H
#define WINMEM_OFFER_H

struct winmem_space;

int winmem_offer_make(struct winmem_space *space, unsigned long start, unsigned long nr);
int winmem_offer_undo(struct winmem_space *space, unsigned long start, unsigned long nr);

#endif /* WINMEM_OFFER_H */
