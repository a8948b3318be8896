# SPDX-License-Identifier: GPL-2.0-only
# bench.csv as what gnuplot draws: winmem's ratio to each peer, a line for each case and peer,
# with a column for each kernel; NaN where that kernel has none. The first line names them.

BEGIN {
	FS = ","
	# winmem itself, and what is not the same work.
	ours["winmem"] = ours["libwinmem"] = ours["winmem_malloc"] = 1
	ours["none"] = ours["enotty"] = ours["getppid"] = 1
}

NR > 1 {
	if (!($1 in known)) {
		known[$1] = 1
		kernel[++kernels] = $1
	}
	# Of times the least, as in the table.
	value = $4 ~ /^ns/ ? $6 : $5
	if ($3 == "winmem")
		winmem[$1, $2] = value
	else if (!($3 in ours))
		peer[$1, $2, $3] = value
	if (!($3 in ours) && !(($2, $3) in seen)) {
		seen[$2, $3] = 1
		name[++rows] = $2
		subject[rows] = $3
	}
}

END {
	printf "row"
	for (k = 1; k <= kernels; k++)
		printf "\t%s", kernel[k]
	print ""
	for (i = 1; i <= rows; i++) {
		printf "%s  %s", name[i] == last ? "" : name[i], subject[i]
		last = name[i]
		for (k = 1; k <= kernels; k++) {
			id = kernel[k] SUBSEP name[i]
			ratio = "NaN"
			if ((id in winmem) && ((id, subject[i]) in peer))
				ratio = winmem[id] / peer[id, subject[i]]
			printf "\t%s", ratio
		}
		print ""
	}
}
