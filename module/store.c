// SPDX-License-Identifier: GPL-2.0-only
/*
 * One shmem file that holds memory of a space, so that pages are swapped, charged to the
 * memory cgroup, migrated and pinned as any process's are. A space has up to two (backing.c):
 *
 *	small	page n of the address space is page n + 1 of the file: with that one page of
 *		shift no 2 MiB block of the file is aligned as its addresses are, and no huge page
 *		can ever be mapped past the page states. For the same reason the inode is not a
 *		regular file while it is in use: shmem makes huge folios for S_ISREG only.
 *	huge	page n is page n, on a tmpfs mount of our own that has huge=always. The inode is a
 *		regular file only while somebody asks for a huge page.
 *
 * A huge page that is made while another thread asks for a small one, in another block, may
 * be given to that one too. So no function here, and no fault, relies on what it has asked for.
 *
 * A file's pages are not charged as committed memory when they are touched: charge.c
 * has done that when they were committed. For that the file is made with a size of 0,
 * and has one again when it ends.
 *
 * The files have their own copy of shmem's file_operations: it keeps the module loaded for
 * as long as something is mapped, and the release of the small one ends the space.
 */
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "store.h"

static struct file_operations store_fops;
static struct vfsmount *huge_mount;	/* NULL: this kernel makes no huge pages */

static DEFINE_SPINLOCK(store_lock);
static LIST_HEAD(store_list);

/**
 * winmem_store_init() - take shmem's file_operations and put ours over them
 * @ops: .mmap and .release
 *
 * Context: module init; may sleep.
 * Return: 0 or -errno of shmem_file_setup().
 */
int winmem_store_init(const struct file_operations *ops)
{
	struct file *file = winmem_shmem_file(NULL, "winmem", PAGE_SIZE);
	char options[] = "huge=always";	/* taken apart where it is */

	if (IS_ERR(file))
		return PTR_ERR(file);

	store_fops = *file->f_op;
	store_fops.owner = THIS_MODULE;
	winmem_fops_set_mmap(&store_fops, ops->mmap);
	store_fops.release = ops->release;
	store_fops.fallocate = NULL;
	store_fops.get_unmapped_area = NULL;

	huge_mount = vfs_kern_mount(file_inode(file)->i_sb->s_type, SB_KERNMOUNT, "tmpfs", options);
	if (IS_ERR(huge_mount))
		huge_mount = NULL;
	fput(file);
	return 0;
}

/**
 * winmem_store_exit() - undo winmem_store_init()
 *
 * Context: module exit; may sleep. No store is left.
 */
void winmem_store_exit(void)
{
	if (huge_mount)
		kern_unmount(huge_mount);
}

/**
 * winmem_store_has_huge() - whether this kernel makes huge pages at all
 *
 * Context: any.
 */
bool winmem_store_has_huge(void)
{
	return huge_mount;
}

/**
 * winmem_store_open() - make a file
 * @store: to fill
 * @owner: what the file's private_data is to point to
 * @huge: for huge pages
 *
 * Context: may sleep.
 * Return: 0, and the caller holds the first reference of @store->file; -EOPNOTSUPP: this kernel
 * makes no huge pages; or -errno of shmem_file_setup().
 */
