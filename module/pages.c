// SPDX-License-Identifier: GPL-2.0-only
/*
 * The states of pages, in chunks of 512 that hang in an xarray. A chunk that is missing is
 * 512 times WINMEM_PAGE_NONE. winmem_pages_prepare() makes all that a change will need,
 * and winmem_pages_set() after it cannot fail half way.
 *
 * Indexes are page numbers of the address space, start is inclusive, nr counts pages. The
 * caller holds the space's mutex unless a function says otherwise. The range logic, here
 * and in chunk.c, has nothing of the kernel in it but its containers.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pages.h"
#include "prot.h"
#include "widen.h"

static unsigned long chunk_index(unsigned long page)
{
	return page >> WINMEM_CHUNK_SHIFT;
}

/* How much of start..start+nr lies in the chunk of start. */
static unsigned int chunk_part(unsigned long start, unsigned long nr)
{
	return min(nr, WINMEM_CHUNK_PAGES - winmem_chunk_offset(start));
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

/*
 * The chunk that was found last when all of a range lies in it, or NULL. So it is for most
 * calls, and the functions below begin with that case.
 */
static struct winmem_chunk *chunk_around(const struct winmem_pages *pages, unsigned long start,
					 unsigned long nr)
{
	if (chunk_index(start) != pages->last_index || chunk_index(start + nr - 1) != pages->last_index)
		return NULL;
	return pages->last;
}

/*
 * The chunk that was looked for last on this CPU without the mutex: faults come in groups. While
 * the table's version is the same, no chunk has been taken out of it, and it still is the page's.
 * One that is taken out at this moment is not freed before the caller has left its RCU read
 * section: the version has changed before it was given to RCU.
 */
struct pages_hint {
	u64 version;
	unsigned long index;
	struct winmem_chunk *chunk;
};

static DEFINE_PER_CPU(struct pages_hint, pages_hint);
static atomic64_t pages_version;

static void version_change(struct winmem_pages *pages)
{
	WRITE_ONCE(pages->version, atomic64_inc_return(&pages_version));
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
	pages->idle = NULL;
	pages->idle_index = 0;
	version_change(pages);
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
		kfree(chunk->watch);
		kfree(chunk->states);
		kfree(chunk);
		cond_resched();
	}
	xa_destroy(&pages->chunks);
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

/* In an RCU read section. */
static struct winmem_chunk *chunk_look(struct winmem_pages *pages, unsigned long index)
{
	struct pages_hint *hint = get_cpu_ptr(&pages_hint);
	u64 version = READ_ONCE(pages->version);
	struct winmem_chunk *chunk;

	if (hint->version == version && hint->index == index) {
		chunk = hint->chunk;
	} else {
		/* First the version, then the chunk: pairs with chunk_erase(). */
		smp_rmb();
		chunk = xa_load(&pages->chunks, index);
		if (chunk)
			*hint = (struct pages_hint) { version, index, chunk };
	}
	put_cpu_ptr(&pages_hint);
	return chunk;
}

/**
 * winmem_pages_lock() - find and lock the chunk of a page
 * @pages: table
 * @page: page number
 *
 * Context: process; no lock needed; returns in an RCU read section with the chunk's lock held.
 * Return: the chunk, or NULL and nothing held: the page is not committed. A chunk that
 * was taken out of the table meanwhile holds WINMEM_PAGE_NONE only, which is the truth.
 */
struct winmem_chunk *winmem_pages_lock(struct winmem_pages *pages, unsigned long page)
{
	struct winmem_chunk *chunk;

	rcu_read_lock();
	chunk = chunk_look(pages, chunk_index(page));
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

/* The long way, for ranges of several chunks and for a chunk that is not the last found. */
static noinline unsigned long chunks_count(struct winmem_pages *pages, unsigned long start,
					   unsigned long nr)
{
	unsigned long index, count = 0, last = start + nr - 1;
	struct winmem_chunk *chunk;

	if (chunk_index(start) == chunk_index(last)) {
		chunk = chunk_find(pages, start);
		return chunk ? winmem_chunk_count(chunk, start, nr) : 0;
	}

	xa_for_each_range(&pages->chunks, index, chunk, chunk_index(start), chunk_index(last)) {
		unsigned long from = max(start, index << WINMEM_CHUNK_SHIFT);

		count += winmem_chunk_count(chunk, from, chunk_part(from, last - from + 1));
		cond_resched();
	}
	return count;
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
	struct winmem_chunk *chunk = chunk_around(pages, start, nr);

	return chunk ? winmem_chunk_count(chunk, start, nr) : chunks_count(pages, start, nr);
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
		run = winmem_chunk_run(chunk, page, part, mask, want);
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
		run = winmem_chunk_run(chunk, page, part, WINMEM_PAGE_EXEC, want);
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
	if (nr < WINMEM_CHUNK_PAGES ? bits != chunk->state : bits & WINMEM_PAGE_SINGLE)
		return winmem_chunk_make_states(chunk);
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
	return chunk_prepare(pages, last - winmem_chunk_offset(last), winmem_chunk_offset(last) + 1,
			     WINMEM_PAGE_NONE);
}

static noinline int chunks_prepare(struct winmem_pages *pages, unsigned long start,
				   unsigned long nr, u8 bits)
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
	struct winmem_chunk *chunk = chunk_around(pages, start, nr);

	return chunk && chunk->states ? 0 : chunks_prepare(pages, start, nr, bits);
}

static noinline void chunks_set(struct winmem_pages *pages, unsigned long start,
				unsigned long nr, struct winmem_pages_change *change)
{
	unsigned long index, last = start + nr - 1;
	struct winmem_chunk *chunk;

	xa_for_each_range(&pages->chunks, index, chunk, chunk_index(start), chunk_index(last)) {
		unsigned long from = max(start, index << WINMEM_CHUNK_SHIFT);

		winmem_chunk_set(chunk, from, chunk_part(from, last - from + 1), change);
		cond_resched();
	}
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
	struct winmem_chunk *chunk = chunk_around(pages, start, nr);

	if (chunk)
		winmem_chunk_set(chunk, start, nr, change);
	else
		chunks_set(pages, start, nr, change);
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
 * winmem_pages_make_watch() - have bitmaps for the chunk of a page
 * @pages: table
 * @page: page number
 *
 * Context: the space's mutex is held; may sleep.
 * Return: 0 or -ENOMEM.
 */
int winmem_pages_make_watch(struct winmem_pages *pages, unsigned long page)
{
	struct winmem_chunk *chunk = chunk_find(pages, page);

	if (!chunk)
		chunk = chunk_make(pages, chunk_index(page));
	if (IS_ERR(chunk))
		return PTR_ERR(chunk);
	return chunk->watch ? 0 : winmem_chunk_make_watch(chunk);
}

/**
 * winmem_pages_is_watched() - whether some page of a range may be watched
 * @pages: table
 * @start: first page
 * @nr: pages
 *
 * Context: no lock needed; may sleep.
 */
bool winmem_pages_is_watched(struct winmem_pages *pages, unsigned long start, unsigned long nr)
{
	unsigned long index = chunk_index(start), last = chunk_index(start + nr - 1);
	struct winmem_chunk *chunk;
	bool watched = false;

	do {
		rcu_read_lock();
		chunk = xa_find(&pages->chunks, &index, last, XA_PRESENT);
		if (chunk)
			watched = READ_ONCE(chunk->watch);
		rcu_read_unlock();
		cond_resched();
	} while (chunk && !watched && index++ < last);
	return watched;
}

/**
 * winmem_pages_next() - the first chunk from a page on
 * @pages: table
 * @page: where to begin; set to the first page of the chunk, if that is above
 * @last: last page to look at
 *
 * Context: the space's mutex is held.
 * Return: the chunk, or NULL: there is none up to @last.
 */
struct winmem_chunk *winmem_pages_next(struct winmem_pages *pages, unsigned long *page,
				       unsigned long last)
{
	unsigned long index = chunk_index(*page);
	struct winmem_chunk *chunk = xa_find(&pages->chunks, &index, chunk_index(last), XA_PRESENT);

	if (chunk)
		*page = max(*page, index << WINMEM_CHUNK_SHIFT);
	return chunk;
}

/* Take a chunk out of the table that says no more than a missing one. */
static void chunk_erase(struct winmem_pages *pages, struct winmem_chunk *chunk, unsigned long index)
{
	struct winmem_chunk_watch *watch = chunk->watch;
	u8 *states = chunk->states;

	pages->last = NULL;
	xa_erase(&pages->chunks, index);
	winmem_widen(WINMEM_WIDEN_FORGET);
	/* Whoever has read the new version does not find it any more: pairs with chunk_look(). */
	smp_wmb();
	version_change(pages);
	spin_lock(&chunk->lock);
	chunk->watch = NULL;
	chunk->states = NULL;
	chunk->state = WINMEM_PAGE_NONE;
	spin_unlock(&chunk->lock);
	kfree(watch);
	kfree(states);
	kfree_rcu(chunk, rcu);
}

/* A chunk says no more than a missing one: it stays in the place of the one that stayed before. */
static void chunk_retire(struct winmem_pages *pages, struct winmem_chunk *chunk, unsigned long index)
{
	struct winmem_chunk *idle = pages->idle;

	winmem_chunk_rest(chunk);
	pages->idle = chunk;
	if (idle && idle != chunk && winmem_chunk_is_idle(idle))
		chunk_erase(pages, idle, pages->idle_index);
	pages->idle_index = index;
}

/**
 * winmem_pages_forget() - give back the memory of states that are all none
 * @pages: table
 * @start: first page
 * @nr: pages, all of them WINMEM_PAGE_NONE
 *
 * All but that of one chunk.
 *
 * Context: the space's mutex is held; may sleep.
 */
void winmem_pages_forget(struct winmem_pages *pages, unsigned long start, unsigned long nr)
{
	struct winmem_chunk *chunk;
	unsigned long index;

	xa_for_each_range(&pages->chunks, index, chunk, chunk_index(start),
			  chunk_index(start + nr - 1)) {
		cond_resched();
		if (winmem_chunk_is_idle(chunk))
			chunk_retire(pages, chunk, index);
	}
}
