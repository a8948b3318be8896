// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <linux/winmem.h>

#include "limit.h"
#include "worker.h"

#define NO_LIMIT	(~0UL)

static int device;
static struct random numbers = { 1 };	/* the threads' own are theirs */

void limit_init(void)
{
	device = open("/dev/winmem", O_RDWR | O_CLOEXEC);
	if (device < 0) {
		perror("stress: /dev/winmem");
		exit(1);
	}
}

static struct winmem_limit call_limit(unsigned int flags, unsigned long limit)
{
	struct winmem_limit args = { .size = sizeof(args), .flags = flags, .limit = limit };

	if (ioctl(device, WINMEM_IOC_LIMIT, &args)) {
		perror("stress: WINMEM_IOC_LIMIT");
		exit(1);
	}
	return args;
}

unsigned long limit_charge(void)
{
	return call_limit(0, 0).out_charge;
}

static void check_commit(struct worker *worker, char *base, long first, long nr, DWORD want)
{
	DWORD error = 0;

	if (!VirtualAlloc(base + first * PAGE, nr * PAGE, MEM_COMMIT, PAGE_READWRITE))
		error = GetLastError();
	CHECK(worker, error == want, "a commit of %ld pages at the limit: error %u, not %u", nr,
	      error, want);
}

static void check_charge(struct worker *worker, unsigned long want)
{
	unsigned long charge = limit_charge();

	CHECK(worker, charge == want, "the charge at the limit is %#lx, not %#lx", charge, want);
}

void limit_check(struct worker *worker)
{
	unsigned long before = limit_charge();
	long left = 2 + random_below(&numbers, 600), more = 1 + random_below(&numbers, 600);
	char *base, *other;

	worker_note(worker, "the limit is %ld pages away, %ld more are wanted", left, more);
	call_limit(WINMEM_LIMIT_SET, before + left * PAGE);
	other = VirtualAlloc(NULL, (left + more) * PAGE, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
	CHECK(worker, !other && GetLastError() == ERROR_COMMITMENT_LIMIT,
	      "%ld pages too many were committed (error %u)", more, GetLastError());
	base = VirtualAlloc(NULL, (left + more) * PAGE, MEM_RESERVE, PAGE_READWRITE);
	CHECK(worker, base, "a reservation at the limit: error %u", GetLastError());
	check_commit(worker, base, 0, left + 1, ERROR_COMMITMENT_LIMIT);
	check_charge(worker, before);
	check_commit(worker, base, more, left, 0);
	check_charge(worker, before + left * PAGE);
	/* What is committed already is not charged again. */
	check_commit(worker, base, more, left, 0);
	check_commit(worker, base, more - 1, left, ERROR_COMMITMENT_LIMIT);
	call_limit(WINMEM_LIMIT_SET, before);
	CHECK(worker, VirtualFree(base + more * PAGE, PAGE, MEM_DECOMMIT), "error %u",
	      GetLastError());
	check_commit(worker, base, more, 1, ERROR_COMMITMENT_LIMIT);
	check_charge(worker, before + (left - 1) * PAGE);
	CHECK(worker, VirtualFree(base, 0, MEM_RELEASE), "error %u", GetLastError());
	check_charge(worker, before);
	call_limit(WINMEM_LIMIT_SET, NO_LIMIT);
}
