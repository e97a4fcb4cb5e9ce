# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Golden replays: the trace tests/golden/NAME.fo and the configuration NAME.yaml, what replay prints
# of them (NAME.expected) and with --explain (NAME.explained). To be sourced; O is where the build
# is (build).

# golden_lines FILE.fo: verdicts and actions without their numbers, which may change where the
# verdict does not.
golden_lines() {
	"${O:-build}/fastoom-bpf" replay "$1" -c "${1%.fo}.yaml" |
		sed -E '/^recorded |^judged by|^[0-9]+ samples of /d; s/  (risk|lost|level) .*//'
}

# golden_explain FILE.fo: evidence and contributions of every sample.
golden_explain() {
	"${O:-build}/fastoom-bpf" replay "$1" -c "${1%.fo}.yaml" --explain | sed '/^recorded /d; /^judged by/d'
}
