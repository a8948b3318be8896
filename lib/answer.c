// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The kernel's last answers to WINMEM_IOC_QUERY. Programs ask again and again for the same few
 * reservations, and the kernel counts in a page of ours how often the truth has changed (struct
 * winmem_changes): with the same count as before, the same answer is true.
 *
 * Each thread has answers of its own. A signal handler that finds its thread at work here
 * asks the kernel, and keeps nothing.
 */
#include <linux/winmem.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "answer.h"
#include "device.h"
#include "range.h"

/* In each thread; looked through one by one. */
#define ANSWERS		4

struct answer {
	uint64_t count;		/* before it was asked for; 0: there is none, and no length */
	struct winmem_query query;
};

static _Thread_local struct {
	bool busy;
	unsigned int next;	/* the one that the next answer replaces */
	struct answer answers[ANSWERS];
} kept __attribute__((tls_model("initial-exec")));

static bool answer_holds(const struct answer *answer, uint64_t count, uint64_t addr)
{
	return answer->count == count && addr - answer->query.out_base < answer->query.out_length;
}

/* The run that was answered, from the page of addr on. */
static void answer_from(const struct answer *answer, struct winmem_query *query)
{
	uint64_t addr = query->addr, end = answer->query.out_base + answer->query.out_length;

	*query = answer->query;
	query->addr = addr;
	query->out_base = addr & ~(WINMEM_PAGE_SIZE - 1);
	query->out_length = end - query->out_base;
}

static bool find(struct winmem_query *query, uint64_t count)
{
	for (unsigned int i = 0; i < ANSWERS; i++) {
		if (answer_holds(&kept.answers[i], count, query->addr)) {
			answer_from(&kept.answers[i], query);
			return true;
		}
	}
	return false;
}

/* The count was read before the kernel was asked: the answer may be newer, and then goes unused. */
static int ask(struct winmem_query *query, uint64_t count)
{
	int ret = winmem_ioctl(WINMEM_IOC_QUERY, query);

	if (!ret && count && query->out_flags & WINMEM_OUT_COUNTED) {
		kept.answers[kept.next] = (struct answer){ count, *query };
		kept.next = (kept.next + 1) % ANSWERS;
	}
	return ret;
}

int winmem_answer(struct winmem_query *query)
{
	uint64_t count = winmem_device_count();
	int ret = 0;

	if (kept.busy)
		return winmem_ioctl(WINMEM_IOC_QUERY, query);
	kept.busy = true;
	atomic_signal_fence(memory_order_seq_cst);
	if (!find(query, count))
		ret = ask(query, count);
	atomic_signal_fence(memory_order_seq_cst);
	kept.busy = false;
	return ret;
}
