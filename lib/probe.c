// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * IsBadReadPtr and its like: whether memory can be accessed, found out by having the
 * kernel access it, for a system call fails where the program would get a signal.
 * A guard page answers as on Windows: it is bad, and no guard page any more (row G12).
 *
 * Every page of the range is tried, up to the first that is bad.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <winmem.h>

#include "range.h"

/*
 * The kernel reads a signal set, 8 bytes, before it finds that there is no such command.
 * The last ones of the page, for a set at NULL is none.
 */
static bool page_can_be_read(uint64_t addr)
{
	return syscall(SYS_rt_sigprocmask, ~0, (addr | (WINMEM_PAGE_SIZE - 1)) - 7, NULL, 8) == 0 ||
	       errno != EFAULT;
}

/*
 * An atomic addition of nothing: no other thread's write can be lost. It comes with a
 * comparison: if it holds, one who waits for a futex there is woken, for no reason, as
 * those who wait for futexes must expect.
 */
static bool page_can_be_written(uint64_t addr)
{
	const int add_zero = FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, -2048);
	uint32_t mine = 0;

	return syscall(SYS_futex, &mine, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, 0,
		       addr & ~UINT64_C(3), add_zero) >= 0;
}

static bool range_is_bad(uint64_t addr, uint64_t size, bool (*page_is_good)(uint64_t addr))
{
	int saved = errno;
	bool good = true;
	uint64_t last;

	if (!size)
		return false;
	if (__builtin_add_overflow(addr, size - 1, &last))
		return true;
	for (;;) {
		good = page_is_good(addr);
		if (!good || addr / WINMEM_PAGE_SIZE == last / WINMEM_PAGE_SIZE)
			break;
		addr = (addr | (WINMEM_PAGE_SIZE - 1)) + 1;
	}
	errno = saved;
	return !good;
}

WINMEM_API BOOL WINAPI IsBadReadPtr(const void *lp, UINT_PTR ucb)
{
	return range_is_bad((uintptr_t)lp, ucb, page_can_be_read);
}

WINMEM_API BOOL WINAPI IsBadWritePtr(LPVOID lp, UINT_PTR ucb)
{
	return range_is_bad((uintptr_t)lp, ucb, page_can_be_written);
}

/* Windows too looks only whether it can be read. */
WINMEM_API BOOL WINAPI IsBadCodePtr(FARPROC lpfn)
{
	return range_is_bad((uintptr_t)lpfn, 1, page_can_be_read);
}

/*
 * Look for the end of a string in a part of one page, which could be read just now. Its
 * bytes come through the kernel: another thread may take the page away.
 */
static int string_ends(uint64_t addr, size_t size)
{
	char text[WINMEM_PAGE_SIZE];
	struct iovec to = { text, size }, from = { (void *)(uintptr_t)addr, size };

	if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != (ssize_t)size)
		return -1;
	return memchr(text, '\0', size) != NULL;
}

WINMEM_API BOOL WINAPI IsBadStringPtrA(LPCSTR lpsz, UINT_PTR ucchMax)
{
	uint64_t addr = (uintptr_t)lpsz, left = ucchMax;
	int saved = errno, found = 0;

	while (left && !found) {
		uint64_t size = WINMEM_PAGE_SIZE - addr % WINMEM_PAGE_SIZE;

		if (size > left)
			size = left;
		found = range_is_bad(addr, size, page_can_be_read) ? -1 : string_ends(addr, size);
		addr += size;
		left -= size;
	}
	errno = saved;
	return found < 0;
}
