#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Pods without a kubelet: cgroups and files as the kubelet makes them, with real processes. The
# names are found; a policy by pod and namespace ends the near-OOM of a container at its limit by
# killing the whole pod but its sandbox, or, with `spare_pid1`, all but its first process.
set -euo pipefail

cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib/scene.sh
. tests/lib/scene.sh
# shellcheck source=tests/lib/daemon.sh
. tests/lib/daemon.sh

show_begin
if [[ $SCENE__V != 1 ]]; then
	echo "skipped: the tree is of cgroup v1"
	exit 77
fi
BIN=$DAEMON__BUILD/fastoom-bpf
FILE_BYTES=$((150 << 20))

hex64() { printf "%.0s$1" {1..64}; }
UID1=11111111-aaaa-bbbb-cccc-0123456789ab
APP=$(hex64 a) SIDE=$(hex64 b) PAUSE=$(hex64 c)

# in_pod ID COMMAND...: runs it in the background in that container.
in_pod() {
	local id=$1
	shift
	# shellcheck disable=SC2016 # for the inner shell
	scene_run sh -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$POD/$id" "$@"
	disown "$SCENE_PID"
}

# pod_begin NAME: the scene, the tree of the pod with 256 MiB for the application, files with its
# names.
pod_begin() {
	SHOW__RUN=$1
	scene_begin "pod-$1" $((512 << 20))
	ROOT=$SCENE_DIR/root
	POD=$SCENE_CG/kubepods/burstable/pod$UID1
	mkdir -p "$POD/$APP" "$POD/$SIDE" "$POD/$PAUSE"
	echo $((256 << 20)) >"$POD/$APP/memory.limit_in_bytes"
	mkdir -p "$ROOT/var/log/pods/prod_web-1_$UID1" "$ROOT/var/log/containers"
	ln -s x "$ROOT/var/log/containers/web-1_prod_app-$APP.log"
	ln -s x "$ROOT/var/log/containers/web-1_prod_side-$SIDE.log"
	mkdir -p "$ROOT/run/containerd/io.containerd.runtime.v2.task/k8s.io/$PAUSE"
	echo '{"annotations":{"io.kubernetes.cri.container-type":"sandbox"}}' \
		>"$ROOT/run/containerd/io.containerd.runtime.v2.task/k8s.io/$PAUSE/config.json"
	file=$(show_file mapped "$FILE_BYTES")
	in_pod "$PAUSE" "$LOAD" steady --size 20MiB --comm holds
	pause=$SCENE_PID
	in_pod "$SIDE" "$LOAD" steady --size 10MiB --comm side
	side=$SCENE_PID
}

# pod_end: removes the cgroups in the scene's, which scene_end does not know.
pod_end() {
	local dir
	daemon_stop
	for dir in "$POD/$APP" "$POD/$SIDE" "$POD/$PAUSE"; do
		while read -r pid; do
			echo "$pid" >"$SCENE_CG/cgroup.procs" 2>/dev/null || :
		done <"$dir/cgroup.procs"
	done
	find "$SCENE_CG" -mindepth 1 -depth -type d -exec rmdir {} +
	scene_end
}

alive() { scene_alive "$1" && echo 1 || echo 0; }

# daemon_for POLICY
daemon_for() {
	daemon_start_file "policies: [ { name: web, match: { pod: '^web-', namespace: prod }, $1 } ]" --host-root "$ROOT"
}

# ---- the order of victims ----

pod_begin names
in_pod "$APP" "$LOAD" steady --size 30MiB --comm app
app=$SCENE_PID
sleep 1
seen=$("$BIN" victims --scope prod/web-1 --host-root "$ROOT" --over 200ms --json)
one() { jq -r ".processes[] | select(.pid == $1) | $2" <<<"$seen"; }
show_check "its containers are not named app and side" \
	"\"$(one "$app" .container) $(one "$side" .container)\" == \"app side\"" || :
show_check "the pod is not prod/web-1" "\"$(one "$app" '.namespace + "/" + .pod')\" == \"prod/web-1\"" || :
show_check "the sandbox is not spared" \
	"\"$(one "$pause" .excluded)\" == \"holds a pod together, or runs containers\"" || :
