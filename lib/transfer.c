// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ReadProcessMemory and WriteProcessMemory. Windows copies in pieces of 14 pages, each of them
 * whole or not at all, and that shows in what a call that fails has copied (row R03): so a
 * piece is read byte by page first, and then copied.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/winmem.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include <unistd.h>

#include <winmem.h>

#include "device.h"
#include "error.h"
#include "process.h"
#include "prot.h"
#include "range.h"

#define PIECE_PAGES	14
#define PIECE		(PIECE_PAGES * WINMEM_PAGE_SIZE)

/* Pages looked at in one call of the kernel. */
#define LOOK_PAGES	(16 * PIECE_PAGES)
#define LOOK		(LOOK_PAGES * WINMEM_PAGE_SIZE)

static struct iovec vec(uint64_t addr, size_t size)
{
	return (struct iovec){ (void *)(uintptr_t)addr, size };
}

static int copy_error(void)
{
	return errno == ESRCH || errno == EPERM ? EACCES : errno;
}

/* How many of at most LOOK bytes can be read; the rest begins with a page that cannot. */
static int look(pid_t pid, uint64_t addr, size_t size, size_t *good)
{
	struct iovec pages[LOOK_PAGES + 1], to;
	char bytes[LOOK_PAGES + 1];
	uint64_t end = addr + size, next;
	size_t nr = 0;
	ssize_t ret;

	for (uint64_t at = addr; at < end; at = next, nr++) {
		next = (at & ~(WINMEM_PAGE_SIZE - 1)) + WINMEM_PAGE_SIZE;
		pages[nr] = vec(at, 1);
	}
	to = (struct iovec){ bytes, nr };
	ret = process_vm_readv(pid, &to, 1, pages, nr, 0);
	*good = 0;
	if (ret < 0)
		return errno == EFAULT ? 0 : copy_error();
	if (ret)
		*good = (size_t)ret == nr ? size : (uintptr_t)pages[ret].iov_base - addr;
	return 0;
}

/* What lies at an address. A process without winmem cannot be asked: prot is 0 then. */
static int look_up(struct winmem_process *process, uint64_t addr, struct winmem_query *found)
{
	int ret;

	*found = (struct winmem_query){ .size = sizeof(*found), .addr = addr };
	ret = process ? winmem_process_ioctl(process, WINMEM_IOC_QUERY, found) :
			winmem_ioctl(WINMEM_IOC_QUERY, found);
	if (ret == ENODEV) {
		found->out_base = addr;
		found->out_length = UINT64_MAX - addr;
		found->out_state = WINMEM_STATE_COMMIT;
		found->out_prot = 0;
		ret = 0;
	}
	return ret;
}

/* A guard page that is read or written is a guard page no more (G07). */
static void take_guard(struct winmem_process *process, uint64_t addr)
{
	struct winmem_protect args = {
		.size = sizeof(args),
		.addr = addr & ~(WINMEM_PAGE_SIZE - 1),
		.length = WINMEM_PAGE_SIZE,
	};
	struct winmem_query found;

	if (look_up(process, addr, &found) || !(found.out_prot & WINMEM_PROT_GUARD))
		return;
	args.prot = found.out_prot & ~WINMEM_PROT_GUARD;
	if (process)
		winmem_process_ioctl(process, WINMEM_IOC_PROTECT, &args);
	else
		winmem_ioctl(WINMEM_IOC_PROTECT, &args);
}

static int transfer_read(struct winmem_process *process, uint64_t from, uint64_t to, size_t size,
			 size_t *done)
{
	pid_t pid = winmem_process_pid(process);

	while (*done < size) {
		size_t part = size - *done < LOOK ? size - *done : LOOK, good;
		struct iovec remote, local;
		ssize_t copied = 0;
		int ret;

		ret = look(pid, from + *done, part, &good);
		if (ret)
			return ret;
		if (good < part) {
			take_guard(process, from + *done + good);
			good -= good % PIECE;
		}
		remote = vec(from + *done, good);
		local = vec(to + *done, good);
		if (good)
			copied = process_vm_readv(pid, &local, 1, &remote, 1, 0);
		if (copied > 0)
			*done += copied;
		/* The pages can be read; what cannot be written is the caller's buffer (R05, R06). */
		if (copied < 0 || (size_t)copied < good)
			return *done ? EREMOTEIO : EFAULT;
		if (good < part)
			return EREMOTEIO;
	}
	return 0;
}

