// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Execute permission, the one thing that page states cannot give: it belongs to the
 * mapping, and only mprotect(2) changes it. The kernel says when. The order is always
 * the same: the kernel notes what is wanted and lets mprotect do that and no other,
 * mprotect does it, and then the call goes through.
 */
#include <errno.h>
#include <linux/winmem.h>
#include <sys/mman.h>

#include "device.h"
#include "execute.h"
#include "prot.h"
#include "sys.h"

/* Threads that give and take execute permission of one page in turn get this many. */
#define EXECUTE_TRIES	64

/**
 * winmem_execute_follow() - make the mappings of a range fit a protection
 * @range: pages
 * @prot: WINMEM_PROT_*
 *
 * The mappings stay writable: what a page allows is decided page by page beneath.
 *
 * Context: after the kernel has asked for it.
 * Return: 0; EAGAIN: another thread has asked for the opposite since; ENOMEM: too many
 * mappings; EACCES: a security module.
 */
int winmem_execute_follow(const struct winmem_range *range, uint32_t prot)
{
	int exec = winmem_prot_has_exec(prot) ? PROT_EXEC : 0;

	return winmem_sys_mprotect((void *)(uintptr_t)range->start, range->length,
				   PROT_READ | PROT_WRITE | exec);
}

/**
 * winmem_execute_ioctl() - COMMIT or PROTECT, with mprotect(2) where it takes that
 * @nr: WINMEM_IOC_COMMIT or WINMEM_IOC_PROTECT
 * @arg: its struct
 * @range: the range in it
 * @prot: the protection in it
 *
 * Context: any thread.
 * Return: 0; what the ioctl or mprotect says; ENOEXEC: other threads kept undoing it.
 */
int winmem_execute_ioctl(unsigned long nr, void *arg, const struct winmem_range *range,
			 uint32_t prot)
{
	int ret = ENOEXEC;

	for (int i = 0; i < EXECUTE_TRIES && ret == ENOEXEC; i++) {
		ret = winmem_ioctl(nr, arg);
		if (ret != ENOEXEC)
			break;
		ret = winmem_execute_follow(range, prot);
		if (!ret || ret == EAGAIN)
			ret = ENOEXEC;
	}
	return ret;
}

/**
 * winmem_execute_tidy() - let mappings merge that had been split for execute permission
 * @out_flags: what DECOMMIT or RELEASE answered
 * @range: pages
 *
 * Context: the memory has been given back. Somebody else may have it by now, and then
 * mprotect is refused: nothing depends on it.
 */
void winmem_execute_tidy(uint32_t out_flags, const struct winmem_range *range)
{
	if (out_flags & WINMEM_OUT_EXEC)
		winmem_execute_follow(range, WINMEM_PROT_NOACCESS);
}
