#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Golden replays: each recording of tests/golden is judged as it was when its expectation was
# accepted, twice the same to the byte. Where it is not, both explanations are shown side by side;
# scripts/record-golden --judge accepts the new one.
set -euo pipefail

cd -- "${BASH_SOURCE[0]%/*}/../.."
# shellcheck source-path=SCRIPTDIR source=../lib/golden.sh
. tests/lib/golden.sh

tmp=$(mktemp -d)
trap 'rm -rf -- "$tmp"' EXIT
bad=0 n=0

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
		# from a little before the first sample that differs
		diff -y -t -W 400 --expand-tabs "${file%.fo}.explained" "$tmp/explained" |
			grep -nE -m 1 -B 2 -A 12 ' [|<>] ' || :
	fi
	(($(wc -c <"$file") < 200000)) || { echo "$name: larger than 200 kB" && bad=1; }
done
((n >= 3)) || { echo "only $n recordings" && bad=1; }
echo "$n recordings"
exit "$bad"
