// SPDX-License-Identifier: GPL-2.0-only
/*
 * A chunk: the states of 512 pages, one 2 MiB block. A chunk whose pages are all alike
 * holds that one state and no array; a change inside it needs the array first.
 *
 *	state 3      states ->     state 1
 *	3333         1133 3300     1111
 *
 * A fault may clear a guard or mark a lost page, and it must not have to allocate: so
 * GUARD, RESET and LOST never stand in a chunk without an array.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "chunk.h"
#include "prot.h"

/* Most ranges are a few whole words, for which memchr_inv() and memset() do more than they have to. */
static bool are_few_words(const u8 *states, unsigned int nr)
{
	return IS_ALIGNED((unsigned long)states | nr, sizeof(u64)) && nr <= 64;
}

/* Whether nr states are all alike; the usual ranges are. */
static bool states_alike(const u8 *states, unsigned int nr)
{
	const u64 *words = (const u64 *)states;
	u64 want = states[0] * 0x0101010101010101ULL;
	unsigned int i;

	if (!are_few_words(states, nr))
		return nr == 1 || !memchr_inv(states + 1, states[0], nr - 1);
	for (i = 0; i < nr / sizeof(u64); i++) {
		if (words[i] != want)
			return false;
	}
	return true;
}

static void states_fill(u8 *states, unsigned int nr, u8 state)
{
	u64 *words = (u64 *)states;
	unsigned int i;

	if (!are_few_words(states, nr)) {
		memset(states, state, nr);
		return;
	}
	for (i = 0; i < nr / sizeof(u64); i++)
		words[i] = state * 0x0101010101010101ULL;
}

static unsigned int states_committed(const u8 *states, unsigned int nr)
{
	unsigned int i, count = 0;

	if (states_alike(states, nr))
		return winmem_page_is_committed(states[0]) ? nr : 0;
	for (i = 0; i < nr; i++)
		count += winmem_page_is_committed(states[i]);
	return count;
}

/**
 * winmem_chunk_is_valid() - check a chunk against its own rules
 * @chunk: chunk
 *
 * Context: the space's mutex or the chunk's lock is held.
 * Return: false when the count is off or a single-page state stands without an array.
 */
bool winmem_chunk_is_valid(const struct winmem_chunk *chunk)
{
	if (chunk->states)
		return chunk->committed == states_committed(chunk->states, WINMEM_CHUNK_PAGES);
	if (chunk->state & WINMEM_PAGE_SINGLE)
		return false;
	return chunk->committed ==
	       (winmem_page_is_committed(chunk->state) ? WINMEM_CHUNK_PAGES : 0);
}

static void chunk_check(const struct winmem_chunk *chunk)
{
#ifdef DEBUG
	WARN_ON_ONCE(!winmem_chunk_is_valid(chunk));
#endif
}

/**
 * winmem_chunk_get() - the state of one page
 * @chunk: its chunk
 * @page: page number
 *
 * Context: the space's mutex or the chunk's lock is held.
 * Return: the state.
 */
u8 winmem_chunk_get(const struct winmem_chunk *chunk, unsigned long page)
{
	return chunk->states ? READ_ONCE(chunk->states[winmem_chunk_offset(page)]) : chunk->state;
}

/**
 * winmem_chunk_clear() - take single-page bits off a page
 * @chunk: its chunk
 * @page: page number; its state has @bits
 * @bits: of GUARD, RESET and LOST
 *
 * Context: the chunk's lock is held.
 */
void winmem_chunk_clear(struct winmem_chunk *chunk, unsigned long page, u8 bits)
{
	u8 *state;

	if (WARN_ON_ONCE(!chunk->states || bits & ~WINMEM_PAGE_SINGLE))
		return;
	state = &chunk->states[winmem_chunk_offset(page)];
	WRITE_ONCE(*state, *state & ~bits);
}

