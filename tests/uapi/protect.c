// SPDX-License-Identifier: GPL-2.0-only
/*
 * PROTECT: committed pages get another protection, all of the range or none.
 */
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <pthread.h>

TEST(every_protection_does_what_it_says)
{
	const struct { unsigned int prot; bool read, write; } table[] = {
		{ NOACCESS, false, false }, { READONLY, true, false }, { READWRITE, true, true },
		{ EXECUTE, true, false }, { EXECUTE_READ, true, false }, { EXECUTE_RW, true, true },
	};
	unsigned long base = reserve_commit(GRAN, READWRITE);

	/* From each to each, with contents that must be there at the end. */
	fill(base, GRAN, 1);
	for (unsigned int i = 0; i < ARRAY_LEN(table); i++) {
		for (unsigned int j = 0; j < ARRAY_LEN(table); j++) {
			protect(base, GRAN, table[i].prot);
			EXPECT_EQ(table[i].prot, protect(base, GRAN, table[j].prot));
			EXPECT_COMMITTED(base, GRAN, table[j].prot);
			EXPECT_EQ(table[j].read, try_read(base + PAGE));
			EXPECT_EQ(table[j].write, try_write(base + GRAN - 1, 0x33));
			EXPECT_EQ(table[j].read, try_read(base + GRAN - 1));
		}
	}
	protect(base, GRAN, READWRITE);
	EXPECT(filled(base, GRAN - 8, 1));
	EXPECT_EQ(0x33, byte_at(base + GRAN - 1));
}

TEST(pages_that_were_never_touched_obey_too)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	protect(base, PAGE, READONLY);
	protect(base + PAGE, PAGE, NOACCESS);
	EXPECT(!try_write(base, 1));
	EXPECT_EQ(0, byte_at(base));
	EXPECT(!try_write(base, 1));
	EXPECT(!try_read(base + PAGE));
	EXPECT(try_write(base + 2 * PAGE, 1));
}

TEST(VP09_the_old_protection_is_that_of_the_first_page)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	protect(base + PAGE, PAGE, READONLY);
	protect(base + 2 * PAGE, PAGE, NOACCESS);
	EXPECT_EQ(READONLY, protect(base + PAGE, 3 * PAGE, READWRITE));
	EXPECT_EQ(READWRITE, protect(base, GRAN, READONLY));
	EXPECT_COMMITTED(base, GRAN, READONLY);
}

TEST(VP10_the_same_protection_again)
{
	unsigned long base = reserve_commit(GRAN, READONLY);

	EXPECT_EQ(READONLY, protect(base, GRAN, READONLY));
	EXPECT_COMMITTED(base, GRAN, READONLY);
}

TEST(VP11_the_allocation_protection_stays)
{
	unsigned long base = reserve_commit(GRAN, READONLY);

	protect(base, PAGE, READWRITE);
	EXPECT_EQ(READONLY, query(base).out_alloc_prot);
	EXPECT_EQ(READONLY, query(base + PAGE).out_alloc_prot);
	EXPECT_EQ(GRAN, charge());
}

TEST(VP15_guard_on_and_off)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	EXPECT_EQ(READWRITE, protect(base, PAGE, READWRITE | GUARD));
	EXPECT_COMMITTED(base, PAGE, READWRITE | GUARD);
	EXPECT_EQ(READWRITE | GUARD, protect(base, PAGE, READWRITE));
	EXPECT(try_write(base, 1));
	EXPECT_EQ(0, last_fault.count);
}

TEST(VP16_contents_survive_NOACCESS)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	fill(base, GRAN, 2);
	protect(base, GRAN, NOACCESS);
	EXPECT(!try_read(base));
	protect(base, GRAN, READWRITE);
	EXPECT(filled(base, GRAN, 2));
}

TEST(P11_P12_NOCACHE_belongs_to_the_reservation)
{
	unsigned long base = reserve_commit(GRAN, READWRITE | NOCACHE);

	EXPECT_EQ(READWRITE | NOCACHE, protect(base, PAGE, READWRITE));
	EXPECT_COMMITTED(base, GRAN, READWRITE | NOCACHE);
	EXPECT_EQ(READWRITE | NOCACHE, protect(base, PAGE, READONLY));
	EXPECT_COMMITTED(base, PAGE, READONLY | NOCACHE);
	EXPECT_COMMITTED(base + PAGE, GRAN - PAGE, READWRITE | NOCACHE);
	EXPECT(!try_write(base, 1));
}

