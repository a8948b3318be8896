// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows: the mappings of a space's file, made by the module and never seen by the
 * program as such. Here is what is asked of and done to the process's mm for them; who
 * owns which window is space.c's. No VMA is ever kept: each question looks afresh, and
 * believes only what it finds, for the program may have unmapped or covered anything.
 *
 * Page numbers throughout. mmap_lock is taken and dropped here.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/maple_tree.h>
#include <linux/mm.h>
#include <linux/mman.h>

#include "backing.h"
#include "compat.h"
#include "visit.h"
#include "widen.h"
#include "window.h"

/* The lowest or highest gap, in index and last. 6.1 does not look at a range of one index. */
static int empty_area(struct ma_state *mas, unsigned long first, unsigned long last,
		      unsigned long size, bool top)
{
	mas_set(mas, first);
	if (first == last) {
		if (mas_walk(mas))
			return -EBUSY;
		mas->index = first;
		mas->last = first;
		return 0;
	}
	mas_set(mas, 0);
	return top ? mas_empty_area_rev(mas, first, last, size) :
		     mas_empty_area(mas, first, last, size);
}

/**
 * winmem_window_fit() - the lowest or highest aligned gap of a tree
 * @tree: tree with ALLOC_RANGE; its lock is held
 * @low: lowest index
 * @high: end of the indexes, exclusive
 * @size: how many
 * @align: a power of two
 * @top: the highest, not the lowest
 * @start: set to the first index
 *
 * Gaps are tried one after the other; what alignment takes off may be too much.
 *
 * Context: the tree's lock is held, or RCU.
 * Return: false when there is none.
 */
bool winmem_window_fit(struct maple_tree *tree, unsigned long low, unsigned long high,
		       unsigned long size, unsigned long align, bool top, unsigned long *start)
{
	MA_STATE(mas, tree, 0, 0);
	unsigned long found;

	while (high > low && high - low >= size) {
		if (empty_area(&mas, low, high - 1, size, top))
			return false;
		found = top ? mas.last + 1 - size : mas.index;
		*start = top ? round_down(found, align) : round_up(found, align);
		if (*start == found)
			return true;
		if (top)
			high = *start + size;
		else
			low = *start;
	}
	return false;
}

/**
 * winmem_window_hole() - find unused address space
 * @mm: the space's mm
 * @bounds: where
 * @nr: pages
 * @start: set to the first page
 *
 * Context: may sleep; takes mmap_lock for reading. What was found may be gone at once.
 * Return: 0; -ENOMEM: no hole of that size; -EINTR: being killed.
 */
int winmem_window_hole(struct mm_struct *mm, const struct winmem_bounds *bounds,
		       unsigned long nr, unsigned long *start)
{
	bool found;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	found = winmem_window_fit(&mm->mm_mt, bounds->start << PAGE_SHIFT,
				  bounds->end << PAGE_SHIFT, nr << PAGE_SHIFT,
				  bounds->align << PAGE_SHIFT, bounds->high, start);
	mmap_read_unlock(mm);
	*start >>= PAGE_SHIFT;
	return found ? 0 : -ENOMEM;
}

/* What mmap and munmap are asked for in the mm they are for, in bytes. */
struct window_work {
	struct winmem_store *store;
	unsigned long addr;
	unsigned long length;
	unsigned long prot;
	unsigned long flags;
	unsigned long ret;
};

static void do_map(void *data)
{
	struct window_work *work = data;

	work->ret = vm_mmap(work->store->file, work->addr, work->length, PROT_READ | PROT_WRITE | work->prot,
			    MAP_SHARED | MAP_NORESERVE | work->flags,
			    winmem_store_index(work->store, work->addr >> PAGE_SHIFT) << PAGE_SHIFT);
}

static void do_unmap(void *data)
{
	struct window_work *work = data;

	work->ret = vm_munmap(work->addr, work->length);
}

static int map_own(struct mm_struct *mm, struct window_work *work)
{
	winmem_visit(mm, do_map, work);
	if (!IS_ERR_VALUE(work->ret))
		return 0;
	/* mlockall(MCL_FUTURE) and RLIMIT_MEMLOCK. */
	return work->ret == -EAGAIN ? -ENOMEM : (int)work->ret;
}

