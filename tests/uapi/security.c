// SPDX-License-Identifier: GPL-2.0-only
/*
 * What goes wrong in drivers like this one, by number; the lines that have their place
 * in another program (abi_values, interact_*, access*) are tested there.
 */
#define _GNU_SOURCE
#include "common.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

/* 1: start + length, where the sum is the trouble and each alone is not. */
TEST(sec01_sums_that_overflow)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	const unsigned long lengths[] = { -base, -base + PAGE, -base - PAGE, -PAGE,
					  (1UL << 63) - base, -GRAN };

	fill(base, GRAN, 1);
	watch(base, GRAN);
	for (unsigned int i = 0; i < ARRAY_LEN(lengths); i++) {
		struct winmem_reserve reserve_it = reserve_args(base, lengths[i], READWRITE, 0);
		struct winmem_commit commit_it = commit_args(base, lengths[i], READONLY);
		struct winmem_decommit decommit_it = decommit_args(base, lengths[i]);
		struct winmem_protect protect_it = protect_args(base, lengths[i], READONLY);
		struct winmem_reset reset_it = reset_args(base, lengths[i], 0);

		REFUSED(EINVAL, WINMEM_IOC_RESERVE, &reserve_it);
		REFUSED(EINVAL, WINMEM_IOC_COMMIT, &commit_it);
		REFUSED(EINVAL, WINMEM_IOC_DECOMMIT, &decommit_it);
		REFUSED(EINVAL, WINMEM_IOC_PROTECT, &protect_it);
		REFUSED(EINVAL, WINMEM_IOC_RESET, &reset_it);
	}
}

/* 2: every address of a window that is nobody's page, its first and last among them. */
TEST(sec02_touching_a_window_where_nothing_is_reserved)
{
	unsigned long base = reserve_commit(PAGE, READWRITE);
	struct vma window;

	EXPECT(vma_find(base, &window) && window.start <= base);
	EXPECT(window.end >= base + PAGE);
	for (unsigned long addr = window.start; addr < window.end;
	     addr += addr < base + 2 * GRAN ? PAGE : 16 * CHUNK) {
		if (addr == base)
			continue;
		EXPECT(!try_read(addr));
		EXPECT(!try_write(addr, 1));
	}
	EXPECT(!try_write(window.end - 1, 1));
	EXPECT(try_write(base, 1));
	EXPECT_EQ(PAGE, charge());
}

TEST(sec02_what_was_never_committed_takes_no_memory_when_touched)
{
	unsigned long base = reserve(CHUNK);
	unsigned char resident[CHUNK / PAGE];

	for (unsigned long offset = 0; offset < CHUNK; offset += PAGE) {
		EXPECT(!try_read(base + offset));
		EXPECT(!try_write(base + offset, 1));
	}
	EXPECT_OK(mincore((void *)base, CHUNK, resident));
	for (unsigned long i = 0; i < CHUNK / PAGE; i++)
		EXPECT_EQ(0, resident[i] & 1);
}

/* 9: a struct comes back as it was given but for its outputs. */
TEST(sec09_inputs_and_reserved_fields_come_back_as_they_were)
{
	struct winmem_reserve args = reserve_args(find_hole(GRAN), GRAN, READWRITE, 0), before = args;

	EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &args));
	before.out_addr = args.out_addr;
	before.out_flags = args.out_flags;
	EXPECT(!memcmp(&args, &before, sizeof(args)));
	EXPECT_EQ(0, args.__reserved2);
	release(args.out_addr);
}

/* 9: pages go from one process to another; what was in them does not. */
static void leaves_secrets(void *arg)
{
	unsigned long base;

	(void)arg;
	dev = OPEN_DEVICE();
	base = reserve_commit(16 * CHUNK, READWRITE);
	memset((void *)base, 0xa5, 16 * CHUNK);
}

TEST(sec09_pages_of_a_dead_process_come_zeroed)
{
	unsigned long base;

	IN_CHILD(leaves_secrets, NULL);
	base = reserve_commit(16 * CHUNK, READWRITE);
	EXPECT(zeroed(base, 16 * CHUNK));
}

/* 10: the struct changes while the kernel is at work on it. */
struct flipped {
	struct winmem_commit args;
	volatile bool stop;
	unsigned long base;
};

