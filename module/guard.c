// SPDX-License-Identifier: GPL-2.0-only
/*
 * A system call that hits a guard page fails, and the guard is gone (row G11). When
 * copy_from_user() fails, though, it tries again byte by byte, and with the guard gone that
 * would succeed. So the page stays shut for the thread that hit it until it returns to
 * user mode; for all others it is an ordinary page at once.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/task_work.h>

#include "guard.h"

/* One page that is shut for one thread. */
struct guard_hit {
	struct callback_head work;
	struct list_head node;		/* in guards->hits */
	struct winmem_guards *guards;
	struct file *file;		/* keeps the space, and the module */
	struct task_struct *task;
	unsigned long page;
};

/**
 * winmem_guards_init() - nothing is shut
 * @guards: of a space
 *
 * Context: any.
 */
void winmem_guards_init(struct winmem_guards *guards)
{
	spin_lock_init(&guards->lock);
	INIT_LIST_HEAD(&guards->hits);
}

static void hit_end(struct guard_hit *hit)
{
	struct file *file = hit->file;

	spin_lock(&hit->guards->lock);
	list_del(&hit->node);
	spin_unlock(&hit->guards->lock);
	kfree(hit);
	/* Put by a task work of its own, when this function is done with. */
	fput(file);
}

static void hit_work(struct callback_head *work)
{
	hit_end(container_of(work, struct guard_hit, work));
}

/**
 * winmem_guard_hold() - shut a page for this thread till it returns to user mode
 * @guards: of the space
 * @file: the space's file
 * @page: page whose guard a system call of this thread has just hit
 *
 * Without memory for it the page is open, as it is for a thread that is exiting, and for
 * one of the kernel's, which never gets there.
 *
 * Context: a fault of the thread; may sleep.
 */
void winmem_guard_hold(struct winmem_guards *guards, struct file *file, unsigned long page)
{
	struct guard_hit *hit;

	if (current->flags & PF_KTHREAD)
		return;
	hit = kmalloc(sizeof(*hit), GFP_KERNEL_ACCOUNT);
	if (!hit)
		return;
	hit->guards = guards;
	hit->file = get_file(file);
	hit->task = current;
	hit->page = page;
	init_task_work(&hit->work, hit_work);

	spin_lock(&guards->lock);
	list_add(&hit->node, &guards->hits);
	spin_unlock(&guards->lock);
	if (task_work_add(current, &hit->work, TWA_RESUME))
		hit_end(hit);
}

/**
 * winmem_guard_is_held() - whether a page is shut for this thread
 * @guards: of the space
 * @page: page number
 *
 * Context: any; takes a spinlock when anything is shut at all.
 */
bool winmem_guard_is_held(struct winmem_guards *guards, unsigned long page)
{
	struct guard_hit *hit;
	bool held = false;

	/* Entries of this thread were made by this thread. */
	if (list_empty_careful(&guards->hits))
		return false;
	spin_lock(&guards->lock);
	list_for_each_entry(hit, &guards->hits, node)
		held |= hit->task == current && hit->page == page;
	spin_unlock(&guards->lock);
	return held;
}
