#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# The commands of an operator in a real livelock: four readers of the control socket never read,
# while another reader and an unprivileged one do. The kill is as fast as without them, the daemon
# is idle although readers are connected, and all JSON that the commands print is valid by its
# schema.
# shellcheck disable=SC2016
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need socat python3 setpriv
python3 -c 'import jsonschema' 2>/dev/null || skip_all "python3 has no jsonschema"
show_begin

# valid WHAT SCHEMA FILE
valid() {
	local out
	if out=$(python3 tests/lib/validate.py "docs/$2.schema.json" "$3"); then
		good "$1 ($out)"
	else
		bad "$1: $out"
	fi
}
switches() { awk '/^voluntary_ctxt_switches/ { n += $2 } END { print n }' "/proc/$DAEMON_PID"/task/*/status; }

scene_begin operator $((256 << 20))
file=$(show_file mapped $((150 << 20)))
show_service "$SCENE_DIR/report" "$file" $((150 << 20))
daemon_start 'pressure: medium'
export RUNTIME_DIRECTORY=$DAEMON_DIR
socket=$DAEMON_DIR/control.sock
mkdir -p "$SHOW__SCRATCH/open"
cp "$BIN" "$SHOW__SCRATCH/open/fastoom-bpf"
chmod 755 "$SHOW__SCRATCH" "$SHOW__SCRATCH/open" "$DAEMON_DIR"

# Field 41 is the scheduling policy (2: SCHED_RR), counted from the end of the name, which may have
# spaces.
policies() {
	local task
	for task in "/proc/$DAEMON_PID"/task/*; do
		echo "$(<"$task/comm") $(sed 's/.*) //' "$task/stat" | cut -d' ' -f39)"
	done | sort
}
if grep -q 'no real-time priority' "$DAEMON_LOG"; then
	echo "skipped: no real-time priority is allowed here"
else
	check "the deciding and the page-tracking thread are real-time, the others are not: $(policies | tr '\n' ',')" \
		diff <(policies) <(printf '%s\n' 'fastoom-bpf 2' 'fo-control 0' 'fo-helper 0' 'fo-ladder 0' 'fo-shares 0' 'fo-tracking 2' 'fo-writer 0')
fi

request='{"method":"io.fastoom.Watch","more":true,"parameters":{"interval_ms":100}}\0'
deaf=()
for ((i = 0; i < 4; i++)); do
	# -u: socat does not read the answers
	{
		# shellcheck disable=SC2059
		printf "$request"
		exec sleep 60
	} | socat -u - "UNIX-CONNECT:$socket" &
	deaf+=($!)
done
sleep 1.5
a=$(switches)
sleep 3
b=$(switches)
check "no wake-up while idle, with four readers connected: $((b - a))" test "$((b - a))" = 0

# shellcheck disable=SC2059
{
	printf "$request"
	sleep 14
} | timeout 15 socat -t 15 - "UNIX-CONNECT:$socket" | tr '\0' '\n' >"$SHOW__SCRATCH/read" &
reader=$!
show_load /dev/null leak --to 200MiB --comm leaker
leaker=$SCENE_PID
sleep 1.2
# the command of the page, with the socket at the path of the page
line=$(sed -n "/^    printf .*GetStatus/,/^\$/p" docs/control-socket.md)
check "docs/control-socket.md has its command" test "$(wc -l <<<"$line")" = 2
unshare -m bash -ec 'mount -t tmpfs none /run; mkdir /run/fastoom-bpf; mount --bind "$0" /run/fastoom-bpf; eval "$1"' \
	"$DAEMON_DIR" "$line" >"$SHOW__SCRATCH/socat" || bad "the command of docs/control-socket.md fails"
check "its command prints the status" jq -e --argjson pid "$DAEMON_PID" '.parameters.status.daemon.pid == $pid' "$SHOW__SCRATCH/socat"
setpriv --reuid=65534 --regid=65534 --clear-groups "$SHOW__SCRATCH/open/fastoom-bpf" status --json >"$SHOW__SCRATCH/status"
"$BIN" top --once --json >"$SHOW__SCRATCH/top" || bad "top --once --json"
check "there is a kill within 15 s" daemon_await kill 15
check "the victim is the leaker" test "$(daemon_records '.event == "kill"' | jq -r .victim.pid)" = "$leaker"
signal_ms=$(daemon_records '.event == "kill"' | jq '[.steps[] | select(.step == "signal")][0].after_ms')
check "the signal left $signal_ms ms after the verdict, with readers that do not read" \
	awk "BEGIN { exit !($signal_ms < 20) }"
daemon_await recovered 10 || :
wait "$reader" || :
cp "$DAEMON_EVENTS" "$SHOW__SCRATCH/events"

jq -c '.parameters.snapshot // empty' "$SHOW__SCRATCH/read" >"$SHOW__SCRATCH/snapshots"
jq -c '.parameters.event // empty' "$SHOW__SCRATCH/read" >"$SHOW__SCRATCH/seen"
check "a reader sees the scope" \
	jq -se --arg rel "$SCENE_REL" 'any(.[].scopes[]; .path == $rel and .risk > 0.5)' \
	"$SHOW__SCRATCH/snapshots"
check "and the next victim" jq -se --argjson pid "$leaker" \
	'any(.[].scopes[]; .next_victim.pid == $pid)' "$SHOW__SCRATCH/snapshots"
check "and the kill, as in the file" test \
	"$(jq -cS 'select(.event == "kill")' "$SHOW__SCRATCH/seen")" = \
	"$(jq -cS 'select(.event == "kill")' "$SHOW__SCRATCH/events")"
valid "records match their schema" record "$SHOW__SCRATCH/events"
valid "snapshots, too" status "$SHOW__SCRATCH/snapshots"
valid "status of an unprivileged user, too" status "$SHOW__SCRATCH/status"
# test_maps computes the bound for 256 CPUs; this is what the running daemon reports of this host
check "the BPF maps take memory, and less than 8 MiB" jq -e \
	'.daemon.maps_bytes | . > 1048576 and . < 8388608' "$SHOW__SCRATCH/status"
valid "top, too" top "$SHOW__SCRATCH/top"
"$BIN" doctor --json >"$SHOW__SCRATCH/doctor" || :
valid "doctor, too" doctor "$SHOW__SCRATCH/doctor"
# the schema must refuse invalid records
for spoil in 'del(.victim)' '.risk = 2' '.victim.pid = "1"' 'del(.took_ms)' '.evidence.level = -1'; do
	jq -c "select(.event == \"kill\") | $spoil" "$SHOW__SCRATCH/events" >"$SHOW__SCRATCH/spoilt"
	check "a record with $spoil does not match" \
		eval '! python3 tests/lib/validate.py docs/record.schema.json "$SHOW__SCRATCH/spoilt" >/dev/null'
done
# not the last kill: another scope of the host can have one
"$BIN" explain -e "$SHOW__SCRATCH/events" "$(daemon_records '.event == "kill"' | jq -s '.[0].id')" >"$SHOW__SCRATCH/explained" || :
check "explain says that the kill helped" grep -q '^Afterwards      The scope recovered' "$SHOW__SCRATCH/explained"
check "with the history" grep -q 'time lost 1.00' "$SHOW__SCRATCH/explained"

for pid in "${deaf[@]}"; do
	kill "$pid" 2>/dev/null || :
done
daemon_stop || bad "the daemon did not end with 0"
check "the socket is removed with the daemon" test ! -e "$socket"

finish
