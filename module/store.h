/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_STORE_H
#define WINMEM_STORE_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/types.h>

struct folio;

/* One shmem file; see store.c for the two kinds. Fixed from its opening but for the last two. */
struct winmem_store {
	struct file *file;
	unsigned long shift;		/* page n of the address space is page n + shift */
	unsigned int makers;		/* threads that ask for a huge page; by store_lock */
	struct list_head node;		/* all of them; by store_lock */
};

/* What a page was when it was made clean; clean ones are zero or were reset before. */
enum winmem_was {
	WINMEM_WAS_CLEAN,
	WINMEM_WAS_DIRTY,
	WINMEM_WAS_SWAPPED,
};

static inline pgoff_t winmem_store_index(const struct winmem_store *store, unsigned long page)
{
	return page + store->shift;
}

/* The page cache of an open store's file. */
static inline struct address_space *winmem_store_mapping(const struct winmem_store *store)
{
	return store->file->f_mapping;
}

int winmem_store_init(const struct file_operations *ops);
void winmem_store_exit(void);
bool winmem_store_has_huge(void);

int winmem_store_open(struct winmem_store *store, void *owner, bool huge);
void winmem_store_close(struct winmem_store *store);
unsigned long winmem_stores_swapped(void);

struct folio *winmem_store_get(struct winmem_store *store, unsigned long page, bool huge,
			       unsigned long *fresh);
void winmem_store_fill(struct winmem_store *store, unsigned long page, unsigned long nr,
		       unsigned long *fresh);
struct folio *winmem_store_get_large(struct winmem_store *store, unsigned long page);
bool winmem_store_next(struct winmem_store *store, unsigned long *page, unsigned long last);

/* store_pages.c */
void winmem_store_settle(struct winmem_store *store, unsigned long start, unsigned long nr);
void winmem_store_write_protect(struct winmem_store *store, unsigned long start, unsigned long nr);
void winmem_store_make_unwritten(struct winmem_store *store, unsigned long start, unsigned long nr);
void winmem_store_unmap(struct winmem_store *store, unsigned long start, unsigned long nr);
void winmem_store_drop(struct winmem_store *store, unsigned long start, unsigned long nr);

bool winmem_store_is_lost(struct winmem_store *store, unsigned long page, struct folio **folio);
enum winmem_was winmem_store_make_clean(struct winmem_store *store, unsigned long page);
bool winmem_store_make_large_clean(struct winmem_store *store, struct folio *folio);
bool winmem_store_make_dirty(struct winmem_store *store, unsigned long page);

#endif /* WINMEM_STORE_H */
