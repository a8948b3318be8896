// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the suites of winmem_kunit.ko call, exported by the winmem.ko of the debug build
 * only. The suites are a module of their own: before 6.13 the suites of a module run
 * before its module_init.
 */
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/mmdebug.h>

#include "backing.h"
#include "charge.h"
#include "mapping.h"
#include "pages.h"
#include "prot.h"
#include "region.h"
#include "reset.h"
#include "space.h"
#include "store.h"
#include "watch.h"
#include "window.h"

#define EXPORT(symbol)	EXPORT_SYMBOL_NS_GPL(symbol, WINMEM_KUNIT)

EXPORT(winmem_prot_to_page);
EXPORT(winmem_prot_from_page);
EXPORT(winmem_prot_has_exec);
EXPORT(winmem_page_access);

EXPORT(winmem_pages_init);
EXPORT(winmem_pages_destroy);
EXPORT(winmem_pages_get);
EXPORT(winmem_pages_count);
EXPORT(winmem_pages_run);
EXPORT(winmem_pages_prepare);
EXPORT(winmem_pages_set);
EXPORT(winmem_pages_set_one);
EXPORT(winmem_pages_is_single);
EXPORT(winmem_pages_forget);
EXPORT(winmem_pages_lock);
EXPORT(winmem_pages_unlock);
EXPORT(winmem_pages_want_exec);
EXPORT(winmem_chunk_get);
EXPORT(winmem_chunk_clear);
EXPORT(winmem_chunk_mark);
EXPORT(winmem_chunk_alike);
EXPORT(winmem_chunk_is_valid);

EXPORT(winmem_charge_init);
EXPORT(winmem_charge_destroy);
EXPORT(winmem_charge_take);
EXPORT(winmem_charge_give);
EXPORT(winmem_charge_limit);
EXPORT(winmem_charge_total);
EXPORT(winmem_charge_total_limit);

EXPORT(winmem_store_is_lost);
EXPORT(winmem_backing_next);
EXPORT(winmem_backing_store);
EXPORT(winmem_backing_has_huge);

EXPORT(winmem_region_commit);
EXPORT(winmem_region_commit_new);
EXPORT(winmem_region_decommit);
EXPORT(winmem_region_protect);
EXPORT(winmem_reset_make);
EXPORT(winmem_reset_undo);
EXPORT(winmem_region_query);

EXPORT(winmem_watch_collect);

EXPORT(winmem_space_open);
EXPORT(winmem_space_close);
EXPORT(winmem_space_reserve);
EXPORT(winmem_space_release);
EXPORT(winmem_space_find);
EXPORT(winmem_space_next);

EXPORT(winmem_window_is_whole);
EXPORT(winmem_mapping_kind);

/* mmap_assert_write_locked() calls it with DEBUG_VM, and 6.1 does not export it. */
void dump_mm(const struct mm_struct *mm)
{
	pr_emerg("winmem: mm %px is not locked\n", mm);
}
