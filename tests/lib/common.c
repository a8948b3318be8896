// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "../../uapi/linux/winmem.h"

#define DEVICE		"/dev/winmem"
#define MAX_TESTS	160
#define TEST_SECONDS	120		/* under emulation; what takes longer hangs */

static struct CMUnitTest tests[MAX_TESTS];
static size_t nr_tests;
static pid_t test_pid;			/* process and thread that cmocka may unwind */
static unsigned long charge_at_start;
static bool catching;
static __thread sigjmp_buf *try_env;

bool without_device;
bool keeps_memory;
__thread struct fault last_fault;

/* Running. */

static int setup(void **state __attribute__((unused)))
{
	alarm(TEST_SECONDS);
	catching = false;
	try_env = NULL;
	memset(&last_fault, 0, sizeof(last_fault));
	if (!without_device)
		charge_at_start = charge();
	return 0;
}

/* A test that leaves memory committed would move the numbers of those after it. */
static int teardown(void **state __attribute__((unused)))
{
	alarm(0);
	if (!without_device && !keeps_memory && charge() != charge_at_start) {
		print_error("the test began with a charge of %#lx and ends with %#lx\n",
			    charge_at_start, charge());
		return -1;
	}
	return 0;
}

void test_add(const char *name, CMUnitTestFunction function, void *state)
{
	if (nr_tests == MAX_TESTS)
		abort();
	tests[nr_tests++] = (struct CMUnitTest){ name, function, setup, teardown, state };
}

__attribute__((weak)) int test_exec(int argc __attribute__((unused)),
				    char **argv __attribute__((unused)))
{
	return 2;
}

int main(int argc, char **argv)
{
	test_pid = getpid();
	if (argc > 1 && !strcmp(argv[1], "--exec"))
		return test_exec(argc, argv);
	if (!without_device && access(DEVICE, F_OK)) {
		fprintf(stderr, "SKIP: no " DEVICE ", winmem is not loaded\n");
		return 77;
	}
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return _cmocka_run_group_tests(program_invocation_short_name, tests, nr_tests,
				       NULL, NULL) ? 1 : 0;
}

/* Checks. */

static bool can_unwind(void)
{
	return getpid() == test_pid && syscall(SYS_gettid) == test_pid;
}

void check_failed(const char *at, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!can_unwind()) {
		dprintf(STDERR_FILENO, "%s: %s\n", at, text);
		_exit(1);
	}
	print_error("%s: %s\n", at, text);
	_fail(at, 0);
	abort();
}

