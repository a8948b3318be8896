// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/winmem: the device node, and what is started in which order.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "fdinfo.h"
#include "ioctl.h"
#include "remote.h"
#include "space.h"
#include "store.h"
#include "vma.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static int winmem_open(struct inode *inode, struct file *file)
{
	struct winmem_space *space;

	/* A space is an address space's, and kernel threads have none. */
	if (!current->mm)
		return -EINVAL;
	space = winmem_space_open();
	if (IS_ERR(space))
		return PTR_ERR(space);
	file->private_data = space;
	return 0;
}

static int winmem_release(struct inode *inode, struct file *file)
{
	winmem_space_close(file->private_data);
	return 0;
}

static void winmem_show_fdinfo(struct seq_file *m, struct file *file)
{
	winmem_fdinfo_show(m, file->private_data);
}

static int winmem_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct winmem_space *space = file->private_data;

	return winmem_counter_map(&space->counter, vma);
}

static const struct file_operations winmem_fops = {
	.owner		= THIS_MODULE,
	.open		= winmem_open,
	.release	= winmem_release,
	.unlocked_ioctl	= winmem_ioctl,
	.mmap		= winmem_mmap,
	.show_fdinfo	= winmem_show_fdinfo,
	.llseek		= noop_llseek,
};

/* Of a space's file: its last reference is gone, and with it the space. */
static int winmem_space_file_release(struct inode *inode, struct file *file)
{
	/* A huge store's file comes later, from there. */
	if (file->private_data)
		winmem_space_end(file->private_data);
	return 0;
}

static int winmem_remote_release(struct inode *inode, struct file *file)
{
	winmem_remote_close(file->private_data);
	return 0;
}

/* Of the descriptors that ATTACH returns. */
static const struct file_operations winmem_remote_fops = {
	.owner		= THIS_MODULE,
	.release	= winmem_remote_release,
	.unlocked_ioctl	= winmem_remote_ioctl,
	.llseek		= noop_llseek,
};

static const struct file_operations winmem_space_fops = {
	.mmap		= winmem_vma_mmap,
	.release	= winmem_space_file_release,
};

/*
 * One of the numbers that Documentation/admin-guide/devices.txt leaves to local use. With a
 * number of its own the node can be there before the module is, and opening it loads it.
 */
#define WINMEM_MINOR	249

/* Safe for everybody: a space is its opener's own memory, charged to its opener. */
static struct miscdevice winmem_device = {
	.minor	= WINMEM_MINOR,
	.name	= "winmem",
	.mode	= 0666,
	.fops	= &winmem_fops,
};

/* Somebody else's local use comes first; then the number is any. */
static int __init node_register(void)
{
	int ret = misc_register(&winmem_device);

	if (ret != -EBUSY)
		return ret;
	winmem_device.minor = MISC_DYNAMIC_MINOR;
	return misc_register(&winmem_device);
}

static int __init winmem_init(void)
{
	int ret;

	ret = winmem_store_init(&winmem_space_fops);
	if (ret)
		return ret;
	winmem_remote_init(&winmem_remote_fops);
	ret = node_register();
	if (ret)
		winmem_store_exit();
	return ret;
}
module_init(winmem_init);

static void __exit winmem_exit(void)
{
	misc_deregister(&winmem_device);
	winmem_store_exit();
}
module_exit(winmem_exit);

MODULE_AUTHOR("The winmem developers");
MODULE_DESCRIPTION("Win32 memory management: reserve, commit and per-page protection");
MODULE_LICENSE("GPL");
MODULE_ALIAS_MISCDEV(WINMEM_MINOR);
MODULE_ALIAS("devname:winmem");
