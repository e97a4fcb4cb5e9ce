// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * fault: the begin of page faults and the end of major ones. Part of page tracking.
 */
#include "reader.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * What follows tells the kind of fault. One that waits, reclaims or ends as a major one has cost
 * all the time from here on; after a minor one, which costs little, the task goes on working.
 */
SEC("tp_btf/page_fault_user")
int fo_fault_begin(u64 *ctx)
{
	struct fo_task_state *state = fo_current_state(false);

	if (state && state->span_start_ns && state->generation == fo_tracking_generation)
		fo_does(state, FO_FAULTS, bpf_ktime_get_ns());
	return 0;
}

/*
 * A major fault that read no page into the page cache came from swap, and a kill would have
 * avoided it. A software event on every CPU: the swap functions cannot be attached to on every
 * kernel, and zram waits for nothing that a tracepoint reports.
 */
SEC("perf_event")
int fo_major_fault(void *ctx)
{
	struct fo_reader reader;

	if (!fo_find_reader(&reader))
		return 0;
	if (reader.state->read_in) {
		reader.state->read_in = 0;
	} else {
		fo_add(reader.stat->swapins, 1);
		if (reader.process)
			fo_add(reader.process->swapins, 1);
		if (!reader.state->is_new) {
			fo_count_sample(reader.state);
			reader.state->within_reach++;
		}
	}
	fo_faulted(reader.state);
	fo_add_sys(reader.state, fo_current_stime());
	fo_sys_lost(reader.state, reader.stat);
	return 0;
}
