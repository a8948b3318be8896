// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is the same for every ioctl: sizes, flags, reserved fields, numbers.
 */
#include "calls.h"

#include <sys/syscall.h>

/* A buffer with nothing behind it, so that a read too far is a fault. */
#define ROOM	(3 * PAGE)

static unsigned char *room_make(void)
{
	unsigned char *room = map_foreign(0, ROOM + PAGE, PROT_READ | PROT_WRITE);

	EXPECT_OK(munmap(room + ROOM, PAGE));
	return room;
}

static bool all_zero(const unsigned char *bytes, size_t length)
{
	while (length--)
		if (*bytes++)
			return false;
	return true;
}

TEST(structs_have_the_sizes_they_had_and_no_holes)
{
	EXPECT_EQ(48, sizeof(struct winmem_info));
	EXPECT_EQ(72, sizeof(struct winmem_reserve));
	EXPECT_EQ(32, sizeof(struct winmem_commit));
	EXPECT_EQ(40, sizeof(struct winmem_decommit));
	EXPECT_EQ(32, sizeof(struct winmem_release));
	EXPECT_EQ(32, sizeof(struct winmem_protect));
	EXPECT_EQ(24, sizeof(struct winmem_reset));
	EXPECT_EQ(64, sizeof(struct winmem_query));
	EXPECT_EQ(48, sizeof(struct winmem_limit));
	EXPECT_EQ(40, sizeof(struct winmem_lock));
	EXPECT_EQ(24, sizeof(struct winmem_offer));
	for_each_call(call) {
		EXPECT_EQ(0, call->size % 8);
		EXPECT_EQ(WINMEM_IOC_TYPE, _IOC_TYPE(call->nr));
		EXPECT_EQ(call - calls, _IOC_NR(call->nr));
	}
}

TEST(the_fixture_is_valid_for_every_call)
{
	fixture_make();
	for_each_call(call) {
		union args args = call_args(call);

		if (ioctl(dev, call->nr, &args)) {
			ABOUT(call, "errno", errno);
			check_failed(HERE, "refused");
		}
		fixture_renew(call, &args);
	}
}

TEST(every_call_that_has_outputs_writes_all_of_them)
{
	fixture_make();
	for_each_call(call) {
		union args args = call_args(call);

		EXPECT_OK(ioctl(dev, call->nr, &args));
		/* No valid output consists of the preset, and no input does. */
		for (unsigned int i = 0; i < call->size; i += 4) {
			if (word_is(&args, i, CC32)) {
				ABOUT(call, "not written: offset", i);
				check_failed(HERE, "an output was left alone");
			}
		}
		fixture_renew(call, &args);
	}
}

TEST(too_short_is_EINVAL)
{
	fixture_make();
	for_each_call(call) {
		const unsigned int first = call->first ? call->first : call->size;
		const unsigned int sizes[] = { 0, 1, 4, 7, 8, first - 8, first - 1 };

		for (unsigned int i = 0; i < ARRAY_LEN(sizes); i++) {
			union args args = call_args(call);

			args.size = sizes[i];
			CALL_REFUSED(EINVAL, call, &args);
		}
	}
}

/* From a program that was compiled before the struct grew; and from nobody, in between. */
TEST(the_size_of_version_1_is_accepted_and_no_more_is_written)
{
	unsigned char *room = room_make();

	fixture_make();
	for_each_call(call) {
		for (unsigned int size = call->first; size && size < call->size; size++) {
			union args args = call_args(call);
			/* The end of the struct is the end of the mapping, and then it is not. */
			unsigned char *ends[] = { room + ROOM, room + ROOM - 64 };

			args.size = size;
			for (unsigned int i = 0; i < ARRAY_LEN(ends); i++) {
				unsigned char *at = ends[i] - size;

				memset(room, 0xcc, ROOM);
				memcpy(at, &args, size);
				EXPECT_OK(ioctl(dev, call->nr, at));
				EXPECT_EQ(size, *(unsigned int *)at);
				for (unsigned int word = 0; word + 4 <= size; word += 4)
					EXPECT(memcmp(at + word, "\xcc\xcc\xcc\xcc", 4));
				for (unsigned char *after = ends[i]; after < room + ROOM; after++)
					EXPECT_EQ(0xcc, *after);
			}
		}
	}
}

