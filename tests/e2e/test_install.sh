#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# make install and make uninstall below a DESTDIR: which files, with which modes; the binary works; files in
# /etc are neither overwritten nor removed; the installed configuration is valid, with its comments and with
# every key set; it names every key. The unit has the path of the PREFIX.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need make "$BIN"
[[ -s $DAEMON__BUILD/docs/fastoom-bpf.8 ]] || skip_all "there is no $DAEMON__BUILD/docs/fastoom-bpf.8; run make test-build"

D=$T/dest
install_into() { make --no-print-directory O="$DAEMON__BUILD" DESTDIR="$D" "$@" >"$T/out" 2>&1; }
files() { (cd "$D" && find . ! -type d | sort); }

check "make install" install_into install
same "the files" "./etc/default/fastoom-bpf
./etc/fastoom-bpf/config.yaml
./etc/logrotate.d/fastoom-bpf
./usr/lib/systemd/system/fastoom-bpf.service
./usr/sbin/fastoom-bpf
./usr/share/bash-completion/completions/fastoom-bpf
$(printf './usr/share/doc/fastoom-bpf/%s\n' CHANGELOG.md LICENSE README.md SECURITY.md docs/*.md | LC_ALL=C sort)
$(for file in docs/*.schema.json; do echo "./usr/share/fastoom-bpf/${file##*/}"; done)
./usr/share/fish/vendor_completions.d/fastoom-bpf.fish
./usr/share/man/man5/fastoom-bpf.yaml.5
./usr/share/man/man8/fastoom-bpf.8
./usr/share/zsh/site-functions/_fastoom-bpf" "$(files | LC_ALL=C sort)"
same "only the binary is executable" "$D/usr/sbin/fastoom-bpf" "$(find "$D" -type f -perm /111)"
version=$("$D/usr/sbin/fastoom-bpf" --version)
if [[ $version =~ ^fastoom-bpf\ [0-9.]+(\ \(commit\ [0-9a-f]{12}(-dirty)?\))?,\ libbpf\ [0-9.]+$ ]]; then
	good "its version: $version"
else
	bad "its version: $version"
fi
[[ ! -e .git ]] || check "the version names the commit" grep -q "commit $(git rev-parse --short=12 HEAD)" <<<"$version"

config=$D/etc/fastoom-bpf/config.yaml
check "the installed configuration is valid" "$D/usr/sbin/fastoom-bpf" check -c "$config"
sed -E 's/^#([^ ]|  )/\1/' "$config" >"$T/all.yaml"
check "with every key set it is valid" "$D/usr/sbin/fastoom-bpf" check -c "$T/all.yaml"
keys=$(sed -n 's/^\\fB\([a-z_0-9]*\)\\fR.*/\1/p' "$DAEMON__BUILD/docs/fastoom-bpf.yaml.5" | sort -u)
missing=$(for key in $keys; do grep -qE "(^|[ {-] *)$key:( |$)" "$T/all.yaml" || echo "$key"; done)
if [[ -z $missing ]] && (($(wc -w <<<"$keys") > 25)); then
	good "it has every key of the man page"
else
	bad "of the keys $keys it lacks $missing"
fi

echo '# mine' | tee "$config" "$D/etc/default/fastoom-bpf" >"$D/etc/logrotate.d/fastoom-bpf"
check "a second install" install_into install
same "keeps the files in /etc" "3" "$(cat "$config" "$D/etc/default/fastoom-bpf" "$D/etc/logrotate.d/fastoom-bpf" | grep -c '^# mine$')"
check "make uninstall" install_into uninstall
same "leaves the files in /etc only" "./etc/default/fastoom-bpf
./etc/fastoom-bpf/config.yaml
./etc/logrotate.d/fastoom-bpf" "$(files)"
same "and no directory of its own" "" "$(find "$D/usr" -depth -type d -name 'fastoom-bpf*')"

D=$T/local
check "another PREFIX" install_into PREFIX=/usr/local install
check "is in the unit" grep -q '^ExecStart=/usr/local/sbin/fastoom-bpf run' "$D/usr/local/lib/systemd/system/fastoom-bpf.service"

finish
