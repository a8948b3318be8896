/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * More memory than the machine has: a child that wants most of it, and the question whether
 * winmem's pages did go to swap and come back.
 */
#ifndef WINMEM_TESTS_STRESS_PRESSURE_H
#define WINMEM_TESTS_STRESS_PRESSURE_H

#include <stdbool.h>

void pressure_begin(void);	/* before any memory of winmem's is there */
void pressure_look(void);	/* now and then, while nobody works */
bool pressure_end(void);	/* prints what has happened; false: it was no pressure */

#endif
