// SPDX-License-Identifier: LGPL-2.1-or-later
/* From a size in units of 16 bytes, rounded up, to its class. See heap_class.h. */
#include "heap_class.h"

/* Eight classes from @class on, each of @step units, beginning at @unit. */
#define RUN(class, unit, step, i) \
	[(unit) + (i) * (step) ... (unit) + ((i) + 1) * (step) - 1] = (class) + (i)
#define EIGHT(class, unit, step) \
	RUN(class, unit, step, 0), RUN(class, unit, step, 1), RUN(class, unit, step, 2), \
	RUN(class, unit, step, 3), RUN(class, unit, step, 4), RUN(class, unit, step, 5), \
	RUN(class, unit, step, 6), RUN(class, unit, step, 7)

/* A block of no bytes has a slot of 16, too. */
const uint8_t winmem_heap_class_table[WINMEM_HEAP_SLOT_MAX / 16 + 1] = {
	EIGHT(0, 1, 1), EIGHT(8, 9, 1),
	EIGHT(16, 17, 2), EIGHT(24, 33, 4), EIGHT(32, 65, 8), EIGHT(40, 129, 16),
	EIGHT(48, 257, 32),
};
