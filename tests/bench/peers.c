// SPDX-License-Identifier: GPL-2.0-only
/* The same without winmem: mmap, mprotect and madvise, and a memfd. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

static int result(int ret)
{
	return ret ? errno : 0;
}

static void *map_private(size_t length, int flags)
{
	void *addr = mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	return addr == MAP_FAILED ? NULL : addr;
}

/* Address space alone. Like winmem's, its pages are charged when they become writable. */
static void *mmap_reserve(size_t length)
{
	return map_private(length, 0);
}

static int mmap_release(void *addr, size_t length)
{
	return result(munmap(addr, length));
}

static int mmap_commit(void *addr, size_t length)
{
	return result(mprotect(addr, length, PROT_READ | PROT_WRITE));
}

static int mmap_decommit(void *addr, size_t length)
{
	return result(madvise(addr, length, MADV_DONTNEED));
}

static int mmap_protect(void *addr, size_t length, bool write)
{
	return result(mprotect(addr, length, write ? PROT_READ | PROT_WRITE : PROT_READ));
}

/* The whole text; what it costs to open the file and to parse it is not in here. */
static int maps_query(void *addr)
{
	static int fd = -1;
	static char text[65536];
	ssize_t got;

	(void)addr;
	if (fd < 0)
		fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || lseek(fd, 0, SEEK_SET))
		return errno;
	do {
		got = read(fd, text, sizeof(text));
	} while (got > 0);
	return got ? errno : 0;
}

const struct bench_memory bench_mmap = {
	.reserve = mmap_reserve,
	.release = mmap_release,
	.commit = mmap_commit,
	.query = maps_query,
};

/*
 * PROCMAP_QUERY, from 6.11 on: one mapping of another's or one's own. The name of the file is
 * not asked for.
 */
#ifndef PROCMAP_QUERY
struct procmap_query {
	uint64_t size, query_flags, query_addr;
	uint64_t vma_start, vma_end, vma_flags, vma_page_size, vma_offset, inode;
	uint32_t dev_major, dev_minor, vma_name_size, build_id_size;
	uint64_t vma_name_addr, build_id_addr;
};

#define PROCMAP_QUERY	_IOWR('f', 17, struct procmap_query)
#endif

static int procmap_query(void *addr)
{
	struct procmap_query args = { .size = sizeof(args), .query_addr = (uintptr_t)addr };
	static int fd = -1;

	if (fd < 0)
		fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	return result(ioctl(fd, PROCMAP_QUERY, &args));
}

static bool procmap_supported(void)
{
	static char data = 1;

	return !procmap_query(&data);
}

const struct bench_memory bench_procmap = {
	.supported = procmap_supported,
	.reserve = mmap_reserve,
	.release = mmap_release,
	.commit = mmap_commit,
	.query = procmap_query,
};

static void *map_small_pages(size_t length, int flags)
{
	void *addr = map_private(length, flags);

	if (addr && madvise(addr, length, MADV_NOHUGEPAGE))
		return NULL;
	return addr;
}

static void *anonymous_reserve(size_t length)
{
	return map_small_pages(length, 0);
}

static int mmap_deny(void *addr, size_t length)
{
	return result(mprotect(addr, length, PROT_NONE));
}

const struct bench_memory bench_anonymous = {
	.reserve = anonymous_reserve,
	.release = mmap_release,
	.commit = mmap_commit,
	.decommit = mmap_decommit,
	.protect = mmap_protect,
	.deny = mmap_deny,
};

static void *thp_reserve(size_t length)
{
	void *addr = map_private(length, 0);

	if (addr && madvise(addr, length, MADV_HUGEPAGE))
		return NULL;
	return addr;
}

const struct bench_memory bench_thp = {
	.reserve = thp_reserve,
	.release = mmap_release,
	.commit = mmap_commit,
};

/* From 6.13 on: a mark in the page table, by which a page is not to be touched. */
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL	102
#endif

static int guard_deny(void *addr, size_t length)
{
	return result(madvise(addr, length, MADV_GUARD_INSTALL));
}

static bool guard_supported(void)
{
	void *addr = map_private(BENCH_PAGE, 0);
	bool supported = addr && !guard_deny(addr, BENCH_PAGE);

	if (addr)
		munmap(addr, BENCH_PAGE);
	return supported;
}

const struct bench_memory bench_guard = {
	.supported = guard_supported,
	.reserve = anonymous_reserve,
	.release = mmap_release,
	.commit = mmap_commit,
	.deny = guard_deny,
};

/* Nothing is charged: cheaper, and what commit promises is not promised. */
static void *noreserve_reserve(size_t length)
{
	return map_small_pages(length, MAP_NORESERVE);
}

const struct bench_memory bench_noreserve = {
	.reserve = noreserve_reserve,
	.release = mmap_release,
	.commit = mmap_commit,
};

/* What decommit means: afterwards there is neither memory nor access. */
static int discard_decommit(void *addr, size_t length)
{
	if (madvise(addr, length, MADV_DONTNEED))
		return errno;
	return result(mprotect(addr, length, PROT_NONE));
}

const struct bench_memory bench_discard = {
	.reserve = anonymous_reserve,
	.release = mmap_release,
	.commit = mmap_commit,
	.decommit = discard_decommit,
};

static int memfd = -1;

static void *memfd_reserve(size_t length)
{
	void *addr;

	if (memfd < 0)
		memfd = memfd_create("bench", MFD_CLOEXEC);
	if (memfd < 0 || ftruncate(memfd, length))
		return NULL;
	addr = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	return addr == MAP_FAILED ? NULL : addr;
}

static int memfd_commit(void *addr, size_t length)
{
	(void)addr;
	(void)length;
	return 0;
}

/* Unmapped first: that is the cheaper order. */
static int memfd_release(void *addr, size_t length)
{
	if (munmap(addr, length))
		return errno;
	return result(ftruncate(memfd, 0));
}

const struct bench_memory bench_memfd = {
	.reserve = memfd_reserve,
	.release = memfd_release,
	.commit = memfd_commit,
};

static int getppid_noop(void)
{
	return syscall(SYS_getppid) > 0 ? 0 : ESRCH;
}

const struct bench_memory bench_getppid = {
	.noop = getppid_noop,
};

static int none_noop(void)
{
	return 0;
}

const struct bench_memory bench_none = {
	.noop = none_noop,
};
