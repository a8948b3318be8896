// SPDX-License-Identifier: GPL-2.0-only
/*
 * From VirtualAlloc's words to a request: lib/request.c for every combination of type
 * bits against a list of the ones that are valid, and the extended parameters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../lib/prot.c"
#include "../../lib/range.c"
#include "../../lib/request.c"

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))
#define ADDR		UINT64_C(0x200000)
#define SIZE		UINT64_C(0x200000)	/* also good for large pages */

static int parse(struct winmem_request *request, uint64_t addr, uint64_t size, DWORD type,
		 DWORD prot)
{
	const struct winmem_words words = {
		.addr = addr, .size = size, .type = type, .prot = prot,
	};

	return winmem_request_parse(request, &words);
}

/* Rows VA29 to VA38, VR05, VR13: all there are. TOP_DOWN goes with any of the first group. */
static const struct {
	DWORD type;
	int ret;
} valid[] = {
	{ MEM_RESERVE, 0 },
	{ MEM_COMMIT, 0 },
	{ MEM_RESERVE | MEM_COMMIT, 0 },
	{ MEM_RESERVE | MEM_WRITE_WATCH, 0 },
	{ MEM_RESERVE | MEM_COMMIT | MEM_WRITE_WATCH, 0 },
	{ MEM_RESERVE | MEM_PHYSICAL, ENOSYS },
	{ MEM_RESERVE | MEM_COMMIT | MEM_LARGE_PAGES, 0 },
};

static int expected(DWORD type)
{
	if (type == MEM_RESET || type == MEM_RESET_UNDO)
		return 0;
	for (unsigned int i = 0; i < ARRAY_LEN(valid); i++) {
		if ((type & ~MEM_TOP_DOWN) == valid[i].type)
			return valid[i].ret;
	}
	return EINVAL;
}

static DWORD pick(const DWORD *bits, unsigned int nr, unsigned int choice)
{
	DWORD type = 0;

	for (unsigned int i = 0; i < nr; i++)
		type |= choice & 1U << i ? bits[i] : 0;
	return type;
}

static void every_combination_of_types(void **state)
{
	static const DWORD bits[] = {
		MEM_COMMIT, MEM_RESERVE, MEM_RESET, MEM_RESET_UNDO, MEM_TOP_DOWN,
		MEM_WRITE_WATCH, MEM_PHYSICAL, MEM_LARGE_PAGES, MEM_DECOMMIT, MEM_RELEASE,
		MEM_RESERVE_PLACEHOLDER, 0x1, 0x10000, 0x800000, 0x80000000,
	};
	struct winmem_request request;

	(void)state;
	for (unsigned int choice = 0; choice < 1U << ARRAY_LEN(bits); choice++) {
		DWORD type = pick(bits, ARRAY_LEN(bits), choice);

		assert_int_equal(parse(&request, ADDR, SIZE, type, PAGE_READWRITE), expected(type));
	}
}

static void what_is_asked_of_the_kernel(void **state)
{
	static const struct {
		uint64_t addr;
		DWORD type;
		enum winmem_request_op op;
		uint32_t flags;
		uint64_t start;
	} rows[] = {
		{ 0, MEM_RESERVE, WINMEM_REQUEST_RESERVE, 0, 0 },
		{ 0, MEM_COMMIT, WINMEM_REQUEST_RESERVE, WINMEM_RESERVE_COMMIT, 0 },
		{ 0, MEM_COMMIT | MEM_TOP_DOWN, WINMEM_REQUEST_RESERVE,
		  WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_TOP_DOWN, 0 },
		{ ADDR + 0x1234, MEM_RESERVE | MEM_COMMIT, WINMEM_REQUEST_RESERVE,
		  WINMEM_RESERVE_COMMIT, ADDR },
		{ 0, MEM_RESERVE | MEM_WRITE_WATCH, WINMEM_REQUEST_RESERVE,
		  WINMEM_RESERVE_WATCH, 0 },
		{ ADDR + 0x1234, MEM_COMMIT, WINMEM_REQUEST_COMMIT, 0, ADDR + 0x1000 },
		{ ADDR + 0x1234, MEM_COMMIT | MEM_TOP_DOWN, WINMEM_REQUEST_COMMIT, 0,
		  ADDR + 0x1000 },
		{ ADDR + 0x1234, MEM_RESET, WINMEM_REQUEST_RESET, 0, ADDR + 0x1000 },
		{ ADDR + 0x1234, MEM_RESET_UNDO, WINMEM_REQUEST_RESET, WINMEM_RESET_UNDO,
		  ADDR + 0x1000 },
	};
	struct winmem_request request;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(parse(&request, rows[i].addr, 1, rows[i].type, PAGE_READONLY), 0);
		assert_int_equal(request.op, rows[i].op);
		assert_int_equal(request.flags, rows[i].flags);
		assert_int_equal(request.prot, PAGE_READONLY);
		assert_int_equal(request.range.start, rows[i].start);
	}
}

