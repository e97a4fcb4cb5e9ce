#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Unsuitable hosts: whatever is missing, the daemon says in one sentence what, where and the remedy,
# exits with the code of user/base/exit.h, and leaves nothing behind. Each such host is made in its
# own mount namespace; nothing of this host is changed.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need root btf "$BIN" unshare setpriv jq flock bpftool
unshare -m true 2>/dev/null || skip_all "mount namespaces cannot be made here"

FIRST=''
cleanup() { [[ -z $FIRST ]] || kill -KILL "$FIRST" 2>/dev/null || :; }

# BPF programs of fastoom-bpf that no process holds. The kernel frees them within seconds. fdinfo
# has the holders; bpftool has them only where it was built with clang.
orphans() {
	local held
	held=" $(sed -n 's/^prog_id:[[:space:]]*//p' /proc/[0-9]*/fdinfo/* 2>/dev/null |
		sort -u | tr '\n' ' ')"
	bpftool prog show -j | jq -r '.[] | select((.name // "") | startswith("fo_"))
		| "\(.id) \(.name)"' | while read -r id name; do
		[[ $held == *" $id "* ]] || echo "$name"
	done
}

# Remains of a daemon that was started with the run directory of this test.
leftovers() {
	local environ i
	for environ in /proc/[0-9]*/environ; do
		if grep -qaF "RUNTIME_DIRECTORY=$T/" "$environ" 2>/dev/null; then
			echo "process ${environ//[!0-9]/} still runs"
		fi
	done
	if [[ -f $T/run/lock ]] && ! flock -n "$T/run/lock" true; then
		echo "the lock is held"
	fi
	for ((i = 0; i < 50; i++)); do
		[[ -n $(orphans) ]] || return 0
		sleep 0.1
	done
	echo "programs remain: $(orphans | tr '\n' ' ')"
}

# refuses NAME CODE WORDS... -- COMMAND...: it exits with CODE and one line on stderr, which matches
# all regular expressions WORDS.
refuses() {
	local name=$1 code=$2 rc=0 words=() word lines wrong=''
	shift 2
	while [[ $1 != -- ]]; do
		words+=("$1")
		shift
	done
	shift
	rm -f "$T/run/lock" "$T/events"
	timeout -k 5 30 "$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
	lines=$(wc -l <"$T/err")
	((rc == code)) || wrong+="exit code $rc, not $code; "
	((lines == 1)) || wrong+="$lines lines on stderr, not 1; "
	[[ ! -s $T/out ]] || wrong+="something on stdout; "
	for word in "${words[@]}"; do
		grep -qE -- "$word" "$T/err" || wrong+="stderr does not say /$word/; "
	done
	[[ ! -s $T/events ]] || wrong+="an event file was begun; "
	wrong+=$(leftovers)
	if [[ -z $wrong ]]; then
		good "$name: exit $code: $(cat "$T/err")"
	else
		bad "$name: $wrong"
		sed 's/^/    /' "$T/err"
	fi
}

# starts NAME WORD -- COMMAND...: it runs, and a line on stderr matches WORD.
starts() {
	local name=$1 word=$2 rc=0
	shift 3
	rm -f "$T/run/lock" "$T/events"
	timeout -k 5 30 "$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
	if ((rc == 0)) && grep -qE -- "$word" "$T/err"; then
		good "$name: $(grep -E -- "$word" "$T/err" | head -n 1)"
	else
		bad "$name: exit code $rc; it must run and print /$word/"
		sed 's/^/    /' "$T/err"
	fi
}

run=("$BIN" run --dry-run --for 300ms --events "$T/events")
nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --)

mkdir "$T/empty"

starts "this host" 'watching: ' -- "${run[@]}"

# ---- BTF ----

cat >"$T/no-btf" <<'END'
mount -t tmpfs none /sys/kernel/btf && exec "$@"
END
refuses "no BTF" 3 '/sys/kernel/btf/vmlinux' 'CONFIG_DEBUG_INFO_BTF' -- \
	unshare -m sh "$T/no-btf" "${run[@]}"

