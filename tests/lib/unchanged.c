// SPDX-License-Identifier: GPL-2.0-only
/*
 * A failing call changes nothing: a table of every way a call can fail, each against the
 * same scene, with VirtualQuery, contents and commit charge compared before and after.
 *
 *	A	0123 45 6 7 8 ... CDEF ....	0x14 pages of 64 KiB and a bit:
 *		RW   RO N X G res RW   reserved	N: NOACCESS, X: EXECUTE_READ, G: RW + GUARD
 *	B	one block of 64 KiB, all RW; its neighbour C the same, reserved NOCACHE, RO
 *	FREE	behind them
 *	VIEW	Linux's shared memory; FILE: a file, shared and read-only
 */
#include "common.h"

#include <sys/mman.h>

#define A_SIZE		(20 * PAGE)
#define B_OFFSET	(2 * GRAN)
#define C_OFFSET	(3 * GRAN)
#define FREE_OFFSET	(4 * GRAN)
#define SCENE_SIZE	(6 * GRAN)
#define VIEW_SIZE	(4 * PAGE)

enum where { NOWHERE, A, B, C, FREE, VIEW, VIEW_FILE };
enum what {
	ALLOC, ALLOC_EX, ALLOC_APP, ALLOC2_AT, DO_FREE, FREE_EX,
	PROTECT, PROTECT_EX, PROTECT_APP, PROTECT_NO_OLD,
};

struct failing {
	const char *name;
	enum what what;
	enum where where;
	unsigned long offset;		/* from there; with NOWHERE the address itself */
	size_t size;
	DWORD type;			/* none for PROTECT */
	DWORD prot;			/* none for FREE */
	DWORD error;
	unsigned int limit;		/* so many pages would pass the limit; 0: none set */
};

struct scene {
	char *base;
	char *view;
	char *file;
};

#define R	MEM_RESERVE
#define COMMIT	MEM_COMMIT
#define RC	RESERVE_COMMIT
#define DECOMMIT MEM_DECOMMIT
#define RELEASE	MEM_RELEASE
#define G	PAGE_GUARD
#define NC	PAGE_NOCACHE
#define WCB	PAGE_WRITECOMBINE

#define LIMITED(name, limit, what, where, offset, size, type, prot, error) \
	{ name, what, where, offset, size, type, prot, error, limit }
#define ROW(name, what, where, offset, size, type, prot, error) \
	LIMITED(name, 0, what, where, offset, size, type, prot, error)