TEST(P13_NOCACHE_is_dropped_where_the_reservation_has_none)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	EXPECT_EQ(READWRITE, protect(base, PAGE, READONLY | NOCACHE));
	EXPECT_COMMITTED(base, PAGE, READONLY);
	EXPECT_EQ(READONLY, protect(base, PAGE, READWRITE | WRITECOMBINE));
	EXPECT_COMMITTED(base, GRAN, READWRITE);
}

TEST(VP01_reserved_pages_are_ENXIO)
{
	unsigned long base = reserve(GRAN);
	struct winmem_protect args = protect_args(base, PAGE, READONLY);

	watch(base, GRAN);
	REFUSED(ENXIO, WINMEM_IOC_PROTECT, &args);
}

TEST(VP02_partly_committed_is_ENXIO_and_nothing_changes)
{
	unsigned long base = reserve(2 * CHUNK);
	const struct { unsigned long offset, length; } ranges[] = {
		{ 0, 2 * PAGE }, { 2 * PAGE, 2 * PAGE }, { PAGE, 4 * PAGE }, { 0, 2 * CHUNK },
		{ PAGE, 2 * CHUNK - PAGE },
	};

	/* .CC.C... */
	commit(base + PAGE, 2 * PAGE, READWRITE);
	commit(base + 4 * PAGE, PAGE, READWRITE);
	fill(base + PAGE, 2 * PAGE, 3);
	watch(base, 2 * CHUNK);
	for (unsigned int i = 0; i < ARRAY_LEN(ranges); i++) {
		struct winmem_protect args = protect_args(base + ranges[i].offset,
							  ranges[i].length, READONLY);

		REFUSED(ENXIO, WINMEM_IOC_PROTECT, &args);
	}
	EXPECT(try_write(base + PAGE, 1));
}

TEST(VP02_the_last_page_of_the_second_chunk_decides)
{
	unsigned long base = reserve_at(HERE, find_hole(GIB), 2 * CHUNK, READWRITE, 0);
	struct winmem_protect args = protect_args(base, 2 * CHUNK, READONLY);

	commit(base, 2 * CHUNK - PAGE, READWRITE);
	watch(base, 2 * CHUNK);
	REFUSED(ENXIO, WINMEM_IOC_PROTECT, &args);
	commit(base + 2 * CHUNK - PAGE, PAGE, READWRITE);
	protect(base, 2 * CHUNK, READONLY);
	EXPECT(!try_write(base + 2 * CHUNK - 1, 1));
}

TEST(VP03_free_memory_is_ENOENT)
{
	struct winmem_protect args = protect_args(find_hole(GRAN), PAGE, READWRITE);

	watch(args.addr, GRAN);
	REFUSED(ENOENT, WINMEM_IOC_PROTECT, &args);
	args.addr = 0;
	REFUSED(ENOENT, WINMEM_IOC_PROTECT, &args);
	args.addr = reserve(GRAN) + GRAN;
	REFUSED(ENOENT, WINMEM_IOC_PROTECT, &args);
}

TEST(VP04_two_reservations_are_ENOENT)
{
	unsigned long hole = find_hole(GRAN);
	struct winmem_protect args = protect_args(hole + GRAN - PAGE, 2 * PAGE, READONLY);

	reserve_fixed(hole, GRAN);
	reserve_fixed(hole + GRAN, GRAN);
	commit(hole, GRAN, READWRITE);
	commit(hole + GRAN, GRAN, READWRITE);
	fill(hole, 2 * GRAN, 4);
	watch(hole, 2 * GRAN);
	REFUSED(ENOENT, WINMEM_IOC_PROTECT, &args);
	args = protect_args(hole, 2 * GRAN, READONLY);
	REFUSED(ENOENT, WINMEM_IOC_PROTECT, &args);
	args = protect_args(hole + GRAN, GRAN + PAGE, READONLY);
	REFUSED(ENOENT, WINMEM_IOC_PROTECT, &args);
}

