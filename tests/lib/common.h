/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs in this folder share: calls of the library that must succeed or
 * must fail with a certain last error, VirtualQuery's answers field by field, touching
 * memory that may fault, and snapshots of a range. What they share with tests/uapi is in
 * tests/common.
 *
 * The names of tests begin with the row of Windows' behaviour that they are about.
 *
 * Sizes are bytes unless a name says pages.
 */
#ifndef WINMEM_TESTS_LIB_COMMON_H
#define WINMEM_TESTS_LIB_COMMON_H

#include <winmem.h>

#include "../common/child.h"
#include "../common/harness.h"
#include "../common/maps.h"
#include "../common/memory.h"

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

/* Last error and errno before each call under test: a success must leave both alone. */
#define UNTOUCHED_ERROR	0xdeadbeefU
#define UNTOUCHED_ERRNO	1518

/* In programs that set this a test may end with more committed than it began with. */
extern bool keeps_memory;

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

bool try_read(const void *addr);
bool try_write(void *addr);		/* a write that keeps what is there */
bool try_exec(void *addr);		/* needs put_return() there first */

/* What can be done at an address, as "rwx" with - for what faults. */
void check_access(const char *at, void *addr, const char *access);
#define expect_access(addr, access)	check_access(HERE, addr, access)

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
void *map_shared(size_t size);			/* anonymous: a view of the pagefile */
void *map_file(size_t size, int flags, int prot);	/* of this program's own file */

/* How many of what is only repeated: @most when WINMEM_LONG is set, as the longer targets do. */
unsigned long repeat(unsigned long usual, unsigned long most);

#endif /* WINMEM_TESTS_LIB_COMMON_H */
