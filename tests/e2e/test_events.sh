#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# events and status: filters, following (also into a file that replaces the old one, and by a user
# that may not read the file), and messages when there is nothing to read.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need "$BIN" jq

cp "$BIN" "$T/fastoom-bpf" # where any user may run it
BIN=$T/fastoom-bpf
FOLLOWER='' DAEMON=''
cleanup() {
	[[ -z $FOLLOWER ]] || kill -KILL "$FOLLOWER" 2>/dev/null || :
	[[ -z $DAEMON ]] || kill -KILL "$DAEMON" 2>/dev/null || :
}
export TZ=UTC
has_lines() { (($(wc -l <"$2") >= $1)); }

record() { printf '{"schema":1,"time":"%s","mono_ns":1,"event":"%s","policy":"%s","scope":{"kind":"cgroup","path":"/x","id":1%s},"dry_run":false,"message":"%s"}\n' "$@"; }
E=$T/events
{
	record 2026-01-01T10:00:00.000Z warn one '' first
	record 2026-01-02T10:00:00.000Z error two ',"pod":"web-1","namespace":"shop"' second
	echo 'this is no record'
	record "$(date -u -d '5 minutes ago' +%FT%T.000Z)" warn two '' 'third \u001b[31m'
	printf '{"half'
} >"$E"
events() { "$BIN" events -e "$E" "$@" 2>/dev/null; }

same "all records, without escape sequences of messages" "2026-01-01 10:00:00  warn        /x  first
2026-01-02 10:00:00  error       shop/web-1  second" "$(events | head -n 2)"
same "an escape sequence is not sent to the terminal" 0 "$(events | grep -c $'\033' || :)"
same "by policy" "second third" "$(events -p two | grep -o 'second\|third' | xargs)"
same "by pod" second "$(events --pod 'web-*' | grep -o 'first\|second\|third' | xargs)"
same "by kind" "first third" "$(events -k warn,kill | grep -o 'first\|second\|third' | xargs)"
same "since a duration ago" third "$(events -S 10m | grep -o 'first\|second\|third' | xargs)"
same "since a date" "second third" "$(events -S 2026-01-02 | grep -o 'first\|second\|third' | xargs)"
same "as JSON" '"error" "web-1"' "$(events -j -k error | jq -c '.event, .scope.pod' | xargs -0 | tr '\n' ' ' | xargs -0 | sed 's/ *$//')"
same "lines that are no records are reported" "fastoom-bpf: warning: $E: 1 lines are not records" \
	"$("$BIN" events -e "$E" 2>&1 >/dev/null)"

rc=0
out=$("$BIN" events --since yesterday-ish -e "$E" 2>&1) || rc=$?
same "an invalid time: usage" 2 "$rc"
rc=0
out=$("$BIN" events -e "$T/nothing" 2>&1) || rc=$?
same "no file: one sentence, status 1" "1 1" "$rc $(wc -l <<<"$out")"
rc=0
out=$("$BIN" status 2>&1) || rc=$?
same "no daemon: one sentence that says how to start it" \
	"1 fastoom-bpf: error: $T/run/control.sock: the daemon is not running; start it with: sudo fastoom-bpf run" "$rc $out"

# following: a line that is completed, lines that are appended, and a new file of that name
: >"$T/out"
"$BIN" events -f -e "$E" >"$T/out" 2>/dev/null &
FOLLOWER=$!
wait_for 5 has_lines 3 "$T/out" || :
printf '":1}\n' >>"$E"
record 2026-01-03T00:00:00.000Z warn one '' appended >>"$E"
wait_for 5 has_lines 5 "$T/out" || :
mv "$E" "$E.1"
record 2026-01-04T00:00:00.000Z warn one '' rotated >"$E"
wait_for 5 grep -q rotated "$T/out" || :
same "it follows" "appended rotated" "$(grep -o 'appended\|rotated' "$T/out" | xargs)"
kill "$FOLLOWER"
wait "$FOLLOWER" 2>/dev/null || :
FOLLOWER=''

# with a daemon; a user that may not read its file reads its socket
if ((EUID == 0)) && [[ -r /sys/kernel/btf/vmlinux ]]; then
	umask 027
	echo "events: $T/run/records" >"$T/config.yaml"
	"$BIN" run -c "$T/config.yaml" >/dev/null 2>"$T/log" &
	DAEMON=$!
	wait_for 5 grep -q watching: "$T/log" || cat "$T/log"
	same "events finds the file of the daemon" start "$("$BIN" events -j | jq -r .event | head -n 1)"
	same "status names the file and the configuration" "$T/run/records $T/config.yaml" \
		"$("$BIN" status --json | jq -r '.daemon.events + " " + .daemon.config')"
	: >"$T/out"
	setpriv --reuid=65534 --regid=65534 --clear-groups "$BIN" events -f >"$T/out" 2>&1 &
	FOLLOWER=$!
	sleep 0.5
	kill -HUP "$DAEMON"
	wait_for 5 grep -q reload "$T/out" || :
	same "a user that may not read the file sees the event" 1 "$(grep -c 'reload ' "$T/out")"
	# the follower ends with the daemon, and reports it
	kill -TERM "$DAEMON"
	wait "$DAEMON" || :
	DAEMON=''
	wait_for 5 grep -q 'closed the connection' "$T/out" || :
	same "and that the daemon has ended" 1 "$(grep -c 'closed the connection' "$T/out")"
	FOLLOWER=''
fi

finish
