// SPDX-License-Identifier: GPL-2.0-only
/*
 * The limits that an administrator sets, through the module's parameters.
 */
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>

#define PARAMETERS	"/sys/module/winmem/parameters/"

/* What they were, for whoever comes after: also when a test fails half way. */
static char total_before[32], process_before[32];

static void parameter_read(const char *name, char *value, size_t size)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	file = fopen(path, "re");
	if (!file || !fgets(value, size, file))
		check_failed(HERE, "%s: %s", path, strerror(errno));
	fclose(file);
}

static int parameter_write(const char *name, const char *value)
{
	char path[128];
	ssize_t done;
	int fd;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	done = write(fd, value, strlen(value));
	close(fd);
	return done < 0 ? -1 : 0;
}

static void parameters_restore(void)
{
	parameter_write("commit_limit", total_before);
	parameter_write("process_commit_limit", process_before);
}

static void parameter_set(const char *name, unsigned long bytes)
{
	char value[32];

	if (geteuid())
		skip_because("not root");
	if (!total_before[0]) {
		parameter_read("commit_limit", total_before, sizeof(total_before));
		parameter_read("process_commit_limit", process_before, sizeof(process_before));
		atexit(parameters_restore);
	}
	/* Each test starts from how it was. */
	parameters_restore();
	snprintf(value, sizeof(value), "%lu", bytes);
	if (parameter_write(name, value))
		check_failed(HERE, "%s=%s: %s", name, value, strerror(errno));
}

static struct winmem_limit limits(void)
{
	return limit_at(HERE, 0, 0);
}

TEST(the_default_total_limit_is_what_the_machine_has)
{
	unsigned long ram = (unsigned long)sysconf(_SC_PHYS_PAGES) * PAGE;

	parameter_set("process_commit_limit", 0);
	EXPECT(limits().out_total_limit >= ram);
	EXPECT(limits().out_total_limit < 64 * ram);
	EXPECT_EQ(~0UL, limits().out_limit);
}

TEST(VA04_all_or_nothing_at_the_total_limit)
{
	unsigned long base = reserve(GRAN);
	struct winmem_commit args = commit_args(base, 9 * PAGE, READWRITE);

	parameter_set("commit_limit", limits().out_total_charge + 8 * PAGE);
	EXPECT_EQ(limits().out_total_charge + 8 * PAGE, limits().out_total_limit);
	watch(base, GRAN);
	REFUSED(EDQUOT, WINMEM_IOC_COMMIT, &args);
	commit(base, 7 * PAGE, READWRITE);
	args = commit_args(base + 7 * PAGE, 2 * PAGE, READWRITE);
	REFUSED(EDQUOT, WINMEM_IOC_COMMIT, &args);
	commit(base, 8 * PAGE, READWRITE);
	args = commit_args(base + 8 * PAGE, PAGE, READWRITE);
	REFUSED(EDQUOT, WINMEM_IOC_COMMIT, &args);
	decommit(base, PAGE);
	commit(base + 8 * PAGE, PAGE, READWRITE);
	parameters_restore();
	commit(base, GRAN, READWRITE);
}

TEST(a_total_limit_is_rounded_down_to_pages)
{
	unsigned long base = reserve(GRAN);

	parameter_set("commit_limit", limits().out_total_charge + 2 * PAGE - 1);
	commit(base, PAGE, READWRITE);
	EXPECT_ERRNO(EDQUOT, raw_commit(base + PAGE, PAGE, READWRITE));
	parameters_restore();
}

TEST(a_total_limit_below_the_charge_refuses_further_commits_only)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	unsigned long other = reserve(GRAN);

	parameter_set("commit_limit", PAGE);
	fill(base, GRAN, 1);
	EXPECT(filled(base, GRAN, 1));
	EXPECT_ERRNO(EDQUOT, raw_commit(other, PAGE, READWRITE));
	decommit(base, PAGE);
	EXPECT_ERRNO(EDQUOT, raw_commit(base, PAGE, READWRITE));
	parameters_restore();
	commit(base, PAGE, READWRITE);
}

struct two {
	volatile int step;
	volatile int result;
};

static void commit_in_child(void *arg)
{
	struct two *two = arg;
	unsigned long base;

	dev = OPEN_DEVICE();
	base = reserve(GRAN);
	commit(base, 4 * PAGE, READWRITE);
	two->step = 1;
	while (two->step != 2)
		usleep(1000);
	two->result = raw_commit(base + 4 * PAGE, PAGE, READWRITE) ? errno : 0;
}

