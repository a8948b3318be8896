// SPDX-License-Identifier: GPL-2.0-only
/*
 * Win32's page protections: which values are valid, how a page's state holds them,
 * and what they allow. Pure.
 */
#include <linux/bitops.h>
#include <linux/log2.h>
#include <linux/types.h>
#include <uapi/linux/winmem.h>

#include "prot.h"

#define PROT_BASE	0xff
#define PROT_EXEC_ANY	(WINMEM_PROT_EXECUTE | WINMEM_PROT_EXECUTE_READ | \
			 WINMEM_PROT_EXECUTE_READWRITE)
#define PROT_MODIFIERS	(WINMEM_PROT_GUARD | WINMEM_PROT_NOCACHE | WINMEM_PROT_WRITECOMBINE)

/* PAGE_EXECUTE can be read: x86 has no page that is executable only (row P17). */
static const struct {
	u32 prot;
	unsigned int access;
} prot_table[] = {
	[1] = { WINMEM_PROT_NOACCESS, 0 },
	[2] = { WINMEM_PROT_READONLY, WINMEM_ACCESS_READ },
	[3] = { WINMEM_PROT_READWRITE, WINMEM_ACCESS_READ | WINMEM_ACCESS_WRITE },
	[4] = { WINMEM_PROT_EXECUTE, WINMEM_ACCESS_READ | WINMEM_ACCESS_EXEC },
	[5] = { WINMEM_PROT_EXECUTE_READ, WINMEM_ACCESS_READ | WINMEM_ACCESS_EXEC },
	[6] = { WINMEM_PROT_EXECUTE_READWRITE,
		WINMEM_ACCESS_READ | WINMEM_ACCESS_WRITE | WINMEM_ACCESS_EXEC },
	[7] = { },
};

/* By the number of the protection's bit; WRITECOPY and EXECUTE_WRITECOPY are for images. */
static const u8 prot_states[] = {
	1, 2, 3, WINMEM_PAGE_NONE,
	4 | WINMEM_PAGE_EXEC, 5 | WINMEM_PAGE_EXEC, 6 | WINMEM_PAGE_EXEC, WINMEM_PAGE_NONE,
};

/*
 * GUARD, NOCACHE and WRITECOMBINE exclude each other, and NOACCESS goes with none of
 * them (rows P06 to P09).
 */
static bool modifiers_are_valid(u32 prot)
{
	u32 modifiers = prot & PROT_MODIFIERS;

	if (modifiers & (modifiers - 1))
		return false;
	return !modifiers || !(prot & WINMEM_PROT_NOACCESS);
}

/**
 * winmem_prot_to_page() - the page state for a protection
 * @prot: WINMEM_PROT_*
 *
 * NOCACHE and WRITECOMBINE belong to the reservation and leave no trace in the state.
 * Context: any.
 * Return: the state, EXEC included where @prot has execute; WINMEM_PAGE_NONE when
 * @prot is not a valid protection (rows P01 to P15).
 */
u8 winmem_prot_to_page(u32 prot)
{
	u32 base = prot & PROT_BASE;
	u8 state;

	if (!is_power_of_2(base))
		return WINMEM_PAGE_NONE;
	state = prot_states[__ffs(base)];
	if (prot == base)
		return state;

	if (!state || prot & ~(PROT_BASE | PROT_MODIFIERS) || !modifiers_are_valid(prot))
		return WINMEM_PAGE_NONE;
	return prot & WINMEM_PROT_GUARD ? state | WINMEM_PAGE_GUARD : state;
}

/**
 * winmem_prot_from_page() - the protection that a page state shows
 * @state: any state
 *
 * Context: any.
 * Return: WINMEM_PROT_*; 0 for a page that is not committed.
 */
u32 winmem_prot_from_page(u8 state)
{
	u32 prot = prot_table[state & WINMEM_PAGE_PROT].prot;

	if (prot && state & WINMEM_PAGE_GUARD)
		prot |= WINMEM_PROT_GUARD;
	return prot;
}

/**
 * winmem_prot_has_exec() - whether a protection needs an executable mapping
 * @prot: WINMEM_PROT_*
 *
 * Context: any.
 * Return: true for the three EXECUTE protections.
 */
bool winmem_prot_has_exec(u32 prot)
{
	return prot & PROT_EXEC_ANY;
}

/**
 * winmem_page_access() - what may be done with a page
 * @state: any state
 *
 * Context: any.
 * Return: WINMEM_ACCESS_* bits; none for pages not committed, guarded or offered.
 */
unsigned int winmem_page_access(u8 state)
{
	if (state & (WINMEM_PAGE_GUARD | WINMEM_PAGE_OFFERED))
		return 0;
	return prot_table[state & WINMEM_PAGE_PROT].access;
}
