// SPDX-License-Identifier: GPL-2.0-only
/* VirtualQuery: rows VQ01 to VQ16. */
#define _GNU_SOURCE
#include "common.h"

#include <sys/mman.h>

extern const char __ehdr_start[];		/* by the linker: where the image begins */

TEST(VQ01_returns_the_size_of_its_struct)
{
	MEMORY_BASIC_INFORMATION mbi;

	EXPECT_EQ(48, sizeof(mbi));
	EXPECT_EQ(48, EXPECT_OK(VirtualQuery(&mbi, &mbi, sizeof(mbi))));
}

TEST(VQ02_too_short_a_buffer)
{
	static const size_t lengths[] = { 0, 1, 24, 47 };
	unsigned char buffer[48];
	char *p = alloc(PAGE, RW);

	for (unsigned int i = 0; i < ARRAY_LEN(lengths); i++) {
		memset(buffer, 0xcc, sizeof(buffer));
		EXPECT_ERROR(ERROR_BAD_LENGTH, VirtualQuery(p, (void *)buffer, lengths[i]));
		for (unsigned int at = 0; at < sizeof(buffer); at++)
			EXPECT_EQ(0xcc, buffer[at]);
	}
	release(p);
}

TEST(VQ03_a_longer_buffer)
{
	union {
		MEMORY_BASIC_INFORMATION mbi;
		unsigned char bytes[64];
	} buffer;

	memset(&buffer, 0xcc, sizeof(buffer));
	EXPECT_EQ(48, EXPECT_OK(VirtualQuery(&buffer, &buffer.mbi, sizeof(buffer))));
	EXPECT_EQ(MEM_COMMIT, buffer.mbi.State);
	for (unsigned int at = 48; at < sizeof(buffer); at++)
		EXPECT_EQ(0xcc, buffer.bytes[at]);
	EXPECT_EQ(48, EXPECT_OK(VirtualQuery(&buffer, &buffer.mbi, ~0UL)));
}

TEST(VQ04_no_buffer)
{
	EXPECT_ERROR(ERROR_NOACCESS, VirtualQuery(__ehdr_start, NULL, 48));
}

TEST(VQ05_above_user_space)
{
	MEMORY_BASIC_INFORMATION mbi;
	void *addrs[] = { (void *)(HIGHEST + 1), KERNEL_ADDR, (void *)~0UL, (void *)(1UL << 47) };

	for (unsigned int i = 0; i < ARRAY_LEN(addrs); i++)
		EXPECT_ERROR(ERROR_INVALID_PARAMETER, VirtualQuery(addrs[i], &mbi, sizeof(mbi)));
	/* The last byte is still there to be asked about. */
	expect_free((void *)HIGHEST);
}

TEST(VQ07_free_memory)
{
	char *base = free_place(4 * GRAN), *b = reserve_at(base + 2 * GRAN, GRAN);

	expect_free(base);
	expect_mbi(base + PAGE + 0x123, base + PAGE, NULL, 0, 2 * GRAN - PAGE, MEM_FREE, NA, 0);
	expect_mbi(b - 1, b - PAGE, NULL, 0, PAGE, MEM_FREE, NA, 0);
	expect_free(b + GRAN);
	EXPECT_EQ(b + GRAN, query(b + GRAN).BaseAddress);
	release(b);
}

/* Also where the next thing is not winmem's. */
TEST(VQ07_free_memory_before_a_mapping)
{
	char *view = map_shared(4 * PAGE);

	munmap(view, 2 * PAGE);
	expect_mbi(view, view, NULL, 0, 2 * PAGE, MEM_FREE, NA, 0);
	expect_mbi(view + PAGE, view + PAGE, NULL, 0, PAGE, MEM_FREE, NA, 0);
	munmap(view + 2 * PAGE, 2 * PAGE);
	EXPECT(query(view).RegionSize >= 4 * PAGE);
}

TEST(VQ08_null_is_free_to_the_first_allocation)
{
	struct vma first;

	EXPECT(vma_find(0, &first));
	expect_mbi(NULL, NULL, NULL, 0, first.start, MEM_FREE, NA, 0);
	EXPECT_EQ(MEM_COMMIT, query((void *)first.start).State);
}

