// SPDX-License-Identifier: GPL-2.0-only
/*
 * QUERY on mappings that winmem did not make: the kernel's own, in Windows' words.
 */
#define _GNU_SOURCE
#include "common.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/wait.h>

static void check_foreign(const char *at, unsigned long addr, unsigned long length,
			  unsigned int prot, unsigned int alloc_prot, unsigned int type)
{
	struct winmem_query args = query_at(at, addr);

	if (args.out_state != WINMEM_STATE_COMMIT || args.out_prot != prot ||
	    args.out_type != type || (length && args.out_length != length))
		check_failed(at, "query %#lx: length %#llx state %#x prot %#x type %#x", addr,
			     args.out_length, args.out_state, args.out_prot, args.out_type);
	if (args.out_alloc_base > addr || !args.out_alloc_base)
		check_failed(at, "query %#lx: alloc_base %#llx", addr, args.out_alloc_base);
	if (args.out_alloc_prot != alloc_prot)
		check_failed(at, "query %#lx: alloc_prot %#x", addr, args.out_alloc_prot);
}

#define EXPECT_PRIVATE(addr, length, prot) \
	check_foreign(HERE, addr, length, prot, prot, WINMEM_TYPE_PRIVATE)
#define EXPECT_MAPPED(addr, length, prot) \
	check_foreign(HERE, addr, length, prot, prot, WINMEM_TYPE_MAPPED)
#define EXPECT_IMAGE(addr, length, prot) \
	check_foreign(HERE, addr, length, prot, WINMEM_PROT_EXECUTE_WRITECOPY, WINMEM_TYPE_IMAGE)
/* A view that is copied on write: its allocation protection stays what it was made with. */
#define EXPECT_COPY(addr, length, prot) \
	check_foreign(HERE, addr, length, prot, WINMEM_PROT_WRITECOPY, WINMEM_TYPE_MAPPED)

#define RW	(PROT_READ | PROT_WRITE)

static const struct { int linux_prot; unsigned int prot; } translation[] = {
	{ PROT_NONE, NOACCESS },
	{ PROT_READ, READONLY },
	{ RW, READWRITE },
	{ PROT_WRITE, READWRITE },
	{ PROT_EXEC, EXECUTE },
	{ PROT_READ | PROT_EXEC, EXECUTE_READ },
	{ RW | PROT_EXEC, EXECUTE_RW },
};

/* In the middle of nowhere, so that no neighbour merges with it. */
static unsigned long map_at_hole(unsigned long nr, int prot, int flags, int fd)
{
	unsigned long addr = find_hole(nr * PAGE);
	void *map = mmap((void *)addr, nr * PAGE, prot, flags | MAP_FIXED_NOREPLACE, fd, 0);

	EXPECT_EQ(addr, (unsigned long)map);
	return addr;
}

static int file_make(unsigned long nr)
{
	char path[] = "/tmp/winmem-query-XXXXXX";
	unsigned char page[PAGE];
	int fd = mkstemp(path);

	EXPECT_OK(fd);
	EXPECT_OK(unlink(path));
	memset(page, 0x42, PAGE);
	while (nr--)
		EXPECT_EQ(PAGE, write(fd, page, PAGE));
	return fd;
}

TEST(private_anonymous_memory)
{
	for (unsigned int i = 0; i < ARRAY_LEN(translation); i++) {
		unsigned long addr = map_at_hole(4, translation[i].linux_prot,
						 MAP_PRIVATE | MAP_ANONYMOUS, -1);
		struct winmem_query args = query(addr + PAGE);

		EXPECT_PRIVATE(addr, 4 * PAGE, translation[i].prot);
		EXPECT_EQ(addr, args.out_alloc_base);
		EXPECT_EQ(3 * PAGE, args.out_length);
		EXPECT_OK(munmap((void *)addr, 4 * PAGE));
		EXPECT_FREE(addr);
	}
}

TEST(shared_anonymous_memory_is_MAPPED)
{
	for (unsigned int i = 0; i < ARRAY_LEN(translation); i++) {
		unsigned long addr = map_at_hole(4, translation[i].linux_prot,
						 MAP_SHARED | MAP_ANONYMOUS, -1);

		EXPECT_MAPPED(addr, 4 * PAGE, translation[i].prot);
		EXPECT_EQ(addr, query(addr + 2 * PAGE).out_alloc_base);
		EXPECT_OK(munmap((void *)addr, 4 * PAGE));
	}
}

TEST(a_shared_file_mapping_is_MAPPED)
{
	int fd = file_make(4);
	unsigned long addr = map_at_hole(4, PROT_READ, MAP_SHARED, fd);

	EXPECT_MAPPED(addr, 4 * PAGE, READONLY);
	EXPECT_OK(munmap((void *)addr, 4 * PAGE));
	addr = map_at_hole(4, RW, MAP_SHARED, fd);
	EXPECT_MAPPED(addr, 4 * PAGE, READWRITE);
	*(volatile char *)addr = 1;
	EXPECT_MAPPED(addr, 4 * PAGE, READWRITE);
	EXPECT_OK(munmap((void *)addr, 4 * PAGE));
	close(fd);
}

