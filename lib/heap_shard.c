// SPDX-License-Identifier: LGPL-2.1-or-later
/* A thread's slabs. See heap_shard.h. */
#include <string.h>

#include "heap_fast.h"
#include "heap_segment.h"
#include "heap_shard.h"
#include "heap_state.h"

/* Current where there is none: it has nothing to give, and is never written to. */
static struct winmem_heap_slab no_slab = {
	.free = WINMEM_HEAP_SLOT_FREE | WINMEM_HEAP_SLOT_NONE,
};

struct winmem_heap_shard winmem_heap_no_shard = {
	.current = { [0 ... WINMEM_HEAP_CLASSES - 1] = &no_slab },
};

#define SHARDS_BYTES	(WINMEM_HEAP_SHARDS * sizeof(struct winmem_heap_shard))
#define SHARDS_A_PAGE	(WINMEM_HEAP_PAGE / sizeof(struct winmem_heap_shard))

static void shard_init(struct winmem_heap_shard *shard)
{
	for (unsigned int i = 0; i < WINMEM_HEAP_CLASSES; i++)
		shard->current[i] = &no_slab;
}

int winmem_heap_shard_open(struct winmem_heap *heap, uint32_t self)
{
	uint32_t limit = atomic_load_explicit(&heap->shard_limit, memory_order_relaxed);
	void *start;
	int err;

	if (!heap->shards) {
		err = winmem_heap_reserve(heap, SHARDS_BYTES, WINMEM_HEAP_GRAIN, &start);
		if (err)
			return err;
		heap->shards = start;
	}
	while (self >= limit) {
		err = winmem_heap_commit(heap, &heap->shards[limit], WINMEM_HEAP_PAGE);
		if (err)
			return err;
		for (unsigned int i = 0; i < SHARDS_A_PAGE; i++)
			shard_init(&heap->shards[limit + i]);
		limit += SHARDS_A_PAGE;
		/* Whoever finds its number below the limit finds the shard made. */
		atomic_store_explicit(&heap->shard_limit, limit, memory_order_release);
	}
	return 0;
}

/* Lists */

static void list_add(struct winmem_heap_slabs *list, struct winmem_heap_slab *slab)
{
	slab->prev = list->last;
	slab->next = NULL;
	if (list->last)
		list->last->next = slab;
	else
		list->first = slab;
	list->last = slab;
}

static void list_remove(struct winmem_heap_slabs *list, struct winmem_heap_slab *slab)
{
	if (slab->next)
		slab->next->prev = slab->prev;
	else
		list->last = slab->prev;
	if (slab->prev)
		slab->prev->next = slab->next;
	else
		list->first = slab->next;
}

static struct winmem_heap_slab *list_take(struct winmem_heap_slabs *list)
{
	struct winmem_heap_slab *slab = list->first;

	if (slab)
		list_remove(list, slab);
	return slab;
}

static bool has_room(const struct winmem_heap_slab *slab)
{
	return slab->free != (WINMEM_HEAP_SLOT_FREE | WINMEM_HEAP_SLOT_NONE) ||
	       slab->fresh < slab->nr;
}

/* Which of the owner's frees must be looked at: none; the last; the next. */
static void set_current(struct winmem_heap_slab *slab)
{
	slab->where = WINMEM_HEAP_SLAB_CURRENT;
	winmem_heap_slab_set_watch(slab, UINT16_MAX);
}

static void add_partial(struct winmem_heap_shard *shard, struct winmem_heap_slab *slab)
{
	slab->where = WINMEM_HEAP_SLAB_PARTIAL;
	winmem_heap_slab_set_watch(slab, 0);
	list_add(&shard->partial[slab->class], slab);
}

static void add_full(struct winmem_heap_shard *shard, struct winmem_heap_slab *slab)
{
	slab->where = WINMEM_HEAP_SLAB_FULL;
	winmem_heap_slab_set_watch(slab, winmem_heap_slab_used(slab) - 1);
	list_add(&shard->full, slab);
}

/* An empty slab in the place of a full one. None, if the caller is about to choose the next. */
static void replace_current(struct winmem_heap_shard *shard, struct winmem_heap_slab *slab)
{
	struct winmem_heap_slab *full = shard->current[slab->class];

	if (full == &no_slab)
		return;
	list_remove(&shard->partial[slab->class], slab);
	add_full(shard, full);
	set_current(slab);
	shard->current[slab->class] = slab;
}

/*
 * Back to the segment, if nothing of it is used and the current slab has room, so that what
 * comes next finds some; if it has none this one is current, and the next that is
 * empty goes. While another thread has the turn nothing goes, so that it can walk
 * the heap.
 */
