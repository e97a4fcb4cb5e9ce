#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# A victim that the daemon may not kill: the daemon runs without CAP_KILL, the leaker as another
# user. The record says `refused` with EPERM, the next candidate is killed, and the first is not
# tried again at once.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need setpriv
show_begin

cp -- "$LOAD" "$T/fo-load" # where another user may run it

scene_begin refused $((256 << 20))
service
DAEMON_UNDER=(setpriv --bounding-set -kill --inh-caps -kill --)
daemon_start 'prefer: [ { comm: ^fo-leaker$ } ]
	protect: [ { comm: ^fo-service$ } ]'
if (($((0x$(sed -n 's/^CapEff:[[:space:]]*//p' "/proc/$DAEMON_PID/status"))) >> 5 & 1)); then
	bad "the daemon has CAP_KILL"
fi
scene_run setpriv --reuid 65534 --regid 65534 --clear-groups -- \
	"$T/fo-load" leak --to 70MiB --rate 200MiB --comm fo-leaker
leaker=$SCENE_PID
scene_run "$LOAD" leak --to 140MiB --rate 200MiB --comm fo-second
second=$SCENE_PID

wait_for 60 some_kill ".victim.pid == $second" || :
is "the other user's process is refused with EPERM" "[.[] | select(.event == \"kill\")][0]
	| .outcome == \"refused\" and .error == \"EPERM\" and .victim.pid == $leaker
	and .victim.uid == 65534"
is "the next candidate is killed" "[.[] | select(.event == \"kill\")][1]
	| .outcome == \"killed\" and .error == null and .victim.pid == $second"
if grep -q 'fo-leaker\[.*cannot be killed: .*CAP_KILL' "$DAEMON_LOG"; then
	good "the log names the missing capability"
else
	bad "the log does not say that CAP_KILL is missing"
fi
if wait_for 20 is_well; then
	good "the service has recovered ($(rate 500) of $HEALTHY requests/s)"
else
	bad "the service has not recovered ($(rate 500) of $HEALTHY requests/s)"
fi
sleep 5
is "the refused process is not tried again at once" \
	'[.[] | select(.event == "kill" or .event == "act")] | length == 4'
if scene_alive "$leaker" && scene_alive "$SERVICE" && ! scene_alive "$second"; then
	good "only the second leaker was killed"
else
	bad "another process was killed"
fi
daemon_stop || bad "the daemon did not end well"
scene_end refused

finish
