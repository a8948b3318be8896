// SPDX-License-Identifier: GPL-2.0-only
/* winmem by its ioctls, as a program would call them that has no library. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/winmem.h>
#include <stdio.h>
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

static int set_protection(void *addr, size_t length, uint32_t prot)
{
	struct winmem_protect args = {
		.size = sizeof(args),
		.prot = prot,
		.addr = to_addr(addr),
		.length = length,
	};

	return call(WINMEM_IOC_PROTECT, &args);
}

static int winmem_protect(void *addr, size_t length, bool write)
{
	return set_protection(addr, length, write ? WINMEM_PROT_READWRITE : WINMEM_PROT_READONLY);
}

static int winmem_deny(void *addr, size_t length)
{
	return set_protection(addr, length, WINMEM_PROT_NOACCESS);
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
	.deny = winmem_deny,
	.query = winmem_query,
	.noop = winmem_noop,
};

/* The default, 0, is RAM and swap. */
static void set_commit_limit(const char *limit)
{
	FILE *file = fopen("/sys/module/winmem/parameters/commit_limit", "w");

	if (!file || fputs(limit, file) == EOF || fclose(file))
		err(1, "commit_limit");
}

static void *sparse_reserve(size_t length)
{
	set_commit_limit("1099511627776");
	return winmem_reserve(length);
}

/* The kernel's own account takes no more than there is RAM at a time. */
static int sparse_commit(void *addr, size_t length)
{
	const size_t step = 1UL << 30;
	int error = 0;

	for (size_t i = 0; i < length && !error; i += step)
		error = winmem_commit((char *)addr + i, length - i < step ? length - i : step);
	return error;
}

static int sparse_release(void *addr, size_t length)
{
	set_commit_limit("0");
	return winmem_release(addr, length);
}

const struct bench_memory bench_winmem_sparse = {
	.reserve = sparse_reserve,
	.release = sparse_release,
	.commit = sparse_commit,
};

static int enotty_noop(void)
{
	return call(_IO(WINMEM_IOC_TYPE, 0xff), NULL) == ENOTTY ? 0 : EPROTO;
}

const struct bench_memory bench_enotty = {
	.noop = enotty_noop,
};
