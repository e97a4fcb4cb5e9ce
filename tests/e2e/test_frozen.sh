#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Victims that cannot die: in a FROZEN cgroup of v1's freezer a process sleeps uninterruptibly
# (state D), takes SIGKILL and stays. The daemon takes it out of there, and nobody else with it.
# Where it cannot (the freezer is mounted read-only for it), it must say `stuck`, leave it alone
# for a while, and take the next one.
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

T=$(mktemp -d /var/tmp/fo-frozen-XXXXXX)
chmod 755 "$T"
DAEMON=''
FREEZER=''
cleanup() {
	[[ -z $DAEMON ]] || kill -KILL "$DAEMON" 2>/dev/null || :
	if [[ -n $FREEZER ]]; then
		thaw || :
		wait_for 10 rmdir -- "$FREEZER" || :
	fi
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

# The freezer cannot be written to, by the program that comes after this and takes our place.
read_only() {
	# shellcheck disable=SC2016 # for the inner shell
	exec unshare -m sh -c 'mount -o remount,bind,ro "$0" && exec "$@"' "$mount" "$@"
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

mount=$(awk '$3 == "cgroup" && $4 ~ /(^|,)freezer(,|$)/ { print $2; exit }' /proc/self/mounts)
[[ -n $mount ]] || skip_all "there is no v1 freezer; of v2, a frozen process can be killed"
FREEZER=$mount/fo-frozen-$$
mkdir "$FREEZER" 2>/dev/null || {
	FREEZER=''
	skip_all "no cgroup can be made in $mount"
}

freeze() {
	echo "$1" >"$FREEZER/cgroup.procs"
	echo FROZEN >"$FREEZER/freezer.state"
	wait_for 10 is_frozen "$1" || bad "process $1 does not freeze"
}
thaw() { echo THAWED >"$FREEZER/freezer.state"; }
# whatever ends us early: the scene waits for its processes, so none may stay frozen
trap 'thaw || :' ERR
state_of() { sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null || echo gone; }
is_frozen() { [[ $(state_of "$1") == D ]]; }
is_dead() { ! scene_alive "$1"; }

# ends_when_thawed PID NAME [lives]: lives: it does not end, for nobody killed it
ends_when_thawed() {
	if is_frozen "$1"; then
		good "$2 is still there, in state D"
	else
		bad "$2 is in state $(state_of "$1"), not D"
	fi
	thaw
	if [[ ${3:-} ]]; then
		if scene_alive "$1"; then
			good "$2 lives on"
		else
			bad "$2 is dead"
		fi
	elif wait_for 10 is_dead "$1"; then
		good "$2 dies when it is thawed"
	else
		bad "$2 lives on after it was thawed"
	fi
}

# ---- the one that is preferred is frozen: it is stuck, and the next one is the leaker ----

scene_begin frozen $((256 << 20))
ANON=$([[ -e $SCENE_CG/memory.limit_in_bytes ]] && echo total_rss || echo anon)
service
scene_run "$LOAD" steady --size 8MiB --comm fo-first
first=$SCENE_PID
wait_for 10 anon_above $((7 << 20)) || :
freeze "$first"
start "{ name: frozen, match: { cgroup: '$SCENE_REL' }, prefer: [ { comm: ^fo-first\$ } ],
      protect: [ { comm: ^fo-service\$ } ] }" read_only
scene_run "$LOAD" leak --to 200MiB --rate 200MiB --comm fo-leaker
leaker=$SCENE_PID

wait_for 60 some_kill ".victim.pid == $leaker" || :
is "the frozen one is stuck after 2 s" "[.[] | select(.event == \"kill\")][0]
	| .outcome == \"stuck\" and .victim.pid == $first and .took_ms >= 1900 and .took_ms < 10000"
is "the next one is the leaker, and it dies" "[.[] | select(.event == \"kill\")][1]
	| .outcome == \"killed\" and .victim.pid == $leaker and .freed_bytes > 150000000"
if wait_for 20 is_well; then
	good "the service is well again ($(rate 500) of $HEALTHY requests/s)"
else
	bad "the service is not well again ($(rate 500) of $HEALTHY requests/s)"
fi
sleep 5
is "nobody else was chosen, the stuck one not again" \
	'[.[] | select(.event == "kill" or .event == "act")] | length == 4'
scene_alive "$SERVICE" || bad "the service is dead"
ends_when_thawed "$first" "the stuck one"
stop
scene_end frozen

# ---- the leaker itself is frozen, beside another: it is taken out, and dies ----

scene_begin frozen $((256 << 20))
service
scene_run "$LOAD" leak --to 200MiB --rate 200MiB --comm fo-leaker
leaker=$SCENE_PID
scene_run "$LOAD" steady --size 1MiB --comm fo-beside
beside=$SCENE_PID
wait_for 30 anon_above $((195 << 20)) || :
echo "$beside" >"$FREEZER/cgroup.procs"
freeze "$leaker"
start "{ name: frozen, match: { cgroup: '$SCENE_REL' }, protect: [ { comm: ^fo-service\$ } ] }"
wait_for 60 some_kill true || :
is "the frozen leaker dies, and its memory is back" "[.[] | select(.event == \"kill\")][0]
	| .outcome == \"killed\" and .victim.pid == $leaker and .freed_bytes > 150000000"
if wait_for 20 is_well; then
	good "the service is well again ($(rate 500) of $HEALTHY requests/s)"
else
	bad "the service is not well again ($(rate 500) of $HEALTHY requests/s)"
fi
is "and nobody else was chosen" '[.[] | select(.event == "kill")] | length == 1'
ends_when_thawed "$beside" "the one beside it" lives
stop
scene_end frozen

echo "$passed passed, $failed failed, 0 skipped"
((failed == 0))
