// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The descriptor of /dev/winmem: one for the process, opened at the first call.
 *
 * The number is all that the library has, and it is the program's to spoil: it may be
 * closed, and then mean another file. So each failure is looked at twice (a success is
 * none of that: no other file knows these ioctls), and a number is closed only when what
 * it means is still the device.
 *
 * device_fd is read without the lock; it changes under it. device_lock is held across
 * fork, so that the child finds it free.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/winmem.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "device.h"
#include "limit.h"
#include "range.h"
#include "sys.h"

#define DEVICE_PATH		"/dev/winmem"

/* Versions of the kernel's interface that this library can use. */
#define DEVICE_VERSION_MIN	1
#define DEVICE_VERSION_MAX	WINMEM_VERSION

/* A program that closes the descriptor in a loop, in another thread, may win in the end. */
#define DEVICE_TRIES		8

/* Windows maps a page of its own here, in every process (row VQ14). */
#define SHARED_PAGE		0x7ffe0000UL

static pthread_mutex_t device_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t device_once = PTHREAD_ONCE_INIT;
static atomic_int device_fd = -1;
static atomic_ullong device_rdev;
static _Atomic(struct winmem_changes *) device_changes;	/* mapped, or NULL; changes under the lock */
static bool device_complained;		/* by device_lock */

static bool device_is_ours(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISCHR(st.st_mode) && st.st_rdev == device_rdev;
}

/* One line for people, once: programs see ERROR_NOT_SUPPORTED and no more. */
__attribute__((format(printf, 1, 2)))
static void device_complain(const char *format, ...)
{
	const char *debug = secure_getenv("WINMEM_DEBUG");
	va_list args;

	if (device_complained || !debug || strcmp(debug, "1"))
		return;
	device_complained = true;
	va_start(args, format);
	vdprintf(STDERR_FILENO, format, args);
	va_end(args);
}

static int device_open_failed(int err)
{
	switch (err) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		device_complain("winmem: " DEVICE_PATH " is not there: the kernel module is not "
				"loaded; as root: modprobe winmem\n");
		return ENODEV;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EINTR:
		return err;
	default:
		device_complain("winmem: " DEVICE_PATH " cannot be opened: %s; its mode should "
				"be 0666\n", strerror(err));
		return ENODEV;
	}
}

/* Ranges are compared, never numbers: both sides may be newer than the other knows. */
static int device_greet(int fd)
{
	struct winmem_info info = { .size = sizeof(info) };
	int ret;

	ret = winmem_sys_ioctl(fd, WINMEM_IOC_INFO, &info);
	if (ret == EBADF)
		return ret;
	if (ret) {
		device_complain("winmem: " DEVICE_PATH " does not answer as winmem does\n");
		return ENODEV;
	}
	if (info.out_version_min > DEVICE_VERSION_MAX || info.out_version < DEVICE_VERSION_MIN) {
		device_complain("winmem: the kernel module speaks versions %u to %u, this "
				"library %u to %u\n", info.out_version_min, info.out_version,
				DEVICE_VERSION_MIN, DEVICE_VERSION_MAX);
		return ENODEV;
	}
	if (info.out_page_size != WINMEM_PAGE_SIZE) {
		device_complain("winmem: the kernel has pages of %u bytes, this library needs "
				"4096\n", info.out_page_size);
		return ENODEV;
	}
	return 0;
}

/* A number that cannot be read is no limit: the program could do nothing about it. */
static int device_limit(int fd)
{
	struct winmem_limit args = { .size = sizeof(args), .flags = WINMEM_LIMIT_SET };
	uint64_t bytes;

	if (winmem_limit_wanted(&bytes))
		device_complain("winmem: WINMEM_COMMIT_LIMIT is not a number of bytes, with K, M, "
				"G or T or nothing after it; there is no limit\n");
	if (bytes == WINMEM_LIMIT_NONE)
		return 0;
	args.limit = bytes;
	return winmem_sys_ioctl(fd, WINMEM_IOC_LIMIT, &args);
}

/* Out of the way of 0, 1 and 2: whoever closed those will open them again. */
static int device_move_up(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	close(fd);
	return high;
}

static int device_open_file(int *fd)
{
	do {
		*fd = open(DEVICE_PATH, O_RDWR | O_CLOEXEC);
	} while (*fd < 0 && errno == EINTR);
	if (*fd >= 0 && *fd < 3)
		*fd = device_move_up(*fd);
	return *fd < 0 ? device_open_failed(errno) : 0;
}

