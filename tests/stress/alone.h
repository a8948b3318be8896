/* SPDX-License-Identifier: GPL-2.0-only */
/* A thread in regions of its own: nothing but its calls happens there. */
#ifndef WINMEM_TESTS_STRESS_ALONE_H
#define WINMEM_TESTS_STRESS_ALONE_H

#include "model.h"
#include "worker.h"

#define STRAYS		8
#define STRAY_PAGES	700

struct alone {
	struct model arena;			/* addresses that this thread chooses from */
	struct model strays[STRAYS];		/* reservations where the kernel chose; nr 0: none */
	struct page *stray_pages[STRAYS];
	bool kept;				/* the arena is inside a window */
	bool carved;				/* and that has had something put over it */
	int memfd;				/* what its own mappings map */
	long most;				/* cells that one operation writes */
	uint64_t stamp;
};

struct model *pick_model(struct worker *worker);
struct span pick_span(struct worker *worker, const struct model *model, long limit);
uint64_t next_word(struct worker *worker);
const char *name_of(const struct worker *worker, const struct model *model);

/* alone_access.c */
void check_cell(struct worker *worker, struct page *page, unsigned int cell, const void *addr,
		const char *copy);
void write_pages(struct worker *worker, struct model *model, struct span span);
void op_read(struct worker *worker);
void op_write(struct worker *worker);
void op_call(struct worker *worker);
void op_pipe_write(struct worker *worker);
void op_pipe_read(struct worker *worker);
void op_remote_read(struct worker *worker);
void op_remote_write(struct worker *worker);

/* alone_actors.c */
void op_map(struct worker *worker);
void op_unmap(struct worker *worker);
void op_unmap_nothing(struct worker *worker);
void op_fork(struct worker *worker);
void op_page_out(struct worker *worker);
void page_out(struct worker *worker, struct model *model, struct span span);

/* alone_check.c */
void alone_check(struct worker *worker);
void check_query(struct worker *worker, const struct model *model, unsigned long addr);

#endif
