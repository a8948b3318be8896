// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls. A struct is made that could be valid, then in every third call something of
 * it is mutated: a field, the size, what follows it, the number of the ioctl, or where the
 * struct lies. Whatever comes of it, the error must be one that the header names for the
 * call, and a call that fails must not have written to the struct.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/winmem.h>

#include "ioctls.h"

#define LONGEST		(PAGE + 64)
#define CC		0xcc

/* A struct as it is made, with room for a tail. */
union longest {
	union args args;
	unsigned char bytes[LONGEST];
};

enum {
	INFO, RESERVE, COMMIT, DECOMMIT, RELEASE, PROTECT, RESET, QUERY, LIMIT, GUARD, WATCH,
	LOCK, OFFER, ATTACH, UNKNOWN
};

_Static_assert(UNKNOWN == ARRAY_LEN(calls) && NR_CALLS == UNKNOWN + 1, "all ioctls, and none");

const char *call_name(unsigned int nr)
{
	return nr == UNKNOWN ? "unknown" : calls[nr].name;
}

static const int common_errors[] = { E2BIG, EOPNOTSUPP, EINVAL, EFAULT };

static bool error_is_known(unsigned int nr, int err)
{
	if (nr == UNKNOWN)
		return err == ENOTTY;
	for (unsigned int i = 0; i < ARRAY_LEN(common_errors); i++)
		if (common_errors[i] == err)
			return true;
	for (unsigned int i = 0; i < ARRAY_LEN(calls[nr].errors); i++)
		if (err && calls[nr].errors[i] == err)
			return true;
	return false;
}

/* Values. */

static unsigned int some_prot(struct fuzzer *f)
{
	static const unsigned int prots[] = {
		0x01, 0x02, 0x04, 0x04, 0x04, 0x02, 0x10, 0x20, 0x40,
		0x102, 0x104, 0x120, 0x204, 0x404, 0x104,
	};

	return pick(f, prots);
}

static unsigned long some_length(struct fuzzer *f)
{
	static const unsigned long lengths[] = {
		PAGE, GRAN - PAGE, GRAN, GRAN + PAGE, 4 * GRAN, CHUNK - PAGE, CHUNK, CHUNK + PAGE,
		3 * CHUNK,
	};
	static const unsigned long large[] = { 1UL << 30, 5UL << 30, 1UL << 40, 1UL << 44 };

	if (one_in(f, 40))
		return pick(f, large);
	return pick(f, lengths);
}

/* Addresses of the program itself among them. */
static uint64_t interesting(struct fuzzer *f)
{
	static const uint64_t values[] = {
		0, 1, 2, 4, 7, 0xff, PAGE - 1, PAGE, PAGE + 1, GRAN - 1, GRAN, GRAN + 1, CHUNK,
		1ULL << 31, 0xffffffff, 1ULL << 32, (1ULL << 47) - GRAN, (1ULL << 47) - PAGE,
		1ULL << 47, 0x7FFFFFFEFFFFULL, 0x7FFFFFFF0000ULL, 1ULL << 48, 1ULL << 56, 1ULL << 62,
		1ULL << 63, ~0ULL - PAGE + 1, ~0ULL - GRAN + 1, ~0ULL, 0xffff888000000000ULL,
	};
	unsigned long start, length;

	switch (below(f, 6)) {
	case 0:
		return (uint64_t)(unsigned long)f->worker->edge;
	case 1:
	case 2:
		if (some_region(f, &start, &length))
			return (below(f, 2) ? start : start + length) +
			       ((long)below(f, 5) - 2) * (one_in(f, 4) ? 1 : (long)PAGE);
		return draw(f);
	case 3:
		return 1ULL << below(f, 64);
	default:
		return pick(f, values);
	}
}

static unsigned long arena_place(struct fuzzer *f)
{
	return f->worker->arena + below(f, 256) * (one_in(f, 2) ? GRAN : CHUNK);
}

/* Making them. */

