/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * process: what each established process of a hot scope loses, and to which pages. Part of page
 * tracking.
 *
 * The sums of a scope hide a blocked service among busy neighbours. So each process has
 * its own: the time that it waits for IO or reclaims, the time that it runs for itself, and how far
 * away the pages were that it read back. User space deletes what no longer changes.
 */
#ifndef FASTOOM_PROCESS_BPF_H
#define FASTOOM_PROCESS_BPF_H

#include "sums.bpf.h"

/* NULL: it has none of this tracking generation. */
static __always_inline struct fo_process *fo_process_find(__u64 scope, __u32 tgid)
{
	struct fo_process_key key = {.scope = scope, .tgid = tgid};
	struct fo_process *process = bpf_map_lookup_elem(&fo_processes, &key);

	return process && process->generation == fo_tracking_generation ? process : NULL;
}

/* The process of current, which is established. NULL: no room, which is counted. */
static __always_inline struct fo_process *fo_process_make(struct fo_task_state *state,
							  __u64 start_boot_ns)
{
	static const struct fo_process zero;
	struct fo_process_key key = {.scope = state->scope, .tgid = state->tgid};
	struct fo_process *process = bpf_map_lookup_elem(&fo_processes, &key);

	if (process && process->start_boot_ns == start_boot_ns &&
	    process->generation == fo_tracking_generation)
		return process;
	/* new, or what is there is of another tracking generation or process */
	bpf_map_update_elem(&fo_processes, &key, &zero, BPF_ANY);
	process = bpf_map_lookup_elem(&fo_processes, &key);
	if (!process) {
		fo_count(processes_full);
		return NULL;
	}
	process->start_boot_ns = start_boot_ns;
	process->generation = fo_tracking_generation;
	return process;
}

/* The task has run for itself, not for reclaim, until @now. */
static __always_inline void fo_own_end(struct fo_task_state *state, struct fo_process *process,
				       __u64 now)
{
	if (process && state->own_start_ns && now > state->own_start_ns)
		fo_add(process->run_ns, now - state->own_start_ns);
	state->own_start_ns = 0;
}

/* From @now on the task loses its time: it waits for IO, or reclaims. */
static __always_inline void fo_loss_begin(struct fo_task_state *state, __u64 now)
{
	struct fo_process *process;

	if (state->loss_start_ns || state->is_new)
		return;
	process = fo_process_find(state->scope, state->tgid);
	fo_own_end(state, process, now);
	if (!process)
		return;
	state->loss_start_ns = now;
	state->loss_scope = state->scope;
	/* in this order, as in fo_stall_begin() */
	fo_add(process->start_sum_ns, now);
	fo_add(process->nr, 1);
}

/* @now 0: its end was not seen, so how long it took is not known. */
static __always_inline void fo_loss_end(struct fo_task_state *state, __u64 now)
{
	struct fo_process *process;
	__u64 start = state->loss_start_ns;

	if (!start)
		return;
	state->loss_start_ns = 0;
	process = fo_process_find(state->loss_scope, state->tgid);
	if (!process)
		return;
	fo_add(process->nr, -1);
	fo_add(process->start_sum_ns, -start);
	if (now > start)
		fo_add(process->done_ns, now - start);
}

#endif /* FASTOOM_PROCESS_BPF_H */
