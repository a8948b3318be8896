/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs in this folder share: one open device per test, the ioctls as
 * calls that must succeed, calls that must be refused and change nothing, and
 * touching memory that may fault. What they share with tests/lib is in tests/common.
 *
 * Addresses are unsigned long, lengths are bytes, nr counts pages.
 */
#ifndef WINMEM_TESTS_UAPI_COMMON_H
#define WINMEM_TESTS_UAPI_COMMON_H

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/winmem.h>

#include "../common/child.h"
#include "../common/harness.h"
#include "../common/maps.h"
#include "../common/memory.h"

#define CHUNK		(2UL << 20)	/* page states are kept per this many bytes */
#define GIB		(1UL << 30)
#define TIB		(1UL << 40)

/* Short names for the protections; tests name them a lot. */
#define NOACCESS	WINMEM_PROT_NOACCESS
#define READONLY	WINMEM_PROT_READONLY
#define READWRITE	WINMEM_PROT_READWRITE
#define EXECUTE		WINMEM_PROT_EXECUTE
#define EXECUTE_READ	WINMEM_PROT_EXECUTE_READ
#define EXECUTE_RW	WINMEM_PROT_EXECUTE_READWRITE
#define GUARD		WINMEM_PROT_GUARD
#define NOCACHE		WINMEM_PROT_NOCACHE
#define WRITECOMBINE	WINMEM_PROT_WRITECOMBINE
#define ANY_EXECUTE	(EXECUTE | EXECUTE_READ | EXECUTE_RW)

/* Outputs hold this before a call, so that "written" and "left alone" both show. */
#define CC32		0xccccccccU
#define CC64		0xccccccccccccccccULL

/* Open before each test, closed after it. */
extern int dev;

void check_errno(const char *at, const char *call, int err, long ret);

#define EXPECT_OK(call)							\
	do {								\
		if ((long)(call) == -1)					\
			check_failed(HERE, "%s: %s", #call,		\
				     strerror(errno));			\
	} while (0)