TEST(VP18_a_foreign_mapping_is_EBUSY)
{
	unsigned char *foreign = map_foreign(0, GRAN, PROT_READ | PROT_WRITE);
	struct winmem_protect args = protect_args((unsigned long)foreign, PAGE, READONLY);

	memset(foreign, 0x66, GRAN);
	watch((unsigned long)foreign, GRAN);
	REFUSED(EBUSY, WINMEM_IOC_PROTECT, &args);
	memset(foreign, 0x67, GRAN);
	munmap(foreign, GRAN);
}

TEST(over_chunk_borders)
{
	unsigned long base = reserve_at(HERE, find_hole(GIB), 4 * CHUNK, READWRITE,
					WINMEM_RESERVE_COMMIT);

	protect(base + CHUNK - PAGE, CHUNK + 2 * PAGE, READONLY);
	EXPECT_COMMITTED(base, CHUNK - PAGE, READWRITE);
	EXPECT_COMMITTED(base + CHUNK - PAGE, CHUNK + 2 * PAGE, READONLY);
	EXPECT_COMMITTED(base + 2 * CHUNK + PAGE, 2 * CHUNK - PAGE, READWRITE);
	EXPECT(try_write(base + CHUNK - PAGE - 1, 1));
	EXPECT(!try_write(base + CHUNK - PAGE, 1));
	EXPECT(!try_write(base + 2 * CHUNK + PAGE - 1, 1));
	EXPECT(try_write(base + 2 * CHUNK + PAGE, 1));
}

/* A fault may map neighbours; not those with another protection. */
TEST(touching_a_page_does_not_open_its_neighbours)
{
	unsigned long base = reserve_commit(4 * GRAN, READWRITE);

	for (unsigned long addr = base; addr < base + 4 * GRAN; addr += 2 * PAGE) {
		protect(addr, PAGE, READONLY);
		if (addr % GRAN == 0)
			protect(addr, PAGE, NOACCESS);
	}
	for (unsigned long addr = base + PAGE; addr < base + 4 * GRAN; addr += 2 * PAGE)
		EXPECT(try_write(addr, 1));
	for (unsigned long addr = base; addr < base + 4 * GRAN; addr += 2 * PAGE) {
		EXPECT(!try_write(addr, 1));
		EXPECT_EQ(addr % GRAN != 0, try_read(addr));
	}
}

static volatile bool stop;

static void *keep_writing(void *arg)
{
	unsigned char byte = 0;

	while (!stop)
		try_write((unsigned long)arg, ++byte);
	return NULL;
}

TEST(no_store_lands_after_READONLY_has_returned)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	pthread_t writer;

	EXPECT_EQ(0, byte_at(base));
	stop = false;
	EXPECT_EQ(0, pthread_create(&writer, NULL, keep_writing, (void *)base));
	for (int i = 0; i < 200; i++) {
		int first;

		protect(base, PAGE, READONLY);
		first = byte_at(base);
		for (int j = 0; j < 20; j++)
			EXPECT_EQ(first, byte_at(base));
		protect(base, PAGE, READWRITE);
	}
	stop = true;
	pthread_join(writer, NULL);
}

/* The same for a writer that is already inside the kernel, on another processor. */
static void *keep_reading_a_file_into(void *arg)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	while (!stop && fd >= 0)
		if (read(fd, arg, PAGE) < 0 && errno != EFAULT)
			break;
	close(fd);
	return NULL;
}

TEST(no_read_of_a_file_lands_after_READONLY_has_returned)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	pthread_t writer;

	stop = false;
	EXPECT_EQ(0, pthread_create(&writer, NULL, keep_reading_a_file_into, (void *)base));
	for (int i = 0; i < 200; i++) {
		volatile unsigned char *last = (void *)(base + PAGE - 1);
		unsigned char seen;

		*last = i | 1;
		protect(base, PAGE, READONLY);
		seen = *last;
		for (int j = 0; j < 20; j++)
			EXPECT_EQ(seen, *last);
		protect(base, PAGE, READWRITE);
	}
	stop = true;
	pthread_join(writer, NULL);
}
