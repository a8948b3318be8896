// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults in a window, and the first write to a page. A fault looks at the state of its page
 * and either refuses or maps a page of the window's file. Because page_mkwrite is there, pages are
 * mapped write protected unless a write is what brought them in; that is how a page is
 * read-only inside a writable mapping.
 *
 * A page is mapped by the handler itself, in filemap_map_pages(), under its chunk's
 * lock: the state that allowed it still holds, and whoever changes states afterwards
 * finds the page mapped. When that does not do it (the folio is locked by somebody, the
 * PTE is not empty) the kernel maps the page from VM_FAULT_LOCKED; then the folio is
 * locked before the state is looked at, and winmem_store_settle() waits for it. It maps
 * all of a large folio: so that is left to it only where all of its pages are alike.
 *
 * Nothing here takes the space's mutex, and nothing needs mmap_lock.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/userfaultfd_k.h>

#include "fault.h"
#include "guard.h"
#include "huge.h"
#include "pages.h"
#include "prot.h"
#include "reset.h"
#include "space.h"
#include "store.h"
#include "trace.h"
#include "widen.h"

/* Pages that a fault in order may map at once. */
#define FAULT_PAGES_MAX	32

/* A fault being handled. */
struct winmem_fault {
	struct vm_fault *vmf;
	struct winmem_space *space;
	struct winmem_store *store;
	unsigned long page;
	unsigned int access;	/* WINMEM_ACCESS_* it needs */
	u8 state;		/* when last looked at */
	bool huge;		/* a huge page is wanted */
	struct folio *folio;	/* of the page */
	unsigned long fresh;	/* pages of memory that were made for it */
	bool in_user;		/* a program's own access, not a system call's */
	bool mkwrite;		/* of a page that is mapped: nobody says whose access */
	bool guard;		/* it has taken a guard away */
	bool guard_stays;	/* there was no memory to note that */
};

static unsigned int fault_access(const struct vm_fault *vmf)
{
	if (vmf->flags & FAULT_FLAG_WRITE)
		return WINMEM_ACCESS_WRITE;
	if (vmf->flags & FAULT_FLAG_INSTRUCTION)
		return WINMEM_ACCESS_EXEC;
	return WINMEM_ACCESS_READ;
}

/* A guard is hit by one fault. Whoever is told of it by a signal must be able to ask. */
static void fault_take_guard(struct winmem_fault *fault, struct winmem_chunk *chunk)
{
	if (fault->in_user && !winmem_guard_note(&fault->space->guards, fault->page)) {
		fault->guard_stays = true;
		return;
	}
	winmem_counter_begin(&fault->space->counter);
	winmem_widen_atomic(WINMEM_WIDEN_FAULT_GUARD);
	winmem_chunk_clear(chunk, fault->page, WINMEM_PAGE_GUARD);
	winmem_counter_end(&fault->space->counter);
	fault->guard = true;
}

/*
 * Whether the state lets the access through; a guard goes when it is hit, but not by a
 * debugger's look. Returns with the chunk locked when it does, else NULL.
 */
static struct winmem_chunk *fault_lock(struct winmem_fault *fault)
{
	struct winmem_chunk *chunk = winmem_pages_lock(&fault->space->pages, fault->page);

	fault->state = WINMEM_PAGE_NONE;
	if (!chunk)
		return NULL;
	fault->state = winmem_chunk_get(chunk, fault->page);
	if (winmem_page_access(fault->state) & fault->access)
		return chunk;

	if (fault->state & WINMEM_PAGE_GUARD && !(fault->state & WINMEM_PAGE_OFFERED) &&
	    !fault->mkwrite && !(fault->vmf->flags & FAULT_FLAG_REMOTE))
		fault_take_guard(fault, chunk);
	winmem_pages_unlock(chunk);
	return NULL;
}

