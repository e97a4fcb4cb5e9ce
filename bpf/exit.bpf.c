// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * exit: what a task that exits has left open is closed.
 */
#include "sums.bpf.h"
#include "task_state.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The last chance to close a stall whose end we did not see. */
SEC("tp_btf/sched_process_exit")
int fo_exit(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	struct fo_task_state *state = fo_task_state(task, false);
	__u32 pid = task->pid;

	if (!state)
		return 0;
	if (state->stall_start_ns) {
		fo_count(exits_open);
		fo_stall_close(state, bpf_ktime_get_ns(), 0);
	}
	if (state->memstall_start_ns) {
		fo_count(exits_open);
		fo_memstall_close(state, bpf_ktime_get_ns());
	}
	if (state->wait_start_ns && state->generation == fo_tracking_generation)
		fo_wait_forget(state);
	/* the pid may be another's at once */
	bpf_map_delete_elem(&fo_tasks_by_pid, &pid);
	return 0;
}
