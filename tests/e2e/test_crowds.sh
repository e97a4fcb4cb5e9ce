#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Crowds of cgroups that no policy acts on: 300 that streamed once each, and 70 that stream at their limits.
# A livelock in the scope of a policy is ended beside them as without them.
# timeout: 240
set -euo pipefail
cd -- "${BASH_SOURCE[0]%/*}/../.."
# shellcheck source-path=SCRIPTDIR source=../lib/e2e.sh
. tests/lib/e2e.sh
need root btf jq python3

ONCE=300 NOW=70 SLACK_MS=4000

# One process makes the cgroups, enters one after the other and reads there: a hundred processes would be a
# load of their own. What it reads and maps stays charged to the cgroup.
# crowd NAME COUNT LIMIT HELD READ PASSES
crowd() {
	python3 - "$SCENE__BASE/fo-crowd-$$-$1" "$(scene__v memory.limit_in_bytes memory.max)" "${@:2}" <<-'END' &
		import mmap, os, sys, time
		base, limit_file = sys.argv[1:3]
		count, limit, held, size, passes = map(int, sys.argv[3:])
		holes = os.open(os.environ["HOLES"], os.O_RDONLY)
		maps, at = [], 0
		def enter(i):
		    with open(f"{base}-{i}/cgroup.procs", "w") as file:
		        file.write(str(os.getpid()))
		for i in range(count):
		    os.mkdir(f"{base}-{i}")
		    with open(f"{base}-{i}/{limit_file}", "w") as file:
		        file.write(str(limit))
		    enter(i)
		    if held:
		        maps.append(mmap.mmap(-1, held, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
		        for page in range(0, held, 4096):
		            maps[-1][page] = 1
		while passes:
		    passes -= 1
		    for i in range(count):
		        enter(i)
		        for _ in range(0, size, 65536):
		            os.pread(holes, 65536, at)
		            at = (at + 65536) % (4 << 30)
		    if passes:
		        time.sleep(0.3)
	END
	CROWD=$!
}
CROWD=''
cleanup() {
	[[ -z $CROWD ]] || { kill -KILL "$CROWD" && wait "$CROWD"; } 2>/dev/null
	for dir in "$SCENE__BASE"/fo-crowd-"$$"-*; do
		[[ ! -e $dir/memory.force_empty ]] || echo 0 >"$dir/memory.force_empty"
		rmdir "$dir"
	done 2>/dev/null
}

# livelock: sets TOOK, the milliseconds from the start of a leaker to the end of it; '': none in 20 s.
more_kills() { (($(kills '.victim.comm == "leaker"') > $1)); }
livelock() {
	local from before
	before=$(kills '.victim.comm == "leaker"')
	show_load /dev/null leak --to 200MiB --comm leaker
	from=$(now_ms) TOOK=''
	if wait_for 20 more_kills "$before"; then
		TOOK=$(($(now_ms) - from))
	else
		show_stop "$SCENE_PID"
	fi
}
in_time() { [[ -n $TOOK ]] && ((TOOK <= alone + SLACK_MS)); }

# The scope is idle when a crowd comes, or it would have its places already.
pause_scope() {
	show_stop "$SERVICE"
	sleep 4.5
}

show_begin
export HOLES=$T/holes
truncate -s 4G "$HOLES"
scene_begin crowded $((256 << 20))
daemon_start "pressure: medium"
service
livelock
alone=$TOOK
check "a livelock alone is ended: $alone ms" test -n "$alone"

pause_scope
crowd once "$ONCE" $((4 << 20)) 0 $((6 << 20)) 1
wait "$CROWD"
CROWD=''
service
livelock
check "beside $ONCE cgroups that streamed once: $TOOK ms" in_time

pause_scope
crowd now "$NOW" $((6 << 20)) $((3 << 20)) $((4 << 20)) -1
check "a stream finds no place, and the log says so by name" wait_for 10 grep -q "fo-crowd.*not watched" "$DAEMON_LOG"
service
livelock
check "beside $NOW streams: $TOOK ms" in_time
RUNTIME_DIRECTORY=$DAEMON_DIR "$BIN" status --json >"$T/status"
check "status fits its schema" python3 tests/lib/validate.py docs/status.schema.json "$T/status"
check "status counts what is not watched" \
	jq -e '.daemon.not_watched | .refused > 0 and (.latest | contains("fo-crowd"))' "$T/status"
check "the log says it once an episode" test "$(grep -c 'not watched' "$DAEMON_LOG")" -le 3
check "only leakers were killed" test "$(kills '.victim.comm != "leaker"')" = 0
finish