/* A page that is written matters again, and is told of where it is watched. */
static void fault_note_write(struct winmem_fault *fault, struct winmem_chunk *chunk)
{
	if (fault->access != WINMEM_ACCESS_WRITE)
		return;
	winmem_chunk_note_write(chunk, fault->page);
	if (fault->state & WINMEM_PAGE_RESET && !(fault->state & WINMEM_PAGE_LOST))
		winmem_chunk_clear(chunk, fault->page, WINMEM_PAGE_RESET);
}

/*
 * How many pages to map. Pages hit in order are doubled up to FAULT_PAGES_MAX, within
 * the mapping, the page table and the run of equal states. The chunk is locked.
 */
static unsigned long fault_window(struct winmem_fault *fault, struct winmem_chunk *chunk)
{
	unsigned long offset = winmem_chunk_offset(fault->page);
	unsigned long nr = 1;

	if (offset == chunk->next && offset)
		nr = min(chunk->window * 2, FAULT_PAGES_MAX);
	if (fault->state & (WINMEM_PAGE_RESET | WINMEM_PAGE_LOST))
		nr = 1;
	/* Neighbours would be mapped for writing too, and count as written. */
	if (fault->access == WINMEM_ACCESS_WRITE && chunk->watch)
		nr = 1;
	nr = min(nr, WINMEM_CHUNK_PAGES - offset);
	nr = min(nr, (fault->vmf->vma->vm_end >> PAGE_SHIFT) - fault->page);
	nr = winmem_chunk_alike(chunk, fault->page, nr);

	chunk->window = nr;
	chunk->next = offset + nr;
	return nr;
}

/*
 * Bring pages into the page cache; the first one must come, the others may. The first one's
 * folio is held till the fault is over.
 */
static int fault_get_pages(struct winmem_fault *fault, unsigned long nr)
{
	struct folio *folio = winmem_store_get(fault->store, fault->page, fault->huge, &fault->fresh);

	if (IS_ERR(folio))
		return PTR_ERR(folio);
	fault->folio = folio;
	/* Of a large one, the others have come with it. */
	if (nr > 1 && !folio_test_large(folio))
		winmem_store_fill(fault->store, fault->page + 1, nr - 1, &fault->fresh);
	return 0;
}

/*
 * How many pages of a large folio to map. It is not to be taken for clean later on, when only a
 * part of it is looked at. A write to a page that is reset must be seen for each of them. (Where
 * pages are watched there are no large folios.)
 */
static unsigned long fault_large(struct winmem_fault *fault)
{
	struct folio *folio = fault->folio;
	unsigned long first = folio->index - winmem_store_index(fault->store, 0);

	if (fault->access == WINMEM_ACCESS_WRITE) {
		if (fault->state & (WINMEM_PAGE_RESET | WINMEM_PAGE_LOST))
			return 1;
		folio_mark_dirty(folio);
	}
	return first + folio_nr_pages(folio) - fault->page;
}

/*
 * How many pages can be mapped now, of those wanted. 0: let the fault come again, with a page
 * table. The folio may have gone since it was found, and a huge one come in its place: so the
 * block is looked at, and not the folio.
 */
static unsigned long fault_limit(struct winmem_fault *fault, struct winmem_chunk *chunk,
				 unsigned long nr)
{
	lockdep_assert_held(&chunk->lock);

	if (fault->store == &fault->space->backing.huge && !winmem_huge_fits(chunk) &&
	    !winmem_huge_keep_out(fault->vmf))
		return 0;
	if (folio_test_large(fault->folio))
		nr = fault_large(fault);
	nr = min(nr, (fault->vmf->vma->vm_end >> PAGE_SHIFT) - fault->page);
	nr = min(nr, WINMEM_CHUNK_PAGES - winmem_chunk_offset(fault->page));
	return winmem_chunk_alike(chunk, fault->page, nr);
}

