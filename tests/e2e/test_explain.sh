#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# explain: a kill by the daemon, one by the kernel and one of a dry run, compared with tests/golden.
# The records and the log of the kernel are of a real daemon and a real kernel
# (scripts/record-golden events).
#
#   UPDATE=1 tests/e2e/test_explain.sh     writes the golden files; read the difference
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need "$BIN" python3 jq
EVENTS=tests/golden/events.jsonl
export TZ=UTC LC_ALL=C.UTF-8

# golden NAME ARGUMENT...
golden() {
	local want=tests/golden/$1.txt
	shift
	"$BIN" explain "$@" >"$T/got" 2>&1 || echo "status $?" >>"$T/got"
	if [[ -n ${UPDATE:-} ]]; then
		cp "$T/got" "$want"
	fi
	if diff -u "$want" "$T/got"; then
		good "$want"
	else
		bad "$want differs"
	fi
}

# explains WHAT PATTERN EVENTS [ARGUMENT...]
explains() {
	local what=$1 pattern=$2 events=$3 out
	shift 3
	out=$("$BIN" explain -e "$events" "$@" 2>&1 | tr -s ' \n' ' ') || :
	if [[ $out == *"$pattern"* ]]; then
		good "$what"
	else
		bad "$what: no '$pattern' in: $out"
	fi
}

if out=$(python3 tests/lib/validate.py docs/record.schema.json "$EVENTS"); then
	good "the golden records fit their schema ($out)"
else
	bad "$EVENTS: $out"
fi
kill=$(jq 'select(.event == "kill" and (.dry_run | not)) | .id' "$EVENTS")
trial=$(jq 'select(.event == "kill" and .dry_run) | .id' "$EVENTS")
golden explain-kill -e "$EVENTS" --svg "$T/minute.svg"
golden explain-dry-run -e "$EVENTS" "$trial"
sed '/"event":"kernel_kill"/q' "$EVENTS" >"$T/first"
golden explain-kernel -e "$T/first" -k tests/golden/kernel-memcg.log --ascii
golden explain-kernel-alone -e "$EVENTS" -k tests/golden/kernel-memcg.log kernel

# cases without a golden file, made from a golden record
explains "an event by its id" 'leaker[804] was killed by fastoom-bpf to relieve the cgroup' "$EVENTS" "$kill"
jq -c --argjson id "$kill" 'select(.id == $id) |
	.scope += {kind: "pod", namespace: "prod", pod: "web-1", container: "app"} |
	.victim += {namespace: "prod", pod: "web-1", container: "app"} |
	.kill_unit = "pod" | .members = 3' "$EVENTS" >"$T/pod"
explains "a pod's kill is to relieve the pod" 'to relieve the container app of the pod prod/web-1 (event' "$T/pod"
explains "a pod's members are the pod's" '3 processes of the pod prod/web-1 are killed together.' "$T/pod"
jq -c '.kill_unit = "cgroup"' "$T/pod" >"$T/cgroup"
explains "a cgroup's members are the cgroup's" \
	'3 processes of the cgroup /system.slice/db.service are killed together.' "$T/cgroup"
jq -c '.spared = [{pid: 5, comm: "pause", why: "holds a pod together"}] | .spared_count = 2' "$T/pod" >"$T/spared"
explains "the spared ones" 'Spared of them: pause[5] (holds a pod together) and 1 more.' "$T/spared"
jq -c '.unit_refused = "its members cannot be listed" | .kill_unit = "process" | .members = 1' "$T/pod" >"$T/alone"
explains "a group that is not killed" 'but only the process is killed: its members cannot be listed.' "$T/alone"
grep -v '"event":"recovered"' "$EVENTS" >"$T/stopped"
explains "a daemon that stopped" 'Afterwards Not known: the daemon stopped' "$T/stopped"
jq -c 'select(.event == "kill" and (.dry_run | not)) | .outcome = "refused" | .error = "EPERM"' "$EVENTS" >"$T/refused"
explains "a refusal is no kill" \
	'leaker[804] was chosen by fastoom-bpf to relieve the cgroup /system.slice/db.service, but it could not be killed (EPERM)' "$T/refused"

if python3 -c 'import sys, xml.etree.ElementTree as e
root = e.parse(sys.argv[1]).getroot()
lines = root.findall(".//{*}polyline")
assert len(lines) >= 4, lines
assert all(len(p.split(",")) == 2 for l in lines for p in l.get("points").split())' "$T/minute.svg"; then
	good "the SVG is well formed and has a line for each series"
else
	bad "the SVG"
fi
rc=0
out=$("$BIN" explain -e "$EVENTS" 123 2>&1) || rc=$?
if ((rc == 1)) && [[ $out == *'has no event 123'* ]]; then
	good "an id that is not there"
else
	bad "an id that is not there: $rc $out"
fi
rc=0
out=$("$BIN" explain -e "$T/none" 2>&1) || rc=$?
if ((rc == 1)) && [[ $out == *'No such file'* ]]; then
	good "no file"
else
	bad "no file: $rc $out"
fi

finish
