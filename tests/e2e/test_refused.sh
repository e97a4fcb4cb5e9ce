#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# A victim that we may not kill: the daemon runs without CAP_KILL, the leaker as another user. The
# record says `refused` with EPERM, the next candidate dies, and the first is not tried again at
# once.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/scene.sh
. tests/lib/scene.sh
BIN=$PWD/${O:-build}/fastoom-bpf LOAD=$PWD/${O:-build}/fo-load
[[ ${O:-} == /* ]] && BIN=$O/fastoom-bpf LOAD=$O/fo-load

skip_all() {
	echo "skipped: $*"
	exit 77
}

((EUID == 0)) || skip_all "this needs root"
[[ -x $BIN && -x $LOAD ]] || skip_all "there is no $BIN or no $LOAD; run make"
command -v jq >/dev/null || skip_all "there is no jq"

T=$(mktemp -d /var/tmp/fo-refused-XXXXXX)
chmod 755 "$T"
DAEMON=''
cleanup() {
	[[ -z $DAEMON ]] || kill -KILL "$DAEMON" 2>/dev/null || :
	rm -rf -- "$T"
}
trap cleanup EXIT
mkdir "$T/run"
export RUNTIME_DIRECTORY=$T/run

passed=0 failed=0
good() {
	echo "ok: $*"
	passed=$((passed + 1))
}
bad() {
	echo "FAILED: $*"
	failed=$((failed + 1))
}

# wait_for SECONDS COMMAND...
wait_for() {
	local i n=$(($1 * 10))
	shift
	for ((i = 0; i < n; i++)); do
		if "$@"; then
			return 0
		fi
		sleep 0.1
	done
	return 1
}

# start POLICY [BEFORE...]: the daemon with one more policy than its own; BEFORE comes before it.
start() {
	printf 'policies:\n  - %s\n' "$1" >"$T/config.yaml"
	shift
	: >"$T/log"
	: >"$T/events"
	"$@" "$BIN" run -c "$T/config.yaml" --events "$T/events" >/dev/null 2>"$T/log" </dev/null &
	DAEMON=$!
	if ! wait_for 10 grep -q 'watching: ' "$T/log"; then
		echo "FAILED: the daemon did not start"
		cat "$T/log"
		false
	fi
}

stop() {
	kill -TERM "$DAEMON"
	wait "$DAEMON" || bad "the daemon ended with $?"
	DAEMON=''
}

# kills CONDITION: how many records of settled kills jq's condition holds for.
kills() {
	jq -s "[.[] | select(.event == \"kill\") | select($1)] | length" "$T/events"
}
some_kill() { (($(kills "$1") > 0)); }

# is WHAT CONDITION: jq's condition on the list of all records.
is() {
	if jq -es "$2" "$T/events" >/dev/null; then
		good "$1"
	else
		bad "$1: not so: $2"
		jq -c 'select(.event == "kill" or .event == "act" or .event == "kernel_kill")
			| {event, reason, outcome, error, pid: .victim.pid, comm: .victim.comm,
			   freed_bytes, took_ms, members}' "$T/events" | sed 's/^/    /'
		sed 's/^/    /' "$T/log" | tail -n 12
	fi
}

# How well the service is served: requests a second over the last MS milliseconds.
rate() {
	local now
	now=$(now_ms)
	scene_rate "$T/report" $((now - $1)) "$now" || echo 0
}
is_well() { awk -v r="$(rate 500)" -v h="$HEALTHY" 'BEGIN { exit !(r > h / 2) }'; }
is_ill() { awk -v r="$(rate 500)" -v h="$HEALTHY" 'BEGIN { exit !(r < h / 10) }'; }

# service: maps 150 MB of a file, in the current scene; sets SERVICE and its HEALTHY rate.
service() {
	scene_file "$SCENE_DIR/data" $((150 << 20))
	scene_run "$LOAD" service "$SCENE_DIR/data" --report 100ms --comm fo-service >"$T/report"
	SERVICE=$SCENE_PID
	wait_for 30 has_served || skip_all "the service does not serve: is this machine too busy?"
	HEALTHY=$(rate 1500)
}
has_served() { (($(wc -l <"$T/report") > 20)); }
anon_above() { (($(scene_stat "$ANON") > $1)); }

command -v setpriv >/dev/null || skip_all "there is no setpriv"
cp -- "$LOAD" "$T/fo-load" # where the other user may run it

scene_begin refused $((256 << 20))
ANON=$([[ -e $SCENE_CG/memory.limit_in_bytes ]] && echo total_rss || echo anon)
service
start "{ name: refused, match: { cgroup: '$SCENE_REL' }, prefer: [ { comm: ^fo-leaker\$ } ],
      protect: [ { comm: ^fo-service\$ } ] }" \
	setpriv --bounding-set -kill --inh-caps -kill --
if (($((0x$(sed -n 's/^CapEff:[[:space:]]*//p' "/proc/$DAEMON/status"))) >> 5 & 1)); then
	bad "the daemon has CAP_KILL all the same"
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
is "the next candidate dies" "[.[] | select(.event == \"kill\")][1]
	| .outcome == \"killed\" and .error == null and .victim.pid == $second"
if grep -q 'fo-leaker\[.*cannot be killed: .*CAP_KILL' "$T/log"; then
	good "the log says what is missing"
else
	bad "the log does not say that CAP_KILL is missing"
fi
if wait_for 20 is_well; then
	good "the service is well again ($(rate 500) of $HEALTHY requests/s)"
else
	bad "the service is not well again ($(rate 500) of $HEALTHY requests/s)"
fi
sleep 5
is "it is not tried again at once" \
	'[.[] | select(.event == "kill" or .event == "act")] | length == 4'
if scene_alive "$leaker" && scene_alive "$SERVICE" && ! scene_alive "$second"; then
	good "only the second is dead"
else
	bad "somebody else is dead"
fi
stop
scene_end refused

echo "$passed passed, $failed failed, 0 skipped"
((failed == 0))
