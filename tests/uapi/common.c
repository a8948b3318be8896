// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define MAX_TESTS	160
#define MAX_TRACKED	128
#define TEST_SECONDS	120	/* under emulation; a test that takes longer hangs */

int dev = -1;
__thread struct fault last_fault;

static struct CMUnitTest tests[MAX_TESTS];
static size_t nr_tests;

static pid_t test_pid;			/* process and thread that cmocka may unwind */
static unsigned long tracked[MAX_TRACKED];
static unsigned int nr_tracked;
static unsigned long charge_at_start;
static unsigned long watch_addr, watch_length;

static __thread sigjmp_buf *volatile try_env;	/* a signal handler reads it */
static bool catching;

/* Running. */

static int setup(void **state __attribute__((unused)))
{
	alarm(TEST_SECONDS);
	catching = false;
	try_env = NULL;
	watch_length = 0;
	nr_tracked = 0;
	memset(&last_fault, 0, sizeof(last_fault));

	dev = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (dev < 0) {
		print_error("open " DEVICE ": %s\n", strerror(errno));
		return -1;
	}
	charge_at_start = charge();
	return 0;
}

/* A test that leaves memory committed would move the numbers of those after it. */
static int teardown(void **state __attribute__((unused)))
{
	int ret = 0;

	for (unsigned int i = 0; i < nr_tracked; i++)
		if (raw_release(tracked[i]) && errno != ENOENT)
			ret = -1;
	if (charge() != charge_at_start)
		ret = -1;
	if (ret)
		print_error("the test left memory behind\n");
	close(dev);
	dev = -1;
	alarm(0);
	return ret;
}