/* LIMITED: the number after the name is of pages, one more than may be committed. */
static const struct failing table[] = {
	/* name, call, where, offset, size, type, protection, error */
	ROW("VA01_reserve_size_0", ALLOC, NOWHERE, 0, 0, R, RW, 87),
	ROW("VA01_commit_size_0", ALLOC, A, 0, 0, COMMIT, RW, 87),
	ROW("VA02_size_max", ALLOC, A, 0, ~0UL, COMMIT, RW, 87),
	ROW("VA02_reserve_128T", ALLOC, NOWHERE, 0, 1UL << 47, R, RW, 87),
	ROW("VA03_no_hole", ALLOC, NOWHERE, 0, HIGHEST - 0x1ffff, R, RW, 8),
	LIMITED("VA04_new", 4, ALLOC, FREE, 0, 4 * PAGE, RC, RW, 1455),
	LIMITED("VA04_anywhere", 4, ALLOC, NOWHERE, 0, 4 * PAGE, RC, RW, 1455),
	LIMITED("VA04_reserved", 3, ALLOC, A, 9 * PAGE, 3 * PAGE, COMMIT, RW, 1455),
	LIMITED("VA04_mixed", 3, ALLOC, A, 0, 12 * PAGE, COMMIT, RO, 1455),
	LIMITED("VA04_execute", 1, ALLOC, A, 9 * PAGE, PAGE, COMMIT, XR, 1455),
	ROW("VA08_rest_of_64K", ALLOC, A, A_SIZE, PAGE, R, RW, 487),
	ROW("VA08_commit_rest", ALLOC, A, A_SIZE, PAGE, COMMIT, RW, 487),
	ROW("VA09_used_64K", ALLOC, A, A_SIZE + 0x800, 1, RC, RW, 487),
	ROW("VA10_over_reserved", ALLOC, A, 9 * PAGE, PAGE, R, RW, 487),
	ROW("VA10_over_committed", ALLOC, B, 0, GRAN, RC, RW, 487),
	ROW("VA10_across_B_and_C", ALLOC, B, 0, 2 * GRAN, RC, RW, 487),
	ROW("VA10_C_and_free", ALLOC, C, GRAN - 1, GRAN, RC, XRW, 487),
	ROW("VA10_over_a_view", ALLOC, VIEW, 0, PAGE, R, RW, 487),
	ROW("VA16_page_0", ALLOC, NOWHERE, 1, PAGE, R, RW, 87),
	ROW("VA17_above", ALLOC, NOWHERE, HIGHEST + 1, PAGE, RC, RW, 87),
	ROW("VA17_from_free_up", ALLOC, FREE, 0, HIGHEST, RC, RW, 87),
	ROW("VA19_commit_free", ALLOC, FREE, 0, PAGE, COMMIT, RW, 487),
	ROW("VA21_past_the_end", ALLOC, A, 9 * PAGE, 12 * PAGE, COMMIT, RW, 487),
	ROW("VA21_two_allocations", ALLOC, B, 0, 2 * GRAN, COMMIT, RW, 487),
	ROW("VA21_executable", ALLOC, C, 0, 2 * GRAN, COMMIT, XRW, 487),
	ROW("VA27_no_protection", ALLOC, A, 0, A_SIZE, COMMIT, 0, 87),
	ROW("VA27_writecopy", ALLOC, A, 0, A_SIZE, COMMIT, WC, 87),
	ROW("VA27_two_bits", ALLOC, A, 0, A_SIZE, COMMIT, RO | RW, 87),
	ROW("VA29_no_type", ALLOC, A, 0, A_SIZE, 0, RW, 87),
	ROW("VA29_top_down", ALLOC, A, 0, A_SIZE, MEM_TOP_DOWN, RW, 87),
	ROW("VA30_unknown_bit", ALLOC, A, 0, A_SIZE, COMMIT | 1, RW, 87),
	ROW("VA30_decommit", ALLOC, A, 0, A_SIZE, DECOMMIT, RW, 87),
	ROW("VA30_release", ALLOC, A, 0, A_SIZE, RELEASE, RW, 87),
	ROW("VA32_placeholder", ALLOC, FREE, 0, GRAN, R | MEM_RESERVE_PLACEHOLDER, NA, 87),
	ROW("VA33_write_watch", ALLOC, A, 0, A_SIZE, COMMIT | MEM_WRITE_WATCH, RW, 87),
	ROW("VA41_alloc", ALLOC_EX, A, 0, A_SIZE, COMMIT, RW, 6),
	ROW("VA41_reserve", ALLOC_EX, FREE, 0, GRAN, R, RW, 6),
	ROW("VA42_reserve", ALLOC_APP, FREE, 0, GRAN, R, XR, 87),
	ROW("VA42_commit", ALLOC_APP, A, 0, A_SIZE, COMMIT, XRW, 87),
	ROW("PL45_commit", ALLOC2_AT, A, 0, A_SIZE, COMMIT, RW, 87),
	ROW("PL45_reserve", ALLOC2_AT, FREE, 0, GRAN, R, RW, 87),

	ROW("VR04_past_the_end", ALLOC, A, 0, A_SIZE + 1, MEM_RESET, RW, 487),
	ROW("VR04_two_allocations", ALLOC, B, 0, 2 * GRAN, MEM_RESET, RW, 487),
	ROW("VR04_free", ALLOC, FREE, 0, PAGE, MEM_RESET, RW, 487),
	ROW("VR04_undo", ALLOC, B, 0, 2 * GRAN, MEM_RESET_UNDO, RW, 487),
	ROW("VR05_with_commit", ALLOC, A, 0, A_SIZE, MEM_RESET | COMMIT, RW, 87),
	ROW("VR05_with_reserve", ALLOC, A, 0, A_SIZE, MEM_RESET | R, RW, 87),
	ROW("VR06_no_protection", ALLOC, A, 0, A_SIZE, MEM_RESET, 0, 87),
	ROW("VR09_file_view", ALLOC, VIEW_FILE, 0, PAGE, MEM_RESET, RW, 1224),
	ROW("VR13_with_commit", ALLOC, A, 0, A_SIZE, MEM_RESET_UNDO | COMMIT, RW, 87),

	ROW("P03_protect", PROTECT, B, 0, GRAN, 0, XWC, 87),
	ROW("P06_guard_noaccess", PROTECT, B, 0, GRAN, 0, NA | G, 87),
	ROW("P07_guard_nocache", PROTECT, B, 0, GRAN, 0, RW | G | NC, 87),
	ROW("P08_noaccess_nocache", PROTECT, B, 0, GRAN, 0, NA | NC, 87),
	ROW("P09_both_caches", PROTECT, B, 0, GRAN, 0, RW | NC | WCB, 87),
	ROW("P15_unknown_bit", PROTECT, B, 0, GRAN, 0, 0x1004, 87),
	ROW("P15_commit", ALLOC, A, 0, A_SIZE, COMMIT, 0x1004, 87),

	ROW("VF01_no_type", DO_FREE, A, 0, 0, 0, 0, 87),
	ROW("VF01_both", DO_FREE, A, 0, 0, RELEASE | DECOMMIT, 0, 87),
	ROW("VF01_mem_free", DO_FREE, A, 0, 0, MEM_FREE, 0, 87),
	ROW("VF02_whole_size", DO_FREE, A, 0, A_SIZE, RELEASE, 0, 87),
	ROW("VF05_not_at_base", DO_FREE, A, PAGE, 0, RELEASE, 0, 487),
	ROW("VF06_not_there", DO_FREE, FREE, 0, 0, RELEASE, 0, 487),
	ROW("VF07_not_there", DO_FREE, FREE, 0, PAGE, DECOMMIT, 0, 487),
	ROW("VF08_null", DO_FREE, NOWHERE, 0, 0, RELEASE, 0, 487),
	ROW("VF15_not_at_base", DO_FREE, A, PAGE, 0, DECOMMIT, 0, 487),
	ROW("VF16_past_the_end", DO_FREE, A, 0, A_SIZE + 1, DECOMMIT, 0, 87),
	ROW("VF16_two_allocations", DO_FREE, B, 0, 2 * GRAN, DECOMMIT, 0, 87),
	ROW("VF16_everything", DO_FREE, A, 0, ~0UL, DECOMMIT, 0, 87),
	ROW("VF19_decommit", DO_FREE, VIEW, 0, PAGE, DECOMMIT, 0, 87),
	ROW("VF19_release", DO_FREE, VIEW, 0, 0, RELEASE, 0, 87),
	ROW("VF19_file", DO_FREE, VIEW_FILE, 0, 0, RELEASE, 0, 87),
	ROW("VA41_free", FREE_EX, A, 0, 0, RELEASE, 0, 6),

	ROW("VP01_reserved", PROTECT, A, 9 * PAGE, PAGE, 0, RW, 487),
	ROW("VP02_partly", PROTECT, A, 0, A_SIZE, 0, RO, 487),
	ROW("VP02_execute", PROTECT, A, 0, 10 * PAGE, 0, XRW, 487),
	ROW("VP03_free", PROTECT, FREE, 0, PAGE, 0, RW, 487),
	ROW("VP04_two_allocations", PROTECT, B, 0, 2 * GRAN, 0, RO, 487),
	ROW("VP04_execute", PROTECT, B, 0, 2 * GRAN, 0, XR, 487),
	ROW("VP05_no_old", PROTECT_NO_OLD, B, 0, GRAN, 0, XR, 998),
	ROW("VP06_size_0", PROTECT, B, 0, 0, 0, RO, 87),
	ROW("VP12_writecopy", PROTECT, B, 0, GRAN, 0, WC, 87),
	ROW("VP14_into_the_kernel", PROTECT, B, 0, ~0UL, 0, RO, 87),
	ROW("VP14_null", PROTECT, NOWHERE, 0, PAGE, 0, RO, 487),
	ROW("VP18_writable_file", PROTECT, VIEW_FILE, 0, PAGE, 0, RW, 87),
	ROW("VP18_copy_of_memory", PROTECT, VIEW, 0, PAGE, 0, WC, 87),
	ROW("VA41_protect", PROTECT_EX, A, 0, PAGE, 0, RO, 6),
	ROW("VA42_protect", PROTECT_APP, B, 0, GRAN, 0, XRW, 87),
};

