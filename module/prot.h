/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_PROT_H
#define WINMEM_PROT_H

#include <linux/types.h>

/*
 * The state of one page, a byte. Zero is a page that is reserved or free: the pages
 * of a reservation and of nothing look the same here.
 *
 * PROT and GUARD are what a program sees. EXEC says that the mapping over the page
 * has, or has been asked to have, PROT_EXEC. RESET: the contents do not matter, and
 * reclaim may have dropped them. LOST: it has. OFFERED: nobody may touch the page, whatever
 * its protection; one that held something is RESET too.
 */
#define WINMEM_PAGE_NONE	0x00
#define WINMEM_PAGE_PROT	0x07	/* one of the six protections, from 1 on */
#define WINMEM_PAGE_GUARD	0x08
#define WINMEM_PAGE_EXEC	0x10
#define WINMEM_PAGE_RESET	0x20
#define WINMEM_PAGE_LOST	0x40
#define WINMEM_PAGE_OFFERED	0x80

#define WINMEM_PAGE_VISIBLE	(WINMEM_PAGE_PROT | WINMEM_PAGE_GUARD)
#define WINMEM_PAGE_ALL		0xff

/* What a state lets a program do; a guard page and an offered one let it do nothing. */
#define WINMEM_ACCESS_READ	0x1
#define WINMEM_ACCESS_WRITE	0x2
#define WINMEM_ACCESS_EXEC	0x4

static inline bool winmem_page_is_committed(u8 state)
{
	return state & WINMEM_PAGE_PROT;
}

u8 winmem_prot_to_page(u32 prot);
u32 winmem_prot_from_page(u8 state);
bool winmem_prot_has_exec(u32 prot);
unsigned int winmem_page_access(u8 state);

#endif /* WINMEM_PROT_H */