void skip_because(const char *format, ...)
{
	va_list args;

	fputs("# skipped: ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	skip();
}

void call_begin(void)
{
	SetLastError(UNTOUCHED_ERROR);
	errno = UNTOUCHED_ERRNO;
}

void call_succeeded(const char *at, const char *call, unsigned long result)
{
	int err = errno;
	DWORD error = GetLastError();

	if (!result)
		check_failed(at, "%s failed with %u", call, error);
	if (error != UNTOUCHED_ERROR)
		check_failed(at, "%s = %#lx made the last error %u", call, result, error);
	if (err != UNTOUCHED_ERRNO)
		check_failed(at, "%s = %#lx made errno %d", call, result, err);
}

void call_failed(const char *at, const char *call, DWORD error, unsigned long result)
{
	DWORD got = GetLastError();

	if (result)
		check_failed(at, "%s = %#lx, and should have failed with %u", call, result, error);
	if (got != error)
		check_failed(at, "%s failed with %u, not %u", call, got, error);
}

/* What VirtualQuery says. */

MEMORY_BASIC_INFORMATION query_at(const char *at, const void *addr)
{
	MEMORY_BASIC_INFORMATION mbi;

	memset(&mbi, 0xcc, sizeof(mbi));
	call_begin();
	call_succeeded(at, "VirtualQuery", VirtualQuery(addr, &mbi, sizeof(mbi)));
	/* A caller walks by RegionSize: zero would never end. */
	if ((unsigned long)mbi.BaseAddress != ((unsigned long)addr & -PAGE) ||
	    !mbi.RegionSize || mbi.RegionSize % PAGE)
		check_failed(at, "VirtualQuery(%p): base %p, size %#lx", addr, mbi.BaseAddress,
			     mbi.RegionSize);
	return mbi;
}

void check_mbi(const char *at, const void *addr, const void *base, const void *alloc_base,
	       DWORD alloc_prot, size_t size, DWORD state, DWORD prot, DWORD type)
{
	MEMORY_BASIC_INFORMATION mbi = query_at(at, addr);

	if (mbi.BaseAddress != base || mbi.AllocationBase != alloc_base ||
	    mbi.AllocationProtect != alloc_prot || mbi.RegionSize != size ||
	    mbi.State != state || mbi.Protect != prot || mbi.Type != type)
		check_failed(at, "%p is %p/%p/%#x/%#lx/%#x/%#x/%#x, not %p/%p/%#x/%#lx/%#x/%#x/%#x",
			     addr, mbi.BaseAddress, mbi.AllocationBase, mbi.AllocationProtect,
			     mbi.RegionSize, mbi.State, mbi.Protect, mbi.Type,
			     base, alloc_base, alloc_prot, size, state, prot, type);
}

void check_free(const char *at, const void *addr)
{
	MEMORY_BASIC_INFORMATION mbi = query_at(at, addr);

	if (mbi.AllocationBase || mbi.AllocationProtect || mbi.State != MEM_FREE ||
	    mbi.Protect != NA || mbi.Type)
		check_failed(at, "%p is %p/%#x/%#x/%#x/%#x, not free", addr, mbi.AllocationBase,
			     mbi.AllocationProtect, mbi.State, mbi.Protect, mbi.Type);
}

char *free_place_at(const char *at, size_t size)
{
	char *place = VirtualAlloc(NULL, size, MEM_RESERVE, NA);

	if (!place || !VirtualFree(place, 0, MEM_RELEASE))
		check_failed(at, "no place of %#lx bytes: %u", size, GetLastError());
	return place;
}

/* Touching memory. */

/* The processor's error code tells what was tried; the signal does not. */
static char fault_kind(const ucontext_t *context)
{
#if defined(__x86_64__)
	unsigned long code = context->uc_mcontext.gregs[REG_ERR];

	return code & 0x10 ? 'x' : code & 0x2 ? 'w' : 'r';
#else
	(void)context;
	return '?';
#endif
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
	last_fault = (struct fault){
		.signo = signo,
		.code = info->si_code,
		.kind = fault_kind(context),
		.addr = (unsigned long)info->si_addr,
	};
	if (try_env)
		siglongjmp(*try_env, 1);
	check_failed("unexpected", "%s at %p", strsignal(signo), info->si_addr);
}

/*
 * cmocka puts its own handlers in place when a test begins, so this comes after. The handler
 * blocks nothing, so who leaves it by a jump has no signal mask to save and restore.
 */
static void catch_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	if (catching)
		return;
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	catching = true;
}

static void touch_read(void *addr)
{
	(void)*(volatile unsigned char *)addr;
}

/* One locked instruction: never anything but a write, and it keeps what is there. */
static void touch_write(void *addr)
{
	__atomic_fetch_or((unsigned char *)addr, 0, __ATOMIC_SEQ_CST);
}

static void touch_exec(void *addr)
{
	((void (*)(void))addr)();
}

bool try_touch(void (*touch)(void *addr), void *addr)
{
	volatile bool done = false;
	sigjmp_buf env;

	catch_faults();
	if (!sigsetjmp(env, 0)) {
		try_env = &env;
		touch(addr);
		done = true;
	}
	try_env = NULL;
	return done;
}

bool try_read(const void *addr)
{
	return try_touch(touch_read, (void *)addr);
}

bool try_write(void *addr)
{
	return try_touch(touch_write, addr);
}

bool try_exec(void *addr)
{
	return try_touch(touch_exec, addr);
}

