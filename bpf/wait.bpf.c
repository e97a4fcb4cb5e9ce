// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * wait: how long tracked tasks wait for IO, and how long they run. Part of page tracking.
 *
 * State is never created here: the runqueue's lock is held, and an allocation may wake kswapd. A
 * task that reads pages has its state already.
 */
#include "reader.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Not by the state alone: an end that was not seen leaves it behind. */
static __always_inline bool in_reclaim(const struct fo_task_state *state, struct task_struct *task)
{
	return state->in_reclaim &&
	       (!bpf_core_field_exists(task->reclaim_state) || task->reclaim_state);
}

static __always_inline void switched_out(struct task_struct *task, __u64 now)
{
	struct fo_task_state *state = fo_task_state(task, task->pid, false);
	struct fo_wait_stat *stat;
	struct fo_process *process;
	bool waits;

	if (!state || state->generation != fo_tracking_generation)
		return;
	stat = fo_wait_stat(state->scope, fo_stripe());
	if (!stat)
		return;
	waits = BPF_CORE_READ_BITFIELD(task, in_iowait);
	fo_does(state, waits || in_reclaim(state, task) ? FO_LOSES : FO_SLEEPS, now);
	if (state->run_start_ns) {
		fo_add(stat->run_ns, now - state->run_start_ns);
		fo_add_sys(state, task->stime);
		if (!fo_tracking_faults)
			fo_sys_lost(state, stat);
		state->run_start_ns = 0;
	}
	process = state->own_start_ns ? fo_process_find(state->scope, state->tgid) : NULL;
	fo_own_end(state, process, now);
	if (state->wait_start_ns) {
		/* the switch back was not seen, about 3 times a second, always while another
		 * task was in a bpf() call on the same CPU */
		fo_count(waits_missed);
		fo_wait_forget(state);
		if (!in_reclaim(state, task))
			fo_loss_end(state, 0);
	}
	if (!state->is_new && waits) {
		fo_loss_begin(state, now);
		state->wait_start_ns = now;
		state->wait_scope = state->scope;
		state->wait_stripe = fo_stripe();
		fo_stall_begin(&stat->io, now);
	}
}

static __always_inline void switched_in(struct task_struct *task, __u64 now)
{
	struct fo_task_state *state = fo_task_state(task, task->pid, false);
	struct fo_wait_stat *stat;
	bool reclaims;
	__u16 doing;
	__u64 start;

	if (!state || state->generation != fo_tracking_generation)
		return;
	if (state->is_new)
		return;
	doing = state->undecided_ns ? FO_FAULTS : FO_WORKS;
	reclaims = in_reclaim(state, task);
	if (!reclaims) {
		fo_loss_end(state, now);
		state->own_start_ns = now;
	}
	if (reclaims)
		doing = FO_LOSES;
	else if (state->wait_start_ns && fo_tracking_faults)
		doing = FO_RESUMES;
	fo_does(state, doing, now);
	stat = fo_wait_stat(state->scope, fo_stripe());
	if (stat)
		fo_span_end(state, stat, task, now);
	state->run_start_ns = now;
	state->run_start_stime = task->stime;
	start = state->wait_start_ns;
	if (!start)
		return;
	state->wait_start_ns = 0;
	stat = fo_wait_stat(state->wait_scope, state->wait_stripe);
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
