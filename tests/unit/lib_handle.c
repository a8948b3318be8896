// SPDX-License-Identifier: GPL-2.0-only
/* The table of handles: lib/handle.c, under the sanitizers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../lib/error.c"
#include "../../lib/handle.c"

/* lib/process.c has it, and a great deal more. */
HANDLE WINAPI GetCurrentProcess(void)
{
	return (HANDLE)(LONG_PTR)-1;
}

static atomic_uint alive;

struct thing {
	struct winmem_object object;
	unsigned int number;
};

static void thing_destroy(struct winmem_object *object)
{
	atomic_fetch_sub(&alive, 1);
	free(object);
}

static struct winmem_object *thing_new(unsigned int number)
{
	struct thing *thing = calloc(1, sizeof(*thing));

	winmem_object_init(&thing->object, WINMEM_OBJECT_NOTIFICATION, thing_destroy);
	thing->number = number;
	atomic_fetch_add(&alive, 1);
	return &thing->object;
}

static HANDLE thing_open(unsigned int number)
{
	HANDLE handle = NULL;

	assert_int_equal(winmem_handle_open(thing_new(number), &handle), 0);
	return handle;
}

/* The number behind a handle; ~0 when there is none. */
static unsigned int number_of(HANDLE handle)
{
	struct winmem_object *object = winmem_handle_get(handle, WINMEM_OBJECT_NOTIFICATION);
	unsigned int number = object ? ((struct thing *)object)->number : ~0U;

	winmem_object_put(object);
	return number;
}

static void open_get_close(void **state)
{
	HANDLE a = thing_open(1), b = thing_open(2);

	(void)state;
	assert_ptr_not_equal(a, b);
	assert_int_equal(number_of(a), 1);
	assert_int_equal(number_of(b), 2);
	assert_true(CloseHandle(a));
	assert_int_equal(number_of(a), ~0U);
	assert_int_equal(number_of(b), 2);
	assert_false(CloseHandle(a));
	assert_int_equal(GetLastError(), 6);
	assert_true(CloseHandle(b));
	assert_int_equal(alive, 0);
}

/* As programs know them: multiples of 4, not NULL, good in 32 bits of either sign. */
static void values(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 200000; i++) {
		uintptr_t value = (uintptr_t)thing_open(i);

		assert_true(value && value % 4 == 0 && value <= 0x7fffffff);
		assert_true(CloseHandle((HANDLE)value));
	}
}

/* Values near a good one, and all that have one bit set. */
static void values_that_were_never_given(void **state)
{
	HANDLE handle = thing_open(5);

	(void)state;
	for (unsigned int bit = 0; bit < 64; bit++) {
		assert_int_equal(number_of((HANDLE)((uintptr_t)handle ^ UINT64_C(1) << bit)), ~0U);
		assert_false(CloseHandle((HANDLE)((uintptr_t)handle ^ UINT64_C(1) << bit)));
		assert_int_equal(number_of((HANDLE)(UINT64_C(1) << bit)), ~0U);
	}
	assert_int_equal(number_of(NULL), ~0U);
	assert_int_equal(number_of((HANDLE)(intptr_t)-2), ~0U);
	assert_int_equal(number_of(handle), 5);
	assert_true(CloseHandle(handle));
}

static void another_type(void **state)
{
	HANDLE handle = thing_open(5);

	(void)state;
	assert_null(winmem_handle_get(handle, WINMEM_OBJECT_NOTIFICATION + 1));
	assert_int_equal(number_of(handle), 5);
	assert_true(CloseHandle(handle));
}

/* A closed handle stays refused while its slot is used again, thousands of times. */
static void generations(void **state)
{
	HANDLE first = thing_open(1);

	(void)state;
	assert_true(CloseHandle(first));
	for (unsigned int i = 0; i < 64 * 8000; i++) {
		HANDLE next = thing_open(2);

		assert_ptr_not_equal(next, first);
		if (i % 1000 == 0)
			assert_int_equal(number_of(first), ~0U);
		assert_true(CloseHandle(next));
	}
}

static void an_object_lives_while_it_is_used(void **state)
{
	HANDLE handle = thing_open(7);
	struct winmem_object *object = winmem_handle_get(handle, WINMEM_OBJECT_NOTIFICATION);

	(void)state;
	assert_true(CloseHandle(handle));
	assert_int_equal(alive, 1);
	assert_int_equal(((struct thing *)object)->number, 7);
	winmem_object_put(object);
	assert_int_equal(alive, 0);
}

static void as_many_as_there_are(void **state)
{
	static HANDLE handles[HANDLE_SLOTS];
	struct winmem_object *more = thing_new(0);
	HANDLE none = NULL;

	(void)state;
	for (unsigned int i = 0; i < HANDLE_SLOTS; i++)
		handles[i] = thing_open(i);
	assert_int_equal(winmem_handle_open(more, &none), ENOMEM);
	assert_null(none);
	for (unsigned int i = 0; i < HANDLE_SLOTS; i++) {
		assert_int_equal(number_of(handles[i]), i);
		assert_true(CloseHandle(handles[i]));
	}
	assert_int_equal(winmem_handle_open(more, &none), 0);
	assert_true(CloseHandle(none));
	assert_int_equal(alive, 0);
}

/* Each closes its own while another looks: what it sees is right or nothing. */
static HANDLE shown[4];

static void *open_and_close(void *arg)
{
	unsigned int me = (uintptr_t)arg, number;

	for (unsigned int i = 0; i < 20000; i++) {
		shown[me] = thing_open(me);
		number = number_of(shown[(me + 1) % 4]);
		assert_true(number == (me + 1) % 4 || number == ~0U);
		assert_true(CloseHandle(shown[me]));
	}
	return NULL;
}

static void threads(void **state)
{
	pthread_t thread[4];

	(void)state;
	for (uintptr_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, open_and_close, (void *)i), 0);
	for (unsigned int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(alive, 0);
}

static void the_processs_own_handle(void **state)
{
	(void)state;
	assert_true(CloseHandle(GetCurrentProcess()));
	assert_true(CloseHandle(GetCurrentProcess()));
	assert_false(CloseHandle(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_get_close),
		cmocka_unit_test(values),
		cmocka_unit_test(values_that_were_never_given),
		cmocka_unit_test(another_type),
		cmocka_unit_test(generations),
		cmocka_unit_test(an_object_lives_while_it_is_used),
		cmocka_unit_test(as_many_as_there_are),
		cmocka_unit_test(threads),
		cmocka_unit_test(the_processs_own_handle),
	};

	return cmocka_run_group_tests_name("lib_handle", tests, NULL, NULL);
}
