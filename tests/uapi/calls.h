/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every ioctl in one table, and one reservation on which each of them is valid:
 *
 *	CCCC CCCC RRRR RRRR	C: committed, READWRITE, filled; R: reserved
 *
 * A new ioctl gets a line in calls[] and is then checked by all of abi*.c.
 */
#ifndef WINMEM_TESTS_UAPI_CALLS_H
#define WINMEM_TESTS_UAPI_CALLS_H

#include "common.h"

#include <fcntl.h>

#define FIXTURE_PAGES	16UL
#define FIXTURE_LENGTH	(FIXTURE_PAGES * PAGE)
#define FIXTURE_FILLED	(FIXTURE_LENGTH / 2)
#define FIXTURE_SEED	1

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
	struct winmem_attach attach;
	unsigned char bytes[80];
};

struct call {
	const char *name;
	unsigned int nr;
	unsigned int size;		/* in version 1: it may grow, never shrink */
	unsigned int flags;		/* all that are known */
	unsigned int reserved[2];	/* offsets of the fields that must be zero */
	bool writes;			/* has outputs */
};

#define RESERVED(type, field)	offsetof(struct winmem_##type, field)

static const struct call calls[] = {
	{ "INFO", WINMEM_IOC_INFO, 48, 0, { 0 }, true },
	{ "RESERVE", WINMEM_IOC_RESERVE, 72, WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_TOP_DOWN |
	  WINMEM_RESERVE_WATCH,
	  { RESERVED(reserve, __reserved), RESERVED(reserve, __reserved2) }, true },
	{ "COMMIT", WINMEM_IOC_COMMIT, 32, 0, { RESERVED(commit, __reserved) }, false },
	{ "DECOMMIT", WINMEM_IOC_DECOMMIT, 40, WINMEM_DECOMMIT_WHOLE,
	  { RESERVED(decommit, __reserved) }, true },
	{ "RELEASE", WINMEM_IOC_RELEASE, 32, 0, { RESERVED(release, __reserved) }, true },
	{ "PROTECT", WINMEM_IOC_PROTECT, 32, 0, { 0 }, true },
	{ "RESET", WINMEM_IOC_RESET, 24, WINMEM_RESET_UNDO, { 0 }, false },
	{ "QUERY", WINMEM_IOC_QUERY, 56, 0, { 0 }, true },
	{ "LIMIT", WINMEM_IOC_LIMIT, 48, WINMEM_LIMIT_SET, { 0 }, true },
	{ "GUARD", WINMEM_IOC_GUARD, 24, 0, { RESERVED(guard, __reserved) }, true },
	{ "WATCH", WINMEM_IOC_WATCH, 48, WINMEM_WATCH_RESET, { 0 }, true },
	{ "ATTACH", WINMEM_IOC_ATTACH, 16, 0, { 0 }, true },
};

#define for_each_call(call)	\
	for (const struct call *call = calls; call < calls + ARRAY_LEN(calls); call++)

static unsigned long fixture;
static __u64 fixture_written[FIXTURE_PAGES];
static int fixture_mem = -1;

static inline void fixture_make(void)
{
	fixture = reserve_at(HERE, 0, FIXTURE_LENGTH, READWRITE, WINMEM_RESERVE_WATCH);
	commit(fixture, FIXTURE_FILLED, READWRITE);
	fill(fixture, FIXTURE_FILLED, FIXTURE_SEED);
	watch(fixture, FIXTURE_LENGTH);
	if (fixture_mem < 0)
		fixture_mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
}

/* Valid arguments: the call would succeed and change something that can be seen. */
static inline union args call_args(const struct call *call)
{
	union args args = { 0 };

	switch (call->nr) {
	case WINMEM_IOC_INFO:
		args.info = info_args();
		break;
	case WINMEM_IOC_RESERVE:
		args.reserve = reserve_args(0, GRAN, READWRITE, WINMEM_RESERVE_COMMIT);
		break;
	case WINMEM_IOC_COMMIT:
		args.commit = commit_args(fixture + FIXTURE_FILLED, PAGE, READONLY);
		break;
	case WINMEM_IOC_DECOMMIT:
		args.decommit = decommit_args(fixture, PAGE);
		break;
	case WINMEM_IOC_RELEASE:
		args.release = release_args(fixture);
		break;
	case WINMEM_IOC_PROTECT:
		args.protect = protect_args(fixture, PAGE, READONLY);
		break;
	case WINMEM_IOC_RESET:
		args.reset = reset_args(fixture, PAGE, 0);
		break;
	case WINMEM_IOC_QUERY:
		args.query = query_args(fixture);
		break;
	case WINMEM_IOC_LIMIT:
		args.limit = limit_args(WINMEM_LIMIT_SET, GIB);
		break;
	case WINMEM_IOC_GUARD:
		args.guard = guard_args(fixture);
		break;
	case WINMEM_IOC_WATCH:
		args.watch = watch_args(fixture, FIXTURE_LENGTH, WINMEM_WATCH_RESET,
					fixture_written, FIXTURE_PAGES);
		break;
	case WINMEM_IOC_ATTACH:
		args.attach = attach_args(fixture_mem);
		break;
	}
	return args;
}

/* Undo what the call did when it was given call_args(), and stand as at first. */
static inline void fixture_renew(const struct call *call, const void *done)
{
	union args args;

	memcpy(&args, done, call->size);
	if (call->nr == WINMEM_IOC_RESERVE)
		release(args.reserve.out_addr);
	if (call->nr == WINMEM_IOC_ATTACH)
		close(args.attach.out_fd);
	if (call->nr == WINMEM_IOC_LIMIT)
		limit_set(~0UL);
	if (call->nr != WINMEM_IOC_RELEASE)
		release(fixture);
	fixture_make();
}

/* Structs consist of words of 4 bytes; single bytes of an address may be anything. */
static inline bool word_is(const union args *args, unsigned int offset, unsigned int value)
{
	return !memcmp(args->bytes + offset, &value, 4);
}

/* Which of the calls a check that failed was about. */
#define ABOUT(call, what, value)	\
	fprintf(stderr, "# %s, %s %#llx\n", (call)->name, what, (unsigned long long)(value))

#define CALL_REFUSED(err, call, args) \
	check_refused(HERE, err, (call)->nr, args, (call)->size)

#endif
