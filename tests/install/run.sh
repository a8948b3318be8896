#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Use what `make install` has put into STAGE as a stranger's program would.
#
#   run.sh build STAGE OUT    compile against it, and look at what it exports (any machine)
#   run.sh run STAGE OUT      run the programs (where the module is loaded, as any user)
#
# STAGE is the DESTDIR of an install with any PREFIX. Ends with `N passed,
# N failed`; exit status 1 for a failure.

# try() calls most functions, by name.
# shellcheck disable=SC2317
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
map=$here/../../lib/libwinmem.map
passed=0 failed=0

usage() {
	sed -n '3,8s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

[ $# -eq 3 ] || usage
stage=$(cd "$2" && pwd)
out=$3
pc=$(find "$stage" -name libwinmem.pc | head -n 1)
[ -n "$pc" ] || { echo "install: no libwinmem.pc in $stage" >&2; exit 1; }
libdir=$(dirname "$(dirname "$pc")")

report() {	# STATUS WHAT
	if [ "$1" -eq 0 ]; then
		echo "ok - $2"
		passed=$((passed + 1))
	else
		echo "not ok - $2"
		failed=$((failed + 1))
	fi
}

try() {		# WHAT COMMAND...
	local status=0
	"${@:2}" || status=$?
	report $status "$1"
}

# In a staged tree the paths of the .pc file lack DESTDIR: the sysroot supplies it, and
# the directories that a compiler knows by itself must not be left out.
flags() {
	PKG_CONFIG_LIBDIR=$(dirname "$pc") PKG_CONFIG_SYSROOT_DIR=$stage \
		PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 \
		pkg-config "$@" libwinmem
}

map_symbols() {
	sed -n 's/^\t\([A-Za-z0-9_]*\);$/\1/p' "$map" | sort
}

library_symbols() {
	nm -D --defined-only "$libdir/libwinmem.so.0" |
		awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort
}

exports_are_the_maps() {
	diff <(map_symbols) <(library_symbols)
}

# What the header declares is what the map lists: nothing forgotten in either.
header_is_the_map() {
	diff <(map_symbols) <(sed -n 's/^WINMEM_API .*[ *]WINAPI \([A-Za-z0-9_]*\)(.*/\1/p' \
		"$(find "$stage" -name winmem.h)" | sort)
}

# A static library has no hidden symbols: its own names must not meet the program's.
archive_names_are_ours() {
	! nm -g --defined-only "$libdir/libwinmem.a" | awk 'NF == 3 { print $3 }' |
		grep -vxF -f <(map_symbols) | grep -v '^winmem_'
}

soname_is_right() {
	readelf -d "$libdir/libwinmem.so.0" | grep 'SONAME.*\[libwinmem\.so\.0\]' > /dev/null
}

compile() {	# OUTPUT COMPILER SOURCE [FLAG...]; the flags of pkg-config come last
	local output=$1 compiler=$2 source=$3
	shift 3
	$compiler -O2 -Wall -Wextra -Werror "$here/$source" -o "$out/$output" "$@"
}

files_are_there() {
	local file
	for file in libwinmem.so libwinmem.so.0 libwinmem.a; do
		[ -e "$libdir/$file" ] || { echo "no $file in $libdir"; return 1; }
	done
	for file in VirtualAlloc.3 VirtualAllocEx.3 winmem.4 libwinmem.7 60-winmem.rules winmem.conf; do
		[ -n "$(find "$stage" -name "$file*")" ] || { echo "no $file in $stage"; return 1; }
	done
}

build() {
	mkdir -p "$out"
	# shellcheck disable=SC2046
	{
	try "every file is there" files_are_there
	try "the library exports what libwinmem.map lists" exports_are_the_maps
	try "winmem.h declares what libwinmem.map lists" header_is_the_map
	try "libwinmem.a has no name that could clash" archive_names_are_ours
	try "the soname is libwinmem.so.0" soname_is_right
	try "C, shared" compile user "${CC:-cc}" user.c $(flags --cflags --libs)
	try "C, static" compile user-static "${CC:-cc}" user.c -static \
		$(flags --cflags --libs --static)
	try "C11, pedantic" compile user-c11 "${CC:-cc}" user.c -std=c11 -pedantic-errors \
		$(flags --cflags --libs)
	try "C++, shared" compile user-cpp "${CXX:-c++}" user.cpp $(flags --cflags --libs)
	try "C++11, pedantic, static" compile user-cpp-static "${CXX:-c++}" user.cpp -std=c++11 \
		-pedantic-errors -static $(flags --cflags --libs --static)
	}
}

run() {
	local program
	for program in user user-static user-c11 user-cpp user-cpp-static; do
		try "$program runs" env LD_LIBRARY_PATH="$libdir" "$out/$program"
	done
}

case $1 in
build) build ;;
run) run ;;
*) usage ;;
esac
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
