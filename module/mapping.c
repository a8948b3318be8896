// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mappings that are not winmem's: what QUERY says of them, in Win32's words, read
 * from the kernel's VMAs.
 *
 * An image (a program, a library) is a run of private mappings of one file, back to
 * back, one of them executable; it is one allocation that begins where the run does. Any
 * other mapping of a file, and shared memory, is a mapped view; the rest is private
 * memory; each such VMA is an allocation of its own.
 */
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <uapi/linux/winmem.h>

#include "backing.h"
#include "compat.h"
#include "mapping.h"
#include "region.h"
#include "visit.h"

/* The VMA over an address, unless it is a window. */
static struct vm_area_struct *find_foreign(struct mm_struct *mm, const struct winmem_backing *own,
					   unsigned long addr)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	return vma && vma->vm_start <= addr && !winmem_backing_owns(own, vma->vm_file) ? vma : NULL;
}

static struct vm_area_struct *vma_before(struct vm_area_struct *vma)
{
	struct vm_area_struct *prev = find_vma(vma->vm_mm, vma->vm_start - 1);

	return prev && prev != vma && prev->vm_end == vma->vm_start ? prev : NULL;
}

static struct vm_area_struct *vma_after(struct vm_area_struct *vma)
{
	struct vm_area_struct *next = find_vma(vma->vm_mm, vma->vm_end);

	return next && next->vm_start == vma->vm_end ? next : NULL;
}

static bool is_private_file(const struct vm_area_struct *vma)
{
	return vma->vm_file && !(vma->vm_flags & VM_SHARED);
}

/* Whether two neighbours are parts of one image; each begins at offset 0 of its file. */
static bool same_image(const struct vm_area_struct *low, const struct vm_area_struct *high)
{
	return low && high && is_private_file(low) && is_private_file(high) &&
	       file_inode(low->vm_file) == file_inode(high->vm_file) && high->vm_pgoff;
}

/* The first VMA of the image that @vma is part of; NULL when it is not. */
static struct vm_area_struct *image_start(struct vm_area_struct *vma)
{
	struct vm_area_struct *first = vma, *other;
	bool exec = false;

	if (!is_private_file(vma))
		return NULL;
	while (same_image(vma_before(first), first))
		first = vma_before(first);

	for (vma = first; vma && !exec; vma = other) {
		exec = vma->vm_flags & VM_EXEC;
		other = vma_after(vma);
		if (!same_image(vma, other))
			break;
	}
	return exec ? first : NULL;
}

/* The protection of a VMA; a private file's page is its own after the first write. */
static u32 vma_prot(const struct vm_area_struct *vma, bool copied)
{
	bool copy_on_write = is_private_file(vma) && !copied;
	bool exec = vma->vm_flags & VM_EXEC;

	if (vma->vm_flags & VM_WRITE) {
		if (copy_on_write)
			return exec ? WINMEM_PROT_EXECUTE_WRITECOPY : WINMEM_PROT_WRITECOPY;
		return exec ? WINMEM_PROT_EXECUTE_READWRITE : WINMEM_PROT_READWRITE;
	}
	if (vma->vm_flags & VM_READ)
		return exec ? WINMEM_PROT_EXECUTE_READ : WINMEM_PROT_READONLY;
	return exec ? WINMEM_PROT_EXECUTE : WINMEM_PROT_NOACCESS;
}

static u32 vma_type(const struct vm_area_struct *vma, bool image)
{
	if (image)
		return WINMEM_TYPE_IMAGE;
	return vma->vm_file || vma->vm_flags & VM_SHARED ? WINMEM_TYPE_MAPPED :
							   WINMEM_TYPE_PRIVATE;
}

/*
 * Whether a page of a private file mapping of the current mm has been copied. A page that is
 * not in memory is not looked for.
 */
static bool page_is_copied(unsigned long page)
{
	struct page *found;
	bool copied;

	if (get_user_pages_fast_only(page << PAGE_SHIFT, 1, 0, &found) != 1)
		return false;
	copied = PageAnon(found);
	put_page(found);
	return copied;
}

/* A run, cut where copied and uncopied pages meet. */
struct copied_run {
	struct winmem_run *run;
	struct task_struct *caller;
	bool copied;
};

/* In the mm that the run is of; takes no lock. */
static void cut_run(void *data)
{
	struct copied_run *cut = data;
	struct winmem_run *run = cut->run;
	unsigned long i;

	cut->copied = page_is_copied(run->start);
	for (i = 1; i < run->nr && page_is_copied(run->start + i) == cut->copied; i++) {
		cond_resched();
		if (fatal_signal_pending(cut->caller))
			break;
	}
	run->nr = i;
}

static bool run_is_copied(struct mm_struct *mm, struct winmem_run *run)
{
	struct copied_run cut = { .run = run, .caller = current };

	winmem_visit(mm, cut_run, &cut);
	return cut.copied;
}

