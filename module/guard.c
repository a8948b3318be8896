// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of the thread that hits a guard page.
 *
 * A program gets a SIGSEGV that looks like any other. So what it hit is noted, and its
 * signal handler may ask. A thread has one note at most: of the last fault that was refused.
 *
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
	INIT_LIST_HEAD(&guards->notes);
}

/* A guard that a thread hit; the struct pid cannot be another thread's. */
struct guard_note {
	struct list_head node;		/* in guards->notes */
	struct pid *pid;
	unsigned long page;
};

static void note_end(struct guard_note *note)
{
	list_del(&note->node);
	put_pid(note->pid);
	kfree(note);
}

/**
 * winmem_guards_destroy() - of a space that ends
 * @guards: guards; nothing is shut, for that holds the space
 *
 * Context: any.
 */
void winmem_guards_destroy(struct winmem_guards *guards)
{
	struct guard_note *note, *next;

	list_for_each_entry_safe(note, next, &guards->notes, node)
		note_end(note);
}

/* This thread's note, or NULL. Those of threads that have ended go; the lock is held. */
static struct guard_note *note_find(struct winmem_guards *guards)
{
	struct guard_note *note, *next, *found = NULL;

	rcu_read_lock();
	list_for_each_entry_safe(note, next, &guards->notes, node) {
		if (note->pid == task_pid(current))
			found = note;
		else if (!pid_task(note->pid, PIDTYPE_PID))
			note_end(note);
	}
	rcu_read_unlock();
	return found;
}

/**
 * winmem_guard_note() - note that this thread's program hits a guard page
 * @guards: of the space
 * @page: page whose guard is about to go
 *
 * Context: a fault from user mode; a chunk's lock may be held.
 * Return: false when there is no memory for it: then the guard must stay.
 */
bool winmem_guard_note(struct winmem_guards *guards, unsigned long page)
{
	struct guard_note *note;

	spin_lock(&guards->lock);
	note = note_find(guards);
	if (!note) {
		note = kmalloc(sizeof(*note), GFP_ATOMIC | __GFP_ACCOUNT);
		if (note) {
			note->pid = get_pid(task_pid(current));
			list_add(&note->node, &guards->notes);
		}
	}
	if (note)
		note->page = page;
	spin_unlock(&guards->lock);
	return note;
}

/**
 * winmem_guard_forget() - this thread's last fault hit no guard
 * @guards: of the space
 *
 * Context: a fault from user mode.
 */
void winmem_guard_forget(struct winmem_guards *guards)
{
	struct guard_note *note;

	/* This thread's note was made by this thread. */
	if (list_empty_careful(&guards->notes))
		return;
	spin_lock(&guards->lock);
	note = note_find(guards);
	if (note)
		note_end(note);
	spin_unlock(&guards->lock);
}

/**
 * winmem_guard_ask() - whether this thread's last fault hit a guard
 * @guards: of the space
 * @page: in which page
 *
 * Context: may be asked once for each fault.
 */
bool winmem_guard_ask(struct winmem_guards *guards, unsigned long page)
{
	struct guard_note *note;
	bool hit = false;

	spin_lock(&guards->lock);
	note = note_find(guards);
	if (note) {
		hit = note->page == page;
		note_end(note);
	}
	spin_unlock(&guards->lock);
	return hit;
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
