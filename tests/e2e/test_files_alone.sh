#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# A service that maps 100 MiB in a cgroup of 48 MiB: a livelock of file pages alone, which no kill
# ends. It is a warning, once. Then a stream of the same size through the same cgroup: none.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
show_begin

scene_begin files $((48 << 20))
scene_stat "$(scene__v total_workingset_refault_file workingset_refault_file)" >"$T/refaults" ||
	skip_all "memory.stat has no refaults on this kernel"
file=$(show_file mapped $((100 << 20)))
daemon_start 'pressure: medium'
scene_run "$LOAD" service "$file" --random --comm fo-service >"$SCENE_DIR/report"
service=$SCENE_PID
warned() { (($(daemon_count '.event == "warn"') > 0)); }
wait_for 20 warned || :
sleep 5
same 'one warning' 1 "$(daemon_count '.event == "warn" and .reason == "level-low" and .evidence.level < 0.3')"
same 'no recovery while it lasts' 0 "$(daemon_count '.event == "recovered"')"
show_stop "$service"
recovered() { (($(daemon_count '.event == "recovered"') > 0)); }
wait_for 20 recovered || :
same 'one recovery when the service is gone' 1 "$(daemon_count '.event == "recovered"')"
same 'no kill' 0 "$(daemon_count '.event == "kill"')"
daemon_stop

daemon_start 'pressure: medium'
scene_run "$LOAD" stream "$file" --by read --comm fo-stream
sleep 8
same 'no warning for a stream' 0 "$(daemon_count '.event == "warn"')"
daemon_stop
finish
