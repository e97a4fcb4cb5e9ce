#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# The traces of tests/corpus that the risk model is not fitted to, judged at `medium`: every
# near-OOM is found in time, and nothing is killed wrongly, except what tests/corpus/known lists.
# Where scikit-learn is installed: the weights in the tree are those that scripts/fit-model fits.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need "$BIN" "$TOOLS/fo-trim" python3

for file in tests/corpus/*.fo; do
	[[ -s ${file%.fo}.json ]] || bad "$file has no labels"
done
if scripts/corpus.py list | awk '
	$2 == "near-oom" && NF > 3 { near++ }
	$2 == "benign" && NF > 3 { benign++ }
	END { print near " near-OOM, " benign " benign"; exit !(near >= 60 && benign >= 60) }'; then
	good "the corpus has 60 runs of each and more"
else
	bad "the corpus has less than 60 runs of each"
fi
if scripts/judge-report --check; then
	good "the judgement is as promised"
else
	bad "the judgement is not as promised"
fi
if ! /usr/bin/python3 -c 'import sklearn' 2>/dev/null; then
	skipped=$((skipped + 1))
	echo "skipped: fit-model has no scikit-learn; scripts/install-deps statistics brings it"
elif scripts/fit-model --write "$T/coefficients.h" >/dev/null &&
	diff user/judge/coefficients.h "$T/coefficients.h"; then
	good "the weights are those of fit-model"
else
	bad "the weights are not those of fit-model"
fi
finish
