// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions among other users of the same signals: handlers that were there before, or
 * come after, signals that somebody sends, and how a process ends that nobody saves.
 */
#define _GNU_SOURCE
#include "exception.h"

#include <sys/mman.h>
#include <ucontext.h>

#define CODE	0xe0000042U

static unsigned int nr_old;
static siginfo_t old_info;
static sigset_t old_mask;

static void install(int signo, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO };

	sigaddset(&action.sa_mask, SIGUSR1);
	EXPECT(!sigaction(signo, &action, NULL));
}

static void old_leaves(int signo, siginfo_t *info, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;

	EXPECT_EQ(signo, info->si_signo);
	nr_old++;
	old_info = *info;
	pthread_sigmask(SIG_SETMASK, NULL, &old_mask);
	if (info->si_code > 0)
		gregs[REG_RIP] = gregs[REG_R12];
}

static char *shut;

static void old_opens(int signo)
{
	EXPECT_EQ(SIGSEGV, signo);
	nr_old++;
	EXPECT(!mprotect(shut, PAGE, PROT_READ | PROT_WRITE));
}

static LONG WINAPI search(EXCEPTION_POINTERS *pointers)
{
	see(pointers);
	return EXCEPTION_CONTINUE_SEARCH;
}

static LONG WINAPI execute_filter(EXCEPTION_POINTERS *pointers)
{
	see(pointers);
	return EXCEPTION_EXECUTE_HANDLER;
}

/* Before ours */

CHILD_TEST(what_nobody_takes_goes_to_the_handler_before)
{
	char *p = alloc(PAGE, RW | PAGE_GUARD);

	install(SIGSEGV, old_leaves, 0);
	add(0, search);
	SetUnhandledExceptionFilter(search);
	store((void *)8);
	EXPECT_EQ(2, seen.nr);
	EXPECT_EQ(1, nr_old);
	EXPECT_EQ(8, old_info.si_addr);
	EXPECT_EQ(SEGV_MAPERR, old_info.si_code);
	EXPECT(sigismember(&old_mask, SIGSEGV) && sigismember(&old_mask, SIGUSR1));
	pthread_sigmask(SIG_SETMASK, NULL, &old_mask);
	EXPECT(!sigismember(&old_mask, SIGSEGV) && !sigismember(&old_mask, SIGUSR1));
	store(p);
	EXPECT_EQ(4, seen.nr);
	EXPECT_EQ(2, nr_old);
	EXPECT_EQ(p, old_info.si_addr);
	release(p);
}

CHILD_TEST(what_is_taken_does_not)
{
	install(SIGSEGV, old_leaves, 0);
	add(0, see_and_leave);
	load(NULL);
	EXPECT_AV(EXCEPTION_READ_FAULT, NULL);
	EXPECT_EQ(0, nr_old);
}

CHILD_TEST(a_handler_before_without_arguments)
{
	shut = map_shared(PAGE);
	EXPECT(!mprotect(shut, PAGE, PROT_NONE));
	signal(SIGSEGV, old_opens);
	add(0, search);
	store(shut);
	EXPECT_EQ(1, shut[0]);
	EXPECT_EQ(1, nr_old);
}

CHILD_TEST(a_handler_before_that_defers_nothing)
{
	install(SIGSEGV, old_leaves, SA_NODEFER);
	add(0, search);
	load(NULL);
	EXPECT_EQ(1, nr_old);
	EXPECT(!sigismember(&old_mask, SIGSEGV) && sigismember(&old_mask, SIGUSR1));
}

CHILD_TEST(both_signals_have_a_handler_before)
{
	int fd = memfd_create("file", 0);
	char *map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	install(SIGBUS, old_leaves, 0);
	add(0, search);
	load(map);
	EXPECT_EQ(STATUS_IN_PAGE_ERROR, seen.record.ExceptionCode);
	EXPECT_EQ(1, nr_old);
	EXPECT_EQ(BUS_ADRERR, old_info.si_code);
}

