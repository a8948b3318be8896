// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls: one table. Each struct is copied in once, and copied out when the call has
 * succeeded; calls.c does what it says.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "calls.h"
#include "ioctl.h"
#include "remote.h"
#include "space.h"

/* What is longer than we know must be zero there. */
static int check_tail(const void __user *user, u32 known, u32 size)
{
	int ret;

	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = check_zeroed_user(user + known, size - known);
	if (ret < 0)
		return ret;
	return ret ? 0 : -E2BIG;
}

/*
 * What cannot be answered is not begun: write back a byte that has just been read to each
 * page the struct touches.
 */
static int check_writable(u8 __user *user, const u8 *args, u32 size)
{
	if (put_user(args[0], user))
		return -EFAULT;
	if (offset_in_page(user) + size > PAGE_SIZE && put_user(args[size - 1], user + size - 1))
		return -EFAULT;
	return 0;
}

/*
 * One ioctl. size: of its struct. first: of the struct's first version, where it has grown since.
 * answers: the struct is copied out. undo: for a call that has done its work when its answer cannot
 * be delivered; without it the work stands. anybody: not only the process whose space it is.
 * remote: also by a descriptor from ATTACH.
 */
struct winmem_ioc {
	long (*handler)(struct winmem_space *space, union winmem_args *args);
	long (*undo)(struct winmem_space *space, const union winmem_args *args);
	u32 size;
	u32 first;
	bool answers;
	bool anybody;
	bool remote;
};

/* A struct that ends where memory does: from before it grew, or too short to be any. */
static noinline int copy_short(u32 full, union winmem_args *args, void __user *user)
{
	u32 size;

	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size >= full || copy_from_user(args, user, size))
		return -EFAULT;
	args->size = size;
	return 0;
}

/* One read of it all, so that size is of the same moment as the rest. */
static __always_inline int copy_args(const struct winmem_ioc *ioc, union winmem_args *args,
				     void __user *user)
{
	int ret = 0;

	if (copy_from_user(args, user, ioc->size))
		ret = copy_short(ioc->size, args, user);
	if (ret)
		return ret;
	if (args->size < (ioc->first ?: ioc->size))
		return -EINVAL;
	if (args->size < ioc->size)
		memset((u8 *)args + args->size, 0, ioc->size - args->size);
	else if (args->size > ioc->size)
		ret = check_tail(user, ioc->size, args->size);
	if (!ret && ioc->answers)
		ret = check_writable(user, (const u8 *)args, min(args->size, ioc->size));
	return ret;
}

/* As much of the answer as the caller knows. Usually that is a length known to the compiler. */
static __always_inline bool copy_answer(const struct winmem_ioc *ioc, void __user *user,
					const union winmem_args *args)
{
	if (ioc->first && args->size < ioc->size)
		return copy_to_user(user, args, args->size);
	return copy_to_user(user, args, ioc->size);
}

static __always_inline long ioc_call(const struct winmem_ioc *ioc, struct winmem_space *space,
				     void __user *user, bool remote)
{
	union winmem_args args;
	long ret;

	if (remote ? !ioc->remote : !ioc->anybody && space->mm != current->mm)
		return -EPERM;
	ret = copy_args(ioc, &args, user);
	if (ret)
		return ret;
	ret = ioc->handler(space, &args);
	/* It could be written before; if not now, the caller took it away, or the call did. */
	if (!ret && ioc->answers && copy_answer(ioc, user, &args) && ioc->undo)
		ret = ioc->undo(space, &args);
	return ret;
}

