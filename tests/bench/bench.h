/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_PAGE	4096UL

/*
 * Memory as one subject gives it: winmem by its ioctls, winmem by its library, or a peer.
 * Cases are written over this, so that all subjects go through the same loops. 0 or an
 * errno value; a peer leaves out what its cases do not call.
 */
struct bench_memory {
	void *(*reserve)(size_t length);		/* no access; NULL: failed */
	int (*release)(void *addr, size_t length);	/* address space and memory are gone */
	int (*commit)(void *addr, size_t length);	/* to be read and written from now on */
	int (*decommit)(void *addr, size_t length);	/* memory is given back */
	int (*protect)(void *addr, size_t length, bool write);	/* read, or read and write */
	int (*deny)(void *addr, size_t length);		/* neither from now on */
	int (*query)(void *addr);			/* what is there */
	int (*noop)(void);
	bool (*supported)(void);			/* by this kernel; NULL: by all */
	/* How many pages were written since the last call, for watchers.c. */
	int (*watch)(void *addr, size_t length, size_t *nr);
};

#define BENCH_WATCHED	8192UL			/* pages */

/* Subjects. */
extern const struct bench_memory bench_winmem;
extern const struct bench_memory bench_winmem_sparse;	/* may commit more than there is RAM */
extern const struct bench_memory bench_enotty;		/* noop: an ioctl that is refused */
extern const struct bench_memory bench_libwinmem;
extern const struct bench_memory bench_mmap;		/* private, anonymous, as programs do it */
extern const struct bench_memory bench_anonymous;	/* the same without huge pages */
extern const struct bench_memory bench_thp;		/* the same with huge pages, madvised */
extern const struct bench_memory bench_guard;		/* denied by MADV_GUARD_INSTALL */
extern const struct bench_memory bench_procmap;		/* queried by PROCMAP_QUERY */
extern const struct bench_memory bench_discard;		/* ... and no access after decommit */
extern const struct bench_memory bench_noreserve;	/* without huge pages and never charged */
extern const struct bench_memory bench_memfd;		/* a shared mapping of a memfd */
extern const struct bench_memory bench_getppid;		/* noop: the cheapest system call */
extern const struct bench_memory bench_winmem_watch;
extern const struct bench_memory bench_mprotect_watch;	/* and SIGSEGV */
extern const struct bench_memory bench_uffd_watch;	/* write protection by userfaultfd */
extern const struct bench_memory bench_scan_watch;	/* PAGEMAP_SCAN */
extern const struct bench_memory bench_libwinmem_handled;	/* by an exception */
extern const struct bench_memory bench_mprotect_handled;	/* by SIGSEGV */
extern const struct bench_memory bench_none;		/* nothing at all: the loop alone */

/* One run of one case. */
struct bench_run {
	const struct bench_memory *memory;
	unsigned long nr;		/* of the case: how many times, or how many pages */
	bool warm_up;			/* less of it will do */

	uint64_t count;			/* instructions, or what the case's unit says */
	uint64_t calls;			/* operations they were spent on */
	uint64_t failed_at;		/* page from which on the subject could not go on; or 0 */
	uint64_t started;
};

/* A row of the table: how one subject does one case. */
struct bench_case {
	const char *name;
	const char *subject;
	const struct bench_memory *memory;
	void (*run)(struct bench_run *run);
	unsigned long nr;
	unsigned long crowd;		/* how many other reservations there are */
	bool is_long;			/* for other reasons than the two before */
	const char *unit;		/* NULL: instructions per operation */
};

extern const struct bench_case bench_cases[];
extern const size_t bench_nr_cases;

void bench_start(struct bench_run *run);
void bench_stop(struct bench_run *run, uint64_t calls);

void bench_check(int err, const char *what);
#define must(call)	bench_check(call, #call)

/* What cases are written with. */
#define BENCH_PIECE	65536UL
#define BENCH_MEGABYTE	(1UL << 20)

unsigned long bench_times(const struct bench_run *run);
char *bench_reserve(const struct bench_run *run, size_t length);
char *bench_reserve_committed(const struct bench_run *run, size_t length);
void bench_release(const struct bench_run *run, char *addr, size_t length);
void bench_touch_all(char *addr, size_t length);

/* Cases. */
void bench_loop(struct bench_run *run);
void bench_reserve_release(struct bench_run *run);
void bench_commit(struct bench_run *run);
void bench_commit_scattered(struct bench_run *run);
void bench_decommit(struct bench_run *run);
void bench_decommit_empty(struct bench_run *run);
void bench_protect_page(struct bench_run *run);
void bench_protect_page_write(struct bench_run *run);
void bench_alternate(struct bench_run *run);
void bench_alternate_touched(struct bench_run *run);
void bench_query(struct bench_run *run);
void bench_query_reserved(struct bench_run *run);
void bench_query_uniform(struct bench_run *run);
void bench_query_alternate(struct bench_run *run);
void bench_query_free(struct bench_run *run);
void bench_query_other(struct bench_run *run);
void bench_noaccess_alternate(struct bench_run *run);
void bench_protect_runs(struct bench_run *run);
void bench_touch(struct bench_run *run);
void bench_touch_scattered(struct bench_run *run);
void bench_touch_pieces(struct bench_run *run);
void bench_touch_sparse(struct bench_run *run);
void bench_touch_sparse_rss(struct bench_run *run);
void bench_release_page(struct bench_run *run);
void bench_release_scattered(struct bench_run *run);
void bench_release_pieces(struct bench_run *run);
void bench_handled_fault(struct bench_run *run);
void bench_watch_dirty(struct bench_run *run);
void bench_watch_clean(struct bench_run *run);
void bench_watch_rewrite(struct bench_run *run);

#endif /* BENCH_H */