/* Addresses go to a page with nothing behind it, to winmem's own memory, or nowhere. */
static void make_watch(struct fuzzer *f, struct winmem_watch *args, unsigned long start,
		       unsigned long length)
{
	unsigned long place, room;

	args->flags = below(f, 2);
	args->addr = start;
	args->length = length;
	args->count = one_in(f, 4) ? ~0UL >> below(f, 64) : 1 + below(f, PAGE / 8);
	args->addrs = (unsigned long)f->worker->edge + f->index * 2 * PAGE + below(f, 2) * PAGE / 2;
	if (one_in(f, 4) && some_range(f, CHUNK, &place, &room))
		args->addrs = place;
	if (one_in(f, 8))
		args->count = 0;
}

static void make_reserve(struct fuzzer *f, struct winmem_reserve *args)
{
	args->flags = below(f, 8);
	if (one_in(f, 10))
		args->flags |= WINMEM_RESERVE_LARGE;
	args->prot = some_prot(f);
	args->length = some_length(f);
	if (one_in(f, 3))
		args->addr = arena_place(f);
	else if (one_in(f, 4)) {
		args->lowest = f->worker->arena;
		args->highest = f->worker->arena + (64UL << 30) - 1;
		args->alignment = GRAN << below(f, 10);
	}
}

static void make_args(struct fuzzer *f, unsigned int nr, union args *args)
{
	unsigned long start, length;

	if (!some_range(f, one_in(f, 8) ? ~0UL : CHUNK, &start, &length)) {
		start = f->worker->arena;
		length = PAGE;
	}
	switch (nr) {
	case RESERVE:
		make_reserve(f, &args->reserve);
		break;
	case COMMIT:
		args->commit.prot = some_prot(f);
		args->commit.addr = start;
		args->commit.length = length;
		break;
	case DECOMMIT:
		args->decommit.addr = start;
		args->decommit.length = length;
		if (one_in(f, 6) && some_region(f, &start, &length)) {
			args->decommit.addr = start;
			args->decommit.length = 0;
			args->decommit.flags = WINMEM_DECOMMIT_WHOLE;
		}
		break;
	case RELEASE:
		if (some_region(f, &start, &length))
			args->release.addr = start;
		break;
	case PROTECT:
		args->protect.prot = some_prot(f);
		args->protect.addr = start;
		args->protect.length = length;
		break;
	case RESET:
		args->reset.flags = below(f, 2);
		args->reset.addr = start;
		args->reset.length = length;
		break;
	case QUERY:
		args->query.addr = one_in(f, 4) ? draw(f) >> 17 : start;
		break;
	case LIMIT:
		args->limit.flags = below(f, 2);
		args->limit.limit = args->limit.flags ? below(f, 2) * LIMIT_BYTES : 0;
		break;
	case GUARD:
		args->guard.addr = start;
		break;
	case WATCH:
		make_watch(f, &args->watch, start, length);
		break;
	case LOCK:
		args->lock.flags = below(f, 3);
		args->lock.addr = start;
		args->lock.length = length;
		break;
	case OFFER:
		args->offer.flags = below(f, 2);
		args->offer.addr = start;
		args->offer.length = length;
		break;
	case ATTACH:
		args->attach.mem_fd = one_in(f, 8) ? f->worker->other_mem : f->worker->mem;
		break;
	}
}

/* Outputs hold CC before the call; the rest of the struct is zero. */
static void preset_outputs(const struct call *call, union args *args)
{
	memset(args->bytes + call->outputs.from, CC, call->outputs.to - call->outputs.from);
}

static unsigned int nr_inputs(const struct call *call)
{
	unsigned int nr = 0;

	while (nr < ARRAY_LEN(call->inputs) && call->inputs[nr].width)
		nr++;
	return nr;
}

static void mutate_field(struct fuzzer *f, const struct call *call, union longest *args)
{
	unsigned int which = below(f, nr_inputs(call));
	uint64_t value = interesting(f);

	memcpy(args->bytes + call->inputs[which].offset, &value, call->inputs[which].width);
}

