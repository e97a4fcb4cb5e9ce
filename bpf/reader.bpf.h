/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * reader: the task that reads pages back right now, for which hot scope, and what that costs it.
 *
 * A process that has only just begun has no work yet that could suffer: what it reads back is its
 * own start, and a service that is restarted where its files have just left memory would look like
 * a livelock for a second or two. It counts once it is older; one that is stuck at its start will
 * be.
 */
#ifndef FASTOOM_READER_BPF_H
#define FASTOOM_READER_BPF_H

#include "progress.bpf.h"
#include "scope.bpf.h"
#include "sums.bpf.h"
#include "task_state.bpf.h"

/* A task's ratio of near refaults is over about its last 32 samples. */
#define FO_SAMPLES_KEPT 32

/*
 * As long as a start may take before people call it a hang, and as nobody may be killed later than
 * that (three seconds after the harm began, docs/judge-report.md).
 */
#define FO_ESTABLISHED_NS 3000000000ULL

static __always_inline void count_sample(struct fo_task_state *state)
{
	if (state->samples >= FO_SAMPLES_KEPT) {
		state->samples /= 2;
		state->within_reach /= 2;
	}
	state->samples++;
}

/* A muted scope whose time is over reclaims no more. */
static __always_inline struct fo_hot *live(struct fo_hot *hot)
{
	if (hot && hot->muted_until_ns && hot->muted_until_ns < bpf_ktime_get_ns())
		return NULL;
	return hot;
}

/* Who reads something back right now, and for which hot scope. */
struct reader {
	__u64 scope;
	struct fo_hot *hot;
	struct fo_task_state *state;
	struct fo_wait_stat *stat;
};

/* False: current is in no hot scope, or there is no room, which is counted. */
static __always_inline bool find_reader(struct reader *ret)
{
	__u64 leaf = fo_current_memcg(), scope = FO_SCOPE_NODE, *limited;
	struct fo_task_state *state;
	struct fo_wait_stat *stat;
	struct fo_hot *hot = NULL;

	limited = bpf_map_lookup_elem(&fo_limit_of, &leaf);
	if (limited) {
		scope = *limited;
		hot = live(bpf_map_lookup_elem(&fo_hot, &scope));
	}
	/* its limit was hit once, but not now: then it is one of the node's */
	if (!hot && fo_tracking_node) {
		scope = FO_SCOPE_NODE;
		hot = live(bpf_map_lookup_elem(&fo_hot, &scope));
	}
	if (!hot)
		return false;

	state = fo_current_state(true);
	stat = fo_wait_stat(scope, true);
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
		state->known = 0;
	}
	state->scope = scope;
	state->is_new = fo_current_age_ns() < FO_ESTABLISHED_NS;
	if (state->is_new)
		state->known = 1;
	if (!state->is_new && !state->span_start_ns)
		follow(state);
	ret->scope = scope;
	ret->hot = hot;
	ret->state = state;
	ret->stat = stat;
	return true;
}

/*
 * On a fast disk most of what a refault costs is the kernel's own work, and what work that was is
 * known when the fault is over. read() has none: it costs copying, for a page in the cache too, and
 * a reader that met pages again that a burst had taken would seem to thrash.
 */
/* Emulated processors take that long for one; real ones a millisecond. */
#define FO_FAULT_SYS_MOST_NS 100000000ULL

static __always_inline void worked(struct fo_task_state *state, __u64 stime)
{
	if (state->run_start_ns)
		state->fault_sys_ns += stime - state->run_start_stime;
	state->run_start_stime = stime;
}

static __always_inline void sys_lost(struct fo_task_state *state, struct fo_wait_stat *stat)
{
	__u64 lost = state->fault_sys_ns;

	if (lost > FO_FAULT_SYS_MOST_NS)
		lost = FO_FAULT_SYS_MOST_NS;
	if (state->samples)
		fo_add(stat->refault_sys_ns, lost * state->within_reach / state->samples);
	state->fault_sys_ns = 0;
}

#endif /* FASTOOM_READER_BPF_H */
