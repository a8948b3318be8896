// SPDX-License-Identifier: GPL-2.0-only
#include "child.h"

#include <sys/mman.h>
#include <sys/wait.h>

pid_t start_child(void (*function)(void *arg), void *arg)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child)
		return child;
	alarm(TEST_SECONDS);
	function(arg);
	_exit(0);
}

void finish_child(const char *at, pid_t child, int signo)
{
	int status;

	if (child == -1 || waitpid(child, &status, 0) != child)
		check_failed(at, "no child: %s", strerror(errno));
	if (signo ? !WIFSIGNALED(status) || WTERMSIG(status) != signo : status)
		check_failed(at, "the child ended with status %#x", status);
}

void *shared_page(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		check_failed(HERE, "mmap: %s", strerror(errno));
	return page;
}