static void build_a(char *a)
{
	reserve_at(a, A_SIZE);
	commit(a, 9 * PAGE, RW);
	commit(a + 12 * PAGE, 4 * PAGE, RW);
	fill(a, 9 * PAGE, 1);
	fill(a + 12 * PAGE, 4 * PAGE, 2);
	protect(a + 4 * PAGE, 2 * PAGE, RO);
	protect(a + 6 * PAGE, PAGE, NA);
	protect(a + 7 * PAGE, PAGE, XR);
	protect(a + 8 * PAGE, PAGE, RW | PAGE_GUARD);
}

static void build(struct scene *scene)
{
	char *base = free_place(SCENE_SIZE);

	build_a(base);
	EXPECT_OK(VirtualAlloc(base + B_OFFSET, GRAN, RC, RW));
	fill(base + B_OFFSET, GRAN, 3);
	EXPECT_OK(VirtualAlloc(base + C_OFFSET, GRAN, RC, RW | NC));
	fill(base + C_OFFSET, GRAN, 4);
	protect(base + C_OFFSET, GRAN, RO);
	scene->base = base;
	scene->view = map_shared(VIEW_SIZE);
	fill(scene->view, VIEW_SIZE, 5);
	scene->file = map_file(PAGE, MAP_SHARED, PROT_READ);
}

