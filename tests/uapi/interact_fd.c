// SPDX-License-Identifier: GPL-2.0-only
/*
 * The descriptor: what one open file stands for, closing and opening again, giving it
 * away, and the file operations that are not there. And what /proc tells.
 */
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

TEST(opened_twice_is_the_same_space)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	struct winmem_query query_it = query_args(base);
	struct winmem_protect protect_it = protect_args(base, PAGE, READONLY);
	int second = OPEN_DEVICE();

	EXPECT_OK(ioctl(second, WINMEM_IOC_QUERY, &query_it));
	EXPECT_EQ(base, query_it.out_alloc_base);
	EXPECT_OK(ioctl(second, WINMEM_IOC_PROTECT, &protect_it));
	EXPECT_EQ(READONLY, query(base).out_prot);
	close(second);
	EXPECT_EQ(READONLY, query(base).out_prot);
	EXPECT(!try_write(base, 1));
}

TEST(memory_outlives_the_descriptor)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	fill(base, GRAN, 1);
	protect(base + PAGE, PAGE, NOACCESS);
	close(dev);
	EXPECT(filled(base, PAGE, 1));
	EXPECT(!try_read(base + PAGE));
	/* A page that was not touched yet comes all the same. */
	EXPECT(try_write(base + 2 * PAGE, 2));
	dev = OPEN_DEVICE();
	EXPECT_EQ(GRAN, charge());
	EXPECT_COMMITTED(base + PAGE, PAGE, NOACCESS);
	release(base);
}

TEST(opened_and_closed_a_thousand_times)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);

	fill(base, GRAN, 2);
	for (int i = 0; i < 1000; i++)
		close(OPEN_DEVICE());
	for (int i = 0; i < 1000; i++) {
		close(dev);
		dev = OPEN_DEVICE();
	}
	EXPECT(filled(base, GRAN, 2));
	EXPECT_EQ(GRAN, charge());
}

static void opens_and_closes(void *arg)
{
	(void)arg;
	/* No mapping is made here: each close ends a space. */
	for (int i = 0; i < 1000; i++)
		close(OPEN_DEVICE());
	for (int i = 0; i < 50; i++) {
		dev = OPEN_DEVICE();
		reserve(GRAN);
		close(dev);
	}
	dev = OPEN_DEVICE();
	EXPECT_EQ(0, charge());
}

TEST(spaces_without_mappings_come_and_go)
{
	IN_CHILD(opens_and_closes, NULL);
}

TEST(duplicates_are_the_same_file)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	int copy = dup(dev), far = fcntl(dev, F_DUPFD_CLOEXEC, 200);
	struct winmem_query args = query_args(base);

	EXPECT_OK(copy);
	EXPECT_OK(far);
	close(dev);
	EXPECT_OK(ioctl(copy, WINMEM_IOC_QUERY, &args));
	EXPECT_OK(ioctl(far, WINMEM_IOC_QUERY, &args));
	dev = copy;
	close(far);
	EXPECT_EQ(GRAN, charge());
}

TEST(the_device_can_be_opened_by_everybody)
{
	struct stat stat;

	EXPECT_OK(fstat(dev, &stat));
	EXPECT(S_ISCHR(stat.st_mode));
	EXPECT_EQ(0666, stat.st_mode & 0777);
}

TEST(read_and_write_are_refused)
{
	char byte = 0;
	struct iovec vec = { &byte, 1 };

	EXPECT_ERRNO(EINVAL, read(dev, &byte, 1));
	EXPECT_ERRNO(EINVAL, write(dev, &byte, 1));
	EXPECT_ERRNO(EINVAL, readv(dev, &vec, 1));
	EXPECT_ERRNO(EINVAL, writev(dev, &vec, 1));
	EXPECT_EQ(-1ULL, (long)pread(dev, &byte, 1, 4096));
	EXPECT_EQ(-1ULL, (long)pwrite(dev, &byte, 1, 4096));
	EXPECT_EQ(-1ULL, (long)fallocate(dev, 0, 0, 4096));
	EXPECT_EQ(-1ULL, (long)ftruncate(dev, 4096));
	EXPECT_EQ(-1ULL, (long)fsync(dev));
}

