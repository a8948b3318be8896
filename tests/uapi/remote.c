// SPDX-License-Identifier: GPL-2.0-only
/*
 * ATTACH: one process acts on the memory of another, as far as it may ptrace it.
 */
#define _GNU_SOURCE
#include "remote.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd	438
#endif

static int own, fd;

#define NO_PROOF(err, mem_fd)						\
	do {								\
		struct winmem_attach args_ = attach_args(mem_fd);	\
		REFUSED(err, WINMEM_IOC_ATTACH, &args_);		\
	} while (0)

static void attach(struct target *target)
{
	fd = attach_to(target->pid);
	EXPECT_OK(fd);
	own = act_on(fd);
}

static void detach(void)
{
	dev = own;
	close(fd);
}

static void makes_a_reservation(struct target *target, int step)
{
	if (step == 1) {
		target->base = reserve(GRAN);
		commit(target->base, 4 * PAGE, READWRITE);
		fill(target->base, 4 * PAGE, 1);
	}
}

static void checks_commits(struct target *target, int step)
{
	makes_a_reservation(target, step);
	if (step == 2) {
		EXPECT_COMMITTED(target->base, 4 * PAGE, READWRITE);
		EXPECT_COMMITTED(target->base + 4 * PAGE, 2 * PAGE, READONLY);
		EXPECT(filled(target->base, 4 * PAGE, 1));
		EXPECT(try_read(target->base + 4 * PAGE));
		EXPECT(!try_write(target->base + 4 * PAGE, 1));
		EXPECT_EQ(6 * PAGE, charge());
	}
}

TEST(commit_there_and_not_here)
{
	struct target *target = target_start(checks_commits);

	attach(target);
	EXPECT_COMMITTED(target->base, 4 * PAGE, READWRITE);
	EXPECT_RESERVED(target->base + 4 * PAGE, GRAN - 4 * PAGE);
	EXPECT_OK(raw_commit(target->base + 4 * PAGE, 2 * PAGE, READONLY));
	EXPECT_COMMITTED(target->base + 4 * PAGE, 2 * PAGE, READONLY);
	detach();
	EXPECT_EQ(0, charge());
	EXPECT_FREE(target->base);
	target_step(target);
	target_end(target);
}

static void checks_protections(struct target *target, int step)
{
	makes_a_reservation(target, step);
	if (step == 2) {
		EXPECT(!try_write(target->base, 1));
		EXPECT(try_read(target->base));
		EXPECT(!try_read(target->base + PAGE));
		EXPECT(!try_read(target->base + 2 * PAGE));
		EXPECT(try_read(target->base + 2 * PAGE));
		EXPECT(filled(target->base + 3 * PAGE, PAGE, 1));
	}
	if (step == 3) {
		EXPECT(filled(target->base, PAGE, 1));
		EXPECT(zeroed(target->base + PAGE, PAGE));
		EXPECT_RESERVED(target->base + 2 * PAGE, GRAN - 2 * PAGE);
		EXPECT_EQ(2 * PAGE, charge());
	}
	if (step == 4) {
		EXPECT_FREE(target->base);
		EXPECT_EQ(0, charge());
	}
}

TEST(protect_decommit_release_there)
{
	struct target *target = target_start(checks_protections);
	struct winmem_decommit decommit_it = decommit_args(target->base + PAGE, 3 * PAGE);

	attach(target);
	EXPECT_OK(raw_protect(target->base, PAGE, READONLY));
	EXPECT_OK(raw_protect(target->base + PAGE, PAGE, NOACCESS));
	EXPECT_OK(raw_protect(target->base + 2 * PAGE, PAGE, READWRITE | GUARD));
	target_step(target);
	EXPECT_OK(ioctl(fd, WINMEM_IOC_DECOMMIT, &decommit_it));
	EXPECT_OK(raw_commit(target->base, 2 * PAGE, READWRITE));
	target_step(target);
	EXPECT_OK(raw_release(target->base));
	target_step(target);
	detach();
	target_end(target);
}

static void checks_reservation(struct target *target, int step)
{
	if (step == 2) {
		EXPECT_COMMITTED(target->base, GRAN, READWRITE);
		EXPECT(zeroed(target->base, GRAN));
		fill(target->base, GRAN, 7);
	}
	if (step == 3)
		EXPECT(!vma_covers(target->base) || query(target->base).out_state ==
						    WINMEM_STATE_FREE);
}

