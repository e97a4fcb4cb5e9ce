// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * reclaim: which tasks are stalled reclaiming, for which scope, and for how long.
 *
 * Base probes: always attached. They run only when memory is reclaimed.
 */
#include "emit.bpf.h"
#include "open.bpf.h"
#include "progress.bpf.h"
#include "task_state.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile bool fo_have_task_storage = false;
const volatile bool fo_begin_has_memcg = false;
const volatile bool fo_cache_has_folio = false;
const volatile bool fo_have_probe_read = false;
const volatile bool fo_cgroup_v1 = false;
const volatile __u32 fo_fault_ns = 0;
const volatile __u32 fo_sample_shift = 4;
const volatile __u32 fo_cpu_shift = 0;
const volatile bool fo_have_int_args = false;

struct fo_counters fo_counters = {};
volatile __u64 fo_open_count = 0;
volatile __u32 fo_tracking_generation = 0;
volatile __u32 fo_tracking_node = 0;
volatile __u32 fo_tracking_faults = 0;
volatile __u64 fo_list_scope = 0;

/* Reports to user space that @scope reclaims, unless it knows or has muted the scope. */
static __always_inline void make_hot(__u64 scope, __u64 leaf, __u32 cause, __u64 now)
{
	struct fo_hot fresh = {}, *hot = bpf_map_lookup_elem(&fo_hot, &scope);
	struct fo_event_hot *event;

	if (hot) {
		if (!hot->muted_until_ns || now < hot->muted_until_ns)
			return;
		hot->muted_until_ns = 0;
		hot->since_ns = now;
	} else {
		fresh.since_ns = now;
		if (bpf_map_update_elem(&fo_hot, &scope, &fresh, BPF_NOEXIST)) {
			/* the map is full, or another CPU was faster */
			if (!bpf_map_lookup_elem(&fo_hot, &scope))
				fo_count(hot_full);
			return;
		}
	}

	event = fo_emit_begin(FO_EVENT_HOT, sizeof(*event), scope);
	if (!event) {
		/* not reported: the next reclaim tries again */
		hot = bpf_map_lookup_elem(&fo_hot, &scope);
		if (hot)
			hot->muted_until_ns = 1;
		return;
	}
	event->leaf_id = leaf;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->cause = cause;
	fo_emit_end(event);
}

static __always_inline void stall_begin(__u64 scope, __u64 leaf, __s32 order, __u32 cause)
{
	struct fo_scope_stat *stat = fo_scope_stat(scope, true);
	struct fo_task_state *state = fo_current_state(false);
	struct fo_open open = {
		.start_ns = bpf_ktime_get_ns(),
		.scope = scope,
		.fragment = order > 0,
	};

	make_hot(scope, leaf, cause, open.start_ns);
	if (!stat) {
		fo_count(scopes_full);
		return;
	}
	if (!fo_open_begin(FO_SECTION_RECLAIM, &open))
		return;
	fo_stall_begin(open.fragment ? &stat->fragment : &stat->stall, open.start_ns);
	if (!state)
		return;
	fo_does(state, FO_LOSES, open.start_ns);
	if (state->generation == fo_tracking_generation)
		fo_loss_begin(state, open.start_ns);
	state->in_reclaim = true;
	if (scope != FO_SCOPE_NODE || !state->scope)
		state->scope = scope;
}

/* Reclaim is lost work for a task that reads back what reclaim took, and not for a stream. */
static __always_inline void stall_lost(struct fo_task_state *state, __u64 scope, __u64 took)
{
	struct fo_wait_stat *stat;

	if (state->generation != fo_tracking_generation || !state->samples || state->is_new)
		return;
	stat = fo_wait_stat(scope, fo_stripe());
	if (stat)
		fo_add(stat->refault_stall_ns, took * state->within_reach / state->samples);
}

static __always_inline void stall_end(__u64 pages)
{
	struct fo_task_state *state = fo_current_state(false);
	struct fo_scope_stat *stat;
	struct fo_open open;
	__u64 now, took;

	if (!fo_open_end(FO_SECTION_RECLAIM, &open)) {
		fo_count(ends_unpaired);
		return;
	}
	if (open.not_a_stall)
		return;
	now = bpf_ktime_get_ns();
	took = now > open.start_ns ? now - open.start_ns : 0;
	stat = fo_scope_stat(open.scope, false);
	if (stat && open.fragment) {
		fo_stall_end(&stat->fragment, open.start_ns, now, pages);
	} else if (stat) {
		fo_stall_end(&stat->stall, open.start_ns, now, pages);
		fo_count_slot(stat, took);
	}
	if (!state)
		return;
	state->in_reclaim = false;
	if (state->generation == fo_tracking_generation) {
		fo_loss_end(state, now);
		if (!state->is_new)
			state->own_start_ns = now;
	}
	stall_lost(state, open.scope, took);
	fo_does(state, FO_FAULTS, now); /* most reclaim is within a fault */
}

