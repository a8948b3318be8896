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
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/winmem.h>

#define LONGEST		(PAGE + 64)
#define CC		0xcc

enum { INFO, RESERVE, COMMIT, DECOMMIT, RELEASE, PROTECT, RESET, QUERY, LIMIT, UNKNOWN };

const char *const call_names[NR_CALLS] = {
	"INFO", "RESERVE", "COMMIT", "DECOMMIT", "RELEASE", "PROTECT", "RESET", "QUERY", "LIMIT",
	"unknown",
};

/* Fields: 4 or 8 bytes wide, by the offset of each. */
#define F4(type, field)	{ offsetof(struct winmem_##type, field), 4 }
#define F8(type, field)	{ offsetof(struct winmem_##type, field), 8 }

struct call {
	unsigned int size;
	struct { unsigned char offset, width; } fields[10];
	unsigned int nr_fields;
	int errors[6];			/* besides those that all calls may give */
};

static const struct call calls[] = {
	[INFO] = { sizeof(struct winmem_info), { F4(info, flags) }, 1, { 0 } },
	[RESERVE] = { sizeof(struct winmem_reserve),
		{ F4(reserve, flags), F4(reserve, prot), F4(reserve, __reserved),
		  F8(reserve, addr), F8(reserve, length), F8(reserve, lowest),
		  F8(reserve, highest), F8(reserve, alignment), F4(reserve, __reserved2) }, 9,
		{ EEXIST, ENOMEM, EDQUOT } },
	[COMMIT] = { sizeof(struct winmem_commit),
		{ F4(commit, flags), F4(commit, prot), F4(commit, __reserved), F8(commit, addr),
		  F8(commit, length) }, 5,
		{ ENOENT, ENOMEM, EDQUOT, ENOEXEC } },
	[DECOMMIT] = { sizeof(struct winmem_decommit),
		{ F4(decommit, flags), F8(decommit, addr), F8(decommit, length),
		  F4(decommit, __reserved) }, 4,
		{ ENOENT, ERANGE, EBUSY, ENOMEM } },
	[RELEASE] = { sizeof(struct winmem_release),
		{ F4(release, flags), F8(release, addr), F4(release, __reserved) }, 3,
		{ ENOENT, EBUSY } },
	[PROTECT] = { sizeof(struct winmem_protect),
		{ F4(protect, flags), F4(protect, prot), F8(protect, addr),
		  F8(protect, length) }, 4,
		{ ENOENT, ENXIO, EBUSY, ENOEXEC, ENOMEM } },
	[RESET] = { sizeof(struct winmem_reset),
		{ F4(reset, flags), F8(reset, addr), F8(reset, length) }, 3,
		{ ENOENT, ETXTBSY, ENODATA, ENOMEM } },
	[QUERY] = { sizeof(struct winmem_query), { F4(query, flags), F8(query, addr) }, 2, { 0 } },
	[LIMIT] = { sizeof(struct winmem_limit), { F4(limit, flags), F8(limit, limit) }, 2, { 0 } },
};

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

/* A struct as it is made, with room for a tail. */
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
	unsigned char bytes[LONGEST];
};

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

static void make_reserve(struct fuzzer *f, struct winmem_reserve *args)
{
	args->flags = below(f, 4);
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
	}
}

/* Outputs hold CC before the call; the rest of the struct is zero. */
static void preset_outputs(unsigned int nr, union args *args)
{
	static const struct { unsigned char from, to; } outputs[] = {
		[INFO] = { 8, 48 }, [RESERVE] = { 56, 68 }, [DECOMMIT] = { 24, 36 },
		[RELEASE] = { 16, 28 }, [PROTECT] = { 12, 16 }, [QUERY] = { 16, 56 },
		[LIMIT] = { 16, 48 },
	};

	if (nr < ARRAY_LEN(outputs))
		memset(args->bytes + outputs[nr].from, CC, outputs[nr].to - outputs[nr].from);
}

static void mutate_field(struct fuzzer *f, const struct call *call, union args *args)
{
	unsigned int which = below(f, call->nr_fields);
	uint64_t value = interesting(f);

	memcpy(args->bytes + call->fields[which].offset, &value, call->fields[which].width);
}

static void mutate_size(struct fuzzer *f, const struct call *call, union args *args)
{
	static const unsigned int sizes[] = { 0, 1, 4, 8, PAGE, PAGE + 1, 1U << 31, ~0U };

	switch (below(f, 3)) {
	case 0:
		args->size = pick(f, sizes);
		break;
	case 1:
		args->size = call->size - 8 + below(f, 17);
		break;
	default:
		args->size = call->size + 8 * below(f, 64);
		if (one_in(f, 2))
			args->bytes[call->size + below(f, LONGEST - call->size)] = 1;
	}
}