int winmem_store_open(struct winmem_store *store, void *owner, bool huge)
{
	struct file *file;

	if (huge && !huge_mount)
		return -EOPNOTSUPP;
	file = winmem_shmem_file(huge ? huge_mount : NULL, "winmem", 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	/* Past shmem, which would take it for a promise of so much memory. */
	i_size_write(file_inode(file), (loff_t)TASK_SIZE_MAX + 2 * PAGE_SIZE);

	__module_get(THIS_MODULE);
	file->f_op = &store_fops;
	file->private_data = owner;
	file_inode(file)->i_mode &= ~S_IFMT;
	store->shift = huge ? 0 : 1;
	store->makers = 0;

	spin_lock(&store_lock);
	store->file = file;
	list_add(&store->node, &store_list);
	spin_unlock(&store_lock);
	return 0;
}

/**
 * winmem_store_close() - no page is used any more: let shmem have its inode back
 * @store: open store; the caller's reference of its file stays the caller's
 *
 * Context: may sleep.
 */
void winmem_store_close(struct winmem_store *store)
{
	spin_lock(&store_lock);
	list_del(&store->node);
	spin_unlock(&store_lock);

	file_inode(store->file)->i_mode |= S_IFREG;
	i_size_write(file_inode(store->file), 0);
	store->file->private_data = NULL;
}

/**
 * winmem_stores_swapped() - how much of all spaces is in swap
 *
 * Context: any.
 * Return: pages, as of some moment of late.
 */
unsigned long winmem_stores_swapped(void)
{
	struct winmem_store *store;
	unsigned long swapped = 0;

	spin_lock(&store_lock);
	list_for_each_entry(store, &store_list, node)
		swapped += READ_ONCE(SHMEM_I(file_inode(store->file))->swapped);
	spin_unlock(&store_lock);
	return swapped;
}

/* shmem makes huge folios for regular files, and asks anew for each folio. */
static void ask_for_huge(struct winmem_store *store, bool huge)
{
	struct inode *inode = file_inode(store->file);

	spin_lock(&store_lock);
	if (huge && !store->makers++)
		inode->i_mode |= S_IFREG;
	if (!huge && !--store->makers)
		inode->i_mode &= ~S_IFMT;
	spin_unlock(&store_lock);
}

/*
 * shmem leaves a new folio to us to clear. Most kernels clear pages as they allocate them, and
 * then it is done. Adds how many pages it is to @fresh.
 */
static void folio_complete(struct winmem_store *store, struct folio *folio, unsigned long *fresh)
{
	gfp_t gfp = mapping_gfp_mask(winmem_store_mapping(store));
	long i, nr = want_init_on_alloc(gfp) ? 0 : folio_nr_pages(folio);

	if (folio_test_uptodate(folio))
		return;
	for (i = 0; i < nr; i++) {
		clear_highpage(folio_page(folio, i));
		cond_resched();
	}
	flush_dcache_folio(folio);
	folio_mark_uptodate(folio);
	/* Written it is not yet; a page that is touched once is not to be made active for it. */
	folio_clear_referenced(folio);
	*fresh += folio_nr_pages(folio);
}

/**
 * winmem_store_get() - the folio of a page of memory, zero when it is new
 * @store: open store
 * @page: page number
 * @huge: a huge one if it is new and if there is one; of the huge store only
 * @fresh: added to: how many pages were made
 *
 * Context: may sleep, swap in and reclaim.
 * Return: the folio with a reference, up to date and not locked; or ERR_PTR: -ENOMEM,
 * -EIO.
 */
struct folio *winmem_store_get(struct winmem_store *store, unsigned long page, bool huge,
			       unsigned long *fresh)
{
	pgoff_t index = winmem_store_index(store, page);
	struct folio *folio;
	bool spoiled;
	int ret;

	if (huge)
		ask_for_huge(store, true);
	ret = winmem_shmem_get_folio(store->file, index, &folio);
	if (huge)
		ask_for_huge(store, false);
	if (ret)
		return ERR_PTR(ret);

	folio_complete(store, folio, fresh);
	spoiled = PageHWPoison(folio_file_page(folio, index));
	folio_unlock(folio);
	if (!spoiled)
		return folio;
	folio_put(folio);
	return ERR_PTR(-EIO);
}

/**
 * winmem_store_fill() - have memory for pages, as far as it goes
 * @store: open store
 * @page: first page number
 * @nr: pages; small ones where they are new
 * @fresh: added to: how many pages were made
 *
 * Context: may sleep, swap in and reclaim.
 */
void winmem_store_fill(struct winmem_store *store, unsigned long page, unsigned long nr,
		       unsigned long *fresh)
{
	pgoff_t index = winmem_store_index(store, page), end = index + nr;
	struct folio *folio;

	for (; index < end; index++) {
		if (winmem_shmem_get_folio(store->file, index, &folio))
			break;
		folio_complete(store, folio, fresh);
		folio_unlock(folio);
		folio_put(folio);
	}
}

/**
 * winmem_store_get_large() - the folio of a page if it is of more pages than one
 * @store: store
 * @page: page number
 *
 * Context: any.
 * Return: the folio with a reference, or NULL.
 */
struct folio *winmem_store_get_large(struct winmem_store *store, unsigned long page)
{
	struct folio *folio;

	/* The small one has none. */
	if (store->shift)
		return NULL;
	folio = filemap_get_folio(winmem_store_mapping(store), winmem_store_index(store, page));
	if (IS_ERR_OR_NULL(folio) || folio_test_large(folio))
		return IS_ERR(folio) ? NULL : folio;
	folio_put(folio);
	return NULL;
}

/**
 * winmem_store_next() - find the next page that has memory or swap
 * @store: store
 * @page: where to begin; set to the page found
 * @last: last page to look at
 *
 * Context: any.
 * Return: false when there is none.
 */
bool winmem_store_next(struct winmem_store *store, unsigned long *page,
			 unsigned long last)
{
	unsigned long index = winmem_store_index(store, *page);

	if (!xa_find(&winmem_store_mapping(store)->i_pages, &index,
		     winmem_store_index(store, last), XA_PRESENT))
		return false;
	*page = index - winmem_store_index(store, 0);
	return true;
}
