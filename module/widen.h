/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_WIDEN_H
#define WINMEM_WIDEN_H

/*
 * Places where one thread has looked or has done half of something, and another one may
 * come between. A debug build can be told to wait there, so that it does come between:
 * tests/race names these points. In other builds a point is nothing at all.
 */
enum winmem_widen {
	/* A fault has seen the state. */
	WINMEM_WIDEN_FAULT_GET,		/* its pages are not yet in the page cache */
	WINMEM_WIDEN_FAULT_MAP,		/* they are, and not yet mapped */
	WINMEM_WIDEN_FAULT_BUSY,	/* that did not work; the kernel is to map them */
	WINMEM_WIDEN_FAULT_HAND_OVER,	/* for that the folio is locked */
	WINMEM_WIDEN_FAULT_MKWRITE,	/* the folio is locked, its PTE not yet writable */
	WINMEM_WIDEN_FAULT_LOST,	/* a page that was reset is gone; not yet marked so */
	WINMEM_WIDEN_FAULT_GUARD,	/* a guard was hit and stands; the chunk is locked */
	WINMEM_WIDEN_ACCESS_GET,	/* a debugger may have the page; it has none yet */
	WINMEM_WIDEN_ACCESS,		/* it has, and the folio is locked */

	/* A change has set the states. */
	WINMEM_WIDEN_PROTECT,		/* page tables do not follow yet */
	WINMEM_WIDEN_SETTLED,		/* faults were waited for; nothing is unmapped yet */
	WINMEM_WIDEN_DECOMMIT,		/* the memory is still mapped */
	WINMEM_WIDEN_DROP,		/* it is unmapped and not yet dropped */
	WINMEM_WIDEN_FORGET,		/* a chunk is out of the table, which is not yet another one */
	WINMEM_WIDEN_CLEAN,		/* the folio is locked, its PTEs clean and itself not marked */
	WINMEM_WIDEN_RESET,		/* a page is marked RESET, and not yet clean */
	WINMEM_WIDEN_UNDO,		/* a page is dirty again; its mark was not looked at */
	WINMEM_WIDEN_WATCH,		/* pages count as not written; their PTEs are writable */
	WINMEM_WIDEN_EXEC,		/* the mappings agree on execute; no protection is set */

	/* A look at the process's mappings, or at other spaces. */
	WINMEM_WIDEN_HOLE,		/* a hole was found, and nothing mapped there */
	WINMEM_WIDEN_REPAIR,		/* a gap in a window was found, and not yet filled */
	WINMEM_WIDEN_CARVE,		/* something in a window is not ours; nothing cut yet */
	WINMEM_WIDEN_UNMAP,		/* a window is still ours, and not yet unmapped */
	WINMEM_WIDEN_OPEN,		/* the mm has a space, which may just be ending */
	WINMEM_WIDEN_ENTER,		/* another process is kept from ending; its space is not known */
	WINMEM_WIDEN_END,		/* a space has no user, and can still be found */
	WINMEM_WIDEN_CHARGE,		/* the system's limit allows it; nothing is charged */

	WINMEM_WIDEN_POINTS
};

#ifdef DEBUG
void winmem_widen(enum winmem_widen point);
void winmem_widen_atomic(enum winmem_widen point);
#else
#define winmem_widen(point)		do { } while (0)
#define winmem_widen_atomic(point)	do { } while (0)
#endif

#endif /* WINMEM_WIDEN_H */
