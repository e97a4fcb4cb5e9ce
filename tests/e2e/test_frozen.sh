#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Victims that cannot exit: in a FROZEN cgroup of the freezer of v1 a process sleeps uninterruptibly
# (state D) and does not exit on SIGKILL. The daemon moves it out of that cgroup, and no other
# process. Where it cannot (the freezer is mounted read-only for the daemon), it must record
# `stuck`, leave the process alone for a while, and take the next candidate.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
show_begin

FREEZER=''
cleanup() {
	[[ -n $FREEZER ]] || return 0
	thaw || :
	wait_for 10 rmdir -- "$FREEZER" || :
}

# read_only COMMAND...: runs it where the freezer is mounted read-only.
read_only() {
	# shellcheck disable=SC2016 # for the inner shell
	exec unshare -m sh -c 'mount -o remount,bind,ro "$0" && exec "$@"' "$mount" "$@"
}

mount=$(awk '$3 == "cgroup" && $4 ~ /(^|,)freezer(,|$)/ { print $2; exit }' /proc/self/mounts)
[[ -n $mount ]] || skip_all "there is no v1 freezer; a frozen process of v2 can be killed"
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
# scene_end waits for its processes, so none may stay frozen
trap 'thaw || :' ERR
state_of() { sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null || echo gone; }
is_frozen() { [[ $(state_of "$1") == D ]]; }
is_dead() { ! scene_alive "$1"; }
anon_above() { (($(scene_stat "$(scene__v total_rss anon)") > $1)); }

# ends_when_thawed PID NAME [lives]: lives: it was not killed and must not exit
ends_when_thawed() {
	if is_frozen "$1"; then
		good "$2 is still there, in state D"
	else
		bad "$2 is in state $(state_of "$1"), not D"
	fi
	thaw
	if [[ ${3:-} ]]; then
		if scene_alive "$1"; then
			good "$2 still runs"
		else
			bad "$2 has exited"
		fi
	elif wait_for 10 is_dead "$1"; then
		good "$2 exits when it is thawed"
	else
		bad "$2 still runs after it was thawed"
	fi
}

# ---- the process on prefer is frozen: it is stuck, and the next candidate is the leaker ----

scene_begin frozen $((256 << 20))
service
scene_run "$LOAD" steady --size 8MiB --comm fo-first
first=$SCENE_PID
wait_for 10 anon_above $((7 << 20)) || :
freeze "$first"
DAEMON_UNDER=read_only daemon_start 'prefer: [ { comm: ^fo-first$ } ]
	protect: [ { comm: ^fo-service$ } ]'
scene_run "$LOAD" leak --to 200MiB --rate 200MiB --comm fo-leaker
leaker=$SCENE_PID

wait_for 60 some_kill ".victim.pid == $leaker" || :
is "the frozen process is stuck after 2 s" "[.[] | select(.event == \"kill\")][0]
	| .outcome == \"stuck\" and .victim.pid == $first and .took_ms >= 1900 and .took_ms < 10000"
is "the next victim is the leaker, and it exits" "[.[] | select(.event == \"kill\")][1]
	| .outcome == \"killed\" and .victim.pid == $leaker and .freed_bytes > 150000000"
if wait_for 20 is_well; then
	good "the service has recovered ($(rate 500) of $HEALTHY requests/s)"
else
	bad "the service has not recovered ($(rate 500) of $HEALTHY requests/s)"
fi
sleep 5
is "no other process is chosen, nor the stuck one again" \
	'[.[] | select(.event == "kill" or .event == "act")] | length == 4'
scene_alive "$SERVICE" || bad "the service was killed"
ends_when_thawed "$first" "the stuck process"
daemon_stop || bad "the daemon did not end well"
scene_end frozen

# ---- the leaker itself is frozen, beside another process: it is moved out, and exits ----

scene_begin frozen $((256 << 20))
service
scene_run "$LOAD" leak --to 200MiB --rate 200MiB --comm fo-leaker
leaker=$SCENE_PID
scene_run "$LOAD" steady --size 1MiB --comm fo-beside
beside=$SCENE_PID
wait_for 30 anon_above $((195 << 20)) || :
echo "$beside" >"$FREEZER/cgroup.procs"
freeze "$leaker"
daemon_start 'protect: [ { comm: ^fo-service$ } ]'
wait_for 60 some_kill true || :
is "the frozen leaker exits, and its memory is freed" "[.[] | select(.event == \"kill\")][0]
	| .outcome == \"killed\" and .victim.pid == $leaker and .freed_bytes > 150000000"
if wait_for 20 is_well; then
	good "the service has recovered ($(rate 500) of $HEALTHY requests/s)"
else
	bad "the service has not recovered ($(rate 500) of $HEALTHY requests/s)"
fi
is "and no other process is chosen" '[.[] | select(.event == "kill")] | length == 1'
ends_when_thawed "$beside" "the process beside it" lives
daemon_stop || bad "the daemon did not end well"
scene_end frozen

finish
