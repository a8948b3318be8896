// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "model.h"

#define MODIFIERS	(PAGE_GUARD | PAGE_NOCACHE | PAGE_WRITECOMBINE)
#define CACHING		(PAGE_NOCACHE | PAGE_WRITECOMBINE)
#define RESERVING	(MEM_RESERVE | MEM_COMMIT | MEM_TOP_DOWN | MEM_WRITE_WATCH)

static const struct page free_page = { .base = FREE };

void model_init(struct model *model, unsigned long start, long nr, struct page *pages)
{
	*model = (struct model) { start, nr, pages };
	for (long i = 0; i < nr; i++)
		pages[i] = free_page;
}

struct span model_span(const struct model *model, unsigned long addr, unsigned long size)
{
	return (struct span) {
		(addr - model->start) / PAGE,
		(addr + size - 1 - model->start) / PAGE + 1,
	};
}

long model_committed(const struct model *model)
{
	long count = 0;

	for (long i = 0; i < model->nr; i++)
		count += !model->pages[i].foreign && model->pages[i].prot;
	return count;
}

static bool is_reserved(const struct page *page)
{
	return page->base != FREE && !page->foreign;
}

/* The reservation or mapping that a page is of. */
struct span model_whole(const struct model *model, long page)
{
	long base = model->pages[page].base, end = base;

	while (end < model->nr && model->pages[end].base == base)
		end++;
	return (struct span) { base, end };
}

/* Whether all of it is one reservation's. */
static bool is_one(const struct model *model, struct span span)
{
	for (long i = span.first; i < span.end; i++)
		if (!is_reserved(&model->pages[i]) ||
		    model->pages[i].base != model->pages[span.first].base)
			return false;
	return true;
}

/* Rows P01 to P16. */
static bool prot_is_valid(DWORD prot)
{
	if (prot & (PAGE_EXECUTE | PAGE_EXECUTE_READ | PAGE_EXECUTE_READWRITE))
		prot &= ~PAGE_TARGETS_INVALID;
	switch (prot & ~MODIFIERS) {
	case PAGE_NOACCESS:
		return !(prot & MODIFIERS);
	case PAGE_READONLY:
	case PAGE_READWRITE:
	case PAGE_EXECUTE:
	case PAGE_EXECUTE_READ:
	case PAGE_EXECUTE_READWRITE:
		break;
	default:
		return false;
	}
	switch (prot & MODIFIERS) {
	case 0:
	case PAGE_GUARD:
	case PAGE_NOCACHE:
	case PAGE_WRITECOMBINE:
		return true;
	default:
		return false;
	}
}

/* What is reported of a page: caching is its reservation's (rows P10 to P13). */
static DWORD prot_shown(const struct page *page)
{
	if (!page->prot || page->prot == PAGE_NOACCESS || page->foreign)
		return page->prot;
	return page->prot | (page->alloc_prot & CACHING);
}

/* Rows VA29, VA30, VA33, VR05, VR13. */
static bool type_is_valid(DWORD type)
{
	switch (type) {
	case MEM_COMMIT:
	case MEM_COMMIT | MEM_TOP_DOWN:
	case MEM_RESET:
	case MEM_RESET_UNDO:
		return true;
	default:
		return type & MEM_RESERVE && !(type & ~RESERVING);
	}
}

DWORD model_alloc_words(unsigned long size, DWORD type, DWORD prot)
{
	if (!type_is_valid(type) || !prot_is_valid(prot) || !size)
		return ERROR_INVALID_PARAMETER;
	return 0;
}

static void page_commit(struct page *page, DWORD prot)
{
	page->prot = prot & ~(CACHING | PAGE_TARGETS_INVALID);
}

static void page_decommit(struct page *page)
{
	*page = (struct page) { .base = page->base, .alloc_prot = page->alloc_prot };
}

/* Whether a reservation can be at pages; the last granule is not shared with another. */
static bool is_place(const struct model *model, long first, long nr)
{
	long granules = (nr + GRAN_PAGES - 1) / GRAN_PAGES * GRAN_PAGES;

	if (first + nr > model->nr)
		return false;
	for (long i = first; i < first + nr; i++)
		if (model->pages[i].base != FREE)
			return false;
	for (long i = first; i < first + granules && i < model->nr; i++)
		if (is_reserved(&model->pages[i]))
			return false;
	return true;
}

