# shellcheck shell=sh
# shellcheck disable=SC1091,SC2012,SC2034,SC2154 # other files are in the guest; busybox has no find
# -printf; runs.sh uses the RUNS_ words; init exports the FO_ words
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# The scenarios, as they run in a guest (the shell of busybox). run_plan PLAN: comma-separated words
#   NAME      the scenario with the daemon      NAME-     the same without it
#   NAME~     without it and recorded, for the corpus: trace.fo, and in peers what the rules of
#             other tools decide by
#   memstall  the daemon's sum of memory stalls beside PSI, during the livelock of the box
#   random    the plan of scripts/random-runs, see runs.sh
#   doctor    the output of `fastoom-bpf doctor --json`, before the daemon runs
# A run has a directory /tmp/out/NAME, NAME- or NAME~ with
#   service        the report of the canary, of fo-load: a line each 100 ms
#   meta           "KEY VALUE" lines: see below
#   events, log    of the daemon, in this run
#   kernel         the log of the kernel since the run began
SET=/data/vm/set
STREAM=/data/vm/stream

# now_ms, meminfo, vmstat, meta, is_alive
. /runs.sh

# load ROLE ARGUMENT...: runs fo-load in the background, as a candidate with the name of its role
ROLES=
load() {
	role=$1
	shift
	(
		echo 0 >/proc/self/oom_score_adj
		[ -z "$BOX" ] || echo 0 >"$BOX/cgroup.procs"
		exec fo-load "$@" --comm "$role"
	) &
	ROLES="$ROLES $role:$!"
	meta role "$role" $!
}

# The canary: a service with a mapped working set, read in; its rate in the first two seconds is the
# healthy one. For the corpus it needs little of the processor: a process that takes the processor
# does not harm it.
service() {
	# shellcheck disable=SC2086 # none or two
	load service service "$SET" --size "$1" --report 100ms ${RECORD:+--pace 5000} >"$OUT/service"
	while [ "$(wc -l <"$OUT/service")" -lt 25 ]; do
		sleep 0.2
	done
}

# The bytes until memory is exhausted, swap included; zram compresses to a third.
room() {
	swap=$(meminfo SwapFree)
	[ "$FO_swap" != zram ] || swap=$((swap * 6 / 10))
	echo "$(($(meminfo MemAvailable) + swap))"
}

begin() {
	meta trouble_ms "$(now_ms)"
	meta oom_kills "$(vmstat oom_kill)"
}

# rate LEAST SECONDS: the bytes per second that exhaust memory in SECONDS, but at least LEAST.
rate() {
	awk -v least="$1" -v room="$(room)" -v s="$2" 'BEGIN { rate = room / s; if (rate < least) rate = least; printf "%d\n", rate }'
}

# Swap delays the harm, so a recorded run takes longer.
recorded_s() { [ "$FO_swap" = none ] && echo "$1" || echo "$(($1 + 20))"; }

# during SECONDS [RECORDED_SECONDS]: the time of the run. With the daemon it ends five seconds after
# a kill; a recorded run takes RECORDED_SECONDS, and ends four seconds after a kill by the kernel.
during() {
	end=$(($(now_ms) + $1 * 1000))
	[ -z "$RECORD" ] || end=$(($(now_ms) + ${2:-$1} * 1000))
	killed=0
	kills=$(vmstat oom_kill)
	while [ "$(now_ms)" -lt "$end" ]; do
		sleep 0.5
		if [ -n "$RECORD" ] && [ "$(vmstat oom_kill)" -gt "$kills" ]; then
			[ "$killed" != 0 ] || meta kernel_kill_ms "$(now_ms)"
			killed=$((killed + 1))
			[ "$killed" -lt 8 ] || break
		fi
		[ -n "$DAEMON" ] || continue
		if grep -q '"event":"kill"\|"event":"kernel_kill"' "$OUT/events"; then
			killed=$((killed + 1))
			[ "$killed" -lt "${AFTER_KILL:-10}" ] || break
		fi
	done
	meta end_ms "$(now_ms)"
}

