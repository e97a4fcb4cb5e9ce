#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# What `bpftool prog show` and `bpftool map show` print of a running daemon, idle and in trouble
# (with page tracking on), and that nothing of it remains however the daemon ends. Programs and maps
# of this daemon are known by the descriptors of its process: other daemons may run on this host.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need root "$BIN" "$LOAD" jq bpftool flock

DAEMON=''
cleanup() { [[ -z $DAEMON ]] || kill -KILL "$DAEMON" 2>/dev/null || :; }
ulimit -c 0

says() { grep -q -- "$1" "$T/log"; }

start() {
	: >"$T/log"
	"$BIN" run "$@" --events "$T/events" >/dev/null 2>"$T/log" </dev/null &
	DAEMON=$!
	if ! wait_for 10 says 'watching: '; then
		echo "FAILED: the daemon did not start"
		cat "$T/log"
		exit 1
	fi
}

# ids KIND: the ids that the daemon's descriptors hold, of the KIND prog_id, map_id or link_id.
ids() {
	sed -n "s/^$1:[[:space:]]*//p" /proc/"$DAEMON"/fdinfo/* 2>/dev/null | sort -un
}

# shown prog|map ID...: id, type and name of those that still exist.
shown() {
	local kind=$1 want
	shift
	want=$(printf '%s\n' "$@" | jq -cs .)
	bpftool "$kind" show -j | jq -r --argjson want "$want" \
		'.[] | select(.id as $id | $want | index($id)) | "\(.id) \(.type) \(.name // "-")"'
}

# names_explain KIND LIST: every name has a prefix of fastoom-bpf.
names_explain() {
	local kind=$1 list=$2 strange
	strange=$(awk '$3 !~ /^fo_[a-z_]+$/ && $3 !~ /^fastoom\.(rodata|bss|data)$/' <<<"$list")
	if [[ -n $list && -z $strange ]]; then
		good "$(wc -l <<<"$list") ${kind}s are named after fastoom-bpf"
	else
		bad "${kind}s with other names: ${strange:-none is listed}"
	fi
	awk '{ printf "    %-20s %s\n", $3, $2 }' <<<"$list"
}

# Programs that are attached by a link of the daemon.
attached() {
	local links
	links=$(ids link_id | jq -cs .)
	bpftool link show -j | jq -r --argjson links "$links" \
		'.[] | select(.id as $id | $links | index($id)) | .prog_id' | sort -un
}

is_gone() {
	[[ -z $(shown prog "${PROGS[@]}") && -z $(shown map "${MAPS[@]}") ]]
}

# nothing_left HOW: within 5 s nothing remains of what it held.
nothing_left() {
	if wait_for 5 is_gone; then
		good "$1: nothing remains of ${#PROGS[@]} programs and ${#MAPS[@]} maps"
	else
		bad "$1: these remain: $(shown prog "${PROGS[@]}") $(shown map "${MAPS[@]}")"
	fi
	if flock -n "$T/run/lock" true; then
		good "$1: the lock is free"
	else
		bad "$1: the lock is held"
	fi
	DAEMON=''
}

hold() {
	mapfile -t PROGS < <(ids prog_id)
	mapfile -t MAPS < <(ids map_id)
}

# ---- idle ----

start --dry-run
hold
names_explain program "$(shown prog "${PROGS[@]}")"
names_explain map "$(shown map "${MAPS[@]}")"
attached >"$T/idle" # the programs that are attached while page tracking is off

# ---- SIGHUP reloads and nothing else ----

kill -HUP "$DAEMON"
if wait_for 5 says 'configuration reloaded' && kill -0 "$DAEMON"; then
	good "SIGHUP reloads, and does not end the daemon"
else
	bad "SIGHUP: $(tail -n 1 "$T/log")"
fi
if [[ $(ids prog_id) == "$(printf '%s\n' "${PROGS[@]}")" ]]; then
	good "SIGHUP: the same programs"
else
	bad "SIGHUP: other programs than before"
fi

# ---- in trouble ----

# Anonymous memory that cannot be reclaimed, and a stream that is reclaimed: page tracking starts at
# half of the limit. In a dry run the trouble persists.
trouble() {
	scene_begin leftovers $((128 << 20))
	scene_file "$SCENE_DIR/data" $((256 << 20))
	scene_run "$LOAD" steady --size 80MiB --for 60s
	wait_for 10 anon_is_there || :
	scene_run "$LOAD" stream "$SCENE_DIR/data" --for 60s >/dev/null
}
anon_is_there() { (($(scene_usage) > (75 << 20))); }
tracking_is_on() {
	attached >"$T/on"
	(($(wc -l <"$T/on") > $(wc -l <"$T/idle")))
}
tracking_is_off() {
	attached >"$T/off"
	(($(wc -l <"$T/off") == $(wc -l <"$T/idle")))
}

trouble
if wait_for 20 tracking_is_on; then
	good "page tracking is on in trouble"
	mapfile -t TRACKING < <(comm -13 <(sort "$T/idle") <(sort "$T/on"))
	names_explain program "$(shown prog "${TRACKING[@]}")"
else
	bad "page tracking is not on"
fi
hold
kill -TERM "$DAEMON"
rc=0
wait "$DAEMON" || rc=$?
((rc == 0)) || bad "SIGTERM in trouble: exit code $rc"
nothing_left "SIGTERM in trouble"

# Page tracking ends 10 s after the trouble.
start --dry-run
if wait_for 20 tracking_is_on; then
	scene_end leftovers
	if wait_for 30 tracking_is_off; then
		good "page tracking is off again"
	else
		bad "page tracking is still on: $(wc -l <"$T/off") programs are attached"
	fi
else
	bad "page tracking is not on again"
	scene_end leftovers
fi
hold
kill -INT "$DAEMON"
rc=0
wait "$DAEMON" || rc=$?
((rc == 0)) || bad "SIGINT: exit code $rc"
nothing_left SIGINT

# ---- signals ----

for signal in TERM INT KILL SEGV ABRT; do
	start --dry-run
	hold
	kill -"$signal" "$DAEMON"
	rc=0
	# bash reports a child that was killed
	{ wait "$DAEMON" || rc=$?; } 2>/dev/null
	case $signal in
	TERM | INT) ((rc == 0)) || bad "SIG$signal: exit code $rc, not 0" ;;
	*) ((rc == 128 + $(kill -l "$signal"))) || bad "SIG$signal: exit code $rc" ;;
	esac
	nothing_left "SIG$signal"
done

# Killed in trouble, with page tracking on.
trouble
start --dry-run
wait_for 20 tracking_is_on || bad "page tracking is not on"
hold
kill -KILL "$DAEMON"
{ wait "$DAEMON" || :; } 2>/dev/null
nothing_left "SIGKILL in trouble"
scene_end leftovers

# It ends by itself.
start --dry-run --for 500ms
hold
rc=0
wait "$DAEMON" || rc=$?
((rc == 0)) || bad "--for: exit code $rc"
nothing_left "--for 500ms"

finish