void test_add(const char *name, CMUnitTestFunction function)
{
	if (nr_tests == MAX_TESTS)
		abort();
	tests[nr_tests++] = (struct CMUnitTest) { name, function, setup, teardown, NULL };
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
	if (access(DEVICE, F_OK)) {
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
		fprintf(stderr, "%s: %s\n", at, text);
		_exit(1);
	}
	print_error("%s: %s\n", at, text);
	_fail(at, 0);
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

void check_errno(const char *at, const char *call, int err, long ret)
{
	int got = errno;

	if (ret != -1)
		check_failed(at, "%s returned %ld and should have failed with %s", call, ret,
			     strerrorname_np(err));
	if (got != err)
		check_failed(at, "%s failed with %s, not %s", call, strerrorname_np(got),
			     strerrorname_np(err));
}

/* The ioctls. */

static void track(unsigned long addr)
{
	if (nr_tracked < MAX_TRACKED)
		tracked[nr_tracked++] = addr;
}

static void untrack(unsigned long addr)
{
	for (unsigned int i = 0; i < nr_tracked; i++)
		if (tracked[i] == addr)
			tracked[i--] = tracked[--nr_tracked];
}

static int mprotect_for(unsigned long addr, unsigned long length, unsigned int prot)
{
	return mprotect((void *)addr, length,
			PROT_READ | PROT_WRITE | (prot & ANY_EXECUTE ? PROT_EXEC : 0));
}

int ioctl_exec(unsigned int nr, void *args, unsigned long addr, unsigned long length,
	       unsigned int prot)
{
	int tries = 100;
	int ret;

	while ((ret = ioctl(dev, nr, args)) && errno == ENOEXEC && tries--)
		if (mprotect_for(addr, length, prot) && errno != EAGAIN)
			return -1;
	return ret;
}

unsigned long reserve_at(const char *at, unsigned long addr, unsigned long length,
			 unsigned int prot, unsigned int flags)
{
	struct winmem_reserve args = reserve_args(addr, length, prot, flags);

	if (ioctl(dev, WINMEM_IOC_RESERVE, &args))
		check_failed(at, "reserve %#lx at %#lx: %s", length, addr, strerror(errno));
	if (!args.out_addr || args.out_addr % GRAN || (addr && args.out_addr != addr))
		check_failed(at, "reserve at %#lx: out_addr is %#llx", addr, args.out_addr);
	track(args.out_addr);
	/* Also without execute: an earlier owner of the place may not have done its part. */
	if (args.out_flags & ~(flags & WINMEM_RESERVE_COMMIT ? WINMEM_OUT_EXEC : 0))
		check_failed(at, "reserve: out_flags is %#x", args.out_flags);
	if (args.out_flags && mprotect_for(args.out_addr, length, prot))
		check_failed(at, "mprotect after reserve: %s", strerror(errno));
	return args.out_addr;
}

void commit_at(const char *at, unsigned long addr, unsigned long length, unsigned int prot)
{
	struct winmem_commit args = commit_args(addr, length, prot);

	if (ioctl_exec(WINMEM_IOC_COMMIT, &args, addr, length, prot))
		check_failed(at, "commit %#lx at %#lx: %s", length, addr, strerror(errno));
}

unsigned int protect_at(const char *at, unsigned long addr, unsigned long length,
			unsigned int prot)
{
	struct winmem_protect args = protect_args(addr, length, prot);

	if (ioctl_exec(WINMEM_IOC_PROTECT, &args, addr, length, prot))
		check_failed(at, "protect %#lx at %#lx: %s", length, addr, strerror(errno));
	if (args.out_prot == CC32)
		check_failed(at, "protect: out_prot was not written");
	return args.out_prot;
}

void decommit_at(const char *at, unsigned long addr, unsigned long length)
{
	struct winmem_decommit args = decommit_args(addr, length);

	if (ioctl(dev, WINMEM_IOC_DECOMMIT, &args))
		check_failed(at, "decommit %#lx at %#lx: %s", length, addr, strerror(errno));
	if (length && args.out_length != length)
		check_failed(at, "decommit: out_length is %#llx", args.out_length);
	if (args.out_flags & ~WINMEM_OUT_EXEC)
		check_failed(at, "decommit: out_flags is %#x", args.out_flags);
	/* The courtesy of the header; the mappings may then merge again. */
	if ((args.out_flags & WINMEM_OUT_EXEC) && mprotect_for(addr, args.out_length, 0))
		check_failed(at, "mprotect after decommit: %s", strerror(errno));
}

void release_at(const char *at, unsigned long addr)
{
	struct winmem_release args = release_args(addr);

	if (ioctl(dev, WINMEM_IOC_RELEASE, &args))
		check_failed(at, "release %#lx: %s", addr, strerror(errno));
	untrack(addr);
	if (args.out_length % PAGE || !args.out_length)
		check_failed(at, "release: out_length is %#llx", args.out_length);
	if (args.out_flags & ~WINMEM_OUT_EXEC)
		check_failed(at, "release: out_flags is %#x", args.out_flags);
	if ((args.out_flags & WINMEM_OUT_EXEC) && mprotect_for(addr, args.out_length, 0))
		check_failed(at, "mprotect after release: %s", strerror(errno));
}

void reset_at(const char *at, unsigned long addr, unsigned long length, unsigned int flags)
{
	struct winmem_reset args = reset_args(addr, length, flags);

	if (ioctl(dev, WINMEM_IOC_RESET, &args))
		check_failed(at, "reset %#lx at %#lx: %s", length, addr, strerror(errno));
}

struct winmem_query query_at(const char *at, unsigned long addr)
{
	struct winmem_query args = query_args(addr);

	if (ioctl(dev, WINMEM_IOC_QUERY, &args))
		check_failed(at, "query %#lx: %s", addr, strerror(errno));
	/* A caller walks by out_length: zero would never end. */
	if (args.out_base != (addr & -PAGE) || !args.out_length || args.out_length % PAGE)
		check_failed(at, "query %#lx: base %#llx, length %#llx", addr, args.out_base,
			     args.out_length);
	return args;
}

struct winmem_limit limit_at(const char *at, unsigned int flags, unsigned long limit)
{
	struct winmem_limit args = limit_args(flags, limit);

	if (ioctl(dev, WINMEM_IOC_LIMIT, &args))
		check_failed(at, "limit %#lx: %s", limit, strerror(errno));
	return args;
}

struct winmem_info info_at(const char *at)
{
	struct winmem_info args = info_args();

	if (ioctl(dev, WINMEM_IOC_INFO, &args))
		check_failed(at, "info: %s", strerror(errno));
	return args;
}

void check_run(const char *at, unsigned long addr, unsigned long length, unsigned int state,
	       unsigned int prot)
{
	struct winmem_query args = query_at(at, addr);

	if (args.out_length != length || args.out_state != state || args.out_prot != prot ||
	    args.out_type != WINMEM_TYPE_PRIVATE)
		check_failed(at, "query %#lx: length %#llx state %#x prot %#x type %#x", addr,
			     args.out_length, args.out_state, args.out_prot, args.out_type);
}

/* Nothing changed. */

void watch(unsigned long addr, unsigned long length)
{
	watch_addr = addr;
	watch_length = length;
}

/*
 * Only pages that anybody may read are read, and through process_vm_readv: a guard
 * page must not be touched, and a fault here must not look like the test's own.
 */
static void snapshot_bytes(const char *at, struct snapshot *shot, const struct winmem_query *run)
{
	const unsigned int readable = READONLY | READWRITE | ANY_EXECUTE;
	unsigned long end = shot->addr + shot->length;
	unsigned long length = run->out_length;
	struct iovec local, remote;

	if (run->out_state != WINMEM_STATE_COMMIT || (run->out_prot & GUARD) ||
	    !(run->out_prot & readable))
		return;
	if (length > end - run->out_base)
		length = end - run->out_base;
	local = (struct iovec) { shot->bytes + (run->out_base - shot->addr), length };
	remote = (struct iovec) { (void *)(unsigned long)run->out_base, length };
	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != (ssize_t)length)
		check_failed(at, "reading %#lx bytes at %#llx: %s", length, run->out_base,
			     strerror(errno));
}