static void tear_down(struct scene *scene)
{
	release(scene->base);
	release(scene->base + B_OFFSET);
	release(scene->base + C_OFFSET);
	munmap(scene->view, VIEW_SIZE);
	munmap(scene->file, PAGE);
}

static char *place(const struct scene *scene, const struct failing *row)
{
	switch (row->where) {
	case A:
		return scene->base + row->offset;
	case B:
		return scene->base + B_OFFSET + row->offset;
	case C:
		return scene->base + C_OFFSET + row->offset;
	case FREE:
		return scene->base + FREE_OFFSET + row->offset;
	case VIEW:
		return scene->view + row->offset;
	case VIEW_FILE:
		return scene->file + row->offset;
	default:
		return (char *)row->offset;
	}
}

static bool alloc2_at(char *addr, const struct failing *row)
{
	MEM_ADDRESS_REQUIREMENTS req = { .Alignment = GRAN };
	MEM_EXTENDED_PARAMETER param = { .Pointer = &req };

	param.Type = MemExtendedParameterAddressRequirements;
	return VirtualAlloc2(NULL, addr, row->size, row->type, row->prot, &param, 1);
}

static bool call(char *addr, const struct failing *row)
{
	DWORD old;

	switch (row->what) {
	case ALLOC:
		return VirtualAlloc(addr, row->size, row->type, row->prot);
	case ALLOC_EX:
		return VirtualAllocEx(NULL, addr, row->size, row->type, row->prot);
	case ALLOC_APP:
		return VirtualAllocFromApp(addr, row->size, row->type, row->prot);
	case ALLOC2_AT:
		return alloc2_at(addr, row);
	case DO_FREE:
		return VirtualFree(addr, row->size, row->type);
	case FREE_EX:
		return VirtualFreeEx(NULL, addr, row->size, row->type);
	case PROTECT:
		return VirtualProtect(addr, row->size, row->prot, &old);
	case PROTECT_EX:
		return VirtualProtectEx(NULL, addr, row->size, row->prot, &old);
	case PROTECT_APP:
		return VirtualProtectFromApp(addr, row->size, row->prot, &old);
	case PROTECT_NO_OLD:
		return VirtualProtect(addr, row->size, row->prot, NULL);
	default:
		return true;
	}
}

/* What VirtualQuery cannot show: that pages still do what it says. */
static void check_scene(const struct scene *scene)
{
	char *a = scene->base;

	expect_access(a + 3 * PAGE, "rw-");
	expect_access(a + 5 * PAGE, "r--");
	expect_access(a + 6 * PAGE, "---");
	EXPECT(!try_write(a + 7 * PAGE));
	EXPECT(!try_read(a + 8 * PAGE) && try_read(a + 8 * PAGE));
	expect_access(a + 9 * PAGE, "---");
	expect_access(a + B_OFFSET, "rw-");
	expect_access(a + C_OFFSET, "r--");
	expect_access(a + FREE_OFFSET, "---");
	expect_access(scene->view, "rw-");
	expect_access(scene->file, "r--");
}

static void changes_nothing(void **state)
{
	const struct failing *row = *state;
	struct snapshot *scene_before, *view_before, *file_before;
	struct scene scene;

	build(&scene);
	scene_before = snapshot_take(HERE, scene.base, SCENE_SIZE);
	view_before = snapshot_take(HERE, scene.view, VIEW_SIZE);
	file_before = snapshot_take(HERE, scene.file, PAGE);
	if (row->limit)
		limit_set(charge() + (row->limit - 1) * PAGE);
	EXPECT_ERROR(row->error, call(place(&scene, row), row));
	limit_set(~0UL);
	snapshot_check(HERE, scene_before);
	snapshot_check(HERE, view_before);
	snapshot_check(HERE, file_before);
	check_scene(&scene);
	tear_down(&scene);
}

__attribute__((constructor)) static void add_rows(void)
{
	for (unsigned int i = 0; i < ARRAY_LEN(table); i++)
		test_add(table[i].name, changes_nothing, (void *)&table[i]);
}
