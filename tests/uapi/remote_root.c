// SPDX-License-Identifier: GPL-2.0-only
/*
 * ATTACH across users: nobody acts on a process of root's, by whatever way.
 */
#define _GNU_SOURCE
#include "remote.h"

#include <grp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd	438
#endif

#define NOBODY	65534

static int inherited = -1;

static void become_nobody(void)
{
	EXPECT_OK(setgroups(0, NULL));
	EXPECT_OK(setresgid(NOBODY, NOBODY, NOBODY));
	EXPECT_OK(setresuid(NOBODY, NOBODY, NOBODY));
	close(dev);
	dev = OPEN_DEVICE();
}

static void has_memory(struct target *target, int step)
{
	if (step == 1) {
		target->base = reserve_commit(GRAN, READONLY);
		fill(reserve_commit(GRAN, READWRITE), GRAN, 1);
	}
	if (step == 2) {
		EXPECT_COMMITTED(target->base, GRAN, READONLY);
		EXPECT(!try_write(target->base, 1));
	}
}

static void tries_everything(void *arg)
{
	const struct target *target = arg;
	struct winmem_protect args = protect_args(target->base, PAGE, READWRITE);
	int pidfd, self;

	become_nobody();
	EXPECT_ERRNO(EACCES, open_proc(target->pid, "mem", O_RDWR));
	EXPECT_ERRNO(EACCES, open_proc(target->pid, "mem", O_RDONLY));
	EXPECT_ERRNO(EACCES, attach_to(target->pid));
	pidfd = syscall(SYS_pidfd_open, target->pid, 0);
	EXPECT_OK(pidfd);
	for (int fd = 0; fd < 64; fd++)
		EXPECT_ERRNO(EPERM, syscall(SYS_pidfd_getfd, pidfd, fd, 0));

	/* What root had when this child was made. */
	EXPECT_ERRNO(EPERM, ioctl(inherited, WINMEM_IOC_PROTECT, &args));

	/* Nobody's own mem is for nobody's own memory. */
	EXPECT_OK(prctl(PR_SET_DUMPABLE, 1));
	self = attach_to(getpid());
	EXPECT_OK(self);
	EXPECT_ERRNO(ENOENT, ioctl(self, WINMEM_IOC_PROTECT, &args));
}

TEST(nobody_on_root_s)
{
	struct target *target = target_start(has_memory);

	if (geteuid())
		skip_because("not root");
	inherited = attach_to(target->pid);
	EXPECT_OK(inherited);
	IN_CHILD(tries_everything, target);
	target_step(target);
	close(inherited);
	target_end(target);
}

static void is_nobody(struct target *target, int step)
{
	if (step == 1) {
		become_nobody();
		target->base = reserve_commit(GRAN, READONLY);
	}
	if (step == 2)
		EXPECT(try_write(target->base, 1));
}

/* Root may trace anybody; and what it does there is bounded by what the place allows. */
TEST(root_on_nobody_s)
{
	struct target *target;
	struct winmem_protect args;
	int fd;

	if (geteuid())
		skip_because("not root");
	target = target_start(is_nobody);
	args = protect_args(target->base, PAGE, READWRITE);
	fd = attach_to(target->pid);
	EXPECT_OK(fd);
	EXPECT_OK(ioctl(fd, WINMEM_IOC_PROTECT, &args));
	target_step(target);
	close(fd);
	target_end(target);
}