WINMEM_API BOOL WINAPI ReadProcessMemory(HANDLE hProcess, LPCVOID lpBaseAddress, LPVOID lpBuffer,
					 SIZE_T nSize, SIZE_T *lpNumberOfBytesRead)
{
	struct winmem_process *process;
	int saved = errno, ret;
	size_t done = 0;

	ret = winmem_process_get(hProcess, PROCESS_VM_READ, &process);
	if (!ret)
		ret = transfer_read(process, (uintptr_t)lpBaseAddress, (uintptr_t)lpBuffer, nSize,
				    &done);
	winmem_process_put(process);
	if (lpNumberOfBytesRead)
		*lpNumberOfBytesRead = done;
	errno = saved;
	return winmem_error_set(ret);
}

/* All of the caller's buffer, before anything is written (R07). */
static int check_source(uint64_t from, size_t size)
{
	for (size_t done = 0; done < size;) {
		size_t part = size - done < LOOK ? size - done : LOOK, good;
		int ret = look(getpid(), from + done, part, &good);

		if (ret)
			return ret;
		if (good < part)
			return EREMOTEIO;
		done += part;
	}
	return 0;
}

static bool is_code(const struct winmem_query *found)
{
	return found->out_prot == WINMEM_PROT_EXECUTE ||
	       found->out_prot == WINMEM_PROT_EXECUTE_READ;
}

static bool is_shut(const struct winmem_query *found)
{
	return found->out_state != WINMEM_STATE_COMMIT ||
	       found->out_prot == WINMEM_PROT_NOACCESS || found->out_prot == WINMEM_PROT_READONLY;
}

/* Code is written as a debugger does it: no thread sees the pages writable meanwhile (R10). */
static ssize_t write_code(struct winmem_process *process, uint64_t to, uint64_t from, size_t size)
{
	int fd = winmem_process_mem(process);
	ssize_t ret;

	if (fd < 0)
		return -1;
	ret = pwrite(fd, (const void *)(uintptr_t)from, size, to);
	close(fd);
	return ret;
}

static ssize_t write_data(pid_t pid, uint64_t to, uint64_t from, size_t size)
{
	struct iovec local = vec(from, size), remote = vec(to, size);

	return process_vm_writev(pid, &local, 1, &remote, 1, 0);
}

static int transfer_write(struct winmem_process *process, uint64_t to, uint64_t from, size_t size,
			  size_t *done)
{
	pid_t pid = winmem_process_pid(process);
	bool code = false;
	int ret;

	ret = check_source(from, size);
	while (!ret && *done < size) {
		size_t part = size - *done;
		struct winmem_query found;
		ssize_t copied;

		ret = look_up(process, to + *done, &found);
		if (ret || is_shut(&found))
			break;
		if (!*done)
			code = is_code(&found);
		if (part > found.out_base + found.out_length - (to + *done))
			part = found.out_base + found.out_length - (to + *done);
		copied = code && is_code(&found) ?
			 write_code(process, to + *done, from + *done, part) :
			 write_data(pid, to + *done, from + *done, part);
		if (copied < 0 && errno != EFAULT && errno != EIO)
			ret = copy_error();
		if (copied > 0)
			*done += copied;
		if (copied < 0 || (size_t)copied < part) {
			take_guard(process, to + *done);
			break;
		}
	}
	if (*done == size && !ret)
		return 0;
	if (*done)
		return EREMOTEIO;
	return ret && ret != EINVAL ? ret : EFAULT;
}

/* The number is set when something was copied, or nothing was to be: not in R08 and R09. */
WINMEM_API BOOL WINAPI WriteProcessMemory(HANDLE hProcess, LPVOID lpBaseAddress, LPCVOID lpBuffer,
					  SIZE_T nSize, SIZE_T *lpNumberOfBytesWritten)
{
	struct winmem_process *process;
	int saved = errno, ret;
	size_t done = 0;

	ret = winmem_process_get(hProcess, PROCESS_VM_WRITE | PROCESS_VM_OPERATION, &process);
	if (!ret)
		ret = transfer_write(process, (uintptr_t)lpBaseAddress, (uintptr_t)lpBuffer, nSize,
				     &done);
	winmem_process_put(process);
	if (lpNumberOfBytesWritten && (!ret || ret == EREMOTEIO))
		*lpNumberOfBytesWritten = done;
	errno = saved;
	return winmem_error_set(ret);
}