TEST(VQ08_a_low_allocation_ends_the_first_region)
{
	char *b = reserve_at((void *)0x120000, PAGE);

	expect_mbi(NULL, NULL, NULL, 0, 0x120000, MEM_FREE, NA, 0);
	release(b);
}

TEST(VQ09_reserved)
{
	static const DWORD prots[] = { NA, RO, RW, X, XR, XRW, 0x104, 0x204, 0x404 };

	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		char *b = EXPECT_OK(VirtualAlloc(NULL, 3 * PAGE, MEM_RESERVE, prots[i]));

		expect_reserved(b, b, prots[i], 3 * PAGE);
		expect_mbi(b + PAGE + 5, b + PAGE, b, prots[i], 2 * PAGE, MEM_RESERVE, 0,
			   MEM_PRIVATE);
		release(b);
	}
}

TEST(VQ10_committed)
{
	char *b = EXPECT_OK(VirtualAlloc(NULL, GRAN, MEM_RESERVE, NA));

	commit(b + PAGE, 2 * PAGE, RW);
	commit(b + 3 * PAGE, PAGE, RO);
	expect_reserved(b, b, NA, PAGE);
	expect_committed(b + PAGE, b, NA, 2 * PAGE, RW);
	expect_mbi(b + 2 * PAGE + 1, b + 2 * PAGE, b, NA, PAGE, MEM_COMMIT, RW, MEM_PRIVATE);
	expect_committed(b + 3 * PAGE, b, NA, PAGE, RO);
	expect_reserved(b + 4 * PAGE, b, NA, GRAN - 4 * PAGE);
	/* Touching pages changes nothing of that. */
	fill(b + PAGE, PAGE, 1);
	expect_committed(b + PAGE, b, NA, 2 * PAGE, RW);
	release(b);
}

/* From 0 to the end, each region where the one before ends, like on Windows. */
TEST(VQ10_a_walk_over_everything)
{
	char *b = alloc(3 * PAGE, RW), *next = NULL;
	bool seen = false;
	unsigned int nr = 0;

	while ((unsigned long)next < HIGHEST) {
		MEMORY_BASIC_INFORMATION mbi = query(next);

		EXPECT_EQ(next, mbi.BaseAddress);
		if (mbi.AllocationBase == b) {
			EXPECT_EQ(b, mbi.BaseAddress);
			EXPECT_EQ(3 * PAGE, mbi.RegionSize);
			seen = true;
		}
		next += mbi.RegionSize;
		EXPECT(++nr < 1000);
	}
	EXPECT(seen);
	release(b);
}

/* Nobody calls it: it is looked at. */
static void __attribute__((noinline, used)) some_code(void)
{
	__asm__ volatile("");
}

TEST(VQ13_the_header_of_an_image)
{
	MEMORY_BASIC_INFORMATION mbi = query(__ehdr_start);

	EXPECT_EQ(__ehdr_start, mbi.AllocationBase);
	EXPECT_EQ(XWC, mbi.AllocationProtect);
	EXPECT_EQ(MEM_COMMIT, mbi.State);
	EXPECT_EQ(RO, mbi.Protect);
	EXPECT_EQ(MEM_IMAGE, mbi.Type);
}

TEST(VQ13_the_text_of_an_image)
{
	MEMORY_BASIC_INFORMATION mbi = query((void *)some_code);

	EXPECT_EQ(__ehdr_start, mbi.AllocationBase);
	EXPECT_EQ(XWC, mbi.AllocationProtect);
	EXPECT_EQ(MEM_COMMIT, mbi.State);
	EXPECT_EQ(XR, mbi.Protect);
	EXPECT_EQ(MEM_IMAGE, mbi.Type);
}

