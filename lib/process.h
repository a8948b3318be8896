/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_PROCESS_H
#define WINMEM_PROCESS_H

#include <sys/types.h>

#include <winmem.h>

/* Another process that a handle names. NULL, wherever one is asked for: the caller itself. */
struct winmem_process;

/**
 * winmem_process_check() - whether a handle names the calling process
 * @handle: what the program gave
 *
 * Context: any thread.
 * Return: 0; ENOSYS: it names another process; ESRCH: it names none.
 */
int winmem_process_check(HANDLE handle);

/**
 * winmem_process_get() - what a handle names, to be used once
 * @handle: what the program gave
 * @access: PROCESS_*, all of which the handle must have been opened with
 * @process: set; for winmem_process_put(). NULL: the calling process
 *
 * Context: any thread.
 * Return: 0; ESRCH: not a handle of a process; EACCES: it was opened without @access.
 */
int winmem_process_get(HANDLE handle, DWORD access, struct winmem_process **process);

/**
 * winmem_process_put() - done with it
 * @process: what winmem_process_get() has set
 *
 * Context: any thread. May change errno.
 */
void winmem_process_put(struct winmem_process *process);

/**
 * winmem_process_ioctl() - winmem_ioctl() on the memory of another process
 * @process: not NULL
 * @nr: WINMEM_IOC_*
 * @arg: its struct
 *
 * A process that has become another program, or has opened winmem only now, is found anew.
 *
 * Context: any thread. Leaves errno alone.
 * Return: as winmem_ioctl(); ENODEV also: the process does not use winmem; EACCES: it has
 * ended, or may not be traced any more.
 */
int winmem_process_ioctl(struct winmem_process *process, unsigned long nr, void *arg);

/**
 * winmem_process_pid() - its number
 * @process: NULL: the caller
 *
 * Context: any.
 */
pid_t winmem_process_pid(const struct winmem_process *process);

/**
 * winmem_process_mem() - a descriptor of its /proc/PID/mem, for reading and writing
 * @process: NULL: the caller
 *
 * Context: any thread. May change errno.
 * Return: descriptor that the caller closes, or -1.
 */
int winmem_process_mem(struct winmem_process *process);

#endif /* WINMEM_PROCESS_H */