static void check_touch(const char *at, void (*touch)(void *addr), void *addr, char kind,
			bool allowed)
{
	if (try_touch(touch, addr) == allowed) {
		if (allowed)
			return;
		/* Not any fault: this one, at this address. */
		if (last_fault.signo == SIGSEGV && last_fault.addr == (unsigned long)addr &&
		    (last_fault.kind == kind || last_fault.kind == '?'))
			return;
	}
	check_failed(at, "'%c' at %p should %s; the last fault was signal %d, '%c' at %#lx", kind,
		     addr, allowed ? "work" : "fault", last_fault.signo, last_fault.kind,
		     last_fault.addr);
}

void check_access(const char *at, void *addr, const char *access)
{
	check_touch(at, touch_read, addr, 'r', access[0] == 'r');
	check_touch(at, touch_write, addr, 'w', access[1] == 'w');
	check_touch(at, touch_exec, addr, 'x', access[2] == 'x');
}

void put_return(void *addr)
{
#if defined(__x86_64__)
	*(volatile unsigned char *)addr = 0xc3;
#elif defined(__aarch64__)
	*(volatile unsigned int *)addr = 0xd65f03c0;
#else
#error which instruction returns here?
#endif
	__builtin___clear_cache((char *)addr, (char *)addr + 4);
}

static uint64_t filling(uint64_t addr, unsigned int seed)
{
	return addr * 0x9e3779b97f4a7c15UL + seed;
}

void fill(void *addr, size_t size, unsigned int seed)
{
	for (volatile uint64_t *at = addr; at < (uint64_t *)addr + size / 8; at++)
		*at = filling((uintptr_t)at, seed);
}

bool filled(const void *addr, size_t size, unsigned int seed)
{
	for (const volatile uint64_t *at = addr; at < (const uint64_t *)addr + size / 8; at++) {
		if (*at != filling((uintptr_t)at, seed))
			return false;
	}
	return true;
}

bool zeroed(const void *addr, size_t size)
{
	for (const volatile uint64_t *at = addr; at < (const uint64_t *)addr + size / 8; at++) {
		if (*at)
			return false;
	}
	return true;
}

/* Nothing changed. */

#define SNAPSHOT_RUNS	64

struct snapshot {
	char *addr;
	size_t size;
	unsigned long charge;
	unsigned int nr;
	MEMORY_BASIC_INFORMATION runs[SNAPSHOT_RUNS];
	unsigned char bytes[];		/* of the pages that can be read without a fault */
};

/*
 * Through process_vm_readv, because a fault here must not look like the test's own; and
 * guard pages are left out, because any kind of reading would take the guard away.
 */
static void snapshot_bytes(const char *at, struct snapshot *shot,
			   const MEMORY_BASIC_INFORMATION *run)
{
	size_t offset = (char *)run->BaseAddress - shot->addr, size = run->RegionSize;
	struct iovec local, remote;

	if (run->State != MEM_COMMIT || run->Protect & (PAGE_GUARD | NA))
		return;
	if (size > shot->size - offset)
		size = shot->size - offset;
	local = (struct iovec){ shot->bytes + offset, size };
	remote = (struct iovec){ run->BaseAddress, size };
	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != (ssize_t)size)
		check_failed(at, "reading %#lx bytes at %p: %s", size, run->BaseAddress,
			     strerror(errno));
}

struct snapshot *snapshot_take(const char *at, void *addr, size_t size)
{
	struct snapshot *shot = calloc(1, sizeof(*shot) + size);
	char *next = addr;

	if (!shot)
		check_failed(at, "no memory for a snapshot");
	shot->addr = addr;
	shot->size = size;
	shot->charge = charge();
	while (next < shot->addr + size) {
		MEMORY_BASIC_INFORMATION *run = &shot->runs[shot->nr];

		if (shot->nr++ == SNAPSHOT_RUNS)
			check_failed(at, "more than %d runs", SNAPSHOT_RUNS);
		*run = query_at(at, next);
		snapshot_bytes(at, shot, run);
		next = (char *)run->BaseAddress + run->RegionSize;
	}
	return shot;
}

static bool runs_differ(const MEMORY_BASIC_INFORMATION *a, const MEMORY_BASIC_INFORMATION *b)
{
	return a->BaseAddress != b->BaseAddress || a->AllocationBase != b->AllocationBase ||
	       a->AllocationProtect != b->AllocationProtect || a->RegionSize != b->RegionSize ||
	       a->State != b->State || a->Protect != b->Protect || a->Type != b->Type;
}