# ---- the scenarios: each begins when the service is healthy -------------------------------------

# A leaker that stops before OOM: half of the working set of the service does not fit any more.
do_livelock() {
	service 96MiB
	begin
	load leaker leak --to "$(($(room) - 40 * MIB))" --rate "$(rate $((40 * MIB)) 12)"
	during 60 "$(recorded_s 32)"
}

# The same, growing slowly until the kernel has no memory left.
do_creep() {
	service 96MiB
	begin
	load leaker leak --to "$(($(room) + 200 * MIB))" --rate "$(rate $((16 * MIB)) 30)"
	during 40 60
}

do_spike() {
	service 96MiB
	begin
	load leaker spike --to "$(($(room) + 200 * MIB))"
	during 15 24
}

# Processes of medium size start faster than they end.
do_bomb() {
	service 96MiB
	begin
	i=0
	while [ "$i" -lt 24 ]; do
		i=$((i + 1))
		load bomb leak --to 24MiB --rate 64MiB
		sleep 0.3
	done
	during 25
}

# A steady third of RAM beside a smaller leaker.
do_blame() {
	size=$(($(meminfo MemTotal) / 3))
	load steady steady --size "$size"
	sleep 12 # growth is measured over seconds: this is none
	service 64MiB
	begin
	load leaker leak --to "$(($(room) - 28 * MIB))" --rate "$(rate $((16 * MIB)) 15)"
	during 60 "$(recorded_s 35)"
}

box_make() {
	box=$BOX_PARENT/box
	mkdir -p "$box"
	if [ "$FO_cgroup" = 1 ]; then
		echo 100M >"$box/memory.limit_in_bytes"
		echo 0 >"$box/memory.swappiness"
	else
		echo 100M >"$box/memory.max"
		echo 0 >"$box/memory.swap.max"
	fi
	# a page is charged to the cgroup that reads it first
	echo 3 >/proc/sys/vm/drop_caches
}

# A container at its limit, while the node has free memory: only processes in the container may be
# killed.
do_box() {
	load bystander steady --size 40MiB
	box_make
	BOX=$box
	service 64MiB
	begin
	load leaker leak --to 70MiB --rate 32MiB
	BOX=
	during 60 20
}

# The steps before killing, on a container whose leaker has its own cgroup in it: no step helps, so
# it is killed. "states" has the settings of that cgroup meanwhile, meta those at the end.
do_ladder() {
	ladder=$BOX_PARENT/ladder
	mkdir -p "$ladder"
	echo +memory >"$ladder/cgroup.subtree_control"
	mkdir -p "$ladder/service" "$ladder/job"
	echo 100M >"$ladder/memory.max"
	echo 0 >"$ladder/memory.swap.max"
	echo 3 >/proc/sys/vm/drop_caches
	BOX=$ladder/service
	service 64MiB
	begin
	BOX=$ladder/job
	load leaker leak --to 70MiB --rate 32MiB
	BOX=
	(while sleep 0.1; do echo "$(cat "$ladder/job/memory.high") $(cat "$ladder/job/cgroup.freeze")"; done) \
		>"$OUT/states" 2>/dev/null &
	watcher=$!
	during 60
	kill "$watcher"
	meta job_high "$(cat "$ladder/job/memory.high")"
	meta job_frozen "$(cat "$ladder/job/cgroup.freeze")"
}

# A container with a job that is killed as one (memory.oom.group): the leaker is chosen, and the
# other process of the job is killed, too; the service beside it lives. No policy has `kill:
# cgroup`.
do_together() {
	together=$BOX_PARENT/together
	mkdir -p "$together"
	echo +memory >"$together/cgroup.subtree_control"
	mkdir -p "$together/service" "$together/job"
	echo 100M >"$together/memory.max"
	echo 0 >"$together/memory.swap.max"
	echo 1 >"$together/job/memory.oom.group"
	echo 3 >/proc/sys/vm/drop_caches
	BOX=$together/service
	service 64MiB
	begin
	BOX=$together/job
	load helper steady --size 4MiB
	load leaker leak --to 66MiB --rate 32MiB
	BOX=
	during 60
	meta job_left "$(wc -l <"$together/job/cgroup.procs")"
}

