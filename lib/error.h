/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_ERROR_H
#define WINMEM_ERROR_H

#include <winmem.h>

/**
 * winmem_error_from_errno() - the Win32 error for an errno value
 * @err: errno value, from the kernel or from the library's own checks
 *
 * Context: any. Changes nothing.
 * Return: ERROR_*; ERROR_GEN_FAILURE for a value nobody should have returned.
 */
DWORD winmem_error_from_errno(int err);

/**
 * winmem_error_set() - end a public function: the last error, if there was one
 * @err: errno value; 0 leaves the last error as it is
 *
 * Context: public functions only.
 * Return: TRUE when @err is 0.
 */
BOOL winmem_error_set(int err);

#endif /* WINMEM_ERROR_H */