TEST(a_private_file_mapping_that_cannot_be_written_is_READONLY)
{
	int fd = file_make(4);
	unsigned long addr = map_at_hole(4, PROT_READ, MAP_PRIVATE, fd);

	EXPECT_MAPPED(addr, 4 * PAGE, READONLY);
	EXPECT_OK(munmap((void *)addr, 4 * PAGE));
	close(fd);
}

TEST(VQ16_a_private_file_page_is_WRITECOPY_until_it_is_written)
{
	int fd = file_make(6);
	unsigned long addr = map_at_hole(6, RW, MAP_PRIVATE, fd);

	EXPECT_COPY(addr, 6 * PAGE, WINMEM_PROT_WRITECOPY);
	/* Reading a page is not writing it. */
	EXPECT_EQ(0x42, byte_at(addr + 4 * PAGE));
	EXPECT_COPY(addr, 6 * PAGE, WINMEM_PROT_WRITECOPY);
	*(volatile char *)(addr + 2 * PAGE) = 1;
	EXPECT_COPY(addr, 2 * PAGE, WINMEM_PROT_WRITECOPY);
	EXPECT_COPY(addr + PAGE, PAGE, WINMEM_PROT_WRITECOPY);
	EXPECT_COPY(addr + 2 * PAGE, PAGE, READWRITE);
	EXPECT_COPY(addr + 3 * PAGE, 3 * PAGE, WINMEM_PROT_WRITECOPY);
	EXPECT_EQ(addr, query(addr + 3 * PAGE).out_alloc_base);
	*(volatile char *)(addr + 3 * PAGE) = 1;
	EXPECT_COPY(addr + 2 * PAGE, 2 * PAGE, READWRITE);
	/* What was written and cannot be written any more is READONLY like any other. */
	EXPECT_OK(mprotect((void *)addr, 6 * PAGE, PROT_READ));
	EXPECT_MAPPED(addr, 6 * PAGE, READONLY);
	EXPECT_OK(munmap((void *)addr, 6 * PAGE));
	close(fd);
}

TEST(VQ16_writecopy_over_a_border_of_page_tables)
{
	int fd = file_make(8);
	unsigned long hole = find_hole(8 * CHUNK);
	unsigned long addr = ((hole + 2 * CHUNK) & -CHUNK) - 4 * PAGE;

	/* The written page is the first of the next table; the one before is untouched. */
	EXPECT(mmap((void *)addr, 8 * PAGE, RW, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, 0) ==
	       (void *)addr);
	*(volatile char *)(addr + 4 * PAGE) = 1;
	EXPECT_COPY(addr, 4 * PAGE, WINMEM_PROT_WRITECOPY);
	EXPECT_COPY(addr + 4 * PAGE, PAGE, READWRITE);
	EXPECT_COPY(addr + 5 * PAGE, 3 * PAGE, WINMEM_PROT_WRITECOPY);
	EXPECT_OK(munmap((void *)addr, 8 * PAGE));
	close(fd);
}

/* Larger than one page table; sparse, so nothing of it is in memory. */
TEST(a_long_writecopy_mapping_is_one_run)
{
	const unsigned long nr = 3 * CHUNK / PAGE + 5;
	int fd = file_make(1);
	unsigned long addr;

	EXPECT_OK(ftruncate(fd, nr * PAGE));
	addr = map_at_hole(nr, RW, MAP_PRIVATE, fd);
	EXPECT_COPY(addr, nr * PAGE, WINMEM_PROT_WRITECOPY);
	*(volatile char *)(addr + 3 * CHUNK) = 1;
	EXPECT_COPY(addr, 3 * CHUNK, WINMEM_PROT_WRITECOPY);
	EXPECT_COPY(addr + 3 * CHUNK, PAGE, READWRITE);
	EXPECT_OK(munmap((void *)addr, nr * PAGE));
	close(fd);
}

