/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * task_state: where the state of a tracked task is kept.
 *
 * With its task, where the kernel can. Creating it there allocates memory, which fails when a node
 * has none, and up to 6.1 it fails while another access runs on the same CPU, as a lookup does
 * (6.2, e8b02296a6b8). Then, and on older kernels, the state is in a preallocated table. A task
 * that is in the table stays there until it exits, so it never has two states in use.
 */
#ifndef FASTOOM_TASK_STATE_BPF_H
#define FASTOOM_TASK_STATE_BPF_H

#include "maps.bpf.h"

/*
 * @task: NULL on kernels without task storage. It is not compared with NULL here: up to 6.1 the
 * verifier then follows a NULL into bpf_task_storage_get() and refuses the program.
 */
static __always_inline struct fo_task_state *fo_task_state(struct task_struct *task, __u32 pid,
							   bool create)
{
	struct fo_task_state zero = {}, *state;

	if (!fo_have_task_storage || fo_counters.tasks_by_pid) {
		state = bpf_map_lookup_elem(&fo_tasks_by_pid, &pid);
		if (state)
			return state;
	}
	if (fo_have_task_storage) {
		state = bpf_task_storage_get(&fo_tasks, task, 0,
					     create ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
		if (state || !create)
			return state;
		fo_count(tasks_by_pid);
	}
	if (!create)
		return NULL;
	bpf_map_update_elem(&fo_tasks_by_pid, &pid, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&fo_tasks_by_pid, &pid);
}

static __always_inline struct fo_task_state *fo_current_state(bool create)
{
	return fo_task_state(fo_have_task_storage ? bpf_get_current_task_btf() : NULL,
			     (__u32)bpf_get_current_pid_tgid(), create);
}

#endif /* FASTOOM_TASK_STATE_BPF_H */