static void mutate(struct fuzzer *f, const struct call *call, union args *args)
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
static void *put_inside(struct fuzzer *f, const union args *args, unsigned int size)
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
static void *put_at_edge(struct fuzzer *f, const union args *args, unsigned int size)
{
	unsigned char *place = f->worker->edge + f->index * 2 * PAGE + PAGE - size;

	if (size > PAGE)
		return put_nowhere(f);
	memcpy(place, args, size);
	return place + (one_in(f, 4) ? 1 + below(f, size) : 0);
}

/* Doing it. */

static void learn(struct fuzzer *f, unsigned int nr, const union args *args)
{
	if (nr == RESERVE) {
		if (!args->reserve.out_addr || args->reserve.out_addr % GRAN)
			fuzz_failed("RESERVE gave %#llx", args->reserve.out_addr);
		remember(f->worker, args->reserve.out_addr, args->reserve.length);
	}
	if (nr == RELEASE)
		forget(f->worker, args->release.addr);
}

static unsigned int some_call(struct fuzzer *f)
{
	static const unsigned char often[] = {
		INFO, RESERVE, RESERVE, COMMIT, COMMIT, COMMIT, COMMIT, DECOMMIT, DECOMMIT,
		RELEASE, PROTECT, PROTECT, PROTECT, PROTECT, RESET, RESET, QUERY, QUERY, LIMIT,
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
		return WINMEM_IOC_LIMIT + 1 + below(f, 240);
	case 1:
		return (WINMEM_IOC_INFO + below(f, 9)) | (1 + below(f, 0xffff)) << 16;
	default:
		return 0x10000 + below(f, 0xbaff);
	}
}

static void check_result(struct fuzzer *f, unsigned int nr, const union args *before,
			 const union args *after, int err)
{
	const char *name = call_names[nr];

	atomic_fetch_add(&f->worker->stats->results[nr][err < NR_ERRNOS ? err : 0], 1);
	if (err && !error_is_known(nr, err))
		fuzz_failed("%s failed with %s", name, strerrorname_np(err));
	if (err && after && memcmp(before, after, sizeof(*before)))
		fuzz_failed("%s failed with %s and wrote to its struct", name, strerrorname_np(err));
	if (!err && after)
		learn(f, nr, after);
}

/* ENOEXEC is answered as a library would, most of the time. */
static void answer_exec(struct fuzzer *f, unsigned int nr, const union args *args)
{
	union args again = *args;
	bool exec = (nr == COMMIT ? args->commit.prot : args->protect.prot) & 0x70;
	unsigned long addr = nr == COMMIT ? args->commit.addr : args->protect.addr;
	unsigned long length = nr == COMMIT ? args->commit.length : args->protect.length;

	if (mprotect((void *)addr, length, PROT_READ | PROT_WRITE | (exec ? PROT_EXEC : 0)))
		return;
	check_result(f, nr, args, NULL,
		     ioctl(f->worker->fds[0], WINMEM_IOC_INFO + nr, &again) ? errno : 0);
}

void fuzz_call(struct fuzzer *f)
{
	unsigned int nr = some_call(f), number, size;
	const struct call *call = &calls[nr == UNKNOWN ? INFO : nr];
	union args args = { 0 }, before;
	void *place = &args;
	int fd = device(f), err;

	make_args(f, nr, &args);
	preset_outputs(nr, &args);
	args.size = call->size;
	if (one_in(f, 3))
		mutate(f, call, &args);
	size = args.size > LONGEST ? LONGEST : args.size < call->size ? call->size : args.size;
	if (one_in(f, 8))
		place = one_in(f, 3) ? put_nowhere(f) :
			one_in(f, 2) ? put_at_edge(f, &args, size) : put_inside(f, &args, size);
	else if (one_in(f, 64))
		place = f->worker->readonly;
	number = number_of(f, nr);
	before = args;

	err = ioctl(fd, number, place) ? errno : 0;
	/* The other thread has closed it. */
	if (err == EBADF && fd != f->worker->fds[0])
		return;
	note(f, call_names[nr], (unsigned long)place == (unsigned long)&args ? 0 :
	     (unsigned long)place, args.size, (unsigned long)before.reserve.addr, err);
	check_result(f, nr, &before, place == &args ? &args : NULL, err);
	if (err == ENOEXEC && place == &args && !one_in(f, 4))
		answer_exec(f, nr, &args);
}
