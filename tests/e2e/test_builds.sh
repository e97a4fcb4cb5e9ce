#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Other builds than that of this host: a libbpf that is too old and a missing library or bpftool are one
# sentence; CPPFLAGS counts; only test-build makes a warning an error; the BPF object for arm64; the sources
# by the headers of musl and by a compiler for arm64, without linking, where these are installed.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
need make gcc clang pkg-config

# fails_with WHAT WANTED MAKE-ARGUMENT...: the build stops with that sentence, and no other of its own
fails_with() {
	local what=$1 wanted=$2 said
	shift 2
	if said=$(make --no-print-directory O="$T/none" "$@" 2>&1); then
		bad "$what: the build succeeds"
	elif [[ $(grep -v '^  \|^make' <<<"$said") == *"$wanted"* && $(grep -vc '^  \|^make' <<<"$said") == 1 ]]; then
		good "$what is one sentence"
	else
		bad "$what: $said"
	fi
}
mkdir "$T/pc"
printf '%s\n' 'Name: libbpf' 'Description: old' 'Version: 0.5.0' >"$T/pc/libbpf.pc"
PKG_CONFIG_PATH=$T/pc fails_with "libbpf 0.5" "libbpf 0.5.0 is too old" "$T/none/user/base/units.o"
rm "$T/pc/libbpf.pc"
PKG_CONFIG_LIBDIR=$T/pc fails_with "no library" "there is no libbpf" "$T/none/user/base/units.o"
fails_with "no bpftool" "no bpftool runs here" BPFTOOL= "$T/none/bpf/fastoom.o"

# prints the compiler's command for one object
command_of() {
	rm -rf "$T/none"
	make --no-print-directory V=1 O="$T/none" "$@" 2>"$T/warnings" | grep -- '-c user/base/units.c'
}
same "an object without warnings by default" "" "$(command_of "$T/none/user/base/units.o" | grep -o -- '-Werror' || :)$(<"$T/warnings")"
same "CPPFLAGS counts" "-DPACKAGED" "$(command_of CPPFLAGS=-DPACKAGED "$T/none/user/base/units.o" | grep -o -- '-DPACKAGED')"
same "_FORTIFY_SOURCE of the packager is not defined again" "" \
	"$(command_of CPPFLAGS='-Wdate-time -D_FORTIFY_SOURCE=3' "$T/none/user/base/units.o" | grep -o -- '_FORTIFY_SOURCE=2' || :)$(<"$T/warnings")"
same "a compiler that defines _FORTIFY_SOURCE" "" \
	"$(command_of CC='gcc -D_FORTIFY_SOURCE=3' "$T/none/user/base/units.o" >/dev/null || echo fails)$(<"$T/warnings")"
rm -rf "$T/none"
same "test-build makes warnings errors" "-Werror" \
	"$(make -n --no-print-directory V=1 O="$T/none" test-build 2>&1 | grep -- '-c user/base/units.c' | grep -o -- -Werror)"

check "the BPF object for arm64" make --no-print-directory WERROR=1 ARCH=arm64 O="$T/arm64" "$T/arm64/bpf/fastoom.o"

# syntax NAME COMPILER...: every source but those of the screen, by these headers alone and those of the libraries
syntax() {
	local what=$1 file header from
	shift
	if ! command -v "$1" >/dev/null; then
		echo "skipped: $what: there is no $1"
		return
	fi
	mkdir -p "$T/include"
	for header in asm asm-generic linux bpf yaml.h pcre2.h jansson.h jansson_config.h zlib.h zconf.h libelf.h gelf.h elf.h; do
		for from in /usr/include/"$header" /usr/include/"$(gcc -dumpmachine)/$header"; do
			[[ ! -e $from ]] || ln -sfn "$from" "$T/include/$header"
		done
	done
	for file in user/*/*.c; do
		! grep -q 'include <ncurses.h>' "$file" || continue
		"$@" -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wundef -Werror -pthread -iquote user -iquote bpf \
			-iquote "$DAEMON__BUILD/bpf" -isystem "$T/include" -fsyntax-only "$file" || return 1
	done
}
check "the sources by musl's headers" syntax musl musl-gcc
check "the sources for arm64" syntax arm64 aarch64-linux-gnu-gcc

finish
