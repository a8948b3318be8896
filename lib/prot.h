/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_PROT_H
#define WINMEM_PROT_H

#include <stdbool.h>

#include <winmem.h>

int winmem_prot_parse(DWORD *prot);
bool winmem_prot_is_copy(DWORD prot);
bool winmem_prot_has_exec(DWORD prot);
bool winmem_prot_has_write(DWORD prot);
int winmem_prot_to_mmap(DWORD prot);

#endif /* WINMEM_PROT_H */
