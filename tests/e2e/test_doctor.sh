#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# doctor against a host that is changed under it: what is taken away must be told, and only that;
# what is given back must be well again. A daemon that runs meanwhile notices nothing.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/scene.sh
. tests/lib/scene.sh
BIN=$PWD/${O:-build}/fastoom-bpf
[[ ${O:-} == /* ]] && BIN=$O/fastoom-bpf

skip_all() {
	echo "skipped: $*"
	exit 77
}
((EUID == 0)) || skip_all "this needs root"
[[ -r /sys/kernel/btf/vmlinux ]] || skip_all "this kernel has no BTF"
command -v jq >/dev/null || skip_all "there is no jq"

T=$(mktemp -d /var/tmp/fo-doctor-XXXXXX)
chmod 755 "$T"
cp "$BIN" "$T/fastoom-bpf" # where any user may run it
DAEMON='' RIVAL=''
cleanup() {
	[[ -z $DAEMON ]] || kill -KILL "$DAEMON" 2>/dev/null || :
	[[ -z $RIVAL ]] || kill -KILL "$RIVAL" 2>/dev/null || :
	rm -rf -- "$T"
}
trap cleanup EXIT
mkdir "$T/run"
export RUNTIME_DIRECTORY=$T/run

passed=0 failed=0
# examine FILE [BEFORE...]: doctor's report in FILE; sets RC.
examine() {
	local out=$1
	shift
	RC=0
	"$@" "$T/fastoom-bpf" doctor --json >"$out" || RC=$?
}
# is WHAT FILE CONDITION
is() {
	if jq -e "$3" "$2" >/dev/null; then
		echo "ok: $1"
		passed=$((passed + 1))
	else
		echo "FAILED: $1: not so: $3"
		jq -c '.verdict, (.checks[] | select(.state != "ok"))' "$2" || cat "$2"
		failed=$((failed + 1))
	fi
}
state() { echo ".checks[] | select(.name == \"$1\") | .state"; }

examine "$T/before"
is "its exit status is the report's" "$T/before" ".exit == $RC and
	(.exit == 0) == all(.checks[]; .state == \"ok\")"
is "every check that is not well has a price and a remedy" "$T/before" \
	'all(.checks[]; .state == "ok" or (.cost and .mend))'
is "the required hooks attach on this host, where the daemon runs" "$T/before" \
	'[.checks[] | select((.name | startswith("hook.")) and .required)] |
	 length >= 6 and all(.[]; .state == "ok" and .value == "attached")'
is "the mount is the memory controller's" "$T/before" \
	"(.checks[] | select(.name == \"cgroup\") | .value) == \"v$(scene__find_root && echo "$SCENE__V")\""

# a user who may not load: nothing is made up, and he is told that root knows more
examine "$T/nobody" setpriv --reuid=65534 --regid=65534 --clear-groups
is "nobody cannot run it" "$T/nobody" '.exit == 3 and .verdict == "cannot run" and (.root | not)'
is "nobody's hooks are not known" "$T/nobody" \
	'[.checks[] | select(.name | startswith("hook.")) | .state] | length > 10 and
	 all(.[]; . == "unknown" or . == "missing")'

# without one capability: that one, and what needs it
examine "$T/nokill" setpriv --bounding-set -kill
is "CAP_KILL is missed when it is not held" "$T/nokill" "$(state CAP_KILL)"' == "degraded"'
is "and nothing else changed" "$T/nokill" \
	"[.checks[] | select(.name != \"CAP_KILL\") | .name + .state] ==
	 $(jq -c '[.checks[] | select(.name != "CAP_KILL") | .name + .state]' "$T/before")"
examine "$T/nobpf" setpriv --bounding-set -bpf,-perfmon,-sys_admin
is "without CAP_BPF it cannot" "$T/nobpf" \
	'.exit == 3 and ('"$(state bpf)"') == "missing" and ('"$(state CAP_BPF)"') == "missing"'

# another killer
cp "$(command -v sleep)" "$T/earlyoom"
"$T/earlyoom" 60 &
RIVAL=$!
sleep 0.2
examine "$T/rival"
is "a killer that runs is told" "$T/rival" \
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
	is "a cgroup without an OOM killer is told" "$T/oom" \
		".checks[] | select(.name == \"oom_disabled\") |
		 .state == \"degraded\" and .value == \"1\" and (.what | contains(\"$SCENE_REL\"))"
	scene_end doctor
fi

# a daemon that runs
"$T/fastoom-bpf" run -e "$T/events" >/dev/null 2>"$T/log" &
DAEMON=$!
for ((i = 0; i < 100; i++)); do
	! grep -q watching: "$T/log" || break
	sleep 0.1
done
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
is "it names the daemon that runs" "$T/running" \
	".checks[] | select(.name == \"daemon\") | .value == \"$DAEMON\""
echo "{\"had\":$had,\"has\":$(programs)}" >"$T/programs"
is "its own programs are gone, the daemon's are there" "$T/programs" '.had == .has and .had > 10'
kill -TERM "$DAEMON"
wait "$DAEMON" || { echo "FAILED: the daemon ended with $?" && failed=$((failed + 1)); }
DAEMON=''
jq -s . "$T/events" >"$T/records"
is "the daemon lost nothing" "$T/records" 'any(.[]; .event == "stop") and
	all(.[]; .event != "error")'

examine "$T/after"
is "all is as before" "$T/after" "[.checks[] | .name + .state] ==
	$(jq -c '[.checks[] | .name + .state]' "$T/before")"

echo "$passed passed, $failed failed"
((failed == 0))
