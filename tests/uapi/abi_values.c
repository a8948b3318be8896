// SPDX-License-Identifier: GPL-2.0-only
/*
 * The values in the fields: addresses and lengths of every awkward size, and all
 * protections. Everything refused is refused without a change.
 */
#include "calls.h"

#define TOP	0x7fffffff0000UL	/* the byte after out_highest on x86-64 */

/* Which errnos are right: a set, since two rows can hold for one value. */
#define OK	(1U << 0)
#define INVAL	(1U << 1)
#define NOENT	(1U << 2)
#define RANGE	(1U << 3)
#define NOMEM	(1U << 4)
#define NXIO	(1U << 5)

static unsigned int outcome(int ret)
{
	if (!ret)
		return OK;
	switch (errno) {
	case EINVAL:
		return INVAL;
	case ENOENT:
		return NOENT;
	case ERANGE:
		return RANGE;
	case ENOMEM:
		return NOMEM;
	case ENXIO:
		return NXIO;
	default:
		return 0;
	}
}

static const struct call *call_of(unsigned int nr)
{
	return &calls[_IOC_NR(nr)];
}

/* Valid arguments with one field changed: one of the outcomes, and no trace if not OK. */
static void one_value(unsigned int nr, unsigned int offset, unsigned long value,
		      unsigned int outcomes)
{
	const struct call *call = call_of(nr);
	union args args = call_args(call), copy;
	struct snapshot before, after;
	unsigned int got;

	memcpy(args.bytes + offset, &value, 8);
	copy = args;
	snapshot_take(HERE, &before, fixture, FIXTURE_LENGTH);
	got = outcome(ioctl(dev, nr, &args));
	if (!(got & outcomes)) {
		ABOUT(call, "field at offset", offset);
		ABOUT(call, "value", value);
		check_failed(HERE, "outcome %#x: %s", got, got == OK ? "accepted" : strerror(errno));
	}
	if (got == OK) {
		fixture_renew(call, &args);
	} else {
		EXPECT(!memcmp(&args, &copy, call->size));
		snapshot_take(HERE, &after, fixture, FIXTURE_LENGTH);
		check_same(HERE, &before, &after);
		snapshot_drop(&after);
	}
	snapshot_drop(&before);
}

#define FIELD(type, field)	offsetof(struct winmem_##type, field)

/* Lengths that are wrong for every call that takes one. */
static const unsigned long bad_lengths[] = {
	0, 1, 8, PAGE - 1, PAGE + 1, 2 * PAGE - 1, GRAN - 1, GRAN + 1, 0xfffffffffUL,
	(1UL << 47) + 1, (1UL << 63) + 1, ~0UL, ~0UL - 1,
};

/*
 * Whole pages, but more than there is. With five levels of page tables there are user
 * addresses up to 2^56, and a range that ends below may also be told to hold nothing.
 */
static const unsigned long long_lengths[] = {
	1UL << 47, (1UL << 47) + PAGE, 1UL << 48, 1UL << 52, 1UL << 62, 1UL << 63,
	(1UL << 63) + PAGE, -(1UL << 47), -(2 * GRAN), -GRAN, -PAGE,
};

#define LEVELS_5	(1UL << 56)

static void lengths(unsigned int nr, unsigned int offset, unsigned int long_outcomes)
{
	fixture_make();
	for (unsigned int i = 0; i < ARRAY_LEN(bad_lengths); i++)
		one_value(nr, offset, bad_lengths[i], INVAL);
	for (unsigned int i = 0; i < ARRAY_LEN(long_lengths); i++)
		one_value(nr, offset, long_lengths[i], long_outcomes |
			  (nr != WINMEM_IOC_RESERVE && long_lengths[i] < LEVELS_5 ? NOENT : 0));
}

TEST(sec17_VA02_reserve_length)
{
	lengths(WINMEM_IOC_RESERVE, FIELD(reserve, length), INVAL);
}

TEST(sec17_VA17_commit_length)
{
	lengths(WINMEM_IOC_COMMIT, FIELD(commit, length), INVAL);
}

/* Both are error 87 to Windows: past the reservation, past the address space. */
TEST(sec17_VF16_decommit_length)
{
	lengths(WINMEM_IOC_DECOMMIT, FIELD(decommit, length), INVAL | RANGE);
}

TEST(sec17_VP14_protect_length)
{
	lengths(WINMEM_IOC_PROTECT, FIELD(protect, length), INVAL);
}

TEST(sec17_reset_length)
{
	lengths(WINMEM_IOC_RESET, FIELD(reset, length), INVAL);
}

TEST(sec17_L07_lock_length)
{
	lengths(WINMEM_IOC_LOCK, FIELD(lock, length), INVAL | NXIO);
}

TEST(sec17_O02_offer_length)
{
	lengths(WINMEM_IOC_OFFER, FIELD(offer, length), INVAL);
}

