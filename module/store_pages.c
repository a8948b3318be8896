// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of the pages of a store (store.c) when their states have changed: faults that saw
 * the states before are waited for, then page tables follow, and the memory.
 *
 * A range may hold small folios and huge ones, and swap. What touches a huge one touches all of
 * it; so where a range has only a part of one, pages are unmapped, which the kernel does page by
 * page, and nothing is cleaned.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/shmem_fs.h>

#include "compat.h"
#include "store.h"
#include "widen.h"

/* Up to so many pages are write-protected one by one. */
#define WRITE_PROTECT_MAX	16

static bool store_is_empty(struct winmem_store *store, unsigned long start,
			     unsigned long nr)
{
	return !winmem_store_next(store, &start, start + nr - 1);
}

/* Call a function that may sleep for each folio of a range that is in memory. */
static void for_each_folio(struct winmem_store *store, unsigned long start,
			   unsigned long nr, void (*function)(struct folio *folio))
{
	struct address_space *mapping = winmem_store_mapping(store);
	pgoff_t index = winmem_store_index(store, start);
	pgoff_t last = winmem_store_index(store, start + nr - 1);
	struct folio_batch batch;
	unsigned int i;

	folio_batch_init(&batch);
	while (index <= last && filemap_get_folios(mapping, &index, last, &batch)) {
		for (i = 0; i < folio_batch_count(&batch); i++)
			function(batch.folios[i]);
		folio_batch_release(&batch);
		cond_resched();
	}
}

/**
 * winmem_store_settle() - wait for faults that saw the states before
 * @store: store
 * @start: first page
 * @nr: pages
 *
 * A fault that maps its page by itself does so under the chunk's lock. One that lets
 * the kernel map it (VM_FAULT_LOCKED) has locked the folio before it looked at the
 * state, and holds it until the page is mapped. It looked under the chunk's lock, and
 * so did the caller's change of states: whoever looked before that change has its
 * folio locked here.
 *
 * Context: may sleep; states of the range have been changed before.
 */
void winmem_store_settle(struct winmem_store *store, unsigned long start, unsigned long nr)
{
	for_each_folio(store, start, nr, folio_wait_locked);
}

static void unmap_pages(struct winmem_store *store, unsigned long start, unsigned long nr)
{
	unmap_mapping_pages(winmem_store_mapping(store), winmem_store_index(store, start), nr,
			    false);
}

static bool is_large(struct winmem_store *store, unsigned long page)
{
	struct folio *folio = winmem_store_get_large(store, page);

	if (folio)
		folio_put(folio);
	return folio;
}

/**
 * winmem_store_unmap() - no page of the range is mapped any more
 * @store: store
 * @start: first page
 * @nr: pages
 *
 * Context: may sleep; takes i_mmap_rwsem.
 */
void winmem_store_unmap(struct winmem_store *store, unsigned long start, unsigned long nr)
{
	if (!store_is_empty(store, start, nr))
		unmap_pages(store, start, nr);
}

/* Whether an end of a range lies in a large folio. */
static bool ends_in_large(struct winmem_store *store, unsigned long start, unsigned long nr)
{
	return is_large(store, start) || is_large(store, start + nr - 1);
}

static void folio_write_protect(struct folio *folio)
{
	bool dirty;

	folio_lock(folio);
	dirty = folio_mkclean(folio);
	winmem_widen(WINMEM_WIDEN_CLEAN);
	if (dirty)
		folio_mark_dirty(folio);
	folio_unlock(folio);
}

/* The usual case with one lookup; false when the page is a part of a huge one. */
static bool write_protect_page(struct winmem_store *store, unsigned long page)
{
	struct folio *folio = filemap_get_folio(winmem_store_mapping(store),
						winmem_store_index(store, page));
	bool large;

	if (IS_ERR_OR_NULL(folio))
		return true;
	large = folio_test_large(folio);
	if (!large)
		folio_write_protect(folio);
	folio_put(folio);
	return !large;
}

/**
 * winmem_store_write_protect() - no page of the range is mapped for writing any more
 * @store: store
 * @start: first page
 * @nr: pages
 *
 * And no PTE stays dirty: mprotect(2), NUMA balancing and userfaultfd take a dirty PTE of
 * a shared mapping for one that they may make writable. Taking the folio's lock waits for
 * faults as winmem_store_settle() does. Many pages are unmapped instead, in one walk;
 * they come back in batches. So are those of a huge page: cleaning one cleans all of them.
 *
 * Context: may sleep; takes folio locks and i_mmap_rwsem; states of the range have been
 * changed before.
 */
void winmem_store_write_protect(struct winmem_store *store, unsigned long start, unsigned long nr)
{
	if (nr == 1 && write_protect_page(store, start))
		return;
	if (nr <= WRITE_PROTECT_MAX && !ends_in_large(store, start, nr)) {
		for_each_folio(store, start, nr, folio_write_protect);
		return;
	}
	if (store_is_empty(store, start, nr))
		return;
	winmem_store_settle(store, start, nr);
	winmem_widen(WINMEM_WIDEN_SETTLED);
	winmem_store_unmap(store, start, nr);
}

/**
 * winmem_store_make_unwritten() - the next write to each page of a range faults
 * @store: store
 * @start: first page
 * @nr: pages
 *
 * Unlike winmem_store_write_protect() it leaves PTEs dirty, and walks the page tables once
 * for all of them. mprotect(2) has its hook for that, and is kept out meanwhile.
 *
 * Context: may sleep; mmap_lock is held; takes folio locks and i_mmap_rwsem; whoever
 * faults now says so to those who will ask.
 */