TEST(poll_and_lseek_do_nothing)
{
	struct pollfd polled = { .fd = dev, .events = POLLIN | POLLOUT };
	unsigned long base = reserve_commit(GRAN, READWRITE);

	EXPECT(poll(&polled, 1, 0) >= 0);
	EXPECT_EQ(0, polled.revents & (POLLERR | POLLHUP | POLLNVAL));
	EXPECT(lseek(dev, 4096, SEEK_SET) == -1 || lseek(dev, 0, SEEK_CUR) >= 0);
	EXPECT_COMMITTED(base, GRAN, READWRITE);
}

/* But for the page that counts changes, as tests/uapi/counter.c has it. */
static bool is_the_count(int prot, unsigned long offset, unsigned long length)
{
	return !(prot & ~PROT_READ) && !offset && length == PAGE;
}

TEST(sec01_the_device_cannot_be_mapped)
{
	const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
			      PROT_READ | PROT_WRITE | PROT_EXEC };
	const unsigned long offsets[] = { 0, PAGE, 1UL << 46, (1UL << 63) - PAGE };
	const unsigned long lengths[] = { PAGE, GRAN, TIB };
	unsigned int before = vma_count();

	for (unsigned int i = 0; i < ARRAY_LEN(prots); i++) {
		for (unsigned int j = 0; j < ARRAY_LEN(offsets); j++) {
			for (unsigned int k = 0; k < ARRAY_LEN(lengths); k++) {
				EXPECT(is_the_count(prots[i], offsets[j], lengths[k]) ||
				       mmap(NULL, lengths[k], prots[i], MAP_SHARED, dev,
					    offsets[j]) == MAP_FAILED);
				EXPECT(mmap(NULL, lengths[k], prots[i], MAP_PRIVATE, dev,
					    offsets[j]) == MAP_FAILED);
			}
		}
	}
	EXPECT_EQ(before, vma_count());
}

/* A descriptor in another process, sent through a socket. */
static void send_fd(int socket, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec vec = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vec, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	EXPECT_EQ(1, sendmsg(socket, &message, 0));
}

static int receive_fd(int socket)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec vec = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vec, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	int fd = -1;

	EXPECT_EQ(1, recvmsg(socket, &message, 0));
	EXPECT(CMSG_FIRSTHDR(&message));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return fd;
}

static unsigned long sent_base;

static void sends_and_stays(void *arg)
{
	int *sockets = arg;
	char byte;

	dev = OPEN_DEVICE();
	sent_base = reserve_commit(GRAN, READWRITE);
	fill(sent_base, GRAN, 3);
	EXPECT_EQ(8, write(sockets[1], &sent_base, 8));
	send_fd(sockets[1], dev);
	/* Until the other has tried everything. */
	EXPECT_EQ(1, read(sockets[1], &byte, 1));
	EXPECT(filled(sent_base, GRAN, 3));
	EXPECT_COMMITTED(sent_base, GRAN, READWRITE);
}

static void check_foreign_fd(const char *at, int fd, unsigned long base)
{
	struct winmem_info info_it = info_args();
	struct winmem_query query_it = query_args(base);
	struct winmem_protect protect_it = protect_args(base, PAGE, READONLY);
	struct winmem_reserve reserve_it = reserve_args(0, GRAN, READWRITE, 0);
	struct winmem_release release_it = release_args(base);

	if (ioctl(fd, WINMEM_IOC_INFO, &info_it))
		check_failed(at, "INFO: %s", strerror(errno));
	check_errno(at, "QUERY", EPERM, ioctl(fd, WINMEM_IOC_QUERY, &query_it));
	check_errno(at, "PROTECT", EPERM, ioctl(fd, WINMEM_IOC_PROTECT, &protect_it));
	check_errno(at, "RESERVE", EPERM, ioctl(fd, WINMEM_IOC_RESERVE, &reserve_it));
	check_errno(at, "RELEASE", EPERM, ioctl(fd, WINMEM_IOC_RELEASE, &release_it));
	if (mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED)
		check_failed(at, "mmap worked");
}

static void read_fdinfo(int fd, char *text, size_t size)
{
	char path[64];
	ssize_t done;
	int info_fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info_fd = open(path, O_RDONLY | O_CLOEXEC);
	EXPECT_OK(info_fd);
	done = read(info_fd, text, size - 1);
	EXPECT(done >= 0);
	text[done] = 0;
	close(info_fd);
}

