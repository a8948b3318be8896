// SPDX-License-Identifier: GPL-2.0-only
/*
 * A descriptor in another process, while its owner dies: INFO answers, the rest is EPERM,
 * and the memory goes with the last of the two.
 */
#define _GNU_SOURCE
#include "race.h"

#include <sys/socket.h>
#include <sys/syscall.h>

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd	438
#endif

static void send_fd(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec vec = { &fd, sizeof(fd) };
	struct msghdr message = { .msg_iov = &vec, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	EXPECT_EQ(sizeof(fd), sendmsg(socket, &message, 0));
}

/* @number is the sender's number of it. */
static int receive_fd(int socket, int *number)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec vec = { number, sizeof(*number) };
	struct msghdr message = { .msg_iov = &vec, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	int fd;

	EXPECT_EQ(sizeof(*number), recvmsg(socket, &message, 0));
	EXPECT(CMSG_FIRSTHDR(&message));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return fd;
}

/* The owner: pages come and go under two threads, and a third one closes and opens. */
static void *closes_and_opens(void *arg)
{
	int *begun = arg;

	for (;;) {
		close(OPEN_DEVICE());
		__atomic_store_n(begun, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void owns(void *arg)
{
	static struct gate gate;
	static int begun;
	unsigned long base;

	close(dev);
	dev = OPEN_DEVICE();
	base = race_reserve(0, GRAN, WINMEM_RESERVE_COMMIT);
	gate_start(&gate, base, GRAN / PAGE, WRITER, READER);
	thread_start(closes_and_opens, &begun);
	while (!__atomic_load_n(&begun, __ATOMIC_SEQ_CST))
		usleep(100);
	send_fd(*(int *)arg, dev);
	for (;;) {
		EXPECT_OK(raw_protect(base, GRAN, NOACCESS));
		EXPECT_OK(raw_protect(base, GRAN, READWRITE));
	}
}

static void check_foreign(int fd)
{
	struct winmem_info info = info_args();
	struct winmem_query query = query_args((unsigned long)&query);
	struct winmem_limit limit = limit_args(0, 0);
	struct winmem_reserve reserve = reserve_args(0, GRAN, READWRITE, 0);

	EXPECT_OK(ioctl(fd, WINMEM_IOC_INFO, &info));
	EXPECT_ERRNO(EPERM, ioctl(fd, WINMEM_IOC_QUERY, &query));
	EXPECT_ERRNO(EPERM, ioctl(fd, WINMEM_IOC_LIMIT, &limit));
	EXPECT_ERRNO(EPERM, ioctl(fd, WINMEM_IOC_RESERVE, &reserve));
}

static pid_t start_owner(int *sockets, int *fd, int *number)
{
	pid_t child;

	EXPECT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	child = start_child(owns, &sockets[1]);
	*fd = receive_fd(sockets[0], number);
	return child;
}

static void end_owner(int *sockets, pid_t child)
{
	FINISH_KILLED(child, SIGKILL);
	close(sockets[0]);
	close(sockets[1]);
}

/* Sent: it outlives its owner, and so does the charge. */
RACE(sent_and_kept)
{
	unsigned long before = total_charge();

	for (unsigned int i = 0; again(i, 12); i++) {
		int sockets[2], fd, number;
		pid_t child = start_owner(sockets, &fd, &number);

		dither(i);
		EXPECT_OK(kill(child, SIGKILL));
		for (unsigned int j = 0; j < 4; j++)
			check_foreign(fd);
		end_owner(sockets, child);
		check_foreign(fd);
		EXPECT_EQ(before + GRAN, total_charge());
		close(fd);
		EVENTUALLY(total_charge() == before);
	}
}
WIDENED(sent_and_kept, PROTECT, 2000)
WIDENED(sent_and_kept, OPEN, 2000)

/* Closed here at the moment the owner dies there: one of the two is the last. */
RACE(sent_and_closed)
{
	unsigned long before = total_charge();

	for (unsigned int i = 0; again(i, 12); i++) {
		int sockets[2], fd, number;
		pid_t child = start_owner(sockets, &fd, &number);

		EXPECT_OK(kill(child, SIGKILL));
		dither(i);
		close(fd);
		end_owner(sockets, child);
		EVENTUALLY(total_charge() == before);
	}
}
WIDENED(sent_and_closed, PROTECT, 2000)
WIDENED(sent_and_closed, END, 2000)

/* Taken from its owner again and again while that dies: it is there, or it is not. */
RACE(taken_while_the_owner_dies)
{
	unsigned long before = total_charge(), taken = 0;

	for (unsigned int i = 0; again(i, 12); i++) {
		int sockets[2], fd, number, pidfd;
		pid_t child = start_owner(sockets, &fd, &number);

		close(fd);
		pidfd = syscall(SYS_pidfd_open, child, 0);
		EXPECT_OK(pidfd);
		for (unsigned int j = 0; j < 10; j++) {
			fd = syscall(SYS_pidfd_getfd, pidfd, number, 0);
			if (j == 5)
				EXPECT_OK(kill(child, SIGKILL));
			if (fd < 0)
				continue;
			check_foreign(fd);
			close(fd);
			taken++;
		}
		close(pidfd);
		end_owner(sockets, child);
		EVENTUALLY(total_charge() == before);
	}
	EXPECT(taken);
}
WIDENED(taken_while_the_owner_dies, END, 2000)