bool model_has_hole(const struct model *model, struct span within, long nr, long align)
{
	for (long i = within.first; i + nr <= within.end; i++)
		if ((model->start / PAGE + i) % align == 0 && is_place(model, i, nr))
			return true;
	return false;
}

/* A reservation where the kernel has put it; false when it may not be there. */
bool model_place(struct model *model, unsigned long addr, unsigned long size, DWORD type,
		 DWORD prot)
{
	struct span span = model_span(model, addr, size);

	if (addr % GRAN || !is_place(model, span.first, span.end - span.first))
		return false;
	for (long i = span.first; i < span.end; i++) {
		model->pages[i].base = span.first;
		model->pages[i].alloc_prot = prot & ~PAGE_TARGETS_INVALID;
		if (type & MEM_COMMIT)
			page_commit(&model->pages[i], prot);
	}
	return true;
}

/* Row VA11: down to 64 KiB, and the end up to a page. */
static DWORD reserve_at(struct model *model, unsigned long addr, unsigned long size, DWORD type,
			DWORD prot, unsigned long *result)
{
	unsigned long start = addr / GRAN * GRAN;

	if (!model_place(model, start, addr + size - start, type, prot))
		return ERROR_INVALID_ADDRESS;
	*result = start;
	return 0;
}

static void page_reset(struct page *page)
{
	if (!page->prot)
		return;
	/* A page that was not written between two resets was reset once. */
	if (!page->reset)
		page->before = page->maybe;
	page->reset = true;
	page->was_reset = true;
	for (int i = 0; i < CELLS; i++)
		if (page->word[i])
			page->maybe |= 1U << i;
}

static DWORD reset(struct model *model, struct span span)
{
	/* A mapping of shared memory takes the hint, and nothing comes of it (VR08). */
	if (model->pages[span.first].foreign)
		return 0;
	if (!is_one(model, span))
		return ERROR_INVALID_ADDRESS;
	for (long i = span.first; i < span.end; i++)
		page_reset(&model->pages[i]);
	return 0;
}

DWORD model_alloc(struct model *model, unsigned long addr, unsigned long size, DWORD type,
		  DWORD prot, unsigned long *result)
{
	DWORD error = model_alloc_words(size, type, prot);
	struct span span;

	if (error)
		return error;
	if (type & MEM_RESERVE)
		return reserve_at(model, addr, size, type, prot, result);

	span = model_span(model, addr, size);
	*result = model->start + span.first * PAGE;
	if (type == MEM_RESET)
		return reset(model, span);
	if (!is_one(model, span))
		return ERROR_INVALID_ADDRESS;
	for (long i = span.first; i < span.end; i++)
		page_commit(&model->pages[i], prot);
	return 0;
}

bool model_undo(struct model *model, unsigned long addr, unsigned long size, DWORD error)
{
	struct span span = model_span(model, addr, size);
	bool may_lose = false, must_lose = false;

	if (model->pages[span.first].foreign)
		return !error;
	if (!is_one(model, span))
		return error == ERROR_INVALID_ADDRESS;
	if (error && error != ERROR_BUSY)
		return false;
	for (long i = span.first; i < span.end; i++) {
		struct page *page = &model->pages[i];

		may_lose |= page->was_reset;
		must_lose |= page->lost;
		/* Of a page that was not reset since, this undo knows nothing. */
		if (!error && page->was_reset)
			page->maybe &= page->before;
		page->reset = page->was_reset = page->lost = false;
	}
	return error ? may_lose : !must_lose;
}

/* Rows VF05 to VF16, VF19. */
static DWORD decommit(struct model *model, unsigned long addr, unsigned long size)
{
	struct span span = model_span(model, addr, size ? size : 1);
	const struct page *page = &model->pages[span.first];

	if (page->foreign)
		return ERROR_INVALID_PARAMETER;
	if (page->base == FREE || (!size && page->base != span.first))
		return ERROR_INVALID_ADDRESS;
	if (!size)
		span = model_whole(model, span.first);
	if (!is_one(model, span))
		return ERROR_INVALID_PARAMETER;
	for (long i = span.first; i < span.end; i++)
		page_decommit(&model->pages[i]);
	return 0;
}

static DWORD release(struct model *model, unsigned long addr, unsigned long size)
{
	long page = (addr - model->start) / PAGE;
	struct span span;

	if (size || model->pages[page].foreign)
		return ERROR_INVALID_PARAMETER;
	if (model->pages[page].base != page)
		return ERROR_INVALID_ADDRESS;
	span = model_whole(model, page);
	for (long i = span.first; i < span.end; i++)
		model->pages[i] = free_page;
	return 0;
}

