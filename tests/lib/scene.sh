# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Scenes: memory cgroups of a few hundred MiB in which real workloads run. To be sourced by bash
# (4.4 or newer), as root, with or without "set -euo pipefail"; cgroup v1 and v2.
#
#   scene_begin NAME LIMIT    creates the cgroup; sets SCENE_NAME, SCENE_CG (absolute path),
#                             SCENE_REL (path below the root of the memory controller), SCENE_DIR
#                             (scratch directory on a disk); the last scene begun is the current one
#   scene_use NAME            makes NAME, an open scene, the current one
#   scene_file PATH BYTES     writes random bytes once, and drops the file from the page cache
#   scene_run COMMAND...      runs it in the background in the current scene; sets SCENE_PID
#   scene_end [NAME]          kills and removes one scene, or all of them (as does the EXIT trap)
#   scene_usage, scene_stat KEY, scene_ooms, scene_alive PID, scene_rate FILE FROM_MS TO_MS, now_ms
#
# To redirect the command, redirect scene_run: scene_run fo-load service FILE >"$SCENE_DIR/report".
# Scratch directories are in SCENE_TMP or TMPDIR if they are on a disk.

SCENE_NAME='' SCENE_CG='' SCENE_REL='' SCENE_DIR='' SCENE_PID=''
declare -A SCENE__CG=() SCENE__DIR=() SCENE__OWNER=()
declare -a SCENE__ORDER=() SCENE__PIDS=() # SCENE__PIDS: "NAME PID STARTTIME"
SCENE__ROOT='' SCENE__BASE='' SCENE__V='' SCENE__OLD_TRAP='' SCENE__TRAP_OF=''

# All of a file into a variable; fails quietly if the file is gone. Not $(<FILE): under "set -e" a
# missing FILE ends the whole shell (bash 5.2), even in a condition.
scene__slurp() {
	local -n scene__into=$1
	scene__into=''
	{ IFS= read -rd '' scene__into <"$2"; } 2>/dev/null || [[ -n $scene__into ]]
}

scene__say() { printf 'scene: %s\n' "$*" >&2; }

# Milliseconds of the clock of fo-load's reports, in steps of 10, without starting a process.
# /proc/uptime includes time in suspend, which CLOCK_MONOTONIC does not.
now_ms() {
	local up _
	read -r up _ </proc/uptime
	up=${up/./}
	printf '%s\n' "$((10#$up * 10))"
}