void snapshot_check(const char *at, struct snapshot *before)
{
	struct snapshot *after = snapshot_take(at, before->addr, before->size);

	if (before->charge != after->charge)
		check_failed(at, "charge was %#lx and is %#lx", before->charge, after->charge);
	for (unsigned int i = 0; i < before->nr && i < after->nr; i++) {
		if (runs_differ(&before->runs[i], &after->runs[i]))
			check_failed(at, "changed at %p: size %#lx to %#lx, state %#x to %#x, "
				     "protection %#x to %#x", before->runs[i].BaseAddress,
				     before->runs[i].RegionSize, after->runs[i].RegionSize,
				     before->runs[i].State, after->runs[i].State,
				     before->runs[i].Protect, after->runs[i].Protect);
	}
	if (before->nr != after->nr)
		check_failed(at, "%u runs became %u", before->nr, after->nr);
	if (memcmp(before->bytes, after->bytes, before->size))
		check_failed(at, "contents changed");
	free(before);
	free(after);
}

/* Charge. A descriptor of our own: it stands for the space that the library uses. */

static struct winmem_limit limit_ioctl(unsigned int flags, unsigned long limit)
{
	struct winmem_limit args = { .size = sizeof(args), .flags = flags, .limit = limit };
	static int fd = -1;
	static pid_t owner;

	if (owner != getpid()) {
		close(fd);
		fd = open(DEVICE, O_RDWR | O_CLOEXEC);
		owner = getpid();
	}
	if (ioctl(fd, WINMEM_IOC_LIMIT, &args))
		check_failed(HERE, "WINMEM_IOC_LIMIT: %s", strerror(errno));
	return args;
}

unsigned long charge(void)
{
	return limit_ioctl(0, 0).out_charge;
}

void limit_set(unsigned long bytes)
{
	limit_ioctl(WINMEM_LIMIT_SET, bytes);
}

void limit_total(unsigned long *limit, unsigned long *charged)
{
	struct winmem_limit args = limit_ioctl(0, 0);

	*limit = args.out_total_limit;
	*charged = args.out_total_charge;
}

/* Mappings. */

static FILE *maps_open(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");

	if (!maps)
		check_failed(HERE, "/proc/self/maps: %s", strerror(errno));
	return maps;
}

unsigned int vma_count(void)
{
	FILE *maps = maps_open();
	unsigned int nr = 0;
	int c;

	while ((c = getc(maps)) != EOF)
		nr += c == '\n';
	fclose(maps);
	return nr;
}

unsigned long vma_first(void)
{
	FILE *maps = maps_open();
	unsigned long start;

	if (fscanf(maps, "%lx", &start) != 1)
		check_failed(HERE, "/proc/self/maps has no mapping");
	fclose(maps);
	return start;
}

static void *map_checked(size_t size, int flags, int prot, int fd)
{
	void *map = mmap(NULL, size, prot, flags, fd, 0);

	if (map == MAP_FAILED)
		check_failed(HERE, "mmap of %#lx bytes: %s", size, strerror(errno));
	return map;
}

void *map_shared(size_t size)
{
	return map_checked(size, MAP_SHARED | MAP_ANONYMOUS, PROT_READ | PROT_WRITE, -1);
}

/* A file with a name, which temporary files may lack: without one it is pagefile memory. */
void *map_file(size_t size, int flags, int prot)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *map = map_checked(size, flags, prot, fd);

	close(fd);
	return map;
}

unsigned long repeat(unsigned long usual, unsigned long most)
{
	return getenv("WINMEM_LONG") ? most : usual;
}

/* Children. */

pid_t start_child(void (*function)(void *arg), void *arg)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child)
		return child;
	alarm(TEST_SECONDS);
	function(arg);
	_exit(0);
}

void finish_child(const char *at, pid_t child)
{
	int status;

	if (child == -1 || waitpid(child, &status, 0) != child)
		check_failed(at, "no child: %s", strerror(errno));
	if (status)
		check_failed(at, "the child ended with status %#x", status);
}

void *shared_page(void)
{
	return map_shared(PAGE);
}
