// SPDX-License-Identifier: GPL-2.0-only
/*
 * What else a program does to its memory and descriptors, on winmem's addresses, with no
 * regard for what it does to winmem. These calls may fail in any way they like.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/userfaultfd.h>
#include <linux/winmem.h>

#define MAX_RANGE	(64 * PAGE)

static unsigned char buffer[MAX_RANGE];

struct range {
	unsigned long start;
	unsigned long length;
};

static void *at(const struct range *range)
{
	return (void *)range->start;
}

static void do_touch(struct fuzzer *f, const struct range *range)
{
	unsigned long nr = 1 + below(f, 8);

	for (unsigned long i = 0; i < nr && i * PAGE < range->length; i++)
		touch(f, range->start + i * PAGE, one_in(f, 2));
}

static void do_munmap(struct fuzzer *f, const struct range *range)
{
	if (one_in(f, 4))
		munmap(at(range), range->length);
}

static void do_mprotect(struct fuzzer *f, const struct range *range)
{
	mprotect(at(range), range->length, below(f, 8));
}

static void do_madvise(struct fuzzer *f, const struct range *range)
{
	static const int advices[] = {
		MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE,
		MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK, MADV_MERGEABLE, MADV_UNMERGEABLE,
		MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTDUMP, MADV_DODUMP, MADV_WIPEONFORK,
		MADV_KEEPONFORK, MADV_COLD, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE,
		24 /* DONTNEED_LOCKED */, 25 /* COLLAPSE */,
	};

	madvise(at(range), range->length, pick(f, advices));
}

static void do_mremap(struct fuzzer *f, const struct range *range)
{
	unsigned long to = f->worker->arena + (1UL << 40) + below(f, 64) * GRAN;
	void *map = mremap(at(range), one_in(f, 4) ? 0 : range->length, range->length + below(f, 3) * PAGE,
			   MREMAP_MAYMOVE | (one_in(f, 2) ? MREMAP_FIXED : 0), to);

	/* What was not winmem's could be moved. */
	if (map != MAP_FAILED)
		munmap(map, range->length);
}

static void do_mlock(struct fuzzer *f, const struct range *range)
{
	static const int alls[] = { MCL_CURRENT | MCL_ONFAULT, MCL_FUTURE | MCL_ONFAULT };

	switch (below(f, 8)) {
	case 0:
		mlockall(pick(f, alls));
		munlockall();
		break;
	case 1:
	case 2:
		mlock2(at(range), range->length, MLOCK_ONFAULT);
		break;
	case 3:
	case 4:
		mlock(at(range), range->length);
		break;
	default:
		munlock(at(range), range->length);
	}
}

static void do_look(struct fuzzer *f, const struct range *range)
{
	msync(at(range), range->length, pick(f, ((const int[]) { MS_SYNC, MS_ASYNC, MS_INVALIDATE })));
	mincore(at(range), range->length, buffer);
}

static void do_remap_file_pages(struct fuzzer *f, const struct range *range)
{
	unsigned long offset = one_in(f, 2) ? (range->start >> 12) + 1 : below(f, 64);

	syscall(SYS_remap_file_pages, range->start, range->length, 0, offset, 0);
}

/* Over winmem's: from then on these addresses are not its own. Sometimes they come back. */
static void do_mmap(struct fuzzer *f, const struct range *range)
{
	int flags = one_in(f, 2) ? MAP_PRIVATE : MAP_SHARED;
	unsigned long length = one_in(f, 2) ? PAGE : range->length;

	if (!one_in(f, 4))
		return;
	if (mmap(at(range), length, PROT_READ | PROT_WRITE,
		 flags | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED)
		return;
	touch(f, range->start, true);
	if (!one_in(f, 3))
		munmap(at(range), length);
}

/* The device itself over winmem's memory: the count of changes, or an error. */
static void do_mmap_device(struct fuzzer *f, const struct range *range)
{
	int fd = f->worker->fds[below(f, NR_FDS)], prot = one_in(f, 2) ? PROT_READ : (int)below(f, 8);
	unsigned long length = one_in(f, 4) ? range->length : PAGE;
	int flags = one_in(f, 4) ? MAP_PRIVATE : MAP_SHARED;

	if (mmap(at(range), length, prot, flags | MAP_FIXED, fd, one_in(f, 4) ? PAGE : 0) == MAP_FAILED)
		return;
	touch(f, range->start, one_in(f, 4));
	if (!one_in(f, 4))
		munmap(at(range), length);
}

static void do_userfaultfd(struct fuzzer *f, const struct range *range)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { range->start, range->length }, .mode = 1 + below(f, 7),
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

	if (fd < 0)
		return;
	ioctl(fd, UFFDIO_API, &api);
	/* Nobody would answer a fault: it ends when the descriptor is closed. */
	if (!ioctl(fd, UFFDIO_REGISTER, &reg))
		ioctl(fd, UFFDIO_UNREGISTER, &reg.range);
	close(fd);
}

static void do_process_vm(struct fuzzer *f, const struct range *range)
{
	unsigned long length = range->length < MAX_RANGE ? range->length : MAX_RANGE;
	struct iovec local = { buffer, length }, remote = { at(range), length };

	if (one_in(f, 2))
		process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
	else
		process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
}

