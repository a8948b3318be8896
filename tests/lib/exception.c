// SPDX-License-Identifier: GPL-2.0-only
/* Vectored handlers, the filter and RaiseException: who is asked, and what they may do. */
#define _GNU_SOURCE
#include "exception.h"

#include <emmintrin.h>

#define CODE	0xe0000042U

static char calls[64];

static void call(char name)
{
	calls[strlen(calls)] = name;
}

static void check_calls(const char *at, const char *want)
{
	if (strcmp(calls, want))
		check_failed(at, "\"%s\" were called, not \"%s\"", calls, want);
	memset(calls, 0, sizeof(calls));
}

#define EXPECT_CALLS(want)	check_calls(HERE, want)

/* Handlers that write their names. */
#define HANDLER(name, answer)						\
	static LONG WINAPI name(EXCEPTION_POINTERS *pointers)		\
	{								\
		see(pointers);						\
		call(#name[0]);						\
		return answer;						\
	}

HANDLER(a_searches, EXCEPTION_CONTINUE_SEARCH)
HANDLER(b_searches, EXCEPTION_CONTINUE_SEARCH)
HANDLER(c_continues, EXCEPTION_CONTINUE_EXECUTION)
HANDLER(d_continues, EXCEPTION_CONTINUE_EXECUTION)
HANDLER(e_answers_one, EXCEPTION_EXECUTE_HANDLER)
HANDLER(f_continues, EXCEPTION_CONTINUE_EXECUTION)
HANDLER(h_executes, EXCEPTION_EXECUTE_HANDLER)

static void *add_continue(ULONG first, PVECTORED_EXCEPTION_HANDLER handler)
{
	return EXPECT_OK(AddVectoredContinueHandler(first, handler));
}

static void raise_one(void)
{
	RaiseException(CODE, 0, 0, NULL);
}

/* Order */

CHILD_TEST(handlers_are_asked_in_order_till_one_continues)
{
	add(0, a_searches);
	add(0, c_continues);
	add(0, d_continues);
	raise_one();
	EXPECT_CALLS("ac");
	add(1, b_searches);
	raise_one();
	EXPECT_CALLS("bac");
	/* Anything else is no. */
	add(7, e_answers_one);
	raise_one();
	EXPECT_CALLS("ebac");
}

CHILD_TEST(a_fault_and_a_raise_ask_the_same)
{
	char *p = alloc(PAGE, RW | PAGE_GUARD);

	add(0, a_searches);
	add(0, c_continues);
	load(p);
	EXPECT_CALLS("ac");
	EXPECT_EQ(STATUS_GUARD_PAGE_VIOLATION, seen.record.ExceptionCode);
	release(p);
}

CHILD_TEST(removed_handlers_are_not_asked)
{
	void *a = add(0, a_searches), *b = add(0, b_searches), *c = add(0, c_continues);
	void *again = add(0, b_searches);

	EXPECT_OK(RemoveVectoredExceptionHandler(b));
	raise_one();
	EXPECT_CALLS("ac");
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, RemoveVectoredExceptionHandler(b));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, RemoveVectoredExceptionHandler(NULL));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, RemoveVectoredExceptionHandler(&seen));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, RemoveVectoredContinueHandler(a));
	EXPECT_OK(RemoveVectoredExceptionHandler(a));
	add(1, d_continues);
	EXPECT_OK(RemoveVectoredExceptionHandler(again));
	raise_one();
	EXPECT_CALLS("d");
	EXPECT_OK(RemoveVectoredExceptionHandler(c));
}

CHILD_TEST(no_handler_is_no_handler)
{
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, AddVectoredExceptionHandler(0, NULL));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, AddVectoredContinueHandler(1, NULL));
}

/* More than a page of them, again and again: from the second time on in the same places. */
#define MANY	1000UL

static void *places[MANY];

static bool is_a_place(const void *handle)
{
	for (size_t i = 0; i < MANY; i++) {
		if (places[i] == handle)
			return true;
	}
	return false;
}

static void add_and_remove_many(void **handles)
{
	for (size_t i = 0; i < MANY; i++)
		handles[i] = add(i % 2, a_searches);
	for (size_t i = 0; i < MANY; i++)
		EXPECT_OK(RemoveVectoredExceptionHandler(handles[(i * 7) % MANY]));
}

