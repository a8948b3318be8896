/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_BACKING_H
#define WINMEM_BACKING_H

#include <linux/maple_tree.h>
#include <linux/types.h>

#include "store.h"

struct mutex;

/*
 * The memory of one space. The reference count of the small store's file is the space's:
 * descriptors of /dev/winmem and mappings hold it, and its release ends the space. The huge
 * store is there from the first huge window on; its mappings hold the small one's file too.
 */
struct winmem_backing {
	struct winmem_store small;
	struct winmem_store huge;	/* its file is NULL till then; set under the mutex */
	struct maple_tree ranges;	/* pages in the huge store; by the space's mutex */
};

int winmem_backing_open(struct winmem_backing *backing, void *owner, struct mutex *mutex);
void winmem_backing_close(struct winmem_backing *backing);

int winmem_backing_make_huge(struct winmem_backing *backing, unsigned long start,
			     unsigned long nr);
void winmem_backing_make_small(struct winmem_backing *backing, unsigned long start,
			       unsigned long nr);
struct winmem_store *winmem_backing_store(struct winmem_backing *backing, unsigned long page);
bool winmem_backing_has_huge(struct winmem_backing *backing, unsigned long start,
			     unsigned long nr);
bool winmem_backing_owns(const struct winmem_backing *backing, const struct file *file);

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

#endif /* WINMEM_BACKING_H */
