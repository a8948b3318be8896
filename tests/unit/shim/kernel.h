/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of the kernel as module/'s pure files ask for, for a program on the host: one
 * thread, locks that check that they are taken in pairs, allocations that can be told to
 * fail and are counted, and an xarray that is a flat table.
 */
#ifndef WINMEM_SHIM_KERNEL_H
#define WINMEM_SHIM_KERNEL_H

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef unsigned int gfp_t;

#define PAGE_SHIFT		12
#define PAGE_SIZE		(1UL << PAGE_SHIFT)

#define READ_ONCE(x)		(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile typeof(x) *)&(x) = (v))
#define WARN_ON_ONCE(c)		({ bool __c = (c); assert(!__c); __c; })

#define is_power_of_2(x)	((x) && !((x) & ((x) - 1)))
#define noinline
#define __ffs(x)		((unsigned long)__builtin_ctzl(x))
#define IS_ALIGNED(x, a)	(!((x) & ((a) - 1)))

#define min(a, b)	({ typeof(a) __a = (a); typeof(b) __b = (b); __a < __b ? __a : __b; })
#define max(a, b)	({ typeof(a) __a = (a); typeof(b) __b = (b); __a > __b ? __a : __b; })

#define MAX_ERRNO	4095
#define IS_ERR(p)	((unsigned long)(p) >= (unsigned long)-MAX_ERRNO)
#define PTR_ERR(p)	((long)(p))
#define ERR_PTR(e)	((void *)(long)(e))

#define current			NULL
#define cond_resched()		do { } while (0)
#define fatal_signal_pending(t)	false

/* Bitmaps, as far as the pure files go. */
#define DECLARE_BITMAP(name, bits)	unsigned long name[(bits) / 64]
#define __set_bit(n, map)		((map)[(n) / 64] |= 1UL << (n) % 64)

/* Locks: nothing to lock, but a pair that does not match is a bug. */
typedef struct {
	bool held;
} spinlock_t;

#define spin_lock_init(l)	((l)->held = false)
#define spin_lock(l)		do { assert(!(l)->held); (l)->held = true; } while (0)
#define spin_unlock(l)		do { assert((l)->held); (l)->held = false; } while (0)

/* For sparse, which does not look here. */
#define __acquire(x)		do { } while (0)
#define __release(x)		do { } while (0)
#define smp_rmb()		do { } while (0)
#define smp_wmb()		do { } while (0)

/* One CPU. */
#define DEFINE_PER_CPU(type, name)	type name
#define get_cpu_ptr(p)		(p)
#define put_cpu_ptr(p)		do { } while (0)

typedef struct {
	long value;
} atomic64_t;

#define atomic64_inc_return(v)	(++(v)->value)

struct rcu_head {
	void *unused;
};

extern int shim_rcu_depth;

#define rcu_read_lock()		(shim_rcu_depth++)
#define rcu_read_unlock()	(assert(shim_rcu_depth > 0), shim_rcu_depth--)
#define kfree_rcu(p, member)	kfree(p)

/* Allocation: the shim_fail_in'th from now fails, when it is not zero. */
extern unsigned long shim_allocated;
extern unsigned long shim_fail_in;

#define GFP_KERNEL		0u
#define GFP_KERNEL_ACCOUNT	1u

void *kmalloc(size_t size, gfp_t gfp);
void *kzalloc(size_t size, gfp_t gfp);
void kfree(const void *p);

/* The first byte of a block that is not c, as the kernel's. */
void *memchr_inv(const void *start, int c, size_t bytes);

#define SHIM_XA_SLOTS	64
#define XA_FLAGS_ACCOUNT	0
#define XA_PRESENT		0

struct xarray {
	void *slots[SHIM_XA_SLOTS];
};

void xa_init_flags(struct xarray *xa, gfp_t flags);
void xa_destroy(struct xarray *xa);
void *xa_load(struct xarray *xa, unsigned long index);
void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp);
void *xa_erase(struct xarray *xa, unsigned long index);
void *xa_find(struct xarray *xa, unsigned long *index, unsigned long last, int filter);
int xa_err(void *entry);

#define xa_for_each_range(xa, index, entry, start, last)			\
	for (index = (start), entry = xa_find(xa, &index, last, XA_PRESENT);	\
	     entry;								\
	     index++, entry = xa_find(xa, &index, last, XA_PRESENT))
#define xa_for_each(xa, index, entry) xa_for_each_range(xa, index, entry, 0, ULONG_MAX)

#endif /* WINMEM_SHIM_KERNEL_H */
