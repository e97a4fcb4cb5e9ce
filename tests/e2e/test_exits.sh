#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Victims that change while they are chosen. A leaker exits by itself about when it would be killed,
# twelve times: no other process may be killed instead. Then a policy kills a whole cgroup: the
# leaker is killed with all processes in its cgroup, also while a fork bomb makes new ones, and no
# process outside of it.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
show_begin
BOMB=$TOOLS/fo-bomb

CHILDREN=() PIDS_CG=''
cleanup() { remove_children; }
has_served() { (($(wc -l <"$SCENE_DIR/report") > 20)); }

# child NAME: a cgroup below the scene. scene_end cannot remove the scene while there is one.
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
# end_all_in CGROUP: kills all processes in a cgroup of this test.
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

# ---- a leaker that exits by itself ----

scene_begin exits $((256 << 20))
service
daemon_start 'pressure: medium'

# The time from the start of a leaker that does not exit to its kill.
began=$(now_ms)
scene_run "$LOAD" leak --to 200MiB --rate 400MiB --comm fo-leaker
wait_for 60 some_kill "(.victim.pid == $SCENE_PID)" || bad "a leaker that does not exit is not killed"
killed_after=$(($(now_ms) - began))
wait_for 20 is_well || bad "the service does not recover from the first leaker"
daemon_stop || bad "the daemon did not end well"

# The limit is six kills a minute, so each round has its own daemon.
by_kill=0 by_itself=0 never=0 wrong=0
rounds=12 step=400 lasts=$killed_after
for ((round = 0; round < rounds; round++)); do
	daemon_start 'pressure: medium'
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
	# approaches the time of the kill, then stays around it
	((step < 45)) || step=$((step * 2 / 3))
	wrong=$((wrong + $(kills ".victim.pid != $leaker")))
	# the record must agree with the exit status
	if ((rc != 128 + 9)) && (($(kills '.outcome == "killed"'))); then
		bad "the leaker of $lasts ms exited by itself with $rc, but the record says killed"
	fi
	daemon_stop || bad "the daemon did not end well"
	lasts=$next
done
echo "    of $rounds leakers $by_kill were killed, $by_itself exited during the kill, $never before it"
if ((wrong == 0)) && scene_alive "$SERVICE"; then
	good "no other process was chosen in $rounds rounds"
else
	bad "another process was chosen $wrong times, or the service was killed"
fi
scene_end exits

# ---- a whole cgroup ----

# whole_cgroup NAME BOMB: the leaker and its group are in the child cgroup "bad", the service in
# "svc".
whole_cgroup() {
	local name=$1 with_bomb=$2 began members
	scene_begin "$name" $((256 << 20))
	[[ ! -e $SCENE_CG/cgroup.subtree_control ]] || echo +memory >"$SCENE_CG/cgroup.subtree_control"
	child bad
	child svc
	file=$(show_file mapped $((150 << 20)))
	run_in svc "$LOAD" service "$file" --report 100ms --comm fo-service >"$SCENE_DIR/report"
	SERVICE=$PID
	wait_for 30 has_served || skip_all "the service does not start"
	HEALTHY=$(rate 1500)
	daemon_start 'kill: cgroup
		protect: [ { comm: ^fo-service$ } ]'
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
	# the record says killed only after the last process has exited
	members=$(wc -l <"$SCENE_CG/bad/cgroup.procs")
	if ((members == 0)); then
		good "$name: its cgroup is empty"
	elif wait_for 5 is_empty bad; then
		bad "$name: $members processes were left when the record said killed; they exited later"
	else
		bad "$name: $(wc -l <"$SCENE_CG/bad/cgroup.procs") processes are left in its cgroup"
	fi
	if scene_alive "$SERVICE" && wait_for 20 is_well; then
		good "$name: the service has recovered ($(rate 500) of $HEALTHY requests/s)"
	else
		bad "$name: the service has not recovered ($(rate 500) of $HEALTHY requests/s)"
	fi
	daemon_stop || bad "the daemon did not end well"
	kill -KILL "$SERVICE" 2>/dev/null || :
	{ wait "$SERVICE" || :; } 2>/dev/null
	remove_children
	scene_end "$name"
}

whole_cgroup group 0

pids_at=$(awk '$3 == "cgroup" && $4 ~ /(^|,)pids(,|$)/ { print $2; exit }' /proc/self/mounts)
if [[ -x $BOMB && -n $pids_at ]] && mkdir "$pids_at/fo-exits-$$" 2>/dev/null; then
	PIDS_CG=$pids_at/fo-exits-$$
	echo 48 >"$PIDS_CG/pids.max"
	whole_cgroup bomb 1
else
	echo "skipped: the fork bomb needs a v1 pids cgroup as its bound, and $BOMB"
	skipped=1
fi

finish
