#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# 90 cgroups that no policy acts on stream at their limits and take all places of watched scopes. A livelock
# in a scope of a policy, which has had no place before, is ended beside them about as soon as without them.
# timeout: 240
set -euo pipefail
cd -- "${BASH_SOURCE[0]%/*}/../.."
# shellcheck source-path=SCRIPTDIR source=../lib/e2e.sh
. tests/lib/e2e.sh
need root btf jq python3

STREAMS=90 SLACK_MS=4000

# Each process makes a part of the cgroups, enters one after the other and reads there: a process for each
# would be a load of its own. What it reads and maps stays charged to the cgroup. To enter a cgroup takes up
# to 30 ms, and after 3 s without reclaim a scope is idle.
# crowd COUNT LIMIT HELD READ
crowd() {
	local part
	for part in {0..4}; do
		crowd_part "$part" "$@"
	done
}
crowd_part() {
	python3 - "$SCENE__BASE/fo-crowd-$$" "$(scene__v memory.limit_in_bytes memory.max)" "$@" <<-'END' &
		import mmap, os, sys, time
		base, limit_file = sys.argv[1:3]
		part, count, limit, held, size = map(int, sys.argv[3:])
		holes = os.open(os.environ["HOLES"], os.O_RDONLY)
		maps, at = [], part << 30
		def enter(i):
		    with open(f"{base}-{i}/cgroup.procs", "w") as file:
		        file.write(str(os.getpid()))
		for i in range(part, count, 5):
		    os.mkdir(f"{base}-{i}")
		    with open(f"{base}-{i}/{limit_file}", "w") as file:
		        file.write(str(limit))
		    enter(i)
		    if held:
		        maps.append(mmap.mmap(-1, held, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
		        for page in range(0, held, 4096):
		            maps[-1][page] = 1
		while True:
		    for i in range(part, count, 5):
		        enter(i)
		        for _ in range(0, size, 65536):
		            os.pread(holes, 65536, at)
		            at = (at + 65536) % (8 << 30)
		    time.sleep(0.1)
	END
	CROWD+=("$!")
}
CROWD=()
cleanup() {
	((${#CROWD[@]} == 0)) || { kill -KILL "${CROWD[@]}" && wait "${CROWD[@]}"; } 2>/dev/null
	for dir in "$SCENE__BASE"/fo-crowd-"$$"-*; do
		[[ ! -e $dir/memory.force_empty ]] || echo 0 >"$dir/memory.force_empty"
		rmdir "$dir"
	done 2>/dev/null
}

# livelock: sets TOOK, the milliseconds from the start of a leaker to its kill; '': none in 20 s.
leaker_killed() { (($(kills '.victim.comm == "leaker"') > 0)); }
livelock() {
	local from
	service
	show_load /dev/null leak --to 235MiB --comm leaker
	from=$(now_ms) TOOK=''
	if wait_for 20 leaker_killed; then
		TOOK=$(($(now_ms) - from))
	else
		show_stop "$SCENE_PID"
	fi
}
in_time() { [[ -n $TOOK ]] && ((TOOK <= alone + SLACK_MS)); }

show_begin
export HOLES=$T/holes
truncate -s 8G "$HOLES"
scene_begin alone $((256 << 20))
daemon_start "pressure: medium"
livelock
alone=$TOOK
check "a livelock alone is ended: $alone ms" test -n "$alone"
daemon_stop
scene_end alone

scene_begin crowded $((256 << 20))
daemon_start "pressure: medium"
# anonymous memory near the limit: a scope with headroom is muted, which frees its place
crowd "$STREAMS" $((8 << 20)) $((6 << 20)) $((1 << 20))
hot() { (($(grep -c "fo-crowd.*: hot" "$DAEMON_LOG") >= $1)); }
wait_for 40 hot 63 || bad "the streams take no places"
check "a stream has no place, and the log says so by name" wait_for 10 grep -q "fo-crowd.*not watched" "$DAEMON_LOG"
livelock
check "beside $STREAMS streams: $TOOK ms" in_time
RUNTIME_DIRECTORY=$DAEMON_DIR "$BIN" status --json >"$T/status"
check "status fits its schema" python3 tests/lib/validate.py docs/status.schema.json "$T/status"
check "status counts what is not watched" \
	jq -e '.daemon.not_watched | .refused > 0 and (.latest | contains("fo-crowd"))' "$T/status"
check "the log says it once an episode" test "$(grep -c 'not watched' "$DAEMON_LOG")" -le 3
check "only leakers were killed" test "$(kills '.victim.comm != "leaker"')" = 0
finish