/* Windows are mapped and unmapped in the other process, by those who cannot call mmap there. */
TEST(reserve_there_and_release)
{
	struct target *target = target_start(checks_reservation);

	attach(target);
	for (unsigned int i = 0; i < 3; i++) {
		struct winmem_reserve args = reserve_args(0, GRAN, READWRITE, WINMEM_RESERVE_COMMIT);

		if (i == 1)
			args.addr = find_hole(GRAN);
		if (i == 2)
			args.highest = (1UL << 31) - 1;
		EXPECT_OK(ioctl(fd, WINMEM_IOC_RESERVE, &args));
		EXPECT(i != 1 || args.out_addr == args.addr);
		EXPECT(i != 2 || args.out_addr < args.highest);
		target->base = args.out_addr;
		target->done = 1;
		target->step = 1;
		target_step(target);
		EXPECT_OK(raw_release(target->base));
		target_step(target);
	}
	detach();
	target_end(target);
}

static void maps_something(struct target *target, int step)
{
	if (step == 1)
		target->base = (unsigned long)map_foreign(find_hole(GRAN), GRAN, PROT_READ);
	if (step == 2)
		EXPECT(vma_covers(target->base));
}

/* The place that was released last there is used again, for whoever reserves there next. */
TEST(reserve_there_in_a_vacant_place)
{
	struct target *target = target_start(makes_a_reservation);
	struct winmem_reserve args = reserve_args(0, GRAN, READWRITE, WINMEM_RESERVE_COMMIT);
	unsigned long place;

	attach(target);
	EXPECT_OK(ioctl(fd, WINMEM_IOC_RESERVE, &args));
	place = args.out_addr;
	EXPECT_OK(raw_release(place));
	EXPECT_FREE(place);
	EXPECT_OK(ioctl(fd, WINMEM_IOC_RESERVE, &args));
	EXPECT_EQ(place, args.out_addr);
	EXPECT_COMMITTED(place, GRAN, READWRITE);
	EXPECT_OK(raw_release(place));
	EXPECT_ERRNO(ENOENT, raw_release(place));
	detach();
	target_end(target);
}

TEST(reserve_there_over_a_mapping)
{
	struct target *target = target_start(maps_something);
	struct winmem_reserve args = reserve_args(target->base, GRAN, READWRITE, 0);

	attach(target);
	EXPECT_EQ(WINMEM_TYPE_PRIVATE, query(target->base).out_type);
	EXPECT_ERRNO(EEXIST, ioctl(fd, WINMEM_IOC_RESERVE, &args));
	EXPECT_ERRNO(EBUSY, raw_protect(target->base, PAGE, READWRITE));
	target_step(target);
	detach();
	target_end(target);
}

static void executes(struct target *target, int step)
{
	makes_a_reservation(target, step);
	if (step == 2) {
		EXPECT(filled(target->base + PAGE, PAGE, 1));
		put_return(target->base);
		EXPECT(try_exec(target->base));
		EXPECT(!try_exec(target->base + PAGE));
		EXPECT(filled(target->base + 2 * PAGE, 2 * PAGE, 1));
	}
	if (step == 3) {
		EXPECT(!try_exec(target->base));
		EXPECT(try_read(target->base));
	}
	if (step == 4) {
		put_return(target->base);
		put_return(target->base + PAGE);
		EXPECT(try_exec(target->base));
		EXPECT(try_exec(target->base + PAGE));
		EXPECT(!try_exec(target->base + 2 * PAGE));
	}
	if (step == 5) {
		put_return(target->base);
		EXPECT(try_exec(target->base));
	}
	if (step == 6)
		EXPECT(!try_exec(target->base));
}

/* PROT_EXEC comes and goes in the other process's mappings, and contents stay. */
TEST(execute_there)
{
	struct target *target = target_start(executes);
	struct winmem_reserve args = reserve_args(0, GRAN, EXECUTE_RW, WINMEM_RESERVE_COMMIT);

	attach(target);
	EXPECT_OK(raw_protect(target->base, PAGE, EXECUTE_RW));
	EXPECT_EQ(EXECUTE_RW, query(target->base).out_prot);
	target_step(target);
	EXPECT_OK(raw_protect(target->base, PAGE, READONLY));
	target_step(target);
	/* The second page's mapping is not yet what the first one's is. */
	EXPECT_OK(raw_protect(target->base, PAGE, EXECUTE_RW));
	EXPECT_OK(raw_protect(target->base, 2 * PAGE, EXECUTE_RW));
	target_step(target);
	EXPECT_OK(ioctl(fd, WINMEM_IOC_RESERVE, &args));
	target->base = args.out_addr;
	target_step(target);
	EXPECT_OK(raw_commit(target->base, GRAN, READWRITE));
	target_step(target);
	EXPECT_OK(raw_release(target->base));
	detach();
	target_end(target);
}

