// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * malloc() that is HeapAlloc() of the process heap: libwinmem-malloc.so, for LD_PRELOAD. It
 * has a libwinmem of its own inside, so what it calls can never be another's.
 *
 * A block that is none ends the process as it does with HeapFree(). A child made by fork(2)
 * has none of its parent's blocks, and so cannot live on unless it calls exec(3) at once
 * and touches nothing before; vfork(2) and posix_spawn(3) work.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include <winmem.h>

#include "corruption.h"
#include "heap_core.h"
#include "heap_fast.h"
#include "heaps.h"
#include "thread.h"

static struct winmem_heap *heap_get(void)
{
	struct winmem_heap *heap;

	return winmem_heaps_process(&heap) ? NULL : heap;
}

static void *failed(int err)
{
	errno = err;
	return NULL;
}

static __attribute__((noinline)) void *heap_alloc(size_t size, DWORD flags)
{
	struct winmem_heap *heap = heap_get();
	void *data = NULL;

	if (heap)
		data = winmem_heap_alloc(heap, winmem_thread_number(), size, flags);
	if (!data)
		return failed(ENOMEM);
	winmem_thread_stand(heap);
	return data;
}

static void *heap_alloc_aligned(size_t size, size_t align)
{
	struct winmem_heap *heap = heap_get();

	if (!heap)
		return NULL;
	return winmem_heap_alloc_aligned(heap, winmem_thread_number(), size, align, 0);
}

/* No heap ever ends here, so there is nothing to compare. */
WINMEM_API void *malloc(size_t size)
{
	void *data = winmem_heap_fast_alloc(winmem_thread_self.shard, size);

	return __builtin_expect(!!data, 1) ? data : heap_alloc(size, 0);
}

WINMEM_API void *calloc(size_t nr, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(nr, size, &bytes))
		return failed(ENOMEM);
	return heap_alloc(bytes, HEAP_ZERO_MEMORY);
}

static __attribute__((noinline)) void heap_free(void *data)
{
	struct winmem_heap *heap = heap_get();
	int err;

	if (!data)
		return;
	err = heap ? winmem_heap_free(heap, winmem_thread_number(), data, 0) : EINVAL;
	if (err)
		winmem_corruption_found(heap, data, err);
}

WINMEM_API void free(void *data)
{
	struct winmem_heap *heap = atomic_load_explicit(&winmem_thread_self.heap,
							memory_order_relaxed);

	if (!winmem_heap_fast_free(heap, winmem_thread_self.number, data))
		heap_free(data);
}

WINMEM_API void *realloc(void *data, size_t size)
{
	void *at = data;
	int err;

	if (!data)
		return malloc(size);
	if (!size) {
		free(data);
		return NULL;
	}
	err = winmem_heap_realloc(heap_get(), winmem_thread_number(), &at, size, 0);
	if (!err)
		return at;
	if (err != ENOMEM)
		winmem_corruption_found(heap_get(), data, err);
	return failed(ENOMEM);
}

WINMEM_API void *reallocarray(void *data, size_t nr, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(nr, size, &bytes))
		return failed(ENOMEM);
	return realloc(data, bytes);
}

static bool is_power_of_two(size_t align)
{
	return align && !(align & (align - 1));
}

WINMEM_API int posix_memalign(void **result, size_t align, size_t size)
{
	void *data;

	if (!is_power_of_two(align) || align % sizeof(void *))
		return EINVAL;
	data = heap_alloc_aligned(size, align);
	if (!data)
		return ENOMEM;
	*result = data;
	return 0;
}

WINMEM_API void *memalign(size_t align, size_t size)
{
	void *data;

	if (!is_power_of_two(align))
		return failed(EINVAL);
	data = heap_alloc_aligned(size, align);
	return data ? data : failed(ENOMEM);
}

WINMEM_API void *aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

WINMEM_API void *valloc(size_t size)
{
	return memalign(sysconf(_SC_PAGESIZE), size);
}

WINMEM_API void *pvalloc(size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);

	if (size > SIZE_MAX - page)
		return failed(ENOMEM);
	return memalign(page, (size + page - 1) & -page);
}

/* Not a byte more than was asked for: programs then write to what they asked for. */
WINMEM_API size_t malloc_usable_size(void *data)
{
	size_t size;
	int err;

	if (!data)
		return 0;
	err = winmem_heap_size(heap_get(), winmem_thread_number(), data, 0, &size);
	if (!err)
		return size;
	winmem_corruption_found(heap_get(), data, err);
	return 0;
}

WINMEM_API int malloc_trim(size_t pad)
{
	struct winmem_heap *heap = heap_get();

	(void)pad;
	if (heap)
		winmem_heap_compact(heap, winmem_thread_number());
	return heap != NULL;
}