/* Between one page, a range that is too long, and a bad value. */
static void *flips(void *arg)
{
	struct flipped *flipped = arg;
	volatile struct winmem_commit *args = &flipped->args;

	while (!flipped->stop) {
		args->length = PAGE;
		args->length = TIB;
		args->prot = 0;
		args->addr = flipped->base;
		args->length = PAGE;
		args->prot = READWRITE;
		args->addr = -PAGE;
		args->size = 8;
		args->size = sizeof(*args) + 8;
		args->addr = flipped->base;
		args->size = sizeof(*args);
	}
	return NULL;
}

TEST(sec10_a_struct_that_changes_under_the_call)
{
	struct flipped flipped = { .base = reserve(GRAN) };
	unsigned int done = 0;
	pthread_t thread;

	flipped.args = commit_args(flipped.base, PAGE, READWRITE);
	EXPECT_EQ(0, pthread_create(&thread, NULL, flips, &flipped));
	for (int i = 0; i < 20000; i++) {
		int ret = ioctl(dev, WINMEM_IOC_COMMIT, &flipped.args);

		if (!ret)
			done++;
		else
			EXPECT(errno == EINVAL || errno == ENOENT || errno == E2BIG ||
			       errno == EDQUOT);
		/* Whatever it read, it read once: one page, with a protection that is one. */
		if (i % 16)
			continue;
		if (done) {
			EXPECT_COMMITTED(flipped.base, PAGE, READWRITE);
			decommit(flipped.base, PAGE);
			done = 0;
		}
		EXPECT_RESERVED(flipped.base, GRAN);
		EXPECT_EQ(0, charge());
	}
	flipped.stop = true;
	pthread_join(thread, NULL);
}

/* 12: what a caller only reserves is not in memory, not even as book-keeping. */
static long memory_free(void)
{
	char line[128];
	long kilobytes = -1;
	FILE *file = fopen("/proc/meminfo", "re");

	EXPECT(file);
	while (kilobytes < 0 && fgets(line, sizeof(line), file))
		sscanf(line, "MemFree: %ld", &kilobytes);
	fclose(file);
	return kilobytes;
}

TEST(sec12_terabytes_of_reservations_take_no_memory)
{
	long before = memory_free();

	for (int i = 0; i < 16; i++)
		reserve(TIB);
	/* Others in the system use memory too; a byte a page would be 4 GiB. */
	EXPECT(memory_free() > before - 64 * 1024);
}

/* 13: the struct lies in a page that another thread takes away and gives back. */
static volatile bool stop;

static void *takes_away(void *arg)
{
	unsigned long page = (unsigned long)arg;
	struct winmem_decommit args = decommit_args(page, PAGE);

	while (!stop) {
		ioctl(dev, WINMEM_IOC_DECOMMIT, &args);
		raw_commit(page, PAGE, READWRITE);
		raw_protect(page, PAGE, READONLY);
		raw_protect(page, PAGE, READWRITE);
	}
	return NULL;
}

TEST(sec13_a_struct_in_a_page_that_comes_and_goes)
{
	unsigned long page = reserve_commit(PAGE, READWRITE), work = reserve(GRAN);
	struct winmem_query args = query_args(work);
	unsigned long words[sizeof(args) / 8];
	pthread_t thread;

	memcpy(words, &args, sizeof(words));
	try_read(0);
	stop = false;
	EXPECT_EQ(0, pthread_create(&thread, NULL, takes_away, (void *)page));
	for (int i = 0; i < 5000; i++) {
		/* The copy may fault; what is left of it may be zero. */
		for (unsigned long j = 0; j < ARRAY_LEN(words); j++)
			try_write_word(page + j * 8, words[j]);
		if (ioctl(dev, WINMEM_IOC_QUERY, page))
			EXPECT(errno == EFAULT || errno == EINVAL || errno == EOPNOTSUPP);
	}
	stop = true;
	pthread_join(thread, NULL);
	EXPECT_RESERVED(work, GRAN);
}

/* 16: a terabyte of everything is fast, or a signal ends it; minutes are neither. */
static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - start->tv_sec + (now.tv_nsec - start->tv_nsec) / 1e9;
}

