#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# top in a real terminal (tmux): its screens at three sizes against tests/golden, keys, resizing, a
# daemon that stops, starts and hangs, and the terminal afterwards, also after a crash. The daemon
# is a socket with one answer, a snapshot of a real daemon (scripts/record-golden events), and the
# host a tree of fixtures, so that screens can be compared; tests/e2e/test_operator.sh has real
# ones.
#
#   UPDATE=1 tests/e2e/test_top.sh     writes the golden files; look at the difference
# good() succeeds always; the C is said of a failed condition only
# shellcheck disable=SC2015,SC2016
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need "$BIN" tmux python3 jq

SERVER=''
servers=0
tm() { LC_ALL=C.UTF-8 tmux -S "$T/tmux-$servers" -f /dev/null "$@"; }
cleanup() {
	tm kill-server 2>/dev/null || :
	[[ -z $SERVER ]] || kill -KILL "$SERVER" 2>/dev/null || :
}
export TZ=UTC

serve() {
	rm -f "$T/sock"
	python3 tests/lib/canned_socket.py "$T/sock" "$T/snapshot.json" &
	SERVER=$!
	wait_for 5 test -S "$T/sock"
}
unserve() {
	kill -KILL "$SERVER"
	wait "$SERVER" 2>/dev/null || :
	SERVER=''
	rm -f "$T/sock"
}
jq -c --arg events "$T/events" '.daemon.events = $events' tests/golden/snapshot.json >"$T/snapshot.json"
cp tests/golden/events.jsonl "$T/events"
serve
if python3 -c 'import jsonschema' 2>/dev/null; then
	out=$(python3 tests/lib/validate.py docs/status.schema.json "$T/snapshot.json") && good "the snapshot fits its schema" ||
		bad "the snapshot: $out"
fi
# of the snapshot's scope, as top shows it
risk=$(jq -r '.scopes[0].risk * 100 | round / 100' "$T/snapshot.json" | xargs printf %.2f)
most=$(jq '.scopes[0].stall_slots | max' "$T/snapshot.json")

# begin WIDTH HEIGHT LOCALE [OPTION...]
begin() {
	local w=$1 h=$2 locale=$3
	shift 3
	# one that ends does not give its socket to the next at once
	tm kill-server 2>/dev/null || :
	servers=$((servers + 1))
	tm new-session -d -x "$w" -y "$h" "stty -a >$T/stty-before
		TZ=UTC LC_ALL=$locale ${ENVIRONMENT:-} $BIN top --root tests/fixtures/v2 --socket $T/sock $* 2>$T/stderr
		echo rc \$? >$T/rc; stty -a >$T/stty-after; sleep 60"
	sees "RISK" || bad "no table on a screen of $w x $h"
}
screen() { tm capture-pane -p | sed -E 's/^(fastoom-bpf top  )[^ ]+  [0-9:]{8}/\1HOST  HH:MM:SS/; s/ +$//'; }
screen_has() { screen | grep -qF -- "$1"; }
sees() { wait_for 5 screen_has "$1"; }
sees_not() { wait_for 5 eval '! screen_has "$1"'; }
# golden NAME: history grows with time: its blocks are cut to one
golden() {
	local got=$T/got want=tests/golden/$1.txt
	sleep 1.3 # growth is known from the second refresh on
	screen | sed -E 's/([▁▂▃▄▅▆▇█])[▁▂▃▄▅▆▇█]*/\1/; s/ +([▁▂▃▄▅▆▇█])$/ \1/; s/ +[_.:=+*#-]+$//' >"$got"
	if [[ -n ${UPDATE:-} ]]; then
		cp "$got" "$want"
	fi
	if diff -u "$want" "$got"; then
		good "the screen $1 is the golden one"
	else
		bad "the screen $1 differs"
	fi
}

begin 140 30 C.UTF-8
sees leaker
golden top-140x30
tm send-keys Enter
sees STALLS
screen_has "$most ######" && good "a scope's detail has its histogram" || bad "no histogram: $(screen)"
tm send-keys Escape
sees_not STALLS
tm send-keys /
sees Search:
tm send-keys onlyhigh Enter
sees_not Search:
tm send-keys Enter
sees "/system.slice/onlyhigh.service" && good "search selects" || bad "search does not select: $(screen)"
tm send-keys Escape F4
sees Filter:
tm send-keys noswap
sees_not db.service && screen_has noswap.service && good "filter leaves what it names" ||
	bad "filter: $(screen)"
tm send-keys Escape
sees db.service
tm send-keys t
sees "    db.service" && good "the tree is indented" || bad "no tree: $(screen)"
tm send-keys t F6
sees "Sort by:"
tm send-keys 7
sees "sort: name" && good "sort is chosen" || bad "sort: $(screen)"
tm send-keys F1
sees "probability that the scope" && good "help helps" || bad "no help"
tm send-keys x

tm resize-window -x 50 -y 12
sees_not "NEXT VICTIM" && screen_has RISK && good "it fits itself to a terminal of 50 x 12" ||
	bad "resized: $(screen)"