# proactive_round FILLER CONTAINER: a process allocates in a container near its limit, while FILLER
# streams through it, writes, or uses a working set. The daemon reclaims proactively in the
# container of that name.
proactive_round() {
	dir=$BOX_PARENT/$2
	mkdir -p "$dir"
	echo 128M >"$dir/memory.max"
	echo 0 >"$dir/memory.swap.max"
	BOX=$dir
	case $1 in
	reader) load reader stream "$STREAM" --by read --passes 1000 ;;
	writer)
		(
			echo 0 >"$dir/cgroup.procs"
			while :; do
				dd if=/dev/zero of=/data/written bs=64k count=4000 2>/dev/null
			done
		) &
		ROLES="$ROLES writer:$!"
		;;
	set)
		echo 3 >/proc/sys/vm/drop_caches # a page is charged to the cgroup that reads it first
		load holder steady --size 24MiB
		load set service "$STREAM" --size 96MiB --pace 2000 >"$OUT/served"
		sleep 2
		# it hits its limit once, with pages that are not used again
		(
			echo 0 >"$dir/cgroup.procs"
			exec dd if="$STREAM" of=/dev/null bs=1M skip=200 count=32 2>/dev/null
		)
		;;
	esac
	sleep 4
	hits=$(awk '$1 == "max" { print $2 }' "$dir/memory.events")
	load alloc alloc --size 128KiB --pace 100 --for 8s >"$OUT/latency"
	wait "${ROLES##*:}"
	hits=$(($(awk '$1 == "max" { print $2 }' "$dir/memory.events") - hits))
	meta "$1" "$2" limit_hits "$hits" "$(cat "$OUT/latency")"
	BOX=
	echo 1 >"$dir/cgroup.kill"
	while ! rmdir "$dir" 2>/dev/null; do
		sleep 0.2
	done
	rm -f /data/written
}

do_proactive() {
	begin
	for filler in reader writer; do
		for name in plain proactive; do
			proactive_round "$filler" "$name"
		done
	done
	meta end_ms "$(now_ms)"
}

# The same beside a working set that is in use all the time, above the mark but below the limit: all
# pages that are reclaimed are refaulted at once.
do_refaults() {
	begin
	for name in plain proactive; do
		proactive_round set "$name"
		meta set "$name" served "$(awk 'NR > 20 { n += $2 } END { print int(n / (NR - 20)) }' "$OUT/served")"
	done
	[ -z "$DAEMON" ] || fastoom-bpf status --json >"$OUT/status"
	meta end_ms "$(now_ms)"
}

# Benign: a working set in use stays in memory, pages that are read once do not.
do_stream() {
	service 24MiB
	begin
	load stream stream "$STREAM" --by read --passes 1
	dd if="$STREAM" of=/data/copy bs=1M count=500 2>/dev/null &
	during 25 15
	rm -f /data/copy
}

do_build() {
	service 24MiB
	begin
	load build forks --files /data/vm/src --width 3
	during 15
}

# Page cache fills memory; then a process takes much of it at once, frees it, and takes it again.
do_burst() {
	service 24MiB
	begin
	dd if="$STREAM" of=/dev/null bs=1M count=400 2>/dev/null
	i=0
	while [ "$i" -lt 4 ]; do
		i=$((i + 1))
		load burst spike --to "$(($(meminfo MemTotal) / 2))" --for 2s
		dd if="$STREAM" of=/dev/null bs=1M skip=$((i * 100)) count=150 2>/dev/null
		sleep 1
	done
	during 4
}

do_steady() {
	service 16MiB
	begin
	# 85 % of RAM in use, the kernel and the service included
	load steady steady --size "$(($(meminfo MemTotal) * 85 / 100 - ($(meminfo MemTotal) - $(meminfo MemAvailable)) - 16 * MIB))"
	dd if="$STREAM" of=/dev/null bs=1M count=400 2>/dev/null
	during 12
}

