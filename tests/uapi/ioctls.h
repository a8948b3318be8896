/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every ioctl in one table, for the tests of this folder and for the fuzzer: a new one gets
 * an entry here. Offsets are those of its struct, from version 1 on.
 */
#ifndef WINMEM_TESTS_UAPI_IOCTLS_H
#define WINMEM_TESTS_UAPI_IOCTLS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include <linux/winmem.h>

union args {
	__u32 size;
	struct winmem_info info;
	struct winmem_reserve reserve;
	struct winmem_commit commit;
	struct winmem_decommit decommit;
	struct winmem_release release;
	struct winmem_protect protect;
	struct winmem_reset reset;
	struct winmem_query query;
	struct winmem_limit limit;
	struct winmem_guard guard;
	struct winmem_watch watch;
	struct winmem_lock lock;
	struct winmem_offer offer;
	struct winmem_attach attach;
	unsigned char bytes[80];	/* the longest, and words of a later version */
};

struct call {
	const char *name;
	unsigned int nr;
	unsigned int size;		/* it may grow, never shrink */
	unsigned int first;		/* in version 1, if it has grown since */
	unsigned int flags;		/* all that are known */
	unsigned int reserved[2];	/* offsets of the fields that must be zero */
	struct { unsigned char from, to; } outputs;	/* offsets; the same: it has none */
	struct { unsigned char offset, width; } inputs[10];	/* but size; up to width 0 */
	int errors[8];			/* besides those that all calls may give */
};

#define RESERVED(type, field)	offsetof(struct winmem_##type, field)
#define FROM(type, field)	offsetof(struct winmem_##type, field)
#define INPUT(type, field)	\
	{ offsetof(struct winmem_##type, field), sizeof(((struct winmem_##type *)0)->field) }

static const struct call calls[] = {
	{ "INFO", WINMEM_IOC_INFO, 48, .outputs = { FROM(info, out_version_min), 48 },
	  .inputs = { INPUT(info, flags) } },
	{ "RESERVE", WINMEM_IOC_RESERVE, 72,
	  .flags = WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_TOP_DOWN | WINMEM_RESERVE_WATCH |
		WINMEM_RESERVE_LARGE,
	  .reserved = { RESERVED(reserve, __reserved), RESERVED(reserve, __reserved2) },
	  .outputs = { FROM(reserve, out_addr), FROM(reserve, __reserved2) },
	  .inputs = { INPUT(reserve, flags), INPUT(reserve, prot), INPUT(reserve, __reserved),
		INPUT(reserve, addr), INPUT(reserve, length), INPUT(reserve, lowest),
		INPUT(reserve, highest), INPUT(reserve, alignment), INPUT(reserve, __reserved2) },
	  .errors = { EEXIST, ENOMEM, EDQUOT, ENOKEY, ENOSPC } },
	{ "COMMIT", WINMEM_IOC_COMMIT, 32, .reserved = { RESERVED(commit, __reserved) },
	  .inputs = { INPUT(commit, flags), INPUT(commit, prot), INPUT(commit, __reserved),
		INPUT(commit, addr), INPUT(commit, length) },
	  .errors = { ENOENT, ENOMEM, EDQUOT, ENOEXEC, EFBIG } },
	{ "DECOMMIT", WINMEM_IOC_DECOMMIT, 40, .flags = WINMEM_DECOMMIT_WHOLE,
	  .reserved = { RESERVED(decommit, __reserved) },
	  .outputs = { FROM(decommit, out_length), FROM(decommit, __reserved) },
	  .inputs = { INPUT(decommit, flags), INPUT(decommit, addr), INPUT(decommit, length),
		INPUT(decommit, __reserved) },
	  .errors = { ENOENT, ERANGE, EBUSY, ENOMEM, EFBIG } },
	{ "RELEASE", WINMEM_IOC_RELEASE, 32, .reserved = { RESERVED(release, __reserved) },
	  .outputs = { FROM(release, out_length), FROM(release, __reserved) },
	  .inputs = { INPUT(release, flags), INPUT(release, addr), INPUT(release, __reserved) },
	  .errors = { ENOENT, EBUSY } },
	{ "PROTECT", WINMEM_IOC_PROTECT, 32,
	  .outputs = { FROM(protect, out_prot), FROM(protect, addr) },
	  .inputs = { INPUT(protect, flags), INPUT(protect, prot), INPUT(protect, addr),
		INPUT(protect, length) },
	  .errors = { ENOENT, ENXIO, EBUSY, ENOEXEC, ENOMEM, EFBIG } },
	{ "RESET", WINMEM_IOC_RESET, 24, .flags = WINMEM_RESET_UNDO,
	  .inputs = { INPUT(reset, flags), INPUT(reset, addr), INPUT(reset, length) },
	  .errors = { ENOENT, ETXTBSY, ENODATA, ENOMEM, EFBIG } },
	{ "QUERY", WINMEM_IOC_QUERY, 64, .first = 56, .reserved = { RESERVED(query, __reserved) },
	  .outputs = { FROM(query, out_base), FROM(query, __reserved) },
	  .inputs = { INPUT(query, flags), INPUT(query, addr), INPUT(query, __reserved) } },
	{ "LIMIT", WINMEM_IOC_LIMIT, 48, .flags = WINMEM_LIMIT_SET,
	  .outputs = { FROM(limit, out_limit), 48 },
	  .inputs = { INPUT(limit, flags), INPUT(limit, limit) } },
	{ "GUARD", WINMEM_IOC_GUARD, 24, .reserved = { RESERVED(guard, __reserved) },
	  .outputs = { FROM(guard, out_hit), FROM(guard, __reserved) },
	  .inputs = { INPUT(guard, flags), INPUT(guard, addr), INPUT(guard, __reserved) } },
	{ "WATCH", WINMEM_IOC_WATCH, 48, .flags = WINMEM_WATCH_RESET,
	  .outputs = { FROM(watch, out_count), 48 },
	  .inputs = { INPUT(watch, flags), INPUT(watch, addr), INPUT(watch, length),
		INPUT(watch, addrs), INPUT(watch, count) },
	  .errors = { EADDRNOTAVAIL, ENOMEM } },
	{ "LOCK", WINMEM_IOC_LOCK, 40, .flags = WINMEM_LOCK_UNDO | WINMEM_LOCK_LOOK |
		WINMEM_LOCK_LARGE,
	  .outputs = { FROM(lock, out_locked), 40 },
	  .inputs = { INPUT(lock, flags), INPUT(lock, addr), INPUT(lock, length),
		INPUT(lock, limit) },
	  .errors = { ENOENT, ENXIO, EBUSY, ENOLCK, ENOMEM, EALREADY, EKEYREJECTED, EFBIG } },
	{ "OFFER", WINMEM_IOC_OFFER, 24, .flags = WINMEM_OFFER_UNDO,
	  .inputs = { INPUT(offer, flags), INPUT(offer, addr), INPUT(offer, length) },
	  .errors = { ENOENT, ENXIO, EBUSY, ENOMEM, ENODATA, EFBIG } },
	{ "ATTACH", WINMEM_IOC_ATTACH, 16, .outputs = { FROM(attach, out_fd), 16 },
	  .inputs = { INPUT(attach, flags), INPUT(attach, mem_fd) },
	  .errors = { EBADF, ENODEV, ENOMEM, EMFILE, ENFILE } },
};

static inline bool call_writes(const struct call *call)
{
	return call->outputs.to > call->outputs.from;
}

#endif