static void protections(void **state)
{
	static const DWORD bad[] = { 0, 6, PAGE_WRITECOPY, PAGE_EXECUTE_WRITECOPY, 0x1004, 0x101 };
	static const DWORD types[] = { MEM_RESERVE, MEM_COMMIT, MEM_RESET, MEM_RESET_UNDO };
	struct winmem_request request;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_LEN(bad); i++) {
		for (unsigned int j = 0; j < ARRAY_LEN(types); j++)
			assert_int_equal(parse(&request, ADDR, SIZE, types[j], bad[i]), EINVAL);
	}
	/* Row VA36. */
	assert_int_equal(parse(&request, 0, SIZE, MEM_RESERVE | MEM_PHYSICAL, PAGE_READONLY),
			 EINVAL);
}

/* Rows VA18, VA38 and VA40. */
static void large_pages(void **state)
{
	static const DWORD both = MEM_RESERVE | MEM_COMMIT | MEM_LARGE_PAGES;
	static const DWORD commit = MEM_COMMIT | MEM_LARGE_PAGES;
	static const struct {
		uint64_t addr, size;
		DWORD type;
		int ret;
		uint64_t start;
	} rows[] = {
		{ 0, SIZE, both, 0, 0 },
		{ 0, SIZE, both | MEM_TOP_DOWN, 0, 0 },
		{ 0, SIZE, commit, 0, 0 },
		{ 2 * ADDR, 3 * SIZE, both, 0, 2 * ADDR },
		{ 2 * ADDR + 0x12345, SIZE, both, 0, 2 * ADDR },
		{ 3 * ADDR - 1, SIZE, both, 0, 2 * ADDR },
		{ ADDR, SIZE, commit, EINVAL, 0 },
		{ ADDR - 1, SIZE, both, EINVAL, 0 },
		{ 1, SIZE, both, EINVAL, 0 },
		{ 0, 0, both, EINVAL, 0 },
		{ 0, SIZE - 1, both, EINVAL, 0 },
		{ 0, SIZE / 2, both, EINVAL, 0 },
		{ 2 * ADDR, SIZE + 0x1000, both, EINVAL, 0 },
		{ WINMEM_HIGHEST, SIZE, both, EINVAL, 0 },
	};
	struct winmem_request request;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(parse(&request, rows[i].addr, rows[i].size, rows[i].type,
				       PAGE_READWRITE), rows[i].ret);
		if (rows[i].ret)
			continue;
		assert_int_equal(request.op, WINMEM_REQUEST_RESERVE);
		assert_int_equal(request.flags & ~WINMEM_RESERVE_TOP_DOWN,
				 WINMEM_RESERVE_COMMIT | WINMEM_RESERVE_LARGE);
		assert_int_equal(request.range.start, rows[i].start);
		assert_int_equal(request.range.length, rows[i].size);
	}
}