static void is_watched(struct target *target, int step)
{
	__u64 addrs[16];
	struct winmem_watch args = watch_args(target->base, GRAN, WINMEM_WATCH_RESET, addrs, 16);

	if (step == 1) {
		target->base = reserve_at(HERE, 0, GRAN, READWRITE,
					  WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_WATCH);
		fill(target->base, 4 * PAGE, 3);
		args.addr = target->base;
		EXPECT_OK(ioctl(dev, WINMEM_IOC_WATCH, &args));
		EXPECT_EQ(4, args.out_count);
		EXPECT(try_write(target->base, 1));
	}
	if (step == 2) {
		EXPECT(try_write(target->base + 2 * PAGE, 1));
		EXPECT_OK(ioctl(dev, WINMEM_IOC_WATCH, &args));
		EXPECT_EQ(2, args.out_count);
		EXPECT_EQ(target->base, addrs[0]);
		EXPECT_EQ(target->base + 2 * PAGE, addrs[1]);
	}
}

/* No write lost and none invented where mappings are made anew. */
TEST(execute_there_under_write_watch)
{
	struct target *target = target_start(is_watched);

	attach(target);
	EXPECT_OK(raw_protect(target->base, GRAN, EXECUTE_RW));
	EXPECT_OK(raw_protect(target->base + PAGE, PAGE, READWRITE));
	target_step(target);
	detach();
	target_end(target);
}

static void has_a_copied_page(struct target *target, int step)
{
	if (step == 1) {
		int file = memfd_create("copied", MFD_CLOEXEC);
		char *at;

		EXPECT_OK(ftruncate(file, 4 * PAGE));
		at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
		EXPECT(at != MAP_FAILED);
		at[PAGE] = 1;
		target->base = (unsigned long)at;
	}
}

/* What was copied is read from the other process's page tables. */
TEST(query_there_of_a_file_mapping)
{
	struct target *target = target_start(has_a_copied_page);
	struct winmem_query found;

	attach(target);
	found = query(target->base);
	EXPECT_EQ(WINMEM_TYPE_MAPPED, found.out_type);
	EXPECT_EQ(WINMEM_PROT_WRITECOPY, found.out_prot);
	EXPECT_EQ(PAGE, found.out_length);
	EXPECT_EQ(READWRITE, query(target->base + PAGE).out_prot);
	EXPECT_EQ(WINMEM_PROT_WRITECOPY, query(target->base + 2 * PAGE).out_prot);
	detach();
	target_end(target);
}

static void sets_a_limit(struct target *target, int step)
{
	makes_a_reservation(target, step);
	if (step == 1)
		limit_set(6 * PAGE);
	if (step == 2)
		EXPECT_EQ(4 * PAGE, charge());
}

/* What is committed there is charged there. */
TEST(limit_there)
{
	struct target *target = target_start(sets_a_limit);

	attach(target);
	EXPECT_ERRNO(EDQUOT, raw_commit(target->base, 7 * PAGE, READWRITE));
	EXPECT_COMMITTED(target->base, 4 * PAGE, READWRITE);
	target_step(target);
	detach();
	target_end(target);
}

TEST(what_is_the_process_s_own)
{
	struct target *target = target_start(makes_a_reservation);
	struct winmem_guard guard = guard_args(target->base);
	struct winmem_limit limit = limit_args(0, 0);
	struct winmem_watch watched = watch_args(target->base, PAGE, WINMEM_WATCH_RESET, NULL, 0);
	int mem = open_proc(target->pid, "mem", O_RDWR);
	struct winmem_attach again = attach_args(mem);

	attach(target);
	EXPECT_ERRNO(EPERM, ioctl(fd, WINMEM_IOC_GUARD, &guard));
	EXPECT_ERRNO(EPERM, ioctl(fd, WINMEM_IOC_LIMIT, &limit));
	EXPECT_ERRNO(EPERM, ioctl(fd, WINMEM_IOC_WATCH, &watched));
	EXPECT_ERRNO(EPERM, ioctl(fd, WINMEM_IOC_ATTACH, &again));
	EXPECT_ERRNO(ENOTTY, ioctl(fd, WINMEM_IOC_INFO + 0x40, &again));
	EXPECT_ERRNO(ENOTTY, ioctl(fd, WINMEM_IOC_INFO - 1, &again));
	info();
	EXPECT_ERRNO(EINVAL, raw_protect(target->base + 1, PAGE, READWRITE));
	EXPECT_ERRNO(ENXIO, raw_protect(target->base, GRAN, READWRITE));
	EXPECT_ERRNO(ENOENT, raw_commit(target->base, 2 * GRAN, READWRITE));
	detach();
	close(mem);
	target_end(target);
}

