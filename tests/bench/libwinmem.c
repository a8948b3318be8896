// SPDX-License-Identifier: GPL-2.0-only
/* winmem by its library. */
#include <errno.h>
#include <winmem.h>

#include "bench.h"

static int result(bool good)
{
	return good ? 0 : EIO;
}

static void *lib_reserve(size_t length)
{
	return VirtualAlloc(NULL, length, MEM_RESERVE, PAGE_READWRITE);
}

static int lib_release(void *addr, size_t length)
{
	(void)length;
	return result(VirtualFree(addr, 0, MEM_RELEASE));
}

static int lib_commit(void *addr, size_t length)
{
	return result(VirtualAlloc(addr, length, MEM_COMMIT, PAGE_READWRITE));
}

static int lib_decommit(void *addr, size_t length)
{
	return result(VirtualFree(addr, length, MEM_DECOMMIT));
}

static int lib_protect(void *addr, size_t length, bool write)
{
	DWORD old;

	return result(VirtualProtect(addr, length, write ? PAGE_READWRITE : PAGE_READONLY, &old));
}

static int lib_query(void *addr)
{
	MEMORY_BASIC_INFORMATION info;

	return result(VirtualQuery(addr, &info, sizeof(info)));
}

const struct bench_memory bench_libwinmem = {
	.reserve = lib_reserve,
	.release = lib_release,
	.commit = lib_commit,
	.decommit = lib_decommit,
	.protect = lib_protect,
	.query = lib_query,
};