static void two_faults_for_one_handler(void *arg)
{
	(void)arg;
	install(SIGSEGV, old_leaves, SA_RESETHAND);
	add(0, search);
	load(NULL);
	EXPECT_EQ(1, nr_old);
	load(NULL);
}

TEST(a_handler_before_that_is_for_once)
{
	EXPECT_DEATH(SIGSEGV, two_faults_for_one_handler);
}

/* After ours */

static void (*ours)(int, siginfo_t *, void *);

static void chains_to_ours(int signo, siginfo_t *info, void *context)
{
	nr_old++;
	ours(signo, info, context);
	pthread_sigmask(SIG_SETMASK, NULL, &old_mask);
	EXPECT(sigismember(&old_mask, SIGSEGV));
}

static void install_chain(void)
{
	struct sigaction action;

	EXPECT(!sigaction(SIGSEGV, NULL, &action));
	ours = action.sa_sigaction;
	install(SIGSEGV, chains_to_ours, 0);
}

/* A fault of its own, before it leaves the first. */
static LONG WINAPI fault_once_more(EXCEPTION_POINTERS *pointers)
{
	see(pointers);
	if (seen.nr < 4)
		load((void *)8);
	return leave(pointers);
}

CHILD_TEST(a_handler_after_may_chain_to_ours)
{
	add(0, fault_once_more);
	install_chain();
	/* It has the signal blocked; a fault within gets through all the same. */
	load(NULL);
	EXPECT_EQ(4, seen.nr);
	EXPECT_EQ(4, nr_old);
	pthread_sigmask(SIG_SETMASK, NULL, &old_mask);
	EXPECT(!sigismember(&old_mask, SIGSEGV));
}

/* Whoever chains to ours may tell it what no test can bring about. */
static int told_code;
static void *told_addr;

static void tells_of_a_bus_error(int signo __attribute__((unused)), siginfo_t *info, void *context)
{
	siginfo_t told = *info;

	told.si_signo = SIGBUS;
	told.si_code = told_code;
	told.si_addr = told_addr;
	ours(SIGBUS, &told, context);
}

static void tell(int code, void *addr)
{
	told_code = code;
	told_addr = addr;
	load(NULL);
}

CHILD_TEST(errors_of_the_bus)
{
	const EXCEPTION_RECORD *record = &seen.record;
	struct sigaction action;
	char *p = alloc(PAGE, RW);

	add(0, see_and_leave);
	EXPECT(!sigaction(SIGBUS, NULL, &action));
	ours = action.sa_sigaction;
	install(SIGSEGV, tells_of_a_bus_error, 0);

	tell(BUS_ADRALN, p + 1);
	EXPECT_EQ(EXCEPTION_DATATYPE_MISALIGNMENT, record->ExceptionCode);
	EXPECT_EQ(0, record->NumberParameters);
	tell(BUS_MCEERR_AR, p);
	EXPECT_EQ(EXCEPTION_IN_PAGE_ERROR, record->ExceptionCode);
	EXPECT_EQ(3, record->NumberParameters);
	EXPECT_EQ(p, record->ExceptionInformation[1]);
	EXPECT_EQ(STATUS_DEVICE_DATA_ERROR, record->ExceptionInformation[2]);
	/* Of memory that is committed only memory can be missing. */
	tell(BUS_ADRERR, p);
	EXPECT_EQ(STATUS_NO_MEMORY, record->ExceptionInformation[2]);
	tell(BUS_ADRERR, map_shared(PAGE));
	EXPECT_EQ(STATUS_END_OF_FILE, record->ExceptionInformation[2]);
	EXPECT_EQ(4, seen.nr);
	release(p);
}

CHILD_TEST(a_handler_after_is_left_alone)
{
	add(0, search);
	install(SIGSEGV, old_leaves, 0);
	add(0, search);
	SetUnhandledExceptionFilter(search);
	load(NULL);
	EXPECT_EQ(1, nr_old);
	EXPECT_EQ(0, seen.nr);
}

