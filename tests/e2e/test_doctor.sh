#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# doctor against a host that is changed under it: what is taken away must be told, and only that;
# what is given back must be well again. A daemon that runs meanwhile notices nothing.
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
says "every check that is not well has a price and a remedy" "$T/before" \
	'all(.checks[]; .state == "ok" or (.cost and .mend))'
says "the required hooks attach on this host, where the daemon runs" "$T/before" \
	'[.checks[] | select((.name | startswith("hook.")) and .required)] |
	 length >= 6 and all(.[]; .state == "ok" and .value == "attached")'
says "the mount is the memory controller's" "$T/before" \
	"(.checks[] | select(.name == \"cgroup\") | .value) == \"v$(scene__find_root && echo "$SCENE__V")\""

# a user who may not load: nothing is made up, and he is told that root knows more
examine "$T/nobody" setpriv --reuid=65534 --regid=65534 --clear-groups
says "nobody cannot run it" "$T/nobody" '.exit == 3 and .verdict == "cannot run" and (.root | not)'
says "nobody's hooks are not known" "$T/nobody" \
	'[.checks[] | select(.name | startswith("hook.")) | .state] | length > 10 and
	 all(.[]; . == "unknown" or . == "missing")'

# without one capability: that one, and what needs it
examine "$T/nokill" setpriv --bounding-set -kill
says "CAP_KILL is missed when it is not held" "$T/nokill" "$(state CAP_KILL)"' == "degraded"'
says "and nothing else changed" "$T/nokill" \
	"[.checks[] | select(.name != \"CAP_KILL\") | .name + .state] ==
	 $(jq -c '[.checks[] | select(.name != "CAP_KILL") | .name + .state]' "$T/before")"
examine "$T/nobpf" setpriv --bounding-set -bpf,-perfmon,-sys_admin
says "without CAP_BPF it cannot" "$T/nobpf" \
	'.exit == 3 and ('"$(state bpf)"') == "missing" and ('"$(state CAP_BPF)"') == "missing"'

# another killer
cp "$(command -v sleep)" "$T/earlyoom"
"$T/earlyoom" 60 &
RIVAL=$!
sleep 0.2
examine "$T/rival"
says "a killer that runs is told" "$T/rival" \
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
	says "a cgroup without an OOM killer is told" "$T/oom" \
		".checks[] | select(.name == \"oom_disabled\") |
		 .state == \"degraded\" and .value == \"1\" and (.what | contains(\"$SCENE_REL\"))"
	scene_end doctor
fi

# a daemon that runs
"$T/fastoom-bpf" run -e "$T/events" >/dev/null 2>"$T/log" &
DAEMON=$!
wait_for 10 grep -q watching: "$T/log" || :
# The kernel takes programs away some time after whoever loaded them is gone, and bpftool stops at one
# that is taken away just then: what it says twice is so.
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
says "it names the daemon that runs" "$T/running" \
	".checks[] | select(.name == \"daemon\") | .value == \"$DAEMON\""
echo "{\"had\":$had,\"has\":$(programs)}" >"$T/programs"
says "its own programs are gone, the daemon's are there" "$T/programs" '.had == .has and .had > 10'
kill -TERM "$DAEMON"
wait "$DAEMON" || bad "the daemon ended with $?"
DAEMON=''
jq -s . "$T/events" >"$T/records"
says "the daemon lost nothing" "$T/records" 'any(.[]; .event == "stop") and
	all(.[]; .event != "error")'

examine "$T/after"
says "all is as before" "$T/after" "[.checks[] | .name + .state] ==
	$(jq -c '[.checks[] | .name + .state]' "$T/before")"

finish
