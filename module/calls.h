/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_CALLS_H
#define WINMEM_CALLS_H

#include <uapi/linux/winmem.h>

struct winmem_space;

/* The struct of any ioctl; all begin with their size. */
union winmem_args {
	__u32 size;
	struct winmem_info info;
	struct winmem_reserve reserve;
	struct winmem_commit commit;
	struct winmem_decommit decommit;
	struct winmem_release release;
	struct winmem_protect protect;
	struct winmem_reset reset;
	struct winmem_query query;
	struct winmem_limit limit;
	struct winmem_guard guard;
	struct winmem_watch watch;
	struct winmem_lock lock;
	struct winmem_offer offer;
	struct winmem_attach attach;
};

long winmem_ioc_info(struct winmem_space *space, union winmem_args *args);
long winmem_ioc_reserve_undo(struct winmem_space *space, const union winmem_args *args);
long winmem_ioc_reserve(struct winmem_space *space, union winmem_args *args);
long winmem_ioc_commit(struct winmem_space *space, union winmem_args *args);
long winmem_ioc_decommit(struct winmem_space *space, union winmem_args *args);
long winmem_ioc_release(struct winmem_space *space, union winmem_args *args);
long winmem_ioc_protect(struct winmem_space *space, union winmem_args *args);
long winmem_ioc_reset(struct winmem_space *space, union winmem_args *args);
long winmem_ioc_query(struct winmem_space *space, union winmem_args *args);
long winmem_ioc_guard(struct winmem_space *space, union winmem_args *args);
long winmem_ioc_watch(struct winmem_space *space, union winmem_args *args);
long winmem_ioc_lock(struct winmem_space *space, union winmem_args *args);
long winmem_ioc_offer(struct winmem_space *space, union winmem_args *args);
long winmem_ioc_limit(struct winmem_space *space, union winmem_args *args);
long winmem_ioc_attach(struct winmem_space *space, union winmem_args *args);
long winmem_ioc_attach_undo(struct winmem_space *space, const union winmem_args *args);

#endif /* WINMEM_CALLS_H */
