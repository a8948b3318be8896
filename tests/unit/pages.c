// SPDX-License-Identifier: GPL-2.0-only
/*
 * module/pages.c and chunk.c against an array of bytes: random operations as the module does them,
 * each answer and each state compared. WINMEM_TEST_OPS and WINMEM_TEST_SEED set how many
 * and which; a failure prints the seed.
 */
#include "../../module/pages.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define PAGES	(SHIM_XA_SLOTS * WINMEM_CHUNK_PAGES)
#define OPS	1000000UL

static struct winmem_pages table;
static u8 model[PAGES];
static u64 seed;
static bool inject;	/* let memory run out now and then */

static void start_empty(void)
{
	memset(model, 0, sizeof(model));
	inject = false;
	winmem_pages_init(&table);
}

static u64 next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static unsigned long random_below(unsigned long n)
{
	return (next_random() >> 16) % n;
}

/* Short and long ranges, and many that begin or end where chunks do. */
static void random_range(unsigned long *start, unsigned long *nr)
{
	static const unsigned long lengths[] = { 1, 16, 100, 600, 3000, PAGES };
	unsigned long length = lengths[random_below(6)];

	*start = random_below(PAGES);
	if (!random_below(3))
		*start &= ~(WINMEM_CHUNK_PAGES - 1);
	*nr = 1 + random_below(min(length, PAGES - *start));
	if (!random_below(3) && *start + *nr > WINMEM_CHUNK_PAGES)
		*nr -= (*start + *nr) & (WINMEM_CHUNK_PAGES - 1);
	if ((long)*nr < 1)
		*nr = 1;
}

static void check_all(void)
{
	struct winmem_chunk *chunk;
	unsigned long i;

	for (i = 0; i < PAGES; i++) {
		if (winmem_pages_get(&table, i) != model[i])
			fail_msg("page %lu is %#x, not %#x; seed %#lx", i,
				 winmem_pages_get(&table, i), model[i], (unsigned long)seed);
	}
	xa_for_each(&table.chunks, i, chunk) {
		assert_true(winmem_chunk_is_valid(chunk));
		assert_false(chunk->lock.held);
	}
	assert_int_equal(shim_rcu_depth, 0);
}

/* A change of the kinds that region.c makes. */
static void do_change(unsigned long start, unsigned long nr, u8 mask, u8 bits)
{
	struct winmem_pages_change change = { .mask = mask, .bits = bits };
	unsigned int access = 0;
	unsigned long i;
	u8 old = 0;
	int ret;

	shim_fail_in = inject && !random_below(8) ? 1 + random_below(6) : 0;
	ret = winmem_pages_prepare(&table, start, nr, bits);
	shim_fail_in = 0;
	if (ret) {
		assert_int_equal(ret, -ENOMEM);
		return;
	}

	winmem_pages_set(&table, start, nr, &change);
	for (i = start; i < start + nr; i++) {
		/* Pages of chunks that are missing have given nothing. */
		old |= model[i];
		access |= winmem_page_access(model[i]);
		model[i] = (model[i] & ~mask) | bits;
	}
	assert_int_equal(change.old, old);
	assert_int_equal(change.access, access);
}

static void op_protect(unsigned long start, unsigned long nr)
{
	static const u32 prots[] = { 0x01, 0x02, 0x04, 0x10, 0x20, 0x40, 0x104, 0x120 };

	do_change(start, nr, WINMEM_PAGE_VISIBLE | WINMEM_PAGE_EXEC,
		  winmem_prot_to_page(prots[random_below(8)]));
}

static void op_decommit(unsigned long start, unsigned long nr)
{
	do_change(start, nr, WINMEM_PAGE_ALL, WINMEM_PAGE_NONE);
}

static void op_release(unsigned long start, unsigned long nr)
{
	/* As a reservation's end does it: no memory needed where chunks are not shared. */
	op_decommit(start, nr);
	if (winmem_pages_count(&table, start, nr))
		return;
	winmem_pages_forget(&table, start, nr);
}

