// SPDX-License-Identifier: GPL-2.0-only
/*
 * rmmod against users: refused while there is a descriptor or a mapping, and between users
 * it works at any moment. Needs root, and WINMEM_KO: the file to load the module from. What
 * was set in the module's parameters is gone afterwards.
 */
#define _GNU_SOURCE
#include "race.h"

#include <fcntl.h>
#include <sys/syscall.h>

static int unload(void)
{
	return syscall(SYS_delete_module, "winmem", O_NONBLOCK);
}

static void load(void)
{
	const char *path = getenv("WINMEM_KO");
	int fd = open(path ? path : "", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		check_failed(HERE, "WINMEM_KO is %s: %s", path, strerror(errno));
	EXPECT_OK(syscall(SYS_finit_module, fd, "", 0));
	close(fd);
}

/* The test's own descriptor goes, and the mappings of those before it. */
static void let_go(void)
{
	struct vma vma;

	for (unsigned long addr = 0; vma_find(addr, &vma); addr = vma.end) {
		if (vma_is_window(&vma))
			EXPECT_OK(munmap((void *)vma.start, vma.end - vma.start));
	}
	close(dev);
}

TEST(refused_while_there_is_a_descriptor)
{
	for (unsigned int i = 0; i < 20; i++)
		EXPECT_ERRNO(EWOULDBLOCK, unload());
}

static unsigned long base_of_child;

static void faults_without_a_descriptor(void *arg)
{
	volatile bool *go = arg;

	close(dev);
	dev = OPEN_DEVICE();
	base_of_child = race_reserve(0, CHUNK, WINMEM_RESERVE_COMMIT);
	close(dev);
	go[0] = true;
	for (unsigned long i = 0; !go[1]; i++) {
		unsigned long addr = base_of_child + i * PAGE % CHUNK;

		EXPECT(try_write(addr, 1));
		EXPECT_OK(madvise((void *)addr, PAGE, MADV_DONTNEED));
	}
}

RACE(refused_while_there_is_a_mapping)
{
	volatile bool *go = shared_page();
	pid_t child = start_child(faults_without_a_descriptor, (void *)go);

	WAIT_FOR(go[0]);
	let_go();
	for (unsigned int i = 0; again(i, 100); i++)
		EXPECT_ERRNO(EWOULDBLOCK, unload());
	go[1] = true;
	FINISH(child);
	dev = OPEN_DEVICE();
	EXPECT_OK(munmap((void *)go, PAGE));
}
WIDENED(refused_while_there_is_a_mapping, FAULT_GET, 2000)
WIDENED(refused_while_there_is_a_mapping, FAULT_MAP, 2000)

TEST(works_after_the_last_user)
{
	let_go();
	EVENTUALLY(!unload());
	load();
	dev = OPEN_DEVICE();
}

/* Opens whenever there is a device, and all of it works then; unmapped last, or closed. */
static void opens(void *arg)
{
	unsigned long *stop = arg, opened = 0;

	for (unsigned int i = 0; !__atomic_load_n(stop, __ATOMIC_SEQ_CST); i++) {
		struct vma vma;

		dev = open(DEVICE, O_RDWR | O_CLOEXEC);
		if (dev < 0) {
			EXPECT(errno == ENOENT || errno == ENXIO || errno == ENODEV);
			continue;
		}
		opened++;
		base_of_child = race_reserve(0, GRAN, WINMEM_RESERVE_COMMIT);
		EXPECT(base_of_child);
		EXPECT(try_write(base_of_child, 1));
		if (i % 2)
			close(dev);
		EXPECT(vma_find(base_of_child, &vma) && vma_is_window(&vma));
		EXPECT(try_write(base_of_child, 2));
		EXPECT_OK(munmap((void *)vma.start, vma.end - vma.start));
		if (!(i % 2))
			close(dev);
	}
	EXPECT(opened);
}

static void load_and_unload(unsigned int points, unsigned int us)
{
	unsigned long *stop = shared_page(), unloaded = 0;
	pid_t children[2];

	let_go();
	for (unsigned int i = 0; i < 2; i++)
		children[i] = start_child(opens, stop);
	for (unsigned int i = 0; i < 400 && unloaded < 6; i++) {
		if (unload()) {
			EXPECT(errno == EWOULDBLOCK || errno == EBUSY);
			usleep(i % 7 * 500);
			continue;
		}
		unloaded++;
		load();
		widen(points, us);
		usleep(10000);
	}
	*stop = 1;
	for (unsigned int i = 0; i < 2; i++)
		FINISH(children[i]);
	EXPECT(unloaded);
	EXPECT_OK(munmap(stop, PAGE));
	dev = OPEN_DEVICE();
	widen(0, 0);
}

TEST(loaded_and_unloaded_under_openers)
{
	load_and_unload(0, 0);
}

/* The counters start anew with each load, so that points were met is not asked. */
TEST(loaded_and_unloaded_under_openers_END)
{
	load_and_unload(AT(END), 2000);
}

TEST(loaded_and_unloaded_under_openers_OPEN)
{
	load_and_unload(AT(OPEN) | AT(HOLE), 2000);
}
