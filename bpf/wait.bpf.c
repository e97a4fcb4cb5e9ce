// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * wait: a task's waits for IO, and its time on a CPU. Part of the wide eyes.
 */
#include "reader.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * Storage is never created here: the runqueue's lock is held, and an allocation
 * may want to wake kswapd. A task that reads pages in has it already.
 */
static __always_inline void switched_out(struct task_struct *task, __u64 now)
{
	struct fo_task_state *state = fo_task_state(task, false);
	struct fo_wait_stat *stat;

	if (!state || state->generation != fo_tracking_generation)
		return;
	stat = fo_wait_stat(state->scope, false);
	if (!stat)
		return;
	fo_does(state,
		state->stall_start_ns || BPF_CORE_READ_BITFIELD(task, in_iowait) ? FO_LOSES
										 : FO_RESTS,
		now);
	if (state->run_start_ns) {
		fo_add(stat->run_ns, now - state->run_start_ns);
		worked(state, task->stime);
		if (!fo_tracking_faults)
			sys_lost(state, stat);
		state->run_start_ns = 0;
	}
	if (state->wait_start_ns) {
		/*
		 * We did not see it come back: seen here 3 times a second, always while
		 * another task was in a bpf() call on the same CPU. What it lost then is
		 * not known and not counted, but the wait must not stay open.
		 */
		fo_count(waits_missed);
		fo_wait_forget(state);
	}
	if (!state->is_new && BPF_CORE_READ_BITFIELD(task, in_iowait)) {
		state->wait_start_ns = now;
		state->wait_scope = state->scope;
		fo_stall_begin(&stat->io, now);
	}
}

static __always_inline void switched_in(struct task_struct *task, __u64 now)
{
	struct fo_task_state *state = fo_task_state(task, false);
	struct fo_wait_stat *stat;
	__u16 doing;
	__u64 start;

	if (!state || state->generation != fo_tracking_generation)
		return;
	if (state->is_new)
		return;
	doing = state->undecided_ns ? FO_READS : FO_WORKS;
	if (state->stall_start_ns)
		doing = FO_LOSES;
	else if (state->wait_start_ns && fo_tracking_faults)
		doing = FO_RETURNS;
	fo_does(state, doing, now);
	stat = fo_wait_stat(state->scope, false);
	if (stat)
		span_end(state, stat, task, now);
	state->run_start_ns = now;
	state->run_start_stime = task->stime;
	start = state->wait_start_ns;
	if (!start)
		return;
	state->wait_start_ns = 0;
	stat = fo_wait_stat(state->wait_scope, false);
	if (!stat)
		return;
	fo_stall_end(&stat->io, start, now, 0);
	if (state->samples)
		fo_add(stat->refault_ns, (now - start) * state->within_reach / state->samples);
}

SEC("tp_btf/sched_switch")
int fo_switch(u64 *ctx)
{
	__u64 now = bpf_ktime_get_ns();

	switched_out((struct task_struct *)ctx[1], now);
	switched_in((struct task_struct *)ctx[2], now);
	return 0;
}