/* The VMAs from vma on that say the same, as one run from a page on. */
static void run_fill(struct winmem_run *run, struct vm_area_struct *vma, unsigned long page)
{
	struct vm_area_struct *image = image_start(vma), *next;
	u32 prot = vma_prot(vma, false);

	run->start = page;
	run->alloc_start = (image ?: vma)->vm_start >> PAGE_SHIFT;
	run->alloc_prot = image ? WINMEM_PROT_EXECUTE_WRITECOPY : prot;
	run->state = WINMEM_STATE_COMMIT;
	run->prot = prot;
	run->type = vma_type(vma, image);
	while (image) {
		next = vma_after(vma);
		if (!same_image(vma, next) || vma_prot(next, false) != prot)
			break;
		vma = next;
	}
	run->nr = (vma->vm_end >> PAGE_SHIFT) - page;
}

/**
 * winmem_mapping_query() - what lies at a page, if it is a mapping not winmem's
 * @mm: the space's mm
 * @own: memory whose mappings are winmem's
 * @page: page number
 * @run: to fill
 *
 * Context: may sleep; takes mmap_lock for reading.
 * Return: false when nothing, or a window, is there.
 */
bool winmem_mapping_query(struct mm_struct *mm, const struct winmem_backing *own, unsigned long page,
			  struct winmem_run *run)
{
	struct vm_area_struct *vma;
	bool copy_on_write = false;

	mmap_read_lock(mm);
	vma = find_foreign(mm, own, page << PAGE_SHIFT);
	if (vma) {
		run_fill(run, vma, page);
		/* Without an anon_vma nothing has been copied yet. */
		copy_on_write = is_private_file(vma) && vma->vm_flags & VM_WRITE && vma->anon_vma;
	}
	mmap_read_unlock(mm);

	if (copy_on_write && run_is_copied(mm, run))
		run->prot = run->prot == WINMEM_PROT_WRITECOPY ? WINMEM_PROT_READWRITE :
								 WINMEM_PROT_EXECUTE_READWRITE;
	return vma;
}

/**
 * winmem_mapping_next() - where the next mapping that is not winmem's begins
 * @mm: the space's mm
 * @own: memory whose mappings are winmem's
 * @page: first page to look at
 * @end: where to stop
 *
 * Context: may sleep; takes mmap_lock for reading.
 * Return: page number, @end when there is none before.
 */
unsigned long winmem_mapping_next(struct mm_struct *mm, const struct winmem_backing *own,
				  unsigned long page, unsigned long end)
{
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	for (vma = find_vma(mm, page << PAGE_SHIFT); vma && winmem_backing_owns(own, vma->vm_file);
	     vma = find_vma(mm, vma->vm_end)) {
		if (vma->vm_end >> PAGE_SHIFT >= end || fatal_signal_pending(current))
			break;
	}
	if (vma && !winmem_backing_owns(own, vma->vm_file))
		end = min(end, max(page, vma->vm_start >> PAGE_SHIFT));
	mmap_read_unlock(mm);
	return end;
}

/**
 * winmem_mapping_locked() - how much of a range is locked by mlock(2), not winmem's
 * @mm: the caller's mm
 * @own: memory whose mappings are winmem's
 * @start: first page
 * @nr: pages
 *
 * Context: may sleep; takes mmap_lock for reading.
 * Return: pages.
 */
unsigned long winmem_mapping_locked(struct mm_struct *mm, const struct winmem_backing *own,
				    unsigned long start, unsigned long nr)
{
	unsigned long addr = start << PAGE_SHIFT, end = (start + nr) << PAGE_SHIFT;
	unsigned long locked = 0;
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	for (vma = find_vma(mm, addr); vma && vma->vm_start < end; vma = find_vma(mm, vma->vm_end)) {
		if (vma->vm_flags & VM_LOCKED && !winmem_backing_owns(own, vma->vm_file))
			locked += min(end, vma->vm_end) - max(addr, vma->vm_start);
		if (fatal_signal_pending(current))
			break;
	}
	mmap_read_unlock(mm);
	return locked >> PAGE_SHIFT;
}

/* Shared anonymous memory has a file too, which shmem made and nobody linked. */
static bool is_nameless(const struct file *file)
{
	const struct inode *inode = file_inode(file);

	return inode->i_sb->s_magic == TMPFS_MAGIC && !inode->i_nlink;
}

/**
 * winmem_mapping_kind() - what kind of mapping, if any, is at a page
 * @mm: the space's mm
 * @own: memory whose mappings are winmem's
 * @page: page number
 *
 * Context: may sleep; takes mmap_lock for reading.
 */
enum winmem_mapping winmem_mapping_kind(struct mm_struct *mm, const struct winmem_backing *own,
					unsigned long page)
{
	enum winmem_mapping kind = WINMEM_MAPPING_NONE;
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	vma = find_foreign(mm, own, page << PAGE_SHIFT);
	if (vma && vma->vm_flags & VM_SHARED && is_nameless(vma->vm_file))
		kind = WINMEM_MAPPING_SHARED;
	else if (vma && vma->vm_file)
		kind = WINMEM_MAPPING_FILE;
	else if (vma)
		kind = WINMEM_MAPPING_PRIVATE;
	mmap_read_unlock(mm);
	return kind;
}