CHILD_TEST(thousands_of_handlers)
{
	static void *handles[MANY];

	add_and_remove_many(places);
	for (int round = 0; round < 3; round++)
		add_and_remove_many(handles);
	add(0, c_continues);
	raise_one();
	EXPECT_CALLS("c");
	for (size_t i = 0; i < MANY; i++)
		EXPECT(is_a_place(handles[i]));
}

CHILD_TEST(continue_handlers_hear_of_what_continues)
{
	void *a = add_continue(0, a_searches);

	add_continue(0, c_continues);
	add_continue(0, d_continues);
	add(0, f_continues);
	raise_one();
	EXPECT_CALLS("fac");
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, RemoveVectoredExceptionHandler(a));
	EXPECT_OK(RemoveVectoredContinueHandler(a));
	add_continue(1, b_searches);
	raise_one();
	EXPECT_CALLS("fbc");
}

/* The filter */

CHILD_TEST(the_filter_comes_last)
{
	EXPECT(!SetUnhandledExceptionFilter(c_continues));
	add(0, a_searches);
	add_continue(0, b_searches);
	raise_one();
	EXPECT_CALLS("acb");
	EXPECT_EQ(c_continues, SetUnhandledExceptionFilter(d_continues));
	raise_one();
	EXPECT_CALLS("adb");
	EXPECT_EQ(d_continues, SetUnhandledExceptionFilter(NULL));
	EXPECT(!SetUnhandledExceptionFilter(NULL));
}

CHILD_TEST(the_filter_continues_a_fault)
{
	char *p = reserve(GRAN);

	SetUnhandledExceptionFilter(see_and_leave);
	load(p);
	EXPECT_AV(EXCEPTION_READ_FAULT, p);
	release(p);
}

CHILD_TEST(UnhandledExceptionFilter_asks_the_filter)
{
	EXCEPTION_RECORD record = { .ExceptionCode = CODE };
	CONTEXT context = { 0 };
	EXCEPTION_POINTERS pointers = { &record, &context };

	EXPECT_EQ(EXCEPTION_CONTINUE_SEARCH, UnhandledExceptionFilter(&pointers));
	SetUnhandledExceptionFilter(h_executes);
	EXPECT_EQ(EXCEPTION_EXECUTE_HANDLER, UnhandledExceptionFilter(&pointers));
	EXPECT_CALLS("h");
	EXPECT_EQ(CODE, seen.record.ExceptionCode);
}

/* RaiseException */

CHILD_TEST(RaiseException_gives_its_parameters)
{
	ULONG_PTR args[20];

	for (size_t i = 0; i < ARRAY_LEN(args); i++)
		args[i] = ~i;
	add(0, c_continues);
	RaiseException(CODE, 0xff, 3, args);
	EXPECT_EQ(CODE, seen.record.ExceptionCode);
	EXPECT_EQ(EXCEPTION_NONCONTINUABLE, seen.record.ExceptionFlags);
	EXPECT_EQ(3, seen.record.NumberParameters);
	EXPECT(!seen.record.ExceptionRecord);
	EXPECT(seen.record.ExceptionAddress);
	EXPECT_EQ(~2UL, seen.record.ExceptionInformation[2]);
	EXPECT_EQ(0, seen.record.ExceptionInformation[3]);
	RaiseException(CODE + 1, 0, 20, args);
	EXPECT_EQ(CODE + 1, seen.record.ExceptionCode);
	EXPECT_EQ(0, seen.record.ExceptionFlags);
	EXPECT_EQ(EXCEPTION_MAXIMUM_PARAMETERS, seen.record.NumberParameters);
	EXPECT_EQ(~14UL, seen.record.ExceptionInformation[14]);
	RaiseException(CODE, 0, 5, NULL);
	EXPECT_EQ(0, seen.record.NumberParameters);
}

CHILD_TEST(RaiseException_needs_no_signals)
{
	struct sigaction action;

	EXPECT(!SetUnhandledExceptionFilter(NULL));
	sigaction(SIGSEGV, NULL, &action);
	EXPECT(action.sa_handler == SIG_DFL);
}

static sigjmp_buf away;

static LONG WINAPI jump_away(EXCEPTION_POINTERS *pointers)
{
	see(pointers);
	siglongjmp(away, 1);
}

