/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_VISIT_H
#define WINMEM_VISIT_H

struct mm_struct;

void winmem_visit(struct mm_struct *mm, void (*work)(void *data), void *data);

#endif /* WINMEM_VISIT_H */
