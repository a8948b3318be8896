// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the library makes of a device that cannot be opened or does not answer as it
 * should: lib/device.c with open, fstat, ioctl and close answered from here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Declared before the names below become ours. */
#include <fcntl.h>
#include <linux/winmem.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static struct {
	int open_error;		/* of open(); 0: it gives fd */
	int open_retries;	/* so many EINTR before that */
	int fd;
	int ioctl_error;	/* of every ioctl */
	struct winmem_info info;
	int opened, closed, asked;
} kernel;

static int fake_open(const char *path, int flags)
{
	assert_string_equal(path, "/dev/winmem");
	assert_int_equal(flags, O_RDWR | O_CLOEXEC);
	if (kernel.open_retries) {
		kernel.open_retries--;
		errno = EINTR;
		return -1;
	}
	kernel.opened++;
	errno = kernel.open_error;
	return kernel.open_error ? -1 : kernel.fd;
}

static int fake_fstat(int fd, struct stat *st)
{
	(void)fd;
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFCHR | 0666;
	st->st_rdev = makedev(10, 249);
	return 0;
}

static int fake_close(int fd)
{
	assert_true(fd >= 0);
	kernel.closed++;
	return 0;
}

static int fake_fcntl(int fd, int command, int lowest)
{
	(void)fd;
	assert_int_equal(command, F_DUPFD_CLOEXEC);
	assert_int_equal(lowest, 3);
	return 77;
}

static int fake_ioctl(int fd, unsigned long nr, void *arg)
{
	(void)fd;
	kernel.asked++;
	if (kernel.ioctl_error) {
		errno = kernel.ioctl_error;
		return -1;
	}
	if (nr == WINMEM_IOC_INFO)
		memcpy(arg, &kernel.info, sizeof(kernel.info));
	return 0;
}

#define open	fake_open
#define fstat	fake_fstat
#define close	fake_close
#define fcntl	fake_fcntl
#define ioctl	fake_ioctl

#include "../../lib/limit.c"
#include "../../lib/device.c"

/* A device as it should be, and a library that has not opened it. */
static int set_up(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	kernel.fd = 5;
	kernel.info = (struct winmem_info) {
		.size = sizeof(kernel.info), .out_version_min = 1,
		.out_version = WINMEM_VERSION, .out_page_size = 4096,
	};
	device_fd = -1;
	device_complained = false;
	return 0;
}

static int call(void)
{
	struct winmem_query query = { .size = sizeof(query) };

	return winmem_ioctl(WINMEM_IOC_QUERY, &query);
}

static void opened_once_and_kept(void **state)
{
	(void)state;
	kernel.open_retries = 3;
	assert_int_equal(call(), 0);
	assert_int_equal(call(), 0);
	assert_int_equal(kernel.opened, 1);
	assert_int_equal(kernel.closed, 0);
	assert_int_equal(device_fd, 5);
}

static void open_errors(void **state)
{
	static const struct { int error, expected; } table[] = {
		{ ENOENT, ENODEV }, { ENODEV, ENODEV }, { ENXIO, ENODEV }, { EACCES, ENODEV },
		{ EPERM, ENODEV }, { EMFILE, EMFILE }, { ENFILE, ENFILE }, { ENOMEM, ENOMEM },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		set_up(state);
		kernel.open_error = table[i].error;
		errno = 12345;
		assert_int_equal(call(), table[i].expected);
		assert_int_equal(errno, 12345);
		/* Not for good: the next call tries again. */
		kernel.open_error = 0;
		assert_int_equal(call(), 0);
	}
}

static void out_of_the_way_of_standard_descriptors(void **state)
{
	(void)state;
	kernel.fd = 1;
	assert_int_equal(call(), 0);
	assert_int_equal(device_fd, 77);
	assert_int_equal(kernel.closed, 1);
}

static void refused(void)
{
	assert_int_equal(call(), ENODEV);
	assert_int_equal(kernel.closed, 1);
	assert_int_equal(device_fd, -1);
}

static void another_device_is_refused(void **state)
{
	(void)state;
	kernel.ioctl_error = ENOTTY;
	refused();
}

static void a_kernel_that_is_too_new_is_refused(void **state)
{
	(void)state;
	kernel.info.out_version_min = WINMEM_VERSION + 1;
	kernel.info.out_version = WINMEM_VERSION + 2;
	refused();
}

static void a_kernel_that_is_too_old_is_refused(void **state)
{
	(void)state;
	kernel.info.out_version_min = 0;
	kernel.info.out_version = 0;
	refused();
}

static void other_pages_are_refused(void **state)
{
	(void)state;
	kernel.info.out_page_size = 65536;
	refused();
}

/* Each time it is opened somebody closes it: the library gives up in the end. */
static void closed_again_and_again(void **state)
{
	(void)state;
	kernel.ioctl_error = EBADF;
	assert_int_equal(call(), EBADF);
	assert_int_equal(kernel.closed, 0);
	assert_int_equal(kernel.opened, DEVICE_TRIES);
}

static void a_child_has_none(void **state)
{
	(void)state;
	assert_int_equal(call(), 0);
	device_before_fork();
	device_in_child();
	assert_int_equal(device_fd, -1);
	assert_int_equal(kernel.closed, 1);
	assert_int_equal(call(), 0);
	assert_int_equal(kernel.opened, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(opened_once_and_kept, set_up),
		cmocka_unit_test_setup(open_errors, set_up),
		cmocka_unit_test_setup(out_of_the_way_of_standard_descriptors, set_up),
		cmocka_unit_test_setup(another_device_is_refused, set_up),
		cmocka_unit_test_setup(a_kernel_that_is_too_new_is_refused, set_up),
		cmocka_unit_test_setup(a_kernel_that_is_too_old_is_refused, set_up),
		cmocka_unit_test_setup(other_pages_are_refused, set_up),
		cmocka_unit_test_setup(closed_again_and_again, set_up),
		cmocka_unit_test_setup(a_child_has_none, set_up),
	};

	setenv("WINMEM_DEBUG", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
