// SPDX-License-Identifier: GPL-2.0-only
/* errno values to last errors: lib/error.c against the numbers of Windows, written out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "../../lib/error.c"

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

/* Numbers, not names: a name with a wrong number would pass. */
static const struct {
	int err;
	DWORD error;
} rows[] = {
	{ EINVAL, 87 }, { EOPNOTSUPP, 87 }, { ERANGE, 87 }, { EBUSY, 87 },
	{ EADDRNOTAVAIL, 87 },
	{ ENOENT, 487 }, { EEXIST, 487 }, { ENXIO, 487 }, { EFBIG, 487 },
	{ ENOMEM, 8 }, { EDQUOT, 1455 }, { ETXTBSY, 1224 }, { ENODATA, 170 },
	{ EREMOTEIO, 299 }, { ENOKEY, 1314 }, { ENOSPC, 1450 },
	{ EALREADY, 158 }, { ENOLCK, 1453 }, { EKEYREJECTED, 0x80000001 },
	{ EPERM, 5 }, { EACCES, 5 }, { EFAULT, 998 }, { EINTR, 995 },
	{ EMFILE, 4 }, { ENFILE, 4 }, { ENODEV, 50 },
};

static void the_table(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(winmem_error_from_errno(rows[i].err), rows[i].error);
}

/* A failure is never told as ERROR_SUCCESS, whatever the kernel comes up with. */
static void every_errno_is_an_error(void **state)
{
	(void)state;
	for (int err = 1; err < 4096; err++)
		assert_int_not_equal(winmem_error_from_errno(err), 0);
}

static void success_sets_nothing(void **state)
{
	(void)state;
	SetLastError(1234);
	assert_true(winmem_error_set(0));
	assert_int_equal(GetLastError(), 1234);
	assert_false(winmem_error_set(ENOENT));
	assert_int_equal(GetLastError(), 487);
}

static void *set_in_thread(void *first)
{
	*(DWORD *)first = GetLastError();
	SetLastError(99);
	return NULL;
}

static void threads_have_their_own(void **state)
{
	DWORD first = 1;
	pthread_t thread;

	(void)state;
	SetLastError(1234);
	assert_int_equal(pthread_create(&thread, NULL, set_in_thread, &first), 0);
	pthread_join(thread, NULL);
	assert_int_equal(first, 0);
	assert_int_equal(GetLastError(), 1234);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table),
		cmocka_unit_test(every_errno_is_an_error),
		cmocka_unit_test(success_sets_nothing),
		cmocka_unit_test(threads_have_their_own),
	};

	return cmocka_run_group_tests_name("lib_error", tests, NULL, NULL);
}