#define EXPECT_ERRNO(err, call)						\
	do {								\
		errno = 0;						\
		check_errno(HERE, #call, err, (long)(call));		\
	} while (0)

/* Arguments that are valid but for what the test then changes. */

static inline struct winmem_info info_args(void)
{
	return (struct winmem_info) {
		.size = sizeof(struct winmem_info),
		.out_version_min = CC32, .out_version = CC32, .out_features = CC64,
		.out_page_size = CC32, .out_granularity = CC32,
		.out_lowest = CC64, .out_highest = CC64,
	};
}

static inline struct winmem_reserve reserve_args(unsigned long addr, unsigned long length,
						 unsigned int prot, unsigned int flags)
{
	return (struct winmem_reserve) {
		.size = sizeof(struct winmem_reserve), .flags = flags, .prot = prot,
		.addr = addr, .length = length, .out_addr = CC64, .out_flags = CC32,
	};
}

static inline struct winmem_commit commit_args(unsigned long addr, unsigned long length,
					       unsigned int prot)
{
	return (struct winmem_commit) {
		.size = sizeof(struct winmem_commit), .prot = prot, .addr = addr, .length = length,
	};
}

static inline struct winmem_decommit decommit_args(unsigned long addr, unsigned long length)
{
	return (struct winmem_decommit) {
		.size = sizeof(struct winmem_decommit), .addr = addr, .length = length,
		.flags = length ? 0 : WINMEM_DECOMMIT_WHOLE,
		.out_length = CC64, .out_flags = CC32,
	};
}

static inline struct winmem_release release_args(unsigned long addr)
{
	return (struct winmem_release) {
		.size = sizeof(struct winmem_release), .addr = addr,
		.out_length = CC64, .out_flags = CC32,
	};
}

static inline struct winmem_protect protect_args(unsigned long addr, unsigned long length,
						 unsigned int prot)
{
	return (struct winmem_protect) {
		.size = sizeof(struct winmem_protect), .prot = prot, .out_prot = CC32,
		.addr = addr, .length = length,
	};
}

static inline struct winmem_reset reset_args(unsigned long addr, unsigned long length,
					     unsigned int flags)
{
	return (struct winmem_reset) {
		.size = sizeof(struct winmem_reset), .flags = flags, .addr = addr, .length = length,
	};
}

static inline struct winmem_query query_args(unsigned long addr)
{
	return (struct winmem_query) {
		.size = sizeof(struct winmem_query), .addr = addr,
		.out_base = CC64, .out_alloc_base = CC64, .out_length = CC64,
		.out_alloc_prot = CC32, .out_state = CC32, .out_prot = CC32, .out_type = CC32,
		.out_flags = CC32,
	};
}

static inline struct winmem_limit limit_args(unsigned int flags, unsigned long limit)
{
	return (struct winmem_limit) {
		.size = sizeof(struct winmem_limit), .flags = flags, .limit = limit,
		.out_limit = CC64, .out_charge = CC64, .out_total_limit = CC64,
		.out_total_charge = CC64,
	};
}

static inline struct winmem_guard guard_args(unsigned long addr)
{
	return (struct winmem_guard) {
		.size = sizeof(struct winmem_guard), .addr = addr, .out_hit = CC32,
	};
}

static inline struct winmem_watch watch_args(unsigned long addr, unsigned long length,
					     unsigned int flags, __u64 *addrs,
					     unsigned long count)
{
	return (struct winmem_watch) {
		.size = sizeof(struct winmem_watch), .flags = flags, .addr = addr,
		.length = length, .addrs = (unsigned long)addrs, .count = count,
		.out_count = CC64,
	};
}

static inline struct winmem_attach attach_args(int mem_fd)
{
	return (struct winmem_attach) {
		.size = sizeof(struct winmem_attach), .mem_fd = mem_fd, .out_fd = CC32,
	};
}

static inline struct winmem_lock lock_args(unsigned long addr, unsigned long length,
					   unsigned int flags)
{
	return (struct winmem_lock) {
		.size = sizeof(struct winmem_lock), .flags = flags, .addr = addr,
		.length = length, .out_locked = CC64,
	};
}

static inline struct winmem_offer offer_args(unsigned long addr, unsigned long length,
					     unsigned int flags)
{
	return (struct winmem_offer) {
		.size = sizeof(struct winmem_offer), .flags = flags, .addr = addr, .length = length,
	};
}

/*
 * Calls that must succeed. They follow the header's "Execute" protocol as a library
 * would. A reservation made through them is released after the test if it still
 * stands; the charge must be back at its start then.
 */
unsigned long reserve_at(const char *at, unsigned long addr, unsigned long length,
			 unsigned int prot, unsigned int flags);
void commit_at(const char *at, unsigned long addr, unsigned long length, unsigned int prot);
unsigned int protect_at(const char *at, unsigned long addr, unsigned long length,
			unsigned int prot);
void decommit_at(const char *at, unsigned long addr, unsigned long length);
void release_at(const char *at, unsigned long addr);
void reset_at(const char *at, unsigned long addr, unsigned long length, unsigned int flags);
struct winmem_query query_at(const char *at, unsigned long addr);
struct winmem_limit limit_at(const char *at, unsigned int flags, unsigned long limit);
struct winmem_info info_at(const char *at);

#define reserve(length)			reserve_at(HERE, 0, length, READWRITE, 0)
#define reserve_fixed(addr, length)	reserve_at(HERE, addr, length, READWRITE, 0)
#define reserve_commit(length, prot)	reserve_at(HERE, 0, length, prot, WINMEM_RESERVE_COMMIT)
#define commit(addr, length, prot)	commit_at(HERE, addr, length, prot)
#define protect(addr, length, prot)	protect_at(HERE, addr, length, prot)
#define decommit(addr, length)		decommit_at(HERE, addr, length)
#define release(addr)			release_at(HERE, addr)
#define reset(addr, length)		reset_at(HERE, addr, length, 0)
#define reset_undo(addr, length)	reset_at(HERE, addr, length, WINMEM_RESET_UNDO)
#define query(addr)			query_at(HERE, addr)
#define limit_set(bytes)		limit_at(HERE, WINMEM_LIMIT_SET, bytes)
#define charge()			limit_at(HERE, 0, 0).out_charge
#define info()				info_at(HERE)

/* The raw calls: 0 or -1 and errno; no protocol. */
static inline int raw_commit(unsigned long addr, unsigned long length, unsigned int prot)
{
	struct winmem_commit args = commit_args(addr, length, prot);

	return ioctl(dev, WINMEM_IOC_COMMIT, &args);
}

static inline int raw_protect(unsigned long addr, unsigned long length, unsigned int prot)
{
	struct winmem_protect args = protect_args(addr, length, prot);

	return ioctl(dev, WINMEM_IOC_PROTECT, &args);
}

static inline int raw_release(unsigned long addr)
{
	struct winmem_release args = release_args(addr);

	return ioctl(dev, WINMEM_IOC_RELEASE, &args);
}

/* A call as a library makes it: ENOEXEC is answered with mprotect and a second try. */
int ioctl_exec(unsigned int nr, void *args, unsigned long addr, unsigned long length,
	       unsigned int prot);

/* What QUERY must say at @addr: one run of exactly @length. */
void check_run(const char *at, unsigned long addr, unsigned long length, unsigned int state,
	       unsigned int prot);

#define EXPECT_COMMITTED(addr, length, prot) \
	check_run(HERE, addr, length, WINMEM_STATE_COMMIT, prot)
#define EXPECT_RESERVED(addr, length)	check_run(HERE, addr, length, WINMEM_STATE_RESERVE, 0)
#define EXPECT_FREE(addr)		EXPECT_EQ(WINMEM_STATE_FREE, query(addr).out_state)

/*
 * A call that must be refused: the errno, not one byte of the arguments written, and
 * QUERY, contents and charge of the watched range the same before and after. The
 * range watched is forgotten when the test ends.
 */
void watch(unsigned long addr, unsigned long length);
void check_refused(const char *at, int err, unsigned int nr, void *args, size_t size);

#define REFUSED(err, nr, args)		check_refused(HERE, err, nr, args, sizeof(*(args)))

/* One range as QUERY, the page contents and LIMIT show it. */
#define SNAPSHOT_RUNS	64

struct snapshot {
	unsigned long addr;
	unsigned long length;
	unsigned long charge;
	unsigned int nr;
	struct winmem_query runs[SNAPSHOT_RUNS];
	unsigned char *bytes;		/* of pages that can be read without a fault */
};

void snapshot_take(const char *at, struct snapshot *shot, unsigned long addr,
		   unsigned long length);
void snapshot_drop(struct snapshot *shot);
void check_same(const char *at, const struct snapshot *before, const struct snapshot *after);

/* Touching memory that may fault. try_*: false when a signal came instead. */

bool try_read(unsigned long addr);
bool try_write(unsigned long addr, unsigned char byte);
bool try_write_word(unsigned long addr, unsigned long word);
bool try_exec(unsigned long addr);	/* needs put_return() there first */
int byte_at(unsigned long addr);	/* -1 when a signal came */

/* Address space far from everything, a new piece each time, a multiple of 1 GiB. */
unsigned long find_hole(unsigned long length);
void *map_foreign(unsigned long addr, unsigned long length, int prot);

int open_device(const char *at);

#define OPEN_DEVICE()		open_device(HERE)

/* Wait up to twenty seconds for what another process or the kernel does a bit later. */
#define EVENTUALLY(condition)						\
	do {								\
		int tries_ = 2000;					\
		while (!(condition) && --tries_)			\
			usleep(10000);					\
		if (!tries_)						\
			check_failed(HERE, "never true: %s", #condition); \
	} while (0)

#endif
