#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# System calls of the daemon that fail for want of resources. Each time a leaker that takes the memory of a
# service must be killed, and nothing else:
#   flock            ENOLCK: the message says so; the daemon does not start (without a leaker)
#   pidfd_open       EMFILE, ten times: the same victim is tried again, and the service does not die for it
#   timerfd_settime  ENOMEM, always: ticks come without the timer
#   bpf              ENOMEM, while a scope becomes idle: the next time it reclaims, it is reported again
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need root "$BIN" "$LOAD" jq strace
show_begin

MIB=$((1 << 20))
TRACER=''
cleanup() { stop_failing; }

no_match() { ! grep -q -- "$1" "$2"; }
# with -D the daemon is the child, and not strace
failing() { DAEMON_UNDER=(strace -D -f -qq -o /dev/null -e "trace=$1" -e "inject=$1:$2" --); }
strace -D -f -qq -o /dev/null -e trace=bpf -e inject=bpf:error=ENOMEM:when=1 -- true 2>/dev/null ||
	skip_all "strace cannot trace here"

fail_bpf() {
	strace -f -qq -o "$T/strace" -e trace=bpf -e inject=bpf:error=ENOMEM -p "$DAEMON_PID" 2>/dev/null &
	TRACER=$!
	wait_for 10 is_traced || bad "the daemon is not traced"
}
is_traced() { ! grep -q '^TracerPid:[[:space:]]*0$' "/proc/$DAEMON_PID/status"; }
stop_failing() {
	[[ -n $TRACER ]] || return 0
	kill -TERM "$TRACER" 2>/dev/null || :
	wait "$TRACER" 2>/dev/null || :
	TRACER=''
}

# leaker_dies WHAT
leaker_dies() {
	show_load /dev/null leak --to 235MiB --comm fo-leaker
	wait_for 30 some_kill '.outcome == "killed" and .victim.comm == "fo-leaker"' || :
	check "$1: the daemon killed the leaker" some_kill \
		'.outcome == "killed" and .victim.comm == "fo-leaker"'
	same "$1: kills of anything else" 0 "$(kills '.victim.comm != "fo-leaker"')"
	check "$1: the service is alive" scene_alive "$SERVICE"
}

rc=0
RUNTIME_DIRECTORY=$T/run strace -f -qq -o /dev/null -e trace=flock -e inject=flock:error=ENOLCK \
	"$BIN" run --dry-run --for 300ms --events "$T/events" >"$T/out" 2>&1 || rc=$?
same "flock: exit status" 1 "$rc"
check "flock: the message has the reason" grep -q 'the lock cannot be taken: No locks available' "$T/out"
check "flock: the message does not claim a second daemon" no_match 'runs already' "$T/out"

scene_begin pidfd $((256 * MIB))
failing pidfd_open error=EMFILE:when=1..10
daemon_start 'pressure: medium'
service
leaker_dies pidfd_open
check "pidfd_open: the record has the failed tries" some_kill 'any(.steps[]; .step == "no descriptor")'
daemon_stop
scene_end pidfd

scene_begin timer $((256 * MIB))
failing timerfd_settime error=ENOMEM
daemon_start 'pressure: medium'
service
leaker_dies timerfd_settime
check "timerfd_settime: the log says so, once" \
	test "$(grep -c 'the timer cannot be set: Cannot allocate memory' "$DAEMON_LOG")" = 1
daemon_stop
scene_end timer

scene_begin bpf $((256 * MIB))
DAEMON_UNDER=()
daemon_start 'pressure: medium'
stream=$(show_file stream $((200 * MIB)))
hot() { grep -q "$SCENE_REL: hot" "$DAEMON_LOG"; }
idle() { grep -q "$SCENE_REL: idle" "$DAEMON_LOG"; }
changes_failed() { grep -q 'map changes refused [1-9][0-9]*: Cannot allocate memory' "$DAEMON_LOG"; }
show_load /dev/null steady --size 100MiB
steady=$SCENE_PID
show_load /dev/null stream "$stream" --passes 100
wait_for 20 hot || bad "bpf: the scope is not hot"
fail_bpf
show_stop "$SCENE_PID"
wait_for 30 idle || bad "bpf: the scope is not idle"
stop_failing
check "bpf: the log says that changes of maps failed" changes_failed
show_stop "$steady"
service
leaker_dies bpf
daemon_stop
scene_end bpf

finish