static const unsigned long misaligned[] = {
	1, 8, PAGE - 1, PAGE + 1, GRAN + 1, GRAN + 0x800, 0x100000001UL, TOP - 1,
	(1UL << 47) - 1, (1UL << 47) + 1, (1UL << 63) - 1, (1UL << 63) + 1, ~0UL,
};

/* No reservation can be there, but the stack, or a mapping with five levels. */
static const unsigned long stack_high[] = {
	TOP, TOP + PAGE, TOP + GRAN - 2 * PAGE, (1UL << 47) - PAGE, 1UL << 47,
	(1UL << 47) + GRAN, LEVELS_5 - PAGE,
};

/* Above everything; the last two wrap around with a length. */
static const unsigned long too_high[] = {
	LEVELS_5, LEVELS_5 + GRAN,
	1UL << 63, 0xffff888000000000UL, -GRAN, -PAGE,
};

/* Below what a reservation can have, and nothing lies there. */
static const unsigned long too_low[] = { 0, PAGE, GRAN - PAGE };

static void addresses(unsigned int nr, unsigned int offset)
{
	fixture_make();
	for (unsigned int i = 0; i < ARRAY_LEN(misaligned); i++)
		one_value(nr, offset, misaligned[i], INVAL);
	for (unsigned int i = 0; i < ARRAY_LEN(stack_high); i++)
		one_value(nr, offset, stack_high[i], INVAL | NOENT);
	for (unsigned int i = 0; i < ARRAY_LEN(too_high); i++)
		one_value(nr, offset, too_high[i], INVAL);
	for (unsigned int i = 0; i < ARRAY_LEN(too_low); i++)
		one_value(nr, offset, too_low[i], NOENT);
}

TEST(sec17_VA19_commit_address)
{
	addresses(WINMEM_IOC_COMMIT, FIELD(commit, addr));
}

TEST(sec17_VF07_decommit_address)
{
	addresses(WINMEM_IOC_DECOMMIT, FIELD(decommit, addr));
}

TEST(sec17_VP14_protect_address)
{
	addresses(WINMEM_IOC_PROTECT, FIELD(protect, addr));
}

TEST(sec17_reset_address)
{
	addresses(WINMEM_IOC_RESET, FIELD(reset, addr));
}

TEST(sec17_L07_lock_address)
{
	addresses(WINMEM_IOC_LOCK, FIELD(lock, addr));
}

TEST(sec17_O02_offer_address)
{
	addresses(WINMEM_IOC_OFFER, FIELD(offer, addr));
}

/* No alignment is asked for; no reservation begins at such an address either. */
TEST(sec17_VF08_release_address)
{
	fixture_make();
	for (unsigned int i = 0; i < ARRAY_LEN(misaligned); i++)
		one_value(WINMEM_IOC_RELEASE, FIELD(release, addr), misaligned[i], NOENT | INVAL);
	for (unsigned int i = 0; i < ARRAY_LEN(stack_high); i++)
		one_value(WINMEM_IOC_RELEASE, FIELD(release, addr), stack_high[i], NOENT | INVAL);
	for (unsigned int i = 0; i < ARRAY_LEN(too_high); i++)
		one_value(WINMEM_IOC_RELEASE, FIELD(release, addr), too_high[i], NOENT | INVAL);
	for (unsigned int i = 0; i < ARRAY_LEN(too_low); i++)
		one_value(WINMEM_IOC_RELEASE, FIELD(release, addr), too_low[i], NOENT);
}

TEST(sec17_VA16_VA17_reserve_address)
{
	const unsigned int addr = FIELD(reserve, addr);

	fixture_make();
	for (unsigned int i = 0; i < ARRAY_LEN(misaligned); i++)
		one_value(WINMEM_IOC_RESERVE, addr, misaligned[i], INVAL);
	for (unsigned int i = 0; i < ARRAY_LEN(too_high); i++)
		one_value(WINMEM_IOC_RESERVE, addr, too_high[i], INVAL);
	for (unsigned int i = 0; i < ARRAY_LEN(stack_high); i++)
		one_value(WINMEM_IOC_RESERVE, addr, stack_high[i], INVAL);
	/* Page aligned is not enough; and the range may not cross the top. */
	one_value(WINMEM_IOC_RESERVE, addr, PAGE, INVAL);
	one_value(WINMEM_IOC_RESERVE, addr, GRAN - PAGE, INVAL);
	one_value(WINMEM_IOC_RESERVE, addr, find_hole(GRAN) + PAGE, INVAL);
	one_value(WINMEM_IOC_RESERVE, addr, TOP - PAGE, INVAL);
	one_value(WINMEM_IOC_RESERVE, addr, find_hole(GRAN), OK);
}