CHILD_TEST(a_handler_may_jump_away)
{
	char *p = reserve(GRAN);

	add(0, jump_away);
	for (volatile int i = 0; i < 100; i++) {
		if (!sigsetjmp(away, 1)) {
			if (i % 2)
				raise_one();
			store(p + i);
			EXPECT(false);
		}
	}
	EXPECT_EQ(100, seen.nr);
	release(p);
}

static int landed;

static void land(void)
{
	landed++;
	siglongjmp(away, 1);
}

static LONG WINAPI go_and_land(EXCEPTION_POINTERS *pointers)
{
	pointers->ContextRecord->Rip = (DWORD64)land;
	pointers->ContextRecord->Rsp = (pointers->ContextRecord->Rsp & -16UL) - 512 - 8;
	return EXCEPTION_CONTINUE_EXECUTION;
}

CHILD_TEST(a_raise_goes_on_where_the_context_says)
{
	add(0, go_and_land);
	if (!sigsetjmp(away, 1)) {
		raise_one();
		EXPECT(false);
	}
	EXPECT_EQ(1, landed);
}

static LONG WINAPI change_one_register(EXCEPTION_POINTERS *pointers)
{
	pointers->ContextRecord->Rcx++;
	call('r');
	return EXCEPTION_CONTINUE_EXECUTION;
}

CHILD_TEST(a_raise_comes_back_with_another_context)
{
	add(0, change_one_register);
	raise_one();
	EXPECT_CALLS("r");
}

/* Memory runs out: what the process has now, and @more bytes. */
static void limit_memory(unsigned long more)
{
	FILE *file = fopen("/proc/self/statm", "re");
	struct rlimit limit;
	unsigned long pages;

	EXPECT(file && fscanf(file, "%lu", &pages) == 1);
	fclose(file);
	EXPECT(!getrlimit(RLIMIT_AS, &limit));
	limit.rlim_cur = pages * PAGE + more;
	EXPECT(!setrlimit(RLIMIT_AS, &limit));
}

static void limit_nothing(void)
{
	struct rlimit limit;

	EXPECT(!getrlimit(RLIMIT_AS, &limit));
	limit.rlim_cur = limit.rlim_max;
	EXPECT(!setrlimit(RLIMIT_AS, &limit));
}

CHILD_TEST(no_memory_for_handlers)
{
	unsigned int nr = 0;
	DWORD error;

	add(0, c_continues);
	limit_memory(0);
	while (nr < MANY && AddVectoredExceptionHandler(0, d_continues))
		nr++;
	error = GetLastError();
	limit_nothing();
	EXPECT(nr < MANY);
	EXPECT_EQ(ERROR_NOT_ENOUGH_MEMORY, error);
	raise_one();
	EXPECT_CALLS("c");
}

/* Handlers run on the stack that there is. */
CHILD_TEST(no_memory_for_a_stack)
{
	char *p = reserve(GRAN);
	stack_t now;

	limit_memory(64 << 10);
	add(0, see_and_leave);
	limit_nothing();
	EXPECT(!sigaltstack(NULL, &now));
	EXPECT(now.ss_flags & SS_DISABLE);
	load(p);
	EXPECT_AV(EXCEPTION_READ_FAULT, p);
	release(p);
}

/* The context of a fault */

struct registers {
	unsigned long rax, rcx, rdx, rbx, rsi, rdi, r8, r9, r10, r11, r13, r14, r15;
};

static struct registers from __attribute__((used)) = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 };
static struct registers to __attribute__((used));

