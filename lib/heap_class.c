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

/* The same, of which the last is a unit longer, behind others of which the last was. */
#define LONGER(class, unit, step) \
	[(unit) + 1 ... (unit) + (step) - 1] = (class), \
	RUN(class, unit, step, 1), RUN(class, unit, step, 2), RUN(class, unit, step, 3), \
	RUN(class, unit, step, 4), RUN(class, unit, step, 5), RUN(class, unit, step, 6), \
	RUN(class, unit, step, 7), [(unit) + 8 * (step)] = (class) + 7

/* A block of no bytes has a slot of 16, too. */
const uint8_t winmem_heap_class_table[WINMEM_HEAP_CLASS_UNITS] = {
	EIGHT(0, 1, 1), EIGHT(8, 9, 1),
	EIGHT(16, 17, 2), [33] = 24,
	LONGER(24, 33, 4), LONGER(32, 65, 8), LONGER(40, 129, 16), LONGER(48, 257, 32),
};
