// SPDX-License-Identifier: GPL-2.0-only
#include "harness.h"
#include "maps.h"

static bool vma_parse(const char *line, struct vma *vma)
{
	*vma = (struct vma) { 0 };
	return sscanf(line, "%lx-%lx %4s %*x %*s %*u %127[^\n]", &vma->start, &vma->end,
		      vma->perms, vma->path) >= 3;
}

/* The first mapping that ends above @addr, or with @addr ~0 just count them. */
static bool vma_walk(unsigned long addr, struct vma *vma, unsigned int *nr)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	bool found = false;
	char line[512];

	if (!maps)
		check_failed(HERE, "/proc/self/maps: %s", strerror(errno));
	for (*nr = 0; !found && fgets(line, sizeof(line), maps); ++*nr)
		found = vma_parse(line, vma) && vma->end > addr;
	fclose(maps);
	return found;
}

unsigned int vma_count(void)
{
	struct vma vma;
	unsigned int nr;

	vma_walk(~0UL, &vma, &nr);
	return nr;
}

bool vma_find(unsigned long addr, struct vma *vma)
{
	unsigned int nr;

	return vma_walk(addr, vma, &nr);
}

bool vma_covers(unsigned long addr)
{
	struct vma vma;

	return vma_find(addr, &vma) && vma.start <= addr;
}

/* The module's own mappings; to the program their address space is free or reserved. */
bool vma_is_window(const struct vma *vma)
{
	return !strcmp(vma->path, "/winmem (deleted)");
}
