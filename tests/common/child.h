/* SPDX-License-Identifier: GPL-2.0-only */
/* Children: @function runs in one, which ends with status 0 unless a check fails in it. */
#ifndef WINMEM_TESTS_CHILD_H
#define WINMEM_TESTS_CHILD_H

#include "harness.h"

pid_t start_child(void (*function)(void *arg), void *arg);
void finish_child(const char *at, pid_t child, int signo);
void *shared_page(void);		/* for parent and child, zeroed */

#define FINISH(child)			finish_child(HERE, child, 0)
#define FINISH_KILLED(child, signo)	finish_child(HERE, child, signo)
#define IN_CHILD(function, arg)		FINISH(start_child(function, arg))

#endif
