// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the struct itself lies: nowhere, half in a hole, in memory that cannot be
 * written, in winmem's own memory. A call that cannot deliver its outputs must not
 * have done its work: "a call that fails changes nothing".
 */
#include "calls.h"

static unsigned char *two_pages(void)
{
	return map_foreign(0, 2 * PAGE, PROT_READ | PROT_WRITE);
}

static void efault(const struct call *call, void *pointer)
{
	struct snapshot before, after;

	snapshot_take(HERE, &before, fixture, FIXTURE_LENGTH);
	if (ioctl(dev, call->nr, pointer) != -1 || errno != EFAULT) {
		ABOUT(call, "at", (unsigned long)pointer);
		check_failed(HERE, "not EFAULT");
	}
	snapshot_take(HERE, &after, fixture, FIXTURE_LENGTH);
	check_same(HERE, &before, &after);
	snapshot_drop(&before);
	snapshot_drop(&after);
}

TEST(pointers_to_nothing_are_EFAULT)
{
	unsigned char *gone = two_pages();
	void *pointers[] = {
		NULL, (void *)8, (void *)(PAGE - 8), gone,
		(void *)0x7ffffffff000UL,		/* the last page is never mapped */
		(void *)0x800000000000UL,		/* not canonical */
		(void *)0xffff888000000000UL,		/* the kernel's */
		(void *)0xffffffffff600000UL, (void *)-8UL, (void *)-1UL,
	};

	EXPECT_OK(munmap(gone, 2 * PAGE));
	fixture_make();
	for_each_call(call)
		for (unsigned int i = 0; i < ARRAY_LEN(pointers); i++)
			efault(call, pointers[i]);
}

TEST(a_struct_that_runs_into_a_hole_is_EFAULT)
{
	unsigned char *room = two_pages();

	fixture_make();
	EXPECT_OK(munmap(room + PAGE, PAGE));
	for_each_call(call) {
		for (unsigned int inside = 1; inside < call->size; inside++) {
			union args args = call_args(call);
			unsigned char *at = room + PAGE - inside;

			if (inside > 8 && inside % 4)
				continue;
			memcpy(at, &args, inside);
			efault(call, at);
			/* Nothing was written either. */
			EXPECT(!memcmp(at, &args, inside));
		}
	}
}

TEST(a_struct_that_begins_in_a_hole_is_EFAULT)
{
	unsigned char *room = two_pages();

	fixture_make();
	EXPECT_OK(munmap(room, PAGE));
	for_each_call(call)
		for (unsigned int outside = 4; outside < call->size; outside += 4)
			efault(call, room + PAGE - outside);
}

/* COMMIT, RESET and OFFER have nothing to write, so their struct may be read-only. */
TEST(a_read_only_struct_is_EFAULT_for_calls_with_outputs)
{
	unsigned char *room = two_pages();

	fixture_make();
	for_each_call(call) {
		union args args = call_args(call);

		memcpy(room, &args, call->size);
		EXPECT_OK(mprotect(room, PAGE, PROT_READ));
		if (call_writes(call)) {
			efault(call, room);
		} else {
			EXPECT_OK(ioctl(dev, call->nr, room));
			fixture_renew(call, room);
		}
		EXPECT(!memcmp(room, &args, call->size));
		EXPECT_OK(mprotect(room, PAGE, PROT_READ | PROT_WRITE));
	}
}

/*
 * The second part of the struct cannot be written. Which part the kernel writes is
 * its own business; but either all of the call happened or nothing of it.
 */
static void half_read_only(const struct call *call, unsigned char *room, unsigned int inside)
{
	union args args = call_args(call), now;
	struct snapshot before, after;
	unsigned char *at = room + PAGE - inside;
	int ret;

	EXPECT_OK(mprotect(room + PAGE, PAGE, PROT_READ | PROT_WRITE));
	memcpy(at, &args, call->size);
	EXPECT_OK(mprotect(room + PAGE, PAGE, PROT_READ));

	snapshot_take(HERE, &before, fixture, FIXTURE_LENGTH);
	ret = ioctl(dev, call->nr, at);
	memcpy(&now, at, call->size);
	if (!ret) {
		EXPECT(!call_writes(call) || memcmp(&now, &args, call->size));
		fixture_renew(call, &now);
	} else {
		EXPECT_EQ(EFAULT, errno);
		EXPECT(!memcmp(&now, &args, call->size));
		snapshot_take(HERE, &after, fixture, FIXTURE_LENGTH);
		check_same(HERE, &before, &after);
		snapshot_drop(&after);
	}
	snapshot_drop(&before);
}

TEST(a_struct_that_is_half_read_only_is_all_or_nothing)
{
	unsigned char *room = two_pages();

	fixture_make();
	for_each_call(call)
		for (unsigned int inside = 4; inside < call->size; inside += 4)
			half_read_only(call, room, inside);
}

TEST(limit_with_a_read_only_struct_keeps_the_old_limit)
{
	struct winmem_limit *args = (void *)two_pages();

	limit_set(1 * GIB);
	*args = limit_args(WINMEM_LIMIT_SET, 2 * PAGE);
	EXPECT_OK(mprotect(args, PAGE, PROT_READ));
	EXPECT_ERRNO(EFAULT, ioctl(dev, WINMEM_IOC_LIMIT, args));
	EXPECT_EQ(GIB, limit_at(HERE, 0, 0).out_limit);
	limit_set(~0UL);
}

