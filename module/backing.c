// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory under a space: one shmem file, so that pages are swapped, charged to the
 * memory cgroup, migrated and pinned as any process's are. Page n of the address
 * space is page n + 1 of the file: with that one page of shift no 2 MiB block of the
 * file is aligned as its addresses are, and no huge page can ever be mapped past the
 * page states. For the same reason the inode is not a regular file while it is in
 * use: shmem makes huge folios for S_ISREG only.
 *
 * The file's pages are not charged as committed memory when they are touched: charge.c
 * has done that when they were committed. For that the file is made with a size of 0,
 * and has one again when it ends.
 *
 * The file has its own copy of shmem's file_operations: it keeps the module loaded for
 * as long as something is mapped, and its release ends the space.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "backing.h"
#include "compat.h"
#include "widen.h"

/* Up to so many pages are write-protected one by one. */
#define WRITE_PROTECT_MAX	16

static struct file_operations backing_fops;

static DEFINE_SPINLOCK(backing_lock);
static LIST_HEAD(backing_list);

/**
 * winmem_backing_init() - take shmem's file_operations and put ours over them
 * @ops: .mmap and .release
 *
 * Context: module init; may sleep.
 * Return: 0 or -errno of shmem_file_setup().
 */
int winmem_backing_init(const struct file_operations *ops)
{
	struct file *file = winmem_shmem_file("winmem", PAGE_SIZE);

	if (IS_ERR(file))
		return PTR_ERR(file);

	backing_fops = *file->f_op;
	backing_fops.owner = THIS_MODULE;
	winmem_fops_set_mmap(&backing_fops, ops->mmap);
	backing_fops.release = ops->release;
	backing_fops.fallocate = NULL;
	backing_fops.get_unmapped_area = NULL;
	fput(file);
	return 0;
}

/**
 * winmem_backing_open() - make the file of a new space
 * @backing: to fill
 * @owner: what the file's private_data is to point to
 *
 * Context: may sleep.
 * Return: 0, and the caller holds the first reference of @backing->file; or -errno of
 * shmem_file_setup().
 */
