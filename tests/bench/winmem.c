// SPDX-License-Identifier: GPL-2.0-only
/* winmem by its ioctls, as a program would call them that has no library. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/winmem.h>
#include <sys/ioctl.h>

#include "bench.h"

/* Each sample has a process of its own, and so a descriptor. */
static int device = -1;

static int device_get(void)
{
	if (device < 0) {
		device = open("/dev/winmem", O_RDWR | O_CLOEXEC);
		if (device < 0)
			err(1, "/dev/winmem");
	}
	return device;
}

static uint64_t to_addr(void *addr)
{
	return (uintptr_t)addr;
}

static int call(unsigned long nr, void *args)
{
	return ioctl(device_get(), nr, args) ? errno : 0;
}

static void *winmem_reserve(size_t length)
{
	struct winmem_reserve args = {
		.size = sizeof(args),
		.prot = WINMEM_PROT_READWRITE,
		.length = length,
	};

	return call(WINMEM_IOC_RESERVE, &args) ? NULL : (void *)(uintptr_t)args.out_addr;
}

static int winmem_release(void *addr, size_t length)
{
	struct winmem_release args = { .size = sizeof(args), .addr = to_addr(addr) };

	(void)length;
	return call(WINMEM_IOC_RELEASE, &args);
}

static int winmem_commit(void *addr, size_t length)
{
	struct winmem_commit args = {
		.size = sizeof(args),
		.prot = WINMEM_PROT_READWRITE,
		.addr = to_addr(addr),
		.length = length,
	};

	return call(WINMEM_IOC_COMMIT, &args);
}

static int winmem_decommit(void *addr, size_t length)
{
	struct winmem_decommit args = {
		.size = sizeof(args),
		.addr = to_addr(addr),
		.length = length,
	};

	return call(WINMEM_IOC_DECOMMIT, &args);
}

static int winmem_protect(void *addr, size_t length, bool write)
{
	struct winmem_protect args = {
		.size = sizeof(args),
		.prot = write ? WINMEM_PROT_READWRITE : WINMEM_PROT_READONLY,
		.addr = to_addr(addr),
		.length = length,
	};

	return call(WINMEM_IOC_PROTECT, &args);
}

static int winmem_query(void *addr)
{
	struct winmem_query args = { .size = sizeof(args), .addr = to_addr(addr) };

	return call(WINMEM_IOC_QUERY, &args);
}

/* The ioctl that has the least to do: copied in, answered, copied out. */
static int winmem_noop(void)
{
	struct winmem_info args = { .size = sizeof(args) };

	return call(WINMEM_IOC_INFO, &args);
}

const struct bench_memory bench_winmem = {
	.reserve = winmem_reserve,
	.release = winmem_release,
	.commit = winmem_commit,
	.decommit = winmem_decommit,
	.protect = winmem_protect,
	.query = winmem_query,
	.noop = winmem_noop,
};

static int enotty_noop(void)
{
	return call(_IO(WINMEM_IOC_TYPE, 0xff), NULL) == ENOTTY ? 0 : EPROTO;
}

const struct bench_memory bench_enotty = {
	.noop = enotty_noop,
};
