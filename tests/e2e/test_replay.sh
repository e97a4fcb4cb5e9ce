#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# timeout: 240
#
# replay chooses the victims of the daemon. A live run with nested scopes, rules on exe, a protected
# member of a cgroup that is killed, a bomb of many small processes, steps before killing, and a
# policy in dry run: the replay of the trace that the daemon kept has the same verdicts and the same
# victims in the same order.
# shellcheck disable=SC2317 # check calls the functions
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh

LIMIT=$((256 << 20)) INNER=$((128 << 20))

# The newest trace of a kill; it has the two minutes before it.
newest_trace() {
	find "$DAEMON_DIR" -name 'kill-*.fo' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2
}

# victims EVENT FILE: "PATH PID" of each, in order
victims() {
	jq -r --arg event "$1" 'select(.event == $event) | "\(.scope.path) \(.pid // .victim.pid)"' "$2"
}

# same_victims NAME: the last trace of the daemon against its replay
same_victims() {
	local trace
	trace=$(newest_trace)
	[[ -n $trace ]] || { echo "no trace was kept" && return 1; }
	"$BIN" replay "$trace" --json >"$DAEMON_DIR/$1.replayed" || return 1
	victims did_kill "$DAEMON_DIR/$1.replayed" >"$DAEMON_DIR/$1.did"
	victims would_kill "$DAEMON_DIR/$1.replayed" >"$DAEMON_DIR/$1.would"
	[[ -s $DAEMON_DIR/$1.did ]] || { echo "nothing was killed" && return 1; }
	echo "$1: $(wc -l <"$DAEMON_DIR/$1.did") kills; $(jq -c 'select(.event == "end") |
		[.verdicts_recorded, .verdicts_same]' "$DAEMON_DIR/$1.replayed")" >&2
	diff "$DAEMON_DIR/$1.did" "$DAEMON_DIR/$1.would" || return 1
	jq -es 'map(select(.event == "end")) | all(.verdicts_recorded == .verdicts_same and
		.verdicts_same > 0)' "$DAEMON_DIR/$1.replayed" >/dev/null
}

# inner_make [BYTES]: a cgroup within the scene, with that limit
inner_make() {
	mkdir "$SCENE_CG/inner"
	if [[ -e $SCENE_CG/memory.limit_in_bytes ]]; then
		[[ -z ${1:-} ]] || echo "$1" >"$SCENE_CG/inner/memory.limit_in_bytes"
	else
		echo +memory >"$SCENE_CG/cgroup.subtree_control"
		[[ -z ${1:-} ]] || echo "$1" >"$SCENE_CG/inner/memory.max"
	fi
}

# in_inner COMMAND...: runs it in the background in that cgroup
in_inner() {
	# shellcheck disable=SC2016 # for the inner shell
	scene_run sh -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$SCENE_CG/inner" "$@"
	disown "$SCENE_PID"
}

inner_end() {
	local i
	for ((i = 0; i < 100; i++)); do
		rmdir "$SCENE_CG/inner" 2>/dev/null && return 0
		while read -r pid; do kill -KILL "$pid" 2>/dev/null || :; done <"$SCENE_CG/inner/cgroup.procs"
		sleep 0.05
	done
}

show_begin
cp -- "$LOAD" "$SHOW__SCRATCH/kept-load"
file=$(show_file mapped $((75 << 20)))

# ---- nested scopes: the inner one acts, the outer one waits; a bomb, rules on exe ----------------

scene_begin nested "$LIMIT"
inner_make "$INNER"
daemon_start_file "policies:
  - name: inner
    match: { cgroup: '$SCENE_REL/inner' }
    kills_per_minute: 16
    protect: [ { exe: '/kept-load\$' } ]
    prefer: [ { exe: '/fo-load\$', cmdline: ' leak ' } ]
  - name: outer
    match: { cgroup: '$SCENE_REL' }
    protect: [ { exe: '/kept-load\$' } ]"
in_inner "$SHOW__SCRATCH/kept-load" service "$file" --size 75MiB >/dev/null
sleep 3
for ((i = 0; i < 8; i++)); do
	in_inner "$LOAD" leak --to 60MiB --rate 3MiB --comm "bomb$i"
done
until=$(($(now_ms) + 40000))
while (($(daemon_records 'true' | jq -r 'select(.event == "kill") | .id' | wc -l) < 3 && $(now_ms) < until)); do
	sleep 0.5
