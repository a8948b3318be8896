// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks that are none and metadata that was overwritten: rows H08, H14, H16, H17, H55. Each
 * case breaks a heap of its own in a child, which must end with a message that names both.
 */
#define _GNU_SOURCE
#include "common.h"

#include <signal.h>
#include <sys/wait.h>

#define get(heap, size)		((char *)EXPECT_OK(HeapAlloc(heap, 0, size)))

/* What the child is about to do wrong, and what it says. */
struct wrong {
	void *heap, *block;
	char said[512];
};

static struct wrong *wrong;

static void about_to(void *heap, void *block)
{
	wrong->heap = heap;
	wrong->block = block;
}

static void child_run(void (*function)(void), int output)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	sigaction(SIGABRT, &action, NULL);
	dup2(output, STDERR_FILENO);
	function();
	_exit(0);
}

/* The status the child ends with. */
static int watch(void (*function)(void))
{
	int pipes[2], status;
	ssize_t length;
	pid_t child;

	if (!wrong)
		wrong = shared_page();
	memset(wrong, 0, sizeof(*wrong));
	EXPECT_EQ(0, pipe(pipes));
	fflush(NULL);
	child = fork();
	if (!child)
		child_run(function, pipes[1]);
	close(pipes[1]);
	length = read(pipes[0], wrong->said, sizeof(wrong->said) - 1);
	EXPECT(length >= 0);
	close(pipes[0]);
	EXPECT_EQ(child, waitpid(child, &status, 0));
	return status;
}

static void check_dies(const char *at, const char *call, void (*function)(void), bool names_block)
{
	int status = watch(function);
	char name[32];

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
		check_failed(at, "%s: status %#x, %s", call, status, wrong->said);
	snprintf(name, sizeof(name), "heap %p", wrong->heap);
	if (!strstr(wrong->said, "STATUS_HEAP_CORRUPTION") || !strstr(wrong->said, name))
		check_failed(at, "%s said: %s", call, wrong->said);
	snprintf(name, sizeof(name), "block %p", wrong->block);
	if (names_block && !strstr(wrong->said, name))
		check_failed(at, "%s said: %s", call, wrong->said);
}

#define DIES(function)		check_dies(HERE, #function, function, true)

static void free_twice_in(HANDLE heap, SIZE_T size)
{
	char *data = get(heap, size);

	get(heap, size);
	about_to(heap, data);
	HeapFree(heap, 0, data);
	HeapFree(heap, 0, data);
}

static HANDLE make(void)
{
	return EXPECT_OK(HeapCreate(0, 0, 0));
}

static void double_free(void)
{
	free_twice_in(make(), 100);
}

static void double_free_slot(void)
{
	HANDLE heap = make();

	for (int i = 0; i < 30; i++)
		get(heap, 40);
	free_twice_in(heap, 40);
}

static void double_free_large(void)
{
	free_twice_in(make(), 2 << 20);
}

static void free_interior(void)
{
	HANDLE heap = make();
	char *data = get(heap, 100);

	about_to(heap, data + 16);
	HeapFree(heap, 0, data + 16);
}

static void free_foreign(void)
{
	static char elsewhere[64] __attribute__((aligned(16)));
	HANDLE heap = make();

	about_to(heap, elsewhere);
	HeapFree(heap, 0, elsewhere);
}

static void free_of_another_heap(void)
{
	HANDLE heap = make(), other = make();
	char *data = get(other, 100);

	about_to(heap, data);
	HeapFree(heap, 0, data);
}

static void free_unmapped(void)
{
	HANDLE heap = make();

	about_to(heap, (void *)0xdeadbe00);
	HeapFree(heap, 0, (void *)0xdeadbe00);
}

static void free_with_a_bad_header(void)
{
	HANDLE heap = make();
	char *a = get(heap, 100), *b = get(heap, 100);

	memset(a, 1, (size_t)(b - a));
	about_to(heap, b);
	HeapFree(heap, 0, b);
}

static void size_of_freed(void)
{
	HANDLE heap = make();
	char *data = get(heap, 100);

	HeapFree(heap, 0, data);
	about_to(heap, data);
	HeapSize(heap, 0, data);
}

static void resize_freed(void)
{
	HANDLE heap = make();
	char *data = get(heap, 100);

	HeapFree(heap, 0, data);
	about_to(heap, data);
	HeapReAlloc(heap, 0, data, 200);
}

static void termination_cannot_be_turned_off_again(void)
{
	HeapSetInformation(NULL, HeapEnableTerminationOnCorruption, NULL, 0);
	setenv("WINMEM_HEAP_TERMINATION", "0", 1);
	double_free();
}

/* A block that runs over its end into the header of a free one: found by whoever comes by. */
static void overrun(void)
{
	HANDLE heap = make();
	char *a = get(heap, 100), *b = get(heap, 100);

	get(heap, 100);
	HeapFree(heap, 0, b);
	memset(a, 1, 140);
	about_to(heap, a);
	for (int i = 0; i < 1000; i++)
		get(heap, i);
	HeapFree(heap, 0, a);
}

/* The process heap, and the table of whose memory is where. */
__attribute__((constructor)) static void keep(void)
{
	keeps_memory = true;
}

TEST(H16_the_process_ends)
{
	DIES(double_free);
	DIES(double_free_slot);
	DIES(double_free_large);
	DIES(free_interior);
	DIES(free_foreign);
	DIES(free_of_another_heap);
	DIES(free_with_a_bad_header);
	DIES(resize_freed);
}

TEST(H14_the_size_of_what_is_free)
{
	DIES(size_of_freed);
}

TEST(H17_where_nothing_is)
{
	DIES(free_unmapped);
}

TEST(H16_overwritten_links_are_found)
{
	check_dies(HERE, "overrun", overrun, false);
}

TEST(H55_termination_is_permanent)
{
	DIES(termination_cannot_be_turned_off_again);
}

/* With termination turned off the calls fail. */

static void fails_instead(void)
{
	HANDLE heap = make();
	char *data = get(heap, 100), *good = get(heap, 100);

	setenv("WINMEM_HEAP_TERMINATION", "0", 1);
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, HeapFree(heap, 0, data + 16));
	EXPECT_ERROR(ERROR_NOACCESS, HeapFree(heap, 0, (void *)0xdeadbe00));
	EXPECT_OK(HeapFree(heap, 0, data));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, HeapFree(heap, 0, data));
	EXPECT_EQ((SIZE_T)-1, HeapSize(heap, 0, data));
	EXPECT_EQ((SIZE_T)-1, HeapSize(heap, 0, good + 1));
	EXPECT_ERROR(ERROR_INVALID_PARAMETER, HeapReAlloc(heap, 0, data, 10));
	EXPECT_EQ(100, HeapSize(heap, 0, good));
	EXPECT_OK(HeapValidate(heap, 0, NULL));
	EXPECT_OK(HeapDestroy(heap));
}

TEST(H14_H16_H17_without_termination)
{
	int status = watch(fails_instead);

	if (status)
		check_failed(HERE, "status %#x: %s", status, wrong->said);
}
