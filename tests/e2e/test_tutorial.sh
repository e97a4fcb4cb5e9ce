#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# timeout: 150
#
# Every command of docs/tutorial.md, in its order, in one shell, in a copy of the tree's surface; and
# that what they print is what the tutorial says of it.
set -euo pipefail

cd "$(dirname "$0")/../.."
tree=$PWD O=${O:-build}
[[ $O == /* ]] || O=$tree/$O
skip() {
	echo "skipped: $*"
	exit 77
}
((EUID == 0)) || skip "needs root"
[[ -r /sys/kernel/btf/vmlinux ]] || skip "this kernel has no BTF"
cg=/sys/fs/cgroup
[[ ! -d $cg/memory ]] || cg=$cg/memory
[[ -w $cg && -e $cg/cgroup.procs ]] || skip "cgroups cannot be made at $cg"
[[ ! -e $cg/tutorial ]] || skip "$cg/tutorial is there already"
[[ $cg == */memory || " $(cat $cg/cgroup.subtree_control) " == *" memory "* ]] ||
	skip "$cg does not hand down the memory controller"

T=$(mktemp -d /var/tmp/fo-tutorial-XXXXXX) # on a disk: pages of a file count
cleanup() {
	local pid
	if [[ -d $cg/tutorial ]]; then
		while read -r pid; do kill -KILL "$pid" || :; done <"$cg/tutorial/cgroup.procs" 2>/dev/null
		sleep 0.5
		rmdir "$cg/tutorial" || :
	fi
	[[ ! -s $T/tutorial.run/lock ]] || kill "$(<"$T/tutorial.run/lock")" 2>/dev/null || :
	rm -rf -- "$T"
}
trap cleanup EXIT
ln -s "$O" "$T/build"
ln -s "$tree/scripts" "$T/scripts"
# what is built is built: make and the packages are tests/run's caller's
{
	# shellcheck disable=SC2016 # it is for that shell
	echo 'sudo() { [[ $1 != -E ]] || shift; "$@"; }'
	echo 'make() { test -x build/fastoom-bpf; }'
	echo 'set -euo pipefail'
	awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' docs/tutorial.md
} >"$T/commands"
[[ $(grep -c . "$T/commands") -gt 25 ]] || { echo "FAILED: hardly any commands in the tutorial" && exit 1; }

rc=0
(cd "$T" && LC_ALL=C.UTF-8 bash commands) >"$T/out" 2>&1 || rc=$?
failed=0
# said PATTERN: what the tutorial promises
said() {
	if grep -q -- "$1" "$T/out"; then
		echo "ok: $1"
	else
		echo "FAILED: nothing printed has: $1"
		failed=1
	fi
}
((rc == 0)) || { echo "FAILED: a command of the tutorial ended with $rc" && failed=1; }
said 'tutorial.yaml: good'
said 'wrong.yaml:4:5: presure'
said 'that was wrong'
said 'fastoom-bpf runs, pid'
said '  leaker\[[0-9]*\] was killed after'
said 'Afterwards      The scope recovered'
said 'reload '
if [[ -e $cg/tutorial ]]; then
	echo "FAILED: the cgroup is still there"
	failed=1
fi
((failed == 0)) || sed 's/^/    /' "$T/out"
((failed == 0))
