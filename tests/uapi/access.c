// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel reads and writes the program's memory for it: system calls, pinned pages,
 * futexes. All of that obeys the page states.
 */
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* One page of each kind, in this order. */
static const struct kind { unsigned int prot; bool read, write; } kinds[] = {
	{ 0, false, false },			/* reserved */
	{ NOACCESS, false, false },
	{ READONLY, true, false },
	{ READWRITE, true, true },
	{ EXECUTE, true, false },
	{ EXECUTE_READ, true, false },
	{ EXECUTE_RW, true, true },
};

#define for_each_kind(kind)	\
	for (const struct kind *kind = kinds; kind < kinds + ARRAY_LEN(kinds); kind++)

static unsigned long pages;

/* Filled first and protected afterwards, so that there is something to get wrong. */
static void pages_make(void)
{
	pages = reserve_commit(GRAN, READWRITE);
	fill(pages, GRAN, 1);
	for_each_kind(kind) {
		if (kind->prot)
			protect(pages + (kind - kinds) * PAGE, PAGE, kind->prot);
		else
			decommit(pages + (kind - kinds) * PAGE, PAGE);
	}
}

static unsigned long page_of(const struct kind *kind)
{
	return pages + (kind - kinds) * PAGE;
}

/* Whatever was tried on the page: it holds @byte if it could, else what it always held. */
static void check_page(const struct kind *kind, bool written, unsigned char byte)
{
	unsigned long addr = page_of(kind);
	volatile unsigned char *bytes = (void *)addr;

	if (!kind->prot) {
		EXPECT_RESERVED(addr, PAGE);
		return;
	}
	protect(addr, PAGE, READWRITE);
	if (written)
		EXPECT_EQ(byte, bytes[PAGE - 1]);
	else
		EXPECT(filled(addr, PAGE, 1));
}

static int file_of(unsigned char byte)
{
	unsigned char content[PAGE];
	int fd = memfd_create("winmem-access", MFD_CLOEXEC);

	EXPECT_OK(fd);
	memset(content, byte, PAGE);
	EXPECT_EQ(PAGE, write(fd, content, PAGE));
	return fd;
}

TEST(G11_read_into_pages_of_each_kind)
{
	int fd = file_of(0x5a);

	pages_make();
	for_each_kind(kind) {
		ssize_t done = pread(fd, (void *)page_of(kind), PAGE, 0);

		if (kind->write)
			EXPECT_EQ(PAGE, done);
		else
			EXPECT(done == -1 && errno == EFAULT);
		check_page(kind, kind->write, 0x5a);
	}
	close(fd);
}

TEST(G11_write_from_pages_of_each_kind)
{
	int fd = file_of(0);

	pages_make();
	for_each_kind(kind) {
		ssize_t done = pwrite(fd, (void *)page_of(kind), PAGE, 0);
		unsigned char content[PAGE];

		if (!kind->read) {
			EXPECT(done == -1 && errno == EFAULT);
			continue;
		}
		EXPECT_EQ(PAGE, done);
		EXPECT_EQ(PAGE, pread(fd, content, PAGE, 0));
		EXPECT(!memcmp(content, (void *)page_of(kind), PAGE));
	}
	for_each_kind(kind)
		check_page(kind, false, 0);
	close(fd);
}

/* The first access of all to these pages is the kernel's. */
TEST(sec09_system_calls_on_pages_that_were_never_touched)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	unsigned char content[PAGE];
	int fd = file_of(0x11);

	EXPECT_EQ(PAGE, pwrite(fd, (void *)base, PAGE, 0));
	EXPECT_EQ(PAGE, pread(fd, content, PAGE, 0));
	for (unsigned long i = 0; i < PAGE; i++)
		EXPECT_EQ(0, content[i]);
	memset(content, 0x22, PAGE);
	EXPECT_EQ(PAGE, pwrite(fd, content, PAGE, 0));
	EXPECT_EQ(PAGE, pread(fd, (void *)(base + PAGE), PAGE, 0));
	EXPECT(!memcmp(content, (void *)(base + PAGE), PAGE));
	close(fd);
}

TEST(a_read_that_runs_into_a_page_that_cannot_be_written_stops_there)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	ssize_t done;

	fill(base, GRAN, 2);
	protect(base + 2 * PAGE, PAGE, READONLY);
	done = read(zero, (void *)base, 4 * PAGE);
	EXPECT(done == -1 || (size_t)done <= 2 * PAGE);
	EXPECT(filled(base + 2 * PAGE, GRAN - 2 * PAGE, 2));
	close(zero);
}

