/* SPDX-License-Identifier: GPL-2.0-only */
/* Another process that has winmem, and what shows the kernel's leave to act on it. */
#ifndef WINMEM_TESTS_UAPI_REMOTE_H
#define WINMEM_TESTS_UAPI_REMOTE_H

#include "common.h"

#include <fcntl.h>

#define TARGET_ADDR	unsigned long

static inline void target_begin(void)
{
	close(dev);
	dev = OPEN_DEVICE();
}

#include "target.h"

static inline int open_proc(pid_t pid, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return open(path, flags | O_CLOEXEC);
}

/* A descriptor to act on a process; -1 and errno. */
static inline int attach_to(pid_t pid)
{
	int mem = open_proc(pid, "mem", O_RDWR), ret;
	struct winmem_attach args = attach_args(mem);

	if (mem < 0)
		return -1;
	ret = ioctl(dev, WINMEM_IOC_ATTACH, &args);
	close(mem);
	return ret ? -1 : args.out_fd;
}

/* The next calls of common.h go to another process. */
static inline int act_on(int fd)
{
	int before = dev;

	dev = fd;
	return before;
}

#endif
