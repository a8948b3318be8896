/* SPDX-License-Identifier: GPL-2.0-only */
/* What /proc says. For any folder of tests: EXPECT() is what its own header has. */
#ifndef WINMEM_TESTS_UAPI_PROC_H
#define WINMEM_TESTS_UAPI_PROC_H

#include <stdio.h>
#include <string.h>

/* The number behind a name in a file of /proc. */
static inline unsigned long number_of(const char *path, const char *name)
{
	unsigned long number = ~0UL;
	char line[256];
	FILE *file = fopen(path, "re");

	EXPECT(file);
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, name, strlen(name)))
			sscanf(line + strlen(name), "%lu", &number);
	}
	fclose(file);
	EXPECT(number != ~0UL);
	return number;
}

#endif
