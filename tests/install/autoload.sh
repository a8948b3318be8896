#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# tests/install/autoload.sh MODULE: as root in a virtual machine without the module. Installs
# winmem.ko where modprobe looks, makes the node that udev makes at boot from what depmod
# says, and lets an ordinary user open it: that loads the module. Ends with `N passed, N
# failed`.
set -u
module=$1
passed=0 failed=0

try() { # WHAT COMMAND...
	if "${@:2}"; then
		echo "ok - $1"
		passed=$((passed + 1))
	else
		echo "not ok - $1"
		failed=$((failed + 1))
	fi
}

# Beside Debian's lists of modules, but not its modules: depmod reads all of them, and under
# emulation that takes longer than everything else here.
installs() {
	local modules lists
	modules=/lib/modules/$(uname -r)
	lists=$(mktemp -d)
	cp "$modules"/modules.{order,builtin,builtin.modinfo} "$lists/" &&
		mount --bind "$lists" "$modules" &&
		install -D "$module" "$modules/updates/winmem.ko" && depmod -a
}

names_its_node() {
	read -r name node number <<<"$(grep ^winmem "/lib/modules/$(uname -r)/modules.devname")"
	[ "$name $node ${number%%[0-9]*}" = "winmem winmem c" ] || return
	number=${number#c}
	mknod -m 666 /dev/winmem c "${number%:*}" "${number#*:}"
}

is_not_loaded() { ! grep -q ^winmem /proc/modules; }
is_loaded() { ! is_not_loaded; }

opens() {
	setpriv --reuid=nobody --regid=nogroup --clear-groups bash -c ': <>/dev/winmem'
}

try "depmod takes the module without a word" test -z "$(installs 2>&1)"
try "the module is not loaded" is_not_loaded
try "depmod knows the device's name and number" names_its_node
try "an ordinary user opens it" opens
try "the module is loaded" is_loaded
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