/**
 * winmem_window_map() - map a window at a given place
 * @mm: the space's mm
 * @backing: the space's memory
 * @start: first page
 * @nr: pages
 *
 * Context: may sleep; takes mmap_lock for writing.
 * Return: 0; -EEXIST: something is there; -ENOMEM: the process may not have more
 * address space or mappings; -EINTR: being killed; -EACCES, -EPERM: a security module.
 */
int winmem_window_map(struct mm_struct *mm, struct winmem_backing *backing, unsigned long start,
		      unsigned long nr)
{
	struct window_work work = {
		.store = winmem_backing_store(backing, start),
		.addr = start << PAGE_SHIFT,
		.length = nr << PAGE_SHIFT,
		.flags = MAP_FIXED_NOREPLACE,
	};

	return map_own(mm, &work);
}

/* The first part of a range that is ours and has PROT_EXEC, or has not. */
static bool next_exec(struct mm_struct *mm, const struct winmem_backing *backing, bool exec,
		      struct window_work *work, unsigned long end)
{
	unsigned long addr = work->addr;
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	for (vma = find_vma(mm, addr); vma && vma->vm_start < end;
	     vma = find_vma(mm, vma->vm_end)) {
		if (winmem_backing_owns(backing, vma->vm_file) && !!(vma->vm_flags & VM_EXEC) == exec)
			break;
	}
	if (vma && vma->vm_start >= end)
		vma = NULL;
	if (vma) {
		work->addr = max(addr, vma->vm_start);
		work->length = min(end, vma->vm_end) - work->addr;
	}
	mmap_read_unlock(mm);
	return vma;
}

/**
 * winmem_window_make_exec() - give mappings PROT_EXEC or take it away
 * @mm: the space's mm, of another process
 * @backing: the space's memory
 * @start: first page
 * @nr: pages, whose states say so already
 * @exec: which of the two
 *
 * mprotect(2) is the process's own to call. Another one's mappings are made anew, where they
 * are; pages come back with the next touch. (What winmem_window_unmap() says of another
 * thread holds here too.)
 *
 * Context: may sleep; takes mmap_lock.
 * Return: 0; -ENOMEM; -EACCES, -EPERM: a security module. Then some are changed.
 */
int winmem_window_make_exec(struct mm_struct *mm, struct winmem_backing *backing, unsigned long start,
			    unsigned long nr, bool exec)
{
	unsigned long end = (start + nr) << PAGE_SHIFT;
	struct window_work work = {
		.addr = start << PAGE_SHIFT,
		.prot = exec ? PROT_EXEC : 0,
		.flags = MAP_FIXED,
	};
	int ret;

	while (work.addr < end && next_exec(mm, backing, !exec, &work, end)) {
		work.store = winmem_backing_store(backing, work.addr >> PAGE_SHIFT);
		ret = map_own(mm, &work);
		if (ret)
			return ret;
		work.addr += work.length;
	}
	return 0;
}

/* Whether a VMA is ours, and from the store that its pages are in, from an address on. */
static bool is_right(struct winmem_backing *backing, const struct vm_area_struct *vma,
		     unsigned long addr)
{
	unsigned long page = max(addr, vma->vm_start) >> PAGE_SHIFT;

	return vma->vm_file == winmem_backing_store(backing, page)->file;
}

/**
 * winmem_window_is_whole() - whether a range is covered by the space's own mappings
 * @mm: the space's mm
 * @backing: the space's memory
 * @start: first page
 * @nr: pages
 * @exec: set when one of them has PROT_EXEC
 *
 * Context: may sleep; takes mmap_lock for reading.
 */
bool winmem_window_is_whole(struct mm_struct *mm, struct winmem_backing *backing, unsigned long start,
			    unsigned long nr, bool *exec)
{
	unsigned long addr = start << PAGE_SHIFT, end = addr + (nr << PAGE_SHIFT);
	struct vm_area_struct *vma;

	*exec = false;
	mmap_read_lock(mm);
	while (addr < end) {
		vma = find_vma(mm, addr);
		if (!vma || vma->vm_start > addr || !is_right(backing, vma, addr))
			break;
		if (vma->vm_flags & VM_EXEC)
			*exec = true;
		addr = vma->vm_end;
	}
	mmap_read_unlock(mm);
	return addr >= end;
}

