/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_VMA_H
#define WINMEM_VMA_H

struct file;
struct vm_area_struct;

int winmem_vma_mmap(struct file *file, struct vm_area_struct *vma);

#endif /* WINMEM_VMA_H */
