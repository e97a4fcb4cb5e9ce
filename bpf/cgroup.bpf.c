// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * cgroup: a removed cgroup's entries are deleted from every map at once, so that a host that
 * creates containers all day never fills the maps.
 */
#include "emit.bpf.h"
#include "scope.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* On v1 every controller has a hierarchy and ids of its own. */
static __always_inline bool is_memory_cgroup(struct cgroup *cgroup)
{
	return cgroup->subsys[fo_memory_index()] != NULL;
}

SEC("tp_btf/cgroup_mkdir")
int fo_cgroup_made(u64 *ctx)
{
	if (is_memory_cgroup((struct cgroup *)ctx[0]))
		fo_count(cgroups_made);
	return 0;
}

SEC("tp_btf/cgroup_rmdir")
int fo_cgroup_removed(u64 *ctx)
{
	struct cgroup *cgroup = (struct cgroup *)ctx[0];
	struct fo_wait_key wait = {};
	struct fo_event *event;
	__u64 id;

	if (!is_memory_cgroup(cgroup))
		return 0;
	id = cgroup->kn->id;
	bpf_map_delete_elem(&fo_limit_of, &id);
	bpf_map_delete_elem(&fo_memstalls, &id);
	bpf_map_delete_elem(&fo_quiet, &id);
	bpf_map_delete_elem(&fo_reach, &id);
	wait.scope = id;
	for (__u32 stripe = 0; stripe < FO_STRIPES_MAX; stripe++) {
		wait.stripe = stripe;
		bpf_map_delete_elem(&fo_waits, &wait);
	}
	if (!bpf_map_delete_elem(&fo_scopes, &id))
		fo_count(scopes_removed);
	if (bpf_map_delete_elem(&fo_hot, &id))
		return 0;
	event = fo_emit_begin(FO_EVENT_SCOPE_REMOVED, sizeof(*event), id);
	if (event)
		fo_emit_end(event);
	return 0;
}
