// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel calls for a window: faults, the first write to a page, ptrace's
 * access, mprotect and mremap. A fault looks at the state of its page and either
 * refuses or maps a page of the space's file. Because page_mkwrite is there, pages are
 * mapped write protected unless a write is what brought them in; that is how a page is
 * read-only inside a writable mapping.
 *
 * A page is mapped by the handler itself, in filemap_map_pages(), under its chunk's
 * lock: the state that allowed it still holds, and whoever changes states afterwards
 * finds the page mapped. When that does not do it (the folio is locked by somebody, the
 * PTE is not empty) the kernel maps the page from VM_FAULT_LOCKED; then the folio is
 * locked before the state is looked at, and winmem_backing_settle() waits for it.
 *
 * Nothing here takes the space's mutex, and nothing needs mmap_lock.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pagemap.h>

#include "backing.h"
#include "compat.h"
#include "fault.h"
#include "guard.h"
#include "pages.h"
#include "prot.h"
#include "space.h"
#include "trace.h"
#include "widen.h"

/* Pages that a fault in order may map at once. */
#define FAULT_PAGES_MAX	16

/* A fault being handled. */
struct winmem_fault {
	struct vm_fault *vmf;
	struct winmem_space *space;
	unsigned long page;
	unsigned int access;	/* WINMEM_ACCESS_* it needs */
	u8 state;		/* when last looked at */
	bool in_user;		/* a program's own access, not a system call's */
	bool mkwrite;		/* of a page that is mapped: nobody says whose access */
	bool guard;		/* it has taken a guard away */
	bool guard_stays;	/* there was no memory to note that */
};

static struct winmem_space *vma_space(const struct vm_area_struct *vma)
{
	return vma->vm_file->private_data;
}

/*
 * The mapping must be one of this process, with pages where they belong: madvise can
 * undo VM_DONTCOPY, and remap_file_pages names offsets of its own.
 */
static bool vma_is_sane(const struct vm_area_struct *vma)
{
	return vma->vm_mm == vma_space(vma)->mm &&
	       vma->vm_pgoff == winmem_backing_index(vma->vm_start >> PAGE_SHIFT);
}

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
	winmem_widen_atomic(WINMEM_WIDEN_FAULT_GUARD);
	winmem_chunk_clear(chunk, fault->page, WINMEM_PAGE_GUARD);
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

/* Bring pages into the page cache; the first one must come, the others may. */
static int fault_get_pages(struct winmem_fault *fault, unsigned long nr)
{
	unsigned long i;

	for (i = 0; i < nr; i++) {
		struct page *page = winmem_backing_get_page(&fault->space->backing,
							    fault->page + i);

		if (IS_ERR(page))
			return i ? 0 : PTR_ERR(page);
		put_page(page);
	}
	return 0;
}

/*
 * A page that was reset and dropped since comes back zero. That is noted before a new
 * page can appear, so that RESET_UNDO sees the one or the other. A page that is still
 * there is held: it cannot be dropped any more.
 */
static struct folio *hold_reset(struct winmem_space *space, unsigned long page)
{
	struct winmem_chunk *chunk;
	struct folio *folio;

	if (!winmem_backing_is_lost(&space->backing, page, &folio))
		return folio;

	winmem_widen(WINMEM_WIDEN_FAULT_LOST);
	chunk = winmem_pages_lock(&space->pages, page);
	if (chunk) {
		if (winmem_chunk_get(chunk, page) & WINMEM_PAGE_RESET)
			winmem_chunk_mark(chunk, page, WINMEM_PAGE_LOST);
		winmem_pages_unlock(chunk);
	}
	return NULL;
}

/* Map the pages under the chunk's lock, if their states still are what they were. */
static vm_fault_t fault_map(struct winmem_fault *fault, unsigned long nr)
{
	pgoff_t index = winmem_backing_index(fault->page);
	struct winmem_chunk *chunk = fault_lock(fault);
	vm_fault_t ret;

	if (!chunk)
		return VM_FAULT_SIGSEGV;
	nr = winmem_chunk_alike(chunk, fault->page, nr);
	ret = filemap_map_pages(fault->vmf, index, index + nr - 1);
	if (ret & VM_FAULT_NOPAGE)
		fault_note_write(fault, chunk);
	winmem_pages_unlock(chunk);
	return ret;
}

