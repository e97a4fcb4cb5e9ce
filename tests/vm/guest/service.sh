#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# What tests/e2e/test_systemd.sh runs in its guest, as a unit of systemd: the life of the package, from
# its installation to its purge. Prints "ok: WHAT" or "FAILED: WHAT" lines to /tmp/out/report.
exec >/tmp/out/report 2>&1
cd /srv/fo || exit
EVENTS=/var/log/fastoom-bpf/events.jsonl
CONFIG=/etc/fastoom-bpf/config.yaml

check() {
	local what=$1
	shift
	if "$@" >/tmp/said 2>&1; then
		echo "ok: $what"
	else
		echo "FAILED: $what"
		sed 's/^/  /' /tmp/said
	fi
	echo "$what" >/dev/console
}
not() { ! "$@"; }
wait_for() {
	local left=$1
	shift
	while [ "$left" -gt 0 ]; do
		"$@" && return
		sleep 1
		left=$((left - 1))
	done
	"$@"
}
has() { grep -q -- "$1" "$2"; }
main_pid() { systemctl show -P MainPID fastoom-bpf; }
status() { systemctl status --no-pager fastoom-bpf; }
status_has() { status | grep -q -- "$1"; }
journal_has() { journalctl -u fastoom-bpf -o cat --no-pager | grep -q -- "$1"; }

find / -xdev -path /srv -prune -o -name '*fastoom*' -print >/tmp/before
check "the package installs" dpkg -i old.deb
check "no service starts by itself" not systemctl is-active fastoom-bpf
cat >>"$CONFIG" <<'END'

policies:
  - name: node
    match: { node: true }
    dry_run: true
  - name: limited
    match: { cgroup: '/limited.slice' }
    pressure: low
END
check "systemctl enable" systemctl enable fastoom-bpf
check "systemctl start" systemctl start fastoom-bpf
check "it is active" systemctl is-active fastoom-bpf
check "systemctl status has what the daemon says" status_has 'Status: "'
status
systemctl show -P NRestarts fastoom-bpf
first=$(main_pid)
check "no error in the journal" not journal_has '^error'

echo 'policies: [ { bogus: 1 } ]' >/tmp/bad.yaml
cp "$CONFIG" /tmp/good.yaml
cp /tmp/bad.yaml "$CONFIG"
systemctl reload fastoom-bpf
check "a wrong configuration is refused with its place" wait_for 20 journal_has 'config.yaml:1:'
check "the daemon stays" test "$(main_pid)" = "$first"
cp /tmp/good.yaml "$CONFIG"
check "systemctl reload" systemctl reload fastoom-bpf
check "the same process is active" test "$(systemctl is-active fastoom-bpf) $(main_pid)" = "active $first"

# a service of 64 MiB of mapped file, and a leak, in a slice of 100 MiB: do_box of scenarios.sh
mkdir -p /etc/systemd/system
printf '[Slice]\nMemoryMax=100M\nMemorySwapMax=0\n' >/etc/systemd/system/limited.slice
head -c 64M /dev/zero | tr '\0' x >/srv/set
# a page is charged to the cgroup that reads it first
sync
echo 3 >/proc/sys/vm/drop_caches
systemctl daemon-reload
systemd-run --quiet --slice=limited.slice --unit=standing /srv/fo/fo-load service /srv/set --comm fo-service
sleep 10
systemd-run --quiet --slice=limited.slice --unit=leak /srv/fo/fo-load leak --to 70MiB --rate 32MiB --comm fo-leaker
check "the near-OOM is ended" wait_for 90 has '"outcome":"killed"' "$EVENTS"
check "the leak was killed, not the service" systemctl is-active standing
check "by the daemon, not by the kernel" not sh -c 'dmesg | grep -q "Killed process"'
check "explain says so" sh -c 'fastoom-bpf explain | grep -q fo-leaker'
fastoom-bpf explain | head -n 20
status | head -n 8
systemctl stop standing

check "logrotate" logrotate -f /etc/logrotate.d/fastoom-bpf
check "the old file is kept" test -s "$EVENTS.1"
records=$(wc -l <"$EVENTS.1")
systemctl reload fastoom-bpf
check "the next record is in a new file" wait_for 10 test -s "$EVENTS"
check "the old file has no other line" test "$(wc -l <"$EVENTS.1")" = "$records"

check "the package upgrades" dpkg -i new.deb
check "the upgrade restarts the daemon" test "$(main_pid)" != "$first"
check "it is active again" wait_for 20 systemctl is-active fastoom-bpf
check "the configuration is kept" cmp "$CONFIG" /tmp/good.yaml
check "the records are kept" test -s "$EVENTS.1"
check "nothing was restarted by systemd" test "$(systemctl show -P NRestarts fastoom-bpf)" = 0
echo "exposure of the running unit: $(systemd-analyze security --no-pager fastoom-bpf | tail -n 1)"

check "the package is removed" dpkg -r fastoom-bpf
check "the daemon ended" not grep -qx fastoom-bpf /proc/[0-9]*/comm
check "configuration and records stay" test -s "$CONFIG" -a -s "$EVENTS.1"
check "the package is purged" dpkg -P fastoom-bpf
find / -xdev -path /srv -prune -o -name '*fastoom*' -print >/tmp/after
check "nothing is left" cmp /tmp/before /tmp/after
diff /tmp/before /tmp/after
check "systemd knows no unit of that name" not systemctl cat fastoom-bpf
journalctl -u fastoom-bpf -o short --no-pager
echo end
