#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Victims that move while they are chosen. A leaker that exits by itself about when it would be
# killed, twelve times: nobody else may die of it. Then a policy that kills a whole cgroup: the
# leaker dies with everybody in its cgroup, also with a fork bomb that makes new ones meanwhile,
# and nobody outside of it.
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

T=$(mktemp -d /var/tmp/fo-exits-XXXXXX)
chmod 755 "$T"
DAEMON=''
CHILDREN=() PIDS_CG=''
cleanup() {
	[[ -z $DAEMON ]] || kill -KILL "$DAEMON" 2>/dev/null || :
	remove_children || :
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

BOMB=$PWD/${O:-build}/tests/tools/fo-bomb
[[ ${O:-} == /* ]] && BOMB=$O/tests/tools/fo-bomb

# Cgroups below the scene; the scene's own end cannot remove it while they are there.
child() {
	mkdir "$SCENE_CG/$1"
	CHILDREN+=("$SCENE_CG/$1")
}
remove_children() {
	local cg
	for cg in ${CHILDREN[@]+"${CHILDREN[@]}"}; do
		end_all_in "$cg"
		wait_for 10 rmdir -- "$cg" || echo "cannot remove $cg" >&2
	done
	CHILDREN=()
	[[ -z $PIDS_CG ]] || wait_for 10 rmdir -- "$PIDS_CG" || :
	PIDS_CG=''
}
# What is in a cgroup of ours was started by us.
end_all_in() {
	local i pids pid
	for ((i = 0; i < 100; i++)); do
		mapfile -t pids <"$1/cgroup.procs"
		((${#pids[@]})) || return 0
		for pid in "${pids[@]}"; do
			kill -KILL "$pid" 2>/dev/null || :
		done
		sleep 0.05
	done
}
# run_in CHILD COMMAND...: sets PID.
run_in() {
	local cg=$SCENE_CG/$1
	shift
	(
		echo "$BASHPID" >"$cg/cgroup.procs" || exit 125
		exec "$@"
	) &
	PID=$!
}
is_empty() { [[ -z $(<"$SCENE_CG/$1/cgroup.procs") ]]; }

# ---- exits by itself ----

scene_begin exits $((256 << 20))
service
policy="{ name: exits, match: { cgroup: '$SCENE_REL' } }"
start "$policy"

# How long after its start is a leaker killed that stays?
began=$(now_ms)
scene_run "$LOAD" leak --to 200MiB --rate 400MiB --comm fo-leaker
wait_for 60 some_kill "(.victim.pid == $SCENE_PID)" || bad "a leaker that stays is not killed"
killed_after=$(($(now_ms) - began))
wait_for 20 is_well || bad "the service does not recover from the first leaker"
stop

# The storm breaker stops at six kills a minute, so each round has a daemon of its own.
by_kill=0 by_itself=0 never=0 wrong=0
rounds=12 step=400 lasts=$killed_after
for ((round = 0; round < rounds; round++)); do
	start "$policy"
	((lasts > 100)) || lasts=100
	scene_run "$LOAD" leak --to 200MiB --rate 400MiB --comm fo-leaker --for "${lasts}ms"
	leaker=$SCENE_PID
	rc=0
	{ wait "$leaker" || rc=$?; } 2>/dev/null
	wait_for 20 is_well || bad "the service does not recover after a leaker of $lasts ms"
	sleep 1
	if ((rc == 128 + 9)); then
		by_kill=$((by_kill + 1))
		next=$((lasts - step))
	elif (($(kills '.outcome == "exited"'))); then
		by_itself=$((by_itself + 1))
		next=$lasts
	else
		never=$((never + 1))
		next=$((lasts + step))
	fi
	# towards the moment at which it would be killed, and then about it
	((step < 45)) || step=$((step * 2 / 3))
	wrong=$((wrong + $(kills ".victim.pid != $leaker")))
	# who was told to be killed was, and who was not, was not
	if ((rc != 128 + 9)) && (($(kills '.outcome == "killed"'))); then
		bad "the leaker of $lasts ms exited by itself with $rc, but the record says killed"
	fi
	stop
	lasts=$next
done
echo "    of $rounds leakers $by_kill were killed, $by_itself had exited when the kill came, $never before"
if ((wrong == 0)) && scene_alive "$SERVICE"; then
	good "nobody else was chosen in $rounds rounds"
else
	bad "$wrong times somebody else was chosen"
fi
scene_end exits

# ---- a whole cgroup ----

# whole_cgroup NAME BOMB: with the commands of the group in the child cgroup "bad".
whole_cgroup() {
	local name=$1 with_bomb=$2 began members
	scene_begin "$name" $((256 << 20))
	[[ $SCENE_CG != */memory/* ]] || ANON=total_rss
	[[ ! -e $SCENE_CG/cgroup.subtree_control ]] || echo +memory >"$SCENE_CG/cgroup.subtree_control"
	child bad
	child svc
	scene_file "$SCENE_DIR/data" $((150 << 20))
	run_in svc "$LOAD" service "$SCENE_DIR/data" --report 100ms --comm fo-service >"$T/report"
	SERVICE=$PID
	wait_for 30 has_served || skip_all "the service does not serve"
	HEALTHY=$(rate 1500)
	start "{ name: whole, match: { cgroup: '$SCENE_REL' }, kill: cgroup,
	      protect: [ { comm: ^fo-service\$ } ] }"
	run_in bad "$LOAD" steady --size 4MiB --comm fo-helper
	run_in bad sleep 300
	if ((with_bomb)); then
		(
			echo "$BASHPID" >"$PIDS_CG/cgroup.procs" || exit 125
			echo "$BASHPID" >"$SCENE_CG/bad/cgroup.procs" || exit 125
			exec "$BOMB" 120 5
		) &
		sleep 1
		echo "    the bomb has $(wc -l <"$SCENE_CG/bad/cgroup.procs") processes"
	fi
	run_in bad "$LOAD" leak --to 200MiB --rate 200MiB --comm fo-leaker
	wait_for 60 some_kill true || :
	is "$name: the leaker and its cgroup are killed" "[.[] | select(.event == \"kill\")][0]
		| .outcome == \"killed\" and .victim.pid == $PID and .members >= 3"
	# killed is only said when the last one is gone
	members=$(wc -l <"$SCENE_CG/bad/cgroup.procs")
	if ((members == 0)); then
		good "$name: its cgroup is empty"
	elif wait_for 5 is_empty bad; then
		bad "$name: $members were left when the record said killed; they went later"
	else
		bad "$name: $(wc -l <"$SCENE_CG/bad/cgroup.procs") processes are left in its cgroup"
	fi
	if scene_alive "$SERVICE" && wait_for 20 is_well; then
		good "$name: the service lives and is well again ($(rate 500) of $HEALTHY requests/s)"
	else
		bad "$name: the service is not well again ($(rate 500) of $HEALTHY requests/s)"
	fi
	stop
	kill -KILL "$SERVICE" 2>/dev/null || :
	{ wait "$SERVICE" || :; } 2>/dev/null
	remove_children
	scene_end "$name"
}

whole_cgroup group 0

pids_at=$(awk '$3 == "cgroup" && $4 ~ /(^|,)pids(,|$)/ { print $2; exit }' /proc/self/mounts)
skipped=0
if [[ -x $BOMB && -n $pids_at ]] && mkdir "$pids_at/fo-exits-$$" 2>/dev/null; then
	PIDS_CG=$pids_at/fo-exits-$$
	echo 48 >"$PIDS_CG/pids.max"
	whole_cgroup bomb 1
else
	echo "skipped: a fork bomb is not let loose without a v1 pids cgroup and $BOMB"
	skipped=1
fi

echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
