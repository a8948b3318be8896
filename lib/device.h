/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_DEVICE_H
#define WINMEM_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * winmem_ioctl() - the one door to the kernel
 * @nr: WINMEM_IOC_*
 * @arg: its struct
 *
 * Opens the device first if the process has not. A program that closed the library's
 * descriptor behind its back, or made a child without fork(3), does not notice: the
 * device is opened anew and the call repeated.
 *
 * Context: any thread. Leaves errno alone.
 * Return: 0; what the ioctl says; ENODEV: there is no module that this library can talk
 * to; EMFILE, ENFILE, ENOMEM: the device could not be opened.
 */
int winmem_ioctl(unsigned long nr, void *arg);

/**
 * winmem_device_is_open() - whether this process has memory of winmem's, or had
 *
 * Context: any, signal handlers included.
 */
bool winmem_device_is_open(void);

/**
 * winmem_device_prepare() - open the device, if there is one
 *
 * For what is about to use winmem_ioctl() from handlers of signals, where the first call
 * of a process may not be made.
 *
 * Context: any thread. Leaves errno alone.
 */
void winmem_device_prepare(void);

/**
 * winmem_device_count() - how often what WINMEM_IOC_QUERY says of reservations has changed
 *
 * Context: any, signal handlers included.
 * Return: a number that is another one after each change (struct winmem_changes); 0: the device
 * is not open, or does not tell.
 */
uint64_t winmem_device_count(void);

#endif /* WINMEM_DEVICE_H */
