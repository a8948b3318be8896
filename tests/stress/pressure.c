// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model.h"
#include "pressure.h"

static pid_t hog;
static unsigned long out_before, in_before;
static unsigned long swapped_sum;	/* KiB of winmem's that were in swap and came back */

/* A number behind a name, in a file of lines. */
static unsigned long look_up(const char *path, const char *name)
{
	unsigned long value = 0;
	size_t length = strlen(name);
	char line[256];
	FILE *file = fopen(path, "re");

	if (!file) {
		perror(path);
		exit(1);
	}
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, length) && (line[length] == ' ' || line[length] == ':'))
			value = strtoul(line + length + 1, NULL, 10);
	fclose(file);
	return value;
}

/* Touch a part after the other, for ever; it is read as well, so that it must come back. */
static void eat(unsigned long bytes)
{
	volatile char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		_exit(1);
	for (;;) {
		for (unsigned long i = 0; i < bytes; i += PAGE) {
			memory[i]++;
			if (i % (4UL << 20) == 0)
				usleep(10000);
		}
	}
}

void pressure_begin(void)
{
	unsigned long free_swap = look_up("/proc/meminfo", "SwapFree");
	unsigned long available = look_up("/proc/meminfo", "MemAvailable");
	FILE *file;

	if (!free_swap) {
		printf("not ok - there is no swap\n0 passed, 1 failed\n");
		exit(1);
	}
	out_before = look_up("/proc/vmstat", "pswpout");
	in_before = look_up("/proc/vmstat", "pswpin");
	hog = fork();
	if (hog)
		return;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	file = fopen("/proc/self/oom_score_adj", "we");
	if (file) {
		fputs("1000", file);
		fclose(file);
	}
	eat(available << 10);
}

/* What of winmem's is in swap, in KiB. */
static unsigned long swapped(void)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long sum = 0, value;
	bool ours = false;
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		/* The first line of a mapping has no colon after its first word. */
		if (line[strcspn(line, " :")] == ' ')
			ours = strstr(line, "/winmem (deleted)");
		else if (ours && sscanf(line, "Swap: %lu", &value) == 1)
			sum += value;
	}
	if (file)
		fclose(file);
	return sum;
}

/* After each look everything is checked, and so brought back. */
void pressure_look(void)
{
	if (hog)
		swapped_sum += swapped();
}

bool pressure_end(void)
{
	unsigned long out = look_up("/proc/vmstat", "pswpout") - out_before;
	unsigned long in = look_up("/proc/vmstat", "pswpin") - in_before;
	bool enough = out > 1000 && in > 1000 && swapped_sum > 4000;
	int status;

	kill(hog, SIGKILL);
	waitpid(hog, &status, 0);
	printf("%sok - %lu pages went to swap and %lu came back, of winmem's at least %lu\n",
	       enough ? "" : "not ", out, in, swapped_sum / 4);
	return enough;
}
