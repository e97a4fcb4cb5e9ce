#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Man pages and completions, which are made of the tables of the parsers: each command and option of
# --help is in the man page and in each completion, each key of the configuration in the other man
# page; and the completions complete, in their own shells where these are installed.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/e2e.sh
. tests/lib/e2e.sh
D=$DAEMON__BUILD/docs
need "$BIN"
[[ -s $D/fastoom-bpf.8 ]] || skip_all "there is no $D/fastoom-bpf.8; run make test-build"

commands=$("$BIN" --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
(($(wc -w <<<"$commands") >= 7)) || bad "too few commands: $commands"
missing=0
page=$(sed 's/\\//g; s/f[BIR]//g' "$D/fastoom-bpf.8")
for command in $commands; do
	for option in $("$BIN" "$command" --help | grep -o -- ' --[a-z-]*' | grep -v -- --help); do
		grep -q -- "$option" <<<"$page" || { bad "$command $option is not in the man page" && missing=1; }
		for file in fastoom-bpf.bash _fastoom-bpf fastoom-bpf.fish; do
			grep -q -- "${option#--}" "$D/$file" || { bad "$command $option is not in $file" && missing=1; }
		done
	done
done
((missing)) || good "every option of every command is in the man page and the completions"

missing=0
for key in $("$BIN" check -c /dev/stdin <<<'nonsense: 1' 2>&1 | sed -n 's/.*allowed: //p' | tr -d ','); do
	grep -q "$key" "$D/fastoom-bpf.yaml.5" || { bad "the key $key is not in the man page" && missing=1; }
done
((missing)) || good "every key of the file is in its man page"

page=$(sed 's/\\//g; s/f[BIR]//g' "$D/fastoom-bpf.yaml.5")
if grep -q 'Formerly background_reclaim' <<<"$page"; then
	good "a key that was renamed has its old name there"
else
	bad "background_reclaim is not in the man page"
fi

complete_bash() {
	bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _fastoom_bpf
		echo "${COMPREPLY[*]}"' - "$D/fastoom-bpf.bash" "$@"
}
same "bash: commands" "events explain" "$(complete_bash fastoom-bpf e)"
same "bash: options" "--sort --socket" "$(complete_bash fastoom-bpf top --so)"
same "bash: files" "Makefile" "$(complete_bash fastoom-bpf run --config Makef)"
same "bash: a value that is not a file" "" "$(complete_bash fastoom-bpf run --for '')"
if command -v zsh >/dev/null; then
	if zsh -n "$D/_fastoom-bpf"; then
		good "zsh reads its completion"
	else
		bad "zsh does not read its completion"
	fi
fi
if command -v fish >/dev/null; then
	same "fish: options" "--socket --sort" "$(fish -c "source $D/fastoom-bpf.fish; complete -C 'fastoom-bpf top --so'" | cut -f 1 | sort | xargs)"
fi

finish