TEST(longer_with_a_zero_tail_is_accepted_and_the_tail_left_alone)
{
	unsigned char *room = room_make();

	fixture_make();
	for_each_call(call) {
		const unsigned int sizes[] = { call->size + 1, call->size + 8, call->size + 64,
					       PAGE };

		for (unsigned int i = 0; i < ARRAY_LEN(sizes); i++) {
			union args args = call_args(call);
			/* The end of the struct is the end of the mapping. */
			unsigned char *at = room + ROOM - sizes[i];

			memset(room, 0, ROOM);
			args.size = sizes[i];
			memcpy(at, &args, call->size);
			if (ioctl(dev, call->nr, at)) {
				ABOUT(call, "size", sizes[i]);
				check_failed(HERE, "refused: %s", strerror(errno));
			}
			EXPECT(all_zero(at + call->size, sizes[i] - call->size));
			EXPECT_EQ(sizes[i], *(unsigned int *)at);
			fixture_renew(call, at);
		}
	}
}

TEST(longer_with_a_tail_that_is_not_zero_is_E2BIG)
{
	unsigned char *room = room_make();

	fixture_make();
	for_each_call(call) {
		const unsigned int sizes[] = { call->size + 1, call->size + 8, call->size + 64,
					       call->size + 160 };

		for (unsigned int i = 0; i < ARRAY_LEN(sizes); i++) {
			const unsigned int tails[] = { call->size, sizes[i] - 1 };

			for (unsigned int j = 0; j < ARRAY_LEN(tails); j++) {
				union args args = call_args(call);

				memset(room, 0, PAGE);
				args.size = sizes[i];
				memcpy(room, &args, call->size);
				room[tails[j]] = 0x80;
				check_refused(HERE, E2BIG, call->nr, room, sizes[i]);
			}
		}
	}
}

/*
 * The kernel may say at which size it stops reading, a page at the least: E2BIG. It
 * may not read for as long as the caller likes, nor past what is mapped.
 */
TEST(longer_than_a_page_is_accepted_or_E2BIG_but_never_read_for_long)
{
	unsigned char *room = room_make();

	fixture_make();
	for_each_call(call) {
		union args args = call_args(call);
		int ret;

		memset(room, 0, ROOM);
		args.size = PAGE + 8;
		memcpy(room, &args, call->size);
		ret = ioctl(dev, call->nr, room);
		if (ret)
			EXPECT_EQ(E2BIG, errno);
		else
			fixture_renew(call, room);

		args = call_args(call);
		args.size = PAGE + 8;
		memcpy(room, &args, call->size);
		room[PAGE + 7] = 1;
		check_refused(HERE, E2BIG, call->nr, room, 256);

		for (unsigned int size = 0x80000000; size; size = size == ~0U ? 0 : ~0U) {
			args.size = size;
			memset(room, 0, ROOM);
			memcpy(room, &args, call->size);
			EXPECT_EQ(-1ULL, (long)ioctl(dev, call->nr, room));
			EXPECT(errno == E2BIG || errno == EFAULT);
		}
	}
	EXPECT(filled(fixture, FIXTURE_FILLED, FIXTURE_SEED));
	EXPECT_COMMITTED(fixture, FIXTURE_FILLED, READWRITE);
}

TEST(each_unknown_flag_is_EOPNOTSUPP)
{
	fixture_make();
	for_each_call(call) {
		for (unsigned int flag = 1; flag; flag <<= 1) {
			union args args = call_args(call);

			if (flag & call->flags)
				continue;
			/* size and flags begin every struct. */
			args.info.flags |= flag;
			CALL_REFUSED(EOPNOTSUPP, call, &args);
		}
	}
}

