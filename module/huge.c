// SPDX-License-Identifier: GPL-2.0-only
/*
 * When a 2 MiB block is given a huge page, and when it may be mapped by one entry. A block is
 * the pages of one chunk, in a huge window.
 *
 * It may be mapped by one entry while all its pages are alike: then the entry gives to each of
 * them what its state gives. When a page is about to differ, its chunk has an array first, and
 * page tables follow under the new states: the entry is unmapped as a whole, and from then on
 * each fault finds the array, and sees to it that there is a page table before it maps.
 *
 * What memory a block is given is seen from what the program does. A block nobody has touched
 * gets a huge page when it is entered from a neighbour that has been used for the most part: at
 * its first page from the one before it, at its last page from the one behind it. So it is with
 * memory that is filled in order, by one thread or by several with a share each. Pages touched
 * here and there in a large reservation stay small, and take no more memory than they are.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <asm/pgalloc.h>

#include "chunk.h"
#include "compat.h"
#include "huge.h"
#include "pages.h"

/* So many pages of its neighbour have been touched: three quarters. */
#define HUGE_USED	(WINMEM_CHUNK_PAGES / 4 * 3)

/**
 * winmem_huge_fits() - whether a block may be mapped by one entry
 * @chunk: its chunk
 *
 * Context: the chunk's lock is held.
 */
bool winmem_huge_fits(const struct winmem_chunk *chunk)
{
	return !chunk->states && !chunk->watch;
}

static bool is_used(struct winmem_pages *pages, unsigned long index)
{
	struct winmem_chunk *chunk = xa_load(&pages->chunks, index);

	return chunk && READ_ONCE(chunk->touched) >= HUGE_USED;
}

/**
 * winmem_huge_wanted() - whether the first touch of a block is to bring a huge page
 * @pages: table
 * @chunk: chunk of the block
 * @page: page that is touched
 *
 * Context: the chunk's lock is held.
 */
bool winmem_huge_wanted(struct winmem_pages *pages, const struct winmem_chunk *chunk,
			unsigned long page)
{
	unsigned long index = page >> WINMEM_CHUNK_SHIFT;

	if (chunk->touched || !winmem_huge_fits(chunk) || winmem_maps_whole_folios())
		return false;
	switch (winmem_chunk_offset(page)) {
	case 0:
		return is_used(pages, index - 1);
	case WINMEM_CHUNK_PAGES - 1:
		return is_used(pages, index + 1);
	default:
		return false;
	}
}

/**
 * winmem_huge_keep_out() - have a page table, so that pages are mapped one by one
 * @vmf: fault
 *
 * A page table that is there stays there, for nobody else makes huge pages of what lies in
 * a window (khugepaged leaves it alone, for VM_DONTEXPAND).
 *
 * Context: the chunk's lock is held; takes the page table's.
 * Return: false when the fault has brought none: let it come again.
 */
bool winmem_huge_keep_out(struct vm_fault *vmf)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	spinlock_t *ptl = pmd_lock(mm, vmf->pmd);
	bool ready = !pmd_none(*vmf->pmd);

	if (!ready && vmf->prealloc_pte) {
		mm_inc_nr_ptes(mm);
		/* Its entries are clear before anybody can walk to them. */
		smp_wmb();
		pmd_populate(mm, vmf->pmd, vmf->prealloc_pte);
		vmf->prealloc_pte = NULL;
		ready = true;
	}
	spin_unlock(ptl);
	return ready;
}
