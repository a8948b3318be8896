/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One reservation on which each of the ioctls in ioctls.h is valid:
 *
 *	CCCC CCCC RRRR RRRR	C: committed, READWRITE, filled; R: reserved
 *
 * A new ioctl gets valid arguments in call_args() and is then checked by all of abi*.c.
 */
#ifndef WINMEM_TESTS_UAPI_CALLS_H
#define WINMEM_TESTS_UAPI_CALLS_H

#include "common.h"
#include "ioctls.h"

#include <fcntl.h>

#define FIXTURE_PAGES	16UL
#define FIXTURE_LENGTH	(FIXTURE_PAGES * PAGE)
#define FIXTURE_FILLED	(FIXTURE_LENGTH / 2)
#define FIXTURE_SEED	1

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
	case WINMEM_IOC_LOCK:
		args.lock = lock_args(fixture, PAGE, 0);
		break;
	case WINMEM_IOC_OFFER:
		args.offer = offer_args(fixture, PAGE, 0);
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
