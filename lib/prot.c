// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * PAGE_*: which values are protections, and what they mean to mprotect(2). The kernel
 * has the same rules for its own memory; here they decide what never reaches it: a
 * MEM_RESET's protection, a bad protection on memory that is not there, and the
 * protections of views. Pure.
 */
#include <errno.h>
#include <linux/winmem.h>
#include <sys/mman.h>

#include "prot.h"

/* The same numbers on both sides, so that nothing needs translating. */
_Static_assert(PAGE_NOACCESS == WINMEM_PROT_NOACCESS &&
	       PAGE_EXECUTE_WRITECOPY == WINMEM_PROT_EXECUTE_WRITECOPY &&
	       PAGE_GUARD == WINMEM_PROT_GUARD &&
	       PAGE_NOCACHE == WINMEM_PROT_NOCACHE &&
	       PAGE_WRITECOMBINE == WINMEM_PROT_WRITECOMBINE, "PAGE_*");

#define PROT_BASE	0xff
#define PROT_MODIFIERS	(PAGE_GUARD | PAGE_NOCACHE | PAGE_WRITECOMBINE)
#define PROT_EXECUTES	(PAGE_EXECUTE | PAGE_EXECUTE_READ | PAGE_EXECUTE_READWRITE | \
			 PAGE_EXECUTE_WRITECOPY)
#define PROT_WRITES	(PAGE_READWRITE | PAGE_WRITECOPY | PAGE_EXECUTE_READWRITE | \
			 PAGE_EXECUTE_WRITECOPY)

static bool is_power_of_two(DWORD bits)
{
	return bits && !(bits & (bits - 1));
}

/**
 * winmem_prot_parse() - check a protection (rows P01 to P16)
 * @prot: what the program gave; PAGE_TARGETS_INVALID is taken off
 *
 * The two WRITECOPY protections pass: whether there is anything to copy is for the
 * caller to know.
 *
 * Context: any.
 * Return: 0; EINVAL: not a protection.
 */
int winmem_prot_parse(DWORD *prot)
{
	DWORD base = *prot & PROT_BASE, modifiers;

	if (*prot & PAGE_TARGETS_INVALID && winmem_prot_has_exec(*prot))
		*prot &= ~PAGE_TARGETS_INVALID;

	modifiers = *prot & ~PROT_BASE;
	if (!is_power_of_two(base) || modifiers & ~PROT_MODIFIERS)
		return EINVAL;
	if (modifiers && (!is_power_of_two(modifiers) || base == PAGE_NOACCESS))
		return EINVAL;
	return 0;
}

/**
 * winmem_prot_is_copy() - whether a protection is for copy-on-write views only
 * @prot: PAGE_*
 *
 * Context: any.
 * Return: true for the two WRITECOPY protections.
 */
bool winmem_prot_is_copy(DWORD prot)
{
	return prot & (PAGE_WRITECOPY | PAGE_EXECUTE_WRITECOPY);
}

/**
 * winmem_prot_has_exec() - whether a protection allows execution
 * @prot: PAGE_*
 *
 * Context: any.
 * Return: true for the four EXECUTE protections.
 */
bool winmem_prot_has_exec(DWORD prot)
{
	return prot & PROT_EXECUTES;
}

/**
 * winmem_prot_has_write() - whether a protection allows writing, to a copy if need be
 * @prot: PAGE_*
 *
 * Context: any.
 * Return: true for those that are not for reading or executing only.
 */
bool winmem_prot_has_write(DWORD prot)
{
	return prot & PROT_WRITES;
}

/**
 * winmem_prot_to_mmap() - PROT_* for a protection without modifiers
 * @prot: one of PAGE_*
 *
 * PAGE_EXECUTE can be read too (row P17). PROT_EXEC alone would not do: where the
 * processor has protection keys, Linux makes such pages unreadable.
 *
 * Context: any.
 * Return: PROT_* bits.
 */
int winmem_prot_to_mmap(DWORD prot)
{
	if (prot == PAGE_NOACCESS)
		return PROT_NONE;
	return PROT_READ | (winmem_prot_has_write(prot) ? PROT_WRITE : 0) |
	       (winmem_prot_has_exec(prot) ? PROT_EXEC : 0);
}