# Sets where the memory controller is mounted, its version, and the cgroup of this shell.
scene__find_root() {
	local mnt type opts line own v2=''
	[[ -z $SCENE__ROOT ]] || return 0
	while read -r _ mnt type opts _; do
		case $type in
		cgroup)
			if [[ ,$opts, == *,memory,* ]]; then
				SCENE__V=1 SCENE__ROOT=$(printf '%b' "$mnt")
				break
			fi
			;;
		cgroup2) v2=${v2:-$(printf '%b' "$mnt")} ;;
		esac
	done </proc/self/mounts
	if [[ -z $SCENE__ROOT && -n $v2 ]]; then
		SCENE__V=2 SCENE__ROOT=$v2
	fi
	if [[ -z $SCENE__ROOT ]]; then
		scene__say "no memory controller is mounted"
		return 1
	fi
	own=/
	while IFS= read -r line; do
		case $SCENE__V:$line in
		1:*:*) [[ ,${line#*:} == *,memory[,:]* || ${line#*:} == memory[,:]* ]] || continue ;;
		2:0::*) ;;
		*) continue ;;
		esac
		own=${line#*:}
		own=${own#*:}
	done </proc/self/cgroup
	[[ -d $SCENE__ROOT$own ]] || own=/ # the path is of another cgroup namespace
	own=${own%/}
	[[ $SCENE__V == 1 ]] || scene__v2_parent own || return 1
	SCENE__BASE=$SCENE__ROOT$own
}

# v2: a cgroup that has processes cannot delegate controllers, except the root. Takes the nearest
# ancestor that delegates the memory controller, or else the nearest one that can be made to.
scene__v2_parent() {
	local -n scene__place=$1
	local at try given
	for try in as-is enable; do
		at=$scene__place
		while :; do
			if [[ $try == enable ]]; then
				{ echo +memory >"$SCENE__ROOT$at/cgroup.subtree_control"; } 2>/dev/null || :
			fi
			scene__slurp given "$SCENE__ROOT$at/cgroup.subtree_control" || :
			if [[ " ${given//$'\n'/ } " == *' memory '* ]]; then
				scene__place=$at
				return 0
			fi
			[[ -n $at ]] || break
			at=${at%/*}
		done
	done
	scene__say "no ancestor of this cgroup can delegate the memory controller"
	return 1
}

# A scratch directory on a disk: pages of its files are page cache.
scene__scratch() {
	local dir
	for dir in "${SCENE_TMP:-}" "${TMPDIR:-}" /var/tmp "$PWD"; do
		[[ -n $dir && -d $dir && -w $dir ]] || continue
		case $(stat -f -c %T -- "$dir") in
		tmpfs | ramfs | rootfs) continue ;;
		esac
		mktemp -d -- "$dir/scene-XXXXXX"
		return
	done
	scene__say "no writable directory on a disk; set SCENE_TMP"
	return 1
}

scene__set() { printf '%s\n' "$3" >"$1/$2"; }

scene_begin() {
	local name=$1 limit=$2 cg dir
	if [[ ! $name =~ ^[A-Za-z0-9_-]+$ || ! $limit =~ ^[0-9]+$ ]]; then
		scene__say "usage: scene_begin NAME LIMIT_BYTES"
		return 1
	fi
	if [[ -n ${SCENE__CG[$name]:-} ]]; then
		scene__say "$name is open already"
		return 1
	fi
	scene__find_root || return 1
	if [[ $SCENE__TRAP_OF != "$BASHPID" ]]; then
		SCENE__TRAP_OF=$BASHPID
		scene__read_trap
		trap scene__exit EXIT
	fi
	dir=$(scene__scratch) || return 1
	if ! cg=$(mktemp -d -- "$SCENE__BASE/scene-$name-XXXXXX"); then
		rmdir -- "$dir"
		return 1
	fi
	SCENE__CG[$name]=$cg SCENE__DIR[$name]=$dir SCENE__OWNER[$name]=$BASHPID
	SCENE__ORDER+=("$name")
	if [[ $SCENE__V == 1 ]]; then
		scene__set "$cg" memory.limit_in_bytes "$limit" || return 1
		# without swap accounting there is no limit on swap: ask the kernel not to swap
		{ scene__set "$cg" memory.memsw.limit_in_bytes "$limit"; } 2>/dev/null ||
			scene__set "$cg" memory.swappiness 0 || return 1
	else
		scene__set "$cg" memory.max "$limit" || return 1
		if [[ -e $cg/memory.swap.max ]]; then
			scene__set "$cg" memory.swap.max 0 || return 1
		fi
	fi
	scene_use "$name"
}

scene_use() {
	if [[ -z ${SCENE__CG[$1]:-} ]]; then
		scene__say "no scene $1"
		return 1
	fi
	SCENE_NAME=$1
	SCENE_CG=${SCENE__CG[$1]}
	SCENE_DIR=${SCENE__DIR[$1]}
	SCENE_REL=${SCENE_CG#"$SCENE__ROOT"}
}

# Runs outside every scene: a page is charged to the cgroup that touches it first.
scene_file() {
	local path=$1 bytes=$2
	if [[ ! -f $path || $(stat -c %s -- "$path") != "$bytes" ]]; then
		head -c "$bytes" /dev/urandom >"$path.part" || return 1
		mv -- "$path.part" "$path" || return 1
	fi
	# twice: pages in the batch of a CPU survive the first time
	dd of="$path" oflag=nocache conv=notrunc,fdatasync count=0 status=none || return 1
	dd of="$path" oflag=nocache conv=notrunc,fdatasync count=0 status=none
}

# Fields 4 (parent) and 22 (start time) of /proc/PID/stat; the name in field 2 may hold any
# character.
scene__parent_and_start() {
	local stat f
	scene__slurp stat "/proc/$1/stat" || return 1
	read -ra f <<<"${stat##*) }"
	printf '%s %s\n' "${f[1]}" "${f[19]}"
}

scene_run() {
	local i identity
	if [[ -z $SCENE_CG ]]; then
		scene__say "no scene is open"
		return 1
	fi
	(
		echo "$BASHPID" >"$SCENE_CG/cgroup.procs" || exit 125
		exec "$@"
	) &
	SCENE_PID=$!
	# wait until it is in: a caller that reads the cgroup now must find it
	for ((i = 0; i < 500; i++)); do
		identity=$(scene__parent_and_start "$SCENE_PID") || break
		if grep -qF -- "/${SCENE_CG##*/}" "/proc/$SCENE_PID/cgroup" 2>/dev/null; then
			SCENE__PIDS+=("$SCENE_NAME $SCENE_PID ${identity#* }")
			return 0
		fi
		sleep 0.01
	done
	# it has ended already; the caller may "wait" for its exit status
	wait "$SCENE_PID" || [[ $? != 125 ]]
}

# Kills the children that scene_run started in that scene, and reaps them. A pid may have been
# reused: parent and start time must be the same.
scene__kill() {
	local name=$1 entry of pid start left=()
	for entry in ${SCENE__PIDS[@]+"${SCENE__PIDS[@]}"}; do
		read -r of pid start <<<"$entry"
		if [[ $of != "$name" ]]; then
			left+=("$entry")
			continue
		fi
		if [[ $(scene__parent_and_start "$pid") == "$BASHPID $start" ]]; then
			kill -KILL "$pid" 2>/dev/null || :
		fi
		wait "$pid" 2>/dev/null || :
	done
	SCENE__PIDS=(${left[@]+"${left[@]}"})
}

scene__remove_cgroup() {
	local cg=$1 i
	for ((i = 0; i < 100; i++)); do
		# page cache that is charged to the cgroup would keep it in memory
		if [[ -e $cg/memory.force_empty ]]; then
			{ echo 0 >"$cg/memory.force_empty"; } 2>/dev/null || :
		fi
		rmdir -- "$cg" 2>/dev/null && return 0
		[[ -d $cg ]] || return 0
		sleep 0.05
	done
	scene__say "cannot remove $cg; still in it: $(tr '\n' ' ' <"$cg/cgroup.procs")"
	return 1
}

scene__end_one() {
	local name=$1 rc=0 n left=()
	[[ ${SCENE__OWNER[$name]:-} == "$BASHPID" ]] || return 0
	scene__kill "$name"
	rm -rf -- "${SCENE__DIR[$name]}" || rc=1
	scene__remove_cgroup "${SCENE__CG[$name]}" || rc=1
	unset "SCENE__CG[$name]" "SCENE__DIR[$name]" "SCENE__OWNER[$name]"
	for n in ${SCENE__ORDER[@]+"${SCENE__ORDER[@]}"}; do
		[[ $n == "$name" ]] || left+=("$n")
	done
	SCENE__ORDER=(${left[@]+"${left[@]}"})
	if [[ $SCENE_NAME == "$name" ]]; then
		# shellcheck disable=SC2034 # used by the caller
		SCENE_NAME='' SCENE_CG='' SCENE_REL='' SCENE_DIR=''
		n=${#SCENE__ORDER[@]}
		if ((n > 0)); then
			scene_use "${SCENE__ORDER[n - 1]}"
		fi
	fi
	return "$rc"
}

scene__end_all() {
	local n rc=0
	for n in ${SCENE__ORDER[@]+"${SCENE__ORDER[@]}"}; do
		scene__end_one "$n" || rc=1
	done
	return "$rc"
}

scene_end() {
	if (($# > 0)); then
		scene__end_one "$1"
	else
		scene__end_all
	fi
}

# Keeps an EXIT trap that was set before, and runs it after the one of the scenes.
scene__read_trap() {
	local text
	SCENE__OLD_TRAP=''
	[[ $BASHPID == "$$" ]] || return 0 # a subshell sees the trap of its parent, and does not run it
	text=$(trap -p EXIT)
	[[ $text == "trap -- '"* ]] || return 0
	text=${text#trap -- }
	eval "SCENE__OLD_TRAP=${text% EXIT}"
}

scene__exit() {
	local rc=$?
	scene__end_all || :
	set +e
	(exit "$rc") # the $? that it expects
	eval "$SCENE__OLD_TRAP"
	exit "$rc"
}

scene__v() { [[ $SCENE__V == 1 ]] && printf '%s\n' "$1" || printf '%s\n' "$2"; }

# Bytes charged to the current scene.
scene_usage() { cat -- "$SCENE_CG/$(scene__v memory.usage_in_bytes memory.current)"; }

# One value of the current scene's memory.stat; fails if there is no such key.
scene_stat() {
	awk -v key="$1" '$1 == key { print $2; found = 1; exit } END { exit !found }' \
		"$SCENE_CG/memory.stat"
}

# How many processes the kernel has killed in the current scene.
scene_ooms() {
	awk '$1 == "oom_kill" { print $2; found = 1; exit } END { exit !found }' \
		"$SCENE_CG/$(scene__v memory.oom_control memory.events)"
}

# Whether the process exists and is no zombie.
scene_alive() {
	local stat
	scene__slurp stat "/proc/$1/stat" || return 1
	stat=${stat##*) }
	[[ ${stat%% *} != [ZX] ]]
}

# scene_rate REPORT FROM_MS TO_MS: the mean per second between two times of now_ms, by a report of
# fo-load. A line that overlaps an edge counts in proportion. Fails when the report has no line of
# that time.
scene_rate() {
	awk -v from="$2" -v to="$3" '
		NF != 2 { next }
		prev != "" && $1 > prev {
			a = prev > from ? prev : from
			b = $1 < to ? $1 : to
			if (b > a) {
				ms += b - a
				sum += $2 * (b - a) / ($1 - prev)
			}
		}
		{ prev = $1 + 0 }
		END {
			if (!ms)
				exit 1
			printf "%.1f\n", sum * 1000 / ms
		}' "$1"
}
