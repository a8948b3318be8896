/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs in this folder share: calls of the library that must succeed or
 * must fail with a certain last error, VirtualQuery's answers field by field, touching
 * memory that may fault, and snapshots of a range.
 *
 * A TEST() registers itself; common.c has main(). A program takes the name of a test,
 * with * as a wildcard, as its argument and then runs only what matches. The names begin
 * with the row of Windows' behaviour that they are about.
 *
 * Every check works in threads and in children too: there it prints what was wrong and
 * ends the process with status 1, which FINISH() sees.
 *
 * Sizes are bytes unless a name says pages.
 */
#ifndef WINMEM_TESTS_LIB_COMMON_H
#define WINMEM_TESTS_LIB_COMMON_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>
#include <winmem.h>

#define PAGE		0x1000UL
#define GRAN		0x10000UL
#define HIGHEST		0x7ffffffeffffUL	/* last byte of Windows' user space */
#define KERNEL_ADDR	((void *)0xffff800000000000UL)
#define SHARED_DATA	0x7ffe0000UL

#define RESERVE_COMMIT	(MEM_RESERVE | MEM_COMMIT)

/* The rows write protections in these letters. */
#define NA		PAGE_NOACCESS
#define RO		PAGE_READONLY
#define RW		PAGE_READWRITE
#define WC		PAGE_WRITECOPY
#define X		PAGE_EXECUTE
#define XR		PAGE_EXECUTE_READ
#define XRW		PAGE_EXECUTE_READWRITE
#define XWC		PAGE_EXECUTE_WRITECOPY

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

/* Last error and errno before each call under test: a success must leave both alone. */
#define UNTOUCHED_ERROR	0xdeadbeefU
#define UNTOUCHED_ERRNO	1518

