#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# An OOM loop of another tenant: processes of a 4 MiB cgroup inside the scope are killed by the kernel one
# after the other. A leaker that takes the memory of a service must be killed about as soon as without the
# loop: kills of the kernel neither settle the scope each time, nor count for kills_per_minute.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need root "$BIN" "$LOAD" jq
show_begin
# v2: a cgroup with processes has no child with a limit
[[ $SCENE__V == 1 ]] || skip_all "the loop is in a child of the service's cgroup: that is for v1"

MIB=$((1 << 20)) MOST_S=30
LOOP=''
cleanup() { end_loop; }

# Until its cgroup is gone: each process of it is killed at its limit.
begin_loop() {
	mkdir "$SCENE_CG/loop"
	echo $((4 * MIB)) >"$SCENE_CG/loop/$(scene__v memory.limit_in_bytes memory.max)"
	while :; do
		bash -c 'echo "$$" >"$0/cgroup.procs" && exec "$@"' "$SCENE_CG/loop" \
			"$LOAD" spike --to 64MiB || :
		[[ -d $SCENE_CG/loop ]] || break
	done >/dev/null 2>&1 </dev/null &
	LOOP=$!
}
end_loop() {
	[[ -n $LOOP ]] || return 0
	kill "$LOOP" 2>/dev/null || :
	wait "$LOOP" 2>/dev/null || :
	LOOP=''
	wait_for 10 is_removed "$SCENE_CG/loop"
}

is_removed() { rmdir -- "$1" 2>/dev/null; }
kernel_kills() { grep -c '"event":"kernel_kill"' "$DAEMON_EVENTS" || :; }
some_kernel_kills() { (($(kernel_kills) > 6)); }
is_gone() { ! scene_alive "$LEAKER"; }

# run NAME: sets TOOK_MS, from the start of the leaker to its end, or MOST_S.
run() {
	local begin
	scene_begin "$1" $((256 * MIB))
	daemon_start 'pressure: medium'
	service
	if [[ $1 == loop ]]; then
		begin_loop
		wait_for 10 some_kernel_kills || bad "the kernel kills nothing"
	fi
	begin=$(now_ms)
	show_load /dev/null leak --to 235MiB --comm fo-leaker
	LEAKER=$SCENE_PID
	wait_for "$MOST_S" is_gone || :
	TOOK_MS=$(($(now_ms) - begin))
	KERNEL_KILLS=$(kernel_kills)
	end_loop
	daemon_stop
	check "$1: the daemon killed the leaker" some_kill \
		'.outcome == "killed" and .victim.comm == "fo-leaker"'
	same "$1: kills of anything else" 0 "$(kills '.victim.comm != "fo-leaker"')"
	scene_end "$1"
}

run alone
alone_ms=$TOOK_MS
run loop
echo "the leaker lived $alone_ms ms alone, $TOOK_MS ms beside $KERNEL_KILLS kills of the kernel"
check "the loop is one: more kills than kills_per_minute" test "$KERNEL_KILLS" -gt 12
# one settling (1 s), and the processor time of the loop
check "the leaker dies within 5 s of what it lived alone" test "$TOOK_MS" -lt $((alone_ms + 5000))
finish