void winmem_store_make_unwritten(struct winmem_store *store, unsigned long start, unsigned long nr)
{
	struct address_space *mapping = winmem_store_mapping(store);

	winmem_store_settle(store, start, nr);
	if (!winmem_wp_ptes(mapping, winmem_store_index(store, start), nr))
		winmem_store_unmap(store, start, nr);
}

/*
 * Unmap a range, block by block, but for huge pages that are in it as a whole. Dropping a folio
 * unmaps it, and that is cheaper than to look whether each of its pages was unmapped before.
 */
static void unmap_but_huge(struct winmem_store *store, unsigned long start, unsigned long nr)
{
	unsigned long page = start, last = start + nr - 1;

	while (page <= last && winmem_store_next(store, &page, last)) {
		unsigned long first = round_down(page, HPAGE_PMD_NR);
		unsigned long end = first + HPAGE_PMD_NR - 1;

		if (first < start || end > last || !is_large(store, page))
			unmap_pages(store, page, min(end, last) - page + 1);
		page = end + 1;
		cond_resched();
	}
}

/**
 * winmem_store_drop() - give memory and swap of a range back
 * @store: store
 * @start: first page
 * @nr: pages, none of which a fault would map now
 *
 * Waits for locked folios as it goes. A fault in flight may leave a fresh page behind,
 * which is zero and goes with the next drop.
 *
 * Context: may sleep; takes folio locks and i_mmap_rwsem.
 */
void winmem_store_drop(struct winmem_store *store, unsigned long start, unsigned long nr)
{
	loff_t first = (loff_t)winmem_store_index(store, start) << PAGE_SHIFT;
	loff_t bytes = (loff_t)nr << PAGE_SHIFT;

	if (store_is_empty(store, start, nr))
		return;
	if (store->shift)
		unmap_pages(store, start, nr);
	else
		unmap_but_huge(store, start, nr);
	winmem_widen(WINMEM_WIDEN_DROP);
	shmem_truncate_range(file_inode(store->file), first, first + bytes - 1);
}

static bool index_is_empty(struct address_space *mapping, pgoff_t index)
{
	return !xa_load(&mapping->i_pages, index);
}

static struct folio *lock_folio(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio = filemap_lock_folio(mapping, index);

	return IS_ERR_OR_NULL(folio) ? NULL : folio;
}

/**
 * winmem_store_is_lost() - whether reclaim has dropped a page that was reset
 * @store: store
 * @page: page number
 * @folio: set to the folio with a reference, so that it cannot be dropped after the
 *	answer; NULL when the page is lost or in swap
 *
 * Context: any.
 * Return: true when there is neither memory nor swap.
 */
bool winmem_store_is_lost(struct winmem_store *store, unsigned long page,
			    struct folio **folio)
{
	struct address_space *mapping = winmem_store_mapping(store);
	pgoff_t index = winmem_store_index(store, page);

	*folio = filemap_get_folio(mapping, index);
	if (!IS_ERR_OR_NULL(*folio))
		return false;
	*folio = NULL;
	return index_is_empty(mapping, index);
}

/* Under the folio's lock nobody maps it again; a dirty PTE dirties it here. */
static bool folio_clean(struct winmem_store *store, struct folio *folio)
{
	if (folio_mapped(folio))
		unmap_mapping_pages(winmem_store_mapping(store), folio->index,
				    folio_nr_pages(folio), false);
	winmem_widen(WINMEM_WIDEN_CLEAN);
	folio_wait_writeback(folio);
	return folio_test_clear_dirty(folio);
}

/**
 * winmem_store_make_clean() - let reclaim drop a page instead of writing it to swap
 * @store: store
 * @page: page number
 *
 * What is in swap already is dropped here and now.
 *
 * Context: may sleep; takes the folio lock.
 * Return: what the page was before: WINMEM_WAS_CLEAN also when there was none.
 */
enum winmem_was winmem_store_make_clean(struct winmem_store *store, unsigned long page)
{
	struct address_space *mapping = winmem_store_mapping(store);
	pgoff_t index = winmem_store_index(store, page);
	struct folio *folio = lock_folio(mapping, index);
	bool dirty;

	if (!folio) {
		if (index_is_empty(mapping, index))
			return WINMEM_WAS_CLEAN;
		winmem_store_drop(store, page, 1);
		return WINMEM_WAS_SWAPPED;
	}
	/* A huge one has come meanwhile; it is more than this page. */
	dirty = !folio_test_large(folio) && folio_clean(store, folio);
	folio_unlock(folio);
	folio_put(folio);
	return dirty ? WINMEM_WAS_DIRTY : WINMEM_WAS_CLEAN;
}

/**
 * winmem_store_make_large_clean() - let reclaim drop a large folio
 * @store: store
 * @folio: the folio, locked by the caller, so that nobody maps it
 *
 * Context: may sleep.
 * Return: whether it was dirty.
 */
bool winmem_store_make_large_clean(struct winmem_store *store, struct folio *folio)
{
	return folio_clean(store, folio);
}

/**
 * winmem_store_make_dirty() - keep a page that reclaim might have dropped
 * @store: store
 * @page: page number
 *
 * Context: may sleep; takes the folio lock.
 * Return: false when it is lost.
 */
bool winmem_store_make_dirty(struct winmem_store *store, unsigned long page)
{
	struct address_space *mapping = winmem_store_mapping(store);
	pgoff_t index = winmem_store_index(store, page);
	struct folio *folio = lock_folio(mapping, index);

	/* Written again and swapped out since: the contents are in swap. */
	if (!folio)
		return !index_is_empty(mapping, index);

	folio_mark_dirty(folio);
	folio_unlock(folio);
	folio_put(folio);
	return true;
}
