// SPDX-License-Identifier: GPL-2.0-only
/*
 * The states of pages. The states of 512 pages, one 2 MiB block, are a chunk; chunks
 * hang in an xarray, and a chunk that is missing is 512 times WINMEM_PAGE_NONE.
 *
 * A chunk whose pages are all alike holds that one state and no array. A change
 * inside it needs the array first: winmem_pages_prepare() makes all that a change
 * will need, and winmem_pages_set() after it cannot fail half way.
 *
 * A fault may clear a guard or mark a lost page, and it must not have to allocate:
 * so GUARD, RESET and LOST never stand in a chunk without an array.
 *
 *	chunk    NULL     state 3      states ->     state 1
 *	pages    0000     3333         1133 3300     1111
 *
 * Indexes are page numbers of the address space, start is inclusive, nr counts
 * pages. The caller holds the space's mutex unless a function says otherwise. The
 * range logic has nothing of the kernel in it but its containers.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pages.h"
#include "prot.h"

/* States that a fault changes one page at a time. */
#define PAGE_SINGLE	(WINMEM_PAGE_GUARD | WINMEM_PAGE_RESET | WINMEM_PAGE_LOST)

static unsigned long chunk_index(unsigned long page)
{
	return page >> WINMEM_CHUNK_SHIFT;
}

static unsigned int chunk_offset(unsigned long page)
{
	return page & (WINMEM_CHUNK_PAGES - 1);
}

/* How much of start..start+nr lies in the chunk of start. */
static unsigned int chunk_part(unsigned long start, unsigned long nr)
{
	return min(nr, WINMEM_CHUNK_PAGES - chunk_offset(start));
}

static struct winmem_chunk *chunk_find(struct winmem_pages *pages, unsigned long page)
{
	unsigned long index = chunk_index(page);

	if (pages->last && pages->last_index == index)
		return pages->last;
	pages->last = xa_load(&pages->chunks, index);
	pages->last_index = index;
	return pages->last;
}

