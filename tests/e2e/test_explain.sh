#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# explain: a kill of ours and one of the kernel's, from saved records and a saved kernel log (of a
# real kill on 6.18; the line of the reaper is by hand), word for word against tests/golden.
#
#   UPDATE=1 tests/e2e/test_explain.sh     writes the golden files; look at the difference
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need "$BIN" python3
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

golden explain-kill -e tests/golden/events.jsonl --svg "$T/minute.svg"
head -n 1 tests/golden/events.jsonl >"$T/first"
golden explain-kernel -e "$T/first" -k tests/golden/kernel-memcg.log --ascii
golden explain-kernel-alone -e tests/golden/events.jsonl -k tests/golden/kernel-memcg.log kernel

if python3 -c 'import sys, xml.etree.ElementTree as e
root = e.parse(sys.argv[1]).getroot()
lines = root.findall(".//{*}polyline")
assert len(lines) >= 4, lines
assert all(len(p.split(",")) == 2 for l in lines for p in l.get("points").split())' "$T/minute.svg"; then
	good "the SVG is well formed and has a line for each series"
else
	bad "the SVG"
fi
if "$BIN" explain -e tests/golden/events.jsonl 9 | grep -q 'leaker\[811\] was killed'; then
	good "an event by its id"
else
	bad "an event by its id"
fi
rc=0
out=$("$BIN" explain -e tests/golden/events.jsonl 123 2>&1) || rc=$?
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
