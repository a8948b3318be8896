// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * SIGSEGV and SIGBUS as exceptions. What nobody takes goes to the handler that was there
 * before, or ends the process as the signal does.
 *
 * The handler runs on the thread's alternate stack, if it has one, and lets both signals
 * in again: a handler of exceptions may fault. It may also never come back, so nothing is
 * held while one runs.
 *
 * A handler that was installed after this one may call it, with the same three arguments.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "context.h"
#include "device.h"
#include "exception.h"
#include "exception_signal.h"
#include "record.h"
#include "sigstack.h"

static pthread_once_t signal_once = PTHREAD_ONCE_INIT;

/* What was there before; written before ours is there. */
static struct sigaction signal_old_segv, signal_old_bus;

static struct sigaction *signal_old(int signo)
{
	return signo == SIGBUS ? &signal_old_bus : &signal_old_segv;
}

/* Dispatch */

/* What chains to us may have blocked them. */
static void signals_let_in(sigset_t *saved)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	sigaddset(&set, SIGBUS);
	pthread_sigmask(SIG_UNBLOCK, &set, saved);
}

static void signals_restore(const sigset_t *saved)
{
	if (sigismember(saved, SIGSEGV) || sigismember(saved, SIGBUS))
		pthread_sigmask(SIG_SETMASK, saved, NULL);
}

static LONG signal_dispatch(const siginfo_t *info, ucontext_t *uc)
{
	EXCEPTION_RECORD record;
	CONTEXT context;
	EXCEPTION_POINTERS pointers = { &record, &context };
	sigset_t saved;
	LONG ret;

	winmem_record_fill(&record, info, uc);
	winmem_context_get(&context, uc);
	winmem_context_get_float(&context, uc);

	signals_let_in(&saved);
	ret = winmem_exception_dispatch(&pointers);
	signals_restore(&saved);

	if (ret == EXCEPTION_CONTINUE_EXECUTION) {
		winmem_context_put(uc, &context);
		winmem_context_put_float(uc, &context);
	}
	return ret;
}

/* What nobody takes */

/*
 * The signal again, for it would not come by itself when it was a guard page's. It waits
 * till we have returned: a core dump shows the program where it faulted.
 */
static void signal_die(int signo, siginfo_t *info)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigaction(signo, &action, NULL);
	if (syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), signo, info))
		raise(signo);
}

/* As the kernel would call it. */
static void signal_call(const struct sigaction *old, int signo, siginfo_t *info, void *context)
{
	sigset_t set = old->sa_mask, saved;

	if (!(old->sa_flags & SA_NODEFER))
		sigaddset(&set, signo);
	pthread_sigmask(SIG_BLOCK, &set, &saved);
	if (old->sa_flags & SA_SIGINFO)
		old->sa_sigaction(signo, info, context);
	else
		old->sa_handler(signo);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
}

static void signal_pass_on(int signo, siginfo_t *info, void *context, bool sent)
{
	struct sigaction old = *signal_old(signo);

	/* The kernel too ends who ignores a fault of its own. */
	if (old.sa_handler == SIG_IGN && sent)
		return;
	if (old.sa_handler == SIG_IGN || old.sa_handler == SIG_DFL) {
		signal_die(signo, info);
		return;
	}
	if (old.sa_flags & SA_RESETHAND)
		signal_old(signo)->sa_handler = SIG_DFL;
	signal_call(&old, signo, info, context);
}

/* Whether somebody sent the signal: a fault's comes from the kernel. */
static bool signal_was_sent(const siginfo_t *info)
{
	return info->si_code <= 0;
}

static void on_signal(int signo, siginfo_t *info, void *context)
{
	bool sent = signal_was_sent(info);
	LONG ret = EXCEPTION_CONTINUE_SEARCH;
	DWORD error = GetLastError();
	int saved = errno;

	if (!sent && winmem_sigstack_is_over(winmem_context_access(context).rsp))
		ret = EXCEPTION_EXECUTE_HANDLER;
	else if (!sent)
		ret = signal_dispatch(info, context);
	/* Whatever handlers did to them: the code that was interrupted did not ask for it. */
	SetLastError(error);
	errno = saved;
	if (ret == EXCEPTION_CONTINUE_SEARCH)
		signal_pass_on(signo, info, context, sent);
	else if (ret == EXCEPTION_EXECUTE_HANDLER)
		signal_die(signo, info);
	errno = saved;
}

/* Installation */

static void signal_install(int signo)
{
	struct sigaction action = {
		.sa_sigaction = on_signal,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART,
	};
	struct sigaction *old = signal_old(signo);

	/* It must be known before another thread can fault. */
	if (sigaction(signo, NULL, old))
		return;
	if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN)
		action.sa_flags &= old->sa_flags | ~SA_RESTART;
	sigaction(signo, &action, NULL);
}

static void signals_install(void)
{
	int saved = errno;

	winmem_device_prepare();
	signal_install(SIGSEGV);
	signal_install(SIGBUS);
	errno = saved;
}

void winmem_exception_signal_get(void)
{
	pthread_once(&signal_once, signals_install);
}