static void give_if_empty(struct winmem_heap *heap, uint32_t self, struct winmem_heap_shard *shard,
			  struct winmem_heap_slab *slab, bool locked)
{
	if (winmem_heap_slab_used(slab) || slab->where != WINMEM_HEAP_SLAB_PARTIAL)
		return;
	if (!locked) {
		if (!has_room(shard->current[slab->class])) {
			replace_current(shard, slab);
			return;
		}
		winmem_heap_mutex_take(&heap->lock, heap->supply);
	}
	if (!heap->lock.owner || heap->lock.owner == self) {
		list_remove(&shard->partial[slab->class], slab);
		winmem_heap_segment_give(heap, slab);
	}
	if (!locked)
		winmem_heap_mutex_give(&heap->lock, heap->supply);
}

static void tell(struct winmem_heap *heap, struct winmem_heap_slab *slab)
{
	struct winmem_heap_shard *shard = &heap->shards[winmem_heap_slab_owner(slab)];
	struct winmem_heap_slab *first = atomic_load_explicit(&shard->told, memory_order_relaxed);

	do {
		slab->told_next = first;
		/* Pairs with the acquire in hear(). */
	} while (!atomic_compare_exchange_weak_explicit(&shard->told, &first, slab,
							memory_order_release,
							memory_order_relaxed));
}

static void collect(struct winmem_heap *heap, uint32_t self, struct winmem_heap_shard *shard,
		    struct winmem_heap_slab *slab, bool locked)
{
	if (!winmem_heap_slab_collect(slab))
		winmem_heap_damage(heap, slab->slots);
	if (slab->where == WINMEM_HEAP_SLAB_FULL && has_room(slab)) {
		list_remove(&shard->full, slab);
		add_partial(shard, slab);
	}
	give_if_empty(heap, self, shard, slab, locked);
}

/*
 * Told of a slab that is an orphan now, or somebody else's: while its owner ended somebody
 * freed a slot. If it is an orphan it stays one until this is done.
 */
static void pass_on(struct winmem_heap *heap, uint32_t self, struct winmem_heap_slab *slab,
		    bool locked)
{
	if (!locked)
		winmem_heap_mutex_take(&heap->lock, heap->supply);
	if (winmem_heap_slab_owner(slab) == WINMEM_HEAP_ORPHANS)
		collect(heap, self, &heap->shards[WINMEM_HEAP_ORPHANS], slab, true);
	else
		tell(heap, slab);
	if (!locked)
		winmem_heap_mutex_give(&heap->lock, heap->supply);
}

/* The slabs that others have freed something of. */
static void hear(struct winmem_heap *heap, uint32_t self, bool locked)
{
	struct winmem_heap_shard *shard = &heap->shards[self];
	struct winmem_heap_slab *slab, *next;

	if (!atomic_load_explicit(&shard->told, memory_order_relaxed))
		return;
	/* Pairs with the release in tell(). */
	slab = atomic_exchange_explicit(&shard->told, NULL, memory_order_acquire);
	for (; slab; slab = next) {
		next = slab->told_next;
		if (winmem_heap_slab_owner(slab) == self)
			collect(heap, self, shard, slab, locked);
		else
			pass_on(heap, self, slab, locked);
	}
}

/* Allocate */

static void *take_fresh(struct winmem_heap_slab *slab, size_t size, bool zero)
{
	char *data = slab->slots + (size_t)slab->fresh * slab->size;

	winmem_heap_slab_set_word(slab, slab->fresh++, WINMEM_HEAP_SLOT_BUSY | size);
	slab->left++;
	if (zero && !slab->zero)
		memset(data, 0, size);
	return data;
}

/* A list that leads out of the slab, or to a slot that is not free, is given up. */
static void *take(struct winmem_heap *heap, struct winmem_heap_slab *slab, size_t size, bool zero)
{
	char *data = winmem_heap_slab_pop(slab, size);

	if (data) {
		if (zero)
			memset(data, 0, size);
		return data;
	}
	if (slab->free != (WINMEM_HEAP_SLOT_FREE | WINMEM_HEAP_SLOT_NONE)) {
		slab->free = WINMEM_HEAP_SLOT_FREE | WINMEM_HEAP_SLOT_NONE;
		winmem_heap_damage(heap, slab->slots);
	}
	return slab->fresh < slab->nr ? take_fresh(slab, size, zero) : NULL;
}

/* An orphan, if there is one, or a slab from a segment. */
static struct winmem_heap_slab *adopt(struct winmem_heap *heap, uint32_t self, unsigned int class,
				      bool any)
{
	struct winmem_heap_shard *orphans = &heap->shards[WINMEM_HEAP_ORPHANS];
	struct winmem_heap_slab *slab;

	winmem_heap_enter(&heap->lock, heap->supply, self, any);
	hear(heap, WINMEM_HEAP_ORPHANS, true);
	slab = list_take(&orphans->partial[class]);
	if (!slab)
		slab = winmem_heap_segment_take(heap, class);
	if (slab)
		atomic_store_explicit(&slab->owner, self, memory_order_relaxed);
	winmem_heap_mutex_give(&heap->lock, heap->supply);
	return slab;
}

