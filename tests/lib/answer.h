/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls that answer with their error, and say nothing through GetLastError(). */
#ifndef WINMEM_TESTS_LIB_ANSWER_H
#define WINMEM_TESTS_LIB_ANSWER_H

#include "common.h"

/* Whatever it answers, the last error is not its business. */
#define EXPECT_ANSWER(error, call)					\
	do {								\
		call_begin();						\
		DWORD answer_ = (call);					\
		call_succeeded(HERE, #call, 1);				\
		EXPECT_EQ(error, answer_);				\
	} while (0)

/* And when it is an error, nothing has changed. */
#define EXPECT_NOTHING(error, addr, size, call)				\
	do {								\
		struct snapshot *before_ = snapshot_take(HERE, addr, size); \
		EXPECT_ANSWER(error, call);				\
		snapshot_check(HERE, before_);				\
	} while (0)

#endif
