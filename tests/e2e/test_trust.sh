#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# What an ordinary user can do to the daemon. It cannot take the lock. A configuration, drop-in or `notify`
# program that it can change is refused by check, run and reload, with the path and the remedy.
set -euo pipefail

cd -- "${BASH_SOURCE[0]%/*}/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need root btf jq "$BIN" setpriv
why=$(daemon_can) || skip_all "$why"
user=(setpriv --reuid 4001 --regid 4001 --clear-groups)

CONF=$T/conf
mkdir -m 700 "$CONF" "$CONF/config.d"
printf 'policies: [ { name: node, match: { node: true }, dry_run: true } ]\n' >"$CONF/config.yaml"
printf '# nothing\n' >"$CONF/config.d/a.yaml"
printf '#!/bin/sh\n' >"$CONF/hook"
chmod 755 "$CONF/hook"

# refused WHAT PATH REMEDY: check refuses the configuration, and names the path and the remedy.
refused() {
	local rc=0
	"$BIN" check -c "$CONF/config.yaml" >"$T/out" 2>&1 || rc=$?
	if ((rc == 2)) && grep -qF "is not trusted: $2 " "$T/out" && grep -qE "$3 $2\$" "$T/out"; then
		good "check refuses $1"
	else
		bad "check refuses $1: exit status $rc"
		sed 's/^/    /' "$T/out"
	fi
}

check "what is root's only is good" "$BIN" check -c "$CONF/config.yaml"
chmod g+w "$CONF/config.yaml"
refused "a file that its group can write" "$CONF/config.yaml" "chmod go-w"
chmod g-w "$CONF/config.yaml"
chown 4001 "$CONF/config.d/a.yaml"
refused "a drop-in of another user" "$CONF/config.d/a.yaml" "chown root"
chown 0 "$CONF/config.d/a.yaml"
chmod 1777 "$CONF/config.d"
refused "a folder of drop-ins that every user can write" "$CONF/config.d" "chmod go-w"
chmod 700 "$CONF/config.d"
chown 4001 "$CONF"
refused "a folder above that belongs to another user" "$CONF" "chown root"
chown 0 "$CONF"
mkdir "$T/theirs"
chown 4001 "$T/theirs"
mv "$CONF/config.yaml" "$T/config.real"
"${user[@]}" ln -s "$T/config.real" "$T/theirs/link"
ln -s "$T/theirs/link" "$CONF/config.yaml"
refused "a symbolic link that leads through another user's folder" "$T/theirs" "chown root"
mv "$T/config.real" "$CONF/config.yaml"
printf 'notify: %s\n' "$CONF/hook" >"$CONF/config.d/a.yaml"
chmod o+w "$CONF/hook"
refused "a notify program that every user can write" "$CONF/hook" "chmod go-w"

rc=0
"$BIN" run -c "$CONF/config.yaml" --for 100ms -e "$T/events" >"$T/out" 2>&1 || rc=$?
same "run refuses it, too" 2 "$rc"
chmod o-w "$CONF/hook"

DAEMON_DIR=$T/daemon DAEMON_EVENTS=$T/daemon/events.jsonl DAEMON_LOG=$T/daemon/log
mkdir "$DAEMON_DIR"
# the lock of an older version was readable
touch "$DAEMON_DIR/lock"
chmod 644 "$DAEMON_DIR/lock"
daemon_run "$CONF/config.yaml"
same "the lock is root's" 600 "$(stat -c %a "$DAEMON_DIR/lock")"
# a process that can open it can take its flock when no daemon holds it
if "${user[@]}" cat "$DAEMON_DIR/lock" >/dev/null 2>&1; then
	bad "an ordinary user can open the lock"
else
	good "an ordinary user cannot open the lock"
fi
same "an ordinary user can read the daemon's pid" "$DAEMON_PID" "$("${user[@]}" cat "$DAEMON_DIR/pid")"
chmod g+w "$CONF/config.yaml"
kill -HUP "$DAEMON_PID"
wait_for 10 daemon_has error || :
is "a reload refuses it, and the old configuration stays" \
	'any(.[]; .event == "error" and (.message | test("old configuration")))'
chmod g-w "$CONF/config.yaml"
daemon_stop

chown 4001 "$DAEMON_DIR"
rc=0
RUNTIME_DIRECTORY=$DAEMON_DIR "$BIN" run -c "$CONF/config.yaml" --for 100ms -e "$T/events" >"$T/out" 2>&1 || rc=$?
same "a runtime directory of another user is refused" 1 "$rc"
check "with the remedy" grep -q "chown root $DAEMON_DIR; or set RUNTIME_DIRECTORY" "$T/out"
chown 0 "$DAEMON_DIR"
finish