show_check "other processes are listed" "$(jq '.processes | length' <<<"$seen") == 3" || :
show_check "the largest process is not the first" "\"$(jq -r '.processes[0].comm' <<<"$seen")\" == \"app\"" || :
echo "names: $(jq -c '[.processes[] | [.comm, .container, .order, .excluded]]' <<<"$seen")"
pod_end

# ---- a container at its limit: the pod is killed, its sandbox is not ----

pod_begin whole
daemon_for 'kill: pod'
in_pod "$APP" "$LOAD" service "$file" --size 150MiB --comm app >/dev/null
app=$SCENE_PID
sleep 3
in_pod "$APP" "$LOAD" leak --to 200MiB --rate 200MiB --comm leaker
leaker=$SCENE_PID
seen=''
while [[ -z $seen ]] && scene_alive "$leaker"; do
	seen=$("$BIN" status --socket "$DAEMON_DIR/control.sock" --json | jq -r --arg path "${SCENE_REL}/kubepods/burstable/pod$UID1/$APP" \
		'.scopes[] | select(.path == $path) | "\(.kind) \(.namespace) \(.pod) \(.container)"')
	sleep 0.1
done
show_check "status does not name the container: $seen" "\"$seen\" == \"pod prod web-1 app\"" || :
daemon_await kill 40 || :
sleep 1
[[ $("$BIN" events -e "$DAEMON_EVENTS" --pod 'web-*' --kind kill) == *'  kill        prod/web-1/app  '* ]] ||
	show_check "events --pod does not show the kill" 0 || :
record=$(grep '"event":"kill"' "$DAEMON_EVENTS" | head -n 1)
# by its id: the kernel's log may have a later kill
"$BIN" explain -e "$DAEMON_EVENTS" "$(jq .id <<<"$record")" >"$SCENE_DIR/explained" || :
show_check "explain does not name the container" "$(grep -c 'the container app of the pod prod/web-1' "$SCENE_DIR/explained") > 0" || :
echo "whole: $(jq -c '[.outcome, .members, .scope.kind, .scope.namespace, .scope.pod, .scope.container, .victim.comm, .victim.container]' <<<"$record")"
show_check "not all of the pod was killed" \
	"$(alive "$app") + $(alive "$leaker") + $(alive "$side") == 0" || :
show_check "the sandbox was killed" "$(alive "$pause") == 1" || :
show_check "the record does not name the container" \
	"\"$(jq -r '.scope | "\(.kind) \(.namespace) \(.pod) \(.container)"' <<<"$record")\" == \"pod prod web-1 app\"" || :
show_check "the record does not have three members" "$(jq .members <<<"$record") == 3" || :
((${#SHOW__UNMET[@]} == 0)) || tail -n 5 "$DAEMON_LOG"
pod_end

# ---- the first process is spared ----

pod_begin spared
daemon_for 'kill: pod, spare_pid1: true, protect: [ { container: side } ]'
# the service is the first process; the leaker is another one in the same pid namespace; the process
# that started them is in another cgroup, like a shim
# shellcheck disable=SC2016 # for the inner shell
scene_run unshare -pf --kill-child sh -c 'echo 0 >"$2/cgroup.procs"
	"$0" leak --to 200MiB --rate 40MiB --comm leaker &
	exec "$0" service "$1" --size 150MiB --comm app' "$LOAD" "$file" "$POD/$APP" >/dev/null
disown "$SCENE_PID"
daemon_await kill 40 || :
sleep 1
record=$(grep '"event":"kill"' "$DAEMON_EVENTS" | head -n 1)
echo "spared: $(jq -c '[.outcome, .members, .victim.comm]' <<<"$record")"
survivors=$(while read -r pid; do cat "/proc/$pid/comm"; done <"$POD/$APP/cgroup.procs" | sort | paste -sd ' ')
show_check "these run: '$survivors'" "\"$survivors\" == \"app\"" || :
spared=$(jq -r '[.spared[] | "\(.comm): \(.why)"] | sort | join("; ")' <<<"$record")
show_check "spared in the record: $spared" \
	"\"$spared\" == \"app: first process of a container, spared; side: protected\"" || :
show_check "the victim is not the leaker" "\"$(jq -r .victim.comm <<<"$record")\" == \"leaker\"" || :
show_check "the protected container was killed" "$(alive "$side") == 1" || :
((${#SHOW__UNMET[@]} == 0)) || tail -n 5 "$DAEMON_LOG"
pod_end

show_end "met in every case"
