#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# cgroup v1 with the kernel's OOM killer off: at the limit the tasks sleep for ever, reclaim nothing
# and read nothing. The daemon kills the one that grew, with the reason under-oom, and the other one
# goes on. Where the configuration names no such scope, it warns and kills none.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
show_begin
[[ $SCENE__V == 1 ]] || skip_all "v2 cannot switch the kernel's OOM killer off"

under_oom() { grep -qx 'under_oom 1' "$SCENE_CG/memory.oom_control"; }
begin() {
	scene_begin "$1" $((64 << 20))
	echo 1 >"$SCENE_CG/memory.oom_control" 2>/dev/null ||
		skip_all "this kernel cannot switch its OOM killer off"
	scene_run "$LOAD" steady --size 16MiB --comm fo-steady
	steady=$SCENE_PID
	sleep 1
}

begin named
daemon_start 'pressure: medium'
scene_run "$LOAD" leak --to 100MiB --rate 100MiB --comm fo-leaker
daemon_await kill 10 || :
is 'one kill, of the leaker' '[.[] | select(.event == "kill")] | length == 1 and
	.[0].victim.comm == "fo-leaker" and .[0].outcome == "killed"'
is 'its reason is under-oom' '.[] | select(.event == "act") | .reason == "under-oom" and .evidence.under_oom'
sleep 1
if under_oom; then bad 'the tasks still sleep'; else good 'no task sleeps for memory'; fi
if scene_alive "$steady"; then good 'the other process lives'; else bad 'the other process is dead'; fi
check 'explain has words for it' grep -q "kernel's OOM killer is off" <("$BIN" explain -e "$DAEMON_EVENTS" 2>&1 | tr -s ' \n' ' ')
daemon_stop
scene_end

# the built-in configuration watches it only
begin watched
DAEMON_DIR=$T/watched DAEMON_EVENTS=$T/watched.jsonl DAEMON_LOG=$T/watched.log
mkdir "$DAEMON_DIR"
printf 'policies: []\n' >"$T/none.yaml"
daemon_run "$T/none.yaml"
scene_run "$LOAD" leak --to 100MiB --rate 100MiB --comm fo-leaker
leaker=$SCENE_PID
daemon_await warn 10 || :
sleep 4
same 'one warning, however long it lasts' 1 "$(daemon_count '.event == "warn" and .reason == "under-oom"')"
same 'no kill' 0 "$(daemon_count '.event == "kill"')"
if scene_alive "$leaker"; then good 'the leaker lives'; else bad 'the leaker is dead'; fi
daemon_stop
echo 0 >"$SCENE_CG/memory.oom_control" || :
scene_end
finish
