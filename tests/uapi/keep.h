/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * LOCK and OFFER as calls that must succeed, and what Linux shows of locked pages.
 */
#ifndef WINMEM_TESTS_UAPI_KEEP_H
#define WINMEM_TESTS_UAPI_KEEP_H

#include "common.h"
#include "proc.h"

static inline unsigned long lock_at(const char *at, unsigned long addr, unsigned long length,
				    unsigned int flags)
{
	struct winmem_lock args = lock_args(addr, length, flags);

	if (ioctl(dev, WINMEM_IOC_LOCK, &args))
		check_failed(at, "lock %#lx at %#lx: %s", length, addr, strerror(errno));
	return args.out_locked;
}

static inline void offer_at(const char *at, unsigned long addr, unsigned long length,
			    unsigned int flags)
{
	struct winmem_offer args = offer_args(addr, length, flags);

	if (ioctl(dev, WINMEM_IOC_OFFER, &args))
		check_failed(at, "offer %#lx at %#lx: %s", length, addr, strerror(errno));
}

#define lock(addr, length)	EXPECT_EQ(length, lock_at(HERE, addr, length, 0))
#define unlock(addr, length)	EXPECT_EQ(0, lock_at(HERE, addr, length, WINMEM_LOCK_UNDO))
#define locked(addr, length)	lock_at(HERE, addr, length, WINMEM_LOCK_LOOK)
#define offer(addr, length)	offer_at(HERE, addr, length, 0)
#define reclaim(addr, length)	offer_at(HERE, addr, length, WINMEM_OFFER_UNDO)

/* A lock that must fail and lock nothing; what is watched of the range stays as it was. */
static inline void lock_refused(const char *at, int err, unsigned long addr,
				unsigned long length, unsigned int flags)
{
	struct winmem_lock args = lock_args(addr, length, flags);
	unsigned long before = locked(addr, length);

	check_refused(at, err, WINMEM_IOC_LOCK, &args, sizeof(args));
	EXPECT_EQ(before, locked(addr, length));
}

#define LOCK_REFUSED(err, addr, length)	lock_refused(HERE, err, addr, length, 0)
#define UNLOCK_REFUSED(err, addr, length) \
	lock_refused(HERE, err, addr, length, WINMEM_LOCK_UNDO)

/* Bytes that Linux counts as locked for this process. */
static inline unsigned long vm_locked(void)
{
	return number_of("/proc/self/status", "VmLck:") * 1024;
}

/* Pages that anybody has pinned; the kernel adds up what its processors counted a bit later. */
static inline unsigned long pinned(void)
{
	return number_of("/proc/vmstat", "nr_foll_pin_acquired ") -
	       number_of("/proc/vmstat", "nr_foll_pin_released ");
}

/* The same when nothing comes any more of what was done before: it adds up each second. */
static inline unsigned long pinned_at_first(void)
{
	unsigned long nr = pinned();

	for (int quiet = 0; quiet < 25; quiet++) {
		usleep(100000);
		if (pinned() != nr)
			quiet = 0;
		nr = pinned();
	}
	return nr;
}

/* Whether a page is mapped. */
static inline bool is_mapped(unsigned long addr)
{
	FILE *file = fopen("/proc/self/pagemap", "re");
	__u64 entry = 0;

	EXPECT(file);
	EXPECT_OK(fseek(file, addr / PAGE * sizeof(entry), SEEK_SET));
	EXPECT_EQ(1, fread(&entry, sizeof(entry), 1, file));
	fclose(file);
	return entry >> 63;
}

#endif