static void places(void **state)
{
	struct winmem_request request;

	(void)state;
	assert_int_equal(parse(&request, 0, 0, MEM_COMMIT, PAGE_READWRITE), EINVAL);
	assert_int_equal(parse(&request, ADDR, 0, MEM_COMMIT, PAGE_READWRITE), EINVAL);
	assert_int_equal(parse(&request, ADDR, UINT64_MAX, MEM_COMMIT, PAGE_READWRITE), EINVAL);
	assert_int_equal(parse(&request, WINMEM_HIGHEST + 1, 1, MEM_COMMIT, PAGE_READWRITE),
			 EINVAL);
	assert_int_equal(parse(&request, 1, 1, MEM_COMMIT, PAGE_READWRITE), ENOENT);
	assert_int_equal(parse(&request, 0, 0, MEM_RESET, PAGE_READWRITE), EINVAL);
	assert_int_equal(parse(&request, 0, 1, MEM_RESET, PAGE_READWRITE), ENOENT);
	assert_int_equal(parse(&request, 0, 1, MEM_RESET_UNDO, PAGE_READWRITE), ENOENT);
}

/* Rows PL03 to PL05, PL17, PL18: words of VirtualAlloc2 alone, and not there yet. */
static void placeholders(void **state)
{
	static const DWORD reserve = MEM_RESERVE | MEM_RESERVE_PLACEHOLDER;
	static const DWORD replace = MEM_RESERVE | MEM_REPLACE_PLACEHOLDER;
	const struct {
		uint64_t addr;
		DWORD type;
		DWORD prot;
		int ret;
	} rows[] = {
		{ 0, reserve, PAGE_NOACCESS, ENOSYS },
		{ 0, reserve, PAGE_READWRITE, EINVAL },
		{ 0, reserve | MEM_COMMIT, PAGE_NOACCESS, EINVAL },
		{ 0, MEM_RESERVE_PLACEHOLDER, PAGE_NOACCESS, EINVAL },
		{ 0, MEM_COMMIT | MEM_RESERVE_PLACEHOLDER, PAGE_NOACCESS, EINVAL },
		{ 0, replace, PAGE_READWRITE, EINVAL },
		{ ADDR, replace, PAGE_READWRITE, ENOSYS },
		{ ADDR, replace | MEM_COMMIT, PAGE_READWRITE, ENOSYS },
		{ ADDR, MEM_COMMIT | MEM_REPLACE_PLACEHOLDER, PAGE_READWRITE, EINVAL },
		{ ADDR, reserve | replace, PAGE_NOACCESS, EINVAL },
	};
	struct winmem_request request;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		struct winmem_words words = {
			.addr = rows[i].addr, .size = SIZE, .type = rows[i].type,
			.prot = rows[i].prot, .placeholders = true,
		};

		assert_int_equal(winmem_request_parse(&request, &words), rows[i].ret);
		words.placeholders = false;
		assert_int_equal(winmem_request_parse(&request, &words), EINVAL);
	}
}

/* Rows PL40 to PL43. */
static void requirements(void **state)
{
	static const struct {
		uint64_t lowest, highest, alignment;
		int ret;
	} rows[] = {
		{ 0, 0, 0, 0 },
		{ 0, 0x20000fff, 0, 0 },
		{ 0, 0x20001001, 0, EINVAL },
		{ 0, 0x20000ffe, 0, EINVAL },
		{ 0, 0x200007ff, 0, EINVAL },
		{ 0, WINMEM_HIGHEST, 0, 0 },
		{ 0, WINMEM_HIGHEST + 0x1000, 0, EINVAL },
		{ 0, UINT64_MAX, 0, EINVAL },
		{ 0x10000, 0, 0, 0 },
		{ 0x11000, 0, 0, EINVAL },
		{ 0x20010000, 0x20000fff, 0, EINVAL },
		{ WINMEM_HIGHEST + 1, 0, 0, EINVAL },
		{ 0, 0, 0x8000, EINVAL },
		{ 0, 0, 0x30000, EINVAL },
		{ 0, 0, 0x10000, 0 },
		{ 0, 0, 0x100000, 0 },
		{ 0x10000, 0x20000fff, 0x40000, 0 },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_LEN(rows); i++) {
		MEM_ADDRESS_REQUIREMENTS req = {
			(void *)rows[i].lowest, (void *)rows[i].highest, rows[i].alignment,
		};
		MEM_EXTENDED_PARAMETER param = { .Pointer = &req };
		struct winmem_bounds bounds = { 1, 1, 1 };

		param.Type = MemExtendedParameterAddressRequirements;
		assert_int_equal(winmem_bounds_parse(&bounds, &param, 1), rows[i].ret);
		if (rows[i].ret)
			continue;
		assert_int_equal(bounds.lowest, rows[i].lowest);
		assert_int_equal(bounds.highest, rows[i].highest);
		assert_int_equal(bounds.alignment, rows[i].alignment);
	}
}

