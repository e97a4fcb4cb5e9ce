#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# The log and the events file are at the limit on file sizes (RLIMIT_FSIZE). Writes fail, and are counted.
# They do not end the daemon: SIGXFSZ is ignored.
set -euo pipefail

cd -- "${BASH_SOURCE[0]%/*}/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need root btf "$BIN"
why=$(daemon_can) || skip_all "$why"

# in units of 1024 bytes
full() { head -c 1024 /dev/zero | tr '\0' '\n' >"$1"; }
limited() (
	ulimit -f 1
	RUNTIME_DIRECTORY=$T/run "$BIN" run --dry-run --for 300ms --events "$T/events" 2>>"$T/log" </dev/null
)

full "$T/log"
: >"$T/events"
rc=0
limited || rc=$?
same "the log is at the limit: the daemon runs to its end" 0 "$rc"
full "$T/events"
: >"$T/log"
rc=0
limited || rc=$?
same "the events file is at the limit: the daemon runs to its end" 0 "$rc"
check "and says why records are lost" grep -q 'not written [1-9][0-9]*: File too large' "$T/log"
finish