void snapshot_take(const char *at, struct snapshot *shot, unsigned long addr,
		   unsigned long length)
{
	unsigned long next = addr;

	*shot = (struct snapshot) { .addr = addr, .length = length };
	shot->charge = limit_at(at, 0, 0).out_charge;
	shot->bytes = calloc(1, length + 1);
	if (!shot->bytes)
		check_failed(at, "no memory for a snapshot");
	while (next < addr + length) {
		struct winmem_query *run = &shot->runs[shot->nr];

		if (shot->nr++ == SNAPSHOT_RUNS)
			check_failed(at, "more than %d runs", SNAPSHOT_RUNS);
		*run = query_at(at, next);
		snapshot_bytes(at, shot, run);
		next = run->out_base + run->out_length;
	}
}

void snapshot_drop(struct snapshot *shot)
{
	free(shot->bytes);
	shot->bytes = NULL;
}

void check_same(const char *at, const struct snapshot *before, const struct snapshot *after)
{
	if (before->charge != after->charge)
		check_failed(at, "charge was %#lx and is %#lx", before->charge, after->charge);
	for (unsigned int i = 0; i < before->nr && i < after->nr; i++)
		if (memcmp(&before->runs[i], &after->runs[i], sizeof(before->runs[i])))
			check_failed(at, "changed at %#llx: state %#x to %#x, prot %#x to %#x",
				     before->runs[i].out_base,
				     before->runs[i].out_state, after->runs[i].out_state,
				     before->runs[i].out_prot, after->runs[i].out_prot);
	if (before->nr != after->nr)
		check_failed(at, "%u runs became %u", before->nr, after->nr);
	if (memcmp(before->bytes, after->bytes, before->length))
		check_failed(at, "contents changed");
}

void check_refused(const char *at, int err, unsigned int nr, void *args, size_t size)
{
	struct snapshot before, after;
	unsigned char copy[256];
	int ret, got;

	memcpy(copy, args, size);
	snapshot_take(at, &before, watch_addr, watch_length);
	ret = ioctl(dev, nr, args);
	got = errno;
	snapshot_take(at, &after, watch_addr, watch_length);
	errno = got;
	check_errno(at, "the call", err, ret);
	if (memcmp(copy, args, size))
		check_failed(at, "the call failed and wrote to its arguments");
	check_same(at, &before, &after);
	snapshot_drop(&before);
	snapshot_drop(&after);
}

/* Touching memory. */

static void on_fault(int signo, siginfo_t *siginfo, void *context __attribute__((unused)))
{
	last_fault.count++;
	last_fault.signo = signo;
	last_fault.code = siginfo->si_code;
	last_fault.addr = (unsigned long)siginfo->si_addr;
	if (try_env)
		siglongjmp(*try_env, 1);
	check_failed("unexpected", "%s at %p", strsignal(signo), siginfo->si_addr);
}