/**
 * winmem_window_agrees() - whether the mappings of a range have PROT_EXEC as wanted
 * @mm: the space's mm
 * @backing: the space's memory
 * @start: first page
 * @nr: pages
 * @exec: what is wanted
 *
 * Mappings that are not of @backing have no say: nothing can be asked of them.
 *
 * Context: may sleep; takes mmap_lock for reading.
 */
bool winmem_window_agrees(struct mm_struct *mm, struct winmem_backing *backing, unsigned long start,
			  unsigned long nr, bool exec)
{
	unsigned long addr = start << PAGE_SHIFT, end = addr + (nr << PAGE_SHIFT);
	struct vm_area_struct *vma;
	bool agrees = true;

	mmap_read_lock(mm);
	for (vma = find_vma(mm, addr); agrees && vma && vma->vm_start < end;
	     vma = find_vma(mm, vma->vm_end)) {
		if (winmem_backing_owns(backing, vma->vm_file))
			agrees = !!(vma->vm_flags & VM_EXEC) == exec;
	}
	mmap_read_unlock(mm);
	return agrees;
}

/**
 * winmem_window_gap() - the first part of a range that is not covered by our mappings
 * @mm: the space's mm
 * @backing: the space's memory
 * @start: first page; set to the first page of the gap
 * @nr: pages; set to the length of the gap
 *
 * Context: may sleep; takes mmap_lock for reading.
 * Return: false when there is none.
 */
bool winmem_window_gap(struct mm_struct *mm, struct winmem_backing *backing, unsigned long *start,
		       unsigned long *nr)
{
	unsigned long addr = *start << PAGE_SHIFT, end = addr + (*nr << PAGE_SHIFT), gap;
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	for (vma = find_vma(mm, addr);
	     vma && vma->vm_start <= addr && is_right(backing, vma, addr);
	     vma = find_vma(mm, addr))
		addr = vma->vm_end;
	for (gap = addr; vma && vma->vm_start < end && !is_right(backing, vma, gap);
	     vma = find_vma(mm, vma->vm_end))
		gap = vma->vm_end;
	gap = vma ? min(end, max(gap, vma->vm_start)) : end;
	mmap_read_unlock(mm);
	if (addr >= end)
		return false;
	*start = addr >> PAGE_SHIFT;
	*nr = (gap - addr) >> PAGE_SHIFT;
	return true;
}

/* The first part of addr..end that is ours; false when nothing is. */
static bool next_own(struct mm_struct *mm, const struct winmem_backing *backing, unsigned long *addr,
		     unsigned long *end)
{
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	for (vma = find_vma(mm, *addr); vma && !winmem_backing_owns(backing, vma->vm_file);
	     vma = find_vma(mm, vma->vm_end)) {
		if (vma->vm_end >= *end)
			break;
	}
	if (vma && (!winmem_backing_owns(backing, vma->vm_file) || vma->vm_start >= *end))
		vma = NULL;
	if (vma) {
		*addr = max(*addr, vma->vm_start);
		*end = min(*end, vma->vm_end);
	}
	mmap_read_unlock(mm);
	return vma;
}

/**
 * winmem_window_unmap() - unmap what is left of a window
 * @mm: the space's mm
 * @backing: the space's memory
 * @start: first page
 * @nr: pages
 *
 * What the program has put there itself stays. (Between the look and the unmap another
 * thread of the same process could put a mapping over a window, with MAP_FIXED and at an
 * address it was not given; it would lose that mapping, and nobody else anything.)
 *
 * Context: may sleep; takes mmap_lock.
 * Return: 0; -ENOMEM; -EINTR: being killed. Then some of it is mapped still.
 */
int winmem_window_unmap(struct mm_struct *mm, struct winmem_backing *backing, unsigned long start,
			unsigned long nr)
{
	unsigned long addr = start << PAGE_SHIFT, last = addr + (nr << PAGE_SHIFT), end = last;

	while (addr < last && next_own(mm, backing, &addr, &end)) {
		struct window_work work = { .addr = addr, .length = end - addr };

		winmem_widen(WINMEM_WIDEN_UNMAP);
		winmem_visit(mm, do_unmap, &work);
		if (work.ret)
			return (int)work.ret;
		addr = end;
		end = last;
	}
	return 0;
}
