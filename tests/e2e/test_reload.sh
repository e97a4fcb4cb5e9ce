#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# The configuration of a running daemon changes: rewritten, replaced, a drop-in, the link of a
# ConfigMap, SIGHUP. A valid configuration applies whole, one with an error not at all. `readers`,
# the files of a trace and long paths are checked with the same daemon.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh

show_begin
BIN=$DAEMON__BUILD/fastoom-bpf
DAEMON_DIR=$(mktemp -d) DAEMON_EVENTS=$DAEMON_DIR/events DAEMON_LOG=$DAEMON_DIR/log

policies() {
	echo 'policies:'
	for name; do
		echo "  - { name: $name, match: { cgroup: /none/$name } }"
	done
}

reloads=0
# expect WHAT POLICIES: one more reload, with that many policies and the built-in one
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

# expect_error WHAT TEXT: the configuration is refused, and the log has TEXT
expect_error() {
	local i
	for ((i = 0; i < 60; i++)); do
		! grep -q "$2" "$DAEMON_LOG" || break
		sleep 0.05
	done
	show_check "$1: not in the log" "$(grep -c "$2" "$DAEMON_LOG" || :) >= 1" || :
	show_check "$1: applied in spite of the error" \
		"$(grep -c 'configuration reloaded' "$DAEMON_LOG" || :) == $reloads" || :
}

mkdir "$DAEMON_DIR/a"
policies one >"$DAEMON_DIR/a/c.yaml"
daemon_run "$DAEMON_DIR/a/c.yaml"
policies one two >"$DAEMON_DIR/a/c.yaml"
expect "rewritten" 2
policies one two three >"$DAEMON_DIR/a/new"
mv "$DAEMON_DIR/a/new" "$DAEMON_DIR/a/c.yaml"
expect "replaced" 3
echo 'policies: [ { name: bad } ]' >"$DAEMON_DIR/a/c.yaml"
expect_error "wrong" 'match: is missing'
policies one >"$DAEMON_DIR/a/c.yaml"
expect "right again" 1
mkdir "$DAEMON_DIR/a/config.d"
expect "a directory for drop-ins" 1
policies two >"$DAEMON_DIR/a/config.d/10-two.yaml"
expect "a drop-in" 2
echo 'nonsense' >"$DAEMON_DIR/a/config.d/readme.txt"
rm "$DAEMON_DIR/a/config.d/10-two.yaml"
expect "no drop-in" 1
kill -HUP "$DAEMON_PID"
expect SIGHUP 1
daemon_stop

# as kubelet mounts a ConfigMap: one link exchanges all files
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
expect "the link of a ConfigMap" 2
daemon_stop

