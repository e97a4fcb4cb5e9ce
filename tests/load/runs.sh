# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# A recorded run of processes, in a guest (the shell of busybox) or in a cgroup of this host. To be
# sourced by sh; a plan (scripts/random-runs makes them) calls in this order
#   run_begin NAME node|BYTES [SWAP]   begins a run of the node, or in a cgroup with that limit and,
#                                      with a SWAP that is not 0, without a limit on swap; starts
#                                      the recorder
#   run_early ROLE NAME ARGUMENT...    starts fo-load before the trouble; ROLE is service, neighbour
#                                      or culprit. A service is a bystander: its report is kept
#   run_cached BYTES                   fills memory with pages of a file that is not used again
#   run_healthy SECONDS                waits until all services serve, makes the disk slow, and waits
#   run_at MS ROLE NAME ARGUMENT...    starts fo-load, or with the argument "copy" a copy of the
#                                      stream, so long after the beginning of the trouble
#   run_during SECONDS                 the trouble; ends four seconds after the kernel killed
# Nothing but the kernel kills.
#
# A run leaves in $RUNS_OUT/NAME
#   trace.fo, peers             of record and of fo-peers
#   service.NAME                the report of a service
#   kernel                      the log of the kernel
#   meta                        "KEY VALUE..." lines: role ROLE NAME PID MS COMMAND..., died NAME PID
#                               MS, kernel_kills MS COUNT, trouble_ms, end_ms, room BYTES, void WHY
#
# The caller sets RUNS_OUT, RUNS_FILES (the directory in which the processes start, with the files
# "set" and "stream" and the directory "src"), RUNS_ROOT (where the memory controller is mounted), RUNS_PARENT and RUNS_BOX (the
# cgroup of a run is made there, with that name), RUNS_CONFIG (a configuration with /scope for the
# path of that cgroup), and defines runs_disk slow|fast NAME and runs_settle, which is called after a
# run.
MIB=1048576

# Milliseconds of CLOCK_MONOTONIC, in steps of ten, without starting a process.
now_ms() {
	read -r up _ </proc/uptime
	echo "$((${up%.*} * 1000 + 1${up#*.} * 10 - 1000))"
}

# number_of FILE KEY: the number after a word, without starting a process.
number_of() {
	while read -r key number _; do
		case $key in
		"$2" | "$2:")
			echo "$number"
			return
			;;
		esac
	done <"$1"
	echo 0
}

meminfo() { echo "$(($(number_of /proc/meminfo "$1") * 1024))"; }
vmstat() { number_of /proc/vmstat "$1"; }
meta() { echo "$*" >>"$OUT/meta"; }

is_alive() {
	{ read -r _ _ state _ <"/proc/$1/stat"; } 2>/dev/null || return 1
	[ "$state" != Z ] && [ "$state" != X ]
}

# The kernel's kills: in the cgroup, or of the node.
run_ooms() {
	if [ -z "$BOX" ]; then
		vmstat oom_kill
	elif [ -e "$BOX/memory.oom_control" ]; then
		number_of "$BOX/memory.oom_control" oom_kill
	else
		number_of "$BOX/memory.events" oom_kill
	fi
}

# The bytes that processes can take without swapping. The recorder starts at the same time.
RECORDER=$((28 * MIB))
run_room() {
	if [ -n "$BOX" ]; then
		echo "$LIMIT"
	else
		echo "$(($(meminfo MemAvailable) + $(number_of "/proc/$RECORD/status" VmRSS) * 1024 - RECORDER))"
	fi
}

# rest BYTES: what must be taken so that BYTES are left; at least a page.
run_rest() {
	left=$(($(run_room) - $1))
	[ "$left" -gt 4096 ] || left=4096
	echo "$left"
}

run_begin() {
	OUT=$RUNS_OUT/$1 NAME=$1 BOX='' LIMIT=0 PIDS='' QUEUE='' VOID=''
	mkdir -p "$OUT"
	runs_disk fast "$NAME"
	meta kernel "$(uname -r)"
	if [ "$2" != node ]; then
		LIMIT=$2
		BOX=$RUNS_PARENT/$RUNS_BOX
		mkdir "$BOX"
		if [ -e "$BOX/memory.limit_in_bytes" ]; then
			echo "$LIMIT" >"$BOX/memory.limit_in_bytes"
			[ "${3:-0}" != 0 ] || echo 0 >"$BOX/memory.swappiness"
		else
			echo "$LIMIT" >"$BOX/memory.max"
			[ "${3:-0}" != 0 ] || [ ! -e "$BOX/memory.swap.max" ] || echo 0 >"$BOX/memory.swap.max"
		fi
	fi
	scope=${BOX#"$RUNS_ROOT"}
	meta scope "${scope:-node}"
	sed "s|/scope|${scope:-/scope}|" "$RUNS_CONFIG" >"$OUT/config.yaml"
	fastoom-bpf record "$OUT/trace.fo" -c "$OUT/config.yaml" >"$OUT/record-log" 2>&1 &
	RECORD=$!
	# shellcheck disable=SC2086 # none or one
	fo-peers $BOX >"$OUT/peers" 2>>"$OUT/record-log" &
	PEERS=$!
}

# start OUTPUT ROLE NAME ARGUMENT...
run_start() {
	output=$1 role=$2 name=$3
	shift 3
	(
		echo 0 >/proc/self/oom_score_adj
		[ -z "$BOX" ] || echo 0 >"$BOX/cgroup.procs"
		cd "$RUNS_FILES" || exit
		case $1 in
		copy) exec dd if=stream of="copy-$NAME" bs=1M count="$2" 2>/dev/null ;;
		*) exec fo-load "$@" --comm "$name" ;;
		esac
	) >"$output" 2>>"$OUT/record-log" &
	PIDS="$PIDS $name:$!"
	meta role "$role" "$name" $! "$(now_ms)" "$@"
}