/* Row PL45: the bounds are for the kernel's choice, and an address leaves it none. */
static void bounds_with_an_address(void **state)
{
	struct winmem_words words = {
		.size = SIZE, .type = MEM_RESERVE, .prot = PAGE_READWRITE,
		.bounds = { .alignment = 0x10000 },
	};
	struct winmem_request request;

	(void)state;
	assert_int_equal(winmem_request_parse(&request, &words), 0);
	assert_int_equal(request.bounds.alignment, 0x10000);
	words.addr = ADDR;
	assert_int_equal(winmem_request_parse(&request, &words), EINVAL);
	words.type = MEM_COMMIT;
	assert_int_equal(winmem_request_parse(&request, &words), EINVAL);
}

/* Rows PL38 and PL47, for every type that the field can hold. */
static void parameters(void **state)
{
	MEM_ADDRESS_REQUIREMENTS req = { NULL, NULL, 0 };
	MEM_EXTENDED_PARAMETER params[2] = { { .Pointer = &req }, { .Pointer = &req } };
	struct winmem_bounds bounds;

	(void)state;
	assert_int_equal(winmem_bounds_parse(&bounds, NULL, 0), 0);
	assert_int_equal(winmem_bounds_parse(&bounds, NULL, 1), EINVAL);
	for (unsigned int type = 0; type < 256; type++) {
		params[0].Type = type;
		params[1].Type = type;
		/* Requirements and attributes have something to read in them: below. */
		if (type >= MemExtendedParameterNumaNode &&
		    type <= MemExtendedParameterUserPhysicalHandle)
			assert_int_equal(winmem_bounds_parse(&bounds, params, 1), ENOSYS);
		else if (!type || type > MemExtendedParameterAttributeFlags)
			assert_int_equal(winmem_bounds_parse(&bounds, params, 1), EINVAL);
		assert_int_equal(winmem_bounds_parse(&bounds, params, 2), EINVAL);
		assert_int_equal(winmem_bounds_parse(&bounds, params, 0), 0);
	}
	params[0].Type = MemExtendedParameterAddressRequirements;
	params[0].Pointer = NULL;
	assert_int_equal(winmem_bounds_parse(&bounds, params, 1), EINVAL);
	params[0].Type = MemExtendedParameterAttributeFlags;
	params[0].ULong64 = 0;
	assert_int_equal(winmem_bounds_parse(&bounds, params, 1), 0);
	params[0].ULong64 = MEM_EXTENDED_PARAMETER_EC_CODE;
	assert_int_equal(winmem_bounds_parse(&bounds, params, 1), ENOSYS);
	params[0].ULong64 = 1ULL << 40;
	assert_int_equal(winmem_bounds_parse(&bounds, params, 1), EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination_of_types),
		cmocka_unit_test(what_is_asked_of_the_kernel),
		cmocka_unit_test(protections),
		cmocka_unit_test(large_pages),
		cmocka_unit_test(places),
		cmocka_unit_test(placeholders),
		cmocka_unit_test(requirements),
		cmocka_unit_test(bounds_with_an_address),
		cmocka_unit_test(parameters),
	};

	return cmocka_run_group_tests_name("lib_request", tests, NULL, NULL);
}
