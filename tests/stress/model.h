/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What Windows' memory functions do to a piece of address space, in the plainest way that
 * can be thought of: one struct for each page, and a loop for each call. It knows nothing of
 * how the module does it, and no kernel. One thread at a time uses a model.
 *
 * A page is four cells of 1 KiB. A cell holds a word: 0 for zeros, any other for a pattern
 * that is made of it (touch.h).
 *
 * Calls take bytes as programs give them and return the last error that the call must
 * leave, 0 for success.
 */
#ifndef WINMEM_TESTS_STRESS_MODEL_H
#define WINMEM_TESTS_STRESS_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <winmem.h>

#define PAGE		4096UL
#define GRAN		65536UL
#define GRAN_PAGES	(GRAN / PAGE)
#define CELLS		4
#define CELL		(PAGE / CELLS)
#define ALL_CELLS	((1 << CELLS) - 1)
#define FREE		(-1)

struct page {
	long base;		/* first page of its reservation or mapping; FREE */
	bool foreign;		/* a mapping that is not winmem's; prot is what it has */
	DWORD alloc_prot;
	DWORD prot;		/* with GUARD; 0: not committed */

	/*
	 * Contents. The word of a cell in maybe is a guess: zeros may have taken its place. Of
	 * those in before that may have been so when the page was reset last, and UNDO tells
	 * of what came since only.
	 */
	uint64_t word[CELLS];
	unsigned int maybe;
	unsigned int before;
	bool reset;		/* reset, and not written since: it can go at any time */
	bool was_reset;		/* since the last UNDO: that may tell of a loss */
	bool lost;		/* and must: zeros have been seen */
};

struct model {
	unsigned long start;	/* address of the first page */
	long nr;
	struct page *pages;
};

enum access { READ, WRITE, EXEC };

/* Pages that have a byte of a range. A range begins and ends inside the model. */
struct span {
	long first;
	long end;
};

void model_init(struct model *model, unsigned long start, long nr, struct page *pages);
struct span model_span(const struct model *model, unsigned long addr, unsigned long size);
struct span model_whole(const struct model *model, long page);
long model_committed(const struct model *model);

/*
 * VirtualAlloc. At an address the call is carried out; result is what it returns. With none
 * only the words are looked at: where the kernel chooses, model_place() learns of it.
 */
DWORD model_alloc_words(unsigned long size, DWORD type, DWORD prot);
DWORD model_alloc(struct model *model, unsigned long addr, unsigned long size, DWORD type,
		  DWORD prot, unsigned long *result);
bool model_place(struct model *model, unsigned long addr, unsigned long size, DWORD type,
		 DWORD prot);
bool model_has_hole(const struct model *model, struct span within, long nr, long align);

DWORD model_free(struct model *model, unsigned long addr, unsigned long size, DWORD type);
DWORD model_protect(struct model *model, unsigned long addr, unsigned long size, DWORD prot,
		    DWORD *old);
void model_query(const struct model *model, unsigned long addr, MEMORY_BASIC_INFORMATION *info);

/* MEM_RESET_UNDO has two right answers where a page was reset; error is the one given. */
bool model_undo(struct model *model, unsigned long addr, unsigned long size, DWORD error);

void model_map(struct model *model, struct span span, DWORD prot);
void model_unmap(struct model *model, long page);

/* Whether an access is let through. A guard in its way is gone when it is shot. */
bool model_allows(const struct page *page, enum access access);
bool model_touch(struct page *page, enum access access);
void model_write(struct page *page, unsigned int cell, uint64_t word);

/* A cell has been read, and is what its word says, or zeros: is that right? */
bool model_saw(struct page *page, unsigned int cell, bool is_word, bool is_zero);

#endif