cat >"$T/other-btf" <<'END'
mount --bind "$1" /sys/kernel/btf/vmlinux && shift && exec "$@"
END
head -c 100000 /dev/zero >"$T/garbage"
refuses "BTF that is invalid" 3 '/sys/kernel/btf/vmlinux' 'CONFIG_DEBUG_INFO_BTF' -- \
	unshare -m sh "$T/other-btf" "$T/garbage" "${run[@]}"

# A kernel without a tracepoint: the same BTF with that name changed.
sed 's/btf_trace_mm_vmscan_direct_reclaim_begin/btf_trace_mm_vmscan_direct_reclaim_xxxxx/' \
	/sys/kernel/btf/vmlinux >"$T/no-direct"
sed 's/btf_trace_mm_vmscan_throttled/btf_trace_mm_vmscan_xxxxxxxxx/' \
	/sys/kernel/btf/vmlinux >"$T/no-throttled"
if cmp -s "$T/no-direct" /sys/kernel/btf/vmlinux; then
	echo "skipped: this kernel has no tracepoint to hide"
	skipped=$((skipped + 2))
else
	refuses "a required tracepoint is missing" 3 'mm_vmscan_direct_reclaim_begin' 'Linux 5' -- \
		unshare -m sh "$T/other-btf" "$T/no-direct" "${run[@]}"
	starts "another tracepoint is missing" 'without mm_vmscan_throttled' -- \
		unshare -m sh "$T/other-btf" "$T/no-throttled" "${run[@]}"
fi

# ---- permission ----

chown 65534 "$T/run"
refuses "the user nobody" 3 'root' 'CAP_BPF' -- "${nobody[@]}" "$BIN" run --dry-run --for 300ms --events "$T/events"
chown 0 "$T/run"
refuses "the user nobody, and the run directory is of root" 3 "$T/run" 'root' -- "${nobody[@]}" "${run[@]}"
refuses "root without capabilities for BPF" 3 'root' 'CAP_BPF' 'CAP_PERFMON' -- \
	setpriv --bounding-set -bpf,-sys_admin,-perfmon --inh-caps -bpf,-sys_admin,-perfmon \
	-- "${run[@]}"
refuses "root without CAP_PERFMON" 3 'CAP_PERFMON' -- \
	setpriv --bounding-set -sys_admin,-perfmon --inh-caps -sys_admin,-perfmon -- "${run[@]}"

# cgroups are opened by their id, which needs this capability
printf 'policies:\n  - { name: all, match: { cgroup: "/fo-hosts-none/*" } }\n' >"$T/cgroups.yaml"
refuses "cgroup policies without CAP_DAC_READ_SEARCH" 3 'CAP_DAC_READ_SEARCH' -- \
	setpriv --bounding-set -dac_read_search --inh-caps -dac_read_search \
	-- "${run[@]}" -c "$T/cgroups.yaml"

# ---- the memory controller ----

cat >"$T/no-memory" <<'END'
awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ || $3 == "cgroup2" { print $2 }' /proc/self/mounts |
	sort -r | while read -r mount; do
	umount "$mount" || exit 1
done || exit 125
exec "$@"
END
refuses "no memory controller, and a policy for cgroups" 3 'memory controller' \
	'cgroup_disable=memory' -- unshare -m sh "$T/no-memory" "${run[@]}" -c "$T/cgroups.yaml"
starts "no memory controller" 'no memory controller.* only the node' -- \
	unshare -m sh "$T/no-memory" "${run[@]}"

# ---- the event file ----

refuses "the event file's folder is missing" 1 "$T/empty/a/b/events" 'events' -- \
	"$BIN" run --dry-run --for 300ms --events "$T/empty/a/b/events"
