#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# timeout: 3600
#
# The short set of tests/vm/matrix: kernels of distributions in guests, with a real near-OOM in
# each.
set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." || exit 1

for tool in qemu-system-x86_64 busybox cpio jq; do
	if ! command -v "$tool" >/dev/null; then
		echo "no $tool: scripts/install-deps brings it"
		exit 77
	fi
done
out=$(tests/vm/matrix short)
rc=$?
# The processors of guests are emulated: beside another guest on a busy host their tasks seem to work
# while they only wait (docs/limits.md). What fails is tried once more, one guest at a time.
if ((rc != 0)); then
	printf '%s\n\nonce more, what failed, one guest at a time:\n' "$out"
	cp -- "${O:-build}/vm-failed" "${O:-build}/vm-again"
	out=$(ONLY=${O:-build}/vm-again JOBS=1 tests/vm/matrix short)
	rc=$?
fi
printf '%s\n' "$out"
# if all is skipped, so is this test, with the first reason
if [[ $(tail -n 1 <<<"$out") == "0 passed, 0 failed, "* ]]; then
	grep -m 1 '^skip' <<<"$out"
	exit 77
fi
exit "$rc"
