// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hold memory of winmem's by nothing but its mapping: no descriptor is left open. Prints
 * "held" when it is so, and waits for a signal.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/winmem.h>

#define LENGTH 0x10000

int main(void)
{
	struct winmem_reserve reserve = {
		.size = sizeof(reserve),
		.flags = WINMEM_RESERVE_COMMIT,
		.prot = WINMEM_PROT_READWRITE,
		.length = LENGTH,
	};
	int fd = open("/dev/winmem", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, WINMEM_IOC_RESERVE, &reserve)) {
		perror("hold");
		return 1;
	}
	close(fd);
	memset((void *)reserve.out_addr, 1, LENGTH);
	puts("held");
	fflush(stdout);
	pause();
	return 0;
}
