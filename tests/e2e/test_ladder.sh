#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# The steps of a ladder in real near-OOMs: a SIGTERM that is obeyed and one that is ignored, a step
# that this host does not have, a notify program that exceeds its timeout, a group that is killed
# whole but for its first process; and on v1 the effect of force_empty and freeze on real cgroups.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/scene.sh
. tests/lib/scene.sh
# shellcheck source=tests/lib/daemon.sh
. tests/lib/daemon.sh

show_begin
LIMIT=$((256 << 20)) FILE_BYTES=$((150 << 20))

# first FILTER: the first record that a jq filter selects.
first() { daemon_records "$1" | sed -n 1p; }
# steps RECORD: the names of its steps, in order.
steps() { jq -r '[.steps[].step] | join(" ")' <<<"$1"; }

# case_of NAME POLICY COMMAND...: a service, a daemon, a leaker; sets RECORD to the first settled
# record.
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

# Commands for show_load, which calls them as fo-load.
LOAD_IGNORES=$SHOW__SCRATCH/ignores
cat >"$LOAD_IGNORES" <<-END
	#!/bin/sh
	trap '' TERM
	exec "$LOAD" "\$@"
END
chmod +x "$LOAD_IGNORES"

RULES='prefer: [ { comm: ^leaker$ } ]'

# two processes in their own process group, which both exit on SIGTERM
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
show_check "not two members" "$(jq .members <<<"$RECORD") == 2" || :
show_check "the other process of its group runs" \
	"$(scene_alive "$(cat "$SHOW__SCRATCH/friend")" && echo 0 || echo 1)" || :
show_check "the steps are $(steps "$RECORD")" "\"$(steps "$RECORD")\" == \"chosen recorded term killed\"" || :
show_check "there was a SIGKILL" "$(grep -c '"step":"signal"' "$DAEMON_EVENTS" || :) == 0" || :
end_case

LOAD=$LOAD_IGNORES
# at `high`, when nothing grows any more: growth ends the wait, see below
case_of ignores "pressure: high
ladder: [ reclaim 500ms, term 1s, kill ]
$RULES" leak --to 200MiB --rate 4GiB --comm leaker
LOAD=$LOAD_KEPT
want='chosen recorded reclaim term signal killed'
[[ $SCENE__V == 2 ]] || want='chosen recorded reclaim not possible term signal killed'
echo "ignores: $(steps "$RECORD") $(jq -r '"\(.outcome) \(.took_ms)"' <<<"$RECORD")"
show_check "the steps are $(steps "$RECORD")" "\"$(steps "$RECORD")\" == \"$want\"" || :
show_check "it had less than a second: $(jq .took_ms <<<"$RECORD") ms" "$(jq '.took_ms >= 1000' <<<"$RECORD" | sed 's/true/1/; s/false/0/')" || :
end_case

# a process that keeps growing does not obey: the wait ends early
LOAD=$LOAD_IGNORES
case_of grows "ladder: [ term 20s, kill ]
$RULES" leak --to 230MiB --rate 20MiB --comm leaker
LOAD=$LOAD_KEPT
echo "grows: $(steps "$RECORD") $(jq -r '"\(.outcome) \(.took_ms)"' <<<"$RECORD")"
show_check "the steps are $(steps "$RECORD")" "\"$(steps "$RECORD")\" == \"chosen recorded term signal killed\"" || :
show_check "the wait did not end early: $(jq .took_ms <<<"$RECORD") ms" "$(jq '.took_ms < 10000' <<<"$RECORD" | sed 's/true/1/; s/false/0/')" || :
end_case

# every process is protected: one record that says so, not one a second
SHOW__RUN=protected
scene_begin ladder-protected "$LIMIT"
file=$(show_file mapped "$FILE_BYTES")
daemon_start 'protect: [ { uid: 0-4294967295 } ]'
show_service "$SCENE_DIR/report" "$file" "$FILE_BYTES" --comm fo-service
show_load /dev/null leak --to 200MiB --rate 200MiB --comm leaker
daemon_await no_victim 30 || :
sleep 4
echo "protected: $(daemon_records '.event == "no_victim"' | jq -c .held_by)"
show_check "recorded $(daemon_count '.event == "no_victim"') times" "$(daemon_count '.event == "no_victim"') == 1" || :
show_check "a process was killed" "$(daemon_count '.event == "act" or .event == "kill"') == 0" || :
end_case

# the program stores its input, and then does not end
NOTIFIED=$SHOW__SCRATCH/notified
cat >"$SHOW__SCRATCH/notify" <<-END
	#!/bin/sh
	cat >"$NOTIFIED.tmp"
	mv "$NOTIFIED.tmp" "$NOTIFIED"
	echo \$\$ >"$NOTIFIED.pid"
	exec sleep 60
END
chmod +x "$SHOW__SCRATCH/notify"
DAEMON_MORE="notify: $SHOW__SCRATCH/notify
notify_timeout: 1s"
case_of notifies "ladder: [ notify, kill ]
$RULES" leak --to 200MiB --rate 200MiB --comm leaker
DAEMON_MORE=''
echo "notifies: $(steps "$RECORD") $(jq -r '"\(.outcome) \(.took_ms)"' <<<"$RECORD")"
show_check "the steps are $(steps "$RECORD")" "\"$(steps "$RECORD")\" == \"chosen recorded notify signal killed\"" || :
show_check "the signal waited for the program" "$(jq '.took_ms < 1000' <<<"$RECORD" | sed 's/true/1/; s/false/0/')" || :
sleep 2
show_check "the program did not read the victim" "\"$(jq -r .victim.comm "$NOTIFIED" 2>/dev/null)\" == \"leaker\"" || :
show_check "the program runs after its timeout" "$(kill -0 "$(cat "$NOTIFIED.pid")" 2>/dev/null && echo 0 || echo 1)" || :
end_case

# v1: force_empty reclaims what it can at once; that ends no livelock, so a kill follows
if [[ $SCENE__V == 1 ]]; then
	case_of empties "ladder: [ force_empty 1s, kill ]
$RULES" leak --to 200MiB --rate 4GiB --comm leaker
	echo "empties: $(steps "$RECORD") $(jq -r '"\(.outcome) \(.took_ms)"' <<<"$RECORD")"
	show_check "the steps are $(steps "$RECORD")" \
		"\"$(steps "$RECORD")\" ~ /^chosen recorded force_empty (signal killed|relieved)\$/" || :
	show_check "it had less than its second: $(jq .took_ms <<<"$RECORD") ms" \
		"$(jq '.took_ms >= 900' <<<"$RECORD" | sed 's/true/1/; s/false/0/')" || :
	end_case
fi

# The freezer of v1 is another hierarchy: the step needs a cgroup with the same path in both. The
# leaker is frozen, then thawed to be killed.
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
	show_check "the steps are $(steps "$RECORD")" \
		"\"$(steps "$RECORD")\" == \"chosen recorded freeze signal killed\"" || :
	show_check "it was not frozen for a second" "$(grep -c FROZEN "$SHOW__SCRATCH/states" || :) >= 10" || :
	show_check "its cgroup is still frozen" \
		"\"$(cat "$(cat "$SHOW__SCRATCH/freezer")/freezer.state")\" == \"THAWED\"" || :
	freezer=$(cat "$SHOW__SCRATCH/freezer")
	rmdir -- "$freezer" "$SCENE_CG/apart" || :
	[[ $freezer != "$FREEZER/$SCENE_REL"* && $freezer != "$FREEZER$SCENE_REL"* ]] || rmdir -- "${freezer%/apart}" || :
	end_case
fi

show_end "met in every case"
