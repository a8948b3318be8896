// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The lists of vectored handlers. They are walked where a program has just faulted, so
 * without a lock and without malloc, and handlers change them from there.
 *
 * An entry that is removed stays linked to what follows, for those who stand on it; it is
 * used again when nobody walks: whoever begins after that cannot find it. Somebody who
 * leaves a handler by a jump walks for ever, and then removed entries are not used again.
 *
 * handlers_lock is for changes. It is held with all signals blocked, and no memory of the
 * program is touched under it: so nothing that interrupts its owner can want it.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

#include "handlers.h"
#include "sys.h"

/* Entries are made this many at a time. */
#define HANDLERS_BYTES	4096

/* Stack that is there before the lock is taken: a program may commit its stacks on demand. */
#define HANDLERS_STACK	2048

struct handler {
	_Atomic(struct handler *) next;		/* in its list; still good in a removed one */
	_Atomic(PVECTORED_EXCEPTION_HANDLER) function;	/* NULL: removed */
	struct handler *next_unused;		/* by handlers_lock, as is what follows */
};

static _Atomic(struct handler *) handlers[WINMEM_HANDLERS_NR];
static atomic_uint handlers_walks;

/* Recursive for other handlers of fork, which may change the lists while ours hold it. */
static pthread_mutex_t handlers_lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_once_t handlers_once = PTHREAD_ONCE_INIT;
static struct handler *handlers_removed;	/* may be walked */
static struct handler *handlers_unused;

static void handlers_before_fork(void)
{
	pthread_mutex_lock(&handlers_lock);
}

static void handlers_after_fork(void)
{
	pthread_mutex_unlock(&handlers_lock);
}

/* Its owner has another number here. */
static void handlers_in_child(void)
{
	handlers_lock = (pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
}

static void handlers_watch_fork(void)
{
	pthread_atfork(handlers_before_fork, handlers_after_fork, handlers_in_child);
}

static void handlers_begin(sigset_t *saved)
{
	volatile char stack[HANDLERS_STACK];
	sigset_t all;

	stack[0] = 0;
	(void)stack[0];
	pthread_once(&handlers_once, handlers_watch_fork);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, saved);
	pthread_mutex_lock(&handlers_lock);
}

static void handlers_end(const sigset_t *saved)
{
	pthread_mutex_unlock(&handlers_lock);
	pthread_sigmask(SIG_SETMASK, saved, NULL);
}

static struct handler *pop(struct handler **list)
{
	struct handler *handler = *list;

	*list = handler->next_unused;
	return handler;
}

static void push(struct handler **list, struct handler *handler)
{
	handler->next_unused = *list;
	*list = handler;
}

/*
 * Pairs with the increment in winmem_handlers_call(): entries were unlinked before the
 * count is looked at, and a walk is counted before it looks at the first entry.
 */
static void handlers_reuse_locked(void)
{
	if (handlers_walks)
		return;
	while (handlers_removed)
		push(&handlers_unused, pop(&handlers_removed));
}

static int handlers_more_locked(void)
{
	struct handler *more;
	int ret;

	ret = winmem_sys_map((void **)&more, HANDLERS_BYTES, PROT_READ | PROT_WRITE);
	if (ret)
		return ret;
	for (size_t i = 0; i < HANDLERS_BYTES / sizeof(*more); i++)
		push(&handlers_unused, &more[i]);
	return 0;
}

static struct handler *handlers_new_locked(void)
{
	handlers_reuse_locked();
	if (!handlers_unused && handlers_more_locked())
		return NULL;
	return pop(&handlers_unused);
}

void *winmem_handlers_add(enum winmem_handlers which, bool first,
			  PVECTORED_EXCEPTION_HANDLER function)
{
	_Atomic(struct handler *) *link = &handlers[which];
	struct handler *handler;
	sigset_t saved;

	handlers_begin(&saved);
	handler = handlers_new_locked();
	if (handler) {
		while (!first && *link)
			link = &(*link)->next;
		handler->function = function;
		handler->next = *link;
		/* The last thing: from here on others see it. */
		*link = handler;
	}
	handlers_end(&saved);
	return handler;
}

static struct handler *handlers_unlink_locked(_Atomic(struct handler *) *link, const void *handle)
{
	struct handler *handler;

	for (; (handler = *link); link = &handler->next) {
		if (handler == handle) {
			*link = handler->next;
			return handler;
		}
	}
	return NULL;
}

bool winmem_handlers_remove(enum winmem_handlers which, void *handle)
{
	struct handler *handler;
	sigset_t saved;

	handlers_begin(&saved);
	handler = handlers_unlink_locked(&handlers[which], handle);
	if (handler) {
		/* A walk may come to it from one that was removed before. */
		handler->function = NULL;
		push(&handlers_removed, handler);
	}
	handlers_end(&saved);
	return handler;
}

LONG winmem_handlers_call(enum winmem_handlers which, EXCEPTION_POINTERS *pointers)
{
	PVECTORED_EXCEPTION_HANDLER function;
	LONG ret = EXCEPTION_CONTINUE_SEARCH;
	struct handler *handler;

	handlers_walks++;
	for (handler = handlers[which]; handler; handler = handler->next) {
		function = handler->function;
		if (function)
			ret = function(pointers);
		if (ret == EXCEPTION_CONTINUE_EXECUTION)
			break;
	}
	handlers_walks--;
	return ret == EXCEPTION_CONTINUE_EXECUTION ? ret : EXCEPTION_CONTINUE_SEARCH;
}
