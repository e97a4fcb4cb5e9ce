#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Unproductive tasks, against the work that a service did. A service whose working set is evicted
# does no work and is counted, also by a trace that begins later. A service that waits most of the
# time and still does most of its work is not counted, nor is any task where a stream runs through a
# full cgroup and the service keeps its rate. Prints a line for each: the share of its work that the
# service did, and the tasks that were counted then. Skips what the disk of this host does not
# cause.
set -euo pipefail

here=$(cd -- "${BASH_SOURCE[0]%/*}/../.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../lib/scene.sh
. "$here/tests/lib/scene.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/daemon.sh
. "$here/tests/lib/daemon.sh"

BIN=$DAEMON__BUILD/fastoom-bpf
BAD=0

# The share of its healthy work that the service did in the second before each sample, the
# unproductive tasks of the sample, and the time lost: "WORK UNPRODUCTIVE LOST" a line.
beside() {
	local ms unproductive lost work
	"$BIN" replay "$SCENE_DIR/trace.fo" --json --explain | jq -r '
		select(.event == "tick" and .evidence.unproductive_tasks != null) |
		"\(.mono_ns / 1e6 | floor) \(.evidence.unproductive_tasks) \(.evidence.lost_share)"' |
		while read -r ms unproductive lost; do
			work=$(scene_rate "$SCENE_DIR/report" "$((ms - 1000))" "$ms") || continue
			echo "$work $HEALTHY $unproductive $lost"
		done | awk '{ print $1 / $2, $3, $4 }'
}

# expect WHAT FROM_WORK TO_WORK LEAST MOST: the median of unproductive tasks while the service did a
# share of its work between FROM_WORK and TO_WORK.
expect() {
	beside | awk -v from="$2" -v to="$3" '$1 >= from && $1 < to { print $2, $3 }' | sort -n |
		awk -v what="$1" -v from="$2" -v to="$3" -v least="$4" -v most="$5" '
		{ unproductive[NR] = $1; lost += $2 }
		END {
			if (NR < 10) {
				printf "%-34s skipped: %d samples with such work, 10 are needed\n", what, NR
				exit
			}
			median = unproductive[int((NR + 1) / 2)]
			bad = median < least || median > most
			printf "%-34s %3d samples, work %.2f to %.2f: %.2f unproductive tasks (%s to %s), " \
				"%.2f of the time lost%s\n", what, NR, from, to, median, least, most, lost / NR,
				bad ? "  FAILED" : ""
			exit bad
		}' || BAD=1
}

record() {
	rm -f -- "$SCENE_DIR/trace.fo"
	"$BIN" record "$SCENE_DIR/trace.fo" -c "$SCENE_DIR/config.yaml" 2>"$SCENE_DIR/log" &
	RECORD=$!
}

# watch NAME MIB SHARE [FLAG...]: a service with SHARE percent of the limit, and record beside it.
watch() {
	local bytes
	scene_begin "$1" $(($2 << 20))
	bytes=$(($2 * $3 / 100 << 20))
	printf 'policies:\n  - { name: unproductive, match: { cgroup: "%s" } }\n' "$SCENE_REL" >"$SCENE_DIR/config.yaml"
	record
	show_service "$SCENE_DIR/report" "$(show_file "unproductive-$1" "$bytes")" "$bytes" --pace 5000 "${@:4}"
}

over() {
	kill "$RECORD"
	wait "$RECORD" || { cat -- "$SCENE_DIR/log" && exit 1; }
}

# There must be samples of a service that did no work in the last four seconds.
seen() {
	local rate
	rate=$(scene_rate "$SCENE_DIR/report" "$(($(now_ms) - 4000))" "$(now_ms)")
	if awk -v rate="$rate" -v healthy="$HEALTHY" 'BEGIN { exit !(rate < 0.05 * healthy) }' &&
		(($(beside | wc -l) < 10)); then
		echo "FAILED: a service did no work, and there are no samples of it"
		BAD=1
	fi
}

show_begin

watch livelock 256 58
show_load /dev/null leak --to 200MiB --rate 50MiB --comm leaker
sleep 9
over
seen
expect "a service whose pages are evicted" 0 0.05 0.6 1.4
record
sleep 5
over
seen
expect "the same, the trace begins later" 0 0.05 0.6 1.4
scene_end livelock

watch random 256 58 --random
show_load /dev/null spike --to 200MiB --comm spike
sleep 9
over
expect "a service that waits, and works" 0.5 9 0 0.1
scene_end random

watch stream 256 8
show_load /dev/null steady --size 150MiB --comm steady
for _ in 1 2 3 4 5 6; do
	scene_run "$LOAD" stream "$(show_file big $((700 << 20)))" --by read >/dev/null
	wait "$SCENE_PID" || :
done
over
expect "a service beside a stream" 0.5 9 0 0.3
scene_end stream

exit "$BAD"
