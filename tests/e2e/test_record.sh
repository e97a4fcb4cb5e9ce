#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# A livelock, a daemon that ends it, and `record` beside it: both traces are judged again with the
# same verdicts, kill-ID.fo is the trace of the kill, and a file that is no trace is reported and
# not changed.
set -euo pipefail

here=$(cd -- "${BASH_SOURCE[0]%/*}/../.." && pwd)
# shellcheck source-path=SCRIPTDIR source=../lib/scene.sh
. "$here/tests/lib/scene.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/daemon.sh
. "$here/tests/lib/daemon.sh"

BIN=$DAEMON__BUILD/fastoom-bpf

fail() {
	echo "FAILED: $*"
	exit 1
}

# all_same FILE: replay has every verdict of the trace again. No first sample reaches the bound, so
# before a kill there is at least one other verdict.
all_same() {
	"$BIN" replay "$1" --json | jq -es '
		map(select(.event == "end")) | length == 1 and .[0].verdicts_recorded >= 2 and
		.[0].verdicts_recorded == .[0].verdicts_same' >/dev/null ||
		{ "$BIN" replay "$1" && fail "$1 is judged differently"; }
}

show_begin
scene_begin record $((256 << 20))
file=$(show_file mapped $((150 << 20)))
daemon_start 'pressure: medium'
trace=$SCENE_DIR/trace.fo

# record needs no lock. At `low` it chooses before the daemon kills; a process that has exited
# cannot be chosen.
sed 's/medium/low/' "$DAEMON_DIR/config.yaml" >"$SCENE_DIR/low.yaml"
"$BIN" record "$trace" -c "$SCENE_DIR/low.yaml" --for 18s 2>"$SCENE_DIR/log" &
record=$!
sleep 1.5
show_service "$SCENE_DIR/report" "$file" $((150 << 20))
show_load /dev/null leak --to 200MiB --comm leaker
leaker=$SCENE_PID
daemon_await kill 20 || fail "no process was killed"
wait "$record" || { cat "$SCENE_DIR/log" && fail "record failed"; }

# the trace that the daemon kept
id=$(daemon_records '.event == "kill"' | sed -n 1p | jq -r .id)
kept=$DAEMON_DIR/kill-$id.fo
[[ -s $kept ]] || { ls -l "$DAEMON_DIR" && fail "kill-$id.fo is missing"; }
all_same "$kept"
"$BIN" replay "$kept" --json >"$SCENE_DIR/out"
jq -es --argjson pid "$leaker" --argjson id "$id" '
	(map(select(.event == "would_kill")) | length == 1 and .[0].victim.pid == $pid) and
	(map(select(.event == "did_kill")) | length == 1 and .[0].pid == $pid and .[0].id == $id
		and .[0].dry_run == false) and
	(map(select(.event == "did_settle")) | length == 1 and .[0].text == "killed") and
	(map(select(.event == "difference")) | length == 1 and
		(.[0].later_s | fabs) < 0.05)' "$SCENE_DIR/out" >/dev/null ||
	{ cat "$SCENE_DIR/out" && fail "replay of kill-$id.fo differs from the record"; }

# the trace of record: the same trouble, and its end
all_same "$trace"
"$BIN" replay "$trace" --json >"$SCENE_DIR/out"
jq -es --argjson pid "$leaker" '
	any(.event == "verdict" and .verdict == "act") and
	(map(select(.event == "would_kill")) | all(.victim.pid == $pid and .victim.comm == "leaker")) and
	(any(.event == "would_kill") or any(.event == "did_stand_down"))' "$SCENE_DIR/out" >/dev/null ||
	{ cat "$SCENE_DIR/out" && fail "in the trace of record another process would be killed"; }
cmp <("$BIN" replay "$trace" --explain) <("$BIN" replay "$trace" --explain) || fail "two replays differ"

# trimmed for the corpus: it can be read, has the scope only, and nothing that identifies this host
"$DAEMON__BUILD/tests/tools/fo-trim" "$trace" "$SCENE_DIR/trimmed.fo" "$SCENE_REL" scope "$SCENE_DIR/low.yaml" node
"$BIN" replay "$SCENE_DIR/trimmed.fo" --json >"$SCENE_DIR/out" || fail "the trimmed trace cannot be read"
jq -es '[.[] | select(.scope) | .scope.path] | length > 0 and all(. == "/scope")' "$SCENE_DIR/out" >/dev/null ||
	{ cat "$SCENE_DIR/out" && fail "the trimmed trace has another scope"; }
! grep -aqF -e "$SCENE_DIR" -e "$DAEMON__BUILD" "$SCENE_DIR/trimmed.fo" || fail "the trimmed trace has paths of this host"

# at high there is no kill yet
sed 's/medium/high/' "$DAEMON_DIR/config.yaml" >"$SCENE_DIR/high.yaml"
"$BIN" replay "$kept" -c "$SCENE_DIR/high.yaml" | grep -q ": would not kill at .* was killed" ||
	fail "high is not later"

# truncated: one error with the offset; record appends after the last complete record
cp -- "$trace" "$SCENE_DIR/cut.fo"
truncate -s -5 "$SCENE_DIR/cut.fo"
rc=0
"$BIN" replay "$SCENE_DIR/cut.fo" >/dev/null 2>"$SCENE_DIR/err" || rc=$?
((rc == 1)) || fail "exit status $rc for a truncated file"
grep -q 'cut.fo: offset [0-9]*: the file ends within a frame' "$SCENE_DIR/err" || fail "$(<"$SCENE_DIR/err")"
"$BIN" record "$SCENE_DIR/cut.fo" --for 500ms 2>"$SCENE_DIR/err" || fail "$(<"$SCENE_DIR/err")"
grep -q 'its last record was cut off' "$SCENE_DIR/err" || fail "$(<"$SCENE_DIR/err")"
"$BIN" replay "$SCENE_DIR/cut.fo" >/dev/null || fail "it cannot be read after record has appended"

# no trace: reported, and not changed
echo precious >"$SCENE_DIR/letter"
rc=0
"$BIN" record "$SCENE_DIR/letter" --for 500ms 2>"$SCENE_DIR/err" || rc=$?
((rc == 1)) || fail "exit status $rc for a letter"
grep -q 'letter: offset 0: this is not a trace of fastoom-bpf' "$SCENE_DIR/err" || fail "$(<"$SCENE_DIR/err")"
[[ $(<"$SCENE_DIR/letter") == precious ]] || fail "the letter was overwritten"

# wrong command lines
for wrong in "record" "record a b" "replay" "replay a b"; do
	rc=0
	# shellcheck disable=SC2086 # words
	"$BIN" $wrong >/dev/null 2>&1 || rc=$?
	((rc == 2)) || fail "exit status $rc of: $wrong"
done
rc=0
"$BIN" replay "$SCENE_DIR/none.fo" >/dev/null 2>"$SCENE_DIR/err" || rc=$?
((rc == 1)) || fail "exit status $rc for a file that is not there"
grep -q 'none.fo: No such file' "$SCENE_DIR/err" || fail "$(<"$SCENE_DIR/err")"

daemon_stop
scene_end record
echo ok
