/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The page calls of heaps, as VirtualAlloc makes them. */
#ifndef WINMEM_SUPPLY_H
#define WINMEM_SUPPLY_H

#include "heap_supply.h"

extern const struct winmem_heap_supply winmem_supply_data;	/* PAGE_READWRITE */
extern const struct winmem_heap_supply winmem_supply_code;	/* PAGE_EXECUTE_READWRITE */

#endif /* WINMEM_SUPPLY_H */
