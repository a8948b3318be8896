/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_ACCESS_H
#define WINMEM_ACCESS_H

struct vm_area_struct;

int winmem_vma_access(struct vm_area_struct *vma, unsigned long addr, void *buf, int len,
		      int write);

#endif /* WINMEM_ACCESS_H */
