// SPDX-License-Identifier: GPL-2.0-only
/*
 * HeapLock between threads, blocks freed by other threads, the end of threads, and children
 * made by fork: section 10, by row.
 */
#define _GNU_SOURCE
#include "common.h"

#include <pthread.h>
#include <signal.h>

#define get(heap, size)		((char *)EXPECT_OK(HeapAlloc(heap, 0, size)))

/* One call on a heap, made by another thread: does it end while this one has the lock? */
struct other {
	HANDLE heap;
	void (*call)(HANDLE heap);
	volatile bool done;
};

static void *other_run(void *arg)
{
	struct other *other = arg;

	other->call(other->heap);
	other->done = true;
	return NULL;
}

static bool waits_for_the_lock(HANDLE heap, void (*call)(HANDLE heap))
{
	struct other other = { .heap = heap, .call = call };
	pthread_t thread;
	bool waited;

	EXPECT_OK(HeapLock(heap));
	EXPECT_OK(HeapLock(heap));
	EXPECT_EQ(0, pthread_create(&thread, NULL, other_run, &other));
	for (int i = 0; i < 30 && !other.done; i++)
		usleep(10000);
	EXPECT_OK(HeapUnlock(heap));
	usleep(1000);
	waited = !other.done;
	EXPECT_OK(HeapUnlock(heap));
	pthread_join(thread, NULL);
	EXPECT(other.done);
	return waited;
}

static void alloc_none(HANDLE heap)
{
	HeapAlloc(heap, 0, 0);
}

static void alloc_unserialized(HANDLE heap)
{
	HeapAlloc(heap, HEAP_NO_SERIALIZE, 0);
}

static void lock_unlock(HANDLE heap)
{
	HeapLock(heap);
	HeapUnlock(heap);
}

static void slot(HANDLE heap)
{
	HeapFree(heap, 0, HeapAlloc(heap, 0, 40));
}

/* The first slot of a thread comes in a new slab, and slabs do wait. */
static void *slots_of_two_threads(void *heap)
{
	for (int i = 0; i < 30; i++)
		get(heap, 40);
	return NULL;
}

/* The process heap, and the table of whose memory is where. */
__attribute__((constructor)) static void keep(void)
{
	keeps_memory = true;
}

TEST(H36_others_wait_for_the_lock)
{
	HANDLE heap = EXPECT_OK(HeapCreate(0, 0, 0));

	EXPECT(waits_for_the_lock(heap, alloc_none));
	EXPECT(waits_for_the_lock(heap, lock_unlock));
	EXPECT_OK(HeapDestroy(heap));
}

TEST(H37_without_serializing_nobody_waits)
{
	HANDLE heap = EXPECT_OK(HeapCreate(0, 0, 0));

	EXPECT(!waits_for_the_lock(heap, alloc_unserialized));
	EXPECT_OK(HeapDestroy(heap));
}

static HANDLE turn_heap;
static pthread_barrier_t turns;

static void *slots_beside_a_lock(void *done)
{
	slots_of_two_threads(turn_heap);
	pthread_barrier_wait(&turns);
	pthread_barrier_wait(&turns);
	slot(turn_heap);
	*(volatile bool *)done = true;
	return NULL;
}

TEST(H38_slots_do_not_wait)
{
	volatile bool done = false;
	pthread_t thread;

	turn_heap = EXPECT_OK(HeapCreate(0, 0, 0));
	EXPECT_EQ(0, pthread_barrier_init(&turns, NULL, 2));
	EXPECT_EQ(0, pthread_create(&thread, NULL, slots_beside_a_lock, (void *)&done));
	pthread_barrier_wait(&turns);
	EXPECT_OK(HeapLock(turn_heap));
	pthread_barrier_wait(&turns);
	for (int i = 0; i < 300 && !done; i++)
		usleep(10000);
	EXPECT(done);
	EXPECT_OK(HeapUnlock(turn_heap));
	pthread_join(thread, NULL);
	EXPECT(waits_for_the_lock(turn_heap, lock_unlock));
	EXPECT_OK(HeapDestroy(turn_heap));
}

TEST(H39_a_heap_that_nobody_serializes_has_no_lock)
{
	HANDLE heap = EXPECT_OK(HeapCreate(HEAP_NO_SERIALIZE, 0, 0));

	EXPECT(!waits_for_the_lock(heap, lock_unlock));
	EXPECT_OK(HeapDestroy(heap));
}

TEST(H40_unlock_without_a_lock)
{
	HANDLE heap = EXPECT_OK(HeapCreate(0, 0, 0));

	EXPECT_ERROR(ERROR_NOT_OWNER, HeapUnlock(heap));
	EXPECT_OK(HeapLock(heap));
	EXPECT_OK(HeapUnlock(heap));
	EXPECT_ERROR(ERROR_NOT_OWNER, HeapUnlock(heap));
	EXPECT_OK(HeapDestroy(heap));
}

