#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# The recordings of tests/corpus that the risk model has not been fitted to, judged at `medium`: every
# near-OOM is found, in time, and nobody is killed wrongly, but for what tests/corpus/known lists.
set -euo pipefail
cd -- "${BASH_SOURCE[0]%/*}/../.."

# every recording has its other half, and a family that the split knows
for file in tests/corpus/*.fo; do
	[[ -s ${file%.fo}.json ]] || { echo "$file has no labels" && exit 1; }
done
scripts/corpus.py list | awk '
	$2 == "near-oom" && NF > 3 { near++ }
	$2 == "benign" && NF > 3 { benign++ }
	END { print near " near-OOM, " benign " benign"; exit !(near >= 60 && benign >= 60) }' ||
	{ echo "a corpus needs 60 of each" && exit 1; }
scripts/judge-report --check
