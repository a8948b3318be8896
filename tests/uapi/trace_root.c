// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoints: each call and each fault leaves a line, when root asks for it. */
#define _GNU_SOURCE
#include "common.h"

#include <fcntl.h>
#include <sys/mount.h>

#define TRACEFS	"/sys/kernel/tracing"

static bool trace_write(const char *name, const char *text)
{
	char path[128];
	bool done;
	int fd;

	snprintf(path, sizeof(path), TRACEFS "/%s", name);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

static void trace_begin(void)
{
	if (geteuid())
		skip_because("not root");
	if (access(TRACEFS "/trace", F_OK))
		mount("tracefs", TRACEFS, "tracefs", 0, NULL);
	if (access(TRACEFS "/events/winmem", F_OK))
		skip_because("no tracing here");
	EXPECT(trace_write("trace", ""));
	EXPECT(trace_write("events/winmem/enable", "1"));
}

/* What was traced since then. */
static const char *trace_end(void)
{
	static char text[1 << 20];
	size_t size = 0;
	ssize_t got;
	int fd;

	EXPECT(trace_write("events/winmem/enable", "0"));
	fd = open(TRACEFS "/trace", O_RDONLY | O_CLOEXEC);
	EXPECT_OK(fd);
	while ((got = read(fd, text + size, sizeof(text) - 1 - size)) > 0)
		size += got;
	EXPECT_OK(got);
	close(fd);
	text[size] = 0;
	return text;
}

__attribute__((format(printf, 3, 4)))
static void expect_line(const char *at, const char *trace, const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (!strstr(trace, line))
		check_failed(at, "not traced: %s", line);
}

#define EXPECT_LINE(...)	expect_line(HERE, trace, __VA_ARGS__)

TEST(calls_and_faults_are_traced)
{
	unsigned long base;
	const char *trace;

	trace_begin();
	base = reserve(GRAN);
	commit(base, 2 * PAGE, READWRITE);
	EXPECT(try_write(base + 5, 1));
	protect(base, PAGE, READONLY);
	EXPECT(!try_write(base + 7, 1));
	decommit(base, PAGE);
	EXPECT_ERRNO(ENXIO, raw_protect(base, PAGE, READWRITE));
	release(base);
	trace = trace_end();
	EXPECT_LINE("winmem_reserve: addr=0x%lx length=0x%lx prot=0x%x flags=0x0 ret=0\n", base, GRAN,
		    READWRITE);
	EXPECT_LINE("winmem_commit: addr=0x%lx length=0x%lx prot=0x%x ret=0\n", base, 2 * PAGE,
		    READWRITE);
	/* Its page; VM_FAULT_NOPAGE, and then VM_FAULT_SIGSEGV. */
	EXPECT_LINE("winmem_fault: addr=0x%lx access=0x2 state=0x3 ret=0x100\n", base);
	EXPECT_LINE("winmem_protect: addr=0x%lx length=0x%lx prot=0x%x ret=0\n", base, PAGE, READONLY);
	EXPECT_LINE("winmem_fault: addr=0x%lx access=0x2 state=0x2 ret=0x40\n", base);
	EXPECT_LINE("winmem_decommit: addr=0x%lx length=0x%lx prot=0x0 ret=0\n", base, PAGE);
	EXPECT_LINE("winmem_protect: addr=0x%lx length=0x%lx prot=0x%x ret=%d\n", base, PAGE, READWRITE,
		    -ENXIO);
	EXPECT_LINE("winmem_release: addr=0x%lx length=0x%lx prot=0x0 ret=0\n", base, GRAN);
}
