# SPDX-License-Identifier: GPL-2.0-only
# bench.csv of one kernel as a table for people. Status 1: a bound does not hold; or with
# -v whole=1, it has no row. -v release=NAME is the kernel's.

BEGIN {
	FS = ","
	# Row, what its ratio is to, and the bound. Peers' ratios are winmem's median to theirs.
	bound["reserve_release_1m,mmap"] = 0.45
	bound["commit_64k,mprotect"] = 0.25
	bound["protect_page,mprotect"] = 0.25
	bound["query,winmem"] = 1.6
	of["query,winmem"] = "noop_ioctl,winmem"
	bound["protect_alternate_1m,winmem"] = 1.2
	of["protect_alternate_1m,winmem"] = "protect_alternate_1k,winmem"
	bound["first_touch_64k,anonymous_4k"] = 1.15
	bound["first_touch_1g,anonymous_thp"] = 1.15
	bound["first_touch_sparse,anonymous_4k"] = 1.5
	bound["first_touch_sparse_rss,anonymous_4k"] = 1.1
	bound["release_touched,anonymous_4k"] = 1.3
	bound["release_huge,anonymous_thp"] = 1.5
	flat("reserve_release_1m_regions")
	flat("commit_64k_regions")
	flat("protect_page_regions")
	flat("query_regions")
	bound["protect_page_runs_1m,winmem"] = 1.2
	of["protect_page_runs_1m,winmem"] = "protect_page_runs_1k,winmem"
	bound["win_alloc_free_64k,wine"] = bound["win_protect_page,wine"] = 0.33
	bound["win_watch,wine"] = 0.33
	bound["win_query,wine"] = 0.6
	bound["win_heap_mixed,wine"] = 0.7
	bound["heap_mixed,glibc"] = bound["heap_mixed_time,glibc"] = 1.0
	bound["heap_mixed,mimalloc"] = bound["heap_mixed_time,mimalloc"] = 1.3
	bound["heap_two_threads_time,glibc"] = 0.9
	bound["heap_two_threads_time,mimalloc"] = 1.3
	bound["heap_churn,winmem"] = bound["heap_churn_time,winmem"] = 1.5
	of["heap_churn,winmem"] = "heap_churn_fresh,winmem"
	of["heap_churn_time,winmem"] = "heap_churn_fresh_time,winmem"
	bound["heap_rss_python,glibc"] = bound["heap_rss_python_malloc,glibc"] = 1.15
	bound["heap_rss_sqlite,glibc"] = 1.15
	# These are instructions or KiB, not ratios.
	most["heap_create_destroy,winmem"] = 30000
	most["heap_kept,winmem"] = 16384
	most["watch_get_reset,winmem"] = 300
	most["watch_rewrite,winmem"] = 2100
	most["watch_clean_8192,winmem"] = 20000
}

NR > 1 {
	key = $2 "," $3
	keys[++nr] = key
	# The least time is the one that nothing else on the host has lengthened.
	median[key] = $5
	measure[key] = $4 ~ /^ns/ ? $6 : $5
	min[key] = $6
	max[key] = $7
	unit[key] = $4
}

# With 100,000 other reservations no more than with 10.
function flat(name)
{
	bound[name "_100k,winmem"] = 1.2
	of[name "_100k,winmem"] = name "_10,winmem"
}

function ratio_of(key, name, other)
{
	split(key, name, ",")
	other = of[key]
	if (other)
		return other in median ? measure[key] / measure[other] : ""
	other = name[1] ",winmem"
	if (name[2] == "winmem" || !(other in median))
		return ""
	return measure[other] / measure[key]
}

function print_row(key, name, ratio, verdict, digits)
{
	split(key, name, ",")
	ratio = ratio_of(key)
	if (key in bound && ratio != "") {
		verdict = ratio <= bound[key] ? "holds" : "MISSED"
		missed += ratio > bound[key]
		verdict = sprintf("%5.2f  %s", bound[key], verdict)
	}
	if (key in most) {
		verdict = median[key] <= most[key] ? "holds" : "MISSED"
		missed += median[key] > most[key]
		verdict = sprintf("%5d  %s", most[key], verdict)
	}
	digits = unit[key] == "pages" || unit[key] == "ratio" ? 3 : 1
	printf "%-31s %-18s %9.*f %9.*f %9.*f", name[1] == shown ? "" : name[1], name[2],
	       digits, median[key], digits, min[key], digits, max[key]
	if (ratio != "" || verdict != "" || unit[key] != usual)
		printf " %7s", ratio == "" ? "" : sprintf("%.2f", ratio)
	if (verdict != "" || unit[key] != usual)
		printf "  %-13s", verdict
	print unit[key] == usual ? "" : "  " unit[key]
	shown = name[1]
}

function absent(key)
{
	if (!whole || key in most && key in median || key in bound && ratio_of(key) != "")
		return
	print "no row for the bound of " key
	missed++
}

END {
	if (!nr)
		exit 1
	usual = "instructions per operation"
	printf "Linux %s, %s where no other unit is named\n\n", release, usual
	printf "%-31s %-18s %9s %9s %9s %7s  %5s\n", "case", "subject", "median", "min", "max",
	       "ratio", "bound"
	for (i = 1; i <= nr; i++)
		print_row(keys[i])
	print ""
	print "ratio: winmem to the row's subject, by medians, of time by minima; in winmem's own rows query"
	print "to noop_ioctl, _1m to _1k, _regions_100k to _10, heap_churn to _fresh. The bounds are upper"
	print "ones; those of watch, heap_create_destroy and heap_kept are in the row's unit."
	for (key in bound)
		absent(key)
	for (key in most)
		absent(key)
	if (missed)
		print "bounds missed: " missed
	exit (missed > 0)
}
