// SPDX-License-Identifier: GPL-2.0-only
/*
 * malloc() and its kin, as any program calls them; run under libwinmem-malloc.so. The first
 * case sees to it that it is this malloc() that is tested.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

extern char **environ;

/* Neither may the compiler know what these do. */
static void *(*volatile get)(size_t size) = malloc;
static void *(*volatile get_zeroed)(size_t nr, size_t size) = calloc;
static void *(*volatile resize)(void *data, size_t size) = realloc;
static volatile size_t half = SIZE_MAX / 2;

static bool zeroed(const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i])
			return false;
	}
	return true;
}

/* glibc's would say 24. */
static void the_size_is_what_was_asked_for(void **state)
{
	char *data = get(17);

	(void)state;
	assert_int_equal(malloc_usable_size(data), 17);
	assert_int_equal(malloc_usable_size(NULL), 0);
	free(data);
}

static void no_bytes(void **state)
{
	char *a = get(0), *b = get(0);

	(void)state;
	assert_non_null(a);
	assert_ptr_not_equal(a, b);
	free(a);
	free(b);
	free(NULL);
}

static void too_many(void **state)
{
	(void)state;
	errno = 0;
	assert_null(get(SIZE_MAX));
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(get_zeroed(half, 3));
	assert_int_equal(errno, ENOMEM);
	assert_null(reallocarray(NULL, half, 3));
}

static void zeroed_after_use(void **state)
{
	(void)state;
	for (size_t size = 1; size < 4000000; size = size * 3 + 1) {
		char *data = get(size);

		memset(data, 0xcc, size);
		free(data);
		data = get_zeroed(1, size);
		assert_true(zeroed(data, size));
		free(data);
	}
}

static void resized(void **state)
{
	char *data = resize(NULL, 10);

	(void)state;
	strcpy(data, "kept");
	for (size_t size = 10; size < 4000000; size *= 3)
		data = resize(data, size);
	data = resize(data, 5);
	assert_string_equal(data, "kept");
	assert_null(resize(data, 0));
}

static void aligned(void **state)
{
	void *data = NULL;

	(void)state;
	for (size_t align = 8; align <= 524288; align *= 2) {
		for (size_t size = 0; size < 3000000; size = size * 9 + 1) {
			assert_int_equal(posix_memalign(&data, align, size), 0);
			assert_int_equal((uintptr_t)data % align, 0);
			memset(data, 1, size);
			free(data);
		}
	}
	assert_int_equal(posix_memalign(&data, 24, 10), EINVAL);
	data = aligned_alloc(64, 128);
	assert_int_equal((uintptr_t)data % 64, 0);
	free(data);
	data = pvalloc(1);
	assert_int_equal(malloc_usable_size(data), 4096);
	free(data);
}

static void errno_stays(void **state)
{
	char *data = get(100);

	(void)state;
	errno = 12345;
	free(data);
	assert_int_equal(errno, 12345);
}

static void *churn(void *arg)
{
	void *data[200] = {};

	(void)arg;
	for (unsigned int i = 0; i < 200000; i++) {
		free(data[i % 200]);
		data[i % 200] = get(i * 7919 % 3000);
	}
	for (int i = 0; i < 200; i++)
		free(data[i]);
	return NULL;
}

static void threads(void **state)
{
	pthread_t thread[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, churn, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
}

static void children_by_posix_spawn(void **state)
{
	char *argv[] = { "true", NULL };
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(posix_spawnp(&child, "true", NULL, NULL, argv, environ), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* A child by fork has none of its parent's blocks, but it may have some of its own. */
static void children_by_fork(void **state)
{
	char *data;
	int status;
	pid_t child;

	(void)state;
	for (int i = 0; i < 40; i++)
		*(volatile char *)get(40) = 1;
	child = fork();
	if (!child) {
		for (int i = 0; i < 1000; i++) {
			data = get(40);
			memset(data, 1, 40);
			if (i % 2)
				free(data);
		}
		free(get(100000));
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_size_is_what_was_asked_for),
		cmocka_unit_test(no_bytes),
		cmocka_unit_test(too_many),
		cmocka_unit_test(zeroed_after_use),
		cmocka_unit_test(resized),
		cmocka_unit_test(aligned),
		cmocka_unit_test(errno_stays),
		cmocka_unit_test(threads),
		cmocka_unit_test(children_by_posix_spawn),
		cmocka_unit_test(children_by_fork),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
