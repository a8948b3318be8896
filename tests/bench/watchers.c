// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ways to know which pages were written: winmem's, and what programs do without it. Each has
 * memory whose pages are all there and clean at first, and watch(), which tells of pages
 * written since it was called last and makes them clean again.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <linux/winmem.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

static uint64_t written[BENCH_WATCHED];
static size_t nr_written;

static void touch_all(char *addr, size_t length)
{
	for (size_t i = 0; i < length; i += BENCH_PAGE)
		*(volatile char *)(addr + i) = 1;
}

/* winmem */

static int device = -1;

static int winmem_watch(void *addr, size_t length, size_t *nr)
{
	struct winmem_watch args = {
		.size = sizeof(args),
		.flags = WINMEM_WATCH_RESET,
		.addr = (uintptr_t)addr,
		.length = length,
		.addrs = (uintptr_t)written,
		.count = BENCH_WATCHED,
	};

	if (ioctl(device, WINMEM_IOC_WATCH, &args))
		return errno;
	*nr = args.out_count;
	return 0;
}

static void *winmem_reserve(size_t length)
{
	struct winmem_reserve args = {
		.size = sizeof(args),
		.flags = WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_WATCH,
		.prot = WINMEM_PROT_READWRITE,
		.length = length,
	};
	size_t nr;

	device = open("/dev/winmem", O_RDWR | O_CLOEXEC);
	if (device < 0 || ioctl(device, WINMEM_IOC_RESERVE, &args))
		return NULL;
	touch_all((char *)(uintptr_t)args.out_addr, length);
	must(winmem_watch((void *)(uintptr_t)args.out_addr, length, &nr));
	return (void *)(uintptr_t)args.out_addr;
}

static int winmem_release(void *addr, size_t length)
{
	struct winmem_release args = { .size = sizeof(args), .addr = (uintptr_t)addr };

	(void)length;
	return ioctl(device, WINMEM_IOC_RELEASE, &args) ? errno : 0;
}

const struct bench_memory bench_winmem_watch = {
	.reserve = winmem_reserve,
	.release = winmem_release,
	.watch = winmem_watch,
};

/* mprotect: a write is a signal, whose handler opens the page. */

static void *map_pages(size_t length)
{
	void *addr = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (addr == MAP_FAILED || madvise(addr, length, MADV_NOHUGEPAGE))
		return NULL;
	touch_all(addr, length);
	return addr;
}

static int unmap_pages(void *addr, size_t length)
{
	return munmap(addr, length) ? errno : 0;
}

static void on_write(int signo, siginfo_t *info, void *context)
{
	uintptr_t page = (uintptr_t)info->si_addr & -BENCH_PAGE;

	(void)signo;
	(void)context;
	written[nr_written++] = page;
	if (mprotect((void *)page, BENCH_PAGE, PROT_READ | PROT_WRITE))
		_exit(1);
}

/* What the handlers have noted is the answer; all of it is closed again in one call. */
static int mprotect_watch(void *addr, size_t length, size_t *nr)
{
	*nr = nr_written;
	nr_written = 0;
	return mprotect(addr, length, PROT_READ) ? errno : 0;
}

static void *mprotect_reserve(size_t length)
{
	struct sigaction action = { .sa_sigaction = on_write, .sa_flags = SA_SIGINFO };
	void *addr = map_pages(length);
	size_t nr;

	if (!addr || sigaction(SIGSEGV, &action, NULL) || mprotect_watch(addr, length, &nr))
		return NULL;
	return addr;
}

const struct bench_memory bench_mprotect_watch = {
	.reserve = mprotect_reserve,
	.release = unmap_pages,
	.watch = mprotect_watch,
};

/* userfaultfd: a write is a message to a thread, which opens the page. */

static int uffd = -1;

static int uffd_protect(uintptr_t addr, size_t length, bool protect)
{
	struct uffdio_writeprotect args = {
		.range = { .start = addr, .len = length },
		.mode = protect ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return ioctl(uffd, UFFDIO_WRITEPROTECT, &args) ? errno : 0;
}

static void *uffd_serve(void *arg)
{
	struct uffd_msg message;

	(void)arg;
	while (read(uffd, &message, sizeof(message)) == sizeof(message)) {
		uintptr_t page = message.arg.pagefault.address & -BENCH_PAGE;

		written[nr_written++] = page;
		must(uffd_protect(page, BENCH_PAGE, false));
	}
	return NULL;
}

static int uffd_watch(void *addr, size_t length, size_t *nr)
{
	*nr = nr_written;
	nr_written = 0;
	return uffd_protect((uintptr_t)addr, length, true);
}

static void *uffd_reserve(size_t length)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_WP };
	void *addr = map_pages(length);
	pthread_t thread;
	size_t nr;

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (!addr || uffd < 0 || ioctl(uffd, UFFDIO_API, &api))
		return NULL;
	range.range.start = (uintptr_t)addr;
	range.range.len = length;
	if (ioctl(uffd, UFFDIO_REGISTER, &range) || uffd_watch(addr, length, &nr))
		return NULL;
	return pthread_create(&thread, NULL, uffd_serve, NULL) ? NULL : addr;
}

const struct bench_memory bench_uffd_watch = {
	.reserve = uffd_reserve,
	.release = unmap_pages,
	.watch = uffd_watch,
};

/*
 * PAGEMAP_SCAN, from 6.7 on: userfaultfd's write protection that is lifted without a
 * message, and a scan of the page tables for what is not protected any more.
 */

#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC	(1 << 15)
#endif

/* Debian 12's headers do not have it. */
#ifndef PAGEMAP_SCAN
struct page_region {
	uint64_t start, end, categories;
};

struct pm_scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define PAGE_IS_WRITTEN		(1 << 1)
#define PM_SCAN_WP_MATCHING	(1 << 0)
#define PM_SCAN_CHECK_WPASYNC	(1 << 1)
#define PAGEMAP_SCAN		_IOWR('f', 16, struct pm_scan_arg)
#endif

static int pagemap = -1;

static int scan_watch(void *addr, size_t length, size_t *nr)
{
	static struct page_region regions[BENCH_WATCHED];
	struct pm_scan_arg args = {
		.size = sizeof(args),
		.flags = PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC,
		.start = (uintptr_t)addr,
		.end = (uintptr_t)addr + length,
		.vec = (uintptr_t)regions,
		.vec_len = BENCH_WATCHED,
		.category_mask = PAGE_IS_WRITTEN,
		.return_mask = PAGE_IS_WRITTEN,
	};
	int found = ioctl(pagemap, PAGEMAP_SCAN, &args);

	if (found < 0)
		return errno;
	*nr = 0;
	for (int i = 0; i < found; i++)
		*nr += (regions[i].end - regions[i].start) / BENCH_PAGE;
	return args.walk_end == args.end ? 0 : ENOSPC;
}

static bool scan_supported(void)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_WP_ASYNC };

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	return uffd >= 0 && !ioctl(uffd, UFFDIO_API, &api);
}

static void *scan_reserve(size_t length)
{
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_WP };
	void *addr = map_pages(length);
	size_t nr;

	pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (!addr || pagemap < 0 || !scan_supported())
		return NULL;
	range.range.start = (uintptr_t)addr;
	range.range.len = length;
	if (ioctl(uffd, UFFDIO_REGISTER, &range) || scan_watch(addr, length, &nr))
		return NULL;
	return addr;
}

const struct bench_memory bench_scan_watch = {
	.supported = scan_supported,
	.reserve = scan_reserve,
	.release = unmap_pages,
	.watch = scan_watch,
};
