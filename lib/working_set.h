/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef WINMEM_WORKING_SET_H
#define WINMEM_WORKING_SET_H

#include <winmem.h>

/* Bytes, whole pages. VirtualLock() may lock the minimum, but for a few pages (row L09): lock.c. */
struct winmem_working_set {
	SIZE_T minimum;
	SIZE_T maximum;
	DWORD flags;		/* QUOTA_LIMITS_HARDWS_* */
};

void winmem_working_set_get(struct winmem_working_set *now);

#endif /* WINMEM_WORKING_SET_H */
