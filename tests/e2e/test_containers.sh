#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#
# Real containers: runc makes them (namespaces, root file system, limit), in cgroup trees as of the
# kubelet with either cgroup driver, a sandbox and an application each, with their bundles where
# containerd has them. A policy for the pod ends the near-OOM of the application: with `spare_pid1`
# the leaker is killed and the container keeps running; with `kill: pod` the whole container ends
# and its sandbox keeps running. The record names pod, namespace and container.
#
# crun is not used: on a host with both cgroup versions mounted it makes no container.
set -euo pipefail

cd -- "${BASH_SOURCE[0]%/*}/../.."
# shellcheck source-path=SCRIPTDIR source=../lib/scene.sh
. tests/lib/scene.sh
# shellcheck source-path=SCRIPTDIR source=../lib/daemon.sh
. tests/lib/daemon.sh

show_begin
if [[ $SCENE__V != 1 ]]; then
	echo "skipped: the trees are of cgroup v1"
	exit 77
fi
command -v runc >/dev/null || { echo "skipped: there is no runc" && exit 77; }
FILE_BYTES=$((75 << 20))
UID1=22222222-aaaa-bbbb-cccc-0123456789ab
APP=$(printf '%.0sa' {1..64}) PAUSE=$(printf '%.0sc' {1..64})
STATE=''

runc_() { runc --root "$STATE" "$@"; }

# Removes the containers, and the cgroups that runc made in other hierarchies.
clean_up() {
	local id root
	[[ -n $STATE ]] || return 0
	for id in "$APP" "$PAUSE"; do
		runc_ delete --force "$id" 2>/dev/null || :
	done
	while read -r root; do
		[[ ! -d $root$SCENE_REL ]] || find "$root$SCENE_REL" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null || :
		[[ $root == "$SCENE__ROOT" ]] || rmdir "$root$SCENE_REL" 2>/dev/null || :
	done < <(awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/self/mounts)
	STATE=''
}
# container ID TYPE LIMIT_BYTES COMMAND...: runs it in the background, in a cgroup of cgroup_of.
container() {
	local id=$1 type=$2 limit=$3 bundle
	bundle=$ROOT/run/containerd/io.containerd.runtime.v2.task/k8s.io/$id
	shift 3
	mkdir -p "$bundle/rootfs"/{proc,dev,sys,tmp,usr,lib,lib64,bin}
	mkdir -p "$bundle/rootfs$SHOW__SCRATCH" "$bundle/rootfs$DAEMON__BUILD"
	(cd "$bundle" && runc spec)
	jq --arg type "$type" --argjson limit "$limit" --arg path "$(cgroup_of "$id")" --arg scratch "$SHOW__SCRATCH" \
		--arg build "$DAEMON__BUILD" '
		.process.terminal = false | .process.args = $ARGS.positional
		| .process.rlimits = [] | .process.capabilities |= map_values(. + [ "CAP_IPC_LOCK" ])
		| .root = { path: "rootfs", readonly: true }
		| .annotations = { "io.kubernetes.cri.container-type": $type }
		| .mounts += [ "/usr", "/lib", "/lib64", "/bin", $scratch, $build
			| { destination: ., source: ., type: "none", options: [ "rbind", "ro" ] } ]
		| .linux.cgroupsPath = $path | .linux.resources.memory = { limit: $limit, swap: $limit }
		| del(.linux.seccomp)' "$bundle/config.json" --args -- "$@" >"$bundle/new"
	mv "$bundle/new" "$bundle/config.json"
	runc_ run --detach --bundle "$bundle" "$id" >"$SCENE_DIR/out-${id::1}" 2>&1 </dev/null || {
		echo "runc: $(tail -n 3 "$SCENE_DIR/out-${id::1}")"
		return 1
	}
}

status_of() { runc_ state "$1" | jq -r .status; }
pid_of() { runc_ state "$1" | jq -r .pid; }

# begin DRIVER POLICY: the part that both cases share.
begin() {
	SHOW__RUN=$1
	scene_begin "container-$1" $((512 << 20))
	# before the scene ends, which cannot remove its cgroup while these are in it
	trap 'rc=$?; set +e; clean_up; (exit "$rc"); scene__exit' EXIT
	ROOT=$SCENE_DIR/root STATE=$SCENE_DIR/runc
	mkdir -p "$ROOT/var/log/pods/prod_web-1_$UID1" "$ROOT/var/log/containers"
	ln -s x "$ROOT/var/log/containers/web-1_prod_app-$APP.log"
	file=$(show_file mapped "$FILE_BYTES")
	container "$PAUSE" sandbox $((64 << 20)) /bin/sleep 1000
	daemon_start_file "policies: [ { name: web, match: { pod: '^web-', namespace: prod }, $2 } ]" --host-root "$ROOT"
	# shellcheck disable=SC2016 # for the inner shell
	container "$APP" container $((128 << 20)) /bin/sh -c '(sleep 4; exec "$0" leak --to 100MiB --rate 40MiB --comm leaker) &
		exec "$0" service "$1" --size 75MiB --comm app' "$LOAD" "$file"
	app=$(pid_of "$APP") pause=$(pid_of "$PAUSE")
	daemon_await kill 30 || :
	sleep 1
	record=$(grep '"event":"kill"' "$DAEMON_EVENTS" | head -n 1 || :)
	echo "$1: $(jq -c '[.outcome, .members, .scope.kind, .scope.namespace, .scope.pod, .scope.container, .victim.comm]' <<<"$record")"
	show_check "the record does not name the container" \
		"\"$(jq -r '.scope | "\(.kind) \(.namespace) \(.pod) \(.container)"' <<<"$record")\" == \"pod prod web-1 app\"" || :
	show_check "its sandbox does not run" "\"$(status_of "$PAUSE")\" == \"running\"" || :
	show_check "its sandbox is another process" "$(pid_of "$PAUSE") == $pause" || :
}

finish() {
	((${#SHOW__UNMET[@]} == 0)) || tail -n 5 "$DAEMON_LOG" "$SCENE_DIR"/out-*
	daemon_stop
	clean_up
	scene_end
}

cgroup_of() { echo "$SCENE_REL/kubepods/burstable/pod$UID1/$1"; }
begin cgroupfs 'spare_pid1: true'
show_check "the victim is not the leaker" "\"$(jq -r .victim.comm <<<"$record")\" == \"leaker\"" || :
show_check "the container does not run" "\"$(status_of "$APP")\" == \"running\" && $(pid_of "$APP") == $app" || :
finish

cgroup_of() {
	echo "$SCENE_REL/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID1//-/_}.slice/cri-containerd-$1.scope"
}
begin systemd 'kill: pod'
show_check "the container still runs" "\"$(status_of "$APP")\" == \"stopped\"" || :
finish

show_end "met with both drivers' trees"
