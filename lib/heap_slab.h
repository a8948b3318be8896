/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Slabs: 64 KiB, or a bit less, cut into slots of one class. A slab begins with a word for
 * each slot, and the slots follow:
 *
 *	| word word word ... | slot | slot | slot | ... |
 *
 * A slot's word is BUSY and the size that was asked for, or FREE and the number of the
 * next free slot, or 0 when it was never given out. So the slots hold nothing of ours, and
 * whatever a program writes to freed memory, or past the end of a slot, breaks no list. A word
 * that was overwritten is found out: it leads nowhere but to a slot of the same slab.
 *
 * A slab belongs to one shard (heap_shard.h), which means one thread. The owner takes from
 * and gives to the free list without any lock. Other threads push on the remote list with
 * one compare-and-swap. Who finds that list empty also tells the owner, who fetches the
 * whole list once he is told and not before; so a slab that somebody is about to tell of
 * has a slot that counts as used, and stays where it is.
 */
#ifndef WINMEM_HEAP_SLAB_H
#define WINMEM_HEAP_SLAB_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WINMEM_HEAP_SLOT_BUSY	0x8000
#define WINMEM_HEAP_SLOT_FREE	0x4000
#define WINMEM_HEAP_SLOT_VALUE	0x3fff
#define WINMEM_HEAP_SLOT_NONE	0x3fff	/* the end of a list */

/* Where a slab is: nowhere, current of its class, or in one of the shard's lists. */
#define WINMEM_HEAP_SLAB_UNUSED		0
#define WINMEM_HEAP_SLAB_CURRENT	1
#define WINMEM_HEAP_SLAB_PARTIAL	2
#define WINMEM_HEAP_SLAB_FULL		3

struct winmem_heap_slab {
	/* The owner's, for every allocation. */
	uint16_t free;			/* first free slot, as a word: FREE and its number */
	uint16_t nr;			/* slots; 0: the slab is not used */
	uint16_t size;			/* of a slot */
	uint16_t fresh;			/* from this slot on none was ever given out */
	_Atomic uint16_t *words;
	char *slots;
	uint16_t watch;			/* a free that leaves so many used is one to look at */
	uint16_t left;			/* so many more are used; may wrap */
	uint8_t class;
	uint8_t where;
	bool zero;			/* fresh slots are */
	struct winmem_heap_slab *next;
	struct winmem_heap_slab *prev;

	/* What every free reads, and other threads write. */
	alignas(64) _Atomic uint32_t remote;	/* the first slot on the list, or NONE */
	_Atomic uint32_t owner;		/* number of the shard */
	uint32_t reciprocal;		/* of size, in 2^-32, rounded up */
	uint32_t nr_slots;		/* as nr, words, slots and size above */
	uint16_t slot_size;
	_Atomic uint16_t *slot_words;
	char *first_slot;
	struct winmem_heap_slab *told_next;
};

/**
 * winmem_heap_slab_open() - cut @bytes at @start into slots
 * @start: committed, and zero if @zero
 */
void winmem_heap_slab_open(struct winmem_heap_slab *slab, char *start, size_t bytes,
			   unsigned int class, bool zero);

/**
 * winmem_heap_slab_collect() - fetch the remote list
 *
 * Context: the owner, when he was told of the slab.
 * Return: false: it was damaged, and is dropped.
 */
bool winmem_heap_slab_collect(struct winmem_heap_slab *slab);

static inline uint32_t winmem_heap_slab_owner(const struct winmem_heap_slab *slab)
{
	return atomic_load_explicit(&slab->owner, memory_order_relaxed);
}

static inline uint16_t winmem_heap_slab_word(const struct winmem_heap_slab *slab, unsigned int slot)
{
	return atomic_load_explicit(&slab->slot_words[slot], memory_order_relaxed);
}

static inline void winmem_heap_slab_set_word(struct winmem_heap_slab *slab, unsigned int slot,
					     uint16_t word)
{
	atomic_store_explicit(&slab->slot_words[slot], word, memory_order_relaxed);
}

static inline bool winmem_heap_word_is_busy(uint16_t word)
{
	return word & WINMEM_HEAP_SLOT_BUSY;
}

/* Slots neither free nor fresh, those on remote included. */
static inline uint16_t winmem_heap_slab_used(const struct winmem_heap_slab *slab)
{
	return slab->left + slab->watch;
}

static inline void winmem_heap_slab_set_watch(struct winmem_heap_slab *slab, uint16_t watch)
{
	slab->left += slab->watch - watch;
	slab->watch = watch;
}

/* The slot at @data, or one that is past the slab's end: nr_slots is 0 if it is not used. */
static inline uint32_t winmem_heap_slab_slot(const struct winmem_heap_slab *slab, const void *data)
{
	uint32_t offset = (const char *)data - slab->first_slot;
	uint64_t product = (uint64_t)offset * slab->reciprocal;

	/* Whole slots leave less than the reciprocal, and nothing else that lies in a slab does. */
	return (uint32_t)product < slab->reciprocal ? product >> 32 : UINT32_MAX;
}

/**
 * winmem_heap_slab_pop() - a slot off the free list
 * @size: what was asked for
 *
 * What stands in the list is believed as far as it is a slot of this slab.
 *
 * Return: NULL: the list is empty, or damaged.
 */
static inline char *winmem_heap_slab_pop(struct winmem_heap_slab *slab, size_t size)
{
	/* The end of the list is past the last slot; so is anything a stray write put there. */
	unsigned int slot = slab->free ^ WINMEM_HEAP_SLOT_FREE;

	if (__builtin_expect(slot >= slab->nr, 0))
		return NULL;
	slab->free = atomic_load_explicit(&slab->words[slot], memory_order_relaxed);
	atomic_store_explicit(&slab->words[slot], WINMEM_HEAP_SLOT_BUSY | size,
			      memory_order_relaxed);
	slab->left++;
	return slab->slots + (size_t)slot * slab->size;
}

/**
 * winmem_heap_slab_push_local() - the owner frees a slot
 *
 * Return: true when the owner must look at the slab, for it was full or is empty now.
 */
static inline bool winmem_heap_slab_push_local(struct winmem_heap_slab *slab, unsigned int slot)
{
	winmem_heap_slab_set_word(slab, slot, slab->free);
	slab->free = WINMEM_HEAP_SLOT_FREE | slot;
	return !--slab->left;
}

/**
 * winmem_heap_slab_push_remote() - another thread frees a slot
 *
 * Return: true when the caller must tell the owner, for nobody else will.
 */
static inline bool winmem_heap_slab_push_remote(struct winmem_heap_slab *slab, unsigned int slot)
{
	uint32_t first = atomic_load_explicit(&slab->remote, memory_order_relaxed);

	do {
		winmem_heap_slab_set_word(slab, slot, WINMEM_HEAP_SLOT_FREE | first);
		/*
		 * Pairs with winmem_heap_slab_collect(), both ways: the owner sees the words;
		 * who finds the list empty sees that the owner is done with told_next.
		 */
	} while (!atomic_compare_exchange_weak_explicit(&slab->remote, &first, slot,
							memory_order_acq_rel,
							memory_order_relaxed));
	return first == WINMEM_HEAP_SLOT_NONE;
}

#endif /* WINMEM_HEAP_SLAB_H */
