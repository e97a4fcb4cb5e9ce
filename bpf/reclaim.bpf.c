// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * reclaim: who is stalled reclaiming, for which scope, and for how long.
 *
 * Sentinels: always attached, they run only when something is reclaimed.
 * Begin and end may lose each other (a program is skipped while another one
 * of its kind runs on the same CPU): a begin while a stall is open closes that
 * one first, an end without a begin is counted and ignored, an exit closes.
 */
#include "emit.bpf.h"
#include "progress.bpf.h"
#include "scope.bpf.h"
#include "sums.bpf.h"
#include "task_state.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile bool fo_have_task_storage = false;
const volatile bool fo_begin_has_memcg = false;
const volatile bool fo_cache_has_folio = false;
const volatile bool fo_have_probe_read = false;
const volatile bool fo_cgroup_v1 = false;
const volatile __u32 fo_fault_ns = 0;
const volatile __u32 fo_sample_shift = 4;
const volatile bool fo_have_int_args = false;

struct fo_counters fo_counters = {};
volatile __u32 fo_tracking_generation = 0;
volatile __u32 fo_tracking_node = 0;
volatile __u32 fo_tracking_faults = 0;
volatile __u64 fo_list_scope = 0;

/* Tells user space that @scope reclaims, unless it knows or does not want to. */
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
			/* full, or another CPU was faster */
			if (!bpf_map_lookup_elem(&fo_hot, &scope))
				fo_count(hot_full);
			return;
		}
	}

	event = fo_emit_begin(FO_EVENT_HOT, sizeof(*event), scope);
	if (!event) {
		/* not told: the next reclaim tries again */
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

static __always_inline void stall_open(__u64 scope, __u64 leaf, __s32 order, __u32 cause)
{
	struct fo_task_state *state = fo_current_state(true);
	struct fo_scope_stat *stat = fo_scope_stat(scope, true);
	__u64 now = bpf_ktime_get_ns();

	make_hot(scope, leaf, cause, now);
	if (!state) {
		fo_count(tasks_full);
		return;
	}
	if (state->stall_start_ns) {
		fo_count(ends_missed);
		fo_stall_close(state, now, 0);
	}
	if (!stat) {
		fo_count(scopes_full);
		return;
	}
	fo_does(state, FO_LOSES, now);
	state->stall_start_ns = now;
	state->stall_scope = scope;
	state->fragment = order > 0;
	if (scope != FO_SCOPE_NODE || !state->scope)
		state->scope = scope;
	fo_stall_begin(order > 0 ? &stat->fragment : &stat->stall, now);
}

static __always_inline void stall_shut(__u64 pages)
{
	struct fo_task_state *state = fo_current_state(false);
	__u64 now;

	if (!state || !state->stall_start_ns) {
		fo_count(ends_unpaired);
		return;
	}
	now = bpf_ktime_get_ns();
	fo_stall_close(state, now, pages);
	fo_does(state, FO_READS, now); /* in a fault, most likely */
}

static __always_inline __s32 begin_order(u64 *ctx)
{
	__u64 first = ctx[0], second = ctx[1];

	/* both are loaded before the choice: a chosen offset would be refused */
	barrier_var(first);
	barrier_var(second);
	return fo_begin_has_memcg ? second : first;
}

SEC("tp_btf/mm_vmscan_direct_reclaim_begin")
int fo_direct_begin(u64 *ctx)
{
	fo_count(direct_begins);
	stall_open(FO_SCOPE_NODE, fo_current_memcg(), begin_order(ctx), FO_HOT_DIRECT);
	return 0;
}

SEC("tp_btf/mm_vmscan_direct_reclaim_end")
int fo_direct_end(u64 *ctx)
{
	fo_count(direct_ends);
	stall_shut(ctx[0]);
	return 0;
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_begin")
int fo_limit_begin(u64 *ctx)
{
	__u64 leaf = fo_current_memcg(), scope = fo_limit_scope(leaf), *known;

	fo_count(limit_begins);
	if (scope == FO_SCOPE_NODE) {
		struct fo_task_state *state = fo_current_state(true);

		fo_count(begins_proactive);
		if (state)
			state->proactive = true;
		return 0;
	}
	known = bpf_map_lookup_elem(&fo_limit_of, &leaf);
	if (!known || *known != scope)
		bpf_map_update_elem(&fo_limit_of, &leaf, &scope, BPF_ANY);
	stall_open(scope, leaf, begin_order(ctx), FO_HOT_LIMIT);
	return 0;
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_end")
int fo_limit_end(u64 *ctx)
{
	struct fo_task_state *state = fo_current_state(false);

	fo_count(limit_ends);
	if (state && state->proactive) {
		state->proactive = false;
		return 0;
	}
	stall_shut(ctx[0]);
	return 0;
}

/*
 * v1's soft limit: runs within kswapd or direct reclaim, so it has a clock of
 * its own and is not added to the scope's stall.
 */
SEC("tp_btf/mm_vmscan_memcg_softlimit_reclaim_begin")
int fo_soft_begin(u64 *ctx)
{
	struct fo_task_state *state = fo_current_state(true);
	struct fo_scope_stat *stat = fo_scope_stat(FO_SCOPE_NODE, true);
	__u64 now = bpf_ktime_get_ns();

	fo_count(soft_begins);
	if (!state || !stat) {
		if (state)
			fo_count(scopes_full);
		else
			fo_count(tasks_full);
		return 0;
	}
	if (state->soft_start_ns) {
		fo_count(ends_missed);
		fo_stall_end(&stat->soft, state->soft_start_ns, now, 0);
	}
	state->soft_start_ns = now;
	fo_stall_begin(&stat->soft, now);
	return 0;
}

SEC("tp_btf/mm_vmscan_memcg_softlimit_reclaim_end")
int fo_soft_end(u64 *ctx)
{
	struct fo_task_state *state = fo_current_state(false);
	struct fo_scope_stat *stat = fo_scope_stat(FO_SCOPE_NODE, false);

	fo_count(soft_ends);
	if (!state || !stat || !state->soft_start_ns) {
		fo_count(ends_unpaired);
		return 0;
	}
	fo_stall_end(&stat->soft, state->soft_start_ns, bpf_ktime_get_ns(), ctx[0]);
	state->soft_start_ns = 0;
	return 0;
}

/* Fires after the sleep and within begin..end (5.16): shown, never added to the stall. */
SEC("tp_btf/mm_vmscan_throttled")
int fo_throttled(u64 *ctx)
{
	struct fo_task_state *state = fo_current_state(false);
	struct fo_scope_stat *stat;

	if (!state || !state->stall_start_ns)
		return 0; /* kswapd */
	stat = fo_scope_stat(state->stall_scope, false);
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
