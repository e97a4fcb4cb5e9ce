# shellcheck shell=bash
# shellcheck disable=SC2034 # the caller uses the variables
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# A daemon for a scene, with its own lock, configuration and events file. To be sourced after
# scene.sh by bash (4.4 or newer), with or without "set -euo pipefail".
#
#   daemon_can                 whether this host can run it; if not, prints the reason in one line
#   daemon_start POLICY [OPTION...]
#                              POLICY: the lines of one policy without name and match: it matches
#                              the current scene; DAEMON_MORE: lines of the file beside the
#                              policies; DAEMON_UNDER: the command, a word or an array, that
#                              executes it. Returns when the `start` record is written; sets
#                              DAEMON_PID, DAEMON_EVENTS (JSON lines), DAEMON_LOG (with evidence)
#   daemon_start_file TEXT [OPTION...]
#                              the same, with the text of the whole configuration
#   daemon_run FILE [OPTION...]
#                              the same, with that file; DAEMON_DIR, DAEMON_EVENTS and DAEMON_LOG
#                              are the caller's
#   daemon_stop                SIGTERM, and after 5 s SIGKILL; the files stay until the next start
#                              Every record is checked against docs/record.schema.json when the
#                              script exits, if python3 has jsonschema: a script that passes
#                              otherwise fails
#   daemon_records [FILTER]    the records of the scene that a jq filter selects, one a line
#   daemon_count FILTER        the number of them
#   daemon_has EVENT           whether there is such a record; cheap, for loops
#   daemon_await EVENT SECONDS waits for one; fails when the time is over
#   daemon_signal_ms           the time of the signal in the first `kill` record, CLOCK_MONOTONIC
#   daemon_keep NAME FILE...   copies events, log and FILEs to $SHOW_KEEP/NAME-*, if that is set
#
# The functions show_* are those that scripts/show-* and several tests share. O is where the build
# is (build).

# shellcheck source=tests/lib/usage.sh
. "${BASH_SOURCE[0]%/*}/usage.sh"

DAEMON_PID='' DAEMON_DIR='' DAEMON_EVENTS='' DAEMON_LOG=''
DAEMON__TREE=$(cd -- "${BASH_SOURCE[0]%/*}/../.." && pwd)
DAEMON__BUILD=${O:-build}
[[ $DAEMON__BUILD == /* ]] || DAEMON__BUILD=$DAEMON__TREE/$DAEMON__BUILD
DAEMON__START='' DAEMON__RECORDS=''

daemon__say() { printf 'daemon: %s\n' "$*" >&2; }

# The records of all daemons of this script, once: starting python3 takes 0.3 s.
daemon__validate() {
	local out rc=0
	[[ -s $DAEMON__RECORDS ]] && command -v python3 >/dev/null || return 0
	out=$(python3 "$DAEMON__TREE/tests/lib/validate.py" "$DAEMON__TREE/docs/record.schema.json" "$DAEMON__RECORDS") ||
		rc=$?
	((rc != 0 && rc != 77)) || return 0
	daemon__say "records that do not fit docs/record.schema.json:"
	head -n 20 <<<"$out" >&2
	return 1
}

# scene.sh sets its trap later, and runs this one after it has ended the scenes.
daemon__exit() {
	local rc=$?
	daemon_stop || :
	daemon__validate || rc=$((rc ? rc : 1))
	rm -f -- "$DAEMON__RECORDS"
	[[ -z $DAEMON_DIR ]] || rm -rf -- "$DAEMON_DIR"
	[[ -z $SHOW__SCRATCH ]] || rm -rf -- "$SHOW__SCRATCH"
	exit "$rc"
}
trap daemon__exit EXIT

daemon_can() {
	if ((EUID != 0)); then
		echo "needs root"
	elif [[ ! -r /sys/kernel/btf/vmlinux ]]; then
		echo "this kernel has no BTF (/sys/kernel/btf/vmlinux)"
	elif ! scene__find_root 2>/dev/null || [[ ! -w $SCENE__BASE ]]; then
		echo "no memory cgroup can be created here"
	else
		return 0
	fi
	return 1
}

# The pid may have been reused.
daemon__is_ours() {
	[[ -n $DAEMON_PID && $(scene__parent_and_start "$DAEMON_PID") == "$BASHPID $DAEMON__START" ]]
}

daemon_start_file() {
	local config=$1
	shift
	daemon_stop || return 1
	[[ -z $DAEMON_DIR ]] || rm -rf -- "$DAEMON_DIR"
	DAEMON_DIR=$(mktemp -d -- "${TMPDIR:-/tmp}/fastoom-XXXXXX") || return 1
	DAEMON_EVENTS=$DAEMON_DIR/events.jsonl DAEMON_LOG=$DAEMON_DIR/log
	printf '%s\n' "$config" >"$DAEMON_DIR/config.yaml"
	daemon_run "$DAEMON_DIR/config.yaml" "$@"
}

daemon_run() {
	local config=$1 i identity
	shift
	RUNTIME_DIRECTORY=$DAEMON_DIR ${DAEMON_UNDER[@]+"${DAEMON_UNDER[@]}"} "$DAEMON__BUILD/fastoom-bpf" run -v \
		-c "$config" -e "$DAEMON_EVENTS" "$@" >"$DAEMON_LOG" 2>&1 </dev/null &
	DAEMON_PID=$!
	identity=$(scene__parent_and_start "$DAEMON_PID") || identity=''
	DAEMON__START=${identity#* }
	for ((i = 0; i < 600; i++)); do
		! daemon_has start || return 0
		scene_alive "$DAEMON_PID" || break
		sleep 0.05
	done
	daemon__say "the daemon does not start:"
	tail -n 20 -- "$DAEMON_LOG" >&2
	return 1
}

daemon_start() {
	local policy=$1 config
	shift
	config=$(
		[[ -z ${DAEMON_MORE:-} ]] || printf '%s\n' "$DAEMON_MORE"
		printf 'policies:\n  - name: %s\n' "$SCENE_NAME"
		printf '    match: { cgroup: "%s" }\n' "$SCENE_REL"
		printf '%s\n' "$policy" | sed '/^$/d; s/^[ \t]*/    /'
	)
	daemon_start_file "$config" "$@"
}

