// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * memstall: the kernel's own notion of a task that waits for memory, with PSI off or on.
 *
 * psi_memstall_enter() and _leave() mark every such section of kernel code, and are called whether
 * PSI counts or not. They nest; only the outermost counts. Which one that is tells the argument,
 * the place on the stack where the section keeps its flags: the stack grows down, so an enter at a
 * lower address is an inner one, and one at the same or a higher address means that a leave was
 * not seen (a program is skipped while its like runs on the same CPU, 5.12 and newer). Older
 * kernels do not let the argument be read, and skip nothing: there the depth is counted.
 *
 * Kernel threads (kswapd reclaims for everybody) have a sum of their own.
 */
#include "scope.bpf.h"
#include "sums.bpf.h"
#include "task_state.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The cgroup whose limit current last hit, or its own: as its reclaim is attributed. */
static __always_inline __u64 stalled_scope(void)
{
	__u64 leaf, *limited;

	if (fo_current_flags() & PF_KTHREAD)
		return FO_SCOPE_KERNEL;
	leaf = fo_current_memcg();
	limited = bpf_map_lookup_elem(&fo_limit_of, &leaf);
	return limited ? *limited : leaf;
}

SEC("fentry/psi_memstall_enter")
int fo_memstall_enter(u64 *ctx)
{
	struct fo_task_state *state = fo_current_state(true);
	__u64 now = bpf_ktime_get_ns(), at = 0;

	if (!state) {
		fo_count(tasks_full);
		return 0;
	}
	if (fo_have_int_args)
		at = ctx[0];
	else if (state->memstall_depth++)
		return 0;
	if (state->memstall_start_ns) {
		if (at < state->memstall_at)
			return 0;
		fo_count(memstalls_missed);
		fo_memstall_close(state, now);
	}
	state->memstall_scope = stalled_scope();
	state->memstall_at = at;
	state->memstall_start_ns = now;
	fo_memstall_add(state->memstall_scope, 1, now, 0);
	if (state->memstall_scope != FO_SCOPE_KERNEL)
		fo_memstall_add(FO_SCOPE_NODE, 1, now, 0);
	return 0;
}

SEC("fentry/psi_memstall_leave")
int fo_memstall_leave(u64 *ctx)
{
	struct fo_task_state *state = fo_current_state(false);

	if (!state || !state->memstall_start_ns)
		return 0;
	if (fo_have_int_args) {
		if (ctx[0] < state->memstall_at)
			return 0;
	} else if (--state->memstall_depth) {
		return 0;
	}
	fo_memstall_close(state, bpf_ktime_get_ns());
	return 0;
}

/* Contiguous memory is short, not memory: kcompactd's work, and that of tasks, which wait for it.
 */
SEC("tp_btf/mm_compaction_begin")
int fo_compact_begin(u64 *ctx)
{
	struct fo_task_state *state;

	if (fo_current_flags() & PF_KTHREAD)
		return 0;
	state = fo_current_state(true);
	if (state)
		state->compact_start_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/mm_compaction_end")
int fo_compact_end(u64 *ctx)
{
	struct fo_task_state *state = fo_current_state(false);
	struct fo_scope_stat *stat;

	if (!state || !state->compact_start_ns)
		return 0;
	stat = fo_scope_stat(FO_SCOPE_NODE, true);
	if (stat) {
		fo_add(stat->compactions, 1);
		fo_add(stat->compaction_ns, bpf_ktime_get_ns() - state->compact_start_ns);
	} else {
		fo_count(scopes_full);
	}
	state->compact_start_ns = 0;
	return 0;
}
