/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sizes of slots: steps of 16 bytes up to 256, then eight to each doubling, up to 8 KiB.
 * So at most one byte in eight is lost to rounding, one in sixteen on the average. Powers of
 * two from 1 KiB on are 16 bytes longer: programs often ask for one, and for a header of theirs.
 */
#ifndef WINMEM_HEAP_CLASS_H
#define WINMEM_HEAP_CLASS_H

#include <stddef.h>
#include <stdint.h>

#define WINMEM_HEAP_CLASSES	56
#define WINMEM_HEAP_SLOT_MAX	((size_t)8192)

/* The last slot is longer than what is asked for. */
#define WINMEM_HEAP_CLASS_UNITS	(WINMEM_HEAP_SLOT_MAX / 16 + 2)

extern const uint8_t winmem_heap_class_table[WINMEM_HEAP_CLASS_UNITS];

/* @size: at most WINMEM_HEAP_SLOT_MAX. */
static inline unsigned int winmem_heap_class(size_t size)
{
	return winmem_heap_class_table[(size + 15) / 16];
}

static inline size_t winmem_heap_class_size(unsigned int class)
{
	unsigned int doubling, step;

	if (class < 16)
		return (class + 1) * 16;
	doubling = (class - 16) / 8;
	step = (class - 16) % 8;
	return ((size_t)256 << doubling) + ((step + 1) * (size_t)32 << doubling) +
	       (doubling && step == 7 ? 16 : 0);
}

#endif /* WINMEM_HEAP_CLASS_H */
