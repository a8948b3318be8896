// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lines of security.c that only root can set up: memory cgroups, unloading, and
 * commits of more than the machine has.
 */
#define _GNU_SOURCE
#include "cgroup.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>

#define COMMIT_LIMIT	"/sys/module/winmem/parameters/commit_limit"
#define OVERCOMMIT	"/proc/sys/vm/overcommit_memory"

/*
 * No total limit, for the rest of the program: 2^60 bytes is more than addresses. The
 * system's own limit must not stand in the way either.
 */
static void limit_default(void)
{
	file_write(COMMIT_LIMIT, "0");
	file_write(OVERCOMMIT, "0");
}

static void limit_off(void)
{
	need_root();
	atexit(limit_default);
	EXPECT_OK(file_write(COMMIT_LIMIT, "1152921504606846976"));
	EXPECT_OK(file_write(OVERCOMMIT, "1"));
}

struct measured {
	long slab, shmem;
	volatile int done, go;
};

static void measure(struct measured *measured)
{
	measured->done = 1;
	while (!measured->go)
		usleep(1000);
}

/* The numbers of memory.stat arrive in batches: wait for what must come. */
static void check_cgroup(void (*work)(void *arg), long slab, long shmem)
{
	struct measured *measured = shared_page();
	pid_t child;

	cgroup_make();
	child = start_child(work, measured);
	EVENTUALLY(measured->done);
	printf("# slab %ld, shmem %ld bytes\n", cgroup_stat("slab"), cgroup_stat("shmem"));
	EVENTUALLY(cgroup_stat("slab") >= slab && cgroup_stat("shmem") >= shmem);
	measured->go = 1;
	FINISH(child);
	/* And goes when the process has gone. */
	EVENTUALLY(cgroup_stat("slab") < slab + (1 << 20) && cgroup_stat("shmem") <= shmem);
	munmap(measured, PAGE);
}

/* 512 bytes for each 2 MiB block whose pages differ. */
static void alternates(void *arg)
{
	unsigned long base;

	cgroup_enter();
	dev = OPEN_DEVICE();
	base = reserve(16 * GIB);
	commit(base, 16 * GIB, READWRITE);
	for (unsigned long at = 0; at < 16 * GIB; at += CHUNK)
		EXPECT_OK(raw_protect(base + at, PAGE, READONLY));
	measure(arg);
}

TEST(sec12_page_states_are_charged_to_the_cgroup)
{
	limit_off();
	check_cgroup(alternates, 4 << 20, 0);
}

static void reserves_many(void *arg)
{
	cgroup_enter();
	dev = OPEN_DEVICE();
	for (int i = 0; i < 20000; i++) {
		struct winmem_reserve args = reserve_args(0, PAGE, READWRITE, 0);

		EXPECT_OK(ioctl(dev, WINMEM_IOC_RESERVE, &args));
	}
	measure(arg);
}

TEST(sec12_reservations_are_charged_to_the_cgroup)
{
	need_root();
	/* Less than 32 bytes for one would mean that it is kept elsewhere. */
	check_cgroup(reserves_many, 20000 * 32, 0);
}

static void touches(void *arg)
{
	unsigned long base;

	cgroup_enter();
	dev = OPEN_DEVICE();
	base = reserve_commit(8 * CHUNK, READWRITE);
	fill(base, 8 * CHUNK, 1);
	measure(arg);
}

TEST(sec12_pages_are_charged_to_the_cgroup)
{
	need_root();
	check_cgroup(touches, 0, 8 * CHUNK);
}

static void reserves_only(void *arg)
{
	struct measured *measured = arg;
	long before;

	cgroup_enter();
	dev = OPEN_DEVICE();
	before = cgroup_stat("slab");
	for (int i = 0; i < 16; i++) {
		unsigned long base = reserve(TIB);

		decommit(base, TIB);
	}
	measured->slab = cgroup_stat("slab") - before;
}

TEST(sec12_a_terabyte_that_is_only_reserved_is_not_in_memory)
{
	struct measured *measured = shared_page();

	cgroup_make();
	IN_CHILD(reserves_only, measured);
	EXPECT(measured->slab < 1 << 20);
	munmap(measured, PAGE);
}

/* 15: the module stays while anything of it is in use. */
static void check_not_unloaded(const char *at)
{
	if (syscall(SYS_delete_module, "winmem", O_NONBLOCK) != -1)
		check_failed(at, "the module could be unloaded");
	if (errno != EAGAIN && errno != EBUSY)
		check_failed(at, "delete_module: %s", strerror(errno));
}