# ---- scenarios of the corpus only ---------------------------------------------------------------

# A near miss: cold memory is swapped out and not used again.
do_swapped() {
	service 24MiB
	begin
	load cold leak --to "$(($(meminfo MemAvailable) + 80 * MIB))" --rate "$(rate $((24 * MIB)) 12)"
	during 22
}

# A second service is started again and again, each time with files that are not in memory.
do_restart() {
	service 24MiB
	load steady steady --size "$(($(room) - 110 * MIB))"
	begin
	for _ in 1 2 3; do
		load restarted service "$STREAM" --size 56MiB --cold --for 2s >/dev/null
		sleep 2.5
		load restarted service "$SET" --size 56MiB --cold --for 2s >/dev/null
		sleep 2.5
	done
	during 2
}

# A job takes all memory but the working set of the service, works, and ends; twice.
do_batch() {
	service 48MiB
	begin
	for _ in 1 2; do
		load batch spike --to "$(($(meminfo MemAvailable) - 64 * MIB))" --rate 200MiB --for 4s
		dd if="$STREAM" of=/dev/null bs=1M count=100 2>/dev/null
		sleep 5
	done
	during 2
}

# A database reads at random from more than the memory, without end; its pool is anonymous.
do_database() {
	service 16MiB
	load pool steady --size "$(($(meminfo MemTotal) * 35 / 100))"
	dd if="$STREAM" of=/dev/null bs=1M count=600 2>/dev/null # no memory is free when it begins
	begin
	load database service "$STREAM" --size "$(meminfo MemTotal)" --random --cold --report 1s >/dev/null
	during 20
}

# A second working set appears beside the first; both together do not fit.
do_crowd() {
	load pool steady --size "$(($(meminfo MemTotal) * 40 / 100))"
	service 96MiB
	begin
	load newcomer service "$STREAM" --size "$(($(meminfo MemAvailable) - 40 * MIB))" --cold --threads 2 >/dev/null
	load growing leak --to 48MiB --rate 8MiB
	during 30
}

# The working sets of two services, of which the second grows; the rest is anonymous.
do_sets() {
	load pool steady --size "$(($(meminfo MemTotal) * 30 / 100))"
	service 64MiB
	begin
	load newcomer service "$STREAM" --size "$(($(meminfo MemAvailable) - 10 * MIB))" --cold >/dev/null
	during 30
}

# ---- incidents: see tests/vm/incidents ----------------------------------------------------------

# A bystander of 50 requests a second that touch 1,024 pages each of 275 MiB; all of it was read
# several times, so that it is on the active list.
incident_service() {
	load service service "$SET" --size 275MiB --report 100ms --pace 50 --touch 1024 --hot 15 >"$OUT/service"
	while [ "$(wc -l <"$OUT/service")" -lt 120 ]; do
		sleep 0.5
	done
}

# incident_leak ROLE OPTION...: 8, then 3 MiB/s from 45 % available on.
incident_leak() {
	name=$1
	shift
	from=$(($(meminfo MemAvailable) - $(meminfo MemTotal) * 45 / 100))
	[ "$from" -gt "$MIB" ] || from=$MIB
	load "$name" leak --rate 8MiB --from "$from" --then 3MiB "$@"
}

do_incident_creep() {
	incident_service
	begin
	incident_leak leaker --to 2GiB
	incident_during 100
}

do_incident_hold() {
	incident_service
	begin
	incident_leak leaker --to $(($(meminfo MemAvailable) - $(meminfo MemTotal) * 6 / 100))
	incident_during 100
}

do_incident_zram() { do_incident_creep; }

do_incident_blame() {
	load steady steady --size 260MiB
	incident_service
	begin
	incident_leak leaker --to 2GiB
	incident_during 100
}

do_incident_lists() {
	load preferred steady --size 60MiB
	incident_service
	begin
	load avoided leak --rate 5MiB --to 2GiB
	incident_during 110
}

do_incident_bomb() {
	incident_service
	begin
	load bomb leak --to 20MiB --children 60 --every 400ms
	incident_during 60
}

