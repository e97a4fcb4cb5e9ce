#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
# timeout: 1200
#
# The Debian package in a guest whose first process is systemd: install, start, status, reload, a near-OOM
# in a limited slice, logrotate, upgrade, remove, purge. tests/vm/guest/service.sh has the steps. The
# package is built by "make deb" unless FASTOOM_DEB names one.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need root debootstrap qemu-system-x86_64 dpkg-buildpackage dpkg-deb
# shellcheck disable=SC1091
suite=$(. /etc/os-release && [[ $ID == debian ]] && echo "${VERSION_CODENAME:-}") || :
[[ -n $suite ]] || skip_all "this host is not Debian: its package fits no guest of Debian"
vm=$(realpath -m -- "${O:-build}")/vm
mkdir -p "$vm"

# ---- the package, and one that is newer ---------------------------------------------------------

deb=${FASTOOM_DEB:-}
if [[ -z $deb ]]; then
	nice make --no-print-directory deb >"$T/deb.log" 2>&1 || {
		bad "make deb: $(tail -n 5 "$T/deb.log")"
		finish
	}
	deb=$(echo "${vm%/vm}"/deb/fastoom-bpf_*.deb)
fi
mkdir "$T/fo"
cp -- "$deb" "$T/fo/old.deb"
cp -- "$LOAD" "$T/fo/fo-load"
dpkg-deb -R "$deb" "$T/new"
sed -i 's/^Version: .*/&+newer/' "$T/new/DEBIAN/control"
dpkg-deb --root-owner-group -b "$T/new" "$T/fo/new.deb" >/dev/null

# ---- the guest -----------------------------------------------------------------------------------

root=$vm/systemd-$suite
if [[ ! -e $root/complete ]]; then
	rm -rf -- "$root"
	# the names of "Depends: libc6 (>= 2.34), libbpf1 (>= 1.0)", with commas
	depends=$(dpkg-deb -f "$deb" Depends | sed 's/([^)]*)//g; s/|[^,]*//g; s/ //g')
	nice debootstrap --variant=minbase --include="systemd,systemd-sysv,dbus,logrotate,$depends" \
		"$suite" "$root" >"$T/debootstrap.log" 2>&1 ||
		skip_all "debootstrap: $(tail -n 1 "$T/debootstrap.log")"
	rm -rf -- "$root"/var/cache/apt/archives "$root"/var/lib/apt/lists
	touch "$root/complete"
fi
cp -- tests/vm/guest/service.sh "$T/fo/"
chmod +x "$T/fo/service.sh"
rm -rf -- "$root/srv/fo"
cp -r -- "$T/fo" "$root/srv/fo"
cat >"$root/etc/systemd/system/fo-guest.service" <<'END'
[Service]
Type=oneshot
ExecStartPre=/bin/mkdir -p /tmp/out
ExecStart=/srv/fo/service.sh
ExecStopPost=/bin/sh -c 'touch /tmp/out/done; tar -cf /dev/vdb -C /tmp/out .; sync; systemctl poweroff -ff'
END
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -sf ../fo-guest.service "$root/etc/systemd/system/multi-user.target.wants/"
ln -sf /dev/null "$root/etc/systemd/system/serial-getty@ttyS0.service" # waits for udev, which is missing
ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
/sbin/mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$root" "$T/root.ext4" 1G >/dev/null

rc=0
VM_DISK=$T/root.ext4 VM_RAM_MIB=768 VM_PATIENCE_S=700 nice tests/vm/boot "$T/guest" 6.1 2 1 classic none systemd \
	>"$T/boot.log" 2>&1 || rc=$?
((rc != 77)) || skip_all "$(tail -n 1 "$T/boot.log")"
cat "$T/boot.log" "$T/guest/report" 2>/dev/null || :
passed=$(grep -c '^ok: ' "$T/guest/report" 2>/dev/null) || :
failed=$(grep -c '^FAILED: ' "$T/guest/report" 2>/dev/null) || :
passed=${passed:-0} failed=${failed:-0}
check "the guest did all of it" grep -qx end "$T/guest/report"

finish