TEST(sec17_VQ05_query_address)
{
	const unsigned int addr = FIELD(query, addr);
	const unsigned long fine[] = { 0, 1, PAGE - 1, PAGE, GRAN + 1, TOP - 1, TOP - PAGE };
	const unsigned long above[] = { 1UL << 47, (1UL << 47) + 1, 1UL << 56, 1UL << 63,
					0xffff888000000000UL, 0xffffffffff600000UL, -PAGE, ~0UL };

	fixture_make();
	for (unsigned int i = 0; i < ARRAY_LEN(fine); i++)
		one_value(WINMEM_IOC_QUERY, addr, fine[i], OK);
	for (unsigned int i = 0; i < ARRAY_LEN(above); i++)
		one_value(WINMEM_IOC_QUERY, addr, above[i], INVAL);
}

TEST(PL42_reserve_lowest)
{
	const unsigned int lowest = FIELD(reserve, lowest);

	fixture_make();
	for (unsigned int i = 0; i < ARRAY_LEN(misaligned); i++)
		one_value(WINMEM_IOC_RESERVE, lowest, misaligned[i], INVAL);
	one_value(WINMEM_IOC_RESERVE, lowest, PAGE, INVAL);
	for (unsigned int i = 0; i < ARRAY_LEN(too_high); i++)
		one_value(WINMEM_IOC_RESERVE, lowest, too_high[i], INVAL);
	for (unsigned int i = 0; i < ARRAY_LEN(stack_high); i++)
		one_value(WINMEM_IOC_RESERVE, lowest, stack_high[i], INVAL);
	one_value(WINMEM_IOC_RESERVE, lowest, GRAN, OK);
	one_value(WINMEM_IOC_RESERVE, lowest, find_hole(GRAN), OK);
}

TEST(PL40_PL41_reserve_highest)
{
	const unsigned int highest = FIELD(reserve, highest);
	const unsigned long bad[] = { 1, PAGE, PAGE + 1, 0x20001001, 0x20000ffe, 0x200007ff,
				      0x20001000, TOP, TOP + PAGE - 1, TOP + GRAN - 1, 1UL << 47,
				      (1UL << 48) - 1, 1UL << 63, (1UL << 63) - 1, ~0UL - 1, ~0UL };

	fixture_make();
	for (unsigned int i = 0; i < ARRAY_LEN(bad); i++)
		one_value(WINMEM_IOC_RESERVE, highest, bad[i], INVAL);
	/* Right in form, but no reservation can lie so low. */
	one_value(WINMEM_IOC_RESERVE, highest, PAGE - 1, INVAL | NOMEM);
	one_value(WINMEM_IOC_RESERVE, highest, GRAN - 1, INVAL | NOMEM);
	one_value(WINMEM_IOC_RESERVE, highest, 2 * GRAN - PAGE - 1, NOMEM);
	one_value(WINMEM_IOC_RESERVE, highest, TOP - 1, OK);
	one_value(WINMEM_IOC_RESERVE, highest, TIB - 1, OK);
}

TEST(PL43_reserve_alignment)
{
	const unsigned int alignment = FIELD(reserve, alignment);
	const unsigned long bad[] = { 1, 8, PAGE, GRAN / 2, GRAN - 1, GRAN + 1, 3 * GRAN, 0x30000,
				      (1UL << 47) + GRAN, (1UL << 63) + GRAN, ~0UL, -GRAN };

	fixture_make();
	for (unsigned int i = 0; i < ARRAY_LEN(bad); i++)
		one_value(WINMEM_IOC_RESERVE, alignment, bad[i], INVAL);
	for (unsigned long fine = GRAN; fine <= TIB; fine <<= 4)
		one_value(WINMEM_IOC_RESERVE, alignment, fine, OK);
	/* Powers of two of which no multiple but zero is an address. */
	one_value(WINMEM_IOC_RESERVE, alignment, 1UL << 47, NOMEM | INVAL);
	one_value(WINMEM_IOC_RESERVE, alignment, 1UL << 63, NOMEM | INVAL);
}

TEST(PL42_PL45_reserve_fields_that_contradict_each_other)
{
	struct winmem_reserve args;

	fixture_make();
	args = reserve_args(0, GRAN, READWRITE, 0);
	args.lowest = 2 * TIB;
	args.highest = TIB - 1;
	REFUSED(EINVAL, WINMEM_IOC_RESERVE, &args);

	args = reserve_args(find_hole(GRAN), GRAN, READWRITE, 0);
	args.lowest = GRAN;
	REFUSED(EINVAL, WINMEM_IOC_RESERVE, &args);
	args.lowest = 0;
	args.highest = TOP - 1;
	REFUSED(EINVAL, WINMEM_IOC_RESERVE, &args);
	args.highest = 0;
	args.alignment = GRAN;
	REFUSED(EINVAL, WINMEM_IOC_RESERVE, &args);
}