static void op_exec(unsigned long start, unsigned long nr)
{
	do_change(start, nr, WINMEM_PAGE_EXEC, random_below(2) ? WINMEM_PAGE_EXEC : 0);
}

static void op_reset(unsigned long start, unsigned long nr)
{
	(void)nr;
	if (!winmem_page_is_committed(model[start]) ||
	    winmem_pages_prepare(&table, start, 1, WINMEM_PAGE_RESET))
		return;
	assert_true(winmem_pages_is_single(&table, start));
	winmem_pages_set_one(&table, start, WINMEM_PAGE_RESET | WINMEM_PAGE_LOST,
			     WINMEM_PAGE_RESET);
	model[start] = (model[start] & ~WINMEM_PAGE_LOST) | WINMEM_PAGE_RESET;
}

/* What a fault does: takes a guard or a reset off, or marks a page lost. */
static void op_fault(unsigned long start, unsigned long nr)
{
	struct winmem_chunk *chunk = winmem_pages_lock(&table, start);
	unsigned long alike, i;

	if (!chunk) {
		assert_int_equal(model[start], WINMEM_PAGE_NONE);
		return;
	}
	assert_int_equal(winmem_chunk_get(chunk, start), model[start]);
	nr = min(nr, WINMEM_CHUNK_PAGES - (start & (WINMEM_CHUNK_PAGES - 1)));
	alike = winmem_chunk_alike(chunk, start, nr);
	for (i = 0; i < nr && model[start + i] == model[start]; i++)
		;
	assert_int_equal(alike, i);

	if (model[start] & WINMEM_PAGE_GUARD) {
		winmem_chunk_clear(chunk, start, WINMEM_PAGE_GUARD);
		model[start] &= ~WINMEM_PAGE_GUARD;
	} else if (model[start] & WINMEM_PAGE_RESET) {
		winmem_chunk_mark(chunk, start, WINMEM_PAGE_LOST);
		model[start] |= WINMEM_PAGE_LOST;
	}
	winmem_pages_unlock(chunk);
}

static void op_count(unsigned long start, unsigned long nr)
{
	unsigned long i, count = 0;

	for (i = start; i < start + nr; i++)
		count += winmem_page_is_committed(model[i]);
	assert_int_equal(winmem_pages_count(&table, start, nr), count);
}

static void op_run(unsigned long start, unsigned long nr)
{
	static const u8 masks[] = { WINMEM_PAGE_VISIBLE, WINMEM_PAGE_ALL,
				    WINMEM_PAGE_RESET | WINMEM_PAGE_LOST };
	u8 mask = masks[random_below(3)], state = 0xcc;
	unsigned long run = winmem_pages_run(&table, start, nr, mask, &state), i;

	for (i = 0; i < nr && (model[start + i] & mask) == (model[start] & mask); i++)
		;
	assert_int_equal(state, model[start] & mask);
	assert_int_equal(run, i);
}

static void op_want_exec(unsigned long start, unsigned long nr)
{
	bool all = true, none = true;
	unsigned long i;

	for (i = start; i < start + nr; i++) {
		all &= !!(model[i] & WINMEM_PAGE_EXEC);
		none &= !(model[i] & WINMEM_PAGE_EXEC);
	}
	assert_int_equal(winmem_pages_want_exec(&table, start, nr, true), all);
	assert_int_equal(winmem_pages_want_exec(&table, start, nr, false), none);
}

static void random_operations_match_the_model(void **state)
{
	static void (*const ops[])(unsigned long start, unsigned long nr) = {
		op_protect, op_protect, op_decommit, op_release, op_exec, op_reset, op_reset,
		op_fault, op_fault, op_count, op_run, op_want_exec,
	};
	const char *env_ops = getenv("WINMEM_TEST_OPS"), *env_seed = getenv("WINMEM_TEST_SEED");
	unsigned long i, n = env_ops ? strtoul(env_ops, NULL, 0) : OPS;

	(void)state;
	seed = env_seed ? strtoul(env_seed, NULL, 0) : 0x77696e6d656d;
	start_empty();
	inject = true;
	for (i = 0; i < n; i++) {
		unsigned long start, nr;

		random_range(&start, &nr);
		ops[random_below(sizeof(ops) / sizeof(ops[0]))](start, nr);
		if (i % 4096 == 0)
			check_all();
	}
	check_all();
	winmem_pages_destroy(&table);
	assert_int_equal(shim_allocated, 0);
}