done
sleep 2
daemon_stop
echo "killed: $(jq -rc 'select(.event == "kill") | [.scope.path[-12:], .victim.comm, .victim.rule]' "$DAEMON_EVENTS" | paste -sd ' ')"
check "nested scopes, a bomb, rules on exe: the same victims in the same order" same_victims nested
check "the protected service was not killed" test -z "$(jq -r 'select(.event == "kill" and
	(.victim.exe | endswith("kept-load")))' "$DAEMON_EVENTS")"
inner_end
scene_end

# ---- a whole cgroup, in which a process is protected by its exe and others are new ---------------

scene_begin whole "$LIMIT"
daemon_start "kill: cgroup
	protect: [ { exe: '/kept-load\$' } ]
	ladder: [ freeze 500ms, kill ]"
show_load /dev/null leak --to 120MiB --rate 200MiB --comm steady
scene_run "$SHOW__SCRATCH/kept-load" steady --size 5MiB --comm kept
disown "$SCENE_PID"
kept=$SCENE_PID
show_load /dev/null service "$file" --size 75MiB
sleep 3
# forks all the time: there is always a member whose exe has not been read
# shellcheck disable=SC2016 # for the inner shell
scene_run sh -c 'while :; do sleep 0.02; done'
disown "$SCENE_PID"
show_load /dev/null leak --to 100MiB --rate 20MiB --comm leaker
check "the cgroup was killed" daemon_await kill 40
sleep 0.5
record=$(daemon_records '.event == "kill"' | head -n 1)
daemon_stop
echo "whole: $(jq -c '[.outcome, .kill_unit, .unit_refused, .members, .spared, [.steps[].step]]' <<<"$record")"
check "as a cgroup, not as one process" test "$(jq -r '.kill_unit, .unit_refused' <<<"$record" | paste -sd ' ')" = "cgroup null"
check "several members died" test "$(jq .members <<<"$record")" -ge 4
check "the protected member was not killed" scene_alive "$kept"
check "and named in the record" test "$(jq -r '.spared[] | select(.comm == "kept") | .why' <<<"$record")" = protected
check "no other process is left" test "$(paste -sd " " "$SCENE_CG/cgroup.procs")" = "$kept"
check "replay: the same victim" same_victims whole
check "replay: as many members" test \
	"$(jq -r 'select(.event == "would_kill") | .members' "$DAEMON_DIR/whole.replayed" | head -n 1)" = "$(jq .members <<<"$record")"
scene_end

# ---- a policy in dry run ------------------------------------------------------------------------

big=$(show_file big $((150 << 20)))
scene_begin dry "$LIMIT"
daemon_start 'dry_run: true'
show_service "$SCENE_DIR/report" "$big" $((150 << 20))
show_load /dev/null leak --to 200MiB --comm leaker
leaker=$SCENE_PID
check "it would have been killed" daemon_await kill 40
sleep 1
daemon_stop
check "the leaker was not killed" scene_alive "$leaker"
check "the trace of a policy in dry run: the same victims" same_victims dry
check "and that nothing was sent" test "$(jq -r 'select(.event == "did_kill") | .dry_run' "$DAEMON_DIR/dry.replayed" | sort -u)" = true
scene_end

# ---- a step below killing lists processes again: the trace has the list of the choice ---------------

scene_begin listed "$LIMIT"
inner_make
show_load /dev/null service "$big" --size 150MiB
show_load /dev/null steady --size 20MiB --comm outside
daemon_start_file "policies:
  - name: listed
    match: { cgroup: '$SCENE_REL' }
    ladder: [ freeze 500ms, kill ]"
sleep 3
for ((i = 0; i < 6; i++)); do
	in_inner "$LOAD" steady --size 1MiB --comm "small$i"
done
in_inner "$LOAD" leak --to 200MiB --comm leaker
leaker=$SCENE_PID
check "the leaker was killed" daemon_await kill 40
sleep 1
daemon_stop
sed 's/ladder:.*/prefer: [ { comm: outside } ]/' "$DAEMON_DIR/config.yaml" >"$DAEMON_DIR/prefer.yaml"
"$BIN" replay "$(newest_trace)" -c "$DAEMON_DIR/prefer.yaml" --json >"$DAEMON_DIR/preferred" || :
check "the trace has the process outside of the victim's cgroup" test \
	"$(jq -r 'select(.event == "would_kill") | .victim.comm' "$DAEMON_DIR/preferred" | head -n 1)" = outside
check "the leaker is gone" test ! -e "/proc/$leaker"
inner_end
scene_end

finish
