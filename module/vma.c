// SPDX-License-Identifier: GPL-2.0-only
/* A window as the kernel sees it: its operations, and how it is mapped. */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>

#include "access.h"
#include "compat.h"
#include "fault.h"
#include "pages.h"
#include "space.h"
#include "store.h"
#include "vma.h"

/*
 * mprotect(2) may bring a mapping's execute permission into line with what was asked for
 * through the ioctls, and nothing else: the states rule over read and write.
 */
static int winmem_vma_mprotect(struct vm_area_struct *vma, unsigned long start,
			       unsigned long end, unsigned long newflags)
{
	unsigned long page = start >> PAGE_SHIFT, nr = (end >> PAGE_SHIFT) - page;

	/* Protection keys too are in the flags. */
	if (!winmem_space_has(vma) || (newflags ^ vma->vm_flags) & ~VM_EXEC)
		return -EACCES;
	if (!winmem_pages_want_exec(&winmem_space_of(vma)->pages, page, nr, newflags & VM_EXEC))
		return -EAGAIN;
	/* A reset of write watch leaves PTEs that mprotect would make writable again. */
	if (winmem_pages_is_watched(&winmem_space_of(vma)->pages, page, nr))
		winmem_store_unmap(winmem_space_store(vma), page, nr);
	return 0;
}

/* Pages belong where they are. (Growing in place is harmless: nothing is reserved there.) */
static int winmem_vma_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

/* The kernel calls the handler under a VMA's lock only if there is a map_pages. */
static vm_fault_t winmem_vma_map_pages(struct vm_fault *vmf, pgoff_t start, pgoff_t end)
{
	return 0;
}

#define VMA_OPS							\
	.fault		= winmem_vma_fault,			\
	.map_pages	= winmem_vma_map_pages,			\
	.page_mkwrite	= winmem_vma_page_mkwrite,		\
	.access		= winmem_vma_access,			\
	.mprotect	= winmem_vma_mprotect,			\
	.mremap		= winmem_vma_mremap,			\
	WINMEM_NO_POLICY

static const struct vm_operations_struct winmem_vm_ops = {
	VMA_OPS
};

/* A mapping of the huge store's file is a user of the space as any other is. */
static void winmem_vma_open(struct vm_area_struct *vma)
{
	get_file(winmem_space_of(vma)->backing.small.file);
}

static void winmem_vma_close(struct vm_area_struct *vma)
{
	fput(winmem_space_of(vma)->backing.small.file);
}

static const struct vm_operations_struct winmem_huge_vm_ops = {
	.open		= winmem_vma_open,
	.close		= winmem_vma_close,
	VMA_OPS
};

/**
 * winmem_vma_mmap() - .mmap of a space's file: the module's own vm_mmap()
 * @file: the file
 * @vma: the new window
 *
 * Programs have no descriptor of the file; remap_file_pages(2) gets here too, and may
 * only put a window where it is.
 *
 * Context: mmap_lock is held for writing.
 * Return: 0 or -EINVAL.
 */
int winmem_vma_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED) || !winmem_space_has(vma))
		return -EINVAL;

	vm_flags_set(vma, VM_DONTCOPY | VM_DONTDUMP);
	/* A personality may have added it (READ_IMPLIES_EXEC). */
	if (!winmem_pages_want_exec(&winmem_space_of(vma)->pages, vma->vm_start >> PAGE_SHIFT,
				    vma_pages(vma), true))
		vm_flags_clear(vma, VM_EXEC);
	if (file == winmem_space_of(vma)->backing.small.file) {
		vma->vm_ops = &winmem_vm_ops;
		return 0;
	}
	/* It keeps khugepaged away, and from growing; these mappings do not merge in any case. */
	vm_flags_set(vma, VM_DONTEXPAND);
	vma->vm_ops = &winmem_huge_vm_ops;
	winmem_vma_open(vma);
	return 0;
}
