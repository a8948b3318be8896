// SPDX-License-Identifier: GPL-2.0-only
/* GlobalAlloc and its family: section 11, by row. */
#define CALL(name)		Global##name
#define OTHER(name)		Local##name
#define FIXED_LEAST		1
#define DISCARDABLE		GMEM_DISCARDABLE
#define CONVERTS		true
#define UNLOCK_FREED		TRUE
#define BOGUS_FLAGS_ERROR	ERROR_INVALID_HANDLE
#define BOGUS_LOCK_ERROR	ERROR_INVALID_HANDLE
#define BOGUS_UNLOCK_ERROR	UNTOUCHED_ERROR
#define DISCARD_LOCKED_ERROR	UNTOUCHED_ERROR
#include "moveable.h"

TEST(GL05_unlocking_a_fixed_block)
{
	HANDLE memory = make(GMEM_FIXED, 10);

	EXPECT_OK(GlobalUnlock(memory));
	EXPECT_OK(GlobalUnlock(memory));
	put(memory);
}

TEST(GL32_GL33_shared_is_told_of_and_other_flags_are_not)
{
	HANDLE memory = make(MOVEABLE | GMEM_DDESHARE | GMEM_NOTIFY | GMEM_LOWER, 10);

	EXPECT_EQ(GMEM_DDESHARE, GlobalFlags(memory));
	put(memory);
}
