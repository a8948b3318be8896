/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WINMEM_REMOTE_H
#define WINMEM_REMOTE_H

struct file_operations;
struct winmem_remote;
struct winmem_space;

void winmem_remote_init(const struct file_operations *ops);
int winmem_remote_attach(int mem_fd);
struct winmem_space *winmem_remote_enter(struct winmem_remote *remote);
void winmem_remote_leave(struct winmem_remote *remote, struct winmem_space *space);
void winmem_remote_close(struct winmem_remote *remote);

#endif /* WINMEM_REMOTE_H */