TEST(sec11_process_vm_readv_and_writev)
{
	unsigned char buffer[PAGE];
	struct iovec local = { buffer, PAGE };

	pages_make();
	for_each_kind(kind) {
		struct iovec remote = { (void *)page_of(kind), PAGE };
		ssize_t done;

		memset(buffer, 0x33, PAGE);
		done = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
		if (kind->read)
			EXPECT(done == (ssize_t)PAGE && !memcmp(buffer, remote.iov_base, PAGE));
		else
			EXPECT(done == -1 && errno == EFAULT);

		memset(buffer, 0x44, PAGE);
		done = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
		if (kind->write)
			EXPECT_EQ(PAGE, done);
		else
			EXPECT(done == -1 && errno == EFAULT);
		check_page(kind, kind->write, 0x44);
	}
}

/* vmsplice pins the page and hands it to the pipe. */
TEST(sec11_vmsplice_of_each_kind)
{
	unsigned char buffer[PAGE];
	int pipes[2];

	pages_make();
	EXPECT_OK(pipe(pipes));
	for_each_kind(kind) {
		struct iovec from = { (void *)page_of(kind), PAGE };
		ssize_t done = vmsplice(pipes[1], &from, 1, 0);

		if (!kind->read) {
			EXPECT(done == -1 && errno == EFAULT);
			continue;
		}
		EXPECT_EQ(PAGE, done);
		EXPECT_EQ(PAGE, read(pipes[0], buffer, PAGE));
		EXPECT(!memcmp(buffer, from.iov_base, PAGE));
	}
	close(pipes[0]);
	close(pipes[1]);
}

/* A page that somebody holds is not given to anybody else, and its number is new. */
TEST(sec07_a_page_that_a_pipe_holds_outlives_decommit)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	struct iovec from = { (void *)base, PAGE };
	unsigned char buffer[PAGE];
	int pipes[2];

	EXPECT_OK(pipe(pipes));
	memset((void *)base, 0x55, PAGE);
	EXPECT_EQ(PAGE, vmsplice(pipes[1], &from, 1, 0));
	decommit(base, PAGE);
	commit(base, PAGE, READWRITE);
	EXPECT(zeroed(base, PAGE));
	memset((void *)base, 0x66, PAGE);
	EXPECT_EQ(PAGE, read(pipes[0], buffer, PAGE));
	for (unsigned long i = 0; i < PAGE; i++)
		EXPECT_EQ(0x55, buffer[i]);
	EXPECT_EQ(0x66, byte_at(base));
	close(pipes[0]);
	close(pipes[1]);
}

static int uring_register(int ring, struct iovec *buffers, unsigned int nr)
{
	return syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, buffers, nr);
}

/* Some kernels refuse to register file memory at all: EOPNOTSUPP, that is fine too. */
TEST(sec11_io_uring_buffers_are_only_what_can_be_written)
{
	struct io_uring_params params = { 0 };
	int ring = syscall(SYS_io_uring_setup, 4, &params);

	if (ring < 0)
		skip_because("io_uring: %s", strerror(errno));
	pages_make();
	for_each_kind(kind) {
		struct iovec buffer = { (void *)page_of(kind), PAGE };
		int ret = uring_register(ring, &buffer, 1);

		if (kind->write)
			EXPECT(!ret || errno == EOPNOTSUPP);
		else
			EXPECT(ret == -1 && (errno == EFAULT || errno == EOPNOTSUPP));
		if (!ret)
			syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_BUFFERS, NULL, 0);
	}
	for_each_kind(kind)
		check_page(kind, false, 0);
	close(ring);
}

/* Futexes: the key of a shared one is found through the page. */
static long futex(unsigned long addr, int op, unsigned int value, int timeout_ms)
{
	struct timespec timeout = { 0, timeout_ms * 1000000L };

	return syscall(SYS_futex, addr, op, value, timeout_ms ? &timeout : NULL, NULL, 0);
}

static volatile int waiting;

static void *wait_on(void *arg)
{
	waiting = 1;
	while (!*(volatile unsigned int *)arg)
		futex((unsigned long)arg, FUTEX_WAIT, 0, 100);
	return NULL;
}

