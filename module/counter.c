// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page of its own for each space, which counts the changes of what QUERY says of reservations.
 * The process maps it, read-only, and so sees without a system call whether an answer that it
 * has kept still holds:
 *
 *	program			space
 *
 *				count		7	8		9
 *	count: 7			|	|		|
 *	QUERY --- mutex ---> states	A	|	B	|	C
 *	count: still 7		      the answer from A is right
 *	count: 8		      ask again
 *
 * The count goes up before the states change. So whoever has seen anything of a change, by a fault
 * or an answer of another call, also sees the new count; and an answer that is kept under a count
 * was given at that count or after it has gone up already.
 *
 * A child made by fork inherits the mapping, for whoever clones without a library's knowledge
 * must not crash over it. It has a page of zeros there: its parent's answers are not its own.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <uapi/linux/winmem.h>

#include "compat.h"
#include "counter.h"

/**
 * winmem_counter_init() - make the page
 * @counter: to fill
 * @mm: whose count it is
 *
 * The count begins anywhere, so that what a process has kept from another space, its parent's or
 * one it had before, does not look like this one's.
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int winmem_counter_init(struct winmem_counter *counter, const struct mm_struct *mm)
{
	BUILD_BUG_ON(offsetof(struct winmem_changes, count) ||
		     sizeof_field(struct winmem_changes, count) != sizeof(atomic64_t));
	counter->count = (atomic64_t *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!counter->count)
		return -ENOMEM;
	counter->mm = mm;
	/* Far from 0, which it never is. */
	atomic64_set(counter->count, (get_random_u64() >> 1) + 1);
	return 0;
}

/**
 * winmem_counter_destroy() - of a space that ends
 * @counter: page of which no mapping is left
 *
 * Context: any.
 */
void winmem_counter_destroy(struct winmem_counter *counter)
{
	free_page((unsigned long)counter->count);
}

static vm_fault_t counter_fault(struct vm_fault *vmf)
{
	const struct winmem_counter *counter = vmf->vma->vm_private_data;

	if (vmf->pgoff)
		return VM_FAULT_SIGBUS;
	if (vmf->vma->vm_mm == counter->mm) {
		vmf->page = virt_to_page(counter->count);
		get_page(vmf->page);
		return 0;
	}
	vmf->page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	return vmf->page ? 0 : VM_FAULT_OOM;
}

static const struct vm_operations_struct counter_vm_ops = {
	.fault = counter_fault,
};

/**
 * winmem_counter_map() - .mmap of /dev/winmem
 * @counter: of the file's space, which the file keeps
 * @vma: the new mapping
 *
 * Context: mmap_lock is held for writing.
 * Return: 0; -EPERM: the caller is not the process whose space it is; -EACCES: to be written or
 * executed; -EINVAL: private, or not exactly the first page.
 */
int winmem_counter_map(struct winmem_counter *counter, struct vm_area_struct *vma)
{
	if (vma->vm_mm != counter->mm)
		return -EPERM;
	if (vma->vm_flags & (VM_WRITE | VM_EXEC))
		return -EACCES;
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff || vma_pages(vma) != 1)
		return -EINVAL;

	vm_flags_clear(vma, VM_MAYWRITE | VM_MAYEXEC);
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = counter;
	vma->vm_ops = &counter_vm_ops;
	return 0;
}
