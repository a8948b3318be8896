// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * VirtualAlloc and its family: Win32 words in, one struct, one ioctl.
 *
 *	VirtualAlloc -> virtual_alloc -> winmem_request_parse -> virtual_reserve -> ioctl
 *
 * The static functions return errno values and touch no global; the public ones at the
 * end of each part make the last error of that. errno is never touched.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/winmem.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <winmem.h>

#include "answer.h"
#include "device.h"
#include "error.h"
#include "execute.h"
#include "foreign.h"
#include "process.h"
#include "prot.h"
#include "range.h"
#include "request.h"
#include "virtual.h"

/* Programs compare what we copy from the kernel with their own MEM_*. */
_Static_assert(MEM_COMMIT == WINMEM_STATE_COMMIT && MEM_RESERVE == WINMEM_STATE_RESERVE &&
	       MEM_FREE == WINMEM_STATE_FREE && MEM_PRIVATE == WINMEM_TYPE_PRIVATE &&
	       MEM_MAPPED == WINMEM_TYPE_MAPPED && MEM_IMAGE == WINMEM_TYPE_IMAGE, "MEM_*");

static uint64_t to_addr(const void *pointer)
{
	return (uintptr_t)pointer;
}

static void *to_pointer(uint64_t addr)
{
	return (void *)(uintptr_t)addr;
}

/* Where a call goes: to another process, or with NULL to this one. */
static int virtual_ioctl(struct winmem_process *process, unsigned long nr, void *arg)
{
	return process ? winmem_process_ioctl(process, nr, arg) : winmem_ioctl(nr, arg);
}

/* COMMIT and PROTECT. For another process the kernel sees to execute permission. */
static int virtual_execute_ioctl(struct winmem_process *process, unsigned long nr, void *arg,
				 const struct winmem_range *range, uint32_t prot)
{
	return process ? winmem_process_ioctl(process, nr, arg) :
			 winmem_execute_ioctl(nr, arg, range, prot);
}

static void virtual_put(struct winmem_process *process)
{
	int saved = errno;

	winmem_process_put(process);
	errno = saved;
}

static void virtual_tidy(struct winmem_process *process, uint32_t out_flags,
			 const struct winmem_range *range)
{
	if (!process)
		winmem_execute_tidy(out_flags, range);
}

/* Allocate */

static int virtual_release(struct winmem_process *process, uint64_t addr)
{
	struct winmem_release args = {
		.size = sizeof(args),
		.addr = addr & ~(WINMEM_PAGE_SIZE - 1),
	};
	struct winmem_range range;
	int ret;

	if (addr > WINMEM_HIGHEST)
		return EINVAL;
	/* Nothing begins at 0, whatever the kernel thinks of such an address (VF08). */
	if (!args.addr)
		return ENOENT;
	ret = virtual_ioctl(process, WINMEM_IOC_RELEASE, &args);
	if (ret)
		return ret;
	range = (struct winmem_range){ args.addr, args.out_length };
	virtual_tidy(process, args.out_flags, &range);
	return 0;
}

static int virtual_reserve(struct winmem_process *process, const struct winmem_request *request,
			   void **result)
{
	struct winmem_reserve args = {
		.size = sizeof(args),
		.flags = request->flags,
		.prot = request->prot,
		.addr = request->range.start,
		.length = request->range.length,
		.lowest = request->bounds.lowest,
		.highest = request->bounds.highest,
		.alignment = request->bounds.alignment,
	};
	struct winmem_range range;
	int ret;

	ret = virtual_ioctl(process, WINMEM_IOC_RESERVE, &args);
	if (ret)
		return ret;

	range = (struct winmem_range){ args.out_addr, args.length };
	if (!process && args.out_flags & WINMEM_OUT_EXEC)
		ret = winmem_execute_follow(&range, args.prot);
	/* EAGAIN: another thread guessed the address and has changed the protection. */
	if (ret && ret != EAGAIN) {
		virtual_release(process, args.out_addr);
		return ret;
	}
	*result = to_pointer(args.out_addr);
	return 0;
}