/* Load all, store to address 0, and look what they are. */
static void fault_with_registers(void)
{
	asm volatile("lea 1f(%%rip), %%r12\n\t"
		     "mov 0+from(%%rip), %%rax\n\tmov 8+from(%%rip), %%rcx\n\t"
		     "mov 16+from(%%rip), %%rdx\n\tmov 24+from(%%rip), %%rbx\n\t"
		     "mov 32+from(%%rip), %%rsi\n\tmov 40+from(%%rip), %%rdi\n\t"
		     "mov 48+from(%%rip), %%r8\n\tmov 56+from(%%rip), %%r9\n\t"
		     "mov 64+from(%%rip), %%r10\n\tmov 72+from(%%rip), %%r11\n\t"
		     "mov 80+from(%%rip), %%r13\n\tmov 88+from(%%rip), %%r14\n\t"
		     "mov 96+from(%%rip), %%r15\n\t"
		     "stc\n\t"
		     "movb $1, 0\n"
		     "1:\n\t"
		     "mov %%rax, 0+to(%%rip)\n\tmov %%rcx, 8+to(%%rip)\n\t"
		     "mov %%rdx, 16+to(%%rip)\n\tmov %%rbx, 24+to(%%rip)\n\t"
		     "mov %%rsi, 32+to(%%rip)\n\tmov %%rdi, 40+to(%%rip)\n\t"
		     "mov %%r8, 48+to(%%rip)\n\tmov %%r9, 56+to(%%rip)\n\t"
		     "mov %%r10, 64+to(%%rip)\n\tmov %%r11, 72+to(%%rip)\n\t"
		     "mov %%r13, 80+to(%%rip)\n\tmov %%r14, 88+to(%%rip)\n\t"
		     "mov %%r15, 96+to(%%rip)\n\t"
		     ::: "rax", "rcx", "rdx", "rbx", "rsi", "rdi", "r8", "r9", "r10", "r11",
		     "r12", "r13", "r14", "r15", "cc", "memory");
}

static LONG WINAPI change_registers(EXCEPTION_POINTERS *pointers)
{
	CONTEXT *c = pointers->ContextRecord;

	see(pointers);
	c->Rax += 100;
	c->Rcx += 100;
	c->Rdx += 100;
	c->Rbx += 100;
	c->Rsi += 100;
	c->Rdi += 100;
	c->R8 += 100;
	c->R9 += 100;
	c->R10 += 100;
	c->R11 += 100;
	c->R13 += 100;
	c->R14 += 100;
	c->R15 += 100;
	return leave(pointers);
}

CHILD_TEST(the_context_has_the_registers_and_may_change_them)
{
	const CONTEXT *c = &seen.context;
	struct registers got;

	add(0, change_registers);
	fault_with_registers();
	EXPECT_EQ(1, seen.nr);
	got = (struct registers){ c->Rax, c->Rcx, c->Rdx, c->Rbx, c->Rsi, c->Rdi, c->R8, c->R9,
				  c->R10, c->R11, c->R13, c->R14, c->R15 };
	EXPECT(!memcmp(&from, &got, sizeof(got)));
	EXPECT(c->EFlags & 1);
	EXPECT_EQ(0x33, c->SegCs);
	EXPECT(c->Rsp > (unsigned long)&got - 4096 && c->Rsp < (unsigned long)&got + 4096);
	EXPECT_EQ(CONTEXT_FULL | CONTEXT_SEGMENTS, c->ContextFlags);
	for (size_t i = 0; i < sizeof(to) / 8; i++)
		EXPECT_EQ(101 + i, ((unsigned long *)&to)[i]);
}

static LONG WINAPI change_floats(EXCEPTION_POINTERS *pointers)
{
	CONTEXT *c = pointers->ContextRecord;

	see(pointers);
	c->Xmm5.Low = 55;
	c->FltSave.XmmRegisters[6].High = 66;
	c->MxCsr |= 0x8000;
	return leave(pointers);
}

CHILD_TEST(the_context_has_the_registers_for_floating_point)
{
	unsigned long got[4];

	add(0, change_floats);
	asm volatile("lea 1f(%%rip), %%r12\n\tmov $7, %%eax\n\tmovq %%rax, %%xmm4\n\t"
		     "movq %%rax, %%xmm5\n\tmovq %%rax, %%xmm6\n\tmovb $1, 0\n1:\n\t"
		     "movdqu %%xmm5, %0\n\tmovdqu %%xmm6, %1"
		     : "=m"(*(__m128i *)got), "=m"(*(__m128i *)(got + 2))
		     :: "rax", "r12", "xmm4", "xmm5", "xmm6", "memory");
	EXPECT_EQ(7, seen.context.Xmm4.Low);
	EXPECT_EQ(_mm_getcsr() & 0x1f80, seen.context.MxCsr & 0x1f80);
	EXPECT_EQ(55, got[0]);
	EXPECT_EQ(0, got[1]);
	EXPECT_EQ(7, got[2]);
	EXPECT_EQ(66, got[3]);
	EXPECT_EQ(0x8000, _mm_getcsr() & 0x8000);
}