TEST(itself)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	int self = attach_to(getpid());

	EXPECT_OK(self);
	own = act_on(self);
	EXPECT_COMMITTED(base, GRAN, READWRITE);
	EXPECT_OK(raw_protect(base, PAGE, READONLY));
	dev = own;
	EXPECT(!try_write(base, 1));
	close(self);
}

static void no_winmem(void *arg)
{
	pause();
	EXPECT(!arg);
}

/* The child of a fork shares nothing with the space of its parent. */
TEST(a_process_without_winmem)
{
	pid_t child = start_child(no_winmem, NULL);

	EXPECT_ERRNO(ENODEV, attach_to(child));
	EXPECT_OK(kill(child, SIGKILL));
	FINISH_KILLED(child, SIGKILL);
}

/* What is no proof: other files of the process, and files of that name. */
TEST(descriptors_that_prove_nothing)
{
	static const char *const names[] = { "maps", "smaps", "pagemap", "environ", "auxv", "status",
					     "cmdline", "syscall" };
	static const char *const writable[] = { "clear_refs", "oom_score_adj", "comm" };
	struct target *target = target_start(makes_a_reservation);
	int closed = dup(dev), file;

	close(closed);
	for (unsigned int i = 0; i < ARRAY_LEN(names); i++) {
		file = open_proc(target->pid, names[i], O_RDONLY);
		EXPECT_OK(file);
		NO_PROOF(EINVAL, file);
		close(file);
	}
	for (unsigned int i = 0; i < ARRAY_LEN(writable); i++) {
		file = open_proc(target->pid, writable[i], O_WRONLY);
		EXPECT_OK(file);
		NO_PROOF(EINVAL, file);
		close(file);
	}
	file = open_proc(target->pid, "mem", O_RDONLY);
	EXPECT_OK(file);
	NO_PROOF(EBADF, file);
	close(file);
	file = open_proc(target->pid, "mem", O_PATH);
	EXPECT_OK(file);
	NO_PROOF(EBADF, file);
	close(file);
	file = open_proc(target->pid, ".", O_RDONLY | O_DIRECTORY);
	EXPECT_OK(file);
	NO_PROOF(EINVAL, file);
	close(file);
	file = memfd_create("mem", MFD_CLOEXEC);
	EXPECT_OK(file);
	NO_PROOF(EINVAL, file);
	close(file);
	NO_PROOF(EINVAL, dev);
	NO_PROOF(EBADF, -1);
	NO_PROOF(EBADF, closed);
	target_end(target);
}

static void hides(struct target *target, int step)
{
	makes_a_reservation(target, step);
	if (step == 1)
		EXPECT_OK(prctl(PR_SET_DUMPABLE, 0));
}

TEST(a_process_that_may_not_be_traced)
{
	struct target *target = target_start(hides);

	EXPECT_ERRNO(EACCES, attach_to(target->pid));
	target_end(target);
}

static void uses_what_it_inherited(void *arg)
{
	struct winmem_protect args = protect_args(*(unsigned long *)arg, PAGE, READWRITE);
	struct winmem_info about = info_args();

	EXPECT_ERRNO(EPERM, ioctl(fd, WINMEM_IOC_PROTECT, &args));
	EXPECT_ERRNO(EPERM, ioctl(fd, WINMEM_IOC_INFO, &about));
}

static void takes_it(void *arg)
{
	int pidfd = syscall(SYS_pidfd_open, getppid(), 0);

	EXPECT_OK(pidfd);
	fd = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	EXPECT_OK(fd);
	uses_what_it_inherited(arg);
}

/* The descriptor is its maker's: a child that gives up rights has it, and nothing by it. */
TEST(handed_on)
{
	struct target *target = target_start(makes_a_reservation);
	unsigned long base = target->base;

	attach(target);
	dev = own;
	IN_CHILD(uses_what_it_inherited, &base);
	IN_CHILD(takes_it, &base);
	close(fd);
	target_end(target);
}

