// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <sys/uio.h>

#define MAX_TRACKED	128

int dev = -1;

static unsigned long tracked[MAX_TRACKED];
static unsigned int nr_tracked;
static unsigned long charge_at_start;
static unsigned long watch_addr, watch_length;

/* Running. */

int test_begin(void)
{
	watch_length = 0;
	nr_tracked = 0;
	dev = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (dev < 0) {
		print_error("open " DEVICE ": %s\n", strerror(errno));
		return -1;
	}
	charge_at_start = charge();
	return 0;
}

/* A test that leaves memory committed would move the numbers of those after it. */
int test_end(void)
{
	int ret = 0;

	for (unsigned int i = 0; i < nr_tracked; i++)
		if (raw_release(tracked[i]) && errno != ENOENT)
			ret = -1;
	if (charge() != charge_at_start)
		ret = -1;
	if (ret)
		print_error("the test left memory behind\n");
	close(dev);
	dev = -1;
	return ret;
}

/* Checks. */

void check_errno(const char *at, const char *call, int err, long ret)
{
	int got = errno;

	if (ret != -1)
		check_failed(at, "%s returned %ld and should have failed with %s", call, ret,
			     strerrorname_np(err));
	if (got != err)
		check_failed(at, "%s failed with %s, not %s", call, strerrorname_np(got),
			     strerrorname_np(err));
}

/* The ioctls. */

static void track(unsigned long addr)
{
	if (nr_tracked < MAX_TRACKED)
		tracked[nr_tracked++] = addr;
}

static void untrack(unsigned long addr)
{
	for (unsigned int i = 0; i < nr_tracked; i++)
		if (tracked[i] == addr)
			tracked[i--] = tracked[--nr_tracked];
}

static int mprotect_for(unsigned long addr, unsigned long length, unsigned int prot)
{
	return mprotect((void *)addr, length,
			PROT_READ | PROT_WRITE | (prot & ANY_EXECUTE ? PROT_EXEC : 0));
}

int ioctl_exec(unsigned int nr, void *args, unsigned long addr, unsigned long length,
	       unsigned int prot)
{
	int tries = 100;
	int ret;

	while ((ret = ioctl(dev, nr, args)) && errno == ENOEXEC && tries--)
		if (mprotect_for(addr, length, prot) && errno != EAGAIN)
			return -1;
	return ret;
}

unsigned long reserve_at(const char *at, unsigned long addr, unsigned long length,
			 unsigned int prot, unsigned int flags)
{
	struct winmem_reserve args = reserve_args(addr, length, prot, flags);

	if (ioctl(dev, WINMEM_IOC_RESERVE, &args))
		check_failed(at, "reserve %#lx at %#lx: %s", length, addr, strerror(errno));
	if (!args.out_addr || args.out_addr % GRAN || (addr && args.out_addr != addr))
		check_failed(at, "reserve at %#lx: out_addr is %#llx", addr, args.out_addr);
	track(args.out_addr);
	/* Also without execute: an earlier owner of the place may not have done its part. */
	if (args.out_flags & ~(flags & WINMEM_RESERVE_COMMIT ? WINMEM_OUT_EXEC : 0))
		check_failed(at, "reserve: out_flags is %#x", args.out_flags);
	if (args.out_flags && mprotect_for(args.out_addr, length, prot))
		check_failed(at, "mprotect after reserve: %s", strerror(errno));
	return args.out_addr;
}

void commit_at(const char *at, unsigned long addr, unsigned long length, unsigned int prot)
{
	struct winmem_commit args = commit_args(addr, length, prot);

	if (ioctl_exec(WINMEM_IOC_COMMIT, &args, addr, length, prot))
		check_failed(at, "commit %#lx at %#lx: %s", length, addr, strerror(errno));
}

unsigned int protect_at(const char *at, unsigned long addr, unsigned long length,
			unsigned int prot)
{
	struct winmem_protect args = protect_args(addr, length, prot);

	if (ioctl_exec(WINMEM_IOC_PROTECT, &args, addr, length, prot))
		check_failed(at, "protect %#lx at %#lx: %s", length, addr, strerror(errno));
	if (args.out_prot == CC32)
		check_failed(at, "protect: out_prot was not written");
	return args.out_prot;
}