/*
 * cmocka puts its own handlers in place when a test begins, so this comes after. The handler
 * blocks nothing, so who leaves it by a jump has no signal mask to save and restore: two calls
 * of the kernel less for each byte that is touched.
 */
static void catch_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	if (catching)
		return;
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	catching = true;
}

int byte_at(unsigned long addr)
{
	volatile int byte = -1;
	sigjmp_buf env;

	catch_faults();
	if (!sigsetjmp(env, 0)) {
		try_env = &env;
		byte = *(volatile unsigned char *)addr;
	}
	try_env = NULL;
	return byte;
}

bool try_read(unsigned long addr)
{
	return byte_at(addr) >= 0;
}

bool try_write(unsigned long addr, unsigned char byte)
{
	volatile bool done = false;
	sigjmp_buf env;

	catch_faults();
	if (!sigsetjmp(env, 0)) {
		try_env = &env;
		*(volatile unsigned char *)addr = byte;
		done = true;
	}
	try_env = NULL;
	return done;
}

bool try_write_word(unsigned long addr, unsigned long word)
{
	volatile bool done = false;
	sigjmp_buf env;

	catch_faults();
	if (!sigsetjmp(env, 0)) {
		try_env = &env;
		*(volatile unsigned long *)addr = word;
		done = true;
	}
	try_env = NULL;
	return done;
}

bool try_exec(unsigned long addr)
{
	volatile bool done = false;
	sigjmp_buf env;

	catch_faults();
	if (!sigsetjmp(env, 0)) {
		try_env = &env;
		((void (*)(void))addr)();
		done = true;
	}
	try_env = NULL;
	return done;
}

void put_return(unsigned long addr)
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

/* Mappings. */

static bool vma_parse(const char *line, struct vma *vma)
{
	*vma = (struct vma) { 0 };
	return sscanf(line, "%lx-%lx %4s %*x %*s %*u %127[^\n]", &vma->start, &vma->end,
		      vma->perms, vma->path) >= 3;
}

/* The first mapping that ends above @addr, or with @addr ~0 just count them. */
static bool vma_walk(unsigned long addr, struct vma *vma, unsigned int *nr)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	bool found = false;
	char line[512];

	if (!maps)
		check_failed(HERE, "/proc/self/maps: %s", strerror(errno));
	for (*nr = 0; !found && fgets(line, sizeof(line), maps); ++*nr)
		found = vma_parse(line, vma) && vma->end > addr;
	fclose(maps);
	return found;
}

unsigned int vma_count(void)
{
	struct vma vma;
	unsigned int nr;

	vma_walk(~0UL, &vma, &nr);
	return nr;
}

bool vma_find(unsigned long addr, struct vma *vma)
{
	unsigned int nr;

	return vma_walk(addr, vma, &nr);
}

bool vma_covers(unsigned long addr)
{
	struct vma vma;

	return vma_find(addr, &vma) && vma.start <= addr;
}

/* The module's own mappings; to the program their address space is free or reserved. */
bool vma_is_window(const struct vma *vma)
{
	return !strcmp(vma->path, "/winmem (deleted)");
}

unsigned long find_hole(unsigned long length)
{
	static unsigned long next = 0x200000000000UL;
	unsigned long addr = next;

	next += (length + 2 * GIB - 1) / GIB * GIB;
	return addr;
}

void *map_foreign(unsigned long addr, unsigned long length, int prot)
{
	void *map = mmap((void *)addr, length, prot,
			 MAP_PRIVATE | MAP_ANONYMOUS | (addr ? MAP_FIXED : 0), -1, 0);

	if (map == MAP_FAILED)
		check_failed(HERE, "mmap at %#lx: %s", addr, strerror(errno));
	return map;
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
	/* The record of reservations is the parent's. */
	nr_tracked = 0;
	function(arg);
	_exit(0);
}

void finish_child(const char *at, pid_t child, int signo)
{
	int status;

	if (child == -1 || waitpid(child, &status, 0) != child)
		check_failed(at, "no child: %s", strerror(errno));
	if (signo ? !WIFSIGNALED(status) || WTERMSIG(status) != signo : status)
		check_failed(at, "the child ended with status %#x", status);
}

void *shared_page(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		check_failed(HERE, "mmap: %s", strerror(errno));
	return page;
}

int open_device(const char *at)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		check_failed(at, "open " DEVICE ": %s", strerror(errno));
	return fd;
}