TEST(every_limit_is_accepted_and_rounded_down_to_pages)
{
	const unsigned long limits[] = { 0, 1, PAGE - 1, PAGE, PAGE + 1, 1UL << 47, 1UL << 63,
					 (1UL << 63) + 1, ~0UL - PAGE, ~0UL - 1, ~0UL };

	for (unsigned int i = 0; i < ARRAY_LEN(limits); i++) {
		unsigned long want = limits[i] == ~0UL ? ~0UL : limits[i] & -PAGE;

		EXPECT_EQ(want, limit_set(limits[i]).out_limit);
		EXPECT_EQ(want, limit_at(HERE, 0, 0).out_limit);
	}
	limit_set(~0UL);
}

/* Protections. Written out anew here and not shared with the module. */
static bool prot_is_valid(unsigned int prot)
{
	unsigned int base = prot & 0xff;
	unsigned int more = prot & ~0xffU;

	if (base != 0x01 && base != 0x02 && base != 0x04 && base != 0x10 && base != 0x20 &&
	    base != 0x40)
		return false;
	if (more != 0 && more != 0x100 && more != 0x200 && more != 0x400)
		return false;
	return base != 0x01 || more == 0;
}

/* All of 16 bits, then each higher bit with a valid and with an empty rest. */
static unsigned int prot_next(unsigned int prot)
{
	if (prot < 0xffff)
		return prot + 1;
	if (prot == 0xffff)
		return 1U << 16;
	return prot & READWRITE ? (prot & ~READWRITE) << 1 : prot | READWRITE;
}

static void prot_outcome(unsigned int prot, int ret, int valid_errno)
{
	int want = prot_is_valid(prot) ? valid_errno : EINVAL;

	if (want != (ret ? errno : 0))
		check_failed(HERE, "protection %#x: %s", prot, ret ? strerror(errno) : "accepted");
}

TEST(P01_to_P09_P15_reserve_accepts_exactly_the_valid_protections)
{
	unsigned int prot = 0;

	fixture_make();
	do {
		struct winmem_reserve args = reserve_args(0, GRAN, prot, 0);
		int ret = ioctl(dev, WINMEM_IOC_RESERVE, &args);

		prot_outcome(prot, ret, 0);
		if (ret)
			continue;
		EXPECT_EQ(prot, query(args.out_addr).out_alloc_prot);
		EXPECT_RESERVED(args.out_addr, GRAN);
		release(args.out_addr);
	} while ((prot = prot_next(prot)));
	EXPECT_COMMITTED(fixture, FIXTURE_FILLED, READWRITE);
}

/* An execute protection is valid where ENOEXEC is the answer. */
static int exec_errno(unsigned int prot)
{
	return prot & ANY_EXECUTE ? ENOEXEC : 0;
}

TEST(P01_to_P09_P15_commit_accepts_exactly_the_valid_protections)
{
	unsigned int prot = 0;

	fixture_make();
	do {
		int ret = raw_commit(fixture + FIXTURE_FILLED, PAGE, prot);

		prot_outcome(prot, ret, exec_errno(prot));
		if (!ret)
			decommit(fixture + FIXTURE_FILLED, PAGE);
		else if (prot_is_valid(prot))
			EXPECT_RESERVED(fixture + FIXTURE_FILLED, FIXTURE_FILLED);
	} while ((prot = prot_next(prot)));
	EXPECT_RESERVED(fixture + FIXTURE_FILLED, FIXTURE_LENGTH - FIXTURE_FILLED);
	EXPECT_COMMITTED(fixture, FIXTURE_FILLED, READWRITE);
}

TEST(P01_to_P09_P15_VP12_protect_accepts_exactly_the_valid_protections)
{
	unsigned int prot = 0;

	fixture_make();
	do {
		struct winmem_protect args = protect_args(fixture, PAGE, prot);
		int ret = ioctl(dev, WINMEM_IOC_PROTECT, &args);

		prot_outcome(prot, ret, exec_errno(prot));
		if (ret)
			EXPECT_EQ(CC32, args.out_prot);
		else
			raw_protect(fixture, PAGE, READWRITE);
	} while ((prot = prot_next(prot)));
	EXPECT_COMMITTED(fixture, FIXTURE_FILLED, READWRITE);
	EXPECT(filled(fixture, FIXTURE_FILLED, FIXTURE_SEED));
}

TEST(P01_P05_P10_P14_every_valid_protection_is_reported_back)
{
	for (unsigned int prot = 0; prot <= 0xffff; prot++) {
		unsigned long base;

		if (!prot_is_valid(prot))
			continue;
		base = reserve_commit(GRAN, prot);
		EXPECT_EQ(prot, query(base).out_alloc_prot);
		EXPECT_COMMITTED(base, GRAN, prot);
		release(base);
	}
}