static void mutate_size(struct fuzzer *f, const struct call *call, union longest *args)
{
	static const unsigned int sizes[] = { 0, 1, 4, 8, PAGE, PAGE + 1, 1U << 31, ~0U };

	switch (below(f, 3)) {
	case 0:
		args->args.size = pick(f, sizes);
		break;
	case 1:
		args->args.size = call->size - 8 + below(f, 17);
		break;
	default:
		args->args.size = call->size + 8 * below(f, 64);
		if (one_in(f, 2))
			args->bytes[call->size + below(f, LONGEST - call->size)] = 1;
	}
}

static void mutate(struct fuzzer *f, const struct call *call, union longest *args)
{
	do {
		if (one_in(f, 4))
			mutate_size(f, call, args);
		else
			mutate_field(f, call, args);
	} while (one_in(f, 3));
}

/* Putting the struct somewhere. NULL: at no address that can be read back. */

static void *put_nowhere(struct fuzzer *f)
{
	static void *const nowhere[] = {
		NULL, (void *)1, (void *)(PAGE - 4), (void *)0x7ffffffffffcUL,
		(void *)0x800000000000UL, (void *)0xffff888000000000UL, (void *)-4UL, (void *)-1UL,
	};

	return pick(f, nowhere);
}

/* Inside winmem's memory: whatever state it has, and whoever else uses it. */
static void *put_inside(struct fuzzer *f, const union longest *args, unsigned int size)
{
	unsigned long start, length;

	if (!some_range(f, 2 * PAGE, &start, &length))
		return put_nowhere(f);
	start += one_in(f, 2) ? length - below(f, size + 8) : below(f, PAGE / 8) * 8;
	f->caught = true;
	if (!sigsetjmp(f->env, 1) && !one_in(f, 4))
		memcpy((void *)start, args, size);
	f->caught = false;
	return (void *)start;
}

/* The struct's end is the page's; behind that there is nothing. */
static void *put_at_edge(struct fuzzer *f, const union longest *args, unsigned int size)
{
	unsigned char *place = f->worker->edge + f->index * 2 * PAGE + PAGE - size;

	if (size > PAGE)
		return put_nowhere(f);
	memcpy(place, args, size);
	return place + (one_in(f, 4) ? 1 + below(f, size) : 0);
}

/* Doing it. */

/* A descriptor that acts on this very process, for the calls that come. */
static void learn_fd(struct fuzzer *f, int fd)
{
	unsigned int slot = 1 + below(f, NR_FDS - 1);

	if (fcntl(fd, F_GETFD) != FD_CLOEXEC)
		fuzz_failed("ATTACH gave %d", fd);
	fd = atomic_exchange(&f->worker->fds[slot], fd);
	if (fd >= 0)
		close(fd);
}

static void learn(struct fuzzer *f, unsigned int nr, const union args *args)
{
	if (nr == RESERVE) {
		if (!args->reserve.out_addr || args->reserve.out_addr % GRAN)
			fuzz_failed("RESERVE gave %#llx", args->reserve.out_addr);
		remember(f->worker, args->reserve.out_addr, args->reserve.length);
	}
	if (nr == RELEASE)
		forget(f->worker, args->release.addr);
	if (nr == GUARD && args->guard.out_hit > 1)
		fuzz_failed("GUARD gave %u", args->guard.out_hit);
	if (nr == WATCH && (args->watch.out_count > args->watch.count ||
			    args->watch.out_count > args->watch.length / PAGE))
		fuzz_failed("WATCH gave %llu addresses of %llu", args->watch.out_count,
			    args->watch.count);
	if (nr == LOCK && args->lock.out_locked > args->lock.length)
		fuzz_failed("LOCK gave %#llx of %#llx", args->lock.out_locked, args->lock.length);
	if (nr == ATTACH)
		learn_fd(f, args->attach.out_fd);
}

static unsigned int some_call(struct fuzzer *f)
{
	static const unsigned char often[] = {
		INFO, RESERVE, RESERVE, COMMIT, COMMIT, COMMIT, COMMIT, DECOMMIT, DECOMMIT,
		RELEASE, PROTECT, PROTECT, PROTECT, PROTECT, RESET, RESET, QUERY, QUERY, LIMIT,
		GUARD, WATCH, WATCH, WATCH, LOCK, LOCK, OFFER, OFFER, ATTACH,
	};

	return one_in(f, 64) ? UNKNOWN : pick(f, often);
}

