#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# The daemon under a service manager: what it tells the notify socket when it is ready, reloads, lives and
# ends; the unit's capabilities are enough to attach all that root can, and to kill; beside another program
# that kills in a shortage the daemon does not start unless the configuration or --dry-run allows it; the
# unit is valid, and its exposure is at most that of docs/operation.md.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need root btf setpriv python3
show_begin
UNIT=packaging/fastoom-bpf.service

# ---- the notify socket -----------------------------------------------------------------------

cat >"$T/manager.py" <<'END'
import socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(sys.argv[1])
while True:
    print(server.recv(4096).decode().replace("\n", " "), flush=True)
END
python3 "$T/manager.py" "$T/notify" >"$T/told" &
manager=$!
rival=''
cleanup() {
	kill "$manager" ${rival:+"$rival"} 2>/dev/null || :
}
wait_for 10 test -S "$T/notify" || :
scene_begin service $((128 << 20))
DAEMON_UNDER=(env "NOTIFY_SOCKET=$T/notify" WATCHDOG_USEC=400000)
daemon_start 'pressure: medium'
told() { (($(grep -c -- "$1" "$T/told") >= $2)); }
check "ready" wait_for 5 told '^READY=1 STATUS=' 1
check "the watchdog is fed" wait_for 5 told '^WATCHDOG=1$' 4
kill -HUP "$DAEMON_PID"
check "a reload is told" wait_for 10 told '^RELOADING=1$' 1
check "and its end" wait_for 10 told '^READY=1 STATUS=' 2
daemon_stop || bad "the daemon did not end well"
check "the end is told" wait_for 5 told '^STOPPING=1$' 1
scene_end service

# ---- the capabilities of the unit ------------------------------------------------------------

caps=$(sed -n 's/^CapabilityBoundingSet=//p' "$UNIT" | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
scene_begin capabilities $((256 << 20))
service
DAEMON_UNDER=()
daemon_start 'pressure: medium'
hooks_all=$(sed -n 's/.*watching: \([0-9]* of [0-9]* hooks\).*/\1/p' "$DAEMON_LOG")
grep -o 'warning: .*' "$DAEMON_LOG" | sort >"$T/warnings_all" || :
daemon_stop || bad "the daemon did not end well"
DAEMON_UNDER=(setpriv --bounding-set "-all,$caps" --inh-caps -all --no-new-privs --)
daemon_start "prefer: [ { exe: '^$T/fo-load$' } ]"
same "as many hooks as with all capabilities" "$hooks_all" \
	"$(sed -n 's/.*watching: \([0-9]* of [0-9]* hooks\).*/\1/p' "$DAEMON_LOG")"
grep -o 'warning: .*' "$DAEMON_LOG" | sort >"$T/warnings" || :
same "no warning more" "$(<"$T/warnings_all")" "$(<"$T/warnings")"
same "these capabilities and no others" "$(($(wc -w <<<"${caps//,/ }")))" \
	"$(python3 -c "import sys; print(bin(int(sys.argv[1], 16)).count('1'))" \
		"$(sed -n 's/^CapBnd:[[:space:]]*//p' "/proc/$DAEMON_PID/status")" |
		awk -v lacks="$(setpriv --dump | sed -n 's/^Capability bounding set: //p' | tr , '\n' | sort >"$T/has"
			tr ',' '\n' <<<"${caps//+/}" | sort | comm -23 - "$T/has" | wc -l)" '{ print $1 + lacks }')"
cp -- "$LOAD" "$T/fo-load" # where another user may run it
scene_run setpriv --reuid 65534 --regid 65534 --clear-groups -- \
	"$T/fo-load" leak --to 140MiB --rate 200MiB --comm fo-leaker
leaker=$SCENE_PID
check "another user's process is killed by a rule on exe" wait_for 60 \
	some_kill ".victim.pid == $leaker and .outcome == \"killed\" and (.victim.rule // \"\" | test(\"exe\"))"
daemon_stop || bad "the daemon did not end well"
scene_end capabilities

# ---- another program that kills ---------------------------------------------------------------

cp -- "$(command -v sleep)" "$T/earlyoom"
"$T/earlyoom" 60 &
rival=$!
run() { timeout 20 "$BIN" run --for 300ms -e "$T/events" "$@" 2>"$T/log"; }
rc=0
run || rc=$?
same "beside a rival it does not start" "3" "$rc"
check "and names it" grep -q "error: earlyoom\[$rival\] is running" "$T/log"
check "with --dry-run it starts" run --dry-run
check "with a warning" grep -q "warning: earlyoom\[$rival\] is running" "$T/log"
echo 'rivals: allow' >"$T/allow.yaml"
check "with 'rivals: allow' it starts" run -c "$T/allow.yaml"
kill "$rival"
wait "$rival" 2>/dev/null || :
rival=''
check "without the rival it starts" run

# ---- the unit -----------------------------------------------------------------------------------

if command -v systemd-analyze >/dev/null; then
	sed "s|/usr/sbin/fastoom-bpf|$BIN|; /^Documentation=/d" "$UNIT" >"$T/fastoom-bpf.service"
	same "systemd-analyze verify" "" "$(systemd-analyze verify "$T/fastoom-bpf.service" 2>&1)"
	limit=$(sed -n 's/.*exposure level is \([0-9.]*\).*/\1/p' docs/operation.md)
	check "systemd-analyze security: at most ${limit:-unknown}" systemd-analyze security --offline=true \
		--threshold="$(awk -v l="${limit:-0}" 'BEGIN { print l * 10 }')" "$T/fastoom-bpf.service"
fi

finish