int winmem_backing_open(struct winmem_backing *backing, void *owner)
{
	struct file *file;

	file = winmem_shmem_file("winmem", 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	/* Past shmem, which would take it for a promise of so much memory. */
	i_size_write(file_inode(file), (loff_t)TASK_SIZE_MAX + 2 * PAGE_SIZE);

	__module_get(THIS_MODULE);
	file->f_op = &backing_fops;
	file->private_data = owner;
	file_inode(file)->i_mode &= ~S_IFMT;
	backing->file = file;

	spin_lock(&backing_lock);
	list_add(&backing->node, &backing_list);
	spin_unlock(&backing_lock);
	return 0;
}

/**
 * winmem_backing_close() - from the file's release: let shmem have its inode back
 * @backing: backing whose file is going
 *
 * Context: may sleep.
 */
void winmem_backing_close(struct winmem_backing *backing)
{
	spin_lock(&backing_lock);
	list_del(&backing->node);
	spin_unlock(&backing_lock);

	file_inode(backing->file)->i_mode |= S_IFREG;
	i_size_write(file_inode(backing->file), 0);
}

/**
 * winmem_backing_mapping() - the page cache of the file
 * @backing: backing
 *
 * Context: any.
 */
struct address_space *winmem_backing_mapping(const struct winmem_backing *backing)
{
	return backing->file->f_mapping;
}

/**
 * winmem_backing_swapped() - how much of all spaces is in swap
 *
 * Context: any.
 * Return: pages, as of some moment of late.
 */
unsigned long winmem_backing_swapped(void)
{
	struct winmem_backing *backing;
	unsigned long swapped = 0;

	spin_lock(&backing_lock);
	list_for_each_entry(backing, &backing_list, node)
		swapped += READ_ONCE(SHMEM_I(file_inode(backing->file))->swapped);
	spin_unlock(&backing_lock);
	return swapped;
}

/**
 * winmem_backing_get_page() - a page of memory, zero when it is new
 * @backing: backing
 * @page: page number
 *
 * Context: may sleep, swap in and reclaim.
 * Return: the page with a reference, up to date and not locked; or ERR_PTR: -ENOMEM,
 * -EIO.
 */
struct page *winmem_backing_get_page(struct winmem_backing *backing, unsigned long page)
{
	struct address_space *mapping = winmem_backing_mapping(backing);

	return shmem_read_mapping_page_gfp(mapping, winmem_backing_index(page),
					   mapping_gfp_mask(mapping));
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
 * winmem_backing_is_lost() - whether reclaim has dropped a page that was reset
 * @backing: backing
 * @page: page number
 * @folio: set to the folio with a reference, so that it cannot be dropped after the
 *	answer; NULL when the page is lost or in swap
 *
 * Context: any.
 * Return: true when there is neither memory nor swap.
 */
bool winmem_backing_is_lost(struct winmem_backing *backing, unsigned long page,
			    struct folio **folio)
{
	struct address_space *mapping = winmem_backing_mapping(backing);
	pgoff_t index = winmem_backing_index(page);

	*folio = filemap_get_folio(mapping, index);
	if (!IS_ERR_OR_NULL(*folio))
		return false;
	*folio = NULL;
	return index_is_empty(mapping, index);
}

/**
 * winmem_backing_next() - find the next page that has memory or swap
 * @backing: backing
 * @page: where to begin; set to the page found
 * @last: last page to look at
 *
 * Context: any.
 * Return: false when there is none.
 */
bool winmem_backing_next(struct winmem_backing *backing, unsigned long *page,
			 unsigned long last)
{
	unsigned long index = winmem_backing_index(*page);

	if (!xa_find(&winmem_backing_mapping(backing)->i_pages, &index,
		     winmem_backing_index(last), XA_PRESENT))
		return false;
	*page = index - winmem_backing_index(0);
	return true;
}

static bool backing_is_empty(struct winmem_backing *backing, unsigned long start,
			     unsigned long nr)
{
	return !winmem_backing_next(backing, &start, start + nr - 1);
}

/* Call a function that may sleep for each folio of a range that is in memory. */
static void for_each_folio(struct winmem_backing *backing, unsigned long start,
			   unsigned long nr, void (*function)(struct folio *folio))
{
	struct address_space *mapping = winmem_backing_mapping(backing);
	pgoff_t index = winmem_backing_index(start);
	pgoff_t last = winmem_backing_index(start + nr - 1);
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
 * winmem_backing_settle() - wait for faults that saw the states before
 * @backing: backing
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
void winmem_backing_settle(struct winmem_backing *backing, unsigned long start,
			   unsigned long nr)
{
	for_each_folio(backing, start, nr, folio_wait_locked);
}

/**
 * winmem_backing_unmap() - no page of the range is mapped any more
 * @backing: backing
 * @start: first page
 * @nr: pages
 *
 * Context: may sleep; takes i_mmap_rwsem.
 */
void winmem_backing_unmap(struct winmem_backing *backing, unsigned long start,
			  unsigned long nr)
{
	if (backing_is_empty(backing, start, nr))
		return;
	unmap_mapping_pages(winmem_backing_mapping(backing), winmem_backing_index(start), nr,
			    false);
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

/**
 * winmem_backing_write_protect() - no page of the range is mapped for writing any more
 * @backing: backing
 * @start: first page
 * @nr: pages
 *
 * And no PTE stays dirty: mprotect(2), NUMA balancing and userfaultfd take a dirty PTE of
 * a shared mapping for one that they may make writable. Taking the folio's lock waits for
 * faults as winmem_backing_settle() does. Many pages are unmapped instead, in one walk;
 * they come back in batches.
 *
 * Context: may sleep; takes folio locks and i_mmap_rwsem; states of the range have been
 * changed before.
 */
void winmem_backing_write_protect(struct winmem_backing *backing, unsigned long start,
				  unsigned long nr)
{
	if (nr <= WRITE_PROTECT_MAX) {
		for_each_folio(backing, start, nr, folio_write_protect);
		return;
	}
	winmem_backing_settle(backing, start, nr);
	winmem_widen(WINMEM_WIDEN_SETTLED);
	winmem_backing_unmap(backing, start, nr);
}

/**
 * winmem_backing_make_unwritten() - the next write to each page of a range faults
 * @backing: backing
 * @start: first page
 * @nr: pages
 *
 * Unlike winmem_backing_write_protect() it leaves PTEs dirty, and walks the page tables once
 * for all of them. mprotect(2) has its hook for that, and is kept out meanwhile.
 *
 * Context: may sleep; mmap_lock is held; takes folio locks and i_mmap_rwsem; whoever
 * faults now says so to those who will ask.
 */
void winmem_backing_make_unwritten(struct winmem_backing *backing, unsigned long start,
				   unsigned long nr)
{
	struct address_space *mapping = winmem_backing_mapping(backing);

	winmem_backing_settle(backing, start, nr);
	if (!winmem_wp_ptes(mapping, winmem_backing_index(start), nr))
		winmem_backing_unmap(backing, start, nr);
}

/**
 * winmem_backing_drop() - give memory and swap of a range back
 * @backing: backing
 * @start: first page
 * @nr: pages, none of which a fault would map now
 *
 * Waits for locked folios as it goes. A fault in flight may leave a fresh page behind,
 * which is zero and goes with the next drop.
 *
 * Context: may sleep; takes folio locks and i_mmap_rwsem.
 */
void winmem_backing_drop(struct winmem_backing *backing, unsigned long start,
			 unsigned long nr)
{
	struct inode *inode = file_inode(backing->file);
	loff_t first = (loff_t)winmem_backing_index(start) << PAGE_SHIFT;
	loff_t bytes = (loff_t)nr << PAGE_SHIFT;

	if (backing_is_empty(backing, start, nr))
		return;
	unmap_mapping_pages(inode->i_mapping, winmem_backing_index(start), nr, false);
	winmem_widen(WINMEM_WIDEN_DROP);
	shmem_truncate_range(inode, first, first + bytes - 1);
}

/**
 * winmem_backing_make_clean() - let reclaim drop a page instead of writing it to swap
 * @backing: backing
 * @page: page number
 *
 * What is in swap already is dropped here and now.
 *
 * Context: may sleep; takes the folio lock.
 * Return: what the page was before: WINMEM_WAS_CLEAN also when there was none.
 */
enum winmem_was winmem_backing_make_clean(struct winmem_backing *backing, unsigned long page)
{
	struct address_space *mapping = winmem_backing_mapping(backing);
	pgoff_t index = winmem_backing_index(page);
	struct folio *folio = lock_folio(mapping, index);
	bool dirty;

	if (!folio) {
		if (index_is_empty(mapping, index))
			return WINMEM_WAS_CLEAN;
		winmem_backing_drop(backing, page, 1);
		return WINMEM_WAS_SWAPPED;
	}
	/* Under the folio's lock nobody maps it again; a dirty PTE dirties it here. */
	if (folio_mapped(folio))
		unmap_mapping_pages(mapping, index, 1, false);
	winmem_widen(WINMEM_WIDEN_CLEAN);
	folio_wait_writeback(folio);
	dirty = folio_test_clear_dirty(folio);
	folio_unlock(folio);
	folio_put(folio);
	return dirty ? WINMEM_WAS_DIRTY : WINMEM_WAS_CLEAN;
}

/**
 * winmem_backing_make_dirty() - keep a page that reclaim might have dropped
 * @backing: backing
 * @page: page number
 *
 * Context: may sleep; takes the folio lock.
 * Return: false when it is lost.
 */
bool winmem_backing_make_dirty(struct winmem_backing *backing, unsigned long page)
{
	struct address_space *mapping = winmem_backing_mapping(backing);
	pgoff_t index = winmem_backing_index(page);
	struct folio *folio = lock_folio(mapping, index);

	/* Written again and swapped out since: the contents are in swap. */
	if (!folio)
		return !index_is_empty(mapping, index);

	folio_mark_dirty(folio);
	folio_unlock(folio);
	folio_put(folio);
	return true;
}
