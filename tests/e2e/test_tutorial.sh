#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# timeout: 150
#
# Every command of docs/tutorial.md, in order, in one shell, in a directory with links to the tree;
# and that they print what the tutorial says.
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
run=/run/fastoom-tutorial # as in the tutorial
[[ ! -e $run ]] || skip "$run is there already"
[[ $cg == */memory || " $(cat $cg/cgroup.subtree_control) " == *" memory "* ]] ||
	skip "$cg does not hand down the memory controller"

T=$(mktemp -d /var/tmp/fo-tutorial-XXXXXX) # on a disk: its pages are page cache
cleanup() {
	local pid
	if [[ -d $cg/tutorial ]]; then
		while read -r pid; do kill -KILL "$pid" || :; done <"$cg/tutorial/cgroup.procs" 2>/dev/null
		sleep 0.5
		rmdir "$cg/tutorial" || :
	fi
	[[ ! -s $run/pid ]] || kill "$(<"$run/pid")" 2>/dev/null || :
	rm -rf -- "$T" "$run"
}
trap cleanup EXIT
ln -s "$O" "$T/build"
ln -s "$tree/scripts" "$T/scripts"
# the build is there: make and install-deps must do nothing
{
	# shellcheck disable=SC2016 # that shell expands it
	echo 'sudo() { [[ $1 != -E ]] || shift; "$@"; }'
	echo 'make() { test -x build/fastoom-bpf; }'
	echo 'set -euo pipefail'
	awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' docs/tutorial.md
} >"$T/commands"
[[ $(grep -c . "$T/commands") -gt 25 ]] || { echo "FAILED: hardly any commands in the tutorial" && exit 1; }

rc=0
(cd "$T" && LC_ALL=C.UTF-8 bash commands) >"$T/out" 2>&1 || rc=$?
failed=0
# printed PATTERN: text that the tutorial promises.
printed() {
	if grep -q -- "$1" "$T/out"; then
		echo "ok: $1"
	else
		echo "FAILED: no line has: $1"
		failed=1
	fi
}
((rc == 0)) || { echo "FAILED: a command of the tutorial ended with $rc" && failed=1; }
printed 'tutorial.yaml: good'
printed 'wrong.yaml:4:5: presure'
printed 'that was wrong'
printed 'fastoom-bpf is running, pid'
printed '  leaker\[[0-9]*\] was killed after'
printed 'Afterwards      The scope recovered'
printed 'reload '
if [[ -e $cg/tutorial ]]; then
	echo "FAILED: the cgroup is still there"
	failed=1
fi
((failed == 0)) || sed 's/^/    /' "$T/out"
((failed == 0))
