#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# doctor on a host that changes: it must report what is missing, and only that; what is back must be
# ok again. A daemon that runs meanwhile is not disturbed.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need root btf "$BIN" jq

cp "$BIN" "$T/fastoom-bpf" # where any user may run it
DAEMON='' RIVAL=''
cleanup() {
	[[ -z $DAEMON ]] || kill -KILL "$DAEMON" 2>/dev/null || :
	[[ -z $RIVAL ]] || kill -KILL "$RIVAL" 2>/dev/null || :
}

# examine FILE [BEFORE...]: doctor's report in FILE; sets RC.
examine() {
	local out=$1
	shift
	RC=0
	"$@" "$T/fastoom-bpf" doctor --json >"$out" || RC=$?
}
# says WHAT FILE CONDITION
says() {
	if jq -e "$3" "$2" >/dev/null; then
		good "$1"
	else
		bad "$1: not so: $3"
		jq -c '.verdict, (.checks[] | select(.state != "ok"))' "$2" || cat "$2"
	fi
}
state() { echo ".checks[] | select(.name == \"$1\") | .state"; }

examine "$T/before"
says "its exit status is the report's" "$T/before" ".exit == $RC and
	(.exit == 0) == all(.checks[]; .state == \"ok\")"
says "every check that is not ok has a cost and a remedy" "$T/before" \
	'all(.checks[]; .state == "ok" or (.cost and .mend))'
says "the required hooks attach on this host, where the daemon runs" "$T/before" \
	'[.checks[] | select((.name | startswith("hook.")) and .required)] |
	 length >= 6 and all(.[]; .state == "ok" and .value == "attached")'
says "the mount is the memory controller's" "$T/before" \
	"(.checks[] | select(.name == \"cgroup\") | .value) == \"v$(scene__find_root && echo "$SCENE__V")\""

# a user that may not load programs: hooks are unknown, and the report says that root can tell
examine "$T/nobody" setpriv --reuid=65534 --regid=65534 --clear-groups
says "the user nobody cannot run the daemon" "$T/nobody" '.exit == 3 and .verdict == "cannot run" and (.root | not)'
says "the hooks of the user nobody are unknown" "$T/nobody" \
	'[.checks[] | select(.name | startswith("hook.")) | .state] | length > 10 and
	 all(.[]; . == "unknown" or . == "missing")'

# without one capability: that one is missing, and what needs it
examine "$T/nokill" setpriv --bounding-set -kill
says "CAP_KILL is missing when it is dropped" "$T/nokill" "$(state CAP_KILL)"' == "degraded"'
says "and nothing else changes" "$T/nokill" \
	"[.checks[] | select(.name != \"CAP_KILL\") | .name + .state] ==
	 $(jq -c '[.checks[] | select(.name != "CAP_KILL") | .name + .state]' "$T/before")"
examine "$T/nobpf" setpriv --bounding-set -bpf,-perfmon,-sys_admin
says "without CAP_BPF the daemon cannot run" "$T/nobpf" \
	'.exit == 3 and ('"$(state bpf)"') == "missing" and ('"$(state CAP_BPF)"') == "missing"'

# another userspace OOM killer
cp "$(command -v sleep)" "$T/earlyoom"
"$T/earlyoom" 60 &
RIVAL=$!
sleep 0.2
examine "$T/rival"
says "another running killer is reported" "$T/rival" \
	".checks[] | select(.name == \"rival\") | .state == \"degraded\" and .value == \"earlyoom\"
	 and (.what | contains(\"[$RIVAL]\"))"
kill -KILL "$RIVAL"
wait "$RIVAL" 2>/dev/null || :
RIVAL=''

# a memory cgroup whose OOM killer is off
scene__find_root
if [[ $SCENE__V == 1 ]]; then
	scene_begin doctor $((64 << 20))
	echo 1 >"$SCENE_CG/memory.oom_control"
	examine "$T/oom"
	says "a cgroup without an OOM killer is reported" "$T/oom" \
		".checks[] | select(.name == \"oom_disabled\") |
		 .state == \"degraded\" and .value == \"1\" and (.what | contains(\"$SCENE_REL\"))"
	scene_end doctor
fi

# a daemon that runs
"$T/fastoom-bpf" run -e "$T/events" >/dev/null 2>"$T/log" &
DAEMON=$!
wait_for 10 grep -q watching: "$T/log" || :
# The kernel frees programs some time after their process has exited, and bpftool stops at a program
# that is freed while it lists them: read until two counts are equal.
programs() {
	local now before=''
	for ((i = 0; i < 20; i++)); do
		now=$(bpftool prog show 2>/dev/null | grep -c 'name fo_' || :)
		[[ $now != "$before" ]] || break
		before=$now
		sleep 0.2
	done
	echo "$now"
}
had=$(programs)
examine "$T/running"
says "it names the running daemon" "$T/running" \
	".checks[] | select(.name == \"daemon\") | .value == \"$DAEMON\""
echo "{\"had\":$had,\"has\":$(programs)}" >"$T/programs"
says "the programs of doctor are gone, those of the daemon are there" "$T/programs" '.had == .has and .had > 10'
kill -TERM "$DAEMON"
wait "$DAEMON" || bad "the daemon ended with $?"
DAEMON=''
jq -s . "$T/events" >"$T/records"
says "the daemon has no error" "$T/records" 'any(.[]; .event == "stop") and
	all(.[]; .event != "error")'

examine "$T/after"
says "all checks are as before" "$T/after" "[.checks[] | .name + .state] ==
	$(jq -c '[.checks[] | .name + .state]' "$T/before")"

finish