void decommit_at(const char *at, unsigned long addr, unsigned long length)
{
	struct winmem_decommit args = decommit_args(addr, length);

	if (ioctl(dev, WINMEM_IOC_DECOMMIT, &args))
		check_failed(at, "decommit %#lx at %#lx: %s", length, addr, strerror(errno));
	if (length && args.out_length != length)
		check_failed(at, "decommit: out_length is %#llx", args.out_length);
	if (args.out_flags & ~WINMEM_OUT_EXEC)
		check_failed(at, "decommit: out_flags is %#x", args.out_flags);
	/* The courtesy of the header; the mappings may then merge again. */
	if ((args.out_flags & WINMEM_OUT_EXEC) && mprotect_for(addr, args.out_length, 0))
		check_failed(at, "mprotect after decommit: %s", strerror(errno));
}

void release_at(const char *at, unsigned long addr)
{
	struct winmem_release args = release_args(addr);

	if (ioctl(dev, WINMEM_IOC_RELEASE, &args))
		check_failed(at, "release %#lx: %s", addr, strerror(errno));
	untrack(addr);
	if (args.out_length % PAGE || !args.out_length)
		check_failed(at, "release: out_length is %#llx", args.out_length);
	if (args.out_flags & ~WINMEM_OUT_EXEC)
		check_failed(at, "release: out_flags is %#x", args.out_flags);
	if ((args.out_flags & WINMEM_OUT_EXEC) && mprotect_for(addr, args.out_length, 0))
		check_failed(at, "mprotect after release: %s", strerror(errno));
}

void reset_at(const char *at, unsigned long addr, unsigned long length, unsigned int flags)
{
	struct winmem_reset args = reset_args(addr, length, flags);

	if (ioctl(dev, WINMEM_IOC_RESET, &args))
		check_failed(at, "reset %#lx at %#lx: %s", length, addr, strerror(errno));
}

struct winmem_query query_at(const char *at, unsigned long addr)
{
	struct winmem_query args = query_args(addr);

	if (ioctl(dev, WINMEM_IOC_QUERY, &args))
		check_failed(at, "query %#lx: %s", addr, strerror(errno));
	/* A caller walks by out_length: zero would never end. */
	if (args.out_base != (addr & -PAGE) || !args.out_length || args.out_length % PAGE)
		check_failed(at, "query %#lx: base %#llx, length %#llx", addr, args.out_base,
			     args.out_length);
	return args;
}

struct winmem_limit limit_at(const char *at, unsigned int flags, unsigned long limit)
{
	struct winmem_limit args = limit_args(flags, limit);

	if (ioctl(dev, WINMEM_IOC_LIMIT, &args))
		check_failed(at, "limit %#lx: %s", limit, strerror(errno));
	return args;
}

struct winmem_info info_at(const char *at)
{
	struct winmem_info args = info_args();

	if (ioctl(dev, WINMEM_IOC_INFO, &args))
		check_failed(at, "info: %s", strerror(errno));
	return args;
}

void check_run(const char *at, unsigned long addr, unsigned long length, unsigned int state,
	       unsigned int prot)
{
	struct winmem_query args = query_at(at, addr);

	if (args.out_length != length || args.out_state != state || args.out_prot != prot ||
	    args.out_type != WINMEM_TYPE_PRIVATE)
		check_failed(at, "query %#lx: length %#llx state %#x prot %#x type %#x", addr,
			     args.out_length, args.out_state, args.out_prot, args.out_type);
}

/* Nothing changed. */

void watch(unsigned long addr, unsigned long length)
{
	watch_addr = addr;
	watch_length = length;
}

/*
 * Only pages that anybody may read are read, and through process_vm_readv: a guard
 * page must not be touched, and a fault here must not look like the test's own.
 */
static void snapshot_bytes(const char *at, struct snapshot *shot, const struct winmem_query *run)
{
	const unsigned int readable = READONLY | READWRITE | ANY_EXECUTE;
	unsigned long end = shot->addr + shot->length;
	unsigned long length = run->out_length;
	struct iovec local, remote;

	if (run->out_state != WINMEM_STATE_COMMIT || (run->out_prot & GUARD) ||
	    !(run->out_prot & readable))
		return;
	if (length > end - run->out_base)
		length = end - run->out_base;
	local = (struct iovec) { shot->bytes + (run->out_base - shot->addr), length };
	remote = (struct iovec) { (void *)(unsigned long)run->out_base, length };
	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != (ssize_t)length)
		check_failed(at, "reading %#lx bytes at %#llx: %s", length, run->out_base,
			     strerror(errno));
}

