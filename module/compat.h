/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that winmem runs on, 6.1 to 7.3, each as a helper
 * with the newest kernel's name or one of ours. Nothing else looks at a version.
 */
#ifndef WINMEM_COMPAT_H
#define WINMEM_COMPAT_H

#include <linux/bitmap.h>
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
 * Take write permission, then the dirty bit, from the PTEs of up to 512 pages. They say
 * nothing of it to the pages. False: this kernel cannot (the helpers come with a driver).
 */
static inline bool winmem_clean_ptes(struct address_space *mapping, pgoff_t index, pgoff_t nr)
{
#ifdef CONFIG_MAPPING_DIRTY_HELPERS
	DECLARE_BITMAP(dirty, 512);
	pgoff_t start = 0, end = 0;

	if (WARN_ON_ONCE(nr > 512))
		return false;
	bitmap_zero(dirty, 512);
	wp_shared_mapping_range(mapping, index, nr);
	clean_record_shared_mapping_range(mapping, index, nr, index, dirty, &start, &end);
	return true;
#else
	return false;
#endif
}

/*
 * A file of shmem pages, whose size counts as committed memory of the system. shmem says
 * -ENOSPC when there is no memory for the inode.
 */
static inline struct file *winmem_shmem_file(const char *name, loff_t size)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
	struct file *file = shmem_file_setup(name, size, 0);
#else
	struct file *file = shmem_file_setup(name, size, (vma_flags_t) {});
#endif
	return file == ERR_PTR(-ENOSPC) ? ERR_PTR(-ENOMEM) : file;
}

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