daemon_stop() {
	local i pid=$DAEMON_PID rc=0
	[[ -n $pid ]] || return 0
	if daemon__is_ours; then
		kill -TERM "$pid" 2>/dev/null || :
		for ((i = 0; i < 100; i++)); do
			scene_alive "$pid" || break
			sleep 0.05
		done
		if scene_alive "$pid"; then
			daemon__say "the daemon does not end on SIGTERM"
			kill -KILL "$pid" 2>/dev/null || :
			rc=1
		fi
		wait "$pid" 2>/dev/null || rc=1
	fi
	DAEMON_PID=''
	# a daemon that was killed may have left half a line
	DAEMON__RECORDS=${DAEMON__RECORDS:-$(mktemp)}
	sed '/}$/!d' "$DAEMON_EVENTS" >>"$DAEMON__RECORDS" 2>/dev/null || :
	return "$rc"
}

# Records of the current scene or of no scope: the daemon watches other scopes of the host, too. The
# last line may be incomplete.
daemon_records() {
	jq -cR --arg rel "$SCENE_REL" \
		"fromjson? | select((.scope.path // \$rel) == \$rel) | select(${1:-true})" "$DAEMON_EVENTS"
}
daemon_count() { daemon_records "$1" | wc -l; }
daemon_has() { grep -q "\"event\":\"$1\".*}\$" "$DAEMON_EVENTS" 2>/dev/null; }

daemon_await() {
	local until
	until=$(($(now_ms) + $2 * 1000))
	while ! daemon_has "$1"; do
		(($(now_ms) < until)) || return 1
		sleep 0.1
	done
}