/* Threads that end leave their blocks behind, for others to free. */

#define BLOCKS	500

struct batch {
	HANDLE heap;
	int skip;			/* blocks, and so sizes, after each one */
	char *data[BLOCKS];
};

static void *batch_alloc(void *arg)
{
	struct batch *batch = arg;

	for (int i = 0; i < BLOCKS; i += 1 + batch->skip)
		batch->data[i] = get(batch->heap, 16 + i);
	return NULL;
}

static void *batch_free(void *arg)
{
	struct batch *batch = arg;

	for (int i = 0; i < BLOCKS; i += 1 + batch->skip)
		EXPECT_OK(HeapFree(batch->heap, 0, batch->data[i]));
	return NULL;
}

static void run(void *(*function)(void *), void *arg)
{
	pthread_t thread;

	EXPECT_EQ(0, pthread_create(&thread, NULL, function, arg));
	EXPECT_EQ(0, pthread_join(thread, NULL));
}

TEST(threads_that_end_leave_nothing_behind)
{
	struct batch batch = { .heap = EXPECT_OK(HeapCreate(0, 0, 0)) };
	HEAP_SUMMARY summary = { .cb = sizeof(summary) };
	SIZE_T committed = 0;

	/* Every class of sizes, if not every size. */
	batch.skip = repeat(4, 0);

	/* More than there are numbers: each thread gets one that was given back. */
	for (int i = 0; i < 1500; i++) {
		run(batch_alloc, &batch);
		run(batch_free, &batch);
		if (i % 100 == 50) {
			EXPECT_OK(HeapSummary(batch.heap, 0, &summary));
			EXPECT_EQ(0, summary.cbAllocated);
			EXPECT(!committed || summary.cbCommitted <= committed);
			committed = summary.cbCommitted + (1 << 20);
		}
	}
	EXPECT_OK(HeapValidate(batch.heap, 0, NULL));
	EXPECT_OK(HeapDestroy(batch.heap));
}

static void *batch_of_pages(void *arg)
{
	struct batch *batch = arg;

	for (int i = 0; i < BLOCKS; i++)
		batch->data[i] = get(batch->heap, 4000);
	return NULL;
}

/* Freed by another thread when their own is gone, and given back at once. */
TEST(memory_of_a_thread_that_ended_goes_back)
{
	struct batch batch = { .heap = EXPECT_OK(HeapCreate(0, 0, 0)) };
	HEAP_SUMMARY summary = { .cb = sizeof(summary) };

	run(batch_of_pages, &batch);
	batch_free(&batch);
	HeapCompact(batch.heap, 0);
	EXPECT_OK(HeapSummary(batch.heap, 0, &summary));
	EXPECT(summary.cbCommitted < 1 << 20);
	EXPECT_OK(HeapDestroy(batch.heap));
}

/* All at once, and more than a word has bits. */
#define CROWD	100

static pthread_barrier_t crowd;

static void *one_of_many(void *heap)
{
	char *data[30];

	for (int i = 0; i < 30; i++)
		data[i] = memset(get(heap, 40), i, 40);
	pthread_barrier_wait(&crowd);
	for (int i = 0; i < 30; i++) {
		EXPECT_EQ(i, data[i][0]);
		EXPECT_EQ(i, data[i][39]);
		EXPECT_OK(HeapFree(heap, 0, data[i]));
	}
	return NULL;
}

TEST(a_hundred_threads_at_once)
{
	HANDLE heap = EXPECT_OK(HeapCreate(0, 0, 0));
	HEAP_SUMMARY summary = { .cb = sizeof(summary) };
	pthread_t threads[CROWD];

	EXPECT_EQ(0, pthread_barrier_init(&crowd, NULL, CROWD));
	for (int i = 0; i < CROWD; i++)
		EXPECT_EQ(0, pthread_create(&threads[i], NULL, one_of_many, heap));
	for (int i = 0; i < CROWD; i++)
		EXPECT_EQ(0, pthread_join(threads[i], NULL));
	EXPECT_OK(HeapValidate(heap, 0, NULL));
	EXPECT_OK(HeapSummary(heap, 0, &summary));
	EXPECT_EQ(0, summary.cbAllocated);
	EXPECT_OK(HeapDestroy(heap));
}

/* A destructor that runs after the library's own. */
static pthread_key_t late;

static void late_destructor(void *arg)
{
	static __thread int rounds;
	struct batch *batch = arg;

	if (++rounds < 3) {
		pthread_setspecific(late, arg);
		return;
	}
	batch_free(batch);
	batch_alloc(batch);
}

static void *ends_late(void *arg)
{
	batch_alloc(arg);
	pthread_setspecific(late, arg);
	return NULL;
}

