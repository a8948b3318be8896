/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System calls whose answer is an errno value and which leave errno itself alone: a
 * Win32 program knows the last error, and a Linux one may be in the middle of its own.
 */
#ifndef WINMEM_SYS_H
#define WINMEM_SYS_H

#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

static inline int winmem_sys_ioctl(int fd, unsigned long nr, void *arg)
{
	int saved = errno, ret;

	ret = ioctl(fd, nr, arg) < 0 ? errno : 0;
	errno = saved;
	return ret;
}

static inline int winmem_sys_mprotect(void *addr, size_t length, int prot)
{
	int saved = errno, ret;

	ret = mprotect(addr, length, prot) ? errno : 0;
	errno = saved;
	return ret;
}

/* Memory of the library's own. */
static inline int winmem_sys_map(void **addr, size_t length, int prot)
{
	int saved = errno, ret = 0;

	*addr = mmap(NULL, length, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (*addr == MAP_FAILED)
		ret = errno;
	errno = saved;
	return ret;
}

#endif /* WINMEM_SYS_H */
