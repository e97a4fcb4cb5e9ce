#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# timeout: 400
#
# A culprit whose memory no counter of its own shows: a memfd that is mapped or only open, a shared
# mapping of two processes, mlocked pages of a file, memory of two processes with one mm. It grows to
# 150 MiB beside a service and an innocent process of 30 MiB, which both must live.
# Then the memory is in a tmpfs file that no process has open: none is killed for it, and the event
# no_victim says what holds the memory.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
show_begin
HOLD=$TOOLS/fo-hold
locked=$(show_file locked $((150 << 20)))

# culprit KIND KILL_UNIT SHARERS: the first victim is the culprit, and gives back most of its memory
culprit() {
	scene_begin "shares-$1" $((256 << 20))
	service
	scene_run "$LOAD" steady --size 30MiB --comm fo-innocent
	innocent=$SCENE_PID
	daemon_start "kill: $2"
	sleep 1
	scene_run setsid "$HOLD" "$1" 150 60 "$locked"
	disown "$SCENE_PID" 2>/dev/null || :
	daemon_await kill 30 || :
	sleep 1
	same "$1: the culprit is killed first" fo-hold \
		"$(daemon_records '.event == "kill"' | sed -n 1p | jq -r .victim.comm)"
	is "$1: $3 processes die, and the memory was known" "[.[] | select(.event == \"kill\")][0] |
		.members == $3 and .victim.freeable_bytes > 40 * 1048576 and .freed_bytes > 30 * 1048576"
	held=$(($(scene_stat "$(scene__v total_rss anon)") + $(scene_stat "$(scene__v total_shmem shmem)") +
		$(scene_stat "$(scene__v total_unevictable unevictable)")))
	if ((held < 60 << 20)); then
		good "$1: the memory is freed"
	else
		bad "$1: $held bytes are still held"
	fi
	if scene_alive "$innocent"; then good "$1: the innocent lives"; else bad "$1: the innocent is dead"; fi
	if scene_alive "$SERVICE"; then good "$1: the service lives"; else bad "$1: the service is dead"; fi
	daemon_stop
	scene_end
}
culprit mapped process 1
culprit open process 1
culprit locked process 1
culprit pair group 2
culprit clone process 2

# ---- no process holds it ----

[[ $(stat -f -c %T /dev/shm) == tmpfs ]] || {
	finish
	exit
}
scene_begin shares-tmpfs $((256 << 20))
service
daemon_start 'protect: [ { comm: ^fo-service$ } ]'
orphan=/dev/shm/fo-shares-$$
cleanup() { rm -f -- "$orphan"; }
scene_run dd if=/dev/zero of="$orphan" bs=1M count=150 status=none
daemon_await no_victim 30 || :
is 'no process is killed' '[.[] | select(.event == "act" or .event == "kill")] | length == 0'
is 'what holds the memory is told' '[.[] | select(.event == "no_victim")] | length == 1 and
	(.[0] | .held_by.lasting_shmem_bytes > 60 * 1048576 and .held_by.anon_bytes < 30 * 1048576 and
		(.largest | any(.comm == "fo-service" and .why == "protected")))'
check 'explain tells it' grep -q "no process's death frees [0-9]" \
	<("$BIN" explain -e "$DAEMON_EVENTS" 2>&1 | tr -s ' \n' ' ')
daemon_stop
rm -f -- "$orphan"
scene_end
finish
