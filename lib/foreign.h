/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_FOREIGN_H
#define WINMEM_FOREIGN_H

#include <winmem.h>

#include "range.h"

int winmem_foreign_protect(const struct winmem_range *range, DWORD prot, DWORD *old);

#endif /* WINMEM_FOREIGN_H */