static void do_proc_mem(struct fuzzer *f, const struct range *range)
{
	unsigned long length = range->length < MAX_RANGE ? range->length : MAX_RANGE;
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ssize_t done;

	if (fd < 0)
		return;
	done = one_in(f, 2) ? pread(fd, buffer, length, range->start) :
			      pwrite(fd, buffer, length, range->start);
	(void)done;
	close(fd);
}

/* Read and write through pipes: copies that fault in the kernel, over guards too. */
static void do_pipe(struct fuzzer *f, const struct range *range)
{
	unsigned long length = range->length < 4 * PAGE ? range->length : 4 * PAGE;
	ssize_t done;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
		return;
	done = write(fds[1], one_in(f, 2) ? at(range) : buffer, length);
	if (done > 0)
		done = read(fds[0], at(range), length);
	close(fds[0]);
	close(fds[1]);
}

static void do_fds(struct fuzzer *f, const struct range *range)
{
	unsigned int slot = 1 + below(f, NR_FDS - 1);
	int fd = atomic_exchange(&f->worker->fds[slot], -1);

	(void)range;
	/* The other thread may be in a call on it. */
	if (fd >= 0) {
		close(fd);
		return;
	}
	fd = one_in(f, 2) ? open(DEVICE, O_RDWR | O_CLOEXEC) :
			    fcntl(f->worker->fds[0], F_DUPFD_CLOEXEC, 0);
	fd = atomic_exchange(&f->worker->fds[slot], fd);
	if (fd >= 0)
		close(fd);
}

/* A child has a space of its own, and EPERM on ours; and no lock of another thread. */
static void child(struct fuzzer *f, const struct range *range)
{
	struct winmem_reserve args = {
		.size = sizeof(args), .length = 4 * PAGE, .prot = WINMEM_PROT_READWRITE,
		.flags = WINMEM_RESERVE_COMMIT,
	};
	struct winmem_release release = { .size = sizeof(release), .addr = range->start };
	int fd;

	alarm(20);
	if (!ioctl(f->worker->fds[0], WINMEM_IOC_RELEASE, &release) || errno != EPERM)
		_exit(1);
	touch(f, range->start, one_in(f, 2));
	fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, WINMEM_IOC_RESERVE, &args))
		_exit(2);
	if (!touch(f, args.out_addr, true))
		_exit(3);
	if (one_in(f, 2))
		close(fd);
	_exit(0);
}

static void do_fork(struct fuzzer *f, const struct range *range)
{
	int status = 0;
	pid_t pid;

	if (!one_in(f, 8))
		return;
	pid = fork();
	if (!pid)
		child(f, range);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status))
		fuzz_failed("a child ended with status %d", WEXITSTATUS(status));
}

/* A child looks at us with ptrace; whoever was attached to goes on when it ends. */
static void trace_parent(pid_t parent, const struct range *range)
{
	alarm(20);
	if (ptrace(PTRACE_ATTACH, parent, NULL, NULL))
		_exit(0);
	waitpid(parent, NULL, __WALL);
	for (unsigned long i = 0; i < range->length && i < 8 * PAGE; i += PAGE) {
		ptrace(PTRACE_PEEKDATA, parent, (void *)(range->start + i), NULL);
		ptrace(PTRACE_POKEDATA, parent, (void *)(range->start + i), (void *)i);
	}
	ptrace(PTRACE_DETACH, parent, NULL, NULL);
	_exit(0);
}

static void do_ptrace(struct fuzzer *f, const struct range *range)
{
	pid_t self = gettid(), pid;

	if (!one_in(f, 8))
		return;
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	pid = fork();
	if (!pid)
		trace_parent(self, range);
	if (pid < 0)
		return;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static const struct {
	const char *name;
	void (*function)(struct fuzzer *f, const struct range *range);
} noises[] = {
	{ "touch", do_touch }, { "touch", do_touch }, { "touch", do_touch },
	{ "touch", do_touch }, { "touch", do_touch }, { "munmap", do_munmap },
	{ "mprotect", do_mprotect }, { "mprotect", do_mprotect }, { "madvise", do_madvise },
	{ "madvise", do_madvise }, { "mremap", do_mremap }, { "mlock", do_mlock },
	{ "look", do_look }, { "remap_file_pages", do_remap_file_pages }, { "mmap", do_mmap },
	{ "mmap_device", do_mmap_device },
	{ "userfaultfd", do_userfaultfd }, { "process_vm", do_process_vm },
	{ "proc_mem", do_proc_mem }, { "pipe", do_pipe }, { "fds", do_fds }, { "fork", do_fork },
	{ "ptrace", do_ptrace },
};

void fuzz_noise(struct fuzzer *f)
{
	unsigned int which = below(f, ARRAY_LEN(noises));
	struct range range;

	if (!some_range(f, MAX_RANGE, &range.start, &range.length))
		return;
	noises[which].function(f, &range);
	note(f, noises[which].name, range.start, range.length, 0, 0);
	atomic_fetch_add(&f->worker->stats->noise, 1);
}