/* Signals that somebody sends are no exceptions. */

CHILD_TEST(a_signal_sent_goes_to_the_handler_before)
{
	install(SIGSEGV, old_leaves, 0);
	add(0, see_and_leave);
	raise(SIGSEGV);
	EXPECT_EQ(0, seen.nr);
	EXPECT_EQ(1, nr_old);
	EXPECT_EQ(SI_TKILL, old_info.si_code);
}

CHILD_TEST(a_signal_sent_is_ignored_when_it_was)
{
	signal(SIGSEGV, SIG_IGN);
	signal(SIGBUS, SIG_IGN);
	add(0, see_and_leave);
	raise(SIGSEGV);
	kill(getpid(), SIGBUS);
	EXPECT_EQ(0, seen.nr);
	load(NULL);
	EXPECT_AV(EXCEPTION_READ_FAULT, NULL);
}

static void signal_sent(void *arg)
{
	(void)arg;
	add(0, see_and_leave);
	raise(SIGBUS);
}

TEST(a_signal_sent_ends_the_process)
{
	EXPECT_DEATH(SIGBUS, signal_sent);
}

/* Ends */

static void fault_that_nobody_takes(void *arg)
{
	(void)arg;
	add(0, search);
	SetUnhandledExceptionFilter(search);
	store(NULL);
}

static void guard_that_nobody_takes(void *arg)
{
	char *p = alloc(PAGE, RW | PAGE_GUARD);

	(void)arg;
	add(0, search);
	store(p);
}

static void filter_that_ends(void *arg)
{
	(void)arg;
	SetUnhandledExceptionFilter(execute_filter);
	install(SIGBUS, old_leaves, 0);
	store(NULL);
}

static void ignored_fault(void *arg)
{
	(void)arg;
	signal(SIGSEGV, SIG_IGN);
	add(0, search);
	store(NULL);
}

static void fault_under_a_chain(void *arg)
{
	(void)arg;
	add(0, search);
	install_chain();
	store(NULL);
}

static void removed_handler(void *arg)
{
	(void)arg;
	EXPECT_OK(RemoveVectoredExceptionHandler(add(0, see_and_leave)));
	store(NULL);
}

static size_t room_size;

static LONG WINAPI fault_for_ever(EXCEPTION_POINTERS *pointers)
{
	volatile char room[room_size + 1];

	room[0] = pointers->ExceptionRecord->NumberParameters;
	store((char *)NULL + room[0]);
	return EXCEPTION_CONTINUE_EXECUTION;
}

static void handler_that_faults_for_ever(void *arg)
{
	(void)arg;
	add(0, fault_for_ever);
	store(NULL);
}

TEST(what_nobody_takes_ends_the_process)
{
	EXPECT_DEATH(SIGSEGV, fault_that_nobody_takes);
	EXPECT_DEATH(SIGSEGV, filter_that_ends);
	EXPECT_DEATH(SIGSEGV, ignored_fault);
	EXPECT_DEATH(SIGSEGV, fault_under_a_chain);
	EXPECT_DEATH(SIGSEGV, removed_handler);
}

/* Whoever runs over the end of the stack for signals: the kernel's frame, or the handler. */
TEST(handlers_that_fault_for_ever_end_the_process)
{
	for (room_size = 0; room_size < 8192; room_size += 1000)
		EXPECT_DEATH(SIGSEGV, handler_that_faults_for_ever);
}

static size_t left;

/* With so much of the stack for signals left: the kernel looks below the red zone. */
static LONG WINAPI fault_at_the_end(EXCEPTION_POINTERS *pointers)
{
	stack_t now;

	see(pointers);
	EXPECT(seen.nr == 1 && !sigaltstack(NULL, &now));
	asm volatile("mov %0, %%rsp\n\tmovb $1, 0" :: "r"((char *)now.ss_sp + left) : "memory");
	return EXCEPTION_CONTINUE_SEARCH;
}