static void inherits_all(struct target *target, int step)
{
	makes_a_reservation(target, step);
}

/* And a plain descriptor of /dev/winmem that came by pidfd_getfd(2) is nobody else's. */
TEST(a_descriptor_taken_from_its_owner)
{
	struct target *target = target_start(inherits_all);
	struct winmem_protect args = protect_args(target->base, PAGE, READONLY);
	int pidfd = syscall(SYS_pidfd_open, target->pid, 0), taken = -1;

	EXPECT_OK(pidfd);
	for (int number = 0; number < 64; number++) {
		struct winmem_info about = info_args();

		taken = syscall(SYS_pidfd_getfd, pidfd, number, 0);
		if (taken >= 0 && !ioctl(taken, WINMEM_IOC_INFO, &about))
			EXPECT_ERRNO(EPERM, ioctl(taken, WINMEM_IOC_PROTECT, &args));
		close(taken);
	}
	close(pidfd);
	target_end(target);
}

TEST(a_process_that_has_ended)
{
	unsigned long before = limit_at(HERE, 0, 0).out_total_charge;
	struct target *target = target_start(makes_a_reservation);
	unsigned long base = target->base;
	int mem = open_proc(target->pid, "mem", O_RDWR);

	EXPECT_OK(mem);
	attach(target);
	target_end(target);
	EXPECT_ERRNO(ESRCH, raw_protect(base, PAGE, READONLY));
	dev = own;
	NO_PROOF(ENODEV, mem);
	/* Nothing of it is kept. */
	EVENTUALLY(limit_at(HERE, 0, 0).out_total_charge == before);
	close(mem);
	close(fd);
}

static void becomes_another(void *arg)
{
	int *ready = arg;

	close(dev);
	dev = OPEN_DEVICE();
	reserve_commit(GRAN, READWRITE);
	*(volatile int *)ready = 1;
	while (*(volatile int *)ready != 2)
		usleep(1000);
	execl("/bin/sleep", "sleep", "30", NULL);
	EXPECT(!"exec");
}

TEST(a_process_that_became_another_program)
{
	unsigned long before = limit_at(HERE, 0, 0).out_total_charge;
	volatile int *ready = shared_page();
	pid_t child = start_child(becomes_another, (void *)ready);
	struct winmem_info about = info_args();

	EVENTUALLY(*ready == 1);
	fd = attach_to(child);
	EXPECT_OK(fd);
	*ready = 2;
	EVENTUALLY(limit_at(HERE, 0, 0).out_total_charge == before);
	EXPECT_ERRNO(ESRCH, ioctl(fd, WINMEM_IOC_INFO, &about));
	EXPECT_ERRNO(ENODEV, attach_to(child));
	EXPECT_OK(kill(child, SIGKILL));
	FINISH_KILLED(child, SIGKILL);
	close(fd);
	munmap((void *)ready, PAGE);
}

static void leaves(struct target *target, int step)
{
	target->base = 0;
	if (step == 2)
		close(dev);
	if (step == 3)
		dev = OPEN_DEVICE();
}

TEST(a_process_that_leaves_and_comes_back)
{
	struct target *target = target_start(leaves);
	struct winmem_info about = info_args();

	fd = attach_to(target->pid);
	EXPECT_OK(fd);
	EXPECT_OK(ioctl(fd, WINMEM_IOC_INFO, &about));
	target_step(target);
	EXPECT_ERRNO(ENODEV, ioctl(fd, WINMEM_IOC_INFO, &about));
	target_step(target);
	EXPECT_OK(ioctl(fd, WINMEM_IOC_INFO, &about));
	close(fd);
	target_end(target);
}

TEST(is_closed_on_exec)
{
	int self = attach_to(getpid());

	EXPECT_OK(self);
	EXPECT_EQ(FD_CLOEXEC, fcntl(self, F_GETFD));
	close(self);
}

/* When the answer cannot be written, no descriptor is left behind. */
TEST(an_answer_that_cannot_be_delivered)
{
	struct winmem_attach args = attach_args(open_proc(getpid(), "mem", O_RDWR));
	unsigned long base = reserve_commit(GRAN, READWRITE);
	int next = dup(0);

	close(next);
	memcpy((void *)base, &args, sizeof(args));
	protect(base, PAGE, READONLY);
	EXPECT_ERRNO(EFAULT, ioctl(dev, WINMEM_IOC_ATTACH, base));
	EXPECT_EQ(next, dup(0));
	close(next);
	close(args.mem_fd);
}