TEST(mprotect_splits_what_query_sees)
{
	unsigned long addr = map_at_hole(8, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	EXPECT_OK(mprotect((void *)(addr + 2 * PAGE), 3 * PAGE, PROT_READ));
	EXPECT_PRIVATE(addr, 2 * PAGE, READWRITE);
	EXPECT_PRIVATE(addr + 2 * PAGE, 3 * PAGE, READONLY);
	EXPECT_PRIVATE(addr + 5 * PAGE, 3 * PAGE, READWRITE);
	EXPECT_OK(munmap((void *)addr, 8 * PAGE));
}

static int data = 1;		/* in a page of its file that is written when it starts */

TEST(VQ13_the_program_itself_is_IMAGE)
{
	unsigned long text = (unsigned long)test_exec & -PAGE;
	unsigned long header = getauxval(AT_PHDR) & -PAGE;

	EXPECT_IMAGE(text, 0, EXECUTE_READ);
	EXPECT_IMAGE(header, 0, READONLY);
	data++;
	EXPECT_IMAGE((unsigned long)&data & -PAGE, 0, READWRITE);
}

static int find_libc(struct dl_phdr_info *library, size_t size __attribute__((unused)), void *found)
{
	if (strstr(library->dlpi_name, "libc.so"))
		*(unsigned long *)found = library->dlpi_addr;
	return 0;
}

TEST(VQ13_a_library_is_IMAGE)
{
	unsigned long libc = 0;

	dl_iterate_phdr(find_libc, &libc);
	EXPECT(libc);
	EXPECT_IMAGE(libc, 0, READONLY);
	/* A pointer to a library's function does not point into the program. */
	EXPECT_IMAGE((unsigned long)dlsym(RTLD_DEFAULT, "getpid") & -PAGE, 0, EXECUTE_READ);
}

TEST(stack_heap_and_vdso_are_PRIVATE)
{
	int on_stack = 1;
	void *heap = malloc(100);

	EXPECT_PRIVATE((unsigned long)&on_stack & -PAGE, 0, READWRITE);
	EXPECT_PRIVATE((unsigned long)heap & -PAGE, 0, READWRITE);
	EXPECT_PRIVATE(getauxval(AT_SYSINFO_EHDR), 0, EXECUTE_READ);
	free(heap);
}

TEST(every_mapping_of_the_process_is_committed)
{
	struct vma vma;
	unsigned long addr = 0;
	unsigned int nr = 0;

	while (vma_find(addr, &vma) && vma.start < 0x7fffffff0000UL) {
		struct winmem_query first = query(vma.start), last = query(vma.end - 1);

		EXPECT_EQ(WINMEM_STATE_COMMIT, first.out_state);
		EXPECT_EQ(WINMEM_STATE_COMMIT, last.out_state);
		EXPECT(first.out_type && first.out_prot);
		EXPECT(last.out_base + last.out_length >= vma.end);
		addr = vma.end;
		nr++;
	}
	EXPECT(nr > 10);
}

TEST(a_foreign_mapping_beside_a_reservation)
{
	unsigned long hole = find_hole(GRAN);

	reserve_fixed(hole + GRAN, GRAN);
	map_foreign(hole + GRAN - PAGE, PAGE, PROT_READ);
	map_foreign(hole + 2 * GRAN, PAGE, PROT_READ | PROT_WRITE);
	EXPECT_PRIVATE(hole + GRAN - PAGE, PAGE, READONLY);
	EXPECT_RESERVED(hole + GRAN, GRAN);
	EXPECT_PRIVATE(hole + 2 * GRAN, PAGE, READWRITE);
	EXPECT_EQ(hole + 2 * GRAN, query(hole + 2 * GRAN).out_alloc_base);
	EXPECT_OK(munmap((void *)(hole + GRAN - PAGE), PAGE));
	EXPECT_OK(munmap((void *)(hole + 2 * GRAN), PAGE));
}

/*
 * Without randomisation the stack lies above out_highest, and with five levels of page
 * tables so can any mapping: they are answered all the same.
 */
int test_exec(int argc __attribute__((unused)), char **argv __attribute__((unused)))
{
	struct winmem_query args;
	struct vma stack;

	dev = OPEN_DEVICE();
	EXPECT(vma_find((unsigned long)&args, &stack));
	if (stack.end <= 0x7fffffff0000UL)
		return 77;
	args = query(stack.end - PAGE);
	EXPECT_EQ(WINMEM_STATE_COMMIT, args.out_state);
	EXPECT_EQ(READWRITE, args.out_prot);
	EXPECT_EQ(stack.start, args.out_alloc_base);
	return 0;
}

TEST(a_stack_above_the_highest_reservation)
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (!child) {
		personality(ADDR_NO_RANDOMIZE);
		execl("/proc/self/exe", "query_foreign", "--exec", NULL);
		_exit(3);
	}
	EXPECT_EQ(child, waitpid(child, &status, 0));
	if (status == 77 << 8)
		skip_because("the stack is below the highest reservation here");
	EXPECT_EQ(0, status);
}

TEST(a_mapping_above_47_bits)
{
	unsigned long addr = 1UL << 50;
	void *map = mmap((void *)addr, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if ((unsigned long)map != addr)
		skip_because("no addresses above 47 bits here");
	EXPECT_PRIVATE(addr, PAGE, READONLY);
	EXPECT_OK(munmap(map, PAGE));
	EXPECT_ERRNO(EINVAL, ({ struct winmem_query args = query_args(addr);
				ioctl(dev, WINMEM_IOC_QUERY, &args); }));
}