void snapshot_take(const char *at, struct snapshot *shot, unsigned long addr,
		   unsigned long length)
{
	unsigned long next = addr;

	*shot = (struct snapshot) { .addr = addr, .length = length };
	shot->charge = limit_at(at, 0, 0).out_charge;
	shot->bytes = calloc(1, length + 1);
	if (!shot->bytes)
		check_failed(at, "no memory for a snapshot");
	while (next < addr + length) {
		struct winmem_query *run = &shot->runs[shot->nr];

		if (shot->nr++ == SNAPSHOT_RUNS)
			check_failed(at, "more than %d runs", SNAPSHOT_RUNS);
		*run = query_at(at, next);
		snapshot_bytes(at, shot, run);
		next = run->out_base + run->out_length;
	}
}

void snapshot_drop(struct snapshot *shot)
{
	free(shot->bytes);
	shot->bytes = NULL;
}

void check_same(const char *at, const struct snapshot *before, const struct snapshot *after)
{
	if (before->charge != after->charge)
		check_failed(at, "charge was %#lx and is %#lx", before->charge, after->charge);
	for (unsigned int i = 0; i < before->nr && i < after->nr; i++)
		if (memcmp(&before->runs[i], &after->runs[i], sizeof(before->runs[i])))
			check_failed(at, "changed at %#llx: state %#x to %#x, prot %#x to %#x",
				     before->runs[i].out_base,
				     before->runs[i].out_state, after->runs[i].out_state,
				     before->runs[i].out_prot, after->runs[i].out_prot);
	if (before->nr != after->nr)
		check_failed(at, "%u runs became %u", before->nr, after->nr);
	if (memcmp(before->bytes, after->bytes, before->length))
		check_failed(at, "contents changed");
}

void check_refused(const char *at, int err, unsigned int nr, void *args, size_t size)
{
	struct snapshot before, after;
	unsigned char copy[256];
	int ret, got;

	memcpy(copy, args, size);
	snapshot_take(at, &before, watch_addr, watch_length);
	ret = ioctl(dev, nr, args);
	got = errno;
	snapshot_take(at, &after, watch_addr, watch_length);
	errno = got;
	check_errno(at, "the call", err, ret);
	if (memcmp(copy, args, size))
		check_failed(at, "the call failed and wrote to its arguments");
	check_same(at, &before, &after);
	snapshot_drop(&before);
	snapshot_drop(&after);
}

/* Touching memory. */

int byte_at(unsigned long addr)
{
	volatile int byte = -1;

	TRY_TO(byte = *(volatile unsigned char *)addr);
	return byte;
}

bool try_read(unsigned long addr)
{
	return byte_at(addr) >= 0;
}

bool try_write(unsigned long addr, unsigned char byte)
{
	return TRY_TO(*(volatile unsigned char *)addr = byte);
}

bool try_write_word(unsigned long addr, unsigned long word)
{
	return TRY_TO(*(volatile unsigned long *)addr = word);
}

bool try_exec(unsigned long addr)
{
	return TRY_TO(((void (*)(void))addr)());
}

/* Mappings. */

unsigned long find_hole(unsigned long length)
{
	static unsigned long next = 0x200000000000UL;
	unsigned long addr = next;

	next += (length + 2 * GIB - 1) / GIB * GIB;
	return addr;
}

void *map_foreign(unsigned long addr, unsigned long length, int prot)
{
	void *map = mmap((void *)addr, length, prot,
			 MAP_PRIVATE | MAP_ANONYMOUS | (addr ? MAP_FIXED : 0), -1, 0);

	if (map == MAP_FAILED)
		check_failed(HERE, "mmap at %#lx: %s", addr, strerror(errno));
	return map;
}

int open_device(const char *at)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		check_failed(at, "open " DEVICE ": %s", strerror(errno));
	return fd;
}
