#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Cgroups that vanish during a kill: the cgroup of a victim is removed as soon as it is empty; and a
# victim is moved from one cgroup to the next all the time, each of which is removed behind it. The
# victim is killed, no other process is, the record is settled, and the daemon continues to judge.
set -euo pipefail

cd -- "${BASH_SOURCE[0]%/*}/../.."
# shellcheck source-path=SCRIPTDIR source=../lib/scene.sh
. tests/lib/scene.sh
# shellcheck source-path=SCRIPTDIR source=../lib/daemon.sh
. tests/lib/daemon.sh

LIMIT=$((128 << 20)) FILE_BYTES=$((75 << 20))
failed=0
check() {
	local what=$1
	shift
	if ! "$@"; then
		echo "FAILED: $kill, $how: $what"
		failed=1
	fi
}

# remover CGROUP: removes it as soon as it can, until it is killed.
remover() {
	while :; do
		rmdir "$1" 2>/dev/null || :
	done
}

# mover PID FROM TO: moves a process to and fro between two cgroups, which it makes and removes.
mover() {
	local pid=$1 from=$2 to=$3 other
	while :; do
		mkdir "$to" 2>/dev/null || :
		{ echo "$pid" >"$to/cgroup.procs"; } 2>/dev/null || break
		rmdir "$from" 2>/dev/null || :
		other=$from from=$to to=$other
	done
	rmdir "$from" "$to" 2>/dev/null || :
}

# settled: the record of the first kill is complete and says that it succeeded.
# shellcheck disable=SC2317 # check calls it
settled() {
	daemon_records '.event == "kill"' |
		jq -se --argjson pid "$leaker" '.[0] | .outcome == "killed" and .victim.pid == $pid' >/dev/null
}

once() {
	local racer
	kill=$1 how=$2
	scene_begin vanish "$LIMIT"
	file=$(show_file mapped "$FILE_BYTES")
	daemon_start "kill: $kill"
	show_service "$SCENE_DIR/report" "$file" "$FILE_BYTES"
	mkdir "$SCENE_CG/job"
	show_load /dev/null leak --to 100MiB --comm leaker
	leaker=$SCENE_PID
	echo "$leaker" >"$SCENE_CG/job/cgroup.procs"
	case $how in
	removed) remover "$SCENE_CG/job" & ;;
	moved) mover "$leaker" "$SCENE_CG/job" "$SCENE_CG/job2" & ;;
	esac
	racer=$!
	check "no process was killed in 20 s" daemon_await kill 20
	sleep 1
	kill -KILL "$racer" 2>/dev/null || :
	wait "$racer" 2>/dev/null || :
	rmdir "$SCENE_CG/job" "$SCENE_CG/job2" 2>/dev/null || :
	check "the record is not settled: $(daemon_records '.event == "kill"')" settled
	check "there is not one kill" [ "$(daemon_count '.event == "kill"')" = 1 ]
	check "the service was killed" scene_alive "$SERVICE"
	check "the leaker was not killed" [ ! -d "/proc/$leaker" ]
	check "an error: $(daemon_records '.event == "error"')" [ "$(daemon_count '.event == "error"')" = 0 ]
	check "the daemon has ended" scene_alive "$DAEMON_PID"
	check "there is no recovery" daemon_await recovered 10
	check "the daemon does not end with 0" daemon_stop
	scene_end vanish
	echo "$kill, $how"
}

show_begin
once cgroup removed
once cgroup moved
once process moved
exit "$failed"
