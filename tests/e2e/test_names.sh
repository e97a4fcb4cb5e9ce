#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Hostile names. A leaker whose name and whose command line of nearly 128 KiB hold brackets, a
# newline, escape sequences and invalid UTF-8: a rule finds it by its file and it is killed, the
# record is one line of valid JSON in UTF-8, and no command that prints it passes an escape sequence
# on. Then a leaker that has renamed itself to a protected name: a rule by comm protects it, of
# which `check` warns; rules by exe and cgroup do not.
set -euo pipefail

here=$(cd -- "${BASH_SOURCE[0]%/*}/../.." && pwd)
# shellcheck source=tests/lib/scene.sh
. "$here/tests/lib/scene.sh"
# shellcheck source=tests/lib/daemon.sh
. "$here/tests/lib/daemon.sh"

show_begin
command -v python3 >/dev/null || { echo "skipped: no python3" && exit 77; }
BIN=$DAEMON__BUILD/fastoom-bpf

# one_leaker POLICY NAME SECONDS [EVENT]: a service and a leaker of that name; waits for EVENT
# (kill)
one_leaker() {
	scene_begin names $((128 << 20))
	daemon_start "$1"
	show_service "$SCENE_DIR/report" "$(show_file mapped $((56 << 20)))" $((56 << 20)) --comm service
	show_load /dev/null leak --to 84MiB --rate 40MiB --comm "$2"
	leaker=$SCENE_PID
	sleep 0.3
	"$BIN" victims --scope "$SCENE_REL" -c "$DAEMON_DIR/config.yaml" --over 200ms >"$SCENE_DIR/victims" 2>&1 || :
	daemon_await "${4:-kill}" "$3" || :
}
killed() { daemon_records '.event == "kill"' | jq -r '"\(.victim.pid) \(.outcome)"' | paste -sd ' '; }

# ---- a hostile name

name=$(printf 'l]) 1 (\n\033[31m\377\376\a' && head -c 130000 /dev/zero | tr '\0' '\377')
one_leaker 'pressure: medium
	prefer: [ { exe: "/fo-load$", cmdline: "^[^ ]*fo-load leak " } ]' "$name" 20
sleep 0.5
show_check "killed: $(killed)" "\"$(killed)\" == \"$leaker killed\"" || :
show_check "the service was killed" "$(scene_alive "$SERVICE" && echo 1 || echo 0)" || :
record=$(grep '"event":"kill"' "$DAEMON_EVENTS" | head -n 1)
show_check "the record is not one line of JSON in UTF-8" "$(python3 -c '
import json, sys
record = json.loads(sys.stdin.buffer.read().decode("utf-8", "strict"))
victim = record["victim"]
print(int(not (victim["comm"].startswith("l]) 1 (\n\x1b[31m") and len(victim["comm"]) <= 15
               and len(victim["cmdline"]) < 4096 and victim["rule"])))' <<<"$record" 2>&1 | tail -n 1) == 0" || :
id=$(jq -r .id <<<"$record")
"$BIN" events -e "$DAEMON_EVENTS" >"$SCENE_DIR/events" 2>&1
"$BIN" explain -e "$DAEMON_EVENTS" "$id" >"$SCENE_DIR/explain" 2>&1
for command in events explain victims; do
	show_check "$command does not name it" "$(grep -c 'l]) 1 (' "$SCENE_DIR/$command") > 0" || :
	show_check "$command lets control characters through" \
		"$(LC_ALL=C grep -c '[[:cntrl:]]' <(LC_ALL=C tr -d '\n' <"$SCENE_DIR/$command")) == 0" || :
done
show_check "the log lets control characters through" \
	"$(LC_ALL=C grep -c '[[:cntrl:]]' <(LC_ALL=C tr -d '\n' <"$DAEMON_LOG")) == 0" || :
daemon_stop
scene_end

# ---- a protected name

one_leaker 'pressure: medium
	protect: [ { exe: "^/usr/lib/precious$" }, { cgroup: "/precious/*" } ]' precious 20
show_check "protected by exe and cgroup; killed: $(killed)" "\"$(killed)\" == \"$leaker killed\"" || :
daemon_stop
scene_end

one_leaker 'pressure: medium
	protect: [ { comm: "^precious$" }, { comm: "^service$" } ]' precious 20 error
"$BIN" check -c "$DAEMON_DIR/config.yaml" >"$SCENE_DIR/check" 2>&1 || :
show_check "check does not warn of a rule by comm: $(tail -n 1 "$SCENE_DIR/check")" \
	"$(grep -c 'comm' "$SCENE_DIR/check") > 0" || :
show_check "protected by comm; killed: $(killed)" "\"$(killed)\" == \"\"" || :
show_check "the leaker was killed" "$(scene_alive "$leaker" && echo 1 || echo 0)" || :
daemon_stop
show_end "met in every case"