/* Whether nr states are all alike; the usual ranges are. */
static bool states_alike(const u8 *states, unsigned int nr)
{
	return nr == 1 || !memchr_inv(states + 1, states[0], nr - 1);
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
	if (chunk->state & PAGE_SINGLE)
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
 * winmem_pages_init() - start with no states
 * @pages: table
 *
 * Context: any.
 */
void winmem_pages_init(struct winmem_pages *pages)
{
	xa_init_flags(&pages->chunks, XA_FLAGS_ACCOUNT);
	pages->last = NULL;
	pages->last_index = 0;
}

/**
 * winmem_pages_destroy() - free everything
 * @pages: table that no fault can reach any more
 *
 * Context: may sleep; no lock needed.
 */
void winmem_pages_destroy(struct winmem_pages *pages)
{
	struct winmem_chunk *chunk;
	unsigned long index;

	xa_for_each(&pages->chunks, index, chunk) {
		kfree(chunk->states);
		kfree(chunk);
		cond_resched();
	}
	xa_destroy(&pages->chunks);
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
	return chunk->states ? READ_ONCE(chunk->states[chunk_offset(page)]) : chunk->state;
}

/**
 * winmem_pages_get() - the state of one page
 * @pages: table
 * @page: page number
 *
 * Context: the space's mutex is held.
 * Return: the state.
 */
u8 winmem_pages_get(struct winmem_pages *pages, unsigned long page)
{
	struct winmem_chunk *chunk = chunk_find(pages, page);

	return chunk ? winmem_chunk_get(chunk, page) : WINMEM_PAGE_NONE;
}

/**
 * winmem_pages_lock() - find and lock the chunk of a page, for a fault
 * @pages: table
 * @page: page number
 *
 * Context: no lock needed; returns in an RCU read section with the chunk's lock held.
 * Return: the chunk, or NULL and nothing held: the page is not committed. A chunk that
 * was taken out of the table meanwhile holds WINMEM_PAGE_NONE only, which is the truth.
 */
struct winmem_chunk *winmem_pages_lock(struct winmem_pages *pages, unsigned long page)
{
	struct winmem_chunk *chunk;

	rcu_read_lock();
	chunk = xa_load(&pages->chunks, chunk_index(page));
	if (!chunk) {
		rcu_read_unlock();
		return NULL;
	}
	spin_lock(&chunk->lock);
	/* A lock that is taken or not is past sparse; it is told of none. */
	__release(&chunk->lock);
	__release(RCU);
	return chunk;
}

/**
 * winmem_pages_unlock() - undo winmem_pages_lock()
 * @chunk: chunk it returned
 */
void winmem_pages_unlock(struct winmem_chunk *chunk)
{
	__acquire(RCU);
	__acquire(&chunk->lock);
	spin_unlock(&chunk->lock);
	rcu_read_unlock();
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

	if (WARN_ON_ONCE(!chunk->states || bits & ~PAGE_SINGLE))
		return;
	state = &chunk->states[chunk_offset(page)];
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

	if (WARN_ON_ONCE(!chunk->states || bits & ~PAGE_SINGLE))
		return;
	state = &chunk->states[chunk_offset(page)];
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
	first = chunk->states + chunk_offset(page);
	other = memchr_inv(first, *first, nr);
	return other ? other - first : nr;
}

static unsigned int chunk_count(const struct winmem_chunk *chunk, unsigned long start,
				unsigned int nr)
{
	if (nr == WINMEM_CHUNK_PAGES)
		return chunk->committed;
	if (chunk->states)
		return states_committed(chunk->states + chunk_offset(start), nr);
	return winmem_page_is_committed(chunk->state) ? nr : 0;
}

/**
 * winmem_pages_count() - how many pages of a range are committed
 * @pages: table
 * @start: first page
 * @nr: pages
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 0 to @nr.
 */
unsigned long winmem_pages_count(struct winmem_pages *pages, unsigned long start,
				 unsigned long nr)
{
	unsigned long index, count = 0, last = start + nr - 1;
	struct winmem_chunk *chunk;

	/* A range inside one chunk is the usual one. */
	if (chunk_index(start) == chunk_index(last)) {
		chunk = chunk_find(pages, start);
		return chunk ? chunk_count(chunk, start, nr) : 0;
	}

	xa_for_each_range(&pages->chunks, index, chunk, chunk_index(start), chunk_index(last)) {
		unsigned long from = max(start, index << WINMEM_CHUNK_SHIFT);

		count += chunk_count(chunk, from, chunk_part(from, last - from + 1));
		cond_resched();
	}
	return count;
}

/* How many pages from start on have the state want under mask. */
static unsigned int chunk_run(const struct winmem_chunk *chunk, unsigned long start,
			      unsigned int nr, u8 mask, u8 want)
{
	const u8 *states, *other;
	unsigned int i;

	if (!chunk->states)
		return (chunk->state & mask) == want ? nr : 0;

	states = chunk->states + chunk_offset(start);
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
 * winmem_pages_run() - how many pages are alike
 * @pages: table
 * @start: first page
 * @nr: how far to look
 * @mask: which bits of the state count
 * @state: set to the state of @start under @mask
 *
 * Chunks that are missing are skipped without a look at each, so a terabyte of
 * reserved pages is one step.
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 1 to @nr; fewer than there are when the caller is being killed.
 */
unsigned long winmem_pages_run(struct winmem_pages *pages, unsigned long start,
			       unsigned long nr, u8 mask, u8 *state)
{
	struct winmem_chunk *chunk = chunk_find(pages, start);
	unsigned long page = start, end = start + nr;
	u8 want = chunk ? winmem_chunk_get(chunk, start) & mask : WINMEM_PAGE_NONE;

	*state = want;
	for (; page < end; chunk = page < end ? chunk_find(pages, page) : NULL) {
		unsigned int part = chunk_part(page, end - page), run;
		unsigned long index = chunk_index(page);

		if (!chunk) {
			if (want != WINMEM_PAGE_NONE)
				break;
			if (!xa_find(&pages->chunks, &index, chunk_index(end - 1), XA_PRESENT))
				return nr;
			page = index << WINMEM_CHUNK_SHIFT;
			continue;
		}
		run = chunk_run(chunk, page, part, mask, want);
		page += run;
		if (run < part || fatal_signal_pending(current))
			break;
		cond_resched();
	}
	return max(page - start, 1UL);
}

/**
 * winmem_pages_want_exec() - whether mappings over a range are to have PROT_EXEC
 * @pages: table
 * @start: first page
 * @nr: pages
 * @exec: what somebody is about to give them
 *
 * Context: no lock needed; takes chunks' locks; may sleep.
 * Return: true when each page's state says the same as @exec.
 */
bool winmem_pages_want_exec(struct winmem_pages *pages, unsigned long start, unsigned long nr,
			    bool exec)
{
	unsigned long page = start, end = start + nr;
	u8 want = exec ? WINMEM_PAGE_EXEC : 0;

	while (page < end) {
		unsigned long index = chunk_index(page);
		struct winmem_chunk *chunk;
		unsigned int part, run = 0;

		rcu_read_lock();
		chunk = xa_find(&pages->chunks, &index, chunk_index(end - 1), XA_PRESENT);
		if (!chunk || index != chunk_index(page)) {
			rcu_read_unlock();
			if (exec || !chunk)
				return !exec;
			page = index << WINMEM_CHUNK_SHIFT;
			continue;
		}
		part = chunk_part(page, end - page);
		spin_lock(&chunk->lock);
		run = chunk_run(chunk, page, part, WINMEM_PAGE_EXEC, want);
		spin_unlock(&chunk->lock);
		rcu_read_unlock();
		if (run < part)
			return false;
		page += part;
		cond_resched();
	}
	return true;
}

static struct winmem_chunk *chunk_make(struct winmem_pages *pages, unsigned long index)
{
	struct winmem_chunk *chunk;
	int ret;

	chunk = kzalloc(sizeof(*chunk), GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&chunk->lock);

	ret = xa_err(xa_store(&pages->chunks, index, chunk, GFP_KERNEL));
	if (ret) {
		kfree(chunk);
		return ERR_PTR(ret);
	}
	pages->last = chunk;
	pages->last_index = index;
	return chunk;
}

static int chunk_make_states(struct winmem_chunk *chunk)
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

static int chunk_prepare(struct winmem_pages *pages, unsigned long start, unsigned int nr,
			 u8 bits)
{
	struct winmem_chunk *chunk = chunk_find(pages, start);

	if (!chunk)
		chunk = chunk_make(pages, chunk_index(start));
	if (IS_ERR(chunk))
		return PTR_ERR(chunk);
	if (chunk->states)
		return 0;
	if (nr < WINMEM_CHUNK_PAGES ? bits != chunk->state : bits & PAGE_SINGLE)
		return chunk_make_states(chunk);
	return 0;
}

/* To become all none, only chunks that the range covers in part need an array. */
static int edges_prepare(struct winmem_pages *pages, unsigned long start, unsigned long nr)
{
	unsigned long last = start + nr - 1;
	unsigned int part = chunk_part(start, nr);
	int ret = 0;

	if (chunk_find(pages, start))
		ret = chunk_prepare(pages, start, part, WINMEM_PAGE_NONE);
	if (ret || chunk_index(start) == chunk_index(last) || !chunk_find(pages, last))
		return ret;
	return chunk_prepare(pages, last - chunk_offset(last), chunk_offset(last) + 1,
			     WINMEM_PAGE_NONE);
}

/**
 * winmem_pages_prepare() - make what a change of states will need
 * @pages: table
 * @start: first page
 * @nr: pages
 * @bits: the state that the pages will get, or the bits that will be set
 *
 * What was made stays when this fails; it shows in no state and goes with the
 * reservation.
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 0; -ENOMEM; -EINTR when the caller is being killed.
 */
int winmem_pages_prepare(struct winmem_pages *pages, unsigned long start, unsigned long nr,
			 u8 bits)
{
	if (bits == WINMEM_PAGE_NONE)
		return edges_prepare(pages, start, nr);

	while (nr) {
		unsigned int part = chunk_part(start, nr);
		int ret = chunk_prepare(pages, start, part, bits);

		if (ret)
			return ret;
		start += part;
		nr -= part;
		if (!nr)
			break;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
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
		memset(states + 1, states[0], nr - 1);
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

	if (!states || states[0] & PAGE_SINGLE || !states_alike(states, WINMEM_CHUNK_PAGES))
		return NULL;
	chunk->state = states[0];
	chunk->states = NULL;
	return states;
}

static void chunk_set(struct winmem_chunk *chunk, unsigned long start, unsigned int nr,
		      struct winmem_pages_change *change)
{
	u8 *states, *spare = NULL;
	unsigned int before;

	spin_lock(&chunk->lock);
	states = chunk->states;
	if (states) {
		before = change_states(states + chunk_offset(start), nr, change);
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
	kfree(spare);
}

/**
 * winmem_pages_set() - change the states of a range
 * @pages: table
 * @start: first page
 * @nr: pages
 * @change: the change; its @old and @access are added to
 *
 * Chunks that are missing stay missing when @change leaves WINMEM_PAGE_NONE as it is.
 * The caller has prepared the range for anything else. A mask that holds PROT sets all
 * of it. When this returns, no fault maps a page by the state before.
 *
 * Context: the space's mutex is held; may sleep.
 */
void winmem_pages_set(struct winmem_pages *pages, unsigned long start, unsigned long nr,
		      struct winmem_pages_change *change)
{
	unsigned long index, last = start + nr - 1;
	struct winmem_chunk *chunk;

	if (chunk_index(start) == chunk_index(last)) {
		chunk = chunk_find(pages, start);
		if (chunk)
			chunk_set(chunk, start, nr, change);
		return;
	}

	xa_for_each_range(&pages->chunks, index, chunk, chunk_index(start), chunk_index(last)) {
		unsigned long from = max(start, index << WINMEM_CHUNK_SHIFT);

		chunk_set(chunk, from, chunk_part(from, last - from + 1), change);
		cond_resched();
	}
}

/**
 * winmem_pages_set_one() - change bits of one page that are not its protection
 * @pages: table
 * @page: page number, prepared
 * @mask: bits that change, none of PROT
 * @bits: what they become
 *
 * Context: the space's mutex is held.
 */
void winmem_pages_set_one(struct winmem_pages *pages, unsigned long page, u8 mask, u8 bits)
{
	struct winmem_pages_change change = { .mask = mask, .bits = bits };

	winmem_pages_set(pages, page, 1, &change);
}

/**
 * winmem_pages_is_single() - whether a page has a state of its own
 * @pages: table
 * @page: page number
 *
 * Context: the space's mutex is held.
 * Return: true when bits of this page alone can be changed without memory.
 */
bool winmem_pages_is_single(struct winmem_pages *pages, unsigned long page)
{
	struct winmem_chunk *chunk = chunk_find(pages, page);

	return chunk && chunk->states;
}

/**
 * winmem_pages_forget() - give back the memory of states that are all none
 * @pages: table
 * @start: first page
 * @nr: pages, all of them WINMEM_PAGE_NONE
 *
 * Context: the space's mutex is held; may sleep.
 */
void winmem_pages_forget(struct winmem_pages *pages, unsigned long start, unsigned long nr)
{
	struct winmem_chunk *chunk;
	unsigned long index;

	xa_for_each_range(&pages->chunks, index, chunk, chunk_index(start),
			  chunk_index(start + nr - 1)) {
		u8 *states = chunk->states;

		cond_resched();
		if (chunk->committed || (states ? memchr_inv(states, 0, WINMEM_CHUNK_PAGES) != NULL :
						  chunk->state != WINMEM_PAGE_NONE))
			continue;

		pages->last = NULL;
		xa_erase(&pages->chunks, index);
		spin_lock(&chunk->lock);
		chunk->states = NULL;
		chunk->state = WINMEM_PAGE_NONE;
		spin_unlock(&chunk->lock);
		kfree(states);
		kfree_rcu(chunk, rcu);
	}
}