# The report of a service goes through a pipe: a page of a file would be charged to its cgroup, and
# the service would wait for reclaim when it reports.
run_early() {
	case $1 in
	service)
		mkfifo "$OUT/pipe.$2"
		cat "$OUT/pipe.$2" >"$OUT/service.$2" &
		run_start "$OUT/pipe.$2" "$@"
		;;
	*) run_start /dev/null "$@" ;;
	esac
}

run_cached() {
	(
		echo -1000 >/proc/self/oom_score_adj
		[ -z "$BOX" ] || echo 0 >"$BOX/cgroup.procs"
		cd "$RUNS_FILES" || exit
		exec dd if=stream of=/dev/null bs=1M count="$(($1 / MIB + 1))" 2>/dev/null
	)
}

run_void() {
	VOID=1
	meta void "$*"
}

run_healthy() {
	limit=$(($(now_ms) + 120000))
	for report in "$OUT"/service.*; do
		while [ ! -s "$report" ] && [ "$(now_ms)" -lt "$limit" ]; do
			sleep 0.2
		done
		[ -s "$report" ] || run_void "${report##*.} does not serve"
	done
	while [ ! -s "$OUT/trace.fo" ] && is_alive "$RECORD" && [ "$(now_ms)" -lt "$limit" ]; do
		sleep 0.2
	done
	is_alive "$RECORD" || run_void "record does not run"
	is_alive "$PEERS" || run_void "fo-peers does not run"
	[ -s "$OUT/trace.fo" ] || run_void "not recorded"
	sleep 1
	runs_disk slow "$NAME"
	meta healthy_ms "$(now_ms)"
	[ -n "$VOID" ] || sleep "$1"
	run_watch
	[ -z "$DIED" ] || run_void "a process ended before the trouble"
	meta room "$(if [ -z "$BOX" ]; then meminfo MemAvailable; else cat "$BOX"/memory.usage_in_bytes "$BOX"/memory.current 2>/dev/null; fi)"
	meta trouble_ms "$(now_ms)"
	BEGAN=$(now_ms)
}

run_at() {
	QUEUE="$QUEUE
$*"
}

# Notes which processes have ended.
run_watch() {
	DIED='' left=''
	for process in $PIDS; do
		if is_alive "${process##*:}"; then
			left="$left $process"
		else
			DIED="$DIED $process"
			meta died "${process%:*}" "${process##*:}" "$(now_ms)"
		fi
	done
	PIDS=$left
}

run_during() {
	end=$((BEGAN + $1 * 1000))
	[ -z "$VOID" ] || end=0
	ooms=$(run_ooms)
	killed=''
	ALL=$PIDS
	while now=$(now_ms) && [ "$now" -lt "$end" ]; do
		queue=$QUEUE QUEUE=''
		while read -r when line; do
			[ -n "$when" ] || continue
			if [ "$((BEGAN + when))" -le "$now" ]; then
				# shellcheck disable=SC2086 # words
				run_start /dev/null $line
				ALL="$ALL ${PIDS##* }"
			else
				run_at "$when" "$line"
			fi
		done <<-END
			$queue
		END
		count=$(run_ooms)
		if [ "$count" -gt "$ooms" ]; then
			meta kernel_kills "$now" "$((count - ooms))"
			ooms=$count
			[ -n "$killed" ] || end=$((now + 4000))
			killed=1
		fi
		run_watch
		sleep 0.2
	done
	meta end_ms "$(now_ms)"
	run_watch
	# what one of them has started ends with it
	for process in $PIDS; do
		kill -KILL "${process##*:}" 2>/dev/null
	done
	kill "$RECORD" "$PEERS" 2>/dev/null
	runs_disk fast "$NAME"
	wait "$RECORD" || meta void "record failed: $(tail -n 1 "$OUT/record-log")"
	wait
	rm -f "$OUT"/pipe.*
	dmesg >"$OUT/kernel"
	if [ -n "$BOX" ]; then
		for _ in 1 2 3 4 5 6 7 8 9 10; do
			rmdir "$BOX" 2>/dev/null && break
			sleep 0.3
		done
	fi
	rm -f "$RUNS_FILES/copy-$NAME"
	runs_settle
	echo "fo: done $NAME"
}
