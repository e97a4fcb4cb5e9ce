// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * fault: where a page fault begins, and what a major one has cost. Part of the wide eyes.
 */
#include "reader.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * A fault begins. What it is tells what comes next: one that waits, reclaims or ends as a major one
 * has cost all the time from here on; after a minor one the task goes on with its work, and what it
 * took is so little that it may pass for that.
 */
SEC("tp_btf/page_fault_user")
int fo_fault_begin(u64 *ctx)
{
	struct fo_task_state *state = fo_current_state(false);

	if (state && state->span_start_ns && state->generation == fo_tracking_generation)
		fo_does(state, FO_READS, bpf_ktime_get_ns());
	return 0;
}

/*
 * A major fault that read nothing into the page cache came from swap: memory that was in use, and
 * that a kill would have kept. What its task waits and works for is apportioned like refaults of
 * files. A software event on every CPU, since the functions of swapping cannot be attached to
 * everywhere, and zram waits for nothing that a tracepoint sees.
 */
SEC("perf_event")
int fo_major_fault(void *ctx)
{
	struct reader reader;

	if (!find_reader(&reader))
		return 0;
	if (reader.state->read_in) {
		reader.state->read_in = 0;
	} else {
		fo_add(reader.stat->swapins, 1);
		if (!reader.state->is_new) {
			count_sample(reader.state);
			reader.state->within_reach++;
		}
	}
	faulted(reader.state);
	worked(reader.state, fo_current_stime());
	sys_lost(reader.state, reader.stat);
	return 0;
}