/* Let the kernel map the page: lock it, then look at the state. */
static vm_fault_t fault_hand_over(struct winmem_fault *fault)
{
	struct address_space *mapping = winmem_backing_mapping(&fault->space->backing);
	struct winmem_chunk *chunk;
	struct folio *folio;
	struct page *page;

	winmem_widen(WINMEM_WIDEN_FAULT_BUSY);
	page = winmem_backing_get_page(&fault->space->backing, fault->page);
	if (IS_ERR(page))
		return vmf_error(PTR_ERR(page));
	folio = page_folio(page);
	folio_lock(folio);
	if (folio->mapping != mapping)
		goto retry;

	chunk = fault_lock(fault);
	if (!chunk)
		goto refuse;
	fault_note_write(fault, chunk);
	winmem_pages_unlock(chunk);
	fault->vmf->page = page;
	winmem_widen(WINMEM_WIDEN_FAULT_HAND_OVER);
	return VM_FAULT_LOCKED;

refuse:
	folio_unlock(folio);
	folio_put(folio);
	return VM_FAULT_SIGSEGV;
retry:
	/* Truncated under our hands; the access faults again and sees why. */
	folio_unlock(folio);
	folio_put(folio);
	return VM_FAULT_NOPAGE;
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
	winmem_pages_unlock(chunk);

	if (fault->state & WINMEM_PAGE_RESET)
		held = hold_reset(fault->space, fault->page);
	winmem_widen(WINMEM_WIDEN_FAULT_GET);
	err = fault_get_pages(fault, nr);
	winmem_widen(WINMEM_WIDEN_FAULT_MAP);
	if (err)
		ret = vmf_error(err);
	else
		ret = fault_map(fault, nr);
	if (!ret)
		ret = fault_hand_over(fault);
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
		winmem_guard_hold(guards, fault->vmf->vma->vm_file, fault->page);
	return VM_FAULT_SIGSEGV;
}

static vm_fault_t winmem_vma_fault(struct vm_fault *vmf)
{
	struct winmem_fault fault = {
		.vmf = vmf,
		.space = vma_space(vmf->vma),
		.page = vmf->address >> PAGE_SHIFT,
		.access = fault_access(vmf),
		.in_user = vmf->flags & FAULT_FLAG_USER,
	};
	vm_fault_t ret = VM_FAULT_SIGSEGV;

	if (!vma_is_sane(vmf->vma) || vmf->pgoff != winmem_backing_index(fault.page))
		return VM_FAULT_SIGSEGV;
	if (fault.in_user || !winmem_guard_is_held(&fault.space->guards, fault.page))
		ret = fault_handle(&fault);
	if (ret & VM_FAULT_SIGSEGV)
		ret = fault_refuse(&fault);
	trace_winmem_fault(vmf->address, fault.access, fault.state, (__force unsigned int)ret);
	return ret;
}