static void device_map_shared_page(void)
{
	/* In a child it is there already. Nothing depends on it. */
	mmap((void *)SHARED_PAGE, WINMEM_PAGE_SIZE, PROT_READ,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

uint64_t winmem_device_count(void)
{
	struct winmem_changes *changes = device_changes;

	return changes ? __atomic_load_n(&changes->count, __ATOMIC_ACQUIRE) : 0;
}

/*
 * The mapping outlives a descriptor that is closed, and holds the same space. One that a bare
 * clone(2) has left is its parent's, says 0, and stays: another thread may be reading it. Without
 * one the kernel is asked each time.
 */
static void device_map_changes(int fd)
{
	void *changes;

	if (winmem_device_count())
		return;
	changes = mmap(NULL, WINMEM_PAGE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	device_changes = changes == MAP_FAILED ? NULL : changes;
}

static int device_open_locked(void)
{
	struct stat st;
	int fd, ret;

	ret = device_open_file(&fd);
	if (ret)
		return ret;
	ret = fstat(fd, &st) ? errno : device_greet(fd);
	if (!ret)
		ret = device_limit(fd);
	if (ret) {
		/* EBADF: another thread was quick to close it, and it is not ours any more. */
		if (ret != EBADF)
			close(fd);
		return ret;
	}

	device_map_shared_page();
	device_map_changes(fd);
	device_rdev = st.st_rdev;
	/* The last thing: from here on other threads use it without the lock. */
	device_fd = fd;
	return 0;
}

static void device_before_fork(void)
{
	pthread_mutex_lock(&device_lock);
}

static void device_after_fork(void)
{
	pthread_mutex_unlock(&device_lock);
}

/*
 * The child begins without memory. The descriptor and the mapping would do nothing for it but
 * keep the parent's memory alive after the parent has gone.
 */
static void device_in_child(void)
{
	int saved = errno, fd = device_fd;

	if (fd >= 0 && device_is_ours(fd))
		close(fd);
	device_fd = -1;
	if (device_changes)
		munmap(device_changes, WINMEM_PAGE_SIZE);
	device_changes = NULL;
	errno = saved;
	pthread_mutex_unlock(&device_lock);
}

static void device_watch_fork(void)
{
	pthread_atfork(device_before_fork, device_after_fork, device_in_child);
}

/* The descriptor, opened if need be. */
static int device_get(int *fd)
{
	int saved, ret = 0;

	*fd = device_fd;
	if (*fd >= 0)
		return 0;

	saved = errno;
	pthread_once(&device_once, device_watch_fork);
	pthread_mutex_lock(&device_lock);
	if (device_fd < 0)
		ret = device_open_locked();
	*fd = device_fd;
	pthread_mutex_unlock(&device_lock);
	errno = saved;
	return ret;
}

/*
 * Let go of a number without closing it: when it is an inherited one (EPERM) a clone may
 * share its parent's table of descriptors, and else it is not ours to close.
 */
static void device_forget(int fd)
{
	atomic_compare_exchange_strong(&device_fd, &fd, -1);
}

/*
 * Whether a failure is none of the module's. EPERM: the file is another process's, and
 * came here past pthread_atfork(), by a bare clone(2). With EBADF and ENOTTY the number
 * may have become the device again since, opened by another thread; with anything else
 * the device has spoken if it is the device.
 */
static bool device_was_lost(int fd, int err)
{
	int saved = errno;
	bool ours = device_is_ours(fd);

	errno = saved;
	if (!ours || err == EPERM)
		device_forget(fd);
	return !ours || err == EPERM || err == EBADF || err == ENOTTY;
}

bool winmem_device_is_open(void)
{
	return device_fd >= 0;
}

void winmem_device_prepare(void)
{
	int fd;

	device_get(&fd);
}

int winmem_ioctl(unsigned long nr, void *arg)
{
	int fd, ret = 0;

	for (int i = 0; i < DEVICE_TRIES; i++) {
		ret = device_get(&fd);
		if (ret == EBADF)
			continue;
		if (ret)
			return ret;
		ret = winmem_sys_ioctl(fd, nr, arg);
		if (!ret || !device_was_lost(fd, ret))
			return ret;
	}
	return ret;
}