TEST(destructors_of_a_thread_may_use_heaps)
{
	struct batch batch = { .heap = EXPECT_OK(HeapCreate(0, 0, 0)) };

	EXPECT_EQ(0, pthread_key_create(&late, late_destructor));
	for (int i = 0; i < 50; i++) {
		run(ends_late, &batch);
		EXPECT_OK(HeapValidate(batch.heap, 0, NULL));
		run(batch_free, &batch);
	}
	EXPECT_OK(HeapDestroy(batch.heap));
}

static void *first_of_all(void *result)
{
	*(HANDLE *)result = GetProcessHeap();
	return NULL;
}

/* Children */

static void race_for_the_process_heap(void *arg)
{
	pthread_t thread[8];
	HANDLE heap[8];

	(void)arg;
	for (int i = 0; i < 8; i++)
		EXPECT_EQ(0, pthread_create(&thread[i], NULL, first_of_all, &heap[i]));
	for (int i = 0; i < 8; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < 8; i++)
		EXPECT_EQ(GetProcessHeap(), heap[i]);
	EXPECT_EQ(1, GetProcessHeaps(0, NULL));
}

TEST(fork_threads_make_one_process_heap)
{
	IN_CHILD(race_for_the_process_heap, NULL);
}

static void *use_two_heaps(void *arg)
{
	HANDLE *heap = arg;

	slots_of_two_threads(*heap);
	pthread_barrier_wait(&turns);
	pthread_barrier_wait(&turns);
	slots_of_two_threads(*heap);
	return NULL;
}

/* What a thread remembers of the first heap is nothing of the second. */
TEST(a_heap_where_another_one_was)
{
	HANDLE heap = EXPECT_OK(HeapCreate(0, 0, 0)), first = heap;
	HEAP_SUMMARY summary = { .cb = sizeof(summary) };
	pthread_t thread;

	pthread_barrier_init(&turns, NULL, 2);
	EXPECT_EQ(0, pthread_create(&thread, NULL, use_two_heaps, &heap));
	pthread_barrier_wait(&turns);
	slots_of_two_threads(heap);
	EXPECT_OK(HeapDestroy(heap));
	heap = EXPECT_OK(HeapCreate(0, 0, 0));
	EXPECT_EQ(first, heap);
	slots_of_two_threads(heap);
	pthread_barrier_wait(&turns);
	pthread_join(thread, NULL);
	EXPECT_OK(HeapSummary(heap, 0, &summary));
	EXPECT_EQ(60 * 40, summary.cbAllocated);
	EXPECT_OK(HeapValidate(heap, 0, NULL));
	EXPECT_OK(HeapDestroy(heap));
}

static HANDLE parents_handle;

static void start_anew(void *parents)
{
	HANDLE heaps[4], moveable;
	char *data;

	EXPECT_EQ(1, GetProcessHeaps(4, heaps));
	EXPECT_EQ(GetProcessHeap(), heaps[0]);
	EXPECT(!try_read(parents));
	EXPECT_EQ(GMEM_INVALID_HANDLE, GlobalFlags(parents_handle));
	for (int i = 0; i < 1000; i++) {
		data = get(heaps[0], i);
		EXPECT_EQ(i, HeapSize(heaps[0], 0, data));
	}
	get(heaps[0], 2 << 20);
	EXPECT_EQ(0, GlobalFlags(EXPECT_OK(GlobalAlloc(GMEM_MOVEABLE, 10))));
	moveable = EXPECT_OK(HeapCreate(0, 0, 0));
	get(moveable, 2 << 20);
	EXPECT_OK(HeapDestroy(moveable));
	EXPECT_OK(HeapValidate(heaps[0], 0, NULL));
}

TEST(fork_child_has_a_process_heap_of_its_own)
{
	HANDLE heap = EXPECT_OK(HeapCreate(0, 0, 0)), memory = EXPECT_OK(GlobalAlloc(GHND, 10));
	char *data = get(heap, 2 << 20);

	fill(data, 2 << 20, 7);
	parents_handle = memory;
	EXPECT_OK(HeapLock(heap));
	EXPECT_OK(HeapLock(GetProcessHeap()));
	IN_CHILD(start_anew, data);
	EXPECT_OK(HeapUnlock(GetProcessHeap()));
	EXPECT_OK(HeapUnlock(heap));
	EXPECT(filled(data, 2 << 20, 7));
	EXPECT_EQ(10, GlobalSize(memory));
	EXPECT_EQ(NULL, GlobalFree(memory));
	parents_handle = NULL;
	EXPECT_OK(HeapDestroy(heap));
}

static void *have_a_child(void *heap)
{
	char *data = get(heap, 40);

	slots_of_two_threads(GetProcessHeap());
	IN_CHILD(start_anew, data);
	EXPECT_OK(HeapFree(heap, 0, data));
	return NULL;
}

TEST(fork_in_a_thread)
{
	HANDLE heap = EXPECT_OK(HeapCreate(0, 0, 0));

	slots_of_two_threads(heap);
	run(have_a_child, heap);
	EXPECT_OK(HeapDestroy(heap));
}
