// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The commit limit that this process is to have: what the program has set, or else what
 * WINMEM_COMMIT_LIMIT in the environment says. The kernel keeps it with the process's
 * memory, and forgets it with that; so it is remembered here, and whoever opens the device
 * sets it again. A child made by fork remembers it too. Pure, but for the environment.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "limit.h"

/* Not a limit: those are whole pages, or none. */
#define LIMIT_NOT_SET	1ULL

static atomic_ullong limit_set = LIMIT_NOT_SET;

/* How far a suffix shifts; -1: not one. */
static int suffix_shift(const char *suffix)
{
	static const struct {
		char letters[3];
		int shift;
	} suffixes[] = {
		{ "kK", 10 }, { "mM", 20 }, { "gG", 30 }, { "tT", 40 },
	};

	if (!*suffix)
		return 0;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if ((*suffix == suffixes[i].letters[0] || *suffix == suffixes[i].letters[1]) &&
		    !suffix[1])
			return suffixes[i].shift;
	}
	return -1;
}

/**
 * winmem_limit_parse() - read a number of bytes
 * @text: decimal digits, and K, M, G or T of either case for powers of 1024
 * @bytes: set
 *
 * Context: any. May change errno.
 * Return: 0; EINVAL: something else, or more than 64 bits.
 */
int winmem_limit_parse(const char *text, uint64_t *bytes)
{
	char *end;
	int shift;

	/* strtoull() takes signs and white space as well. */
	if (*text < '0' || *text > '9')
		return EINVAL;
	errno = 0;
	*bytes = strtoull(text, &end, 10);
	shift = suffix_shift(end);
	if (errno || shift < 0 || *bytes > UINT64_MAX >> shift)
		return EINVAL;
	*bytes <<= shift;
	return 0;
}

/**
 * winmem_limit_wanted() - the limit that this process is to have
 * @bytes: set; WINMEM_LIMIT_NONE: no limit of its own
 *
 * Context: any thread. May change errno.
 * Return: 0; EINVAL: the environment says something that is not a number; none then.
 */
int winmem_limit_wanted(uint64_t *bytes)
{
	const char *text;
	int ret;

	*bytes = limit_set;
	if (*bytes != LIMIT_NOT_SET)
		return 0;
	*bytes = WINMEM_LIMIT_NONE;
	text = secure_getenv("WINMEM_COMMIT_LIMIT");
	if (!text || !*text)
		return 0;
	ret = winmem_limit_parse(text, bytes);
	if (ret)
		*bytes = WINMEM_LIMIT_NONE;
	return ret;
}

/**
 * winmem_limit_want() - remember the limit that the program has set
 * @bytes: limit, a multiple of the page size; or WINMEM_LIMIT_NONE
 *
 * Context: any thread.
 */
void winmem_limit_want(uint64_t bytes)
{
	limit_set = bytes;
}
