#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Adversaries by name. A leaker whose name and whose command line of nearly 128 KiB hold brackets, a
# newline, escape sequences and broken UTF-8: it is found by its file and dies, the record is one line
# of valid JSON in UTF-8, and no command that tells of it lets an escape sequence through. Then one
# that has renamed itself to what a rule protects: by comm it is spared, of which `check` warns; by
# exe and cgroup it is not.
set -euo pipefail

here=$(cd -- "${BASH_SOURCE[0]%/*}/../.." && pwd)
# shellcheck source=tests/lib/scene.sh
. "$here/tests/lib/scene.sh"
# shellcheck source=tests/lib/daemon.sh
. "$here/tests/lib/daemon.sh"

show_begin
command -v python3 >/dev/null || { echo "skipped: no python3" && exit 77; }
BIN=$DAEMON__BUILD/fastoom-bpf

# one_leaker POLICY NAME SECONDS: a service and a leaker of that name; waits for a kill
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
died() { daemon_records '.event == "kill"' | jq -r '"\(.victim.pid) \(.outcome)"' | paste -sd ' '; }

# ---- a name that is an attack

name=$(printf 'l]) 1 (\n\033[31m\377\376\a' && head -c 130000 /dev/zero | tr '\0' '\377')
one_leaker 'pressure: medium
	prefer: [ { exe: "/fo-load$", cmdline: "^[^ ]*fo-load leak " } ]' "$name" 20
sleep 0.5
show_check "died: $(died)" "\"$(died)\" == \"$leaker killed\"" || :
show_check "the service is dead" "$(scene_alive "$SERVICE" && echo 1 || echo 0)" || :
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
for told in events explain victims; do
	show_check "$told does not name it" "$(grep -c 'l]) 1 (' "$SCENE_DIR/$told") > 0" || :
	show_check "$told lets control characters through" \
		"$(LC_ALL=C grep -c '[[:cntrl:]]' <(LC_ALL=C tr -d '\n' <"$SCENE_DIR/$told")) == 0" || :
done
show_check "the log lets control characters through" \
	"$(LC_ALL=C grep -c '[[:cntrl:]]' <(LC_ALL=C tr -d '\n' <"$DAEMON_LOG")) == 0" || :
daemon_stop
scene_end

# ---- one that wears another's name

one_leaker 'pressure: medium
	protect: [ { exe: "^/usr/lib/precious$" }, { cgroup: "/precious/*" } ]' precious 20
show_check "protected by exe and cgroup; died: $(died)" "\"$(died)\" == \"$leaker killed\"" || :
daemon_stop
scene_end

one_leaker 'pressure: medium
	protect: [ { comm: "^precious$" }, { comm: "^service$" } ]' precious 20 error
"$BIN" check -c "$DAEMON_DIR/config.yaml" >"$SCENE_DIR/check" 2>&1 || :
show_check "check does not warn of a rule by comm: $(tail -n 1 "$SCENE_DIR/check")" \
	"$(grep -c 'comm' "$SCENE_DIR/check") > 0" || :
show_check "protected by comm; died: $(died)" "\"$(died)\" == \"\"" || :
show_check "the leaker is dead" "$(scene_alive "$leaker" && echo 1 || echo 0)" || :
daemon_stop
show_end "names are only names"
