// SPDX-License-Identifier: GPL-2.0-only
/* LocalAlloc and its family: section 11, by row. */
#define CALL(name)		Local##name
#define OTHER(name)		Global##name
#define FIXED_LEAST		0
#define DISCARDABLE		LMEM_DISCARDABLE
#define CONVERTS		false
#define UNLOCK_FREED		FALSE
#define BOGUS_FLAGS_ERROR	ERROR_NOACCESS
#define BOGUS_LOCK_ERROR	UNTOUCHED_ERROR
#define BOGUS_UNLOCK_ERROR	ERROR_NOT_LOCKED
#define DISCARD_LOCKED_ERROR	ERROR_INVALID_PARAMETER
#include "moveable.h"

TEST(GL05_unlocking_a_fixed_block)
{
	HANDLE memory = make(LMEM_FIXED, 10);

	EXPECT_ERROR(ERROR_NOT_LOCKED, LocalUnlock(memory));
	put(memory);
}

TEST(GL32_shared_is_not_told_of)
{
	HANDLE memory = EXPECT_OK(GlobalAlloc(MOVEABLE | GMEM_DDESHARE, 10));

	EXPECT_EQ(0, LocalFlags(memory));
	put(memory);
}
