/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A compressed disk in memory, for tests that need a block device or swap. Root only;
 * made once for each program and gone with it.
 */
#ifndef WINMEM_TESTS_UAPI_ZRAM_H
#define WINMEM_TESTS_UAPI_ZRAM_H

#include "common.h"

#include <fcntl.h>

static char zram_disk[32];
static int zram_number = -1;

static inline int zram_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t done = fd < 0 ? -1 : write(fd, value, strlen(value));

	if (fd >= 0)
		close(fd);
	return done < 0 ? -1 : 0;
}

static inline void zram_remove(void)
{
	char value[16];

	snprintf(value, sizeof(value), "%d", zram_number);
	zram_write("/sys/class/zram-control/hot_remove", value);
}

static inline const char *zram_make(unsigned long bytes)
{
	char path[64], value[32];
	FILE *add;

	if (zram_disk[0])
		return zram_disk;
	if (geteuid())
		skip_because("not root");
	if (access("/sys/class/zram-control", F_OK) &&
	    system("PATH=$PATH:/sbin:/usr/sbin modprobe zram num_devices=0"))
		skip_because("no zram");

	/* Reading makes a new one and tells its number. */
	add = fopen("/sys/class/zram-control/hot_add", "re");
	if (!add || fscanf(add, "%d", &zram_number) != 1)
		check_failed(HERE, "zram: %s", strerror(errno));
	fclose(add);
	atexit(zram_remove);
	snprintf(path, sizeof(path), "/sys/block/zram%d/disksize", zram_number);
	snprintf(value, sizeof(value), "%lu", bytes);
	if (zram_write(path, value))
		check_failed(HERE, "%s: %s", path, strerror(errno));
	snprintf(zram_disk, sizeof(zram_disk), "/dev/zram%d", zram_number);
	/* The node is devtmpfs's work. */
	EVENTUALLY(!access(zram_disk, F_OK));
	return zram_disk;
}

#endif
