/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_IOCTL_H
#define WINMEM_IOCTL_H

struct file;

long winmem_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long winmem_remote_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif /* WINMEM_IOCTL_H */