TEST(each_reserved_field_must_be_zero)
{
	const unsigned int values[] = { 1, 0x80000000, ~0U };

	fixture_make();
	for_each_call(call) {
		for (unsigned int i = 0; i < ARRAY_LEN(call->reserved); i++) {
			for (unsigned int j = 0; call->reserved[i] && j < ARRAY_LEN(values); j++) {
				union args args = call_args(call);

				memcpy(args.bytes + call->reserved[i], &values[j], 4);
				CALL_REFUSED(EINVAL, call, &args);
			}
		}
	}
}

TEST(what_outputs_held_before_is_ignored)
{
	fixture_make();
	for_each_call(call) {
		union args args = call_args(call);

		/* call_args() presets them to 0xcc; here to the other extremes. */
		for (unsigned int i = 0; i < call->size; i += 4)
			if (word_is(&args, i, CC32))
				memset(args.bytes + i, 0xff, 4);
		EXPECT_OK(ioctl(dev, call->nr, &args));
		fixture_renew(call, &args);
	}
}

TEST(a_struct_may_stand_at_an_odd_address)
{
	unsigned char odd[sizeof(union args) + 1];

	fixture_make();
	for_each_call(call) {
		union args args = call_args(call);

		memcpy(odd + 1, &args, call->size);
		EXPECT_OK(ioctl(dev, call->nr, odd + 1));
		fixture_renew(call, odd + 1);
	}
}

TEST(unknown_numbers_of_our_type_are_ENOTTY)
{
	fixture_make();
	for (unsigned int nr = ARRAY_LEN(calls); nr < 256; nr++) {
		union args args = call_args(&calls[1]);

		REFUSED(ENOTTY, _IO(WINMEM_IOC_TYPE, nr), &args);
	}
}

/* The number carries no direction and no size; one that does is another number. */
TEST(our_numbers_with_a_direction_or_a_size_are_ENOTTY)
{
	fixture_make();
	for_each_call(call) {
		const unsigned int nr = _IOC_NR(call->nr);
		const unsigned int others[] = {
			_IOC(_IOC_READ, WINMEM_IOC_TYPE, nr, 0),
			_IOC(_IOC_WRITE, WINMEM_IOC_TYPE, nr, 0),
			_IOC(_IOC_READ | _IOC_WRITE, WINMEM_IOC_TYPE, nr, call->size),
			_IOC(_IOC_NONE, WINMEM_IOC_TYPE, nr, call->size),
		};

		for (unsigned int i = 0; i < ARRAY_LEN(others); i++) {
			union args args = call_args(call);

			check_refused(HERE, ENOTTY, others[i], &args, call->size);
		}
	}
}

TEST(numbers_of_other_types_are_ENOTTY)
{
	const unsigned int types[] = { 0x3b, 'T', 'X' + 1, WINMEM_IOC_TYPE - 1,
				       WINMEM_IOC_TYPE + 1, 0xff };

	fixture_make();
	for (unsigned int i = 0; i < ARRAY_LEN(types); i++) {
		for_each_call(call) {
			union args args = call_args(call);

			check_refused(HERE, ENOTTY, _IO(types[i], _IOC_NR(call->nr)), &args,
				      call->size);
		}
	}
}

/*
 * A 32-bit program has the same structs. Its calls work, or they are unknown numbers
 * to a module without a compat entry; a 64-bit process makes one through int 0x80.
 */
TEST(a_call_of_a_32_bit_program_works_or_is_ENOTTY)
{
#ifdef __x86_64__
	struct winmem_info *args = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	int ret;

	EXPECT(args != MAP_FAILED);
	*args = info_args();
	/* 54 is ioctl there. The entry clobbers r8 to r11 on some kernels. */
	asm volatile("int $0x80" : "=a"(ret)
		     : "a"(54), "b"(dev), "c"(WINMEM_IOC_INFO), "d"(args)
		     : "memory", "r8", "r9", "r10", "r11");
	if (ret)
		EXPECT_EQ(ENOTTY, -ret);
	else
		EXPECT_EQ(WINMEM_VERSION, args->out_version);
	munmap(args, PAGE);
#else
	skip();
#endif
}
