// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * exit: ends what an exiting task has left open, because a program was skipped: see open.bpf.h.
 */
#include "open.bpf.h"
#include "process.bpf.h"
#include "task_state.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline void state_close(struct fo_task_state *state)
{
	if (!state || state->generation != fo_tracking_generation)
		return;
	if (state->wait_start_ns)
		fo_wait_forget(state);
	fo_loss_end(state, bpf_ktime_get_ns());
}

SEC("tp_btf/sched_process_exit")
int fo_exit(u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	struct fo_open_key key = fo_open_key(0);
	struct fo_open open;

	for (__u32 section = 0; fo_open_count && section < FO_SECTIONS; section++) {
		key.section = section;
		if (!fo_open_take(&key, &open))
			continue;
		fo_count(exits_open);
		fo_open_forget(section, &open);
	}
	if (fo_have_task_storage)
		state_close(bpf_task_storage_get(&fo_tasks, task, 0, 0));
	if (!fo_have_task_storage || fo_counters.tasks_by_pid) {
		state_close(bpf_map_lookup_elem(&fo_tasks_by_pid, &key.pid));
		/* the pid may be another task's at once */
		bpf_map_delete_elem(&fo_tasks_by_pid, &key.pid);
	}
	return 0;
}