/* Map the pages under the chunk's lock, if their states still are what they were. */
static vm_fault_t fault_map(struct winmem_fault *fault, unsigned long nr)
{
	pgoff_t index = winmem_store_index(fault->store, fault->page);
	struct winmem_chunk *chunk = fault_lock(fault);
	vm_fault_t ret = VM_FAULT_NOPAGE;

	if (!chunk)
		return VM_FAULT_SIGSEGV;
	nr = fault_limit(fault, chunk, nr);
	if (nr) {
		ret = filemap_map_pages(fault->vmf, index, index + nr - 1);
		if (ret & VM_FAULT_NOPAGE)
			fault_note_write(fault, chunk);
	}
	winmem_chunk_note_touch(chunk, fault->fresh);
	winmem_pages_unlock(chunk);
	return ret;
}

/*
 * Whether the kernel may map the folio. It would map all of a large one; it maps single pages
 * where userfaultfd looks on, and then the PTE may hold a mark that nobody else gets past.
 */
static bool fault_can_hand_over(struct winmem_fault *fault, struct winmem_chunk *chunk)
{
	return !folio_test_large(fault->folio) || winmem_huge_fits(chunk) ||
	       userfaultfd_armed(fault->vmf->vma);
}

/*
 * Let the kernel map the page: lock it, then look at the state. Where the kernel must not,
 * whoever had it locked was waited for, and that is all.
 */
static vm_fault_t fault_hand_over(struct winmem_fault *fault)
{
	struct folio *folio = fault->folio;
	struct winmem_chunk *chunk;
	bool fits;

	winmem_widen(WINMEM_WIDEN_FAULT_BUSY);
	folio_lock(folio);
	/* Truncated under our hands; the access faults again and sees why. */
	if (folio->mapping != winmem_store_mapping(fault->store)) {
		folio_unlock(folio);
		return VM_FAULT_NOPAGE;
	}

	chunk = fault_lock(fault);
	if (!chunk) {
		folio_unlock(folio);
		return VM_FAULT_SIGSEGV;
	}
	fits = fault_can_hand_over(fault, chunk);
	if (fits)
		fault_note_write(fault, chunk);
	winmem_pages_unlock(chunk);
	if (!fits) {
		folio_unlock(folio);
		return VM_FAULT_NOPAGE;
	}
	folio_get(folio);
	fault->vmf->page = folio_file_page(folio, winmem_store_index(fault->store, fault->page));
	winmem_widen(WINMEM_WIDEN_FAULT_HAND_OVER);
	return VM_FAULT_LOCKED;
}

static vm_fault_t fault_handle(struct winmem_fault *fault)
{
	struct winmem_chunk *chunk = fault_lock(fault);
	struct folio *held = NULL;
	unsigned long nr;
	vm_fault_t ret;
	int err;

	if (!chunk)
		return VM_FAULT_SIGSEGV;
	nr = fault_window(fault, chunk);
	if (fault->store == &fault->space->backing.huge)
		fault->huge = winmem_huge_wanted(&fault->space->pages, chunk, fault->page);
	winmem_pages_unlock(chunk);

	if (fault->state & WINMEM_PAGE_RESET)
		held = winmem_reset_hold(fault->space, fault->store, fault->page);
	winmem_widen(WINMEM_WIDEN_FAULT_GET);
	err = fault_get_pages(fault, nr);
	winmem_widen(WINMEM_WIDEN_FAULT_MAP);
	if (err)
		ret = vmf_error(err);
	else
		ret = fault_map(fault, nr);
	if (!ret)
		ret = fault_hand_over(fault);
	if (fault->folio)
		folio_put(fault->folio);
	if (held)
		folio_put(held);
	return ret;
}

/* A signal, or EFAULT: see to what the thread will want to know, or must not get. */
static vm_fault_t fault_refuse(struct winmem_fault *fault)
{
	struct winmem_guards *guards = &fault->space->guards;

	if (fault->guard_stays)
		return VM_FAULT_OOM;
	if (fault->in_user && !fault->guard)
		winmem_guard_forget(guards);
	if (fault->guard && !fault->in_user)
		winmem_guard_hold(guards, fault->space->backing.small.file, fault->page);
	return VM_FAULT_SIGSEGV;
}