TEST(a_futex_in_a_committed_page)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	pthread_t waiter;

	EXPECT_EQ(-1ULL, futex(base, FUTEX_WAIT, 1, 0));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-1ULL, futex(base, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 1, 0));
	EXPECT_EQ(EAGAIN, errno);

	waiting = 0;
	EXPECT_EQ(0, pthread_create(&waiter, NULL, wait_on, (void *)base));
	EVENTUALLY(waiting);
	usleep(10000);
	*(volatile unsigned int *)base = 1;
	EXPECT(futex(base, FUTEX_WAKE, INT_MAX, 0) >= 0);
	EXPECT_EQ(0, pthread_join(waiter, NULL));
}

TEST(a_futex_in_other_pages)
{
	pages_make();
	for_each_kind(kind) {
		long ret = futex(page_of(kind), FUTEX_WAIT, 0x12345678, 0);

		EXPECT_EQ(-1ULL, ret);
		/* The value differs where it can be read at all. */
		if (kind->read)
			EXPECT(errno == EAGAIN || errno == EFAULT);
		else
			EXPECT_EQ(EFAULT, errno);
		check_page(kind, false, 0);
	}
}

TEST(a_guard_page_is_not_taken_by_asking_for_it_from_outside)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	unsigned char buffer[16];
	struct iovec local = { buffer, 16 }, remote = { (void *)base, 16 };
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	EXPECT_OK(mem);
	fill(base, PAGE, 3);
	protect(base, PAGE, READWRITE | GUARD);
	EXPECT_ERRNO(EFAULT, process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
	EXPECT_COMMITTED(base, PAGE, READWRITE | GUARD);
	EXPECT_EQ(16, pread(mem, buffer, 16, base));
	EXPECT_COMMITTED(base, PAGE, READWRITE | GUARD);
	EXPECT(!try_read(base));
	EXPECT(!memcmp(buffer, (void *)base, 16));
	close(mem);
}

/* /proc/self/mem forces its way, as a debugger does; but only to committed pages. */
TEST(sec11_proc_self_mem)
{
	unsigned char buffer[PAGE];
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	EXPECT_OK(mem);
	pages_make();
	for_each_kind(kind) {
		ssize_t done;

		memset(buffer, 0, PAGE);
		done = pread(mem, buffer, PAGE, page_of(kind));
		if (!kind->prot) {
			EXPECT(done <= 0);
			EXPECT(pwrite(mem, buffer, PAGE, page_of(kind)) <= 0);
			check_page(kind, false, 0);
			continue;
		}
		EXPECT_EQ(PAGE, done);
		memset(buffer, 0x77, PAGE);
		EXPECT_EQ(PAGE, pwrite(mem, buffer, PAGE, page_of(kind)));
		EXPECT_COMMITTED(page_of(kind), PAGE, kind->prot);
		EXPECT_EQ(kind->write, try_write(page_of(kind), 0x77));
		EXPECT_EQ(kind->read, try_read(page_of(kind)));
		check_page(kind, true, 0x77);
	}
	close(mem);
}

/* Where nobody else may write, a debugger's write counts all the same: the contents matter again. */
TEST(proc_self_mem_writes_to_a_page_that_was_reset)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	unsigned char byte;

	EXPECT_OK(mem);
	fill(base, GRAN, 1);
	reset(base, 2 * PAGE);
	protect(base, 2 * PAGE, NOACCESS);
	EXPECT_EQ(1, pread(mem, &byte, 1, base + PAGE));
	byte = 0x55;
	EXPECT_EQ(1, pwrite(mem, &byte, 1, base + PAGE));
	protect(base, 2 * PAGE, READWRITE);
	reset_undo(base, 2 * PAGE);
	EXPECT_EQ(0x55, byte_at(base + PAGE));
	EXPECT(filled(base, PAGE, 1));
	EXPECT(filled(base + PAGE + 8, PAGE - 8, 1));
	close(mem);
}

TEST(sec11_proc_self_mem_over_page_borders)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	unsigned char buffer[3 * PAGE];
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	fill(base, GRAN, 4);
	protect(base + PAGE, PAGE, NOACCESS);
	protect(base + 2 * PAGE, PAGE, READONLY);
	EXPECT_EQ(3 * PAGE, pread(mem, buffer, 3 * PAGE, base + 100));
	protect(base + PAGE, 2 * PAGE, READWRITE);
	EXPECT(!memcmp(buffer, (void *)(base + 100), 3 * PAGE));
	close(mem);
}