daemon_signal_ms() {
	daemon_records '.event == "kill"' | sed -n 1p | jq -r '
		.mono_ns / 1e6 - .took_ms + (first(.steps[] | select(.step == "signal")).after_ms // 0)
		| floor'
}

daemon_keep() {
	local name=$1 file
	[[ -n ${SHOW_KEEP:-} ]] || return 0
	shift
	mkdir -p -- "$SHOW_KEEP"
	for file in "$DAEMON_EVENTS" "$DAEMON_LOG" "$DAEMON_DIR/config.yaml" "$@"; do
		[[ ! -e $file ]] || cp -- "$file" "$SHOW_KEEP/$name-${file##*/}"
	done
}

# ---- show_*: shared by scripts/show-* and tests --------------------------------------------------

SHOW__SCRATCH='' SHOW__UNMET=() SHOW__RUN=''

# Ends the script if it cannot run on this host, or if something is not built.
show_begin() {
	local why
	if ! why=$(daemon_can); then
		echo "skipped: $why"
		exit 77
	fi
	scene__find_root
	for why in jq "$DAEMON__BUILD/fastoom-bpf" "$DAEMON__BUILD/fo-load"; do
		if ! command -v "$why" >/dev/null; then
			echo "$why is missing; scripts/install-deps and make bring what is needed" >&2
			exit 2
		fi
	done
	SHOW__SCRATCH=$(scene__scratch)
	LOAD=$DAEMON__BUILD/fo-load
}

show_heading() {
	printf '%s: Linux %s, cgroup v%s, %s\n' "$1" "$(uname -r)" "$SCENE__V" "$(date -u '+%F %H:%MZ')"
}

# show_file NAME BYTES: a file of random bytes, written once per script, dropped from the page
# cache; prints its path.
show_file() {
	scene_file "$SHOW__SCRATCH/$1" "$2" || return 1
	printf '%s\n' "$SHOW__SCRATCH/$1"
}

# show_load OUTPUT MODE ARGUMENT...: runs fo-load in the current scene, with its report in OUTPUT.
show_load() {
	local out=$1
	shift
	scene_run "$LOAD" "$@" >"$out"
	disown "$SCENE_PID" 2>/dev/null || : # otherwise bash reports every kill
}

# show_stop PID: kills a process of show_load, if the pid is not reused.
show_stop() {
	local identity
	identity=$(scene__parent_and_start "$1") || return 0
	[[ ${identity% *} != "$BASHPID" ]] || kill -KILL "$1" 2>/dev/null || :
}

# show_service REPORT FILE BYTES [OPTION...]: starts a service in the current scene, waits until the
# file is read in, and measures two seconds. Sets SERVICE (pid) and HEALTHY (requests/s).
show_service() {
	local report=$1 file=$2 bytes=$3 now
	shift 3
	show_load "$report" service "$file" --size "$bytes" "$@"
	SERVICE=$SCENE_PID
	sleep 3.5
	now=$(now_ms)
	HEALTHY=$(scene_rate "$report" "$((now - 2000))" "$now")
}

# show_onset REPORT HEALTHY FROM_MS: when the service fell: the begin of the first of two
# consecutive intervals after FROM_MS below a tenth of HEALTHY.
show_onset() {
	awk -v healthy="$2" -v from="$3" '
		NF != 2 { next }
		prev && $1 > prev && prev >= from - 100 {
			low = $2 * 1000 / ($1 - prev) < healthy / 10
			if (low && start) {
				print start
				exit
			}
			start = low ? prev : 0
		}
		{ prev = $1 + 0 }' "$1"
}

# show_back REPORT HEALTHY FROM_MS: when it recovered: the end of the first of two consecutive
# intervals after FROM_MS above nine tenths of HEALTHY.
show_back() {
	awk -v healthy="$2" -v from="$3" '
		NF != 2 { next }
		prev && $1 > prev && prev >= from {
			high = $2 * 1000 / ($1 - prev) >= healthy * 0.9
			if (high && end) {
				print end
				exit
			}
			end = high ? $1 : 0
		}
		{ prev = $1 + 0 }' "$1"
}

# show_s FROM_MS TO_MS: the difference in seconds; "-" if a time is missing.
show_s() {
	if [[ $1 =~ ^[0-9]+$ && $2 =~ ^[0-9]+$ ]]; then
		awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f\n", (b - a) / 1000 }'
	else
		echo -
	fi
}

# show_check WHAT CONDITION: an awk condition that must hold; show_end prints WHAT if it does not.
show_check() {
	awk "BEGIN { exit !($2) }" </dev/null 2>/dev/null && return 0
	SHOW__UNMET+=("${SHOW__RUN:+$SHOW__RUN: }$1")
	return 1
}

# show_end CLAIM: prints the claim, or what is not met; exit status 0 or 1.
show_end() {
	local text
	if ((${#SHOW__UNMET[@]} == 0)); then
		printf '%s\n' "$1"
		exit 0
	fi
	for text in "${SHOW__UNMET[@]}"; do
		printf 'NOT MET: %s\n' "$text"
	done
	exit 1
}

# The median of the numbers among the arguments; "-" if there are none.
show_median() {
	printf '%s\n' "$@" | grep -E '^-?[0-9.]+$' | sort -n |
		awk '{ v[NR] = $1 } END { print NR ? (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2 : "-" }'
}
