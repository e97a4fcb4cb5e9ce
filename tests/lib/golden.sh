# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Golden recordings: tests/golden/NAME.fo with NAME.yaml, what comes of judging it (NAME.expected)
# and why (NAME.explained). To be sourced; O is where the build is (build).

# golden_lines FILE.fo: what changed, would be done and was done; the numbers behind it are left
# out, for they may move where the verdict does not.
golden_lines() {
	"${O:-build}/fastoom-bpf" replay "$1" -c "${1%.fo}.yaml" |
		sed -E '/^recorded |^judged by|^[0-9]+ samples of /d; s/  (risk|lost|level) .*//'
}

# golden_explain FILE.fo: every sample's evidence and contributions.
golden_explain() {
	"${O:-build}/fastoom-bpf" replay "$1" -c "${1%.fo}.yaml" --explain | sed '/^recorded /d; /^judged by/d'
}
