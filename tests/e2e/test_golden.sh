#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Golden replays: each trace of tests/golden is judged as when its expectation was accepted, and
# twice with the same output. Where it is not, both explanations are printed side by side;
# scripts/record-golden --judge accepts the new one.
set -euo pipefail

cd -- "${BASH_SOURCE[0]%/*}/../.."
# shellcheck source-path=SCRIPTDIR source=../lib/golden.sh
. tests/lib/golden.sh

tmp=$(mktemp -d)
trap 'rm -rf -- "$tmp"' EXIT
bad=0 n=0

# The samples of an explanation from half a second before $at to a second after.
around() {
	awk -v at="${at:-0}" '$2 == "s" && $1 >= at - 0.5 && $1 <= at + 1' "$1"
}

for file in tests/golden/*.fo; do
	name=${file##*/} name=${name%.fo}
	n=$((n + 1))
	golden_lines "$file" >"$tmp/lines"
	golden_explain "$file" >"$tmp/explained"
	golden_explain "$file" | cmp - "$tmp/explained" || bad=1
	if ! diff "${file%.fo}.expected" "$tmp/lines" >"$tmp/diff"; then
		bad=1
		echo "$name: expected (<), and judged now (>):"
		cat -- "$tmp/diff"
		echo "$name: explained then | now"
		# around the first verdict that differs
		at=$(awk '$3 == "s" { print $2 }' "$tmp/diff" | sort -n | head -n 1)
		around "${file%.fo}.explained" >"$tmp/then"
		around "$tmp/explained" >"$tmp/now"
		diff -y -t -W 420 "$tmp/then" "$tmp/now" || :
	fi
	(($(wc -c <"$file") < 200000)) || { echo "$name: larger than 200 kB" && bad=1; }
done
((n >= 12)) || { echo "only $n traces" && bad=1; }
echo "$n traces"
exit "$bad"
