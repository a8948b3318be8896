// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Processes and their handles. The caller itself is a constant, which has the value of
 * INVALID_HANDLE_VALUE on Windows; programs rely on that.
 *
 * A handle that OpenProcess makes holds two descriptors: a pidfd, which says whether the
 * process is still there, and a third one that comes and goes, by which the kernel's module
 * acts on its memory. That one is made from /proc/PID/mem, opened for writing: the kernel
 * lets those have it who may ptrace the process. It belongs to the memory of one program and
 * to the process that made it, so it is made anew after an exec there and after a fork here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/winmem.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"
#include "error.h"
#include "handle.h"
#include "process.h"
#include "sys.h"

struct winmem_process {
	struct winmem_object object;
	pid_t pid;
	DWORD access;		/* PROCESS_* */
	int pidfd;
	int fd;			/* by process_lock; -1: none yet */
};

/* Rights that need the kernel's leave to look into the process, or to change it. */
#define ACCESS_INSIDE	(PROCESS_VM_OPERATION | PROCESS_VM_READ | PROCESS_VM_WRITE |	\
			 PROCESS_QUERY_INFORMATION | PROCESS_DUP_HANDLE |		\
			 PROCESS_CREATE_THREAD | PROCESS_SET_INFORMATION)

/* What the generic rights stand for. */
#define ACCESS_READ	(READ_CONTROL | PROCESS_VM_READ | PROCESS_QUERY_INFORMATION)
#define ACCESS_WRITE	(READ_CONTROL | PROCESS_CREATE_THREAD | PROCESS_VM_OPERATION |	\
			 PROCESS_VM_WRITE | PROCESS_DUP_HANDLE | PROCESS_SET_INFORMATION)
#define ACCESS_EXECUTE	(READ_CONTROL | SYNCHRONIZE)

/* Held across fork, so that the child finds it free. */
static pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t process_once = PTHREAD_ONCE_INIT;

static void process_before_fork(void)
{
	pthread_mutex_lock(&process_lock);
}

static void process_after_fork(void)
{
	pthread_mutex_unlock(&process_lock);
}

static void process_watch_fork(void)
{
	pthread_atfork(process_before_fork, process_after_fork, process_after_fork);
}

