#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# tests/count.sh: for scripts that add up what other test programs say of themselves, to be
# sourced. passed and failed are the sums; a subshell has its own.
passed=0 failed=0

result() { # status name
	if [ "$1" = 0 ]; then
		echo "ok - $2"
		passed=$((passed + 1))
	else
		echo "not ok - $2"
		failed=$((failed + 1))
	fi
}

# Run a command whose last `N passed, N failed` counts; without one its status does.
count() { # name command...
	local name=$1 log status line
	shift

	log=$(mktemp)
	"$@" 2>&1 | tee "$log"
	status=${PIPESTATUS[0]}
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
	rm -f "$log"
	if [ -n "$line" ]; then
		passed=$((passed + ${line%% passed*}))
		line=${line#*, }
		failed=$((failed + ${line%% failed*}))
		# The virtual machine itself may have failed, after all tests had passed.
		[ "$status" != 0 ] && [ "${line%% failed*}" = 0 ] || return 0
	fi
	[ "$status" = 0 ] || name="$name ended with status $status"
	result "$status" "$name"
}

# The last line, and the status of the script.
total() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" != 0 ]
}
