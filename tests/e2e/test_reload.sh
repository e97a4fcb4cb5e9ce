#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# A configuration that changes under a running daemon: written anew, put in place, a drop-in, a
# ConfigMap's link; each is taken over whole, and one that is wrong not at all. SIGHUP too.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/scene.sh
. tests/lib/scene.sh
# shellcheck source=tests/lib/daemon.sh
. tests/lib/daemon.sh

show_begin
DAEMON_DIR=$(mktemp -d) DAEMON_EVENTS=$DAEMON_DIR/events DAEMON_LOG=$DAEMON_DIR/log

policies() {
	echo 'policies:'
	for name; do
		echo "  - { name: $name, match: { cgroup: /none/$name } }"
	done
}

reloads=0
# expect WHAT POLICIES: one more reload, with that many policies (the built-in one comes on top)
expect() {
	local i
	reloads=$((reloads + 1))
	for ((i = 0; i < 60; i++)); do
		(($(grep -c 'configuration reloaded' "$DAEMON_LOG" || :) < reloads)) || break
		sleep 0.05
	done
	show_check "$1: $(tail -n 1 "$DAEMON_LOG")" \
		"\"$(grep 'configuration reloaded' "$DAEMON_LOG" | sed -n "${reloads}s/.*reloaded: //p")\" == \"$(($2 + 1)) policies\"" || :
}

# expect_error WHAT TEXT: it is refused, and said why
expect_error() {
	local i
	for ((i = 0; i < 60; i++)); do
		! grep -q "$2" "$DAEMON_LOG" || break
		sleep 0.05
	done
	show_check "$1: not told" "$(grep -c "$2" "$DAEMON_LOG" || :) >= 1" || :
	show_check "$1: applied all the same" \
		"$(grep -c 'configuration reloaded' "$DAEMON_LOG" || :) == $reloads" || :
}

mkdir "$DAEMON_DIR/a"
policies one >"$DAEMON_DIR/a/c.yaml"
daemon_run "$DAEMON_DIR/a/c.yaml"
policies one two >"$DAEMON_DIR/a/c.yaml"
expect "written anew" 2
policies one two three >"$DAEMON_DIR/a/new"
mv "$DAEMON_DIR/a/new" "$DAEMON_DIR/a/c.yaml"
expect "put in place" 3
echo 'policies: [ { name: bad } ]' >"$DAEMON_DIR/a/c.yaml"
expect_error "wrong" 'match: is missing'
policies one >"$DAEMON_DIR/a/c.yaml"
expect "right again" 1
mkdir "$DAEMON_DIR/a/config.d"
expect "a folder for drop-ins" 1
policies two >"$DAEMON_DIR/a/config.d/10-two.yaml"
expect "a drop-in" 2
echo 'nonsense' >"$DAEMON_DIR/a/config.d/readme.txt"
rm "$DAEMON_DIR/a/config.d/10-two.yaml"
expect "no drop-in" 1
kill -HUP "$DAEMON_PID"
expect SIGHUP 1
daemon_stop

# as the kubelet mounts a ConfigMap: everything is exchanged by one link
: >"$DAEMON_EVENTS"
reloads=0
mkdir -p "$DAEMON_DIR/b/..1" "$DAEMON_DIR/b/..2"
policies one >"$DAEMON_DIR/b/..1/config.yaml"
policies one two >"$DAEMON_DIR/b/..2/config.yaml"
ln -s ..1 "$DAEMON_DIR/b/..data"
ln -s ..data/config.yaml "$DAEMON_DIR/b/config.yaml"
daemon_run "$DAEMON_DIR/b/config.yaml"
ln -s ..2 "$DAEMON_DIR/b/..tmp"
mv -T "$DAEMON_DIR/b/..tmp" "$DAEMON_DIR/b/..data"
expect "a ConfigMap's link" 2
daemon_stop
# a long path is reported whole: by it the other commands find the events
deep=$DAEMON_DIR
for ((i = 0; i < 15; i++)); do
	deep+=/$(printf '%0200d' "$i")
done
mkdir -p "$deep"
DAEMON_EVENTS=$deep/events
begin "$DAEMON_DIR/b/config.yaml"
show_check "the path of the events: $(RUNTIME_DIRECTORY=$DAEMON_DIR "$BIN" status --json | jq -r .daemon.events | wc -c) bytes" \
	"\"$(RUNTIME_DIRECTORY=$DAEMON_DIR "$BIN" status --json | jq -r .daemon.events)\" == \"$DAEMON_EVENTS\"" || :
daemon_stop
show_end "met in every case"