static int virtual_commit(struct winmem_process *process, const struct winmem_request *request,
			  void **result)
{
	struct winmem_commit args = {
		.size = sizeof(args),
		.flags = request->flags,
		.prot = request->prot,
		.addr = request->range.start,
		.length = request->range.length,
	};
	int ret;

	ret = virtual_execute_ioctl(process, WINMEM_IOC_COMMIT, &args, &request->range, args.prot);
	if (!ret)
		*result = to_pointer(args.addr);
	return ret;
}

static int virtual_reset(struct winmem_process *process, const struct winmem_request *request,
			 void **result)
{
	struct winmem_reset args = {
		.size = sizeof(args),
		.flags = request->flags,
		.addr = request->range.start,
		.length = request->range.length,
	};
	int ret;

	ret = virtual_ioctl(process, WINMEM_IOC_RESET, &args);
	if (!ret)
		*result = to_pointer(args.addr);
	return ret;
}

static int virtual_alloc(struct winmem_process *process, const struct winmem_words *words,
			 void **result)
{
	struct winmem_request request;
	int ret;

	ret = winmem_request_parse(&request, words);
	if (ret)
		return ret;
	switch (request.op) {
	case WINMEM_REQUEST_RESERVE:
		return virtual_reserve(process, &request, result);
	case WINMEM_REQUEST_COMMIT:
		return virtual_commit(process, &request, result);
	default:
		return virtual_reset(process, &request, result);
	}
}

int winmem_virtual_alloc(const struct winmem_words *words, void **result)
{
	return virtual_alloc(NULL, words, result);
}

static int virtual_alloc2(struct winmem_process *process, struct winmem_words *words,
			  const MEM_EXTENDED_PARAMETER *params, ULONG count, void **result)
{
	int ret, later;

	later = winmem_bounds_parse(&words->bounds, params, count);
	if (later && later != ENOSYS)
		return later;
	if (!later)
		return virtual_alloc(process, words, result);

	/* A parameter that is not there yet: the other words may still be bad ones. */
	ret = winmem_request_parse(&(struct winmem_request){}, words);
	return ret ? ret : later;
}

WINMEM_API LPVOID WINAPI VirtualAllocEx(HANDLE hProcess, LPVOID lpAddress, SIZE_T dwSize,
					DWORD flAllocationType, DWORD flProtect)
{
	const struct winmem_words words = {
		.addr = to_addr(lpAddress),
		.size = dwSize,
		.type = flAllocationType,
		.prot = flProtect,
	};
	struct winmem_process *process;
	void *result = NULL;
	int ret;

	ret = winmem_process_get(hProcess, PROCESS_VM_OPERATION, &process);
	if (!ret)
		ret = virtual_alloc(process, &words, &result);
	virtual_put(process);
	winmem_error_set(ret);
	return result;
}

WINMEM_API LPVOID WINAPI VirtualAlloc(LPVOID lpAddress, SIZE_T dwSize, DWORD flAllocationType,
				      DWORD flProtect)
{
	return VirtualAllocEx(GetCurrentProcess(), lpAddress, dwSize, flAllocationType,
			      flProtect);
}

WINMEM_API PVOID WINAPI VirtualAlloc2(HANDLE Process, PVOID BaseAddress, SIZE_T Size,
				      ULONG AllocationType, ULONG PageProtection,
				      MEM_EXTENDED_PARAMETER *ExtendedParameters,
				      ULONG ParameterCount)
{
	struct winmem_words words = {
		.addr = to_addr(BaseAddress),
		.size = Size,
		.type = AllocationType,
		.prot = PageProtection,
		.placeholders = true,
	};
	struct winmem_process *process = NULL;
	void *result = NULL;
	int ret = 0;

	/* Here, and only here, NULL is the caller itself (PL01). */
	if (Process)
		ret = winmem_process_get(Process, PROCESS_VM_OPERATION, &process);
	if (!ret)
		ret = virtual_alloc2(process, &words, ExtendedParameters, ParameterCount, &result);
	virtual_put(process);
	winmem_error_set(ret);
	return result;
}

WINMEM_API PVOID WINAPI VirtualAllocFromApp(PVOID BaseAddress, SIZE_T Size,
					    ULONG AllocationType, ULONG Protection)
{
	if (winmem_prot_has_exec(Protection)) {
		winmem_error_set(EINVAL);
		return NULL;
	}
	return VirtualAlloc(BaseAddress, Size, AllocationType, Protection);
}