TEST(sec15_no_unload_while_the_device_is_open_or_memory_is_mapped)
{
	unsigned long base;

	need_root();
	check_not_unloaded(HERE);
	base = reserve_commit(GRAN, READWRITE);
	fill(base, GRAN, 1);
	close(dev);
	check_not_unloaded(HERE);
	EXPECT(filled(base, GRAN, 1));
	EXPECT(try_write(base + 8 * PAGE, 1));
	dev = OPEN_DEVICE();
	EXPECT_EQ(GRAN, charge());
}

/* 16: what takes long can be killed, and what it had is given back. */
static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void commits_terabytes(void *arg)
{
	volatile int *begun = arg;
	unsigned long base;

	dev = OPEN_DEVICE();
	base = reserve(4 * TIB);
	*begun = 1;
	for (;;) {
		raw_commit(base, 4 * TIB, READWRITE);
		raw_protect(base, 4 * TIB, READONLY);
		decommit(base, 4 * TIB);
	}
}

TEST(sec16_SIGKILL_in_the_middle_of_huge_calls)
{
	volatile int *begun = shared_page();
	unsigned long before = limit_at(HERE, 0, 0).out_total_charge;

	limit_off();
	/* At different moments of the loop above. */
	for (int i = 1; i <= 4; i++) {
		pid_t child = start_child(commits_terabytes, (void *)begun);
		double start;

		EVENTUALLY(*begun);
		*begun = 0;
		usleep(i * 60000);
		start = seconds();
		EXPECT_OK(kill(child, SIGKILL));
		FINISH_KILLED(child, SIGKILL);
		printf("# gone after %.3f s\n", seconds() - start);
		EXPECT(seconds() - start < 10);
		EVENTUALLY(limit_at(HERE, 0, 0).out_total_charge == before);
	}
	munmap((void *)begun, PAGE);
}

TEST(sec16_hundreds_of_gigabytes_of_everything)
{
	unsigned long base;
	double start;

	limit_off();
	start = seconds();
	base = reserve(TIB);
	commit(base, TIB / 4, READWRITE);
	EXPECT_EQ(TIB / 4, charge());
	EXPECT_COMMITTED(base, TIB / 4, READWRITE);
	EXPECT(try_write(base + TIB / 5, 1));
	protect(base, TIB / 4, READONLY);
	EXPECT(!try_write(base + TIB / 5, 1));
	protect(base + TIB / 8, PAGE, NOACCESS);
	EXPECT_COMMITTED(base, TIB / 8, READONLY);
	reset(base, TIB / 4);
	decommit(base + PAGE, TIB / 4 - 2 * PAGE);
	EXPECT_EQ(2 * PAGE, charge());
	release(base);
	printf("# %.3f s\n", seconds() - start);
	/* On the debug kernel it takes a minute where others take seconds. */
	EXPECT(seconds() - start < (getenv("WINMEM_SLOW") ? 600 : 60));
}

/* What root can open of another's mapping is the file behind it; it must bear that. */
TEST(sec01_the_file_behind_a_window_cannot_be_used_through_proc)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	struct vma window;
	char path[128];
	int fd;

	need_root();
	fill(base, GRAN, 1);
	EXPECT(vma_find(base, &window));
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", window.start, window.end);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		void *map = mmap(NULL, GRAN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		if (map != MAP_FAILED)
			munmap(map, GRAN);
		close(fd);
	}
	EXPECT(filled(base, GRAN, 1));
	protect(base, PAGE, READONLY);
	EXPECT(!try_write(base, 1));
}

/* Everything locked, with windows of terabytes: it comes back, and soon. */
TEST(sec16_mlockall_with_large_reservations)
{
	unsigned long base;
	double start;

	need_root();
	base = reserve(TIB);
	commit(base, GRAN, READWRITE);
	fill(base, GRAN, 1);
	start = seconds();
	EXPECT_OK(mlockall(MCL_CURRENT));
	EXPECT(filled(base, GRAN, 1));
	EXPECT(!try_read(base + GRAN));
	EXPECT_OK(munlockall());
	EXPECT_OK(mlockall(MCL_CURRENT | MCL_FUTURE));
	release(base);
	base = reserve_commit(GRAN, READWRITE);
	fill(base, GRAN, 2);
	protect(base, PAGE, READONLY);
	EXPECT(!try_write(base, 1));
	EXPECT_OK(munlockall());
	EXPECT(seconds() - start < 20);
}
