/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * reader: the task that reads pages right now, its hot scope, and the share of refaults within
 * reach among the pages that it read lately.
 *
 * A new process has done no work that could suffer. It reads its own start, and a service that is
 * restarted after its files have left memory would look like a livelock for a second or two. It
 * counts as soon as it is established, which includes one that is stuck at its start.
 */
#ifndef FASTOOM_READER_BPF_H
#define FASTOOM_READER_BPF_H

#include "progress.bpf.h"
#include "scope.bpf.h"
#include "sums.bpf.h"
#include "task_state.bpf.h"

/* The share is over about this many samples. */
#define FO_SAMPLES_KEPT 32

/* A kill comes at most this long after the harm begins (docs/judge-report.md). */
#define FO_ESTABLISHED_NS 3000000000ULL

static __always_inline void fo_count_sample(struct fo_task_state *state)
{
	if (state->samples >= FO_SAMPLES_KEPT) {
		state->samples /= 2;
		state->within_reach /= 2;
	}
	state->samples++;
}

/* A scope is not hot once its mute has expired: it reclaims no more. */
static __always_inline struct fo_hot *fo_hot_now(struct fo_hot *hot)
{
	if (hot && hot->muted_until_ns && hot->muted_until_ns < bpf_ktime_get_ns())
		return NULL;
	return hot;
}

struct fo_reader {
	__u64 scope;
	struct fo_hot *hot;
	struct fo_task_state *state;
	struct fo_wait_stat *stat;
	struct fo_process *process; /* NULL: a new process, or there was no room */
};

/* False: current is in no hot scope, or there is no room, which is counted. */
static __always_inline bool fo_find_reader(struct fo_reader *ret)
{
	__u64 leaf = fo_current_memcg(), scope = FO_SCOPE_NODE, *limited, start_boot_ns;
	struct fo_task_state *state;
	struct fo_wait_stat *stat;
	struct fo_hot *hot = NULL;

	limited = bpf_map_lookup_elem(&fo_limit_of, &leaf);
	if (limited) {
		scope = *limited;
		hot = fo_hot_now(bpf_map_lookup_elem(&fo_hot, &scope));
	}
	/* a cgroup whose limit is not hit now is part of the node */
	if (!hot && fo_tracking_node) {
		scope = FO_SCOPE_NODE;
		hot = fo_hot_now(bpf_map_lookup_elem(&fo_hot, &scope));
	}
	if (!hot)
		return false;

	state = fo_current_state(true);
	stat = fo_wait_stat(scope, fo_stripe());
	if (!state || !stat) {
		fo_count(waits_full);
		return false;
	}
	if (state->generation != fo_tracking_generation) {
		state->generation = fo_tracking_generation;
		state->samples = 0;
		state->within_reach = 0;
		state->wait_start_ns = 0;
		state->fault_sys_ns = 0;
		state->run_start_ns = 0; /* counted from its next turn on a CPU */
		state->span_start_ns = 0;
		state->own_start_ns = 0;
		state->loss_start_ns = 0;
		state->in_reclaim = false;
		state->known = 0;
	}
	state->scope = scope;
	state->tgid = bpf_get_current_pid_tgid() >> 32;
	start_boot_ns = fo_current_process_start_boot_ns();
	state->is_new = bpf_ktime_get_boot_ns() - start_boot_ns < FO_ESTABLISHED_NS;
	if (state->is_new)
		state->known = 1;
	if (!state->is_new && !state->span_start_ns)
		fo_progress_begin(state);
	ret->scope = scope;
	ret->hot = hot;
	ret->state = state;
	ret->stat = stat;
	ret->process = state->is_new ? NULL : fo_process_make(state, start_boot_ns);
	return true;
}

/* Emulated processors take this long for one fault; real ones a millisecond. */
#define FO_FAULT_SYS_MOST_NS 100000000ULL

/*
 * On a fast disk most of what a refault costs is kernel time, and whose it was is known when the
 * fault ends. read() has no such end: copying costs as much for a page in the cache, and a reader
 * that meets pages again that a burst had taken would look like a livelock.
 */
static __always_inline void fo_add_sys(struct fo_task_state *state, __u64 stime)
{
	if (state->run_start_ns)
		state->fault_sys_ns += stime - state->run_start_stime;
	state->run_start_stime = stime;
}

static __always_inline void fo_sys_lost(struct fo_task_state *state, struct fo_wait_stat *stat)
{
	struct fo_process *process;
	__u64 lost = state->fault_sys_ns;

	if (lost > FO_FAULT_SYS_MOST_NS)
		lost = FO_FAULT_SYS_MOST_NS;
	if (state->samples)
		fo_add(stat->refault_sys_ns, lost * state->within_reach / state->samples);
	process = lost ? fo_process_find(state->scope, state->tgid) : NULL;
	if (process)
		fo_add(process->fault_sys_ns, lost);
	state->fault_sys_ns = 0;
}

#endif /* FASTOOM_READER_BPF_H */
