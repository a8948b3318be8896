// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors by which one process acts on the space of another. Who may have one is the
 * kernel's to say: it lets only those open /proc/PID/mem for writing who may ptrace the
 * process, and such a file is what a caller has to show. (A descriptor of /dev/winmem that
 * came by fork or pidfd_getfd(2) shows nothing: both look the same from here.)
 *
 * The descriptor works for the process that asked for it and no other, and it keeps neither
 * the other process's memory nor its space alive.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "remote.h"
#include "space.h"
#include "widen.h"

/* Both are grabbed, and neither is used by this. */
struct winmem_remote {
	struct mm_struct *mm;		/* whose space it acts on */
	struct mm_struct *holder;	/* whose descriptor it is */
};

static const struct file_operations *remote_fops;

/**
 * winmem_remote_init() - what descriptors are made with
 * @ops: file operations; they end in winmem_remote_close()
 *
 * Context: module init.
 */
void winmem_remote_init(const struct file_operations *ops)
{
	remote_fops = ops;
}

/*
 * Whether a file is a process's mem in /proc. Its private data is the mm then; whoever asks
 * compares that with mms that are known, and never follows it.
 */
static bool is_proc_mem(const struct file *file)
{
	const struct qstr *name = &file->f_path.dentry->d_name;

	return file_inode(file)->i_sb->s_magic == PROC_SUPER_MAGIC &&
	       S_ISREG(file_inode(file)->i_mode) && name->len == 3 && !memcmp(name->name, "mem", 3);
}

static struct winmem_space *space_of(const struct file *file)
{
	struct winmem_space *space;

	if (!is_proc_mem(file))
		return ERR_PTR(-EINVAL);
	if (!(file->f_mode & FMODE_WRITE))
		return ERR_PTR(-EBADF);
	space = winmem_space_get(file->private_data);
	return space ?: ERR_PTR(-ENODEV);
}

static int remote_open(struct mm_struct *mm)
{
	struct winmem_remote *remote = kmalloc(sizeof(*remote), GFP_KERNEL_ACCOUNT);
	int fd;

	if (!remote)
		return -ENOMEM;
	mmgrab(mm);
	remote->mm = mm;
	mmgrab(current->mm);
	remote->holder = current->mm;
	fd = anon_inode_getfd("[winmem]", remote_fops, remote, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		winmem_remote_close(remote);
	return fd;
}

/**
 * winmem_remote_attach() - a descriptor to act on another process's space
 * @mem_fd: number of a descriptor of the caller: /proc/PID/mem, opened for writing
 *
 * Context: process context; may sleep; takes spaces_lock.
 * Return: number of the new descriptor; -EBADF: @mem_fd is none, or cannot write; -EINVAL:
 * it is another kind of file; -ENODEV: that process has not opened /dev/winmem, or is gone;
 * -ENOMEM, -EMFILE, -ENFILE.
 */
int winmem_remote_attach(int mem_fd)
{
	struct file *file = fget(mem_fd);
	struct winmem_space *space;
	int fd;

	if (!file)
		return -EBADF;
	space = space_of(file);
	if (IS_ERR(space)) {
		fd = PTR_ERR(space);
	} else {
		fd = remote_open(space->mm);
		winmem_space_close(space);
	}
	fput(file);
	return fd;
}

/**
 * winmem_remote_enter() - hold the other process's memory and space for one call
 * @remote: what the descriptor stands for
 *
 * Context: process context; may sleep; takes spaces_lock.
 * Return: the space, for winmem_remote_leave(); ERR_PTR: -EPERM: the caller is not the
 * process that asked for the descriptor; -ESRCH: the other process is gone, or another
 * program by now; -ENODEV: it has no space any more.
 */
struct winmem_space *winmem_remote_enter(struct winmem_remote *remote)
{
	struct winmem_space *space;

	if (remote->holder != current->mm)
		return ERR_PTR(-EPERM);
	if (!mmget_not_zero(remote->mm))
		return ERR_PTR(-ESRCH);
	winmem_widen(WINMEM_WIDEN_ENTER);
	space = winmem_space_get(remote->mm);
	if (space)
		return space;
	mmput(remote->mm);
	return ERR_PTR(-ENODEV);
}

/**
 * winmem_remote_leave() - a call is over
 * @remote: what the descriptor stands for
 * @space: what winmem_remote_enter() has returned
 *
 * Context: may sleep; no lock is held: the other process's memory may end here.
 */
void winmem_remote_leave(struct winmem_remote *remote, struct winmem_space *space)
{
	winmem_space_close(space);
	mmput(remote->mm);
}

/**
 * winmem_remote_close() - the descriptor goes
 * @remote: what it stood for; gone afterwards
 *
 * Context: any that can free.
 */
void winmem_remote_close(struct winmem_remote *remote)
{
	mmdrop(remote->mm);
	mmdrop(remote->holder);
	kfree(remote);
}
