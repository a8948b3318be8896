// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process for each case: a program that sleeps, started as a usermode helper, whose mm
 * the case's kernel thread takes on. Faults, mappings and the space are those of a real
 * address space, and the case decides when it dies.
 *
 * A kernel thread's last fput() is done later by a work, which may be under way already
 * when flush_delayed_fput() looks: so whether a space has gone is asked for a while.
 */
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/uaccess.h>
#include <linux/umh.h>

#include "process.h"
#include "reset.h"

const struct winmem_bounds winmem_anywhere = {
	.start = WINMEM_PAGE_MIN,
	.end = WINMEM_PAGE_END,
	.align = WINMEM_GRANULE_PAGES,
};

static int remember_task(struct subprocess_info *info, struct cred *new)
{
	struct winmem_process *process = info->data;

	process->task = get_task_struct(current);
	return 0;
}

/* Before that the dynamic linker maps things. */
static void wait_for_sleep(struct winmem_process *process)
{
	int tries = 500;

	while (!(READ_ONCE(process->task->__state) & TASK_INTERRUPTIBLE) && --tries)
		msleep(20);
}

int winmem_process_start(struct winmem_process *process)
{
	static char * const env[] = { "PATH=/usr/bin:/bin", NULL };
	static char * const argv[] = { "/bin/sleep", "600", NULL };
	struct subprocess_info *info;
	int ret;

	info = call_usermodehelper_setup(argv[0], (char **)argv, (char **)env, GFP_KERNEL,
					 remember_task, NULL, process);
	if (!info)
		return -ENOMEM;
	ret = call_usermodehelper_exec(info, UMH_WAIT_EXEC);
	if (ret && process->task) {
		put_task_struct(process->task);
		process->task = NULL;
	}
	if (ret)
		return ret;

	process->mm = get_task_mm(process->task);
	if (!process->mm)
		return -ESRCH;
	wait_for_sleep(process);
	return 0;
}

void winmem_process_enter(struct winmem_process *process)
{
	kthread_use_mm(process->mm);
}

void winmem_process_leave(struct winmem_process *process)
{
	kthread_unuse_mm(process->mm);
}

static void wait_for_death(struct winmem_process *process)
{
	int tries = 500;

	while (!READ_ONCE(process->task->exit_state) && --tries)
		msleep(20);
	WARN_ON(!tries);
}

/* Ends the process and, when nobody else holds it, its address space. */
void winmem_process_kill(struct winmem_process *process)
{
	if (!process->task)
		return;
	send_sig(SIGKILL, process->task, 1);
	wait_for_death(process);
	if (process->mm)
		mmput(process->mm);
	put_task_struct(process->task);
	process->mm = NULL;
	process->task = NULL;
	flush_delayed_fput();
}

void winmem_process_close(struct winmem_process *process)
{
	if (process->space)
		winmem_space_close(process->space);
	process->space = NULL;
	flush_delayed_fput();
}

/* What is charged since the case began; waits a while for it to become what is wanted. */
unsigned long winmem_process_charged(struct winmem_process *process, unsigned long wanted)
{
	unsigned long charged;
	int tries = 100;

	while (true) {
		flush_delayed_fput();
		charged = winmem_charge_total() - process->total;
		if (charged == wanted || !--tries)
			return charged;
		msleep(20);
	}
}

/* A suite's .init: a process whose space is open, and the thread inside it. */
int winmem_process_init(struct kunit *test)
{
	struct winmem_process *process = kunit_kzalloc(test, sizeof(*process), GFP_KERNEL);
	int ret;

	if (!process)
		return -ENOMEM;
	test->priv = process;
	process->total = winmem_charge_total();
	ret = winmem_process_start(process);
	if (ret)
		return ret;

	winmem_process_enter(process);
	process->space = winmem_space_open();
	if (!IS_ERR(process->space))
		return 0;
	ret = PTR_ERR(process->space);
	process->space = NULL;
	return ret;
}

/* Its .exit, also when .init has failed: nothing stays charged. */
void winmem_process_exit(struct kunit *test)
{
	struct winmem_process *process = process_of(test);

	if (!process)
		return;
	if (process->mm && current->mm == process->mm)
		winmem_process_leave(process);
	winmem_process_close(process);
	winmem_process_kill(process);
	KUNIT_EXPECT_EQ(test, winmem_process_charged(process, 0), 0UL);
}

static int reserve_in(struct kunit *test, unsigned long start, unsigned long nr,
		      const struct winmem_bounds *bounds, enum winmem_huge huge,
		      struct winmem_region **region)
{
	struct winmem_space *space = space_of(test);
	int ret;

	mutex_lock(&space->mutex);
	ret = winmem_space_reserve(space, start, nr, bounds, huge, region);
	if (!ret)
		(*region)->prot = WINMEM_PROT_READWRITE;
	mutex_unlock(&space->mutex);
	return ret;
}

/* In the windows that stay, whatever its length. */
int winmem_test_reserve_at(struct kunit *test, unsigned long start, unsigned long nr,
			   const struct winmem_bounds *bounds, struct winmem_region **region)
{
	return reserve_in(test, start, nr, bounds, WINMEM_HUGE_NEVER, region);
}

/* Where there may be huge pages, if it is long enough; NULL when it fails. */
struct winmem_region *winmem_test_reserve_huge(struct kunit *test, unsigned long nr)
{
	struct winmem_region *region;