TEST(VQ13_a_library)
{
	void *(*volatile function)(size_t) = malloc;
	MEMORY_BASIC_INFORMATION mbi = query((void *)function);
	MEMORY_BASIC_INFORMATION header = query(mbi.AllocationBase);

	EXPECT_EQ(XR, mbi.Protect);
	EXPECT_EQ(XWC, mbi.AllocationProtect);
	EXPECT_EQ(MEM_IMAGE, mbi.Type);
	EXPECT(mbi.AllocationBase != (void *)__ehdr_start);
	EXPECT_EQ(mbi.AllocationBase, header.AllocationBase);
	EXPECT(!memcmp(mbi.AllocationBase, "\177ELF", 4));
}

TEST(VQ14_the_shared_page)
{
	const char *page = (char *)SHARED_DATA;

	EXPECT_OK(GetCurrentProcess());
	expect_mbi(page, page, page, RO, PAGE, MEM_COMMIT, RO, MEM_PRIVATE);
	expect_mbi(page + 0x123, page, page, RO, PAGE, MEM_COMMIT, RO, MEM_PRIVATE);
	expect_access((void *)page, "r--");
}

TEST(VQ15_a_guard_that_has_fired)
{
	char *p = EXPECT_OK(VirtualAlloc(NULL, 3 * PAGE, RESERVE_COMMIT, RW | PAGE_GUARD));

	expect_committed(p, p, 0x104, 3 * PAGE, 0x104);
	EXPECT(!try_read(p + PAGE + 0x10));
	EXPECT_EQ(p + PAGE + 0x10, last_fault.addr);
	expect_committed(p, p, 0x104, PAGE, 0x104);
	expect_committed(p + PAGE, p, 0x104, PAGE, RW);
	expect_committed(p + 2 * PAGE, p, 0x104, PAGE, 0x104);
	expect_access(p + PAGE, "rw-");
	release(p);
}

/* Asking takes no guard away. */
TEST(VQ15_query_is_no_access)
{
	char *p = EXPECT_OK(VirtualAlloc(NULL, PAGE, RESERVE_COMMIT, RO | PAGE_GUARD));

	for (int i = 0; i < 3; i++)
		expect_committed(p, p, 0x102, PAGE, 0x102);
	EXPECT(!try_write(p));
	expect_committed(p, p, 0x102, PAGE, RO);
	release(p);
}

static void check_copied(int prot, DWORD before, DWORD after, DWORD type)
{
	char *view = map_file(3 * PAGE, MAP_PRIVATE, prot);

	expect_mbi(view, view, view, before, 3 * PAGE, MEM_COMMIT, before, type);
	EXPECT(try_read(view + PAGE));
	expect_mbi(view, view, view, before, 3 * PAGE, MEM_COMMIT, before, type);
	EXPECT(try_write(view + PAGE));
	expect_mbi(view, view, view, before, PAGE, MEM_COMMIT, before, type);
	expect_mbi(view + PAGE, view + PAGE, view, before, PAGE, MEM_COMMIT, after, type);
	expect_mbi(view + 2 * PAGE, view + 2 * PAGE, view, before, PAGE, MEM_COMMIT, before, type);
	munmap(view, 3 * PAGE);
}

TEST(VQ16_a_written_copy_on_write_page)
{
	check_copied(PROT_READ | PROT_WRITE, WC, RW, MEM_MAPPED);
}

TEST(VQ16_a_written_page_of_an_image)
{
	check_copied(PROT_READ | PROT_WRITE | PROT_EXEC, XWC, XRW, MEM_IMAGE);
}

TEST(VQ16_the_data_of_a_program)
{
	static int written = 1;

	written++;
	__asm__ volatile("" : : "r"(&written) : "memory");
	EXPECT_EQ(RW, query(&written).Protect);
	EXPECT_EQ(MEM_IMAGE, query(&written).Type);
}

TEST(VQ16_views)
{
	char *shared = map_shared(2 * PAGE), *file = map_file(2 * PAGE, MAP_SHARED, PROT_READ);

	expect_mbi(shared + PAGE, shared + PAGE, shared, RW, PAGE, MEM_COMMIT, RW, MEM_MAPPED);
	expect_mbi(file, file, file, RO, 2 * PAGE, MEM_COMMIT, RO, MEM_MAPPED);
	munmap(shared, 2 * PAGE);
	munmap(file, 2 * PAGE);
}