TEST(sec14_a_descriptor_sent_to_another_process)
{
	unsigned long before = limit_at(HERE, 0, 0).out_total_charge;
	char text[4096];
	int sockets[2], fd;
	pid_t child;

	EXPECT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	child = start_child(sends_and_stays, sockets);
	EXPECT_EQ(8, read(sockets[0], &sent_base, 8));
	fd = receive_fd(sockets[0]);
	EXPECT_OK(fd);
	check_foreign_fd(HERE, fd, sent_base);
	read_fdinfo(fd, text, sizeof(text));
	EXPECT_EQ(1, write(sockets[0], "", 1));
	FINISH(child);

	/* The owner has died. What is left answers as before, and costs nothing more. */
	check_foreign_fd(HERE, fd, sent_base);
	read_fdinfo(fd, text, sizeof(text));
	EXPECT(!try_read(sent_base));
	close(fd);
	EVENTUALLY(limit_at(HERE, 0, 0).out_total_charge == before);
	close(sockets[0]);
	close(sockets[1]);
}

static void receives_and_tries(void *arg)
{
	int *sockets = arg, fd;
	unsigned long base;

	EXPECT_EQ(8, read(sockets[1], &base, 8));
	fd = receive_fd(sockets[1]);
	check_foreign_fd(HERE, fd, base);
	/* Ours and theirs side by side: each answers for its own. */
	dev = OPEN_DEVICE();
	EXPECT_FREE(base);
	reserve_at(HERE, base, GRAN, READWRITE, WINMEM_RESERVE_COMMIT);
	check_foreign_fd(HERE, fd, base);
	close(fd);
	EXPECT_COMMITTED(base, GRAN, READWRITE);
}

TEST(sec14_the_receiver_has_a_space_of_its_own)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	int sockets[2];
	pid_t child;

	fill(base, GRAN, 4);
	EXPECT_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
	child = start_child(receives_and_tries, sockets);
	EXPECT_EQ(8, write(sockets[0], &base, 8));
	send_fd(sockets[0], dev);
	FINISH(child);
	EXPECT(filled(base, GRAN, 4));
	EXPECT_COMMITTED(base, GRAN, READWRITE);
	close(sockets[0]);
	close(sockets[1]);
}

/* A descriptor in a socket that nobody reads, both ends closed. */
TEST(sec14_a_descriptor_in_flight_when_its_socket_is_closed)
{
	unsigned long base = reserve_commit(GRAN, READWRITE);
	int sockets[2];

	EXPECT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	send_fd(sockets[0], dev);
	close(sockets[0]);
	close(sockets[1]);
	EXPECT_COMMITTED(base, GRAN, READWRITE);
}

/* The lines are for people and tools: each reservation has one with its range. */
TEST(fdinfo_lists_the_reservations)
{
	unsigned long first = reserve_commit(GRAN, READWRITE), second = reserve(3 * GRAN);
	char text[16384], line[64];

	protect(first + PAGE, PAGE, READONLY);
	read_fdinfo(dev, text, sizeof(text));
	snprintf(line, sizeof(line), "region\t%lx-%lx", first, first + GRAN);
	EXPECT(strstr(text, line));
	snprintf(line, sizeof(line), "region\t%lx-%lx", second, second + 3 * GRAN);
	EXPECT(strstr(text, line));
	snprintf(line, sizeof(line), "run\t%lx-%lx %#x", first + PAGE, first + 2 * PAGE, READONLY);
	EXPECT(strstr(text, line));
	release(second);
	read_fdinfo(dev, text, sizeof(text));
	snprintf(line, sizeof(line), "%lx-%lx", second, second + 3 * GRAN);
	EXPECT(!strstr(text, line));
}

static void shows_its_limit(void *arg)
{
	char text[16384], line[64];

	(void)arg;
	dev = OPEN_DEVICE();
	reserve_commit(GRAN, READWRITE);
	read_fdinfo(dev, text, sizeof(text));
	EXPECT(strstr(text, "winmem-limit:\tnone\n"));
	limit_set(5 * GRAN);
	read_fdinfo(dev, text, sizeof(text));
	snprintf(line, sizeof(line), "winmem-charge:\t%lu\nwinmem-limit:\t%lu\n", GRAN / PAGE,
		 5 * GRAN / PAGE);
	EXPECT(strstr(text, line));
}

