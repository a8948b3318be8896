/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A memory cgroup, version 2, mounted for the program that includes this, and what it has
 * used. Root only.
 */
#ifndef WINMEM_TESTS_UAPI_CGROUP_H
#define WINMEM_TESTS_UAPI_CGROUP_H

#include "common.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

static inline int file_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t done = fd < 0 ? -1 : write(fd, value, strlen(value));

	if (fd >= 0)
		close(fd);
	return done < 0 ? -1 : 0;
}

static inline void need_root(void)
{
	if (geteuid())
		skip_because("not root");
}

static char cgroup_root[] = "/tmp/winmem-cgroup-XXXXXX";
static char cgroup[64];

static inline void cgroup_leave(void)
{
	rmdir(cgroup);
	umount(cgroup_root);
	rmdir(cgroup_root);
}

static inline void cgroup_make(void)
{
	char path[128];

	need_root();
	if (cgroup[0])
		return;
	EXPECT(mkdtemp(cgroup_root));
	if (mount("cgroup2", cgroup_root, "cgroup2", 0, NULL))
		skip_because("no cgroup2: %s", strerror(errno));
	atexit(cgroup_leave);
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", cgroup_root);
	if (file_write(path, "+memory"))
		skip_because("no memory controller: %s", strerror(errno));
	snprintf(cgroup, sizeof(cgroup), "%s/winmem", cgroup_root);
	EXPECT_OK(mkdir(cgroup, 0755));
}

static inline void cgroup_enter(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	EXPECT_OK(file_write(path, "0"));
}

/* One line of memory.stat, in bytes. */
static inline long cgroup_stat(const char *name)
{
	char path[128], line[128], found[64];
	long value = -1, read;
	FILE *file;

	snprintf(path, sizeof(path), "%s/memory.stat", cgroup);
	file = fopen(path, "re");
	EXPECT(file);
	while (value < 0 && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %ld", found, &read) == 2 && !strcmp(found, name))
			value = read;
	fclose(file);
	EXPECT(value >= 0);
	return value;
}

#endif