# The whole time: what happens after the first kill matters.
incident_during() {
	end=$(($(now_ms) + $1 * 1000))
	while [ "$(now_ms)" -lt "$end" ]; do
		sleep 0.5
	done
	meta end_ms "$(now_ms)"
}

# ---- running them ------------------------------------------------------------------------------

daemon_start() {
	mkdir -p /run/fastoom-bpf
	echo 1 >/proc/sys/kernel/bpf_stats_enabled # counts the runs of each program
	fastoom-bpf run -v -c /config.yaml -e /tmp/events >/tmp/log 2>&1 &
	DAEMON=$!
	for _ in $(seq 1 300); do
		grep -q '"event":"start"' /tmp/events 2>/dev/null && return
		is_alive "$DAEMON" || break
		sleep 0.2
	done
	DAEMON=
	echo "the daemon does not start" >>/tmp/out/failures
}

# Starts record and fo-peers; the box exists before them, so that both read it.
record_start() {
	peers=
	if [ "${OUT##*/}" = 'box~' ]; then
		box_make
		peers=$box
	fi
	fastoom-bpf record "$OUT/trace.fo" -c /config.yaml >"$OUT/record-log" 2>&1 &
	RECORD=$!
	# shellcheck disable=SC2086 # none or one
	fo-peers $peers >"$OUT/peers" 2>>"$OUT/record-log" &
	PEERS=$!
	for _ in $(seq 1 300); do
		[ ! -s "$OUT/trace.fo" ] || break
		is_alive "$RECORD" || break
		sleep 0.2
	done
	sleep 1
	is_alive "$RECORD" && is_alive "$PEERS" || echo "$OUT: not recorded" >>/tmp/out/failures
}

record_stop() {
	[ -n "$RECORD" ] || return 0
	kill "$RECORD" "$PEERS"
	wait "$RECORD" "$PEERS"
	RECORD=
}

# What this kernel has, from tracefs and /proc, not from BTF or by attaching.
truth() {
	mount -t tracefs tracefs /sys/kernel/tracing
	for group in vmscan oom compaction filemap sched cgroup exceptions; do
		ls "/sys/kernel/tracing/events/$group" | sed 's/^/place /'
	done
	grep -xE 'psi_memstall_enter|psi_memstall_leave|workingset_refault' \
		/sys/kernel/tracing/available_filter_functions | sed 's/^/place /'
	umount /sys/kernel/tracing
	[ -e /proc/pressure/memory ] && echo psi on || echo psi off
	echo swaps "$(tail -n +2 /proc/swaps | wc -l)"
	[ -e "$BOX_PARENT/memory.limit_in_bytes" ] && echo cgroup v1 || echo cgroup v2
}

daemon_meta() {
	[ -n "$DAEMON" ] || return
	# shellcheck disable=SC2046 # words
	set -- $(sed 's/.*) //' "/proc/$DAEMON/stat")
	meta "daemon_ticks_$1" 0 # its state; the ticks are user and system
	shift 11
	meta "daemon_ticks_$WHEN" "$(($1 + $2))"
	meta daemon_rss_kib "$(awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status")"
}

psi_meta() {
	[ -e /proc/pressure/memory ] || return
	sed "s/ .*total=/ /; s/^/psi_$WHEN /" /proc/pressure/memory >>"$OUT/meta"
}

memstall() {
	OUT=/tmp/out/memstall
	mkdir -p "$OUT"
	ROLES=
	box_make
	fo-memstall 30 "$box" >"$OUT/sums" 2>&1 &
	meter=$!
	while is_alive "$meter" && ! grep -q ready "$OUT/sums"; do
		sleep 0.2
	done
	# first the process that holds the memory, then the one that stalls: alone, so that no
	# stalls overlap
	BOX=$box
	load leaker leak --to 60MiB --rate 64MiB
	sleep 2
	service 64MiB
	BOX=
	sleep 15
	for role in $ROLES; do
		kill -KILL "${role#*:}" 2>/dev/null
	done
	wait "$meter"
	rm "$OUT/meta"
	wait_for_quiet
}