/**
 * winmem_chunk_mark() - put single-page bits on a page
 * @chunk: its chunk
 * @page: page number; its state has RESET, so the chunk has its array
 * @bits: of GUARD, RESET and LOST
 *
 * Context: the chunk's lock is held.
 */
void winmem_chunk_mark(struct winmem_chunk *chunk, unsigned long page, u8 bits)
{
	u8 *state;

	if (WARN_ON_ONCE(!chunk->states || bits & ~WINMEM_PAGE_SINGLE))
		return;
	state = &chunk->states[winmem_chunk_offset(page)];
	WRITE_ONCE(*state, *state | bits);
}

/**
 * winmem_chunk_alike() - how many pages from one on share its state
 * @chunk: its chunk
 * @page: first page
 * @nr: how far to look, within the chunk
 *
 * Context: the chunk's lock is held.
 * Return: 1 to @nr.
 */
unsigned long winmem_chunk_alike(const struct winmem_chunk *chunk, unsigned long page,
				 unsigned long nr)
{
	const u8 *first, *other;

	if (!chunk->states)
		return nr;
	first = chunk->states + winmem_chunk_offset(page);
	other = memchr_inv(first, *first, nr);
	return other ? other - first : nr;
}

/**
 * winmem_chunk_count() - how many pages of a part are committed
 * @chunk: chunk
 * @start: first page, in it
 * @nr: pages, in it
 *
 * Context: the space's mutex is held.
 * Return: 0 to @nr.
 */
unsigned int winmem_chunk_count(const struct winmem_chunk *chunk, unsigned long start,
				unsigned int nr)
{
	if (nr == WINMEM_CHUNK_PAGES)
		return chunk->committed;
	if (chunk->states)
		return states_committed(chunk->states + winmem_chunk_offset(start), nr);
	return winmem_page_is_committed(chunk->state) ? nr : 0;
}

/**
 * winmem_chunk_run() - how many pages from one on have a state
 * @chunk: chunk
 * @start: first page, in it
 * @nr: how far to look, in it
 * @mask: which bits of the state count
 * @want: the state under @mask
 *
 * Context: the space's mutex or the chunk's lock is held.
 * Return: 0 to @nr.
 */
unsigned int winmem_chunk_run(const struct winmem_chunk *chunk, unsigned long start,
			      unsigned int nr, u8 mask, u8 want)
{
	const u8 *states, *other;
	unsigned int i;

	if (!chunk->states)
		return (chunk->state & mask) == want ? nr : 0;

	states = chunk->states + winmem_chunk_offset(start);
	if ((*states & mask) != want)
		return 0;
	/* A word at a time; then past pages that differ in what the mask hides only. */
	other = memchr_inv(states, *states, nr);
	if (!other)
		return nr;
	for (i = other - states; i < nr; i++) {
		if ((READ_ONCE(states[i]) & mask) != want)
			break;
	}
	return i;
}

/**
 * winmem_chunk_make_states() - give a chunk its array
 * @chunk: chunk without one
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 0 or -ENOMEM.
 */
int winmem_chunk_make_states(struct winmem_chunk *chunk)
{
	u8 *states;

	states = kmalloc(WINMEM_CHUNK_PAGES, GFP_KERNEL_ACCOUNT);
	if (!states)
		return -ENOMEM;
	memset(states, chunk->state, WINMEM_CHUNK_PAGES);

	spin_lock(&chunk->lock);
	chunk->states = states;
	spin_unlock(&chunk->lock);
	return 0;
}

/**
 * winmem_chunk_make_watch() - give a chunk its bitmaps
 * @chunk: chunk without any
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 0 or -ENOMEM.
 */
int winmem_chunk_make_watch(struct winmem_chunk *chunk)
{
	struct winmem_chunk_watch *watch = kzalloc(sizeof(*watch), GFP_KERNEL_ACCOUNT);

	if (!watch)
		return -ENOMEM;
	spin_lock(&chunk->lock);
	chunk->watch = watch;
	spin_unlock(&chunk->lock);
	return 0;
}