static unsigned int number_of(struct fuzzer *f, unsigned int nr)
{
	if (nr != UNKNOWN)
		return WINMEM_IOC_INFO + nr;
	/* One behind the last, another size or direction in the number, and what comes. */
	switch (below(f, 3)) {
	case 0:
		return WINMEM_IOC_INFO + UNKNOWN + below(f, 240);
	case 1:
		return (WINMEM_IOC_INFO + below(f, UNKNOWN)) | (1 + below(f, 0xffff)) << 16;
	default:
		return 0x10000 + below(f, 0xbaff);
	}
}

static void check_result(struct fuzzer *f, unsigned int nr, const union longest *before,
			 const union longest *after, int err)
{
	const char *name = call_name(nr);

	atomic_fetch_add(&f->worker->stats->results[nr][err < NR_ERRNOS ? err : 0], 1);
	if (err && !error_is_known(nr, err))
		fuzz_failed("%s failed with %s", name, strerrorname_np(err));
	if (err && after && memcmp(before, after, sizeof(*before)))
		fuzz_failed("%s failed with %s and wrote to its struct", name, strerrorname_np(err));
	if (!err && after)
		learn(f, nr, &after->args);
}

/* ENOEXEC is answered as a library would, most of the time. */
static void answer_exec(struct fuzzer *f, unsigned int nr, const union longest *before)
{
	const union args *args = &before->args;
	union longest again = *before;
	bool exec = (nr == COMMIT ? args->commit.prot : args->protect.prot) & 0x70;
	unsigned long addr = nr == COMMIT ? args->commit.addr : args->protect.addr;
	unsigned long length = nr == COMMIT ? args->commit.length : args->protect.length;

	if (mprotect((void *)addr, length, PROT_READ | PROT_WRITE | (exec ? PROT_EXEC : 0)))
		return;
	check_result(f, nr, before, NULL,
		     ioctl(f->worker->fds[0], WINMEM_IOC_INFO + nr, &again) ? errno : 0);
}

/* A descriptor that ATTACH tells of must not be lost: its struct stays where it can be read. */
static void *some_place(struct fuzzer *f, unsigned int nr, union longest *args, unsigned int size)
{
	if (one_in(f, 8)) {
		if (nr == ATTACH || one_in(f, 3))
			return put_nowhere(f);
		return one_in(f, 2) ? put_at_edge(f, args, size) : put_inside(f, args, size);
	}
	return one_in(f, 64) ? (void *)f->worker->readonly : args;
}

void fuzz_call(struct fuzzer *f)
{
	unsigned int nr = some_call(f), number, size;
	const struct call *call = &calls[nr == UNKNOWN ? INFO : nr];
	union longest made = { 0 }, before;
	union args *args = &made.args;
	int fd = device(f), err;
	void *place;

	make_args(f, nr, args);
	preset_outputs(call, args);
	args->size = call->size;
	if (one_in(f, 3))
		mutate(f, call, &made);
	size = args->size > LONGEST ? LONGEST : args->size < call->size ? call->size : args->size;
	place = some_place(f, nr, &made, size);
	number = number_of(f, nr);
	before = made;

	err = ioctl(fd, number, place) ? errno : 0;
	/*
	 * The other thread has closed it, and the number may be another file's by now; or it is
	 * ATTACH's, which does not do everything.
	 */
	if ((err == EBADF || err == ENOTTY || err == EPERM) && fd != f->worker->fds[0])
		return;
	note(f, call_name(nr), place == &made ? 0 : (unsigned long)place, args->size,
	     (unsigned long)before.args.reserve.addr, err);
	check_result(f, nr, &before, place == &made ? &made : NULL, err);
	if (err == ENOEXEC && place == &made && !one_in(f, 4))
		answer_exec(f, nr, &made);
}
