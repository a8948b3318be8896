/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that winmem runs on, 6.1 to 7.3, each as a helper
 * with the newest kernel's name or one of ours. Nothing else looks at a version.
 */
#ifndef WINMEM_COMPAT_H
#define WINMEM_COMPAT_H

#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/shmem_fs.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#include <linux/pagevec.h>
#else
#include <linux/folio_batch.h>
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	mmap_assert_write_locked(vma->vm_mm);
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, unsigned long flags)
{
	mmap_assert_write_locked(vma->vm_mm);
	vma->vm_flags &= ~flags;
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
/* A reference to a file that may be on its last; the struct itself must be safe. */
static inline struct file *get_file_active(struct file **f)
{
	struct file *file = READ_ONCE(*f);

	return file && get_file_rcu(file) ? file : NULL;
}
#endif

/*
 * Take write permission from the PTEs of a range; dirty ones stay dirty. False: this kernel
 * cannot (the helper comes with a driver).
 */
static inline bool winmem_wp_ptes(struct address_space *mapping, pgoff_t index, pgoff_t nr)
{
#ifdef CONFIG_MAPPING_DIRTY_HELPERS
	wp_shared_mapping_range(mapping, index, nr);
	return true;
#else
	return false;
#endif
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define WINMEM_NO_VMA_FLAGS	0
#else
#define WINMEM_NO_VMA_FLAGS	((vma_flags_t) {})
#endif

/*
 * A file of shmem pages, on a tmpfs mount or, without one, on the kernel's; its size counts
 * as committed memory of the system. shmem says -ENOSPC when there is no memory for the inode.
 */
static inline struct file *winmem_shmem_file(struct vfsmount *mnt, const char *name, loff_t size)
{
	struct file *file;

	if (mnt)
		file = shmem_file_setup_with_mnt(mnt, name, size, WINMEM_NO_VMA_FLAGS);
	else
		file = shmem_file_setup(name, size, WINMEM_NO_VMA_FLAGS);
	return file == ERR_PTR(-ENOSPC) ? ERR_PTR(-ENOMEM) : file;
}

/*
 * The folio of a page of a shmem file, locked and with a reference. A new one is not up to
 * date: shmem leaves it to the caller to fill it, and so does not clear it.
 */
static inline int winmem_shmem_get_folio(struct file *file, pgoff_t index, struct folio **folio)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
	struct address_space *mapping = file->f_mapping;
	struct page *page;
	void *data;
	int ret;

	/* Where the function is not exported, this does nothing else but call it. */
	ret = mapping->a_ops->write_begin(file, mapping, (loff_t)index << PAGE_SHIFT, PAGE_SIZE,
					  &page, &data);
	if (!ret)
		*folio = page_folio(page);
	return ret;
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
	return shmem_get_folio(file_inode(file), index, folio, SGP_WRITE);
#else
	return shmem_get_folio(file_inode(file), index, 0, folio, SGP_WRITE);
#endif
}

/*
 * Whether who maps a page of a large folio maps all of the folio, whatever was asked for. Then a
 * page in it cannot have a state of its own.
 */
static inline bool winmem_maps_whole_folios(void)
{
	return LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0);
}

/*
 * Having this at all, and no policy to show, keeps NUMA balancing away from a mapping: it
 * would take a PTE that is dirty and write-protected for one that may be made writable.
 */
#ifdef CONFIG_NUMA
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
static inline struct mempolicy *winmem_no_policy(struct vm_area_struct *vma, unsigned long addr)
#else
static inline struct mempolicy *winmem_no_policy(struct vm_area_struct *vma, unsigned long addr,
						 pgoff_t *ilx)
#endif
{
	return NULL;
}
#define WINMEM_NO_POLICY	.get_policy = winmem_no_policy,
#else
#define WINMEM_NO_POLICY
#endif

/* Map a file through an old-style .mmap, whatever its operations had before. */
static inline void winmem_fops_set_mmap(struct file_operations *fops,
					int (*mmap)(struct file *, struct vm_area_struct *))
{
	fops->mmap = mmap;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
	/* The kernel refuses a file that has both. */
	fops->mmap_prepare = NULL;
#endif
}

#endif /* WINMEM_COMPAT_H */
