// SPDX-License-Identifier: GPL-2.0-only
#include "kernel.h"

int shim_rcu_depth;
unsigned long shim_allocated;
unsigned long shim_fail_in;

void winmem_widen(int point)
{
	(void)point;
}

static bool alloc_fails(void)
{
	return shim_fail_in && !--shim_fail_in;
}

void *kmalloc(size_t size, gfp_t gfp)
{
	void *p = alloc_fails() ? NULL : malloc(size);

	(void)gfp;
	shim_allocated += p != NULL;
	return p;
}

void *kzalloc(size_t size, gfp_t gfp)
{
	void *p = kmalloc(size, gfp);

	return p ? memset(p, 0, size) : NULL;
}

void kfree(const void *p)
{
	shim_allocated -= p != NULL;
	free((void *)p);
}

void *memchr_inv(const void *start, int c, size_t bytes)
{
	const u8 *p = start;

	for (; bytes; bytes--, p++) {
		if (*p != (u8)c)
			return (void *)p;
	}
	return NULL;
}

void xa_init_flags(struct xarray *xa, gfp_t flags)
{
	(void)flags;
	memset(xa, 0, sizeof(*xa));
}

void xa_destroy(struct xarray *xa)
{
	memset(xa, 0, sizeof(*xa));
}

void *xa_load(struct xarray *xa, unsigned long index)
{
	assert(index < SHIM_XA_SLOTS);
	return xa->slots[index];
}

void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	(void)gfp;
	assert(index < SHIM_XA_SLOTS);
	if (alloc_fails())
		return ERR_PTR(-ENOMEM);
	xa->slots[index] = entry;
	return NULL;
}

void *xa_erase(struct xarray *xa, unsigned long index)
{
	void *entry = xa_load(xa, index);

	xa->slots[index] = NULL;
	return entry;
}

void *xa_find(struct xarray *xa, unsigned long *index, unsigned long last, int filter)
{
	unsigned long i;

	(void)filter;
	for (i = *index; i <= last && i < SHIM_XA_SLOTS; i++) {
		if (xa->slots[i]) {
			*index = i;
			return xa->slots[i];
		}
	}
	return NULL;
}

int xa_err(void *entry)
{
	return IS_ERR(entry) ? (int)PTR_ERR(entry) : 0;
}