TEST(sec16_a_terabyte_of_everything_that_needs_no_memory)
{
	struct timespec start;
	unsigned long base;

	clock_gettime(CLOCK_MONOTONIC, &start);
	base = reserve(TIB);
	EXPECT_ERRNO(EDQUOT, raw_commit(base, TIB, READWRITE));
	EXPECT_ERRNO(ENXIO, raw_protect(base, TIB, READONLY));
	commit(base + TIB / 2, PAGE, READWRITE);
	EXPECT_ERRNO(ENXIO, raw_protect(base, TIB, READONLY));
	EXPECT_RESERVED(base, TIB / 2);
	EXPECT_RESERVED(base + TIB / 2 + PAGE, TIB / 2 - PAGE);
	reset(base, TIB);
	reset_undo(base, TIB);
	decommit(base, TIB);
	EXPECT_RESERVED(base, TIB);
	commit(base + TIB - PAGE, PAGE, READWRITE);
	release(base);
	EXPECT(seconds_since(&start) < 20);
	printf("# %.3f s\n", seconds_since(&start));
}

/* Signals come and go; a call is done or not, and never half or EINTR. */
static void nothing(int signo)
{
	(void)signo;
}

TEST(calls_are_not_disturbed_by_signals)
{
	struct sigaction action = { .sa_handler = nothing };
	struct itimerval every = { { 0, 500 }, { 0, 500 } }, never = { { 0, 0 }, { 0, 0 } };
	unsigned long base = reserve(8 * CHUNK);

	sigaction(SIGPROF, &action, NULL);
	EXPECT_OK(setitimer(ITIMER_PROF, &every, NULL));
	for (int i = 0; i < 100; i++) {
		commit(base, 8 * CHUNK, READWRITE);
		EXPECT(try_write(base + i * PAGE, 1));
		protect(base + PAGE, 8 * CHUNK - PAGE, READONLY);
		EXPECT_COMMITTED(base + PAGE, 8 * CHUNK - PAGE, READONLY);
		decommit(base, 8 * CHUNK);
	}
	setitimer(ITIMER_PROF, &never, NULL);
	EXPECT_EQ(0, charge());
}

/* 11: the core of a program with large reservations is no larger than the rest of it. */
static char core_dir[] = "/tmp/winmem-core-XXXXXX";

static void dumps_core(void *arg)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	unsigned long base;

	(void)arg;
	EXPECT_OK(chdir(core_dir));
	EXPECT_OK(prctl(PR_SET_DUMPABLE, 1));
	EXPECT_OK(setrlimit(RLIMIT_CORE, &unlimited));
	dev = OPEN_DEVICE();
	base = reserve(16 * GIB);
	commit(base, CHUNK, READWRITE);
	fill(base, CHUNK, 1);
	protect(base + PAGE, PAGE, NOACCESS);
	protect(base + 2 * PAGE, PAGE, READWRITE | GUARD);
	signal(SIGABRT, SIG_DFL);
	abort();
}

static bool core_goes_to_a_file(void)
{
	char pattern[128] = "|";
	FILE *file = fopen("/proc/sys/kernel/core_pattern", "re");

	if (file) {
		if (!fgets(pattern, sizeof(pattern), file))
			pattern[0] = '|';
		fclose(file);
	}
	return !strncmp(pattern, "core", 4);
}

TEST(sec11_the_core_of_a_process_with_16_GiB_reserved_is_small)
{
	struct dirent *entry;
	struct stat stat;
	long size = -1;
	DIR *dir;

	if (!core_goes_to_a_file())
		skip_because("cores go elsewhere");
	EXPECT(mkdtemp(core_dir));
	FINISH_KILLED(start_child(dumps_core, NULL), SIGABRT);
	dir = opendir(core_dir);
	EXPECT(dir);
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "core", 4))
			continue;
		EXPECT_OK(fstatat(dirfd(dir), entry->d_name, &stat, 0));
		size = stat.st_size;
		EXPECT_OK(unlinkat(dirfd(dir), entry->d_name, 0));
	}
	closedir(dir);
	EXPECT_OK(rmdir(core_dir));
	EXPECT(size > 0);
	EXPECT(size < (64 << 20));
}
