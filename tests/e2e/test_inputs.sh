#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# The command line as a table: arguments, exit code, text on stderr, text on stdout. Nothing here
# starts the daemon, and no privilege is needed.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need "$BIN"
# if a wrong argument is accepted, the daemon runs with this lock and kills nothing

cat >"$T/good.yaml" <<'END'
events: /var/log/fastoom-bpf/events.jsonl
policies:
  - name: node
    match: { node: true }
    pressure: medium
    protect: [ { exe: '/sshd$' } ]
    avoid: [ { cmdline: python } ]
    prefer: [ { comm: '^logcollect' } ]
    rank: blame
  - name: batch
    match: { cgroup: '/batch/*' }
    kill: cgroup
END
: >"$T/empty.yaml"
printf 'policies:\n  - name: a\n    match: { node: true }\n    presure: low\n' >"$T/key.yaml"
printf 'event: /x\n' >"$T/topkey.yaml"
printf 'policies:\n  - name: a\n    match: { node: true }\n    pressure: medum\n' >"$T/value.yaml"
printf 'policies:\n  - name: a\n    match: { node: true }\n    avoid: [ { comm: "(" } ]\n' >"$T/regex.yaml"
printf 'policies:\n  - { name: a, match: { node: true } }\n  - { name: a, match: { cgroup: /x } }\n' >"$T/twice.yaml"
printf 'policies: [\n' >"$T/yaml.yaml"
printf 'policies:\n\t- a\n' >"$T/tab.yaml"
printf 'a: 1\nb: 2\npolicies: 3\n' >"$T/three.yaml"
head -c 4096 /dev/urandom >"$T/noise.yaml"
printf 'policies:\n  - name: "a\\e[31m"\n    match: { node: true }\n' >"$T/terminal.yaml"
printf 'policies:\n  - name: a\n    match: { cgroup: /x }\n    proactive_reclaim: 0.95\n' >"$T/proactive.yaml"
mkfifo "$T/fifo"
# two files of 200 policies: too many together
mkdir -p "$T/many/config.d"
policies() {
	echo 'policies:'
	seq 200 | sed "s|.*|  - { name: $1&, match: { cgroup: /$1& } }|"
}
# 70 warnings, of which 64 are kept: each policy matches the same scopes as the first one
{
	echo 'policies:'
	seq 71 | sed 's|.*|  - { name: w&, match: { cgroup: /w } }|'
} >"$T/warnings.yaml"
policies a >"$T/many/config.yaml"
policies b >"$T/many/config.d/b.yaml"

# case_is CODE STDERR STDOUT ARGUMENTS...: STDERR and STDOUT are text that must be there; "-": must
# be empty; "": is not checked.
case_is() {
	local code=$1 err=$2 out=$3 rc=0 wrong=''
	shift 3
	timeout -k 5 20 "$BIN" "$@" >"$T/out" 2>"$T/err" </dev/null || rc=$?
	((rc == code)) || wrong+="exit code $rc, not $code; "
	case $err in
	'') ;;
	-) [[ ! -s $T/err ]] || wrong+="something on stderr; " ;;
	*) grep -qF -- "$err" "$T/err" || wrong+="stderr does not say '$err'; " ;;
	esac
	case $out in
	'') ;;
	-) [[ ! -s $T/out ]] || wrong+="something on stdout; " ;;
	*) grep -qF -- "$out" "$T/out" || wrong+="stdout does not say '$out'; " ;;
	esac
	# no escape sequence reaches the terminal
	if LC_ALL=C grep -q '[^[:print:][:space:]]' "$T/err"; then
		wrong+="stderr has bytes that are no text; "
	fi
	if [[ -z $wrong ]]; then
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	printf 'FAILED: fastoom-bpf'
	printf ' %q' "$@"
	printf ': %s\n' "$wrong"
	head -n 5 "$T/err" | cat -v | sed 's/^/    /'
}

# no command, help, version
case_is 2 'Usage: fastoom-bpf COMMAND' -
case_is 0 - 'Usage: fastoom-bpf COMMAND' --help
case_is 0 - 'Usage: fastoom-bpf COMMAND' -h
case_is 0 - 'fastoom-bpf ' --version
case_is 2 'frobnicate is not a command; see fastoom-bpf --help' - frobnicate
case_is 2 'is not a command' - ''
case_is 2 '--frobnicate is not a command' - --frobnicate
case_is 2 'ru is not a command' - ru
case_is 2 'RUN is not a command' - RUN

# help of a command, at any place among the options
case_is 0 - 'Usage: fastoom-bpf run' run --help
case_is 0 - 'Usage: fastoom-bpf run' run -h
case_is 0 - '--events FILE' run --help
case_is 0 - '--dry-run' run --dry-run --help
case_is 0 - 'Usage: fastoom-bpf check' check --help

