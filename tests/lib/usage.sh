# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# The command line of a script, by the first paragraph of its header, which is its usage: fourth
# line to the next empty comment. To be sourced by bash.
#
#   usage [WHAT]            says what is wrong and how the script is called; exit status 2
#   no_arguments "$@"       usage, if there are any
#   parse_options "$@"      sets the variable of each option's name ("-" as "_"): [--runs N] takes a
#                           number from 1 on, SECONDS and N,N... numbers from 0 on, a|b one of these
#                           words, [--keep DIR] any text; [--check] is set to 1. Anything else:
#                           usage
#
# Both print the header and end the script for --help.

# The script may have changed its directory since it was called.
USAGE__SCRIPT=$0
[[ $0 == /* || -e $0 ]] || USAGE__SCRIPT=${OLDPWD:-.}/$0

usage() {
	local text
	text=$(sed -n '4,/^#$/s/^# //p' "$USAGE__SCRIPT" | paste -sd ' ' | tr -s ' ')
	printf '%s: %susage: %s\n' "${0##*/}" "${1:+$1; }" "${text%.}" >&2
	exit 2
}

usage__help() {
	sed -n '4,/^[^#]/s/^# \?//p' "$USAGE__SCRIPT"
	exit 0
}

no_arguments() {
	[[ ${1:-} != --help ]] || usage__help
	(($# == 0)) || usage "$1 is one argument too many"
}

parse_options() {
	local text option word value
	text=$(sed -n '4,/^#$/p' "$USAGE__SCRIPT" | tr -s '\n ' '  ')
	while (($#)); do
		option=$1
		[[ $option != --help ]] || usage__help
		if [[ ! $option =~ ^--[a-z-]+$ || ! $text =~ [\[\ ]$option(\ ([A-Za-z,.|]+))?[]\ ] ]]; then
			usage "$option is not an option"
		fi
		word=${BASH_REMATCH[2]} value=1
		shift
		if [[ -n $word ]]; then
			(($#)) || usage "$option needs a value"
			value=$1
			shift
			case $word in
			N) [[ $value =~ ^[1-9][0-9]{0,8}$ ]] || usage "$option $value: this is no number from 1 on" ;;
			SECONDS) [[ $value =~ ^(0|[1-9][0-9]{0,8})$ ]] || usage "$option $value: this is no number from 0 on" ;;
			N,N...) [[ $value =~ ^[0-9]{1,4}(,[0-9]{1,4})*$ ]] || usage "$option $value: these are no numbers from 0 on" ;;
			*'|'*) [[ $value != *'|'* && "|$word|" == *"|$value|"* ]] || usage "$option $value: not one of ${word//|/, }" ;;
			*) [[ -n $value ]] || usage "$option needs a value" ;;
			esac
		fi
		option=${option#--}
		printf -v "${option//-/_}" %s "$value"
	done
}