/**
 * winmem_chunk_is_idle() - whether a chunk says no more than a missing one
 * @chunk: chunk
 *
 * Context: the space's mutex is held.
 */
bool winmem_chunk_is_idle(const struct winmem_chunk *chunk)
{
	if (chunk->committed)
		return false;
	if (chunk->watch && memchr_inv(chunk->watch, 0, sizeof(*chunk->watch)))
		return false;
	if (chunk->states)
		return !memchr_inv(chunk->states, WINMEM_PAGE_NONE, WINMEM_CHUNK_PAGES);
	return chunk->state == WINMEM_PAGE_NONE;
}

/**
 * winmem_chunk_rest() - an idle chunk forgets what faults have left in it
 * @chunk: idle chunk
 *
 * Context: the space's mutex is held.
 */
void winmem_chunk_rest(struct winmem_chunk *chunk)
{
	struct winmem_chunk_watch *watch = chunk->watch;

	spin_lock(&chunk->lock);
	chunk->watch = NULL;
	chunk->window = 0;
	chunk->next = 0;
	chunk->touched = 0;
	spin_unlock(&chunk->lock);
	kfree(watch);
}

static void change_state(u8 *state, struct winmem_pages_change *change)
{
	change->old |= *state;
	change->access |= winmem_page_access(*state);
	WRITE_ONCE(*state, (*state & ~change->mask) | change->bits);
}

/* Returns how many of them were committed. */
static unsigned int change_states(u8 *states, unsigned int nr, struct winmem_pages_change *change)
{
	unsigned int i, committed = 0;

	if (states_alike(states, nr)) {
		committed = winmem_page_is_committed(states[0]) ? nr : 0;
		change_state(&states[0], change);
		if (nr > 1)
			states_fill(states, nr, states[0]);
		return committed;
	}
	for (i = 0; i < nr; i++) {
		committed += winmem_page_is_committed(states[i]);
		change_state(&states[i], change);
	}
	return committed;
}

/* The array of a chunk that has become uniform, for the caller to free. */
static u8 *chunk_take_states(struct winmem_chunk *chunk)
{
	u8 *states = chunk->states;

	if (!states || states[0] & WINMEM_PAGE_SINGLE || !states_alike(states, WINMEM_CHUNK_PAGES))
		return NULL;
	chunk->state = states[0];
	chunk->states = NULL;
	return states;
}

/**
 * winmem_chunk_set() - change the states of a part
 * @chunk: chunk, with its array unless all of it changes, or nothing does
 * @start: first page, in it
 * @nr: pages, in it
 * @change: the change; its @old and @access are added to
 *
 * Context: the space's mutex is held.
 */
void winmem_chunk_set(struct winmem_chunk *chunk, unsigned long start, unsigned int nr,
		      struct winmem_pages_change *change)
{
	u8 *states, *spare = NULL;
	unsigned int before;

	spin_lock(&chunk->lock);
	states = chunk->states;
	if (change->mask & WINMEM_PAGE_PROT && !change->bits && nr == WINMEM_CHUNK_PAGES)
		chunk->touched = 0;
	if (states) {
		before = change_states(states + winmem_chunk_offset(start), nr, change);
		if (nr == WINMEM_CHUNK_PAGES)
			spare = chunk_take_states(chunk);
	} else {
		/* All of it, or prepare() found nothing to change in it. */
		before = winmem_page_is_committed(chunk->state) ? nr : 0;
		change_state(&chunk->state, change);
	}
	spin_unlock(&chunk->lock);

	if (change->mask & WINMEM_PAGE_PROT)
		chunk->committed += (winmem_page_is_committed(change->bits) ? nr : 0) - before;
	chunk_check(chunk);
	/* Seldom; the call alone is felt. */
	if (spare)
		kfree(spare);
}