static struct winmem_heap_slab *next_slab(struct winmem_heap *heap, uint32_t self,
					  unsigned int class, bool any)
{
	struct winmem_heap_shard *shard = &heap->shards[self];
	struct winmem_heap_slab *slab;

	if (!shard->partial[class].first)
		hear(heap, self, false);
	slab = list_take(&shard->partial[class]);
	if (!slab)
		slab = adopt(heap, self, class, any);
	if (slab)
		set_current(slab);
	return slab;
}

void *winmem_heap_shard_alloc(struct winmem_heap *heap, uint32_t self, size_t size, bool zero,
			      bool any)
{
	struct winmem_heap_shard *shard = &heap->shards[self];
	unsigned int class = winmem_heap_class(size);
	struct winmem_heap_slab *slab = shard->current[class];
	void *data;

	for (;;) {
		if (slab != &no_slab) {
			data = take(heap, slab, size, zero);
			if (data)
				return data;
			add_full(shard, slab);
		}
		shard->current[class] = &no_slab;
		slab = next_slab(heap, self, class, any);
		if (!slab)
			return NULL;
		shard->current[class] = slab;
	}
}

/* Free */

void winmem_heap_shard_freed(struct winmem_heap *heap, uint32_t self,
			     struct winmem_heap_slab *slab)
{
	struct winmem_heap_shard *shard = &heap->shards[self];

	if (slab->where == WINMEM_HEAP_SLAB_FULL) {
		list_remove(&shard->full, slab);
		add_partial(shard, slab);
	}
	give_if_empty(heap, self, shard, slab, false);
}

/* An orphan's slot. False: the slab was adopted meanwhile. */
static bool free_orphan(struct winmem_heap *heap, uint32_t self, struct winmem_heap_slab *slab,
			unsigned int slot)
{
	struct winmem_heap_shard *shard = &heap->shards[WINMEM_HEAP_ORPHANS];
	bool mine;

	winmem_heap_mutex_take(&heap->lock, heap->supply);
	mine = winmem_heap_slab_owner(slab) == WINMEM_HEAP_ORPHANS;
	if (mine) {
		winmem_heap_slab_push_local(slab, slot);
		if (slab->where == WINMEM_HEAP_SLAB_FULL) {
			list_remove(&shard->full, slab);
			add_partial(shard, slab);
		}
		give_if_empty(heap, self, shard, slab, true);
	}
	winmem_heap_mutex_give(&heap->lock, heap->supply);
	return mine;
}

void winmem_heap_shard_free_other(struct winmem_heap *heap, uint32_t self,
				  struct winmem_heap_slab *slab, unsigned int slot)
{
	if (winmem_heap_slab_owner(slab) == WINMEM_HEAP_ORPHANS &&
	    free_orphan(heap, self, slab, slot))
		return;
	if (winmem_heap_slab_push_remote(slab, slot))
		tell(heap, slab);
}

/* The end of a thread */

/* A slab in no list. */
static void orphan(struct winmem_heap *heap, struct winmem_heap_slab *slab)
{
	struct winmem_heap_shard *orphans = &heap->shards[WINMEM_HEAP_ORPHANS];

	atomic_store_explicit(&slab->owner, WINMEM_HEAP_ORPHANS, memory_order_relaxed);
	if (has_room(slab)) {
		add_partial(orphans, slab);
		give_if_empty(heap, heap->lock.owner, orphans, slab, true);
	} else {
		add_full(orphans, slab);
	}
}

void winmem_heap_shard_leave(struct winmem_heap *heap, uint32_t self)
{
	struct winmem_heap_shard *shard = &heap->shards[self];
	struct winmem_heap_slab *slab;

	hear(heap, self, true);
	for (unsigned int i = 0; i < WINMEM_HEAP_CLASSES; i++) {
		while ((slab = list_take(&shard->partial[i])))
			orphan(heap, slab);
		if (shard->current[i] != &no_slab)
			orphan(heap, shard->current[i]);
		shard->current[i] = &no_slab;
	}
	while ((slab = list_take(&shard->full)))
		orphan(heap, slab);
	/* Who was about to tell us has done so, mostly; the next of our number hears the rest. */
	hear(heap, self, true);
}

void winmem_heap_shard_tidy(struct winmem_heap *heap)
{
	struct winmem_heap_shard *orphans = &heap->shards[WINMEM_HEAP_ORPHANS];
	struct winmem_heap_slab *slab, *next;

	hear(heap, WINMEM_HEAP_ORPHANS, true);
	for (unsigned int i = 0; i < WINMEM_HEAP_CLASSES; i++) {
		for (slab = orphans->partial[i].first; slab; slab = next) {
			next = slab->next;
			give_if_empty(heap, heap->lock.owner, orphans, slab, true);
		}
	}
}