/* More reservations than one may hide in a free run: count them all. */
TEST(reserve_with_a_read_only_struct_leaves_no_reservation_behind)
{
	unsigned long addr = find_hole(GRAN);
	struct winmem_reserve *args = (void *)two_pages();

	*args = reserve_args(addr, GRAN, READWRITE, WINMEM_RESERVE_COMMIT);
	EXPECT_OK(mprotect(args, PAGE, PROT_READ));
	for (int i = 0; i < 10; i++) {
		EXPECT_ERRNO(EFAULT, ioctl(dev, WINMEM_IOC_RESERVE, args));
		EXPECT_FREE(addr);
		EXPECT_EQ(0, charge());
	}
	reserve_fixed(addr, GRAN);
}

/* From here on the struct lies in memory that the call itself governs. */

TEST(sec13_a_struct_in_untouched_winmem_pages_does_not_deadlock)
{
	unsigned long base = reserve_commit(4 * GRAN, READWRITE);

	fixture_make();
	for_each_call(call) {
		for (unsigned int inside = 8; inside < call->size; inside += 8) {
			union args args = call_args(call);
			unsigned char *at = (void *)(base + PAGE - inside);

			/* Only so much of the second page is touched as holds inputs. */
			decommit(base, 2 * PAGE);
			commit(base, 2 * PAGE, READWRITE);
			memcpy(at, &args, inside);
			for (unsigned int i = inside; i < call->size; i += 4)
				if (!word_is(&args, i, 0) && !word_is(&args, i, CC32))
					memcpy(at + i, args.bytes + i, 4);
			EXPECT_OK(ioctl(dev, call->nr, at));
			fixture_renew(call, at);
		}
	}
}

TEST(a_struct_in_a_READONLY_winmem_page_is_EFAULT_for_calls_with_outputs)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	fixture_make();
	for_each_call(call) {
		union args args = call_args(call);

		memcpy((void *)base, &args, call->size);
		protect(base, PAGE, READONLY);
		if (call_writes(call)) {
			efault(call, (void *)base);
		} else {
			EXPECT_OK(ioctl(dev, call->nr, base));
			fixture_renew(call, (void *)base);
		}
		EXPECT(!memcmp((void *)base, &args, call->size));
		protect(base, PAGE, READWRITE);
	}
}

TEST(a_struct_in_a_NOACCESS_or_reserved_winmem_page_is_EFAULT)
{
	unsigned long base = reserve(GRAN);

	commit(base, PAGE, NOACCESS);
	fixture_make();
	for_each_call(call) {
		efault(call, (void *)base);
		efault(call, (void *)(base + PAGE));
	}
}

TEST(G11_a_struct_in_a_guard_page_is_EFAULT_and_the_guard_is_gone)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	fixture_make();
	for_each_call(call) {
		union args args = call_args(call);

		memcpy((void *)base, &args, call->size);
		protect(base, PAGE, READWRITE | GUARD);
		efault(call, (void *)base);
		EXPECT_EQ(READWRITE, query(base).out_prot);
		EXPECT(!memcmp((void *)base, &args, call->size));
	}
}

/*
 * The call takes away the memory that its outputs go to. Success with the outputs
 * lost is fine, and so is EFAULT with nothing done; a mix is not.
 */
TEST(release_of_the_memory_that_holds_the_struct)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	struct winmem_release *args = (void *)(base + PAGE);

	*args = release_args(base);
	if (!ioctl(dev, WINMEM_IOC_RELEASE, args)) {
		EXPECT_FREE(base);
		EXPECT_EQ(0, charge());
		EXPECT(!try_read(base));
		return;
	}
	EXPECT_EQ(EFAULT, errno);
	EXPECT_COMMITTED(base, GRAN, READWRITE);
	EXPECT_EQ(base, args->addr);
	EXPECT_EQ(CC64, args->out_length);
}

TEST(decommit_of_the_memory_that_holds_the_struct)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	struct winmem_decommit *args = (void *)(base + PAGE);

	*args = decommit_args(base, 2 * PAGE);
	if (!ioctl(dev, WINMEM_IOC_DECOMMIT, args)) {
		EXPECT_RESERVED(base, 2 * PAGE);
		EXPECT(!try_read(base + PAGE));
		/* What was written late must not show when the page comes back. */
		commit(base + PAGE, PAGE, READWRITE);
		EXPECT(zeroed(base + PAGE, PAGE));
		return;
	}
	EXPECT_EQ(EFAULT, errno);
	EXPECT_COMMITTED(base, GRAN, READWRITE);
	EXPECT_EQ(CC64, args->out_length);
}

TEST(protect_of_the_memory_that_holds_the_struct)
{
	/* A guard would be hit by the answer, and go. */
	const unsigned int prots[] = { READONLY, NOACCESS };

	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		unsigned long base = reserve_commit(GRAN, READWRITE);
		struct winmem_protect *args = (void *)base;
		int ret;

		*args = protect_args(base, PAGE, prots[i]);
		ret = ioctl(dev, WINMEM_IOC_PROTECT, args);
		if (ret)
			EXPECT_EQ(EFAULT, errno);
		EXPECT_COMMITTED(base, ret ? GRAN : PAGE, ret ? READWRITE : prots[i]);
		protect(base, PAGE, READWRITE);
		EXPECT_EQ(prots[i], args->prot);
		release(base);
	}
}

TEST(reset_of_the_memory_that_holds_the_struct)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	struct winmem_reset *args = (void *)base;

	*args = reset_args(base, GRAN, 0);
	EXPECT_OK(ioctl(dev, WINMEM_IOC_RESET, args));
	EXPECT_COMMITTED(base, GRAN, READWRITE);
}
