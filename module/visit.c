// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work in the address space of another process. mmap and munmap know the current process's
 * alone, so a kernel thread takes on the other one's and does it there: as the caller, where
 * permissions are asked, and on the other process's account, where memory is.
 */
#include <linux/cred.h>
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/workqueue.h>

#include "visit.h"

struct visit {
	struct work_struct work;
	struct mm_struct *mm;
	const struct cred *cred;
	void (*fn)(void *data);
	void *data;
};

static void visit_work(struct work_struct *work)
{
	struct visit *visit = container_of(work, struct visit, work);
	struct mem_cgroup *memcg, *old_memcg;
	const struct cred *old_cred;

	kthread_use_mm(visit->mm);
	memcg = get_mem_cgroup_from_mm(visit->mm);
	old_memcg = set_active_memcg(memcg);
	old_cred = override_creds(visit->cred);
	visit->fn(visit->data);
	revert_creds(old_cred);
	set_active_memcg(old_memcg);
	mem_cgroup_put(memcg);
	kthread_unuse_mm(visit->mm);
}

/**
 * winmem_visit() - call a function with current->mm set to a given one
 * @mm: the caller's, or one whose user count the caller holds
 * @work: function; it must not look at anything else of current
 * @data: for it
 *
 * Context: process context; sleeps until @work has returned. Locks that the caller holds
 * are not @work's, and @work must not take them.
 */
void winmem_visit(struct mm_struct *mm, void (*work)(void *data), void *data)
{
	struct visit visit = { .mm = mm, .cred = current_cred(), .fn = work, .data = data };

	if (mm == current->mm) {
		work(data);
		return;
	}
	INIT_WORK_ONSTACK(&visit.work, visit_work);
	queue_work(system_unbound_wq, &visit.work);
	flush_work(&visit.work);
	destroy_work_on_stack(&visit.work);
}
