# shellcheck shell=sh
# shellcheck disable=SC2012,SC2154 # busybox has no find -printf; init exports the FO_ words
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# The scenarios, as they run within a guest (busybox's shell). run_plan PLAN: comma-separated words
#   NAME      the scenario with the daemon      NAME-     the same without it
#   NAME~     without it and recorded, for the corpus: recording.fo, and in peers what the rules of
#             other tools decide by
#   memstall  our sum of memory stalls beside the kernel's, while the box's livelock lasts
#   doctor    what `fastoom-bpf doctor --json` says, before the daemon runs
# A run leaves a directory /tmp/out/NAME, NAME- or NAME~ with
#   service        what the canary served, fo-load's report: a line each 100 ms
#   meta           "KEY VALUE" lines: see below
#   events, log    the daemon's, of this run
#   kernel         the kernel's log since the run began
SET=/data/vm/set
STREAM=/data/vm/stream
MIB=1048576

now_ms() {
	read -r up _ </proc/uptime
	# shellcheck disable=SC3060 # busybox has it
	echo "$((${up%.*} * 1000 + 1${up#*.} * 10 - 1000))"
}

meminfo() { awk -v key="$1:" '$1 == key { print $2 * 1024; exit }' /proc/meminfo; }
vmstat() { awk -v key="$1" '$1 == key { print $2; exit }' /proc/vmstat; }
meta() { echo "$*" >>"$OUT/meta"; }

# load ROLE ARGUMENT...: fo-load in the background, as an ordinary process named after its role
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

is_alive() {
	{ read -r _ _ state _ <"/proc/$1/stat"; } 2>/dev/null || return 1
	[ "$state" != Z ] && [ "$state" != X ]
}

# The canary: a mapped working set, read in; the first two seconds of its rate are its health. Where it
# is the truth of a label it asks for little of the processor, so that who takes that does it no harm.
service() {
	# shellcheck disable=SC2086 # none or two
	load service service "$SET" --size "$1" --report 100ms ${RECORDER:+--pace 5000} >"$OUT/service"
	while [ "$(wc -l <"$OUT/service")" -lt 25 ]; do
		sleep 0.2
	done
}

# What can be taken before nothing is left, swap included; zram makes a third of what it takes.
room() {
	swap=$(meminfo SwapFree)
	[ "$FO_swap" != zram ] || swap=$((swap * 6 / 10))
	echo "$(($(meminfo MemAvailable) + swap))"
}

begin() {
	meta trouble_ms "$(now_ms)"
	meta oom_kills "$(vmstat oom_kill)"
}

# What takes $2 seconds to take all that there is, but at least $1 a second.
rate() {
	awk -v least="$1" -v room="$(room)" -v s="$2" 'BEGIN { rate = room / s; if (rate < least) rate = least; printf "%d\n", rate }'
}

# Swap holds the harm off: what has to be seen of it takes longer there.
recorded_s() { [ "$FO_swap" = none ] && echo "$1" || echo "$(($1 + 20))"; }

# The run's time is over after $1 seconds, or, with the daemon, five seconds after a kill; a recorded
# one after $2, where that is given, or four seconds after a kill by the kernel.
during() {
	end=$(($(now_ms) + $1 * 1000))
	[ -z "$RECORDER" ] || end=$(($(now_ms) + ${2:-$1} * 1000))
	killed=0
	kills=$(vmstat oom_kill)
	while [ "$(now_ms)" -lt "$end" ]; do
		sleep 0.5
		if [ -n "$RECORDER" ] && [ "$(vmstat oom_kill)" -gt "$kills" ]; then
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

# ---- the scenarios: each begins when its service is healthy -------------------------------------

# A leaker that stops short of OOM: half of the service's working set finds no room any more.
do_livelock() {
	service 96MiB
	begin
	load leaker leak --to "$(($(room) - 40 * MIB))" --rate "$(rate $((40 * MIB)) 12)"
	during 60 "$(recorded_s 32)"
}

# The same, creeping on until the kernel has nothing left.
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

# Processes of medium size, faster than they end.
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
	sleep 12 # what was there for long is not growth
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
	# a page belongs to whom read it first
	echo 3 >/proc/sys/vm/drop_caches
}

# A container at its limit, while the node has memory to spare; only inside it may anybody die.
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

# The steps below killing, on a container whose leaker has a cgroup of its own in it: none of them
# helps, so it dies in the end; what its cgroup was set to meanwhile is noted, and what is left of it.
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

# A container whose job asks to die as one (memory.oom.group): the leaker is chosen, and who was
# started with it goes, too; the service beside it lives. Nobody's policy says `kill: cgroup`.
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

# Who allocates in a container near its limit, while another process streams through it, or writes:
# in turn where the daemon reclaims before the limit, and where it does not.
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
		echo 3 >/proc/sys/vm/drop_caches # a page belongs to whom read it first
		load holder steady --size 24MiB
		load set service "$STREAM" --size 96MiB --pace 2000 >"$OUT/served"
		sleep 2
		# its limit is hit once, by what nobody needs
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

