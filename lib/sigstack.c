// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Alternate signal stacks: one for each thread that has asked, freed when it ends. Linux
 * has no way to give one to another thread.
 *
 * Handlers of exceptions are a program's ordinary code, and may fault in their turn: so a
 * stack has room for that, a few deep. What lies below it cannot be touched.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/auxv.h>

#include "range.h"
#include "sigstack.h"
#include "sys.h"

#define SIGSTACK_SIZE		(256UL << 10)
#define SIGSTACK_GUARD		(64UL << 10)

/* Frames of signals, with all the registers that this processor has, for which there is room. */
#define SIGSTACK_FRAMES		8
#define SIGSTACK_FRAME		2048

/*
 * The kernel leaves it alone below the stack pointer, and takes who has less than that left for
 * one who is not on this stack yet: it would begin at the top again, over what is there.
 */
#define SIGSTACK_RED_ZONE	128

static pthread_once_t sigstack_once = PTHREAD_ONCE_INIT;
static pthread_key_t sigstack_key;
static bool sigstack_has_key;

static size_t sigstack_size(void)
{
	size_t frame = getauxval(AT_MINSIGSTKSZ);
	size_t size = SIGSTACK_SIZE + SIGSTACK_FRAMES * (frame ? frame : SIGSTACK_FRAME);

	return (size + WINMEM_PAGE_SIZE - 1) & -WINMEM_PAGE_SIZE;
}

/* The thread ends. One that ends on this very stack leaves it behind. */
static void sigstack_end(void *map)
{
	stack_t none = { .ss_flags = SS_DISABLE }, now;

	if (sigaltstack(NULL, &now))
		return;
	if (now.ss_sp == (char *)map + SIGSTACK_GUARD && sigaltstack(&none, NULL))
		return;
	munmap(map, SIGSTACK_GUARD + sigstack_size());
}

static void sigstack_init(void)
{
	sigstack_has_key = !pthread_key_create(&sigstack_key, sigstack_end);
}

static bool sigstack_is_there(void)
{
	stack_t now;

	return sigaltstack(NULL, &now) || !(now.ss_flags & SS_DISABLE);
}

static void sigstack_make(void)
{
	size_t size = sigstack_size();
	stack_t stack = { .ss_size = size };
	void *map;

	if (winmem_sys_map(&map, SIGSTACK_GUARD + size, PROT_READ | PROT_WRITE))
		return;
	stack.ss_sp = (char *)map + SIGSTACK_GUARD;
	if (mprotect(map, SIGSTACK_GUARD, PROT_NONE) || pthread_setspecific(sigstack_key, map) ||
	    sigaltstack(&stack, NULL))
		munmap(map, SIGSTACK_GUARD + size);
}

void winmem_sigstack_get(void)
{
	int saved = errno;

	pthread_once(&sigstack_once, sigstack_init);
	/* A stack that the program has taken from the thread again is not forced upon it. */
	if (sigstack_has_key && !pthread_getspecific(sigstack_key) && !sigstack_is_there())
		sigstack_make();
	errno = saved;
}

bool winmem_sigstack_is_over(const void *rsp)
{
	char *map = sigstack_has_key ? pthread_getspecific(sigstack_key) : NULL;

	return map && (const char *)rsp >= map &&
	       (const char *)rsp <= map + SIGSTACK_GUARD + SIGSTACK_RED_ZONE;
}