tm resize-window -x 10 -y 3
sleep 0.5
tm resize-window -x 140 -y 30
sees "NEXT VICTIM" && good "and survives one of 10 x 3" || bad "resized twice: $(screen)"

# the daemon goes, comes, and hangs
unserve
sees "the daemon is not running; start it with: sudo fastoom-bpf run" && good "it says how to start a daemon" ||
	bad "no daemon: $(screen)"
serve
sees "pid 4711" && good "it finds the daemon again" || bad "not again: $(screen)"
kill -STOP "$SERVER"
i=0
until screen_has "stopped or stalled" || ((++i > 40)); do sleep 0.25; done
screen_has "stopped or stalled" && good "it says that the daemon hangs" || bad "hangs: $(screen)"
kill -CONT "$SERVER"
sees_not "stopped or stalled" && good "and that it does no more" || bad "hangs still: $(screen)"

tm send-keys q
wait_for 5 test -s "$T/stty-after"
if [[ $(<"$T/rc") == 'rc 0' ]] && cmp -s "$T/stty-before" "$T/stty-after" &&
	[[ $(tm display -p '#{alternate_on}#{cursor_flag}') == 01 ]]; then
	good "the terminal is as it was"
else
	bad "after q: $(<"$T/rc"), $(diff "$T/stty-before" "$T/stty-after")"
fi

for signal in SEGV TERM ABRT; do
	rm -f "$T/stty-after"
	begin 80 24 C.UTF-8
	sees leaker
	pid=$(pgrep -f -x "$BIN top --root tests/fixtures/v2 --socket $T/sock ?")
	kill -"$signal" "$pid"
	wait_for 5 test -s "$T/stty-after"
	if cmp -s "$T/stty-before" "$T/stty-after" &&
		[[ $(tm display -p '#{alternate_on}#{cursor_flag}') == 01 ]]; then
		good "the terminal is as it was after SIG$signal"
	else
		bad "after SIG$signal: $(tm display -p '#{alternate_on}#{cursor_flag}')"
	fi
done

begin 80 24 C.UTF-8
sees leaker
golden top-80x24
colors() { tm capture-pane -p -e | grep -c $'\033\[[0-9;]*3[1-7]m' || :; }
(($(colors) > 0)) && good "it has colours" || bad "it has no colours"
ENVIRONMENT='NO_COLOR=1' begin 80 24 C.UTF-8
sees leaker
(($(colors) == 0)) && good "NO_COLOR: it has none" || bad "NO_COLOR: it has some"

begin 50 15 C
sees db.service
golden top-50x15-ascii
screen | LC_ALL=C grep -q '[^ -~]' && bad "not plain ASCII" || good "in the C locale it is plain ASCII"

# for scripts
once() { LC_ALL=C.UTF-8 COLUMNS=120 "$BIN" top --once --root tests/fixtures/v2 --socket "$T/sock" "$@"; }
[[ $(once -f db.service | sed -n 3p) == *"$risk"*'leaker[804]'* ]] && good "--once" || bad "--once: $(once)"
[[ $(once --json | jq -r '.scopes[0] | .path + " " + .policy + " " + (.risk | tostring)') == "/system.slice/db.service shop $(jq .scopes[0].risk "$T/snapshot.json")" ]] &&
	good "--json" || bad "--json: $(once --json)"
n=$(LC_ALL=C "$BIN" top --batch -n 3 -d 100ms --root tests/fixtures/v2 --socket "$T/sock" | grep -c '^Mem')
((n == 3)) && good "--batch -n 3" || bad "--batch -n 3 prints $n tables"

# a container of a pod is called so, wherever its cgroup is
unserve
jq '.scopes[0] += {kind: "pod", namespace: "prod", pod: "web-1", container: "app"}' "$T/snapshot.json" >"$T/pod.json"
mv "$T/pod.json" "$T/snapshot.json"
serve
[[ $(once -f web-1 | sed -n 3p) == 'prod/web-1/app '*"$risk"* ]] && [[ $(once -f db.service | sed -n 3p) == prod/web-1/app* ]] &&
	good "a pod is called so, and found by both names" || bad "pod: $(once)"
[[ $(once --json | jq -c '.scopes[0] | [.kind, .namespace, .pod, .container, .path]') == \
	'["pod","prod","web-1","app","/system.slice/db.service"]' ]] && good "--json names it" || bad "--json: $(once --json)"
"$BIN" status --socket "$T/sock" | grep -q "^  prod/web-1/app: risk $risk" && good "status names it" ||
	bad "status: $("$BIN" status --socket "$T/sock")"
begin 140 30 C.UTF-8
sees prod/web-1/app
tm send-keys Enter
sees STALLS
screen_has 'prod/web-1/app' && good "the detail names it" || bad "no pod: $(screen)"
tm send-keys q
unserve
rc=0
once >"$T/out" 2>"$T/err" || rc=$?
((rc == 1)) && grep -q 'start it with' "$T/err" && good "--once without a daemon says how to start one" ||
	bad "--once without a daemon: $rc $(<"$T/err")"

finish