DWORD model_free(struct model *model, unsigned long addr, unsigned long size, DWORD type)
{
	switch (type) {
	case MEM_DECOMMIT:
		return decommit(model, addr, size);
	case MEM_RELEASE:
		return release(model, addr, size);
	default:
		return ERROR_INVALID_PARAMETER;
	}
}

/* Not for mappings, whose protection is mprotect's. */
DWORD model_protect(struct model *model, unsigned long addr, unsigned long size, DWORD prot,
		    DWORD *old)
{
	struct span span;

	if (!prot_is_valid(prot) || !size)
		return ERROR_INVALID_PARAMETER;
	span = model_span(model, addr, size);
	*old = PAGE_NOACCESS;
	if (!is_one(model, span))
		return ERROR_INVALID_ADDRESS;
	for (long i = span.first; i < span.end; i++)
		if (!model->pages[i].prot)
			return ERROR_INVALID_ADDRESS;
	*old = prot_shown(&model->pages[span.first]);
	for (long i = span.first; i < span.end; i++)
		page_commit(&model->pages[i], prot);
	return 0;
}

static bool looks_alike(const struct page *a, const struct page *b)
{
	if (a->base == FREE || b->base == FREE)
		return a->base == b->base;
	return a->base == b->base && a->prot == b->prot;
}

void model_query(const struct model *model, unsigned long addr, MEMORY_BASIC_INFORMATION *info)
{
	long first = (addr - model->start) / PAGE, end = first;
	const struct page *page = &model->pages[first];

	while (end < model->nr && looks_alike(&model->pages[end], page))
		end++;
	memset(info, 0, sizeof(*info));
	info->BaseAddress = (void *)(model->start + first * PAGE);
	info->RegionSize = (end - first) * PAGE;
	if (page->base == FREE) {
		info->State = MEM_FREE;
		info->Protect = PAGE_NOACCESS;
		return;
	}
	info->AllocationBase = (void *)(model->start + page->base * PAGE);
	info->AllocationProtect = page->alloc_prot;
	info->State = page->prot ? MEM_COMMIT : MEM_RESERVE;
	info->Protect = prot_shown(page);
	info->Type = page->foreign ? MEM_MAPPED : MEM_PRIVATE;
}

void model_map(struct model *model, struct span span, DWORD prot)
{
	for (long i = span.first; i < span.end; i++)
		model->pages[i] = (struct page) {
			.base = span.first, .foreign = true, .alloc_prot = prot, .prot = prot,
		};
}

void model_unmap(struct model *model, long page)
{
	struct span span = model_whole(model, page);

	for (long i = span.first; i < span.end; i++)
		model->pages[i] = free_page;
}

bool model_allows(const struct page *page, enum access access)
{
	switch (page->prot) {
	case PAGE_READONLY:
		return access == READ;
	case PAGE_READWRITE:
		return access == READ || access == WRITE;
	case PAGE_EXECUTE:
	case PAGE_EXECUTE_READ:
		return access == READ || access == EXEC;
	case PAGE_EXECUTE_READWRITE:
		return true;
	default:
		return false;
	}
}

bool model_touch(struct page *page, enum access access)
{
	if (model_allows(page, access))
		return true;
	page->prot &= ~PAGE_GUARD;
	return false;
}

void model_write(struct page *page, unsigned int cell, uint64_t word)
{
	page->word[cell] = word;
	page->maybe &= ~(1U << cell);
	page->before &= ~(1U << cell);
	page->reset = false;
	page->lost = false;
}

bool model_saw(struct page *page, unsigned int cell, bool is_word, bool is_zero)
{
	unsigned int bit = 1U << cell;
	bool before;

	if (!(page->maybe & bit))
		return page->word[cell] ? is_word : is_zero;
	before = page->before & bit;
	page->before &= ~bit;
	if (is_word) {
		/* It has survived what could have taken it, unless that can still come. */
		if (!page->reset)
			page->maybe &= ~bit;
		return true;
	}
	if (!is_zero)
		return false;
	page->word[cell] = 0;
	page->maybe &= ~bit;
	/* Zeros that may have been there when the page was reset say nothing of a loss since. */
	if (page->reset && !before)
		page->lost = true;
	return true;
}
