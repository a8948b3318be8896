// SPDX-License-Identifier: GPL-2.0-only
/* What a debugger reads and writes in a window. */
#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "access.h"
#include "pages.h"
#include "prot.h"
#include "reset.h"
#include "space.h"
#include "store.h"
#include "widen.h"

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
static int access_page(struct winmem_space *space, struct winmem_store *store,
		       unsigned long addr, void *buf, int len, bool write)
{
	unsigned long nr = addr >> PAGE_SHIFT, fresh = 0;
	struct folio *held = NULL, *folio;
	int ret = -EFAULT;
	u8 state;

	state = access_look(space, nr, false);
	if (state == WINMEM_PAGE_NONE)
		return -EFAULT;
	if (state & WINMEM_PAGE_RESET)
		held = winmem_reset_hold(space, store, nr);
	winmem_widen(WINMEM_WIDEN_ACCESS_GET);
	folio = winmem_store_get(store, nr, false, &fresh);
	if (IS_ERR(folio)) {
		ret = PTR_ERR(folio);
		goto out;
	}

	/* As with a fault that hands over: locked first, then looked at. */
	folio_lock(folio);
	if (folio->mapping == winmem_store_mapping(store) &&
	    access_look(space, nr, write) != WINMEM_PAGE_NONE) {
		winmem_widen(WINMEM_WIDEN_ACCESS);
		access_copy(folio_file_page(folio, winmem_store_index(store, nr)), offset_in_page(addr),
			    buf, len, write);
		ret = len;
	}
	folio_unlock(folio);
	folio_put(folio);
out:
	if (held)
		folio_put(held);
	return ret;
}

/**
 * winmem_vma_access() - .access: ptrace and /proc/PID/mem, where get_user_pages() was refused
 * @vma: a window
 * @addr: where, in bytes
 * @buf: the kernel's buffer
 * @len: bytes
 * @write: from the buffer
 *
 * A debugger reads and writes pages that the program itself may not. A guard is left alone.
 *
 * Context: mmap_lock is held for reading; may sleep.
 * Return: how many bytes; -EFAULT: none; -ENOMEM; -EIO.
 */
int winmem_vma_access(struct vm_area_struct *vma, unsigned long addr, void *buf, int len,
			     int write)
{
	struct winmem_space *space = winmem_space_of(vma);
	int done = 0, ret = -EFAULT;

	if (!winmem_space_has(vma))
		return -EFAULT;
	len = min_t(unsigned long, len, vma->vm_end - addr);
	while (done < len) {
		int part = min_t(int, len - done, PAGE_SIZE - offset_in_page(addr));

		ret = access_page(space, winmem_space_store(vma), addr, buf + done, part, write);
		if (ret < 0)
			break;
		addr += part;
		done += part;
	}
	return done ? done : ret;
}
