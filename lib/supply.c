// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What heaps stand on: reservations and pages of winmem, and futexes to sleep on. The
 * context of a supply is the protection of its pages.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <winmem.h>

#include "corruption.h"
#include "supply.h"
#include "virtual.h"

static const DWORD prot_data = PAGE_READWRITE, prot_code = PAGE_EXECUTE_READWRITE;

static int supply_reserve(void *ctx, size_t size, size_t align, void **addr)
{
	const struct winmem_words words = {
		.size = size,
		.type = MEM_RESERVE,
		.prot = *(const DWORD *)ctx,
		.bounds.alignment = align,
	};

	return winmem_virtual_alloc(&words, addr);
}

static int supply_commit(void *ctx, void *addr, size_t size)
{
	const struct winmem_words words = {
		.addr = (uintptr_t)addr,
		.size = size,
		.type = MEM_COMMIT,
		.prot = *(const DWORD *)ctx,
	};
	void *result;

	return winmem_virtual_alloc(&words, &result);
}

static int supply_decommit(void *ctx, void *addr, size_t size)
{
	(void)ctx;
	return winmem_virtual_free((uintptr_t)addr, size, MEM_DECOMMIT);
}

/* The kernel knows how long a reservation is. */
static void supply_release(void *ctx, void *addr, size_t size)
{
	(void)ctx;
	(void)size;
	winmem_virtual_free((uintptr_t)addr, 0, MEM_RELEASE);
}

static void supply_wait(_Atomic uint32_t *word, uint32_t value)
{
	int saved = errno;

	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
	errno = saved;
}

static void supply_wake(_Atomic uint32_t *word, unsigned int nr)
{
	int saved = errno;

	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, nr, NULL, NULL, 0);
	errno = saved;
}

static void supply_damage(void *ctx, const void *heap, const void *addr)
{
	(void)ctx;
	winmem_corruption_found(heap, addr, EBADMSG);
}

#define SUPPLY(prot_)				\
	{					\
		.reserve = supply_reserve,	\
		.commit = supply_commit,	\
		.decommit = supply_decommit,	\
		.release = supply_release,	\
		.wait = supply_wait,		\
		.wake = supply_wake,		\
		.damage = supply_damage,	\
		.ctx = (void *)(prot_),		\
	}

const struct winmem_heap_supply winmem_supply_data = SUPPLY(&prot_data);
const struct winmem_heap_supply winmem_supply_code = SUPPLY(&prot_code);