CHILD_TEST(the_context_is_where_windows_has_it)
{
	EXPECT_EQ(0x30, offsetof(CONTEXT, ContextFlags));
	EXPECT_EQ(0x44, offsetof(CONTEXT, EFlags));
	EXPECT_EQ(0x78, offsetof(CONTEXT, Rax));
	EXPECT_EQ(0x98, offsetof(CONTEXT, Rsp));
	EXPECT_EQ(0xf8, offsetof(CONTEXT, Rip));
	EXPECT_EQ(0x100, offsetof(CONTEXT, FltSave));
	EXPECT_EQ(0x1a0, offsetof(CONTEXT, Xmm0));
	EXPECT_EQ(0x300, offsetof(CONTEXT, VectorRegister));
	EXPECT_EQ(0x4c8, offsetof(CONTEXT, LastExceptionFromRip));
	EXPECT_EQ(0x10000b, CONTEXT_FULL);
	EXPECT_EQ(32, offsetof(EXCEPTION_RECORD, ExceptionInformation));
}

/* What handlers may do */

static LONG WINAPI spoil_the_errors(EXCEPTION_POINTERS *pointers)
{
	SetLastError(1);
	errno = 1;
	VirtualAlloc(NULL, 0, MEM_RESERVE, RW);
	return leave(pointers);
}

CHILD_TEST(the_interrupted_code_keeps_its_errors)
{
	add(0, spoil_the_errors);
	SetLastError(UNTOUCHED_ERROR);
	errno = UNTOUCHED_ERRNO;
	load(NULL);
	EXPECT_EQ(UNTOUCHED_ERROR, GetLastError());
	EXPECT_EQ(UNTOUCHED_ERRNO, errno);
}

static void *mine;

static LONG WINAPI remove_myself(EXCEPTION_POINTERS *pointers)
{
	(void)pointers;
	call('m');
	EXPECT_OK(RemoveVectoredExceptionHandler(mine));
	/* Nobody else may get its entry while it is walked. */
	add(0, c_continues);
	return EXCEPTION_CONTINUE_SEARCH;
}

CHILD_TEST(a_handler_may_remove_itself_and_add_others)
{
	mine = add(0, remove_myself);
	add(0, a_searches);
	raise_one();
	EXPECT_CALLS("mac");
	raise_one();
	EXPECT_CALLS("ac");
}

static char *deep;

/* Each level faults once more, and then its own access goes through. */
static LONG WINAPI fault_again(EXCEPTION_POINTERS *pointers)
{
	char *addr = (char *)pointers->ExceptionRecord->ExceptionInformation[1];

	see(pointers);
	if (addr + PAGE < deep + 12 * PAGE)
		store(addr + PAGE);
	EXPECT_OK(VirtualAlloc(addr, 1, MEM_COMMIT, RW));
	return EXCEPTION_CONTINUE_EXECUTION;
}

CHILD_TEST(handlers_may_fault_in_their_turn)
{
	deep = reserve(16 * PAGE);
	add(0, fault_again);
	store(deep);
	EXPECT_EQ(12, seen.nr);
	for (int i = 0; i < 12; i++)
		EXPECT_EQ(1, deep[i * PAGE]);
	release(deep);
}

/* Every call that there is, from a handler. */
static LONG WINAPI call_everything(EXCEPTION_POINTERS *pointers)
{
	char *p = alloc(4 * PAGE, RW), *q = reserve(GRAN);
	MEMORYSTATUSEX status = { .dwLength = sizeof(status) };
	SYSTEM_INFO info;

	see(pointers);
	commit(q, PAGE, XRW);
	protect(p, PAGE, RO);
	protect(p + PAGE, PAGE, RW | PAGE_GUARD);
	EXPECT_EQ(RO, query(p).Protect);
	decommit(p, PAGE);
	EXPECT_OK(VirtualAlloc(q, PAGE, MEM_RESET, RW));
	EXPECT_OK(GlobalMemoryStatusEx(&status));
	GetSystemInfo(&info);
	release(p);
	release(q);
	return leave(pointers);
}

CHILD_TEST(a_handler_may_call_everything)
{
	add(0, call_everything);
	load(NULL);
	EXPECT_AV(EXCEPTION_READ_FAULT, NULL);
}