# options
case_is 2 '--frobnicate is not an option of this command; see fastoom-bpf run --help' - run --frobnicate
case_is 2 '-x is not an option' - run -x
case_is 2 'x is not an option' - run -nx
case_is 2 'x is not an option' - run -xn
case_is 2 '-x is not an option' - run --dry-run -xn
case_is 2 '--dry-run is not an option' - check --dry-run
case_is 2 '-c needs a value' - run -c
case_is 2 '--config needs a value' - run --config
case_is 2 '--events needs a value' - run --events
case_is 2 '--for needs a value' - run --for
case_is 2 '--dry-run=1' - run --dry-run=1
case_is 2 '--config' - run --config ''
case_is 2 '--events' - run --events=

# durations
for duration in '' ' ' 0 0s x 10 10x -5s 1.5.5s 5S ' 5s' '5s ' 1e3s 99999999999999999999s; do
	case_is 2 'a duration such as 500ms, 90s or 10m' - run --for "$duration"
done

# operands
case_is 2 'now: this command takes no operands' - run now
case_is 2 'takes no operands' - run -- --help
case_is 2 'x.yaml: this command takes no operands' - check x.yaml
case_is 2 'takes no operands' - check -c "$T/good.yaml" again

# check: good files
case_is 0 - "$T/good.yaml: good, 3 policies" check -c "$T/good.yaml"
case_is 0 - 'good, 3 policies' check --config="$T/good.yaml"
case_is 0 - 'good, 2 policies' check -c "$T/empty.yaml"

# valid, but without effect on cgroup v1
if awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { v1 = 1 } END { exit !v1 }' /proc/self/mounts; then
	case_is 0 "$T/proactive.yaml: proactive_reclaim: has no effect on this host" 'good, 2 policies' \
		check -c "$T/proactive.yaml"
else
	case_is 0 - 'good, 2 policies' check -c "$T/proactive.yaml"
fi

# check: errors, each with its place
case_is 2 "$T/key.yaml:4:5: presure: unknown key in a policy (did you mean \`pressure\`?)" - \
	check -c "$T/key.yaml"
case_is 2 "$T/topkey.yaml:1:1: event: unknown key in the file (did you mean \`events\`?)" - \
	check -c "$T/topkey.yaml"
case_is 2 "$T/value.yaml:4:15: pressure: is 'medum'" - check -c "$T/value.yaml"
case_is 2 "$T/regex.yaml:4:22: comm: the pattern does not compile" - check -c "$T/regex.yaml"
case_is 2 "$T/twice.yaml:3:13: name: is 'a', the name of the policy of line 2" - check -c "$T/twice.yaml"
case_is 2 "$T/yaml.yaml:" - check -c "$T/yaml.yaml"
case_is 2 "$T/tab.yaml:2:" - check -c "$T/tab.yaml"
case_is 2 "$T/three.yaml:1:1: a: unknown key" - check -c "$T/three.yaml"
case_is 2 "$T/three.yaml:2:1: b: unknown key" - check -c "$T/three.yaml"
case_is 2 "$T/three.yaml:3:11: policies: is '3'" - check -c "$T/three.yaml"
case_is 2 "$T/noise.yaml:" - check -c "$T/noise.yaml"
case_is 2 "$T/terminal.yaml:2:11: name:" - check -c "$T/terminal.yaml"
case_is 2 "$T/none.yaml: cannot be read: No such file or directory" - check -c "$T/none.yaml"
case_is 2 "$T: cannot be read: Is a directory" - check -c "$T"
case_is 2 "$T/fifo: cannot be read: Not a regular file" - check -c "$T/fifo"
case_is 2 "/dev/null: cannot be read: Not a regular file" - check -c /dev/null
case_is 2 "$T/many/config.d/b.yaml:58:5: policies: is policy 257 of all files together; allowed: at most 256" - \
	check -c "$T/many/config.yaml"
case_is 2 "cannot be read: " - check -c "$(printf 'x%.0s' {1..5000})"

# every command that reads a configuration says how many warnings are not shown
case_is 0 "$T/warnings.yaml: and 6 more warnings" 'good, 72 policies' check -c "$T/warnings.yaml"
case_is 0 "$T/warnings.yaml: and 6 more warnings" '' replay -c "$T/warnings.yaml" tests/corpus/leak-short.fo

# the daemon refuses the same files before it changes anything
case_is 2 "$T/key.yaml:4:5: presure: unknown key" - run --for 1s -c "$T/key.yaml"
case_is 2 "$T/none.yaml: cannot be read" - run --for 1s -c "$T/none.yaml"

# stderr or stdout is closed or full: the exit code is the same
rc=0
timeout -k 5 20 "$BIN" frobnicate >/dev/null 2>&- || rc=$?
if ((rc == 2)); then
	passed=$((passed + 1))
else
	failed=$((failed + 1))
	echo "FAILED: with stderr closed: exit code $rc, not 2"
fi
rc=0
"$BIN" --help >/dev/full 2>"$T/err" || rc=$?
if ((rc == 0 || rc == 1)); then
	passed=$((passed + 1))
else
	failed=$((failed + 1))
	echo "FAILED: with stdout full: exit code $rc"
fi

# a refused command line leaves nothing behind, not even a lock
if [[ -e $T/run/lock ]]; then
	failed=$((failed + 1))
	echo "FAILED: a lock file was left by a command line that was refused"
else
	passed=$((passed + 1))
fi

finish
