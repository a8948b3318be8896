// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "inject.h"

#include <fcntl.h>

#define DEBUGFS		"/sys/kernel/debug/"
#define SPACE		DEBUGFS "failslab/space"
#define PLENTY		0x7fffffff
#define STEP_BYTES	160	/* between two rounds, when memory runs out for good */
#define MAX_ROUNDS	3000	/* no sweep is that long */
#define ROUND_SECONDS	60	/* under emulation */

static unsigned long watched, watched_length;
static unsigned long watched_runs, watched_runs_length;
static unsigned long watched_written, watched_written_length;

/* Failing. */

static const char *const times_files[] = {
	[INJECT_SLAB]		= DEBUGFS "failslab/times",
	[INJECT_PAGES]		= DEBUGFS "fail_page_alloc/times",
	[INJECT_USERCOPY]	= DEBUGFS "fail_usercopy/times",
};

static long times_at_arm[ARRAY_LEN(times_files)];
static int nth_fd = -1;
static int space_fd = -1;
static pid_t nth_pid;

static long times_left(unsigned int kind)
{
	int fd = open(times_files[kind], O_RDONLY | O_CLOEXEC);
	char text[32] = "";

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		check_failed(HERE, "%s: %s", times_files[kind], strerror(errno));
	close(fd);
	/* -1 is for ever, and does not count down: tests/inject/guest has set a number. */
	EXPECT(strtol(text, NULL, 10) > 0);
	return strtol(text, NULL, 10);
}

unsigned long inject_count(void)
{
	unsigned long left = 0;

	for (unsigned int kind = INJECT_SLAB; kind < ARRAY_LEN(times_files); kind++)
		left += times_left(kind);
	return -left;
}

/* A child needs a file of its own. */
static void nth_open(void)
{
	if (nth_pid == getpid())
		return;
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		check_failed(HERE, "fail-nth: %s", strerror(errno));
	if (space_fd < 0)
		space_fd = open(SPACE, O_WRONLY | O_CLOEXEC);
	if (space_fd < 0)
		check_failed(HERE, SPACE ": %s", strerror(errno));
	nth_pid = getpid();
}

static void note_times(void)
{
	nth_open();
	for (unsigned int kind = INJECT_SLAB; kind < ARRAY_LEN(times_files); kind++)
		times_at_arm[kind] = times_left(kind);
}

static void space_set(unsigned int bytes)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", bytes);

	if (write(space_fd, text, length) != length)
		check_failed(HERE, SPACE ": %s", strerror(errno));
}

/* From the return on; so the caller has its arguments ready, and touched its stack. */
void inject_arm(unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	note_times();
	if (pwrite(nth_fd, text, length, 0) != length)
		check_failed(HERE, "writing fail-nth: %s", strerror(errno));
}

void inject_arm_after(unsigned int bytes)
{
	note_times();
	space_set(bytes);
}

/* Of which kind there has been a failure since. */
static enum inject_kind which_kind(void)
{
	for (unsigned int kind = INJECT_SLAB; kind < ARRAY_LEN(times_files); kind++)
		if (times_left(kind) != times_at_arm[kind])
			return kind;
	return INJECT_NONE;
}

/*
 * Reading and writing fail-nth are copies to and from user memory themselves: a point that
 * fails there was not the call's.
 */
enum inject_kind inject_disarm(void)
{
	char text[16] = "";
	ssize_t length = pread(nth_fd, text, sizeof(text) - 1, 0);
	bool waiting = length <= 0 || strtoul(text, NULL, 10);

	while (pwrite(nth_fd, "0", 1, 0) != 1)
		;
	space_set(PLENTY);
	return waiting ? INJECT_NONE : which_kind();
}

/* Mappings. */

static bool next_own(FILE *maps, unsigned long *start, unsigned long *end)
{
	char line[512];

	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "/winmem (deleted)") && sscanf(line, "%lx-%lx", start, end) == 2)
			return true;
	return false;
}

unsigned int own_vmas(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end;
	unsigned int nr = 0;

	if (!maps)
		check_failed(HERE, "/proc/self/maps: %s", strerror(errno));
	while (next_own(maps, &start, &end))
		nr++;
	fclose(maps);
	return nr;
}

void unmap_own(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end;

	if (!maps)
		check_failed(HERE, "/proc/self/maps: %s", strerror(errno));
	while (next_own(maps, &start, &end))
		EXPECT_OK(munmap((void *)start, end - start));
	fclose(maps);
}

void fresh_space(void)
{
	if (dev >= 0)
		close(dev);
	unmap_own();
	dev = OPEN_DEVICE();
}

/* Sweeping. */

struct tally {
	unsigned int points[ARRAY_LEN(times_files)];
	unsigned int refused;		/* calls that failed for want of memory */
};

void sweep_watch(unsigned long addr, unsigned long length)
{
	watched = addr;
	watched_length = length;
}

void sweep_watch_runs(unsigned long addr, unsigned long length)
{
	watched_runs = addr;
	watched_runs_length = length;
}

void sweep_watch_written(unsigned long addr, unsigned long length)
{
	watched_written = addr;
	watched_written_length = length;
}

struct look {
	struct snapshot shot;
	struct winmem_query runs[SNAPSHOT_RUNS];
	__u64 written[WRITTEN_MAX];
	unsigned int vmas;
};

unsigned long written_at(const char *at, unsigned long addr, unsigned long length,
			 unsigned int flags, __u64 *addrs)
{
	struct winmem_watch args = watch_args(addr, length, flags, addrs, WRITTEN_MAX);

	memset(addrs, 0, WRITTEN_MAX * sizeof(*addrs));
	if (ioctl(dev, WINMEM_IOC_WATCH, &args))
		check_failed(at, "WATCH %#lx: %s", addr, strerror(errno));
	return args.out_count;
}

