/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * task_state: where the state of a task is kept.
 */
#ifndef FASTOOM_TASK_STATE_BPF_H
#define FASTOOM_TASK_STATE_BPF_H

#include "maps.bpf.h"

/*
 * With its task, where the kernel can; making it there needs memory, and fails just when a node has
 * none (seen: 158 of 2000 reclaims). Then, and on older kernels, in a table that is there already.
 */
static __always_inline struct fo_task_state *fo_task_state(struct task_struct *task, bool create)
{
	struct fo_task_state zero = {}, *state;
	__u32 pid;

	if (fo_have_task_storage) {
		state = bpf_task_storage_get(&fo_tasks, task, 0, 0);
		if (state)
			return state;
	}
	pid = task ? task->pid : (__u32)bpf_get_current_pid_tgid();
	state = bpf_map_lookup_elem(&fo_tasks_by_pid, &pid);
	if (state || !create)
		return state;
	if (fo_have_task_storage) {
		state = bpf_task_storage_get(&fo_tasks, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (state)
			return state;
		fo_count(tasks_by_pid);
	}
	bpf_map_update_elem(&fo_tasks_by_pid, &pid, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&fo_tasks_by_pid, &pid);
}

static __always_inline struct fo_task_state *fo_current_state(bool create)
{
	return fo_task_state(fo_have_task_storage ? bpf_get_current_task_btf() : NULL, create);
}

#endif /* FASTOOM_TASK_STATE_BPF_H */
