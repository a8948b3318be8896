/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_BACKING_H
#define WINMEM_BACKING_H

#include <linux/list.h>
#include <linux/types.h>

struct address_space;
struct file;
struct file_operations;
struct folio;
struct page;

/*
 * The memory of one space: a shmem file in which page n of the address space is page
 * n + 1. Its reference count is the space's: descriptors of /dev/winmem and mappings
 * hold it, and its release ends the space.
 */
struct winmem_backing {
	struct file *file;
	struct list_head node;		/* all of them; by backing_lock */
};

/* What a page was when it was made clean; clean ones are zero or were reset before. */
enum winmem_was {
	WINMEM_WAS_CLEAN,
	WINMEM_WAS_DIRTY,
	WINMEM_WAS_SWAPPED,
};

static inline pgoff_t winmem_backing_index(unsigned long page)
{
	return page + 1;
}

int winmem_backing_init(const struct file_operations *ops);

int winmem_backing_open(struct winmem_backing *backing, void *owner);
void winmem_backing_close(struct winmem_backing *backing);
struct address_space *winmem_backing_mapping(const struct winmem_backing *backing);
unsigned long winmem_backing_swapped(void);

struct page *winmem_backing_get_page(struct winmem_backing *backing, unsigned long page);
bool winmem_backing_is_lost(struct winmem_backing *backing, unsigned long page,
			    struct folio **folio);
void winmem_backing_settle(struct winmem_backing *backing, unsigned long start,
			   unsigned long nr);
void winmem_backing_write_protect(struct winmem_backing *backing, unsigned long start,
				  unsigned long nr);
void winmem_backing_make_unwritten(struct winmem_backing *backing, unsigned long start,
				   unsigned long nr);
void winmem_backing_unmap(struct winmem_backing *backing, unsigned long start,
			  unsigned long nr);
void winmem_backing_drop(struct winmem_backing *backing, unsigned long start,
			 unsigned long nr);
bool winmem_backing_next(struct winmem_backing *backing, unsigned long *page,
			 unsigned long last);
enum winmem_was winmem_backing_make_clean(struct winmem_backing *backing, unsigned long page);
bool winmem_backing_make_dirty(struct winmem_backing *backing, unsigned long page);

#endif /* WINMEM_BACKING_H */
