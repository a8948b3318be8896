// SPDX-License-Identifier: GPL-2.0-only
/*
 * INFO: what this kernel can do.
 */
#include "common.h"

#include <fcntl.h>

TEST(the_version_range_contains_the_one_we_were_built_for)
{
	struct winmem_info args = info();

	EXPECT(args.out_version_min >= 1);
	EXPECT(args.out_version_min <= WINMEM_VERSION);
	EXPECT(args.out_version >= WINMEM_VERSION);
}

TEST(version_1_has_no_features_yet)
{
	EXPECT_EQ(0, info().out_features);
}

TEST(S01_page_size_granularity_and_bounds)
{
	struct winmem_info args = info();

	EXPECT_EQ(sysconf(_SC_PAGESIZE), args.out_page_size);
	EXPECT_EQ(PAGE, args.out_page_size);
	EXPECT_EQ(GRAN, args.out_granularity);
	EXPECT_EQ(0x10000, args.out_lowest);
	EXPECT_EQ(0x7ffffffeffff, args.out_highest);
}

TEST(the_size_is_left_as_it_was)
{
	struct winmem_info args = info();

	EXPECT_EQ(sizeof(args), args.size);
	EXPECT_EQ(0, args.flags);
}

TEST(the_answer_is_the_same_every_time)
{
	struct winmem_info first = info(), second;

	reserve_commit(GRAN, READWRITE);
	second = info();
	EXPECT(!memcmp(&first, &second, sizeof(first)));
}

TEST(any_way_to_open_the_device_will_do_for_asking)
{
	const int ways[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_NONBLOCK };

	for (unsigned int i = 0; i < ARRAY_LEN(ways); i++) {
		int fd = open(DEVICE, ways[i] | O_CLOEXEC);
		struct winmem_info args = info_args();

		EXPECT_OK(fd);
		EXPECT_OK(ioctl(fd, WINMEM_IOC_INFO, &args));
		EXPECT_EQ(GRAN, args.out_granularity);
		close(fd);
	}
}