static int open_mem(pid_t pid)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	do {
		fd = open(path, O_RDWR | O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	return fd;
}

static bool has_ended(const struct winmem_process *process)
{
	struct pollfd poll_it = { .fd = process->pidfd, .events = POLLIN };

	return poll(&poll_it, 1, 0) == 1;
}

/* Its mem: the number may be another process's by now, unless it is there afterwards. */
static int open_mem_of(const struct winmem_process *process, int *fd)
{
	int ret = 0;

	*fd = open_mem(process->pid);
	if (*fd < 0)
		ret = errno == EMFILE || errno == ENFILE || errno == ENOMEM ? errno : EACCES;
	else if (has_ended(process))
		ret = EACCES;
	if (ret && *fd >= 0)
		close(*fd);
	return ret;
}

/* Open */

static void process_destroy(struct winmem_object *object)
{
	struct winmem_process *process = (struct winmem_process *)object;

	close(process->pidfd);
	if (process->fd >= 0)
		close(process->fd);
	free(process);
}

static DWORD access_map(DWORD access)
{
	if (access & GENERIC_READ)
		access |= ACCESS_READ;
	if (access & GENERIC_WRITE)
		access |= ACCESS_WRITE;
	if (access & GENERIC_EXECUTE)
		access |= ACCESS_EXECUTE;
	if (access & (GENERIC_ALL | MAXIMUM_ALLOWED))
		access |= PROCESS_ALL_ACCESS;
	if (access & PROCESS_QUERY_INFORMATION)
		access |= PROCESS_QUERY_LIMITED_INFORMATION;
	return access & PROCESS_ALL_ACCESS;
}

/* Ask the kernel now for what a call would be refused later. */
static int access_check(const struct winmem_process *process)
{
	int fd, ret;

	if (!(process->access & ACCESS_INSIDE) || process->pid == getpid())
		return 0;
	ret = open_mem_of(process, &fd);
	if (!ret)
		close(fd);
	return ret;
}

static int process_open(DWORD pid, DWORD access, HANDLE *handle)
{
	struct winmem_process *process;
	int pidfd, ret;

	if (!pid || pid > INT32_MAX)
		return EINVAL;
	pidfd = syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (pidfd < 0)
		return errno == ESRCH ? EINVAL : errno;
	process = malloc(sizeof(*process));
	if (!process) {
		close(pidfd);
		return ENOMEM;
	}
	winmem_object_init(&process->object, WINMEM_OBJECT_PROCESS, process_destroy);
	process->pid = pid;
	process->access = access_map(access);
	process->pidfd = pidfd;
	process->fd = -1;
	pthread_once(&process_once, process_watch_fork);

	ret = access_check(process);
	if (!ret)
		ret = winmem_handle_open(&process->object, handle);
	if (ret)
		winmem_object_put(&process->object);
	return ret;
}

WINMEM_API HANDLE WINAPI OpenProcess(DWORD dwDesiredAccess, BOOL bInheritHandle,
				     DWORD dwProcessId)
{
	HANDLE handle = NULL;
	int saved = errno, ret;

	/* No program gets a handle through exec. */
	(void)bInheritHandle;
	ret = process_open(dwProcessId, dwDesiredAccess, &handle);
	errno = saved;
	winmem_error_set(ret);
	return handle;
}

/* Use */

int winmem_process_get(HANDLE handle, DWORD access, struct winmem_process **process)
{
	struct winmem_process *found;

	*process = NULL;
	if (handle == GetCurrentProcess())
		return 0;
	found = (struct winmem_process *)winmem_handle_get(handle, WINMEM_OBJECT_PROCESS);
	if (!found)
		return ESRCH;
	if (access & ~found->access) {
		winmem_process_put(found);
		return EACCES;
	}
	if (found->pid == getpid() && !has_ended(found))
		winmem_process_put(found);
	else
		*process = found;
	return 0;
}

void winmem_process_put(struct winmem_process *process)
{
	winmem_object_put(process ? &process->object : NULL);
}

int winmem_process_check(HANDLE handle)
{
	struct winmem_process *process;
	int ret;

	ret = winmem_process_get(handle, 0, &process);
	if (!ret && process) {
		winmem_process_put(process);
		ret = ENOSYS;
	}
	return ret;
}

static int process_attach(struct winmem_process *process)
{
	struct winmem_attach args = { .size = sizeof(args) };
	int ret, mem;

	ret = open_mem_of(process, &mem);
	if (ret)
		return ret;
	args.mem_fd = mem;
	ret = winmem_ioctl(WINMEM_IOC_ATTACH, &args);
	close(mem);
	if (!ret)
		process->fd = args.out_fd;
	return ret;
}

/* A descriptor of one's own: another thread may make a new one while this one is in use. */
static int process_descriptor(struct winmem_process *process, bool anew, int *fd)
{
	int ret = 0;

	pthread_mutex_lock(&process_lock);
	if (anew && process->fd >= 0) {
		close(process->fd);
		process->fd = -1;
	}
	if (process->fd < 0)
		ret = process_attach(process);
	if (!ret) {
		*fd = fcntl(process->fd, F_DUPFD_CLOEXEC, 3);
		ret = *fd < 0 ? errno : 0;
	}
	pthread_mutex_unlock(&process_lock);
	return ret;
}

static int process_ioctl(struct winmem_process *process, bool anew, unsigned long nr, void *arg)
{
	int fd, ret;

	ret = process_descriptor(process, anew, &fd);
	if (ret)
		return ret;
	ret = winmem_sys_ioctl(fd, nr, arg);
	close(fd);
	return ret;
}

int winmem_process_ioctl(struct winmem_process *process, unsigned long nr, void *arg)
{
	int saved = errno, ret;

	ret = process_ioctl(process, false, nr, arg);
	/* It has become another program, has winmem anew, or this is a child of who asked. */
	if (ret == ESRCH || ret == ENODEV || ret == EPERM)
		ret = process_ioctl(process, true, nr, arg);
	if (ret == ESRCH || (ret == ENODEV && has_ended(process)))
		ret = EACCES;
	errno = saved;
	return ret;
}

pid_t winmem_process_pid(const struct winmem_process *process)
{
	return process ? process->pid : getpid();
}

int winmem_process_mem(struct winmem_process *process)
{
	int fd;

	if (!process)
		return open_mem(getpid());
	return open_mem_of(process, &fd) ? -1 : fd;
}

WINMEM_API HANDLE WINAPI GetCurrentProcess(void)
{
	return (HANDLE)(LONG_PTR)-1;
}

WINMEM_API DWORD WINAPI GetCurrentProcessId(void)
{
	return getpid();
}

WINMEM_API DWORD WINAPI GetProcessId(HANDLE Process)
{
	struct winmem_process *process;
	int saved = errno, ret;
	DWORD pid = 0;

	ret = winmem_process_get(Process, PROCESS_QUERY_LIMITED_INFORMATION, &process);
	if (!ret)
		pid = winmem_process_pid(process);
	winmem_process_put(process);
	errno = saved;
	winmem_error_set(ret);
	return pid;
}