/**
 * winmem_vma_fault() - .fault of a window
 * @vmf: fault
 *
 * Context: mmap_lock or the VMA's lock is held; may sleep.
 * Return: VM_FAULT_NOPAGE: mapped, or to be tried again; VM_FAULT_LOCKED: the kernel is to map it;
 * VM_FAULT_SIGSEGV: the state refuses; VM_FAULT_OOM, VM_FAULT_SIGBUS: no memory, or it cannot
 * be read.
 */
vm_fault_t winmem_vma_fault(struct vm_fault *vmf)
{
	struct winmem_fault fault = {
		.vmf = vmf,
		.space = winmem_space_of(vmf->vma),
		.store = winmem_space_store(vmf->vma),
		.page = vmf->address >> PAGE_SHIFT,
		.access = fault_access(vmf),
		.in_user = vmf->flags & FAULT_FLAG_USER,
	};
	vm_fault_t ret = VM_FAULT_SIGSEGV;

	if (!winmem_space_has(vmf->vma) || vmf->pgoff != winmem_store_index(fault.store, fault.page))
		return VM_FAULT_SIGSEGV;
	if (fault.in_user || !winmem_guard_is_held(&fault.space->guards, fault.page))
		ret = fault_handle(&fault);
	if (ret & VM_FAULT_SIGSEGV)
		ret = fault_refuse(&fault);
	trace_winmem_fault(vmf->address, fault.access, fault.state, (__force unsigned int)ret);
	return ret;
}

/*
 * A guard that has come meanwhile takes the PTE away, and the access faults again: then it
 * is known whose it is.
 */
static vm_fault_t mkwrite_refuse(struct winmem_fault *fault)
{
	if (fault->state & WINMEM_PAGE_GUARD)
		return VM_FAULT_NOPAGE;
	winmem_guard_forget(&fault->space->guards);
	return VM_FAULT_SIGSEGV;
}

/**
 * winmem_vma_page_mkwrite() - .page_mkwrite of a window: the first write to a page that is mapped
 * @vmf: fault
 *
 * Context: mmap_lock or the VMA's lock is held; may sleep.
 * Return: VM_FAULT_LOCKED: the page is locked till its PTE is writable; VM_FAULT_NOPAGE: to be
 * tried again; VM_FAULT_SIGSEGV: the state refuses.
 */
vm_fault_t winmem_vma_page_mkwrite(struct vm_fault *vmf)
{
	struct winmem_fault fault = {
		.vmf = vmf,
		.space = winmem_space_of(vmf->vma),
		.store = winmem_space_store(vmf->vma),
		.page = vmf->address >> PAGE_SHIFT,
		.access = WINMEM_ACCESS_WRITE,
		.mkwrite = true,
	};
	struct folio *folio = page_folio(vmf->page);
	vm_fault_t ret = VM_FAULT_SIGSEGV;
	struct winmem_chunk *chunk;

	if (!winmem_space_has(vmf->vma))
		return VM_FAULT_SIGSEGV;

	folio_lock(folio);
	if (folio->mapping != vmf->vma->vm_file->f_mapping) {
		folio_unlock(folio);
		return VM_FAULT_NOPAGE;
	}
	chunk = fault_lock(&fault);
	if (chunk) {
		fault_note_write(&fault, chunk);
		winmem_pages_unlock(chunk);
		winmem_widen(WINMEM_WIDEN_FAULT_MKWRITE);
		ret = VM_FAULT_LOCKED;
	} else {
		folio_unlock(folio);
		ret = mkwrite_refuse(&fault);
	}
	trace_winmem_fault(vmf->address, fault.access, fault.state, (__force unsigned int)ret);
	return ret;
}
