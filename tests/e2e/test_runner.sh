#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# timeout: 60
#
# tests/run itself: a passing, a failing, a hanging, a skipping test and one that leaves a warning
# in the log of the kernel, and what it prints of them.
set -euo pipefail

cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
trap 'rm -rf -- "$tmp"' EXIT
mkdir "$tmp/e2e" "$tmp/bin"

put() {
	cat >"$tmp/$1"
	chmod +x "$tmp/$1"
}

# a kernel log that tests can write to
put bin/dmesg <<-END
	#!/bin/bash
	echo "[    1.000000] WARNING: CPU: 0 PID: 1 at an old place"
	cat "$tmp/log"
END
: >"$tmp/log"

put e2e/test_pass.sh <<-END
	#!/bin/bash
	echo "harmless: Memory cgroup out of memory: Killed process 1 (x)" >>"$tmp/log"
	echo fine
END
put e2e/test_fail.sh <<-END
	#!/bin/bash
	for ((i = 1; i <= 100; i++)); do echo "line \$i."; done
	echo "last words" >&2
	exit 3
END
put e2e/test_hang.sh <<-END
	#!/bin/bash
	# timeout: 1
	trap 'echo cleaned up; exit 1' TERM
	echo "\$\$" >"$tmp/hanging"
	echo "before the hang"
	sleep 600 &
	echo "\$!" >"$tmp/child"
	wait
END
put e2e/test_skip.sh <<-END
	#!/bin/bash
	echo "looked around"
	echo "no such hardware"
	exit 77
END
put e2e/test_splat.sh <<-END
	#!/bin/bash
	echo "[    2.000000] \$SPLAT" >>"$tmp/log"
END
echo "exit 1" >"$tmp/e2e/test_not_executable.sh"

bad=0
complain() {
	echo "$1"
	sed 's/^/    | /' "$tmp/out"
	bad=1
}

# run_on EXIT LAST_LINE [NAME...]
run_on() {
	local status=$1 last=$2 rc=0
	shift 2
	PATH=$tmp/bin:$PATH TESTS_DIRS=$tmp/e2e tests/run "$@" >"$tmp/out" 2>&1 || rc=$?
	((rc == status)) || complain "run $*: exit status $rc and not $status"
	[[ $(tail -n 1 "$tmp/out") == "$last" ]] || complain "run $*: the last line is not: $last"
}

says() {
	grep -qE -- "$1" "$tmp/out" || complain "missing: $1"
}

silent_on() {
	! grep -qE -- "$1" "$tmp/out" || complain "should not be there: $1"
}

is_gone() {
	[[ ! -e /proc/$1 || $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) == [ZX]* ]]
}

export SPLAT='nothing of note'
run_on 1 '2 passed, 2 failed, 1 skipped'
says '^ok test_pass\.sh \([0-9]+\.[0-9] s\)$'
says '^FAIL test_fail\.sh: exit status 3$'
says '^ +last words$'
says '^ +line 62\.$'
silent_on 'line 61\.' # 40 lines
says '^FAIL test_hang\.sh: not done within 1 s$'
says '^ +cleaned up$'
says '^skip test_skip\.sh: no such hardware$'
says '^ok test_splat\.sh'
silent_on 'test_not_executable'
is_gone "$(<"$tmp/hanging")" || complain "the hanging test still runs"
is_gone "$(<"$tmp/child")" || complain "the hanging test's child still runs"

run_on 0 '1 passed, 0 failed, 1 skipped' test_pass.sh test_skip.sh
run_on 1 '0 passed, 0 failed, 1 skipped' test_skip.sh
run_on 1 '1 passed, 1 failed, 0 skipped' test_pass.sh test_pass
says '^FAIL test_pass: no such test$'

# a test that ignores SIGTERM is killed 10 s later
put e2e/test_hang.sh <<-END
	#!/bin/bash
	# timeout: 1
	trap '' TERM
	echo "\$\$" >"$tmp/hanging"
	while :; do sleep 1; done
END
run_on 1 '0 passed, 1 failed, 0 skipped' test_hang.sh
says '^FAIL test_hang\.sh: not done within 1 s$'
is_gone "$(<"$tmp/hanging")" || complain "the test that ignores SIGTERM still runs"

while read -r SPLAT; do
	run_on 1 '0 passed, 1 failed, 0 skipped' test_splat.sh
	says '^FAIL test_splat\.sh: the kernel complained$'
	grep -qF -- "$SPLAT" "$tmp/out" || complain "not shown: $SPLAT"
	silent_on 'an old place'
done <<-'END'
	WARNING: CPU: 1 PID: 4242 at kernel/bpf/verifier.c:2702 reg_bounds_sanity_check+0x1f0/0x210
	verifier bug: REG INVARIANTS VIOLATION (true_reg1): range bounds violation
	BUG: kernel NULL pointer dereference, address: 0000000000000008
	Oops: Oops: 0000 [#1] SMP NOPTI
	rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
	rcu: INFO: rcu_sched self-detected stall on CPU
	watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [fastoom-bpf:812]
	WARNING: possible circular locking dependency detected
	WARNING: suspicious RCU usage
	WARNING: inconsistent lock state
END

# an empty directory: nothing passed
rm "$tmp"/e2e/test_*
run_on 1 '0 passed, 0 failed, 0 skipped'

exit "$bad"