/* A function for each, so that the copies have constant lengths and calls are direct. */
#define IOC(name, ...)								\
	static long ioc_##name(struct winmem_space *space, void __user *user, bool remote) \
	{									\
		static const struct winmem_ioc ioc = {				\
			.handler = winmem_ioc_##name,				\
			.size = sizeof(struct winmem_##name),			\
			__VA_ARGS__						\
		};								\
										\
		return ioc_call(&ioc, space, user, remote);			\
	}

IOC(info, .answers = true, .anybody = true, .remote = true)
IOC(reserve, .answers = true, .undo = winmem_ioc_reserve_undo, .remote = true)
IOC(commit, .remote = true)
IOC(decommit, .answers = true, .remote = true)
IOC(release, .answers = true, .remote = true)
IOC(protect, .answers = true, .remote = true)
IOC(reset, .remote = true)
IOC(query, .answers = true, .remote = true, .first = offsetof(struct winmem_query, out_flags))
IOC(limit, .answers = true)
IOC(guard, .answers = true)
IOC(watch, .answers = true)
IOC(lock, .answers = true)
IOC(offer)
IOC(attach, .answers = true, .undo = winmem_ioc_attach_undo)

#define IOC_INDEX(cmd)	((cmd) - WINMEM_IOC_INFO)

static long (*const ioc_table[])(struct winmem_space *space, void __user *user, bool remote) = {
	[IOC_INDEX(WINMEM_IOC_INFO)] = ioc_info,
	[IOC_INDEX(WINMEM_IOC_RESERVE)] = ioc_reserve,
	[IOC_INDEX(WINMEM_IOC_COMMIT)] = ioc_commit,
	[IOC_INDEX(WINMEM_IOC_DECOMMIT)] = ioc_decommit,
	[IOC_INDEX(WINMEM_IOC_RELEASE)] = ioc_release,
	[IOC_INDEX(WINMEM_IOC_PROTECT)] = ioc_protect,
	[IOC_INDEX(WINMEM_IOC_RESET)] = ioc_reset,
	[IOC_INDEX(WINMEM_IOC_QUERY)] = ioc_query,
	[IOC_INDEX(WINMEM_IOC_LIMIT)] = ioc_limit,
	[IOC_INDEX(WINMEM_IOC_GUARD)] = ioc_guard,
	[IOC_INDEX(WINMEM_IOC_WATCH)] = ioc_watch,
	[IOC_INDEX(WINMEM_IOC_LOCK)] = ioc_lock,
	[IOC_INDEX(WINMEM_IOC_OFFER)] = ioc_offer,
	[IOC_INDEX(WINMEM_IOC_ATTACH)] = ioc_attach,
};

static bool ioc_is_known(unsigned int cmd)
{
	return cmd >= WINMEM_IOC_INFO && IOC_INDEX(cmd) < ARRAY_SIZE(ioc_table);
}

/**
 * winmem_ioctl() - ioctl(2) on /dev/winmem
 * @file: the descriptor's file
 * @cmd: WINMEM_IOC_*
 * @arg: user pointer to the struct of @cmd
 *
 * Context: process context of whoever has the descriptor; may sleep.
 * Return: 0 or -errno; uapi/linux/winmem.h lists them.
 */
long winmem_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (!ioc_is_known(cmd))
		return -ENOTTY;
	return ioc_table[IOC_INDEX(cmd)](file->private_data, (void __user *)arg, false);
}

/**
 * winmem_remote_ioctl() - ioctl(2) on a descriptor that ATTACH has returned
 * @file: the descriptor's file
 * @cmd: WINMEM_IOC_*
 * @arg: user pointer to the struct of @cmd
 *
 * Context: process context of whoever has the descriptor; may sleep.
 * Return: 0 or -errno; uapi/linux/winmem.h lists them.
 */
long winmem_remote_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct winmem_space *space;
	long ret;

	if (!ioc_is_known(cmd))
		return -ENOTTY;
	space = winmem_remote_enter(file->private_data);
	if (IS_ERR(space))
		return PTR_ERR(space);
	ret = ioc_table[IOC_INDEX(cmd)](space, (void __user *)arg, true);
	winmem_remote_leave(file->private_data, space);
	return ret;
}
