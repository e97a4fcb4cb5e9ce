# shellcheck shell=bash
# shellcheck disable=SC2034 # the caller uses the variables
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# What the scripts of tests/e2e share, scene.sh and daemon.sh included. To be sourced from the root
# of the tree under "set -euo pipefail".
#
#   BIN, LOAD, TOOLS           fastoom-bpf, fo-load, the directory of tests/tools as built
#   T                          a scratch directory that every user may read; removed at the end.
#                              T/run is exported as RUNTIME_DIRECTORY, so no command reaches a
#                              daemon of the host
#   skip_all WHY               ends the script as skipped
#   need WHAT...               skip_all unless all are there: root, btf, or programs (name or path)
#   good WHAT, bad WHAT        count and print
#   same WHAT WANTED GOT       good if both texts are equal
#   check WHAT COMMAND...      good if it succeeds; prints its output if not
#   wait_for SECONDS COMMAND...  repeats it until it succeeds
#   is WHAT CONDITION          good if the list of all records meets a condition of jq
#   kills CONDITION, some_kill CONDITION  number of `kill` records that meet it; whether there is
#                                         one
#   service                    maps 150 MiB of a file in the current scene; sets SERVICE (pid) and
#                              HEALTHY
#   rate MS, is_well           its requests/s in the last MS; whether they are half of HEALTHY or
#                              more
#   cleanup                    a script may define it: runs first when the script ends
#   finish                     prints the counts; the script's last command

# shellcheck source=tests/lib/scene.sh
. tests/lib/scene.sh
# shellcheck source=tests/lib/daemon.sh
. tests/lib/daemon.sh

BIN=$DAEMON__BUILD/fastoom-bpf LOAD=$DAEMON__BUILD/fo-load TOOLS=$DAEMON__BUILD/tests/tools
T=$(mktemp -d /var/tmp/fo-test-XXXXXX)
chmod 755 "$T"
mkdir "$T/run"
export RUNTIME_DIRECTORY=$T/run

cleanup() { :; }
# shellcheck disable=SC2317 # called by the trap
e2e__exit() {
	local rc=$?
	set +e
	cleanup
	rm -rf -- "$T"
	(exit "$rc")
	daemon__exit
}
trap e2e__exit EXIT

skip_all() {
	echo "skipped: $*"
	exit 77
}

need() {
	local what
	for what; do
		case $what in
		root) ((EUID == 0)) || skip_all "this needs root" ;;
		btf) [[ -r /sys/kernel/btf/vmlinux ]] || skip_all "this kernel has no BTF" ;;
		*) command -v "$what" >/dev/null || skip_all "there is no $what" ;;
		esac
	done
}

passed=0 failed=0 skipped=0
good() {
	echo "ok: $*"
	passed=$((passed + 1))
}
bad() {
	echo "FAILED: $*"
	failed=$((failed + 1))
}
same() {
	if [[ $2 == "$3" ]]; then
		good "$1"
	else
		bad "$1"
		printf '  wanted: %s\n  got:    %s\n' "$2" "$3"
	fi
}

check() {
	local what=$1
	shift
	if "$@" >"$T/check"; then
		good "$what"
	else
		bad "$what"
		tail -n 12 "$T/check" | sed 's/^/    /'
	fi
}

wait_for() {
	local i n=$(($1 * 20))
	shift
	for ((i = 0; i < n; i++)); do
		if "$@"; then
			return 0
		fi
		sleep 0.05
	done
	return 1
}

is() {
	if jq -es "$2" "$DAEMON_EVENTS" >/dev/null; then
		good "$1"
	else
		bad "$1: not so: $2"
		jq -c 'select(.event == "kill" or .event == "act" or .event == "kernel_kill")
			| {event, reason, outcome, error, pid: .victim.pid, comm: .victim.comm,
			   freed_bytes, took_ms, members}' "$DAEMON_EVENTS" | sed 's/^/    /'
		sed 's/^/    /' "$DAEMON_LOG" | tail -n 12
	fi
}

kills() {
	jq -s "[.[] | select(.event == \"kill\") | select($1)] | length" "$DAEMON_EVENTS"
}
some_kill() { (($(kills "$1") > 0)); }

service() {
	local bytes=$((150 << 20)) file
	file=$(show_file mapped "$bytes")
	show_service "$SCENE_DIR/report" "$file" "$bytes" --comm fo-service
}
rate() {
	local now
	now=$(now_ms)
	scene_rate "$SCENE_DIR/report" $((now - $1)) "$now" || echo 0
}
is_well() { awk -v r="$(rate 500)" -v h="$HEALTHY" 'BEGIN { exit !(r > h / 2) }'; }

finish() {
	echo "$passed passed, $failed failed, $skipped skipped"
	((failed == 0))
}
