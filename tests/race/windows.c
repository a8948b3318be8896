// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program's own mmap, munmap, mprotect and mremap, in a second thread, around and in the
 * windows, against RESERVE, COMMIT and RELEASE. What winmem was not given it leaves alone,
 * and what it gives out is there, whatever was done before.
 */
#define _GNU_SOURCE
#include "race.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE	0x100000
#endif

/* Places that reservations may get, and the two at their ends that somebody else wants. */
#define PLACES	16UL
#define END(i)	((i) % 2 * (PLACES - 1) * GRAN)

static volatile bool stop;
static volatile unsigned long rounds, got;	/* of the second thread */
static volatile unsigned long place;

/* Has a mapping of its own where RESERVE looks too, and nobody else may touch it. */
static void *maps_in_holes(void *arg)
{
	for (rounds = 0; !stop; rounds++) {
		unsigned long addr = place + END(rounds);
		void *map = mmap((void *)addr, GRAN, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (map == MAP_FAILED) {
			EXPECT_EQ(EEXIST, errno);
			continue;
		}
		fill(addr, GRAN, rounds);
		usleep(wide_us / 2);
		EXPECT(filled(addr, GRAN, rounds));
		EXPECT_OK(munmap(map, GRAN));
		got++;
	}
	return arg;
}

static void check_is_mine(unsigned long base)
{
	EXPECT(zeroed(base, GRAN));
	fill(base, GRAN, 7);
	usleep(wide_us / 2);
	EXPECT(filled(base, GRAN, 7));
}

/* Bounds leave a few places; who comes second goes to the next. */
RACE(holes_for_two)
{
	unsigned int reserved = 0;
	pthread_t thread;

	place = find_hole(PLACES * GRAN);
	stop = false;
	got = 0;
	thread = thread_start(maps_in_holes, NULL);
	for (unsigned int i = 0; again(i, 100); i++) {
		struct winmem_reserve args = reserve_args(0, GRAN, READWRITE, WINMEM_RESERVE_COMMIT);

		args.lowest = place;
		args.highest = place + PLACES * GRAN - 1;
		if (i % 2)
			args.flags |= WINMEM_RESERVE_TOP_DOWN;
		EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &args));
		EXPECT(args.out_addr >= place && args.out_addr < place + PLACES * GRAN);
		check_is_mine(args.out_addr);
		EXPECT_OK(raw_release(args.out_addr));
		reserved++;
	}
	stop = true;
	thread_end(thread);
	EXPECT(reserved && got);
}
WIDENED(holes_for_two, HOLE, 1000)
WIDENED(holes_for_two, REPAIR, 1000)
WIDENED(holes_for_two, UNMAP, 1000)

/* One place: it is the one's or the other's. */
RACE(a_place_for_one)
{
	unsigned int reserved = 0;
	pthread_t thread;

	place = find_hole(PLACES * GRAN);
	stop = false;
	got = 0;
	thread = thread_start(maps_in_holes, NULL);
	for (unsigned int i = 0; again(i, 400) || ((!reserved || !got) && i < 4000); i++) {
		unsigned long addr = place + END(i);

		if (race_reserve(addr, GRAN, WINMEM_RESERVE_COMMIT)) {
			check_is_mine(addr);
			EXPECT_OK(raw_release(addr));
			reserved++;
		} else {
			EXPECT_EQ(EEXIST, errno);
		}
	}
	stop = true;
	thread_end(thread);
	EXPECT(reserved && got);
}
WIDENED(a_place_for_one, REPAIR, 1000)
WIDENED(a_place_for_one, UNMAP, 1000)

/* Does to a window what no program should. */
static void *spoils(void *arg)
{
	for (rounds = 0; !stop; rounds++) {
		unsigned long addr = place + rounds * 7 % PLACES * GRAN;
		void *at = (void *)addr;

		switch (rounds % 5) {
		case 0:
			munmap(at, GRAN);
			break;
		case 1:
			mmap(at, GRAN, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			try_write(addr, 1);
			break;
		case 2:
			mprotect(at, 2 * GRAN, rounds % 2 ? PROT_READ : PROT_READ | PROT_EXEC);
			break;
		case 3:
			mremap(at, GRAN, 3 * GRAN, 0);
			mremap(at, 2 * GRAN, GRAN, MREMAP_MAYMOVE);
			break;
		default:
			try_write(addr, 1);
			madvise(at, GRAN, MADV_DONTNEED);
			munmap(at + PAGE, 3 * PAGE);
			break;
		}
		usleep(wide_us / 4);
	}
	return arg;
}

/* Whatever lies in the way, mappings and holes, it is gone round or mapped again. */
static void use_spoilt(unsigned int round)
{
	unsigned long base = race_reserve(0, (round % 3 + 1) * GRAN, 0);

	EXPECT(base);
	EXPECT_OK(raw_commit(base, GRAN, READWRITE));
	for (unsigned long addr = base; addr < base + GRAN; addr += PAGE)
		try_write(addr, 1);
	EXPECT_COMMITTED(base, GRAN, READWRITE);
	EXPECT_OK(raw_protect(base, 2 * PAGE, READONLY));
	EXPECT_EQ(READONLY, query(base).out_prot);
	EXPECT_OK(race_decommit(base, PAGE));
	EXPECT_EQ(GRAN - PAGE, charge());
	EXPECT_OK(raw_release(base));
	EXPECT_EQ(0, charge());
}

static void check_unspoilt(void)
{
	unsigned long bases[PLACES];

	for (unsigned int i = 0; i < PLACES; i++) {
		bases[i] = reserve_commit(GRAN, READWRITE);
		EXPECT(zeroed(bases[i], GRAN));
		fill(bases[i], GRAN, i);
	}
	for (unsigned int i = 0; i < PLACES; i++) {
		EXPECT(filled(bases[i], GRAN, i));
		release(bases[i]);
	}
}

RACE(windows_spoilt)
{
	pthread_t thread;

	/* The first places of the window, where reservations come and go. */
	place = race_reserve(0, GRAN, 0);
	EXPECT(place);
	EXPECT_OK(raw_release(place));
	stop = false;
	thread = thread_start(spoils, NULL);
	for (unsigned int i = 0; again(i, 100) || (rounds < 40 && i < 4000); i++)
		use_spoilt(i);
	stop = true;
	thread_end(thread);
	check_unspoilt();
	munmap((void *)place, (PLACES + 3) * GRAN);
}
WIDENED(windows_spoilt, REPAIR, 1000)
WIDENED(windows_spoilt, CARVE, 1000)