refuses "the event file is a folder" 1 "$T/empty" 'directory' '--events' -- \
	"$BIN" run --dry-run --for 300ms --events "$T/empty"
cat >"$T/read-only" <<'END'
mount -t tmpfs -o ro none "$1" && shift && exec "$@"
END
refuses "the event file's disk is read-only" 1 "$T/empty/events" '[Rr]ead-only' '--events' -- \
	unshare -m sh "$T/read-only" "$T/empty" "$BIN" run --dry-run --for 300ms --events "$T/empty/events"
printf 'events: %s\n' "$T/empty/a/b/events" >"$T/events.yaml"
refuses "the same by the configuration" 1 "$T/empty/a/b/events" -- \
	"$BIN" run --dry-run --for 300ms -c "$T/events.yaml"
starts "the default event file cannot be written" 'events go to the log only' -- \
	unshare -m sh "$T/read-only" /var/log "$BIN" run --dry-run --for 300ms
# it can be opened, but not written: a full disk
starts "the event file's disk is full" 'No space left' -- "$BIN" run --dry-run --for 300ms --events /dev/full

# ---- the configuration ----

refuses "no such configuration" 2 "$T/none.yaml" 'No such file' -- "${run[@]}" -c "$T/none.yaml"
refuses "the configuration is a folder" 2 "$T/empty" 'directory' -- "${run[@]}" -c "$T/empty"
printf 'policies: []\n' >"$T/secret.yaml"
chmod 600 "$T/secret.yaml"
chown 65534 "$T/run"
refuses "the configuration cannot be read" 2 "$T/secret.yaml" 'Permission denied' -- \
	"${nobody[@]}" "${run[@]}" -c "$T/secret.yaml"
chown 0 "$T/run"
printf 'policies:\n  - name: a\n    match: { node: true }\n    presure: low\n' >"$T/wrong.yaml"
refuses "an unknown key" 2 'wrong\.yaml:4:5: presure' 'pressure' -- "${run[@]}" -c "$T/wrong.yaml"

# ---- the run directory ----

refuses "the run directory cannot be made" 1 '/nonexistent/run' 'RUNTIME_DIRECTORY' -- \
	env RUNTIME_DIRECTORY=/nonexistent/run "${run[@]}"
touch "$T/file"
refuses "the run directory is a file" 1 "$T/file" 'RUNTIME_DIRECTORY' -- \
	env RUNTIME_DIRECTORY="$T/file" "${run[@]}"
refuses "the run directory is read-only" 1 "$T/empty" 'RUNTIME_DIRECTORY' -- \
	unshare -m sh "$T/read-only" "$T/empty" env RUNTIME_DIRECTORY="$T/empty" "${run[@]}"

# ---- a second instance ----

"$BIN" run --events "$T/first" >/dev/null 2>"$T/first.err" </dev/null &
FIRST=$!
wait_for 10 grep -q 'watching: ' "$T/first.err" || :
rc=0
timeout -k 5 30 "${run[@]}" >"$T/out" 2>"$T/err" </dev/null || rc=$?
if ((rc == 1)) && (($(wc -l <"$T/err") == 1)) && [[ ! -s $T/out ]] &&
	grep -qE "runs already \(pid $FIRST, lock $T/run/lock\); stop" "$T/err"; then
	good "a second instance: exit 1: $(cat "$T/err")"
else
	bad "a second instance: exit $rc"
	sed 's/^/    /' "$T/err"
fi
if kill -0 "$FIRST" 2>/dev/null && ! flock -n "$T/run/lock" true; then
	good "the first instance still runs"
else
	bad "the first instance has ended"
fi
kill -TERM "$FIRST"
rc=0
wait "$FIRST" || rc=$?
FIRST=''
remains=$(leftovers)
if ((rc == 0)) && [[ -z $remains ]]; then
	good "the first instance ends cleanly"
else
	bad "the first instance: exit $rc; $remains"
fi

finish