TEST(two_processes_share_the_total_limit)
{
	struct two *two = shared_page();
	unsigned long base = reserve(GRAN);
	pid_t child;

	parameter_set("commit_limit", limits().out_total_charge + 8 * PAGE);
	child = start_child(commit_in_child, two);
	EVENTUALLY(two->step == 1);
	EXPECT_ERRNO(EDQUOT, raw_commit(base, 5 * PAGE, READWRITE));
	commit(base, 4 * PAGE, READWRITE);
	two->step = 2;
	FINISH(child);
	EXPECT_EQ(EDQUOT, two->result);
	/* What the child had is there for others when it has gone. */
	EVENTUALLY(!raw_commit(base, 8 * PAGE, READWRITE));
	parameters_restore();
	munmap(two, PAGE);
}

TEST(the_process_limit_holds_for_every_process)
{
	unsigned long base = reserve(GRAN);

	parameter_set("process_commit_limit", 4 * PAGE);
	EXPECT_EQ(4 * PAGE, limits().out_limit);
	EXPECT_ERRNO(EDQUOT, raw_commit(base, 5 * PAGE, READWRITE));
	commit(base, 4 * PAGE, READWRITE);
	EXPECT_ERRNO(EDQUOT, raw_commit(base + 4 * PAGE, PAGE, READWRITE));
	parameters_restore();
	EXPECT_EQ(~0UL, limits().out_limit);
	commit(base, GRAN, READWRITE);
}

TEST(the_process_limit_cannot_be_raised_but_lowered)
{
	unsigned long base = reserve(GRAN);

	parameter_set("process_commit_limit", 4 * PAGE);
	EXPECT_EQ(4 * PAGE, limit_set(~0UL).out_limit);
	EXPECT_EQ(4 * PAGE, limit_set(GIB).out_limit);
	EXPECT_ERRNO(EDQUOT, raw_commit(base, 5 * PAGE, READWRITE));
	EXPECT_EQ(2 * PAGE, limit_set(2 * PAGE).out_limit);
	EXPECT_ERRNO(EDQUOT, raw_commit(base, 3 * PAGE, READWRITE));
	commit(base, 2 * PAGE, READWRITE);
	limit_set(~0UL);
	parameters_restore();
}

/* vm.overcommit_memory: 2 is "never more than there is", and counts winmem's too. */
static void overcommit_set(const char *value)
{
	int fd = open("/proc/sys/vm/overcommit_memory", O_WRONLY | O_CLOEXEC);

	EXPECT_OK(fd);
	EXPECT_EQ(1, write(fd, value, 1));
	close(fd);
}

static void overcommit_default(void)
{
	overcommit_set("0");
}

static unsigned long meminfo(const char *name)
{
	char line[128], found[64];
	unsigned long kilobytes = 0, value;
	FILE *file = fopen("/proc/meminfo", "re");

	EXPECT(file);
	while (!kilobytes && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63[^:]: %lu", found, &value) == 2 && !strcmp(found, name))
			kilobytes = value;
	fclose(file);
	EXPECT(kilobytes);
	return kilobytes << 10;
}

TEST(VA04_a_system_that_does_not_overcommit_has_the_last_word)
{
	unsigned long base = reserve(TIB);
	struct winmem_commit args;

	parameter_set("commit_limit", TIB);
	atexit(overcommit_default);
	overcommit_set("2");
	watch(base, GRAN);
	args = commit_args(base, meminfo("CommitLimit") & -PAGE, READWRITE);
	REFUSED(EDQUOT, WINMEM_IOC_COMMIT, &args);
	commit(base, GRAN, READWRITE);
	fill(base, GRAN, 1);
	overcommit_set("0");
	parameters_restore();
}

/* In steps, so that not each commit pays for it: within 16 MiB of the truth. */
TEST(what_is_committed_is_counted_by_the_system)
{
	unsigned long before = meminfo("Committed_AS"), now;
	unsigned long base = reserve(64 * CHUNK);

	parameter_set("process_commit_limit", 0);
	commit(base, 64 * CHUNK, READWRITE);
	now = meminfo("Committed_AS");
	EXPECT(now >= before + 56 * CHUNK && now <= before + 72 * CHUNK);
	release(base);
	now = meminfo("Committed_AS");
	EXPECT(now <= before + 8 * CHUNK);
}

TEST(only_root_sets_the_parameters)
{
	parameter_set("process_commit_limit", 0);
	EXPECT_OK(seteuid(65534));
	EXPECT_EQ(-1ULL, (long)parameter_write("commit_limit", "1"));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1ULL, (long)parameter_write("process_commit_limit", "1"));
	EXPECT_OK(seteuid(0));
	EXPECT(limits().out_total_limit > GIB / 8);
}