#define TEST(name)							\
	static void name(void **state);					\
	__attribute__((constructor)) static void name##_add(void)	\
	{								\
		test_add(#name, name, NULL);				\
	}								\
	static void name(void **state __attribute__((unused)))

void test_add(const char *name, CMUnitTestFunction function, void *state);

/* Instead of the tests, when the first argument is "--exec". */
int test_exec(int argc, char **argv);

/* Programs that set this run without the device, and nothing opens it for them. */
extern bool without_device;

/* In programs that set this a test may end with more committed than it began with. */
extern bool keeps_memory;

#define HERE_STR(x)	#x
#define HERE_LINE(x)	HERE_STR(x)
#define HERE		__FILE__ ":" HERE_LINE(__LINE__)

__attribute__((noreturn, format(printf, 2, 3)))
void check_failed(const char *at, const char *format, ...);
__attribute__((format(printf, 1, 2))) void skip_because(const char *format, ...);

#define EXPECT(condition)						\
	do {								\
		if (!(condition))					\
			check_failed(HERE, "not true: %s", #condition);	\
	} while (0)

/* Numbers or pointers. */
#define EXPECT_EQ(want, got)						\
	do {								\
		unsigned long want_ = (unsigned long)(want);		\
		unsigned long got_ = (unsigned long)(got);		\
		if (want_ != got_)					\
			check_failed(HERE, "%s is %#lx, not %#lx",	\
				     #got, got_, want_);		\
	} while (0)

void call_begin(void);
void call_succeeded(const char *at, const char *call, unsigned long result);
void call_failed(const char *at, const char *call, DWORD error, unsigned long result);

/* A call that must succeed: its result is not 0; the last error and errno are not touched. */
#define EXPECT_OK(call)							\
	({								\
		call_begin();						\
		__typeof__(call) result_ = (call);			\
		call_succeeded(HERE, #call, (unsigned long)result_);	\
		result_;						\
	})

/* A call that must fail: its result is 0 and the last error is @error. */
#define EXPECT_ERROR(error, call)					\
	do {								\
		call_begin();						\
		unsigned long result_ = (unsigned long)(call);		\
		call_failed(HERE, #call, error, result_);		\
	} while (0)

/* The usual calls, which must succeed. */

#define reserve(size)		((char *)EXPECT_OK(VirtualAlloc(NULL, size, MEM_RESERVE, RW)))
#define reserve_at(addr, size)	((char *)EXPECT_OK(VirtualAlloc(addr, size, MEM_RESERVE, RW)))
#define alloc(size, prot)	((char *)EXPECT_OK(VirtualAlloc(NULL, size, RESERVE_COMMIT, prot)))
#define commit(addr, size, prot) ((char *)EXPECT_OK(VirtualAlloc(addr, size, MEM_COMMIT, prot)))
#define decommit(addr, size)	((void)EXPECT_OK(VirtualFree(addr, size, MEM_DECOMMIT)))
#define release(addr)		((void)EXPECT_OK(VirtualFree(addr, 0, MEM_RELEASE)))

/* VirtualProtect; the old protection. */
#define protect(addr, size, prot)					\
	({								\
		DWORD old_ = UNTOUCHED_ERROR;				\
		(void)EXPECT_OK(VirtualProtect(addr, size, prot, &old_)); \
		old_;							\
	})

MEMORY_BASIC_INFORMATION query_at(const char *at, const void *addr);
#define query(addr)		query_at(HERE, addr)

/* An address where @size bytes can be reserved, a multiple of 64 KiB. */
char *free_place_at(const char *at, size_t size);
#define free_place(size)	free_place_at(HERE, size)

/* All seven fields. */
void check_mbi(const char *at, const void *addr, const void *base, const void *alloc_base,
	       DWORD alloc_prot, size_t size, DWORD state, DWORD prot, DWORD type);

#define expect_mbi(addr, base, alloc_base, alloc_prot, size, state, prot, type) \
	check_mbi(HERE, addr, base, alloc_base, alloc_prot, size, state, prot, type)
#define expect_reserved(addr, alloc_base, alloc_prot, size) \
	check_mbi(HERE, addr, addr, alloc_base, alloc_prot, size, MEM_RESERVE, 0, MEM_PRIVATE)
#define expect_committed(addr, alloc_base, alloc_prot, size, prot) \
	check_mbi(HERE, addr, addr, alloc_base, alloc_prot, size, MEM_COMMIT, prot, MEM_PRIVATE)

/* All but the size, which ends where something else begins. */
void check_free(const char *at, const void *addr);
#define expect_free(addr)	check_free(HERE, addr)

/* Touching memory that may fault. try_*: false when a signal came instead. */

struct fault {
	int signo;
	int code;
	char kind;			/* 'r', 'w' or 'x'; '?' where it cannot be told */
	unsigned long addr;
};

extern __thread struct fault last_fault;

bool try_touch(void (*touch)(void *addr), void *addr);
bool try_read(const void *addr);
bool try_write(void *addr);		/* a write that keeps what is there */
bool try_exec(void *addr);		/* needs put_return() there first */

/* What can be done at an address, as "rwx" with - for what faults. */
void check_access(const char *at, void *addr, const char *access);
#define expect_access(addr, access)	check_access(HERE, addr, access)

void put_return(void *addr);

/* Each 8 bytes hold their own address and the seed: a page in the wrong place shows. */
void fill(void *addr, size_t size, unsigned int seed);
bool filled(const void *addr, size_t size, unsigned int seed);
bool zeroed(const void *addr, size_t size);

/* One range as VirtualQuery, its readable contents and the commit charge show it. */
struct snapshot;

struct snapshot *snapshot_take(const char *at, void *addr, size_t size);
void snapshot_check(const char *at, struct snapshot *before);	/* and forget it */

/* A call that must fail and change nothing of a range. */
#define EXPECT_UNCHANGED(addr, size, error, call)			\
	do {								\
		struct snapshot *before_ = snapshot_take(HERE, addr, size); \
		EXPECT_ERROR(error, call);				\
		snapshot_check(HERE, before_);				\
	} while (0)

/* Commit charge and limit of this process, straight from the kernel. ~0: no limit. */
unsigned long charge(void);
void limit_set(unsigned long bytes);
void limit_total(unsigned long *limit, unsigned long *charged);

/* Mappings of Linux, as a program would have them beside winmem's memory. */
unsigned int vma_count(void);
unsigned long vma_first(void);
void *map_shared(size_t size);			/* anonymous: a view of the pagefile */
void *map_file(size_t size, int flags, int prot);	/* of this program's own file */

/* How many of what is only repeated: @most when WINMEM_LONG is set, as the longer targets do. */
unsigned long repeat(unsigned long usual, unsigned long most);

/* Children: @function runs in one, which ends with status 0 unless a check fails. */
pid_t start_child(void (*function)(void *arg), void *arg);
void finish_child(const char *at, pid_t child);
void *shared_page(void);			/* for parent and child, zeroed */

#define FINISH(child)		finish_child(HERE, child)
#define IN_CHILD(function, arg)	finish_child(HERE, start_child(function, arg))

#endif /* WINMEM_TESTS_LIB_COMMON_H */