run_one() {
	OUT=/tmp/out/$1
	mkdir -p "$OUT"
	ROLES=
	BOX=
	: >"$OUT/events"
	dmesg -c >/dev/null
	if [ -n "$DAEMON" ]; then
		# both files are appended to: this run has what follows
		events_at=$(wc -c </tmp/events)
		log_at=$(wc -c </tmp/log)
		tail -c +"$((events_at + 1))" -f /tmp/events >"$OUT/events" &
		tail_pid=$!
	fi
	case $1 in
	*'~') record_start ;;
	esac
	WHEN=before daemon_meta
	WHEN=before psi_meta
	"do_${1%[-~]}"
	for role in $ROLES; do
		if is_alive "${role#*:}"; then
			meta alive "${role%%:*}"
		else
			meta dead "${role%%:*}"
		fi
	done
	meta oom_kills_after "$(vmstat oom_kill)"
	record_stop
	for role in $ROLES; do
		kill -KILL "${role#*:}" 2>/dev/null
	done
	wait_for_quiet
	WHEN=after daemon_meta
	WHEN=after psi_meta
	dmesg >"$OUT/kernel"
	if [ -n "$DAEMON" ]; then
		kill "$tail_pid"
		tail -c +"$((events_at + 1))" /tmp/events >"$OUT/events"
		tail -c +"$((log_at + 1))" /tmp/log >"$OUT/log"
	fi
	echo "$1 done at $(now_ms)" >/dev/console
}

# An empty swap.
swap_anew() {
	[ "$FO_swap" != none ] || return 0
	swapoff "$(awk 'NR == 2 { print $1 }' /proc/swaps)"
	case $FO_swap in
	zram) swapon /dev/zram0 ;;
	disk | zswap) swapon /dev/vdc ;;
	esac
}

# Waits until swap is empty and the scopes of the daemon are idle: runs are independent.
wait_for_quiet() {
	for dir in box ladder/service ladder/job ladder together/service together/job together; do
		[ ! -d "$BOX_PARENT/$dir" ] || rmdir "$BOX_PARENT/$dir" 2>/dev/null
	done
	swap_anew
	echo 3 >/proc/sys/vm/drop_caches
	head -c $((96 * MIB)) "$SET" >/dev/null
	sleep 4 # a scope is idle after three seconds
}

runs_disk() {
	echo "fo: disk $1 $2" >/dev/console
	sleep 0.3 # the host reads it
}

runs_settle() {
	swap_anew
	echo 3 >/proc/sys/vm/drop_caches
	dmesg -c >/dev/null
}

random_runs() {
	RUNS_OUT=/tmp/out RUNS_FILES=/data/vm RUNS_ROOT=$BOX_PARENT RUNS_PARENT=$BOX_PARENT RUNS_BOX=scope
	RUNS_CONFIG=/corpus.yaml
	runs_settle
	# what this guest has in fact
	cat /sys/module/zswap/parameters/enabled /sys/kernel/mm/lru_gen/enabled /proc/swaps /proc/meminfo >/tmp/out/guest 2>&1
	. /random.plan
}

run_plan() {
	DAEMON='' RECORD=''
	: >/tmp/events
	head -c $((96 * MIB)) "$SET" >/dev/null
	echo "$1" | tr , '\n' >/tmp/plan
	while read -r word; do
		case $word in
		memstall)
			memstall
			continue
			;;
		random)
			random_runs
			continue
			;;
		doctor)
			fastoom-bpf doctor --json >/tmp/out/doctor.json
			echo $? >/tmp/out/doctor.rc
			truth >/tmp/out/truth
			continue
			;;
		*[-~]) ;;
		*) [ -n "$DAEMON" ] || daemon_start ;;
		esac
		run_one "$word" </dev/null
	done </tmp/plan
	cp /tmp/log /tmp/out/daemon-log 2>/dev/null
	if [ -n "$DAEMON" ]; then
		bpftool -j prog show >/tmp/out/programs.json
		kill "$DAEMON"
	fi
	: >/tmp/out/done
}
