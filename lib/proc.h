/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_PROC_H
#define WINMEM_PROC_H

#include <stddef.h>
#include <stdint.h>

/**
 * winmem_proc_read() - a small text file as a string
 * @path: its name
 * @text: set; the empty string when there is no such file
 * @size: bytes that @text has; what is longer is cut
 *
 * Context: any thread. May change errno.
 */
void winmem_proc_read(const char *path, char *text, size_t size);

/**
 * winmem_proc_meminfo() - one number of /proc/meminfo
 * @meminfo: what the file says
 * @name: the line, with its colon
 *
 * Context: any.
 * Return: bytes; 0 when there is no such line.
 */
uint64_t winmem_proc_meminfo(const char *meminfo, const char *name);

#endif /* WINMEM_PROC_H */