	if (reserve_in(test, 0, nr, &winmem_anywhere, WINMEM_HUGE_MAYBE, &region))
		return NULL;
	return region;
}

/* NULL when it fails. */
struct winmem_region *winmem_test_reserve(struct kunit *test, unsigned long start,
					  unsigned long nr)
{
	struct winmem_region *region;

	if (winmem_test_reserve_at(test, start, nr, &winmem_anywhere, &region))
		return NULL;
	return region;
}

/* Reserved and committed in one call; NULL when it fails. */
struct winmem_region *winmem_test_commit_new(struct kunit *test, unsigned long nr, u32 prot)
{
	struct winmem_region *region = winmem_test_reserve(test, 0, nr);
	struct winmem_space *space = space_of(test);
	int ret;

	if (!region)
		return NULL;
	mutex_lock(&space->mutex);
	region->prot = prot;
	ret = winmem_region_commit_new(space, region);
	mutex_unlock(&space->mutex);
	return ret ? NULL : region;
}

void winmem_test_release(struct kunit *test, struct winmem_region *region)
{
	struct winmem_space *space = space_of(test);

	mutex_lock(&space->mutex);
	winmem_space_release(space, region);
	mutex_unlock(&space->mutex);
}

int winmem_test_commit(struct kunit *test, struct winmem_region *region, unsigned long start,
		       unsigned long nr, u32 prot)
{
	struct winmem_space *space = space_of(test);
	int ret;

	mutex_lock(&space->mutex);
	ret = winmem_region_commit(space, region, start, nr, prot);
	mutex_unlock(&space->mutex);
	return ret;
}

int winmem_test_decommit(struct kunit *test, struct winmem_region *region,
			 unsigned long start, unsigned long nr)
{
	struct winmem_space *space = space_of(test);
	int ret;

	mutex_lock(&space->mutex);
	ret = winmem_region_decommit(space, region, start, nr);
	mutex_unlock(&space->mutex);
	return ret;
}

int winmem_test_protect(struct kunit *test, struct winmem_region *region, unsigned long start,
			unsigned long nr, u32 prot, u32 *old)
{
	struct winmem_space *space = space_of(test);
	u32 unused;
	int ret;

	mutex_lock(&space->mutex);
	ret = winmem_region_protect(space, region, start, nr, prot, old ?: &unused);
	mutex_unlock(&space->mutex);
	return ret;
}

int winmem_test_reset(struct kunit *test, struct winmem_region *region, unsigned long start,
		      unsigned long nr)
{
	struct winmem_space *space = space_of(test);
	int ret;

	mutex_lock(&space->mutex);
	ret = winmem_reset_make(space, start, nr);
	mutex_unlock(&space->mutex);
	return ret;
}

int winmem_test_reset_undo(struct kunit *test, struct winmem_region *region,
			   unsigned long start, unsigned long nr)
{
	struct winmem_space *space = space_of(test);
	int ret;

	mutex_lock(&space->mutex);
	ret = winmem_reset_undo(space, start, nr);
	mutex_unlock(&space->mutex);
	return ret;
}

struct winmem_run winmem_test_query(struct kunit *test, struct winmem_region *region,
				    unsigned long page)
{
	struct winmem_space *space = space_of(test);
	struct winmem_run run;

	mutex_lock(&space->mutex);
	winmem_region_query(space, region, page, &run);
	mutex_unlock(&space->mutex);
	return run;
}

u8 winmem_test_state(struct kunit *test, unsigned long page)
{
	struct winmem_space *space = space_of(test);
	u8 state;

	mutex_lock(&space->mutex);
	state = winmem_pages_get(&space->pages, page);
	mutex_unlock(&space->mutex);
	return state;
}

/* Whether a page lies in a reservation. */
bool winmem_test_find(struct kunit *test, unsigned long page)
{
	struct winmem_space *space = space_of(test);
	bool found;

	mutex_lock(&space->mutex);
	found = winmem_space_find(space, page);
	mutex_unlock(&space->mutex);
	return found;
}

int winmem_test_load(unsigned long page, u8 *value)
{
	return get_user(*value, (u8 __user *)addr_of(page));
}

int winmem_test_store(unsigned long page, u8 value)
{
	return put_user(value, (u8 __user *)addr_of(page));
}

/* Whether a page has memory, or swap. */
bool winmem_test_is_present(struct kunit *test, unsigned long page)
{
	unsigned long found = page;

	return winmem_backing_next(&space_of(test)->backing, &found, page);
}

/* Whether the table has at most the chunk that stays for the next. */
bool winmem_test_has_no_states(struct kunit *test)
{
	struct winmem_pages *pages = &space_of(test)->pages;
	struct winmem_chunk *chunk;
	unsigned long index;

	xa_for_each(&pages->chunks, index, chunk) {
		if (chunk != pages->idle || index != pages->idle_index || chunk->committed)
			return false;
	}
	return true;
}

/* Whether the process has a mapping over a page, whosever it is. */
bool winmem_test_is_mapped(unsigned long page)
{
	struct vm_area_struct *vma;

	mmap_read_lock(current->mm);
	vma = find_vma(current->mm, addr_of(page));
	mmap_read_unlock(current->mm);
	return vma && vma->vm_start <= addr_of(page);
}

MODULE_DESCRIPTION("KUnit suites of winmem");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(WINMEM_KUNIT);