# The same beside a working set that is in use all the time and reaches above the mark, but not to the
# limit: whatever is taken comes straight back.
do_refaults() {
	begin
	for name in plain proactive; do
		proactive_round set "$name"
		meta set "$name" served "$(awk 'NR > 20 { n += $2 } END { print int(n / (NR - 20)) }' "$OUT/served")"
	done
	[ -z "$DAEMON" ] || fastoom-bpf status --json >"$OUT/status"
	meta end_ms "$(now_ms)"
}

# Benign: a working set that is used stays, what is only read once goes through.
do_stream() {
	service 24MiB
	begin
	load stream stream "$STREAM" --by read --passes 1
	dd if="$STREAM" of=/data/copy bs=1M count=500 2>/dev/null &
	during 25 15
	rm -f /data/copy
}

do_build() {
	mkdir -p /tmp/src
	[ -e /data/src ] || {
		mkdir /data/src
		i=0
		while [ "$i" -lt 24 ]; do
			i=$((i + 1))
			head -c 1048576 "$STREAM" >"/data/src/$i.c"
		done
	}
	service 24MiB
	begin
	load build forks --files /data/src --width 3
	during 15
}

# Cache fills memory, then somebody wants much of it at once, gives it back, wants it again.
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

# ---- those that only the corpus has -------------------------------------------------------------

# Near misses: cold memory goes to swap, nobody asks for it again.
do_swapped() {
	service 24MiB
	begin
	load cold leak --to "$(($(meminfo MemAvailable) + 80 * MIB))" --rate "$(rate $((24 * MIB)) 12)"
	during 22
}

# A second service is started over and over, each time with files that are not in memory any more.
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

# A job that takes all that is to be had without touching the service's, works, and ends; twice.
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

# A database that reads at random from more than there is memory, for ever; its pool is anonymous.
do_database() {
	service 16MiB
	load pool steady --size "$(($(meminfo MemTotal) * 35 / 100))"
	dd if="$STREAM" of=/dev/null bs=1M count=600 2>/dev/null # nothing is free when it begins
	begin
	load database service "$STREAM" --size "$(meminfo MemTotal)" --random --cold --report 1s >/dev/null
	during 20
}

# A second working set comes up beside the first, and both together do not fit.
do_crowd() {
	load pool steady --size "$(($(meminfo MemTotal) * 40 / 100))"
	service 96MiB
	begin
	load newcomer service "$STREAM" --size "$(($(meminfo MemAvailable) - 40 * MIB))" --cold --threads 2 >/dev/null
	load growing leak --to 48MiB --rate 8MiB
	during 30
}

# Two services' working sets, of which the second grows; the rest is anonymous.
do_sets() {
	load pool steady --size "$(($(meminfo MemTotal) * 30 / 100))"
	service 64MiB
	begin
	load newcomer service "$STREAM" --size "$(($(meminfo MemAvailable) - 10 * MIB))" --cold >/dev/null
	during 30
}

# ---- running them ------------------------------------------------------------------------------

daemon_start() {
	mkdir -p /run/fastoom-bpf
	echo 1 >/proc/sys/kernel/bpf_stats_enabled # or else nobody counts how often a program ran
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

# The recorder and what stands for other tools; the box is there from the start, for both to see it.
record_start() {
	peers=
	if [ "${OUT##*/}" = 'box~' ]; then
		box_make
		peers=$box
	fi
	fastoom-bpf record "$OUT/recording.fo" -c /config.yaml >"$OUT/recorder" 2>&1 &
	RECORDER=$!
	# shellcheck disable=SC2086 # none or one
	fo-peers $peers >"$OUT/peers" 2>>"$OUT/recorder" &
	PEERS=$!
	for _ in $(seq 1 300); do
		[ ! -s "$OUT/recording.fo" ] || break
		is_alive "$RECORDER" || break
		sleep 0.2
	done
	sleep 1
	is_alive "$RECORDER" && is_alive "$PEERS" || echo "$OUT: not recorded" >>/tmp/out/failures
}

record_stop() {
	[ -n "$RECORDER" ] || return 0
	kill "$RECORDER" "$PEERS"
	wait "$RECORDER" "$PEERS"
	RECORDER=
}

# What this kernel has, asked of tracefs and /proc instead of BTF and of trying.
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
	# first who holds the memory, then the one who stalls: alone, so that nothing overlaps
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
		# both are appended to: what is this run's is what comes from here on
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

# The dead are gone, swap is empty again and the daemon sees nothing: runs do not know each other.
wait_for_quiet() {
	for dir in box ladder/service ladder/job ladder together/service together/job together; do
		[ ! -d "$BOX_PARENT/$dir" ] || rmdir "$BOX_PARENT/$dir" 2>/dev/null
	done
	if [ "$FO_swap" != none ]; then
		swapoff "$(awk 'NR == 2 { print $1 }' /proc/swaps)"
		case $FO_swap in
		zram) swapon /dev/zram0 ;;
		disk) swapon /dev/vdc ;;
		esac
	fi
	echo 3 >/proc/sys/vm/drop_caches
	cat "$SET" >/dev/null
	sleep 4 # the daemon's own idea of quiet is three seconds
}

run_plan() {
	DAEMON='' RECORDER=''
	: >/tmp/events
	cat "$SET" >/dev/null
	echo "$1" | tr , '\n' >/tmp/plan
	while read -r word; do
		case $word in
		memstall)
			memstall
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
