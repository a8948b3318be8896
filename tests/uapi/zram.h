/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A compressed disk in memory, for tests that need a block device or swap. Root only;
 * made once for each program and gone with it. To be included after a common.h, this
 * directory's or tests/lib's.
 */
#ifndef WINMEM_TESTS_UAPI_ZRAM_H
#define WINMEM_TESTS_UAPI_ZRAM_H

#include <fcntl.h>
#include <sched.h>
#include <sys/swap.h>

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
	for (int tries = 2000; access(zram_disk, F_OK); tries--) {
		if (!tries)
			check_failed(HERE, "no %s", zram_disk);
		usleep(10000);
	}
	return zram_disk;
}

static inline void zram_swap_off(void)
{
	swapoff(zram_disk);
}

/*
 * Swap for the rest of the program, which stays on one processor: MADV_PAGEOUT takes only what
 * is on the lists of that. The header of a swap area: version, last page, no bad pages, and
 * the magic word.
 */
static inline void zram_swap_on(unsigned long bytes)
{
	static bool done;
	unsigned int header[1024] = { 0 };
	const char *disk = zram_make(bytes);
	cpu_set_t one;
	int fd;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		check_failed(HERE, "sched_setaffinity: %s", strerror(errno));
	if (done)
		return;
	header[256] = 1;
	header[257] = bytes / sizeof(header) - 1;
	memcpy((char *)header + sizeof(header) - 10, "SWAPSPACE2", 10);
	fd = open(disk, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, header, sizeof(header)) != sizeof(header) || fsync(fd) ||
	    close(fd) || swapon(disk, 0))
		check_failed(HERE, "swap on %s: %s", disk, strerror(errno));
	atexit(zram_swap_off);
	done = true;
}

#endif
