#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# The steps of a ladder in real near-OOMs: SIGTERM that is obeyed and one that is not, a step that
# this host cannot do, a program that is told and outlives its time; a group that dies whole but
# for its first process; and on v1 what force_empty and freeze do to real cgroups.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/scene.sh
. tests/lib/scene.sh
# shellcheck source=tests/lib/daemon.sh
. tests/lib/daemon.sh

show_begin
LIMIT=$((256 << 20)) FILE_BYTES=$((150 << 20))

# The first record of a kind, by a jq filter.
first() { daemon_records "$1" | sed -n 1p; }
# steps RECORD: the names of its steps in order
steps() { jq -r '[.steps[].step] | join(" ")' <<<"$1"; }

# case NAME POLICY COMMAND...: a service, a daemon, a leaker; sets RECORD to the first settled one.
case_of() {
	SHOW__RUN=$1
	scene_begin "ladder-$1" "$LIMIT"
	file=$(show_file mapped "$FILE_BYTES")
	daemon_start "$2"
	show_service "$SCENE_DIR/report" "$file" "$FILE_BYTES" --comm fo-service
	shift 2
	show_load /dev/null "$@"
	for ((i = 0; i < 300; i++)); do
		RECORD=$(first '.outcome')
		[[ -z $RECORD ]] || break
		sleep 0.1
	done
	show_check "the service is dead" "$(scene_alive "$SERVICE" && echo 1 || echo 0)" || :
}

