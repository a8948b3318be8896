/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_RESET_H
#define WINMEM_RESET_H

#include <linux/types.h>

struct folio;
struct winmem_space;
struct winmem_store;

struct folio *winmem_reset_hold(struct winmem_space *space, struct winmem_store *store,
				unsigned long page);
int winmem_reset_make(struct winmem_space *space, unsigned long start, unsigned long nr);
int winmem_reset_undo(struct winmem_space *space, unsigned long start, unsigned long nr);
int winmem_reset_undo_some(struct winmem_space *space, unsigned long start, unsigned long nr,
			   u8 offered);

#endif /* WINMEM_RESET_H */