static void handler_that_faults_at_the_end(void *arg)
{
	(void)arg;
	add(0, fault_at_the_end);
	store(NULL);
}

TEST(no_handler_begins_anew_at_the_end_of_its_stack)
{
	for (left = 0; left < 512; left += 16)
		EXPECT_DEATH(SIGSEGV, handler_that_faults_at_the_end);
}

/* The access would go through when it is tried again. */
TEST(a_guard_that_nobody_takes_ends_the_process)
{
	EXPECT_DEATH(SIGSEGV, guard_that_nobody_takes);
}

/* What children write to stderr. */
static int said_fds[2];

static void check_said(const char *at, void (*function)(void *arg), int signo, const char *want)
{
	char said[256] = "";

	EXPECT(!pipe(said_fds));
	finish_child(at, start_child(child_begin, function), signo);
	close(said_fds[1]);
	if (read(said_fds[0], said, sizeof(said) - 1) < 0 ||
	    (*want ? !strstr(said, want) : *said))
		check_failed(at, "the child said \"%s\", not \"%s\"", said, want);
	close(said_fds[0]);
}

static void raise_for_nobody(void *arg)
{
	(void)arg;
	dup2(said_fds[1], STDERR_FILENO);
	RaiseException(CODE, 0, 0, NULL);
}

static void raise_for_a_filter_that_ends(void *arg)
{
	(void)arg;
	dup2(said_fds[1], STDERR_FILENO);
	SetUnhandledExceptionFilter(execute_filter);
	RaiseException(CODE, 0, 0, NULL);
}

static void fault_for_nobody(void *arg)
{
	(void)arg;
	dup2(said_fds[1], STDERR_FILENO);
	fault_that_nobody_takes(NULL);
}

TEST(a_raise_that_nobody_takes_says_so)
{
	check_said(HERE, raise_for_nobody, SIGABRT, "unhandled exception 0xE0000042 at 0x");
	check_said(HERE, raise_for_a_filter_that_ends, SIGABRT, "");
	check_said(HERE, fault_for_nobody, SIGSEGV, "");
}

/* Not to be continued: a filter that tries is told, and then it is over. */
static LONG WINAPI expect_final(EXCEPTION_POINTERS *pointers)
{
	const EXCEPTION_RECORD *record = pointers->ExceptionRecord;

	see(pointers);
	if (seen.nr == 1)
		return EXCEPTION_CONTINUE_SEARCH;
	EXPECT_EQ(STATUS_NONCONTINUABLE_EXCEPTION, record->ExceptionCode);
	EXPECT_EQ(EXCEPTION_NONCONTINUABLE, record->ExceptionFlags);
	EXPECT_EQ(CODE, record->ExceptionRecord->ExceptionCode);
	return EXCEPTION_CONTINUE_EXECUTION;
}

static LONG WINAPI continue_all(EXCEPTION_POINTERS *pointers)
{
	see(pointers);
	return EXCEPTION_CONTINUE_EXECUTION;
}

static void raise_what_is_final(void *arg)
{
	(void)arg;
	add(0, expect_final);
	SetUnhandledExceptionFilter(continue_all);
	RaiseException(CODE, EXCEPTION_NONCONTINUABLE, 0, NULL);
}

TEST(a_filter_cannot_continue_what_is_final)
{
	EXPECT_DEATH(SIGABRT, raise_what_is_final);
}

CHILD_TEST(a_vectored_handler_can)
{
	add(0, continue_all);
	RaiseException(CODE, EXCEPTION_NONCONTINUABLE, 0, NULL);
	EXPECT_EQ(1, seen.nr);
}

/* Children have what their parents had. */
CHILD_TEST(fork_keeps_handlers)
{
	pid_t child;
	int status;

	add(0, see_and_leave);
	child = fork();
	alarm(60);
	load(NULL);
	EXPECT_AV(EXCEPTION_READ_FAULT, NULL);
	EXPECT_OK(RemoveVectoredExceptionHandler(add(1, search)));
	if (!child)
		_exit(0);
	EXPECT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}