static void a_failed_prepare_changes_no_state(void **state)
{
	unsigned long fail;

	(void)state;
	start_empty();
	do_change(0, PAGES, WINMEM_PAGE_VISIBLE, winmem_prot_to_page(0x04));
	for (fail = 1; ; fail++) {
		int ret;

		shim_fail_in = fail;
		ret = winmem_pages_prepare(&table, 5, PAGES - 10, winmem_prot_to_page(0x102));
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		check_all();
	}
	shim_fail_in = 0;
	/* What was made stays, so each try gets further. */
	assert_in_range(fail, 2, SHIM_XA_SLOTS);
	winmem_pages_destroy(&table);
	assert_int_equal(shim_allocated, 0);
}

/* 2 MiB of one state need no array, whatever was there before. */
static void a_uniform_chunk_gives_its_array_back(void **state)
{
	unsigned long before;

	(void)state;
	start_empty();
	before = shim_allocated;
	do_change(0, 1, WINMEM_PAGE_VISIBLE, winmem_prot_to_page(0x04));
	assert_int_equal(shim_allocated, before + 2);
	do_change(0, WINMEM_CHUNK_PAGES, WINMEM_PAGE_VISIBLE, winmem_prot_to_page(0x02));
	assert_int_equal(shim_allocated, before + 1);
	op_decommit(0, WINMEM_CHUNK_PAGES);
	winmem_pages_forget(&table, 0, WINMEM_CHUNK_PAGES);
	assert_int_equal(shim_allocated, before + 1);
	winmem_pages_destroy(&table);
	assert_int_equal(shim_allocated, before);
}

/* The one that stays may be given bitmaps, and then not be committed after all. */
static void a_chunk_that_stayed_leaves_nothing(void **state)
{
	unsigned long before;

	(void)state;
	start_empty();
	before = shim_allocated;
	do_change(0, 1, WINMEM_PAGE_VISIBLE, winmem_prot_to_page(0x04));
	do_change(WINMEM_CHUNK_PAGES, 1, WINMEM_PAGE_VISIBLE, winmem_prot_to_page(0x04));
	op_release(0, WINMEM_CHUNK_PAGES);
	assert_int_equal(winmem_pages_make_watch(&table, 0), 0);
	op_release(WINMEM_CHUNK_PAGES, WINMEM_CHUNK_PAGES);
	assert_true(shim_allocated <= before + 2);
	winmem_pages_destroy(&table);
	assert_int_equal(shim_allocated, before);
}

/* However many are forgotten, and in whatever order, one of them stays at most. */
static void forgotten_chunks_leave_one(void **state)
{
	unsigned long before, i;

	(void)state;
	start_empty();
	before = shim_allocated;
	for (i = 0; i < 4; i++)
		do_change(i * WINMEM_CHUNK_PAGES, 1, WINMEM_PAGE_VISIBLE, winmem_prot_to_page(0x04));
	assert_int_equal(shim_allocated, before + 8);
	op_release(2 * WINMEM_CHUNK_PAGES, WINMEM_CHUNK_PAGES);
	op_release(0, WINMEM_CHUNK_PAGES);
	op_release(0, WINMEM_CHUNK_PAGES);
	assert_int_equal(shim_allocated, before + 6 - 1);
	op_release(WINMEM_CHUNK_PAGES, 3 * WINMEM_CHUNK_PAGES);
	assert_true(shim_allocated <= before + 2);
	winmem_pages_destroy(&table);
	assert_int_equal(shim_allocated, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_uniform_chunk_gives_its_array_back),
		cmocka_unit_test(a_chunk_that_stayed_leaves_nothing),
		cmocka_unit_test(forgotten_chunks_leave_one),
		cmocka_unit_test(a_failed_prepare_changes_no_state),
		cmocka_unit_test(random_operations_match_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
