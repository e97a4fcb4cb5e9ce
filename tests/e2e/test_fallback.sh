#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Where the kernel refuses the task iterator, processes are read from /proc: the daemon logs it
# once, the leaker is killed and the bigger steady process and the service live, doctor reports the
# cost, and `victims` lists the same processes.
set -euo pipefail

here=$(cd -- "${BASH_SOURCE[0]%/*}/../.." && pwd)
# shellcheck source=tests/lib/scene.sh
. "$here/tests/lib/scene.sh"
# shellcheck source=tests/lib/daemon.sh
. "$here/tests/lib/daemon.sh"

show_begin
REFUSE=$DAEMON__BUILD/tests/tools/fo-refuse BIN=$DAEMON__BUILD/fastoom-bpf
rc=0
"$REFUSE" true || rc=$?
((rc == 0)) || { echo "skipped: no seccomp filter can be set here" && exit 77; }

scene_begin fallback $((192 << 20))
file=$(show_file mapped $((64 << 20)))
show_load /dev/null steady --size 90MiB --comm steady
steady=$SCENE_PID
DAEMON_UNDER=$REFUSE daemon_start 'pressure: medium'
show_service "$SCENE_DIR/report" "$file" $((64 << 20)) --comm service
show_load /dev/null leak --to 60MiB --rate 20MiB --comm leaker
leaker=$SCENE_PID
sleep 0.2 # it runs for a second or two until it is killed
"$REFUSE" "$BIN" victims --scope "$SCENE_REL" --over 100ms --json 2>/dev/null |
	jq -r '.processes[].comm' | sort >"$SCENE_DIR/listed"
daemon_await kill 25 || :
sleep 1

killed=$(daemon_records '.event == "kill"' | jq -r '.victim.comm + "[" + .outcome + "]"' | paste -sd ' ')
show_check "killed: ${killed:-none}" "\"$killed\" == \"leaker[killed]\"" || :
show_check "the leaker lives" "$(scene_alive "$leaker" && echo 0 || echo 1)" || :
show_check "the steady process is dead" "$(scene_alive "$steady" && echo 1 || echo 0)" || :
show_check "the service is dead" "$(scene_alive "$SERVICE" && echo 1 || echo 0)" || :
logged=$(grep -c 'processes are read from /proc' "$DAEMON_LOG") || :
show_check "logged $logged times" "$logged == 1" || :
listed=$(paste -sd ' ' "$SCENE_DIR/listed")
show_check "victims lists: $listed" "\"$listed\" == \"leaker service steady\"" || :
daemon_stop

rc=0
"$REFUSE" "$BIN" doctor --json >"$SCENE_DIR/doctor" 2>/dev/null || rc=$?
line=$(jq -r '.checks[] | select(.name == "hook.fo_task_list") | .state + " " + .value' "$SCENE_DIR/doctor")
show_check "doctor says: $line" "\"$line\" == \"degraded EPERM\"" || :
plain=0
"$BIN" doctor --json >/dev/null 2>&1 || plain=$?
show_check "doctor exits with $rc, without the filter with $plain" "$rc == $plain" || :
show_end "only the leaker was killed, and all that is missing was reported"