static __always_inline __s32 begin_order(u64 *ctx)
{
	__u64 first = ctx[0], second = ctx[1];

	/* both are loaded before the choice: the verifier refuses a variable offset */
	barrier_var(first);
	barrier_var(second);
	return fo_begin_has_memcg ? second : first;
}

SEC("tp_btf/mm_vmscan_direct_reclaim_begin")
int fo_direct_begin(u64 *ctx)
{
	fo_count(direct_begins);
	stall_begin(FO_SCOPE_NODE, fo_current_memcg(), begin_order(ctx), FO_HOT_DIRECT);
	return 0;
}

SEC("tp_btf/mm_vmscan_direct_reclaim_end")
int fo_direct_end(u64 *ctx)
{
	fo_count(direct_ends);
	stall_end(ctx[0]);
	return 0;
}

/* Reclaim with no limit hit, by request. It stalls no task that allocates memory. */
static __always_inline void proactive_begin(void)
{
	struct fo_open open = {.not_a_stall = true};

	fo_count(begins_proactive);
	open.start_ns = bpf_ktime_get_ns();
	(void)fo_open_begin(FO_SECTION_RECLAIM, &open);
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_begin")
int fo_limit_begin(u64 *ctx)
{
	__u64 leaf = fo_current_memcg(), scope = fo_limit_scope(leaf), *known;

	fo_count(limit_begins);
	if (scope == FO_SCOPE_NODE) {
		proactive_begin();
		return 0;
	}
	known = bpf_map_lookup_elem(&fo_limit_of, &leaf);
	if (!known || *known != scope)
		bpf_map_update_elem(&fo_limit_of, &leaf, &scope, BPF_ANY);
	stall_begin(scope, leaf, begin_order(ctx), FO_HOT_LIMIT);
	return 0;
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_end")
int fo_limit_end(u64 *ctx)
{
	fo_count(limit_ends);
	stall_end(ctx[0]);
	return 0;
}

/* v1's soft limit. It runs within kswapd or direct reclaim and is not added to their stall. */
SEC("tp_btf/mm_vmscan_memcg_softlimit_reclaim_begin")
int fo_soft_begin(u64 *ctx)
{
	struct fo_scope_stat *stat = fo_scope_stat(FO_SCOPE_NODE, true);
	struct fo_open open = {};

	fo_count(soft_begins);
	if (!stat) {
		fo_count(scopes_full);
		return 0;
	}
	open.start_ns = bpf_ktime_get_ns();
	if (fo_open_begin(FO_SECTION_SOFT, &open))
		fo_stall_begin(&stat->soft, open.start_ns);
	return 0;
}

SEC("tp_btf/mm_vmscan_memcg_softlimit_reclaim_end")
int fo_soft_end(u64 *ctx)
{
	struct fo_scope_stat *stat = fo_scope_stat(FO_SCOPE_NODE, false);
	struct fo_open open;

	fo_count(soft_ends);
	if (!fo_open_end(FO_SECTION_SOFT, &open))
		fo_count(ends_unpaired);
	else if (stat)
		fo_stall_end(&stat->soft, open.start_ns, bpf_ktime_get_ns(), ctx[0]);
	return 0;
}

/* Fires after the sleep and within begin..end (5.16): shown, never added to the stall. */
SEC("tp_btf/mm_vmscan_throttled")
int fo_throttled(u64 *ctx)
{
	struct fo_open *open = fo_open_find(FO_SECTION_RECLAIM);
	struct fo_scope_stat *stat;

	if (!open || open->not_a_stall)
		return 0; /* kswapd has none */
	stat = fo_scope_stat(open->scope, false);
	if (!stat)
		return 0;
	fo_add(stat->throttled, 1);
	fo_add(stat->throttled_ns, (__u64)(__u32)ctx[2] * 1000);
	return 0;
}

SEC("tp_btf/mm_vmscan_kswapd_wake")
int fo_kswapd_wake(u64 *ctx)
{
	struct fo_scope_stat *stat = fo_scope_stat(FO_SCOPE_NODE, true);

	if (stat)
		fo_add(stat->kswapd_wakes, 1);
	else
		fo_count(scopes_full);
	make_hot(FO_SCOPE_NODE, FO_SCOPE_NODE, FO_HOT_KSWAPD, bpf_ktime_get_ns());
	return 0;
}

SEC("tp_btf/mm_vmscan_kswapd_sleep")
int fo_kswapd_sleep(u64 *ctx)
{
	struct fo_scope_stat *stat = fo_scope_stat(FO_SCOPE_NODE, false);

	if (stat)
		fo_add(stat->kswapd_sleeps, 1);
	return 0;
}