/* A child has a limit of its own. */
TEST(fdinfo_has_the_charge_and_the_limit)
{
	IN_CHILD(shows_its_limit, NULL);
}

TEST(sec16_fdinfo_of_a_space_with_very_many_runs)
{
	unsigned long base = reserve_commit(8 * CHUNK, READWRITE);
	char path[64], text[4096];
	size_t sum = 0;
	ssize_t done;
	int fd;

	for (unsigned long offset = 0; offset < 8 * CHUNK; offset += 2 * PAGE)
		protect(base + offset, PAGE, READONLY);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", dev);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while ((done = read(fd, text, sizeof(text))) > 0)
		sum += done;
	EXPECT_EQ(0, done);
	EXPECT(sum > 4096 * 20);
	close(fd);
}

/* Every file of /proc that looks at mappings. */
TEST(proc_files_are_readable)
{
	const char *const files[] = { "maps", "smaps", "smaps_rollup", "numa_maps", "status",
				      "statm", "stat", "oom_score" };
	unsigned long base = reserve_commit(CHUNK, READWRITE);

	fill(base, GRAN, 5);
	protect(base, PAGE, NOACCESS);
	for (unsigned int i = 0; i < ARRAY_LEN(files); i++) {
		char path[64], text[4096];
		size_t sum = 0;
		ssize_t done;
		int fd;

		snprintf(path, sizeof(path), "/proc/self/%s", files[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		EXPECT_OK(fd);
		while ((done = read(fd, text, sizeof(text))) > 0)
			sum += done;
		if (done < 0 || !sum)
			check_failed(HERE, "%s: %s", path, done < 0 ? strerror(errno) : "empty");
		close(fd);
	}
	EXPECT(filled(base + PAGE, GRAN - PAGE, 5));
}

/* smaps sees the pages: what is touched is resident, what is not is not. */
TEST(smaps_counts_touched_pages)
{
	unsigned long base = reserve_at(HERE, find_hole(GIB), 4 * CHUNK, READWRITE,
					WINMEM_RESERVE_COMMIT);
	char line[256], start[32];
	bool ours = false;
	long resident = -1;
	FILE *smaps;

	for (unsigned long i = 0; i < 32; i++)
		EXPECT(try_write(base + i * 3 * PAGE, 1));
	snprintf(start, sizeof(start), "%lx-", base);
	smaps = fopen("/proc/self/smaps", "re");
	EXPECT(smaps);
	while (resident < 0 && fgets(line, sizeof(line), smaps)) {
		if (!strncmp(line, start, strlen(start)))
			ours = true;
		if (ours)
			sscanf(line, "Rss: %ld", &resident);
	}
	fclose(smaps);
	EXPECT_EQ(32 * PAGE / 1024, resident);
}

static int pidfd_get(pid_t pid, int fd)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	int got = syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	close(pidfd);
	return got;
}

static void waits_with_memory(void *arg)
{
	int *sockets = arg;
	char byte;

	dev = OPEN_DEVICE();
	sent_base = reserve_commit(GRAN, READWRITE);
	EXPECT_EQ(8, write(sockets[1], &sent_base, 8));
	EXPECT_EQ(4, write(sockets[1], &dev, 4));
	EXPECT_EQ(1, read(sockets[1], &byte, 1));
}

TEST(sec14_a_descriptor_taken_with_pidfd_getfd)
{
	int sockets[2], number, fd;
	pid_t child;

	EXPECT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	child = start_child(waits_with_memory, sockets);
	EXPECT_EQ(8, read(sockets[0], &sent_base, 8));
	EXPECT_EQ(4, read(sockets[0], &number, 4));
	fd = pidfd_get(child, number);
	if (fd >= 0)
		check_foreign_fd(HERE, fd, sent_base);
	EXPECT_EQ(1, write(sockets[0], "", 1));
	FINISH(child);
	if (fd < 0)
		skip_because("pidfd_getfd is not allowed here");
	close(fd);
	close(sockets[0]);
	close(sockets[1]);
}