end_case() {
	((${#SHOW__UNMET[@]} == 0)) || sed 's/^/    /' "$DAEMON_LOG" | grep -v ' risk .* reclaims' | tail -n 12
	daemon_stop
	scene_end
}

# show_load runs fo-load's modes; a command of another kind needs the same care
LOAD_IGNORES=$SHOW__SCRATCH/ignores
cat >"$LOAD_IGNORES" <<-END
	#!/bin/sh
	trap '' TERM
	exec "$LOAD" "\$@"
END
chmod +x "$LOAD_IGNORES"

RULES='prefer: [ { comm: ^leaker$ } ]'

# two in a process group of their own, who both do as they are asked
cat >"$SHOW__SCRATCH/pair" <<-END
	#!/bin/sh
	[ "\$1" = service ] && exec "$LOAD" "\$@"
	exec setsid sh -c '"$LOAD" steady --size 8MiB --comm friend & echo \$! >"$SHOW__SCRATCH/friend"; exec "$LOAD" "\$@"' x "\$@"
END
chmod +x "$SHOW__SCRATCH/pair"
LOAD_KEPT=$LOAD LOAD=$SHOW__SCRATCH/pair
case_of obeys "ladder: [ term 5s, kill ]
kill: group
$RULES" leak --to 190MiB --rate 4GiB --comm leaker
LOAD=$LOAD_KEPT
echo "obeys: $(steps "$RECORD") $(jq -r '"\(.outcome) \(.took_ms) members \(.members)"' <<<"$RECORD")"
show_check "two were asked" "$(jq .members <<<"$RECORD") == 2" || :
show_check "the other of its group is alive" \
	"$(scene_alive "$(cat "$SHOW__SCRATCH/friend")" && echo 0 || echo 1)" || :
show_check "asked and gone" "\"$(steps "$RECORD")\" == \"chosen recorded term killed\"" || :
show_check "by SIGTERM, so no SIGKILL" "$(grep -c '"step":"signal"' "$DAEMON_EVENTS" || :) == 0" || :
end_case

LOAD=$LOAD_IGNORES
# at `high`, when nothing grows any more: or else the grace is cut short, see below
case_of ignores "pressure: high
ladder: [ reclaim 500ms, term 1s, kill ]
$RULES" leak --to 200MiB --rate 4GiB --comm leaker
LOAD=$LOAD_KEPT
want='chosen recorded reclaim term signal killed'
[[ $SCENE__V == 2 ]] || want='chosen recorded reclaim not possible term signal killed'
echo "ignores: $(steps "$RECORD") $(jq -r '"\(.outcome) \(.took_ms)"' <<<"$RECORD")"
show_check "asked, then killed: $(steps "$RECORD")" "\"$(steps "$RECORD")\" == \"$want\"" || :
show_check "it had its second: $(jq .took_ms <<<"$RECORD") ms" "$(jq '.took_ms >= 1000' <<<"$RECORD" | sed 's/true/1/; s/false/0/')" || :
end_case

# who goes on growing has not heard: the grace ends there
LOAD=$LOAD_IGNORES
case_of grows "ladder: [ term 20s, kill ]
$RULES" leak --to 230MiB --rate 20MiB --comm leaker
LOAD=$LOAD_KEPT
echo "grows: $(steps "$RECORD") $(jq -r '"\(.outcome) \(.took_ms)"' <<<"$RECORD")"
show_check "asked, then killed" "\"$(steps "$RECORD")\" == \"chosen recorded term signal killed\"" || :
show_check "cut short: $(jq .took_ms <<<"$RECORD") ms" "$(jq '.took_ms < 10000' <<<"$RECORD" | sed 's/true/1/; s/false/0/')" || :
end_case

# nobody may die: said once, not every second
SHOW__RUN=nobody
scene_begin ladder-nobody "$LIMIT"
file=$(show_file mapped "$FILE_BYTES")
daemon_start 'protect: [ { uid: 0-4294967295 } ]'
show_service "$SCENE_DIR/report" "$file" "$FILE_BYTES" --comm fo-service
show_load /dev/null leak --to 200MiB --rate 200MiB --comm leaker
daemon_await error 30 || :
sleep 4
echo "nobody: $(daemon_records '.event == "error"' | jq -r .message)"
show_check "said $(daemon_count '.event == "error"') times" "$(daemon_count '.event == "error"') == 1" || :
show_check "somebody was killed" "$(daemon_count '.event == "act" or .event == "kill"') == 0" || :
end_case

# the program writes down what it is told, and then does not end
TOLD=$SHOW__SCRATCH/told
cat >"$SHOW__SCRATCH/notify" <<-END
	#!/bin/sh
	cat >"$TOLD.tmp"
	mv "$TOLD.tmp" "$TOLD"
	echo \$\$ >"$TOLD.pid"
	exec sleep 60
END
chmod +x "$SHOW__SCRATCH/notify"
DAEMON_MORE="notify: $SHOW__SCRATCH/notify
notify_timeout: 1s"
case_of notifies "ladder: [ notify, kill ]
$RULES" leak --to 200MiB --rate 200MiB --comm leaker
DAEMON_MORE=''
echo "notifies: $(steps "$RECORD") $(jq -r '"\(.outcome) \(.took_ms)"' <<<"$RECORD")"
show_check "told and killed" "\"$(steps "$RECORD")\" == \"chosen recorded notify signal killed\"" || :
show_check "the signal did not wait for the program" "$(jq '.took_ms < 1000' <<<"$RECORD" | sed 's/true/1/; s/false/0/')" || :
sleep 2
show_check "the program was told whom" "\"$(jq -r .victim.comm "$TOLD" 2>/dev/null)\" == \"leaker\"" || :
show_check "the program has had its second" "$(kill -0 "$(cat "$TOLD.pid")" 2>/dev/null && echo 0 || echo 1)" || :
end_case

# v1: what can be reclaimed is, at once; it is no cure for a livelock, so somebody dies after it
if [[ $SCENE__V == 1 ]]; then
	case_of empties "ladder: [ force_empty 1s, kill ]
$RULES" leak --to 200MiB --rate 4GiB --comm leaker
	echo "empties: $(steps "$RECORD") $(jq -r '"\(.outcome) \(.took_ms)"' <<<"$RECORD")"
	show_check "emptied, and looked what it did: $(steps "$RECORD")" \
		"\"$(steps "$RECORD")\" ~ /^chosen recorded force_empty (signal killed|relieved)\$/" || :
	show_check "it had its second: $(jq .took_ms <<<"$RECORD") ms" \
		"$(jq '.took_ms >= 900' <<<"$RECORD" | sed 's/true/1/; s/false/0/')" || :
	end_case
fi

# v1's freezer is another hierarchy: only where the victim's cgroup has the same path in both is it
# known whom it stops. The leaker stands still, then is thawed to die.
FREEZER=$(awk '$3 == "cgroup" && $4 ~ /(^|,)freezer(,|$)/ { print $2; exit }' /proc/self/mounts)
if [[ $SCENE__V == 1 && -n $FREEZER ]]; then
	cat >"$SHOW__SCRATCH/apart" <<-END
		#!/bin/sh
		[ "\$1" = service ] && exec "$LOAD" "\$@"
		rel=\$(sed -n 's/^[0-9]*:[^:]*memory[^:]*://p' /proc/self/cgroup)/apart
		mkdir -p "$SCENE__ROOT\$rel" "$FREEZER\$rel"
		echo \$\$ >"$SCENE__ROOT\$rel/cgroup.procs"
		echo \$\$ >"$FREEZER\$rel/cgroup.procs"
		echo "$FREEZER\$rel" >"$SHOW__SCRATCH/freezer"
		(while :; do cat "$FREEZER\$rel/freezer.state"; sleep 0.1; done) \
			>"$SHOW__SCRATCH/states" 2>/dev/null &
		echo \$! >"$SHOW__SCRATCH/watcher"
		echo \$! >"$SCENE__ROOT/cgroup.procs"
		echo \$! >"$FREEZER/cgroup.procs"
		exec "$LOAD" "\$@"
	END
	chmod +x "$SHOW__SCRATCH/apart"
	LOAD=$SHOW__SCRATCH/apart
	case_of freezes "ladder: [ freeze 2s, kill ]
$RULES" leak --to 200MiB --rate 4GiB --comm leaker
	LOAD=$LOAD_KEPT
	kill "$(cat "$SHOW__SCRATCH/watcher")" 2>/dev/null || :
	echo "freezes: $(steps "$RECORD") $(jq -r '"\(.outcome) \(.took_ms)"' <<<"$RECORD"); states $(uniq "$SHOW__SCRATCH/states" | tr '\n' ' ')"
	show_check "frozen, then thawed and killed: $(steps "$RECORD")" \
		"\"$(steps "$RECORD")\" == \"chosen recorded freeze signal killed\"" || :
	show_check "it stood still for a while" "$(grep -c FROZEN "$SHOW__SCRATCH/states" || :) >= 10" || :
	show_check "its cgroup is thawed" \
		"\"$(cat "$(cat "$SHOW__SCRATCH/freezer")/freezer.state")\" == \"THAWED\"" || :
	freezer=$(cat "$SHOW__SCRATCH/freezer")
	rmdir -- "$freezer" "$SCENE_CG/apart" || :
	[[ $freezer != "$FREEZER/$SCENE_REL"* && $freezer != "$FREEZER$SCENE_REL"* ]] || rmdir -- "${freezer%/apart}" || :
	end_case
fi

show_end "met in every case"