WINMEM_API PVOID WINAPI VirtualAlloc2FromApp(HANDLE Process, PVOID BaseAddress, SIZE_T Size,
					     ULONG AllocationType, ULONG PageProtection,
					     MEM_EXTENDED_PARAMETER *ExtendedParameters,
					     ULONG ParameterCount)
{
	if (winmem_prot_has_exec(PageProtection)) {
		winmem_error_set(EINVAL);
		return NULL;
	}
	return VirtualAlloc2(Process, BaseAddress, Size, AllocationType, PageProtection,
			     ExtendedParameters, ParameterCount);
}

/* Free */

/* A size of 0 is all of the reservation that begins in the page at addr (VF13 to VF15). */
static int virtual_decommit(struct winmem_process *process, uint64_t addr, uint64_t size)
{
	struct winmem_decommit args = { .size = sizeof(args) };
	struct winmem_range range;
	int ret;

	ret = winmem_range_check(addr, size ? size : 1);
	if (ret)
		return ret;
	ret = winmem_range_pages(&range, addr, size ? size : 1);
	if (ret)
		return ret;
	if (!range.start)
		return ENOENT;

	args.flags = size ? 0 : WINMEM_DECOMMIT_WHOLE;
	args.addr = range.start;
	args.length = size ? range.length : 0;
	ret = virtual_ioctl(process, WINMEM_IOC_DECOMMIT, &args);
	if (ret)
		return ret;
	range.length = args.out_length;
	virtual_tidy(process, args.out_flags, &range);
	return 0;
}

static int virtual_free(struct winmem_process *process, uint64_t addr, uint64_t size, DWORD type)
{
	switch (type) {
	case MEM_DECOMMIT:
		return virtual_decommit(process, addr, size);
	case MEM_RELEASE:
		return size ? EINVAL : virtual_release(process, addr);
	case MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER:
	case MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS:
		/* No placeholder is ever there to be split or joined (PL11, PL13, PL23). */
		return size ? ENOENT : EINVAL;
	default:
		return EINVAL;
	}
}

int winmem_virtual_free(uint64_t addr, uint64_t size, DWORD type)
{
	return virtual_free(NULL, addr, size, type);
}

WINMEM_API BOOL WINAPI VirtualFreeEx(HANDLE hProcess, LPVOID lpAddress, SIZE_T dwSize,
				     DWORD dwFreeType)
{
	struct winmem_process *process;
	int ret;

	ret = winmem_process_get(hProcess, PROCESS_VM_OPERATION, &process);
	if (!ret)
		ret = virtual_free(process, to_addr(lpAddress), dwSize, dwFreeType);
	virtual_put(process);
	return winmem_error_set(ret);
}

WINMEM_API BOOL WINAPI VirtualFree(LPVOID lpAddress, SIZE_T dwSize, DWORD dwFreeType)
{
	return VirtualFreeEx(GetCurrentProcess(), lpAddress, dwSize, dwFreeType);
}

/* Protect */

/* What is not winmem's: mprotect(2) is for oneself. */
static int protect_foreign(const struct winmem_process *process, const struct winmem_range *range,
			   DWORD prot, DWORD *old)
{
	return process ? ENOSYS : winmem_foreign_protect(range, prot, old);
}

static int protect_range(struct winmem_process *process, const struct winmem_range *range,
			 DWORD prot, DWORD *old)
{
	struct winmem_protect args = {
		.size = sizeof(args),
		.prot = prot,
		.addr = range->start,
		.length = range->length,
	};
	int ret;

	/* The kernel's own memory is never a copy of anything: this is for views only. */
	if (winmem_prot_is_copy(prot))
		return protect_foreign(process, range, prot, old);
	ret = virtual_execute_ioctl(process, WINMEM_IOC_PROTECT, &args, range, prot);
	if (ret == EBUSY)
		return protect_foreign(process, range, prot, old);
	if (!ret)
		*old = args.out_prot;
	return ret;
}

/*
 * The variable for the old protection may lie in the pages that have just lost write
 * permission. Windows loses the value then, and the program goes on.
 */
static void protect_report(DWORD *old, DWORD value, const struct winmem_range *range)
{
	struct iovec from = { &value, sizeof(value) }, to = { old, sizeof(value) };
	int saved = errno;

	if (to_addr(old) >= range->start + range->length ||
	    to_addr(old + 1) <= range->start) {
		*old = value;
		return;
	}
	process_vm_writev(getpid(), &from, 1, &to, 1, 0);
	errno = saved;
}

