/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_FDINFO_H
#define WINMEM_FDINFO_H

struct seq_file;
struct winmem_space;

void winmem_fdinfo_show(struct seq_file *m, struct winmem_space *space);

#endif /* WINMEM_FDINFO_H */