static void look(const char *at, struct look *look)
{
	unsigned long addr = watched_runs, end = addr + watched_runs_length;

	memset(look, 0, sizeof(*look));
	look->vmas = own_vmas();
	if (dev < 0)
		return;
	snapshot_take(at, &look->shot, watched, watched_length);
	for (unsigned int nr = 0; addr < end; nr++) {
		if (nr == SNAPSHOT_RUNS)
			check_failed(at, "more than %d runs", SNAPSHOT_RUNS);
		look->runs[nr] = query_at(at, addr);
		addr += look->runs[nr].out_length;
	}
	if (watched_written_length)
		written_at(at, watched_written, watched_written_length, 0, look->written);
}

static void check_error(const char *at, const struct sweep *sweep, enum inject_kind kind, int err)
{
	bool memory = kind != INJECT_USERCOPY;

	if (memory && sweep->flags & SWEEP_NEVER_FAILS)
		check_failed(at, "%s, and should never fail", strerrorname_np(err));
	if (err == (memory ? ENOMEM : EFAULT))
		return;
	if (sweep->flags & SWEEP_LARGE && memory && err == ENOSPC)
		return;
	if (sweep->flags & SWEEP_FAULTS && (err == EFAULT || err == EIO))
		return;
	check_failed(at, "%s for a failure of kind %d", strerrorname_np(err), kind);
}

/*
 * With no memory at all the kernel cannot even unmap a window that has been made for
 * nothing: it stays, until the reservation that is made there next is released.
 */
static void check_unchanged(const char *at, const struct sweep *sweep, const struct look *before,
			    bool for_good)
{
	static struct look after;

	look(at, &after);
	if (dev >= 0)
		check_same(at, &before->shot, &after.shot);
	snapshot_drop(&after.shot);
	if (memcmp(before->runs, after.runs, sizeof(after.runs)))
		check_failed(at, "QUERY answers otherwise");
	if (memcmp(before->written, after.written, sizeof(after.written)))
		check_failed(at, "WATCH tells of other pages");
	if (!(sweep->flags & SWEEP_MAPS) && !for_good && before->vmas != after.vmas)
		check_failed(at, "%u mappings became %u", before->vmas, after.vmas);
}

/* nth, or else the bytes. Returns false when the call came to no failure any more. */
static bool sweep_one(const char *at, const struct sweep *sweep, unsigned int nth,
		      unsigned int bytes, struct tally *tally)
{
	unsigned int vmas = own_vmas();
	static struct look before;
	enum inject_kind kind;
	int ret, err;

	alarm(ROUND_SECONDS);
	sweep_watch(0, 0);
	sweep_watch_runs(0, 0);
	sweep_watch_written(0, 0);
	if (sweep->prepare)
		sweep->prepare();
	look(at, &before);

	if (nth)
		inject_arm(nth);
	else
		inject_arm_after(bytes);
	ret = sweep->call();
	err = errno;
	kind = inject_disarm();

	tally->points[kind]++;
	if (ret && kind == INJECT_NONE)
		check_failed(at, "failed by itself: %s", strerrorname_np(err));
	if (ret) {
		tally->refused += kind != INJECT_USERCOPY;
		check_error(at, sweep, kind, err);
		check_unchanged(at, sweep, &before, !nth);
		if (sweep->call())
			check_failed(at, "repeated: %s", strerrorname_np(errno));
	}
	snapshot_drop(&before.shot);
	if (sweep->check)
		sweep->check();
	if (sweep->undo)
		sweep->undo();
	if (!(sweep->flags & SWEEP_MAPS) && vmas && own_vmas() > vmas)
		check_failed(at, "at the end there are %u mappings, not %u", own_vmas(), vmas);
	return kind != INJECT_NONE;
}

static void report(const char *at, const struct sweep *sweep, const char *how,
		   const struct tally *tally)
{
	printf("# %s, %s: failed %u slab, %u pages, %u usercopy; refused %u\n", sweep->name, how,
	       tally->points[INJECT_SLAB], tally->points[INJECT_PAGES],
	       tally->points[INJECT_USERCOPY], tally->refused);
	fflush(stdout);
	if (sweep->needs_memory && !tally->refused)
		check_failed(at, "%s, %s: was never refused", sweep->name, how);
}

static void sweep_points(const char *at, const struct sweep *sweep)
{
	struct tally tally = { 0 };
	unsigned int nth = 0;
	char where[256];

	do {
		if (++nth == MAX_ROUNDS)
			check_failed(at, "%s has no end", sweep->name);
		snprintf(where, sizeof(where), "%s: %s, point %u", at, sweep->name, nth);
	} while (sweep_one(where, sweep, nth, 0, &tally));
	report(at, sweep, "once", &tally);
}

static void sweep_bytes(const char *at, const struct sweep *sweep)
{
	struct tally tally = { 0 };
	unsigned int bytes = 0;
	char where[256];

	do {
		bytes += STEP_BYTES;
		if (bytes == MAX_ROUNDS * STEP_BYTES)
			check_failed(at, "%s has no end", sweep->name);
		snprintf(where, sizeof(where), "%s: %s, after %u bytes", at, sweep->name, bytes);
	} while (sweep_one(where, sweep, 0, bytes, &tally));
	report(at, sweep, "for good", &tally);
}

void sweep_at(const char *at, const struct sweep *sweep)
{
	sweep_points(at, sweep);
	if (!(sweep->flags & SWEEP_ONCE))
		sweep_bytes(at, sweep);
}