/* Rows VP01, VP03, VP05, VP06, VP12, VP14: what is checked when, and what *old has then. */
static int virtual_protect(struct winmem_process *process, uint64_t addr, uint64_t size, DWORD prot,
			   DWORD *old)
{
	struct winmem_range range;
	DWORD value = PAGE_NOACCESS;
	int ret;

	ret = winmem_prot_parse(&prot);
	if (ret)
		return ret;
	if (!old)
		return EFAULT;
	ret = winmem_range_pages(&range, addr, size);
	if (ret)
		return ret;
	ret = protect_range(process, &range, prot, &value);
	/* Linux may have something above Windows' last address; where not, it is no address. */
	if (ret == ENOENT && winmem_range_check(addr, size))
		return EINVAL;
	if (!ret && process)
		*old = value;
	else if (!ret)
		protect_report(old, value, &range);
	else if (ret == ENOENT || ret == ENXIO || ret == EFBIG)
		*old = PAGE_NOACCESS;
	return ret;
}

WINMEM_API BOOL WINAPI VirtualProtectEx(HANDLE hProcess, LPVOID lpAddress, SIZE_T dwSize,
					DWORD flNewProtect, PDWORD lpflOldProtect)
{
	struct winmem_process *process;
	int ret;

	ret = winmem_process_get(hProcess, PROCESS_VM_OPERATION, &process);
	if (!ret)
		ret = virtual_protect(process, to_addr(lpAddress), dwSize, flNewProtect,
				      lpflOldProtect);
	virtual_put(process);
	return winmem_error_set(ret);
}

WINMEM_API BOOL WINAPI VirtualProtect(LPVOID lpAddress, SIZE_T dwSize, DWORD flNewProtect,
				      PDWORD lpflOldProtect)
{
	return VirtualProtectEx(GetCurrentProcess(), lpAddress, dwSize, flNewProtect,
				lpflOldProtect);
}

/* An app container may make pages executable, never both that and writable. */
WINMEM_API BOOL WINAPI VirtualProtectFromApp(PVOID Address, SIZE_T Size, ULONG NewProtection,
					     PULONG OldProtection)
{
	if (NewProtection & (PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY))
		return winmem_error_set(EINVAL);
	return VirtualProtect(Address, Size, NewProtection, OldProtection);
}

/* Query */

static int virtual_query(struct winmem_process *process, uint64_t addr,
			 MEMORY_BASIC_INFORMATION *info, SIZE_T length)
{
	struct winmem_query args = { .size = sizeof(args), .addr = addr };
	int ret;

	if (length < sizeof(*info))
		return EMSGSIZE;
	if (!info)
		return EFAULT;
	ret = process ? winmem_process_ioctl(process, WINMEM_IOC_QUERY, &args) :
			winmem_answer(&args);
	if (ret)
		return ret;

	/* The padding too: programs compare these structs byte by byte. */
	memset(info, 0, sizeof(*info));
	info->BaseAddress = to_pointer(args.out_base);
	info->AllocationBase = to_pointer(args.out_alloc_base);
	info->AllocationProtect = args.out_alloc_prot;
	info->RegionSize = args.out_length;
	info->State = args.out_state;
	info->Protect = args.out_prot;
	info->Type = args.out_type;
	return 0;
}

WINMEM_API SIZE_T WINAPI VirtualQueryEx(HANDLE hProcess, LPCVOID lpAddress,
					PMEMORY_BASIC_INFORMATION lpBuffer, SIZE_T dwLength)
{
	struct winmem_process *process;
	int ret;

	ret = winmem_process_get(hProcess, PROCESS_QUERY_INFORMATION, &process);
	if (!ret)
		ret = virtual_query(process, to_addr(lpAddress), lpBuffer, dwLength);
	virtual_put(process);
	return winmem_error_set(ret) ? sizeof(*lpBuffer) : 0;
}

WINMEM_API SIZE_T WINAPI VirtualQuery(LPCVOID lpAddress, PMEMORY_BASIC_INFORMATION lpBuffer,
				      SIZE_T dwLength)
{
	return VirtualQueryEx(GetCurrentProcess(), lpAddress, lpBuffer, dwLength);
}
