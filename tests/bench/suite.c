// SPDX-License-Identifier: GPL-2.0-only
/* Which cases there are, and for whom. */
#include "bench.h"

#define GIBIBYTE	262144		/* in pages */

/*
 * The loops are so long that a sample has several timer interrupts, which come every four
 * million instructions.
 */
const struct bench_case bench_cases[] = {
	{ "loop_overhead", "none", &bench_none, bench_loop, 50000 },
	{ "noop_ioctl", "winmem", &bench_winmem, bench_loop, 20000 },
	{ "noop_ioctl", "enotty", &bench_enotty, bench_loop, 20000 },
	{ "noop_ioctl", "getppid", &bench_getppid, bench_loop, 40000 },

	{ "reserve_release_1m", "winmem", &bench_winmem, bench_reserve_release, 2000 },
	{ "reserve_release_1m", "libwinmem", &bench_libwinmem, bench_reserve_release, 2000 },
	{ "reserve_release_1m", "mmap", &bench_mmap, bench_reserve_release, 1000 },

	{ "commit_64k", "winmem", &bench_winmem, bench_commit, 4096 },
	{ "commit_64k", "libwinmem", &bench_libwinmem, bench_commit, 4096 },
	{ "commit_64k", "mprotect", &bench_anonymous, bench_commit, 4096 },
	{ "commit_64k", "mprotect_noreserve", &bench_noreserve, bench_commit, 4096 },
	{ "commit_64k_scattered", "winmem", &bench_winmem, bench_commit_scattered, 2048 },
	{ "commit_64k_scattered", "mprotect", &bench_anonymous, bench_commit_scattered, 2048 },

	{ "decommit_64k", "winmem", &bench_winmem, bench_decommit, 256 },
	{ "decommit_64k", "libwinmem", &bench_libwinmem, bench_decommit, 256 },
	{ "decommit_64k", "madvise", &bench_anonymous, bench_decommit, 256 },
	{ "decommit_64k", "madvise_mprotect", &bench_discard, bench_decommit, 256 },
	{ "decommit_64k_untouched", "winmem", &bench_winmem, bench_decommit_empty, 4096 },
	{ "decommit_64k_untouched", "madvise", &bench_anonymous, bench_decommit_empty, 4096 },
	{ "decommit_64k_untouched", "madvise_mprotect", &bench_discard, bench_decommit_empty,
	  4096 },

	{ "protect_page", "winmem", &bench_winmem, bench_protect_page, 2000 },
	{ "protect_page", "libwinmem", &bench_libwinmem, bench_protect_page, 2000 },
	{ "protect_page", "mprotect", &bench_anonymous, bench_protect_page, 1000 },
	{ "protect_page_write", "winmem", &bench_winmem, bench_protect_page_write, 2000 },
	{ "protect_page_write", "mprotect", &bench_anonymous, bench_protect_page_write, 1000 },

	{ "protect_alternate_1k", "winmem", &bench_winmem, bench_alternate, 1000 },
	{ "protect_alternate_1k", "libwinmem", &bench_libwinmem, bench_alternate, 1000 },
	{ "protect_alternate_1k", "mprotect", &bench_anonymous, bench_alternate, 1000 },
	{ "protect_alternate_1k_touched", "winmem", &bench_winmem, bench_alternate_touched, 1000 },
	{ "protect_alternate_1k_touched", "mprotect", &bench_anonymous, bench_alternate_touched,
	  1000 },
	{ "protect_alternate_100k", "winmem", &bench_winmem, bench_alternate, 100000 },
	{ "protect_alternate_100k", "mprotect", &bench_anonymous, bench_alternate, 100000 },
	{ "protect_alternate_1m", "winmem", &bench_winmem, bench_alternate, 1000000 },
	{ "protect_alternate_1m", "mprotect", &bench_anonymous, bench_alternate, 1000000 },

	{ "protect_page_runs_1k", "winmem", &bench_winmem, bench_protect_runs, 1000 },
	{ "protect_page_runs_1k", "mprotect", &bench_anonymous, bench_protect_runs, 1000 },
	{ "protect_page_runs_1m", "winmem", &bench_winmem, bench_protect_runs, 1000000 },
	{ "noaccess_alternate_1k", "winmem", &bench_winmem, bench_noaccess_alternate, 1000 },
	{ "noaccess_alternate_1k", "mprotect", &bench_anonymous, bench_noaccess_alternate, 1000 },
	{ "noaccess_alternate_1k", "madvise_guard", &bench_guard, bench_noaccess_alternate, 1000 },

	{ "query", "winmem", &bench_winmem, bench_query, 10000 },
	{ "query", "libwinmem", &bench_libwinmem, bench_query, 10000 },
	{ "query", "maps", &bench_mmap, bench_query, 400 },
	{ "query", "procmap_query", &bench_procmap, bench_query, 10000 },
	{ "query_reserved", "winmem", &bench_winmem, bench_query_reserved, 10000 },
	{ "query_uniform", "winmem", &bench_winmem, bench_query_uniform, 10000 },
	{ "query_alternate", "winmem", &bench_winmem, bench_query_alternate, 10000 },
	{ "query_free", "winmem", &bench_winmem, bench_query_free, 10000 },
	{ "query_other", "winmem", &bench_winmem, bench_query_other, 10000 },

	/* A peer has two mappings for each of those others, and no 200,000. */
	{ "reserve_release_1m_regions_10", "winmem", &bench_winmem,
	  bench_reserve_release, 2000, 10 },
	{ "reserve_release_1m_regions_10", "mmap", &bench_mmap, bench_reserve_release, 1000, 10 },
	{ "reserve_release_1m_regions_1k", "winmem", &bench_winmem,
	  bench_reserve_release, 2000, 1000 },
	{ "reserve_release_1m_regions_1k", "mmap", &bench_mmap, bench_reserve_release, 1000, 1000 },
	{ "reserve_release_1m_regions_100k", "winmem", &bench_winmem,
	  bench_reserve_release, 2000, 100000 },
	{ "commit_64k_regions_10", "winmem", &bench_winmem, bench_commit, 4096, 10 },
	{ "commit_64k_regions_10", "mprotect", &bench_anonymous, bench_commit, 4096, 10 },
	{ "commit_64k_regions_1k", "winmem", &bench_winmem, bench_commit, 4096, 1000 },
	{ "commit_64k_regions_1k", "mprotect", &bench_anonymous, bench_commit, 4096, 1000 },
	{ "commit_64k_regions_100k", "winmem", &bench_winmem, bench_commit, 4096, 100000 },
	{ "protect_page_regions_10", "winmem", &bench_winmem, bench_protect_page, 2000, 10 },
	{ "protect_page_regions_10", "mprotect", &bench_anonymous, bench_protect_page, 1000, 10 },
	{ "protect_page_regions_1k", "winmem", &bench_winmem, bench_protect_page, 2000, 1000 },
	{ "protect_page_regions_1k", "mprotect", &bench_anonymous, bench_protect_page, 1000, 1000 },
	{ "protect_page_regions_100k", "winmem", &bench_winmem, bench_protect_page, 2000, 100000 },
	{ "query_regions_10", "winmem", &bench_winmem, bench_query, 10000, 10 },
	{ "query_regions_10", "maps", &bench_mmap, bench_query, 400, 10 },
	{ "query_regions_10", "procmap_query", &bench_procmap, bench_query, 10000, 10 },
	{ "query_regions_1k", "winmem", &bench_winmem, bench_query, 10000, 1000 },
	{ "query_regions_1k", "maps", &bench_mmap, bench_query, 40, 1000 },
	{ "query_regions_1k", "procmap_query", &bench_procmap, bench_query, 10000, 1000 },
	{ "query_regions_100k", "winmem", &bench_winmem, bench_query, 10000, 100000 },

	{ "first_touch_page", "winmem", &bench_winmem, bench_touch, 4096 },
	{ "first_touch_page", "anonymous_4k", &bench_anonymous, bench_touch, 4096 },
	{ "first_touch_page", "memfd", &bench_memfd, bench_touch, 4096 },
	{ "first_touch_page_scattered", "winmem", &bench_winmem, bench_touch_scattered, 4096 },
	{ "first_touch_page_scattered", "anonymous_4k", &bench_anonymous, bench_touch_scattered,
	  4096 },
	{ "first_touch_page_scattered", "memfd", &bench_memfd, bench_touch_scattered, 4096 },

	{ "first_touch_64k", "winmem", &bench_winmem, bench_touch_pieces, 512 },
	{ "first_touch_64k", "anonymous_4k", &bench_anonymous, bench_touch_pieces, 512 },
	{ "first_touch_1g", "winmem", &bench_winmem, bench_touch, GIBIBYTE },
	{ "first_touch_1g", "anonymous_thp", &bench_thp, bench_touch, GIBIBYTE },
	{ "first_touch_sparse", "winmem", &bench_winmem_sparse, bench_touch_sparse, 20000,
	  .is_long = true },
	{ "first_touch_sparse", "anonymous_4k", &bench_noreserve, bench_touch_sparse, 20000,
	  .is_long = true },
	{ "first_touch_sparse_rss", "winmem", &bench_winmem_sparse, bench_touch_sparse_rss, 20000,
	  .is_long = true, .unit = "pages" },
	{ "first_touch_sparse_rss", "anonymous_4k", &bench_noreserve, bench_touch_sparse_rss, 20000,
	  .is_long = true, .unit = "pages" },

	{ "release_page", "winmem", &bench_winmem, bench_release_page, 4096 },
	{ "release_page", "anonymous_4k", &bench_anonymous, bench_release_page, 4096 },
	{ "release_page", "memfd", &bench_memfd, bench_release_page, 4096 },

	{ "release_page_scattered", "winmem", &bench_winmem, bench_release_scattered, 4096 },
	{ "release_page_scattered", "anonymous_4k", &bench_anonymous, bench_release_scattered, 4096 },
	{ "release_touched", "winmem", &bench_winmem, bench_release_pieces, 512 },
	{ "release_touched", "anonymous_4k", &bench_anonymous, bench_release_pieces, 512 },
	{ "release_huge", "winmem", &bench_winmem, bench_release_page, GIBIBYTE },
	{ "release_huge", "anonymous_thp", &bench_thp, bench_release_page, GIBIBYTE },

	{ "watch_get_reset", "winmem", &bench_winmem_watch, bench_watch_dirty, 8 },
	{ "watch_get_reset", "mprotect_sigsegv", &bench_mprotect_watch, bench_watch_dirty, 1 },
	{ "watch_get_reset", "userfaultfd", &bench_uffd_watch, bench_watch_dirty, 1 },
	{ "watch_get_reset", "pagemap_scan", &bench_scan_watch, bench_watch_dirty, 8 },

	{ "watch_rewrite", "winmem", &bench_winmem_watch, bench_watch_rewrite, 4 },
	{ "watch_rewrite", "mprotect_sigsegv", &bench_mprotect_watch, bench_watch_rewrite, 1 },
	{ "watch_rewrite", "userfaultfd", &bench_uffd_watch, bench_watch_rewrite, 1 },
	{ "watch_rewrite", "pagemap_scan", &bench_scan_watch, bench_watch_rewrite, 4 },

	{ "handled_fault", "winmem", &bench_libwinmem_handled, bench_handled_fault, 1024 },
	{ "handled_fault", "mprotect_sigsegv", &bench_mprotect_handled, bench_handled_fault, 1024 },

	{ "watch_clean_8192", "winmem", &bench_winmem_watch, bench_watch_clean, 64 },
	{ "watch_clean_8192", "mprotect_sigsegv", &bench_mprotect_watch, bench_watch_clean, 1 },
	{ "watch_clean_8192", "userfaultfd", &bench_uffd_watch, bench_watch_clean, 1 },
	{ "watch_clean_8192", "pagemap_scan", &bench_scan_watch, bench_watch_clean, 4 },
};

const size_t bench_nr_cases = sizeof(bench_cases) / sizeof(*bench_cases);