# `readers`: everyone, or one group; of several files the last value applies
chmod 755 "$DAEMON_DIR"
cp "$BIN" "$DAEMON_DIR/reader" # an ordinary user may not read the build
mapfile -t groups < <(getent group | awk -F: '$3 > 0 && $3 < 65534 && n++ < 2 { print $1 " " $3 }')
one=${groups[0]% *} two=${groups[1]% *} one_gid=${groups[0]#* } two_gid=${groups[1]#* }
SOCKET=$DAEMON_DIR/control.sock

# may_read GROUP: whether an ordinary user in this group can read the status ("yes" or "no")
may_read() {
	local groups=(--clear-groups)
	[[ -z $1 ]] || groups=(--groups "$1")
	if setpriv --reuid=65534 --regid=65534 "${groups[@]}" "$DAEMON_DIR/reader" status \
		--socket "$SOCKET" >/dev/null 2>&1; then
		echo yes
	else
		echo no
	fi
}

# expect_readers WHAT MODE:GID ORDINARY ONE TWO: the socket within 3 s, and which users can connect
expect_readers() {
	local i
	for ((i = 0; i < 60; i++)); do
		[[ $(stat -c '%a:%g' "$SOCKET" 2>/dev/null) != "$2" ]] || break
		sleep 0.05
	done
	show_check "$1: the socket is $(stat -c '%a:%g' "$SOCKET" 2>/dev/null), not $2" \
		"\"$(stat -c '%a:%g' "$SOCKET" 2>/dev/null)\" == \"$2\"" || :
	show_check "$1: an ordinary user" "\"$(may_read '')\" == \"$3\"" || :
	show_check "$1: a member of the group $one" "\"$(may_read "$one_gid")\" == \"$4\"" || :
	show_check "$1: a member of the group $two" "\"$(may_read "$two_gid")\" == \"$5\"" || :
}

# expect_no_group WHAT: another thread looks the group up, and the log has its failure within 3 s
expect_no_group() {
	local i
	for ((i = 0; i < 60; i++)); do
		! grep -q 'readers: there is no group no-such-group' "$DAEMON_LOG" || return 0
		sleep 0.05
	done
	show_check "$1: not in the log: $(tail -n 1 "$DAEMON_LOG")" 0 || :
}

# readers [VALUE [VALUE_OF_A_DROP_IN]]: writes the configuration; the daemon notices each change
readers() {
	{
		[[ -z ${1:-} ]] || echo "readers: $1"
		policies one
	} >"$DAEMON_DIR/c/new"
	mv "$DAEMON_DIR/c/new" "$DAEMON_DIR/c/config.yaml"
	# after the file: each change is a reload, and the last one counts
	if [[ -n ${2:-} ]]; then
		echo "readers: $2" >"$DAEMON_DIR/c/config.d/readers.yaml"
	else
		rm -f "$DAEMON_DIR/c/config.d/readers.yaml"
	fi
}
mkdir -p "$DAEMON_DIR/c/config.d"
: >"$DAEMON_EVENTS"
readers everyone
daemon_run "$DAEMON_DIR/c/config.yaml"
expect_readers "everyone at the start" 666:0 yes yes yes
readers "$one"
expect_readers "one group" "660:$one_gid" no yes no
readers everyone
expect_readers "everyone again" 666:0 yes yes yes
readers "$two"
expect_readers "another group" "660:$two_gid" no no yes
readers "$one" "$two"
sleep 0.3
expect_readers "a group, and another one in a drop-in" "660:$two_gid" no no yes
readers "$one" everyone
expect_readers "a group, and everyone in a drop-in" 666:0 yes yes yes
readers no-such-group
expect_no_group "a group that is not there"
expect_readers "no such group: as it was" 666:0 yes yes yes
readers
expect_readers "no readers" 666:0 yes yes yes
daemon_stop
: >"$DAEMON_EVENTS"
readers no-such-group
daemon_run "$DAEMON_DIR/c/config.yaml"
expect_no_group "a group that is not there, at the start"
expect_readers "no such group at the start" 600:0 no no no
readers "$one"
expect_readers "then one that there is" "660:$one_gid" no yes no
daemon_stop

# a trace has all files of the configuration: replay judges by them
policies one >"$DAEMON_DIR/c/config.yaml"
policies two >"$DAEMON_DIR/c/config.d/two.yaml"
policies three >"$DAEMON_DIR/c/config.d/three.yaml"
"$BIN" record "$DAEMON_DIR/trace" -c "$DAEMON_DIR/c/config.yaml" --for 100ms 2>/dev/null || :
show_check "the files of a trace: $("$BIN" replay "$DAEMON_DIR/trace" | sed -n 's/^judged by: //p')" \
	"\"$("$BIN" replay "$DAEMON_DIR/trace" | sed -n 's/^judged by: //p')\" == \"$DAEMON_DIR/c/config.yaml and 2 drop-ins\"" || :

# a long path of the event file is reported whole: other commands open it
deep=$DAEMON_DIR
for ((i = 0; i < 15; i++)); do
	deep+=/$(printf '%0200d' "$i")
done
mkdir -p "$deep"
DAEMON_EVENTS=$deep/events
daemon_run "$DAEMON_DIR/b/config.yaml"
show_check "the path of the events: $(RUNTIME_DIRECTORY=$DAEMON_DIR "$BIN" status --json | jq -r .daemon.events | wc -c) bytes" \
	"\"$(RUNTIME_DIRECTORY=$DAEMON_DIR "$BIN" status --json | jq -r .daemon.events)\" == \"$DAEMON_EVENTS\"" || :
daemon_stop
show_end "met in every case"