/* The kernel calls the handler under a VMA's lock only if there is a map_pages. */
static vm_fault_t winmem_vma_map_pages(struct vm_fault *vmf, pgoff_t start, pgoff_t end)
{
	return 0;
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

/* The first write to a page that is mapped: it is locked till its PTE is writable. */
static vm_fault_t winmem_vma_page_mkwrite(struct vm_fault *vmf)
{
	struct winmem_fault fault = {
		.vmf = vmf,
		.space = vma_space(vmf->vma),
		.page = vmf->address >> PAGE_SHIFT,
		.access = WINMEM_ACCESS_WRITE,
		.mkwrite = true,
	};
	struct folio *folio = page_folio(vmf->page);
	vm_fault_t ret = VM_FAULT_SIGSEGV;
	struct winmem_chunk *chunk;

	if (!vma_is_sane(vmf->vma))
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

/*
 * Whether a debugger may have a page: any that is committed, as with PROT_NONE memory, but
 * none that is offered, for it might be gone. Returns the state, or WINMEM_PAGE_NONE.
 */
static u8 access_look(struct winmem_space *space, unsigned long page, bool write)
{
	struct winmem_chunk *chunk = winmem_pages_lock(&space->pages, page);
	u8 state;

	if (!chunk)
		return WINMEM_PAGE_NONE;
	state = winmem_chunk_get(chunk, page);
	if (!winmem_page_is_committed(state) || state & WINMEM_PAGE_OFFERED)
		state = WINMEM_PAGE_NONE;
	if (write && state != WINMEM_PAGE_NONE)
		winmem_chunk_note_write(chunk, page);
	if (write && (state & (WINMEM_PAGE_RESET | WINMEM_PAGE_LOST)) == WINMEM_PAGE_RESET)
		winmem_chunk_clear(chunk, page, WINMEM_PAGE_RESET);
	winmem_pages_unlock(chunk);
	return state;
}

static void access_copy(struct page *page, unsigned int offset, void *buf, int len, bool write)
{
	void *kaddr = kmap_local_page(page);

	if (write)
		memcpy(kaddr + offset, buf, len);
	else
		memcpy(buf, kaddr + offset, len);
	kunmap_local(kaddr);
	if (write) {
		flush_dcache_page(page);
		folio_mark_dirty(page_folio(page));
	}
}

/* A part of one page, for ptrace(2) and /proc/PID/mem. */
static int access_page(struct winmem_space *space, unsigned long addr, void *buf, int len,
		       bool write)
{
	unsigned long nr = addr >> PAGE_SHIFT;
	struct folio *held = NULL, *folio;
	int ret = -EFAULT;
	struct page *page;
	u8 state;

	state = access_look(space, nr, false);
	if (state == WINMEM_PAGE_NONE)
		return -EFAULT;
	if (state & WINMEM_PAGE_RESET)
		held = hold_reset(space, nr);
	winmem_widen(WINMEM_WIDEN_ACCESS_GET);
	page = winmem_backing_get_page(&space->backing, nr);
	if (IS_ERR(page)) {
		ret = PTR_ERR(page);
		goto out;
	}

	/* As with a fault that hands over: locked first, then looked at. */
	folio = page_folio(page);
	folio_lock(folio);
	if (folio->mapping == winmem_backing_mapping(&space->backing) &&
	    access_look(space, nr, write) != WINMEM_PAGE_NONE) {
		winmem_widen(WINMEM_WIDEN_ACCESS);
		access_copy(page, offset_in_page(addr), buf, len, write);
		ret = len;
	}
	folio_unlock(folio);
	folio_put(folio);
out:
	if (held)
		folio_put(held);
	return ret;
}

/*
 * ptrace and /proc/PID/mem, where get_user_pages() was refused: a debugger reads and
 * writes pages that the program itself may not. A guard is left alone.
 */
static int winmem_vma_access(struct vm_area_struct *vma, unsigned long addr, void *buf, int len,
			     int write)
{
	struct winmem_space *space = vma_space(vma);
	int done = 0, ret = -EFAULT;

	if (!vma_is_sane(vma))
		return -EFAULT;
	len = min_t(unsigned long, len, vma->vm_end - addr);
	while (done < len) {
		int part = min_t(int, len - done, PAGE_SIZE - offset_in_page(addr));

		ret = access_page(space, addr, buf + done, part, write);
		if (ret < 0)
			break;
		addr += part;
		done += part;
	}
	return done ? done : ret;
}

/*
 * mprotect(2) may bring a mapping's execute permission into line with what was asked for
 * through the ioctls, and nothing else: the states rule over read and write.
 */
static int winmem_vma_mprotect(struct vm_area_struct *vma, unsigned long start,
			       unsigned long end, unsigned long newflags)
{
	struct winmem_space *space = vma_space(vma);
	unsigned long page = start >> PAGE_SHIFT, nr = (end >> PAGE_SHIFT) - page;

	/* Protection keys too are in the flags. */
	if (!vma_is_sane(vma) || (newflags ^ vma->vm_flags) & ~VM_EXEC)
		return -EACCES;
	if (!winmem_pages_want_exec(&space->pages, page, nr, newflags & VM_EXEC))
		return -EAGAIN;
	/* A reset of write watch leaves PTEs that mprotect would make writable again. */
	if (winmem_pages_is_watched(&space->pages, page, nr))
		winmem_backing_unmap(&space->backing, page, nr);
	return 0;
}

/* Pages belong where they are. (Growing in place is harmless: nothing is reserved there.) */
static int winmem_vma_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

static const struct vm_operations_struct winmem_vm_ops = {
	.fault		= winmem_vma_fault,
	.map_pages	= winmem_vma_map_pages,
	.page_mkwrite	= winmem_vma_page_mkwrite,
	.access		= winmem_vma_access,
	.mprotect	= winmem_vma_mprotect,
	.mremap		= winmem_vma_mremap,
	WINMEM_NO_POLICY
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
	if (!(vma->vm_flags & VM_SHARED) || !vma_is_sane(vma))
		return -EINVAL;

	vm_flags_set(vma, VM_DONTCOPY | VM_DONTDUMP);
	/* A personality may have added it (READ_IMPLIES_EXEC). */
	if (!winmem_pages_want_exec(&vma_space(vma)->pages, vma->vm_start >> PAGE_SHIFT,
				    vma_pages(vma), true))
		vm_flags_clear(vma, VM_EXEC);
	vma->vm_ops = &winmem_vm_ops;
	return 0;
}
