/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_FAULT_H
#define WINMEM_FAULT_H

#include <linux/mm_types.h>

struct vm_fault;

vm_fault_t winmem_vma_fault(struct vm_fault *vmf);
vm_fault_t winmem_vma_page_mkwrite(struct vm_fault *vmf);

#endif /* WINMEM_FAULT_H */
